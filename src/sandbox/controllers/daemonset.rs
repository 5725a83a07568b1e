//! Owns the `DaemonSet` controller: one pod on every node.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{create, events, key_of, owned, pod_of, revisions, update};
use crate::sandbox::defaults;
use crate::sandbox::delete;
use crate::sandbox::state::{Job, State};
use crate::sandbox::workload::{
    available, number, ready, ready_for, set_count, share, terminating, text,
};

const COMPONENT: &str = "daemonset-controller";

/// Brings one `DaemonSet` closer to what it wants.
pub(super) fn sync(state: &mut State, set: &Arc<Value>) {
    if terminating(set) {
        return;
    }
    let hash = revisions::current(state, set);
    let seconds = u64::try_from(number(set, "/spec/minReadySeconds")).unwrap_or(0);
    let nodes: Vec<String> =
        (1..=state.options.nodes).map(|index| format!("sandbox-node-{index}")).collect();
    let pods = owned(state, "pods", set);
    for node in &nodes {
        if !pods.iter().any(|pod| text(pod, "/spec/nodeName") == node) {
            make_pod(state, set, node, &hash);
        }
    }
    if set["spec"]["updateStrategy"]["type"] != "OnDelete" {
        let total = i64::try_from(nodes.len()).unwrap_or(0);
        let allowed =
            share(&set["spec"]["updateStrategy"]["rollingUpdate"]["maxUnavailable"], total, true)
                .max(1);
        roll(state, set, &hash, seconds, allowed);
    }
    publish(state, set, &hash, seconds, nodes.len());
}

fn is_of(pod: &Value, hash: &str) -> bool {
    pod["metadata"]["labels"][revisions::LABEL] == hash
}

/// Ends as many old pods as may be away at once; those that do not work first.
fn roll(state: &mut State, set: &Arc<Value>, hash: &str, seconds: u64, allowed: i64) {
    let mut pods = owned(state, "pods", set);
    pods.sort_by_key(|pod| available(pod, seconds));
    let mut away = i64::try_from(
        pods.iter().filter(|pod| !available(pod, seconds) || terminating(pod)).count(),
    )
    .unwrap_or(i64::MAX);
    for pod in pods.iter().filter(|pod| !is_of(pod, hash) && !terminating(pod)) {
        let working = available(pod, seconds);
        if working && away >= allowed {
            break;
        }
        away += i64::from(working);
        delete::terminate(state, &key_of("pods", pod), pod);
        let message = format!("Deleted pod: {}", text(pod, "/metadata/name"));
        events::report(state, COMPONENT, set, "Normal", "SuccessfulDelete", &message);
    }
}

fn make_pod(state: &mut State, set: &Arc<Value>, node: &str, hash: &str) {
    let mut pod =
        pod_of(&set["spec"]["template"], set, &format!("{}-", text(set, "/metadata/name")));
    pod["metadata"]["labels"][revisions::LABEL] = hash.into();
    pod["metadata"]["labels"]["pod-template-generation"] =
        set["metadata"]["annotations"][defaults::TEMPLATE_GENERATION].clone();
    pod["spec"]["nodeName"] = node.into();
    match create(state, "pods", text(set, "/metadata/namespace"), pod) {
        Ok(pod) => {
            let message = format!("Created pod: {}", text(&pod, "/metadata/name"));
            events::report(state, COMPONENT, set, "Normal", "SuccessfulCreate", &message);
        }
        Err(refusal) => {
            let message = format!("Error creating: {}", text(&refusal.body, "/message"));
            events::report(state, COMPONENT, set, "Warning", "FailedCreate", &message);
        }
    }
}

fn publish(state: &mut State, set: &Arc<Value>, hash: &str, seconds: u64, nodes: usize) {
    let Some(stored) = state.store.get(&key_of("daemonsets", set)) else {
        return;
    };
    let mut pods = owned(state, "pods", set);
    pods.retain(|pod| !terminating(pod));
    let count = |test: &dyn Fn(&Value) -> bool| {
        i64::try_from(pods.iter().filter(|pod| test(pod)).count()).unwrap_or(0)
    };
    let wanted = i64::try_from(nodes).unwrap_or(0);
    let usable = count(&|pod| available(pod, seconds));
    let mut status = json!({
        "currentNumberScheduled": count(&|_| true), "numberMisscheduled": 0, "desiredNumberScheduled": wanted,
        "numberReady": count(&|pod| ready(pod)), "observedGeneration": set["metadata"]["generation"],
    });
    set_count(&mut status, "updatedNumberScheduled", count(&|pod| is_of(pod, hash)));
    set_count(&mut status, "numberAvailable", usable);
    set_count(&mut status, "numberUnavailable", wanted - usable);
    for pod in pods.iter().filter(|pod| ready(pod) && !available(pod, seconds)) {
        let left = seconds.saturating_sub(ready_for(pod)).max(1);
        state.after(Duration::from_secs(left), Job::Look);
    }
    let mut after = (*stored).clone();
    after["status"] = status;
    update(state, "daemonsets", after, "status");
}

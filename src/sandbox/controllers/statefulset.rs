//! Owns the `StatefulSet` controller: numbered pods, one after the other.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{create, events, key_of, owned, pod_of, revisions, update};
use crate::sandbox::delete;
use crate::sandbox::state::{Job, State};
use crate::sandbox::workload::{available, number, ready, ready_for, set_count, terminating, text};

const COMPONENT: &str = "statefulset-controller";

/// Brings one `StatefulSet` closer to what it wants.
pub(super) fn sync(state: &mut State, set: &Arc<Value>) {
    if terminating(set) {
        return;
    }
    let hash = revisions::current(state, set);
    let name = text(set, "/metadata/name");
    let update_revision = format!("{name}-{hash}");
    let old = text(set, "/status/currentRevision");
    let current_revision = if old.is_empty() { update_revision.clone() } else { old.to_owned() };
    step(state, set, &update_revision, &current_revision);
    publish(state, set, &update_revision, &current_revision);
}

fn ordinal(pod: &Value) -> i64 {
    text(pod, "/metadata/name").rsplit('-').next().and_then(|text| text.parse().ok()).unwrap_or(-1)
}

fn is_of(pod: &Value, revision: &str) -> bool {
    pod["metadata"]["labels"][revisions::LABEL] == revision
}

fn min_ready(set: &Value) -> u64 {
    u64::try_from(number(set, "/spec/minReadySeconds")).unwrap_or(0)
}

/// Does what may be done now: with ordered pods that is one thing at a time.
fn step(state: &mut State, set: &Arc<Value>, update_revision: &str, current_revision: &str) {
    let wanted = number(set, "/spec/replicas");
    let parallel = set["spec"]["podManagementPolicy"] == "Parallel";
    let partition = number(set, "/spec/updateStrategy/rollingUpdate/partition");
    let mut pods = owned(state, "pods", set);
    pods.sort_by_key(|pod| ordinal(pod));
    for index in 0..wanted {
        match pods.iter().find(|pod| ordinal(pod) == index) {
            None => {
                let revision = if index < partition { current_revision } else { update_revision };
                make_pod(state, set, index, revision, index < partition);
                if !parallel {
                    return;
                }
            }
            // Ordered pods wait for each other, and for a broken one of an older template for ever:
            // somebody has to delete it (the API's documentation calls that a forced rollback).
            Some(pod) if !parallel && (terminating(pod) || !available(pod, min_ready(set))) => {
                return;
            }
            Some(_) => {}
        }
    }
    for pod in pods.iter().rev().filter(|pod| ordinal(pod) >= wanted) {
        remove_pod(state, set, pod);
        if !parallel {
            return;
        }
    }
    if set["spec"]["updateStrategy"]["type"] == "OnDelete" {
        return;
    }
    for pod in pods.iter().rev().filter(|pod| ordinal(pod) < wanted && ordinal(pod) >= partition) {
        if !is_of(pod, update_revision) {
            remove_pod(state, set, pod);
            return;
        }
        if terminating(pod) || !available(pod, min_ready(set)) {
            return;
        }
    }
}

fn make_pod(state: &mut State, set: &Arc<Value>, index: i64, revision: &str, old: bool) {
    let namespace = text(set, "/metadata/namespace").to_owned();
    let title = format!("{}-{index}", text(set, "/metadata/name"));
    let known = owned(state, "controllerrevisions", set);
    let stored = known.iter().find(|found| old && text(found, "/metadata/name") == revision);
    let template =
        stored.map_or(&set["spec"]["template"], |stored| &stored["data"]["spec"]["template"]);
    let mut pod = pod_of(template, set, "");
    if let Some(map) = pod["metadata"].as_object_mut() {
        map.shift_remove("generateName");
    }
    pod["metadata"]["name"] = title.as_str().into();
    pod["metadata"]["labels"][revisions::LABEL] = revision.into();
    pod["metadata"]["labels"]["statefulset.kubernetes.io/pod-name"] = title.as_str().into();
    pod["metadata"]["labels"]["apps.kubernetes.io/pod-index"] = index.to_string().into();
    pod["spec"]["hostname"] = title.as_str().into();
    if !text(set, "/spec/serviceName").is_empty() {
        pod["spec"]["subdomain"] = set["spec"]["serviceName"].clone();
    }
    let name = text(set, "/metadata/name");
    match create(state, "pods", &namespace, pod) {
        Ok(_) => {
            let message = format!("create Pod {title} in StatefulSet {name} successful");
            events::report(state, COMPONENT, set, "Normal", "SuccessfulCreate", &message);
        }
        Err(refusal) => {
            let why = text(&refusal.body, "/message");
            let message = format!("create Pod {title} in StatefulSet {name} failed error: {why}");
            events::report(state, COMPONENT, set, "Warning", "FailedCreate", &message);
        }
    }
}

fn remove_pod(state: &mut State, set: &Arc<Value>, pod: &Arc<Value>) {
    if terminating(pod) {
        return;
    }
    delete::terminate(state, &key_of("pods", pod), pod);
    let (title, name) = (text(pod, "/metadata/name"), text(set, "/metadata/name"));
    let message = format!("delete Pod {title} in StatefulSet {name} successful");
    events::report(state, COMPONENT, set, "Normal", "SuccessfulDelete", &message);
}

fn publish(state: &mut State, set: &Arc<Value>, update_revision: &str, current_revision: &str) {
    let Some(stored) = state.store.get(&key_of("statefulsets", set)) else {
        return;
    };
    let mut pods = owned(state, "pods", set);
    pods.retain(|pod| !terminating(pod));
    let count = |test: &dyn Fn(&Value) -> bool| {
        i64::try_from(pods.iter().filter(|pod| test(pod)).count()).unwrap_or(0)
    };
    let wanted = number(set, "/spec/replicas");
    let all = count(&|_| true);
    let updated = count(&|pod| is_of(pod, update_revision));
    let seconds = min_ready(set);
    let usable = count(&|pod| available(pod, seconds));
    let finished = updated == wanted && all == wanted && count(&|pod| ready(pod)) == wanted;
    let current_revision = if finished { update_revision } else { current_revision };
    let mut status = json!({"observedGeneration": set["metadata"]["generation"], "replicas": all});
    set_count(&mut status, "readyReplicas", count(&|pod| ready(pod)));
    set_count(&mut status, "currentReplicas", count(&|pod| is_of(pod, current_revision)));
    set_count(&mut status, "updatedReplicas", updated);
    status["currentRevision"] = current_revision.into();
    status["updateRevision"] = update_revision.into();
    status["collisionCount"] = 0.into();
    status["availableReplicas"] = usable.into();
    for pod in pods.iter().filter(|pod| ready(pod) && !available(pod, seconds)) {
        let left = seconds.saturating_sub(ready_for(pod)).max(1);
        state.after(Duration::from_secs(left), Job::Look);
    }
    let mut after = (*stored).clone();
    after["status"] = status;
    update(state, "statefulsets", after, "status");
}

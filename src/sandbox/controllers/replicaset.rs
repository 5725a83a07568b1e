//! Owns the `ReplicaSet` controller: as many pods as are wanted, no more and no less.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{create, events, key_of, owned, pod_of, update};
use crate::sandbox::clock;
use crate::sandbox::delete;
use crate::sandbox::state::{Job, State};
use crate::sandbox::workload::{available, number, ready, ready_for, set_count, terminating, text};

const COMPONENT: &str = "replicaset-controller";

/// Brings one `ReplicaSet` closer to what it wants.
pub(super) fn sync(state: &mut State, set: &Arc<Value>) {
    if terminating(set) || is_at_rest(state, set) {
        return;
    }
    let mut active = active(state, set);
    let wanted = usize::try_from(number(set, "/spec/replicas")).unwrap_or(0);
    let mut failure = None;
    if active.len() < wanted {
        for _ in active.len()..wanted {
            if let Err(refusal) = make_pod(state, set) {
                failure = Some(refusal);
                break;
            }
        }
    } else if active.len() > wanted {
        // Those that are of least use go first: not ready, then the youngest.
        active.sort_by_key(|pod| {
            (ready(pod), std::cmp::Reverse(text(pod, "/metadata/uid").to_owned()))
        });
        for pod in &active[..active.len() - wanted] {
            delete::terminate(state, &key_of("pods", pod), pod);
            let message = format!("Deleted pod: {}", text(pod, "/metadata/name"));
            events::report(state, COMPONENT, set, "Normal", "SuccessfulDelete", &message);
        }
    }
    publish(state, set, failure);
}

/// An old revision that has no pods, wants none, and says so: most `ReplicaSets` are that most of the time.
fn is_at_rest(state: &State, set: &Value) -> bool {
    let counts = ["/spec/replicas", "/status/replicas", "/status/terminatingReplicas"];
    counts.iter().all(|count| number(set, count) == 0)
        && set["status"]["observedGeneration"] == set["metadata"]["generation"]
        && set["status"]["conditions"].is_null()
        && !super::owns(state, "pods", set)
}

fn active(state: &State, set: &Value) -> Vec<Arc<Value>> {
    let mut pods = owned(state, "pods", set);
    pods.retain(|pod| {
        !terminating(pod) && !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed")
    });
    pods
}

fn make_pod(state: &mut State, set: &Value) -> Result<(), String> {
    let pod = pod_of(&set["spec"]["template"], set, &format!("{}-", text(set, "/metadata/name")));
    match create(state, "pods", text(set, "/metadata/namespace"), pod) {
        Ok(pod) => {
            let message = format!("Created pod: {}", text(&pod, "/metadata/name"));
            events::report(state, COMPONENT, set, "Normal", "SuccessfulCreate", &message);
            Ok(())
        }
        Err(refusal) => {
            let why = text(&refusal.body, "/message").to_owned();
            // The controller tries again at every change; only the first refusal of a kind is news.
            let known = set["status"]["conditions"][0]["message"].as_str().unwrap_or_default();
            let after_name = |text: &str| text.split_once(" is ").map(|(_, rest)| rest.to_owned());
            if after_name(known) == after_name(&why) {
                return Err(known.to_owned());
            }
            events::report(
                state,
                COMPONENT,
                set,
                "Warning",
                "FailedCreate",
                &format!("Error creating: {why}"),
            );
            Err(why)
        }
    }
}

fn publish(state: &mut State, set: &Arc<Value>, failure: Option<String>) {
    let Some(current) = state.store.get(&key_of("replicasets", set)) else {
        return;
    };
    let pods = active(state, set);
    let min_ready = u64::try_from(number(set, "/spec/minReadySeconds")).unwrap_or(0);
    let all = i64::try_from(pods.len()).unwrap_or(0);
    let count = |test: &dyn Fn(&Value) -> bool| {
        i64::try_from(pods.iter().filter(|pod| test(pod)).count()).unwrap_or(0)
    };
    let leaving = owned(state, "pods", set).iter().filter(|pod| terminating(pod)).count();
    let mut status = json!({"replicas": all});
    set_count(&mut status, "fullyLabeledReplicas", all);
    set_count(&mut status, "readyReplicas", count(&|pod| ready(pod)));
    set_count(&mut status, "availableReplicas", count(&|pod| available(pod, min_ready)));
    status["terminatingReplicas"] = leaving.into();
    status["observedGeneration"] = set["metadata"]["generation"].clone();
    if let Some(message) = failure {
        let old = &current["status"]["conditions"][0];
        let since = old["lastTransitionTime"].as_str().map_or_else(clock::now, str::to_owned);
        status["conditions"] = json!([{
            "type": "ReplicaFailure", "status": "True", "lastTransitionTime": since,
            "reason": "FailedCreate", "message": message,
        }]);
    }
    for pod in pods.iter().filter(|pod| ready(pod) && !available(pod, min_ready)) {
        let left = min_ready.saturating_sub(ready_for(pod)).max(1);
        state.after(Duration::from_secs(left), Job::Look);
    }
    let mut after = (*current).clone();
    after["status"] = status;
    update(state, "replicasets", after, "status");
}

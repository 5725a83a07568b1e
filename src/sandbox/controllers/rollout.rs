//! Owns the status of a Deployment: its counts and its conditions Available, Progressing and `ReplicaFailure`.

use std::time::Duration;

use serde_json::{Value, json};

use crate::sandbox::clock;
use crate::sandbox::workload::{number, set_count, text};

const COMPLETE: &str = "NewReplicaSetAvailable";
const TIMED_OUT: &str = "ProgressDeadlineExceeded";

/// What the `ReplicaSets` of a Deployment add up to.
pub(super) struct Progress {
    pub(super) replicas: i64,
    pub(super) updated: i64,
    pub(super) ready: i64,
    pub(super) available: i64,
    pub(super) terminating: i64,
    /// Pods that the `ReplicaSets` are told to have.
    pub(super) specified: i64,
    /// Pods that must be available.
    pub(super) least: i64,
    pub(super) newest: Option<String>,
    pub(super) failure: Option<Value>,
    pub(super) paused: bool,
}

/// The Deployment with its present status, and when to look again though nothing happens.
pub(super) fn status(deployment: &Value, progress: &Progress) -> (Value, Option<Duration>) {
    let old = &deployment["status"];
    let wanted = number(deployment, "/spec/replicas");
    let mut status = json!({"observedGeneration": deployment["metadata"]["generation"]});
    set_count(&mut status, "replicas", progress.replicas);
    set_count(&mut status, "updatedReplicas", progress.updated);
    set_count(&mut status, "readyReplicas", progress.ready);
    set_count(&mut status, "availableReplicas", progress.available);
    set_count(&mut status, "unavailableReplicas", (progress.specified - progress.available).max(0));
    status["terminatingReplicas"] = progress.terminating.into();
    let mut conditions = Conditions(old["conditions"].as_array().cloned().unwrap_or_default());
    if progress.available >= progress.least {
        conditions.set(
            "Available",
            "True",
            "MinimumReplicasAvailable",
            "Deployment has minimum availability.",
        );
    } else {
        let message = "Deployment does not have minimum availability.";
        conditions.set("Available", "False", "MinimumReplicasUnavailable", message);
    }
    let complete =
        progress.updated == wanted && progress.replicas == wanted && progress.available == wanted;
    let again = progressing(deployment, progress, complete, &mut conditions);
    match &progress.failure {
        Some(failure) => {
            conditions.set("ReplicaFailure", "True", "FailedCreate", text(failure, "/message"));
        }
        None => conditions.0.retain(|condition| condition["type"] != "ReplicaFailure"),
    }
    status["conditions"] = conditions.0.into();
    let mut after = deployment.clone();
    after["status"] = status;
    (after, again)
}

fn progressing(
    deployment: &Value,
    progress: &Progress,
    complete: bool,
    conditions: &mut Conditions,
) -> Option<Duration> {
    let deadline = deployment["spec"]["progressDeadlineSeconds"].as_u64()?;
    let current = conditions.get("Progressing").cloned();
    let reason =
        current.as_ref().map(|condition| text(condition, "/reason").to_owned()).unwrap_or_default();
    let old = |field: &str| number(deployment, &format!("/status/{field}"));
    if progress.paused || (reason == COMPLETE && progress.replicas == progress.updated) {
        return None;
    }
    let name = text(deployment, "/metadata/name");
    let subject = match &progress.newest {
        Some(set) => format!("ReplicaSet \"{set}\""),
        None => format!("Deployment \"{name}\""),
    };
    let moved = progress.updated > old("updatedReplicas")
        || progress.replicas - progress.updated < old("replicas") - old("updatedReplicas")
        || progress.ready > old("readyReplicas")
        || progress.available > old("availableReplicas");
    if complete {
        conditions.set(
            "Progressing",
            "True",
            COMPLETE,
            &format!("{subject} has successfully progressed."),
        );
        return None;
    }
    if moved {
        let since = current.filter(|condition| condition["status"] == "True");
        conditions.0.retain(|condition| condition["type"] != "Progressing");
        conditions.set(
            "Progressing",
            "True",
            "ReplicaSetUpdated",
            &format!("{subject} is progressing."),
        );
        if let (Some(since), Some(condition)) = (since, conditions.get_mut("Progressing")) {
            condition["lastTransitionTime"] = since["lastTransitionTime"].clone();
        }
        return Some(Duration::from_secs(deadline + 1));
    }
    let current = current?;
    if reason == COMPLETE || reason == TIMED_OUT {
        return None;
    }
    let since = clock::parse(text(&current, "/lastUpdateTime"))?;
    let passed = clock::seconds().saturating_sub(since);
    if passed > deadline {
        conditions.set(
            "Progressing",
            "False",
            TIMED_OUT,
            &format!("{subject} has timed out progressing."),
        );
        return None;
    }
    Some(Duration::from_secs(deadline + 1 - passed))
}

/// Notes that a new `ReplicaSet` was made.
pub(super) fn created(deployment: &mut Value, set: &str) {
    change(deployment, "NewReplicaSetCreated", &format!("Created new replica set \"{set}\""));
}

/// Notes that the `ReplicaSet` was there already, if nothing is noted yet.
pub(super) fn found(deployment: &mut Value, set: &str) {
    let conditions =
        Conditions(deployment["status"]["conditions"].as_array().cloned().unwrap_or_default());
    if conditions.get("Progressing").is_none() {
        change(deployment, "FoundNewReplicaSet", &format!("Found new replica set \"{set}\""));
    }
}

fn change(deployment: &mut Value, reason: &str, message: &str) {
    if deployment["spec"]["progressDeadlineSeconds"].is_u64() {
        set(deployment, "True", reason, message);
    }
}

fn set(deployment: &mut Value, word: &str, reason: &str, message: &str) {
    let status = &mut deployment["status"];
    let mut conditions = Conditions(status["conditions"].as_array().cloned().unwrap_or_default());
    conditions.set("Progressing", word, reason, message);
    status["conditions"] = conditions.0.into();
}

/// Notes that a Deployment was paused or resumed.
pub(super) fn note_pause(deployment: &mut Value) {
    let conditions =
        Conditions(deployment["status"]["conditions"].as_array().cloned().unwrap_or_default());
    let reason = conditions
        .get("Progressing")
        .map(|found| text(found, "/reason").to_owned())
        .unwrap_or_default();
    let paused = deployment["spec"]["paused"] == true;
    if !deployment["spec"]["progressDeadlineSeconds"].is_u64() || reason == TIMED_OUT {
        return;
    }
    if paused && reason != "DeploymentPaused" {
        set(deployment, "Unknown", "DeploymentPaused", "Deployment is paused");
    } else if !paused && reason == "DeploymentPaused" {
        set(deployment, "Unknown", "DeploymentResumed", "Deployment is resumed");
    }
}

struct Conditions(Vec<Value>);

impl Conditions {
    fn get(&self, kind: &str) -> Option<&Value> {
        self.0.iter().find(|condition| condition["type"] == kind)
    }

    fn get_mut(&mut self, kind: &str) -> Option<&mut Value> {
        self.0.iter_mut().find(|condition| condition["type"] == kind)
    }

    /// Sets a condition; the same status and reason change nothing, the same status keeps its time of transition.
    fn set(&mut self, kind: &str, status: &str, reason: &str, message: &str) {
        let now = clock::now();
        let mut since = now.clone();
        if let Some(current) = self.get(kind) {
            if current["status"] == status && current["reason"] == reason {
                return;
            }
            if current["status"] == status {
                text(current, "/lastTransitionTime").clone_into(&mut since);
            }
        }
        self.0.retain(|condition| condition["type"] != kind);
        self.0.push(json!({
            "type": kind, "status": status, "lastUpdateTime": now, "lastTransitionTime": since,
            "reason": reason, "message": message,
        }));
    }
}

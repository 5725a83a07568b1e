//! Owns the Deployment controller: a `ReplicaSet` per template, revisions, and the rolling between them.

use std::sync::Arc;

use serde_json::Value;

use super::rollout::{self, Progress};
use super::sets::{DESIRED, HISTORY, REVISION, Work, annotate, make_set, reload, resize, revision};
use super::{key_of, owns, update};
use crate::sandbox::state::State;
use crate::sandbox::workload::{number, terminating, text};

/// Brings one Deployment a step further.
pub(super) fn sync(state: &mut State, deployment: &Arc<Value>) {
    if terminating(deployment) {
        return;
    }
    let mut work = Work::load(state, deployment);
    rollout::note_pause(&mut work.deployment);
    if work.paused() || is_scaling(&work) {
        if work.new.is_none() && !work.paused() {
            adopt_revision(state, &mut work);
        }
        scale(state, &mut work);
    } else if !work.rolling() {
        recreate(state, &mut work);
    } else {
        adopt_revision(state, &mut work);
        if !grow(state, &mut work) {
            shrink(state, &mut work);
        }
    }
    publish(state, &work);
}

/// Finds or makes the `ReplicaSet` of the present template, and makes it the newest revision.
fn adopt_revision(state: &mut State, work: &mut Work) {
    let last = work.old.iter().map(|set| revision(set)).max().unwrap_or(0);
    let newest = last + 1;
    if let Some(set) = &work.new {
        let mut set = (**set).clone();
        let current = revision(&set);
        if current < newest {
            let annotations = &mut set["metadata"]["annotations"];
            if current > 0 {
                let history = annotations[HISTORY]
                    .as_str()
                    .map_or(current.to_string(), |old| format!("{old},{current}"));
                annotations[HISTORY] = history.into();
            }
            annotations[REVISION] = newest.to_string().into();
        }
        annotate(&mut set, &work.deployment, work.wanted + work.surge);
        let set = update(state, "replicasets", set, "");
        work.deployment["metadata"]["annotations"][REVISION] = revision(&set).to_string().into();
        rollout::found(&mut work.deployment, text(&set, "/metadata/name"));
        work.new = Some(set);
    } else {
        make_set(state, work, newest);
    }
    let after = work.deployment.clone();
    update(state, "deployments", after, "status");
}

/// The number of replicas was changed since the `ReplicaSets` were last sized.
fn is_scaling(work: &Work) -> bool {
    let wanted = work.wanted.to_string();
    let mut active = work.all().filter(|set| number(set, "/spec/replicas") > 0);
    active.any(|set| {
        set["metadata"]["annotations"][DESIRED].as_str().is_some_and(|desired| desired != wanted)
    })
}

/// Gives the Deployment its new size without rolling on.
fn scale(state: &mut State, work: &mut Work) {
    let active: Vec<Arc<Value>> =
        work.all().filter(|set| number(set, "/spec/replicas") > 0).cloned().collect();
    match active.as_slice() {
        [] => {
            let latest = work.new.clone().or_else(|| work.old.last().cloned());
            if let Some(set) = latest {
                resize(state, work, &set, work.wanted);
            }
        }
        [only] => {
            resize(state, work, only, work.wanted);
        }
        several => {
            // In the middle of a rollout each shrinks or grows by its share, the largest first.
            let most = if work.wanted > 0 { work.wanted + work.surge } else { 0 };
            let total: i64 = several.iter().map(|set| number(set, "/spec/replicas")).sum();
            let mut left = most - total;
            for (index, set) in several.iter().enumerate() {
                let size = number(set, "/spec/replicas");
                let last = index + 1 == several.len();
                let part = if last { left } else { (most - total) * size / total.max(1) };
                left -= part;
                resize(state, work, set, (size + part).max(0));
            }
        }
    }
    reload(state, work);
}

/// Recreate: the old pods go first, all of them, then the new ones come.
fn recreate(state: &mut State, work: &mut Work) {
    for set in work.old.clone() {
        if number(&set, "/spec/replicas") > 0 {
            resize(state, work, &set, 0);
        }
    }
    if !work.old.iter().any(|set| owns(state, "pods", set)) {
        adopt_revision(state, work);
        if let Some(set) = work.new.clone() {
            resize(state, work, &set, work.wanted);
        }
        clean_up(state, work);
    }
    reload(state, work);
}

/// Grows or trims the new `ReplicaSet`.
fn grow(state: &mut State, work: &mut Work) -> bool {
    let Some(set) = work.new.clone() else {
        return false;
    };
    let size = number(&set, "/spec/replicas");
    let target = if size > work.wanted { work.wanted } else { work.room(size) };
    let changed = resize(state, work, &set, target);
    if changed {
        reload(state, work);
    }
    changed
}

/// Shrinks the old `ReplicaSets` as far as enough pods stay available.
fn shrink(state: &mut State, work: &mut Work) {
    let least = work.wanted - work.unavailable;
    let new_unavailable = work
        .new
        .as_ref()
        .map_or(0, |set| number(set, "/spec/replicas") - number(set, "/status/availableReplicas"));
    let mut spare = work.specified() - least - new_unavailable;
    let mut changed = false;
    // Pods that do not work anyway go first.
    for set in work.old.clone() {
        let size = number(&set, "/spec/replicas");
        let broken = size - number(&set, "/status/availableReplicas");
        let dropped = broken.min(spare);
        if dropped > 0 {
            changed |= resize(state, work, &set, size - dropped);
            spare -= dropped;
        }
    }
    if changed {
        reload(state, work);
    }
    let mut surplus = (work.available() - least).min(spare);
    for set in work.old.clone() {
        let size = number(&set, "/spec/replicas");
        let dropped = size.min(surplus);
        if dropped > 0 {
            changed |= resize(state, work, &set, size - dropped);
            surplus -= dropped;
        }
    }
    if changed {
        reload(state, work);
    }
    clean_up(state, work);
}

/// Forgets the oldest `ReplicaSets` beyond the history that is kept.
fn clean_up(state: &mut State, work: &mut Work) {
    let complete = work
        .new
        .as_ref()
        .is_some_and(|set| number(set, "/status/availableReplicas") == work.wanted);
    if !complete || work.old.iter().any(|set| number(set, "/status/replicas") > 0) {
        return;
    }
    let limit =
        usize::try_from(number(&work.deployment, "/spec/revisionHistoryLimit")).unwrap_or(10);
    let mut idle: Vec<Arc<Value>> =
        work.old.iter().filter(|set| number(set, "/spec/replicas") == 0).cloned().collect();
    idle.sort_by_key(|set| revision(set));
    for set in &idle[..idle.len().saturating_sub(limit)] {
        state.store.remove(&key_of("replicasets", set));
    }
}

fn publish(state: &mut State, work: &Work) {
    let sum = |field: &str| -> i64 {
        work.all().map(|set| number(set, &format!("/status/{field}"))).sum()
    };
    let broken = |set: &Arc<Value>| {
        let mut all =
            set["status"]["conditions"].as_array().cloned().unwrap_or_default().into_iter();
        all.find(|condition| condition["type"] == "ReplicaFailure" && condition["status"] == "True")
    };
    let progress = Progress {
        replicas: sum("replicas"),
        updated: work.new.as_ref().map_or(0, |set| number(set, "/status/replicas")),
        ready: sum("readyReplicas"),
        available: sum("availableReplicas"),
        terminating: sum("terminatingReplicas"),
        specified: work.specified(),
        least: work.wanted - work.unavailable,
        newest: work.new.as_ref().map(|set| text(set, "/metadata/name").to_owned()),
        failure: work.new.iter().chain(&work.old).find_map(broken),
        paused: work.paused(),
    };
    let (after, again) = rollout::status(&work.deployment, &progress);
    if let Some(delay) = again {
        state.after(delay, crate::sandbox::state::Job::Look);
    }
    update(state, "deployments", after, "status");
}

//! Owns the controllers' loop: what changed is looked at until nothing changes any more, then the loop sleeps.

use std::sync::{Arc, MutexGuard};

use serde_json::Value;

use super::delete;
use super::failure::Answer;
use super::kinds;
use super::managed::{self, Writer};
use super::operations::{self, Strictness, Write};
use super::state::{Job, Shared, State};
use super::store::Key;
use super::workload::{owned_by, text};

mod daemonset;
mod deployment;
mod env;
mod events;
pub(super) mod kubelet;
pub(super) mod owner;
mod replicaset;
mod revisions;
mod rollout;
mod sets;
mod statefulset;

/// The name under which the controllers write.
const MANAGER: &str = "kube-controller-manager";

/// Rounds after which a reconciliation is taken to chase its own tail.
const ROUNDS: u32 = 1000;

/// Runs until the sandbox stops.
pub(super) fn run(shared: &Shared) {
    let mut state = shared.lock();
    while !state.stop {
        let mut worked = false;
        while let Some(job) = state.due() {
            worked = true;
            perform(&mut state, &job);
        }
        if state.store.touched {
            worked = true;
            state = reconcile(shared, state);
        }
        if worked {
            shared.wake();
            continue;
        }
        let due = state.next_due();
        state = shared.wait(state, due);
    }
}

fn perform(state: &mut State, job: &Job) {
    match job {
        Job::Start(key, uid) => kubelet::start(state, key, uid),
        Job::Restart(key, uid) => kubelet::restart(state, key, uid),
        Job::Finish(key, uid) => kubelet::finish(state, key, uid),
        Job::PutBack(index) => owner::put_back(state, *index),
        Job::Look => state.store.touched = true,
    }
}

fn reconcile<'a>(shared: &'a Shared, mut held: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
    for _ in 0..ROUNDS {
        if !held.store.touched {
            return held;
        }
        let state = &mut *held;
        state.store.touched = false;
        collect_garbage(state);
        for deployment in state.store.list("deployments", "") {
            deployment::sync(state, &deployment);
        }
        for set in state.store.list("replicasets", "") {
            replicaset::sync(state, &set);
        }
        for set in state.store.list("statefulsets", "") {
            statefulset::sync(state, &set);
        }
        for set in state.store.list("daemonsets", "") {
            daemonset::sync(state, &set);
        }
        kubelet::sync(state);
        owner::sync(state);
        // A real API server answers while its controllers are at work.
        held = shared.let_in(held);
    }
    debug_assert!(false, "the controllers do not come to rest");
    held
}

/// Deletes what belongs to an owner that is gone.
fn collect_garbage(state: &mut State) {
    for resource in ["replicasets", "pods", "controllerrevisions"] {
        let orphans: Vec<(Key, Arc<Value>)> = state
            .store
            .range(resource, "")
            .filter(|(key, object)| {
                let mut owners =
                    object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
                owners.any(|owner| {
                    owner["controller"] == true && !exists(state, &key.namespace, owner)
                })
            })
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect();
        for (key, object) in orphans {
            if resource == "pods" {
                delete::terminate(state, &key, &object);
            } else {
                state.store.remove(&key);
            }
        }
    }
}

fn exists(state: &State, namespace: &str, owner: &Value) -> bool {
    let kind = kinds::by_manifest(text(owner, "/apiVersion"), text(owner, "/kind"));
    // An owner of a kind that is not served here is somebody else's to look after.
    let Some(kind) = kind else { return true };
    let found = state.store.get(&Key::new(kind.plural, namespace, text(owner, "/name")));
    found.is_some_and(|found| found["metadata"]["uid"] == owner["uid"])
}

/// The objects that this one controls.
fn owned(state: &State, resource: &'static str, owner: &Value) -> Vec<Arc<Value>> {
    let uid = &owner["metadata"]["uid"];
    let namespace = text(owner, "/metadata/namespace");
    let all = state.store.range(resource, namespace);
    all.filter(|(_, object)| owned_by(object, uid)).map(|(_, object)| object.clone()).collect()
}

/// Whether it controls any object of the resource.
fn owns(state: &State, resource: &'static str, owner: &Value) -> bool {
    let uid = &owner["metadata"]["uid"];
    let mut all = state.store.range(resource, text(owner, "/metadata/namespace"));
    all.any(|(_, object)| owned_by(object, uid))
}

fn key_of(resource: &'static str, object: &Value) -> Key {
    Key::new(resource, text(object, "/metadata/namespace"), text(object, "/metadata/name"))
}

/// Stores a changed object as the controllers do.
fn update(
    state: &mut State,
    resource: &'static str,
    mut object: Value,
    subresource: &str,
) -> Arc<Value> {
    let key = key_of(resource, &object);
    let before = state.store.get(&key);
    if before.as_deref() == Some(&object) {
        return Arc::new(object);
    }
    managed::note(Writer::new(MANAGER, subresource), before.as_deref(), &mut object);
    if let Some(before) = &before
        && subresource != "status"
        && before["spec"] != object["spec"]
    {
        object["metadata"]["generation"] =
            (before["metadata"]["generation"].as_i64().unwrap_or(0) + 1).into();
    }
    state.store.put(key, object)
}

/// Creates an object as the controllers do, admission included.
fn create(
    state: &mut State,
    resource: &'static str,
    namespace: &str,
    object: Value,
) -> Answer<Value> {
    let Some(kind) = kinds::by_plural(resource) else {
        return Ok(object);
    };
    let mut write = Write::new(kind, namespace, "", MANAGER, Strictness::Own);
    operations::create(state, &mut write, object)
}

/// The pod that a workload makes from its template.
fn pod_of(template: &Value, owner: &Value, generate_name: &str) -> Value {
    let mut metadata = serde_json::json!({
        "generateName": generate_name,
        "ownerReferences": super::workload::controller_reference(owner),
    });
    for part in ["labels", "annotations", "finalizers"] {
        if !template["metadata"][part].is_null() {
            metadata[part] = template["metadata"][part].clone();
        }
    }
    serde_json::json!({"kind": "Pod", "apiVersion": "v1", "metadata": metadata, "spec": template["spec"]})
}

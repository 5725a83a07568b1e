//! Owns deletion: preconditions, terminating objects, dependents.

use std::sync::Arc;

use serde_json::{Value, json};

use super::clock;
use super::failure::{Answer, Failure};
use super::kinds;
use super::operations::Write;
use super::state::State;
use super::store::Key;

/// Deletes an object; `options` are the `DeleteOptions` of the request.
pub(super) fn delete(state: &mut State, write: &Write, options: &Value) -> Answer<Value> {
    let (kind, key) = (write.kind, write.key());
    let object = state.store.get(&key).ok_or_else(|| Failure::not_found(kind, write.name))?;
    let asked = &options["preconditions"];
    for (field, what) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let found = object["metadata"][field].as_str().unwrap_or_default();
        if let Some(wanted) = asked[field].as_str().filter(|wanted| *wanted != found) {
            return Err(Failure::precondition(kind, write.name, what, wanted, found));
        }
    }
    let gone = if kind.kind == "Namespace" {
        return Err(Failure::unimplemented("the deletion of namespaces"));
    } else if write.dry_run {
        (*object).clone()
    } else {
        if options["propagationPolicy"] == "Orphan" || options["orphanDependents"] == true {
            orphan(state, &object);
        }
        let waiting =
            object["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty());
        let now = kind.kind != "Pod" || options["gracePeriodSeconds"] == 0;
        if waiting || !now {
            (*terminate(state, &key, &object)).clone()
        } else {
            state.store.remove(&key).map_or(Value::Null, |last| (*last).clone())
        }
    };
    // These answer with the object itself, all others with a status.
    if matches!(kind.kind, "Pod" | "ResourceQuota" | "Service" | "ServiceAccount") {
        return Ok(gone);
    }
    let mut details = json!({"name": write.name, "group": kind.group, "kind": kind.plural,
                             "uid": object["metadata"]["uid"]});
    if kind.group.is_empty()
        && let Value::Object(map) = &mut details
    {
        map.shift_remove("group");
    }
    Ok(
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
    )
}

/// Marks an object as terminating; who holds it lets it go later.
pub(super) fn terminate(state: &mut State, key: &Key, object: &Arc<Value>) -> Arc<Value> {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return object.clone();
    }
    let mut object = (**object).clone();
    let grace = object["spec"]["terminationGracePeriodSeconds"].as_u64().unwrap_or(0);
    object["metadata"]["deletionTimestamp"] = clock::format(clock::seconds() + grace).into();
    object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
    state.store.put(key.clone(), object)
}

/// Cuts the dependents of an object loose, so that they outlive it.
fn orphan(state: &mut State, owner: &Value) {
    for kind in kinds::KINDS {
        let found: Vec<(Key, Arc<Value>)> = state
            .store
            .range(kind.plural, "")
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect();
        for (key, object) in found {
            let mut object = (*object).clone();
            let Some(owners) =
                object["metadata"].get_mut("ownerReferences").and_then(Value::as_array_mut)
            else {
                continue;
            };
            owners.retain(|reference| reference["uid"] != owner["metadata"]["uid"]);
            if owners.is_empty()
                && let Some(map) = object["metadata"].as_object_mut()
            {
                map.shift_remove("ownerReferences");
            }
            state.store.put(key, object);
        }
    }
}

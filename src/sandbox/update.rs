//! Owns the storing of a changed object: what the server keeps, what it checks, when nothing changed.

use std::sync::Arc;

use serde_json::{Value, json};

use super::admission;
use super::defaults;
use super::failure::{Answer, Cause, Failure};
use super::managed;
use super::operations::Write;
use super::state::State;
use super::store::canonical;
use super::validate;

pub(super) fn store_update(
    state: &mut State,
    write: &Write,
    before: &Arc<Value>,
    mut object: Value,
) -> Answer<Value> {
    let kind = write.kind;
    unchanged_since_read(write, before, &object)?;
    let old = &before["metadata"];
    if let Some(uid) = object["metadata"]["uid"].as_str().filter(|uid| old["uid"] != *uid) {
        let shown = old["uid"].as_str().unwrap_or_default();
        let message = format!(
            "Operation cannot be fulfilled on {} \"{}\": Precondition failed: UID in precondition: {uid}, UID in object meta: {shown}",
            kind.qualified(),
            write.name
        );
        return Err(Failure::new(409, "Conflict", &message, None));
    }
    object["kind"] = kind.kind.into();
    object["apiVersion"] = kind.api_version().into();
    let metadata = defaults::entry(&mut object, "metadata");
    for own in ["name", "namespace", "uid", "creationTimestamp", "generation", "deletionTimestamp"]
    {
        match &old[own] {
            Value::Null => {
                if let Value::Object(map) = metadata {
                    map.shift_remove(own);
                }
            }
            value => metadata[own] = value.clone(),
        }
    }
    if kind.subresources.contains(&"status") {
        if write.subresource == "status" {
            let (status, annotations) =
                (object["status"].clone(), object["metadata"]["annotations"].clone());
            object = (**before).clone();
            object["status"] = status;
            if !annotations.is_null() {
                object["metadata"]["annotations"] = annotations;
            }
        } else {
            match before.get("status") {
                Some(status) => object["status"] = status.clone(),
                None => {
                    if let Value::Object(map) = &mut object {
                        map.shift_remove("status");
                    }
                }
            }
        }
    }
    defaults::apply(kind.kind, &mut object);
    if kind.kind == "DaemonSet" {
        defaults::count_template(&mut object, Some(before));
    }
    if write.subresource.is_empty() {
        admission::admit(state, kind, write.namespace, &mut object, false)?;
    }
    validate::check(kind, &object, Some(before))?;
    let annotated =
        kind.kind == "Deployment" && object["metadata"]["annotations"] != old["annotations"];
    if kind.counted()
        && write.subresource != "status"
        && (object["spec"] != before["spec"] || annotated)
    {
        object["metadata"]["generation"] = (old["generation"].as_i64().unwrap_or(0) + 1).into();
    }
    // The caller's copy of these is never taken, or reading and writing an object back would change it.
    object["metadata"]["resourceVersion"] = old["resourceVersion"].clone();
    let owners = object["metadata"]["managedFields"].take();
    object["metadata"]["managedFields"] = old["managedFields"].clone();
    let owned_as_before = write.applied.is_none() && !write.moves_owners;
    if owned_as_before && (canonical(&object) == canonical(before) || is_same(&object, before)) {
        return Ok((**before).clone());
    }
    managed::note(write.writer(), Some(before), &mut object);
    if write.moves_owners {
        object["metadata"]["managedFields"] =
            if owners == json!([{}]) { json!([]) } else { owners };
    }
    if write.dry_run {
        return Ok(object);
    }
    let key = write.key();
    // The last finalizer of a terminating object is gone: so is the object.
    let waiting = |object: &Value| {
        object["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty())
    };
    if !object["metadata"]["deletionTimestamp"].is_null()
        && waiting(before)
        && !waiting(&object)
        && kind.kind != "Pod"
    {
        state.store.put(key.clone(), object.clone());
        state.store.remove(&key);
        return Ok(object);
    }
    Ok((*state.store.put(key, object)).clone())
}

fn is_same(object: &Value, before: &Value) -> bool {
    let mut object = object.clone();
    if before["metadata"].get("managedFields").is_none()
        && let Some(map) = object["metadata"].as_object_mut()
    {
        map.shift_remove("managedFields");
    }
    object == *before
}

/// Refuses a write that was made from an older state of the object.
pub(super) fn unchanged_since_read(write: &Write, before: &Value, object: &Value) -> Answer<()> {
    let given = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    if given.is_empty() || given == "0" {
        if write.kind.kind == "Lease" {
            let cause =
                Cause::invalid("metadata.resourceVersion", "0", "must be specified for an update");
            return Err(Failure::invalid_resource(write.kind, write.name, &[cause]));
        }
        return Ok(());
    }
    if before["metadata"]["resourceVersion"] == given {
        return Ok(());
    }
    Err(Failure::stale(write.kind, write.name))
}

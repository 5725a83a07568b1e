//! Owns the `scale` subresource: the size of a workload as an object of its own.

use std::sync::Arc;

use serde_json::{Value, json};

use super::failure::{Answer, Cause, Failure};
use super::kinds::Kind;
use super::operations::Write;
use super::state::State;
use super::update::{store_update, unchanged_since_read};

/// The `Scale` of a workload.
pub(super) fn scale_of(kind: &Kind, object: &Value) -> Value {
    let metadata = &object["metadata"];
    let selector: Vec<String> = object["spec"]["selector"]["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
                     "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"]},
        "spec": {}, "status": {"replicas": object["status"]["replicas"].as_i64().unwrap_or(0)},
    });
    debug_assert!(kind.subresources.contains(&"scale"));
    if let Some(replicas) = object["spec"]["replicas"].as_i64().filter(|replicas| *replicas != 0) {
        scale["spec"]["replicas"] = replicas.into();
    }
    if !selector.is_empty() {
        scale["status"]["selector"] = selector.join(",").into();
    }
    scale
}

pub(super) fn store_scale(
    state: &mut State,
    write: &mut Write,
    before: &Arc<Value>,
    scale: &Value,
) -> Answer<Value> {
    unchanged_since_read(write, before, scale)?;
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
    if replicas < 0 {
        let cause = Cause::invalid(
            "spec.replicas",
            &replicas.to_string(),
            "must be greater than or equal to 0",
        );
        return Err(Failure::invalid(write.kind, write.name, &[cause]));
    }
    let mut object = (**before).clone();
    object["spec"]["replicas"] = replicas.into();
    let stored = store_update(state, write, before, object)?;
    Ok(scale_of(write.kind, &stored))
}

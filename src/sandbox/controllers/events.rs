//! Owns the events that controllers and kubelet report.

use std::hash::{DefaultHasher, Hash as _, Hasher as _};

use serde_json::{Value, json};

use crate::sandbox::clock;
use crate::sandbox::kinds;
use crate::sandbox::state::State;
use crate::sandbox::store::Key;
use crate::sandbox::workload::text;

/// Reports an event about an object. The same event again raises its count.
pub(super) fn report(
    state: &mut State,
    component: &str,
    about: &Value,
    kind: &str,
    reason: &str,
    message: &str,
) {
    let namespace = text(about, "/metadata/namespace").to_owned();
    let (name, uid) = (text(about, "/metadata/name"), text(about, "/metadata/uid"));
    // As long as those of a real server, and the same for what is the same.
    let mut same = DefaultHasher::new();
    (uid, reason, message).hash(&mut same);
    let title = format!("{name}.{:016x}", same.finish());
    let key = Key::new("events", &namespace, &title);
    let now = clock::now();
    if let Some(event) = state.store.get(&key) {
        let mut event = (*event).clone();
        event["count"] = (event["count"].as_i64().unwrap_or(1) + 1).into();
        event["lastTimestamp"] = now.into();
        state.store.put(key, event);
        return;
    }
    let event = json!({
        "kind": "Event", "apiVersion": "v1", "metadata": {"name": title},
        "involvedObject": {
            "kind": about["kind"], "namespace": namespace, "name": name, "uid": uid,
            "apiVersion": about["apiVersion"], "resourceVersion": about["metadata"]["resourceVersion"],
        },
        "reason": reason, "message": message, "source": {"component": component},
        "firstTimestamp": now, "lastTimestamp": now, "count": 1, "type": kind, "eventTime": null,
        "reportingComponent": component, "reportingInstance": "",
    });
    if let Some(kind) = kinds::by_plural("events") {
        state.insert(kind, &namespace, event);
    }
}

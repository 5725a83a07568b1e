//! Owns the events that controllers and kubelet report.

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
    let uid = &about["metadata"]["uid"];
    let same = |event: &Value| {
        event["involvedObject"]["uid"] == *uid
            && event["reason"] == reason
            && event["message"] == message
    };
    let known = state.store.range("events", &namespace).find(|(_, event)| same(event));
    if let Some((key, event)) = known.map(|(key, event)| (key.clone(), event.clone())) {
        let mut event = (*event).clone();
        event["count"] = (event["count"].as_i64().unwrap_or(1) + 1).into();
        event["lastTimestamp"] = clock::now().into();
        state.store.put(key, event);
        return;
    }
    let name = text(about, "/metadata/name");
    let now = clock::now();
    let mut event = json!({
        "kind": "Event", "apiVersion": "v1",
        "metadata": {"name": format!("{name}.{:x}", clock::nanos())},
        "involvedObject": {
            "kind": about["kind"], "namespace": namespace, "name": name, "uid": uid,
            "apiVersion": about["apiVersion"], "resourceVersion": about["metadata"]["resourceVersion"],
        },
        "reason": reason, "message": message, "source": {"component": component},
        "firstTimestamp": now, "lastTimestamp": now, "count": 1, "type": kind, "eventTime": null,
        "reportingComponent": component, "reportingInstance": "",
    });
    let taken =
        state.store.get(&Key::new("events", &namespace, text(&event, "/metadata/name"))).is_some();
    if taken {
        let suffix = state.suffix();
        event["metadata"]["name"] = format!("{name}.{suffix}").into();
    }
    if let Some(kind) = kinds::by_plural("events") {
        state.insert(kind, &namespace, event);
    }
}

//! Owns what all workloads share: template hashes, image tags, readiness of pods, rounding of percentages.

use serde_json::Value;
use sha2::{Digest, Sha256};

use super::clock;
use super::store::canonical;

/// The letters of generated names: no vowels, so that no words come out.
pub(super) const SAFE: &[u8; 27] = b"bcdfghjklmnpqrstvwxz2456789";

/// The hash of a pod template, as it ends the name of its `ReplicaSet`.
pub(super) fn template_hash(template: &Value) -> String {
    let digest = Sha256::digest(canonical(template).as_bytes());
    digest.iter().take(10).map(|byte| char::from(SAFE[usize::from(*byte) % SAFE.len()])).collect()
}

/// The tag of an image; `latest` if it names none.
pub(super) fn tag(image: &str) -> &str {
    let last = image.rsplit('/').next().unwrap_or(image);
    last.split_once(':').map_or("latest", |(_, tag)| tag)
}

/// Whether a condition of an object holds.
pub(super) fn condition(object: &Value, kind: &str) -> bool {
    let mut all = object["status"]["conditions"].as_array().into_iter().flatten();
    all.any(|condition| condition["type"] == kind && condition["status"] == "True")
}

pub(super) fn terminating(object: &Value) -> bool {
    !object["metadata"]["deletionTimestamp"].is_null()
}

pub(super) fn ready(pod: &Value) -> bool {
    condition(pod, "Ready")
}

/// Ready for long enough to count on.
pub(super) fn available(pod: &Value, min_ready_seconds: u64) -> bool {
    ready(pod) && (min_ready_seconds == 0 || ready_for(pod) >= min_ready_seconds)
}

/// Seconds since the pod became ready.
pub(super) fn ready_for(pod: &Value) -> u64 {
    let mut all = pod["status"]["conditions"].as_array().into_iter().flatten();
    let since = all.find(|condition| condition["type"] == "Ready");
    let since = since.and_then(|condition| clock::parse(condition["lastTransitionTime"].as_str()?));
    since.map_or(0, |since| clock::seconds().saturating_sub(since))
}

/// A number or a percentage of `total`; percentages round up or down.
pub(super) fn share(value: &Value, total: i64, up: bool) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(0),
        Value::String(text) => {
            let percent: i64 = text.trim_end_matches('%').parse().unwrap_or(0);
            (percent * total + if up { 99 } else { 0 }) / 100
        }
        _ => 0,
    }
}

/// Whether this object is controlled by the one with this uid.
pub(super) fn owned_by(object: &Value, uid: &Value) -> bool {
    let mut owners = object["metadata"]["ownerReferences"].as_array().into_iter().flatten();
    owners.any(|owner| owner["controller"] == true && owner["uid"] == *uid)
}

/// The reference of an object to the controller that made it.
pub(super) fn controller_reference(owner: &Value) -> Value {
    serde_json::json!([{
        "apiVersion": owner["apiVersion"], "kind": owner["kind"],
        "name": owner["metadata"]["name"], "uid": owner["metadata"]["uid"],
        "controller": true, "blockOwnerDeletion": true,
    }])
}

/// A text field, empty if it is not there.
pub(super) fn text<'a>(object: &'a Value, pointer: &str) -> &'a str {
    object.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// A number, nought if it is not there.
pub(super) fn number(object: &Value, pointer: &str) -> i64 {
    object.pointer(pointer).and_then(Value::as_i64).unwrap_or(0)
}

/// Writes a number, or leaves the field out where it is nought, as Go's `omitempty` does.
pub(super) fn set_count(status: &mut Value, field: &str, count: i64) {
    if count != 0 {
        status[field] = count.into();
    }
}

//! Owns `metadata.managedFields`: who wrote which fields, roughly.

use serde_json::{Map, Value, json};

use super::clock;
use super::defaults;

/// Who writes, and through which part of the object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) manager: &'a str,
    pub(super) subresource: &'a str,
}

/// Notes in `after` that the writer changed what differs from `before`. Lists count as one field.
pub(super) fn note(writer: Writer, before: Option<&Value>, after: &mut Value) {
    let mut changed = difference(before.unwrap_or(&Value::Null), after, true);
    for part in ["f:kind", "f:apiVersion"] {
        changed.shift_remove(part);
    }
    let mut entries =
        before.map(|before| before["metadata"]["managedFields"].clone()).unwrap_or_default();
    if !entries.is_array() {
        entries = json!([]);
    }
    if !changed.is_empty()
        && let Some(list) = entries.as_array_mut()
    {
        let api_version = after["apiVersion"].clone();
        let mine = |entry: &Value| {
            entry["manager"] == writer.manager
                && entry["operation"] == "Update"
                && entry["subresource"].as_str().unwrap_or_default() == writer.subresource
        };
        let mut entry = json!({
            "manager": writer.manager, "operation": "Update", "apiVersion": api_version,
            "time": clock::now(), "fieldsType": "FieldsV1", "fieldsV1": {},
        });
        if !writer.subresource.is_empty() {
            entry["subresource"] = writer.subresource.into();
        }
        if let Some(at) = list.iter().position(mine) {
            entry["fieldsV1"] = list.remove(at)["fieldsV1"].take();
        }
        unite(&mut entry["fieldsV1"], &Value::Object(changed));
        list.push(entry);
    }
    let metadata = defaults::entry(after, "metadata");
    if entries.as_array().is_some_and(Vec::is_empty) {
        if let Value::Object(map) = metadata {
            map.shift_remove("managedFields");
        }
    } else {
        metadata["managedFields"] = entries;
    }
}

fn difference(before: &Value, after: &Value, top: bool) -> Map<String, Value> {
    let mut fields = Map::new();
    for (key, value) in after.as_object().into_iter().flatten() {
        let old = before.get(key).unwrap_or(&Value::Null);
        if old == value {
            continue;
        }
        let inner = if top && key == "metadata" {
            let mut inner = difference(old, value, false);
            for own in [
                "name",
                "namespace",
                "uid",
                "resourceVersion",
                "generation",
                "creationTimestamp",
                "managedFields",
            ] {
                inner.shift_remove(&format!("f:{own}"));
            }
            if inner.is_empty() {
                continue;
            }
            inner
        } else {
            difference(old, value, false)
        };
        fields.insert(format!("f:{key}"), Value::Object(inner));
    }
    fields
}

fn unite(into: &mut Value, other: &Value) {
    for (key, value) in other.as_object().into_iter().flatten() {
        unite(defaults::entry(into, key), value);
    }
}

//! Owns `metadata.managedFields`: who wrote which fields.

use serde_json::{Value, json};

use super::clock;
use super::defaults;
use super::fields::{self, Fields, Parts};

/// Who writes, and through which part of the object.
#[derive(Debug, Clone, Copy)]
pub(super) struct Writer<'a> {
    pub(super) manager: &'a str,
    pub(super) subresource: &'a str,
    /// What a server-side apply names; another write owns what it changes.
    pub(super) applied: Option<&'a Fields>,
}

impl<'a> Writer<'a> {
    /// Somebody who writes without applying.
    pub(super) fn new(manager: &'a str, subresource: &'a str) -> Writer<'a> {
        Writer { manager, subresource, applied: None }
    }

    fn operation(&self) -> &'static str {
        if self.applied.is_some() { "Apply" } else { "Update" }
    }

    /// Whether an entry is this writer's own.
    pub(super) fn is(&self, entry: &Value) -> bool {
        entry["manager"] == self.manager
            && entry["operation"] == self.operation()
            && entry["subresource"].as_str().unwrap_or_default() == self.subresource
    }
}

/// The entries of an object.
pub(super) fn entries(object: &Value) -> &[Value] {
    object["metadata"]["managedFields"].as_array().map_or(&[], Vec::as_slice)
}

/// Notes in `after` what the writer owns now. What it changed is nobody else's any more; what is gone is
/// nobody's.
pub(super) fn note(writer: Writer, before: Option<&Value>, after: &mut Value) {
    let kind = after["kind"].as_str().unwrap_or_default();
    let parts = Parts::that_differ(before, after);
    let old = before.map(|before| fields::within(kind, before, &parts)).unwrap_or_default();
    let new = fields::within(kind, after, &parts);
    let changed: Fields = new
        .iter()
        .filter(|(path, value)| old.get(*path) != Some(value))
        .map(|(path, _)| path.clone())
        .collect();
    let mut list: Vec<Value> = before.map(entries).unwrap_or_default().to_vec();
    let mut mine = Fields::default();
    let mut since = None;
    list.retain_mut(|entry| {
        let own = writer.is(entry);
        if !own && !parts.touch(&entry["fieldsV1"]) {
            return entry["fieldsV1"].as_object().is_some_and(|fields| !fields.is_empty());
        }
        let mut owned = Fields::read(&entry["fieldsV1"]);
        let had = owned.clone();
        owned.drop(|path| {
            parts.hold(path) && (!new.contains_key(path) || (!own && changed.has(path)))
        });
        if own {
            mine = owned;
            since = Some(entry["time"].clone());
            return false;
        }
        if owned != had {
            entry["fieldsV1"] = owned.json();
        }
        !owned.is_empty()
    });
    let had = mine.clone();
    match writer.applied {
        Some(applied) => mine = applied.clone(),
        None => mine.unite(&changed),
    }
    if !mine.is_empty() {
        let time = since.filter(|_| mine == had && changed.is_empty());
        let mut entry = json!({
            "manager": writer.manager, "operation": writer.operation(),
            "apiVersion": after["apiVersion"], "time": time.unwrap_or_else(|| clock::now().into()),
            "fieldsType": "FieldsV1", "fieldsV1": mine.json(),
        });
        if !writer.subresource.is_empty() {
            entry["subresource"] = writer.subresource.into();
        }
        list.push(entry);
    }
    let metadata = defaults::entry(after, "metadata");
    if !list.is_empty() {
        metadata["managedFields"] = list.into();
    } else if let Value::Object(map) = metadata {
        map.shift_remove("managedFields");
    }
}

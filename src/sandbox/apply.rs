//! Owns server-side apply: the fields that an applier names are set, those that it named before and names no
//! more are taken away, and what somebody else owns and wants otherwise is a conflict.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::failure::{Answer, Failure};
use super::fields::{self, Fields, Path};
use super::managed::{self, Writer};
use super::operations::{self, Write};
use super::schema::{self, Shape};
use super::state::State;
use super::update::store_update;

/// Applies a manifest; gives the status of the answer, too.
pub(super) fn apply(
    state: &mut State,
    write: &mut Write,
    mut manifest: Value,
    force: bool,
) -> Answer<(u16, Value)> {
    let refused = |why: &str| Failure::bad_request(why);
    if !manifest["metadata"]["managedFields"].is_null() {
        return Err(refused("metadata.managedFields must be nil"));
    }
    let given = manifest["metadata"]["name"].as_str().unwrap_or_default();
    if given != write.name {
        return Err(refused(&format!(
            "the name of the object ({given}) does not match the name on the URL ({})",
            write.name
        )));
    }
    write.read_body(&mut manifest)?;
    let kind = write.kind;
    if kind.subresources.contains(&"status")
        && let Some(map) = manifest.as_object_mut()
    {
        map.shift_remove("status");
    }
    let named = fields::of(kind.kind, &manifest);
    let mine: Fields = named
        .iter()
        .filter(|(path, value)| !value.is_null() || is_entry(path))
        .map(|(path, _)| path.clone())
        .collect();
    write.applied = Some(mine.clone());
    let Some(before) = state.store.get(&write.key()) else {
        return Ok((201, operations::create(state, write, manifest)?));
    };
    if !force {
        let conflicts = conflicts(write.writer(), &named, kind.kind, &before);
        if !conflicts.is_empty() {
            return Err(conflict(&conflicts));
        }
    }
    let mut object = (*before).clone();
    merge(&Shape::Object(kind.kind.to_owned()), &mut object, &manifest);
    // An entry of a list comes before its fields, which are gone with it.
    for path in given_up(write.writer(), &mine, &before).iter() {
        fields::remove(&mut object, path);
    }
    if let Some(version) = manifest["metadata"].get("resourceVersion") {
        object["metadata"]["resourceVersion"] = version.clone();
    }
    write.read_body(&mut object)?;
    Ok((200, store_update(state, write, &before, object)?))
}

/// Whether a path ends in an entry of a list.
fn is_entry(path: &Path) -> bool {
    path.last().is_some_and(|part| part.starts_with("k:"))
}

/// What this applier named before, names no more, and nobody else owns.
fn given_up(writer: Writer, mine: &Fields, before: &Value) -> Fields {
    let (own, others): (Vec<&Value>, Vec<&Value>) =
        managed::entries(before).iter().partition(|entry| writer.is(entry));
    let mut gone = Fields::default();
    for entry in own {
        gone.unite(&Fields::read(&entry["fieldsV1"]));
    }
    gone.drop(|path| mine.has_below(path));
    for entry in others {
        let owned = Fields::read(&entry["fieldsV1"]);
        gone.drop(|path| if is_entry(path) { owned.has(path) } else { owned.has_below(path) });
    }
    gone
}

/// Who owns a field that is to become something else.
type Conflict = (String, Path);

fn conflicts(
    writer: Writer,
    named: &BTreeMap<Path, Value>,
    kind: &str,
    before: &Value,
) -> Vec<Conflict> {
    let now = fields::of(kind, before);
    let mut found = Vec::new();
    for entry in managed::entries(before).iter().filter(|entry| !writer.is(entry)) {
        let owned = Fields::read(&entry["fieldsV1"]);
        for (path, wanted) in named {
            if owned.has(path) && now.get(path).is_some_and(|now| now != wanted) {
                found.push((manager_of(entry), path.clone()));
            }
        }
    }
    found
}

/// A manager as refusals name it.
fn manager_of(entry: &Value) -> String {
    let mut text = entry["manager"].to_string();
    if let Some(subresource) = entry["subresource"].as_str() {
        let _ = write!(text, " with subresource \"{subresource}\"");
    }
    if entry["operation"] == "Update" {
        let version = entry["apiVersion"].as_str().unwrap_or_default();
        let _ = write!(text, " using {version}");
    }
    text
}

fn conflict(conflicts: &[Conflict]) -> Failure {
    let message = if let [(manager, path)] = conflicts {
        format!("Apply failed with 1 conflict: conflict with {manager}: {}", fields::shown(path))
    } else {
        let mut lines: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (manager, path) in conflicts {
            lines.entry(manager).or_default().push(format!("- {}", fields::shown(path)));
        }
        let each: Vec<String> = lines
            .iter()
            .map(|(manager, paths)| format!("conflicts with {manager}:\n{}", paths.join("\n")))
            .collect();
        format!("Apply failed with {} conflicts: {}", conflicts.len(), each.join("\n"))
    };
    let causes: Vec<Value> = conflicts
        .iter()
        .map(|(manager, path)| {
            json!({"reason": "FieldManagerConflict", "message": format!("conflict with {manager}"),
                   "field": fields::shown(path)})
        })
        .collect();
    Failure::new(409, "Conflict", &message, Some(json!({"causes": causes})))
}

/// Sets what the manifest names, and leaves the rest.
fn merge(shape: &Shape, slot: &mut Value, manifest: &Value) {
    match (shape, manifest) {
        (Shape::Object(_) | Shape::Map(_) | Shape::Any, Value::Object(fields)) => {
            if !slot.is_object() || fields.is_empty() {
                *slot = json!({});
            }
            for (key, value) in fields {
                let inner = match shape {
                    Shape::Object(name) => schema::shape(name, key),
                    Shape::Map(inner) => Some((**inner).clone()),
                    _ => None,
                };
                merge(&inner.unwrap_or(Shape::Any), &mut slot[key], value);
            }
        }
        (Shape::Keyed(name, key), Value::Array(items)) => {
            let mut all = slot.as_array().cloned().unwrap_or_default();
            for item in items {
                let named = fields::key_of(name, key, item);
                let at = all.iter().position(|old| fields::key_of(name, key, old) == named);
                let at = at.unwrap_or_else(|| {
                    all.push(json!({}));
                    all.len() - 1
                });
                merge(&Shape::Object(name.clone()), &mut all[at], item);
            }
            *slot = all.into();
        }
        (Shape::Set(_), Value::Array(items)) => {
            let mut all = slot.as_array().cloned().unwrap_or_default();
            let new: Vec<Value> =
                items.iter().filter(|item| !all.contains(item)).cloned().collect();
            all.extend(new);
            *slot = all.into();
        }
        _ => *slot = manifest.clone(),
    }
}

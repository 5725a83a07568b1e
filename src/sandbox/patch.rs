//! Owns the three kinds of patch: JSON patch, merge patch and strategic merge patch.

use serde_json::{Map, Value};

use super::failure::{Answer, Failure};
use super::schema::{self, Shape};

/// Applies a JSON patch (RFC 6902). As in the API server's library, `replace` of a missing key of a map creates it.
pub(super) fn json(object: &mut Value, operations: &Value) -> Answer<()> {
    let Value::Array(operations) = operations else {
        return Err(Failure::bad_request(
            "error decoding patch: a JSON patch is a list of operations",
        ));
    };
    for operation in operations {
        let text = |key: &str| operation[key].as_str().map(str::to_owned);
        let path = text("path").ok_or_else(Failure::patch_does_not_fit)?;
        let value = operation.get("value").cloned().unwrap_or(Value::Null);
        match text("op").as_deref() {
            Some("test") => {
                if object.pointer(&path).unwrap_or(&Value::Null) != &value {
                    return Err(Failure::patch_does_not_fit());
                }
            }
            Some("add") => add(object, &path, value)?,
            Some("replace") => replace(object, &path, value)?,
            Some("remove") => {
                remove(object, &path)?;
            }
            Some("move") => {
                let from = text("from").ok_or_else(Failure::patch_does_not_fit)?;
                let value = remove(object, &from)?;
                add(object, &path, value)?;
            }
            Some("copy") => {
                let from = text("from").ok_or_else(Failure::patch_does_not_fit)?;
                let value =
                    object.pointer(&from).cloned().ok_or_else(Failure::patch_does_not_fit)?;
                add(object, &path, value)?;
            }
            _ => return Err(Failure::patch_does_not_fit()),
        }
    }
    Ok(())
}

/// The container that a path ends in, and the last part of the path.
fn parent<'a>(object: &'a mut Value, path: &str) -> Answer<(&'a mut Value, String)> {
    let (above, last) = path.rsplit_once('/').ok_or_else(Failure::patch_does_not_fit)?;
    let last = last.replace("~1", "/").replace("~0", "~");
    let container = object.pointer_mut(above).ok_or_else(Failure::patch_does_not_fit)?;
    Ok((container, last))
}

fn add(object: &mut Value, path: &str, value: Value) -> Answer<()> {
    if path.is_empty() {
        *object = value;
        return Ok(());
    }
    match parent(object, path)? {
        (Value::Object(map), key) => {
            map.insert(key, value);
        }
        (Value::Array(items), key) => {
            let index = if key == "-" { Some(items.len()) } else { key.parse().ok() };
            let index = index
                .filter(|index| *index <= items.len())
                .ok_or_else(Failure::patch_does_not_fit)?;
            items.insert(index, value);
        }
        _ => return Err(Failure::patch_does_not_fit()),
    }
    Ok(())
}

fn replace(object: &mut Value, path: &str, value: Value) -> Answer<()> {
    if path.is_empty() {
        *object = value;
        return Ok(());
    }
    match parent(object, path)? {
        (Value::Object(map), key) => {
            map.insert(key, value);
        }
        (Value::Array(items), key) => {
            let slot = key.parse::<usize>().ok().and_then(|index| items.get_mut(index));
            *slot.ok_or_else(Failure::patch_does_not_fit)? = value;
        }
        _ => return Err(Failure::patch_does_not_fit()),
    }
    Ok(())
}

fn remove(object: &mut Value, path: &str) -> Answer<Value> {
    match parent(object, path)? {
        (Value::Object(map), key) => map.shift_remove(&key).ok_or_else(Failure::patch_does_not_fit),
        (Value::Array(items), key) => {
            let index = key.parse::<usize>().ok().filter(|index| *index < items.len());
            Ok(items.remove(index.ok_or_else(Failure::patch_does_not_fit)?))
        }
        _ => Err(Failure::patch_does_not_fit()),
    }
}

/// Applies a merge patch (RFC 7386).
pub(super) fn merge(object: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *object = patch.clone();
        return;
    };
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Value::Object(map) = object else { return };
    for (key, change) in changes {
        if change.is_null() {
            map.shift_remove(key);
        } else {
            merge(map.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

/// Applies a strategic merge patch to an object of this type.
pub(super) fn strategic(kind: &str, object: &mut Value, patch: &Value) {
    if let Value::Object(changes) = patch {
        strategic_map(&Shape::Object(kind.to_owned()), object, changes);
    }
}

fn strategic_map(shape: &Shape, object: &mut Value, changes: &Map<String, Value>) {
    match changes.get("$patch").and_then(Value::as_str) {
        Some("replace") => {
            *object = Value::Object(
                changes.iter().filter(|(key, _)| *key != "$patch").map(owned).collect(),
            );
            return;
        }
        Some("delete") => {
            *object = Value::Object(Map::new());
            return;
        }
        _ => {}
    }
    if !object.is_object() {
        *object = Value::Object(Map::new());
    }
    let Value::Object(map) = object else { return };
    if let Some(kept) = changes.get("$retainKeys").and_then(Value::as_array) {
        map.retain(|key, _| kept.iter().any(|name| name == key));
    }
    for (key, change) in changes {
        if let Some(field) = key.strip_prefix("$deleteFromPrimitiveList/") {
            if let (Some(Value::Array(items)), Value::Array(dropped)) = (map.get_mut(field), change)
            {
                items.retain(|item| !dropped.contains(item));
            }
            continue;
        }
        if key.starts_with('$') {
            continue;
        }
        if change.is_null() {
            map.shift_remove(key);
            continue;
        }
        let inner = match shape {
            Shape::Object(name) if key != "kind" && key != "apiVersion" => schema::shape(name, key),
            Shape::Map(inner) => Some((**inner).clone()),
            _ => None,
        }
        .unwrap_or(Shape::Any);
        let order = changes.get(&format!("$setElementOrder/{key}")).and_then(Value::as_array);
        let slot = map.entry(key.clone()).or_insert(Value::Null);
        strategic_value(&inner, slot, change, order.map(Vec::as_slice));
    }
}

fn strategic_value(shape: &Shape, slot: &mut Value, change: &Value, order: Option<&[Value]>) {
    match (shape, change) {
        (Shape::Keyed(name, key), Value::Array(changes)) => {
            let mut items = slot.as_array().cloned().unwrap_or_default();
            keyed_list(name, key, &mut items, changes);
            if let Some(order) = order {
                let rank = |item: &Value| order.iter().position(|named| named[*key] == item[*key]);
                // Items that the patch does not know keep their place behind those it orders.
                items.sort_by_key(|item| rank(item).unwrap_or(usize::MAX));
            }
            *slot = Value::Array(items);
        }
        (Shape::Set(_), Value::Array(changes)) => {
            let mut items = slot.as_array().cloned().unwrap_or_default();
            for change in changes {
                if !items.contains(change) {
                    items.push(change.clone());
                }
            }
            *slot = Value::Array(items);
        }
        (_, Value::Object(changes)) => strategic_map(shape, slot, changes),
        _ => *slot = change.clone(),
    }
}

fn keyed_list(name: &str, key: &str, items: &mut Vec<Value>, changes: &[Value]) {
    if changes.iter().any(|change| change["$patch"] == "replace") {
        *items = changes.iter().filter(|change| change["$patch"] != "replace").cloned().collect();
        return;
    }
    for change in changes {
        let at = items.iter().position(|item| item[key] == change[key]);
        if change["$patch"] == "delete" {
            if let Some(index) = at {
                items.remove(index);
            }
            continue;
        }
        let Value::Object(fields) = change else {
            continue;
        };
        let index = at.unwrap_or_else(|| {
            items.push(Value::Object(Map::new()));
            items.len() - 1
        });
        strategic_map(&Shape::Object(name.to_owned()), &mut items[index], fields);
    }
}

fn owned((key, value): (&String, &Value)) -> (String, Value) {
    (key.clone(), value.clone())
}

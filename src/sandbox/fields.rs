//! Owns sets of fields: which there are in an object, as `managedFields` writes them down.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::schema::{self, Shape};
use super::store::canonical;

/// The way to a field: `f:spec`, `f:containers`, `k:{"name":"app"}`, `f:image`.
pub(super) type Path = Vec<String>;

/// Types that have one owner as a whole.
const ATOMIC: &[&str] = &[
    "LabelSelector",
    "ObjectReference",
    "LocalObjectReference",
    "ConfigMapKeySelector",
    "SecretKeySelector",
    "ObjectFieldSelector",
    "ObjectMeta.managedFields",
];

/// What of the metadata nobody owns.
const UNOWNED: [&str; 9] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "selfLink",
    "managedFields",
];

/// A set of fields.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Fields(BTreeSet<Path>);

impl FromIterator<Path> for Fields {
    fn from_iter<T: IntoIterator<Item = Path>>(paths: T) -> Fields {
        Fields(paths.into_iter().collect())
    }
}

impl Fields {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn has(&self, path: &Path) -> bool {
        self.0.contains(path)
    }

    /// Whether this field or anything in it is among them.
    pub(super) fn has_below(&self, path: &Path) -> bool {
        self.0.range(path.clone()..).next().is_some_and(|found| found.starts_with(path))
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Path> {
        self.0.iter()
    }

    pub(super) fn unite(&mut self, other: &Fields) {
        self.0.extend(other.0.iter().cloned());
    }

    pub(super) fn drop(&mut self, gone: impl Fn(&Path) -> bool) {
        self.0.retain(|path| !gone(path));
    }

    /// As the entry of a manager has it.
    pub(super) fn read(value: &Value) -> Fields {
        let mut fields = Fields::default();
        collect(value, &mut Vec::new(), &mut fields.0);
        fields
    }

    /// As `fieldsV1`.
    pub(super) fn json(&self) -> Value {
        let mut root = json!({});
        for path in &self.0 {
            let mut place = &mut root;
            for part in path {
                place = &mut place[part];
                if place.is_null() {
                    *place = json!({});
                }
            }
        }
        for path in &self.0 {
            let place = path.iter().fold(&mut root, |place, part| &mut place[part]);
            if let Value::Object(inner) = place
                && !inner.is_empty()
            {
                inner.shift_insert(0, ".".to_owned(), json!({}));
            }
        }
        root
    }
}

fn collect(value: &Value, path: &mut Path, found: &mut BTreeSet<Path>) {
    for (key, inner) in value.as_object().into_iter().flatten() {
        if key == "." {
            found.insert(path.clone());
            continue;
        }
        path.push(key.clone());
        if inner.as_object().is_none_or(Map::is_empty) {
            found.insert(path.clone());
        } else {
            collect(inner, path, found);
        }
        path.pop();
    }
}

/// The parts of an object that somebody can own: each part of the metadata, `spec`, `status`.
fn parts_of(object: &Value) -> impl Iterator<Item = (Path, &Value)> {
    let owned = |key: &str| !matches!(key, "kind" | "apiVersion" | "metadata");
    let metadata = object["metadata"].as_object().into_iter().flatten();
    let metadata = metadata
        .filter(|(key, _)| !UNOWNED.contains(&key.as_str()))
        .map(|(key, value)| (vec!["f:metadata".to_owned(), format!("f:{key}")], value));
    let rest = object.as_object().into_iter().flatten();
    metadata.chain(
        rest.filter(move |(key, _)| owned(key))
            .map(|(key, value)| (vec![format!("f:{key}")], value)),
    )
}

/// The parts in which two states of an object differ: only there a write changes who owns what.
#[derive(Debug)]
pub(super) struct Parts(BTreeSet<Path>);

impl Parts {
    /// Of a new object those are all that it has.
    pub(super) fn that_differ(before: Option<&Value>, after: &Value) -> Parts {
        let old: BTreeMap<Path, &Value> = before.into_iter().flat_map(parts_of).collect();
        let new: BTreeMap<Path, &Value> = parts_of(after).collect();
        let paths = old.keys().chain(new.keys());
        Parts(paths.filter(|path| old.get(*path) != new.get(*path)).cloned().collect())
    }

    /// Whether a field is in one of them.
    pub(super) fn hold(&self, path: &Path) -> bool {
        self.0.iter().any(|part| path.starts_with(part))
    }

    /// Whether `fieldsV1` names anything in them.
    pub(super) fn touch(&self, fields: &Value) -> bool {
        self.0.iter().any(|part| {
            part.iter().try_fold(fields, |place, key| place.get(key.as_str())).is_some()
        })
    }
}

/// Every field of an object with its value; maps and the entries of lists are there as null.
pub(super) fn of(kind: &str, object: &Value) -> BTreeMap<Path, Value> {
    within(kind, object, &Parts::that_differ(None, object))
}

/// The same in these parts alone.
pub(super) fn within(kind: &str, object: &Value, parts: &Parts) -> BTreeMap<Path, Value> {
    let mut found = BTreeMap::new();
    for (mut path, value) in parts_of(object).filter(|(path, _)| parts.0.contains(path)) {
        let kind = if path.len() > 1 { "ObjectMeta" } else { kind };
        let key = path.last().map_or("", |part| part.trim_start_matches("f:"));
        let shape = schema::shape(kind, key).unwrap_or(Shape::Any);
        walk(&shape, value, &mut path, &mut found);
    }
    found
}

fn walk(shape: &Shape, value: &Value, path: &mut Path, found: &mut BTreeMap<Path, Value>) {
    let deeper = |part: String,
                  shape: &Shape,
                  value: &Value,
                  path: &mut Path,
                  found: &mut BTreeMap<Path, Value>| {
        path.push(part);
        walk(shape, value, path, found);
        path.pop();
    };
    match (shape, value) {
        (Shape::Object(name), Value::Object(map))
            if !map.is_empty() && !ATOMIC.contains(&name.as_str()) =>
        {
            for (key, value) in map {
                let inner = schema::shape(name, key).unwrap_or(Shape::Any);
                deeper(format!("f:{key}"), &inner, value, path, found);
            }
        }
        (Shape::Map(inner), Value::Object(map)) if !map.is_empty() => {
            for (key, value) in map {
                deeper(format!("f:{key}"), inner, value, path, found);
            }
            found.insert(path.clone(), Value::Null);
        }
        (Shape::Any, Value::Object(map)) if !map.is_empty() => {
            for (key, value) in map {
                deeper(format!("f:{key}"), &Shape::Any, value, path, found);
            }
        }
        (Shape::Keyed(name, key), Value::Array(items)) if !items.is_empty() => {
            for item in items {
                let part = format!("k:{}", canonical(&key_of(name, key, item)));
                deeper(part.clone(), &Shape::Object(name.clone()), item, path, found);
                path.push(part);
                found.insert(path.clone(), Value::Null);
                path.pop();
            }
        }
        (Shape::Set(_), Value::Array(items)) if !items.is_empty() => {
            for item in items {
                path.push(format!("v:{item}"));
                found.insert(path.clone(), item.clone());
                path.pop();
            }
        }
        _ => {
            found.insert(path.clone(), value.clone());
        }
    }
}

/// What names an entry of a list among its siblings.
pub(super) fn key_of(name: &str, key: &str, item: &Value) -> Value {
    let mut named = json!({key: item[key]});
    match name {
        "ContainerPort" | "ServicePort" => {
            named["protocol"] = item.get("protocol").cloned().unwrap_or_else(|| "TCP".into());
        }
        "TopologySpreadConstraint" => {
            named["whenUnsatisfiable"] = item["whenUnsatisfiable"].clone();
        }
        _ => {}
    }
    named
}

/// The way to a field in the words of a refusal: `.spec.containers[name="app"].image`.
pub(super) fn shown(path: &Path) -> String {
    let mut text = String::new();
    for part in path {
        match part.split_once(':') {
            Some(("f", name)) => text.extend([".", name]),
            Some(("k", key)) => {
                let key: Value = serde_json::from_str(key).unwrap_or_default();
                let each = key.as_object().into_iter().flatten();
                let each: Vec<String> = each.map(|(key, value)| format!("{key}={value}")).collect();
                let _ = write!(text, "[{}]", each.join(","));
            }
            Some((_, value)) => {
                let _ = write!(text, "[={value}]");
            }
            None => {}
        }
    }
    text
}

/// Takes a field away; a map that is empty then goes with it.
pub(super) fn remove(object: &mut Value, path: &[String]) {
    let Some((first, rest)) = path.split_first() else { return };
    let Some((form, name)) = first.split_once(':') else { return };
    match object {
        Value::Object(map) if form == "f" => {
            if rest.is_empty() {
                map.shift_remove(name);
                return;
            }
            let Some(inner) = map.get_mut(name) else { return };
            remove(inner, rest);
            let bare = match &*inner {
                Value::Object(map) => map.is_empty(),
                Value::Array(items) => items.is_empty(),
                _ => false,
            };
            if bare {
                map.shift_remove(name);
            }
        }
        Value::Array(items) => {
            let named: Value = serde_json::from_str(name).unwrap_or_default();
            let fits = |item: &Value| match (&named, form) {
                (Value::Object(key), "k") => key.iter().all(|(key, value)| {
                    item.get(key).unwrap_or(if key == "protocol" { value } else { &Value::Null })
                        == value
                }),
                _ => *item == named,
            };
            let Some(at) = items.iter().position(fits) else { return };
            if rest.is_empty() {
                items.remove(at);
            } else {
                remove(&mut items[at], rest);
            }
        }
        _ => {}
    }
}

//! The shape in which the model is decoded: how one of several kinds, a duration and an action are
//! written there.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::{Map, Value};

use super::tree::Node;

/// Sets a key.
pub fn set(map: &mut Map<String, Value>, key: &str, value: impl Into<Value>) {
    map.insert(key.to_owned(), value.into());
}

/// Takes a key's value out; null where there is none.
pub fn take(map: &mut Map<String, Value>, key: &str) -> Value {
    map.remove(key).unwrap_or(Value::Null)
}

/// One of several, named by its kind.
pub fn tagged(tag: &str, value: Value) -> Value {
    Value::Object(Map::from_iter([(tag.to_owned(), value)]))
}

/// A duration as it is decoded.
pub fn span(duration: Duration) -> Value {
    let mut map = Map::new();
    set(&mut map, "secs", duration.as_secs());
    set(&mut map, "nanos", duration.subsec_nanos());
    Value::Object(map)
}

/// The texts of a map, and those of its lists, for checks that need no YAML.
pub fn texts(map: &Map<String, Value>) -> BTreeMap<String, Vec<String>> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    map.iter()
        .map(|(key, value)| {
            let texts = match value {
                Value::Array(items) => items.iter().filter_map(text).collect(),
                value => text(value).into_iter().collect(),
            };
            (key.clone(), texts)
        })
        .collect()
}

/// Moves the kind's value, and a command's sibling keys, into `action`.
pub fn action(map: &mut Map<String, Value>, node: &Node<'_>, kinds: &[&str], check: bool) {
    let Some(kind) = kinds.iter().find(|kind| node.get(kind).is_some()) else { return };
    let body = take(map, kind);
    if *kind != "command" && *kind != "shell" {
        set(map, "action", tagged(kind, body));
        return;
    }
    let mut command = Map::new();
    set(&mut command, "form", tagged(if *kind == "command" { "argv" } else { "shell" }, body));
    for key in ["env", "cwd", "checkout", "probe", "idempotent", "check"] {
        if let Some(value) = map.remove(key) {
            set(&mut command, key, value);
        }
    }
    if check {
        set(&mut command, "check", true);
    }
    set(map, "action", tagged("command", Value::Object(command)));
}

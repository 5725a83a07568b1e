//! Owns the objects: their versions, their history and what watches see of it.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::kinds::Kind;

/// Names one object.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Key {
    pub(super) resource: &'static str,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Key {
    pub(super) fn new(resource: &'static str, namespace: &str, name: &str) -> Key {
        Key { resource, namespace: namespace.to_owned(), name: name.to_owned() }
    }
}

/// What happened to an object.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Added,
    Modified,
    Deleted,
}

/// One entry of the history.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) version: u64,
    pub(super) change: Change,
    pub(super) key: Key,
    pub(super) before: Option<Arc<Value>>,
    pub(super) object: Arc<Value>,
}

/// Entries kept; a watch from before the oldest is told that it expired.
const HISTORY: usize = 20_000;

/// The first version ever given out. Lower ones, which only another cluster can have given out, are expired.
const FIRST: u64 = 1000;

/// All objects.
#[derive(Debug)]
pub(super) struct Store {
    objects: BTreeMap<Key, Arc<Value>>,
    history: VecDeque<Record>,
    version: u64,
    oldest: u64,
    /// Something changed that controllers act on.
    pub(super) touched: bool,
}

impl Store {
    pub(super) fn new() -> Store {
        Store {
            objects: BTreeMap::new(),
            history: VecDeque::new(),
            version: FIRST,
            oldest: FIRST,
            touched: false,
        }
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    /// Watches can start from here or later.
    pub(super) fn oldest(&self) -> u64 {
        self.oldest
    }

    /// Forgets the history, as compaction does.
    pub(super) fn compact(&mut self) {
        self.history.clear();
        self.oldest = self.version;
    }

    pub(super) fn get(&self, key: &Key) -> Option<Arc<Value>> {
        self.objects.get(key).cloned()
    }

    /// Objects of a resource in a namespace, or in all where that is empty, by name.
    pub(super) fn list(&self, resource: &'static str, namespace: &str) -> Vec<Arc<Value>> {
        self.range(resource, namespace).map(|(_, object)| object.clone()).collect()
    }

    /// As `list`, without copying.
    pub(super) fn range(
        &self,
        resource: &'static str,
        namespace: &str,
    ) -> impl Iterator<Item = (&Key, &Arc<Value>)> {
        let from = Key::new(resource, namespace, "");
        self.objects
            .range(from..)
            .take_while(move |(key, _)| key.resource == resource)
            .skip_while({
                let namespace = namespace.to_owned();
                move |(key, _)| !namespace.is_empty() && key.namespace < namespace
            })
            .take_while({
                let namespace = namespace.to_owned();
                move |(key, _)| namespace.is_empty() || key.namespace == namespace
            })
    }

    /// Stores an object under its key. What changes nothing keeps the version and reaches no watch.
    pub(super) fn put(&mut self, key: Key, mut object: Value) -> Arc<Value> {
        let before = self.objects.get(&key).cloned();
        if let Some(before) = &before
            && same(before, &object)
        {
            return before.clone();
        }
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        let object = Arc::new(object);
        self.objects.insert(key.clone(), object.clone());
        let change = if before.is_some() { Change::Modified } else { Change::Added };
        self.remember(Record {
            version: self.version,
            change,
            key,
            before,
            object: object.clone(),
        });
        object
    }

    /// Removes an object; its last state gets a version of its own.
    pub(super) fn remove(&mut self, key: &Key) -> Option<Arc<Value>> {
        let before = self.objects.remove(key)?;
        self.version += 1;
        let mut last = (*before).clone();
        last["metadata"]["resourceVersion"] = self.version.to_string().into();
        let object = Arc::new(last);
        self.remember(Record {
            version: self.version,
            change: Change::Deleted,
            key: key.clone(),
            before: Some(before),
            object: object.clone(),
        });
        Some(object)
    }

    fn remember(&mut self, record: Record) {
        // Nothing acts on these, and a run of the product writes many of them.
        if !matches!(record.key.resource, "events" | "leases" | "controllerrevisions") {
            self.touched = true;
        }
        self.history.push_back(record);
        if self.history.len() > HISTORY
            && let Some(dropped) = self.history.pop_front()
        {
            self.oldest = dropped.version;
        }
    }

    /// What happened to a resource after this version.
    pub(super) fn since(
        &self,
        version: u64,
        resource: &'static str,
    ) -> impl Iterator<Item = &Record> {
        let start = self.history.partition_point(|record| record.version <= version);
        self.history.range(start..).filter(move |record| record.key.resource == resource)
    }

    /// A digest of all objects, for "nothing changed". Leases and events count only if asked for.
    pub(super) fn digest(&self, with_leases_and_events: bool) -> String {
        let mut hash = Sha256::new();
        for (key, object) in &self.objects {
            if with_leases_and_events || !matches!(key.resource, "leases" | "events") {
                hash.update(format!("{}/{}/{}\n", key.resource, key.namespace, key.name));
                hash.update(canonical(object));
            }
        }
        hex(&hash.finalize())
    }
}

/// Equal but for what the server itself keeps.
fn same(before: &Value, after: &Value) -> bool {
    let equal = |one: &Value, other: &Value, but: &[&str]| {
        let (Value::Object(one), Value::Object(other)) = (one, other) else {
            return one == other;
        };
        let counted = |key: &String| !but.contains(&key.as_str());
        one.keys().filter(|key| counted(key)).count()
            == other.keys().filter(|key| counted(key)).count()
            && one
                .iter()
                .filter(|(key, _)| counted(key))
                .all(|(key, value)| other.get(key) == Some(value))
    };
    equal(before, after, &["metadata"])
        && equal(&before["metadata"], &after["metadata"], &["resourceVersion"])
}

/// JSON with its keys sorted, so that equal values have equal texts.
pub(super) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map.iter().collect();
            entries.sort_by_key(|(key, _)| *key);
            let inner: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}:{}", json!(key), canonical(value)))
                .collect();
            format!("{{{}}}", inner.join(","))
        }
        Value::Array(items) => {
            let inner: Vec<String> = items.iter().map(canonical).collect();
            format!("[{}]", inner.join(","))
        }
        plain => plain.to_string(),
    }
}

/// Bytes as lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// The list object around these items.
pub(super) fn list_of(kind: &Kind, version: u64, items: &[Arc<Value>]) -> Value {
    let items: Vec<Value> = items
        .iter()
        .map(|item| {
            let mut item = (**item).clone();
            if let Value::Object(map) = &mut item {
                // The items of a list say their kind only once, at its head.
                map.shift_remove("kind");
                map.shift_remove("apiVersion");
            }
            item
        })
        .collect();
    json!({
        "kind": format!("{}List", kind.kind),
        "apiVersion": kind.api_version(),
        "metadata": {"resourceVersion": version.to_string()},
        "items": items,
    })
}

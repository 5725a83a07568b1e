//! Owns watches: which events a watch sees, in which form, and when it ends.

use std::sync::Arc;
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::failure::{Answer, Failure};
use super::kinds::Kind;
use super::selector::Selector;
use super::store::{Change, Record, Store};
use super::table;

/// One open watch.
#[derive(Debug)]
pub(super) struct Watch {
    kind: &'static Kind,
    namespace: String,
    selector: Selector,
    seen: u64,
    bookmarks: bool,
    /// Lines to be sent before anything else.
    waiting: Vec<Value>,
    table: bool,
    /// The watch has said its last word.
    over: bool,
    /// When it ends.
    pub(super) until: Instant,
}

impl Watch {
    /// Opens a watch at a resourceVersion; from none or 0 it begins with what is there.
    #[allow(clippy::too_many_arguments)] // each is a query parameter
    pub(super) fn open(
        store: &Store,
        kind: &'static Kind,
        namespace: &str,
        selector: Selector,
        from: &str,
        bookmarks: bool,
        initial: bool,
        timeout: Duration,
    ) -> Answer<Watch> {
        let version = match from {
            "" => 0,
            text => text.parse::<u64>().map_err(|_| {
                let message = format!("resourceVersion: Invalid value: \"{text}\": strconv.ParseUint: parsing \"{text}\": invalid syntax");
                Failure::bad_request(&message)
            })?,
        };
        let mut watch = Watch {
            kind,
            namespace: namespace.to_owned(),
            selector,
            seen: version,
            bookmarks,
            waiting: Vec::new(),
            table: false,
            over: false,
            until: Instant::now() + timeout,
        };
        if version == 0 || initial {
            watch.seen = store.version();
            for object in store.list(kind.plural, namespace) {
                if watch.selector.matches(&object) {
                    watch.waiting.push(event("ADDED", (*object).clone()));
                }
            }
            if initial {
                let mut mark = watch.bookmark();
                mark["object"]["metadata"]["annotations"] =
                    json!({"k8s.io/initial-events-end": "true"});
                watch.waiting.push(mark);
            }
        } else if version < store.oldest() {
            let failure = Failure::expired(version, store.oldest());
            watch.waiting.push(event("ERROR", *failure.body));
            watch.over = true;
        }
        Ok(watch)
    }

    /// The same watch, with each object as a row of a table.
    pub(super) fn into_table(mut self) -> Watch {
        self.table = true;
        self
    }

    /// The lines that are new since the last call, and whether there will be no more.
    pub(super) fn next(&mut self, store: &Store) -> (String, bool) {
        let mut events = std::mem::take(&mut self.waiting);
        if !self.over {
            if self.seen < store.oldest() && self.seen < store.version() {
                events.push(event("ERROR", *Failure::expired(self.seen, store.oldest()).body));
                self.over = true;
            } else {
                events.extend(
                    store
                        .since(self.seen, self.kind.plural)
                        .filter_map(|record| self.shown(record)),
                );
                self.seen = store.version();
            }
        }
        if !self.over && Instant::now() >= self.until {
            self.over = true;
            if self.bookmarks {
                events.push(self.bookmark());
            }
        }
        let mut lines = String::new();
        for mut event in events {
            if self.table && !matches!(event["type"].as_str(), Some("BOOKMARK" | "ERROR")) {
                let object = Arc::new(event["object"].take());
                event["object"] = table::table(self.kind, &[object]);
            }
            lines.push_str(&event.to_string());
            lines.push('\n');
        }
        (lines, self.over)
    }

    /// A change as this watch sees it: what begins or ceases to match its selector appears or disappears.
    fn shown(&self, record: &Record) -> Option<Value> {
        if !self.namespace.is_empty() && record.key.namespace != self.namespace {
            return None;
        }
        let before = record.before.as_ref().is_some_and(|object| self.selector.matches(object));
        let after = record.change != Change::Deleted && self.selector.matches(&record.object);
        let kind = match (before, after) {
            (false, true) => "ADDED",
            (true, true) => "MODIFIED",
            (true, false) => "DELETED",
            (false, false) => return None,
        };
        Some(event(kind, (*record.object).clone()))
    }

    fn bookmark(&self) -> Value {
        event(
            "BOOKMARK",
            json!({"kind": self.kind.kind, "apiVersion": self.kind.api_version(),
                   "metadata": {"resourceVersion": self.seen.to_string()}}),
        )
    }
}

fn event(kind: &str, object: Value) -> Value {
    Value::Object(Map::from_iter([("type".to_owned(), kind.into()), ("object".to_owned(), object)]))
}

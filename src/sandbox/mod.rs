//! Owns the sandbox: a Kubernetes API server with its controllers in this process, for rehearsals and tests.
//!
//! It imports nothing else of this crate. A request goes `http` -> `routes` -> `operations` -> `store`; the
//! controllers then move `ReplicaSets` and pods on, in a thread of their own, behind the same lock. What is not
//! implemented answers 501 and is counted, see [`Sandbox::unimplemented`].

use std::time::Duration;

use serde_json::Value;

mod access;
mod admission;
mod apply;
mod clock;
mod controllers;
mod defaults;
mod delete;
mod discovery;
mod failure;
mod fields;
mod gnostic;
mod handle;
mod http;
mod kinds;
mod logs;
mod managed;
mod openapi;
mod operations;
mod patch;
mod protobuf;
mod quota;
mod routes;
mod scale;
mod schema;
mod selector;
mod state;
mod store;
mod table;
mod update;
mod validate;
mod watch;
mod workload;

pub use access::Rule;
pub use handle::Sandbox;

use state::State;
use store::Key;

/// How a sandbox behaves.
#[derive(Debug, Clone)]
pub struct Options {
    /// From a pod's creation until its containers run.
    pub pod_delay: Duration,
    /// From the start of a pod's termination until it is gone.
    pub termination_delay: Duration,
    /// From a container's first crash until it is started again; doubled with every crash.
    pub crash_delay: Duration,
    /// How many nodes a `DaemonSet` finds.
    pub nodes: usize,
}

impl Default for Options {
    fn default() -> Options {
        Options {
            pod_delay: Duration::from_millis(20),
            termination_delay: Duration::from_millis(20),
            crash_delay: Duration::from_millis(100),
            nodes: 1,
        }
    }
}

/// A request that was asked of the sandbox.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RequestLine {
    /// `GET`, `PATCH`, ...
    pub method: String,
    /// The path, without the query.
    pub path: String,
    /// The query, decoded.
    pub query: String,
    /// Who asked.
    pub user: String,
    /// The status of the answer; 0 where none was given.
    pub status: u16,
    /// Whether it was a dry-run.
    pub dry_run: bool,
}

/// What a predicate of [`Sandbox::wait_until`] can see.
#[derive(Debug)]
pub struct View<'a>(&'a State);

impl View<'_> {
    /// One object; `resource` is its plural name.
    pub fn get(&self, resource: &str, namespace: &str, name: &str) -> Option<Value> {
        let kind = kinds::by_plural(resource)?;
        self.0.store.get(&Key::new(kind.plural, namespace, name)).map(|object| (*object).clone())
    }

    /// All objects of a resource in a namespace (in all namespaces, where that is empty), by name.
    pub fn list(&self, resource: &str, namespace: &str) -> Vec<Value> {
        let Some(kind) = kinds::by_plural(resource) else {
            return Vec::new();
        };
        self.0.store.list(kind.plural, namespace).iter().map(|object| (**object).clone()).collect()
    }

    /// The requests so far.
    pub fn requests(&self) -> &[RequestLine] {
        &self.0.requests
    }
}

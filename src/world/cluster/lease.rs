//! The Lease of an environment, as plain REST through the proxy. It is the one thing in the cluster
//! that is written without a `kubectl` command: it is no step of a rollback, it is renewed every few
//! seconds, and its deletion needs a precondition that kubectl cannot give. Every write is a
//! compare-and-swap.

use serde_json::{Value, json};

use super::Cluster;
use super::rest::{Ask, Method, Rejected};
use crate::facts::{Known, Unread};

const WHAT: &str = "leases.coordination.k8s.io";

/// Why a write of a Lease was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotWritten {
    /// It is there already, or it has changed since it was read: somebody else was first.
    Conflict,
    /// It is not there any more.
    Gone,
    /// It could not be asked, or is not allowed.
    Unread(Unread),
}

impl Cluster {
    /// A Lease of the namespace; none where there is none.
    pub fn lease(&self, name: &str) -> Known<Option<Value>> {
        let what = format!("{WHAT}/{name}");
        match self.get("get", &what, &self.lease_path(name)) {
            Ok(lease) => Ok(Some(lease)),
            // What is missing may also be kubectl, or the context.
            Err(Unread::Missing(text, _)) if text.starts_with(&what) => Ok(None),
            Err(why) => Err(why),
        }
    }

    /// Creates a Lease; one that is there already is a conflict.
    pub fn create_lease(&self, lease: &Value) -> Result<Value, NotWritten> {
        let path = self.lease_path("");
        let path = path.trim_end_matches('/');
        let written = self.write("create", &Method::POST, path, lease);
        written.map_err(|why| match why {
            // What is missing for a creation is the namespace.
            NotWritten::Gone => NotWritten::Unread(Unread::Missing(
                format!("namespace/{} not found", self.namespace()),
                None,
            )),
            why => why,
        })
    }

    /// Replaces a Lease that still is what `lease` was made from: its uid and resourceVersion say so.
    pub fn replace_lease(&self, name: &str, lease: &Value) -> Result<Value, NotWritten> {
        let version = lease["metadata"]["resourceVersion"].as_str().unwrap_or_default();
        if version.is_empty() {
            return Err(NotWritten::Conflict);
        }
        self.write("update", &Method::PUT, &self.lease_path(name), lease)
    }

    /// Deletes a Lease that still has this uid and resourceVersion.
    pub fn delete_lease(&self, name: &str, uid: &str, version: &str) -> Result<(), NotWritten> {
        let options = json!({
            "apiVersion": "v1", "kind": "DeleteOptions",
            "preconditions": { "uid": uid, "resourceVersion": version },
        });
        self.write("delete", &Method::DELETE, &self.lease_path(name), &options).map(|_| ())
    }

    fn lease_path(&self, name: &str) -> String {
        format!("/apis/coordination.k8s.io/v1/namespaces/{}/leases/{name}", self.namespace())
    }

    fn write(
        &self,
        verb: &str,
        method: &Method,
        path: &str,
        body: &Value,
    ) -> Result<Value, NotWritten> {
        let ask = Ask { verb, what: WHAT, namespace: self.namespace() };
        self.rest().swap(ask, method, path, body).map_err(|rejected| match rejected {
            Rejected::Conflict => NotWritten::Conflict,
            Rejected::Gone => NotWritten::Gone,
            Rejected::Unread(why) => NotWritten::Unread(why),
        })
    }
}

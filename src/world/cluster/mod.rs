//! The cluster: reads through one `kubectl proxy`, writes as `kubectl` commands.

use serde_json::Value;

use crate::facts::{Access, Identity, Known, WorkloadFacts};
use crate::runbook::Workload;

/// A handle to one namespace of one cluster; cheap to clone, safe to share with helper threads.
#[derive(Debug, Clone)]
pub struct Cluster {}

impl Cluster {
    /// The ConfigMap, or why not.
    pub fn configmap(&self, _name: &str) -> Known<Value> {
        todo!()
    }
    /// The workload with its pods and ReplicaSets, or why not.
    pub fn workload(&self, _workload: &Workload) -> Known<WorkloadFacts> {
        todo!()
    }
    /// Whether we may.
    pub fn access(&self, _access: &Access) -> Known<bool> {
        todo!()
    }
    /// Which cluster this is.
    pub fn identity(&self) -> Known<Identity> {
        todo!()
    }
}

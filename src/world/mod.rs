//! The narrow seams to the world: processes, the cluster, git, HTTP, time.

pub mod alerts;
pub mod clock;
pub mod cluster;
pub mod forge;
pub mod hands;
pub mod leftovers;
pub mod metrics;
pub mod process;
pub mod tail;
pub mod web;

/// The read-only handles to the world: cheap to clone, shared with helper threads. Surveys, looks
/// and checks take this; it has no way to change anything.
#[derive(Debug, Clone)]
pub struct Reader {
    /// The cluster.
    pub cluster: cluster::Cluster,
    /// git.
    pub forge: forge::Forge,
}

//! What the survey read of the world, and the reads themselves: asked all at once, each with the
//! reason when there is no answer. A forecast adds its own effect here, so that the next step sees
//! the world as it will be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::runbook::{Http, Workload};
use crate::step::FieldChange;
use crate::world::forge::{GitFact, GitRead};

/// A read-only question to the world. Equal questions are asked once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// A ConfigMap.
    ConfigMap(String),
    /// A workload with its pods, ReplicaSets and the ConfigMaps its template names.
    Workload(Workload),
    /// May we? Asked by a SelfSubjectAccessReview.
    Access(Access),
    /// A question to the git remote.
    Git(GitRead),
    /// Where a program is on the PATH.
    Program(String),
}

/// A verb on an object, as access reviews name it.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Access {
    /// `get`, `list`, `watch`, `patch`, `create`.
    pub verb: String,
    /// The API group; empty for the core group.
    pub group: String,
    /// Plural, such as `deployments`.
    pub resource: String,
    /// The object's name; empty for all.
    pub name: String,
}

/// Why there is no answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// The world answered: it is not there. The text names it; a hint may follow.
    Missing(String, Option<String>),
    /// We may not read it. The text says what is needed.
    Forbidden(String),
    /// No answer: unreachable, refused, too slow. The text says which.
    Unreachable(String),
    /// Anything else that kept us from reading it.
    Failed(String),
}

impl Unread {
    /// The sentence for the operator.
    pub fn sentence(&self) -> &str {
        match self {
            Unread::Missing(text, _)
            | Unread::Forbidden(text)
            | Unread::Unreachable(text)
            | Unread::Failed(text) => text,
        }
    }
}

/// An answer, or why there is none.
pub type Known<T> = Result<T, Unread>;

/// A workload as the survey found it.
#[derive(Debug, Clone, Default)]
pub struct WorkloadFacts {
    /// The object.
    pub object: Value,
    /// Its pods (by selector and owner), terminating ones too.
    pub pods: Vec<Value>,
    /// For a Deployment: its ReplicaSets.
    pub replica_sets: Vec<Value>,
}

/// Which cluster answers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Identity {
    /// uid of namespace `kube-system`, or of the plan's namespace where that may not be read.
    pub uid: String,
    /// The API server's address from the kubeconfig.
    pub server: String,
    /// Who the API server says we are, where it tells.
    pub user: String,
}

/// Everything the survey read.
#[derive(Debug, Clone, Default)]
pub struct Facts {
    /// Which cluster; none when no step needs one.
    pub identity: Option<Known<Identity>>,
    /// ConfigMaps by name.
    pub configmaps: BTreeMap<String, Known<Value>>,
    /// Workloads.
    pub workloads: BTreeMap<Workload, Known<WorkloadFacts>>,
    /// Permissions.
    pub access: BTreeMap<Access, Known<bool>>,
    /// Answers of the git remote.
    pub git: BTreeMap<GitRead, Known<GitFact>>,
    /// Programs by name.
    pub programs: BTreeMap<String, Known<PathBuf>>,
    /// First answers of `recovered_when` and `http` steps, by [`endpoint_key`]: passed, sentence.
    pub endpoints: BTreeMap<String, (bool, String)>,
    /// Flags that a step of this plan sets on a ConfigMap: name -> keys. Filled by forecasts.
    pub flags_to_change: BTreeMap<String, BTreeSet<String>>,
    /// The same with the values, as long as they are known. Filled by forecasts.
    pub flag_changes: Vec<FieldChange>,
    /// Flags that a step of this plan wants and that are already there. Filled by forecasts.
    pub flags_present: BTreeMap<String, BTreeSet<String>>,
}

/// The key of an endpoint's first answer.
pub fn endpoint_key(http: &Http) -> String {
    format!("{} {}", http.method, http.url)
}

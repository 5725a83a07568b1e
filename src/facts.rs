//! What the survey read of the world, each with the reason when there is no answer. A forecast adds
//! its own effect here, so that the next step sees the world as it will be. How it is read is in
//! [`gather()`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use serde_json::Value;

use crate::runbook::{Action, Workload};
use crate::snapshot::Snapshot;
use crate::step::FieldChange;
use crate::step::apply::Manifests;
use crate::world::forge::{GitFact, GitRead};
use crate::world::web::Attempt;

mod gather;

pub use gather::{Pace, gather};

/// A read-only question to the world. Equal questions are asked once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// A ConfigMap.
    ConfigMap(String),
    /// A workload with its pods, ReplicaSets and the ConfigMaps its template names.
    Workload(Workload),
    /// The earlier templates of a StatefulSet or DaemonSet.
    Revisions(Workload),
    /// May we? Asked by a `SelfSubjectAccessReview`.
    Access(Access),
    /// A question to the git remote.
    Git(GitRead),
    /// What manifests of a git remote would change in the cluster.
    Manifests(GitRead),
    /// A snapshot of this machine.
    Snapshot(String),
    /// Where a program is on the PATH.
    Program(String),
    /// Whether a file of this machine is there.
    File(PathBuf),
    /// What a command's probe says.
    Probe(Probe),
}

/// A change that the API server is asked to try and not to keep.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Trial {
    /// A patch of an object, exactly as the step will make it.
    Patch {
        /// `configmap/flags`, `deployment/web`.
        object: String,
        /// `application/json-patch+json` and the like.
        content_type: String,
        /// The patch.
        body: String,
    },
    /// Whether something is there that a workload's pods need. Only read.
    Need {
        /// Whose pods.
        workload: String,
        /// What.
        need: Need,
    },
    /// A pod made from a workload's template, since a workload's own dry-run says nothing of what
    /// quotas and policies make of its pods.
    Pod {
        /// Whose template.
        workload: String,
        /// The pod.
        body: String,
    },
}

/// Something that pods need to start.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    /// Plural, such as `secrets`.
    pub resource: String,
    /// Its name.
    pub name: String,
    /// The keys that must be in it, of ConfigMaps and Secrets.
    pub keys: Vec<String>,
    /// Pods start without it, if the node has the image.
    pub optional: bool,
}

impl Need {
    /// `secret/keys`.
    pub fn title(&self) -> String {
        format!("{}/{}", self.resource.trim_end_matches('s'), self.name)
    }

    /// Whether it only opens a registry.
    pub fn is_for_images(&self) -> bool {
        self.optional
    }
}

/// A read-only command that tells whether an effect is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub cwd: Option<String>,
    /// The environment of its step.
    pub env: BTreeMap<String, String>,
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
    /// The world would not do it. The text is its own reason.
    Refused(String),
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
            | Unread::Refused(text)
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
    /// For a DaemonSet: the hash of its newest revision, where it may be read.
    pub revision: Option<String>,
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
    /// Manifests, and what they would change.
    pub manifests: BTreeMap<GitRead, Known<Manifests>>,
    /// Snapshots by name.
    pub snapshots: BTreeMap<String, Known<Snapshot>>,
    /// Answers of probes.
    pub probes: BTreeMap<Probe, Known<bool>>,
    /// Programs by name.
    pub programs: BTreeMap<String, Known<PathBuf>>,
    /// Files of this machine.
    pub files: BTreeMap<PathBuf, Known<()>>,
    /// What the API server said to changes that it was asked to try.
    pub trials: BTreeMap<Trial, Known<()>>,
    /// First answers of `recovered_when` and steps that ask, by [`endpoint_key`].
    pub endpoints: BTreeMap<String, Attempt>,
    /// The commit or branch in which a later command's checkout will be, by step.
    pub checkouts: BTreeMap<String, GitRead>,
    /// Those of them that had no data: whether they pass is not known.
    pub no_data: BTreeSet<String>,
    /// The history of templates of StatefulSets and DaemonSets.
    pub revisions: BTreeMap<Workload, Known<Vec<Value>>>,
    /// Flags that a step of this plan sets on a ConfigMap: name -> keys. Filled by forecasts.
    pub flags_to_change: BTreeMap<String, BTreeSet<String>>,
    /// The same with the values, as long as they are known. Filled by forecasts.
    pub flag_changes: Vec<FieldChange>,
    /// Workloads whose pods a step just before makes anew: after it nothing has changed that they
    /// could have read. Filled by forecasts.
    pub rolled: BTreeSet<Workload>,
    /// Workloads that an earlier step of this plan changes, as the survey found them. Filled by
    /// forecasts.
    pub before: BTreeMap<Workload, WorkloadFacts>,
    /// Whether a step after the one that is foreseen may still mend what is broken now.
    pub changes_follow: bool,
    /// Objects that an earlier step of this plan makes, such as `secret/keys`. Filled by forecasts.
    pub made: BTreeSet<String>,
    /// Branches, each after its repository, that an earlier step of this plan moves. What was read
    /// of them is how they are now. Filled by forecasts.
    pub moved: BTreeSet<(String, String)>,
    /// Those of them that do not exist before that. Filled by forecasts.
    pub branched: BTreeSet<(String, String)>,
    /// Flags that a step of this plan wants and that are already there. Filled by forecasts.
    pub flags_present: BTreeMap<String, BTreeSet<String>>,
}

/// The key of an endpoint's first answer.
pub fn endpoint_key(action: &Action) -> Option<String> {
    match action {
        // What is wanted of the answer belongs to it: two checks may ask one address.
        Action::Http(http) => Some(format!(
            "{} {} {:?} {:?} {:?} {:?}",
            http.method, http.url, http.status, http.headers, http.json, http.contains
        )),
        Action::Metric(metric) => Some(format!(
            "{} {}",
            metric.url.as_deref().unwrap_or_default(),
            crate::step::metric::words(metric)
        )),
        _ => None,
    }
}

impl Read {
    fn is_of_the_cluster(&self) -> bool {
        matches!(
            self,
            Read::ConfigMap(_)
                | Read::Workload(_)
                | Read::Revisions(_)
                | Read::Manifests(_)
                | Read::Access(_)
        )
    }
}

impl Facts {
    /// The next steps see a workload as this one leaves it.
    pub fn foresee_workload(&mut self, workload: &Workload, after: WorkloadFacts) {
        let found = self.workloads.insert(workload.clone(), Ok(after));
        if let Some(Ok(found)) = found {
            self.before.entry(workload.clone()).or_insert(found);
        }
    }

    /// What did not answer, in a phrase each.
    pub fn unanswered(&self) -> Vec<String> {
        let mut phrases = BTreeSet::new();
        let mut note = |unread: Option<&Unread>| {
            if let Some(Unread::Unreachable(text)) = unread {
                phrases.insert(text.clone());
            }
        };
        note(self.identity.as_ref().and_then(|known| known.as_ref().err()));
        self.configmaps.values().for_each(|known| note(known.as_ref().err()));
        self.workloads.values().for_each(|known| note(known.as_ref().err()));
        self.manifests.values().for_each(|known| note(known.as_ref().err()));
        self.revisions.values().for_each(|known| note(known.as_ref().err()));
        self.access.values().for_each(|known| note(known.as_ref().err()));
        self.git.values().for_each(|known| note(known.as_ref().err()));
        self.probes.values().for_each(|known| note(known.as_ref().err()));
        phrases.into_iter().collect()
    }
}

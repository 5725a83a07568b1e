//! What the survey read of the world, and the reads themselves: asked all at once, each with the
//! reason when there is no answer. A forecast adds its own effect here, so that the next step sees
//! the world as it will be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::runbook::{Action, Workload};
use crate::snapshot::Snapshot;
use crate::step::apply::{self, Manifests};
use crate::step::{FieldChange, command, kinds};
use crate::world::Reader;
use crate::world::forge::{GitFact, GitRead};

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
    /// What a command's probe says.
    Probe(Probe),
}

/// A read-only command that tells whether an effect is there.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Probe {
    /// Program and arguments.
    pub argv: Vec<String>,
    /// Where it runs.
    pub cwd: Option<String>,
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
    /// Manifests, and what they would change.
    pub manifests: BTreeMap<GitRead, Known<Manifests>>,
    /// Snapshots by name.
    pub snapshots: BTreeMap<String, Known<Snapshot>>,
    /// Answers of probes.
    pub probes: BTreeMap<Probe, Known<bool>>,
    /// Programs by name.
    pub programs: BTreeMap<String, Known<PathBuf>>,
    /// First answers of `recovered_when` and of steps that ask, by [`endpoint_key`]: whether it
    /// passed (none where that is not known), and the sentence.
    pub endpoints: BTreeMap<String, (Option<bool>, String)>,
    /// The history of templates of StatefulSets and DaemonSets.
    pub revisions: BTreeMap<Workload, Known<Vec<Value>>>,
    /// Flags that a step of this plan sets on a ConfigMap: name -> keys. Filled by forecasts.
    pub flags_to_change: BTreeMap<String, BTreeSet<String>>,
    /// The same with the values, as long as they are known. Filled by forecasts.
    pub flag_changes: Vec<FieldChange>,
    /// Flags that a step of this plan wants and that are already there. Filled by forecasts.
    pub flags_present: BTreeMap<String, BTreeSet<String>>,
}

/// The key of an endpoint's first answer.
pub fn endpoint_key(action: &Action) -> Option<String> {
    match action {
        Action::Http(http) => Some(format!("{} {}", http.method, http.url)),
        Action::Metric(metric) => Some(format!(
            "{} {}",
            metric.url.as_deref().unwrap_or_default(),
            crate::step::metric::words(metric)
        )),
        _ => None,
    }
}

/// What was asked and what came back.
enum Answer {
    Identity(Known<Identity>),
    ConfigMap(String, Known<Value>),
    Workload(Workload, Box<Known<WorkloadFacts>>),
    Access(Access, Known<bool>),
    Git(Vec<(GitRead, Known<GitFact>)>),
    Program(String, Known<PathBuf>),
    Probe(Probe, Known<bool>),
    Endpoint(String, Option<bool>, String),
    Revisions(Workload, Known<Vec<Value>>),
    Manifests(GitRead, Known<Manifests>),
    Snapshot(String, Known<Snapshot>),
}

/// Asks everything at once, each on a helper thread, and waits until `deadline` has passed at most.
/// What has not answered by then is unanswered; its thread is abandoned.
pub fn gather(
    reads: &BTreeSet<Read>,
    endpoints: &[(Action, Vec<(String, String)>)],
    reader: &Reader,
    limit: Duration,
) -> Facts {
    let deadline = Instant::now() + limit;
    let (sender, receiver) = channel();
    let mut asked = 0;
    let mut ask = |work: Box<dyn FnOnce() -> Answer + Send>| {
        let sender = sender.clone();
        asked += 1;
        std::thread::spawn(move || {
            let _ = sender.send(work());
        });
    };
    let needs_cluster = reads.iter().any(Read::is_of_the_cluster);
    if needs_cluster {
        let cluster = reader.cluster.clone();
        ask(Box::new(move || Answer::Identity(cluster.identity())));
    }
    let mut git = Vec::new();
    for read in reads.iter().cloned() {
        let cluster = reader.cluster.clone();
        match read {
            Read::ConfigMap(name) => ask(Box::new(move || {
                let known = cluster.configmap(&name);
                Answer::ConfigMap(name, known)
            })),
            Read::Workload(workload) => ask(Box::new(move || {
                let known = cluster.workload(&workload);
                Answer::Workload(workload, Box::new(known))
            })),
            Read::Access(access) => ask(Box::new(move || {
                let known = cluster.access(&access);
                Answer::Access(access, known)
            })),
            Read::Revisions(workload) => ask(Box::new(move || {
                let known = cluster.revisions(&workload);
                Answer::Revisions(workload, known)
            })),
            Read::Manifests(read) => {
                let reader = reader.clone();
                ask(Box::new(move || {
                    let known = apply::ask(&reader, &read);
                    Answer::Manifests(read, known)
                }));
            }
            Read::Snapshot(name) => ask(Box::new(move || {
                let known = crate::snapshot::find(&name);
                Answer::Snapshot(name, known)
            })),
            Read::Git(read) => git.push(read),
            Read::Program(name) => ask(Box::new(move || {
                let known = command::locate(&name);
                Answer::Program(name, known)
            })),
            Read::Probe(probe) => ask(Box::new(move || {
                let known = command::ask(&probe);
                Answer::Probe(probe, known)
            })),
        }
    }
    if !git.is_empty() {
        let forge = reader.forge.clone();
        ask(Box::new(move || {
            let known = forge.read(&git);
            Answer::Git(git.into_iter().zip(known).collect())
        }));
    }
    for (action, headers) in endpoints {
        let (action, headers) = (action.clone(), headers.clone());
        let Some(key) = endpoint_key(&action) else { continue };
        ask(Box::new(move || {
            let (passed, sentence) = kinds::ask_once(&action, &headers);
            Answer::Endpoint(key, passed, sentence)
        }));
    }
    drop(sender);
    let mut facts = Facts::default();
    for _ in 0..asked {
        match receiver.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            Ok(answer) => facts.take(answer),
            Err(_) => break,
        }
    }
    facts.note_unanswered(reads, needs_cluster, limit);
    facts
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
    fn take(&mut self, answer: Answer) {
        match answer {
            Answer::Identity(known) => self.identity = Some(known),
            Answer::ConfigMap(name, known) => {
                self.configmaps.insert(name, known);
            }
            Answer::Workload(workload, known) => {
                self.workloads.insert(workload, *known);
            }
            Answer::Manifests(read, known) => {
                self.manifests.insert(read, known);
            }
            Answer::Snapshot(name, known) => {
                self.snapshots.insert(name, known);
            }
            Answer::Revisions(workload, known) => {
                self.revisions.insert(workload, known);
            }
            Answer::Access(access, known) => {
                self.access.insert(access, known);
            }
            Answer::Git(answers) => self.git.extend(answers),
            Answer::Program(name, known) => {
                self.programs.insert(name, known);
            }
            Answer::Probe(probe, known) => {
                self.probes.insert(probe, known);
            }
            Answer::Endpoint(key, passed, sentence) => {
                self.endpoints.insert(key, (passed, sentence));
            }
        }
    }

    /// What was asked and has no answer gets one: that there was none in time.
    fn note_unanswered(&mut self, reads: &BTreeSet<Read>, needs_cluster: bool, limit: Duration) {
        let limit = humantime::format_duration(limit);
        let late =
            |what: &str| Unread::Unreachable(format!("{what} did not answer within {limit}"));
        let cluster = || late("the cluster");
        if needs_cluster && self.identity.is_none() {
            self.identity = Some(Err(cluster()));
        }
        for read in reads {
            match read.clone() {
                Read::ConfigMap(name) => {
                    self.configmaps.entry(name).or_insert_with(|| Err(cluster()));
                }
                Read::Workload(workload) => {
                    self.workloads.entry(workload).or_insert_with(|| Err(cluster()));
                }
                Read::Manifests(read) => {
                    self.manifests
                        .entry(read)
                        .or_insert_with(|| Err(late("the git remote or the cluster")));
                }
                Read::Snapshot(name) => {
                    self.snapshots.entry(name).or_insert_with(|| Err(late("this machine's disk")));
                }
                Read::Revisions(workload) => {
                    self.revisions.entry(workload).or_insert_with(|| Err(cluster()));
                }
                Read::Access(access) => {
                    self.access.entry(access).or_insert_with(|| Err(cluster()));
                }
                Read::Git(read) => {
                    self.git.entry(read).or_insert_with(|| Err(late("the git remote")));
                }
                Read::Program(name) => {
                    self.programs.entry(name).or_insert_with(|| Err(late("the PATH")));
                }
                Read::Probe(probe) => {
                    self.probes.entry(probe).or_insert_with(|| Err(late("the probe")));
                }
            }
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

//! What the survey read of the world, and the reads themselves: asked all at once, each with the
//! reason when there is no answer. A forecast adds its own effect here, so that the next step sees
//! the world as it will be.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::runbook::{Http, Workload};
use crate::step::workload::flags::configmaps_named;
use crate::step::{FieldChange, command};
use crate::world::forge::{GitFact, GitRead};
use crate::world::web::Attempt;
use crate::world::{Reader, web};

/// A read-only question to the world. Equal questions are asked once.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Read {
    /// A ConfigMap.
    ConfigMap(String),
    /// A workload with its pods, ReplicaSets and the ConfigMaps its template names.
    Workload(Workload),
    /// May we? Asked by a `SelfSubjectAccessReview`.
    Access(Access),
    /// A question to the git remote.
    Git(GitRead),
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
    /// A pod made from a workload's template, since a workload's own dry-run says nothing of what
    /// quotas and policies make of its pods.
    Pod {
        /// Whose template.
        workload: String,
        /// The pod.
        body: String,
    },
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
    /// Answers of probes.
    pub probes: BTreeMap<Probe, Known<bool>>,
    /// Programs by name.
    pub programs: BTreeMap<String, Known<PathBuf>>,
    /// Files of this machine.
    pub files: BTreeMap<PathBuf, Known<()>>,
    /// What the API server said to changes that it was asked to try.
    pub trials: BTreeMap<Trial, Known<()>>,
    /// First answers of `recovered_when` and `http` steps, by [`endpoint_key`].
    pub endpoints: BTreeMap<String, Attempt>,
    /// The commit or branch in which a later command's checkout will be, by step.
    pub checkouts: BTreeMap<String, GitRead>,
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

/// What was asked and what came back.
enum Answer {
    Identity(Known<Identity>),
    ConfigMap(String, Known<Value>),
    Workload(Workload, Box<Known<WorkloadFacts>>),
    Access(Access, Known<bool>),
    Git(Vec<(GitRead, Known<GitFact>)>),
    Program(String, Known<PathBuf>),
    File(PathBuf, Known<()>),
    Probe(Probe, Known<bool>),
    Endpoint(String, Attempt),
    Trial(Trial, Known<()>),
}

impl Answer {
    /// Whether what is tried has to wait for it.
    fn comes_before_trials(&self) -> bool {
        matches!(self, Answer::ConfigMap(..) | Answer::Workload(..) | Answer::Access(..))
    }
}

/// Questions under way.
struct Asking<'r> {
    reader: &'r Reader,
    sender: Sender<Answer>,
    /// How many have not answered.
    open: usize,
    /// How many of them come before what is tried.
    before_trials: usize,
}

impl Asking<'_> {
    fn ask(&mut self, work: impl FnOnce() -> Answer + Send + 'static) {
        let sender = self.sender.clone();
        self.open += 1;
        std::thread::spawn(move || {
            let _ = sender.send(work());
        });
    }

    fn configmap(&mut self, name: String) {
        let cluster = self.reader.cluster.clone();
        self.before_trials += 1;
        self.ask(move || {
            let known = cluster.configmap(&name);
            Answer::ConfigMap(name, known)
        });
    }

    fn read(&mut self, read: Read, git: &mut Vec<GitRead>) {
        let cluster = self.reader.cluster.clone();
        match read {
            Read::ConfigMap(name) => self.configmap(name),
            Read::Workload(workload) => {
                self.before_trials += 1;
                self.ask(move || {
                    let known = cluster.workload(&workload);
                    Answer::Workload(workload, Box::new(known))
                });
            }
            Read::Access(access) => {
                self.before_trials += 1;
                self.ask(move || {
                    let known = cluster.access(&access);
                    Answer::Access(access, known)
                });
            }
            Read::Git(read) => git.push(read),
            Read::Program(name) => self.ask(move || {
                let known = command::locate(&name);
                Answer::Program(name, known)
            }),
            Read::File(path) => self.ask(move || {
                let known = command::find_file(&path);
                Answer::File(path, known)
            }),
            Read::Probe(probe) => self.ask(move || {
                let known = command::ask(&probe);
                Answer::Probe(probe, known)
            }),
        }
    }

    fn trial(&mut self, trial: Trial) {
        let cluster = self.reader.cluster.clone();
        self.ask(move || {
            let known = cluster.try_out(&trial);
            Answer::Trial(trial, known)
        });
    }
}

/// Asks everything at once, each on a helper thread, and waits until `deadline` has passed at most.
/// What has not answered by then is unanswered; its thread is abandoned. ConfigMaps that a workload
/// names are read as soon as it is known, and what `trials` makes of the answers of the cluster is
/// tried as soon as they are in.
pub fn gather(
    reads: &BTreeSet<Read>,
    endpoints: &[(Http, Vec<(String, String)>)],
    reader: &Reader,
    limit: Duration,
    trials: &dyn Fn(&Facts) -> BTreeSet<Trial>,
) -> Facts {
    let deadline = Instant::now() + limit;
    let (sender, receiver) = channel();
    let mut asking = Asking { reader, sender, open: 0, before_trials: 0 };
    let needs_cluster = reads.iter().any(Read::is_of_the_cluster);
    if needs_cluster {
        let cluster = reader.cluster.clone();
        asking.ask(move || Answer::Identity(cluster.identity()));
    }
    let mut git = Vec::new();
    for read in reads.iter().cloned() {
        asking.read(read, &mut git);
    }
    if !git.is_empty() {
        let forge = reader.forge.clone();
        asking.ask(move || {
            let known = forge.read(&git);
            Answer::Git(git.into_iter().zip(known).collect())
        });
    }
    for (http, headers) in endpoints {
        let (http, headers) = (http.clone(), headers.clone());
        asking.ask(move || {
            let attempt = web::attempt(&http, &headers);
            Answer::Endpoint(endpoint_key(&http), attempt)
        });
    }
    let mut facts = Facts::default();
    let mut named: BTreeSet<String> = BTreeSet::new();
    let mut tried = false;
    while asking.open > 0 {
        let left = deadline.saturating_duration_since(Instant::now());
        let Ok(answer) = receiver.recv_timeout(left) else { break };
        asking.open -= 1;
        asking.before_trials -= usize::from(answer.comes_before_trials());
        if let Answer::Workload(_, known) = &answer
            && let Ok(found) = known.as_ref()
        {
            for name in configmaps_named(&found.object["spec"]["template"]) {
                if !reads.contains(&Read::ConfigMap(name.clone())) && named.insert(name.clone()) {
                    asking.configmap(name);
                }
            }
        }
        facts.take(answer);
        if needs_cluster && !tried && asking.before_trials == 0 {
            tried = true;
            for trial in trials(&facts) {
                asking.trial(trial);
            }
        }
    }
    facts.note_unanswered(reads, needs_cluster, limit);
    for name in named {
        let late = || Unread::Unreachable(format!("configmap/{name} was not read in time"));
        facts.configmaps.entry(name.clone()).or_insert_with(|| Err(late()));
    }
    facts
}

impl Read {
    fn is_of_the_cluster(&self) -> bool {
        matches!(self, Read::ConfigMap(_) | Read::Workload(_) | Read::Access(_))
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
            Answer::File(path, known) => {
                self.files.insert(path, known);
            }
            Answer::Endpoint(key, attempt) => {
                self.endpoints.insert(key, attempt);
            }
            Answer::Trial(trial, known) => {
                self.trials.insert(trial, known);
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
                Read::Access(access) => {
                    self.access.entry(access).or_insert_with(|| Err(cluster()));
                }
                Read::Git(read) => {
                    self.git.entry(read).or_insert_with(|| Err(late("the git remote")));
                }
                Read::Program(name) => {
                    self.programs.entry(name).or_insert_with(|| Err(late("the PATH")));
                }
                Read::File(path) => {
                    self.files.entry(path).or_insert_with(|| Err(late("the file system")));
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
        self.access.values().for_each(|known| note(known.as_ref().err()));
        self.git.values().for_each(|known| note(known.as_ref().err()));
        self.probes.values().for_each(|known| note(known.as_ref().err()));
        phrases.into_iter().collect()
    }
}

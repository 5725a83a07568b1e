//! The survey's reads: asked all at once, each on a helper thread, under one deadline.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, channel};
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{
    Access, Facts, Identity, Known, Probe, Read, Trial, Unread, WorkloadFacts, endpoint_key,
};
use crate::runbook::{Action, Workload};
use crate::snapshot::Snapshot;
use crate::step::apply::{self, Manifests};
use crate::step::workload::flags::configmaps_named;
use crate::step::{command, kinds};
use crate::world::Reader;
use crate::world::forge::{GitFact, GitRead};
use crate::world::web::{self, Attempt, Elsewhere};

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
    Endpoint(String, Option<bool>, Attempt),
    Revisions(Workload, Known<Vec<Value>>),
    Manifests(GitRead, Known<Manifests>),
    Snapshot(String, Known<Snapshot>),
    Trial(Trial, Known<()>),
}

impl Answer {
    /// Whether what is tried has to wait for it.
    fn comes_before_trials(&self) -> bool {
        matches!(self, Answer::ConfigMap(..) | Answer::Workload(..) | Answer::Access(..))
    }

    /// Whether more may be tried once it is there: it says which templates and objects are to come.
    fn brings_trials(&self) -> bool {
        matches!(self, Answer::Revisions(..) | Answer::Manifests(..) | Answer::Snapshot(..))
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
            Read::Revisions(workload) => self.ask(move || {
                let known = cluster.revisions(&workload);
                Answer::Revisions(workload, known)
            }),
            Read::Manifests(read) => {
                let reader = self.reader.clone();
                self.ask(move || {
                    let known = apply::ask(&reader, &read);
                    Answer::Manifests(read, known)
                });
            }
            Read::Snapshot(name) => self.ask(move || {
                let known = crate::snapshot::find(&name);
                Answer::Snapshot(name, known)
            }),
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

/// How long a survey goes on.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// At most this long.
    pub limit: Duration,
    /// Only until these have answered; with none named, until all have.
    pub until: BTreeSet<Read>,
}

impl Pace {
    /// Until all have answered, at most this long.
    pub fn within(limit: Duration) -> Pace {
        Pace { limit, until: BTreeSet::new() }
    }

    /// What is said of something that has not answered.
    fn late(&self, what: &str) -> Unread {
        let why = if self.until.is_empty() {
            format!("did not answer within {}", humantime::format_duration(self.limit))
        } else {
            "was not waited for (--now)".to_owned()
        };
        Unread::Unreachable(format!("{what} {why}"))
    }

    /// The same of a check that is asked.
    fn late_endpoint(&self) -> Attempt {
        let (sentence, elsewhere) = if self.until.is_empty() {
            (web::no_answer(self.limit), Some(Elsewhere::Silent))
        } else {
            ("not waited for (--now)".to_owned(), None)
        };
        Attempt { passed: false, sentence, elsewhere }
    }
}

/// Asks everything at once, each on a helper thread, and waits until `deadline` has passed at most.
/// What has not answered by then is unanswered; its thread is abandoned. ConfigMaps that a workload
/// names are read as soon as it is known, and what `trials` makes of the answers of the cluster is
/// tried as soon as they are in.
pub fn gather(
    reads: &BTreeSet<Read>,
    endpoints: &[(Action, Vec<(String, String)>)],
    reader: &Reader,
    pace: &Pace,
    trials: &dyn Fn(&Facts) -> BTreeSet<Trial>,
) -> Facts {
    let deadline = Instant::now() + pace.limit;
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
    for (action, headers) in endpoints {
        let (action, headers) = (action.clone(), headers.clone());
        let Some(key) = endpoint_key(&action) else { continue };
        asking.ask(move || {
            let (passed, attempt) = kinds::ask_once(&action, &headers);
            Answer::Endpoint(key, passed, attempt)
        });
    }
    let mut facts = Facts::default();
    let mut named: BTreeSet<String> = BTreeSet::new();
    let mut tried: Option<BTreeSet<Trial>> = None;
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
        let brings = answer.brings_trials();
        facts.take(answer);
        if !pace.until.is_empty() && pace.until.iter().all(|read| facts.answers(read)) {
            break;
        }
        if needs_cluster && asking.before_trials == 0 && (tried.is_none() || brings) {
            let known = tried.get_or_insert_default();
            for trial in trials(&facts) {
                if known.insert(trial.clone()) {
                    asking.trial(trial);
                }
            }
        }
    }
    facts.note_unanswered(reads, needs_cluster, pace);
    for key in endpoints.iter().filter_map(|(action, _)| endpoint_key(action)) {
        if !facts.endpoints.contains_key(&key) {
            facts.take(Answer::Endpoint(key, None, pace.late_endpoint()));
        }
    }
    for name in named {
        let what = format!("configmap/{name}");
        facts.configmaps.entry(name).or_insert_with(|| Err(pace.late(&what)));
    }
    facts
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
            Answer::File(path, known) => {
                self.files.insert(path, known);
            }
            Answer::Endpoint(key, passed, attempt) => {
                if passed.is_none() {
                    self.no_data.insert(key.clone());
                }
                self.endpoints.insert(key, attempt);
            }
            Answer::Trial(trial, known) => {
                self.trials.insert(trial, known);
            }
        }
    }

    /// Whether a question has its answer.
    fn answers(&self, read: &Read) -> bool {
        match read {
            Read::ConfigMap(name) => self.configmaps.contains_key(name),
            Read::Workload(workload) => self.workloads.contains_key(workload),
            Read::Access(access) => self.access.contains_key(access),
            Read::Git(read) => self.git.contains_key(read),
            Read::Program(name) => self.programs.contains_key(name),
            Read::File(path) => self.files.contains_key(path),
            Read::Probe(probe) => self.probes.contains_key(probe),
            Read::Revisions(workload) => self.revisions.contains_key(workload),
            Read::Manifests(read) => self.manifests.contains_key(read),
            Read::Snapshot(name) => self.snapshots.contains_key(name),
        }
    }

    /// What was asked and has no answer gets one: that there was none in time.
    fn note_unanswered(&mut self, reads: &BTreeSet<Read>, needs_cluster: bool, pace: &Pace) {
        let late = |what: &str| pace.late(what);
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
                Read::File(path) => {
                    self.files.entry(path).or_insert_with(|| Err(late("the file system")));
                }
                Read::Probe(probe) => {
                    self.probes.entry(probe).or_insert_with(|| Err(late("the probe")));
                }
            }
        }
    }
}

//! What a step does, as written: one struct for each kind.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// What a step does: one key of the runbook each. A Change can be looked at, a Fire cannot,
/// a Check has no effect; see [`crate::step`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Change: keys of a ConfigMap, or env of a workload's container.
    SetFlags(SetFlags),
    /// Change: new pods for workloads, and the end of the old ones.
    Restart(Restart),
    /// Change: an earlier pod template of a workload, known by its content.
    RolloutUndo(RolloutUndo),
    /// Change: manifests as they are at a git ref.
    Apply(Apply),
    /// Change: ConfigMaps and pod templates as a snapshot has them.
    RestoreSnapshot(RestoreSnapshot),
    /// Change: the inverse of commits, as a new commit on a branch.
    RevertCommits(RevertCommits),
    /// Change: paths as they are on another branch, as a new commit.
    RestoreFiles(RestoreFiles),
    /// Change: a new branch at a known commit.
    RollbackBranch(RollbackBranch),
    /// Change with a probe, Fire without: a program or a script.
    Command(Command),
    /// Check: an answer over HTTP.
    Http(Http),
    /// Check: a number of Prometheus against a bound.
    Metric(Metric),
    /// Check: something that only a person can see or do.
    Manual(Manual),
    /// Check: time, or a rollout that somebody else started.
    Wait(Wait),
}

impl Action {
    /// The key in the runbook.
    pub fn kind(&self) -> &'static str {
        match self {
            Action::SetFlags(_) => "set_flags",
            Action::Restart(_) => "restart",
            Action::RolloutUndo(_) => "rollout_undo",
            Action::Apply(_) => "apply",
            Action::RestoreSnapshot(_) => "restore_snapshot",
            Action::RevertCommits(_) => "revert_commits",
            Action::RestoreFiles(_) => "restore_files",
            Action::RollbackBranch(_) => "rollback_branch",
            Action::Command(Command { form: CommandForm::Argv(_), .. }) => "command",
            Action::Command(Command { form: CommandForm::Shell(_), .. }) => "shell",
            Action::Http(_) => "http",
            Action::Metric(_) => "metric",
            Action::Manual(_) => "manual",
            Action::Wait(_) => "wait",
        }
    }
}

/// A workload kind that owns pods.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum WorkloadKind {
    /// apps/v1 Deployment.
    Deployment,
    /// apps/v1 StatefulSet.
    StatefulSet,
    /// apps/v1 DaemonSet.
    DaemonSet,
}

impl WorkloadKind {
    /// The word of `kind/name`.
    pub fn as_str(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "deployment",
            WorkloadKind::StatefulSet => "statefulset",
            WorkloadKind::DaemonSet => "daemonset",
        }
    }

    /// The plural of the REST path.
    pub fn plural(self) -> &'static str {
        match self {
            WorkloadKind::Deployment => "deployments",
            WorkloadKind::StatefulSet => "statefulsets",
            WorkloadKind::DaemonSet => "daemonsets",
        }
    }
}

/// `deployment/netra-backend`: a kind and a name in the plan's namespace.
/// In YAML it is the text `kind/name`, which may hold `${name}`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Workload {
    /// Its kind.
    pub kind: WorkloadKind,
    /// Its name.
    pub name: String,
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.as_str(), self.name)
    }
}

impl From<Workload> for String {
    fn from(workload: Workload) -> String {
        workload.to_string()
    }
}

impl TryFrom<String> for Workload {
    type Error = String;

    fn try_from(text: String) -> Result<Workload, String> {
        let (kind, name) = text
            .split_once('/')
            .ok_or_else(|| format!("`{text}` is not kind/name, as deployment/netra-backend is"))?;
        let kind = match kind {
            "deployment" | "deployments" | "deploy" => WorkloadKind::Deployment,
            "statefulset" | "statefulsets" | "sts" => WorkloadKind::StatefulSet,
            "daemonset" | "daemonsets" | "ds" => WorkloadKind::DaemonSet,
            other => {
                return Err(format!(
                    "`{other}` is not a workload kind (deployment, statefulset, daemonset)"
                ));
            }
        };
        Ok(Workload { kind, name: name.to_owned() })
    }
}

/// `set_flags`: exactly one of `configmap` and `workload`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SetFlags {
    /// The ConfigMap whose keys are set.
    #[serde(default)]
    pub configmap: Option<String>,
    /// Or the workload whose containers' env is set.
    #[serde(default)]
    pub workload: Option<Workload>,
    /// With `workload`: the container; needed where it has more than one.
    #[serde(default)]
    pub container: Option<String>,
    /// Key and value.
    pub flags: BTreeMap<String, String>,
    /// Whether a key that is not there may be created; otherwise it is a misspelling.
    #[serde(default)]
    pub create: bool,
}

/// `restart`: a list of workloads.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Restart {
    /// Restarted together.
    pub workloads: Vec<Workload>,
}

/// `rollout_undo`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RolloutUndo {
    /// The workload whose template goes back.
    pub workload: Workload,
    /// Which template it gets.
    #[serde(default)]
    pub to: UndoTo,
}

/// Which earlier template is meant; nothing given means the last good one.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct UndoTo {
    /// The word `last-good`.
    pub which: Option<String>,
    /// The one with a container of this image.
    pub image: Option<String>,
    /// The one that carries these annotations.
    pub annotations: BTreeMap<String, String>,
    /// The one that has this revision number now.
    pub revision: Option<u32>,
}

/// `apply`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Apply {
    /// The branch, tag or commit that has the manifests.
    #[serde(rename = "ref")]
    pub at: String,
    /// Manifests, or directories of them.
    pub paths: Vec<String>,
    /// Another repository than the catalog's.
    #[serde(default)]
    pub repository: Option<String>,
}

/// `restore_snapshot`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestoreSnapshot {
    /// The snapshot, as `rollback snapshot NAME` took it.
    pub name: String,
}

/// `revert_commits`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RevertCommits {
    /// The branch that gets the revert.
    pub branch: String,
    /// What is reverted: commit ids (or unambiguous prefixes), newest effects first undone.
    pub commits: Vec<String>,
    /// For merge commits: which parent is the mainline, from 1.
    #[serde(default)]
    pub mainline: Option<u32>,
    /// The commit's message; a line naming the run is added.
    #[serde(default)]
    pub message: Option<String>,
    /// Another repository than the catalog's.
    #[serde(default)]
    pub repository: Option<String>,
}

/// `restore_files`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RestoreFiles {
    /// The branch that gets the restored paths.
    pub branch: String,
    /// The branch, tag or commit that has the good content.
    pub from: String,
    /// Files or directories.
    pub paths: Vec<String>,
    /// The commit's message; a line naming the run is added.
    pub message: String,
    /// Another repository than the catalog's.
    #[serde(default)]
    pub repository: Option<String>,
}

/// `rollback_branch`: exactly one of `commit` and `subject`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RollbackBranch {
    /// The new branch; may hold `${run.stamp}` and `${run.id}`.
    pub branch: String,
    /// The branch whose history is searched and must contain the commit.
    pub on: String,
    /// The commit it points at.
    #[serde(default)]
    pub commit: Option<String>,
    /// Or the exact subject line of that commit.
    #[serde(default)]
    pub subject: Option<String>,
    /// Another repository than the catalog's.
    #[serde(default)]
    pub repository: Option<String>,
}

/// `command` and `shell`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Command {
    /// What is run.
    pub form: CommandForm,
    /// Added to its environment.
    #[serde(default)]
    pub env: BTreeMap<String, String>,
    /// Where it runs; with `checkout`, relative to the checkout.
    #[serde(default)]
    pub cwd: Option<String>,
    /// Runs in a fresh checkout of the commit that this step pushed.
    #[serde(default)]
    pub checkout: Option<String>,
    /// A read-only command whose success shows that the effect is there.
    #[serde(default)]
    pub probe: Option<Vec<String>>,
    /// May be run again after a crash without asking.
    #[serde(default)]
    pub idempotent: bool,
    /// Changes nothing (a test suite, a query): asked again after a crash.
    #[serde(default)]
    pub check: bool,
}

/// A program with its arguments, or a script for `bash`.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CommandForm {
    /// Never seen by a shell.
    Argv(Vec<String>),
    /// The text is never touched; parameters are in its environment.
    Shell(String),
}

/// `http`, and the criteria of `recovered_when`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Http {
    /// Where.
    pub url: String,
    /// GET unless said.
    #[serde(default = "get")]
    pub method: String,
    /// The statuses that pass; 200 unless said.
    #[serde(default = "ok")]
    pub status: Vec<u16>,
    /// Added headers; the only place (with env) where a secret may stand.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// JSON pointer -> the value it must have.
    #[serde(default)]
    pub json: BTreeMap<String, serde_json::Value>,
    /// Text that the body must contain.
    #[serde(default)]
    pub contains: Option<String>,
    /// How many in a row must pass.
    #[serde(default = "one")]
    pub consecutive: u32,
    /// How long one attempt may take.
    #[serde(default = "attempt_timeout")]
    pub attempt_timeout: Duration,
    /// Whether `HTTP_PROXY` and its like are used.
    #[serde(default)]
    pub proxy: bool,
}

fn get() -> String {
    "GET".to_owned()
}
fn ok() -> Vec<u16> {
    vec![200]
}
fn one() -> u32 {
    1
}
fn attempt_timeout() -> Duration {
    Duration::from_secs(5)
}

/// `metric`: exactly one of the bounds.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Metric {
    /// The expression, whose result is one number.
    pub query: String,
    /// It must be more than this.
    #[serde(default)]
    pub above: Option<f64>,
    /// It must be less than this.
    #[serde(default)]
    pub below: Option<f64>,
    /// It must be this or more.
    #[serde(default)]
    pub at_least: Option<f64>,
    /// It must be this or less.
    #[serde(default)]
    pub at_most: Option<f64>,
    /// How long it must hold without a break.
    #[serde(default, rename = "for")]
    pub hold: Duration,
    /// Where Prometheus is; the catalog's where the runbook gives none.
    #[serde(default)]
    pub url: Option<String>,
    /// Added to each request.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// How long one request may take.
    #[serde(default = "attempt_timeout")]
    pub attempt_timeout: Duration,
}

/// `manual`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Manual {
    /// What the person does or looks at, and what should be seen.
    pub instruction: String,
}

/// `wait`: exactly one of the two.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Wait {
    /// Wait this long.
    #[serde(default)]
    pub duration: Option<Duration>,
    /// Or until these workloads are rolled out.
    #[serde(default)]
    pub rollout: Vec<Workload>,
}

//! The runbook format as types. Texts may still hold `${name}`; [`crate::draft`] resolves them.
//! What each key means is documented once, in the table of `schema.rs`, which also makes the JSON
//! Schema and `docs/runbook-reference.md`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How far a rollback reaches; the order is the order of escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// One component of a service.
    Component,
    /// One service, all its components.
    Service,
    /// Everything.
    System,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Level; 3] = [Level::Component, Level::Service, Level::System];

    /// The word used in runbooks and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Component => "component",
            Level::Service => "service",
            Level::System => "system",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A level and a name: what is rolled back. The system's name is `system`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// How far it reaches.
    pub level: Level,
    /// Its name within the level.
    pub name: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.level == Level::System {
            f.write_str("system")
        } else {
            write!(f, "{} {}", self.level, self.name)
        }
    }
}

/// A position in a runbook, for errors and for "fix the runbook at".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, as the operator would name it.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// One YAML file: how one target is rolled back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Runbook {
    /// What is rolled back.
    pub target: Target,
    /// For people.
    pub title: String,
    /// What it is and when to use it.
    #[serde(default)]
    pub description: Option<String>,
    /// The service that a component escalates to.
    #[serde(default)]
    pub service: Option<String>,
    /// The team that keeps this runbook.
    #[serde(default)]
    pub owner: Option<String>,
    /// Parameters of this runbook alone; they add to those of `rollback.yaml`.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// In order of escalation.
    pub methods: Vec<Method>,
    /// Decides the verdict.
    #[serde(default)]
    pub recovered_when: Vec<Criterion>,
    /// The soak.
    #[serde(default)]
    pub validation: Vec<Criterion>,
    /// Where it came from.
    #[serde(default)]
    pub place: Place,
}

/// One way to roll a target back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Method {
    /// `flag`, `config`, `code` or `database`.
    pub name: String,
    /// How long it should take; counted down on screen, an overrun is said, never fatal.
    #[serde(default)]
    pub budget: Option<Duration>,
    /// What it does, for people.
    #[serde(default)]
    pub description: Option<String>,
    /// In order.
    pub steps: Vec<Step>,
}

/// One action of a method, with the keys that every step kind shares.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// Unique in its method; made from the name where the runbook gives none.
    pub id: String,
    /// What it does, in the imperative.
    pub name: String,
    /// How long it may take, from its start until its effect is seen.
    pub timeout: Duration,
    /// How often it is tried.
    #[serde(default)]
    pub retry: Retry,
    /// Whether it is asked about before it starts.
    #[serde(default)]
    pub confirm: Confirm,
    /// What follows its failure.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What it does.
    pub action: Action,
    /// Where it stands in the runbook.
    #[serde(default)]
    pub place: Place,
}

/// How often a step is tried, and how long to wait between two tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retry {
    /// Tries in all; 1 means no second try.
    pub attempts: u32,
    /// The wait before the second try; it doubles with each further one.
    pub backoff: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry { attempts: 1, backoff: Duration::from_secs(1) }
    }
}

/// Whether a step is asked about before it starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// Not at all.
    #[default]
    None,
    /// y/N; `--yes` answers it.
    Yes,
    /// The target's name is typed; `--confirm NAME` answers it.
    Name,
}

/// What follows a step's failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The run stops (an operator is asked).
    #[default]
    Stop,
    /// The run goes on; the verdict can then no longer be `recovered` by this step.
    Continue,
}

/// What a step does: one key of the runbook each. A Change can be looked at, a Fire cannot,
/// a Check has no effect; see [`crate::step`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Action {
    /// Change: keys of a ConfigMap, or env of a workload's container.
    SetFlags(SetFlags),
    /// Change: new pods for workloads, and the end of the old ones.
    Restart(Restart),
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
            Action::RevertCommits(_) => "revert_commits",
            Action::RestoreFiles(_) => "restore_files",
            Action::RollbackBranch(_) => "rollback_branch",
            Action::Command(Command { form: CommandForm::Argv(_), .. }) => "command",
            Action::Command(Command { form: CommandForm::Shell(_), .. }) => "shell",
            Action::Http(_) => "http",
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

/// One condition of `recovered_when` or one item of `validation`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Criterion {
    /// For people; made from the check where the runbook gives none.
    pub name: String,
    /// How long it may take to come true after the last step.
    pub within: Duration,
    /// The tier of the validation it belongs to.
    #[serde(default)]
    pub tier: Option<String>,
    /// A Check: `http`, `command` (with `check`), `manual`.
    pub action: Action,
    /// Where it stands in the runbook.
    #[serde(default)]
    pub place: Place,
}

/// A value that the runbooks name as `${name}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Parameter {
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
    /// Its value when nobody gives one. None: it is required (when something uses it).
    #[serde(default)]
    pub default: Option<String>,
    /// The values it may have.
    #[serde(default)]
    pub choices: Vec<String>,
    /// A regular shape check: `name`, `url`, `commit`, `text`.
    #[serde(default)]
    pub shape: Option<String>,
    /// Where a secret comes from; its value is never in plan, argv, journal or screen.
    #[serde(default)]
    pub secret: Option<SecretSource>,
}

/// Where a secret comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; its last line end is dropped.
    File(PathBuf),
    /// What a command prints; its last line end is dropped.
    Command(Vec<String>),
}

/// `rollback.yaml`: what the runbooks of a catalog share.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settings {
    /// The kubectl context; may hold `${name}`.
    #[serde(default)]
    pub context: Option<String>,
    /// The namespace; may hold `${name}`.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The git repository that git steps change; may hold `${name}`.
    #[serde(default)]
    pub repository: Option<String>,
    /// Shared parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// A step's timeout where it gives none.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// What needs somebody else's approval.
    #[serde(default)]
    pub approvals: Vec<ApprovalRule>,
    /// Who may decide on a system rollback, first to last.
    #[serde(default)]
    pub decision_authority: Vec<Authority>,
    /// Who does what in an emergency.
    #[serde(default)]
    pub contacts: Vec<Contact>,
    /// Where it came from.
    #[serde(default)]
    pub place: Place,
}

/// What needs somebody else's approval before it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// The level.
    pub level: Level,
    /// The methods; none named means all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Who approves, for people.
    #[serde(default)]
    pub by: Option<String>,
}

/// Somebody who may decide.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Authority {
    /// `primary`, `secondary`, `emergency`.
    pub rank: String,
    /// The role that decides.
    pub role: String,
    /// How to reach them.
    #[serde(default)]
    pub contact: Option<String>,
}

/// Somebody to call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Contact {
    /// `execution`, `communication`.
    pub team: String,
    /// Their role.
    pub role: String,
    /// How to reach them.
    #[serde(default)]
    pub contact: Option<String>,
}

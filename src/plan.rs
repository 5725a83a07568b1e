//! A runbook resolved against what the survey read: what will be done, in order, with its digest.
//! Pure: the same draft and facts give the same plan and the same digest.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::after::After;
use crate::hex;
use crate::runbook::{Criterion, Level, Place, SecretSource, Step, Target};
use crate::step::{Forecast, Nature, Obstacle, Setting, Standing};

mod commits;
mod lock;
mod make;

pub(crate) use commits::own_repository;
pub use make::{endpoints, first_reads, make, needs_cluster, reads, setting, trials};

/// What will be done, as it is shown, confirmed, journaled and run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// What is rolled back.
    pub target: Target,
    /// For people.
    pub title: String,
    /// The method.
    pub method: String,
    /// Why the method cannot be run yet; nothing but the reason is then in the plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_ready: Option<String>,
    /// How long it should take.
    pub budget: Option<Duration>,
    /// Where.
    pub setting: Setting,
    /// Which cluster answers; empty strings where it could not be asked or no step needs one.
    pub cluster: ClusterName,
    /// Resolved parameters that the method uses, never secrets.
    pub parameters: BTreeMap<String, String>,
    /// Where the secrets come from.
    pub secrets: BTreeMap<String, SecretSource>,
    /// What the command line needs to come to this plan again: the catalog and the parameters
    /// that were given. The digest covers the values themselves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// In order.
    pub steps: Vec<PlannedStep>,
    /// What decides the verdict.
    pub criteria: Vec<PlannedCriterion>,
    /// The rungs above this one, nearest first.
    pub ladder: Vec<Rung>,
    /// The objects and branches that the steps change, whole, as the survey found them.
    #[serde(default)]
    pub found: BTreeMap<String, Value>,
    /// What will not go well with the lock; certain where a run that nobody sits at does not begin.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lock: Vec<Obstacle>,
    /// How the survey went.
    pub survey: SurveyNote,
    /// `sha256:…` over what the run would change and nothing that drifts by itself.
    pub digest: String,
    /// Whether the world is the sandbox.
    pub simulated: bool,
    /// The runbook.
    pub place: Place,
    /// What follows the run; the digest does not cover it.
    #[serde(default)]
    pub after: Box<After>,
    /// The run that is taken back, where this is the way forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_of: Option<String>,
}

/// Which cluster answers.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClusterName {
    /// uid of namespace `kube-system`.
    pub uid: String,
    /// The API server's address.
    pub server: String,
    /// Who it says we are.
    pub user: String,
    /// Why it could not be asked; empty when it was.
    pub problem: String,
}

/// A step with what the survey foresees of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlannedStep {
    /// The step, resolved except for late names.
    pub step: Step,
    /// `change`, `fire` or `check`.
    pub nature: Nature,
    /// The word shown.
    pub standing: Standing,
    /// What it will find and change.
    pub forecast: Forecast,
    /// The argv that will run.
    pub commands: Vec<Vec<String>>,
    /// Left out by `--skip-blocked` or by the operator.
    #[serde(default)]
    pub left_out: bool,
}

/// A condition of the verdict, with what it was in the survey.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct PlannedCriterion {
    /// The condition.
    pub criterion: Criterion,
    /// Whether it held in the survey; none where it could not be asked beforehand.
    pub before: Option<bool>,
    /// One phrase: `503`, `200`, `connection refused`.
    pub now: String,
    /// Why it can hardly come true by this rollback; empty where nothing speaks against it.
    #[serde(default)]
    pub warning: String,
}

/// A rung of the ladder: another method, or a higher level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rung {
    /// Its target.
    pub target: Target,
    /// Its method.
    pub method: String,
    /// Its budget.
    pub budget: Option<Duration>,
    /// The names of its steps.
    pub steps: Vec<String>,
    /// What its command line needs besides: the catalog and the parameters that were given.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub given: Vec<String>,
    /// Whether it belongs to a rehearsal: whoever takes it must not touch the real environment.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rehearsed: bool,
}

impl Rung {
    /// The command line that takes it.
    pub fn command(&self) -> Vec<String> {
        let mut command = run_command(&self.target, &self.method, self.rehearsed);
        command.extend(self.given.iter().cloned());
        command
    }

    /// `code`; with its target where it is another one than this.
    pub fn name_from(&self, target: &Target) -> String {
        if self.target == *target { self.method.clone() } else { self.to_string() }
    }
}

impl fmt::Display for Rung {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} · {}", self.target, self.method)
    }
}

/// The command line that rolls a target back by a method, or rehearses it, with nothing that was
/// given besides.
fn run_command(target: &Target, method: &str, rehearsed: bool) -> Vec<String> {
    let mut command = vec!["rollback".to_owned()];
    command.extend(rehearsed.then(|| "rehearse".to_owned()));
    command.push(target.level.as_str().to_owned());
    if target.level != Level::System {
        command.push(target.name.clone());
    }
    if !method.is_empty() {
        command.extend(["--method".to_owned(), method.to_owned()]);
    }
    command
}

/// How the survey went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SurveyNote {
    /// How long it took.
    pub elapsed_ms: u64,
    /// What did not answer within the deadline.
    pub unanswered: Vec<String>,
    /// When its answers were in: what it says is as old as that.
    #[serde(default)]
    pub at: String,
}

impl Plan {
    /// The command line that comes to this plan again.
    pub fn command(&self) -> Vec<String> {
        let mut command = run_command(&self.target, &self.method, self.simulated);
        if self.forward_of.is_some() {
            command.insert(1, "forward".to_owned());
            command.truncate(if self.target.level == Level::System { 3 } else { 4 });
        }
        command.extend(self.given.iter().cloned());
        command
    }

    /// Whether a step stands blocked and was not left out.
    pub fn blocked(&self) -> impl Iterator<Item = &PlannedStep> {
        self.steps.iter().filter(|step| step.standing == Standing::Blocked && !step.left_out)
    }

    /// Why the lock cannot be taken.
    pub fn unlockable(&self) -> Option<&Obstacle> {
        self.lock.iter().find(|obstacle| obstacle.certain)
    }

    /// What one run at a time may change: context and namespace.
    pub fn environment(&self) -> String {
        let context = self.setting.context.as_deref().unwrap_or("the current context");
        format!("{context} / {}", self.setting.namespace)
    }

    /// Whether a step reads or changes the cluster.
    pub fn needs_cluster(&self) -> bool {
        needs_cluster(self.steps.iter().map(|planned| &planned.step))
    }

    /// How many steps would change something.
    pub fn changes(&self) -> usize {
        self.steps
            .iter()
            .filter(|step| !step.left_out)
            .filter(|step| match step.nature {
                Nature::Change => step.standing != Standing::AlreadyThere,
                Nature::Fire => true,
                Nature::Check => false,
            })
            .count()
    }

    /// The step with this id.
    pub fn step(&self, id: &str) -> Option<&PlannedStep> {
        self.steps.iter().find(|step| step.step.id == id)
    }

    /// The values that the run is about to change: the snapshot, and half of the digest.
    pub fn pinned(&self) -> BTreeMap<String, Value> {
        self.steps
            .iter()
            .filter(|step| !step.left_out)
            .flat_map(|step| {
                step.forecast
                    .pinned
                    .iter()
                    .map(|(key, value)| (format!("{}: {key}", step.step.id), value.clone()))
            })
            .collect()
    }

    /// What a run writes down before it changes anything: the pinned values, and the objects whole.
    pub fn snapshot(&self) -> BTreeMap<String, Value> {
        let mut values = self.pinned();
        values.extend(self.found.clone());
        values
    }

    /// What the digest covers: the runbook as resolved, the target's identity, and the current
    /// values of the fields that would change. Not what drifts: pod counts, resource versions, time.
    pub fn digested(&self) -> BTreeMap<String, Value> {
        let mut parts = BTreeMap::from([
            ("target".to_owned(), json!(self.target.to_string())),
            ("method".to_owned(), json!(self.method)),
            ("setting".to_owned(), json!(self.setting)),
            ("cluster".to_owned(), json!(self.cluster.uid)),
            ("parameters".to_owned(), json!(self.parameters)),
        ]);
        if let Some(run) = &self.forward_of {
            parts.insert("forward_of".to_owned(), json!(run));
        }
        for planned in &self.steps {
            let step = &planned.step;
            parts.insert(
                format!("step {}", step.id),
                json!({"action": step.action, "timeout": step.timeout, "retry": step.retry,
                       "confirm": step.confirm, "on_failure": step.on_failure,
                       "left_out": planned.left_out}),
            );
        }
        for planned in &self.criteria {
            parts.insert(
                format!("recovered_when {}", planned.criterion.name),
                json!({"action": planned.criterion.action, "within": planned.criterion.within}),
            );
        }
        for (key, value) in self.pinned() {
            parts.insert(format!("now {key}"), value);
        }
        parts
    }

    /// What only tells of the plan: nothing is done by it, and the digest does not cover it.
    pub fn words(&mut self) -> impl Iterator<Item = &mut String> {
        let steps = self.steps.iter_mut().flat_map(|planned| {
            let Forecast { evidence, warnings, obstacles, .. } = &mut planned.forecast;
            let obstacles = obstacles.iter_mut().flat_map(|obstacle| {
                std::iter::once(&mut obstacle.why).chain(obstacle.hint.as_mut())
            });
            let name = std::iter::once(&mut planned.step.name);
            name.chain(evidence).chain(warnings).chain(obstacles)
        });
        let criteria = self.criteria.iter_mut().map(|planned| &mut planned.now);
        let rungs = self.ladder.iter_mut().flat_map(|rung| &mut rung.steps);
        std::iter::once(&mut self.title).chain(steps).chain(criteria).chain(rungs)
    }

    /// Computes the digest over [`Plan::digested`].
    pub fn seal(&mut self) {
        let text = serde_json::to_string(&self.digested()).unwrap_or_default();
        self.digest = format!("sha256:{}", hex::of(text.as_bytes()));
    }
}

/// What the planner needs beside the draft and the facts.
#[derive(Debug, Clone, Default)]
pub struct Circumstances {
    /// The rungs above.
    pub ladder: Vec<Rung>,
    /// What the command line needs to come to this plan again.
    pub given: Vec<String>,
    /// Steps to leave out where they are blocked.
    pub skip_blocked: Vec<String>,
    /// `--without-lock`.
    pub without_lock: bool,
    /// Whether the world is the sandbox.
    pub simulated: bool,
    /// How long the survey took.
    pub elapsed_ms: u64,
    /// When its answers were in.
    pub at: String,
}

//! A runbook resolved against what the survey read: what will be done, in order, with its digest.
//! Pure: the same draft and facts give the same plan and the same digest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::hex;

use crate::draft::Draft;
use crate::facts::{Facts, Read, Trial, endpoint_key};
use crate::runbook::{Action, Criterion, Http, Level, Place, SecretSource, Step, Target};
use crate::step::{Forecast, Mark, Nature, Setting, Standing, checkout, kinds, trial};
use crate::world::web::Elsewhere;

/// What will be done, as it is shown, confirmed, journaled and run.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    /// What is rolled back.
    pub target: Target,
    /// For people.
    pub title: String,
    /// The method.
    pub method: String,
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
    /// In order.
    pub steps: Vec<PlannedStep>,
    /// What decides the verdict.
    pub criteria: Vec<PlannedCriterion>,
    /// The rungs above this one, nearest first.
    pub ladder: Vec<Rung>,
    /// How the survey went.
    pub survey: SurveyNote,
    /// `sha256:…` over what the run would change and nothing that drifts by itself.
    pub digest: String,
    /// Whether the world is the sandbox.
    pub simulated: bool,
    /// The runbook.
    pub place: Place,
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
}

impl Rung {
    /// The command line that takes it.
    pub fn command(&self) -> Vec<String> {
        let mut command = vec!["rollback".to_owned(), self.target.level.to_string()];
        if self.target.level != Level::System {
            command.push(self.target.name.clone());
        }
        command.extend(["--method".to_owned(), self.method.clone()]);
        command
    }
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
    /// Whether a step stands blocked and was not left out.
    pub fn blocked(&self) -> impl Iterator<Item = &PlannedStep> {
        self.steps.iter().filter(|step| step.standing == Standing::Blocked && !step.left_out)
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
    /// Steps to leave out where they are blocked.
    pub skip_blocked: Vec<String>,
    /// Whether the world is the sandbox.
    pub simulated: bool,
    /// How long the survey took.
    pub elapsed_ms: u64,
    /// When its answers were in.
    pub at: String,
}

/// Where a draft acts.
pub fn setting(draft: &Draft) -> Setting {
    Setting {
        kubeconfig: None,
        context: draft.context.clone(),
        namespace: draft.namespace.clone(),
        repository: draft.repository.clone(),
    }
}

/// Whether a step reads or changes the cluster.
pub fn needs_cluster<'s>(steps: impl IntoIterator<Item = &'s Step>) -> bool {
    steps.into_iter().any(|step| match &step.action {
        Action::SetFlags(_) | Action::Restart(_) => true,
        Action::Wait(spec) => !spec.rollout.is_empty(),
        Action::RevertCommits(_)
        | Action::RestoreFiles(_)
        | Action::RollbackBranch(_)
        | Action::Command(_)
        | Action::Http(_)
        | Action::Manual(_) => false,
    })
}

/// Everything that the survey asks for a draft.
pub fn reads(draft: &Draft) -> BTreeSet<Read> {
    let setting = setting(draft);
    let steps = draft.steps.iter().flat_map(|step| kinds::reads(&step.action, &setting));
    let checkouts = checkout::reads(&draft.steps, &setting).into_values().map(Read::Git);
    steps.chain(checkouts).collect()
}

/// What the API server is asked to try, once the facts are in.
pub fn trials(draft: &Draft, facts: &Facts) -> BTreeSet<Trial> {
    let setting = setting(draft);
    let mut facts = facts.clone();
    let mut tried = trial::Tried::default();
    foresee(draft, &setting, &mut facts)
        .iter()
        .flat_map(|planned| tried.of(&planned.commands, &planned.forecast, &planned.after))
        .collect()
}

/// The HTTP checks that the survey asks once, so that the plan can say what they answer now.
pub fn endpoints(draft: &Draft) -> Vec<Http> {
    let criteria = draft.recovered_when.iter().map(|criterion| &criterion.action);
    let steps = draft.steps.iter().map(|step| &step.action);
    let mut endpoints: Vec<Http> = Vec::new();
    for action in criteria.chain(steps) {
        if let Action::Http(http) = action
            && !endpoints.iter().any(|known| endpoint_key(known) == endpoint_key(http))
        {
            endpoints.push(http.clone());
        }
    }
    endpoints
}

/// A step as it is foreseen, before what was tried is known.
struct Foreseen {
    forecast: Forecast,
    commands: Vec<Vec<String>>,
    /// The workloads as the step leaves them.
    after: trial::Workloads,
}

/// The forecasts of all steps, each in the world that the steps before it leave.
fn foresee(draft: &Draft, setting: &Setting, facts: &mut Facts) -> Vec<Foreseen> {
    facts.checkouts = checkout::reads(&draft.steps, setting);
    draft
        .steps
        .iter()
        .map(|step| {
            let mut forecast = kinds::forecast(&step.action, setting, facts);
            checkout::forecast(&step.id, facts, &mut forecast);
            let mark = Mark {
                run_id: "<run>".to_owned(),
                step_id: step.id.clone(),
                started_at: "<start>".to_owned(),
            };
            let commands = kinds::commands(&step.action, setting, &mark, &forecast);
            let after = trial::workloads(&commands, facts);
            Foreseen { forecast, commands, after }
        })
        .collect()
}

/// Resolves a draft against the facts, in step order.
pub fn make(draft: &Draft, mut facts: Facts, circumstances: Circumstances) -> Plan {
    let setting = setting(draft);
    let mut steps = Vec::new();
    let mut tried = trial::Tried::default();
    let foreseen = foresee(draft, &setting, &mut facts);
    for (step, Foreseen { mut forecast, commands, after }) in draft.steps.iter().zip(foreseen) {
        for trial in tried.of(&commands, &forecast, &after) {
            trial::judge(&trial, facts.trials.get(&trial), &after, &mut forecast);
        }
        let nature = kinds::nature(&step.action);
        let standing = forecast.standing(nature);
        let left_out =
            standing == Standing::Blocked && circumstances.skip_blocked.contains(&step.id);
        steps.push(PlannedStep {
            step: step.clone(),
            nature,
            standing,
            forecast,
            commands,
            left_out,
        });
    }
    let criteria = draft
        .recovered_when
        .iter()
        .map(|criterion| {
            let answer = match &criterion.action {
                Action::Http(http) => facts.endpoints.get(&endpoint_key(http)),
                _ => None,
            };
            PlannedCriterion {
                criterion: criterion.clone(),
                before: answer.map(|attempt| attempt.passed),
                now: answer.map_or_else(|| "not asked".to_owned(), |it| it.sentence.clone()),
                warning: answer
                    .and_then(|attempt| attempt.elsewhere)
                    .filter(|elsewhere| *elsewhere != Elsewhere::Silent)
                    .map(|elsewhere| elsewhere.advice().to_owned())
                    .unwrap_or_default(),
            }
        })
        .collect();
    let mut plan = Plan {
        target: draft.target.clone(),
        title: draft.title.clone(),
        method: draft.method.clone(),
        budget: draft.budget,
        setting,
        cluster: cluster_name(&facts),
        parameters: draft.parameters.clone(),
        secrets: draft.secrets.clone(),
        steps,
        criteria,
        ladder: circumstances.ladder,
        survey: SurveyNote {
            elapsed_ms: circumstances.elapsed_ms,
            unanswered: facts.unanswered(),
            at: circumstances.at,
        },
        digest: String::new(),
        simulated: circumstances.simulated,
        place: draft.place.clone(),
    };
    plan.seal();
    plan
}

fn cluster_name(facts: &Facts) -> ClusterName {
    match &facts.identity {
        None => ClusterName::default(),
        Some(Ok(identity)) => ClusterName {
            uid: identity.uid.clone(),
            server: identity.server.clone(),
            user: identity.user.clone(),
            problem: String::new(),
        },
        Some(Err(why)) => {
            ClusterName { problem: why.sentence().to_owned(), ..ClusterName::default() }
        }
    }
}

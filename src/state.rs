//! The state of a run, folded from its records. Pure: resume, report and history read this and
//! nothing else, so what they say is what was journaled.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{
    Choice, EffectKind, Envelope, Outcome, Record, RunStarted, SkipReason, TakenOver,
};
use crate::followed::Followed;
use crate::lock::Waived;
use crate::measured::Beside;
use crate::plan::Plan;
use crate::step::Outputs;

mod gaps;
mod parts;

pub use parts::{Child, Finish, Judged, Offer};

/// Where a step is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case", tag = "state")]
pub enum StepState {
    /// Not begun.
    Pending,
    /// Begun, and its end was never recorded.
    InDoubt,
    /// Ended well: its effect is there (or it is a Check that passed).
    Done {
        /// What the world showed.
        effect: EffectKind,
    },
    /// Ended badly.
    Failed {
        /// How.
        outcome: Outcome,
    },
    /// Not run.
    Skipped {
        /// Why.
        why: SkipReason,
    },
}

impl StepState {
    /// Where a step is whose doubt was resolved like this.
    fn after_doubt(effect: EffectKind) -> StepState {
        match effect {
            EffectKind::Present | EffectKind::Awaiting => StepState::Done { effect },
            EffectKind::Broken => StepState::Failed { outcome: Outcome::Failed },
            EffectKind::Missing | EffectKind::Partly => StepState::Pending,
            EffectKind::Underway | EffectKind::Unanswerable => StepState::InDoubt,
        }
    }
}

/// A step's part of the story.
#[derive(Debug, Clone, Serialize)]
pub struct StepRun {
    /// Its id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its kind.
    pub kind: String,
    /// Where it is.
    #[serde(flatten)]
    pub state: StepState,
    /// How often it was begun.
    pub attempts: u32,
    /// When it was first begun, RFC 3339.
    pub started: Option<String>,
    /// The last sentence about it.
    pub why: String,
    /// Lines that belong to that sentence.
    pub detail: Vec<String>,
    /// Over all attempts.
    pub elapsed_ms: u64,
    /// The argv of the last attempt.
    pub commands: Vec<Vec<String>>,
    /// What it left behind.
    pub outputs: Outputs,
    /// The children of the last attempt.
    #[serde(skip)]
    pub children: Vec<Child>,
    /// What was chosen after its last failure.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub choice: Option<Choice>,
}

/// A run, as its records tell it.
#[derive(Debug, Clone, Serialize)]
pub struct RunState {
    /// The run.
    pub run_id: String,
    /// When it started, RFC 3339.
    pub started: String,
    /// When the last record was written, RFC 3339.
    pub last: String,
    /// The last record's number.
    pub seq: u64,
    /// What was known at the start.
    pub start: RunStarted,
    /// How it was confirmed; none before that.
    pub confirmed: Option<bool>,
    /// How.
    pub confirmed_how: String,
    /// When, RFC 3339: from here on time counts.
    pub confirmed_at: Option<String>,
    /// Who decided.
    pub decided_by: Option<String>,
    /// In order of the plan.
    pub steps: Vec<StepRun>,
    /// Values before the run.
    pub snapshot: BTreeMap<String, serde_json::Value>,
    /// The last judgement of each condition.
    pub criteria: Vec<Judged>,
    /// The last offer.
    pub offer: Option<Offer>,
    /// Why it paused last; none while it runs or after it finished.
    pub paused: Option<String>,
    /// When it went on without the lock.
    pub without_lock: Vec<Waived>,
    /// From whom it took the lock over.
    pub taken_over: Vec<TakenOver>,
    /// Whether the budget was used up.
    pub over_budget: bool,
    /// How often it was taken up again.
    pub resumed: u32,
    /// The last process that wrote, and its host.
    pub process: (u32, String),
    /// How it ended.
    pub finish: Option<Finish>,
    /// What was done after that.
    pub after: Followed,
    /// What was measured, and who was told.
    pub beside: Beside,
}

impl RunState {
    /// Folds a run's records; none when the first record is not its start.
    pub fn fold(records: &[Envelope]) -> Option<RunState> {
        let first = records.first()?;
        let Record::RunStarted(start) = &first.record else { return None };
        let mut state = RunState::begin(first, start);
        for envelope in &records[1..] {
            state.apply(envelope);
        }
        Some(state)
    }

    fn begin(first: &Envelope, start: &RunStarted) -> RunState {
        let steps = serde_json::from_value::<Plan>(start.plan.clone()).map_or(Vec::new(), |plan| {
            plan.steps
                .iter()
                .map(|planned| StepRun {
                    id: planned.step.id.clone(),
                    name: planned.step.name.clone(),
                    kind: planned.step.action.kind().to_owned(),
                    state: StepState::Pending,
                    attempts: 0,
                    started: None,
                    why: String::new(),
                    detail: Vec::new(),
                    elapsed_ms: 0,
                    commands: planned.commands.clone(),
                    outputs: Outputs::new(),
                    children: Vec::new(),
                    choice: None,
                })
                .collect()
        });
        RunState {
            run_id: first.run_id.clone(),
            started: first.ts.clone(),
            last: first.ts.clone(),
            seq: first.seq,
            start: start.clone(),
            confirmed: None,
            confirmed_how: String::new(),
            confirmed_at: None,
            decided_by: None,
            steps,
            snapshot: BTreeMap::new(),
            criteria: Vec::new(),
            offer: None,
            paused: None,
            without_lock: Vec::new(),
            taken_over: Vec::new(),
            over_budget: false,
            resumed: 0,
            process: (start.pid, start.host.clone()),
            finish: None,
            after: Followed::default(),
            beside: Beside::default(),
        }
    }

    /// Adds one record.
    #[allow(clippy::too_many_lines)] // One arm a record, and no other place to look.
    pub fn apply(&mut self, envelope: &Envelope) {
        self.last.clone_from(&envelope.ts);
        self.seq = envelope.seq;
        match &envelope.record {
            Record::RunStarted(_) | Record::CriterionAsked { .. } => {}
            Record::Confirmed { how, yes, decided_by } => {
                self.confirmed = Some(*yes);
                self.confirmed_how.clone_from(how);
                self.confirmed_at = Some(envelope.ts.clone());
                self.decided_by.clone_from(decided_by);
            }
            Record::SnapshotTaken { values } => self.snapshot.clone_from(values),
            Record::StepIntended { step, attempt, commands, .. } => {
                let ts = envelope.ts.clone();
                self.on(step, |run| {
                    run.state = StepState::InDoubt;
                    run.attempts = *attempt;
                    run.started.get_or_insert(ts);
                    run.commands.clone_from(commands);
                    run.children.clear();
                    run.choice = None;
                });
            }
            Record::ChildStarted { step, group, started, program } => {
                let child =
                    Child { group: *group, started: started.clone(), program: program.clone() };
                self.on(step, |run| run.children.push(child));
            }
            Record::StepEnded {
                step, outcome, effect, why, detail, elapsed_ms, outputs, ..
            } => {
                self.on(step, |run| {
                    run.state = if *outcome == Outcome::Done {
                        StepState::Done { effect: *effect }
                    } else {
                        StepState::Failed { outcome: *outcome }
                    };
                    run.why.clone_from(why);
                    run.detail.clone_from(detail);
                    run.elapsed_ms = run.elapsed_ms.saturating_add(*elapsed_ms);
                    run.outputs.clone_from(outputs);
                    // One that was ended may still be ending: only a good end forgets them.
                    if *outcome == Outcome::Done {
                        run.children.clear();
                    }
                });
            }
            Record::StepSkipped { step, why, detail, outputs } => self.on(step, |run| {
                run.state = StepState::Skipped { why: *why };
                run.outputs.clone_from(outputs);
                run.why.clone_from(detail);
            }),
            Record::DoubtResolved { step, effect, why, outputs, .. } => self.on(step, |run| {
                run.why.clone_from(why);
                run.children.clear();
                if !outputs.is_empty() {
                    run.outputs.clone_from(outputs);
                }
                run.state = StepState::after_doubt(*effect);
            }),
            Record::Decision { step, choice, .. } => self.on(step, |run| {
                run.choice = Some(*choice);
                if *choice == Choice::Retry {
                    run.state = StepState::Pending;
                }
            }),
            Record::CriterionJudged { name, before, holds, why } => {
                self.criteria.retain(|judged| judged.name != *name);
                self.criteria.push(Judged {
                    name: name.clone(),
                    before: *before,
                    holds: *holds,
                    why: why.clone(),
                });
            }
            Record::LockWaived { why, by, operator } => {
                self.without_lock.push(Waived::at(&envelope.ts, why, by, operator));
            }
            Record::LockTakenOver(from) => self.taken_over.push(from.clone()),
            Record::BudgetExceeded { .. } => self.over_budget = true,
            Record::EscalationOffered { target, method, command, ready, why } => {
                self.offer = Some(Offer {
                    target: target.clone(),
                    method: method.clone(),
                    command: command.clone(),
                    ready: *ready,
                    why: why.clone(),
                });
            }
            Record::Resumed { host, pid, .. } => {
                self.resumed += 1;
                self.paused = None;
                self.process = (*pid, host.clone());
            }
            Record::RunPaused { why, .. } => self.paused = Some(why.clone()),
            Record::RunFinished { verdict, exit_code, why, elapsed_ms } => {
                self.paused = None;
                if *exit_code == 0 {
                    // Offered when the budget was used up; nobody needs it any more.
                    self.offer = None;
                }
                self.finish = Some(Finish {
                    verdict: *verdict,
                    exit_code: *exit_code,
                    why: why.clone(),
                    elapsed_ms: *elapsed_ms,
                    ts: envelope.ts.clone(),
                });
            }
            Record::MetricsSampled(sampled) => self.beside.sampled(sampled),
            Record::Notified(told) => self.beside.told(&envelope.ts, told),
            Record::ValidationStarted { .. }
            | Record::ItemJudged { .. }
            | Record::TierClosed { .. }
            | Record::RecoveryTicked { .. }
            | Record::CriterionTicked { .. }
            | Record::ForwardStarted { .. }
            | Record::RunClosed { .. } => self.after.apply(envelope),
        }
    }

    fn on(&mut self, step: &str, change: impl FnOnce(&mut StepRun)) {
        if let Some(run) = self.steps.iter_mut().find(|run| run.id == step) {
            change(run);
        }
    }

    /// The plan as it was confirmed.
    pub fn plan(&self) -> Option<Plan> {
        serde_json::from_value(self.start.plan.clone()).ok()
    }

    /// The step, by id.
    pub fn step(&self, id: &str) -> Option<&StepRun> {
        self.steps.iter().find(|run| run.id == id)
    }

    /// The word for lists: the verdict, `paused`, or `unfinished`.
    pub fn word(&self) -> &'static str {
        match (&self.finish, &self.paused) {
            (Some(finish), _) => finish.verdict.as_str(),
            (None, Some(_)) => "paused",
            (None, None) => "unfinished",
        }
    }

    /// Outputs of all steps, for late names.
    pub fn outputs(&self) -> BTreeMap<String, Outputs> {
        self.steps.iter().map(|run| (run.id.clone(), run.outputs.clone())).collect()
    }
}

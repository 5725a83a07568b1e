//! The run loop: intend, perform, look until it is there, broken or out of time, record the end.
//! `attempt.rs` does one attempt, `check.rs` asks a Check, `ask.rs` asks the operator, `lease.rs`
//! asks the lock, `doubt.rs` asks the world about a step that was cut off, `verdict.rs` decides what
//! it all came to, `ending.rs` records it and offers what comes next.

mod anew;
pub mod ask;
mod attempt;
mod check;
mod doubt;
mod ending;
mod lease;
mod next;
mod sticks;
mod verdict;

pub use attempt::headers as attempt_headers;
pub use ending::spent;
pub use next::{Ahead, NextWay, Readiness};

use std::collections::BTreeMap;
use std::io;
use std::time::{Duration, Instant};

use crate::error::Exit;
use crate::event::{Choice, Outcome, Record, SkipReason, Verdict};
use crate::inbox::{Answer, Stop};
use crate::late::Late;
use crate::lock::NotOurs;
use crate::plan::{Plan, PlannedStep};
use crate::runbook::{Confirm, OnFailure};
use crate::state::{RunState, StepState};
use crate::step::{Doing, Mark, Nature, Standing};
use crate::world::hands::Hands;
use crate::world::{Reader, clock};

/// How a run may ask and be answered.
#[derive(Debug, Clone, Default)]
pub struct Policy {
    /// Whether somebody sits at the terminal.
    pub interactive: bool,
    /// `--yes`.
    pub yes: bool,
    /// `--confirm NAME`.
    pub confirm: Option<String>,
    /// `--without-lock`: go on where the lock cannot be renewed.
    pub without_lock: bool,
    /// `--answer STEP=pass|fail`.
    pub answers: BTreeMap<String, bool>,
    /// The values of secrets, by name.
    pub secrets: BTreeMap<String, String>,
}

/// One execution of a plan.
pub struct Run {
    /// What is done.
    pub plan: Plan,
    /// What has happened.
    pub state: RunState,
    /// The main thread's: inbox, records, commands.
    pub hands: Hands,
    /// The world, to read.
    pub reader: Reader,
    /// How it may ask.
    pub policy: Policy,
    /// How the next rungs stand, once their surveys are in.
    pub ahead: Ahead,
    begun: Instant,
    earlier: Duration,
    budget_said: bool,
    /// Whether the operator was asked about the next rung since.
    climb_asked: bool,
    /// The last progress, so that it is not said twice.
    said: String,
    /// When the last look after each step's effect had its answer.
    looked: BTreeMap<String, Instant>,
}

/// What a run came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Conclusion {
    /// It is over.
    Finished(Verdict, Exit),
    /// It stopped and can be resumed.
    Paused(Exit),
    /// The operator wants the next rung at once.
    Escalate(Verdict, Exit),
}

/// What follows a step.
enum Flow {
    Next,
    Stop(Verdict, String),
    Escalate(String),
    Pause(String),
    /// Nothing can tell how the step ended, and nobody could be asked; or it has not ended yet.
    Doubt(String),
    /// The lock is not ours any more.
    Leave(String),
}

impl Run {
    /// A run that starts, or goes on where `state` says.
    pub fn new(plan: Plan, state: RunState, hands: Hands, reader: Reader, policy: Policy) -> Run {
        let earlier = spent(&state);
        let budget_said = state.over_budget;
        Run {
            plan,
            state,
            hands,
            reader,
            policy,
            begun: Instant::now(),
            earlier,
            budget_said,
            climb_asked: false,
            said: String::new(),
            looked: BTreeMap::new(),
            ahead: Ahead::default(),
        }
    }

    /// Runs all steps that are left, then judges. An error is ours: the journal cannot be written.
    pub fn go(&mut self) -> io::Result<Conclusion> {
        if self.state.resumed > 0 {
            self.watch_budget()?;
        }
        match self.steps() {
            // The lock went between the question before the step and its intent.
            Err(error)
                if error
                    .get_ref()
                    .is_some_and(<dyn std::error::Error + Send + Sync>::is::<NotOurs>) =>
            {
                self.pause_with(error.to_string(), Exit::LockHeld)
            }
            concluded => concluded,
        }
    }

    fn steps(&mut self) -> io::Result<Conclusion> {
        for index in 0..self.plan.steps.len() {
            let planned = self.plan.steps[index].clone();
            if self.is_finished(&planned) {
                continue;
            }
            self.hands.inbox.drain();
            if self.hands.inbox.stop() != Stop::No {
                return self.pause(self.hands.inbox.reason().to_owned());
            }
            if let Some(why) = self.leave_to_others()? {
                return self.pause_with(why, Exit::LockHeld);
            }
            match self.step(index, &planned)? {
                Flow::Next if self.climbs_early() => {
                    let why = "over budget; the operator chose the next rung".to_owned();
                    return self.climb(Verdict::Aborted, why);
                }
                Flow::Next => {}
                Flow::Stop(verdict, why) => return self.finish(verdict, why),
                Flow::Escalate(why) => return self.climb(Verdict::Failed, why),
                Flow::Pause(why) => return self.pause(why),
                Flow::Doubt(why) => return self.pause_with(why, Exit::Unknown),
                Flow::Leave(why) => return self.pause_with(why, Exit::LockHeld),
            }
        }
        self.judge()
    }

    fn is_finished(&self, planned: &PlannedStep) -> bool {
        self.state.step(&planned.step.id).is_some_and(|run| match run.state {
            StepState::Done { .. } | StepState::Skipped { .. } => true,
            StepState::Failed { .. } => {
                matches!(run.choice, Some(Choice::Skip | Choice::Continue))
            }
            StepState::Pending | StepState::InDoubt => false,
        })
    }

    fn step(&mut self, index: usize, planned: &PlannedStep) -> io::Result<Flow> {
        let id = planned.step.id.clone();
        if planned.left_out {
            let why = planned.forecast.obstacles.first().map_or("", |it| it.why.as_str());
            return self.skip(planned, SkipReason::Blocked, format!("left out: {why}"));
        }
        if let Some(flow) = self.resolve_doubt(planned)? {
            return Ok(flow);
        }
        if let Some(flow) = self.resolve_failure(planned)? {
            return Ok(flow);
        }
        let begun_before = self.state.step(&id).is_some_and(|run| run.attempts > 0);
        if planned.standing == Standing::AlreadyThere && !begun_before {
            let evidence = planned.forecast.evidence.first().cloned();
            let why = evidence.unwrap_or_else(|| "already there".to_owned());
            return self.skip(planned, SkipReason::AlreadyThere, why);
        }
        match self.confirmed(planned) {
            Answer::Yes => {}
            Answer::Interrupted => {
                let (name, reason) = (&planned.step.name, self.hands.inbox.reason());
                return Ok(Flow::Pause(format!("{reason}, before step {name} was confirmed")));
            }
            _ => return Ok(Flow::Pause(format!("step {} was not confirmed", planned.step.name))),
        }
        self.tries(index, planned)
    }

    /// Tries a step as often as its runbook and the operator say.
    fn tries(&mut self, index: usize, planned: &PlannedStep) -> io::Result<Flow> {
        let id = planned.step.id.clone();
        let before = self.state.step(&id).map_or(0, |run| run.attempts);
        let mut allowed = before.saturating_add(planned.step.retry.attempts.max(1));
        let mut backoff = planned.step.retry.backoff;
        loop {
            let attempt = self.state.step(&id).map_or(0, |run| run.attempts).saturating_add(1);
            let done = self.attempt(index, planned, attempt)?;
            if done.outcome == Outcome::Done {
                return Ok(Flow::Next);
            }
            if done.outcome == Outcome::Interrupted || self.hands.inbox.stop() >= Stop::EndChild {
                return Ok(Flow::Pause(self.hands.inbox.reason().to_owned()));
            }
            if let Err(why) = self.ours_in_a_moment() {
                return Ok(Flow::Leave(why.to_string()));
            }
            // A Fire may have fired; only its author can say that firing twice is harmless.
            let repeatable = planned.nature != Nature::Fire || is_idempotent(planned);
            if attempt < allowed && repeatable && self.hands.inbox.stop() == Stop::No {
                self.decide(&id, Choice::Retry, "policy")?;
                self.hands
                    .progress(&format!("next try in {}", humantime::format_duration(backoff)));
                if self.idle(Instant::now() + backoff) {
                    return Ok(Flow::Pause(self.hands.inbox.reason().to_owned()));
                }
                backoff *= 2;
                continue;
            }
            if planned.step.on_failure == OnFailure::Continue {
                self.decide(&id, Choice::Continue, "policy")?;
                return Ok(Flow::Next);
            }
            match self.after_failure(planned, &done.why)? {
                Some(flow) => return Ok(flow),
                None => allowed = attempt.saturating_add(1),
            }
        }
    }

    /// The failure menu; without a terminal the run stops. None: the step is tried again.
    fn after_failure(&mut self, planned: &PlannedStep, why: &str) -> io::Result<Option<Flow>> {
        let (choice, by) = if self.policy.interactive {
            let rung = self.next_way().map(|way| way.rung.to_string());
            let choice = match self.ask_menu(rung.as_deref()) {
                Answer::Key('r') => Choice::Retry,
                Answer::Key('s') => Choice::Skip,
                Answer::Key('e') => Choice::Escalate,
                Answer::Key(_) => Choice::Abort,
                // Nobody chose: the run stays where it is, and a resume asks again.
                answer => {
                    let reason = if answer == Answer::Interrupted {
                        format!("{}; ", self.hands.inbox.reason())
                    } else {
                        String::new()
                    };
                    let name = &planned.step.name;
                    return Ok(Some(Flow::Pause(format!("{reason}step {name} failed: {why}"))));
                }
            };
            (choice, "prompt")
        } else {
            (Choice::Abort, "policy")
        };
        self.decide(&planned.step.id, choice, by)?;
        Ok(self.flow_of(planned, choice, why))
    }

    /// What follows from a choice; none when the step is tried again.
    fn flow_of(&self, planned: &PlannedStep, choice: Choice, why: &str) -> Option<Flow> {
        match choice {
            Choice::Retry => None,
            Choice::Skip | Choice::Continue => Some(Flow::Next),
            Choice::Escalate => Some(Flow::Escalate(why.to_owned())),
            Choice::Abort => {
                let why = format!("step {} failed: {why}", planned.step.name);
                let asked = self.policy.interactive;
                Some(Flow::Stop(if asked { Verdict::Aborted } else { Verdict::Failed }, why))
            }
        }
    }

    fn decide(&mut self, step: &str, choice: Choice, by: &str) -> io::Result<()> {
        self.commit(Record::Decision { step: step.to_owned(), choice, by: by.to_owned() })
    }

    fn skip(&mut self, it: &PlannedStep, why: SkipReason, detail: String) -> io::Result<Flow> {
        let (step, outputs) = (it.step.id.clone(), it.forecast.outputs.clone());
        self.append(Record::StepSkipped { step, why, detail, outputs })?;
        Ok(Flow::Next)
    }

    /// Whether the step's own question was answered with yes.
    fn confirmed(&mut self, planned: &PlannedStep) -> Answer {
        let name = self.plan.target.name.clone();
        match planned.step.confirm {
            Confirm::None => Answer::Yes,
            Confirm::Yes if self.policy.yes => Answer::Yes,
            Confirm::Name if self.policy.confirm.as_deref() == Some(&name) => Answer::Yes,
            _ if !self.policy.interactive => Answer::No,
            Confirm::Yes => self.ask_confirm(&format!("{}?", planned.step.name)),
            Confirm::Name => {
                self.ask_name(&format!("{}: type {name} to go on", planned.step.name), &name)
            }
        }
    }

    /// What doing a step needs to know.
    fn doing(&self, planned: &PlannedStep) -> Doing {
        Doing {
            setting: self.plan.setting.clone(),
            mark: Mark {
                run_id: self.state.run_id.clone(),
                step_id: planned.step.id.clone(),
                started_at: clock::seconds(&self.state.started),
            },
            forecast: planned.forecast.clone(),
            outputs: self.state.outputs(),
            checkout: self.plan.checkout_repository(&planned.step),
            parameters: self.plan.parameters.clone(),
            secrets: self.secrets_of(&planned.step.action),
            later: Vec::new(),
            timeout: planned.step.timeout,
            limit: planned.step.timeout,
            reader: self.reader.clone(),
        }
    }

    fn late(&self) -> Late {
        Late {
            run_id: self.state.run_id.clone(),
            started: self.state.started.clone(),
            outputs: self.state.outputs(),
        }
    }

    /// Time since the confirmation, over all processes of this run and the pauses between them.
    pub fn elapsed(&self) -> Duration {
        self.earlier.saturating_add(self.begun.elapsed())
    }

    /// Records durably.
    fn commit(&mut self, record: Record) -> io::Result<()> {
        let envelope = self.hands.recorder.commit(record)?;
        self.state.apply(&envelope);
        Ok(())
    }

    /// Records; durable with the next intent or commit.
    fn append(&mut self, record: Record) -> io::Result<()> {
        let envelope = self.hands.recorder.append(record)?;
        self.state.apply(&envelope);
        Ok(())
    }
}

/// Whether firing it twice is harmless.
fn is_idempotent(planned: &PlannedStep) -> bool {
    matches!(&planned.step.action, crate::runbook::Action::Command(spec) if spec.idempotent)
}

/// A duration as records carry it.
pub fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

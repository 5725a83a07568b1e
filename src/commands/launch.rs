//! From a target to a run: draft, survey, plan, confirm, lock, survey again, run, and the next rung
//! where the operator wants it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::channel;
use std::time::Duration;

use crate::cli::RunArgs;
use crate::commands;
use crate::draft::Draft;
use crate::error::{Error, Exit, Result};
use crate::event::{Approval, Record, RunStarted, inherited};
use crate::inbox::{Answer, Inbox, Stop};
use crate::journal::Journal;
use crate::lock::Held;
use crate::output::recorder::Recorder;
use crate::plan::{Plan, Rung};
use crate::run::{Conclusion, Policy, Run, ask, millis};
use crate::runbook::catalog::Catalog;
use crate::runbook::{Level, Settings, Target};
use crate::state::RunState;
use crate::step::{Nature, Standing};
use crate::terminal::plan_view::Before;
use crate::terminal::prompt;
use crate::world::clock;
use crate::world::hands::Hands;

use super::beside::{self, Beside};
use super::screen::Screen;
use super::under_lock::{Claim, note_lock};
use super::{ahead, approval};

mod refuse;
mod secrecy;
mod survey;

use survey::Surveyed;
pub use survey::{fetch_secrets, pin_context, reader, refuse_unknown, wait_for_survey};

/// How a draft is changed before it is planned; the rehearsal stands in for what reaches outside.
pub type Adapt<'a> = &'a dyn Fn(&mut Draft);

/// One order to roll something back.
pub struct Launch<'a> {
    /// How it is run.
    pub args: RunArgs,
    /// The catalog.
    pub catalog: Catalog,
    /// Where it is shown.
    pub screen: Screen,
    /// Whether the world is the sandbox.
    pub simulated: bool,
    /// The parameters that only the sandbox gave a value.
    pub stood_in: Vec<String>,
    /// How a draft is changed before it is planned.
    pub adapt: Option<Adapt<'a>>,
    /// What the way forward asks beside.
    pub way: Option<Way<'a>>,
    /// The state directory.
    pub state: PathBuf,
    /// Whether a rung was taken before this one.
    pub climbed: bool,
}

/// The way forward: its own look at the plan, and its word to the run that it takes back.
#[derive(Clone, Copy)]
pub struct Way<'a> {
    /// Refuses a plan that would overwrite what somebody changed.
    pub check: &'a dyn Fn(&Plan) -> Result<()>,
    /// Why a run would be refused, where it would: a dry-run says so.
    pub refusal: Option<&'a Error>,
    /// Told the id of the run that begins.
    pub begun: &'a dyn Fn(&str) -> Result<()>,
}

impl Launch<'_> {
    /// Carries the order out, rung by rung for as long as the operator wants.
    pub fn go(&mut self, target: Target) -> Result<Exit> {
        let mut target = target;
        loop {
            match self.rung(&target).map_err(|error| self.keeping(error))? {
                Next::Ended(exit) => return Ok(exit),
                Next::Climb(rung, run_id) => {
                    if self.way.take().is_some() {
                        self.adapt = None;
                    }
                    target = rung.target;
                    let (runbook, settings) = self.catalog.runbook(&target)?;
                    let known = crate::draft::known(&runbook, &settings);
                    self.args.params = ahead::known_params(&self.args.params, &known);
                    // What was said for one plan is not said for another.
                    self.args.skip_blocked.clear();
                    self.args.answers.clear();
                    self.args.approve = None;
                    self.args.approved_by = None;
                    self.args.method = Some(rung.method);
                    self.args.escalated_from = Some(run_id);
                    self.climbed = true;
                }
            }
        }
    }

    /// A command line that is wrong after a climb is typed again: what it escalates from with it.
    fn keeping(&self, error: anyhow::Error) -> anyhow::Error {
        let keep = self.before().inherited;
        match error.downcast::<Error>() {
            Ok(error) if self.climbed && error.exit == Exit::Usage => {
                let words: Vec<String> =
                    keep.iter().map(|word| crate::script::shell_quote(word)).collect();
                error.hint(format!("and keep: {}", words.join(" "))).into()
            }
            Ok(error) => error.into(),
            Err(error) => error,
        }
    }

    /// What came before the plan that is shown.
    fn before(&self) -> Before {
        let RunArgs { incident, reason, trigger, escalated_from, .. } = &self.args;
        Before {
            inherited: inherited([
                ("--incident", incident.as_deref()),
                ("--reason", reason.as_deref()),
                ("--trigger", trigger.as_deref()),
                ("--escalated-from", escalated_from.as_deref()),
            ]),
            climbed: self.climbed,
        }
    }

    fn rung(&mut self, target: &Target) -> Result<Next> {
        beside::refuse_unknown_trigger(&self.args, &self.catalog)?;
        let mut inbox = Inbox::new();
        inbox.hear_signals()?;
        let (runbook, settings) = self.catalog.runbook(target)?;
        let mut policy = self.policy()?;
        let mut surveyed = self.survey(&mut inbox, &runbook, &settings, &mut policy)?;
        self.hide(&policy.secrets);
        if self.args.dry_run {
            return self.dry_run(&surveyed.plan, &settings).map(Next::Ended);
        }
        self.screen.plan(&surveyed.plan);
        self.refuse_blocked(&mut inbox, &mut surveyed, policy.interactive)?;
        refuse::unanswerable(&surveyed.plan, &settings, &self.args, &policy, self.simulated)?;
        let approval = approval::check(&surveyed.plan, &settings, &self.args, &self.state)?;
        if let Some(reason) = approval.as_ref().and_then(|it| it.break_glass.as_ref()) {
            self.screen.say(&format!("! break glass: this runs without its approval: {reason}"));
        }
        let mut confirmed = self.confirm(&mut inbox, &surveyed.plan, &settings, &policy)?;
        let run_id = clock::run_id();
        let lock = self.lock(&mut inbox, &surveyed, &run_id, policy.interactive)?;
        let aged = surveyed.at.elapsed() > Duration::from_secs(1) && !self.args.now;
        if lock.waited() || aged {
            let mut again = self.survey(&mut inbox, &runbook, &settings, &mut policy)?;
            if lock.waited() && surveyed.plan.digest != again.plan.digest {
                // Who had the lock has changed what was shown: it is shown and confirmed anew.
                self.screen.notice(&run_id, "the plan has changed while the lock was waited for");
                self.screen.plan(&again.plan);
                self.refuse_blocked(&mut inbox, &mut again, policy.interactive)?;
                confirmed = self.confirm(&mut inbox, &again.plan, &settings, &policy)?;
            } else {
                refuse_stale(&surveyed.plan, &again.plan)?;
            }
            surveyed = again;
        }
        let journal = Journal::create(&self.state, &run_id)?;
        let output_dir = journal.dir().to_owned();
        let mut views = self.screen.views(&surveyed.plan, &run_id, Duration::ZERO);
        let (beside, told) = if self.simulated {
            (Beside::default(), channel().1)
        } else {
            Beside::begin(&self.screen, &self.catalog, &self.args.params, None, &mut views)
        };
        let recorder = Recorder::new(journal, views).guarded(lock.guard()).beside(told);
        let mut hands = Hands::new(inbox, recorder);
        hands.output_dir = Some(output_dir);
        hands.redact(beside.redactor(&policy.secrets));
        let mut state = self
            .begin(&mut hands, &surveyed.plan, &confirmed, approval)
            .map_err(|error| journal_failed(&error, true))?;
        note_lock(&lock, &mut hands.recorder, &mut state)?;
        if let Some(way) = self.way
            && let Err(error) = (way.begun)(&run_id)
        {
            self.screen.say(&format!("the run that is taken back could not be told: {error:#}"));
        }
        let mut run = Run::new(surveyed.plan, state, hands, surveyed.reader, policy);
        let (ladder, params) = (&run.plan.ladder, &self.args.params);
        run.ahead = ahead::survey(ladder, &self.catalog, params, self.adapt, &run.reader);
        let conclusion = run.go().map_err(|error| journal_failed(&error, false));
        let stays = lock.release();
        run.hands.recorder.finish();
        run.reader.cluster.close();
        let conclusion = conclusion?;
        self.screen.end(&run.state);
        self.screen.lock_stays(stays, &run.state.run_id);
        commands::sweep(&self.screen);
        beside.end(&self.screen, &mut run.hands.recorder);
        Ok(Launch::after(run, conclusion))
    }

    /// Takes the environment's lock.
    fn lock(
        &self,
        inbox: &mut Inbox,
        surveyed: &Surveyed,
        run_id: &str,
        interactive: bool,
    ) -> Result<Held> {
        let plan = &surveyed.plan;
        let mut claim = Claim::new(plan, run_id, &self.args.lock, interactive);
        claim.incident.clone_from(&self.args.incident);
        claim.take(inbox, &self.screen, &self.state, &surveyed.reader.cluster)
    }

    /// What follows a run: its exit code, or the next rung.
    fn after(mut run: Run, conclusion: Conclusion) -> Next {
        let run_id = run.state.run_id.clone();
        let rung = run.next_way().map(|way| way.rung);
        match (conclusion, rung) {
            (Conclusion::Escalate(..), Some(rung)) => Next::Climb(rung, run_id),
            (Conclusion::Finished(_, exit), Some(rung))
                if exit != Exit::Success
                    && run.policy.interactive
                    && run.hands.inbox.stop() == Stop::No =>
            {
                let question = format!("Go on with {rung}? Its plan comes first.");
                match ask::confirm(&mut run.hands.inbox, &question) {
                    Answer::Yes => Next::Climb(rung, run_id),
                    _ => Next::Ended(exit),
                }
            }
            (
                Conclusion::Finished(_, exit)
                | Conclusion::Paused(exit)
                | Conclusion::Escalate(_, exit),
                _,
            ) => Next::Ended(exit),
        }
    }

    fn policy(&self) -> Result<Policy> {
        Ok(Policy {
            interactive: prompt::can_prompt() && !self.args.no_input,
            yes: self.args.yes,
            confirm: self.args.confirm.clone(),
            without_lock: self.args.lock.without_lock,
            answers: commands::answers(&self.args.answers)?,
            secrets: BTreeMap::new(),
        })
    }

    fn dry_run(&self, plan: &Plan, settings: &Settings) -> Result<Exit> {
        let approval = approval::foresee(plan, settings, &self.args, &self.state)?;
        let refusal = self.way.and_then(|way| way.refusal);
        self.screen.dry_run(plan, &self.before(), approval.as_ref(), refusal);
        let possible = plan.blocked().next().is_none() && plan.unlockable().is_none();
        let ready = possible && refusal.is_none();
        Ok(if ready { Exit::Success } else { Exit::Blocked })
    }

    /// Blocked means stop before anything is touched; from service level on an operator may choose
    /// to run what is possible.
    fn refuse_blocked(
        &mut self,
        inbox: &mut Inbox,
        surveyed: &mut Surveyed,
        interactive: bool,
    ) -> Result<()> {
        if surveyed.plan.blocked().next().is_none() {
            return Ok(());
        }
        let ready = surveyed.plan.not_ready.is_none();
        if ready && interactive && surveyed.plan.target.level > Level::Component {
            let without = surveyed.plan.without_blocked();
            let was_in = |id: &str| surveyed.plan.step(id).is_some_and(|step| !step.left_out);
            let left_out = || without.steps.iter().filter(|step| step.left_out);
            let names: Vec<&str> = left_out()
                .filter(|step| was_in(&step.step.id))
                .map(|step| step.step.name.as_str())
                .collect();
            let question =
                format!("Leave out what is blocked ({}) and run the rest?", names.join("; "));
            if ask::confirm(inbox, &question) == Answer::Yes {
                // The survey under the lock leaves out the same.
                self.args.skip_blocked = left_out().map(|step| step.step.id.clone()).collect();
                surveyed.plan = without;
                return Ok(());
            }
        }
        self.screen.blocked(&surveyed.plan, &self.before());
        Err(refuse::blocked(&surveyed.plan, &self.before()).into())
    }

    fn confirm(
        &self,
        inbox: &mut Inbox,
        plan: &Plan,
        settings: &Settings,
        policy: &Policy,
    ) -> Result<Record> {
        super::confirm::confirm(inbox, plan, settings, policy, &self.args, self.simulated)
    }

    /// The first records of a run.
    fn begin(
        &self,
        hands: &mut Hands,
        plan: &Plan,
        confirmed: &Record,
        approval: Option<Approval>,
    ) -> std::io::Result<RunState> {
        let start = RunStarted {
            target: plan.target.to_string(),
            method: plan.method.clone(),
            digest: plan.digest.clone(),
            context: plan.setting.context.clone().unwrap_or_default(),
            namespace: plan.setting.namespace.clone(),
            cluster: plan.cluster.uid.clone(),
            operator: commands::operator(),
            host: commands::host(),
            pid: std::process::id(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            incident: self.args.incident.clone(),
            reason: self.args.reason.clone(),
            trigger: self.args.trigger.clone(),
            approval,
            escalated_from: self.args.escalated_from.clone(),
            forward_of: plan.forward_of.clone(),
            budget_ms: plan.budget.map(millis),
            simulated: self.simulated,
            // Absolute: whoever goes on with the run may stand elsewhere.
            catalog: std::path::absolute(self.catalog.dir())?.display().to_string(),
            directory: std::env::current_dir()?.display().to_string(),
            plan: serde_json::to_value(plan)?,
        };
        let mut records = vec![hands.recorder.append(Record::RunStarted(Box::new(start)))?];
        records.push(hands.recorder.append(confirmed.clone())?);
        records.push(hands.recorder.append(Record::SnapshotTaken { values: plan.snapshot() })?);
        RunState::fold(&records).ok_or_else(|| std::io::Error::other("a run without a start"))
    }
}

/// What follows a rung.
enum Next {
    Ended(Exit),
    Climb(Rung, String),
}

/// What was confirmed is what runs: a plan that has changed since is refused, naming what changed.
fn refuse_stale(shown: &Plan, now: &Plan) -> Result<()> {
    if shown.digest == now.digest {
        return Ok(());
    }
    let mut error = Error::new(
        Exit::PlanStale,
        "the world has changed since the plan was shown; nothing was changed",
    );
    for line in approval::changes(&shown.digested(), &now.digested()) {
        error = error.hint(line);
    }
    Err(error.hint("look at the plan again, and confirm that").into())
}

/// The journal cannot be written: no further step starts.
pub fn journal_failed(error: &std::io::Error, before: bool) -> Error {
    let exit = if before { Exit::Blocked } else { Exit::Unknown };
    let error = Error::new(exit, format!("the journal cannot be written: {error}"));
    if before {
        error.hint("no step was started: nothing was changed")
    } else {
        error
            .hint("no further step was started; what the last step did may be unrecorded")
            .hint("make room or make it writable, then: rollback resume")
    }
}

/// Whether a plan changes anything at all; what changes nothing needs no confirmation.
pub fn is_harmless(plan: &Plan) -> bool {
    plan.steps
        .iter()
        .filter(|step| !step.left_out)
        .all(|step| step.nature == Nature::Check || step.standing == Standing::AlreadyThere)
}

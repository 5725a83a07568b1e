//! A step that was begun and whose end was never recorded: the world is asked, and what the world
//! cannot answer, the operator is. It is never run again blindly.

use std::io;
use std::time::Instant;

use super::{Flow, Run, is_idempotent};
use crate::event::{Choice, EffectKind, Outcome, Record, Verdict};
use crate::inbox::Answer;
use crate::plan::PlannedStep;
use crate::runbook::OnFailure;
use crate::state::{StepRun, StepState};
use crate::step::{Effect, Nature};
use crate::world::{hands, process};

impl Run {
    /// What follows for a step that was begun before; none when it is to be run (again).
    pub(super) fn resolve_doubt(&mut self, planned: &PlannedStep) -> io::Result<Option<Flow>> {
        let id = planned.step.id.clone();
        let Some(run) = self.state.step(&id) else { return Ok(None) };
        let cut_off = matches!(
            run.state,
            StepState::InDoubt | StepState::Failed { outcome: Outcome::Interrupted }
        );
        if !cut_off {
            return Ok(None);
        }
        if let Some(why) = still_running(&self.state.run_id, run) {
            return Ok(Some(Flow::Doubt(why)));
        }
        if planned.nature == Nature::Check {
            return Ok(None);
        }
        if planned.nature == Nature::Fire && is_idempotent(planned) {
            self.settle(&id, EffectKind::Missing, "runbook", "it may be run again (idempotent)")?;
            return Ok(None);
        }
        let (action, _) = self.late().resolve(&planned.step.action).map_err(io::Error::other)?;
        let doing = self.doing(planned);
        let effect = if planned.nature == Nature::Fire {
            Effect::Unanswerable("nothing can show its effect".to_owned())
        } else {
            let first = self.look_once(&action, &doing);
            if matches!(first, Effect::Underway(_)) {
                self.await_effect(&action, &doing, Instant::now() + planned.step.timeout)?
            } else {
                first
            }
        };
        self.settle_effect(planned, effect)
    }

    /// A step that failed, and after which this run was cut off or stopped before anything else
    /// was recorded. None when it is to be run again.
    pub(super) fn resolve_failure(&mut self, planned: &PlannedStep) -> io::Result<Option<Flow>> {
        let id = planned.step.id.clone();
        let Some(run) = self.state.step(&id) else { return Ok(None) };
        if !matches!(run.state, StepState::Failed { .. }) {
            return Ok(None);
        }
        let why = run.why.clone();
        if let Some(choice) = run.choice {
            return Ok(self.flow_of(planned, choice, &why));
        }
        if self.policy.answers.contains_key(&id) && planned.nature != Nature::Check {
            return self.ask_about(planned, &why);
        }
        if self.policy.interactive {
            return self.after_failure(planned, &why);
        }
        // To resume is to say that what can be repeated may be; a Fire may have fired.
        if planned.nature != Nature::Fire || is_idempotent(planned) {
            return Ok(None);
        }
        if planned.step.on_failure == OnFailure::Continue {
            self.decide(&id, Choice::Continue, "policy")?;
            return Ok(Some(Flow::Next));
        }
        self.ask_about(planned, &format!("it failed ({why}), and nothing can show its effect"))
    }

    fn settle_effect(&mut self, planned: &PlannedStep, effect: Effect) -> io::Result<Option<Flow>> {
        let id = planned.step.id.clone();
        match effect {
            Effect::Present(ref why, ref outputs) | Effect::Awaiting(ref why, ref outputs) => {
                let why = format!("found applied: {why}");
                self.settle_with(&id, effect.kind(), "world", &why, outputs.clone())?;
                Ok(Some(Flow::Next))
            }
            Effect::Missing(ref why) | Effect::Partly(ref why) => {
                self.settle(&id, effect.kind(), "world", &format!("found not applied: {why}"))?;
                Ok(None)
            }
            Effect::Broken(ref why, _) | Effect::Underway(ref why) => {
                // Doing it again is what a retry would do, and a Change can be done again.
                self.settle(&id, EffectKind::Partly, "world", why)?;
                Ok(None)
            }
            Effect::Unanswerable(why) | Effect::Forbidden(why) => self.ask_about(planned, &why),
        }
    }

    fn ask_about(&mut self, planned: &PlannedStep, why: &str) -> io::Result<Option<Flow>> {
        let id = planned.step.id.clone();
        let answer = if let Some(applied) = self.policy.answers.get(&id) {
            if *applied { Answer::Key('a') } else { Answer::Key('r') }
        } else if self.policy.interactive {
            self.ask_doubt(&planned.step.name, why)
        } else {
            Answer::No
        };
        match answer {
            Answer::Key('a') => {
                self.settle(&id, EffectKind::Present, "operator", "said to be applied")?;
                Ok(Some(Flow::Next))
            }
            Answer::Key('r') => {
                self.settle(&id, EffectKind::Missing, "operator", "said to be run again")?;
                Ok(None)
            }
            Answer::Key('q') => Ok(Some(Flow::Stop(
                Verdict::Unknown,
                format!("step {} is in doubt: {why}", planned.step.name),
            ))),
            Answer::Interrupted => {
                let (reason, name) = (self.hands.inbox.reason(), &planned.step.name);
                Ok(Some(Flow::Pause(format!("{reason}, at the question about step {name}"))))
            }
            _ => Ok(Some(Flow::Doubt(format!(
                "step {} is in doubt: {why}; say --answer {id}=pass (it was applied) or \
                 --answer {id}=fail (run it again)",
                planned.step.name
            )))),
        }
    }

    fn settle(&mut self, id: &str, effect: EffectKind, by: &str, why: &str) -> io::Result<()> {
        self.settle_with(id, effect, by, why, crate::step::Outputs::new())
    }

    fn settle_with(
        &mut self,
        id: &str,
        effect: EffectKind,
        by: &str,
        why: &str,
        outputs: crate::step::Outputs,
    ) -> io::Result<()> {
        self.commit(Record::DoubtResolved {
            step: id.to_owned(),
            effect,
            by: by.to_owned(),
            why: why.to_owned(),
            outputs,
        })
    }
}

/// Which child of an earlier process still works on a step, in a sentence.
fn still_running(run_id: &str, run: &StepRun) -> Option<String> {
    if let Some(child) = run.children.iter().find(|it| child_lives(it.group, &it.started)) {
        let (program, group) = (&child.program, child.group);
        return Some(format!(
            "the command of step {} still runs (`{program}`, process group {group}): let it end, \
             or end it with kill -TERM -- -{group}; then resume again",
            run.name
        ));
    }
    // One that we could not record before we died, or one that left its group.
    let (pid, program) =
        process::find_marked(&hands::marker(run_id, &run.id)).into_iter().next()?;
    Some(format!(
        "a process of step {} still runs (`{program}`, process {pid}): let it end, or end it with \
         kill -TERM {pid}; then resume again",
        run.name
    ))
}

/// Whether the child of an earlier process is still there (and not another with its number).
fn child_lives(group: u32, started: &str) -> bool {
    match process::start_time(group) {
        Some(now) if !started.is_empty() && now != started => false,
        // Also where the leader is gone: its group may not be.
        _ => process::group_exists(group),
    }
}

//! How a run ends or stops for now: the last record, the exit code, and the rung that comes next.

use std::io;
use std::time::Duration;

use super::{Conclusion, NextWay, Readiness, Run, millis};
use crate::error::Exit;
use crate::event::{Record, Verdict};
use crate::inbox::{Answer, Stop};
use crate::state::RunState;
use crate::world::clock;

/// The time that a run has taken so far: it counts from the confirmation, and does not stop while
/// the run is paused or cut off, since what was broken stays broken. Where the clock was set back,
/// it is at least what its steps took.
pub fn spent(state: &RunState) -> Duration {
    let steps = state.steps.iter().fold(0_u64, |sum, step| sum.saturating_add(step.elapsed_ms));
    let since = state.confirmed_at.as_deref().map_or(Duration::ZERO, clock::since);
    since.max(Duration::from_millis(steps))
}

impl Run {
    pub(super) fn climb(&mut self, verdict: Verdict, why: String) -> io::Result<Conclusion> {
        let Conclusion::Finished(verdict, exit) = self.finish(verdict, why)? else {
            unreachable!("finish finishes")
        };
        Ok(Conclusion::Escalate(verdict, exit))
    }

    /// Between two steps of a run that is over its budget the operator is asked once whether to
    /// climb instead. Whoever does not answer stays where they are.
    pub(super) fn climbs_early(&mut self) -> bool {
        let open = self.plan.steps.iter().any(|planned| !self.is_finished(planned));
        if !open {
            return false;
        }
        if !self.budget_said || self.climb_asked || !self.policy.interactive {
            return false;
        }
        let Some(way) = self.next_way() else { return false };
        let question = format!("Over budget. Leave the rest, and go on with {} instead?", way.rung);
        self.climb_asked = true;
        self.ask_confirm(&question) == Answer::Yes
    }

    pub(super) fn pause(&mut self, why: String) -> io::Result<Conclusion> {
        let exit = if self.hands.inbox.stop() == Stop::No {
            Exit::Declined
        } else if self.hands.inbox.terminated() {
            Exit::Terminated
        } else {
            Exit::Interrupted
        };
        self.pause_with(why, exit)
    }

    pub(super) fn pause_with(&mut self, why: String, exit: Exit) -> io::Result<Conclusion> {
        let resume = self.state.start.go_on(&self.state.run_id);
        self.commit(Record::RunPaused { why, exit_code: exit.code(), resume })?;
        Ok(Conclusion::Paused(exit))
    }

    pub(super) fn finish(&mut self, verdict: Verdict, why: String) -> io::Result<Conclusion> {
        let exit = match verdict {
            Verdict::Recovered => Exit::Success,
            Verdict::Applied => Exit::Applied,
            Verdict::Failed | Verdict::Aborted => Exit::StepFailed,
            Verdict::Unknown => Exit::Unknown,
        };
        self.finish_with(verdict, exit, why)
    }

    pub(super) fn finish_with(
        &mut self,
        verdict: Verdict,
        exit: Exit,
        why: String,
    ) -> io::Result<Conclusion> {
        self.note_overrun()?;
        // What works again and only waits for its merge needs no other way.
        if exit != Exit::Success && self.state.only_a_merge().is_none() {
            self.offer(&why)?;
        }
        let why = match self.lock_gone() {
            Some(gone) if why.is_empty() => gone,
            Some(gone) => format!("{why}; but {gone}"),
            None => why,
        };
        self.commit(Record::RunFinished {
            verdict,
            exit_code: exit.code(),
            why,
            elapsed_ms: millis(self.elapsed()),
        })?;
        Ok(Conclusion::Finished(verdict, exit))
    }

    /// Says once that the budget is used up, and offers the next rung at once: whoever watches need
    /// not wait for the end.
    pub(super) fn watch_budget(&mut self) -> io::Result<()> {
        if let Some(budget) = self.note_overrun()? {
            let words = humantime::format_duration(budget);
            self.offer(&format!("the budget of {words} is used up; this run goes on"))?;
        }
        Ok(())
    }

    /// Records that the budget is used up: the budget, when that was not said before.
    fn note_overrun(&mut self) -> io::Result<Option<Duration>> {
        let over = self.plan.budget.filter(|budget| !self.budget_said && self.elapsed() > *budget);
        if let Some(budget) = over {
            self.budget_said = true;
            self.append(Record::BudgetExceeded { budget_ms: millis(budget) })?;
        }
        Ok(over)
    }

    /// Offers the next way.
    pub(super) fn offer(&mut self, why: &str) -> io::Result<()> {
        let Some(NextWay { rung, readiness, note }) = self.next_way() else { return Ok(()) };
        let mut command = rung.command();
        command.extend(self.state.start.inherited(&self.state.run_id));
        let why = if note.is_empty() { why.to_owned() } else { format!("{why}; but {note}") };
        self.append(Record::EscalationOffered {
            target: rung.target.to_string(),
            method: rung.method.clone(),
            command,
            ready: match readiness {
                Some(Readiness::Ready) => Some(true),
                Some(Readiness::Blocked(_)) => Some(false),
                Some(Readiness::Needs(_)) | None => None,
            },
            why,
        })
    }
}

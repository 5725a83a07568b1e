//! What a run came to. `recovered` needs a condition that was seen failing in the survey and is
//! seen holding now; conditions that were green all along show nothing.

use std::io;
use std::time::Instant;

use super::{Conclusion, Run};
use crate::error::Exit;
use crate::event::{Outcome, Record, SkipReason, Verdict};
use crate::inbox::Stop;
use crate::plan::PlannedCriterion;
use crate::runbook::{Action, Criterion};
use crate::state::{Judged, StepState};
use crate::step::{Doing, Done, Nature, kinds};

impl Run {
    /// Asks `recovered_when` and finishes the run.
    pub(super) fn judge(&mut self) -> io::Result<Conclusion> {
        if self.hands.inbox.stop() != Stop::No {
            return self.pause(self.hands.inbox.reason().to_owned());
        }
        let begun = Instant::now();
        if !self.plan.criteria.is_empty() {
            let of = self.plan.steps.len();
            self.hands.recorder.guard().at_step(of + 1, of, "its checks are asked");
        }
        for index in 0..self.plan.criteria.len() {
            let planned = self.plan.criteria[index].clone();
            let done = self.judge_one(&planned, begun)?;
            if done.outcome == Outcome::Interrupted {
                return self
                    .pause(format!("{}, while recovery was verified", self.hands.inbox.reason()));
            }
            self.append(Record::CriterionJudged {
                name: planned.criterion.name.clone(),
                before: planned.before,
                holds: done.outcome == Outcome::Done,
                why: change_of(&planned, &done.why),
            })?;
        }
        if let Some(why) = self.what_did_not_stick() {
            return self.finish_with(Verdict::Failed, Exit::StepFailed, why);
        }
        let (verdict, exit, why) = decide(self);
        self.finish_with(verdict, exit, why)
    }

    fn judge_one(&mut self, planned: &PlannedCriterion, begun: Instant) -> io::Result<Done> {
        let criterion = &planned.criterion;
        let deadline = begun + criterion.within;
        let (action, _) = self.late().resolve(&criterion.action).map_err(io::Error::other)?;
        let doing = Doing { secrets: self.secrets_of(&action), ..self.doing_criterion(criterion) };
        self.hands.take_up(&criterion.name, deadline.max(Instant::now() + criterion.within / 4));
        match &action {
            Action::Command(_) => {
                let intent = Record::CriterionAsked { name: criterion.name.clone() };
                let permit = self.hands.recorder.intend(&criterion.name, intent)?;
                Ok(kinds::perform(&action, &doing, &mut self.hands, &permit))
            }
            _ => self.check(&criterion.name, &action, &doing, deadline),
        }
    }

    fn doing_criterion(&self, criterion: &Criterion) -> Doing {
        Doing {
            setting: self.plan.setting.clone(),
            mark: crate::step::Mark {
                run_id: self.state.run_id.clone(),
                step_id: criterion.name.clone(),
                started_at: crate::world::clock::seconds(&self.state.started),
            },
            forecast: crate::step::Forecast::default(),
            outputs: self.state.outputs(),
            checkout: None,
            parameters: self.plan.parameters.clone(),
            secrets: std::collections::BTreeMap::new(),
            later: Vec::new(),
            timeout: criterion.within,
            limit: criterion.within,
            reader: self.reader.clone(),
        }
    }
}

/// `503 -> 200, 3 in a row` where the survey saw something else.
fn change_of(planned: &PlannedCriterion, now: &str) -> String {
    match planned.before {
        Some(false) => {
            let before = planned.now.split(" (").next().unwrap_or_default();
            format!("{before} -> {now}")
        }
        Some(true) | None => now.to_owned(),
    }
}

/// The verdict, how the process ends, and why, in a sentence.
fn decide(run: &Run) -> (Verdict, Exit, String) {
    let changed = run.plan.steps.iter().any(|planned| {
        planned.nature != Nature::Check
            && run.state.step(&planned.step.id).is_some_and(|step| {
                matches!(step.state, StepState::Done { .. } | StepState::Failed { .. })
            })
    });
    let awaiting =
        run.state.steps.iter().find(|step| {
            step.state == StepState::Done { effect: crate::event::EffectKind::Awaiting }
        });
    if let Some(step) = awaiting {
        let works = run.state.only_a_merge().and(run.state.criteria.first());
        let why = match works {
            Some(first) => format!("{} holds, but {}", first.name, step.why),
            None => format!("step {} awaits somebody: {}", step.name, step.why),
        };
        return (Verdict::Applied, Exit::Applied, why);
    }
    let gaps: Vec<&str> = run
        .state
        .steps
        .iter()
        .filter(|step| match step.state {
            StepState::Skipped { why } => why != SkipReason::AlreadyThere,
            StepState::Failed { .. } => true,
            _ => false,
        })
        .map(|step| step.name.as_str())
        .collect();
    let judged = &run.state.criteria;
    let failing: Vec<&Judged> = judged.iter().filter(|judged| !judged.holds).collect();
    let applied = |why: String| (Verdict::Applied, Exit::Applied, why);
    if let Some(first) = failing.first() {
        let more = if failing.len() > 1 {
            format!(" (and {} more)", failing.len() - 1)
        } else {
            String::new()
        };
        let doing = match (run.state.broke_again(), changed) {
            (true, _) => "it broke again, roll it back:",
            (false, true) => "everything was done, but",
            (false, false) => "nothing was left to do, but",
        };
        return applied(format!("{doing} {} does not hold: {}{more}", first.name, first.why));
    }
    if judged.is_empty() {
        return applied("the runbook has no recovered_when, so nothing shows recovery".to_owned());
    }
    if let (Some(of), true) = (&run.plan.forward_of, gaps.is_empty()) {
        let why = format!("the values from before run {of} are back, and {} holds", judged[0].name);
        return (Verdict::Applied, Exit::Success, why);
    }
    let seen_failing: Vec<&Judged> =
        judged.iter().filter(|judged| judged.before == Some(false)).collect();
    if let (Some(first), true) = (seen_failing.first(), changed) {
        let left = if gaps.is_empty() {
            String::new()
        } else {
            format!("; not done: {}", gaps.join(", "))
        };
        return (Verdict::Recovered, Exit::Success, format!("{} {}{left}", first.name, first.why));
    }
    if !changed && gaps.is_empty() {
        let why = "nothing had to be changed, and its checks are green".to_owned();
        return (Verdict::Applied, Exit::Success, why);
    }
    applied(if judged.iter().any(|judged| judged.before == Some(true)) {
        format!("{} was green before as well: it says nothing about the cause", judged[0].name)
    } else {
        format!("{} was never seen failing, so it does not show recovery", judged[0].name)
    })
}

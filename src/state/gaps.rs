//! What is left of a run that came to its end: steps that were left out, a merge, a check that the
//! way forward turned red.

use super::{Judged, RunState, StepRun, StepState};
use crate::event::{EffectKind, SkipReason};
use crate::plan::Plan;
use crate::step::Nature;

impl RunState {
    /// The step whose merge is all that is left to do: its change waits, and every check holds.
    pub fn only_a_merge(&self) -> Option<&StepRun> {
        let holds = !self.criteria.is_empty() && self.criteria.iter().all(|judged| judged.holds);
        let waits = |step: &&StepRun| {
            matches!(step.state, StepState::Done { effect: EffectKind::Awaiting })
        };
        self.steps.iter().find(waits).filter(|_| holds)
    }

    /// The steps that a run that came to its end failed at or left out, in words.
    pub fn gaps(&self) -> Vec<String> {
        let word = |step: &StepRun| match step.state {
            StepState::Failed { .. } => Some("failed and was left out"),
            StepState::Skipped { why } if why != SkipReason::AlreadyThere => Some("was left out"),
            _ => None,
        };
        let numbered = self.steps.iter().enumerate();
        numbered
            .filter_map(|(index, step)| {
                word(step).map(|word| format!("step {} {} {word}", index + 1, step.name))
            })
            .collect()
    }

    /// Whether it changed something, as far as its records tell.
    pub fn changed(&self) -> bool {
        let acts = |id: &str, plan: &Plan| {
            plan.step(id).is_some_and(|planned| planned.nature != Nature::Check)
        };
        let done = |step: &StepRun| matches!(step.state, StepState::Done { .. });
        self.plan()
            .is_some_and(|plan| self.steps.iter().any(|step| done(step) && acts(&step.id, &plan)))
    }

    /// The word for lists of people: what came to nothing else is `already there`.
    pub fn told_word(&self) -> &'static str {
        let green = self.finish.as_ref().is_some_and(|finish| finish.exit_code == 0);
        match self.word() {
            "applied" if green && !self.changed() => "already there",
            word => word,
        }
    }

    /// Whether the way forward turned a check red that was green.
    pub fn broke_again(&self) -> bool {
        let broke = |judged: &Judged| judged.before == Some(true) && !judged.holds;
        self.start.forward_of.is_some() && self.criteria.iter().any(broke)
    }
}

//! The last look before a verdict: is what was changed still so? Somebody outside, such as Argo CD,
//! may have put it back while the run went on. What was there already counts as well.

use std::time::Duration;

use super::Run;
use crate::event::{EffectKind, SkipReason};
use crate::plan::PlannedStep;
use crate::state::StepState;
use crate::step::claims::{self, Claim};
use crate::step::{Effect, kinds};

/// A look that is no older than this is as good as another one.
const FRESH: Duration = Duration::from_millis(50);

impl Run {
    /// Looks again at every step whose effect the cluster shows; the first that is not so any more,
    /// in a sentence.
    pub(super) fn what_did_not_stick(&mut self) -> Option<String> {
        for index in 0..self.plan.steps.len() {
            let planned = self.plan.steps[index].clone();
            let Some(was) = self.stands(&planned) else { continue };
            let Ok((action, _)) = self.late().resolve(&planned.step.action) else { continue };
            let mut doing = self.doing(&planned);
            doing.later = self.changed_after(index);
            let why = match self.look_once(&action, &doing) {
                Effect::Missing(found) | Effect::Partly(found) => {
                    format!("it did not stick: {found}")
                }
                Effect::Broken(why, _) => why,
                _ => continue,
            };
            return Some(format!("step {} was {was}, but {why}", planned.step.name));
        }
        None
    }

    /// What a step was, where its effect should still be there and has to be looked for: it was
    /// seen, though not just now.
    fn stands(&self, planned: &PlannedStep) -> Option<&'static str> {
        let was = match self.state.step(&planned.step.id)?.state {
            StepState::Done { effect: EffectKind::Present } => "done",
            StepState::Skipped { why: SkipReason::AlreadyThere } => "already there",
            _ => return None,
        };
        let fresh = self.looked.get(&planned.step.id).is_some_and(|at| at.elapsed() < FRESH);
        (kinds::is_in_cluster(&planned.step.action) && !fresh).then_some(was)
    }

    /// What the steps after one have changed, as far as they were begun.
    fn changed_after(&self, index: usize) -> Vec<Claim> {
        let begun = |planned: &&PlannedStep| {
            self.state.step(&planned.step.id).is_some_and(|run| run.attempts > 0)
        };
        let later = self.plan.steps.iter().skip(index + 1).filter(begun);
        later.flat_map(|planned| claims::of(&planned.step.action, &planned.forecast)).collect()
    }
}

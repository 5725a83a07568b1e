//! The last look before a verdict: is what was changed still so? Somebody outside, such as Argo CD,
//! may have put it back while the run went on.

use std::time::Duration;

use crate::event::EffectKind;
use crate::plan::PlannedStep;
use crate::runbook::{Action, Workload};
use crate::state::StepState;
use crate::step::Effect;

use super::Run;

/// A look that is no older than this is as good as another one.
const FRESH: Duration = Duration::from_millis(50);

impl Run {
    /// Looks again at every flag and restart of the run; the first that is not so any more, in a
    /// sentence.
    pub(super) fn what_did_not_stick(&mut self) -> Option<String> {
        for index in 0..self.plan.steps.len() {
            let planned = self.plan.steps[index].clone();
            if !self.stands(index, &planned) {
                continue;
            }
            let Ok((action, _)) = self.late().resolve(&planned.step.action) else { continue };
            let doing = self.doing(&planned);
            let why = match self.look_once(&action, &doing) {
                Effect::Missing(found) | Effect::Partly(found) => {
                    format!("it did not stick: {found}")
                }
                Effect::Broken(why, _) => why,
                _ => continue,
            };
            return Some(format!("step {} was done, but {why}", planned.step.name));
        }
        None
    }

    /// Whether a step's effect should still be there and has to be looked for: it was seen, though
    /// not just now, and no later step changed the same object.
    fn stands(&self, index: usize, planned: &PlannedStep) -> bool {
        let seen = self.state.step(&planned.step.id).is_some_and(|run| {
            matches!(run.state, StepState::Done { effect: EffectKind::Present })
        });
        let mine = objects(&planned.step.action);
        let later = self.plan.steps.iter().skip(index + 1).filter(|step| !step.left_out);
        let changed_later =
            later.flat_map(|step| objects(&step.step.action)).any(|object| mine.contains(&object));
        let fresh = self.looked.get(&planned.step.id).is_some_and(|at| at.elapsed() < FRESH);
        seen && !mine.is_empty() && !changed_later && !fresh
    }
}

/// What a step changes in the cluster; each key of a ConfigMap is an object of its own.
fn objects(action: &Action) -> Vec<String> {
    match action {
        Action::SetFlags(spec) => match (&spec.configmap, &spec.workload) {
            (Some(name), _) => spec.flags.keys().map(|key| format!("{name} {key}")).collect(),
            (None, Some(workload)) => vec![workload.to_string()],
            (None, None) => Vec::new(),
        },
        Action::Restart(spec) => spec.workloads.iter().map(Workload::to_string).collect(),
        _ => Vec::new(),
    }
}

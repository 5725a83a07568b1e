//! PURE: steps that need the commit of an earlier one, and where that commit is. Where a step pushes
//! none in this run, they get the one that the survey found, or cannot run.

use std::collections::BTreeSet;

use super::{Plan, PlannedStep};
use crate::late;
use crate::runbook::{Action, Step};
use crate::step::Standing;
use crate::world::forge::short;

/// The steps whose outputs a step needs.
fn needed(step: &Step) -> BTreeSet<String> {
    let mut ids: BTreeSet<String> = late::names_in(&step.action)
        .iter()
        .filter_map(|name| name.strip_prefix("steps.")?.rsplit_once('.'))
        .map(|(id, _)| id.to_owned())
        .collect();
    if let Action::Command(command) = &step.action {
        ids.extend(command.checkout.clone());
    }
    ids
}

/// Blocks a step that needs what an earlier one does not make, and says which commit it gets where
/// there is one already.
pub(super) fn judge(earlier: &[PlannedStep], planned: &mut PlannedStep) {
    for id in needed(&planned.step) {
        let Some(source) = earlier.iter().find(|it| it.step.id == id) else { continue };
        let outputs = &source.forecast.outputs;
        let already = source.standing == Standing::AlreadyThere;
        match (outputs.get("sha"), outputs.get("branch")) {
            (Some(sha), Some(branch)) if already || source.left_out => {
                let line = format!("step `{id}` pushes nothing: {branch} is at {}", short(sha));
                if !planned.forecast.evidence.contains(&line) {
                    planned.forecast.evidence.push(line);
                }
            }
            _ if source.left_out => planned.forecast.block(
                format!("it needs the commit of step `{id}`, which is left out"),
                Some(format!("leave it out as well: --skip-blocked {}", planned.step.id)),
            ),
            _ => {}
        }
    }
    planned.standing = planned.forecast.standing(planned.nature);
}

/// The repository of a git step's own.
pub(crate) fn own_repository(action: &Action) -> Option<&String> {
    match action {
        Action::RevertCommits(spec) => spec.repository.as_ref(),
        Action::RestoreFiles(spec) => spec.repository.as_ref(),
        Action::RollbackBranch(spec) => spec.repository.as_ref(),
        _ => None,
    }
}

impl Plan {
    /// The repository that a step's checkout comes from: that of the step whose commit it is.
    pub fn checkout_repository(&self, step: &Step) -> Option<String> {
        let Action::Command(command) = &step.action else { return None };
        let source = self.step(command.checkout.as_ref()?)?;
        own_repository(&source.step.action).or(self.setting.repository.as_ref()).cloned()
    }

    /// The same without what is blocked, and without what cannot run because of that.
    #[must_use]
    pub fn without_blocked(&self) -> Plan {
        let mut plan = self.clone();
        for index in 0..plan.steps.len() {
            let (earlier, rest) = plan.steps.split_at_mut(index);
            let planned = &mut rest[0];
            if planned.standing != Standing::Blocked {
                judge(earlier, planned);
            }
            planned.left_out |= planned.standing == Standing::Blocked;
        }
        plan.seal();
        plan
    }
}

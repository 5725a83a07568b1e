//! A step that the survey could not check is surveyed when its turn comes: what did not answer in
//! time, or was not waited for (`--now`), is no reason not to do it, and no reason to do it blindly.

use std::collections::BTreeSet;
use std::time::Duration;

use crate::facts::{self, Facts, Pace};
use crate::plan::PlannedStep;
use crate::runbook::Action;
use crate::step::{Nature, Standing, kinds};

use super::Run;

/// How long the look may take.
const LIMIT: Duration = Duration::from_secs(5);

impl Run {
    /// The step with a forecast of this moment; none where the survey's holds.
    pub(super) fn foresee_anew(
        &mut self,
        index: usize,
        planned: &PlannedStep,
        action: &Action,
    ) -> Option<PlannedStep> {
        let unchecked = planned.standing == Standing::CannotBeChecked;
        let probed = matches!(action, Action::Command(_));
        if !unchecked || planned.nature != Nature::Change || probed {
            return None;
        }
        let setting = self.plan.setting.clone();
        let (reader, asked) = (self.reader.clone(), action.clone());
        self.progress(&planned.step.id, "asking what the survey could not");
        let facts = self.hands.inbox.attend(move || {
            let reads: BTreeSet<_> = kinds::reads(&asked, &setting).into_iter().collect();
            facts::gather(&reads, &[], &reader, &Pace::within(LIMIT), &|_| BTreeSet::new())
        });
        let mut facts: Facts = facts?;
        for earlier in &self.plan.steps[..index] {
            if let Action::SetFlags(spec) = &earlier.step.action
                && let Some(name) = &spec.configmap
            {
                let present = facts.flags_present.entry(name.clone()).or_default();
                present.extend(spec.flags.keys().cloned());
            }
        }
        let mut later = self.plan.steps[index + 1..].iter();
        facts.changes_follow = later.any(|step| step.nature != Nature::Check);
        let forecast = kinds::forecast(action, &self.plan.setting, &mut facts);
        self.plan.steps[index].forecast.clone_from(&forecast);
        let standing = forecast.standing(planned.nature);
        Some(PlannedStep { standing, forecast, ..planned.clone() })
    }
}

//! What keeps secrets out of what an order itself says: its flags, and the words of its plan.

use std::collections::BTreeMap;

use super::Launch;
use crate::error::{Error, Result};
use crate::late;
use crate::plan::Plan;
use crate::terminal::redact::{Redactor, is_too_short};

/// A value of fewer characters may stand in another by chance.
const TELLING: usize = 8;

impl Launch<'_> {
    /// Takes secrets out of what the operator said of the run: it is shown, journaled, and stands in the
    /// lock for others to read.
    pub(super) fn hide(&mut self, secrets: &BTreeMap<String, String>) {
        let redactor = Redactor::new(secrets.values().cloned().collect());
        let args = &mut self.args;
        for said in [
            &mut args.incident,
            &mut args.reason,
            &mut args.trigger,
            &mut args.break_glass,
            &mut args.approved_by,
        ] {
            *said = said.take().map(|text| redactor.redact(&text));
        }
    }
}

/// Refuses a parameter whose value is a secret of the same run: a run needs its parameters as they are,
/// in the plan and in the journal.
pub(super) fn refuse_given<'a>(
    given: impl Iterator<Item = (&'a str, &'a str)>,
    secrets: &BTreeMap<String, String>,
) -> Result<()> {
    for (name, value) in given {
        let holds = |secret: &&String| {
            !is_too_short(secret)
                && (value == secret.as_str()
                    || (secret.chars().count() >= TELLING && value.contains(secret.as_str())))
        };
        if let Some((secret, _)) = secrets.iter().find(|(_, value)| holds(value)) {
            return Err(Error::usage(format!(
                "the parameter `{name}` holds the value of the secret `{secret}`"
            ))
            .hint("parameters are shown and journaled: give it another value")
            .hint(format!("where the secret itself is needed, the runbook names `${{{secret}}}`"))
            .into());
        }
    }
    Ok(())
}

/// Takes secrets out of the plan's words, and warns of those that cannot be hidden.
pub(super) fn of_plan(plan: &mut Plan, secrets: &BTreeMap<String, String>) {
    let redactor = Redactor::new(secrets.values().cloned().collect());
    if !redactor.is_empty() {
        for text in plan.words() {
            *text = redactor.redact(text);
        }
    }
    for (name, _) in secrets.iter().filter(|(_, value)| is_too_short(value)) {
        let warning = crate::secrets::unhidden(name);
        let uses = |action: &crate::runbook::Action| {
            let text = serde_json::to_string(action).unwrap_or_default();
            late::names(&text).contains(name)
        };
        if let Some(planned) = plan.steps.iter_mut().find(|planned| uses(&planned.step.action)) {
            planned.forecast.warnings.push(warning);
        } else if let Some(planned) =
            plan.criteria.iter_mut().find(|planned| uses(&planned.criterion.action))
            && planned.warning.is_empty()
        {
            planned.warning = warning;
        }
    }
}

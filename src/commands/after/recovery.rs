//! `rollback recovery`: the days after a run, ticked off one by one.

use crate::cli::{Output, PlanFormat, RecoveryArgs};
use crate::commands::operator;
use crate::commands::screen::Screen;
use crate::error::{Error, Exit, Result};
use crate::event::Record;
use crate::report::{ical, recovery as plan};
use crate::terminal::recovery_view;

use super::{Past, unknown};

/// Shows, ticks or exports the plan.
pub fn recovery(screen: &Screen, args: &RecoveryArgs) -> Result<Exit> {
    let mut past = Past::finished(args.run.as_deref())?;
    let after = past.plan.after.as_ref().clone();
    if after.recovery.is_empty() && after.criteria.is_empty() {
        return Err(Error::usage("this run has no recovery plan: its catalog named none")
            .hint("add `recovery:` and `success_criteria:` to rollback.yaml")
            .into());
    }
    let by = args.by.clone().unwrap_or_else(operator);
    let is_item = |id: &str| after.ticks().any(|(_, item)| item.id == id);
    let is_criterion = |id: &str| after.criteria.iter().any(|item| item.id == id);
    // All of it is checked before any of it is recorded.
    if let Some(id) = args.tick.iter().find(|id| !is_item(id)) {
        let ids = after.ticks().map(|(_, item)| item.id.as_str());
        return Err(unknown("item", id, ids).into());
    }
    if let Some(id) = args.criterion.iter().find(|id| !is_criterion(id)) {
        let ids = after.criteria.iter().map(|item| item.id.as_str());
        return Err(unknown("criterion", id, ids).into());
    }
    if let Some(id) = args.untick.iter().find(|id| !is_item(id) && !is_criterion(id)) {
        let ids = after.ticks().map(|(_, item)| item.id.as_str());
        return Err(unknown("item", id, ids).into());
    }
    let orders = args
        .tick
        .iter()
        .chain(&args.criterion)
        .map(|id| (id, true))
        .chain(args.untick.iter().map(|id| (id, false)));
    for (id, done) in orders {
        let (by, note) = (by.clone(), args.note.as_deref().map(crate::terminal::sanitize::line));
        let record = if is_item(id) {
            Record::RecoveryTicked { item: id.clone(), done, by, note }
        } else {
            Record::CriterionTicked { criterion: id.clone(), done, by, note }
        };
        past.add(screen, record)?;
    }
    let state = &past.state;
    match (args.export, screen.output) {
        (Some(PlanFormat::Md), _) => screen.result(&plan::markdown(state, &after)),
        (Some(PlanFormat::Ics), _) => screen.result(&ical::calendar(state, &after)),
        (None, Output::Text) => {
            let today = crate::runbook::after::today();
            screen.result(&recovery_view::recovery_text(state, &after, today, &screen.out));
        }
        (None, Output::Json) => {
            let value = recovery_view::recovery_json(state, &after);
            screen.result(&serde_json::to_string_pretty(&value)?);
        }
        (None, Output::Jsonl) => {}
    }
    Ok(Exit::Success)
}

//! PURE: the records beside a run and after its end as lines of its log.

use crate::event::{Notified, Record};

use super::layout::{Page, millis};
use super::log_form::marked;
use super::style::{Mark, Paint};

/// The lines of such a record; other records have none here.
pub fn record(page: &mut Page<'_>, time: &str, record: &Record) {
    match record {
        Record::Notified(told) => {
            let Notified { name, occasion, attempts, why, .. } = told;
            if told.delivered {
                let text = format!("{name} was told of the {occasion} ({why})");
                page.marked(Paint::Dim, time, Paint::Plain, &text);
            } else {
                let tries =
                    if *attempts > 1 { format!(", {attempts} tries") } else { String::new() };
                let text = format!("{name} could not be told of the {occasion}{tries}: {why}");
                marked(page, time, Mark::Warn, &text);
            }
        }
        Record::ValidationStarted { tier, items, takes_ms, by } => {
            let count = items.len();
            let text = format!(
                "validation {tier} ({count} item{}, {}) by {by}",
                if count == 1 { "" } else { "s" },
                millis(*takes_ms)
            );
            page.marked(Paint::Dim, time, Paint::Plain, &text);
        }
        Record::ItemJudged { item, holds, how, by, why, .. } => {
            let mark = if *holds { Mark::Done } else { Mark::Failed };
            let word = if *holds { "holds" } else { "does not hold" };
            let colon = if why.is_empty() { "" } else { ": " };
            marked(page, time, mark, &format!("{item} {word} ({how} by {by}){colon}{why}"));
        }
        Record::TierClosed { tier, passed, failed, elapsed_ms } => {
            let (mark, text) = if *passed {
                (Mark::Done, format!("validation {tier} holds after {}", millis(*elapsed_ms)))
            } else {
                (Mark::Failed, format!("validation {tier} fails: {}", failed.join(", ")))
            };
            marked(page, time, mark, &text);
        }
        Record::RecoveryTicked { item: what, done, by, note }
        | Record::CriterionTicked { criterion: what, done, by, note } => {
            let word = if *done { "ticked" } else { "open again" };
            let note = note.as_ref().map_or(String::new(), |note| format!(": {note}"));
            page.marked(Paint::Dim, time, Paint::Plain, &format!("{what} {word} by {by}{note}"));
        }
        Record::ForwardStarted { run, target, by, open, overridden_by, reason } => {
            let text = format!("{target} goes forward again by {by}, run {run}");
            page.marked(Paint::Dim, time, Paint::Plain, &text);
            if let Some(who) = overridden_by {
                let why = reason.as_deref().unwrap_or("no reason given");
                let text = format!("{} open criteria overridden by {who}: {why}", open.len());
                marked(page, time, Mark::Warn, &text);
            }
        }
        Record::RunClosed { by, why } => {
            marked(page, time, Mark::Done, &format!("closed by {by}: {why}"));
        }
        _ => {}
    }
}

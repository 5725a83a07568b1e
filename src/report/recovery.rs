//! The recovery plan as dated items, as Markdown.

use std::fmt::Write as _;

use super::{day, line, moment};
use crate::after::{After, PhasePlan};
use crate::followed::Ticked;
use crate::runbook::after::day_text;
use crate::state::RunState;

/// The day from which a run's days are counted: that of its end, else of its start.
pub fn first_day(state: &RunState) -> Option<u64> {
    day(state.finish.as_ref().map_or(&state.started, |finish| &finish.ts))
}

/// The first and the last day of a phase; no last day where it is open.
pub fn span(state: &RunState, phase: &PhasePlan) -> Option<(u64, Option<u64>)> {
    let first = first_day(state)?;
    let at = |number: u32| first + u64::from(number.saturating_sub(1));
    Some((at(phase.from_day), phase.to_day.map(at)))
}

/// `2026-11-24 to 2026-11-25`.
pub fn days(state: &RunState, phase: &PhasePlan) -> String {
    match span(state, phase) {
        None => String::new(),
        Some((from, None)) => format!("from {}", day_text(from)),
        Some((from, Some(to))) if from == to => day_text(from),
        Some((from, Some(to))) => format!("{} to {}", day_text(from), day_text(to)),
    }
}

/// ` (by alice, 2026-11-24 09:00:00 UTC: note)`.
pub fn signature(tick: &Ticked) -> String {
    let note = tick.note.as_ref().map_or(String::new(), |note| format!(": {}", line(note)));
    format!(" (by {}, {}{note})", line(&tick.by), moment(&tick.ts))
}

/// The plan with its boxes.
pub fn markdown(state: &RunState, after: &After) -> String {
    let mut text = format!("# Recovery plan: {}\n\n", state.start.target);
    let finish = state.finish.as_ref().map_or(&state.started, |finish| &finish.ts);
    let _ = writeln!(text, "Run {}, {} on {}.", state.run_id, state.word(), moment(finish));
    for phase in &after.recovery {
        let _ = writeln!(text, "\n## {} ({})\n", phase.name, days(state, phase));
        for item in &phase.items {
            tick(&mut text, state.after.recovery.get(&item.id), &item.text);
        }
    }
    if !after.criteria.is_empty() {
        text.push_str("\n## Before the migration is taken up again\n\n");
        for item in &after.criteria {
            tick(&mut text, state.after.criteria.get(&item.id), &item.text);
        }
    }
    text
}

fn tick(text: &mut String, ticked: Option<&Ticked>, what: &str) {
    let mark = if ticked.is_some() { "x" } else { " " };
    let by = ticked.map_or(String::new(), signature);
    let _ = writeln!(text, "- [{mark}] {}", super::markdown::inline(&format!("{what}{by}")));
}

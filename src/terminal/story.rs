//! PURE: the whole story of one run, readable in a chat thread: where, who, why, what was recorded,
//! every event with its time, the verdict.

use crate::event::{Envelope, Record};
use crate::state::RunState;

use super::layout::Page;
use super::log_form::LogForm;
use super::style::{Paint, Style};
use super::verdict::{origin, verdict_text};

/// The story of a run, for `rollback runs show`.
pub fn run_story(state: &RunState, records: &[Envelope], style: &Style) -> String {
    let mut page = Page::new(style);
    origin(&mut page, state, style);
    let digest: String =
        state.start.digest.trim_start_matches("sha256:").chars().take(12).collect();
    let text = format!("run {}, plan {digest}, rollback {}", state.run_id, state.start.version);
    page.text("", Paint::Plain, &text);
    let date = state.started.get(..10).unwrap_or(&state.started);
    page.text("", Paint::Plain, &format!("started on {date}; times are UTC"));
    page.blank();
    let mut log = LogForm::new(*style, state.plan().as_ref());
    for envelope in records {
        // The head says what the first record says, the card at the end what the last one says.
        if matches!(envelope.record, Record::RunStarted(_)) {
            continue;
        }
        page.raw(&log.record(envelope));
        if let Record::SnapshotTaken { values } = &envelope.record {
            for (key, value) in values {
                let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                page.text("            ", Paint::Dim, &format!("{key} = {value}"));
            }
        }
    }
    page.blank();
    page.raw(&verdict_text(state, style));
    page.finish()
}

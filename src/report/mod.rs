//! PURE: a run's journal as a report for people. `page` makes the sections once; `markdown` and
//! `html` write them; `gaps` keeps what people wrote. Nothing here asks the clock or the world, so
//! the same journal gives the same bytes.

pub mod gaps;
pub mod html;
pub mod ical;
pub mod markdown;
mod metrics;
mod page;
mod parts;
pub mod recovery;
mod timeline;
mod told;
pub mod update;

pub use page::{Block, blocks, json};

use std::time::{Duration, SystemTime};

use crate::plan::Plan;
use crate::state::RunState;
use crate::terminal::sanitize;

/// A run and where it came from.
#[derive(Debug, Clone)]
pub struct Story {
    /// The run.
    pub state: RunState,
    /// Its plan.
    pub plan: Plan,
    /// The runs that escalated to it, oldest first.
    pub before: Vec<RunState>,
}

impl Story {
    /// From the first run's start to the end of this one, where it shows recovery.
    pub fn time_to_recovery(&self) -> Option<Duration> {
        let finish = self.state.finish.as_ref()?;
        (finish.verdict == crate::event::Verdict::Recovered).then_some(())?;
        let first = self.before.first().map_or(&self.state.started, |run| &run.started);
        between(first, &finish.ts)
    }
}

/// `2026-11-23 02:14:05 UTC` of an RFC 3339 time.
pub fn moment(ts: &str) -> String {
    match (ts.get(..10), ts.get(11..19)) {
        (Some(day), Some(time)) => format!("{day} {time} UTC"),
        _ => ts.to_owned(),
    }
}

/// `02:14 UTC`.
pub fn minute(ts: &str) -> String {
    ts.get(11..16).map_or_else(|| ts.to_owned(), |time| format!("{time} UTC"))
}

/// The time between two moments; none where they cannot be read or run backwards.
pub fn between(from: &str, to: &str) -> Option<Duration> {
    let read = |ts| humantime::parse_rfc3339(ts).ok();
    read(to)?.duration_since(read(from)?).ok()
}

/// The number of a moment's day.
fn day(ts: &str) -> Option<u64> {
    let moment = humantime::parse_rfc3339(ts).ok()?;
    Some(moment.duration_since(SystemTime::UNIX_EPOCH).ok()?.as_secs() / 86_400)
}

/// A text of the journal as one clean line.
fn line(text: &str) -> String {
    sanitize::line(text)
}

//! What programs read: JSON of plans and runs, JSON Lines of a run while it happens. Standard output
//! only; `docs/events.md` is its reference.

pub mod grafana;
pub mod json;
pub mod jsonl;
pub mod notify;
pub mod pending;
pub mod recorder;
pub mod rules;
pub mod samples;

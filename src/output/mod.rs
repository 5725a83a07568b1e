//! What programs read: JSON of plans and runs, JSON Lines of a run while it happens. Standard output
//! only; `docs/events.md` is its reference.

pub mod json;
pub mod jsonl;
pub mod recorder;

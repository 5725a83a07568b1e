//! What became of an environment's lock, as it stands in a run's journal.

use serde::{Deserialize, Serialize};

/// A suspect lock was taken over. What it says of the former holder are that holder's own words.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TakenOver {
    /// The run that held it.
    pub from_run: String,
    /// Who ran that.
    pub holder: String,
    /// Where.
    pub host: String,
    /// What it was about, and at which step.
    pub doing: String,
    /// When it took the lock, by its own clock.
    pub since: String,
    /// How long it had the lock, as far as two clocks agree; none where that makes no sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_ms: Option<u64>,
    /// For how long it was watched without a sign of life, by our clock.
    pub silent_ms: u64,
    /// Who decided it: `prompt`.
    pub by: String,
    /// The operator's name.
    pub operator: String,
}

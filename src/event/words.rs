//! The words of records: outcomes, effects, choices, verdicts.

use serde::{Deserialize, Serialize};

/// How doing a step went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// It ended well.
    Done,
    /// It ended badly.
    Failed,
    /// Its time was up.
    TimedOut,
    /// The operator or a signal ended it.
    Interrupted,
}

/// What the world shows of a step's effect; [`crate::step::Effect`] without its details.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum EffectKind {
    /// Nothing of it.
    Missing,
    /// Some of it.
    Partly,
    /// On its way.
    Underway,
    /// All of it.
    Present,
    /// It went wrong for good.
    Broken,
    /// It is done, but somebody else must still act (a merge).
    Awaiting,
    /// The world cannot tell.
    Unanswerable,
}

/// Why a step is not run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SkipReason {
    /// Its effect is there.
    AlreadyThere,
    /// Its survey said it is blocked, and the operator left it out.
    Blocked,
    /// The operator chose to go on without it.
    Operator,
}

/// The answers of the failure menu.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// Try the step again.
    Retry,
    /// Go on without it.
    Skip,
    /// Give this method up and go to the next rung.
    Escalate,
    /// Stop.
    Abort,
    /// Go on as the runbook's `on_failure: continue` says.
    Continue,
}

/// What a run came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// It was seen failing, and now it is seen working.
    Recovered,
    /// Everything was done; recovery was not shown.
    Applied,
    /// A step failed.
    Failed,
    /// The operator stopped it.
    Aborted,
    /// A step is in doubt.
    Unknown,
}

impl Verdict {
    /// The word shown.
    pub fn as_str(self) -> &'static str {
        match self {
            Verdict::Recovered => "recovered",
            Verdict::Applied => "applied",
            Verdict::Failed => "failed",
            Verdict::Aborted => "aborted",
            Verdict::Unknown => "unknown",
        }
    }
}

//! What a run's state is made of, beside its steps.

use serde::Serialize;

use crate::event::Verdict;

/// A child that was started for a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Child {
    /// Its process group.
    pub group: u32,
    /// Its start time as the system tells it.
    pub started: String,
    /// Its program.
    pub program: String,
}

/// A judged condition.
#[derive(Debug, Clone, Serialize)]
pub struct Judged {
    /// Its name.
    pub name: String,
    /// In the survey.
    pub before: Option<bool>,
    /// Now.
    pub holds: bool,
    /// One sentence.
    pub why: String,
}

/// The next rung, as it was offered.
#[derive(Debug, Clone, Serialize)]
pub struct Offer {
    /// Its target.
    pub target: String,
    /// Its method.
    pub method: String,
    /// The command line.
    pub command: Vec<String>,
    /// Whether it was found ready.
    pub ready: Option<bool>,
    /// One sentence.
    pub why: String,
}

/// How a run ended.
#[derive(Debug, Clone, Serialize)]
pub struct Finish {
    /// The verdict.
    pub verdict: Verdict,
    /// The exit code.
    pub exit_code: u8,
    /// One sentence.
    pub why: String,
    /// Since the confirmation, pauses and all.
    pub elapsed_ms: u64,
    /// When, RFC 3339.
    pub ts: String,
}

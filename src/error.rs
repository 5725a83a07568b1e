//! What can go wrong and how the process ends: the one exit-code table, and an error that carries
//! its exit code and what to do next. Printed in one place (`main`).

use std::fmt;

/// Every way the process can end. The numbers are frozen (`docs/exit-codes.md`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Recovered, or already there with its checks green; for other commands: success.
    Success = 0,
    /// A step failed or timed out.
    StepFailed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// The runbook or the catalog is invalid.
    InvalidRunbook = 3,
    /// Something stands in the way; nothing was changed.
    Blocked = 4,
    /// Everything was applied; recovery was not shown (or a merge is awaited).
    Applied = 5,
    /// The operator said no, or could not be asked.
    Declined = 6,
    /// Somebody else is rolling back this environment.
    LockHeld = 7,
    /// Somebody else's approval is needed.
    ApprovalRequired = 8,
    /// What was approved is no longer what would run.
    PlanStale = 9,
    /// A step is in doubt and nothing can tell how it ended.
    Unknown = 10,
    /// A trigger is amber (`rollback triggers`).
    Amber = 20,
    /// A trigger is red (`rollback triggers`).
    Red = 21,
    /// A trigger could not be evaluated (`rollback triggers`).
    TriggerUnknown = 22,
    /// A bug in this program.
    Bug = 70,
    /// Stopped by Ctrl-C; the run can be resumed.
    Interrupted = 130,
    /// Stopped by SIGTERM or SIGHUP; the run can be resumed.
    Terminated = 143,
}

impl Exit {
    /// The table of `docs/exit-codes.md` and of `rollback --help`.
    pub const TABLE: [(Exit, &'static str); 17] = [
        (Exit::Success, "recovered, or already there with its checks green"),
        (Exit::StepFailed, "a step failed or timed out"),
        (Exit::Usage, "the command line is wrong"),
        (Exit::InvalidRunbook, "the runbook or the catalog is invalid"),
        (Exit::Blocked, "blocked before any change"),
        (Exit::Applied, "applied, recovery not shown (or awaiting a merge)"),
        (Exit::Declined, "declined: the operator said no, or nobody could be asked"),
        (Exit::LockHeld, "the lock is held by another run"),
        (Exit::ApprovalRequired, "somebody else's approval is required"),
        (Exit::PlanStale, "the plan is stale: what was approved has changed since"),
        (Exit::Unknown, "outcome unknown: a step is in doubt"),
        (Exit::Amber, "triggers: amber"),
        (Exit::Red, "triggers: red"),
        (Exit::TriggerUnknown, "triggers: unknown"),
        (Exit::Bug, "a bug in rollback"),
        (Exit::Interrupted, "interrupted (Ctrl-C), can be resumed"),
        (Exit::Terminated, "terminated (SIGTERM, SIGHUP), can be resumed"),
    ];

    /// The process's exit status.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The exit with this code, where there is one.
    pub fn from_code(code: u8) -> Option<Exit> {
        Exit::TABLE.iter().map(|(exit, _)| *exit).find(|exit| exit.code() == code)
    }
}

/// A failure that an operator can act on: what failed, how the process ends, what to do next.
#[derive(Debug, Clone)]
pub struct Error {
    /// How the process ends.
    pub exit: Exit,
    /// What failed, where and why; may be several lines (already rendered diagnostics).
    pub message: String,
    /// What to do next, one line each.
    pub hints: Vec<String>,
    /// Whether people have read it already; programs are told all the same.
    pub is_shown: bool,
}

impl Error {
    /// An error without hints.
    pub fn new(exit: Exit, message: impl Into<String>) -> Error {
        Error { exit, message: message.into(), hints: Vec::new(), is_shown: false }
    }

    /// The same error with one more line of advice.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Error {
        self.hints.push(hint.into());
        self
    }

    /// The same error, which the screen has shown in a form of its own.
    #[must_use]
    pub fn shown(mut self) -> Error {
        self.is_shown = true;
        self
    }

    /// A wrong command line.
    pub fn usage(message: impl Into<String>) -> Error {
        Error::new(Exit::Usage, message)
    }

    /// An invalid runbook or catalog.
    pub fn invalid(message: impl Into<String>) -> Error {
        Error::new(Exit::InvalidRunbook, message)
    }

    /// Blocked before any change.
    pub fn blocked(message: impl Into<String>) -> Error {
        Error::new(Exit::Blocked, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}

/// What commands return. `anyhow` carries context; the exit code travels in [`Error`].
pub type Result<T> = anyhow::Result<T>;

/// The nearest of `candidates` to `word`, for "did you mean"; none when nothing is near.
pub fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let limit = (word.chars().count() / 3).max(1);
    candidates
        .into_iter()
        .map(|candidate| (distance(word, candidate), candidate))
        .filter(|(distance, candidate)| {
            *distance <= limit || (word.len() > 3 && candidate.starts_with(word))
        })
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Edits (insert, delete, replace, swap of neighbours) between two words.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![vec![0; b.len() + 1]; a.len() + 1];
    for (i, row) in rows.iter_mut().enumerate() {
        row[0] = i;
    }
    for (j, cell) in rows[0].iter_mut().enumerate() {
        *cell = j;
    }
    for i in 1..=a.len() {
        for j in 1..=b.len() {
            let cost = usize::from(a[i - 1] != b[j - 1]);
            let mut best =
                (rows[i - 1][j] + 1).min(rows[i][j - 1] + 1).min(rows[i - 1][j - 1] + cost);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            rows[i][j] = best;
        }
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_exit_code_is_in_the_table_once() {
        let mut codes: Vec<u8> = Exit::TABLE.iter().map(|(exit, _)| exit.code()).collect();
        codes.dedup();
        assert_eq!(codes, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 20, 21, 22, 70, 130, 143]);
    }

    #[test]
    fn a_near_name_is_found_and_a_far_one_is_not() {
        let names = ["tool-dispatcher", "websocket-executor"];
        assert_eq!(nearest("tool-dipsatcher", names), Some("tool-dispatcher"));
        assert_eq!(nearest("tool-disp", names), Some("tool-dispatcher"));
        assert_eq!(nearest("payments", names), None);
    }
}

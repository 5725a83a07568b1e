//! Pushes: the command, and what its answer means. Never forced, so a branch only ever moves
//! forward; running one is the business of the hands, with a permit.

use crate::facts::{Known, Unread};
use crate::world::process::{Captured, Ending, Invocation};

use super::{Forge, git, url};

/// How a push ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Pushed {
    /// The remote has it (also when it had it already).
    Arrived,
    /// The branch has moved: the commit must be made again on its new tip.
    Behind,
    /// The remote refuses this change of this branch, and what it said.
    Refused(String),
    /// It did not come to that: no connection, no right to push at all.
    Failed(String),
}

/// The command that is shown and run. An address that holds a secret is not in it; `origin` stands
/// for it.
pub fn push_argv(repository: &str, source: &str, branch: &str) -> Vec<String> {
    let address = url::address(repository).unwrap_or_else(|_| repository.to_owned());
    let remote = if url::holds_secret(&address) { "origin" } else { &address };
    let spec = format!("{source}:refs/heads/{branch}");
    ["git", "push", "--porcelain", "--atomic", remote, &spec].map(str::to_owned).to_vec()
}

impl Forge {
    /// The push of a commit that our clone has.
    pub fn push(&self, repository: &str, sha: &str, branch: &str) -> Known<Invocation> {
        let git = self.git(repository)?;
        let argv = push_argv(repository, sha, branch);
        Ok(git.remote(&argv[1..], git.limits.transfer))
    }
}

/// What the answer to a push means.
pub fn pushed(captured: &Captured, repository: &str) -> Pushed {
    if captured.ending.success() {
        return Pushed::Arrived;
    }
    let complaint: Vec<String> =
        captured.complaint().iter().map(|line| url::scrubbed(line.trim(), repository)).collect();
    let text = captured.text();
    // `!<tab>from:to<tab>[rejected] (fetch first)`
    let rejected = text.lines().find_map(|line| line.strip_prefix("!\t")?.split('\t').nth(1));
    if let Some(summary) = rejected {
        let moved = [
            "(fetch first)",
            "(non-fast-forward)",
            "(stale info)",
            "cannot lock ref",
            "failed to update ref",
            "incorrect old value",
            "fetch updates were rejected",
        ];
        if moved.iter().any(|sign| summary.contains(sign)) {
            return Pushed::Behind;
        }
        let said: Vec<&str> = complaint
            .iter()
            .filter_map(|line| line.strip_prefix("remote: "))
            .map(str::trim)
            .filter(|line| !line.is_empty())
            .take(3)
            .collect();
        let summary = url::scrubbed(summary, repository);
        return Pushed::Refused(if said.is_empty() {
            summary
        } else {
            format!("{} {summary}", said.join(" "))
        });
    }
    match &captured.ending {
        Ending::Exit(_) => Pushed::Failed(git::said(&complaint, &captured.ending)),
        other => Pushed::Failed(other.phrase()),
    }
}

/// Why something could not be read, for a sentence about a push.
impl From<Unread> for Pushed {
    fn from(why: Unread) -> Pushed {
        Pushed::Failed(why.sentence().to_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(stdout: &str, stderr: &str) -> Pushed {
        let captured = Captured {
            ending: Ending::Exit(1),
            stdout: stdout.as_bytes().to_vec(),
            stderr: stderr.as_bytes().to_vec(),
            elapsed: Duration::ZERO,
        };
        pushed(&captured, "https://u:tok3n@h.example/x.git")
    }

    #[test]
    fn a_branch_that_moved_is_not_a_branch_that_is_protected() {
        assert_eq!(
            answer("To x\n!\ta:refs/heads/m\t[rejected] (fetch first)\nDone", ""),
            Pushed::Behind
        );
        assert_eq!(
            answer(
                "To x\n!\ta:refs/heads/m\t[remote rejected] (pre-receive hook declined)\nDone",
                "remote: GH006: Protected branch.        \nerror: failed to push"
            ),
            Pushed::Refused(
                "GH006: Protected branch. [remote rejected] (pre-receive hook declined)".to_owned()
            )
        );
    }

    #[test]
    fn a_failed_connection_is_told_without_the_secret() {
        let Pushed::Failed(why) = answer("", "fatal: unable to access 'https://u:tok3n@h': no")
        else {
            panic!("not a failure")
        };
        assert!(!why.contains("tok3n"), "{why}");
    }

    #[test]
    fn an_address_with_a_secret_is_in_no_argv() {
        let argv = push_argv("https://u:tok3n@h.example/x.git", "<commit>", "main");
        assert_eq!(argv[4], "origin");
        assert!(!argv.join(" ").contains("tok3n"));
    }
}

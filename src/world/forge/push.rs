//! Pushes: the command, and what its answer means. Never forced, so a branch only ever moves
//! forward; running one is the business of the hands, with a permit.

use crate::facts::{Known, Unread};
use crate::world::process::{Captured, Ending, Invocation};

use super::operator::working_tree_path;
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
    /// The push of a commit that our clone has. There is none into somebody's working tree: that
    /// would run its hooks and could change its files.
    pub fn push(&self, repository: &str, sha: &str, branch: &str) -> Known<Invocation> {
        let git = self.git(repository)?;
        if let Some(path) = working_tree_path(&git.address) {
            let path = path.display();
            return Err(Unread::Refused(format!(
                "{path} is somebody's working tree: nothing is pushed there"
            )));
        }
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
        let remote: Vec<&str> =
            complaint.iter().filter_map(|line| line.strip_prefix("remote: ")).collect();
        if is_behind(summary, &remote) {
            return Pushed::Behind;
        }
        let said: Vec<&str> =
            remote.iter().map(|line| line.trim()).filter(|line| !line.is_empty()).take(3).collect();
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

/// Whether a rejection means that the branch has moved: found by git before it sent anything, or by
/// the remote when it took the change (with `--atomic` the reason is then in what it printed).
fn is_behind(summary: &str, remote: &[&str]) -> bool {
    let before = ["(fetch first)", "(non-fast-forward)", "(stale info)", "failed to update ref"];
    let taking = ["but expected", "incorrect old value"];
    before.iter().chain(&taking).any(|sign| summary.contains(sign))
        || remote.iter().any(|line| taking.iter().any(|sign| line.contains(sign)))
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
        assert_eq!(
            answer(
                "To x\n!\ta:refs/heads/m\t[remote rejected] (atomic transaction failed)\nDone",
                "remote: error: cannot lock ref 'refs/heads/m': is at 1 but expected 2   "
            ),
            Pushed::Behind
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

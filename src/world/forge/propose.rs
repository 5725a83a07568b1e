//! A step's commit: whether the remote has it already, and if not, made and ready to be pushed.
//! Nothing here changes the remote.

use std::collections::BTreeMap;

use crate::facts::Known;
use crate::world::process::{Ending, capture};

use super::cache::Repo;
use super::query::records;
use super::{
    BranchPreview, BranchQuestion, Built, Change, Commit, Forge, Question, RestoreQuestion,
    RevertQuestion,
};

/// The trailer by which our commits are found again.
pub(super) const TRAILER: &str = "Rollback-Run";

/// Which step of which run a commit belongs to, and its date.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Stamp {
    /// `<run id>/<step id>`.
    pub text: String,
    /// When the run started, RFC 3339.
    pub started_at: String,
}

impl Stamp {
    /// The line of the commit's message.
    pub(super) fn trailer(&self) -> String {
        format!("{TRAILER}: {}", self.text)
    }

    /// The names of the branch that waits to be merged, where the real one may not be pushed to;
    /// the second is for a remote that has a branch `rollback`. Each step has its own: two steps of
    /// a run can be on different branches.
    pub(super) fn pending_branches(&self) -> [String; 2] {
        [format!("rollback/{}", self.text), format!("rollback-{}", self.text)]
    }

    /// The date as git takes it, without doubt about its zone.
    pub(super) fn date(&self) -> String {
        humantime::parse_rfc3339(&self.started_at)
            .ok()
            .and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok())
            .map_or_else(
                || "@946684800 +0000".to_owned(),
                |since| format!("@{} +0000", since.as_secs()),
            )
    }
}

/// A commit that a step wants on a branch.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposal {
    /// The inverse of commits.
    Revert {
        /// Which, and where.
        question: RevertQuestion,
        /// The message; none means one that says what is reverted.
        message: Option<String>,
    },
    /// Paths as they are elsewhere.
    Restore {
        /// Which, from where, and where to.
        question: RestoreQuestion,
        /// The message.
        message: String,
    },
}

impl Proposal {
    /// The branch that it is for.
    pub fn branch(&self) -> &str {
        match self {
            Proposal::Revert { question, .. } => &question.branch,
            Proposal::Restore { question, .. } => &question.branch,
        }
    }

    fn question(&self) -> Question {
        match self {
            Proposal::Revert { question, .. } => Question::Revert(question.clone()),
            Proposal::Restore { question, .. } => Question::Restore(question.clone()),
        }
    }
}

/// What became of a proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Proposed {
    /// Made, and not on the remote yet.
    Ready {
        /// The new commit.
        sha: String,
        /// What it is built on: the branch's tip.
        tip: Commit,
        /// What it changes.
        change: Change,
        /// For restored paths: `mode id` of each, as they are at the source now.
        content: BTreeMap<String, String>,
        /// The branch on which it can wait to be merged.
        waiting: String,
    },
    /// The branch is so already, without a commit of ours.
    Nothing {
        /// The branch's tip.
        tip: Commit,
        /// For restored paths: the commit that restored them.
        earlier: Option<Commit>,
    },
    /// The branch has our commit.
    Arrived {
        /// Our commit.
        commit: Commit,
        /// Later commits took its effect back, whole.
        undone: bool,
    },
    /// Our commit waits on a branch of its own.
    Pending {
        /// Our commit.
        sha: String,
        /// Where it waits.
        branch: String,
    },
    /// It cannot be made: a conflict, a merge without mainline, a commit that is not there.
    Not(Built),
}

impl Forge {
    /// Looks whether the remote has the commit of this step; makes it where not. Idempotent: on the
    /// same tip the same commit is made.
    pub fn propose(&self, repository: &str, proposal: &Proposal, stamp: &Stamp) -> Known<Proposed> {
        self.with(repository, |repo| repo.propose(proposal, stamp))
    }

    /// Where a new branch would point, and where it points if it exists.
    pub fn branch(&self, repository: &str, question: &BranchQuestion) -> Known<BranchPreview> {
        self.with(repository, |repo| {
            repo.bring_for(&[&Question::Branch(question.clone())])?;
            repo.preview_branch(question)
        })
    }
}

impl Repo {
    fn propose(&mut self, proposal: &Proposal, stamp: &Stamp) -> Known<Proposed> {
        let pending = stamp.pending_branches();
        self.bring_for(&[&proposal.question()])?;
        self.bring(pending.iter().map(String::as_str), [])?;
        let tip = self.tip(proposal.branch())?;
        if let Some(commit) = self.with_trailer(&tip, &stamp.trailer())? {
            let undone = self.is_undone(&commit, &tip)?;
            return Ok(Proposed::Arrived { commit, undone });
        }
        for branch in pending {
            if let Some(waiting) = self.heads.get(&branch).cloned()
                && let Some(commit) = self.with_trailer(&waiting, &stamp.trailer())?
            {
                return Ok(Proposed::Pending { sha: commit.sha, branch });
            }
        }
        match proposal {
            Proposal::Revert { question, message } => {
                let preview = self.preview_revert(question)?;
                let message = message.clone().unwrap_or_else(|| revert_message(&preview.commits));
                self.made(preview.tip, preview.built, &message, stamp, BTreeMap::new(), None)
            }
            Proposal::Restore { question, message } => {
                let preview = self.preview_restore(question)?;
                let (content, earlier) = (preview.content, preview.earlier);
                self.made(preview.tip, preview.built, message, stamp, content, earlier)
            }
        }
    }

    fn made(
        &self,
        tip: Commit,
        built: Built,
        message: &str,
        stamp: &Stamp,
        content: BTreeMap<String, String>,
        earlier: Option<Commit>,
    ) -> Known<Proposed> {
        match built {
            Built::Change(change) => {
                let message = format!("{}\n\n{}\n", message.trim(), stamp.trailer());
                let sha = self.write_commit(&change.tree, &tip.sha, &message, stamp)?;
                let [usual, other] = stamp.pending_branches();
                let waiting = if self.in_the_way(&usual).is_some() { other } else { usual };
                Ok(Proposed::Ready { sha, tip, change, content, waiting })
            }
            Built::Nothing => Ok(Proposed::Nothing { tip, earlier }),
            other => Ok(Proposed::Not(other)),
        }
    }

    /// Whether everything that a commit changed is again as it was before it.
    fn is_undone(&self, commit: &Commit, tip: &str) -> Known<bool> {
        let [parent] = commit.parents.as_slice() else { return Ok(false) };
        if commit.sha == tip {
            return Ok(false);
        }
        let names = self.git.run(&["diff-tree", "-r", "-z", "--name-only", parent, &commit.sha])?;
        let paths: Vec<String> =
            records(&names).filter(|path| !path.contains('\u{fffd}')).take(500).collect();
        if paths.is_empty() {
            return Ok(false);
        }
        let mut args = vec!["diff-tree", "-r", "--quiet", parent, tip, "--"];
        args.extend(paths.iter().map(String::as_str));
        let captured = capture(&self.git.local(&args));
        match captured.ending {
            Ending::Exit(0) => Ok(true),
            Ending::Exit(1) => Ok(false),
            _ => Err(self.git.failure(&captured)),
        }
    }
}

/// What a revert says where the runbook does not.
fn revert_message(commits: &[Commit]) -> String {
    match commits {
        [commit] => {
            let merge = match commit.parents.as_slice() {
                [first, _, ..] => format!(", reversing changes made to\n{first}"),
                _ => String::new(),
            };
            format!("Revert \"{}\"\n\nThis reverts commit {}{merge}.", commit.subject, commit.sha)
        }
        several => {
            let lines: Vec<String> = several
                .iter()
                .map(|commit| {
                    format!("This reverts commit {}.\n    {}", commit.sha, commit.subject)
                })
                .collect();
            format!("Revert {} commits\n\n{}", several.len(), lines.join("\n"))
        }
    }
}

//! The forge against real git: clones of ours, surveys, checkouts, and what must never happen.

mod cache;
mod checkout;
mod deploys;
pub mod remote;
mod survey;
mod traps;

use rollback::facts::Known;
use rollback::world::forge::{
    At, BranchQuestion, Forge, GitFact, GitRead, Question, RestoreQuestion, RevertQuestion,
};

/// The question of a `restore_files` step about [`remote::FILE`].
pub fn restore(url: &str, branch: &str, from: &str) -> GitRead {
    GitRead {
        repository: url.to_owned(),
        question: Question::Restore(RestoreQuestion {
            branch: branch.to_owned(),
            from: from.to_owned(),
            paths: vec![remote::FILE.to_owned()],
            subject: "rollback: it".to_owned(),
        }),
    }
}

/// The question of a `revert_commits` step.
pub fn revert(url: &str, branch: &str, commit: &str) -> GitRead {
    GitRead {
        repository: url.to_owned(),
        question: Question::Revert(RevertQuestion {
            branch: branch.to_owned(),
            commits: vec![commit.to_owned()],
            mainline: None,
        }),
    }
}

/// The question of a `rollback_branch` step.
pub fn branch(url: &str, on: &str, commit: &str) -> GitRead {
    GitRead {
        repository: url.to_owned(),
        question: Question::Branch(BranchQuestion {
            branch: "migration-rollback-1".to_owned(),
            on: on.to_owned(),
            at: At::Commit(commit.to_owned()),
        }),
    }
}

/// The answer to one question.
pub fn ask(forge: &Forge, read: &GitRead) -> Known<GitFact> {
    forge.read(std::slice::from_ref(read)).remove(0)
}

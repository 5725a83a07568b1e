//! git, in a bare clone of our own: what is asked, what is answered, and the handle to it all. The
//! operator's working tree, index, refs and hooks are never touched; a remote changes only by the
//! push commands that this gives out and that [`crate::world::hands::Hands`] runs.
//!
//! `git` runs git; `operator` is what of the operator's configuration it sees; `cache` keeps the clones; `query` asks them; `build` makes trees and commits;
//! `propose` is a step's commit ready to be pushed; `push` the commands and what their answers
//! mean; `checkout` puts a commit into a directory.

mod build;
mod cache;
mod checkout;
mod files;
mod git;
mod operator;
mod preview;
mod propose;
mod push;
mod query;
mod restored;
mod url;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use crate::at_once;
use crate::facts::{Known, Unread};

pub use git::Limits;
pub use propose::{Proposal, Proposed, Stamp};
pub use push::{Pushed, push_argv, pushed};
pub use url::{holds_secret, pull_request, shown};

/// A question to a git remote.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct GitRead {
    /// The repository's address.
    pub repository: String,
    /// What is asked.
    pub question: Question,
}

/// What is asked of a repository.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Question {
    /// What undoing these commits on a branch would change.
    Revert(RevertQuestion),
    /// What restoring these paths on a branch would change.
    Restore(RestoreQuestion),
    /// Whether a new branch can be made at a commit, and at which.
    Branch(BranchQuestion),
    /// What these files are at a branch, tag or commit.
    Files(FilesQuestion),
    /// Which of these paths are not on a branch, or not in a commit of it.
    Paths(PathsQuestion),
}

/// See [`Question::Paths`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct PathsQuestion {
    /// The branch.
    pub branch: String,
    /// A commit of its history; none means its tip.
    pub at: Option<At>,
    /// The paths, as git names them.
    pub paths: Vec<String>,
}

/// See [`Question::Files`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct FilesQuestion {
    /// A branch, a tag or a commit.
    pub at: String,
    /// Files, or directories of manifests.
    pub paths: Vec<String>,
}

/// The answer to [`Question::Files`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesAt {
    /// The commit that it is.
    pub commit: Commit,
    /// Path and text, in the order of the paths.
    pub files: Vec<(String, String)>,
}

/// See [`Question::Revert`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RevertQuestion {
    /// The branch that gets the revert.
    pub branch: String,
    /// Commit ids or prefixes.
    pub commits: Vec<String>,
    /// For merge commits: the parent that is kept, from 1.
    pub mainline: Option<u32>,
}

/// See [`Question::Restore`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct RestoreQuestion {
    /// The branch that gets the paths.
    pub branch: String,
    /// The branch, tag or commit that has the good content.
    pub from: String,
    /// Files or directories.
    pub paths: Vec<String>,
    /// The subject that such a restore carries; finds one made by hand.
    pub subject: String,
}

/// See [`Question::Branch`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct BranchQuestion {
    /// The new branch.
    pub branch: String,
    /// The branch that must contain the commit.
    pub on: String,
    /// How the commit is named.
    pub at: At,
}

/// How a commit is named.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum At {
    /// An id, a prefix of one, or a tag.
    Commit(String),
    /// Its exact subject line.
    Subject(String),
}

/// An answer of the git remote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GitFact {
    /// To [`Question::Revert`].
    Revert(RevertPreview),
    /// To [`Question::Restore`].
    Restore(Box<RestorePreview>),
    /// To [`Question::Branch`].
    Branch(BranchPreview),
    /// To [`Question::Files`].
    Files(FilesAt),
    /// To [`Question::Paths`]: those that are missing, each with the one that was probably meant.
    Paths(Vec<(String, Option<String>)>),
}

/// A commit, for a sentence.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Commit {
    /// Its full id.
    pub sha: String,
    /// Its parents' full ids.
    pub parents: Vec<String>,
    /// Its subject line.
    pub subject: String,
    /// The day it was committed.
    pub date: String,
}

impl Commit {
    /// `4f1c2ab "subject" (2026-11-23)`.
    pub fn phrase(&self) -> String {
        format!("{} \"{}\" ({})", short(&self.sha), self.subject, self.date)
    }
}

/// The first characters of an id, as people read them.
pub fn short(sha: &str) -> &str {
    sha.get(..9).unwrap_or(sha)
}

/// What a commit would change.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Change {
    /// The tree that results.
    pub tree: String,
    /// `git patch-id --stable` of the difference.
    pub patch_id: String,
    /// The files, in order.
    pub files: Vec<FileChange>,
}

/// One file of a change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChange {
    /// `A`, `M`, `D`, `T`.
    pub status: char,
    /// Its path; bytes that are no UTF-8 are replaced.
    pub path: String,
    /// Lines added and removed; none for a binary file.
    pub lines: Option<(u32, u32)>,
}

/// What undoing or restoring comes to on the branch as it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Built {
    /// A change.
    Change(Change),
    /// No difference.
    Nothing,
    /// Undoing this commit conflicts in these files.
    Conflict(Commit, Vec<String>),
    /// A merge commit, with its parents, and the mainline that was given, which is none of them.
    Mainline(Commit, Vec<Commit>, Option<u32>),
    /// These commits change nothing, so there is nothing to undo.
    Empty(Vec<Commit>),
    /// The branch does not contain this commit.
    NotContained(Commit),
    /// The first commit of the history has nothing to go back to.
    Root(Commit),
}

/// Whether the remote lets us push, as far as it tells before a push.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PushRight {
    /// It does; rules for single branches show only on a real push.
    Open,
    /// It does not, and what it said.
    Refused(String),
    /// It did not tell, and why.
    Unknown(String),
    /// It is somebody's working tree on this machine, and never pushed to.
    WorkingTree(WorkingTree),
}

/// A local repository with files that somebody works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkingTree {
    /// Where it is.
    pub path: String,
    /// The remote that it has, where it has one; without its secrets.
    pub origin: Option<String>,
}

/// The answer to [`Question::Revert`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RevertPreview {
    /// The branch's tip.
    pub tip: Commit,
    /// What is undone, in the order of undoing.
    pub commits: Vec<Commit>,
    /// What it comes to.
    pub built: Built,
    /// Whether we may push.
    pub push: PushRight,
}

/// The answer to [`Question::Restore`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestorePreview {
    /// The branch's tip.
    pub tip: Commit,
    /// The commit that has the good content.
    pub from: Commit,
    /// Path -> `mode id` of the good content.
    pub content: BTreeMap<String, String>,
    /// Paths that are the same on both already.
    pub same: Vec<String>,
    /// What it comes to.
    pub built: Built,
    /// Where nothing differs: the commit that restored these paths earlier.
    pub earlier: Option<Commit>,
    /// Where nothing differs: the commit that gave the branch this content, restore or not.
    pub last: Option<Commit>,
    /// Whether we may push.
    pub push: PushRight,
}

/// The answer to [`Question::Branch`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BranchPreview {
    /// The commit that was found.
    pub commit: Commit,
    /// Whether `on` contains it.
    pub contained: bool,
    /// Where the branch points at, if it exists already.
    pub existing: Option<String>,
    /// The existing branch contains the commit and has gone on from there.
    pub ahead: bool,
    /// A branch beside which no branch of this name can be: git keeps names as paths.
    pub in_the_way: Option<String>,
    /// Whether we may push.
    pub push: PushRight,
}

/// A handle to our clones; cheap to clone, safe to share with helper threads.
#[derive(Debug, Clone)]
pub struct Forge {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    cache: PathBuf,
    limits: Limits,
    version: Mutex<Option<Known<()>>>,
    operator: Mutex<BTreeMap<String, Vec<(String, String)>>>,
}

impl Forge {
    /// Clones are kept under this directory, which is made when it is needed.
    pub fn new(cache_dir: PathBuf) -> Forge {
        Forge::with_limits(cache_dir, Limits::default())
    }

    /// The same with other deadlines.
    pub fn with_limits(cache_dir: PathBuf, limits: Limits) -> Forge {
        Forge {
            shared: Arc::new(Shared {
                cache: cache_dir,
                limits,
                version: Mutex::new(None),
                operator: Mutex::new(BTreeMap::new()),
            }),
        }
    }

    /// Asks; one connection per repository, repositories at once. Blocks: for a helper thread.
    /// The answers are in the order of the questions.
    pub fn read(&self, reads: &[GitRead]) -> Vec<Known<GitFact>> {
        let mut by_repository: BTreeMap<&str, Vec<(usize, &Question)>> = BTreeMap::new();
        for (index, read) in reads.iter().enumerate() {
            by_repository.entry(&read.repository).or_default().push((index, &read.question));
        }
        let mut answers: Vec<Known<GitFact>> =
            vec![Err(Unread::Failed("the question was lost".to_owned())); reads.len()];
        let found = at_once::ask(by_repository, |(repository, questions)| {
            let asked: Vec<&Question> = questions.iter().map(|(_, q)| *q).collect();
            let answered = self.ask(repository, &asked);
            questions.into_iter().map(|(index, _)| index).zip(answered)
        });
        for (index, answer) in found.into_iter().flatten() {
            answers[index] = answer;
        }
        answers
    }
}

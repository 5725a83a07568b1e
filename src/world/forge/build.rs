//! Trees and commits made in our clone, without a working tree. What is made is only there until
//! it is pushed; making it again gives the same ids.

use std::collections::BTreeMap;

use crate::facts::{Known, Unread};
use crate::world::leftovers::Room;
use crate::world::process::{Ending, capture};

use super::cache::Repo;
use super::query::records;
use super::{Built, Commit, Stamp};

/// The name and address that our commits carry.
const WHO: (&str, &str) = ("rollback", "rollback@localhost");

/// What undoing commits came to.
pub(super) enum Undone {
    /// This tree.
    Tree(String),
    /// No tree, and why.
    Not(Built),
}

impl Repo {
    /// Commits in the order in which they are undone: newest first, as the history has them.
    pub(super) fn newest_first(&self, tip: &str, commits: &[String]) -> Known<Vec<String>> {
        if commits.len() < 2 {
            return Ok(commits.to_vec());
        }
        let mut args = vec!["merge-base", "--octopus"];
        args.extend(commits.iter().map(String::as_str));
        let captured = capture(&self.git.local(&args));
        let mut list = vec!["rev-list".to_owned(), "--topo-order".to_owned(), tip.to_owned()];
        let root = captured.text();
        if captured.ending.success() && !root.is_empty() {
            // Everything below what they have in common is of no interest.
            list.extend(["--not".to_owned(), format!("{root}^@")]);
        }
        let order = self.git.line(&list)?;
        let mut sorted: Vec<String> = order
            .lines()
            .filter(|sha| commits.iter().any(|c| c == sha))
            .map(str::to_owned)
            .collect();
        let rest: Vec<String> = commits.iter().filter(|c| !sorted.contains(c)).cloned().collect();
        sorted.extend(rest);
        sorted.dedup();
        Ok(sorted)
    }

    /// The tree of `tip` without the changes of these commits (newest first).
    pub(super) fn undo(
        &self,
        tip: &Commit,
        commits: &[Commit],
        mainline: Option<u32>,
    ) -> Known<Undone> {
        let mut base = tip.sha.clone();
        let mut tree = String::new();
        for (index, commit) in commits.iter().enumerate() {
            let parent = match (commit.parents.as_slice(), mainline) {
                ([], _) => return Ok(Undone::Not(Built::Root(commit.clone()))),
                ([parent], _) => parent,
                (parents, given) => {
                    let chosen = given.and_then(|n| usize::try_from(n).ok()?.checked_sub(1));
                    if let Some(parent) = chosen.and_then(|index| parents.get(index)) {
                        parent
                    } else {
                        let shas: Vec<&str> = parents.iter().map(String::as_str).collect();
                        let parents = self.commits(&shas)?;
                        return Ok(Undone::Not(Built::Mainline(commit.clone(), parents, given)));
                    }
                }
            };
            let captured = capture(&self.git.local(&[
                "merge-tree",
                "--write-tree",
                &format!("--merge-base={}", commit.sha),
                "-z",
                "--name-only",
                "--no-messages",
                &base,
                parent,
            ]));
            let mut fields = records(&captured.stdout);
            match captured.ending {
                Ending::Exit(0) => {}
                Ending::Exit(1) if !captured.stdout.is_empty() => {
                    let files = fields.skip(1).collect();
                    return Ok(Undone::Not(Built::Conflict(commit.clone(), files)));
                }
                _ => return Err(self.git.failure(&captured)),
            }
            tree = fields.next().unwrap_or_default();
            if index + 1 < commits.len() {
                base = self.write_commit(&tree, &base, "on the way", &Stamp::default())?;
            }
        }
        Ok(Undone::Tree(tree))
    }

    /// The tree of `tip` with these paths as they are in `from`; given is what stands at them in
    /// both (path -> `mode id`).
    pub(super) fn restore(
        &self,
        tip: &str,
        from: &str,
        now: &BTreeMap<String, String>,
        good: &BTreeMap<String, String>,
    ) -> Known<String> {
        let nothing = "0".repeat(tip.len());
        let mut entries = Vec::new();
        for record in self.files(tip, now)?.split(|byte| *byte == 0) {
            if let Some(tab) = record.iter().position(|byte| *byte == b'\t') {
                entries.extend_from_slice(format!("0 {nothing}").as_bytes());
                entries.extend_from_slice(&record[tab..]);
                entries.push(0);
            }
        }
        entries.extend_from_slice(&self.files(from, good)?);
        let dir = Room::new("index").map_err(|error| {
            Unread::Failed(format!("no temporary directory for an index: {error}"))
        })?;
        let index = dir.path().join("index").to_string_lossy().into_owned();
        let run = |args: &[&str], stdin: Vec<u8>| {
            let mut invocation = self.git.local(args);
            invocation.env.insert("GIT_INDEX_FILE".to_owned(), index.clone());
            invocation.stdin = stdin;
            self.git.finish(capture(&invocation))
        };
        run(&["read-tree", tip], Vec::new())?;
        run(&["update-index", "-z", "--index-info"], entries)?;
        let tree = run(&["write-tree"], Vec::new())?;
        Ok(String::from_utf8_lossy(&tree).trim().to_owned())
    }

    /// The files that entries are or, for directories, hold, as `update-index --index-info` takes
    /// them: bytes, since names need not be text.
    fn files(&self, commit: &str, entries: &BTreeMap<String, String>) -> Known<Vec<u8>> {
        if entries.values().any(|entry| entry.starts_with("040000 ")) {
            let mut args = vec!["ls-tree", "-r", "-z", "--full-tree", commit, "--"];
            args.extend(entries.keys().map(String::as_str));
            return self.git.run(&args);
        }
        let mut lines = String::new();
        for (path, entry) in entries {
            lines.extend([entry, "\t", path, "\0"]);
        }
        Ok(lines.into_bytes())
    }

    /// A commit; the same arguments always give the same id.
    pub(super) fn write_commit(
        &self,
        tree: &str,
        parent: &str,
        message: &str,
        stamp: &Stamp,
    ) -> Known<String> {
        let mut invocation = self.git.local(&["commit-tree", tree, "-p", parent, "-F", "-"]);
        for role in ["AUTHOR", "COMMITTER"] {
            invocation.env.insert(format!("GIT_{role}_NAME"), WHO.0.to_owned());
            invocation.env.insert(format!("GIT_{role}_EMAIL"), WHO.1.to_owned());
            invocation.env.insert(format!("GIT_{role}_DATE"), stamp.date());
        }
        invocation.stdin = message.replace('\0', "").into_bytes();
        let sha = self.git.finish(capture(&invocation))?;
        Ok(String::from_utf8_lossy(&sha).trim().to_owned())
    }
}

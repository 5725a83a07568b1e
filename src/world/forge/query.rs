//! Questions to a clone: commits by id, prefix, tag or subject; what contains what; what stands at
//! a path; what differs.

use std::collections::BTreeMap;

use crate::error::nearest;
use crate::facts::{Known, Unread};
use crate::world::process::{Ending, capture};

use super::cache::Repo;
use super::{Change, Commit, FileChange, short, url};

/// What separates the fields of our `git log` formats.
const FIELDS: &str = "--format=%H%x00%P%x00%cs%x00%s";

/// How many commits are listed when there are several.
const LISTED: usize = 5;

/// How many commits that touched a path are looked at.
const HISTORY: usize = 50;

/// How many commits of a branch are searched for one of ours.
const RECENT: &str = "5000";

impl Repo {
    /// Commits with what a sentence needs, in this order.
    pub(super) fn commits(&self, shas: &[&str]) -> Known<Vec<Commit>> {
        let mut args = vec!["log", "--no-walk=unsorted", FIELDS];
        args.extend(shas);
        let known = commits_of(&self.git.run(&args)?);
        shas.iter()
            .map(|sha| {
                known.iter().find(|commit| commit.sha == *sha).cloned().ok_or_else(|| {
                    Unread::Failed(format!("git log did not tell of the commit {sha}"))
                })
            })
            .collect()
    }

    /// One commit.
    pub(super) fn commit(&self, sha: &str) -> Known<Commit> {
        Ok(self.commits(&[sha])?.remove(0))
    }

    /// Whether a commit is the other's ancestor, or the same.
    pub(super) fn contains(&self, tip: &str, sha: &str) -> Known<bool> {
        let captured = capture(&self.git.local(&["merge-base", "--is-ancestor", sha, tip]));
        match captured.ending {
            Ending::Exit(0) => Ok(true),
            Ending::Exit(1) => Ok(false),
            _ => Err(self.git.failure(&captured)),
        }
    }

    /// Whether our clone has this commit.
    pub(super) fn has(&self, sha: &str) -> bool {
        self.git.run(&["cat-file", "-e", &format!("{sha}^{{commit}}")]).is_ok()
    }

    /// The commit that a text names: an id, a prefix of one, or a tag. A prefix is looked for in
    /// what has been fetched. `place` says where, for the sentence.
    pub(super) fn resolve(&mut self, text: &str, place: &str) -> Known<String> {
        if let Some(sha) = self.tags.get(text).cloned() {
            if !self.has(&sha) {
                self.bring_object(&sha)?;
            }
            return Ok(sha);
        }
        let missing = |hint: &str| {
            Unread::Missing(format!("there is no commit {text} in {place}"), Some(hint.to_owned()))
        };
        let hex = text.bytes().all(|byte| byte.is_ascii_hexdigit());
        if !hex {
            let near = nearest(text, self.tags.keys().map(String::as_str));
            return Err(match near {
                Some(near) => missing(&format!("did you mean the tag {near}?")),
                None => missing("a commit is named by its id, or by a tag"),
            });
        }
        if text.len() < 4 {
            return Err(missing("give at least the first 7 characters of its id"));
        }
        let text = text.to_ascii_lowercase();
        let objects = self.git.line(&["rev-parse", &format!("--disambiguate={text}")])?;
        let ids: Vec<String> = objects.lines().map(|id| format!("{id}\n")).collect();
        let kinds = if ids.is_empty() {
            Vec::new()
        } else {
            self.git.feed(
                &["cat-file", "--batch-check=%(objectname) %(objecttype)"],
                ids.concat().into_bytes(),
            )?
        };
        let kinds = String::from_utf8_lossy(&kinds).into_owned();
        let found: Vec<&str> =
            kinds.lines().filter_map(|line| line.strip_suffix(" commit")).collect();
        match found.as_slice() {
            [] => Err(missing("is it pushed, and to this repository?")),
            [sha] => Ok((*sha).to_owned()),
            several => Err(Unread::Missing(
                format!("{text} is the beginning of {} commits", several.len()),
                Some(self.choices(several)?),
            )),
        }
    }

    fn choices(&self, shas: &[&str]) -> Known<String> {
        let some: Vec<&str> = shas.iter().take(LISTED).copied().collect();
        let phrases: Vec<String> = self.commits(&some)?.iter().map(Commit::phrase).collect();
        let more = shas.len().saturating_sub(LISTED);
        let rest = if more > 0 { format!(", and {more} more") } else { String::new() };
        Ok(format!("name one by its id: {}{rest}", phrases.join(", ")))
    }

    /// The one commit of a branch's history with exactly this subject line.
    pub(super) fn by_subject(&self, tip: &str, on: &str, subject: &str) -> Known<Commit> {
        // A subject that is wrapped in the runbook is one line to git; each line finds candidates.
        let wanted = &one_line(subject);
        let grep = format!("--grep={}", subject.trim());
        let output = self.git.run(&[
            "log",
            FIELDS,
            "--fixed-strings",
            "--regexp-ignore-case",
            &grep,
            tip,
        ])?;
        let (exact, near): (Vec<Commit>, Vec<Commit>) = commits_of(&output)
            .into_iter()
            .partition(|commit| one_line(&commit.subject) == *wanted);
        match exact.as_slice() {
            [commit] => Ok(commit.clone()),
            [] => {
                let hint = if near.is_empty() {
                    self.nearest_subject(tip, wanted)?
                } else {
                    let some: Vec<String> = near.iter().take(LISTED).map(Commit::phrase).collect();
                    Some(format!("a subject must match exactly; near: {}", some.join(", ")))
                };
                Err(Unread::Missing(
                    format!("no commit of {on} has exactly the subject \"{wanted}\""),
                    hint,
                ))
            }
            several => {
                let shas: Vec<&str> = several.iter().map(|commit| commit.sha.as_str()).collect();
                Err(Unread::Missing(
                    format!("{} commits of {on} have the subject \"{wanted}\"", several.len()),
                    Some(self.choices(&shas)?),
                ))
            }
        }
    }

    fn nearest_subject(&self, tip: &str, wanted: &str) -> Known<Option<String>> {
        let recent = commits_of(&self.git.run(&["log", "-n", "1000", FIELDS, tip])?);
        let near = nearest(wanted, recent.iter().map(|commit| commit.subject.as_str()));
        Ok(near
            .and_then(|near| recent.iter().find(|commit| commit.subject == near))
            .map(|commit| format!("did you mean {}?", commit.phrase())))
    }

    /// What stands at these paths of a commit: path -> `mode id`.
    pub(super) fn entries(
        &self,
        commit: &str,
        paths: &[String],
    ) -> Known<BTreeMap<String, String>> {
        let mut args = vec!["ls-tree", "-z", "--full-tree", commit, "--"];
        args.extend(paths.iter().map(String::as_str));
        let output = self.git.run(&args)?;
        let mut entries = BTreeMap::new();
        for record in records(&output) {
            if let Some((head, path)) = record.split_once('\t')
                && let [mode, _, id] = head.split(' ').collect::<Vec<_>>()[..]
            {
                entries.insert(path.to_owned(), format!("{mode} {id}"));
            }
        }
        Ok(entries)
    }

    /// The path of a commit's tree that was probably meant.
    pub(super) fn near_path(&self, commit: &str, path: &str) -> Known<Option<String>> {
        let output =
            self.git.run(&["ls-tree", "-r", "-z", "--name-only", "--full-tree", commit])?;
        let paths: Vec<String> = records(&output).collect();
        let name = path.rsplit('/').next().unwrap_or(path);
        let same_name = || {
            paths.iter().find(|other| other.rsplit('/').next() == Some(name)).map(String::as_str)
        };
        Ok(nearest(path, paths.iter().map(String::as_str)).or_else(same_name).map(str::to_owned))
    }

    /// The last commits of a branch that touched these paths, newest first, each with what stands
    /// at the paths (ids only, missing ones are empty).
    pub(super) fn history(&self, tip: &str, paths: &[String]) -> Known<Vec<(Commit, Vec<String>)>> {
        let count = HISTORY.to_string();
        let mut args = vec!["log", "-n", &count, FIELDS, tip, "--"];
        args.extend(paths.iter().map(String::as_str));
        let commits = commits_of(&self.git.run(&args)?);
        if commits.is_empty() {
            return Ok(Vec::new());
        }
        let mut asked = Vec::new();
        for commit in &commits {
            for path in paths {
                asked.extend_from_slice(format!("{}:{path}\0", commit.sha).as_bytes());
            }
        }
        let answer = self.git.feed(&["cat-file", "--batch-check=%(objectname)", "-z"], asked)?;
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let ids: Vec<String> = answer
            .lines()
            .map(|line| if line.ends_with(" missing") { String::new() } else { line.to_owned() })
            .collect();
        Ok(commits.into_iter().zip(ids.chunks(paths.len()).map(<[String]>::to_vec)).collect())
    }

    /// The commit of a branch's recent history that carries this trailer, if there is one. Recent
    /// is a number of commits, not a date: clocks differ.
    pub(super) fn with_trailer(&self, tip: &str, line: &str) -> Known<Option<Commit>> {
        let args = ["log", "-z", "-n", RECENT, "--format=%H%n%P%n%cs%n%s%n%B", tip];
        Ok(records(&self.git.run(&args)?).find_map(|record| {
            let mut lines = record.lines();
            let commit = Commit {
                sha: lines.next()?.to_owned(),
                parents: lines.next()?.split_whitespace().map(str::to_owned).collect(),
                date: lines.next()?.to_owned(),
                subject: lines.next()?.to_owned(),
            };
            // The whole line: `run/a` is also the beginning of `run/a-2`. Anywhere in the message:
            // a squash puts the messages of its commits one after the other.
            lines.any(|body| body.trim() == line).then_some(commit)
        }))
    }

    /// What differs between a commit and a tree; none when nothing does.
    pub(super) fn change(&self, base: &str, tree: &str) -> Known<Option<Change>> {
        let output = self.git.run(&[
            "diff-tree",
            "-r",
            "-z",
            "--raw",
            "--numstat",
            "-p",
            "--binary",
            "--no-renames",
            "--no-ext-diff",
            "--no-textconv",
            base,
            tree,
        ])?;
        // Records end with a NUL each; an empty one stands before the patch.
        let mark = b"\0\0diff --git ";
        let end = output.windows(mark.len()).position(|window| window == mark);
        let (listed, patch) = output.split_at(end.unwrap_or(output.len()));
        let files = files_of(listed);
        if files.is_empty() {
            return Ok(None);
        }
        let patch = patch.strip_prefix(b"\0\0").unwrap_or(patch).to_vec();
        let id = self.git.feed(&["patch-id", "--stable"], patch)?;
        let id = String::from_utf8_lossy(&id);
        Ok(Some(Change {
            tree: tree.to_owned(),
            // A change of modes alone has no patch id; its tree stands for it.
            patch_id: id.split_whitespace().next().unwrap_or(tree).to_owned(),
            files,
        }))
    }

    /// How a commit that is not where it should be is told.
    pub(super) fn place(&self, branch: &str) -> String {
        format!("{branch} of {}", url::shown(&self.git.address))
    }

    /// A tip for a sentence.
    pub(super) fn tip_of(&self, branch: &str) -> Known<Commit> {
        let tip = self.tip(branch)?;
        self.commit(&tip).map_err(|why| match why {
            Unread::Failed(text) => Unread::Failed(format!("{text} (tip {})", short(&tip))),
            other => other,
        })
    }
}

/// A text as one line with single spaces.
fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn commits_of(output: &[u8]) -> Vec<Commit> {
    String::from_utf8_lossy(output)
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(4, '\0');
            Some(Commit {
                sha: fields.next()?.to_owned(),
                parents: fields.next()?.split_whitespace().map(str::to_owned).collect(),
                date: fields.next()?.to_owned(),
                subject: fields.next()?.to_owned(),
            })
        })
        .collect()
}

/// NUL-separated records as text; bytes that are no UTF-8 are replaced.
pub(super) fn records(output: &[u8]) -> impl Iterator<Item = String> {
    output
        .split(|byte| *byte == 0)
        .filter(|record| !record.is_empty())
        .map(|record| String::from_utf8_lossy(record).into_owned())
}

/// `diff-tree -z --raw --numstat`: first `:… M`, path, …; then `added removed path`, ….
fn files_of(output: &[u8]) -> Vec<FileChange> {
    let mut fields = records(output);
    let (mut files, mut lines) = (Vec::<FileChange>::new(), BTreeMap::new());
    while let Some(field) = fields.next() {
        if field.starts_with(':') && field.split(' ').count() == 5 {
            let status = field.rsplit(' ').next().and_then(|s| s.chars().next()).unwrap_or('M');
            if let Some(path) = fields.next() {
                files.push(FileChange { status, path, lines: None });
            }
        } else if let [added, removed, path] = field.splitn(3, '\t').collect::<Vec<_>>()[..] {
            let counts = added.parse().ok().zip(removed.parse().ok());
            lines.insert(path.to_owned(), counts);
        }
    }
    for file in &mut files {
        file.lines = lines.get(&file.path).copied().flatten();
    }
    files
}

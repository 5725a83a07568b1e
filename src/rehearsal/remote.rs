//! The git remote of a rehearsal: the branches, paths and commits that the runbooks name, with the
//! migration on them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::io::{self, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde_json::{Value, json};

use super::Fault;
use crate::draft::Draft;
use crate::runbook::{Action, Apply, RestoreFiles, RevertCommits, RollbackBranch};
use crate::world::process::{Captured, Invocation, capture};

/// What broken content says.
pub const BROKEN: &str = "broken by the migration";
/// The file that a migration commit breaks where the runbook names none.
const MIGRATED: &str = "app/migrated.txt";

/// The remote.
#[derive(Debug)]
pub struct Remote {
    path: PathBuf,
    /// Branch -> the commit that broke it.
    migrations: BTreeMap<String, String>,
    /// Branch -> the commit before that.
    stable: BTreeMap<String, String>,
}

impl Remote {
    /// Builds it with one `git fast-import`.
    pub fn build(
        path: &Path,
        own: &[Draft],
        above: &[Draft],
        manifests: &[Value],
        faults: &[Fault],
    ) -> io::Result<Remote> {
        let mut story = Story::default();
        for (draft, is_own) in
            own.iter().map(|it| (it, true)).chain(above.iter().map(|it| (it, false)))
        {
            for step in &draft.steps {
                match &step.action {
                    Action::RevertCommits(spec) => story.revert(spec, is_own),
                    Action::RestoreFiles(spec) => story.restore(spec, is_own),
                    Action::RollbackBranch(spec) => story.branch(spec, is_own),
                    Action::Apply(spec) => story.manifests(spec, manifests),
                    _ => {}
                }
            }
        }
        git(&["init", "--quiet", "--bare", "--template=", &path.display().to_string()], &[])?;
        let directory = format!("--git-dir={}", path.display());
        let stream = story.stream(faults.contains(&Fault::GitConflict));
        git(&[&directory, "fast-import", "--quiet", "--export-marks=marks"], stream.as_bytes())?;
        let marks = std::fs::read_to_string(path.join("marks"))
            .or_else(|_| std::fs::read_to_string("/marks"))
            .unwrap_or_default();
        let marks: BTreeMap<String, String> = marks
            .lines()
            .filter_map(|line| line.strip_prefix(':')?.split_once(' '))
            .map(|(mark, sha)| (mark.to_owned(), sha.to_owned()))
            .collect();
        if faults.contains(&Fault::PushRefused) {
            refuse_pushes(path)?;
        }
        let named = |of: &BTreeMap<String, u32>| {
            of.iter()
                .filter_map(|(branch, mark)| {
                    Some((branch.clone(), marks.get(&mark.to_string())?.clone()))
                })
                .collect()
        };
        Ok(Remote {
            path: path.to_owned(),
            migrations: named(&story.migration_marks),
            stable: named(&story.stable_marks),
        })
    }

    /// Its address.
    pub fn url(&self) -> String {
        format!("file://{}", self.path.display())
    }

    /// The commit that broke a branch.
    pub fn reverted(&self, branch: &str) -> Option<&str> {
        self.migrations.get(branch).map(String::as_str)
    }

    /// The last good commit of a branch.
    pub fn stable(&self, branch: &str) -> Option<&str> {
        self.stable.get(branch).map(String::as_str)
    }

    /// Some commit, for a required parameter.
    pub fn some_commit(&self) -> String {
        let of = self.migrations.values().chain(self.stable.values()).next();
        of.cloned().unwrap_or_else(|| "0".repeat(40))
    }
}

/// What has to have happened on which branch.
#[derive(Debug, Default)]
struct Story {
    /// Branch -> path -> whether it is broken there.
    branches: BTreeMap<String, BTreeMap<String, bool>>,
    /// Branch -> the subject of its last good commit.
    subjects: BTreeMap<String, String>,
    migration_marks: BTreeMap<String, u32>,
    stable_marks: BTreeMap<String, u32>,
    /// Branch -> path -> the manifests there.
    manifests: BTreeMap<String, BTreeMap<String, String>>,
}

/// The branch that stands for a ref of the real repository; a commit's id is of that one only.
pub fn branch_of(at: &str) -> &str {
    let is_id = at.len() >= 7 && at.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_id { "before-the-migration" } else { at }
}

impl Story {
    fn revert(&mut self, spec: &RevertCommits, is_own: bool) {
        let files = self.branches.entry(spec.branch.clone()).or_default();
        *files.entry(MIGRATED.to_owned()).or_default() |= is_own;
    }

    fn restore(&mut self, spec: &RestoreFiles, is_own: bool) {
        self.branches.entry(spec.from.clone()).or_default();
        for path in &spec.paths {
            let files = self.branches.entry(spec.branch.clone()).or_default();
            *files.entry(path.clone()).or_default() |= is_own;
            self.branches.entry(spec.from.clone()).or_default().entry(path.clone()).or_default();
        }
    }

    fn branch(&mut self, spec: &RollbackBranch, is_own: bool) {
        let files = self.branches.entry(spec.on.clone()).or_default();
        *files.entry(MIGRATED.to_owned()).or_default() |= is_own;
        if let Some(subject) = &spec.subject {
            self.subjects.insert(spec.on.clone(), subject.clone());
        }
    }

    /// The manifests, spread over the paths that are applied.
    fn manifests(&mut self, spec: &Apply, objects: &[Value]) {
        let at = branch_of(&spec.at);
        self.branches.entry(at.to_owned()).or_default();
        let files = self.manifests.entry(at.to_owned()).or_default();
        for (index, path) in spec.paths.iter().enumerate() {
            let mut text = String::new();
            for object in objects.iter().skip(index).step_by(spec.paths.len()) {
                let _ = writeln!(text, "---\n{object:#}");
            }
            if text.is_empty() {
                let note = json!({"apiVersion": "v1", "kind": "ConfigMap",
                                  "metadata": {"name": format!("rehearsal-{index}")}});
                text = format!("{note:#}\n");
            }
            let is_file = [".yaml", ".yml", ".json"].iter().any(|end| path.ends_with(end));
            let clean = path.trim_start_matches("./").trim_end_matches('/');
            let name = match clean {
                file if is_file => file.to_owned(),
                "" | "." => "rehearsal.yaml".to_owned(),
                directory => format!("{directory}/rehearsal.yaml"),
            };
            files.insert(name, text);
        }
    }

    /// The stream for `git fast-import`. All branches grow from one root.
    fn stream(&mut self, conflict: bool) -> String {
        let mut stream = String::new();
        let mut mark = 0;
        let mut time = 1_700_000_000;
        let mut commit = |stream: &mut String,
                          branch: &str,
                          from: Option<u32>,
                          subject: &str,
                          files: &[(String, String)]| {
            mark += 1;
            time += 60;
            let _ = write!(
                stream,
                "commit refs/heads/{branch}\nmark :{mark}\ncommitter Rehearsal <rehearsal@localhost> {time} +0000\ndata {}\n{subject}\n",
                subject.len()
            );
            if let Some(from) = from {
                let _ = writeln!(stream, "from :{from}");
            }
            for (path, text) in files {
                let _ = write!(stream, "M 100644 inline {path}\ndata {}\n{text}\n", text.len());
            }
            stream.push('\n');
            mark
        };
        let mut paths: Vec<String> =
            self.branches.values().flat_map(BTreeMap::keys).cloned().collect();
        paths.sort();
        paths.dedup();
        let content = |text: &str, paths: &[String]| -> Vec<(String, String)> {
            paths.iter().map(|path| (path.clone(), format!("# {path}\n{text}\n"))).collect()
        };
        let mut root_files = content("as it was before the migration", &paths);
        root_files.push(("README.md".to_owned(), "A rehearsal.\n".to_owned()));
        let first = self.branches.keys().next().cloned().unwrap_or_else(|| "main".to_owned());
        let root = commit(&mut stream, &first, None, "Start", &root_files);
        for (branch, files) in &self.branches {
            let subject = self.subjects.get(branch).map_or("Last good state", String::as_str);
            let mut note = vec![("NOTES.md".to_owned(), format!("{branch}\n"))];
            note.extend(self.manifests.get(branch).cloned().unwrap_or_default());
            let stable = commit(&mut stream, branch, Some(root), subject, &note);
            self.stable_marks.insert(branch.clone(), stable);
            let broken: Vec<String> =
                files.iter().filter(|(_, broken)| **broken).map(|(path, _)| path.clone()).collect();
            if broken.is_empty() {
                continue;
            }
            let migration = commit(
                &mut stream,
                branch,
                Some(stable),
                "feat: migrate",
                &content(BROKEN, &broken),
            );
            self.migration_marks.insert(branch.clone(), migration);
            if conflict {
                let later = content(&format!("{BROKEN}, and changed again"), &broken);
                commit(&mut stream, branch, Some(migration), "fix: after the migration", &later);
            }
        }
        stream
    }
}

/// A server that protects its branches: only `rollback/…` may be pushed.
fn refuse_pushes(path: &Path) -> io::Result<()> {
    let hooks = path.join("hooks");
    std::fs::create_dir_all(&hooks)?;
    let mut options = std::fs::OpenOptions::new();
    let mut hook = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o755)
        .open(hooks.join("pre-receive"))?;
    hook.write_all(
        b"#!/bin/sh\nwhile read -r _ _ ref; do\n  case $ref in refs/heads/rollback/*) ;; *)\n    \
          echo \"protected branch: changes must go through a pull request\" >&2; exit 1;;\n  esac\ndone\n",
    )
}

fn git(arguments: &[&str], stdin: &[u8]) -> io::Result<Captured> {
    let mut invocation = Invocation::new(
        std::iter::once("git").chain(arguments.iter().copied()),
        Duration::from_secs(30),
    );
    invocation.stdin = stdin.to_vec();
    let captured = capture(&invocation);
    if captured.ending.success() {
        Ok(captured)
    } else {
        let said = captured.complaint().join("; ");
        Err(io::Error::other(format!("git: {} {said}", captured.ending.phrase())))
    }
}

//! A real bare remote and somebody's clone of it, for tests against real git.

#![allow(dead_code)]

use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// A remote, a clone to work in, and a place for clones of ours.
pub struct Remote {
    pub dir: tempfile::TempDir,
    clock: AtomicU64,
}

pub const GOOD: &str = "def dispatch():\n    return 'good'\n";
pub const BROKEN: &str = "def dispatch():\n    return 'broken'\n";
pub const FILE: &str = "app/dispatcher.py";

impl Remote {
    /// `develop` is good; `feat/migration` has a commit that breaks [`FILE`].
    pub fn new() -> Remote {
        Remote::with_format("sha1")
    }

    /// The same with ids of this format.
    pub fn with_format(format: &str) -> Remote {
        let remote = Remote::empty_with(format);
        remote.write(FILE, GOOD);
        remote.write("app/other.py", "other = 1\n");
        remote.write("README.md", "one\ntwo\nthree\n");
        remote.commit("Start");
        remote.push("develop");
        remote.git(&["checkout", "-q", "-b", "feat/migration"]);
        remote.write(FILE, BROKEN);
        remote.commit("feat: migrate the dispatcher");
        remote.push("feat/migration");
        remote
    }

    /// No branches at all.
    pub fn empty() -> Remote {
        Remote::empty_with("sha1")
    }

    fn empty_with(format: &str) -> Remote {
        let dir = tempfile::tempdir().expect("a temporary directory");
        let remote = Remote { dir, clock: AtomicU64::new(1_780_000_000) };
        let path = |name: &str| remote.dir.path().join(name).to_string_lossy().into_owned();
        let ids = format!("--object-format={format}");
        let init = ["init", "-q", "-b", "develop", &ids];
        let (bare, work) = (path("remote.git"), path("work"));
        remote.run(Path::new("/"), &[&init[..], &["--bare", &bare]].concat());
        remote.run(Path::new("/"), &[&init[..], &[work.as_str()]].concat());
        remote.git(&["remote", "add", "origin", &path("remote.git")]);
        remote
    }

    pub fn url(&self) -> String {
        self.dir.path().join("remote.git").to_string_lossy().into_owned()
    }

    pub fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    pub fn work(&self) -> PathBuf {
        self.dir.path().join("work")
    }

    pub fn run(&self, cwd: &Path, args: &[&str]) -> String {
        let date = format!("@{} +0000", self.clock.load(Ordering::Relaxed));
        let output = Command::new("git")
            .args(args)
            .current_dir(cwd)
            .env("GIT_CONFIG_GLOBAL", "/dev/null")
            .env("GIT_CONFIG_NOSYSTEM", "1")
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_NAME"), "Dev")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_EMAIL"), "dev@test")))
            .envs(["AUTHOR", "COMMITTER"].map(|who| (format!("GIT_{who}_DATE"), date.clone())))
            .output()
            .expect("git runs");
        assert!(
            output.status.success(),
            "git {args:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).trim_end().to_owned()
    }

    /// git in the working clone.
    pub fn git(&self, args: &[&str]) -> String {
        self.run(&self.work(), args)
    }

    /// git in the remote.
    pub fn bare(&self, args: &[&str]) -> String {
        self.run(&self.dir.path().join("remote.git"), args)
    }

    pub fn write(&self, path: &str, text: &str) {
        let path = self.work().join(path);
        std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
        std::fs::write(path, text).expect("a file");
    }

    /// Commits everything, a minute after the last commit.
    pub fn commit(&self, subject: &str) -> String {
        self.clock.fetch_add(60, Ordering::Relaxed);
        self.git(&["add", "-A"]);
        self.git(&["commit", "-q", "--allow-empty", "-m", subject]);
        self.git(&["rev-parse", "HEAD"])
    }

    /// Sets the clock by which commits are dated.
    pub fn at(&self, seconds: u64) {
        self.clock.store(seconds, Ordering::Relaxed);
    }

    /// Pushes `HEAD` to a branch.
    pub fn push(&self, branch: &str) {
        self.git(&["push", "-q", "origin", &format!("HEAD:refs/heads/{branch}")]);
    }

    /// A commit on a branch of the remote, by somebody else.
    pub fn elsewhere(&self, branch: &str, path: &str, text: &str, subject: &str) -> String {
        self.git(&["fetch", "-q", "origin"]);
        self.git(&["checkout", "-q", "--detach", &format!("origin/{branch}")]);
        self.write(path, text);
        let sha = self.commit(subject);
        self.push(branch);
        sha
    }

    /// All refs of the remote.
    pub fn refs(&self) -> String {
        self.bare(&["for-each-ref"])
    }

    pub fn tip(&self, branch: &str) -> String {
        self.bare(&["rev-parse", &format!("refs/heads/{branch}")])
    }

    pub fn show(&self, rev: &str, path: &str) -> String {
        self.bare(&["show", &format!("{rev}:{path}")])
    }

    /// The remote refuses pushes of this branch.
    pub fn protect(&self, branch: &str) {
        self.hook(
            "pre-receive",
            &format!(
                "while read old new ref; do if [ \"$ref\" = refs/heads/{branch} ]; then \
                 echo 'GH006: Protected branch update failed' >&2; exit 1; fi; done"
            ),
        );
    }

    /// A hook of the remote.
    pub fn hook(&self, name: &str, script: &str) {
        let path = self.dir.path().join("remote.git/hooks").join(name);
        executable(&path, script);
    }

    pub fn unhook(&self, name: &str) {
        let path = self.dir.path().join("remote.git/hooks").join(name);
        std::fs::remove_file(path).expect("the hook");
    }
}

/// A shell script that can be run.
pub fn executable(path: &Path, script: &str) {
    std::fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    std::fs::write(path, format!("#!/bin/sh\n{script}\n")).expect("a script");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o755)).expect("its mode");
}

pub const PATIENCE: Duration = Duration::from_secs(30);

//! Our clones: made when needed, locked while used, rebuilt when broken. A clone only ever holds
//! what the remote had; losing one costs time, nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::error::nearest;
use crate::facts::{Known, Unread};
use crate::world::process::capture;

use super::git::{Git, check_version, looks_broken, no_git};
use super::operator::operator_config;
use super::{Forge, url};

/// How often a lock that somebody else holds is tried again.
const LOCK_POLL: Duration = Duration::from_millis(5);

/// A clone while it is ours, with what the remote has right now.
#[derive(Debug)]
pub(super) struct Repo {
    /// git in the clone.
    pub(super) git: Git,
    /// Branch -> tip, as the remote tells.
    pub(super) heads: BTreeMap<String, String>,
    /// Tag -> commit, as the remote tells.
    pub(super) tags: BTreeMap<String, String>,
    /// Ref -> id in our clone.
    ours: BTreeMap<String, String>,
    /// Made just now: what fails in it is not its age.
    fresh: bool,
    _lock: File,
}

impl Forge {
    /// The remote's refs alone; needs no clone.
    pub(super) fn refs(&self, repository: &str) -> Known<(Git, Advertised)> {
        let git = self.git(repository)?;
        // Not in the clone: it may not exist yet, or be broken.
        let outside = Git { dir: self.shared.cache.join("none"), ..git.clone() };
        let output = git.finish_remote(capture(
            &outside
                .remote(&["ls-remote", "--quiet", "--heads", "--tags", "origin"], git.limits.ask),
        ))?;
        let advertised = advertised(&String::from_utf8_lossy(&output));
        let nothing = advertised.heads.is_empty() && advertised.tags.is_empty();
        if nothing && git.address.starts_with("http") && !speaks_git(&outside) {
            return Err(no_git(&url::shown(&git.address)));
        }
        Ok((git, advertised))
    }

    /// git towards a repository, with everything that is known without asking it.
    pub(super) fn git(&self, repository: &str) -> Known<Git> {
        let address = url::address(repository).map_err(|why| Unread::Missing(why, None))?;
        let limits = self.shared.limits;
        let mut version = lock(&self.shared.version);
        version.get_or_insert_with(|| check_version(limits.ask)).clone()?;
        drop(version);
        let dir = self.shared.cache.join(format!("{}.git", name_of(&address)));
        let mut known = lock(&self.shared.operator);
        let operator = known
            .entry(address.clone())
            .or_insert_with(|| {
                operator_config(&self.shared.cache.join("none"), &address, limits.ask)
            })
            .clone();
        Ok(Git { dir, address, operator, limits })
    }

    /// Works in the clone of a repository; a broken clone is made again, once.
    pub(super) fn with<T>(
        &self,
        repository: &str,
        work: impl Fn(&mut Repo) -> Known<T>,
    ) -> Known<T> {
        let mut repo = self.open(repository)?;
        match work(&mut repo) {
            Err(why) if looks_broken(&why) && !repo.fresh => {
                repo.rebuild()?;
                work(&mut repo)
            }
            answer => answer,
        }
    }

    /// The clone of a repository, locked, with nothing fetched yet.
    pub(super) fn open(&self, repository: &str) -> Known<Repo> {
        let (git, advertised) = self.refs(repository)?;
        let lock = self.lock_clone(&git)?;
        let mut repo = Repo {
            git,
            heads: advertised.heads,
            tags: advertised.tags,
            ours: BTreeMap::new(),
            fresh: false,
            _lock: lock,
        };
        if !repo.git.dir.exists() {
            repo.init()?;
        } else if let Err(why) = repo.list_ours() {
            if !looks_broken(&why) {
                return Err(why);
            }
            repo.rebuild()?;
        }
        Ok(repo)
    }

    fn lock_clone(&self, git: &Git) -> Known<File> {
        let failed = |error: io::Error| {
            Unread::Failed(format!(
                "the clone's directory {} cannot be used: {error}",
                self.shared.cache.display()
            ))
        };
        DirBuilder::new().recursive(true).mode(0o700).create(&self.shared.cache).map_err(failed)?;
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .mode(0o600)
            .open(git.dir.with_extension("lock"))
            .map_err(failed)?;
        let until = Instant::now() + git.limits.ask;
        loop {
            match file.try_lock() {
                Ok(()) => return Ok(file),
                Err(TryLockError::Error(error)) => return Err(failed(error)),
                Err(TryLockError::WouldBlock) if Instant::now() >= until => {
                    return Err(Unread::Unreachable(format!(
                        "another process is busy with the clone of {}; try again when it is done",
                        url::shown(&git.address)
                    )));
                }
                Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_POLL),
            }
        }
    }
}

impl Repo {
    /// An empty clone, complete before it has its name.
    fn init(&mut self) -> Known<()> {
        let dir = self.git.dir.clone();
        let making = dir.with_extension("new");
        let failed = |what: &Path, error: &io::Error| {
            Unread::Failed(format!("{} could not be made: {error}", what.display()))
        };
        remove(&making).map_err(|error| failed(&making, &error))?;
        DirBuilder::new().mode(0o700).create(&making).map_err(|error| failed(&making, &error))?;
        let format = match self.heads.values().next().map(String::len) {
            Some(64) => "--object-format=sha256",
            _ => "--object-format=sha1",
        };
        let git = Git { dir: making.clone(), ..self.git.clone() };
        git.run(&["init", "--quiet", "--bare", "--template=", format])?;
        std::fs::rename(&making, &dir).map_err(|error| failed(&dir, &error))?;
        self.ours.clear();
        self.fresh = true;
        Ok(())
    }

    /// Throws a broken clone away and makes an empty one.
    pub(super) fn rebuild(&mut self) -> Known<()> {
        let dir = &self.git.dir;
        let aside = dir.with_extension("broken");
        remove(&aside)
            .and_then(|()| if dir.exists() { std::fs::rename(dir, &aside) } else { Ok(()) })
            .and_then(|()| remove(&aside))
            .map_err(|error| {
                Unread::Failed(format!("the broken clone {} is in the way: {error}", dir.display()))
            })?;
        self.init()
    }

    /// Whether it was made just now.
    pub(super) fn is_fresh(&self) -> bool {
        self.fresh
    }

    fn list_ours(&mut self) -> Known<()> {
        let text = self.git.line(&["for-each-ref", "--format=%(objectname) %(refname)"])?;
        self.ours = text
            .lines()
            .filter_map(|line| line.split_once(' '))
            .map(|(sha, name)| (name.to_owned(), sha.to_owned()))
            .collect();
        Ok(())
    }

    /// Brings branches and tags here, in one fetch, and none when nothing moved. What the remote
    /// does not have is left to whoever asks for it.
    pub(super) fn bring<'a>(
        &mut self,
        branches: impl IntoIterator<Item = &'a str>,
        tags: impl IntoIterator<Item = &'a str>,
    ) -> Known<()> {
        let mut specs = BTreeSet::new();
        for branch in branches {
            let here = format!("refs/remotes/origin/{branch}");
            match self.heads.get(branch) {
                Some(tip) if self.ours.get(&here) != Some(tip) => {
                    specs.insert(format!("+refs/heads/{branch}:{here}"));
                }
                _ => {}
            }
        }
        for tag in tags.into_iter().filter(|tag| self.tags.contains_key(*tag)) {
            let name = format!("refs/tags/{tag}");
            if !self.ours.contains_key(&name) {
                specs.insert(format!("+{name}:{name}"));
            }
        }
        if specs.is_empty() {
            return Ok(());
        }
        self.fetch(specs)?;
        self.list_ours()?;
        // The remote may have moved since it was asked; what was fetched is what counts.
        for (branch, tip) in &mut self.heads {
            if let Some(fetched) = self.ours.get(&format!("refs/remotes/origin/{branch}")) {
                tip.clone_from(fetched);
            }
        }
        Ok(())
    }

    /// Brings every branch: for a commit that is known by its id alone.
    pub(super) fn bring_everything(&mut self) -> Known<()> {
        let branches: Vec<String> = self.heads.keys().cloned().collect();
        self.bring(branches.iter().map(String::as_str), [])
    }

    /// Asks the remote for one object by its id; not every remote gives it.
    pub(super) fn bring_object(&mut self, sha: &str) -> Known<()> {
        self.fetch([sha.to_owned()])
    }

    fn fetch(&self, specs: impl IntoIterator<Item = String>) -> Known<()> {
        let mut args: Vec<String> = [
            "fetch",
            "--quiet",
            "--no-write-fetch-head",
            "--no-tags",
            "--refmap=",
            "--no-recurse-submodules",
            "--no-show-forced-updates",
            "origin",
        ]
        .map(str::to_owned)
        .to_vec();
        args.extend(specs);
        let captured = capture(&self.git.remote(&args, self.git.limits.transfer));
        // git leaves such refs out with a warning, and exits with 0.
        let all = captured.complaint().join("\n");
        if all.contains("shallow roots are not allowed") || self.git.dir.join("shallow").exists() {
            return Err(self.shallow());
        }
        self.git.finish_remote(captured).map(drop)
    }

    fn shallow(&self) -> Unread {
        Unread::Missing(
            format!(
                "{} is a shallow clone: its history is cut off, and a change built on that could \
                 delete files",
                url::shown(&self.git.address)
            ),
            Some("name the complete repository, or run `git fetch --unshallow` there".to_owned()),
        )
    }

    /// The branch of the remote that keeps one of this name from being made: `feat` and `feat/x`
    /// cannot both be.
    pub(super) fn in_the_way(&self, branch: &str) -> Option<String> {
        let below = |name: &str, dir: &str| {
            name.strip_prefix(dir).is_some_and(|rest| rest.starts_with('/'))
        };
        let mut names = self.heads.keys();
        names.find(|name| below(name, branch) || below(branch, name)).cloned()
    }

    /// The tip of a branch of the remote, or that there is none, with the nearest name.
    pub(super) fn tip(&self, branch: &str) -> Known<String> {
        if let Some(tip) = self.heads.get(branch) {
            return Ok(tip.clone());
        }
        let shown = url::shown(&self.git.address);
        if !url::is_branch_name(branch) {
            return Err(Unread::Missing(format!("`{branch}` cannot be a branch's name"), None));
        }
        let hint = match near_branch(branch, &self.heads) {
            Some(near) => Some(format!("did you mean {near}?")),
            None if self.heads.is_empty() => Some("the repository has no branches".to_owned()),
            None => {
                let some: Vec<&str> = self.heads.keys().take(5).map(String::as_str).collect();
                Some(format!("it has {} branches, such as {}", self.heads.len(), some.join(", ")))
            }
        };
        Err(Unread::Missing(format!("there is no branch {branch} on {shown}"), hint))
    }
}

/// Whether a server that told of no refs is an empty repository: a web page without lines looks the
/// same to git, but no packets come of it.
fn speaks_git(outside: &Git) -> bool {
    let mut invocation = outside.remote(&["ls-remote", "--quiet", "origin"], outside.limits.ask);
    invocation.env.insert("GIT_TRACE_PACKET".to_owned(), "1".to_owned());
    String::from_utf8_lossy(&capture(&invocation).stderr).contains("packet:")
}

/// The existing branch that was probably meant.
fn near_branch<'a>(branch: &str, heads: &'a BTreeMap<String, String>) -> Option<&'a str> {
    let names = || heads.keys().map(String::as_str);
    let last = |name: &'a str| name.rsplit('/').next().unwrap_or(name);
    nearest(branch, names()).or_else(|| {
        let wanted = branch.rsplit('/').next()?;
        names().find(|name| last(name) == wanted)
    })
}

/// What the remote has.
#[derive(Debug, Default)]
pub(super) struct Advertised {
    /// Branch -> tip.
    pub(super) heads: BTreeMap<String, String>,
    /// Tag -> commit.
    pub(super) tags: BTreeMap<String, String>,
}

fn advertised(text: &str) -> Advertised {
    let mut found = Advertised::default();
    for (sha, name) in text.lines().filter_map(|line| line.split_once('\t')) {
        if let Some(branch) = name.strip_prefix("refs/heads/") {
            found.heads.insert(branch.to_owned(), sha.to_owned());
        } else if let Some(tag) = name.strip_prefix("refs/tags/") {
            // `v1^{}` follows `v1` and is the commit that an annotated tag means.
            let tag = tag.strip_suffix("^{}").unwrap_or(tag);
            found.tags.insert(tag.to_owned(), sha.to_owned());
        }
    }
    found
}

/// The name of a clone: says nothing of the address, which may hold a secret.
fn name_of(address: &str) -> String {
    use std::fmt::Write as _;
    Sha256::digest(address.as_bytes()).iter().take(16).fold(String::new(), |mut name, byte| {
        let _ = write!(name, "{byte:02x}");
        name
    })
}

fn remove(dir: &PathBuf) -> io::Result<()> {
    match std::fs::remove_dir_all(dir) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotADirectory => std::fs::remove_file(dir),
        other => other,
    }
}

/// A poisoned mutex still guards a value that is whole: a panic elsewhere must not stop us.
fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

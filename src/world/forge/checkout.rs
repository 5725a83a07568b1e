//! A commit in a directory of its own, for commands that must run in the code that was pushed.
//!
//! The directory is a repository with a detached `HEAD`, so that `git rev-parse HEAD` and the like
//! answer; its objects are those of our clone, which must stay while it is used. No hooks, filters,
//! fsmonitor or attributes of the operator run: files are written as they are in the commit. Hence
//! Git LFS files stay pointers and submodules stay empty directories; both are told.

use std::fs::{DirBuilder, Permissions};
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;

use crate::error::{Error, Exit, Result};
use crate::facts::{Known, Unread};
use crate::world::process::capture;

use super::cache::Repo;
use super::{Forge, short, url};

impl Forge {
    /// A fresh checkout of a commit in `dir`, which is made (mode 0700) or must be empty; the
    /// caller removes it. Returns lines worth telling: what of the commit is not there.
    pub fn checkout(&self, repository: &str, sha: &str, dir: &Path) -> Result<Vec<String>> {
        let shown = url::shown(repository);
        let failed = |why: String| {
            Error::new(
                Exit::StepFailed,
                format!("the checkout of {} from {shown} failed: {why}", short(sha)),
            )
        };
        if !(sha.len() >= 40 && sha.bytes().all(|byte| byte.is_ascii_hexdigit())) {
            return Err(failed(format!("`{sha}` is not a full commit id")).into());
        }
        let occupied = std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
        if occupied {
            return Err(failed(format!("{} is not empty", dir.display()))
                .hint("give it a directory of its own")
                .into());
        }
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(dir)
            .and_then(|()| std::fs::set_permissions(dir, Permissions::from_mode(0o700)))
            .map_err(|error| failed(format!("{}: {error}", dir.display())))?;
        let notes = self.with(repository, |repo| {
            repo.bring_commit(sha)?;
            repo.put(sha, dir)
        });
        notes.map_err(|why| {
            let error = failed(why.sentence().to_owned());
            match why {
                Unread::Missing(_, Some(hint)) => error.hint(hint).into(),
                _ => error.into(),
            }
        })
    }
}

impl Repo {
    /// Makes sure that a commit is in our clone.
    fn bring_commit(&mut self, sha: &str) -> Known<()> {
        if self.has(sha) || (self.bring_object(sha).is_ok() && self.has(sha)) {
            return Ok(());
        }
        self.bring_everything()?;
        if self.has(sha) {
            return Ok(());
        }
        Err(Unread::Missing(
            "the repository does not have this commit".to_owned(),
            Some("is it pushed?".to_owned()),
        ))
    }

    fn put(&self, sha: &str, dir: &Path) -> Known<Vec<String>> {
        let inside = dir.join(".git");
        let in_dir = |args: &[&str]| {
            let mut invocation = self.git.local(args);
            invocation.env.remove("GIT_DIR");
            invocation.env.remove("GIT_LITERAL_PATHSPECS");
            invocation.cwd = Some(dir.to_owned());
            self.git.finish(capture(&invocation))
        };
        let format = format!("--object-format=sha{}", if sha.len() == 64 { "256" } else { "1" });
        // A second try finds what a broken first one left.
        let _ = std::fs::remove_dir_all(&inside);
        in_dir(&["init", "--quiet", "--template=", &format])?;
        let objects = self.git.dir.join("objects");
        let info = inside.join("objects").join("info");
        std::fs::create_dir_all(&info)
            .and_then(|()| {
                std::fs::write(info.join("alternates"), format!("{}\n", objects.display()))
            })
            .map_err(|error| Unread::Failed(format!("{}: {error}", info.display())))?;
        in_dir(&["checkout", "--quiet", "--force", "--detach", sha])?;
        self.left_out(sha)
    }

    /// What the commit refers to and the checkout does not hold.
    fn left_out(&self, sha: &str) -> Known<Vec<String>> {
        let mut notes = Vec::new();
        let tree = self.git.run(&["ls-tree", "-r", "-z", "--full-tree", sha])?;
        let (mut modules, mut attributes) = (0, Vec::new());
        for record in super::query::records(&tree) {
            if record.starts_with("160000 ") {
                modules += 1;
            } else if let Some((head, path)) = record.split_once('\t')
                && path.rsplit('/').next() == Some(".gitattributes")
                && let Some(id) = head.split(' ').nth(2)
            {
                attributes.push(id.to_owned());
            }
        }
        if modules > 0 {
            notes.push(format!("{modules} submodules are empty directories in this checkout"));
        }
        for id in attributes {
            let text = self.git.run(&["cat-file", "blob", &id])?;
            if String::from_utf8_lossy(&text).contains("filter=") {
                notes.push(
                    "files with a filter (such as Git LFS) are as they are stored: filters do not \
                     run in this checkout"
                        .to_owned(),
                );
                break;
            }
        }
        Ok(notes)
    }
}

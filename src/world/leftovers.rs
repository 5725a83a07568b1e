//! Temporary directories of ours. Each holds a file that its process keeps locked; the system gives
//! the lock back however the process ends. So whoever finds a directory whose lock is free knows
//! that its owner is dead, also across containers, and removes it.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use crate::terminal::sanitize;

/// Every name of ours begins with it.
const PREFIX: &str = "rollback-";

/// The file whose lock says that the owner lives.
const OWNER: &str = ".owner";

/// A temporary directory of mode 0700, removed when it is dropped, or by [`sweep`] where its process
/// was killed first.
#[derive(Debug)]
pub struct Room {
    dir: TempDir,
    _owner: File,
}

impl Room {
    /// A directory for this use among the temporary ones.
    pub fn new(kind: &str) -> io::Result<Room> {
        Room::below(&std::env::temp_dir(), kind)
    }

    /// A directory for this use below `root`.
    pub fn below(root: &Path, kind: &str) -> io::Result<Room> {
        let dir = tempfile::Builder::new()
            .prefix(&format!("{PREFIX}{kind}-"))
            .rand_bytes(12)
            .permissions(std::fs::Permissions::from_mode(0o700))
            .tempdir_in(root)?;
        // Locked before it has its name: nobody finds it unlocked while we live.
        let new = dir.path().join(".owner.new");
        let owner = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&new)?;
        owner.try_lock()?;
        std::fs::rename(&new, dir.path().join(OWNER))?;
        Ok(Room { dir, _owner: owner })
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Where such directories may be, in the order in which a socket's is tried.
pub fn roots() -> Vec<PathBuf> {
    let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from);
    let mut roots: Vec<PathBuf> = Vec::new();
    for root in runtime.into_iter().chain([std::env::temp_dir(), PathBuf::from("/tmp")]) {
        if !roots.contains(&root) {
            roots.push(root);
        }
    }
    roots
}

/// Removes what killed processes of ours left behind. A directory in which something still works
/// stays; gives a sentence for each such process.
pub fn sweep() -> Vec<String> {
    let mut words = Vec::new();
    let mut seen = BTreeSet::new();
    for root in roots() {
        for entry in std::fs::read_dir(&root).into_iter().flatten().flatten() {
            let path = entry.path();
            let ours = entry.file_name().to_str().is_some_and(|name| name.starts_with(PREFIX));
            if !ours || !seen.insert(path.clone()) {
                continue;
            }
            let Some(_owner) = take_from_the_dead(&path) else { continue };
            match at_work_in(&path) {
                Some((pid, program)) => words.push(format!(
                    "process {pid} (`{program}`) of a run that was killed still works in {}: let \
                     it end, or end it with kill -TERM {pid}",
                    path.display()
                )),
                None => remove(&path),
            }
        }
    }
    words
}

/// The owner's file, locked: where the directory is ours and its owner is dead.
fn take_from_the_dead(dir: &Path) -> Option<File> {
    let meta = std::fs::symlink_metadata(dir).ok()?;
    let mine = meta.uid() == rustix::process::geteuid().as_raw();
    if !meta.is_dir() || !mine || meta.mode() & 0o077 != 0 {
        return None;
    }
    let owner = crate::journal::own_file(OpenOptions::new().read(true), &dir.join(OWNER)).ok()?;
    owner.try_lock().ok()?;
    Some(owner)
}

/// The owner's file goes last: a removal that is cut off is taken up by the next one.
fn remove(dir: &Path) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.file_name().is_some_and(|name| name == OWNER) {
            continue;
        }
        let is_dir = entry.file_type().is_ok_and(|kind| kind.is_dir());
        let _ = if is_dir { std::fs::remove_dir_all(&path) } else { std::fs::remove_file(&path) };
    }
    let _ = std::fs::remove_file(dir.join(OWNER));
    let _ = std::fs::remove_dir(dir);
}

/// A process whose working directory is in there; only where the system shows it (Linux).
fn at_work_in(dir: &Path) -> Option<(u32, String)> {
    // The system tells directories without the links on the way to them.
    let dir = dir.canonicalize().ok()?;
    std::fs::read_dir("/proc").ok()?.flatten().find_map(|entry| {
        let pid = entry.file_name().to_str()?.parse().ok()?;
        let place = std::fs::read_link(entry.path().join("cwd")).ok()?;
        let name = std::fs::read_to_string(entry.path().join("comm")).unwrap_or_default();
        place.starts_with(&dir).then(|| (pid, sanitize::line(name.trim_end())))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_ours_and_has_no_living_owner_is_taken() {
        let place = tempfile::tempdir().expect("a directory");
        let room = Room::below(place.path(), "test").expect("a room");
        let path = room.path().to_owned();
        assert!(take_from_the_dead(&path).is_none(), "its owner lives");
        // As a killed process leaves it.
        let killed = |room: Room| room.dir.keep();
        let path = killed(room);
        std::fs::create_dir(path.join("tree")).expect("made");
        std::fs::write(path.join("tree/file"), "").expect("written");
        let linked = place.path().join("rollback-linked");
        std::os::unix::fs::symlink(&path, &linked).expect("linked");
        assert!(take_from_the_dead(&linked).is_none(), "a link is not followed");
        let plain = place.path().join("rollback-plain");
        std::fs::create_dir(&plain).expect("made");
        assert!(take_from_the_dead(&plain).is_none(), "nobody of ours made it");
        let owner = take_from_the_dead(&path).expect("its owner is dead");
        remove(&path);
        drop(owner);
        assert!(!path.exists());
    }
}

//! Reading only what nobody else could have put there: no link out of the catalog, nothing that
//! anybody may write, no pipe, nothing of a size that no runbook has.

use std::fs;
use std::os::fd::BorrowedFd;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use rustix::fs::{FileType, Mode, OFlags, fstat, openat};

use super::guard;
use super::problem::Problem;

/// A link must stay in the catalog.
pub fn within(file: &Path, root: &Path) -> std::result::Result<(), Problem> {
    let target = fs::canonicalize(file).map_err(|error| unreadable(file, error))?;
    if target.starts_with(root) {
        return Ok(());
    }
    let message = format!("the file is a link out of the catalog, to `{}`", target.display());
    Err(Problem::of_file(file, message).help("copy the file into the catalog"))
}

/// The file cannot be read.
pub fn unreadable(file: &Path, error: impl Into<std::io::Error>) -> Problem {
    let message = format!("the file cannot be read: {}", error.into());
    Problem::of_file(file, message).help("check its mode")
}

/// Reads a file, named in an open directory, that nobody else could have written.
pub fn read(
    dir: BorrowedFd<'_>,
    name: &Path,
    file: &Path,
    buffer: &mut Vec<u8>,
) -> std::result::Result<(), Problem> {
    buffer.clear();
    // Opening a pipe that nobody writes to would wait for ever.
    let flags = OFlags::RDONLY | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let open = openat(dir, name, flags, Mode::empty()).map_err(|error| unreadable(file, error))?;
    let meta = fstat(&open).map_err(|error| unreadable(file, error))?;
    if !FileType::from_raw_mode(meta.st_mode).is_file() {
        return Err(Problem::of_file(file, "this is not a file").help("move it out of the catalog"));
    }
    if let Some(problem) = writable(file, Mode::from_raw_mode(meta.st_mode).contains(Mode::WOTH)) {
        return Err(problem);
    }
    let size = usize::try_from(meta.st_size).unwrap_or(usize::MAX);
    if size > guard::SIZE {
        return Err(guard::too_large(file, size as u64));
    }
    buffer.resize(size + 1, 0);
    let mut filled = 0;
    while filled < size {
        match rustix::io::read(&open, &mut buffer[filled..]) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(unreadable(file, error)),
        }
    }
    buffer.truncate(filled);
    Ok(())
}

/// Whether anybody may write it.
pub fn by_all(meta: &fs::Metadata) -> bool {
    meta.permissions().mode() & 0o002 != 0
}

/// What anybody may write is not carried out.
pub fn writable(path: &Path, by_all: bool) -> Option<Problem> {
    by_all.then(|| {
        Problem::of_file(path, "everybody on this machine may change this runbook or directory")
            .help(format!("run: chmod o-w {}", crate::script::shell_quote(&path.to_string_lossy())))
    })
}

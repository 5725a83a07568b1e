//! One run per environment on this machine: a file lock that the system takes back when we die, with
//! the holder's name in the file.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use sha2::{Digest as _, Sha256};

use crate::error::{Error, Exit, Result};
use crate::journal::private_dir;

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct Local {
    _file: File,
}

/// Takes the lock of an environment, or says who has it.
pub fn acquire(state: &Path, environment: &str, run_id: &str, about: &str) -> Result<Local> {
    let hash = Sha256::digest(environment.as_bytes());
    let name: String = hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let dir = state.join("locks");
    let open = || -> std::io::Result<File> {
        private_dir(state)?;
        private_dir(&dir)?;
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false).mode(0o600);
        options.open(dir.join(format!("{name}.lock")))
    };
    let mut file = open().map_err(|error| {
        Error::blocked(format!(
            "the lock of {environment} cannot be taken in {}: {error}",
            dir.display()
        ))
        .hint("make the directory writable, or set XDG_STATE_HOME to one that is")
    })?;
    if file.try_lock().is_err() {
        let mut holder = String::new();
        let _ = file.read_to_string(&mut holder);
        let holder = if holder.is_empty() { "another run".to_owned() } else { holder };
        return Err(Error::new(
            Exit::LockHeld,
            format!("{environment} is being rolled back by {}", holder.trim_end()),
        )
        .hint("watch it: rollback runs show")
        .hint("it ends by itself, or with Ctrl-C in its terminal; then start again")
        .into());
    }
    let _ = file
        .set_len(0)
        .and_then(|()| file.rewind())
        .and_then(|()| writeln!(file, "run {run_id} ({about})"));
    Ok(Local { _file: file })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_run_of_an_environment_is_told_who_has_it() {
        let dir = tempfile::tempdir().expect("dir");
        let state = dir.path().join("state");
        let first = acquire(&state, "staging / default", "r1", "component x").expect("free");
        let error = acquire(&state, "staging / default", "r2", "component y").expect_err("held");
        assert_eq!(
            error.to_string(),
            "staging / default is being rolled back by run r1 (component x)"
        );
        assert!(acquire(&state, "production / default", "r3", "component x").is_ok());
        drop(first);
        assert!(acquire(&state, "staging / default", "r2", "component y").is_ok());
    }
}

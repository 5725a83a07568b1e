//! One run per environment on this machine: a file lock that the system takes back when we die, with
//! the holder's words in the file.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::holder::Holder;
use crate::error::{Error, Result};
use crate::hex;
use crate::journal::{own_file, private_dir};

/// Longer than a look at the lock takes.
const GLANCE: Duration = Duration::from_millis(10);

/// The lock, held until it is dropped.
#[derive(Debug)]
pub struct Local {
    _file: File,
    note: Note,
}

/// The words in the file, and the wish of others that its holder stop.
#[derive(Debug, Clone)]
pub struct Note {
    path: PathBuf,
}

/// Takes the lock of an environment, or says who has it.
pub fn acquire(
    state: &Path,
    environment: &str,
    me: &Holder,
) -> Result<std::result::Result<Local, Box<Holder>>> {
    let note = Note::of(state, environment);
    let dir = note.path.parent().unwrap_or(state).to_owned();
    let open = || -> io::Result<File> {
        private_dir(state)?;
        private_dir(&dir)?;
        own_file(options().create(true).truncate(false), &note.path)
    };
    let file = open().map_err(|error| {
        Error::blocked(format!(
            "the lock of {environment} cannot be taken in {}: {error}",
            dir.display()
        ))
        .hint("it must be ours and writable; or set XDG_STATE_HOME to one that is")
        .hint("nothing was changed")
    })?;
    // `rollback status` takes the lock for an instant to see whether it is free.
    if file.try_lock().is_err() {
        std::thread::sleep(GLANCE);
        if file.try_lock().is_err() {
            return Ok(Err(Box::new(note.read())));
        }
    }
    note.forget_wish();
    note.write(me);
    Ok(Ok(Local { _file: file, note }))
}

/// Who has the lock of an environment on this machine; none where nobody has.
pub fn holder(state: &Path, environment: &str) -> Option<Holder> {
    let note = Note::of(state, environment);
    let file = own_file(&mut options(), &note.path).ok()?;
    match file.try_lock() {
        Ok(()) => None,
        Err(_) => Some(note.read()),
    }
}

impl Local {
    /// The words in its file.
    pub fn note(&self) -> Note {
        self.note.clone()
    }
}

impl Note {
    fn of(state: &Path, environment: &str) -> Note {
        let name = hex::short(environment.as_bytes());
        Note { path: state.join("locks").join(format!("{name}.lock")) }
    }

    fn read(&self) -> Holder {
        let text = text_of(&self.path).unwrap_or_default();
        serde_json::from_str(text.trim()).unwrap_or_default()
    }

    /// Says what the holder is doing. The words are for people: what cannot be written is not.
    pub fn write(&self, holder: &Holder) {
        let Ok(mut text) = serde_json::to_string(holder) else { return };
        text.push('\n');
        let _ = own_file(&mut options(), &self.path).and_then(|file| {
            file.write_all_at(text.as_bytes(), 0)?;
            file.set_len(text.len() as u64)
        });
    }

    /// Asks the holder to stop after its step.
    pub fn wish(&self, by: &str) -> io::Result<()> {
        let mut file = own_file(options().create(true).truncate(true), &self.wish_path())?;
        file.write_all(by.as_bytes())
    }

    /// Who wants the holder to stop.
    pub fn wished(&self) -> Option<String> {
        let text = text_of(&self.wish_path()).ok()?;
        Some(crate::terminal::sanitize::line(text.trim())).filter(|text| !text.is_empty())
    }

    fn forget_wish(&self) {
        let _ = std::fs::remove_file(self.wish_path());
    }

    fn wish_path(&self) -> PathBuf {
        self.path.with_extension("stop")
    }
}

/// Asks the holder of an environment on this machine to stop after its step.
pub fn wish(state: &Path, environment: &str, by: &str) -> io::Result<()> {
    Note::of(state, environment).wish(by)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true).write(true);
    options
}

/// The beginning of a file of ours; it holds a few words.
fn text_of(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    own_file(OpenOptions::new().read(true), path)?.take(64 * 1024).read_to_string(&mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(run_id: &str) -> Holder {
        Holder { run_id: run_id.to_owned(), ..Holder::default() }
    }

    #[test]
    fn a_second_run_of_an_environment_is_told_who_has_it() {
        let dir = tempfile::tempdir().expect("dir");
        let state = dir.path().join("state");
        let take = |environment: &str, run: &str| {
            acquire(&state, environment, &named(run)).expect("the directory can be used")
        };
        let first = take("staging / default", "r1").expect("free");
        assert_eq!(take("staging / default", "r2").expect_err("held").run_id, "r1");
        assert_eq!(holder(&state, "staging / default").expect("held").run_id, "r1");
        assert!(take("production / default", "r3").is_ok());
        first.note().wish("bob").expect("written");
        assert_eq!(first.note().wished().as_deref(), Some("bob"));
        drop(first);
        assert!(holder(&state, "staging / default").is_none());
        let next = take("staging / default", "r2").expect("free");
        assert_eq!(next.note().wished(), None, "a wish is for one holder");
    }
}

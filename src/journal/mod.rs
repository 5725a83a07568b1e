//! The journal of a run, and the permits that only it can give. JSON Lines, a sequence number and a
//! checksum per line; an intent is on the disk before its effect. `read.rs` reads it back.

pub mod read;

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::{
    DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _,
};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::error::{Error, Exit, Result};
use crate::event::{Envelope, Record, VERSION};
use crate::hex;
use crate::lock::{Guard, NotOurs};
use crate::state::RunState;
use crate::world::clock;
use anyhow::Context as _;

/// The journal's file in a run's directory.
pub const FILE: &str = "journal.jsonl";

/// How long a record after the end waits for the writer's place.
const PATIENCE: Duration = Duration::from_secs(2);

/// Proof that a step's intent is durable and that the lock is still ours. Every change of the
/// world takes one; only the journal makes them, so no survey can write and no effect comes before
/// its intent.
#[derive(Debug)]
pub struct Permit {
    /// The step that may act.
    step: String,
    /// The intent's sequence number.
    seq: u64,
    /// The lock that it was given under.
    guard: Guard,
}

impl Permit {
    /// The step that may act.
    pub fn step(&self) -> &str {
        &self.step
    }

    /// The sequence number of the intent.
    pub fn seq(&self) -> u64 {
        self.seq
    }

    /// Whether the lock still is ours: a process that stood still may hold a permit that is not
    /// worth anything any more.
    pub fn check(&self) -> std::result::Result<(), NotOurs> {
        self.guard.check()
    }

    #[cfg(test)]
    pub(crate) fn for_a_test() -> Permit {
        Permit { step: "test".to_owned(), seq: 0, guard: Guard::for_a_test() }
    }
}

/// Where this tool keeps what it must not lose: `$XDG_STATE_HOME/rollback`.
pub fn state_dir() -> Result<PathBuf> {
    Ok(base(etcetera::BaseStrategy::state_dir, "XDG_STATE_HOME")?.join("rollback"))
}

/// Where this tool keeps what it can make again: `$XDG_CACHE_HOME/rollback`.
pub fn cache_dir() -> Result<PathBuf> {
    Ok(base(|dirs| Some(etcetera::BaseStrategy::cache_dir(dirs)), "XDG_CACHE_HOME")?
        .join("rollback"))
}

fn base(
    choose: impl Fn(&etcetera::base_strategy::Xdg) -> Option<PathBuf>,
    name: &str,
) -> Result<PathBuf> {
    etcetera::base_strategy::Xdg::new().ok().and_then(|dirs| choose(&dirs)).ok_or_else(|| {
        Error::blocked("there is no home directory to keep the journal in")
            .hint(format!("set {name} to a directory that can be written"))
            .into()
    })
}

/// Makes a directory that only we can read, with its parents; refuses one reached through a link,
/// and takes the rights of others away from one that is there.
pub fn private_dir(path: &Path) -> io::Result<()> {
    match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => {
            if meta.mode() & 0o077 != 0 {
                std::fs::set_permissions(path, Permissions::from_mode(0o700))?;
            }
            return Ok(());
        }
        Ok(_) => return Err(not_ours(path)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    if let Some(parent) = path.parent() {
        private_dir_parent(parent)?;
    }
    match std::fs::DirBuilder::new().mode(0o700).create(path) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        _ => {}
    }
    if let Some(parent) = path.parent() {
        File::open(parent)?.sync_all()?;
    }
    Ok(())
}

/// Refuses a state directory, its `runs` or a run that is a link or not a directory: what was
/// written there may be somebody else's.
pub(crate) fn own_dirs(state: &Path, run: &Path) -> io::Result<()> {
    for path in [state, &state.join("runs"), run] {
        if !std::fs::symlink_metadata(path)?.is_dir() {
            return Err(not_ours(path));
        }
    }
    Ok(())
}

fn not_ours(path: &Path) -> io::Error {
    io::Error::other(format!("{} is a link or a file, not a directory", path.display()))
}

/// Parents may be links (a home directory often is); only what is ours may not.
fn private_dir_parent(path: &Path) -> io::Result<()> {
    if path.is_dir() { Ok(()) } else { private_dir(path) }
}

/// The directory of a run below the state directory.
pub fn run_dir(state: &Path, run_id: &str) -> PathBuf {
    state.join("runs").join(run_id)
}

/// An open journal: the only writer of its run.
#[derive(Debug)]
pub struct Journal {
    file: File,
    dir: PathBuf,
    run_id: String,
    seq: u64,
    unsynced: bool,
    /// Bytes of whole lines.
    length: u64,
    /// Why nothing more may be written: a write or a sync failed, and what is on the disk since is
    /// unknown.
    broken: Option<io::ErrorKind>,
}

impl Journal {
    /// Creates the run's directory and its journal, durable before anything is written to it.
    pub fn create(state: &Path, run_id: &str) -> Result<Journal> {
        Journal::try_create(state, run_id).map_err(|error| {
            Error::blocked(format!(
                "the journal cannot be created below {}: {error}",
                state.display()
            ))
            .hint("without a journal no step is started: nothing was changed")
            .hint("make the directory writable, or set XDG_STATE_HOME to one that is")
            .into()
        })
    }

    fn try_create(state: &Path, run_id: &str) -> io::Result<Journal> {
        let dir = run_dir(state, run_id);
        private_dir(state)?;
        private_dir(&state.join("runs"))?;
        private_dir(&dir)?;
        let file = own_file(options().create_new(true).append(true), &dir.join(FILE))?;
        file.try_lock()?;
        File::open(&dir)?.sync_all()?;
        Ok(Journal {
            file,
            dir,
            run_id: run_id.to_owned(),
            seq: 0,
            unsynced: false,
            length: 0,
            broken: None,
        })
    }

    /// Opens a journal to go on with it: cuts a torn tail off and takes the writer's place, which is
    /// refused while another process has it.
    pub fn resume(state: &Path, run_id: &str) -> Result<(Journal, Vec<Envelope>)> {
        let dir = run_dir(state, run_id);
        own_dirs(state, &dir).with_context(|| format!("run {run_id} is not where it should be"))?;
        let path = dir.join(FILE);
        let file = own_file(options().append(true), &path)
            .with_context(|| format!("the journal {} cannot be opened", path.display()))?;
        if file.try_lock().is_err() {
            return Err(Error::new(
                Exit::LockHeld,
                format!("run {run_id} is going on in another process"),
            )
            .hint(format!("watch it: rollback runs show {run_id}"))
            .into());
        }
        let read = read::read_run(state, run_id)?;
        if read.torn > 0 {
            file.set_len(read.valid)?;
            file.sync_all()?;
        }
        let seq = read.records.last().map_or(0, |envelope| envelope.seq);
        let journal = Journal {
            file,
            dir,
            run_id: run_id.to_owned(),
            seq,
            unsynced: false,
            length: read.valid,
            broken: None,
        };
        Ok((journal, read.records))
    }

    /// Opens the journal of a run that is over, to add what was done since. The writer's place is
    /// waited for a moment: whoever else has it only adds a record as well.
    pub fn after(state: &Path, run_id: &str) -> Result<(Journal, RunState)> {
        let until = Instant::now() + PATIENCE;
        let (journal, records) = loop {
            match Journal::resume(state, run_id) {
                Err(error) if is_held(&error) && Instant::now() < until => {
                    std::thread::sleep(Duration::from_millis(20));
                }
                other => break other?,
            }
        };
        let folded = RunState::fold(&records).filter(|folded| folded.finish.is_some());
        let folded = folded.ok_or_else(|| {
            Error::usage(format!("run {run_id} is not over yet"))
                .hint(format!("go on with it first: rollback resume {run_id}"))
        })?;
        Ok((journal, folded))
    }

    /// The run.
    pub fn run_id(&self) -> &str {
        &self.run_id
    }

    /// The run's directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Appends a record. It is durable with the next [`Journal::sync`] or intent.
    ///
    /// When it fails the journal takes nothing more: a line that was half written is cut off again,
    /// and a later record must not stand behind one that is missing.
    pub fn append(&mut self, record: Record) -> io::Result<Envelope> {
        self.refuse_broken()?;
        let envelope = Envelope {
            v: VERSION,
            seq: self.seq + 1,
            ts: clock::now(),
            run_id: self.run_id.clone(),
            record,
        };
        let line = line_of(&envelope)?;
        if let Err(error) = self.file.write_all(line.as_bytes()) {
            self.broken = Some(error.kind());
            let _ = self.file.set_len(self.length);
            return Err(error);
        }
        self.seq += 1;
        self.length += line.len() as u64;
        self.unsynced = true;
        Ok(envelope)
    }

    /// Makes all that was appended durable.
    pub fn sync(&mut self) -> io::Result<()> {
        self.refuse_broken()?;
        if self.unsynced {
            // A second sync after a failed one would say that all is well (the system reports such
            // a failure once), so there is none.
            if let Err(error) = self.file.sync_data() {
                self.broken = Some(error.kind());
                return Err(error);
            }
            self.unsynced = false;
        }
        Ok(())
    }

    fn refuse_broken(&self) -> io::Result<()> {
        match self.broken {
            None => Ok(()),
            Some(kind) => Err(io::Error::new(kind, "it could not be written before")),
        }
    }

    /// Records a step's intent, durably, and gives the permit for it, where the lock is ours.
    pub fn intend(
        &mut self,
        step: &str,
        intent: Record,
        guard: &Guard,
    ) -> io::Result<(Envelope, Permit)> {
        guard.check().map_err(io::Error::other)?;
        let envelope = self.append(intent)?;
        self.sync()?;
        let permit = Permit { step: step.to_owned(), seq: envelope.seq, guard: guard.clone() };
        Ok((envelope, permit))
    }
}

fn is_held(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Error>().is_some_and(|error| error.exit == Exit::LockHeld)
}

fn options() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.read(true);
    options
}

/// Opens a file of ours, for us alone where it is made; a link in its place is refused.
pub fn own_file(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or_default();
    options.mode(0o600).custom_flags(nofollow).open(path).map_err(|error| {
        if error.raw_os_error() == Some(rustix::io::Errno::LOOP.raw_os_error()) {
            return io::Error::other(format!(
                "{} is a link, which is not followed: it may lead to a file that is not ours",
                path.display()
            ));
        }
        error
    })
}

/// The line of a record: its JSON with the checksum of all before it as its last field.
fn line_of(envelope: &Envelope) -> io::Result<String> {
    let mut text = serde_json::to_string(envelope)?;
    text.pop();
    let sum = sum_of(&text);
    text.push_str(",\"sum\":\"");
    text.push_str(&sum);
    text.push_str("\"}\n");
    Ok(text)
}

/// 64 bits of SHA-256, in hex.
fn sum_of(text: &str) -> String {
    hex::short(text.as_bytes())
}

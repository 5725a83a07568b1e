//! The commands for the time after a run. All of them read the run's journal; those that write add
//! records after its end.

pub mod contacts;
pub mod forward;
pub mod judge;
pub mod recovery;
pub mod report;
pub mod update;
pub mod validate;

use std::path::PathBuf;

use crate::cli::Output;
use crate::commands::launch::journal_failed;
use crate::commands::screen::Screen;
use crate::error::{Error, Exit, Result, nearest};
use crate::event::Record;
use crate::journal::{self, Journal, read};
use crate::plan::Plan;
use crate::state::RunState;

/// A run of this machine, as its journal tells it.
pub struct Past {
    /// The state directory.
    pub dir: PathBuf,
    /// What happened.
    pub state: RunState,
    /// What was done.
    pub plan: Plan,
}

impl Past {
    /// The run that was named, whatever it came to; otherwise the newest that was no rehearsal, and
    /// the newest rehearsal where nothing else ever ran.
    pub fn find(run: Option<&str>) -> Result<Past> {
        let dir = journal::state_dir()?;
        let named = run.filter(|run| *run != "last");
        if named.is_none() {
            let mut ids = read::run_ids(&dir)?;
            ids.reverse();
            // What cannot be read says so itself.
            let real = ids.iter().find(|id| {
                let read = read::read(&journal::run_dir(&dir, id).join(journal::FILE));
                let state = read.ok().and_then(|read| RunState::fold(&read.records));
                state.is_none_or(|state| !state.start.simulated)
            });
            if let Some(id) = real {
                return Past::read(dir, id);
            }
        }
        let run_id = read::find_run(&dir, named)?;
        Past::read(dir, &run_id)
    }

    /// The newest run of all, where it is a rehearsal that came after this one.
    pub fn newer_rehearsal(&self) -> Option<String> {
        let newest = read::run_ids(&self.dir).ok()?.pop()?;
        (!self.state.start.simulated && newest > self.state.run_id)
            .then(|| Past::read(self.dir.clone(), &newest).ok())
            .flatten()
            .filter(|past| past.state.start.simulated)
            .map(|past| past.state.run_id)
    }

    /// The run with this id.
    pub fn read(dir: PathBuf, run_id: &str) -> Result<Past> {
        let read = read::read(&journal::run_dir(&dir, run_id).join(journal::FILE))?;
        let state = RunState::fold(&read.records)
            .ok_or_else(|| Error::usage(format!("run {run_id} was cut off before it began")))?;
        let plan = state.plan().ok_or_else(|| {
            Error::new(
                Exit::Unknown,
                format!("the plan of run {run_id} cannot be read by this version"),
            )
            .hint(format!("it was written by rollback {}", state.start.version))
        })?;
        Ok(Past { dir, state, plan })
    }

    /// The run that was named, which must be over.
    pub fn finished(run: Option<&str>) -> Result<Past> {
        let past = Past::find(run)?;
        if past.state.finish.is_none() {
            let run_id = &past.state.run_id;
            return Err(Error::usage(format!("run {run_id} is not over yet"))
                .hint(format!("go on with it first: rollback resume {run_id}"))
                .into());
        }
        Ok(past)
    }

    /// Adds a record to the journal, durably, and to what is known here.
    pub fn add(&mut self, screen: &Screen, record: Record) -> Result<()> {
        let (mut journal, state) = Journal::after(&self.dir, &self.state.run_id)?;
        self.state = state;
        let envelope = journal.append(record).map_err(|error| journal_failed(&error, true))?;
        journal.sync().map_err(|error| journal_failed(&error, true))?;
        self.state.apply(&envelope);
        if screen.output == Output::Jsonl {
            screen.result(&serde_json::to_string(&envelope)?);
        }
        Ok(())
    }

    /// Reads what others have added meanwhile.
    pub fn refresh(&mut self) -> Result<()> {
        self.state = Past::read(self.dir.clone(), &self.state.run_id)?.state;
        Ok(())
    }
}

/// Something that is not there, with what was meant and what there is.
fn unknown<'a>(what: &str, given: &str, names: impl Iterator<Item = &'a str> + Clone) -> Error {
    let mut error = Error::usage(format!("there is no {what} `{given}` in this run"));
    if let Some(near) = nearest(given, names.clone()) {
        error = error.hint(format!("did you mean `{near}`?"));
    }
    let names: Vec<&str> = names.collect();
    if names.is_empty() {
        return error.hint(format!("its catalog names no {what}"));
    }
    error.hint(format!("there are: {}", names.join(", ")))
}

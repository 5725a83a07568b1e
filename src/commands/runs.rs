//! `rollback runs`: the runs of this machine, and the story of one.

use crate::cli::{Output, RunsArgs, RunsCommand};
use crate::error::{Error, Exit, Result};
use crate::journal::{self, read};
use crate::output::json;
use crate::state::RunState;
use crate::terminal::{runs_view, story};

use super::screen::Screen;

/// Lists the runs, or shows one.
pub fn runs(screen: &Screen, args: &RunsArgs) -> Result<Exit> {
    match &args.command {
        None => list(screen),
        Some(RunsCommand::Show { run }) => show(screen, run.as_deref()),
    }
}

fn list(screen: &Screen) -> Result<Exit> {
    let stored = read::runs(&journal::state_dir()?)?;
    let mut states = Vec::new();
    let mut damaged = Vec::new();
    for run in stored {
        match run.read {
            Ok(read) => states.extend(RunState::fold(&read.records)),
            Err(error) => damaged.push(format!("{}: {error}", run.run_id)),
        }
    }
    match screen.output {
        Output::Text => screen.result(&runs_view::runs_table(&states, &screen.out)),
        Output::Json => {
            let values: Vec<_> = states.iter().map(json::run_json).collect();
            screen.result(&serde_json::to_string_pretty(&values)?);
        }
        Output::Jsonl => {
            for state in &states {
                screen.result(&serde_json::to_string(&json::run_json(state))?);
            }
        }
    }
    if damaged.is_empty() {
        return Ok(Exit::Success);
    }
    let mut error = Error::new(Exit::Unknown, format!("{} cannot be read", count(damaged.len())));
    error.hints = damaged;
    Err(error.into())
}

fn count(runs: usize) -> String {
    if runs == 1 { "1 run".to_owned() } else { format!("{runs} runs") }
}

fn show(screen: &Screen, run: Option<&str>) -> Result<Exit> {
    let state_dir = journal::state_dir()?;
    let run_id = read::find_run(&state_dir, run)?;
    let read = read::read_run(&state_dir, &run_id)?;
    match screen.output {
        Output::Jsonl => {
            for envelope in &read.records {
                screen.result(&serde_json::to_string(envelope)?);
            }
        }
        Output::Json | Output::Text => {
            let state = RunState::fold(&read.records)
                .ok_or_else(|| Error::usage(format!("run {run_id} was cut off before it began")))?;
            if screen.output == Output::Json {
                screen.result(&serde_json::to_string_pretty(&json::run_json(&state))?);
            } else {
                screen.result(&story::run_story(&state, &read.records, &screen.out));
            }
        }
    }
    Ok(Exit::Success)
}

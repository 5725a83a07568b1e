//! `rollback runs`: the runs of this machine, and the story of one.

use crate::cli::{Filter, Output, RunsArgs, RunsCommand};
use crate::error::{Error, Exit, Result};
use crate::journal::{self, read};
use crate::output::json;
use crate::state::RunState;
use crate::terminal::{runs_view, story};

use super::screen::Screen;
use crate::world::clock;

/// Lists the runs, or shows one.
pub fn runs(screen: &Screen, args: &RunsArgs) -> Result<Exit> {
    match &args.command {
        None => list(screen, &args.filter),
        Some(RunsCommand::Show { run }) => show(screen, run.as_deref()),
    }
}

/// Whether a run is one of those asked for.
fn fits(filter: &Filter, state: &RunState) -> bool {
    let target = &state.start.target;
    let named = |wanted: &String| {
        target.split_once(' ').is_some_and(|(level, name)| {
            name == wanted || wanted.split_once(['/', ' ']) == Some((level, name))
        }) || target == wanted
    };
    filter.target.as_ref().is_none_or(named)
        && filter.verdict.as_ref().is_none_or(|wanted| state.word() == wanted)
        && filter.since.is_none_or(|span| clock::since(&state.started) <= span)
        && filter.incident.as_ref().is_none_or(|id| state.start.incident.as_ref() == Some(id))
}

fn list(screen: &Screen, filter: &Filter) -> Result<Exit> {
    let stored = read::runs(&journal::state_dir()?)?;
    let mut states = Vec::new();
    let mut damaged = Vec::new();
    let mut others = 0;
    for run in stored {
        match run.read {
            Ok(read) => {
                let Some(state) = RunState::fold(&read.records) else { continue };
                if !fits(filter, &state) {
                    others += 1;
                } else if filter.limit.is_none_or(|limit| states.len() < limit) {
                    states.push(state);
                }
            }
            Err(error) => damaged.push(format!("{}: {error}", run.run_id)),
        }
    }
    match screen.output {
        Output::Text if states.is_empty() && others > 0 => {
            screen.result(&format!("None of {} fits.", count(others)));
        }
        // There are runs, of which nothing can be told but the error below.
        Output::Text if states.is_empty() && !damaged.is_empty() => {}
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

//! `rollback resume`: fold the journal, show where the run stopped, ask the world about what is in
//! doubt, go on.

use std::path::Path;
use std::time::SystemTime;

use crate::cli::ResumeArgs;
use crate::error::{Error, Exit, Result};
use crate::event::{Record, RunStarted};
use crate::inbox::{Answer, Inbox};
use crate::journal::{self, Journal, read};
use crate::output::recorder::Recorder;
use crate::plan::Plan;
use crate::run::{Conclusion, Policy, Run, ask, spent};
use crate::runbook::Action;
use crate::state::RunState;
use crate::terminal::{prompt, resume_view};
use crate::world::hands::Hands;
use crate::world::{Reader, process};

use super::beside::Beside;
use super::launch::{fetch_secrets, journal_failed, reader, refuse_unknown};
use super::screen::Screen;
use super::under_lock::{Claim, note_lock};

/// Goes on with a run.
pub fn resume(screen: &Screen, args: &ResumeArgs) -> Result<Exit> {
    let state_dir = journal::state_dir()?;
    let run_id = match &args.run {
        Some(text) => read::find_run(&state_dir, Some(text))?,
        None => newest_to_resume(&state_dir)?,
    };
    let (journal, records) = Journal::resume(&state_dir, &run_id)?;
    let state = RunState::fold(&records);
    refuse_lost_records(journal.dir(), &run_id, state.as_ref())?;
    let state = state.ok_or_else(|| {
        Error::blocked(format!("run {run_id} was cut off before it began"))
            .hint("nothing was changed; start a new run")
    })?;
    if let Some(finish) = &state.finish {
        return Err(Error::usage(format!("run {run_id} is over: {}", finish.verdict.as_str()))
            .hint(format!("read it: rollback runs show {run_id}"))
            .into());
    }
    if state.start.simulated {
        return Err(Error::usage(format!("run {run_id} was a rehearsal; its sandbox is gone"))
            .hint("start another: rollback rehearse")
            .into());
    }
    let plan = state.plan().ok_or_else(|| {
        Error::new(
            Exit::Unknown,
            format!("the plan of run {run_id} cannot be read by this version"),
        )
        .hint(format!("it was written by rollback {}", state.start.version))
    })?;
    return_to(&state.start.directory, &plan)?;
    let answers = super::answers(&args.answers)?;
    let ids: Vec<&str> = plan.steps.iter().map(|planned| planned.step.id.as_str()).collect();
    refuse_unknown("--answer", answers.keys(), &ids, &format!("run {run_id}"))?;
    let mut inbox = Inbox::new();
    inbox.hear_signals()?;
    let policy = Policy {
        interactive: prompt::can_prompt() && !args.no_input,
        yes: args.yes,
        confirm: args.confirm.clone(),
        without_lock: args.lock.without_lock,
        answers,
        secrets: fetch_secrets(&mut inbox, &plan.secrets)?,
    };
    screen.say(&resume_view::resume_text(&state, SystemTime::now(), &screen.err));
    confirm(&mut inbox, &state, &policy)?;
    let reader = reader(&plan.setting, plan.needs_cluster())?;
    refuse_another_cluster(&mut inbox, &state.start, &reader, plan.needs_cluster())?;
    let mut claim = Claim::new(&plan, &run_id, &args.lock, policy.interactive);
    claim.incident.clone_from(&state.start.incident);
    let lock = claim.take(&mut inbox, screen, &state_dir, &reader.cluster)?;
    let output_dir = journal.dir().to_owned();
    let mut views = screen.views(&plan, &run_id, spent(&state));
    let (beside, told) = Beside::again(screen, &state, &mut views);
    let recorder = Recorder::new(journal, views).guarded(lock.guard()).beside(told);
    let mut hands = Hands::new(inbox, recorder);
    hands.output_dir = Some(output_dir);
    hands.redact(beside.redactor(&policy.secrets));
    let mut state = state;
    let resumed = Record::Resumed {
        operator: super::operator(),
        host: super::host(),
        pid: std::process::id(),
    };
    let envelope = hands.recorder.commit(resumed).map_err(|error| {
        Error::blocked(format!("the journal cannot be written: {error}"))
            .hint("nothing more was changed: the run stays where it is")
            .hint("make room or make it writable, then: rollback resume")
    })?;
    state.apply(&envelope);
    note_lock(&lock, &mut hands.recorder, &mut state)?;
    let mut run = Run::new(plan, state, hands, reader, policy);
    let conclusion = run.go().map_err(|error| journal_failed(&error, false));
    let stays = lock.release();
    run.hands.recorder.finish();
    run.reader.cluster.close();
    let conclusion = conclusion?;
    screen.end(&run.state);
    screen.lock_stays(stays, &run_id);
    super::sweep(screen);
    beside.end(screen, &mut run.hands.recorder);
    Ok(match conclusion {
        Conclusion::Finished(_, exit)
        | Conclusion::Paused(exit)
        | Conclusion::Escalate(_, exit) => exit,
    })
}

/// Whether to go on is asked, unless `--yes` says it.
fn confirm(inbox: &mut Inbox, state: &RunState, policy: &Policy) -> Result<()> {
    if policy.yes {
        return Ok(());
    }
    if !policy.interactive {
        return Err(Error::new(
            Exit::Declined,
            "not confirmed: there is no terminal to ask on, and no --yes",
        )
        .hint(format!("to go on without being asked: rollback resume {} --yes", state.run_id))
        .into());
    }
    match ask::confirm(inbox, &resume_view::resume_question(state)) {
        Answer::Yes => Ok(()),
        Answer::Interrupted => {
            Err(Error::new(Exit::Interrupted, "Ctrl-C: the run stays where it is").into())
        }
        _ => Err(Error::new(Exit::Declined, "declined: the run stays where it is").into()),
    }
}

/// The newest run that is not over; the newest of all where every run is.
fn newest_to_resume(state_dir: &Path) -> Result<String> {
    let mut ids = read::run_ids(state_dir)?;
    ids.reverse();
    let open = ids.into_iter().find(|run_id| {
        let read = read::read_run(state_dir, run_id).ok();
        let state = read.and_then(|read| RunState::fold(&read.records));
        state.is_some_and(|state| state.finish.is_none() && !state.start.simulated)
    });
    open.map_or_else(|| read::find_run(state_dir, None), Ok)
}

/// The output of a step that no record says was begun: the journal has lost its last lines, and what
/// they said was done must not be done again.
fn refuse_lost_records(dir: &Path, run_id: &str, state: Option<&RunState>) -> Result<()> {
    // Checks of the verdict leave output as well, under names of their own.
    let begun = |step: &str| {
        state.is_some_and(|state| state.step(step).is_none_or(|step| step.attempts > 0))
    };
    let outputs = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let names = outputs.filter_map(|entry| entry.file_name().into_string().ok());
    let step = |name: &str| Some(name.strip_suffix(".out")?.rsplit_once('-')?.0.to_owned());
    let Some(lost) = names.filter_map(|name| step(&name)).find(|step| !begun(step)) else {
        return Ok(());
    };
    Err(Error::new(
        Exit::Unknown,
        format!(
            "the journal of run {run_id} has lost records: step {lost} has left output, and nothing \
             says that it was begun"
        ),
    )
    .hint("it is not resumed: look at the world for what was done")
    .hint(format!("the output is in {}", dir.display()))
    .into())
}

/// A context is only a name: what was begun in one cluster is not finished in another. A cluster that
/// cannot be asked may be the one that is failing, and is no reason to stop.
fn refuse_another_cluster(
    inbox: &mut Inbox,
    start: &RunStarted,
    reader: &Reader,
    needs_cluster: bool,
) -> Result<()> {
    if !needs_cluster || start.cluster.is_empty() {
        return Ok(());
    }
    let cluster = reader.cluster.clone();
    let found = match inbox.attend(move || cluster.identity()) {
        Some(Ok(identity)) if !identity.uid.is_empty() => identity,
        Some(_) => return Ok(()),
        None => return Err(Error::new(Exit::Interrupted, "the run stays where it is").into()),
    };
    if found.uid == start.cluster {
        return Ok(());
    }
    let short = |uid: &str| uid.chars().take(8).collect::<String>();
    Err(Error::new(
        Exit::PlanStale,
        format!(
            "context {} leads to another cluster now: the run was begun in cluster {}, this is {}",
            start.context,
            short(&start.cluster),
            short(&found.uid)
        ),
    )
    .hint("nothing was changed; set KUBECONFIG as it was when the run was started")
    .into())
}

/// Goes to where the run was started: its relative paths and its commands mean that place.
fn return_to(directory: &str, plan: &Plan) -> Result<()> {
    let is_meant = plan.steps.iter().any(|planned| {
        use Action::{Apply, Command, RestoreFiles, RevertCommits, RollbackBranch};
        let action = &planned.step.action;
        matches!(
            action,
            Command(_) | RevertCommits(_) | RestoreFiles(_) | RollbackBranch(_) | Apply(_)
        )
    });
    process::add_to_every_child(process::paths_from_here());
    match std::env::set_current_dir(directory) {
        Err(error) if is_meant && !directory.is_empty() => Err(Error::blocked(format!(
            "the run was started in {directory}, which cannot be entered: {error}"
        ))
        .hint("nothing was changed; its commands and relative paths are meant from there")
        .hint("put the directory back, then resume again")
        .into()),
        _ => Ok(()),
    }
}

//! `rollback resume`: fold the journal, show where the run stopped, ask the world about what is in
//! doubt, go on.

use std::time::SystemTime;

use crate::cli::ResumeArgs;
use crate::error::{Error, Exit, Result};
use crate::event::Record;
use crate::inbox::{Answer, Inbox};
use crate::journal::{self, Journal, read};
use crate::output::recorder::Recorder;
use crate::plan::Plan;
use crate::run::{Conclusion, Policy, Run, ask};
use crate::runbook::Action;
use crate::state::RunState;
use crate::terminal::{prompt, resume_view};
use crate::world::hands::Hands;

use super::beside::Beside;
use super::launch::{fetch_secrets, journal_failed, reader};
use super::screen::Screen;
use super::under_lock::{Claim, note_lock};

/// Goes on with a run.
pub fn resume(screen: &Screen, args: &ResumeArgs) -> Result<Exit> {
    let state_dir = journal::state_dir()?;
    let run_id = read::find_run(&state_dir, args.run.as_deref())?;
    let (journal, records) = Journal::resume(&state_dir, &run_id)?;
    let state = RunState::fold(&records).ok_or_else(|| {
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
    let mut inbox = Inbox::new();
    inbox.hear_signals()?;
    let policy = Policy {
        interactive: prompt::can_prompt() && !args.no_input,
        yes: args.yes,
        confirm: args.confirm.clone(),
        without_lock: args.lock.without_lock,
        answers: super::answers(&args.answers)?,
        secrets: fetch_secrets(&mut inbox, &plan.secrets)?,
    };
    screen.say(&resume_view::resume_text(&state, SystemTime::now(), &screen.err));
    if !policy.yes {
        if !policy.interactive {
            return Err(Error::new(
                Exit::Declined,
                "not confirmed: there is no terminal to ask on, and no --yes",
            )
            .hint(format!("to go on without being asked: rollback resume {run_id} --yes"))
            .into());
        }
        match ask::confirm(&mut inbox, &resume_view::resume_question(&state)) {
            Answer::Yes => {}
            Answer::Interrupted => {
                return Err(
                    Error::new(Exit::Interrupted, "Ctrl-C: the run stays where it is").into()
                );
            }
            _ => {
                return Err(
                    Error::new(Exit::Declined, "declined: the run stays where it is").into()
                );
            }
        }
    }
    let reader = reader(&plan.setting, plan.needs_cluster())?;
    let mut claim = Claim::new(&plan, &run_id, &args.lock, policy.interactive);
    claim.incident.clone_from(&state.start.incident);
    let lock = claim.take(&mut inbox, screen, &state_dir, &reader.cluster)?;
    let output_dir = journal.dir().to_owned();
    let mut views = screen.views(&plan, &run_id);
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
    let envelope = hands.recorder.commit(resumed).map_err(|error| journal_failed(&error, true))?;
    state.apply(&envelope);
    note_lock(&lock, &mut hands.recorder, &mut state)?;
    let mut run = Run::new(plan, state, hands, reader, policy);
    let conclusion = run.go().map_err(|error| journal_failed(&error, false));
    drop(lock);
    run.hands.recorder.finish();
    run.reader.cluster.close();
    let conclusion = conclusion?;
    screen.end(&run.state);
    super::sweep(screen);
    beside.end(screen, &mut run.hands.recorder);
    Ok(match conclusion {
        Conclusion::Finished(_, exit)
        | Conclusion::Paused(exit)
        | Conclusion::Escalate(_, exit) => exit,
    })
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

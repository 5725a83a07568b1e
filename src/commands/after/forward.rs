//! `rollback forward`: the way back to where a rollback began, once the causes are fixed. The
//! values that the run's own journal recorded are set again by the same engine; what somebody
//! changed since is refused.

use std::collections::BTreeMap;

use crate::cli::{ForwardArgs, Global};
use crate::commands::entry;
use crate::commands::launch::{Launch, Way};
use crate::commands::operator;
use crate::commands::screen::Screen;
use crate::draft::Draft;
use crate::error::{Error, Exit, Result};
use crate::event::Record;
use crate::journal::{self, read};
use crate::plan::Plan;
use crate::runbook::{Action, Confirm, OnFailure, Runbook, Step, Target};
use crate::state::{RunState, StepState};

use super::Past;
use super::contacts::decider;

/// The name of the generated method.
pub const METHOD: &str = "forward";

/// What a run set, by object and field.
type Set = BTreeMap<(String, String), String>;

/// Goes forward.
pub fn forward(
    global: &Global,
    screen: &Screen,
    target: &Target,
    args: &ForwardArgs,
) -> Result<Exit> {
    let past = match &args.of {
        Some(run) => Past::finished(Some(run))?,
        None => newest(target)?,
    };
    refuse_wrong_run(&past)?;
    let catalog = entry::catalog(global, screen)?;
    let (runbook, _) = catalog.runbook(target)?;
    let (steps, set) = steps(&past, target, &runbook)?;
    let open = open_criteria(&past);
    let overridden = gate(&past, &open, args)?;
    for step in pushed(&past) {
        screen.say(&format!("not taken back by this: {step}; revert its commit where you want it"));
    }
    let mut run = args.run.clone();
    if past.plan.target == *target {
        run.method = Some(past.plan.method.clone());
        // What the run was given counts, except for what is given now.
        let now = |name: &str| {
            args.run.params.iter().any(|it| it.split_once('=').is_some_and(|(it, _)| it == name))
        };
        let known = past.plan.parameters.iter().filter(|(name, _)| !now(name));
        run.params.extend(known.map(|(name, value)| format!("{name}={value}")));
    }
    let run_id = past.state.run_id.clone();
    let adapt = |draft: &mut Draft| {
        METHOD.clone_into(&mut draft.method);
        draft.description = Some(format!("The values from before run {run_id}."));
        draft.context.clone_from(&past.plan.setting.context);
        draft.namespace.clone_from(&past.plan.setting.namespace);
        draft.steps.clone_from(&steps);
        draft.forward_of = Some(run_id.clone());
        draft.after.recovery.clear();
        draft.after.criteria.clear();
    };
    let check = |plan: &Plan| refuse_changed(plan, &set, &run_id);
    let dir = journal::state_dir()?;
    let begun = |forward: &str| {
        let mut past = Past::read(dir.clone(), &run_id)?;
        let record = Record::ForwardStarted {
            run: forward.to_owned(),
            target: target.to_string(),
            by: operator(),
            open: open.clone(),
            overridden_by: overridden.clone(),
            reason: overridden.as_ref().and(args.run.reason.clone()),
        };
        // The stream belongs to the run that begins here.
        past.add(&Screen { output: crate::cli::Output::Text, ..screen.clone() }, record)
    };
    let refusal = (overridden.is_none() && !open.is_empty()).then(|| refused(&past, &open));
    let mut launch = Launch {
        args: run,
        catalog,
        screen: screen.clone(),
        simulated: false,
        stood_in: Vec::new(),
        adapt: Some(&adapt),
        way: Some(Way { check: &check, refusal: refusal.as_ref(), begun: &begun }),
        state: journal::state_dir()?,
        climbed: false,
    };
    launch.go(target.clone())
}

/// The newest rollback of a target that is over, was no rehearsal and changed something.
fn newest(target: &Target) -> Result<Past> {
    let dir = journal::state_dir()?;
    let wanted = target.to_string();
    let fits = |state: &RunState| {
        state.start.target == wanted
            && state.finish.is_some()
            && !state.start.simulated
            && state.start.forward_of.is_none()
            && state.changed()
    };
    let mut ids = read::run_ids(&dir)?;
    ids.reverse();
    for id in ids {
        let Ok(read) = read::read(&journal::run_dir(&dir, &id).join(journal::FILE)) else {
            continue;
        };
        if RunState::fold(&read.records).is_some_and(|state| fits(&state)) {
            return Past::read(dir, &id);
        }
    }
    Err(Error::usage(format!(
        "there is no finished rollback of {target} on this machine that changed something"
    ))
    .hint("name the run that changed it, a service's or the system's: --run RUN")
    .hint("see them: rollback runs")
    .into())
}

fn refuse_wrong_run(past: &Past) -> Result<()> {
    let run_id = &past.state.run_id;
    if past.state.start.simulated {
        return Err(Error::usage(format!("run {run_id} was a rehearsal: it changed nothing"))
            .hint("name a rollback: rollback runs")
            .into());
    }
    if let Some(of) = &past.state.start.forward_of {
        return Err(Error::usage(format!("run {run_id} was itself the way forward of run {of}"))
            .hint("to go back again, roll back")
            .into());
    }
    Ok(())
}

/// The steps that set the values again, and what the run had set.
fn steps(past: &Past, target: &Target, runbook: &Runbook) -> Result<(Vec<Step>, Set)> {
    let whole = past.plan.target == *target;
    let own = own_flags(runbook);
    let (mut steps, mut set, mut created) = (Vec::new(), Set::new(), Vec::new());
    for planned in &past.plan.steps {
        let done = is_done(past, &planned.step.id);
        match &planned.step.action {
            Action::SetFlags(spec) if done => {
                let mut back = spec.clone();
                back.flags.clear();
                back.create = false;
                for change in &planned.forecast.changes {
                    if !whole && !own.contains(&change.field.as_str()) {
                        continue;
                    }
                    let Some(from) = &change.from else {
                        created.push(format!("{} {}", change.object, change.field));
                        continue;
                    };
                    back.flags.insert(change.field.clone(), from.clone());
                    let key = (change.object.clone(), change.field.clone());
                    set.insert(key, change.to.clone());
                }
                if let Some(change) =
                    planned.forecast.changes.first().filter(|_| !back.flags.is_empty())
                {
                    let name = format!("Set {} as it was before", change.object);
                    steps.push(plain(&planned.step, name, Action::SetFlags(back)));
                }
            }
            Action::Restart(_) if done && whole => {
                let step = &planned.step;
                steps.push(plain(step, step.name.clone(), step.action.clone()));
            }
            _ => {}
        }
    }
    if !created.is_empty() {
        return Err(Error::blocked(format!(
            "run {} created what was not there before: {}",
            past.state.run_id,
            created.join(", ")
        ))
        .hint("remove it by hand; nothing was changed")
        .into());
    }
    if set.is_empty() {
        return Err(Error::usage(format!(
            "run {} changed no flag of {target}, so there is nothing to set again",
            past.state.run_id
        ))
        .hint(format!("what it did: rollback runs show {}", past.state.run_id))
        .into());
    }
    if !whole {
        let with_flags = runbook.methods.iter().find(|method| {
            method.steps.iter().any(|step| matches!(step.action, Action::SetFlags(_)))
        });
        let restarts = with_flags.into_iter().flat_map(|method| &method.steps);
        let restarts = restarts.filter(|step| matches!(step.action, Action::Restart(_)));
        steps.extend(restarts.map(|it| plain(it, it.name.clone(), it.action.clone())));
    }
    Ok((steps, set))
}

/// The flags that a runbook names in any of its methods.
fn own_flags(runbook: &Runbook) -> Vec<&str> {
    let steps = runbook.methods.iter().flat_map(|method| &method.steps);
    steps
        .filter_map(|step| match &step.action {
            Action::SetFlags(spec) => Some(spec.flags.keys().map(String::as_str)),
            _ => None,
        })
        .flatten()
        .collect()
}

fn plain(step: &Step, name: String, action: Action) -> Step {
    Step { name, action, confirm: Confirm::None, on_failure: OnFailure::Stop, ..step.clone() }
}

fn is_done(past: &Past, id: &str) -> bool {
    past.state.step(id).is_some_and(|step| matches!(step.state, StepState::Done { .. }))
}

/// The steps whose effect is in git, or outside, where no flag reaches.
fn pushed(past: &Past) -> Vec<String> {
    let steps = past.plan.steps.iter().filter(|planned| {
        is_done(past, &planned.step.id)
            && matches!(
                planned.step.action,
                Action::RevertCommits(_) | Action::RestoreFiles(_) | Action::RollbackBranch(_)
            )
    });
    steps.map(|planned| planned.step.name.clone()).collect()
}

fn open_criteria(past: &Past) -> Vec<String> {
    let ticked = &past.state.after.criteria;
    let open = past.plan.after.criteria.iter().filter(|item| !ticked.contains_key(&item.id));
    open.map(|item| item.id.clone()).collect()
}

/// Open criteria stop the way forward, unless somebody who may says otherwise.
fn gate(past: &Past, open: &[String], args: &ForwardArgs) -> Result<Option<String>> {
    if let Some(who) = &args.override_by {
        return Ok(Some(decider(&past.plan.after.authority, who)?));
    }
    if open.is_empty() || args.run.dry_run {
        return Ok(None);
    }
    Err(refused(past, open).into())
}

/// The way forward is not open: what is to be ticked first.
fn refused(past: &Past, open: &[String]) -> Error {
    let run_id = &past.state.run_id;
    let mut error = Error::blocked(format!(
        "{} of {} criteria of the way forward are open",
        open.len(),
        past.plan.after.criteria.len()
    ));
    for item in past.plan.after.criteria.iter().filter(|item| open.contains(&item.id)) {
        error = error.hint(format!("{}: {}", item.id, item.text));
    }
    error
        .hint(format!("tick them: rollback recovery {run_id} --criterion {}", open[0]))
        .hint("or say who decides otherwise: --override WHO --reason TEXT")
        .hint("nothing was changed")
}

/// What is no longer as the run left it belongs to somebody else.
fn refuse_changed(plan: &Plan, set: &Set, run_id: &str) -> Result<()> {
    let mut error = Error::new(
        Exit::PlanStale,
        format!("somebody changed since what run {run_id} had set; nothing was changed"),
    );
    for change in plan.steps.iter().flat_map(|planned| &planned.forecast.changes) {
        let expected = set.get(&(change.object.clone(), change.field.clone()));
        if let Some(expected) = expected.filter(|expected| change.from.as_ref() != Some(expected)) {
            let now = change.from.as_deref().unwrap_or("not there");
            error = error.hint(format!(
                "{} {}: the run set {expected}, it is {now}",
                change.object, change.field
            ));
        }
    }
    if error.hints.is_empty() {
        return Ok(());
    }
    Err(error.hint("ask who did, and set it by hand where that is right").into())
}

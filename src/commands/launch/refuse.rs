//! What stands in the way of a run before anything is changed, said so that a program can act on it.

use crate::cli::RunArgs;
use crate::commands::confirm::deciders;
use crate::error::{Error, Exit, Result};
use crate::plan::Plan;
use crate::run::Policy;
use crate::runbook::{Action, Confirm, Level, Settings};
use crate::terminal::plan_view::{Before, leaving_out};
use crate::terminal::shell::command_line;

use super::is_harmless;

/// A plan that is blocked, as an error: which steps, why, and what can be done. The screen has shown
/// the same already.
pub fn blocked(plan: &Plan, before: &Before) -> Error {
    let steps: Vec<_> = plan.blocked().collect();
    let names: Vec<&str> = steps.iter().map(|it| it.step.name.as_str()).collect();
    let are = if names.len() == 1 { "is" } else { "are" };
    let mut error =
        Error::blocked(format!("nothing was changed: {} {are} blocked", names.join("; ")));
    for planned in &steps {
        for obstacle in planned.forecast.obstacles.iter().filter(|it| it.certain) {
            error = error.hint(format!("{}: {}", planned.step.id, obstacle.why));
            if let Some(hint) = &obstacle.hint {
                error = error.hint(format!("{}: {hint}", planned.step.id));
            }
        }
    }
    if let Some(command) = leaving_out(plan, before) {
        error = error.hint(format!("to leave out what is blocked: {}", command_line(&command)));
    }
    if let Some(rung) = plan.ladder.first() {
        let command = before.offered(rung.command());
        error = error.hint(format!("the next way: {}", command_line(&command)));
    }
    error.shown()
}

/// What will need an answer that nobody can give is refused before anything is changed, with every
/// flag that is missing at once.
pub fn unanswerable(
    plan: &Plan,
    settings: &Settings,
    args: &RunArgs,
    policy: &Policy,
    simulated: bool,
) -> Result<()> {
    if policy.interactive {
        return Ok(());
    }
    let name = &plan.target.name;
    // Each flag that is missing, and what it answers.
    let mut missing: Vec<(String, String)> = Vec::new();
    if !simulated && !is_harmless(plan) {
        let level = plan.target.level;
        if level == Level::Component && !policy.yes {
            missing.push(("--yes".to_owned(), String::new()));
        }
        if level == Level::System && args.decided_by.is_none() {
            missing.push(("--decided-by WHO".to_owned(), deciders(settings)));
        }
        if level != Level::Component && policy.confirm.is_none() {
            missing.push((format!("--confirm {name}"), String::new()));
        }
    }
    let unconfirmed = !missing.is_empty();
    for planned in plan.steps.iter().filter(|planned| !planned.left_out) {
        let step = &planned.step;
        if matches!(step.action, Action::Manual(_)) && !policy.answers.contains_key(&step.id) {
            let flag = format!("--answer {}=pass", step.id);
            let hint = format!("{}: {flag} (or =fail)", step.name);
            missing.push((flag, hint));
        }
        if step.confirm == Confirm::Yes && !policy.yes {
            missing.push(("--yes".to_owned(), format!("{}: --yes", step.name)));
        }
        if step.confirm == Confirm::Name && policy.confirm.as_deref() != Some(name) {
            let flag = format!("--confirm {name}");
            let hint = format!("{}: {flag}", step.name);
            missing.push((flag, hint));
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    let mut flags: Vec<String> = Vec::new();
    for (flag, _) in &missing {
        if !flags.contains(flag) {
            flags.push(flag.clone());
        }
    }
    let message = if unconfirmed {
        format!("not confirmed: there is no terminal to ask on, and no {}", flags.join(", no "))
    } else {
        "nobody can be asked here, and this run has questions".to_owned()
    };
    let all = format!("to go on without being asked: {}", flags.join(" "));
    let hints = missing.into_iter().map(|(_, hint)| hint).filter(|hint| !hint.is_empty());
    let error = hints.fold(Error::new(Exit::Declined, message).hint(all), Error::hint);
    Err(error.hint("nothing was changed").into())
}

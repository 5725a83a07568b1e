//! The confirmation, scaled to the risk: y/N for a component, its name for a service, `system` and
//! who decided for the system. No terminal: never prompt, never hang.

use crate::cli::RunArgs;
use crate::error::{Error, Exit, Result};
use crate::event::Record;
use crate::inbox::{Answer, Inbox};
use crate::plan::Plan;
use crate::run::{Policy, ask};
use crate::runbook::after::is_placeholder;
use crate::runbook::{Level, Settings};
use crate::terminal::plan_view;

use super::after::contacts::decider;
use super::launch::is_harmless;

/// How often it is asked who decided.
const TRIES: usize = 3;

/// Asks, or takes the flags' answer; no is an error that says how to say yes.
pub fn confirm(
    inbox: &mut Inbox,
    plan: &Plan,
    settings: &Settings,
    policy: &Policy,
    args: &RunArgs,
    simulated: bool,
) -> Result<Record> {
    let decided_by = match &args.decided_by {
        Some(who) => Some(decider(&settings.decision_authority, who)?),
        None => None,
    };
    let yes = |how: &str, decided_by: Option<String>| {
        Ok(Record::Confirmed { how: how.to_owned(), yes: true, decided_by })
    };
    if simulated {
        return yes("rehearsal", decided_by);
    }
    if is_harmless(plan) {
        return yes("nothing to change", decided_by);
    }
    match plan.target.level {
        Level::Component => {
            if policy.yes {
                return yes("--yes", decided_by);
            }
            if !policy.interactive {
                return Err(unasked("--yes").into());
            }
            match ask::confirm(inbox, &plan_view::question(plan)) {
                Answer::Yes => yes("prompt", decided_by),
                answer => Err(declined(inbox, &answer).into()),
            }
        }
        Level::Service | Level::System => {
            let name = &plan.target.name;
            let decided_by = if plan.target.level == Level::System {
                Some(who_decided(inbox, settings, policy, decided_by)?)
            } else {
                decided_by
            };
            if let Some(given) = &policy.confirm {
                if given == name {
                    return yes("--confirm", decided_by);
                }
                return Err(Error::new(
                    Exit::Declined,
                    format!("--confirm {given} does not name {}", plan.target),
                )
                .hint(format!("to go on: --confirm {name}"))
                .hint("nothing was changed")
                .into());
            }
            if !policy.interactive {
                return Err(unasked(&format!("--confirm {name}")).into());
            }
            let question = format!("{} Type {name} to go on", plan_view::question(plan));
            match ask::name(inbox, &question, name) {
                Answer::Yes => yes("prompt", decided_by),
                answer => Err(declined(inbox, &answer).into()),
            }
        }
    }
}

fn who_decided(
    inbox: &mut Inbox,
    settings: &Settings,
    policy: &Policy,
    given: Option<String>,
) -> Result<String> {
    if let Some(who) = given {
        return Ok(who);
    }
    if !policy.interactive {
        return Err(unasked("--decided-by WHO").hint(deciders(settings)).into());
    }
    let known = authorities(settings);
    let known = if known.is_empty() { known } else { format!(": {known}") };
    let question = format!("Who decided this rollback{known}?");
    let mut again = String::new();
    for _ in 0..TRIES {
        match ask::text(inbox, &format!("{again}{question}")) {
            Answer::Text(who) if !who.trim().is_empty() => {
                match decider(&settings.decision_authority, &who) {
                    Ok(who) => return Ok(who),
                    Err(error) => again = format!("{error} (name the role, or NAME (ROLE)). "),
                }
            }
            answer => return Err(declined(inbox, &answer).into()),
        }
    }
    Err(Error::new(Exit::Declined, "nobody was named who may decide: nothing was changed")
        .hint("see who may: rollback contacts")
        .into())
}

/// Who may decide on a system rollback, in a sentence.
pub fn deciders(settings: &Settings) -> String {
    match authorities(settings) {
        known if known.is_empty() => {
            "the catalog does not say who may decide on a system rollback: name who did".to_owned()
        }
        known => format!("who may decide on a system rollback: {known}"),
    }
}

fn authorities(settings: &Settings) -> String {
    let known = settings.decision_authority.iter().map(|it| {
        match it.contact.as_deref().filter(|contact| !is_placeholder(contact)) {
            Some(contact) => format!("{} ({}, {contact})", it.role, it.rank),
            None => format!("{} ({})", it.role, it.rank),
        }
    });
    known.collect::<Vec<_>>().join(", ")
}

fn unasked(flag: &str) -> Error {
    Error::new(
        Exit::Declined,
        format!("not confirmed: there is no terminal to ask on, and no {flag}"),
    )
    .hint(format!("to go on without being asked: {flag}"))
    .hint("nothing was changed")
}

fn declined(inbox: &Inbox, answer: &Answer) -> Error {
    if *answer == Answer::Interrupted {
        let exit = if inbox.terminated() { Exit::Terminated } else { Exit::Interrupted };
        return Error::new(exit, format!("{}: nothing was changed", inbox.reason()));
    }
    Error::new(Exit::Declined, "declined: nothing was changed")
}

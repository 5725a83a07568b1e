//! Asking one automatic item of the validation: its endpoint or its command, on a helper thread, so
//! that signals still reach us.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use crate::after::ItemPlan;
use crate::inbox::{Inbox, Message, Stop};
use crate::late::{self, Late};
use crate::run::attempt_headers;
use crate::runbook::{Action, Command};
use crate::state::RunState;
use crate::step::{command, kinds};
use crate::terminal::sanitize;
use crate::world::process::{Ending, Invocation, capture};

/// How often a bad answer is asked again before it counts.
const AGAIN: u32 = 2;
/// Between two answers.
const PAUSE: Duration = Duration::from_millis(300);

/// What an item came to; none where somebody stopped us.
pub fn ask(
    inbox: &mut Inbox,
    state: &RunState,
    item: &ItemPlan,
    secrets: &BTreeMap<String, String>,
) -> Option<(bool, String)> {
    if let Some(problem) = &item.problem {
        return Some((false, format!("it cannot be asked: {problem}")));
    }
    let late = Late {
        run_id: state.run_id.clone(),
        started: state.started.clone(),
        outputs: state.outputs(),
    };
    let action = match late.resolve(&item.check.action) {
        Ok((action, _)) => action,
        Err(why) => return Some((false, format!("it cannot be asked: {why}"))),
    };
    let in_a_row = match &action {
        Action::Http(http) => http.consecutive.max(1),
        _ => 1,
    };
    let (mut good, mut bad) = (0, 0);
    loop {
        let (passed, why) = match &action {
            Action::Http(http) => probe(inbox, &action, http.attempt_timeout, secrets)?,
            Action::Metric(spec) => probe(inbox, &action, spec.attempt_timeout, secrets)?,
            Action::Command(spec) => run(inbox, spec, state, &item.id, secrets, item.check.within)?,
            _ => return Some((false, "it needs a person".to_owned())),
        };
        if passed {
            (good, bad) = (good + 1, 0);
        } else {
            (good, bad) = (0, bad + 1);
        }
        if good >= in_a_row {
            let times = if in_a_row > 1 { format!(", {in_a_row} in a row") } else { String::new() };
            return Some((true, format!("{why}{times}")));
        }
        if bad > AGAIN {
            return Some((false, format!("{why}, {bad} in a row")));
        }
        wait(inbox, if passed { PAUSE / 6 } else { PAUSE })?;
    }
}

/// Waits; none where somebody stopped us.
pub fn wait(inbox: &mut Inbox, span: Duration) -> Option<()> {
    let until = Instant::now() + span;
    while Instant::now() < until {
        inbox.recv_until(until);
        if inbox.stop() != Stop::No {
            return None;
        }
    }
    Some(())
}

fn probe(
    inbox: &mut Inbox,
    action: &Action,
    limit: Duration,
    secrets: &BTreeMap<String, String>,
) -> Option<(bool, String)> {
    let (asked, headers) = (action.clone(), attempt_headers(action, secrets));
    inbox.helper(move || {
        let (_, attempt) = kinds::ask_once(&asked, &headers);
        Message::Probed(attempt.passed, attempt.sentence)
    });
    answer(inbox, limit + Duration::from_secs(5))
}

fn run(
    inbox: &mut Inbox,
    spec: &Command,
    state: &RunState,
    id: &str,
    secrets: &BTreeMap<String, String>,
    within: Duration,
) -> Option<(bool, String)> {
    let argv = command::argv(spec);
    let shown = command::short(&argv);
    let mut invocation = Invocation::new(argv, within);
    invocation.cwd = Some(command::here(spec));
    invocation.env = BTreeMap::from([
        ("ROLLBACK_RUN_ID".to_owned(), state.run_id.clone()),
        ("ROLLBACK_STEP".to_owned(), id.to_owned()),
    ]);
    for (name, value) in &spec.env {
        let value = late::replace(value, |secret| secrets.get(secret).cloned());
        invocation.env.insert(name.clone(), value);
    }
    inbox.helper(move || {
        let captured = capture(&invocation);
        let passed = captured.ending == Ending::Exit(0);
        let last = String::from_utf8_lossy(&captured.stderr);
        let last = last.lines().rfind(|line| !line.trim().is_empty()).map(sanitize::line);
        let why = match (passed, last) {
            (false, Some(last)) => format!("`{shown}`: {}: {last}", captured.ending.phrase()),
            _ => format!("`{shown}`: {}", captured.ending.phrase()),
        };
        Message::Probed(passed, why)
    });
    answer(inbox, within + Duration::from_secs(5))
}

fn answer(inbox: &mut Inbox, limit: Duration) -> Option<(bool, String)> {
    let until = Instant::now() + limit;
    while Instant::now() < until {
        if let Some(Message::Probed(passed, why)) = inbox.recv_until(until) {
            return Some((passed, why));
        }
        if inbox.stop() != Stop::No {
            return None;
        }
    }
    Some((false, "no answer".to_owned()))
}

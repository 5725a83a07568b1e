//! The table of kinds: which file answers for which action. Adding a kind is a line in each match,
//! and the compiler names the lines that are missing.

use std::collections::BTreeSet;

use crate::facts::{Facts, Read, endpoint_key};
use crate::journal::Permit;
use crate::late;
use crate::runbook::{Action, Http, Metric, SetFlags, Workload};
use crate::step::git::{restore_files, revert_commits, rollback_branch};
use crate::step::workload::{restart, rollout_undo, wait_rollout};
use crate::step::{
    Doing, Done, Effect, Forecast, Mark, Nature, Setting, apply, command, metric, restore_snapshot,
    set_flags,
};
use crate::world::hands::Hands;
use crate::world::web::{self, Attempt};

/// What a step is to the world.
pub fn nature(action: &Action) -> Nature {
    match action {
        Action::SetFlags(_)
        | Action::Restart(_)
        | Action::RolloutUndo(_)
        | Action::Apply(_)
        | Action::RestoreSnapshot(_)
        | Action::RevertCommits(_)
        | Action::RestoreFiles(_)
        | Action::RollbackBranch(_) => Nature::Change,
        Action::Command(spec) => command::nature(spec),
        Action::Http(_) | Action::Metric(_) | Action::Manual(_) | Action::Wait(_) => Nature::Check,
    }
}

/// Whether its effect is in the cluster, which shows at once what it has said to be done.
pub fn is_in_cluster(action: &Action) -> bool {
    match action {
        Action::SetFlags(_)
        | Action::Restart(_)
        | Action::RolloutUndo(_)
        | Action::Apply(_)
        | Action::RestoreSnapshot(_) => true,
        Action::RevertCommits(_)
        | Action::RestoreFiles(_)
        | Action::RollbackBranch(_)
        | Action::Command(_)
        | Action::Http(_)
        | Action::Metric(_)
        | Action::Manual(_)
        | Action::Wait(_) => false,
    }
}

/// What its forecast needs to know.
pub fn reads(action: &Action, setting: &Setting) -> Vec<Read> {
    match action {
        Action::SetFlags(spec) => set_flags::reads(spec, setting),
        Action::Restart(spec) => restart::reads(spec, setting),
        Action::RolloutUndo(spec) => rollout_undo::reads(spec),
        Action::Apply(spec) => apply::reads(spec, setting),
        Action::RestoreSnapshot(spec) => restore_snapshot::reads(spec),
        Action::RevertCommits(spec) => revert_commits::reads(spec, setting),
        Action::RestoreFiles(spec) => restore_files::reads(spec, setting),
        Action::RollbackBranch(spec) => rollback_branch::reads(spec, setting),
        Action::Command(spec) => command::reads(spec),
        Action::Wait(spec) => wait_rollout::reads(&spec.rollout, setting),
        Action::Http(_) | Action::Metric(_) | Action::Manual(_) => Vec::new(),
    }
}

/// What it will find and change; adds its own effect to the facts.
pub fn forecast(action: &Action, setting: &Setting, facts: &mut Facts) -> Forecast {
    let forecast = forecast_of(action, setting, facts);
    note_rolled(action, &forecast, facts);
    forecast
}

/// Which workloads have new pods after a step, so that the next one need not make them once more.
/// What may change anything that pods read ends it.
fn note_rolled(action: &Action, forecast: &Forecast, facts: &mut Facts) {
    let stopped = !forecast.obstacles.is_empty();
    match action {
        _ if stopped => facts.rolled.clear(),
        Action::SetFlags(SetFlags { workload: Some(workload), .. }) => {
            if !forecast.already_there && !forecast.changes.is_empty() {
                facts.rolled.insert(workload.clone());
            }
        }
        Action::SetFlags(_) if forecast.already_there => {}
        Action::Restart(_)
        | Action::Wait(_)
        | Action::Http(_)
        | Action::Metric(_)
        | Action::RevertCommits(_)
        | Action::RestoreFiles(_)
        | Action::RollbackBranch(_) => {}
        Action::SetFlags(_)
        | Action::RolloutUndo(_)
        | Action::Apply(_)
        | Action::RestoreSnapshot(_)
        | Action::Command(_)
        | Action::Manual(_) => facts.rolled.clear(),
    }
}

fn forecast_of(action: &Action, setting: &Setting, facts: &mut Facts) -> Forecast {
    match action {
        Action::SetFlags(spec) => set_flags::forecast(spec, setting, facts),
        Action::Restart(spec) => restart::forecast(spec, setting, facts),
        Action::RolloutUndo(spec) => rollout_undo::forecast(spec, setting, facts),
        Action::Apply(spec) => apply::forecast(spec, setting, facts),
        Action::RestoreSnapshot(spec) => restore_snapshot::forecast(spec, setting, facts),
        Action::RevertCommits(spec) => revert_commits::forecast(spec, setting, facts),
        Action::RestoreFiles(spec) => restore_files::forecast(spec, setting, facts),
        Action::RollbackBranch(spec) => rollback_branch::forecast(spec, setting, facts),
        Action::Command(spec) => command::forecast(spec, facts),
        Action::Wait(spec) => wait_rollout::forecast(&spec.rollout, setting, facts),
        Action::Http(spec) => http_forecast(action, spec, facts),
        Action::Metric(spec) => metric_forecast(action, spec, facts),
        Action::Manual(spec) => {
            Forecast { evidence: vec![spec.instruction.clone()], ..Forecast::default() }
        }
    }
}

/// One attempt at a check that asks: whether it passed (none where that cannot be known), and a
/// phrase. Blocks; for a helper thread.
pub fn ask_once(action: &Action, headers: &[(String, String)]) -> (Option<bool>, Attempt) {
    match action {
        Action::Http(spec) => {
            let attempt = web::attempt(spec, headers);
            (Some(attempt.passed), attempt)
        }
        Action::Metric(spec) => metric::attempt(spec, headers),
        _ => {
            let sentence = "nothing is asked".to_owned();
            (None, Attempt { passed: false, sentence, elsewhere: None })
        }
    }
}

/// Why the survey does not ask a check; none where it may.
pub fn unasked(action: &Action) -> Option<String> {
    let text = match action {
        Action::Http(spec) if !web::is_safe(&spec.method) => {
            return Some(format!("not asked beforehand: {} may change something", spec.method));
        }
        Action::Http(spec) => {
            let json = spec.json.values().map(ToString::to_string).collect::<String>();
            format!("{}{}{json}", spec.url, spec.contains.as_deref().unwrap_or_default())
        }
        Action::Metric(spec) => {
            format!("{}{}", spec.url.as_deref().unwrap_or_default(), spec.query)
        }
        _ => return None,
    };
    let name = late::names(&text).into_iter().next()?;
    Some(format!("not asked beforehand: only the run knows ${{{name}}}"))
}

/// What the survey heard of a check, or why it did not ask; none where it had no reason to.
pub fn heard(action: &Action, facts: &Facts) -> Option<String> {
    unasked(action).or_else(|| {
        let answer = endpoint_key(action).and_then(|key| facts.endpoints.get(&key));
        answer.map(|attempt| attempt.sentence.clone())
    })
}

/// The same, as the end of a line.
fn now(action: &Action, facts: &Facts) -> String {
    heard(action, facts).map_or(String::new(), |heard| format!("   now: {heard}"))
}

fn metric_forecast(action: &Action, spec: &Metric, facts: &Facts) -> Forecast {
    let mut forecast = Forecast::default();
    forecast.evidence.push(format!("{}{}", metric::words(spec), now(action, facts)));
    if spec.url.is_none() {
        let hint = "set `prometheus: { url: … }` in rollback.yaml, or `url` on this metric";
        forecast.block("no Prometheus is named", Some(hint.to_owned()));
    }
    // No data never passes, and may be there when its turn comes.
    let key = endpoint_key(action).filter(|key| facts.no_data.contains(key));
    if let Some(attempt) = key.and_then(|key| facts.endpoints.get(&key)) {
        if let Some(wrong) = attempt.elsewhere.filter(|elsewhere| elsewhere.is_hopeless()) {
            forecast.block(attempt.sentence.clone(), Some(wrong.advice().to_owned()));
            return forecast;
        }
        let hint = "look at the query and its Prometheus; without data the step fails";
        forecast
            .uncheckable(format!("whether it will pass: {}", attempt.sentence), Some(hint.into()));
    }
    forecast
}

/// What it answers now. Only what can never pass is blocked: that a service which is to be mended
/// does not answer is no reason against mending it.
fn http_forecast(action: &Action, spec: &Http, facts: &Facts) -> Forecast {
    let mut forecast = Forecast::default();
    let times = match spec.consecutive {
        1 => String::new(),
        times => format!(", {times} in a row"),
    };
    let now = now(action, facts);
    let attempt = endpoint_key(action).and_then(|key| facts.endpoints.get(&key));
    forecast.evidence.push(format!("{} {}{times}{now}", spec.method, spec.url));
    if let Some(elsewhere) = attempt.and_then(|attempt| attempt.elsewhere) {
        let sentence = attempt.map(|attempt| attempt.sentence.as_str()).unwrap_or_default();
        let hint = Some(elsewhere.advice().to_owned());
        if elsewhere.is_hopeless() {
            forecast.block(sentence, hint);
        } else {
            forecast.uncheckable(format!("whether it will pass: {sentence}"), hint);
        }
    }
    forecast
}

/// The argv that is shown. It is the argv that is run, but for what only the run knows: a commit, and
/// the version of what is patched, which is tested.
pub fn commands(
    action: &Action,
    setting: &Setting,
    mark: &Mark,
    forecast: &Forecast,
) -> Vec<Vec<String>> {
    match action {
        Action::SetFlags(spec) => set_flags::commands(spec, setting, mark, forecast),
        Action::Restart(spec) => restart::commands(spec, setting, mark, forecast),
        Action::RolloutUndo(spec) => rollout_undo::commands(spec, setting, mark, forecast),
        Action::Apply(_) => apply::commands(setting, forecast),
        Action::RestoreSnapshot(_) => restore_snapshot::commands(setting, mark, forecast),
        Action::RevertCommits(spec) => revert_commits::commands(spec, setting, mark, forecast),
        Action::RestoreFiles(spec) => restore_files::commands(spec, setting, mark, forecast),
        Action::RollbackBranch(spec) => rollback_branch::commands(spec, setting, mark, forecast),
        Action::Command(spec) => vec![command::argv(spec)],
        Action::Http(_) | Action::Metric(_) | Action::Manual(_) | Action::Wait(_) => Vec::new(),
    }
}

/// Does a Change or a Fire, or runs a Check that is a command.
pub fn perform(action: &Action, doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    match action {
        Action::SetFlags(spec) => set_flags::perform(spec, doing, hands, permit),
        Action::Restart(spec) => restart::perform(spec, doing, hands, permit),
        Action::RolloutUndo(spec) => rollout_undo::perform(spec, doing, hands, permit),
        Action::Apply(spec) => apply::perform(spec, doing, hands, permit),
        Action::RestoreSnapshot(_) => restore_snapshot::perform(doing, hands, permit),
        Action::RevertCommits(spec) => revert_commits::perform(spec, doing, hands, permit),
        Action::RestoreFiles(spec) => restore_files::perform(spec, doing, hands, permit),
        Action::RollbackBranch(spec) => rollback_branch::perform(spec, doing, hands, permit),
        Action::Command(spec) => command::perform(spec, doing, hands, permit),
        Action::Http(_) | Action::Metric(_) | Action::Manual(_) | Action::Wait(_) => {
            Done::badly("a check is asked, not done", Vec::new())
        }
    }
}

/// Asks the world whether the effect is there. Blocks; for a helper thread.
pub fn look(action: &Action, doing: &Doing) -> Effect {
    match action {
        Action::SetFlags(spec) => set_flags::look(spec, doing),
        Action::Restart(spec) => restart::look(spec, doing),
        Action::RolloutUndo(spec) => rollout_undo::look(spec, doing),
        Action::Apply(spec) => apply::look(spec, doing),
        Action::RestoreSnapshot(_) => restore_snapshot::look(doing),
        Action::RevertCommits(spec) => revert_commits::look(spec, doing),
        Action::RestoreFiles(spec) => restore_files::look(spec, doing),
        Action::RollbackBranch(spec) => rollback_branch::look(spec, doing),
        Action::Command(spec) => command::look(spec, doing),
        Action::Wait(spec) => wait_rollout::look(&spec.rollout, doing),
        Action::Http(_) | Action::Metric(_) | Action::Manual(_) => {
            Effect::Unanswerable("a check has no effect".to_owned())
        }
    }
}

/// The workloads whose events are worth a new look.
pub fn watched(action: &Action) -> Vec<Workload> {
    let mut workloads = BTreeSet::new();
    match action {
        Action::SetFlags(spec) => workloads.extend(spec.workload.clone()),
        Action::Restart(spec) => workloads.extend(spec.workloads.iter().cloned()),
        Action::RolloutUndo(spec) => workloads.extend([spec.workload.clone()]),
        Action::Wait(spec) => workloads.extend(spec.rollout.iter().cloned()),
        Action::Apply(_)
        | Action::RestoreSnapshot(_)
        | Action::RevertCommits(_)
        | Action::RestoreFiles(_)
        | Action::RollbackBranch(_)
        | Action::Command(_)
        | Action::Http(_)
        | Action::Metric(_)
        | Action::Manual(_) => {}
    }
    workloads.into_iter().collect()
}

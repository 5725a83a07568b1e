//! `revert_commits`: the inverse of commits, as one new commit on a branch.

use serde_json::{Value, json};

use crate::facts::{Facts, Read};
use crate::journal::Permit;
use crate::runbook::RevertCommits;
use crate::step::{Doing, Done, Effect, Forecast, Mark, Setting};
use crate::world::forge::{
    Built, GitFact, Proposal, Question, RevertPreview, RevertQuestion, push_argv, short,
};
use crate::world::hands::Hands;

use super::delivery::Delivery;
use super::words::{judge_built, judge_push};
use super::{awaited, earlier, fact, is_moved, made_earlier, moves, outputs, reads_of, repository};

fn question(spec: &RevertCommits) -> RevertQuestion {
    RevertQuestion {
        branch: spec.branch.clone(),
        commits: spec.commits.clone(),
        mainline: spec.mainline,
    }
}

/// Why nothing can be asked before its turn comes.
fn too_early(spec: &RevertCommits) -> Option<String> {
    awaited(spec.commits.iter().chain([&spec.branch]).map(String::as_str))
}

/// What it needs to know.
pub fn reads(spec: &RevertCommits, setting: &Setting) -> Vec<Read> {
    if too_early(spec).is_some() {
        return Vec::new();
    }
    let repository = repository(spec.repository.as_ref(), setting);
    reads_of(repository, Question::Revert(question(spec)))
}

/// What it will find and change.
pub fn forecast(spec: &RevertCommits, setting: &Setting, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    let repository = repository(spec.repository.as_ref(), setting);
    if spec.commits.is_empty() {
        forecast.block("no commits are named", Some("list them under `commits`".to_owned()));
        return forecast;
    }
    let branch = &spec.branch;
    if let Some(why) = too_early(spec) {
        forecast.uncheckable(why, None);
        moves(facts, &forecast, repository, branch);
        return forecast;
    }
    let made = made_earlier(facts, repository, branch);
    let answer = fact(facts, &mut forecast, repository, Question::Revert(question(spec)), made);
    if let Some(GitFact::Revert(preview)) = answer {
        let moved = is_moved(facts, repository, branch);
        judge(spec, &preview, moved, &mut forecast);
    }
    moves(facts, &forecast, repository, branch);
    forecast
}

fn judge(spec: &RevertCommits, preview: &RevertPreview, moved: bool, forecast: &mut Forecast) {
    let branch = &spec.branch;
    forecast.evidence.push(format!("{branch} is at {}", preview.tip.phrase()));
    for commit in &preview.commits {
        forecast.evidence.push(format!("undoes {}", commit.phrase()));
        if commit.parents.len() > 1 {
            forecast.warnings.push(format!(
                "{} is a merge: merging that branch again later will not bring its changes back",
                short(&commit.sha)
            ));
        }
    }
    if spec.mainline.is_some() && preview.commits.iter().all(|commit| commit.parents.len() < 2) {
        forecast.warnings.push("`mainline` is given, but no commit here is a merge".to_owned());
    }
    let shas: Vec<&str> = preview.commits.iter().map(|commit| commit.sha.as_str()).collect();
    forecast.pinned.insert("commits".to_owned(), json!(shas));
    judge_built(forecast, branch, &preview.tip, &preview.built, moved);
    match preview.built {
        Built::Nothing if moved => {
            forecast.uncheckable(earlier(branch, "nothing of it is left, reverted already"), None);
        }
        Built::Nothing => {
            forecast.already_there = true;
            forecast.outputs = outputs(&preview.tip.sha, branch);
            forecast.evidence.push(format!("nothing of it is left on {branch}: reverted already"));
        }
        Built::Change(_) => judge_push(forecast, &preview.push, branch),
        _ => {}
    }
}

/// The commits as the plan found them, or as the runbook names them.
fn planned(spec: &RevertCommits, forecast: &Forecast) -> Vec<String> {
    let pinned = forecast.pinned.get("commits").and_then(Value::as_array);
    let pinned: Vec<String> =
        pinned.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect();
    if pinned.is_empty() { spec.commits.clone() } else { pinned }
}

/// The commands as they are shown; in angle brackets what exists only when it runs.
pub fn commands(
    spec: &RevertCommits,
    setting: &Setting,
    _mark: &Mark,
    forecast: &Forecast,
) -> Vec<Vec<String>> {
    let Some(repository) = repository(spec.repository.as_ref(), setting) else { return Vec::new() };
    let mut base = format!("origin/{}", spec.branch);
    let mut commands = Vec::new();
    let parent = spec.mainline.unwrap_or(1);
    for sha in planned(spec, forecast) {
        commands.push(
            [
                "git",
                "merge-tree",
                "--write-tree",
                &format!("--merge-base={sha}"),
                &base,
                &format!("{sha}^{parent}"),
            ]
            .map(str::to_owned)
            .to_vec(),
        );
        "<commit without it>".clone_into(&mut base);
    }
    let tip = format!("origin/{}", spec.branch);
    commands
        .push(["git", "commit-tree", "<tree>", "-p", &tip, "-F", "-"].map(str::to_owned).to_vec());
    commands.push(push_argv(repository, "<commit>", &spec.branch));
    commands
}

fn delivery<'a>(spec: &'a RevertCommits, doing: &'a Doing) -> Delivery<'a> {
    let Doing { setting, mark, forecast, .. } = doing;
    let question = RevertQuestion { commits: planned(spec, forecast), ..question(spec) };
    Delivery {
        repository: repository(spec.repository.as_ref(), setting),
        proposal: Proposal::Revert { question, message: spec.message.clone() },
        mark,
        forecast,
    }
}

/// Makes the commit and pushes it.
pub fn perform(spec: &RevertCommits, doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    delivery(spec, doing).perform(&doing.reader.forge, hands, permit)
}

/// Whether the commit arrived.
pub fn look(spec: &RevertCommits, doing: &Doing) -> Effect {
    delivery(spec, doing).look(&doing.reader.forge)
}

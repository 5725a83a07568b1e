//! `rollback_branch`: a new branch at a commit that is known to be good.

use serde_json::{Value, json};

use crate::facts::{Facts, Read};
use crate::journal::Permit;
use crate::runbook::RollbackBranch;
use crate::step::{Doing, Done, Effect, FieldChange, Forecast, Mark, Setting};
use crate::world::forge::{
    At, BranchPreview, BranchQuestion, GitFact, Pushed, Question, push_argv, pushed, short,
};
use crate::world::hands::Hands;

use super::delivery::push;
use super::words::judge_push;
use super::{awaited, badly, fact, is_moved, moves, outputs, reads_of, repository, unread, well};

const COMMIT: &str = "commit";

/// The question that it asks.
pub(crate) fn question(spec: &RollbackBranch) -> Option<BranchQuestion> {
    let at = match (&spec.commit, &spec.subject) {
        (Some(commit), None) => At::Commit(commit.clone()),
        (None, Some(subject)) => At::Subject(subject.clone()),
        _ => return None,
    };
    Some(BranchQuestion { branch: spec.branch.clone(), on: spec.on.clone(), at })
}

/// Why nothing can be asked before its turn comes.
fn too_early(spec: &RollbackBranch) -> Option<String> {
    let named = spec.commit.iter().chain(&spec.subject);
    awaited(named.chain([&spec.branch, &spec.on]).map(String::as_str))
}

/// What it needs to know.
pub fn reads(spec: &RollbackBranch, setting: &Setting) -> Vec<Read> {
    if too_early(spec).is_some() {
        return Vec::new();
    }
    let repository = repository(spec.repository.as_ref(), setting);
    question(spec).map(|asked| reads_of(repository, Question::Branch(asked))).unwrap_or_default()
}

/// What it will find and change.
pub fn forecast(spec: &RollbackBranch, setting: &Setting, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    let repository = repository(spec.repository.as_ref(), setting);
    let Some(asked) = question(spec) else {
        forecast.block("exactly one of `commit` and `subject` must be given", None);
        return forecast;
    };
    let mut exists = false;
    if let Some(why) = too_early(spec) {
        forecast.uncheckable(why, None);
    } else {
        let moved = is_moved(facts, repository, &spec.on).then_some(spec.on.as_str());
        let answer = fact(facts, &mut forecast, repository, Question::Branch(asked), moved);
        if let Some(GitFact::Branch(preview)) = answer {
            judge(spec, &preview, &mut forecast);
            exists = preview.existing.is_some();
        }
    }
    moves(facts, &forecast, repository, &spec.branch);
    if !exists && is_moved(facts, repository, &spec.branch) {
        let key = (repository.unwrap_or_default().to_owned(), spec.branch.clone());
        facts.branched.insert(key);
    }
    forecast
}

fn judge(spec: &RollbackBranch, preview: &BranchPreview, forecast: &mut Forecast) {
    let commit = &preview.commit;
    forecast.evidence.push(format!("points at {}", commit.phrase()));
    forecast.pinned.insert(COMMIT.to_owned(), json!(commit.sha));
    if let Some((why, hint)) = obstacle(spec, preview) {
        forecast.block(why, Some(hint));
    } else if preview.existing.is_some() {
        forecast.already_there = true;
        forecast.outputs = outputs(&commit.sha, &spec.branch);
        forecast.evidence.push(format!("{} is there already", spec.branch));
    } else {
        forecast.changes.push(FieldChange {
            object: format!("branch {}", spec.branch),
            field: "tip".to_owned(),
            from: None,
            to: short(&commit.sha).to_owned(),
        });
        judge_push(forecast, &preview.push, &spec.branch);
    }
}

fn obstacle(spec: &RollbackBranch, preview: &BranchPreview) -> Option<(String, String)> {
    let commit = &preview.commit;
    if !preview.contained {
        return Some((
            format!("{} is not in the history of {}", commit.phrase(), spec.on),
            "check the branch and the commit".to_owned(),
        ));
    }
    if let Some(other) = &preview.in_the_way {
        return Some((
            format!("there cannot be a branch {} beside the branch {other}", spec.branch),
            "give it another name: git keeps branches as paths".to_owned(),
        ));
    }
    let existing = preview.existing.as_ref().filter(|sha| **sha != commit.sha)?;
    Some((
        format!(
            "{} exists already and points at {}, not at {}",
            spec.branch,
            short(existing),
            short(&commit.sha)
        ),
        "give it another name, such as one with ${run.stamp}".to_owned(),
    ))
}

/// The question about the commit that the plan found.
fn planned(spec: &RollbackBranch, forecast: &Forecast) -> Option<BranchQuestion> {
    let mut asked = question(spec)?;
    if let Some(sha) = forecast.pinned.get(COMMIT).and_then(Value::as_str) {
        asked.at = At::Commit(sha.to_owned());
    }
    Some(asked)
}

/// The command as it is shown.
pub fn commands(
    spec: &RollbackBranch,
    setting: &Setting,
    _mark: &Mark,
    forecast: &Forecast,
) -> Vec<Vec<String>> {
    let Some(repository) = repository(spec.repository.as_ref(), setting) else { return Vec::new() };
    let sha = forecast.pinned.get(COMMIT).and_then(Value::as_str).unwrap_or("<commit>");
    vec![push_argv(repository, sha, &spec.branch)]
}

/// Makes the branch.
pub fn perform(spec: &RollbackBranch, doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    let forge = &doing.reader.forge;
    let (Some(repository), Some(asked)) =
        (repository(spec.repository.as_ref(), &doing.setting), planned(spec, &doing.forecast))
    else {
        return badly("no repository or no commit is named".to_owned(), None);
    };
    let (ours, address) = (forge.clone(), repository.to_owned());
    let preview = match hands.aside(move || ours.branch(&address, &asked)) {
        Ok(Ok(preview)) => preview,
        Ok(Err(why)) => return unread(&why),
        Err(ending) => return Done::called_off("nothing was pushed", &ending),
    };
    let sha = &preview.commit.sha;
    if let Some((why, hint)) = obstacle(spec, &preview) {
        return badly(format!("{why}; {hint}"), None);
    }
    let sentence = format!("{} points at {}", spec.branch, preview.commit.phrase());
    if preview.existing.is_some() {
        return well(sentence, outputs(sha, &spec.branch));
    }
    hands.progress("pushing");
    let captured = match push(forge, hands, permit, repository, sha, &spec.branch) {
        Ok(captured) => captured,
        Err(why) => return unread(&why),
    };
    match pushed(&captured, repository) {
        Pushed::Arrived => well(sentence, outputs(sha, &spec.branch)),
        Pushed::Behind => badly(
            format!("{} was made by somebody else meanwhile, elsewhere", spec.branch),
            Some(&captured),
        ),
        Pushed::Refused(why) | Pushed::Failed(why) => {
            badly(format!("{} could not be made: {why}", spec.branch), Some(&captured))
        }
    }
}

/// Whether the branch is there.
pub fn look(spec: &RollbackBranch, doing: &Doing) -> Effect {
    let forge = &doing.reader.forge;
    let (Some(repository), Some(asked)) =
        (repository(spec.repository.as_ref(), &doing.setting), planned(spec, &doing.forecast))
    else {
        return Effect::Unanswerable("no repository or no commit is named".to_owned());
    };
    let preview = match forge.branch(repository, &asked) {
        Ok(preview) => preview,
        Err(why) => return Effect::Unanswerable(why.sentence().to_owned()),
    };
    let (branch, commit) = (&spec.branch, &preview.commit);
    match &preview.existing {
        None => Effect::Missing(format!("there is no branch {branch}")),
        Some(sha) if *sha == commit.sha => Effect::Present(
            format!("{branch} points at {}", commit.phrase()),
            outputs(&commit.sha, branch),
        ),
        // Ours with somebody's work on top, or somebody's own: the branch does not say.
        Some(sha) if preview.ahead => Effect::Unanswerable(format!(
            "{branch} holds {} and more: it points at {}, which this step would not have made",
            commit.phrase(),
            short(sha)
        )),
        Some(sha) => Effect::Broken(
            format!("{branch} points at {}, not at {}", short(sha), short(&commit.sha)),
            Vec::new(),
        ),
    }
}

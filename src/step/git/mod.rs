//! The git steps, and what they have in common: a repository, words for what stands in the way, a
//! commit that is made, pushed and found again.
//!
//! A commit carries the trailer `Rollback-Run: <run>/<step>` and the run's start as its date, so
//! making it again on the same tip gives the same id, and after a crash it is found by its trailer.
//! A branch that moved meanwhile gets the commit made again on its new tip, once; a branch that
//! refuses it gets it on `rollback/<run>/<step>`, which somebody must merge.

pub mod restore_files;
pub mod revert_commits;
pub mod rollback_branch;
#[cfg(test)]
mod tests;

use serde_json::{Value, json};

use crate::event::Outcome;
use crate::facts::{Facts, Known, Read, Unread};
use crate::journal::Permit;
use crate::step::{Done, Effect, FieldChange, Forecast, Mark, Outputs, Setting};
use crate::world::forge::{
    Built, Change, Commit, FileChange, Forge, GitFact, GitRead, Proposal, Proposed, PushRight,
    Pushed, Question, Stamp, pull_request, pushed, short, shown,
};
use crate::world::hands::Hands;
use crate::world::process::{Captured, Ending};

/// How many files of a change are shown one by one.
const FILES_SHOWN: usize = 8;

/// How often a commit is made: on the tip that is there, and once more on the one that followed.
const BUILDS: u32 = 2;

/// The pinned fact by which a change is known again.
const PATCH: &str = "patch_id";

/// The repository of a step: its own, or the setting's.
fn repository<'a>(own: Option<&'a String>, setting: &'a Setting) -> Option<&'a str> {
    own.or(setting.repository.as_ref()).map(String::as_str)
}

fn no_repository(forecast: &mut Forecast) {
    forecast.block(
        "no git repository is named",
        Some("set `repository` in rollback.yaml, or on this step".to_owned()),
    );
}

fn reads_of(repository: Option<&str>, question: Question) -> Vec<Read> {
    let read = |url: &str| Read::Git(GitRead { repository: url.to_owned(), question });
    repository.map(read).into_iter().collect()
}

/// The survey's answer to this step's question. What kept it from being one goes into the forecast.
fn fact(
    facts: &Facts,
    forecast: &mut Forecast,
    repository: Option<&str>,
    question: Question,
) -> Option<GitFact> {
    let Some(url) = repository else {
        no_repository(forecast);
        return None;
    };
    let read = GitRead { repository: url.to_owned(), question };
    match facts.git.get(&read) {
        Some(Ok(fact)) => Some(fact.clone()),
        Some(Err(Unread::Missing(why, hint))) => {
            forecast.block(why, hint.clone());
            None
        }
        Some(Err(Unread::Forbidden(why))) => {
            forecast.block(
                why,
                Some("log in to it first: nothing can be asked for during a run".to_owned()),
            );
            None
        }
        Some(Err(why)) => {
            forecast.uncheckable(why.sentence(), None);
            None
        }
        None => {
            forecast.uncheckable(format!("{} has not answered yet", shown(url)), None);
            None
        }
    }
}

/// What is known of pushing there.
fn judge_push(forecast: &mut Forecast, push: &PushRight, branch: &str) {
    match push {
        PushRight::Open => forecast
            .evidence
            .push("we may push; rules for single branches show only on the push itself".to_owned()),
        PushRight::Refused(why) => forecast.block(
            format!("we may not push to {branch}: {why}"),
            Some("use credentials that may write to this repository".to_owned()),
        ),
        PushRight::Unknown(why) => {
            forecast
                .uncheckable(format!("whether we may push to {branch} is not known: {why}"), None);
        }
    }
}

/// What undoing or restoring came to, where it is the same for both.
fn judge_built(forecast: &mut Forecast, branch: &str, tip: &Commit, built: &Built, moved: bool) {
    match built {
        Built::Change(change) => {
            forecast.evidence.extend(files_lines(&change.files));
            forecast.changes.push(FieldChange {
                object: format!("branch {branch}"),
                field: summary(&change.files),
                from: Some(short(&tip.sha).to_owned()),
                to: "a new commit".to_owned(),
            });
            if moved {
                forecast.warnings.push(format!(
                    "an earlier step changes {branch} or its source: this is how it would be now, \
                     and the commit is made on what is there then"
                ));
                forecast.pinned.insert("after_earlier_step".to_owned(), json!(true));
            } else {
                forecast.pinned.insert(PATCH.to_owned(), json!(change.patch_id));
            }
        }
        Built::Nothing => {}
        other => {
            let (why, hint) = obstacle(branch, other);
            if moved && matches!(other, Built::Conflict(..)) {
                forecast.uncheckable(
                    format!("an earlier step changes {branch} first; as it is now: {why}"),
                    hint,
                );
            } else {
                forecast.block(why, hint);
            }
        }
    }
}

/// Why a commit cannot be made, and what to do.
fn obstacle(branch: &str, built: &Built) -> (String, Option<String>) {
    match built {
        Built::Conflict(commit, files) => (
            format!(
                "undoing {} on {branch} conflicts in {}",
                commit.phrase(),
                listed(files.iter().map(String::as_str))
            ),
            Some(
                "revert it by hand, or undo the later commits that changed the same lines too"
                    .to_owned(),
            ),
        ),
        Built::Mainline(commit, parents) => {
            let parents: Vec<String> = parents
                .iter()
                .enumerate()
                .map(|(index, parent)| format!("mainline: {} keeps {}", index + 1, parent.phrase()))
                .collect();
            (
                format!(
                    "{} is a merge: which of its parents is kept must be said",
                    commit.phrase()
                ),
                Some(parents.join("; ")),
            )
        }
        Built::NotContained(commit) => (
            format!("{} is not in the history of {branch}: nothing to undo there", commit.phrase()),
            Some("check the branch and the commit".to_owned()),
        ),
        Built::Root(commit) => {
            (format!("{} is the first commit: there is nothing before it", commit.phrase()), None)
        }
        Built::Nothing => ("nothing differs".to_owned(), None),
        Built::Change(_) => ("the change is ready".to_owned(), None),
    }
}

fn listed<'a>(names: impl ExactSizeIterator<Item = &'a str>) -> String {
    let count = names.len();
    let shown: Vec<String> = names.take(FILES_SHOWN).map(plain).collect();
    let more = count.saturating_sub(FILES_SHOWN);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// A name without what a terminal would obey.
fn plain(name: &str) -> String {
    name.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

fn summary(files: &[FileChange]) -> String {
    let (added, removed) = files
        .iter()
        .filter_map(|file| file.lines)
        .fold((0, 0), |(a, r), (added, removed)| (a + added, r + removed));
    let noun = if files.len() == 1 { "file" } else { "files" };
    format!("{} {noun}, +{added} -{removed}", files.len())
}

fn files_lines(files: &[FileChange]) -> Vec<String> {
    let mut lines: Vec<String> = files
        .iter()
        .take(FILES_SHOWN)
        .map(|file| {
            let counts = file.lines.map_or_else(
                || "binary".to_owned(),
                |(added, removed)| format!("+{added} -{removed}"),
            );
            format!("{} {} {counts}", file.status, plain(&file.path))
        })
        .collect();
    if files.len() > FILES_SHOWN {
        lines.push(format!("and {} more files", files.len() - FILES_SHOWN));
    }
    lines
}

/// Tells the later steps of a plan that this one moves a branch: what they were told of it, or of
/// content taken from it, is how it is now and not how they will find it.
fn moves(facts: &mut Facts, repository: Option<&str>, branch: &str) {
    for (read, known) in &mut facts.git {
        if Some(read.repository.as_str()) != repository {
            continue;
        }
        match (&read.question, known) {
            (Question::Revert(asked), Ok(GitFact::Revert(preview))) if asked.branch == branch => {
                preview.moved = true;
            }
            (Question::Restore(asked), Ok(GitFact::Restore(preview)))
                if asked.branch == branch || asked.from == branch =>
            {
                preview.moved = true;
            }
            _ => {}
        }
    }
}

fn stamp(mark: &Mark) -> Stamp {
    Stamp { text: mark.text(), started_at: mark.started_at.clone() }
}

fn outputs(sha: &str, branch: &str) -> Outputs {
    Outputs::from([("sha".to_owned(), sha.to_owned()), ("branch".to_owned(), branch.to_owned())])
}

fn well(why: String, outputs: Outputs) -> Done {
    Done { outputs, ..Done::well(why) }
}

/// A failure with the words of what failed.
fn badly(why: String, captured: Option<&Captured>) -> Done {
    let detail = captured.map(Captured::complaint).unwrap_or_default();
    let outcome = match captured.map(|captured| &captured.ending) {
        Some(Ending::TimedOut) => Outcome::TimedOut,
        Some(Ending::Interrupted) => Outcome::Interrupted,
        _ => Outcome::Failed,
    };
    Done { outcome, ..Done::badly(why, detail) }
}

fn unread(why: &Unread) -> Done {
    match why {
        Unread::Missing(text, Some(hint)) => badly(format!("{text}; {hint}"), None),
        other => badly(other.sentence().to_owned(), None),
    }
}

/// The commit of a step, from its making to its arrival.
struct Delivery<'a> {
    repository: Option<&'a str>,
    proposal: Proposal,
    mark: &'a Mark,
    forecast: &'a Forecast,
}

impl Delivery<'_> {
    fn perform(&self, forge: &Forge, hands: &mut Hands, permit: &Permit) -> Done {
        let proposal = &self.proposal;
        let Some(repository) = self.repository else {
            return badly("no git repository is named".to_owned(), None);
        };
        let (stamp, branch) = (stamp(self.mark), proposal.branch());
        let mut refusal = None;
        for build in 1..=BUILDS {
            hands.progress(if build == 1 {
                "making the commit"
            } else {
                "making it again on the new tip"
            });
            let (sha, tip, change) = match forge.propose(repository, proposal, &stamp) {
                Err(why) => return unread(&why),
                Ok(Proposed::Ready { sha, tip, change, content }) => {
                    if let Some(why) = self.stale(&change, &content, branch) {
                        return badly(why, None);
                    }
                    (sha, tip, change)
                }
                Ok(other) => return self.already(&other, branch),
            };
            hands.progress("pushing");
            let captured = match push(forge, hands, permit, repository, &sha, branch) {
                Ok(captured) => captured,
                Err(why) => return unread(&why),
            };
            match pushed(&captured, repository) {
                Pushed::Arrived => {
                    let what = summary(&change.files);
                    let (from, to) = (short(&tip.sha), short(&sha));
                    return well(
                        format!("{branch} went from {from} to {to} ({what})"),
                        outputs(&sha, branch),
                    );
                }
                Pushed::Behind => {}
                Pushed::Failed(why) => {
                    return badly(format!("the push to {branch} failed: {why}"), Some(&captured));
                }
                Pushed::Refused(why) => {
                    refusal = Some((sha, why));
                    break;
                }
            }
        }
        match refusal {
            Some((sha, why)) => {
                wait_for_merge(forge, hands, permit, repository, &sha, branch, &stamp, &why)
            }
            None => badly(format!("others pushed to {branch} each time we tried; try again"), None),
        }
    }

    /// What was approved is what is pushed: why this is something else.
    fn stale(
        &self,
        change: &Change,
        content: &std::collections::BTreeMap<String, String>,
        branch: &str,
    ) -> Option<String> {
        let pinned = &self.forecast.pinned;
        if let Some(Value::Object(planned)) = pinned.get("content") {
            let changed = planned
                .iter()
                .find(|(path, id)| content.get(*path).map(String::as_str) != id.as_str());
            if let Some((path, _)) = changed {
                return Some(format!(
                    "{path} has changed at its source since the plan was made: plan again"
                ));
            }
        }
        let planned = pinned.get(PATCH).and_then(Value::as_str)?;
        (planned != change.patch_id).then(|| {
            format!(
                "{branch} has moved, and the change would no longer be the one that was planned \
                 ({} instead): plan again",
                summary(&change.files)
            )
        })
    }

    /// Nothing had to be pushed, or nothing can be.
    fn already(&self, proposed: &Proposed, branch: &str) -> Done {
        match self.effect(proposed, branch) {
            Effect::Present(why, outputs) | Effect::Awaiting(why, outputs) => well(why, outputs),
            other => badly(other.sentence().to_owned(), None),
        }
    }

    fn look(&self, forge: &Forge) -> Effect {
        let proposal = &self.proposal;
        let Some(repository) = self.repository else {
            return Effect::Unanswerable("no git repository is named".to_owned());
        };
        match forge.propose(repository, proposal, &stamp(self.mark)) {
            Ok(proposed) => self.effect(&proposed, proposal.branch()),
            Err(Unread::Missing(why, _)) => Effect::Missing(why),
            Err(why) => Effect::Unanswerable(why.sentence().to_owned()),
        }
    }

    fn effect(&self, proposed: &Proposed, branch: &str) -> Effect {
        match proposed {
            Proposed::Arrived { commit, undone: false } => Effect::Present(
                format!("{branch} has {}", commit.phrase()),
                outputs(&commit.sha, branch),
            ),
            Proposed::Arrived { commit, undone: true } => Effect::Broken(
                format!("{branch} got {}, and later commits took its effect back", commit.phrase()),
                Vec::new(),
            ),
            Proposed::Pending { sha, branch: waiting } => Effect::Awaiting(
                merge_sentence(self.repository.unwrap_or_default(), waiting, branch),
                outputs(sha, waiting),
            ),
            Proposed::Nothing { tip, earlier: Some(earlier) } => Effect::Present(
                format!("{branch} is so already, since {}", earlier.phrase()),
                outputs(&tip.sha, branch),
            ),
            // A restore of content that never differed restores nothing.
            Proposed::Nothing { tip, earlier: None } if self.may_be_nothing() => Effect::Present(
                format!("{branch} is so already, at {}", tip.phrase()),
                outputs(&tip.sha, branch),
            ),
            Proposed::Nothing { tip, .. } => Effect::Missing(format!(
                "{branch} at {} has the same content as its source, and nothing shows that it was \
                 restored",
                short(&tip.sha)
            )),
            Proposed::Ready { tip, change, .. } => Effect::Missing(format!(
                "{branch} is at {} without the change ({})",
                tip.phrase(),
                summary(&change.files)
            )),
            Proposed::Not(built) => {
                let (why, hint) = obstacle(branch, built);
                Effect::Missing(hint.map_or_else(|| why.clone(), |hint| format!("{why}; {hint}")))
            }
        }
    }

    /// Whether "no difference" can be the effect: a revert, or a restore that differed when planned.
    fn may_be_nothing(&self) -> bool {
        matches!(self.proposal, Proposal::Revert { .. }) || self.forecast.pinned.contains_key(PATCH)
    }
}

fn push(
    forge: &Forge,
    hands: &mut Hands,
    permit: &Permit,
    repository: &str,
    sha: &str,
    branch: &str,
) -> Known<Captured> {
    let invocation = forge.push(repository, sha, branch)?;
    hands
        .run(permit, &[invocation])
        .pop()
        .ok_or_else(|| Unread::Failed("the push was not started".to_owned()))
}

/// The branch refuses the commit: it goes to a branch of its own, for somebody to merge.
#[allow(clippy::too_many_arguments)]
fn wait_for_merge(
    forge: &Forge,
    hands: &mut Hands,
    permit: &Permit,
    repository: &str,
    sha: &str,
    branch: &str,
    stamp: &Stamp,
    refusal: &str,
) -> Done {
    let waiting = stamp.pending_branch();
    hands.progress(&format!("{branch} refuses the push; pushing {waiting}"));
    let captured = match push(forge, hands, permit, repository, sha, &waiting) {
        Ok(captured) => captured,
        Err(why) => return unread(&why),
    };
    let sentence = format!("{branch} refuses the push: {refusal}");
    match pushed(&captured, repository) {
        Pushed::Arrived => well(
            format!("{sentence}; {}", merge_sentence(repository, &waiting, branch)),
            outputs(sha, &waiting),
        ),
        Pushed::Behind => badly(
            format!("{sentence}; and {waiting} is there already, with something else"),
            Some(&captured),
        ),
        Pushed::Refused(why) | Pushed::Failed(why) => {
            badly(format!("{sentence}; and {waiting} could not be pushed: {why}"), Some(&captured))
        }
    }
}

fn merge_sentence(repository: &str, waiting: &str, branch: &str) -> String {
    match pull_request(repository, waiting, branch) {
        Some(link) => format!("{waiting} waits to be merged into {branch}: {link}"),
        None => format!("{waiting} waits to be merged into {branch}"),
    }
}

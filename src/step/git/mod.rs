//! The git steps, and what they have in common: a repository, words for what stands in the way, a
//! commit that is made, pushed and found again.
//!
//! A commit carries the trailer `Rollback-Run: <run>/<step>` and the run's start as its date, so
//! making it again on the same tip gives the same id, and after a crash it is found by its trailer.
//! A branch that moved meanwhile gets the commit made again on its new tip, once; a branch that
//! refuses it gets it on `rollback/<run>/<step>`, which somebody must merge.

mod delivery;
pub mod restore_files;
pub mod revert_commits;
pub mod rollback_branch;
#[cfg(test)]
mod tests;
mod words;

use crate::event::Outcome;
use crate::facts::{Facts, Read, Unread};
use crate::late;
use crate::step::{Done, Forecast, Outputs, Setting};
use crate::world::forge::{GitFact, GitRead, Question, holds_secret, shown};
use crate::world::process::{Captured, Ending};

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

/// The survey's answer to this step's question. What kept it from being one goes into the forecast:
/// what is not there now may be there after an earlier step that makes or moves `unsettled`.
fn fact(
    facts: &Facts,
    forecast: &mut Forecast,
    repository: Option<&str>,
    question: Question,
    unsettled: Option<&str>,
) -> Option<GitFact> {
    let Some(url) = repository else {
        no_repository(forecast);
        return None;
    };
    forecast.warnings.extend(open_secret(url));
    let read = GitRead { repository: url.to_owned(), question };
    match facts.git.get(&read) {
        Some(Ok(fact)) => Some(fact.clone()),
        Some(Err(Unread::Missing(why, _))) if let Some(branch) = unsettled => {
            forecast.uncheckable(earlier(branch, why), None);
            None
        }
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

/// Tells the later steps of a plan that this one moves a branch, unless it is known that it will
/// not: what they were told of it, or of content taken from it, is how it is now and not how they
/// will find it.
fn moves(facts: &mut Facts, forecast: &Forecast, repository: Option<&str>, branch: &str) {
    let blocked = forecast.obstacles.iter().any(|obstacle| obstacle.certain);
    if let Some(repository) = repository.filter(|_| !blocked && !forecast.already_there) {
        facts.moved.insert((repository.to_owned(), branch.to_owned()));
    }
}

/// Whether an earlier step of the plan moves this branch.
pub(crate) fn is_moved(facts: &Facts, repository: Option<&str>, branch: &str) -> bool {
    let key = repository.map(|repository| (repository.to_owned(), branch.to_owned()));
    key.is_some_and(|key| facts.moved.contains(&key))
}

/// The branch, where an earlier step of the plan makes it.
fn made_earlier<'a>(facts: &Facts, repository: Option<&str>, branch: &'a str) -> Option<&'a str> {
    let key = (repository?.to_owned(), branch.to_owned());
    facts.branched.contains(&key).then_some(branch)
}

/// A warning where an address holds a password: what is resolved of a runbook is in the journal of
/// each run, from which it is resumed.
pub(crate) fn open_secret(repository: &str) -> Option<String> {
    holds_secret(repository).then(|| {
        format!(
            "the address {} holds a password or a token, which the record of the run \
             keeps as well; leave it to git's credential helper",
            shown(repository)
        )
    })
}

/// That something is only known when an earlier step has run, where a text names its output.
pub(crate) fn awaited<'a>(texts: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let name = texts.into_iter().flat_map(late::names).find(|name| name.starts_with("steps."))?;
    Some(format!("an earlier step says what `${{{name}}}` is: it is looked at then"))
}

/// What is so now, and need not be when the step's turn comes.
pub(crate) fn earlier(branch: &str, now: &str) -> String {
    format!("an earlier step changes {branch} first; as it is now: {now}")
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

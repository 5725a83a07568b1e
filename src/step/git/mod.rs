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
use crate::step::{Done, Forecast, Outputs, Setting};
use crate::world::forge::{GitFact, GitRead, Question, shown};
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

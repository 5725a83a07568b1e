//! PURE: the files that commands need in a checkout which does not exist yet: asked of the branch
//! that an earlier step will push, and corrected by what that step changes.

use std::collections::BTreeMap;

use super::command::needed_file;
use crate::facts::{Facts, Unread};
use crate::plan::own_repository;
use crate::runbook::{Action, Step};
use crate::step::git::{awaited, rollback_branch};
use crate::step::{Forecast, Setting};
use crate::world::forge::{At, Built, GitFact, GitRead, PathsQuestion, Question};

/// What is asked for each step that runs in a checkout.
pub(crate) fn reads(steps: &[Step], setting: &Setting) -> BTreeMap<String, GitRead> {
    let asked = steps.iter().filter_map(|step| {
        let Action::Command(command) = &step.action else { return None };
        let source = steps.iter().find(|other| Some(&other.id) == command.checkout.as_ref())?;
        let (branch, at) = match &source.action {
            Action::RevertCommits(spec) => (spec.branch.clone(), None),
            Action::RestoreFiles(spec) => (spec.branch.clone(), None),
            Action::RollbackBranch(spec) => {
                let asked = rollback_branch::question(spec)?;
                (asked.on, Some(asked.at))
            }
            _ => return None,
        };
        let named = match &at {
            Some(At::Commit(text) | At::Subject(text)) => text.as_str(),
            None => "",
        };
        if awaited([branch.as_str(), named]).is_some() {
            return None;
        }
        let own = own_repository(&source.action).or(setting.repository.as_ref());
        let repository = own.cloned()?;
        let file = needed_file(command)?;
        let path = below(command.cwd.as_deref().unwrap_or_default(), file)?;
        let question = Question::Paths(PathsQuestion { branch, at, paths: vec![path] });
        Some((step.id.clone(), GitRead { repository, question }))
    });
    asked.collect()
}

/// The path as git names it; none where it leads out of the repository.
fn below(cwd: &str, file: &str) -> Option<String> {
    let mut parts: Vec<&str> = Vec::new();
    for part in cwd.split('/').chain(file.split('/')) {
        match part {
            "" | "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    (!parts.is_empty() && !file.starts_with('/')).then(|| parts.join("/"))
}

/// Blocks a step whose file will not be in its checkout.
pub(crate) fn forecast(step: &str, facts: &Facts, forecast: &mut Forecast) {
    let Some(read) = facts.checkouts.get(step) else { return };
    let Question::Paths(asked) = &read.question else { return };
    match facts.git.get(read) {
        Some(Ok(GitFact::Paths(missing))) => {
            for path in &asked.paths {
                let near = missing.iter().find(|(name, _)| name == path);
                let place = match &asked.at {
                    None => asked.branch.clone(),
                    Some(At::Commit(text)) => format!("{} at {text}", asked.branch),
                    Some(At::Subject(text)) => format!("{} at \"{text}\"", asked.branch),
                };
                // A commit stays as it is, whatever happens to its branch.
                let corrected = match &asked.at {
                    None => changed(facts, read, &asked.branch, path),
                    Some(_) => None,
                };
                if corrected.unwrap_or(near.is_none()) {
                    forecast.evidence.push(format!("{path} is on {place}"));
                } else {
                    let hint = near.and_then(|(_, near)| near.as_ref());
                    forecast.block(
                        format!("{path} will not be in the checkout: {place} has none"),
                        hint.map(|near| format!("did you mean {near}?")),
                    );
                }
            }
        }
        // What is not known of the branch is said at the step that pushes to it.
        Some(Err(Unread::Missing(..)) | Ok(_)) | None => {}
        Some(Err(why)) => {
            let files = asked.paths.join(", ");
            let text = format!("whether {files} will be there: {}", why.sentence());
            forecast.uncheckable(text, None);
        }
    }
}

/// What a step of this plan does to a path on that branch, where one does.
fn changed(facts: &Facts, read: &GitRead, branch: &str, path: &str) -> Option<bool> {
    let of_repository = facts.git.iter().filter(|(other, _)| other.repository == read.repository);
    of_repository
        .filter_map(|(other, known)| match (&other.question, known.as_ref().ok()?) {
            (Question::Revert(asked), GitFact::Revert(preview)) if asked.branch == branch => {
                Some(&preview.built)
            }
            (Question::Restore(asked), GitFact::Restore(preview)) if asked.branch == branch => {
                Some(&preview.built)
            }
            _ => None,
        })
        .filter_map(|built| match built {
            Built::Change(change) => change.files.iter().find(|file| file.path == path),
            _ => None,
        })
        .map(|file| file.status != 'D')
        .next_back()
}

#[cfg(test)]
mod tests {
    use super::below;

    #[test]
    fn a_file_of_a_checkout_is_named_as_git_names_it() {
        assert_eq!(below("", "scripts/deploy.py").as_deref(), Some("scripts/deploy.py"));
        assert_eq!(below("app/x", "../run.sh").as_deref(), Some("app/run.sh"));
        assert_eq!(below("", "../run.sh"), None);
        assert_eq!(below("app", "/usr/bin/run"), None);
    }
}

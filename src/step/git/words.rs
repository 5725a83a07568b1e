//! The words of the git steps: what a change is, what stands in its way, and what to do about it.

use serde_json::json;

use crate::step::{FieldChange, Forecast};
use crate::world::forge::{Built, Commit, FileChange, PushRight, short};

use super::{PATCH, earlier};

/// How many files of a change are shown one by one.
const FILES_SHOWN: usize = 8;

/// What is known of pushing there.
pub(super) fn judge_push(forecast: &mut Forecast, push: &PushRight, branch: &str) {
    match push {
        PushRight::Open => forecast
            .evidence
            .push("we may push; rules for single branches show only on the push itself".to_owned()),
        PushRight::Refused(why) => forecast.block(
            format!("we may not push to {branch}: {why}"),
            Some("use credentials that may write to this repository".to_owned()),
        ),
        PushRight::WorkingTree(found) => forecast.block(
            format!(
                "{} is somebody's working tree: a push there would run its hooks and could change \
                 its files",
                found.path
            ),
            Some(match &found.origin {
                Some(origin) => format!("name its remote instead: repository: {origin}"),
                None => "name the repository that it is pushed to instead".to_owned(),
            }),
        ),
        PushRight::Unknown(why) => {
            forecast
                .uncheckable(format!("whether we may push to {branch} is not known: {why}"), None);
        }
    }
}

/// What undoing or restoring came to, where it is the same for both.
pub(super) fn judge_built(
    forecast: &mut Forecast,
    branch: &str,
    tip: &Commit,
    built: &Built,
    moved: bool,
) {
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
                forecast.uncheckable(earlier(branch, &why), hint);
            } else {
                forecast.block(why, hint);
            }
        }
    }
}

/// Why a commit cannot be made, and what to do.
pub(super) fn obstacle(branch: &str, built: &Built) -> (String, Option<String>) {
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
        Built::Mainline(commit, parents, given) => {
            let count = parents.len();
            let parents: Vec<String> = parents
                .iter()
                .enumerate()
                .map(|(index, parent)| format!("mainline: {} keeps {}", index + 1, parent.phrase()))
                .collect();
            let why = match given {
                None => format!(
                    "{} is a merge: which of its parents is kept must be said",
                    commit.phrase()
                ),
                Some(given) => format!(
                    "{} has {count} parents: `mainline: {given}` is none of them",
                    commit.phrase()
                ),
            };
            (why, Some(parents.join("; ")))
        }
        Built::Empty(commits) => {
            let names: Vec<String> = commits.iter().map(Commit::phrase).collect();
            let verb = if commits.len() == 1 { "changes" } else { "change" };
            (
                format!("{} {verb} no file: there is nothing to undo", names.join(", ")),
                Some("is it the commit that was meant?".to_owned()),
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
pub(super) fn plain(name: &str) -> String {
    name.chars()
        .flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] })
        .collect()
}

pub(super) fn summary(files: &[FileChange]) -> String {
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

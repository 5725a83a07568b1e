//! `restore_files`: paths as they are on another branch, as one new commit. A directory becomes
//! exactly what it is there: files that only the broken branch has in it are deleted.

use serde_json::json;

use crate::facts::{Facts, Read};
use crate::journal::Permit;
use crate::runbook::RestoreFiles;
use crate::step::{Doing, Done, Effect, Forecast, Mark, Setting};
use crate::world::forge::{
    Built, Commit, GitFact, Proposal, Question, RestorePreview, RestoreQuestion, push_argv,
};
use crate::world::hands::Hands;

use super::delivery::Delivery;
use super::words::{judge_built, judge_push, plain};
use super::{awaited, earlier, fact, is_moved, made_earlier, moves, outputs, reads_of, repository};

/// The paths as git names them, without one inside another; or what is wrong with one.
fn paths(spec: &RestoreFiles) -> Result<Vec<String>, String> {
    let mut clean = Vec::new();
    for given in &spec.paths {
        let path = given.trim_start_matches("./").trim_end_matches('/');
        let bad = path.is_empty()
            || path.starts_with('/')
            || path.contains('\0')
            || path.split('/').any(|part| matches!(part, "" | "." | ".." | ".git"));
        if bad {
            return Err(format!("`{}` is not a path inside the repository", plain(given)));
        }
        clean.push(path.to_owned());
    }
    let inside = |path: &str, dir: &str| path.strip_prefix(dir).is_some_and(|r| r.starts_with('/'));
    let mut kept: Vec<String> =
        clean.iter().filter(|path| !clean.iter().any(|dir| inside(path, dir))).cloned().collect();
    kept.sort();
    kept.dedup();
    Ok(kept)
}

fn question(spec: &RestoreFiles) -> RestoreQuestion {
    RestoreQuestion {
        branch: spec.branch.clone(),
        from: spec.from.clone(),
        paths: paths(spec).unwrap_or_default(),
        subject: spec.message.lines().next().unwrap_or_default().to_owned(),
    }
}

/// Why nothing can be asked before its turn comes.
fn too_early(spec: &RestoreFiles) -> Option<String> {
    awaited(spec.paths.iter().chain([&spec.branch, &spec.from]).map(String::as_str))
}

/// What it needs to know.
pub fn reads(spec: &RestoreFiles, setting: &Setting) -> Vec<Read> {
    if too_early(spec).is_none() && paths(spec).is_ok_and(|paths| !paths.is_empty()) {
        let repository = repository(spec.repository.as_ref(), setting);
        reads_of(repository, Question::Restore(question(spec)))
    } else {
        Vec::new()
    }
}

/// What it will find and change.
pub fn forecast(spec: &RestoreFiles, setting: &Setting, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    match paths(spec) {
        Err(why) => {
            forecast.block(why, Some("name it from the repository's top, as git does".to_owned()));
            return forecast;
        }
        Ok(paths) if paths.is_empty() => {
            forecast.block("no paths are named", Some("list them under `paths`".to_owned()));
            return forecast;
        }
        Ok(_) => {}
    }
    let repository = repository(spec.repository.as_ref(), setting);
    let (branch, from) = (&spec.branch, &spec.from);
    if let Some(why) = too_early(spec) {
        forecast.uncheckable(why, None);
        moves(facts, &forecast, repository, branch);
        return forecast;
    }
    // What the source does not have now, it may have by then.
    let moved_source = is_moved(facts, repository, from).then_some(from.as_str());
    let unsettled = moved_source.or_else(|| made_earlier(facts, repository, branch));
    let asked = Question::Restore(question(spec));
    if let Some(GitFact::Restore(preview)) =
        fact(facts, &mut forecast, repository, asked, unsettled)
    {
        let moved_branch = is_moved(facts, repository, branch).then_some(branch.as_str());
        judge(spec, &preview, moved_branch.or(moved_source), &mut forecast);
    }
    moves(facts, &forecast, repository, branch);
    forecast
}

/// What the survey found comes to; `moved` is the branch of the two that an earlier step moves.
fn judge(
    spec: &RestoreFiles,
    preview: &RestorePreview,
    moved: Option<&str>,
    forecast: &mut Forecast,
) {
    let branch = &spec.branch;
    forecast.evidence.push(format!("{branch} is at {}", preview.tip.phrase()));
    forecast.evidence.push(format!("{} is at {}", spec.from, preview.from.phrase()));
    if moved.is_none() {
        forecast.pinned.insert("content".to_owned(), json!(preview.content));
    }
    judge_built(forecast, branch, &preview.tip, &preview.built, moved.is_some());
    match &preview.built {
        Built::Nothing => same_content(spec, preview, moved, forecast),
        Built::Change(_) => {
            for path in &preview.same {
                forecast.warnings.push(format!(
                    "{} is the same on {} already: nothing to restore in it",
                    plain(path),
                    spec.from
                ));
            }
            judge_push(forecast, &preview.push, branch);
        }
        _ => {}
    }
}

/// No difference: restored already, or the good branch is just as broken.
fn same_content(
    spec: &RestoreFiles,
    preview: &RestorePreview,
    moved: Option<&str>,
    forecast: &mut Forecast,
) {
    let (branch, from) = (&spec.branch, &spec.from);
    if let Some(moved) = moved {
        let now = format!("{from} has the same content as {branch}");
        forecast.uncheckable(earlier(moved, &now), None);
        return;
    }
    // Whether it was restored or was never broken: this is the commit that has the content.
    forecast.outputs = outputs(&preview.tip.sha, branch);
    if let Some(earlier) = &preview.earlier {
        forecast.already_there = true;
        forecast.evidence.push(format!("restored already by {}", earlier.phrase()));
        return;
    }
    let why = format!("{from} has the same content as {branch}: restoring it would change nothing");
    let last = preview.last.as_ref().map(Commit::phrase);
    forecast.block(
        why,
        Some(match last {
            Some(last) => format!(
                "{branch} has it since {last}. If that was the restore and it is known to be good, \
                 leave this step out with --skip-blocked; if {from} holds the broken code too, name \
                 a commit from before it"
            ),
            None => format!("name a commit of {from} from before the fault"),
        }),
    );
}

/// The commands as they are shown; in angle brackets what exists only when it runs.
pub fn commands(
    spec: &RestoreFiles,
    setting: &Setting,
    _mark: &Mark,
    _forecast: &Forecast,
) -> Vec<Vec<String>> {
    let Some(repository) = repository(spec.repository.as_ref(), setting) else { return Vec::new() };
    let tip = format!("origin/{}", spec.branch);
    let mut list: Vec<String> =
        ["git", "ls-tree", "-r", "-z", "--full-tree", &spec.from, "--"].map(str::to_owned).to_vec();
    list.extend(paths(spec).unwrap_or_default());
    let own = |argv: &[&str]| argv.iter().map(|part| (*part).to_owned()).collect::<Vec<String>>();
    let index = ["env", "GIT_INDEX_FILE=<temporary file>", "git"];
    vec![
        own(&[&index[..], &["read-tree", &tip]].concat()),
        list,
        own(&[&index[..], &["update-index", "-z", "--index-info"]].concat()),
        own(&[&index[..], &["write-tree"]].concat()),
        own(&["git", "commit-tree", "<tree>", "-p", &tip, "-F", "-"]),
        push_argv(repository, "<commit>", &spec.branch),
    ]
}

fn delivery<'a>(spec: &'a RestoreFiles, doing: &'a Doing) -> Delivery<'a> {
    let Doing { setting, mark, forecast, .. } = doing;
    Delivery {
        repository: repository(spec.repository.as_ref(), setting),
        proposal: Proposal::Restore { question: question(spec), message: spec.message.clone() },
        mark,
        forecast,
    }
}

/// Makes the commit and pushes it.
pub fn perform(spec: &RestoreFiles, doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    if let Err(why) = paths(spec) {
        return Done::badly(why, Vec::new());
    }
    delivery(spec, doing).perform(&doing.reader.forge, hands, permit)
}

/// Whether the commit arrived.
pub fn look(spec: &RestoreFiles, doing: &Doing) -> Effect {
    delivery(spec, doing).look(&doing.reader.forge)
}

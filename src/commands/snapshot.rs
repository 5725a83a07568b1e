//! `rollback snapshot`: writes down what is there before a migration, so that `restore_snapshot` can
//! put it back. Reads the cluster and the git remotes; changes nothing of them.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::json;

use super::entry::catalog;
use super::launch::reader;
use super::screen::Screen;
use super::{json as pretty, operator};
use crate::cli::{Global, Output, SnapshotArgs};
use crate::draft::Draft;
use crate::error::{Error, Exit, Result};
use crate::facts::Unread;
use crate::journal;
use crate::plan;
use crate::runbook::parameters::Parameters;
use crate::runbook::{Action, Workload};
use crate::snapshot::{self, Snapshot};
use crate::step::Setting;
use crate::step::workload::template;
use crate::world::{Reader, clock};

/// What is to be written down.
#[derive(Debug, Default)]
struct Scope {
    configmaps: BTreeSet<String>,
    workloads: BTreeSet<Workload>,
    branches: BTreeMap<String, BTreeSet<String>>,
}

impl Scope {
    fn add(&mut self, draft: &Draft) {
        for step in &draft.steps {
            let (repository, branches): (Option<&String>, Vec<&String>) = match &step.action {
                Action::SetFlags(spec) => {
                    self.configmaps.extend(spec.configmap.clone());
                    self.workloads.extend(spec.workload.clone());
                    continue;
                }
                Action::Restart(spec) => {
                    self.workloads.extend(spec.workloads.iter().cloned());
                    continue;
                }
                Action::Wait(spec) => {
                    self.workloads.extend(spec.rollout.iter().cloned());
                    continue;
                }
                Action::RolloutUndo(spec) => {
                    self.workloads.insert(spec.workload.clone());
                    continue;
                }
                Action::RevertCommits(spec) => (spec.repository.as_ref(), vec![&spec.branch]),
                Action::RestoreFiles(spec) => {
                    (spec.repository.as_ref(), vec![&spec.branch, &spec.from])
                }
                Action::RollbackBranch(spec) => (spec.repository.as_ref(), vec![&spec.on]),
                _ => continue,
            };
            if let Some(repository) = repository.or(draft.repository.as_ref()) {
                let known = self.branches.entry(repository.clone()).or_default();
                known.extend(branches.into_iter().cloned());
            }
        }
    }
}

/// Takes a snapshot, or lists those that there are.
pub fn snapshot(global: &Global, screen: &Screen, args: &SnapshotArgs) -> Result<Exit> {
    let state = journal::state_dir()?;
    let Some(name) = args.name.as_ref().filter(|_| !args.list) else {
        return list(screen, &state);
    };
    if args.branches {
        return branches(screen, &state, name);
    }
    if !snapshot::is_name(name) {
        return Err(Error::usage(format!("`{name}` cannot be a snapshot's name"))
            .hint("use letters, digits, `-`, `_` and `.`")
            .into());
    }
    let (scope, setting, mut notes) = scope(global, screen, args)?;
    let named = !(args.configmap.is_empty() && args.workload.is_empty());
    let reader = reader(&setting, true)?;
    let mut taken = snapshot::empty(name, clock::now(), operator(), &setting);
    read(&reader, &scope, named, &mut taken, &mut notes)?;
    reader.cluster.close();
    if taken.configmaps.is_empty() && taken.workloads.is_empty() {
        let mut error = Error::blocked("there is nothing to write down");
        for note in notes {
            error = error.hint(note);
        }
        return Err(error.into());
    }
    let path = snapshot::save(&state, &taken, args.replace)?;
    if screen.output == Output::Text {
        screen.say(&format!("snapshot {name}: {}", taken.phrase()));
        for note in &notes {
            screen.say(&format!("  not in it: {note}"));
        }
        screen.say(&format!("  {}", path.display()));
    } else {
        let value = json!({"v": 1, "snapshot": taken, "not_in_it": notes, "file": path});
        screen.result(&pretty(&value)?);
    }
    Ok(Exit::Success)
}

fn list(screen: &Screen, state: &std::path::Path) -> Result<Exit> {
    let names = snapshot::names(state);
    let known: Vec<(String, std::result::Result<Snapshot, Unread>)> =
        names.into_iter().map(|name| (name.clone(), snapshot::load(state, &name))).collect();
    if screen.output != Output::Text {
        let all: Vec<serde_json::Value> = known
            .iter()
            .map(|(name, known)| match known {
                Ok(snapshot) => json!(snapshot),
                Err(why) => json!({"name": name, "problem": why.sentence()}),
            })
            .collect();
        screen.result(&pretty(&json!({"v": 1, "snapshots": all}))?);
        return Ok(Exit::Success);
    }
    if known.is_empty() {
        screen.say("no snapshots; take one with: rollback snapshot NAME");
    }
    let mut text = String::new();
    for (name, known) in known {
        let line = known.map_or_else(|why| why.sentence().to_owned(), |found| found.phrase());
        text.extend([name.as_str(), "  ", line.as_str(), "\n"]);
    }
    screen.result(&text);
    Ok(Exit::Success)
}

/// The branches of a snapshot. None of them is ever moved back, since that would take away what
/// others pushed since; the step that is shown makes a branch of its own at the commit.
fn branches(screen: &Screen, state: &std::path::Path, name: &str) -> Result<Exit> {
    let found = snapshot::load(state, name).map_err(|why| {
        let error = Error::blocked(why.sentence().to_owned());
        match why {
            Unread::Missing(_, Some(hint)) => error.hint(hint),
            _ => error,
        }
    })?;
    let all = found.branches.iter().flat_map(|(repository, branches)| {
        branches.iter().map(move |(branch, commit)| (repository, branch, commit))
    });
    let own = |branch: &str| format!("rollback/{name}-{}", branch.replace('/', "-"));
    if screen.output != Output::Text {
        let branches: Vec<serde_json::Value> = all
            .map(|(repository, branch, commit)| {
                json!({"repository": repository, "on": branch, "commit": commit, "branch": own(branch)})
            })
            .collect();
        screen.result(&pretty(&json!({"v": 1, "snapshot": name, "branches": branches}))?);
        return Ok(Exit::Success);
    }
    let mut text = String::new();
    for (repository, branch, commit) in all {
        let _ = write!(
            text,
            "# {branch} as it was on {}\n- name: Branch off {branch} as it was\n  \
             rollback_branch:\n    repository: {repository}\n    on: {branch}\n    commit: {commit}\n    \
             branch: {}\n",
            found.taken,
            own(branch)
        );
    }
    if text.is_empty() {
        screen.say(&format!("no branches are in the snapshot {name}"));
    }
    screen.result(&text);
    Ok(Exit::Success)
}

/// What the catalog names, or what the operator named; where; and what could not be resolved.
fn scope(
    global: &Global,
    screen: &Screen,
    args: &SnapshotArgs,
) -> Result<(Scope, Setting, Vec<String>)> {
    let catalog = catalog(global, screen)?;
    let (mut scope, mut notes) = (Scope::default(), Vec::new());
    let mut setting: Option<Setting> = None;
    for entry in catalog.entries() {
        let Ok((runbook, settings)) = catalog.runbook(&entry.target) else {
            notes.push(format!("{}: its runbook cannot be read (rollback lint)", entry.target));
            continue;
        };
        for method in runbook.methods.iter().filter(|method| method.not_ready.is_none()) {
            let known = crate::draft::known(&runbook, &settings);
            let mut given = args.params.clone();
            given
                .retain(|pair| pair.split('=').next().is_some_and(|name| known.contains_key(name)));
            let parameters = Parameters::parse(&given)?.with_environment();
            match Draft::new(&runbook, &settings, Some(&method.name), &parameters) {
                Ok(draft) => {
                    setting.get_or_insert_with(|| plan::setting(&draft));
                    scope.add(&draft);
                }
                Err(error) => notes.push(format!("{} {}: {error}", entry.target, method.name)),
            }
        }
    }
    let setting = setting.ok_or_else(|| {
        notes
            .iter()
            .fold(Error::blocked("no runbook of the catalog can be resolved"), |error, note| {
                error.hint(note.clone())
            })
    })?;
    if !(args.configmap.is_empty() && args.workload.is_empty()) {
        scope = Scope::default();
        notes.clear();
        scope.configmaps.extend(args.configmap.iter().cloned());
        for text in &args.workload {
            let workload = Workload::try_from(text.clone()).map_err(Error::usage)?;
            scope.workloads.insert(workload);
        }
    }
    let settings = Setting { repository: None, ..setting };
    Ok((scope, settings, notes))
}

/// Reads it all. What was named and is not there is an error; what the catalog names and is not
/// there is noted.
fn read(
    reader: &Reader,
    scope: &Scope,
    named: bool,
    taken: &mut Snapshot,
    notes: &mut Vec<String>,
) -> Result<()> {
    let cluster = &reader.cluster;
    let mut missing = |why: Unread| match why {
        Unread::Missing(text, hint) if named => {
            let error = Error::blocked(text);
            Err(hint.map_or(error.clone(), |hint| error.hint(hint)))
        }
        Unread::Missing(text, _) => {
            notes.push(text);
            Ok(())
        }
        why => Err(Error::blocked(why.sentence().to_owned()).hint("no snapshot was written")),
    };
    match cluster.identity() {
        Ok(identity) => taken.cluster = identity.uid,
        Err(why) => missing(why)?,
    }
    let mut binary: Vec<String> = Vec::new();
    for name in &scope.configmaps {
        match cluster.configmap(name) {
            Ok(object) => {
                let keys = object["binaryData"].as_object().into_iter().flatten();
                binary.extend(keys.map(|(key, _)| format!("binary {key} of configmap/{name}")));
                taken.configmaps.insert(name.clone(), snapshot::values(&object));
            }
            Err(why) => missing(why)?,
        }
    }
    for workload in &scope.workloads {
        match cluster.workload_object(workload) {
            Ok(object) => {
                let template = template::content(&object["spec"]["template"]);
                taken.workloads.insert(workload.to_string(), template);
            }
            Err(why) => missing(why)?,
        }
    }
    notes.extend(binary);
    for (repository, branches) in &scope.branches {
        match reader.forge.heads(repository) {
            Ok(heads) => {
                let known = branches
                    .iter()
                    .filter_map(|branch| Some((branch.clone(), heads.get(branch)?.clone())));
                taken.branches.insert(repository.clone(), known.collect());
            }
            // The cluster is what is restored; a remote that is down is no reason to have nothing.
            Err(why) => notes.push(why.sentence().to_owned()),
        }
    }
    Ok(())
}

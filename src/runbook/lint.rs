//! Everything there is to say about a catalog, all files at once: the errors of each, what two
//! files contradict each other in, and warnings that only an author can judge.

use std::collections::BTreeMap;
use std::path::Path;

use serde::Serialize;

use super::catalog::{Catalog, TRIGGERS};
use super::model::{Level, Runbook, Settings, Target};
use super::names::Known;
use super::problem::{Problem, Severity, Source};
use super::tree::{self, Node};
use super::{after, duration, guard, load};
use crate::error::nearest;

/// What a lint found.
#[derive(Debug, Clone, Serialize)]
pub struct Lint {
    /// Errors and warnings, file by file.
    pub problems: Vec<Problem>,
    /// How many files were read.
    pub files: usize,
    /// How many runbooks can be used.
    pub runbooks: usize,
}

impl Lint {
    /// How many problems are this severe.
    pub fn count(&self, severity: Severity) -> usize {
        self.problems.iter().filter(|problem| problem.severity == severity).count()
    }
}

/// Reads every file of a catalog, as of now.
pub fn lint(catalog: &Catalog) -> Lint {
    lint_on(catalog, after::today())
}

/// Reads every file of a catalog, as of a day (days since 1970-01-01).
pub fn lint_on(catalog: &Catalog, today: u64) -> Lint {
    let mut lint = Lint { problems: catalog.broken().to_vec(), files: 0, runbooks: 0 };
    let loaded = catalog.load_settings();
    lint.files += 1;
    lint.problems.extend(loaded.problems);
    let settings = loaded.value;
    let known = match &settings {
        Some(settings) => {
            with_source(catalog, &settings.place.file, |source, root| {
                lint.problems.extend(contacts(source, root, settings));
                let due = after::overdue(
                    &settings.place,
                    settings.reviewed.as_deref(),
                    settings.review_every,
                    today,
                );
                lint.problems.extend(review(source, root, due));
            });
            Known::of(settings)
        }
        None => Known { complete: false, ..Known::default() },
    };
    let loaded_watching = catalog.load_watching(&known);
    lint.problems.extend(loaded_watching.problems);
    let file = catalog.dir().join(TRIGGERS);
    if file.exists() {
        lint.files += 1;
        with_source(catalog, &file, |source, root| {
            lint.problems.extend(super::lint_watching::problems(source, root, catalog));
        });
    }
    let mut seen: BTreeMap<&Target, &Path> = BTreeMap::new();
    for entry in catalog.entries() {
        lint.files += 1;
        let bytes = match catalog.bytes(&entry.file) {
            Ok(bytes) => bytes,
            Err(problem) => {
                lint.problems.push(problem);
                continue;
            }
        };
        let loaded = load::runbook(&entry.file, &bytes, &known);
        lint.problems.extend(loaded.problems);
        with_source(catalog, &entry.file, |source, root| {
            if let Some(first) = seen.get(&entry.target) {
                let span = root.get("name").unwrap_or(root).span;
                let message = format!("`{}` is defined twice", entry.target);
                let help = format!("the first one is {}; rename one of them", first.display());
                lint.problems.push(source.problem(span, message).help(help));
            }
            lint.problems.extend(service(source, root, catalog));
            if let Some(runbook) = &loaded.value {
                lint.runbooks += 1;
                lint.problems.extend(warnings(source, root, runbook));
                let settings = settings.as_ref();
                let every = settings.and_then(|settings| settings.review_every);
                let reviewed = runbook.reviewed.as_deref();
                let due = after::overdue(&runbook.place, reviewed, every, today);
                lint.problems.extend(review(source, root, due));
                lint.problems.extend(tiers(source, root, settings));
            }
        });
        seen.entry(&entry.target).or_insert(&entry.file);
    }
    lint.files += catalog.broken().len();
    lint.problems.sort_by(|a, b| {
        let key = |p: &Problem| (p.place.file.clone(), p.place.line, p.place.column);
        key(a).cmp(&key(b))
    });
    lint
}

/// Calls `look` with a file's tree, where it has one.
fn with_source(catalog: &Catalog, file: &Path, look: impl FnOnce(Source<'_>, &Node<'_>)) {
    let Ok(bytes) = catalog.bytes(file) else { return };
    let Ok(text) = guard::text(file, &bytes) else { return };
    let source = Source { file, text };
    if let Ok(root) = tree::build(source) {
        look(source, &root);
    }
}

/// The service that a component names must have a runbook.
fn service(source: Source<'_>, root: &Node<'_>, catalog: &Catalog) -> Option<Problem> {
    let node = root.get("service")?;
    let name = node.text()?;
    let services = || {
        let entries = catalog.entries().iter().map(|entry| &entry.target);
        entries.filter(|target| target.level == Level::Service).map(|target| target.name.as_str())
    };
    if services().any(|service| service == name) {
        return None;
    }
    let problem =
        source.problem(node.span, format!("there is no runbook for the service `{name}`"));
    Some(match nearest(name, services()) {
        Some(near) => problem.help(format!("did you mean `{near}`?")),
        None => problem.help("add a runbook of level `service` with this name"),
    })
}

/// Contacts that nobody could call, in a sentence.
pub fn unreachable_contacts(settings: &Settings) -> Option<String> {
    let missing = after::unreachable(settings);
    let count = missing.len();
    (count > 0)
        .then(|| format!("{count} contacts say not how to reach them: {}", missing.join(", ")))
}

/// A page whose review is due.
fn review(source: Source<'_>, root: &Node<'_>, due: Option<after::Overdue>) -> Option<Problem> {
    let due = due?;
    let span = root.get("reviewed").unwrap_or(root).span;
    let message = format!("reviewed on {}; the next review was due on {}", due.reviewed, due.due);
    Some(source.problem(span, message).warning().help("review it, then write today's day here"))
}

/// The tiers that a runbook names must be there.
fn tiers(source: Source<'_>, root: &Node<'_>, settings: Option<&Settings>) -> Vec<Problem> {
    let Some(settings) = settings.filter(|settings| !settings.validation.is_empty()) else {
        return Vec::new();
    };
    let names = || settings.validation.iter().map(|tier| tier.name.as_str());
    let items = root.get("validation").map(Node::items).unwrap_or_default();
    items
        .iter()
        .filter_map(|item| item.get("tier"))
        .filter_map(|node| Some((node, node.text()?)))
        .filter(|(_, name)| !names().any(|known| known == *name))
        .map(|(node, name)| {
            let message = format!("there is no tier `{name}` in `rollback.yaml`");
            let problem = source.problem(node.span, message).warning();
            let known = format!("its tiers are: {}", names().collect::<Vec<_>>().join(", "));
            problem.nearest(name, names()).help(known)
        })
        .collect()
}

/// Contacts that nobody could call.
fn contacts(source: Source<'_>, root: &Node<'_>, settings: &Settings) -> Option<Problem> {
    let missing = after::unreachable(settings);
    let (key, _) = root.entry("contacts").filter(|_| !missing.is_empty())?;
    let message = format!("{} contacts say not how to reach them", missing.len());
    let problem = source.problem(key.span, message).warning();
    Some(problem.help(format!("add `contact:` for: {}", missing.join(", "))))
}

/// What the author of a runbook should know.
fn warnings(source: Source<'_>, root: &Node<'_>, runbook: &Runbook) -> Vec<Problem> {
    let mut problems = Vec::new();
    if runbook.recovered_when.is_empty() {
        let message = "without `recovered_when` this rollback can only ever be `applied`";
        let problem = source.problem(root.span, message).warning();
        problems.push(problem.help("add `recovered_when:` with a check that fails until it works"));
    }
    let criteria = |key: &str| root.get(key).map(Node::items).unwrap_or_default();
    let manual = criteria("recovered_when").iter().filter_map(|node| node.entry("manual"));
    for (key, _) in manual {
        let problem =
            source.problem(key.span, "nobody is asked when no terminal is there").warning();
        problems.push(problem.help("add a check that needs no person, or move it to `validation`"));
    }
    for (name, method) in root.get("methods").map(Node::entries).unwrap_or_default() {
        if let Some((key, why)) = method.entry("not_ready") {
            let message = format!("the method `{}` cannot be run yet", name.text);
            let why = why.text().unwrap_or_default().trim().to_owned();
            problems.push(source.problem(key.span, message).warning().help(why));
            continue;
        }
        problems.extend(method_warnings(source, &name.text, name.span, method));
    }
    problems
}

fn method_warnings(
    source: Source<'_>,
    name: &str,
    span: tree::Span,
    method: &Node<'_>,
) -> Vec<Problem> {
    let mut problems = Vec::new();
    let length = |node: &Node<'_>| node.text().and_then(|text| duration::parse(text).ok());
    let steps = method.get("steps").map(Node::items).unwrap_or_default();
    let has = |kind: &str| steps.iter().any(|step| step.get(kind).is_some());
    let budget = method.get("budget").and_then(length);
    for step in steps {
        if let (Some(budget), Some(node)) = (budget, step.get("timeout"))
            && let Some(timeout) = length(node).filter(|timeout| *timeout > budget)
        {
            let message = format!(
                "this step alone may take {}, the budget of `{name}` is {}",
                duration::format(timeout),
                duration::format(budget)
            );
            let help = "shorten the timeout, or raise the budget";
            problems.push(source.problem(node.span, message).warning().help(help));
        }
        problems.extend(fire(source, step));
    }
    if name == "database" {
        problems.extend(database(source, span, steps));
    }
    // A workload's env is part of its pod template: setting it makes new pods by itself.
    let configmap = steps
        .iter()
        .any(|step| step.get("set_flags").is_some_and(|flags| flags.get("configmap").is_some()));
    if configmap && !has("restart") {
        let message = format!("`{name}` sets flags and restarts nothing: running pods keep theirs");
        let help = "add a `restart` of the workloads that read the ConfigMap";
        problems.push(source.problem(span, message).warning().help(help));
    }
    problems
}

/// What a method that changes data needs before anybody runs it at night.
fn database(source: Source<'_>, span: tree::Span, steps: &[Node<'_>]) -> Vec<Problem> {
    let warn = |message: &str, help: &str| source.problem(span, message).warning().help(help);
    let is =
        |step: &Node<'_>, key: &str, value: &str| step.get(key).and_then(Node::text) == Some(value);
    let command = |step: &Node<'_>| step.get("command").is_some() || step.get("shell").is_some();
    let mut problems = Vec::new();
    if !steps.iter().any(|step| is(step, "confirm", "name")) {
        let message = "`database` changes data and asks for no name";
        problems.push(warn(message, "add `confirm: name` to the step that changes the schema"));
    }
    if !steps.first().is_some_and(|step| command(step) && is(step, "check", "true")) {
        let message = "`database` does not begin with the proof of a backup";
        problems.push(warn(
            message,
            "begin with a command that succeeds only if there is one, and `check: true`",
        ));
    }
    let changes = |step: &&Node<'_>| command(step) && !is(step, "check", "true");
    if steps.iter().filter(changes).any(|step| step.get("probe").is_none()) {
        let message = "a command of `database` has no probe";
        problems.push(warn(message, "add `probe: [...]`, which succeeds once the schema is back"));
    }
    problems
}

/// A command whose effect nothing can show.
fn fire(source: Source<'_>, step: &Node<'_>) -> Option<Problem> {
    let (key, _) = step.entry("command").or_else(|| step.entry("shell"))?;
    let says = |key: &str| step.get(key).is_some_and(|node| node.text() != Some("false"));
    if ["probe", "idempotent", "check"].into_iter().any(says) {
        return None;
    }
    let message = if step.get("retry").is_some() {
        "nobody can tell whether this command did its work: it is tried once, not as `retry` says"
    } else {
        "after a crash nobody can tell whether this command ran"
    };
    Some(source.problem(key.span, message).warning().help(
        "add `probe: [...]`; or `idempotent: true` where running it twice is harmless; or \
         `check: true` where it changes nothing",
    ))
}

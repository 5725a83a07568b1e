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
use super::{duration, guard, load};
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

/// Reads every file of a catalog.
pub fn lint(catalog: &Catalog) -> Lint {
    let mut lint = Lint { problems: catalog.broken().to_vec(), files: 0, runbooks: 0 };
    let loaded = catalog.load_settings();
    lint.files += 1;
    lint.problems.extend(loaded.problems);
    let known = match &loaded.value {
        Some(settings) => {
            with_source(catalog, &settings.place.file, |source, root| {
                lint.problems.extend(contacts(source, root, settings));
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

/// The roles of contacts that nobody could call.
fn without_address(settings: &Settings) -> Vec<&str> {
    let placeholder = |contact: &Option<String>| {
        contact.as_deref().is_none_or(|text| {
            let text = text.trim();
            text.is_empty() || text.starts_with('[') || text.eq_ignore_ascii_case("todo")
        })
    };
    let missing = settings.contacts.iter().filter(|contact| placeholder(&contact.contact));
    missing.map(|contact| contact.role.as_str()).collect()
}

/// Contacts that nobody could call, in a sentence.
pub fn unreachable_contacts(settings: &Settings) -> Option<String> {
    let missing = without_address(settings);
    let count = missing.len();
    (count > 0)
        .then(|| format!("{count} contacts say not how to reach them: {}", missing.join(", ")))
}

/// Contacts that nobody could call.
fn contacts(source: Source<'_>, root: &Node<'_>, settings: &Settings) -> Option<Problem> {
    let missing = without_address(settings);
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

/// A command whose effect nothing can show.
fn fire(source: Source<'_>, step: &Node<'_>) -> Option<Problem> {
    let (key, _) = step.entry("command").or_else(|| step.entry("shell"))?;
    let says = |key: &str| step.get(key).is_some_and(|node| node.text() != Some("false"));
    if ["probe", "idempotent", "check"].into_iter().any(says) {
        return None;
    }
    let message = "after a crash nobody can tell whether this command ran";
    Some(source.problem(key.span, message).warning().help(
        "add `probe: [...]`; or `idempotent: true` where running it twice is harmless; or \
         `check: true` where it changes nothing",
    ))
}

//! What the names in a file mean: parameters, earlier steps, the run. A name that means nothing
//! is found where it stands.

use std::collections::BTreeMap;
use std::time::Duration;

use super::load::STEP_TIMEOUT;
use super::model::{Parameter, Settings};
use super::problem::{Problem, Source};
use super::schema::{GIT_KINDS, GIT_OUTPUTS, Holds};
use super::template::{self, Undefined};
use super::tree::Node;
use crate::error::nearest;

/// What a file may refer to: the parameters of its catalog.
#[derive(Debug, Clone)]
pub struct Known {
    /// Name, and whether it is a secret.
    pub names: BTreeMap<String, bool>,
    /// Whether these are all; where not, an unknown name is not reported.
    pub complete: bool,
    /// A step's timeout where it gives none.
    pub timeout: Duration,
}

impl Default for Known {
    fn default() -> Known {
        Known { names: BTreeMap::new(), complete: true, timeout: STEP_TIMEOUT }
    }
}

impl Known {
    /// What `rollback.yaml` defines.
    pub fn of(settings: &Settings) -> Known {
        let secret =
            |(name, parameter): (&String, &Parameter)| (name.clone(), parameter.secret.is_some());
        Known {
            names: settings.parameters.iter().map(secret).collect(),
            complete: true,
            timeout: settings.timeout.unwrap_or(STEP_TIMEOUT),
        }
    }
}

/// What is known, with the parameters that this file itself defines.
pub fn with_own(known: &Known, root: &Node<'_>) -> Known {
    let mut known = known.clone();
    for (key, value) in root.get("parameters").map(Node::entries).unwrap_or_default() {
        known.names.insert(key.text.to_string(), value.get("secret").is_some());
    }
    known
}

/// A step that a later one may refer to.
#[derive(Debug, Clone)]
pub struct Earlier {
    /// Its id.
    pub id: String,
    /// Whether it pushes a commit.
    pub git: bool,
}

/// Where in a file the loader is: which steps came before.
#[derive(Debug, Clone, Default)]
pub struct Scope {
    /// The steps of this method so far.
    pub steps: Vec<Earlier>,
    /// The ids of all steps of this method, for "comes later".
    all: Vec<String>,
    in_method: bool,
}

impl Scope {
    /// The scope of a method's first step.
    pub fn of_method(method: &Node<'_>) -> Scope {
        let steps = method.get("steps").map(Node::items).unwrap_or_default();
        let all = steps.iter().enumerate().map(|(index, step)| step_id(step, index)).collect();
        Scope { steps: Vec::new(), all, in_method: true }
    }

    fn reference(&self, id: &str) -> Result<bool, (String, Option<String>)> {
        if let Some(step) = self.steps.iter().find(|step| step.id == id) {
            return Ok(step.git);
        }
        if self.all.iter().any(|other| other == id) {
            let help = "a step can only use what an earlier step made: move it up";
            return Err((format!("the step `{id}` is not before this one"), Some(help.to_owned())));
        }
        let near = nearest(id, self.steps.iter().map(|step| step.id.as_str()));
        let help = near.map_or_else(
            || {
                let ids: Vec<String> =
                    self.steps.iter().filter(|s| s.git).map(|s| format!("`{}`", s.id)).collect();
                if ids.is_empty() {
                    "no earlier step of this method pushes a commit".to_owned()
                } else {
                    format!("the earlier git steps are: {}", ids.join(", "))
                }
            },
            |near| format!("did you mean `{near}`?"),
        );
        Err((format!("no step of this method has the id `{id}`"), Some(help)))
    }
}

/// A step's id: given, or a slug of its name, or its number.
fn step_id(step: &Node<'_>, index: usize) -> String {
    let given = step.get("id").and_then(Node::text);
    let slug = || slug(step.get("name").and_then(Node::text)?);
    given.map(str::to_owned).or_else(slug).unwrap_or_else(|| format!("step-{}", index + 1))
}

/// `Restart the backend` as `restart-the-backend`.
pub fn slug(name: &str) -> Option<String> {
    let mut slug = String::new();
    for char in name.chars().flat_map(char::to_lowercase) {
        if char.is_ascii_alphanumeric() {
            slug.push(char);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.truncate(63);
    let slug = slug.trim_end_matches('-').to_owned();
    (!slug.is_empty()).then_some(slug)
}

/// What is wrong with the names in a text.
pub fn problems(
    source: Source<'_>,
    node: &Node<'_>,
    text: &str,
    holds: Holds,
    known: &Known,
    scope: &Scope,
) -> Vec<Problem> {
    if !text.contains("${") {
        return Vec::new();
    }
    let names = match template::references(text) {
        Ok(names) => names,
        Err(error) => {
            let part = if let Undefined::Malformed(part) = &error { part } else { "${" };
            let span = source.within(node.span, part);
            let help = "a name has letters, digits, `_`, `.` and `-`: `${base_url}`";
            return vec![source.problem(span, error.to_string()).help(help)];
        }
    };
    let mut problems = Vec::new();
    let at = |name: &str| source.within(node.span, &format!("${{{name}}}"));
    for name in names {
        if let Some((message, help)) = name_problem(name, holds, known, scope) {
            let problem = source.problem(at(name), message);
            problems.push(help.into_iter().fold(problem, Problem::help));
        }
    }
    for name in template::escaped(text) {
        if template::is_late(name) || known.names.get(name) == Some(&true) {
            let message = format!("`$${{{name}}}` cannot be escaped: its value comes late");
            problems.push(source.problem(at(name), message).help("write it in another way"));
        }
    }
    problems
}

fn name_problem(
    name: &str,
    holds: Holds,
    known: &Known,
    scope: &Scope,
) -> Option<(String, Option<String>)> {
    if name == "run.id" || name == "run.stamp" {
        return None;
    }
    if let Some(rest) = name.strip_prefix("steps.") {
        let (id, output) = rest.rsplit_once('.').unwrap_or((rest, ""));
        if !scope.in_method {
            let help = "only the steps of a method can use other steps";
            return Some((format!("`{name}` has no meaning here"), Some(help.to_owned())));
        }
        return match scope.reference(id) {
            Err(error) => Some(error),
            Ok(git) if !git || !GIT_OUTPUTS.contains(&output) => Some((
                format!("the step `{id}` has no output `{output}`"),
                Some(if git {
                    "a git step has the outputs `sha` and `branch`".to_owned()
                } else {
                    "only git steps have outputs: `sha` and `branch`".to_owned()
                }),
            )),
            Ok(_) => None,
        };
    }
    match known.names.get(name) {
        Some(true) if holds != Holds::Secrets => Some((
            format!("`{name}` is a secret, and this text is shown and recorded"),
            Some("secrets stand only in a command's `env` and in `headers`".to_owned()),
        )),
        Some(_) => None,
        None if !known.complete => None,
        None => {
            let late = ["run.id", "run.stamp"];
            let names = known.names.keys().map(String::as_str).chain(late);
            let help = nearest(name, names).map_or_else(
                || format!("define `{name}` under `parameters:`, or write `$${{{name}}}`"),
                |near| format!("did you mean `${{{near}}}`?"),
            );
            Some((format!("`${{{name}}}` is not defined"), Some(help)))
        }
    }
}

/// What is wrong with a step beyond its keys; notes it for the steps after it.
pub fn step(source: Source<'_>, node: &Node<'_>, scope: &mut Scope) -> Vec<Problem> {
    let mut problems = Vec::new();
    let id = step_id(node, scope.steps.len());
    if scope.steps.iter().any(|step| step.id == id) {
        let span = node.get("id").or_else(|| node.get("name")).unwrap_or(node).span;
        let problem = source.problem(span, format!("two steps of this method have the id `{id}`"));
        problems.push(problem.help(format!("give this step its own: `id: {id}-2`")));
    }
    if let Some(checkout) = node.get("checkout") {
        let id = checkout.text().unwrap_or_default();
        let problem = |message: &str| source.problem(checkout.span, message);
        match scope.reference(id) {
            Err((message, help)) => {
                let help = help.unwrap_or_default();
                problems.push(problem(&message).help(help));
            }
            Ok(false) => problems.push(
                problem(&format!("the step `{id}` pushes no commit"))
                    .help(format!("name a step of these kinds: {}", GIT_KINDS.join(", "))),
            ),
            Ok(true) => {}
        }
    }
    let git = GIT_KINDS.iter().any(|kind| node.get(kind).is_some());
    scope.steps.push(Earlier { id, git });
    problems
}

//! The rules of values: what a scalar of each type may be, which names a text may hold, what a
//! step may refer to. Every rule says what is wrong and what to write.

use std::collections::BTreeMap;
use std::time::Duration;

use super::duration;
use super::load::STEP_TIMEOUT;
use super::model::{Parameter, Settings, Workload};
use super::parameters;
use super::problem::{Problem, Source, printable};
use super::schema::{GIT_KINDS, GIT_OUTPUTS, Holds, KINDS, Object, Type};
use super::template::{self, Undefined};
use super::tree::{Key, Node};
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

/// What `${name}` may mean in a value of this type; none where it is never looked at.
pub fn holds(ty: &Type) -> Option<Holds> {
    match ty {
        Type::Text(Holds::Nothing) => None,
        Type::Text(holds) => Some(*holds),
        Type::Word | Type::Path | Type::Url | Type::Workload | Type::Flag => Some(Holds::Names),
        _ => None,
    }
}

/// A key that the table does not know.
pub fn unknown_key(source: Source<'_>, key: &Key<'_>, object: &Object) -> Problem {
    let names = || object.keys.iter().map(|key| key.name);
    let is_step = object.name == "Step";
    let what = if is_step { "a key or kind of a step" } else { "a key of" };
    let message = if is_step {
        format!("`{}` is not {what}", key.text)
    } else {
        format!("`{}` is not {what} `{}`", key.text, object.name)
    };
    let problem = source.problem(key.span, message);
    if nearest(&key.text, names()).is_some() {
        problem.nearest(&key.text, names())
    } else if is_step {
        problem.help(format!("the step kinds are: {}", KINDS.join(", ")))
    } else {
        problem.help(format!("its keys are: {}", names().collect::<Vec<_>>().join(", ")))
    }
}

/// A list, a map or nothing where a scalar is due.
pub fn not_a_scalar(source: Source<'_>, node: &Node<'_>, ty: &Type, what: &str) -> Problem {
    let example = match ty {
        Type::Duration => "30s",
        Type::Bool => "true",
        Type::Number(..) => "3",
        Type::Workload => "deployment/NAME",
        Type::Choice(words) => words[0],
        Type::Url => "https://HOST/PATH",
        Type::Flag => "\"false\"",
        _ => "TEXT",
    };
    let message = match node.describe() {
        "nothing" => format!("`{what}` has no value"),
        other => format!("`{what}` is a single value, not {other}"),
    };
    source.problem(node.span, message).help(format!("write `{what}: {example}`"))
}

/// What is wrong with a scalar of this type.
pub fn scalar(
    source: Source<'_>,
    node: &Node<'_>,
    text: &str,
    quoted: bool,
    ty: &Type,
    what: &str,
) -> Vec<Problem> {
    let wrong = |message: String| source.problem(node.span, message);
    let shown = printable(text);
    let problem = match ty {
        Type::Bool if quoted || !matches!(text, "true" | "false") => {
            wrong(format!("`{what}` is `true` or `false`, not `{shown}`"))
                .help(format!("write `{what}: true` or `{what}: false`, without quotes"))
        }
        Type::Number(from, to)
            if quoted || !text.parse().is_ok_and(|number: u32| (*from..=*to).contains(&number)) =>
        {
            wrong(format!("`{what}` is a whole number from {from} to {to}, not `{shown}`"))
                .help(format!("write `{what}: {from}`, without quotes"))
        }
        Type::Duration => match duration::parse(text) {
            Err(error) => wrong(error.clone()).help(if error.contains("did you mean") {
                "the units are `h`, `m`, `s` and `ms`"
            } else {
                "durations are written `500ms`, `30s`, `5m`, `1m30s`, `2h`"
            }),
            Ok(zero) if zero.is_zero() && what != "backoff" => {
                wrong(format!("`{what}` is longer than nothing"))
                    .help(format!("write `{what}: 30s`"))
            }
            Ok(_) => return Vec::new(),
        },
        Type::Choice(words) if !words.contains(&text) => {
            wrong(format!("`{shown}` is not a value of `{what}`"))
                .nearest(text, words.iter().copied())
                .help(format!("its values are: {}", words.join(", ")))
        }
        Type::Name if !is_name(text) => wrong(format!("`{shown}` is not a name"))
            .help("names have 1 to 63 of `a` to `z`, `0` to `9` and `-`"),
        Type::Workload => match workload(text) {
            Some((error, help)) => wrong(error).help(help),
            None => return Vec::new(),
        },
        Type::Flag if !quoted && looks_typed(text) => {
            wrong(format!("the flag `{what}` is `{shown}` without quotes, and flags are texts"))
                .help(format!("write `{what}: \"{shown}\"`"))
        }
        Type::Word | Type::Path => match word(text, matches!(ty, Type::Path)) {
            Some(why) => wrong(format!("`{shown}` {why}")).help(format!("correct `{what}`")),
            None => return Vec::new(),
        },
        Type::Url if !is_url(text) => wrong(format!("`{shown}` is not an address"))
            .help("write `https://HOST/PATH`, or start with a parameter: `${base_url}/PATH`"),
        Type::Text(_) | Type::Script if text.contains('\0') => {
            wrong(format!("`{what}` holds a NUL character")).help("remove it")
        }
        _ => return Vec::new(),
    };
    vec![problem]
}

/// `[a-z0-9-]{1,63}`.
pub fn is_name(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && !text.starts_with('-')
}

/// What YAML readers take for something other than text.
fn looks_typed(text: &str) -> bool {
    matches!(text.to_ascii_lowercase().as_str(), "true" | "false") || text.parse::<f64>().is_ok()
}

/// What is wrong with a workload, and what to write.
fn workload(text: &str) -> Option<(String, String)> {
    match Workload::try_from(text.to_owned()) {
        Err(error) => {
            let kind = text.split('/').next().unwrap_or_default();
            let near = nearest(kind, ["deployment", "statefulset", "daemonset"]);
            let help = near.map_or_else(
                || "write `deployment/NAME`".to_owned(),
                |near| match text.split_once('/') {
                    Some((_, name)) => format!("did you mean `{near}/{name}`?"),
                    None => format!("write `{near}/NAME`"),
                },
            );
            Some((error, help))
        }
        Ok(workload) => {
            let literal = plain(&workload.name);
            let good = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
            (workload.name.is_empty() || !literal.chars().all(good) || literal.starts_with('-'))
                .then(|| {
                    let message = format!("`{}` is not the name of a workload", workload.name);
                    (message, "names have `a` to `z`, `0` to `9`, `-` and `.`".to_owned())
                })
        }
    }
}

/// A text without its `${name}`.
fn plain(text: &str) -> String {
    template::settle(text, |_| Some(String::new()))
}

fn word(text: &str, path: bool) -> Option<&'static str> {
    let literal = plain(text);
    if text.is_empty() {
        Some("is empty")
    } else if literal.starts_with('-') && text.starts_with('-') {
        Some("starts with `-` and would be read as an option")
    } else if literal.chars().any(char::is_control) {
        Some("holds a control character")
    } else if path && (literal.starts_with('/') || text.split('/').any(|part| part == "..")) {
        Some("leaves the repository: paths are relative and have no `..`")
    } else if !path && literal.contains(char::is_whitespace) {
        Some("holds a space")
    } else {
        None
    }
}

fn is_url(text: &str) -> bool {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    (text.starts_with("${") || rest.is_some_and(|rest| !rest.is_empty()))
        && !plain(text).contains(|c: char| c.is_whitespace() || c.is_control())
}

/// What is wrong with the names in a text.
pub fn names(
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
            problems.push(help.into_iter().fold(problem, |problem, help| problem.help(help)));
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

/// What a criterion is called where it has no name.
pub fn criterion_name(node: &Node<'_>) -> String {
    let short = |text: &str| {
        let line = text.trim().lines().next().unwrap_or_default();
        let cut: String = line.chars().take(60).collect();
        if cut.len() < text.trim().len() { format!("{cut}…") } else { cut }
    };
    let url = node.get("http").and_then(|http| http.get("url")).and_then(Node::text);
    let argv: Vec<&str> = node
        .get("command")
        .map(|command| command.items().iter().filter_map(Node::text).collect())
        .unwrap_or_default();
    let text = ["manual", "shell"].iter().find_map(|key| node.get(key).and_then(Node::text));
    url.map(str::to_owned).or_else(|| text.map(short)).unwrap_or_else(|| short(&argv.join(" ")))
}

/// What is wrong with a parameter beyond its keys.
pub fn parameter(
    source: Source<'_>,
    node: &Node<'_>,
    texts: &BTreeMap<String, Vec<String>>,
) -> Vec<Problem> {
    let one = |key: &str| texts.get(key).and_then(|texts| texts.first().cloned());
    let parameter = Parameter {
        choices: texts.get("choices").cloned().unwrap_or_default(),
        shape: one("shape"),
        ..Parameter::default()
    };
    let (Some(default), Some(value)) = (node.get("default"), one("default")) else {
        return Vec::new();
    };
    if node.get("secret").is_some() {
        let problem = source.problem(default.span, "a secret has no default");
        return vec![problem.help("remove `default`; the value comes from `secret`")];
    }
    match parameters::fits(&parameter, &value) {
        Ok(()) => Vec::new(),
        Err(why) => vec![source.problem(default.span, why).help("correct `default`")],
    }
}

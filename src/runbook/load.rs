//! A file to its types: the tree is checked against the table, all errors at once, brought into
//! the model's shape and decoded.

use std::path::Path;
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::check;
use super::model::{Runbook, Settings};
use super::names::{self, Known, Scope};
use super::parameters::RESERVED;
use super::problem::{self, Problem, Source};
use super::schema::{self, Keys, Object, Type};
use super::shape::{self, set, span, tagged, take, texts};
use super::tree::{self, Kind, Node};
use super::watching::Watching;
use super::{duration, guard, keys};
use crate::error::Result;
use crate::yaml;

/// A step's timeout where nothing says one.
pub const STEP_TIMEOUT: Duration = Duration::from_secs(60);
/// How long a criterion may take to come true where it does not say.
pub const WITHIN: Duration = Duration::from_secs(60);

/// What came of a file: its value, where it can be used, and what is to be said about it.
#[derive(Debug)]
pub struct Loaded<T> {
    /// The value; none where a problem is an error.
    pub value: Option<T>,
    /// Everything that is wrong, in the order of the file.
    pub problems: Vec<Problem>,
}

impl<T> Loaded<T> {
    /// The value, or every error as one.
    pub fn into_result(self, colour: bool) -> Result<T> {
        self.value.ok_or_else(|| problem::error(&self.problems, colour).into())
    }

    fn failed(problems: Vec<Problem>) -> Loaded<T> {
        Loaded { value: None, problems }
    }
}

/// A runbook from a file's bytes; `known` is what `rollback.yaml` defines.
pub fn runbook(file: &Path, bytes: &[u8], known: &Known) -> Loaded<Runbook> {
    load(file, bytes, &schema::RUNBOOK, known)
}

/// `rollback.yaml` from its bytes.
pub fn settings(file: &Path, bytes: &[u8]) -> Loaded<Settings> {
    load(file, bytes, &schema::SETTINGS, &Known::default())
}

/// `triggers.yaml` from its bytes; `known` is what `rollback.yaml` defines.
pub fn watching(file: &Path, bytes: &[u8], known: &Known) -> Loaded<Watching> {
    load(file, bytes, &schema::WATCHING, known)
}

fn load<T: DeserializeOwned>(
    file: &Path,
    bytes: &[u8],
    object: &'static Object,
    known: &Known,
) -> Loaded<T> {
    let text = match guard::text(file, bytes) {
        Ok(text) => text,
        Err(problem) => return Loaded::failed(vec![problem]),
    };
    let source = Source { file, text };
    let root = match tree::build(source) {
        Ok(root) => root,
        Err(problems) => return Loaded::failed(problems),
    };
    let mut loader = Loader {
        source,
        known: names::with_own(known, &root),
        scope: Scope::default(),
        problems: Vec::new(),
    };
    let value = loader.root(&root, object);
    let mut problems = loader.problems;
    problems.sort_by_key(|problem| (problem.place.line, problem.place.column));
    if problems.iter().any(Problem::is_error) {
        return Loaded::failed(problems);
    }
    match serde_json::from_value(value) {
        Ok(value) => Loaded { value: Some(value), problems },
        Err(error) => Loaded::failed(vec![
            Problem::of_file(file, format!("the file cannot be decoded: {error}"))
                .help("this is a bug in rollback: please report it with the file"),
        ]),
    }
}

/// Turns checked nodes into the model's shape.
struct Loader<'s> {
    source: Source<'s>,
    known: Known,
    scope: Scope,
    problems: Vec<Problem>,
}

impl Loader<'_> {
    fn wrong(&mut self, node: &Node<'_>, message: impl AsRef<str>) -> &mut Problem {
        self.problem(self.source.problem(node.span, message))
    }

    fn problem(&mut self, problem: Problem) -> &mut Problem {
        self.problems.push(problem);
        let last = self.problems.len() - 1;
        &mut self.problems[last]
    }

    /// The whole file.
    fn root(&mut self, root: &Node<'_>, object: &'static Object) -> Value {
        let mut map = self.object(root, object, object.name);
        set(&mut map, "place", self.place(root));
        if object.name != schema::RUNBOOK.name {
            return Value::Object(map);
        }
        map.remove("apiVersion");
        let level = take(&mut map, "level");
        let name = match (map.remove("name"), level.as_str()) {
            (None, Some("system")) => "system".into(),
            (Some(name), Some("system")) if name.as_str() != Some("system") => {
                let node = root.get("name").unwrap_or(root);
                self.wrong(node, "the runbook of level `system` is named `system`")
                    .add_help("remove `name`, or write `name: system`");
                name
            }
            (Some(name), _) => name,
            (None, _) => {
                if root.get("name").is_none() && matches!(root.kind, Kind::Map(_)) {
                    self.wrong(root, "the key `name` is missing")
                        .add_help("add `name:`, the target's name in its level");
                }
                Value::Null
            }
        };
        if let (Some(service), Some("service" | "system")) = (root.get("service"), level.as_str()) {
            self.wrong(service, "only a component belongs to a service")
                .add_help("remove `service:`");
        }
        let mut target = Map::new();
        set(&mut target, "level", level);
        set(&mut target, "name", name);
        set(&mut map, "target", Value::Object(target));
        Value::Object(map)
    }

    fn place(&self, node: &Node<'_>) -> Value {
        let mut map = Map::new();
        set(&mut map, "file", self.source.file.to_string_lossy().as_ref());
        set(&mut map, "line", node.span.line);
        set(&mut map, "column", node.span.column);
        Value::Object(map)
    }

    /// The entries of a map whose keys the table knows.
    fn object(
        &mut self,
        node: &Node<'_>,
        object: &'static Object,
        what: &str,
    ) -> Map<String, Value> {
        self.problems.extend(keys::problems(self.source, node, object, what));
        let mut map = Map::new();
        for (key, value) in node.entries() {
            if let Some(known) = object.key(&key.text) {
                let value = self.value(value, &known.ty, known.name);
                set(&mut map, known.name, value);
            }
        }
        map
    }

    /// One value, in the model's shape; null where it is wrong.
    fn value(&mut self, node: &Node<'_>, ty: &Type, what: &str) -> Value {
        match ty {
            Type::Object(object) => self.known_object(node, object, what),
            Type::OneOf(object) => {
                let map = self.object(node, object, what);
                map.into_iter().next().map_or(Value::Null, |(key, value)| tagged(&key, value))
            }
            Type::List(inner) => self.list(node, inner, what),
            Type::OneOrList(inner) => match node.kind {
                Kind::Seq(_) => self.list(node, inner, what),
                _ => Value::Array(vec![self.value(node, inner, what)]),
            },
            Type::Map(Keys::Method, inner) => self.methods(node, inner, what),
            Type::Map(keys, inner) => self.map(node, *keys, inner, what),
            Type::Short(key, inner, object) => {
                let map = if let (Kind::Map(_), Some(object)) = (&node.kind, object) {
                    self.object(node, object, what)
                } else {
                    let mut map = Map::new();
                    set(&mut map, key, self.value(node, inner, what));
                    map
                };
                Value::Object(map)
            }
            Type::Json => self.json(node, what),
            scalar => self.scalar(node, scalar, what),
        }
    }

    fn known_object(&mut self, node: &Node<'_>, object: &'static Object, what: &str) -> Value {
        if object.name == schema::STEP.name {
            self.step(node)
        } else if object.name == schema::CRITERION.name {
            self.criterion(node, what)
        } else {
            let map = self.object(node, object, what);
            if object.name == schema::PARAMETER.name {
                let problems = check::parameter(self.source, node, &texts(&map));
                self.problems.extend(problems);
            }
            Value::Object(map)
        }
    }

    fn list(&mut self, node: &Node<'_>, inner: &Type, what: &str) -> Value {
        match &node.kind {
            Kind::Seq(items) if !items.is_empty() => {
                Value::Array(items.iter().map(|item| self.value(item, inner, what)).collect())
            }
            Kind::Seq(_) => {
                self.wrong(node, format!("`{what}` is empty"))
                    .add_help("give at least one item, or remove the key");
                Value::Null
            }
            _ => {
                let message = format!("`{what}` is a list, not {}", node.describe());
                let help = match node.text() {
                    Some(text) if what == "command" || what == "probe" => {
                        let argv: Vec<&str> = text.split_whitespace().collect();
                        format!("write `{what}: [{}]`, or use `shell:`", argv.join(", "))
                    }
                    Some(text) => format!("write `{what}: [{text}]`"),
                    None => format!("write `{what}:` and its items with `- `"),
                };
                self.wrong(node, message).add_help(help);
                Value::Null
            }
        }
    }

    fn map(&mut self, node: &Node<'_>, keys: Keys, inner: &Type, what: &str) -> Value {
        let mut map = Map::new();
        if node.entries().is_empty() {
            let message = match node.kind {
                Kind::Map(_) => format!("`{what}` is empty"),
                _ => format!("`{what}` is a map with entries, not {}", node.describe()),
            };
            self.wrong(node, message).add_help("write `key: value` lines below it");
        }
        for (key, value) in node.entries() {
            let reserved = keys == Keys::Parameter && RESERVED.contains(&key.text.as_ref());
            if reserved || !keys.allows(&key.text) {
                let message = if reserved {
                    format!("`{}` is a variable that programs read themselves", key.text)
                } else {
                    format!("`{}` is not {}", key.text, keys.noun())
                };
                let problem = self.source.problem(key.span, message);
                self.problem(problem).add_help("rename it");
            }
            let value = self.value(value, inner, &key.text);
            set(&mut map, &key.text, value);
        }
        Value::Object(map)
    }

    /// Methods are a map in the file, because their names are unique, and a list in the model,
    /// because their order counts.
    fn methods(&mut self, node: &Node<'_>, inner: &Type, what: &str) -> Value {
        if node.entries().is_empty() {
            let message = match node.kind {
                Kind::Map(_) => format!("`{what}` is empty"),
                _ => format!("`{what}` is a map of methods, not {}", node.describe()),
            };
            self.wrong(node, message).add_help("start with `flag:` and its `steps:`");
        }
        let mut methods = Vec::new();
        for (key, value) in node.entries() {
            if !Keys::Method.allows(&key.text) {
                let message = format!("`{}` is not a method", key.text);
                let problem = self.source.problem(key.span, message);
                let known = format!("the methods are: {}", schema::METHODS.join(", "));
                self.problems.push(problem.nearest(&key.text, schema::METHODS).help(known));
            }
            if value.get("steps").is_none() && value.get("not_ready").is_none() {
                let message = format!("the method `{}` has no steps", key.text);
                let problem = self.source.problem(key.span, message);
                self.problem(problem)
                    .add_help("add `steps:`; or, while it cannot be run yet, `not_ready:` and why");
            }
            self.scope = Scope::of_method(value);
            if let Value::Object(mut map) = self.value(value, inner, &key.text) {
                set(&mut map, "name", key.text.as_ref());
                methods.push(Value::Object(map));
            }
            self.scope = Scope::default();
        }
        Value::Array(methods)
    }

    /// A step: its common keys, and its kind as the action.
    fn step(&mut self, node: &Node<'_>) -> Value {
        let mut map = self.object(node, &schema::STEP, "step");
        let problems = names::step(self.source, node, &mut self.scope);
        self.problems.extend(problems);
        if let Some(step) = self.scope.steps.last() {
            set(&mut map, "id", step.id.as_str());
        }
        shape::action(&mut map, node, &schema::KINDS, false);
        if map.get("timeout").is_none() {
            set(&mut map, "timeout", span(self.known.timeout));
        }
        self.problems.extend(check::hold(self.source, node, "timeout", self.known.timeout));
        set(&mut map, "place", self.place(node));
        Value::Object(map)
    }

    fn criterion(&mut self, node: &Node<'_>, what: &str) -> Value {
        let mut map = self.object(node, &schema::CRITERION, what);
        shape::action(&mut map, node, schema::CRITERION.one_of, true);
        if map.get("name").is_none() {
            set(&mut map, "name", check::criterion_name(node));
        }
        if map.get("within").is_none() {
            set(&mut map, "within", span(WITHIN));
        }
        self.problems.extend(check::hold(self.source, node, "within", WITHIN));
        set(&mut map, "place", self.place(node));
        Value::Object(map)
    }

    /// A scalar of the table; the rules stand in `check`.
    fn scalar(&mut self, node: &Node<'_>, ty: &Type, what: &str) -> Value {
        let Kind::Scalar { text, quoted } = &node.kind else {
            let problem = check::not_a_scalar(self.source, node, ty, what);
            self.problems.push(problem);
            return Value::Null;
        };
        let found = check::scalar(self.source, node, text, *quoted, ty, what);
        let bad = !found.is_empty();
        self.problems.extend(found);
        if let Some(holds) = check::holds(ty) {
            let found = names::problems(self.source, node, text, holds, &self.known, &self.scope);
            self.problems.extend(found);
        }
        if bad {
            return Value::Null;
        }
        match ty {
            Type::Bool => Value::Bool(text == "true"),
            Type::Number(..) => text.parse::<u32>().map_or(Value::Null, Value::from),
            Type::Decimal => text.parse::<f64>().map_or(Value::Null, Value::from),
            Type::Duration => duration::parse(text).map_or(Value::Null, span),
            _ => Value::String(text.to_string()),
        }
    }

    /// Any value; an unquoted scalar is what the YAML crate says it is.
    fn json(&mut self, node: &Node<'_>, what: &str) -> Value {
        match &node.kind {
            Kind::Null => Value::Null,
            Kind::Scalar { text, quoted: false } if !text.contains("${") => {
                self.problems.extend(check::too_large(self.source, node, text));
                yaml::decode(text).unwrap_or_else(|_| Value::String(text.to_string()))
            }
            Kind::Scalar { .. } => self.scalar(node, &Type::Text(schema::Holds::Names), what),
            Kind::Seq(items) => {
                Value::Array(items.iter().map(|item| self.json(item, what)).collect())
            }
            Kind::Map(entries) => {
                let mut map = Map::new();
                for (key, value) in entries {
                    let value = self.json(value, &key.text);
                    set(&mut map, &key.text, value);
                }
                Value::Object(map)
            }
        }
    }
}

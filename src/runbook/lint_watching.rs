//! What is wrong with `triggers.yaml` beyond its keys and values: targets without a runbook, bounds
//! whose units do not fit, queries that cannot be PromQL, leave to act where none may be given.

use super::bound::{Bound, Unit};
use super::catalog::Catalog;
use super::model::Level;
use super::problem::{Problem, Source};
use super::tree::Node;
use super::watching;
use crate::error::nearest;

/// Everything, trigger by trigger and metric by metric.
pub fn problems(source: Source<'_>, root: &Node<'_>, catalog: &Catalog) -> Vec<Problem> {
    let mut problems = Vec::new();
    let has = |key: &str| root.get(key).is_some();
    for (_, node) in root.get("triggers").map(Node::entries).unwrap_or_default() {
        problems.extend(target(source, node, catalog));
        problems.extend(query(source, node));
        problems.extend(node.get("minimum").and_then(|minimum| query(source, minimum)));
        problems.extend(bounds(source, node));
        let asked = [
            ("query", "prometheus"),
            ("alert", node.get("at").and_then(Node::text).unwrap_or("prometheus")),
        ];
        for (key, server) in asked {
            if let Some((key, _)) = node.entry(key).filter(|_| !has(server)) {
                let message = format!("this is asked of `{server}`, and the file names none");
                let help = format!("add `{server}: {{ url: … }}` at the top of the file");
                problems.push(source.problem(key.span, message).help(help));
            }
        }
        problems.extend(automatic(source, node, catalog));
        if node.get("automatic").is_some()
            && root.get("watch").and_then(|it| it.get("switch")).is_none()
        {
            let span = node.entry("automatic").map_or(node.span, |(key, _)| key.span);
            let problem =
                source.problem(span, "without `watch.switch` nothing is done automatically");
            problems.push(problem.warning().help("add `watch: { switch: { configmap, key } }`"));
        }
    }
    for (_, node) in root.get("metrics").map(Node::entries).unwrap_or_default() {
        problems.extend(query(source, node));
        let unit = |key: &str| bound(node.get(key)?).map(|bound| bound.unit);
        if let (Some(target), Some(alert), Some(at)) =
            (unit("target"), unit("alert"), node.get("alert"))
            && target != alert
        {
            let message = "`target` and `alert` have different units";
            problems.push(source.problem(at.span, message).help("write both in the same unit"));
        }
    }
    problems
}

fn bound(node: &Node<'_>) -> Option<Bound> {
    Bound::parse(node.text()?).ok()
}

/// A trigger that names no runbook.
fn target(source: Source<'_>, node: &Node<'_>, catalog: &Catalog) -> Option<Problem> {
    let at = node.get("rollback")?;
    let text = at.text()?;
    let Some(target) = watching::target(text) else {
        let message = format!("`{}` is not a target", super::problem::printable(text));
        let help = "write `component NAME`, `service NAME` or `system`";
        return Some(source.problem(at.span, message).help(help));
    };
    let Some(entry) = catalog.entries().iter().find(|entry| entry.target == target) else {
        let problem = source.problem(at.span, format!("there is no runbook for `{target}`"));
        let names = catalog
            .entries()
            .iter()
            .filter(|entry| entry.target.level == target.level)
            .map(|entry| entry.target.name.as_str());
        return Some(match nearest(&target.name, names) {
            Some(near) => problem.help(format!("did you mean `{} {near}`?", target.level)),
            None => problem.help("see: rollback list"),
        });
    };
    let method = node.get("method")?;
    let name = method.text()?;
    if entry.methods.iter().any(|(known, _)| known == name) {
        return None;
    }
    let known: Vec<&str> = entry.methods.iter().map(|(name, _)| name.as_str()).collect();
    let problem = source.problem(method.span, format!("`{target}` has no method `{name}`"));
    Some(problem.help(format!("its methods are: {}", known.join(", "))))
}

/// A query whose brackets or quotes do not close; whether it means something Prometheus says.
fn query(source: Source<'_>, node: &Node<'_>) -> Option<Problem> {
    let at = node.get("query")?;
    let why = unbalanced(at.text()?)?;
    let problem = source.problem(at.span, format!("this cannot be PromQL: {why}"));
    Some(
        problem
            .help("try it in Prometheus; what only Prometheus can tell, `rollback triggers` says"),
    )
}

/// What does not close.
fn unbalanced(text: &str) -> Option<String> {
    let mut open = Vec::new();
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        match char {
            '"' | '\'' | '`' => loop {
                match chars.next() {
                    None => return Some(format!("a text that begins with {char} does not end")),
                    Some('\\') if char != '`' => drop(chars.next()),
                    Some(end) if end == char => break,
                    Some(_) => {}
                }
            },
            '(' => open.push(')'),
            '[' => open.push(']'),
            '{' => open.push('}'),
            ')' | ']' | '}' if open.pop() != Some(char) => {
                return Some(format!("`{char}` closes nothing"));
            }
            _ => {}
        }
    }
    if text.trim().is_empty() {
        return Some("it is empty".to_owned());
    }
    let last = open.pop().map(|close| format!("a `{close}` is missing"));
    let trimmed = text.trim_end();
    last.or_else(|| {
        trimmed
            .ends_with(['+', '-', '*', '/', '>', '<', '=', ','])
            .then(|| "it breaks off".to_owned())
    })
}

/// Bounds that are missing, or whose unit does not fit.
fn bounds(source: Source<'_>, node: &Node<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let numbered = node.entry("query").or_else(|| node.entry("endpoint"));
    if let Some((key, _)) = numbered.filter(|_| node.get("bound").is_none()) {
        let problem = source.problem(key.span, "a number without a bound says nothing");
        problems.push(problem.help("add `bound: \"> 10%\"`"));
    }
    let Some(at) = node.get("bound") else { return problems };
    let Some(own) = bound(at) else { return problems };
    if node.get("baseline").is_some() && own.unit != Unit::Percent {
        let problem = source.problem(at.span, "with a baseline the bound is of the change, in `%`");
        problems.push(problem.help("write `bound: \"> 50%\"` for half as much again"));
    }
    let clear = node.get("automatic").and_then(|automatic| automatic.get("clear"));
    if let Some(at) = clear
        && let Some(clear) = bound(at)
        && clear.unit != own.unit
    {
        let problem = source.problem(at.span, "`clear` and `bound` have different units");
        problems.push(problem.help("write both in the same unit"));
    }
    problems
}

/// Leave to act where none may be given.
fn automatic(source: Source<'_>, node: &Node<'_>, catalog: &Catalog) -> Option<Problem> {
    let (key, body) = node.entry("automatic")?;
    let wrong = |message: &str, help: &str| Some(source.problem(key.span, message).help(help));
    if node.get("reported").is_some() {
        return wrong("what people report is acted on by people", "remove `automatic`");
    }
    let number = |key: &str, default: u32| {
        body.get(key).and_then(Node::text).and_then(|text| text.parse().ok()).unwrap_or(default)
    };
    if number("hits", 3) > number("of", 5) {
        return wrong("more `hits` are asked for than evaluations looked at", "raise `of`");
    }
    let target = watching::target(node.get("rollback")?.text()?)?;
    if target.level == Level::System {
        return wrong(
            "the whole system is never rolled back automatically",
            "name a component or a service, or remove `automatic`",
        );
    }
    let (runbook, _) = catalog.runbook(&target).ok()?;
    let method = node.get("method").and_then(Node::text);
    let why = crate::watch::allowed(&runbook, method).err()?;
    wrong(&why, "name a method of flags, restarts and checks, or remove `automatic`")
}

//! What is wrong with the keys of a map: unknown, missing, misplaced, exclusive.

use super::problem::{Problem, Source};
use super::schema::{KINDS, Object, STEP};
use super::tree::{Key, Kind, Node};
use crate::error::nearest;

/// Everything that is wrong with the keys of a map that the table describes.
pub fn problems(source: Source<'_>, node: &Node<'_>, object: &Object, what: &str) -> Vec<Problem> {
    if !matches!(node.kind, Kind::Map(_)) {
        let message = format!("`{what}` is a map of keys, not {}", node.describe());
        let keys: Vec<&str> = object.keys.iter().map(|key| key.name).collect();
        let help = format!("its keys are: {}", keys.join(", "));
        return vec![source.problem(node.span, message).help(help)];
    }
    let mut problems = Vec::new();
    let mut unknown: Vec<&str> = Vec::new();
    for (key, _) in node.entries() {
        match object.key(&key.text) {
            None => {
                unknown.push(&key.text);
                problems.push(unknown_key(source, key, object));
            }
            Some(known) => problems.extend(misplaced(source, node, known.beside, key)),
        }
    }
    for key in object.keys.iter().filter(|key| key.required && node.get(key.name).is_none()) {
        // A misspelt key is reported once, not also as a missing one.
        if unknown.iter().all(|word| nearest(word, [key.name]).is_none()) {
            let help = format!("add `{}:` ({})", key.name, key.doc.trim_end_matches('.'));
            let message = format!("the key `{}` is missing", key.name);
            problems.push(source.problem(node.span, message).help(help));
        }
    }
    problems.extend(one_of(source, node, object, unknown.is_empty()));
    problems
}

/// A key that stands only beside others, none of which is there.
fn misplaced(
    source: Source<'_>,
    node: &Node<'_>,
    beside: &[&str],
    key: &Key<'_>,
) -> Option<Problem> {
    if beside.is_empty() || beside.iter().any(|name| node.get(name).is_some()) {
        return None;
    }
    let message = format!("`{}` stands only beside `{}`", key.text, beside.join("` or `"));
    Some(source.problem(key.span, message).help(format!("remove `{}`", key.text)))
}

/// None, or several, of the keys of which exactly one is due.
fn one_of(
    source: Source<'_>,
    node: &Node<'_>,
    object: &Object,
    all_known: bool,
) -> Option<Problem> {
    let keys = node.entries().iter().map(|(key, _)| key);
    let given: Vec<_> = keys.filter(|key| object.one_of.contains(&key.text.as_ref())).collect();
    let names = object.one_of.join(", ");
    let is_step = object.name == STEP.name;
    if let [first, second, ..] = given[..] {
        let message = format!("`{}` and `{}` exclude each other", first.text, second.text);
        let help = if is_step {
            "a step does one thing: make two steps".to_owned()
        } else {
            format!("give exactly one of: {names}")
        };
        return Some(source.problem(second.span, message).help(help));
    }
    if !given.is_empty() || object.one_of.is_empty() || !all_known {
        return None;
    }
    let what = if is_step { "this step does nothing" } else { "a key is missing" };
    Some(source.problem(node.span, what).help(format!("add exactly one of: {names}")))
}

/// A key that the table does not know.
fn unknown_key(source: Source<'_>, key: &Key<'_>, object: &Object) -> Problem {
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

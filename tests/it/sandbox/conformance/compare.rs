//! Comparing an answer with the recorded one, as far as that says something.

use serde_json::{Value, json};

use super::exclusions::Rest;
use super::text;
use crate::sandbox::normal;

/// Where two values differ.
fn differences(path: &str, theirs: &Value, ours: &Value, found: &mut Vec<String>) {
    match (theirs, ours) {
        (Value::Object(a), Value::Object(b)) => {
            for key in a.keys().chain(b.keys().filter(|key| !a.contains_key(*key))) {
                let (left, right) =
                    (a.get(key).unwrap_or(&Value::Null), b.get(key).unwrap_or(&Value::Null));
                differences(&format!("{path}.{key}"), left, right, found);
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (index, (left, right)) in a.iter().zip(b).enumerate() {
                differences(&format!("{path}[{index}]"), left, right, found);
            }
        }
        _ if theirs != ours => found.push(format!("{path}: recorded {theirs}, sandbox {ours}")),
        _ => {}
    }
}

/// Ends a refusal that repeats the object after its first words, as the recorded copy was ended.
fn shorten(value: &mut Value) {
    match value {
        Value::Object(map) => map.values_mut().for_each(shorten),
        Value::Array(items) => items.iter_mut().for_each(shorten),
        Value::String(text) => {
            if let (Some(from), Some(to)) = (text.find("\"{"), text.rfind("}\": "))
                && from < to
                && text.contains("Invalid value")
            {
                *text = format!("{}\"{{...}}\": {}", &text[..from], &text[to + 4..]);
            }
        }
        _ => {}
    }
}

fn without_status(value: &mut Value) {
    match value {
        Value::Object(map) => {
            if map.contains_key("metadata") && map.contains_key("spec") {
                map.remove("status");
                if let Some(annotations) =
                    map["metadata"].get_mut("annotations").and_then(Value::as_object_mut)
                {
                    annotations.remove("deployment.kubernetes.io/revision");
                }
            }
            map.values_mut().for_each(without_status);
        }
        Value::Array(items) => items.iter_mut().for_each(without_status),
        _ => {}
    }
}

fn subset(theirs: &Value, ours: &Value, found: &mut Vec<String>) {
    let entries = |value: &Value| -> Vec<Value> {
        let mut all: Vec<Value> = value["resources"].as_array().cloned().unwrap_or_default();
        for group in value["items"].as_array().into_iter().flatten() {
            all.extend(group["versions"][0]["resources"].as_array().cloned().unwrap_or_default());
        }
        all
    };
    let name = |entry: &Value| format!("{}{}", entry["name"], entry["resource"]);
    let all = entries(theirs);
    for mut ours in entries(ours) {
        let Some(mut theirs) = all.iter().find(|theirs| name(theirs) == name(&ours)).cloned()
        else {
            found.push(format!("{} is not in the recording", name(&ours)));
            continue;
        };
        theirs.as_object_mut().map(|map| map.remove("storageVersionHash"));
        // Of subresources, too, the sandbox serves only some.
        let theirs_inner = theirs["subresources"].take();
        let ours_inner = ours["subresources"].take();
        for inner in ours_inner.as_array().into_iter().flatten() {
            if !theirs_inner.as_array().is_some_and(|all| all.contains(inner)) {
                found.push(format!("{inner} is not in {theirs_inner}"));
            }
        }
        differences(&name(&ours), &theirs, &ours, found);
    }
}

/// The kinds of events, as a set.
fn event_kinds(list: &Value) -> Vec<String> {
    let items = list["items"].as_array().into_iter().flatten();
    let mut kinds: Vec<String> = items
        .map(|event| {
            let message = normal::text(
                text(event, "message").trim_start_matches("(combined from similar events): "),
            );
            let words: String = message.chars().filter(|letter| !letter.is_ascii_digit()).collect();
            let [kind, reason, source] =
                [&event["involvedObject"]["kind"], &event["reason"], &event["source"]];
            format!("{kind} {reason} {} {words} {source}", event["type"])
        })
        .collect();
    kinds.sort();
    kinds.dedup();
    kinds
}

/// Where an answer differs from the recorded one.
pub fn compare(rest: Option<Rest>, theirs: &Value, ours: &Value) -> Vec<String> {
    let mut found = Vec::new();
    let (mut left, mut right) = (normal::value(theirs), normal::value(ours));
    shorten(&mut right);
    match rest {
        None => differences("", &left, &right, &mut found),
        Some(Rest::NoStatus) => {
            without_status(&mut left);
            without_status(&mut right);
            differences("", &left, &right, &mut found);
        }
        Some(Rest::Subset) => subset(theirs, ours, &mut found),
        Some(Rest::Events) => {
            let known = event_kinds(theirs);
            // The recording has no kubelet that would report on pods.
            found.extend(
                event_kinds(ours)
                    .into_iter()
                    .filter(|kind| !known.contains(kind) && !kind.starts_with("\"Pod"))
                    .map(|kind| format!("new: {kind}")),
            );
        }
        Some(Rest::Shape) => {
            let shape = |value: &Value| {
                format!("{} {}", value["object"]["kind"], value["object"]["apiVersion"])
            };
            let all: Vec<String> = theirs.as_array().into_iter().flatten().map(shape).collect();
            for event in ours.as_array().into_iter().flatten() {
                if !all.is_empty() && !all.contains(&shape(event)) {
                    found.push(format!("an event of {}", shape(event)));
                }
            }
        }
        Some(Rest::Table) => {
            for table in [&mut left, &mut right] {
                let ages: Vec<usize> = table["columnDefinitions"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .enumerate()
                    .filter(|(_, column)| column["name"] == "Age")
                    .map(|(index, _)| index)
                    .collect();
                for row in table["rows"].as_array_mut().into_iter().flatten() {
                    for index in &ages {
                        row["cells"][*index] = json!("AGE");
                    }
                }
            }
            differences("", &left, &right, &mut found);
        }
        Some(Rest::Status | Rest::Nothing) => {}
    }
    found
}

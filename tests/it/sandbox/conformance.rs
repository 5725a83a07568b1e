//! Owns the replay of a recorded conversation with a real API server against the sandbox.

#![allow(clippy::disallowed_macros, reason = "figures for the reader of the test log")]

use std::collections::BTreeMap;
use std::time::Duration;

use rollback::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use super::client::{Ask, ask};
use super::normal;

/// What of an answer is not compared, and why.
struct Exclusion {
    /// In the table of the output.
    name: &'static str,
    why: &'static str,
    applies: fn(&Value) -> bool,
    /// What is still compared.
    rest: Rest,
}

/// What remains of a comparison that leaves something out.
#[derive(Clone, Copy, PartialEq)]
enum Rest {
    Nothing,
    Status,
    Shape,
    /// Every entry of ours must be an entry of theirs.
    Subset,
    Events,
    /// All but the status of objects.
    NoStatus,
    Table,
}

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().unwrap_or_default()
}

const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        name: "cached",
        why: "a 304 for a copy that kubectl held; the sandbox hands out no ETags, so nothing is ever cached",
        applies: |line| line["status"] == 304,
        rest: Rest::Nothing,
    },
    Exclusion {
        name: "openapi",
        why: "the sandbox describes the kinds that it serves, and only their writes",
        applies: |line| text(line, "path").starts_with("/openapi"),
        rest: Rest::Status,
    },
    Exclusion {
        name: "version",
        why: "names the build of the server",
        applies: |line| text(line, "path").starts_with("/version"),
        rest: Rest::Status,
    },
    Exclusion {
        name: "discovery",
        why: "the sandbox serves fewer resources; those it serves must be described alike",
        applies: |line| {
            let path = text(line, "path").split('?').next().unwrap_or_default();
            matches!(path, "/api" | "/apis" | "/api/v1" | "/apis/apps/v1")
        },
        rest: Rest::Subset,
    },
    Exclusion {
        name: "protobuf",
        why: "answered in protobuf, by the sandbox in JSON, which every client that asks for protobuf accepts too",
        applies: |line| text(line, "response_type").contains("protobuf"),
        rest: Rest::Status,
    },
    Exclusion {
        name: "logs",
        why: "the recording has no kubelet that could give a log",
        applies: |line| text(line, "path").contains("/log?"),
        rest: Rest::Nothing,
    },
    Exclusion {
        name: "watch list",
        why: "the recorded server's etcd is too old for sendInitialEvents and refuses it; the sandbox serves it",
        applies: |line| text(line, "path").contains("sendInitialEvents"),
        rest: Rest::Nothing,
    },
    Exclusion {
        name: "watch",
        why: "how many events a watch saw depends on when it was opened",
        applies: |line| {
            text(line, "path").contains("watch=true") && line["response"][0]["type"] != "ERROR"
        },
        rest: Rest::Shape,
    },
    Exclusion {
        name: "events",
        why: "which events there are depends on timing; the recorded server also folds similar ones together",
        applies: |line| text(line, "path").contains("/events"),
        rest: Rest::Events,
    },
    Exclusion {
        name: "table",
        why: "ages, and the long descriptions of columns",
        applies: |line| line["response"]["kind"] == "Table",
        rest: Rest::Table,
    },
    Exclusion {
        name: "crash loop",
        why: "the recording's stand-in kubelet leaves such pods Pending; the sandbox lets them crash",
        applies: |line| text(line, "command") == "kubectl get pods -o json",
        rest: Rest::NoStatus,
    },
    Exclusion {
        name: "limit",
        why: "the sandbox gives whole lists, whatever the limit",
        applies: |line| text(line, "path").ends_with("limit=1"),
        rest: Rest::Status,
    },
    Exclusion {
        name: "in the middle",
        why: "the recorded rollout was under way; the replay waits for its end",
        applies: under_way,
        rest: Rest::NoStatus,
    },
];

/// Whether a recorded Deployment, or one in a list, was not yet rolled out.
fn under_way(line: &Value) -> bool {
    let response = &line["response"];
    let moving = |object: &Value| {
        let (spec, status) = (&object["spec"], &object["status"]);
        spec["template"].is_object()
            && (status["observedGeneration"] != object["metadata"]["generation"]
                || status["unavailableReplicas"].is_number()
                || status["replicas"].as_i64().unwrap_or(0)
                    != spec["replicas"].as_i64().unwrap_or(0)
                || status["updatedReplicas"] != status["replicas"])
    };
    moving(response) || response["items"].as_array().is_some_and(|items| items.iter().any(moving))
}

/// Maps what the recorded server made up (uids, versions, names) to what the sandbox made up.
#[derive(Default)]
struct Names(BTreeMap<String, String>);

impl Names {
    fn learn(&mut self, theirs: &Value, ours: &Value) {
        match (theirs, ours) {
            (Value::Object(theirs), Value::Object(ours)) => {
                for (key, value) in theirs {
                    let Some(other) = ours.get(key) else { continue };
                    match (key.as_str(), value, other) {
                        (
                            "uid" | "resourceVersion" | "name",
                            Value::String(from),
                            Value::String(to),
                        ) => {
                            let generated = key != "name" || from.starts_with("web-");
                            if from != to && generated {
                                self.0.insert(from.clone(), to.clone());
                            }
                        }
                        _ => self.learn(value, other),
                    }
                }
            }
            (Value::Array(theirs), Value::Array(ours)) => {
                for (theirs, ours) in theirs.iter().zip(ours) {
                    self.learn(theirs, ours);
                }
            }
            _ => {}
        }
    }

    /// A request with our names. A version that was never seen here becomes the nearest one before it.
    fn translate(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (from, to) in self.0.iter().rev().filter(|(from, _)| from.len() > 8) {
            text = text.replace(from, to);
        }
        for mark in ["resourceVersion=", "\"resourceVersion\":\""] {
            let Some(at) = text.find(mark).map(|at| at + mark.len()) else {
                continue;
            };
            let digits: String = text[at..].chars().take_while(char::is_ascii_digit).collect();
            let Ok(number) = digits.parse::<u64>() else {
                continue;
            };
            if number > 1 {
                let known =
                    self.0.iter().filter_map(|(from, to)| Some((from.parse::<u64>().ok()?, to)));
                if let Some((_, to)) =
                    known.filter(|(from, _)| *from <= number).max_by_key(|(from, _)| *from)
                {
                    text.replace_range(at..at + digits.len(), to);
                }
            }
        }
        text
    }
}

fn bytes(request: &Value, names: &Names) -> Vec<u8> {
    match request {
        Value::Null => Vec::new(),
        Value::String(text) => text.as_bytes().to_vec(),
        Value::Object(map) if map.contains_key("_base64") => unbase64(text(request, "_base64")),
        json => names.translate(&json.to_string()).into_bytes(),
    }
}

fn unbase64(text: &str) -> Vec<u8> {
    let letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut out, mut word, mut bits) = (Vec::new(), 0_u32, 0);
    for six in text.chars().filter_map(|letter| letters.find(letter)) {
        word = word << 6 | u32::try_from(six).unwrap_or(0);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits & 0xff) as u8);
        }
    }
    out
}

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

fn compare(rest: Option<Rest>, theirs: &Value, ours: &Value) -> Vec<String> {
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

#[test]
fn the_recorded_conversation_with_a_real_api_server_is_answered_alike() {
    let quick = Options {
        pod_delay: Duration::ZERO,
        termination_delay: Duration::ZERO,
        ..Options::default()
    };
    let sandbox = Sandbox::start(quick).expect("the sandbox starts");
    let namespace = json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": "shop"}});
    sandbox.create(namespace).expect("the namespace is created");
    let recording = include_str!("../../data/apiserver/conversation.jsonl");
    let mut names = Names::default();
    let (mut equal, mut partly, mut failures) = (0, BTreeMap::new(), Vec::new());
    for line in recording.lines() {
        let line: Value = serde_json::from_str(line).expect("the recording is JSON Lines");
        let exclusion = EXCLUSIONS.iter().find(|exclusion| (exclusion.applies)(&line));
        let path = names.translate(text(&line, "path"));
        // A watch is read to its end: whatever it has seen by now.
        let path = match path.find("timeoutSeconds=") {
            Some(at) => {
                let end = path[at..].find('&').map_or(path.len(), |end| at + end);
                format!("{}timeoutSeconds=0{}", &path[..at], &path[end..])
            }
            None => path,
        };
        let body = bytes(&line["request"], &names);
        let answer = ask(
            sandbox.url(),
            &Ask {
                method: text(&line, "method"),
                path: &path,
                user: text(&line, "user"),
                accept: text(&line, "accept"),
                content_type: text(&line, "content_type"),
                body: &body,
            },
        );
        assert!(sandbox.settle(), "the controllers come to rest");
        let mut ours = answer.json();
        if path.contains("watch=true") && ours.is_object() {
            ours = json!([ours]);
        }
        names.learn(&line["response"], &ours);
        let rest = exclusion.map(|exclusion| exclusion.rest);
        let mut found = compare(rest, &line["response"], &ours);
        if rest != Some(Rest::Nothing) && line["status"] != answer.status {
            found.insert(
                0,
                format!(
                    "status {} recorded, {} answered: {}",
                    line["status"], answer.status, answer.body
                ),
            );
        }
        if !found.is_empty() {
            let title = format!(
                "{} {} {}",
                text(&line, "command"),
                text(&line, "method"),
                text(&line, "path")
            );
            failures.push(format!("{title}\n    {}", found.join("\n    ")));
        } else if let Some(exclusion) = exclusion {
            *partly.entry(exclusion.name).or_insert(0) += 1;
        } else {
            equal += 1;
        }
    }
    let excluded: i32 = partly.values().sum();
    eprintln!(
        "{equal} answers equal, {excluded} compared in part or not at all, {} different",
        failures.len()
    );
    for exclusion in EXCLUSIONS {
        eprintln!(
            "{:4} {}: {}",
            partly.get(exclusion.name).unwrap_or(&0),
            exclusion.name,
            exclusion.why
        );
    }
    assert!(failures.is_empty(), "{} answers differ:\n{}", failures.len(), failures.join("\n"));
    assert!(equal >= 80, "only {equal} answers were compared whole");
    assert_eq!(sandbox.unimplemented(), Vec::<String>::new());
}

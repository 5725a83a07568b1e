//! Owns the replay of a recorded conversation with a real API server against the sandbox.

#![allow(clippy::disallowed_macros, reason = "figures for the reader of the test log")]

mod compare;
mod exclusions;

use std::collections::BTreeMap;
use std::time::Duration;

use rollback::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use super::client::{Ask, ask};
use compare::compare;
use exclusions::{EXCLUSIONS, Rest};

fn text<'a>(line: &'a Value, key: &str) -> &'a str {
    line[key].as_str().unwrap_or_default()
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

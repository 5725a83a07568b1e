//! Owns the normal form of answers: what differs from run to run is taken away.

use serde_json::Value;

/// The letters of hashes and generated names.
const SAFE: &str = "bcdfghjklmnpqrstvwxz2456789";

/// Keys whose values differ from run to run.
const VARYING: &[&str] =
    &["uid", "resourceVersion", "managedFields", "continue", "remainingItemCount"];

/// Brings a value into its normal form.
pub fn value(value: &Value) -> Value {
    match value {
        Value::Object(map) => {
            let kept = map
                .iter()
                .filter(|(key, _)| !VARYING.contains(&key.as_str()) && *key != "description");
            kept.map(|(key, value)| {
                let inner =
                    if key == "pod-template-hash" { "HASH".into() } else { self::value(value) };
                (text(key), inner)
            })
            .collect()
        }
        Value::Array(items) => {
            let mut items: Vec<Value> = items.iter().map(self::value).collect();
            if items.iter().any(|item| item["lastTransitionTime"].is_string()) {
                items.sort_by_key(|item| item["type"].to_string());
            }
            Value::Array(items)
        }
        Value::String(string) => text(string).into(),
        plain => plain.clone(),
    }
}

/// Brings a text into its normal form: times, generated names and hashes.
pub fn text(text: &str) -> String {
    if let Some((words, _)) = text.split_once("too old resource version: 1 (") {
        return format!("{words}too old resource version: 1");
    }
    let mut out = String::new();
    let mut token = String::new();
    for letter in text.chars().chain(['\0']) {
        if letter.is_ascii_alphanumeric() || matches!(letter, '-' | ':' | '.') {
            token.push(letter);
            continue;
        }
        out.push_str(&word(&token));
        token.clear();
        if letter != '\0' {
            out.push(letter);
        }
    }
    out
}

fn word(token: &str) -> String {
    let safe = |part: &str| part.chars().all(|letter| SAFE.contains(letter));
    if is_time(token) {
        return "TIME".to_owned();
    }
    if token.len() == 36 && token.split('-').map(str::len).eq([8, 4, 4, 4, 12]) {
        return "UID".to_owned();
    }
    if let Some(rest) = token.strip_prefix("web-") {
        let parts: Vec<&str> = rest.split('-').collect();
        match parts.as_slice() {
            [hash] if safe(hash) && (8..=10).contains(&hash.len()) => return "web-HASH".to_owned(),
            [hash, ""] if safe(hash) && (8..=10).contains(&hash.len()) => {
                return "web-HASH-".to_owned();
            }
            [hash, pod]
                if safe(hash) && (8..=10).contains(&hash.len()) && safe(pod) && pod.len() == 5 =>
            {
                return "web-HASH-POD".to_owned();
            }
            [pod] if safe(pod) && pod.len() == 5 => return "web-POD".to_owned(),
            _ => {}
        }
    }
    token.to_owned()
}

fn is_time(token: &str) -> bool {
    let bytes = token.as_bytes();
    token.len() >= 20
        && bytes[4] == b'-'
        && bytes[7] == b'-'
        && bytes[10] == b'T'
        && bytes[13] == b':'
}

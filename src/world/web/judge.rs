//! What a check wants of an answer: its status, and what its body must hold.

use std::io::Read as _;

use reqwest::blocking::Response;
use serde_json::{Number, Value};

use super::words::{self, Elsewhere};
use super::{Attempt, BODY_CAP, brief};
use crate::runbook::Http;

pub(super) fn judge(http: &Http, response: Response) -> Attempt {
    let status = response.status().as_u16();
    if !http.status.contains(&status) {
        let wanted: Vec<String> = http.status.iter().map(u16::to_string).collect();
        let mut sentence = format!("{status} (wanted {})", wanted.join(" or "));
        if let Some(location) = response.headers().get("location").and_then(|it| it.to_str().ok()) {
            let place = location.split(['?', '#']).next().unwrap_or_default();
            sentence = format!(
                "{status}, a redirect to {} (wanted {})",
                crate::terminal::sanitize::line(place),
                wanted.join(" or ")
            );
        }
        let attempt = Attempt::failed(sentence);
        let redirect = response.status().is_redirection();
        return if redirect { attempt.because(Elsewhere::Redirect) } else { attempt };
    }
    if http.json.is_empty() && http.contains.is_none() {
        return Attempt::passed(status);
    }
    let mut body = Vec::new();
    if let Err(error) = response.take(BODY_CAP + 1).read_to_end(&mut body) {
        return Attempt::failed(words::unread_body(status, &error, http.attempt_timeout));
    }
    if body.len() as u64 > BODY_CAP {
        return Attempt::failed(format!("{status}, but its body is larger than 1 MiB"));
    }
    let text = String::from_utf8_lossy(&body);
    if let Some(wanted) = &http.contains
        && !text.contains(wanted.as_str())
    {
        return Attempt::failed(format!("{status}, but the body does not contain `{wanted}`"));
    }
    if !http.json.is_empty() {
        let Ok(value) = serde_json::from_slice::<Value>(&body) else {
            return Attempt::failed(format!("{status}, but the body is not JSON"));
        };
        for (pointer, wanted) in &http.json {
            match value.pointer(pointer) {
                Some(found) if same(found, wanted) => {}
                Some(found) => {
                    let found = brief(&found.to_string(), 60);
                    return Attempt::failed(format!(
                        "{status}, but {pointer} is {found} (wanted {wanted})"
                    ));
                }
                None => {
                    return Attempt::failed(format!(
                        "{status}, but there is no {pointer} (wanted {wanted})"
                    ));
                }
            }
        }
    }
    Attempt::passed(status)
}

/// Whether two values are the same; `1` and `1.0` are the same number.
fn same(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Number(found), Value::Number(wanted)) => same_number(found, wanted),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len()
                && found.iter().zip(wanted).all(|(found, wanted)| same(found, wanted))
        }
        (Value::Object(found), Value::Object(wanted)) => {
            found.len() == wanted.len()
                && found
                    .iter()
                    .all(|(key, found)| wanted.get(key).is_some_and(|wanted| same(found, wanted)))
        }
        _ => found == wanted,
    }
}

/// Two whole numbers are compared as such: large ones would lose digits as fractions.
fn same_number(found: &Number, wanted: &Number) -> bool {
    if found == wanted {
        return true;
    }
    let whole = |number: &Number| number.is_i64() || number.is_u64();
    !(whole(found) && whole(wanted)) && found.as_f64() == wanted.as_f64()
}

//! Owns label and field selectors.

use serde_json::Value;

use super::failure::{Answer, Failure};

/// One requirement on labels.
#[derive(Debug, Clone)]
enum Requirement {
    In(String, Vec<String>),
    NotIn(String, Vec<String>),
    Exists(String),
    Missing(String),
}

/// What a list or a watch selects.
#[derive(Debug, Clone, Default)]
pub(super) struct Selector {
    labels: Vec<Requirement>,
    /// Path, whether it must be equal, and the value.
    fields: Vec<(String, bool, String)>,
}

impl Selector {
    /// Reads the query parameters `labelSelector` and `fieldSelector`.
    pub(super) fn parse(labels: &str, fields: &str) -> Answer<Selector> {
        let labels = split(labels).iter().map(|text| requirement(text)).collect::<Answer<_>>()?;
        let fields = split(fields).iter().map(|text| field(text)).collect::<Answer<_>>()?;
        Ok(Selector { labels, fields })
    }

    /// Reads a `LabelSelector` object.
    pub(super) fn of_object(object: &Value) -> Selector {
        let mut labels = Vec::new();
        if let Some(map) = object["matchLabels"].as_object() {
            for (key, value) in map {
                labels.push(Requirement::In(
                    key.clone(),
                    vec![value.as_str().unwrap_or_default().to_owned()],
                ));
            }
        }
        for expression in object["matchExpressions"].as_array().into_iter().flatten() {
            let key = expression["key"].as_str().unwrap_or_default().to_owned();
            let values = || {
                let items = expression["values"].as_array().into_iter().flatten();
                items.filter_map(Value::as_str).map(str::to_owned).collect()
            };
            labels.push(match expression["operator"].as_str().unwrap_or_default() {
                "In" => Requirement::In(key, values()),
                "NotIn" => Requirement::NotIn(key, values()),
                "Exists" => Requirement::Exists(key),
                _ => Requirement::Missing(key),
            });
        }
        Selector { labels, fields: Vec::new() }
    }

    pub(super) fn matches(&self, object: &Value) -> bool {
        self.matches_labels(&object["metadata"]["labels"])
            && self.fields.iter().all(|(path, equal, value)| {
                let found = path.split('.').try_fold(object, |at, part| at.get(part));
                let found = found.and_then(Value::as_str).unwrap_or_default();
                (found == value) == *equal
            })
    }

    pub(super) fn matches_labels(&self, labels: &Value) -> bool {
        let get = |key: &str| labels.get(key).and_then(Value::as_str);
        self.labels.iter().all(|requirement| match requirement {
            Requirement::In(key, values) => {
                get(key).is_some_and(|found| values.iter().any(|value| value == found))
            }
            Requirement::NotIn(key, values) => {
                !get(key).is_some_and(|found| values.iter().any(|value| value == found))
            }
            Requirement::Exists(key) => get(key).is_some(),
            Requirement::Missing(key) => get(key).is_none(),
        })
    }
}

/// Splits at commas that are not inside parentheses.
fn split(text: &str) -> Vec<&str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0_u32, 0);
    for (index, letter) in text.char_indices() {
        match letter {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            ',' if depth == 0 => {
                parts.push(&text[start..index]);
                start = index + 1;
            }
            _ => {}
        }
    }
    parts.push(&text[start..]);
    parts.into_iter().map(str::trim).filter(|part| !part.is_empty()).collect()
}

fn requirement(text: &str) -> Answer<Requirement> {
    let values = |list: &str| {
        list.trim()
            .trim_start_matches('(')
            .trim_end_matches(')')
            .split(',')
            .map(|v| v.trim().to_owned())
            .collect()
    };
    if let Some((key, list)) = text.split_once(" notin ") {
        return Ok(Requirement::NotIn(key.trim().to_owned(), values(list)));
    }
    if let Some((key, list)) = text.split_once(" in ") {
        return Ok(Requirement::In(key.trim().to_owned(), values(list)));
    }
    if let Some((key, value)) = text.split_once("!=") {
        return Ok(Requirement::NotIn(key.trim().to_owned(), vec![value.trim().to_owned()]));
    }
    if let Some((key, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        return Ok(Requirement::In(key.trim().to_owned(), vec![value.trim().to_owned()]));
    }
    if let Some(key) = text.strip_prefix('!') {
        return Ok(Requirement::Missing(key.trim().to_owned()));
    }
    if text.contains([' ', '<', '>']) {
        return Err(Failure::bad_request(&format!("unable to parse requirement: {text}")));
    }
    Ok(Requirement::Exists(text.to_owned()))
}

fn field(text: &str) -> Answer<(String, bool, String)> {
    let (path, equal, value) = if let Some((path, value)) = text.split_once("!=") {
        (path, false, value)
    } else if let Some((path, value)) = text.split_once("==").or_else(|| text.split_once('=')) {
        (path, true, value)
    } else {
        return Err(Failure::bad_request(&format!("invalid field selector: {text}")));
    };
    let known =
        ["metadata.name", "metadata.namespace", "status.phase", "spec.nodeName", "reason", "type"];
    if !known.contains(&path)
        && !path.starts_with("involvedObject.")
        && path != "spec.restartPolicy"
    {
        return Err(Failure::bad_request(&format!("field label not supported: {path}")));
    }
    Ok((path.to_owned(), equal, value.to_owned()))
}

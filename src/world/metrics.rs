//! Prometheus: what an expression is worth now. One fresh number, or why there is none; an answer
//! that is empty, stale, NaN, partial or ambiguous is no number, so that nobody decides by it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::web;
use crate::terminal::sanitize;

/// A sample older than this is stale: somebody stopped measuring.
pub const MAX_AGE: Duration = Duration::from_secs(120);

/// How many series of an ambiguous answer are named.
const NAMED: usize = 3;

/// Whom to ask.
#[derive(Debug, Clone, Copy)]
pub struct Server<'a> {
    /// The address of the server, as `https://prometheus.example.org`, with a prefix if it has one.
    pub url: &'a str,
    /// Added to each request, such as an authorization.
    pub headers: &'a [(String, String)],
    /// How long one request may take.
    pub timeout: Duration,
}

/// What an expression is worth: always a finite number.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// The number.
    pub value: f64,
    /// How old it is, as far as Prometheus tells.
    pub age: Duration,
}

/// Why there is no number. None of these may ever pass a check or pull a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoData {
    /// No answer, or not from a Prometheus that works: refused, too slow, 5xx, a login page.
    Unreachable(String),
    /// Prometheus answered that it cannot evaluate the expression.
    Refused(String),
    /// It knows no such series.
    Empty,
    /// It knows several, with their labels; a check needs one number.
    Several(usize, Vec<String>),
    /// The value is no finite number: `NaN`, `+Inf`, `-Inf`, a text, a range.
    NotANumber(String),
    /// The last sample is this old.
    Stale(Duration),
    /// It answered with a warning: the result may be of a part of the data.
    Partial(String),
}

impl NoData {
    /// A phrase for the operator.
    pub fn sentence(&self) -> String {
        match self {
            NoData::Unreachable(why) => format!("Prometheus does not answer: {why}"),
            NoData::Refused(why) => format!("Prometheus refuses the query: {why}"),
            NoData::Empty => "no data: no series matches the query".to_owned(),
            NoData::Several(count, names) => {
                let more = if *count > names.len() { ", …" } else { "" };
                let names = names.join(", ");
                format!("{count} series instead of one number ({names}{more}); aggregate them")
            }
            NoData::NotANumber(what) => format!("no data: the value is {what}"),
            NoData::Stale(age) => format!(
                "no data: the last sample is {} old",
                humantime::format_duration(Duration::from_secs(age.as_secs()))
            ),
            NoData::Partial(warning) => {
                format!("no data to rely on: Prometheus warns: {warning}")
            }
        }
    }
}

/// Asks a server without headers what an expression is worth now. Blocks for about `timeout`; for a
/// helper thread.
pub fn instant(url: &str, query: &str, timeout: Duration) -> Result<Sample, NoData> {
    ask(&Server { url, headers: &[], timeout }, query)
}

/// Asks what an expression is worth now. Blocks for about twice the timeout at most.
///
/// An instant query answers with the time of the evaluation, whatever the age of the samples it
/// used (up to five minutes). For a plain selector a second query tells the samples' own time; an
/// expression with `rate` and the like is empty by itself when nothing is measured any more.
pub fn ask(server: &Server<'_>, query: &str) -> Result<Sample, NoData> {
    let (value, time) = number(&evaluate(server, query)?)?;
    let mut age = age_of(time);
    if is_selector(query) {
        let (sampled, _) = number(&evaluate(server, &format!("timestamp({query})"))?)?;
        age = age.max(Duration::try_from_secs_f64(time - sampled).unwrap_or_default());
    }
    if age > MAX_AGE {
        return Err(NoData::Stale(age));
    }
    Ok(Sample { value, age })
}

/// One request; the `data` of a good answer.
fn evaluate(server: &Server<'_>, query: &str) -> Result<Value, NoData> {
    let url = format!("{}/api/v1/query", server.url.trim_end_matches('/'));
    let (status, body) =
        web::fetch_query(&url, &[("query", query)], server.headers, server.timeout)
            .map_err(NoData::Unreachable)?;
    let Ok(mut answer) = serde_json::from_str::<Value>(&body) else {
        return Err(NoData::Unreachable(format!("{status}, and not in Prometheus's words")));
    };
    match answer["status"].as_str() {
        Some("success") if status == 200 => {}
        Some("error") => {
            let why = sanitize::line(answer["error"].as_str().unwrap_or("it does not say why"));
            return Err(match answer["errorType"].as_str() {
                Some("bad_data" | "execution") => NoData::Refused(why),
                _ => NoData::Unreachable(format!("{status}: {why}")),
            });
        }
        _ => {
            return Err(NoData::Unreachable(format!("{status}, and not in Prometheus's words")));
        }
    }
    if let Some(warning) = answer["warnings"].as_array().and_then(|warnings| warnings.first()) {
        let text = warning.as_str().map_or_else(|| warning.to_string(), str::to_owned);
        return Err(NoData::Partial(sanitize::line(&text)));
    }
    Ok(answer["data"].take())
}

/// The one number of an answer, with the time it is of.
fn number(data: &Value) -> Result<(f64, f64), NoData> {
    let result = &data["result"];
    let pair = match data["resultType"].as_str() {
        Some("scalar") => result,
        Some("vector") => match result.as_array().map(Vec::as_slice).unwrap_or_default() {
            [] => return Err(NoData::Empty),
            [one] if one["value"].is_array() => &one["value"],
            [_] => return Err(NoData::NotANumber("a histogram".to_owned())),
            several => {
                let names = several.iter().take(NAMED).map(|one| labels(&one["metric"]));
                return Err(NoData::Several(several.len(), names.collect()));
            }
        },
        Some(other) => return Err(NoData::NotANumber(format!("a {}", sanitize::line(other)))),
        None => return Err(NoData::Unreachable("its answer has no result".to_owned())),
    };
    let text = pair[1].as_str().unwrap_or_default();
    let value: f64 = text.parse().unwrap_or(f64::NAN);
    let time = pair[0].as_f64().unwrap_or_default();
    if value.is_finite() {
        Ok((value, time))
    } else {
        Err(NoData::NotANumber(sanitize::line(text)))
    }
}

/// A series' labels, as `PromQL` has them.
fn labels(metric: &Value) -> String {
    let pairs = metric.as_object().into_iter().flatten();
    let pairs: Vec<String> = pairs
        .filter(|(name, _)| *name != "__name__")
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    sanitize::line(&format!("{{{}}}", pairs.join(",")))
}

/// How long ago a moment of the server is; a clock that is ahead of ours makes it no older.
fn age_of(time: f64) -> Duration {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Duration::try_from_secs_f64(now.as_secs_f64() - time).unwrap_or_default()
}

/// Whether an expression is only the name of a metric, with or without labels.
fn is_selector(query: &str) -> bool {
    let query = query.trim();
    let (name, labels) = match query.split_once('{') {
        None => (query, "}"),
        Some((name, labels)) => (name.trim(), labels),
    };
    let word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
    !name.is_empty()
        && name.chars().all(word)
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && labels.ends_with('}')
        && !labels.trim_end_matches('}').contains(['{', '}'])
}

#[cfg(test)]
mod tests;

//! Prometheus: what an expression is worth now, or was. The one client: checks, triggers, metrics and
//! samples ask here. One fresh number, or why there is none; an answer
//! that is empty, stale, NaN, partial or ambiguous is no number, so that nobody decides by it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use super::web::{self, Fetch};
use crate::terminal::sanitize;

mod selectors;

/// A sample older than this is stale: somebody stopped measuring.
pub const MAX_AGE: Duration = Duration::from_secs(120);

/// How many series of an ambiguous answer are named.
const NAMED: usize = 3;

/// An answer this far in the future was made by another clock than ours.
const AHEAD: Duration = Duration::from_secs(60);

/// Whom to ask: a Prometheus, or an Alertmanager (see [`super::alerts`]).
#[derive(Debug, Clone)]
pub struct Server {
    /// Its address, as `https://prometheus.example.org`, with a prefix if it has one.
    pub url: String,
    /// Added to each request, such as an authorization.
    pub headers: Vec<(String, String)>,
    /// How long one request may take.
    pub limit: Duration,
}

/// A number and the time it is of, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub at: f64,
    /// The number; always finite.
    pub value: f64,
}

/// Now, in seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

/// Why there is no number. None of these may ever pass a check or pull a trigger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NoData {
    /// No answer, or not from a Prometheus that works: refused, too slow, 5xx, a login page.
    Unreachable(String),
    /// Prometheus answered that it cannot evaluate the expression.
    Refused(String),
    /// It cannot even read it: no other time or data mends that.
    Unreadable(String),
    /// It knows no such series.
    Empty,
    /// It knows several, with their labels; a check needs one number.
    Several(usize, Vec<String>),
    /// The value is no finite number: `NaN`, `+Inf`, `-Inf`, a text, a range.
    NotANumber(String),
    /// The last sample is this old.
    Stale(Duration),
    /// Its answer is for a time that has not come yet, by our clock.
    Ahead(Duration),
    /// It answered with a warning: the result may be of a part of the data.
    Partial(String),
}

impl NoData {
    /// A phrase for the operator.
    pub fn sentence(&self) -> String {
        match self {
            NoData::Unreachable(why) => format!("Prometheus does not answer: {why}"),
            NoData::Refused(why) | NoData::Unreadable(why) => {
                format!("Prometheus refuses the query: {why}")
            }
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
            NoData::Ahead(span) => format!(
                "no data: the answer is for a time {} from now: a clock is off",
                humantime::format_duration(Duration::from_secs(span.as_secs()))
            ),
            NoData::Partial(warning) => {
                format!("no data to rely on: Prometheus warns: {warning}")
            }
        }
    }
}

impl From<NoData> for String {
    fn from(why: NoData) -> String {
        why.sentence()
    }
}

impl Server {
    /// What an expression is worth now; with `ago`, what it was worth that long ago. Blocks for about
    /// twice the limit at most; for a helper thread.
    ///
    /// An instant query answers with the time of the evaluation, whatever the age of the samples it
    /// used (up to five minutes). A second query tells the samples' own time; what is read of a range, as
    /// by `rate`, is empty by itself when nothing was measured in it. Newer servers could be told to look
    /// back less far; the second query is understood by all.
    pub fn instant(&self, query: &str, ago: Option<Duration>) -> Result<Point, NoData> {
        let wanted = now() - ago.unwrap_or_default().as_secs_f64();
        let ask = |query: &str| {
            let time = format!("{wanted:.3}");
            let mut parameters = vec![("query", query)];
            if ago.is_some() {
                parameters.push(("time", &time));
            }
            number(&self.data("/api/v1/query", &parameters)?)
        };
        let point = ask(query)?;
        let ahead = span(point.at - wanted);
        if ahead > AHEAD {
            return Err(NoData::Ahead(ahead));
        }
        let mut age = span(wanted - point.at);
        let selectors = selectors::instant(query);
        if !selectors.is_empty() {
            match ask(&selectors::oldest(&selectors)) {
                Ok(sampled) => age = age.max(span(point.at - sampled.value)),
                // `absent(x)` has a value where its series has none; and what we take for a selector
                // need not be one.
                Err(NoData::Empty | NoData::Unreadable(_)) => {}
                Err(why) => return Err(why),
            }
        }
        if age > MAX_AGE {
            return Err(NoData::Stale(age));
        }
        Ok(point)
    }

    /// What an expression was worth over a span until now.
    pub fn range(&self, query: &str, span: Duration, step: Duration) -> Result<Vec<Point>, NoData> {
        let end = now();
        self.between(query, (end - span.as_secs_f64(), end), step)
    }

    /// What it was worth from a time to a time, in seconds since 1970. What is no number is a gap;
    /// whoever reads it sees it by the times.
    pub fn between(
        &self,
        query: &str,
        (start, end): (f64, f64),
        step: Duration,
    ) -> Result<Vec<Point>, NoData> {
        let [start, end] = [start, end].map(|time| format!("{time:.3}"));
        let step = format!("{:.3}", step.as_secs_f64());
        let parameters = [("query", query), ("start", &start), ("end", &end), ("step", &step)];
        let data = self.data("/api/v1/query_range", &parameters)?;
        if let Some(other) = data["resultType"].as_str().filter(|it| *it != "matrix") {
            return Err(NoData::NotANumber(format!("a {}", sanitize::line(other))));
        }
        let pairs = single(&data["result"])?["values"].as_array();
        Ok(pairs.into_iter().flatten().filter_map(|pair| point(pair).ok()).collect())
    }

    /// The `data` of a good answer of Prometheus's API.
    pub(super) fn data(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Value, NoData> {
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let (status, body) = web::fetch_query(&url, parameters, &self.headers, self.limit)
            .map_err(NoData::Unreachable)?;
        data(status, &body)
    }

    /// The status and the body of any answer, good or not.
    pub(super) fn ask(
        &self,
        path: &str,
        post: Option<(&'static str, String)>,
    ) -> Result<(u16, Vec<u8>), NoData> {
        let url = format!("{}{path}", self.url.trim_end_matches('/'));
        let fetch = Fetch { url, post, headers: self.headers.clone(), limit: self.limit };
        web::fetch(&fetch).map_err(NoData::Unreachable)
    }
}

/// The `data` of an answer without an error and without warnings.
fn data(status: u16, body: &str) -> Result<Value, NoData> {
    let Ok(mut answer) = serde_json::from_str::<Value>(body) else {
        return Err(NoData::Unreachable(format!("{status}, and not in Prometheus's words")));
    };
    match answer["status"].as_str() {
        Some("success") if status == 200 => {}
        Some("error") => {
            let why = brief(answer["error"].as_str().unwrap_or("it does not say why"));
            return Err(match answer["errorType"].as_str() {
                Some("bad_data") if why.contains("parse error") => NoData::Unreadable(why),
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
        return Err(NoData::Partial(brief(&text)));
    }
    Ok(answer["data"].take())
}

/// One safe line of what somebody else wrote.
pub(super) fn brief(text: &str) -> String {
    super::web::brief(text, 160)
}

/// A span of seconds; nothing where it is negative.
fn span(seconds: f64) -> Duration {
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}

/// The one number of an instant answer.
fn number(data: &Value) -> Result<Point, NoData> {
    let result = &data["result"];
    match data["resultType"].as_str() {
        Some("scalar") => point(result),
        Some("vector") => match &single(result)?["value"] {
            pair if pair.is_array() => point(pair),
            _ => Err(NoData::NotANumber("a histogram".to_owned())),
        },
        Some(other) => Err(NoData::NotANumber(format!("a {}", sanitize::line(other)))),
        None => Err(NoData::Unreachable("its answer has no result".to_owned())),
    }
}

/// The one series of a result.
fn single(result: &Value) -> Result<&Value, NoData> {
    match result.as_array().map(Vec::as_slice).unwrap_or_default() {
        [] => Err(NoData::Empty),
        [one] => Ok(one),
        several => {
            let names = several.iter().take(NAMED).map(|one| labels(&one["metric"]));
            Err(NoData::Several(several.len(), names.collect()))
        }
    }
}

/// A pair of a time and a number as text.
fn point(pair: &Value) -> Result<Point, NoData> {
    let text = pair[1].as_str().unwrap_or_default();
    let value: f64 = text.parse().unwrap_or(f64::NAN);
    match pair[0].as_f64() {
        Some(at) if value.is_finite() => Ok(Point { at, value }),
        _ => Err(NoData::NotANumber(sanitize::line(text))),
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

#[cfg(test)]
mod tests;

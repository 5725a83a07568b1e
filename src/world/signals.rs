//! Prometheus and Alertmanager, read. Whatever is not one clear, recent number is `unknown` with a
//! sentence: an unreachable or slow server, an answer that is no 200, a warning, nothing, several
//! series, NaN, an infinity, a clock that is not ours. Nothing here can change anything but a
//! silence that somebody asked for.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::web::{self, Fetch};

/// How far the time of an answer may be from ours.
const SKEW: f64 = 60.0;

/// A number, or why there is none.
pub type Reading<T = Point> = Result<T, String>;

/// A number and the time it is for, in seconds since 1970.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Point {
    /// When.
    pub at: f64,
    /// The number; always finite.
    pub value: f64,
}

/// An alert as Prometheus or Alertmanager has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Alert {
    /// It fires, since this RFC 3339 time.
    Firing(String),
    /// Its expression holds, for less time than it asks.
    Pending,
    /// Somebody has silenced or inhibited it.
    Silenced,
    /// It does not fire.
    Quiet,
}

/// A Prometheus or Alertmanager server.
#[derive(Debug, Clone)]
pub struct Server {
    /// Its address, without `/api/…`.
    pub url: String,
    /// Added headers.
    pub headers: Vec<(String, String)>,
    /// How long one question may take.
    pub limit: Duration,
}

/// Now, in seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}

impl Server {
    /// A server without headers, asked with a limit.
    pub fn new(url: impl Into<String>, limit: Duration) -> Server {
        Server { url: url.into(), headers: Vec::new(), limit }
    }

    /// What a query is now; with `ago`, what it was that long ago.
    pub fn instant(&self, query: &str, ago: Option<Duration>) -> Reading {
        let mut form = vec![("query", query.to_owned())];
        let mut wanted = now();
        if let Some(ago) = ago {
            wanted -= ago.as_secs_f64();
            form.push(("time", format!("{wanted:.3}")));
        }
        let point = one(&self.query("query", &form)?, false)?.pop();
        let point = point.ok_or_else(|| "no data".to_owned())?;
        let apart = (point.at - wanted).abs();
        if apart > SKEW {
            return Err(format!(
                "the answer is for a time {apart:.0}s from now: stale, or a clock is off"
            ));
        }
        Ok(point)
    }

    /// What a query was over a span until now.
    pub fn range(&self, query: &str, span: Duration, step: Duration) -> Reading<Vec<Point>> {
        let end = now();
        self.between(query, (end - span.as_secs_f64(), end), step)
    }

    /// What a query was from a time to a time, in seconds since 1970.
    pub fn between(
        &self,
        query: &str,
        (start, end): (f64, f64),
        step: Duration,
    ) -> Reading<Vec<Point>> {
        let form = [
            ("query", query.to_owned()),
            ("start", format!("{start:.3}")),
            ("end", format!("{end:.3}")),
            ("step", format!("{:.3}", step.as_secs_f64())),
        ];
        one(&self.query("query_range", &form)?, true)
    }

    /// An alert of Prometheus; one that no rule defines, or whose rule fails, is unknown.
    pub fn alert(&self, name: &str) -> Reading<Alert> {
        let (status, body) = self.get("/api/v1/rules?type=alert")?;
        let data = data(status, &body)?;
        let groups = data["groups"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut rules = groups
            .iter()
            .flat_map(|group| group["rules"].as_array().map(Vec::as_slice).unwrap_or_default())
            .filter(|rule| rule["name"] == name)
            .peekable();
        if rules.peek().is_none() {
            return Err(format!("Prometheus has no rule for an alert `{name}`"));
        }
        let mut worst = Alert::Quiet;
        for rule in rules {
            match rule["health"].as_str() {
                Some("ok") => {}
                Some("unknown") => return Err("its rule was not evaluated yet".to_owned()),
                _ => {
                    let why = rule["lastError"].as_str().unwrap_or("no reason given");
                    return Err(format!("its rule fails: {}", brief(why)));
                }
            }
            match rule["state"].as_str() {
                Some("firing") => {
                    let since = rule["alerts"][0]["activeAt"].as_str().unwrap_or_default();
                    worst = Alert::Firing(since.to_owned());
                }
                Some("pending") if worst == Alert::Quiet => worst = Alert::Pending,
                Some("pending" | "inactive") => {}
                _ => return Err("its rule has no state".to_owned()),
            }
        }
        Ok(worst)
    }

    /// An alert of Alertmanager. An Alertmanager that nobody feeds is as quiet as a healthy one:
    /// quiet is only believed while `watchdog`, an alert that always fires, is there.
    pub fn managed_alert(&self, name: &str, watchdog: Option<&str>) -> Reading<Alert> {
        let (status, body) = self.get("/api/v2/alerts")?;
        if status != 200 {
            return Err(refused(status, &body));
        }
        let alerts: Vec<Value> =
            serde_json::from_slice(&body).map_err(|_| "the answer is no list".to_owned())?;
        let named = |name: &str| {
            let name = name.to_owned();
            alerts.iter().filter(move |alert| alert["labels"]["alertname"] == name.as_str())
        };
        let active = |alert: &&Value| alert["status"]["state"] == "active";
        if let Some(alert) = named(name).find(active) {
            let since = alert["startsAt"].as_str().unwrap_or_default();
            return Ok(Alert::Firing(since.to_owned()));
        }
        if named(name).next().is_some() {
            return Ok(Alert::Silenced);
        }
        match watchdog {
            Some(watchdog) if named(watchdog).next().is_some() => Ok(Alert::Quiet),
            Some(watchdog) => Err(format!("`{watchdog}`, which always fires, is not there")),
            None => Err("not there, and no watchdog alert tells whether any would be".to_owned()),
        }
    }

    /// Asks Alertmanager for a silence of an alert; gives its id.
    pub fn silence(&self, alert: &str, span: Duration, by: &str, why: &str) -> Reading<String> {
        let time = |at: SystemTime| humantime::format_rfc3339_millis(at).to_string();
        let from = SystemTime::now();
        let body = json!({
            "matchers": [{"name": "alertname", "value": alert, "isRegex": false, "isEqual": true}],
            "startsAt": time(from), "endsAt": time(from + span), "createdBy": by, "comment": why,
        });
        let post = Some(("application/json", body.to_string()));
        let (status, body) = self.ask("/api/v2/silences", post)?;
        let id = serde_json::from_slice::<Value>(&body)
            .ok()
            .and_then(|answer| answer["silenceID"].as_str().map(str::to_owned));
        id.filter(|_| status == 200).ok_or_else(|| refused(status, &body))
    }

    fn query(&self, what: &str, form: &[(&str, String)]) -> Reading<Value> {
        let pairs: Vec<String> =
            form.iter().map(|(key, value)| format!("{key}={}", encode(value))).collect();
        let post = Some(("application/x-www-form-urlencoded", pairs.join("&")));
        let (status, body) = self.ask(&format!("/api/v1/{what}"), post)?;
        data(status, &body)
    }

    fn get(&self, path: &str) -> Reading<(u16, Vec<u8>)> {
        self.ask(path, None)
    }

    fn ask(&self, path: &str, post: Option<(&'static str, String)>) -> Reading<(u16, Vec<u8>)> {
        web::fetch(&Fetch {
            url: format!("{}{path}", self.url.trim_end_matches('/')),
            post,
            headers: self.headers.clone(),
            limit: self.limit,
        })
    }
}

/// The `data` of an answer without an error and without warnings.
fn data(status: u16, body: &[u8]) -> Reading<Value> {
    let Ok(mut answer) = serde_json::from_slice::<Value>(body) else {
        return Err(refused(status, body));
    };
    if status != 200 || answer["status"] != "success" {
        return Err(refused(status, body));
    }
    if let Some(warning) = answer["warnings"].as_array().and_then(|them| them.first()) {
        let text = warning.as_str().unwrap_or_default();
        return Err(format!("Prometheus warns: {}", brief(text)));
    }
    Ok(answer["data"].take())
}

fn refused(status: u16, body: &[u8]) -> String {
    let error = serde_json::from_slice::<Value>(body).ok();
    match error.as_ref().and_then(|error| error["error"].as_str()) {
        Some(why) => format!("{status}: {}", brief(why)),
        None if status == 200 => "200, but the answer is not what an API says".to_owned(),
        None => format!("it answers {status}"),
    }
}

/// The one series of a result, as points.
fn one(data: &Value, range: bool) -> Reading<Vec<Point>> {
    let result = &data["result"];
    let points = match (data["resultType"].as_str(), range) {
        (Some("scalar"), false) => vec![result.clone()],
        (Some("vector"), false) => vec![single(result)?["value"].clone()],
        (Some("matrix"), true) => single(result)?["values"].as_array().cloned().unwrap_or_default(),
        (Some(kind), _) => return Err(format!("the query gives a {kind}, not one number")),
        (None, _) => return Err("the answer has no result".to_owned()),
    };
    if range {
        // A gap in a range is a gap; whoever reads it sees it by the times.
        return Ok(points.iter().filter_map(|pair| point(pair).ok()).collect());
    }
    points.iter().map(point).collect()
}

fn single(result: &Value) -> Reading<&Value> {
    match result.as_array().map(Vec::as_slice) {
        Some([only]) => Ok(only),
        Some([]) | None => Err("no data: nothing has this metric now".to_owned()),
        Some(many) => {
            Err(format!("{} series where one is wanted: aggregate them, sum(…) say", many.len()))
        }
    }
}

fn point(pair: &Value) -> Reading<Point> {
    let at = pair[0].as_f64();
    let value = pair[1].as_str().and_then(|text| text.parse::<f64>().ok());
    match (at, value) {
        (Some(_), Some(value)) if value.is_nan() => {
            Err("NaN: there was nothing to divide by".to_owned())
        }
        (Some(_), Some(value)) if value.is_infinite() => Err("the number is infinite".to_owned()),
        (Some(at), Some(value)) => Ok(Point { at, value }),
        _ => Err("the answer holds no number".to_owned()),
    }
}

/// One safe line of what somebody else wrote.
fn brief(text: &str) -> String {
    let line = crate::terminal::sanitize::line(text.lines().next().unwrap_or_default());
    let cut: String = line.chars().take(160).collect();
    if cut.len() < line.len() { format!("{cut}…") } else { cut }
}

/// Percent-encodes all that is not plain.
fn encode(text: &str) -> String {
    use std::fmt::Write as _;
    let mut out = String::with_capacity(text.len() * 2);
    for byte in text.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_one_finite_number_is_a_reading() {
        let vector = |result: Value| json!({"resultType": "vector", "result": result});
        let number = |text: &str| vector(json!([{"metric": {}, "value": [1.5, text]}]));
        assert_eq!(one(&number("0.25"), false), Ok(vec![Point { at: 1.5, value: 0.25 }]));
        assert!(one(&number("NaN"), false).unwrap_err().starts_with("NaN"));
        assert_eq!(one(&number("+Inf"), false).unwrap_err(), "the number is infinite");
        assert!(one(&vector(json!([])), false).unwrap_err().starts_with("no data"));
        let two = json!([{"value": [1, "1"]}, {"value": [1, "2"]}]);
        assert!(one(&vector(two), false).unwrap_err().starts_with("2 series"));
        assert!(one(&json!({"resultType": "string", "result": [1, "x"]}), false).is_err());
    }

    #[test]
    fn a_warning_or_an_error_is_no_answer() {
        let body = br#"{"status":"success","warnings":["half the blocks\u001b[31m"],"data":{}}"#;
        assert_eq!(data(200, body).unwrap_err(), "Prometheus warns: half the blocks");
        let body = br#"{"status":"error","error":"parse error: unexpected end"}"#;
        assert_eq!(data(400, body).unwrap_err(), "400: parse error: unexpected end");
        assert_eq!(data(502, b"<html>").unwrap_err(), "it answers 502");
    }

    #[test]
    fn a_query_is_sent_as_it_was_written() {
        assert_eq!(encode("a{b=\"c\"} > 1"), "a%7Bb%3D%22c%22%7D%20%3E%201");
    }
}

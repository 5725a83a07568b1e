//! Alerts, as Prometheus and Alertmanager have them, through the client of `metrics`. What is not
//! clear is unknown, with a sentence. Nothing here can change anything but a silence that somebody
//! asked for.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::metrics::{Server, brief};

/// What is known, or why nothing is.
pub type Reading<T> = Result<T, String>;

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

impl Server {
    /// An alert of Prometheus; one that no rule defines, or whose rule fails, is unknown.
    pub fn alert(&self, name: &str) -> Reading<Alert> {
        let data = self.data("/api/v1/rules", &[("type", "alert")])?;
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
        let (status, body) = self.ask("/api/v2/alerts", None)?;
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
}

fn refused(status: u16, body: &[u8]) -> String {
    let error = serde_json::from_slice::<Value>(body).ok();
    match error.as_ref().and_then(|error| error["error"].as_str()) {
        Some(why) => format!("{status}: {}", brief(why)),
        None if status == 200 => "200, but the answer is not what an API says".to_owned(),
        None => format!("it answers {status}"),
    }
}

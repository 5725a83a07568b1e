//! Triggers, asked now: each against its source, all at once. What gives no clear answer is
//! unknown, with a sentence.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::Value;

use super::decide::Seen;
use crate::at_once;
use crate::runbook::bound::Bound;
use crate::runbook::duration;
use crate::runbook::watching::{Severity, Source, Trigger, Watching};
use crate::terminal::redact::Redactor;
use crate::world::alerts::Alert;
use crate::world::metrics::{Point, Server};
use crate::world::process::{Ending, Invocation, capture};
use crate::world::web::{Fetch, fetch};

/// How long a trigger's command or endpoint may take.
const LIMIT: Duration = Duration::from_secs(10);
/// How far back the beginning of a breach is looked for.
const HISTORY: Duration = Duration::from_secs(900);

/// What a trigger says.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It calls for its rollback.
    True,
    /// It does not.
    False,
    /// Nobody knows.
    Unknown,
    /// Only people can tell.
    Reported,
}

/// A trigger, evaluated.
#[derive(Debug, Clone, Serialize)]
pub struct Evaluation {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// What it says.
    pub state: State,
    /// The number, where there is one.
    pub value: Option<f64>,
    /// The bound.
    pub bound: Option<Bound>,
    /// Since when it is so (RFC 3339), where that is known.
    pub since: Option<String>,
    /// One sentence: the evidence, or why it is unknown.
    pub why: String,
    /// The command that rolls back.
    pub command: Vec<String>,
    /// For the monitor.
    #[serde(skip)]
    pub seen: Seen,
}

/// What was found, before it is dressed.
#[derive(Debug, Default)]
struct Found {
    beyond: bool,
    well: bool,
    value: Option<f64>,
    since: Option<f64>,
    why: String,
}

impl Watching {
    /// What its servers and commands say may quote the secrets that they were given.
    pub fn redactor(&self) -> Redactor {
        Redactor::new(self.secrets.clone())
    }

    /// The Prometheus server, or why there is none.
    pub fn prometheus(&self) -> Result<Server, String> {
        server(self.prometheus.as_ref(), "prometheus")
    }

    /// The Alertmanager, or why there is none.
    pub fn alertmanager(&self) -> Result<Server, String> {
        server(self.alertmanager.as_ref(), "alertmanager")
    }
}

fn server(source: Option<&Source>, name: &str) -> Result<Server, String> {
    let source = source.ok_or_else(|| format!("triggers.yaml names no `{name}`"))?;
    Ok(Server {
        url: source.url.clone(),
        headers: source.headers.clone().into_iter().collect(),
        limit: source.limit(),
    })
}

/// Every trigger, red ones first; asked at once.
pub fn all(watching: &Watching) -> Vec<Evaluation> {
    let mut found =
        at_once::ask(&watching.triggers, |(name, trigger)| evaluate(watching, name, trigger));
    let redactor = watching.redactor();
    for one in &mut found {
        one.why = redactor.redact(&one.why);
    }
    found.sort_by(|a, b| (a.severity, &a.name).cmp(&(b.severity, &b.name)));
    found
}

fn evaluate(watching: &Watching, name: &str, trigger: &Trigger) -> Evaluation {
    let mut command = trigger.command_line(name);
    if trigger.reported.is_some() {
        command.extend(["--reason".to_owned(), "TEXT".to_owned()]);
    }
    command.extend(watching.given.get(name).into_iter().flatten().cloned());
    let mut evaluation = Evaluation {
        name: name.to_owned(),
        title: trigger.title.clone(),
        severity: trigger.severity,
        state: State::Unknown,
        value: None,
        bound: trigger.bound,
        since: None,
        why: String::new(),
        command,
        seen: Seen::Unknown,
    };
    if let Some(what) = &trigger.reported {
        evaluation.state = State::Reported;
        evaluation.why.clone_from(what);
        return evaluation;
    }
    match ask(watching, trigger) {
        Ok(found) => {
            evaluation.state = if found.beyond { State::True } else { State::False };
            evaluation.seen = match (found.beyond, found.well) {
                (true, _) => Seen::Beyond,
                (false, true) => Seen::Well,
                (false, false) => Seen::Between,
            };
            evaluation.value = found.value;
            evaluation.since = found.since.map(rfc3339);
            evaluation.why = found.why;
        }
        Err(why) => evaluation.why = why,
    }
    evaluation
}

fn ask(watching: &Watching, trigger: &Trigger) -> Result<Found, String> {
    if let Some(minimum) = &trigger.minimum {
        let point = watching
            .prometheus()?
            .instant(&minimum.query, None)
            .map_err(|why| format!("the traffic it needs: {}", why.sentence()))?;
        if point.value < f64::from(minimum.at_least) {
            return Err(format!(
                "too little data: {:.0} where at least {} are wanted",
                point.value.floor(),
                minimum.at_least
            ));
        }
    }
    if let Some(query) = &trigger.query {
        number(&watching.prometheus()?, query, trigger)
    } else if let Some(name) = &trigger.alert {
        alert(watching, name, trigger)
    } else if let Some(argv) = &trigger.command {
        command(argv)
    } else {
        endpoint(trigger)
    }
}

/// A query against its bound, with its baseline and its duration.
fn number(server: &Server, query: &str, trigger: &Trigger) -> Result<Found, String> {
    let bound = trigger.bound.ok_or("it has no bound")?;
    let raw = server.instant(query, None)?.value;
    let base = match trigger.baseline {
        None => None,
        Some(ago) => {
            let then = server
                .instant(query, Some(ago))
                .map_err(|why| format!("{} ago: {}", duration::format(ago), why.sentence()))?
                .value;
            if then == 0.0 {
                return Err(format!(
                    "{} ago it was 0: no change can be told",
                    duration::format(ago)
                ));
            }
            Some(then)
        }
    };
    let change = |value: f64| base.map_or(value, |base| value / base - 1.0);
    let value = change(raw);
    let mut found = judged(trigger, &bound, value);
    if !found.beyond {
        return Ok(found);
    }
    let span = trigger.lasting.map_or(HISTORY, |lasting| lasting * 3);
    let step = (span / 60).max(Duration::from_millis(200));
    let history = server.range(query, span, step);
    match (history, trigger.lasting) {
        (Ok(points), lasting) => {
            let breach = stretch(&points, step, |value| bound.holds(change(value)));
            let now = crate::world::metrics::now();
            found.since = breach;
            let held = breach.map_or(0.0, |since| now - since);
            if let Some(lasting) = lasting.filter(|it| held < it.as_secs_f64()) {
                found.beyond = false;
                found.well = false;
                let held = Duration::from_secs_f64(held.max(0.0).floor());
                found.why = format!(
                    "{}, for {} of {}",
                    found.why,
                    humantime::format_duration(held),
                    duration::format(lasting)
                );
            }
            Ok(found)
        }
        (Err(why), Some(_)) => Err(format!("how long it is so: {}", why.sentence())),
        (Err(_), None) => Ok(found),
    }
}

fn judged(trigger: &Trigger, bound: &Bound, value: f64) -> Found {
    let beyond = bound.holds(value);
    let clear = trigger.automatic.and_then(|automatic| automatic.clear);
    let well = !beyond && clear.is_none_or(|clear| clear.holds(value));
    let mut why = bound.show(value);
    if trigger.baseline.is_some() && value >= 0.0 {
        why.insert(0, '+');
    }
    Found { beyond, well, value: Some(value), since: None, why }
}

/// When the unbroken stretch that lasts until now began; a gap of more than two steps breaks it.
fn stretch(points: &[Point], step: Duration, holds: impl Fn(f64) -> bool) -> Option<f64> {
    let gap = step.as_secs_f64() * 2.5;
    let mut since: Option<f64> = None;
    for point in points.iter().rev() {
        if !holds(point.value) || since.is_some_and(|later| later - point.at > gap) {
            break;
        }
        since = Some(point.at);
    }
    since
}

fn alert(watching: &Watching, name: &str, trigger: &Trigger) -> Result<Found, String> {
    let alert = if trigger.at.as_deref() == Some("alertmanager") {
        let watchdog = watching.alertmanager.as_ref().and_then(|it| it.watchdog.as_deref());
        watching.alertmanager()?.managed_alert(name, watchdog)?
    } else {
        watching.prometheus()?.alert(name)?
    };
    let found =
        |beyond, well, why: &str| Found { beyond, well, why: why.into(), ..Found::default() };
    match alert {
        Alert::Firing(since) => {
            let since = humantime::parse_rfc3339_weak(since.get(..19).unwrap_or_default()).ok();
            let since = since.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let since = since.map(|it| it.as_secs_f64());
            Ok(Found { since, ..found(true, false, "firing") })
        }
        Alert::Pending => Ok(found(false, false, "pending")),
        Alert::Quiet => Ok(found(false, true, "not firing")),
        Alert::Silenced => Err("it is there, and silenced or inhibited".to_owned()),
    }
}

fn command(argv: &[String]) -> Result<Found, String> {
    let mut invocation = Invocation::new(argv.to_vec(), LIMIT);
    invocation.cwd = std::env::current_dir().ok();
    let captured = capture(&invocation);
    let text = captured.text();
    let line = crate::terminal::sanitize::line(text.lines().next().unwrap_or_default());
    let said = |word: &str| if line.is_empty() { word.to_owned() } else { line.clone() };
    match captured.ending {
        Ending::Exit(0) => Ok(Found { well: true, why: said("exit 0"), ..Found::default() }),
        Ending::Exit(1) => Ok(Found { beyond: true, why: said("exit 1"), ..Found::default() }),
        other => Err(format!("its command gives no answer: {}", other.phrase())),
    }
}

fn endpoint(trigger: &Trigger) -> Result<Found, String> {
    let endpoint = trigger.endpoint.as_ref().ok_or("it has no source")?;
    let bound = trigger.bound.ok_or("it has no bound")?;
    let (status, body) = fetch(&Fetch {
        url: endpoint.url.clone(),
        post: None,
        headers: endpoint.headers.clone().into_iter().collect(),
        limit: LIMIT,
    })?;
    if status != 200 {
        return Err(format!("it answers {status}"));
    }
    let value: Value = serde_json::from_slice(&body).map_err(|_| "the answer is no JSON")?;
    let number = value
        .pointer(&endpoint.pointer)
        .and_then(Value::as_f64)
        .ok_or_else(|| format!("there is no number at {}", endpoint.pointer))?;
    Ok(judged(trigger, &bound, number))
}

fn rfc3339(at: f64) -> String {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs_f64(at.max(0.0));
    humantime::format_rfc3339_seconds(at).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_breach_lasts_until_now_without_a_gap() {
        let points = |values: &[(f64, f64)]| -> Vec<Point> {
            values.iter().map(|&(at, value)| Point { at, value }).collect()
        };
        let since = |values: &[(f64, f64)]| {
            stretch(&points(values), Duration::from_secs(1), |value| value > 1.0)
        };
        assert_eq!(since(&[(1.0, 2.0), (2.0, 2.0), (3.0, 2.0)]), Some(1.0));
        assert_eq!(since(&[(1.0, 2.0), (2.0, 0.0), (3.0, 2.0)]), Some(3.0));
        assert_eq!(since(&[(1.0, 2.0), (8.0, 2.0), (9.0, 2.0)]), Some(8.0), "a gap breaks it");
        assert_eq!(since(&[(1.0, 2.0), (2.0, 0.0)]), None);
    }
}

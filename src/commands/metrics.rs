//! `rollback metrics`: what is measured, against its targets; around a run with `--run`.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde::Serialize;
use serde_json::json;

use crate::at_once;
use crate::cli::{MetricsArgs, MetricsExport, Output};
use crate::error::{Error, Exit, Result};
use crate::inbox::{Inbox, Stop};
use crate::journal::{self, read};
use crate::output::grafana;
use crate::runbook::bound::Bound;
use crate::runbook::catalog::{Catalog, TRIGGERS};
use crate::runbook::watching::Watching;
use crate::state::RunState;
use crate::terminal::metrics_view;
use crate::world::clock;
use crate::world::metrics::{Point, now};

use super::screen::Screen;

/// How far back a sparkline goes, and how far it reaches around a run.
const SPAN: f64 = 1800.0;
/// How many points it has.
const POINTS: u32 = 30;
/// The time between two drawings.
const REDRAW: Duration = Duration::from_secs(2);

/// A metric with what it was and is.
#[derive(Debug, Clone, Serialize)]
pub struct Measured {
    /// Its name.
    pub name: String,
    /// For people.
    pub title: String,
    /// What it should be.
    pub target: Bound,
    /// What is too bad.
    pub alert: Bound,
    /// `good`, `between`, `alert`, `unknown`.
    pub state: &'static str,
    /// What it is now, or was when the run ended.
    pub value: Option<f64>,
    /// What it was when the run began.
    pub before: Option<f64>,
    /// Why it is unknown.
    pub why: Option<String>,
    /// The way there.
    #[serde(skip)]
    pub history: Vec<Point>,
}

/// Shows the metrics, or exports them.
pub fn metrics(catalog: &Catalog, screen: &Screen, args: &MetricsArgs) -> Result<Exit> {
    let (_, watching) = super::triggers::load(catalog, &args.params)?;
    if watching.metrics.is_empty() {
        let message = format!("{} has no metrics", catalog.dir().join(TRIGGERS).display());
        return Err(Error::invalid(message)
            .hint("docs/triggers.md shows how they are written")
            .into());
    }
    if args.export == Some(MetricsExport::Grafana) {
        screen.result(&super::json(&grafana::dashboard(&watching))?);
        return Ok(Exit::Success);
    }
    let run = args.run.as_deref().map(of_run).transpose()?;
    let mut inbox = Inbox::new();
    if args.follow {
        inbox.hear_signals()?;
    }
    loop {
        let next = Instant::now() + REDRAW;
        let (asked, around) = (watching.clone(), run.clone());
        let Some(found) = inbox.attend(move || measure(&asked, around.as_ref())) else {
            return Ok(stopped(&inbox));
        };
        let about = run.as_ref().map(|run| run.about.as_str());
        if !show(screen, args.follow, about, &found)? || !args.follow {
            return Ok(Exit::Success);
        }
        while Instant::now() < next {
            let _ = inbox.recv_until(next);
            if inbox.stop() != Stop::No {
                return Ok(stopped(&inbox));
            }
        }
    }
}

fn stopped(inbox: &Inbox) -> Exit {
    if inbox.terminated() { Exit::Terminated } else { Exit::Interrupted }
}

/// Shows them once; whether anybody still reads.
fn show(screen: &Screen, follow: bool, about: Option<&str>, found: &[Measured]) -> Result<bool> {
    Ok(match screen.output {
        Output::Text => {
            let text = metrics_view::table(found, about, &screen.out);
            let again = format!("again every {}; Ctrl-C ends", humantime::format_duration(REDRAW));
            match (follow, screen.out.animate) {
                // Each picture takes the place of the one before.
                (true, true) => screen.is_read(&format!("\x1b[H\x1b[J{text}\n{again}\n")),
                // A log: each with its time.
                (true, false) => screen.is_read(&format!("{}\n{text}", clock::now())),
                (false, _) => screen.is_read(&text),
            }
        }
        Output::Json => screen.is_read(&super::json(&json!({ "v": 1, "metrics": found }))?),
        Output::Jsonl => {
            for one in found {
                if !screen.is_read(&super::json_line("metric", one)?) {
                    return Ok(false);
                }
            }
            true
        }
    })
}

/// The times of a run.
#[derive(Clone)]
struct Around {
    about: String,
    began: f64,
    ended: f64,
}

fn of_run(text: &str) -> Result<Around> {
    let state_dir = journal::state_dir()?;
    let run_id = read::find_run(&state_dir, Some(text))?;
    let read = read::read(&journal::run_dir(&state_dir, &run_id).join(journal::FILE))?;
    let state = RunState::fold(&read.records)
        .ok_or_else(|| Error::usage(format!("run {run_id} was cut off before it began")))?;
    let seconds = |ts: &str| {
        let at = humantime::parse_rfc3339_weak(ts).unwrap_or(SystemTime::now());
        at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
    };
    Ok(Around {
        about: format!("{} · {}, run {run_id}", state.start.target, state.start.method),
        began: seconds(&state.started),
        // What was recorded after the end, perhaps days later, is no part of the run.
        ended: seconds(state.finish.as_ref().map_or(&state.last, |finish| &finish.ts)),
    })
}

/// Asks for every metric at once.
fn measure(watching: &Watching, run: Option<&Around>) -> Vec<Measured> {
    let mut found = at_once::ask(watching.metrics.keys(), |name| one(watching, name, run));
    let redactor = watching.redactor();
    for why in found.iter_mut().filter_map(|one| one.why.as_mut()) {
        *why = redactor.redact(why);
    }
    found
}

fn one(watching: &Watching, name: &str, run: Option<&Around>) -> Measured {
    let metric = &watching.metrics[name];
    let mut measured = Measured {
        name: name.to_owned(),
        title: metric.title.clone(),
        target: metric.target,
        alert: metric.alert,
        state: "unknown",
        value: None,
        before: None,
        why: None,
        history: Vec::new(),
    };
    let server = match watching.prometheus() {
        Ok(server) => server,
        Err(why) => {
            measured.why = Some(why);
            return measured;
        }
    };
    let at = |time: f64| {
        let ago = Duration::from_secs_f64((now() - time).max(0.0));
        server.instant(&metric.query, Some(ago)).map(|point| point.value)
    };
    let (value, from, to) = match run {
        None => {
            let value = server.instant(&metric.query, None).map(|point| point.value);
            (value, now() - SPAN, now())
        }
        Some(run) => {
            measured.before = at(run.began).ok();
            (at(run.ended), run.began - 300.0, (run.ended + 300.0).min(now()))
        }
    };
    match value {
        Ok(value) => {
            measured.value = Some(value);
            measured.state = if metric.alert.holds(value) {
                "alert"
            } else if metric.target.holds(value) {
                "good"
            } else {
                "between"
            };
        }
        Err(why) => measured.why = Some(why.sentence()),
    }
    let step = Duration::from_secs_f64((to - from).max(1.0)) / POINTS;
    measured.history = server.between(&metric.query, (from, to), step).unwrap_or_default();
    measured
}

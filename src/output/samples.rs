//! The metrics sampled beside a run, on a thread of their own: what they were before it, while it
//! lasts, and once after its end. What is found is sent to the recorder, which journals it. Nothing
//! waits for a sample.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::Sender;
use std::time::{Duration, Instant, SystemTime};

use super::notify::Pending;
use crate::at_once;
use crate::event::{MetricAbout, MetricsSampled, Phase, Record, Sampled};
use crate::runbook::watching::Watching;
use crate::world::clock;
use crate::world::metrics::Point;

/// The time between two samples, and from [`LONG`] on.
const EVERY: [Duration; 2] = [Duration::from_secs(2), Duration::from_secs(10)];
/// A run that lasts longer is sampled less often.
const LONG: Duration = Duration::from_secs(120);
/// How far back it is asked what was before.
const BEFORE: Duration = Duration::from_secs(600);
/// The time between two numbers of before.
const STEP: Duration = Duration::from_secs(30);

/// Samples until it is dropped, and then once more.
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<AtomicBool>,
}

impl Sampler {
    /// Begins to sample a run: one that starts is `fresh`, and has a time before.
    pub fn start(
        watching: &Watching,
        fresh: bool,
        records: Sender<Record>,
        pending: &Pending,
    ) -> Sampler {
        let stop = Arc::new(AtomicBool::new(false));
        if !watching.metrics.is_empty() {
            let (watching, pending, stop) = (watching.clone(), pending.clone(), stop.clone());
            pending.begin(None);
            std::thread::spawn(move || {
                sample(&watching, fresh, &records, &stop);
                pending.end(&None);
            });
        }
        Sampler { stop }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn sample(watching: &Watching, fresh: bool, records: &Sender<Record>, stop: &AtomicBool) {
    let begun = Instant::now();
    let send =
        |sampled: MetricsSampled| records.send(Record::MetricsSampled(Box::new(sampled))).is_ok();
    let first = if fresh { before(watching) } else { now(watching, Phase::During) };
    if !send(MetricsSampled { metrics: about(watching), ..first }) {
        return;
    }
    loop {
        let asked = Instant::now();
        let sampled = now(watching, Phase::During);
        let answered = answers(&sampled);
        if !send(sampled) {
            return;
        }
        let every = EVERY[usize::from(begun.elapsed() > LONG)];
        while asked.elapsed() < every && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(50));
        }
        if stop.load(Ordering::Relaxed) {
            // A server that answers nothing holds nobody up at the end.
            if answered {
                send(now(watching, Phase::After));
            }
            return;
        }
    }
}

/// Whether anything was answered.
pub fn answers(sampled: &MetricsSampled) -> bool {
    sampled.points.values().flatten().any(|point| point.value.is_some())
}

/// What the metrics are.
pub fn about(watching: &Watching) -> BTreeMap<String, MetricAbout> {
    let about = |metric: &crate::runbook::watching::Metric| MetricAbout {
        title: metric.title.clone(),
        target: metric.target.to_string(),
        alert: metric.alert.to_string(),
    };
    watching.metrics.iter().map(|(name, metric)| (name.clone(), about(metric))).collect()
}

/// What they are now.
pub fn now(watching: &Watching, phase: Phase) -> MetricsSampled {
    let at = clock::now();
    let ask = |query: &str| {
        let value = watching.prometheus().and_then(|server| Ok(server.instant(query, None)?));
        vec![Sampled { at: at.clone(), value: value.ok().map(|point| point.value) }]
    };
    MetricsSampled { phase, metrics: BTreeMap::new(), points: each(watching, &ask) }
}

/// What they were before.
fn before(watching: &Watching) -> MetricsSampled {
    let ask = |query: &str| {
        let points =
            watching.prometheus().and_then(|server| Ok(server.range(query, BEFORE, STEP)?));
        points.unwrap_or_default().iter().map(sampled).collect()
    };
    MetricsSampled { phase: Phase::Before, metrics: BTreeMap::new(), points: each(watching, &ask) }
}

fn sampled(point: &Point) -> Sampled {
    let since = Duration::try_from_secs_f64(point.at).unwrap_or_default();
    let at = humantime::format_rfc3339_millis(SystemTime::UNIX_EPOCH + since).to_string();
    Sampled { at, value: Some(point.value) }
}

/// Asks for all metrics at once: a server that does not answer takes its time only once.
fn each(
    watching: &Watching,
    ask: &(dyn Fn(&str) -> Vec<Sampled> + Sync),
) -> BTreeMap<String, Vec<Sampled>> {
    let sampled =
        at_once::ask(&watching.metrics, |(name, metric)| (name.clone(), ask(&metric.query)));
    sampled.into_iter().collect()
}

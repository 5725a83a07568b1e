//! The metrics sampled while a run lasts, on a thread of their own, into `samples.jsonl` beside the
//! journal: what the report draws. Nothing waits for a sample.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use crate::journal::own_file;
use crate::runbook::watching::Watching;
use crate::world::clock;

/// The time between two samples.
const EVERY: Duration = Duration::from_secs(2);
/// The file of the samples.
pub const SAMPLES: &str = "samples.jsonl";

/// Samples until it is dropped.
#[derive(Debug)]
pub struct Sampler {
    stop: Arc<AtomicBool>,
}

impl Sampler {
    /// Begins to sample into a run's directory.
    pub fn start(watching: &Watching, dir: &Path) -> Sampler {
        let stop = Arc::new(AtomicBool::new(false));
        if !watching.metrics.is_empty() {
            let (watching, path, stop) = (watching.clone(), dir.join(SAMPLES), stop.clone());
            std::thread::spawn(move || sample(&watching, &path, &stop));
        }
        Sampler { stop }
    }
}

impl Drop for Sampler {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
    }
}

fn sample(watching: &Watching, path: &Path, stop: &AtomicBool) {
    let Ok(server) = watching.prometheus() else { return };
    let Ok(mut file) = own_file(OpenOptions::new().create(true).append(true), path) else { return };
    while !stop.load(Ordering::Relaxed) {
        let begun = Instant::now();
        let ts = clock::now();
        let mut values = Map::new();
        for (name, metric) in &watching.metrics {
            let value = match server.instant(&metric.query, None) {
                Ok(point) => json!(point.value),
                Err(_) => Value::Null,
            };
            values.insert(name.clone(), value);
        }
        let line = json!({ "v": 1, "ts": ts, "values": values });
        if file.write_all(format!("{line}\n").as_bytes()).is_err() {
            return;
        }
        while begun.elapsed() < EVERY && !stop.load(Ordering::Relaxed) {
            std::thread::sleep(Duration::from_millis(100));
        }
    }
}

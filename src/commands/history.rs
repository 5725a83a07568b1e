//! When each runbook was last run and last rehearsed on this machine. `list` must stay quick: only
//! the newest journals are looked at, and of each only the beginning of its first line; the time
//! stands in the run's id.

use std::collections::HashMap;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::journal::{self, read};
use crate::runbook::Target;
use crate::terminal::layout::ago;

/// After so many days a runbook should be rehearsed again.
pub const DUE_DAYS: u64 = 90;
/// How many of the newest journals are looked at.
const NEWEST: usize = 64;
/// How much of each.
const HEAD: u64 = 2048;

/// One run, as far as a list needs it.
#[derive(Debug, Clone)]
struct Seen {
    run_id: String,
    age: Duration,
}

/// The newest runs of this machine.
#[derive(Debug, Clone, Default)]
pub struct History {
    /// By target, and whether it was a rehearsal.
    seen: HashMap<(String, bool), Seen>,
}

impl History {
    /// Reads the beginnings of the newest journals; what cannot be read is left out.
    pub fn read(state: &Path) -> History {
        let ids = read::run_ids(state).unwrap_or_default();
        let newest = ids.iter().rev().take(NEWEST);
        let mut seen = HashMap::new();
        for (key, run) in newest.filter_map(|id| head(state, id)) {
            seen.entry(key).or_insert(run);
        }
        History { seen }
    }

    fn find(&self, target: &Target, rehearsal: bool) -> Option<&Seen> {
        if self.seen.is_empty() {
            return None;
        }
        self.seen.get(&(target.to_string(), rehearsal))
    }

    /// The last run or rehearsal of a target, for programs.
    pub fn last(&self, target: &Target, rehearsal: bool) -> Option<Value> {
        let seen = self.find(target, rehearsal)?;
        Some(json!({"run_id": seen.run_id, "age_ms": crate::run::millis(seen.age)}))
    }

    /// Whether a target should be rehearsed again. Where nothing ever ran here, nothing is said.
    pub fn is_due(&self, target: &Target) -> bool {
        let old = |seen: &Seen| seen.age > Duration::from_secs(DUE_DAYS * 86_400);
        !self.seen.is_empty() && self.find(target, true).is_none_or(old)
    }

    /// The line below a runbook; empty where it never ran here.
    pub fn words(&self, target: &Target) -> String {
        let (run, rehearsed) = (self.find(target, false), self.find(target, true));
        if run.is_none() && rehearsed.is_none() {
            return String::new();
        }
        let mut words = Vec::new();
        if let Some(run) = run {
            words.push(format!("run {}", ago(run.age)));
        }
        words.push(match rehearsed {
            Some(seen) if self.is_due(target) => {
                format!("rehearsed {}: too long ago", ago(seen.age))
            }
            Some(seen) => format!("rehearsed {}", ago(seen.age)),
            None => "not rehearsed".to_owned(),
        });
        format!("    {}\n", words.join(", "))
    }
}

/// The beginning of a journal: its first record names the target before anything long.
fn head(state: &Path, run_id: &str) -> Option<((String, bool), Seen)> {
    let age = SystemTime::now().duration_since(begun(run_id)?).unwrap_or_default();
    let file = File::open(journal::run_dir(state, run_id).join(journal::FILE)).ok()?;
    let mut bytes = Vec::with_capacity(2048);
    file.take(HEAD).read_to_end(&mut bytes).ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let (_, rest) = text.split_once("\"target\":\"")?;
    let target = rest.split('"').next()?.to_owned();
    // The plan holds texts of the catalog's; what is asked here stands before it.
    let before_plan = text.split("\"plan\":").next().unwrap_or_default();
    let rehearsal = before_plan.contains("\"simulated\":true");
    let forward = before_plan.contains("\"forward_of\":\"");
    (!forward).then(|| ((target, rehearsal), Seen { run_id: run_id.to_owned(), age }))
}

/// When a run began: the first 48 bits of its id are the milliseconds.
fn begun(run_id: &str) -> Option<SystemTime> {
    let digits: String = run_id.chars().filter(|c| *c != '-').take(12).collect();
    let millis = u64::from_str_radix(&digits, 16).ok()?;
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(millis))
}

//! `wait: {rollout: […]}`: a Check that workloads are rolled out, whoever changed them.

use std::time::SystemTime;

use super::{known, look_at, together};
use crate::facts::{Facts, Read};
use crate::runbook::{Workload, WorkloadKind};
use crate::step::{Doing, Effect, Forecast, Setting};
use crate::world::cluster::rollout::{Rollout, Wanted, desired, held_back, judge, without_pods};

/// What it needs to know.
pub fn reads(workloads: &[Workload], _setting: &Setting) -> Vec<Read> {
    workloads.iter().cloned().map(Read::Workload).collect()
}

/// What it finds now; what it will find depends on the steps before it.
pub fn forecast(workloads: &[Workload], _setting: &Setting, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    for workload in workloads {
        let what = workload.to_string();
        let known = known(&mut forecast, &what, facts.workloads.get(workload)).cloned();
        let Some(found) = known else { continue };
        let found = &found;
        if let Some((why, hint)) = held_back(&found.object) {
            forecast.warnings.push(format!("{why}; {hint}"));
        }
        if desired(&found.object) == 0 {
            let hint = if workload.kind == WorkloadKind::DaemonSet {
                "it fails unless a node comes that its selector and tolerations let in".to_owned()
            } else {
                format!(
                    "it fails unless somebody scales it up first: kubectl scale {what} --replicas=N"
                )
            };
            let why = without_pods(&found.object);
            forecast.uncheckable(format!("{why}: no rollout can be seen"), Some(hint));
        }
        // What stands there now, whatever earlier steps are to make of it.
        let found = facts.before.get(workload).unwrap_or(found);
        let now = match judge(found, &Wanted::Current, SystemTime::now()) {
            Rollout::Complete(text) | Rollout::Empty(text) => text,
            Rollout::Underway(text) | Rollout::NotStarted(text) => format!("{what}: {text}"),
            Rollout::Broken(broken) => format!("{what}: {}", broken.why),
        };
        forecast.evidence.push(format!("now: {now}"));
    }
    forecast
}

/// Whether they are rolled out. A workload without pods shows no rollout, and that is no success.
pub fn look(workloads: &[Workload], doing: &Doing) -> Effect {
    let looks = workloads.iter().map(|workload| {
        let empty = |text: &str| Effect::Broken(text.to_owned(), Vec::new());
        (workload.to_string(), look_at(&doing.reader.cluster, workload, &Wanted::Current, empty))
    });
    together(&looks.collect::<Vec<_>>())
}

//! The patch that makes new pods. It holds only where the workload still is what was read just
//! before it, so that a holder of the lock who stood still and wakes up late overwrites nothing.
//! What drifts by itself, such as a status, makes a patch be refused as well: then the workload is
//! read and patched again, as long as the lock is ours.
//!
//! The versions exist only when the step runs: a plan shows the patch without them, so that whoever
//! copies it can run it, and [`resolved`] adds them.

use std::time::{Duration, Instant};

use serde_json::{Map, Value, json};

use super::{configmaps_of, needed, patched, rolled_by, still};
use crate::at_once;
use crate::facts::Known;
use crate::journal::Permit;
use crate::runbook::{Restart, Workload};
use crate::step::set_flags::ended_badly;
use crate::step::{Doing, Done, Forecast, Mark, Setting};
use crate::world::cluster::rollout::{
    CONFIGMAPS_ANNOTATION, RESTARTED_AT, STEP_ANNOTATION, template_annotation,
};
use crate::world::cluster::{Cluster, FIELD_MANAGER, kubectl};
use crate::world::hands::Hands;
use crate::world::process::{Captured, Invocation};

/// How long the news of the lock may take before a patch is tried again.
const GLANCE: Duration = Duration::from_millis(500);

/// The argv that are run, one for each workload, but for the versions. Where an earlier step makes the
/// pods anew, none is run.
pub fn commands(
    spec: &Restart,
    setting: &Setting,
    mark: &Mark,
    forecast: &Forecast,
) -> Vec<Vec<String>> {
    patched(spec, forecast).map(|workload| patch(workload, setting, mark, None, "")).collect()
}

fn patch(
    workload: &Workload,
    setting: &Setting,
    mark: &Mark,
    version: Option<&str>,
    versions: &str,
) -> Vec<String> {
    let mut annotations = Map::new();
    annotations.insert(RESTARTED_AT.to_owned(), json!(mark.started_at));
    annotations.insert(STEP_ANNOTATION.to_owned(), json!(mark.text()));
    if !versions.is_empty() {
        annotations.insert(CONFIGMAPS_ANNOTATION.to_owned(), json!(versions));
    }
    let mut body = json!({"spec":{"template":{"metadata":{"annotations": annotations}}}});
    if let Some(version) = version {
        body["metadata"] = json!({"resourceVersion": version});
    }
    let object = workload.to_string();
    let manager = format!("--field-manager={FIELD_MANAGER}");
    kubectl(setting, &["patch", &object, "--type=strategic", &manager, "-p", &body.to_string()])
}

/// The argv with the versions of this moment; none where an earlier step of this run has made the
/// pods anew. A template that carries the mark already keeps the versions of ConfigMaps that it has,
/// so that a repeat is the same patch. A ConfigMap that cannot be read is left out: it costs a
/// proof, not the restart.
pub fn resolved(
    workload: &Workload,
    setting: &Setting,
    cluster: &Cluster,
    mark: &Mark,
    forecast: &Forecast,
) -> Known<Option<Vec<String>>> {
    let object = cluster.workload_object(workload)?;
    let rolled = rolled_by(workload, &object, mark, forecast).is_some();
    let kept = kept_versions(&object, mark);
    // Pods that may carry another value are made once more, after the versions of now.
    let doubts = (rolled || kept.is_some()) && still::doubts(cluster, workload, forecast);
    if rolled && !doubts {
        return Ok(None);
    }
    let version = object["metadata"]["resourceVersion"].as_str().unwrap_or_default();
    let names = configmaps_of(workload, forecast);
    let versions = if names.is_empty() {
        String::new()
    } else {
        kept.filter(|_| !doubts).unwrap_or_else(|| versions(&names, cluster))
    };
    Ok(Some(patch(workload, setting, mark, Some(version), &versions)))
}

/// The same for several, asked at once.
fn resolve(workloads: &[Workload], doing: &Doing) -> Vec<Known<Option<Vec<String>>>> {
    let Doing { setting, mark, forecast, reader, .. } = doing;
    at_once::ask(workloads, |workload| resolved(workload, setting, &reader.cluster, mark, forecast))
}

fn kept_versions(object: &Value, mark: &Mark) -> Option<String> {
    let ours = template_annotation(object, STEP_ANNOTATION) == Some(&mark.text());
    let versions = template_annotation(object, CONFIGMAPS_ANNOTATION).unwrap_or_default();
    ours.then(|| versions.to_owned())
}

fn versions(names: &[String], cluster: &Cluster) -> String {
    let versions: Vec<String> = names
        .iter()
        .filter_map(|name| {
            let object = cluster.configmap(name).ok()?;
            Some(format!("{name}={}", object["metadata"]["resourceVersion"].as_str()?))
        })
        .collect();
    versions.join(",")
}

/// Patches all workloads together; those that changed while they were patched, again.
pub fn perform(spec: &Restart, doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    let mut open: Vec<&Workload> = needed(spec, &doing.forecast).collect();
    let mut patched = Vec::new();
    let mut failed: Option<Done> = None;
    let until = Instant::now() + doing.timeout;
    while !open.is_empty() {
        let asked: Vec<Workload> = open.iter().map(|workload| (*workload).clone()).collect();
        let known = doing.clone();
        let read = match hands.aside(move || resolve(&asked, &known)) {
            Ok(read) => read,
            Err(ending) if patched.is_empty() => {
                return Done::called_off("nothing was restarted", &ending);
            }
            Err(ending) => {
                let what = format!("only {} was patched", patched.join(", "));
                return Done::called_off(&what, &ending);
            }
        };
        let mut attempts = Vec::new();
        let left = until.saturating_duration_since(Instant::now());
        for (workload, argv) in open.drain(..).zip(read) {
            match argv {
                Ok(Some(argv)) => attempts.push((workload, Invocation::new(argv, left))),
                Ok(None) => {}
                Err(why) => {
                    failed = Some(worse(failed, Done::badly(why.sentence(), Vec::new())));
                }
            }
        }
        let (workloads, invocations): (Vec<&Workload>, Vec<Invocation>) =
            attempts.into_iter().unzip();
        for (workload, captured) in workloads.iter().zip(hands.run(permit, &invocations)) {
            match ended_badly(&captured) {
                None => patched.push(workload.to_string()),
                Some(_) if moved_on(&captured) && Instant::now() < until => open.push(workload),
                Some(done) => {
                    let why = format!("{workload}: {}", done.why);
                    failed = Some(worse(failed, Done { why, ..done }));
                }
            }
        }
        if let Some(workload) = open.first() {
            hands.progress(&format!("{workload} changed meanwhile: read and patched again"));
            // Whoever stood still may have lost the lock: then no patch is started.
            hands.recorder.guard().refresh(GLANCE);
        }
    }
    match failed {
        None if patched.is_empty() => Done::well("nothing to restart: the pods are new already"),
        None => Done::well(format!("new pods asked for: {}", patched.join(", "))),
        Some(mut done) if !patched.is_empty() => {
            done.why = format!("{} (but {} was patched)", done.why, patched.join(", "));
            done
        }
        Some(done) => done,
    }
}

/// Several failures as one.
fn worse(before: Option<Done>, after: Done) -> Done {
    let Some(mut first) = before else { return after };
    first.why = format!("{}; {}", first.why, after.why);
    first.detail.extend(after.detail);
    first
}

/// Whether the API server refused the patch because the workload is not what was read any more.
fn moved_on(captured: &Captured) -> bool {
    let complaint = captured.complaint().join("\n");
    complaint.contains("(Conflict)") || complaint.contains("the object has been modified")
}

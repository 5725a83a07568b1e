//! `restart`: new pods for workloads, by a patch of the pod template's annotations. It does what
//! `kubectl rollout restart` does, but the same step run twice makes the same patch, so that a
//! repeat changes nothing, and the pods carry the mark of the run and step that made them.
//!
//! The patch also notes which versions of the ConfigMaps with changed flags the new pods were made
//! after. Those versions exist only once the flags are changed: in a plan they are shown as
//! `<resourceVersion>`, and [`resolved`] fills them in just before the patch is run.

pub(crate) mod carried;
mod still;

use std::collections::BTreeSet;
use std::time::{Duration, SystemTime};

use serde_json::{Map, Value, json};

use super::{
    done_without_pods, effect_of, known, owner_warning, patch_access, permitted, template_digest,
    together, watch_access,
};
use crate::facts::{Facts, Read, Unread, WorkloadFacts};
use crate::journal::Permit;
use crate::runbook::{Restart, Workload};
use crate::step::set_flags::ended_badly;
use crate::step::{Done, Effect, Forecast, Mark, Setting};
use crate::world::cluster::rollout::{
    CONFIGMAPS_ANNOTATION, RESTARTED_AT, STEP_ANNOTATION, Wanted, desired, forewarned, held_back,
    template_annotation,
};
use crate::world::cluster::{Cluster, FIELD_MANAGER, kubectl};
use crate::world::hands::Hands;
use crate::world::process::Invocation;

/// What stands for a version that is known only when the step runs.
const LATER: &str = "<resourceVersion>";

/// What it needs to know.
pub fn reads(spec: &Restart, _setting: &Setting) -> Vec<Read> {
    spec.workloads
        .iter()
        .flat_map(|workload| {
            [Read::Workload(workload.clone()), Read::Access(patch_access(workload))]
        })
        .chain([Read::Access(watch_access())])
        .collect()
}

/// What it will find and change; its effect is added to the facts.
pub fn forecast(spec: &Restart, setting: &Setting, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    let mut read: BTreeSet<(String, String)> = BTreeSet::new();
    let mut templates = 0;
    let mut needed = 0;
    for workload in &spec.workloads {
        let what = workload.to_string();
        let found = known(&mut forecast, &what, facts.workloads.get(workload)).cloned();
        let Some(found) = found else { continue };
        templates += 1;
        let carried = carried::carried(&found, facts);
        read.extend(carried.flags.iter().map(|flag| (flag.configmap.clone(), flag.key.clone())));
        let proof = carried::proof(&found, facts, &carried);
        pin(workload, &found, &carried, proof.is_some(), &mut forecast);
        forecast.evidence.push(match &proof {
            Some(proof) => format!("{what}  {proof}"),
            None => format!("{what}  {}", carried.evidence(&found, facts)),
        });
        if proof.is_some() {
            continue;
        }
        still::pin(&what, &carried, &mut forecast);
        needed += 1;
        if let Some((why, hint)) = held_back(&found.object) {
            forecast.block(why, Some(hint));
        }
        if desired(&found.object) == 0 {
            let text = format!("{what} is scaled to zero: no pods to restart, nothing to see");
            forecast.warnings.push(text);
        }
        if facts.rolled.contains(workload) {
            let text = format!("{what}  new pods come of the step before: patched only if not");
            forecast.evidence.push(text);
            forecast.pinned.insert(rolled_key(workload), json!(true));
        } else if facts.flags_to_change.contains_key(&what) {
            let text = format!("an earlier step already rolls {what}: this rolls it once more");
            forecast.warnings.push(text);
        }
        forecast.warnings.extend(forewarned(&found, SystemTime::now(), true));
        carried.warn(&what, &mut forecast);
        watched(&mut forecast, facts, &what);
        permitted(&mut forecast, facts, &patch_access(workload), &setting.namespace);
        forecast.contested(owner_warning(&what, &found.object));
        foresee(workload, found, facts);
    }
    if templates == spec.workloads.len() {
        warn_of_unread(spec, facts, &read, &mut forecast);
    }
    forecast.already_there = needed == 0 && forecast.obstacles.is_empty();
    forecast
}

/// Without the right to watch, the rollout is polled: slower, and not less true.
fn watched(forecast: &mut Forecast, facts: &Facts, what: &str) {
    if facts.access.get(&watch_access()) == Some(&Ok(false)) {
        forecast.warnings.push(format!(
            "no permission to watch pods: the rollout of {what} is asked about once a second"
        ));
    }
}

/// What makes the digest: the template's content, which ConfigMaps count, and whether it is needed.
fn pin(
    workload: &Workload,
    found: &WorkloadFacts,
    carried: &carried::Carried,
    proved: bool,
    forecast: &mut Forecast,
) {
    let template = template_digest(&found.object);
    forecast.pinned.insert(format!("{workload} template"), json!(template));
    forecast.pinned.insert(restart_key(workload), json!(!proved));
    forecast.pinned.insert(configmaps_key(workload), json!(carried.configmaps()));
}

fn restart_key(workload: &Workload) -> String {
    format!("{workload} restart")
}

/// The pinned fact that an earlier step of the same run makes the pods anew.
fn rolled_key(workload: &Workload) -> String {
    format!("{workload} rolled before")
}

/// The mark of the earlier step of this run that made the template, where one was to.
fn rolled_by(
    workload: &Workload,
    object: &Value,
    mark: &Mark,
    forecast: &Forecast,
) -> Option<String> {
    forecast.pinned.get(&rolled_key(workload))?;
    let found = template_annotation(object, STEP_ANNOTATION)?;
    let run = found.split_once('/').map(|(run, _)| run);
    (run == Some(mark.run_id.as_str()) && found != mark.text()).then(|| found.to_owned())
}

fn configmaps_key(workload: &Workload) -> String {
    format!("{workload} configmaps")
}

/// The next step sees a template that was restarted.
fn foresee(workload: &Workload, mut found: WorkloadFacts, facts: &mut Facts) {
    let annotations = &mut found.object["spec"]["template"]["metadata"]["annotations"];
    annotations[STEP_ANNOTATION] = json!("<this run>");
    facts.workloads.insert(workload.clone(), Ok(found));
}

/// Flags of this plan that no restarted workload is seen to read.
fn warn_of_unread(
    spec: &Restart,
    facts: &Facts,
    read: &BTreeSet<(String, String)>,
    forecast: &mut Forecast,
) {
    let names: Vec<String> = spec.workloads.iter().map(ToString::to_string).collect();
    let names = names.join(", ");
    for (configmap, keys) in facts.flags_to_change.iter().chain(&facts.flags_present) {
        // Names with a kind are workloads whose env is set; only ConfigMaps are read here.
        let unread = keys.iter().filter(|key| {
            !configmap.contains('/') && !read.contains(&(configmap.clone(), (*key).clone()))
        });
        let unread: Vec<&str> = unread.map(String::as_str).collect();
        if !unread.is_empty() {
            let unread = unread.join(", ");
            let text = format!("{names} is not seen to read {unread} of configmap/{configmap}");
            forecast.warnings.push(text);
        }
    }
}

/// The workloads that a forecast found in need of new pods.
fn needed<'a>(spec: &'a Restart, forecast: &'a Forecast) -> impl Iterator<Item = &'a Workload> {
    spec.workloads.iter().filter(|workload| {
        forecast.pinned.get(&restart_key(workload)).is_none_or(|needed| *needed != false)
    })
}

/// The argv that are run, one for each workload, with the ConfigMaps' versions still open.
pub fn commands(
    spec: &Restart,
    setting: &Setting,
    mark: &Mark,
    forecast: &Forecast,
) -> Vec<Vec<String>> {
    needed(spec, forecast)
        .map(|workload| {
            let versions: Vec<String> = configmaps_of(workload, forecast)
                .into_iter()
                .map(|name| format!("{name}={LATER}"))
                .collect();
            patch(workload, setting, mark, &versions.join(","))
        })
        .collect()
}

fn configmaps_of(workload: &Workload, forecast: &Forecast) -> Vec<String> {
    let names = forecast.pinned.get(&configmaps_key(workload)).and_then(Value::as_array);
    names.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

fn patch(workload: &Workload, setting: &Setting, mark: &Mark, versions: &str) -> Vec<String> {
    let mut annotations = Map::new();
    annotations.insert(RESTARTED_AT.to_owned(), json!(mark.started_at));
    annotations.insert(STEP_ANNOTATION.to_owned(), json!(mark.text()));
    if !versions.is_empty() {
        annotations.insert(CONFIGMAPS_ANNOTATION.to_owned(), json!(versions));
    }
    let body = json!({"spec":{"template":{"metadata":{"annotations": annotations}}}});
    let object = workload.to_string();
    let manager = format!("--field-manager={FIELD_MANAGER}");
    kubectl(setting, &["patch", &object, "--type=strategic", &manager, "-p", &body.to_string()])
}

/// The argv with the ConfigMaps' versions of this moment. A template that carries the mark already
/// keeps the versions that it has, so that a repeat is the same patch. A ConfigMap that cannot be
/// read is left out: it costs a proof, not the restart.
pub fn resolved(
    spec: &Restart,
    setting: &Setting,
    cluster: &Cluster,
    mark: &Mark,
    forecast: &Forecast,
) -> Vec<Vec<String>> {
    needed(spec, forecast)
        .filter(|workload| !rolled_before(workload, cluster, mark, forecast))
        .map(|workload| {
            let names = configmaps_of(workload, forecast);
            let versions = if names.is_empty() {
                String::new()
            } else {
                kept_versions(workload, cluster, mark).unwrap_or_else(|| versions(&names, cluster))
            };
            patch(workload, setting, mark, &versions)
        })
        .collect()
}

/// Whether an earlier step of this run has made the pods anew; one that did not get so far has not.
fn rolled_before(workload: &Workload, cluster: &Cluster, mark: &Mark, forecast: &Forecast) -> bool {
    forecast.pinned.contains_key(&rolled_key(workload))
        && cluster
            .workload_object(workload)
            .is_ok_and(|object| rolled_by(workload, &object, mark, forecast).is_some())
}

fn kept_versions(workload: &Workload, cluster: &Cluster, mark: &Mark) -> Option<String> {
    let object = cluster.workload_object(workload).ok()?;
    let ours = template_annotation(&object, STEP_ANNOTATION) == Some(&mark.text());
    let versions = template_annotation(&object, CONFIGMAPS_ANNOTATION).unwrap_or_default();
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

/// Patches all workloads together.
#[expect(clippy::too_many_arguments, reason = "the shape that all kinds share")]
pub fn perform(
    spec: &Restart,
    setting: &Setting,
    cluster: &Cluster,
    hands: &mut Hands,
    permit: &Permit,
    mark: &Mark,
    forecast: &Forecast,
    timeout: Duration,
) -> Done {
    let invocations: Vec<Invocation> = resolved(spec, setting, cluster, mark, forecast)
        .into_iter()
        .map(|argv| Invocation::new(argv, timeout))
        .collect();
    if invocations.is_empty() {
        return Done::well("nothing to restart: the pods are new already");
    }
    let names: Vec<String> = invocations.iter().filter_map(|it| patched_by(&it.argv)).collect();
    let results = hands.run(permit, &invocations);
    let mut failed: Option<Done> = None;
    let mut patched = Vec::new();
    for (name, captured) in names.iter().zip(&results) {
        match ended_badly(captured) {
            None => patched.push(name.as_str()),
            Some(done) => {
                let why = format!("{name}: {}", done.why);
                match &mut failed {
                    None => failed = Some(Done { why, ..done }),
                    Some(first) => {
                        first.why = format!("{}; {why}", first.why);
                        first.detail.extend(done.detail);
                    }
                }
            }
        }
    }
    match failed {
        None => Done::well(format!("new pods asked for: {}", patched.join(", "))),
        Some(mut done) if !patched.is_empty() => {
            done.why = format!("{} (but {} was patched)", done.why, patched.join(", "));
            done
        }
        Some(done) => done,
    }
}

/// The workload that a patch is of.
fn patched_by(argv: &[String]) -> Option<String> {
    let at = argv.iter().position(|word| word == "patch")?;
    argv.get(at + 1).cloned()
}

/// Whether all pods are new: made from the template that carries this step's mark. Workloads that
/// the forecast found to carry everything already are judged by their current template.
pub fn look(
    spec: &Restart,
    _setting: &Setting,
    cluster: &Cluster,
    mark: &Mark,
    forecast: &Forecast,
) -> Effect {
    let ours: BTreeSet<&Workload> = needed(spec, forecast).collect();
    let look = |workload: &Workload| match cluster.workload(workload) {
        Ok(found) => {
            let before = rolled_by(workload, &found.object, mark, forecast);
            let wanted = if ours.contains(workload) {
                Wanted::Mark(before.unwrap_or_else(|| mark.text()))
            } else {
                Wanted::Current
            };
            let effect = effect_of(cluster, &found, &wanted, done_without_pods);
            still::judge(cluster, &found, forecast, effect)
        }
        Err(Unread::Missing(why, _)) => Effect::Broken(why, Vec::new()),
        Err(why) => Effect::Unanswerable(why.sentence().to_owned()),
    };
    if let [workload] = spec.workloads.as_slice() {
        return look(workload);
    }
    let looks: Vec<(String, Effect)> = std::thread::scope(|scope| {
        let threads: Vec<_> = spec
            .workloads
            .iter()
            .map(|workload| (workload.to_string(), scope.spawn(move || look(workload))))
            .collect();
        threads
            .into_iter()
            .map(|(name, thread)| {
                let effect = thread.join().unwrap_or_else(|_| {
                    Effect::Unanswerable("the look ended in a bug of this program".to_owned())
                });
                (name, effect)
            })
            .collect()
    });
    together(&looks)
}

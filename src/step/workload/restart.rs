//! `restart`: new pods for workloads, by a patch of the pod template's annotations. It does what
//! `kubectl rollout restart` does, but the same step run twice makes the same patch, so that a
//! repeat changes nothing, and the pods carry the mark of the run and step that made them.
//!
//! The patch also notes which versions of the ConfigMaps with changed flags the new pods were made
//! after, and holds only for the version of the workload that was read just before it (`patch`).

pub(crate) mod carried;
mod patch;
mod still;

pub use patch::{commands, perform, resolved};

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde_json::{Value, json};

use super::{
    done_without_pods, effect_of, known, owner_warning, patch_access, permitted, template_digest,
    together, watch_access,
};
use crate::at_once;
use crate::facts::{Facts, Read, WorkloadFacts};
use crate::runbook::{Restart, Workload};
use crate::step::claims;
use crate::step::{Doing, Effect, Forecast, Mark, Setting};
use crate::world::cluster::rollout::{
    STEP_ANNOTATION, Wanted, desired, forewarned, held_back, template_annotation, without_pods,
};

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
            let text =
                format!("{}: no pods to restart, nothing to see", without_pods(&found.object));
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
    facts.foresee_workload(workload, found);
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

/// Those whose pods no earlier step is to make anew: only of them is known that they are patched.
fn patched<'a>(spec: &'a Restart, forecast: &'a Forecast) -> impl Iterator<Item = &'a Workload> {
    needed(spec, forecast).filter(|workload| !forecast.pinned.contains_key(&rolled_key(workload)))
}

/// The workloads that a forecast found in need of new pods.
fn needed<'a>(spec: &'a Restart, forecast: &'a Forecast) -> impl Iterator<Item = &'a Workload> {
    spec.workloads.iter().filter(|workload| {
        forecast.pinned.get(&restart_key(workload)).is_none_or(|needed| *needed != false)
    })
}

/// The ConfigMaps whose versions the new pods note.
fn configmaps_of(workload: &Workload, forecast: &Forecast) -> Vec<String> {
    let names = forecast.pinned.get(&configmaps_key(workload)).and_then(Value::as_array);
    names.into_iter().flatten().filter_map(|name| name.as_str().map(str::to_owned)).collect()
}

/// Whether all pods are new: made from the template that carries this step's mark. Workloads that
/// the forecast found to carry everything already are judged by their current template.
pub fn look(spec: &Restart, doing: &Doing) -> Effect {
    let Doing { mark, forecast, .. } = doing;
    let cluster = &doing.reader.cluster;
    let ours: BTreeSet<&Workload> = needed(spec, forecast).collect();
    let look = |workload: &Workload| match cluster.workload(workload) {
        Ok(found) => {
            let before = rolled_by(workload, &found.object, mark, forecast);
            let wanted = if ours.contains(workload) && !claims::marked(&doing.later, workload) {
                Wanted::Mark(before.unwrap_or_else(|| mark.text()))
            } else {
                Wanted::Current
            };
            let effect = effect_of(cluster, &found, &wanted, done_without_pods);
            still::judge(cluster, &found, doing, effect)
        }
        Err(why) => Effect::unread(why),
    };
    if let [workload] = spec.workloads.as_slice() {
        return look(workload);
    }
    together(&at_once::ask(&spec.workloads, |workload| (workload.to_string(), look(workload))))
}

//! Whether restarted pods carry what they were restarted for: the ConfigMap as it is now against
//! what the plan wanted, and against the version that the pods were made with.

use std::collections::BTreeMap;
use std::iter;

use serde_json::{Value, json};

use super::carried::{Carried, last_change};
use crate::facts::{Unread, WorkloadFacts};
use crate::runbook::Workload;
use crate::step::claims;
use crate::step::set_flags::writer_of_key;
use crate::step::{Doing, Effect, Forecast};
use crate::world::cluster::rollout::{
    CONFIGMAPS_ANNOTATION, desired, name_of, template_annotation,
};
use crate::world::cluster::{Cluster, FIELD_MANAGER, plain};

/// ConfigMap -> key -> value.
type Wanted = BTreeMap<String, BTreeMap<String, String>>;

fn carries_key(workload: &str) -> String {
    format!("{workload} carries")
}

/// The pinned fact which containers alone get a flag.
fn only_key(workload: &str, configmap: &str, key: &str) -> String {
    format!("{workload} only of {configmap} {key}")
}

fn overridden_key(workload: &str) -> String {
    format!("{workload} overrides all flags")
}

/// Notes in the forecast what the pods are restarted for.
pub(super) fn pin(workload: &str, carried: &Carried, forecast: &mut Forecast) {
    let mut wanted = Wanted::new();
    for (configmap, key, value) in carried.reaching() {
        wanted.entry(configmap.to_owned()).or_default().insert(key.to_owned(), value.to_owned());
    }
    if carried.is_all_overridden() {
        forecast.pinned.insert(overridden_key(workload), json!(true));
    }
    if !wanted.is_empty() {
        forecast.pinned.insert(carries_key(workload), json!(wanted));
    }
    for (configmap, key, only) in carried.partly() {
        forecast.pinned.insert(only_key(workload, configmap, key), json!(only));
    }
}

/// What the pods of a workload are to carry.
fn wanted(workload: &str, forecast: &Forecast) -> Wanted {
    let pinned = forecast.pinned.get(&carries_key(workload));
    pinned.and_then(|value| serde_json::from_value(value.clone()).ok()).unwrap_or_default()
}

/// Takes the evidence of a rollout further, to what its pods carry.
pub(super) fn judge(
    cluster: &Cluster,
    found: &WorkloadFacts,
    doing: &Doing,
    effect: Effect,
) -> Effect {
    let Effect::Present(evidence, outputs) = effect else { return effect };
    let forecast = &doing.forecast;
    let name = name_of(&found.object);
    if forecast.pinned.contains_key(&overridden_key(&name)) {
        let text = "its pods do not see the flags: its own env overrides them";
        return Effect::Broken(format!("{name} is rolled out, but {text}"), Vec::new());
    }
    let (mut carried, mut unseen) = (Vec::new(), Vec::new());
    for (configmap, flags) in &wanted(&name, forecast) {
        let object = match cluster.configmap(configmap) {
            Ok(object) => object,
            Err(Unread::Forbidden(why)) => {
                unseen.push(format!("what they carry was not seen: {why}"));
                continue;
            }
            Err(why) => return Effect::unread(why),
        };
        let mine = |key: &&String| !claims::changed_key(&doing.later, configmap, key);
        for key in flags.keys().filter(mine) {
            let value = &flags[key];
            // A key that the plan takes away is wanted empty.
            if object["data"][key].as_str().unwrap_or_default() != value {
                return put_back(&name, configmap, key, &object);
            }
            if !is_sure(found, configmap, &object, key) {
                let text = format!(
                    "{name} is rolled out, but {key} was written again while its pods started: \
                     they may carry another value"
                );
                let hint = format!("restart it once more: kubectl rollout restart {name}");
                return Effect::Broken(text, vec![hint]);
            }
            let only = forecast.pinned.get(&only_key(&name, configmap, key));
            let only = only.and_then(Value::as_str).map(|only| format!(" (only {only})"));
            carried.push(format!("{key}={}{}", plain(value), only.unwrap_or_default()));
        }
    }
    // Where no pod runs, none carries anything.
    let pods = desired(&found.object) > 0;
    let carried =
        (!carried.is_empty() && pods).then(|| format!("they carry {}", carried.join(", ")));
    let all: Vec<String> = iter::once(evidence).chain(carried).chain(unseen).collect();
    Effect::Present(all.join("; "), outputs)
}

/// Whether the pods were made with the value of a key that stands there now, as far as objects tell.
fn is_sure(found: &WorkloadFacts, configmap: &str, object: &Value, key: &str) -> bool {
    noted(found, configmap) == object["metadata"]["resourceVersion"].as_str()
        || writer_of_key(object, key) == Some(FIELD_MANAGER)
        || newer(found, object, key)
}

/// Whether a workload's pods may carry another value than the one that stands there, so that only new
/// ones are a proof.
pub(super) fn doubts(cluster: &Cluster, workload: &Workload, forecast: &Forecast) -> bool {
    let wanted = wanted(&workload.to_string(), forecast);
    if wanted.is_empty() {
        return false;
    }
    let Ok(found) = cluster.workload(workload) else { return false };
    wanted.iter().any(|(configmap, flags)| {
        let object = cluster.configmap(configmap);
        object.is_ok_and(|object| flags.keys().any(|key| !is_sure(&found, configmap, &object, key)))
    })
}

fn put_back(name: &str, configmap: &str, key: &str, object: &Value) -> Effect {
    let now = match object["data"][key].as_str() {
        Some(value) => format!("is {} again", plain(value)),
        None => "is gone".to_owned(),
    };
    let who = writer_of_key(object, key)
        .filter(|who| *who != FIELD_MANAGER)
        .map_or_else(String::new, |who| format!(", put back by {}", plain(who)));
    Effect::Broken(
        format!(
            "it did not stick: {key} of configmap/{configmap} {now}{who}; new pods of {name} carry \
             that"
        ),
        Vec::new(),
    )
}

fn noted<'a>(found: &'a WorkloadFacts, configmap: &str) -> Option<&'a str> {
    template_annotation(&found.object, CONFIGMAPS_ANNOTATION)?
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == configmap)
        .map(|(_, version)| version)
}

/// Whether all pods were made in a later second than the key's last change.
fn newer(found: &WorkloadFacts, object: &Value, key: &str) -> bool {
    let Some(changed) = last_change(object, key) else { return false };
    found
        .pods
        .iter()
        .all(|pod| pod["metadata"]["creationTimestamp"].as_str().is_some_and(|at| at > changed))
}

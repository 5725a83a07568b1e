//! Whether restarted pods carry what they were restarted for: the ConfigMap as it is now against
//! what the plan wanted, and against the version that the pods were made with.

use std::collections::BTreeMap;
use std::iter;

use serde_json::{Value, json};

use super::carried::{Carried, last_change};
use crate::facts::WorkloadFacts;
use crate::step::set_flags::writer_of_key;
use crate::step::{Effect, Forecast};
use crate::world::cluster::rollout::{CONFIGMAPS_ANNOTATION, name_of, template_annotation};
use crate::world::cluster::{Cluster, FIELD_MANAGER, plain};

/// ConfigMap -> key -> value.
type Wanted = BTreeMap<String, BTreeMap<String, String>>;

fn carries_key(workload: &str) -> String {
    format!("{workload} carries")
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
}

/// Takes the evidence of a rollout further, to what its pods carry.
pub(super) fn judge(
    cluster: &Cluster,
    found: &WorkloadFacts,
    forecast: &Forecast,
    effect: Effect,
) -> Effect {
    let Effect::Present(evidence, outputs) = effect else { return effect };
    let name = name_of(&found.object);
    if forecast.pinned.contains_key(&overridden_key(&name)) {
        let text = "its pods do not see the flags: its own env overrides them";
        return Effect::Broken(format!("{name} is rolled out, but {text}"), Vec::new());
    }
    let wanted: Wanted = forecast
        .pinned
        .get(&carries_key(&name))
        .and_then(|value| serde_json::from_value(value.clone()).ok())
        .unwrap_or_default();
    let (mut carried, mut unsure) = (Vec::new(), Vec::new());
    for (configmap, flags) in &wanted {
        let object = match cluster.configmap(configmap) {
            Ok(object) => object,
            Err(why) => {
                unsure.push(format!("what they carry was not seen: {}", why.sentence()));
                continue;
            }
        };
        for (key, value) in flags {
            let now = object["data"][key].as_str();
            // A key that the plan takes away is wanted empty.
            if now.unwrap_or_default() != value {
                return put_back(&name, configmap, key, &object);
            }
            let sure = noted(found, configmap) == object["metadata"]["resourceVersion"].as_str()
                || writer_of_key(&object, key) == Some(FIELD_MANAGER)
                || newer(found, &object, key);
            if sure {
                carried.push(format!("{key}={}", plain(value)));
            } else {
                unsure.push(format!(
                    "{key} was written again while they started: they may carry another value"
                ));
            }
        }
    }
    let carried = (!carried.is_empty()).then(|| format!("they carry {}", carried.join(", ")));
    let all: Vec<String> = iter::once(evidence).chain(carried).chain(unsure).collect();
    Effect::Present(all.join("; "), outputs)
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

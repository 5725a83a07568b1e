//! `set_flags` on a workload: literal env values of one container of its pod template. The patch
//! names places in the template and tests what stands there; the change rolls the pods, and the
//! look waits for them.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde_json::{Map, Value, json};

use super::{pointer, shown, test};
use crate::error::nearest;
use crate::facts::{Facts, Read, Unread, WorkloadFacts};
use crate::runbook::{SetFlags, Workload};
use crate::step::workload::flags::{each, readings, source_of};
use crate::step::workload::{
    done_without_pods, effect_of, known, owner_warning, patch_access, permitted, settled,
};
use crate::step::{Effect, FieldChange, Forecast, Mark, Setting};
use crate::world::cluster::Cluster;
use crate::world::cluster::rollout::{STEP_ANNOTATION, Wanted, forewarned, held_back};

pub(super) fn reads(workload: &Workload) -> Vec<Read> {
    vec![Read::Workload(workload.clone()), Read::Access(patch_access(workload))]
}

pub(super) fn forecast(
    workload: &Workload,
    spec: &SetFlags,
    setting: &Setting,
    facts: &mut Facts,
    forecast: &mut Forecast,
) {
    let what = workload.to_string();
    let Some(found) = known(forecast, &what, facts.workloads.get(workload)).cloned() else {
        return;
    };
    let template = &found.object["spec"]["template"];
    let (list, index) = match container(spec, &found.object) {
        Ok(place) => place,
        Err((why, hint)) => return forecast.block(why, hint),
    };
    let container = &template["spec"][list][index];
    let name = container["name"].as_str().unwrap_or_default();
    let mut places = Map::new();
    let mut object = found.object.clone();
    for (key, to) in &spec.flags {
        let place = place(container, key);
        let entry = place.map(|place| &container["env"][place]);
        if let Some(entry) = entry.filter(|entry| entry["valueFrom"].is_object()) {
            let source = source_of(&entry["valueFrom"]);
            forecast.block(
                format!("{key} of {what} container {name} comes from {source}, not from a literal"),
                Some("set it there: set_flags with `configmap:`".to_owned()),
            );
            continue;
        }
        let from = entry.map(|entry| entry["value"].as_str().unwrap_or_default().to_owned());
        forecast.pinned.insert(format!("{what} {name}/{key}"), json!(from));
        if from.as_ref() == Some(to) {
            forecast.evidence.push(format!("{what}  {key}  is {}", shown(to)));
            continue;
        }
        if from.is_none() && !spec.create {
            missing(key, &what, container, template, facts, forecast);
            continue;
        }
        if let Some(place) = place {
            places.insert(key.clone(), json!(place));
        }
        set(&mut object["spec"]["template"]["spec"][list][index], place, key, to);
        let change = FieldChange { object: what.clone(), field: key.clone(), from, to: to.clone() };
        forecast.changes.push(change);
    }
    if forecast.changes.is_empty() && forecast.obstacles.is_empty() {
        forecast.already_there = settled(forecast, facts, workload, &found, "the values");
        return;
    }
    if let Some((why, hint)) = held_back(&found.object) {
        forecast.block(why, Some(hint));
    }
    forecast.warnings.extend(forewarned(&found, SystemTime::now(), true));
    permitted(forecast, facts, &patch_access(workload), &setting.namespace);
    forecast.contested(owner_warning(&what, &found.object));
    let shape = json!({
        "list": list,
        "container": index,
        "name": name,
        "env": places,
        "has_env": container["env"].is_array(),
        "has_annotations": template["metadata"]["annotations"].is_object(),
    });
    forecast.pinned.insert(shape_key(workload), shape);
    object["spec"]["template"]["metadata"]["annotations"][STEP_ANNOTATION] = json!("<this run>");
    let keys = facts.flags_to_change.entry(what).or_default();
    keys.extend(forecast.changes.iter().map(|change| change.field.clone()));
    facts.foresee_workload(workload, WorkloadFacts { object, ..found });
}

/// The pinned fact where in the template the values stand.
fn shape_key(workload: &Workload) -> String {
    format!("{workload} places")
}

/// The list that most containers are in.
const CONTAINERS: &str = "containers";
/// Those that start first, and native sidecars.
const INIT: &str = "initContainers";

/// Which container is meant: its list and its place there. One that starts first is meant only where
/// it is named.
fn container(
    spec: &SetFlags,
    object: &Value,
) -> Result<(&'static str, usize), (String, Option<String>)> {
    let names = |list: &str| -> Vec<&str> {
        each(&object["spec"]["template"]["spec"][list])
            .map(|container| container["name"].as_str().unwrap_or_default())
            .collect()
    };
    let (main, first) = (names(CONTAINERS), names(INIT));
    let what = crate::world::cluster::rollout::name_of(object);
    let Some(wanted) = &spec.container else {
        return match main.as_slice() {
            [_] => Ok((CONTAINERS, 0)),
            names => Err((
                format!("{what} has several containers: {}", names.join(", ")),
                Some("say which with `container:`".to_owned()),
            )),
        };
    };
    let place = |list, names: &[&str]| Some((list, names.iter().position(|name| name == wanted)?));
    place(CONTAINERS, &main).or_else(|| place(INIT, &first)).ok_or_else(|| {
        let all = main.iter().chain(&first).copied();
        let hint = nearest(wanted, all.clone()).map_or_else(
            || format!("it has: {}", all.collect::<Vec<_>>().join(", ")),
            |near| format!("did you mean {near}?"),
        );
        (format!("{what} has no container {wanted}"), Some(hint))
    })
}

/// The name of a flag's field in the template, as differences have it.
pub(in crate::step) fn field(
    workload: &Workload,
    key: &str,
    forecast: &Forecast,
) -> Option<String> {
    let (lead, end) = (format!("{workload} "), format!("/{key}"));
    let pinned = forecast.pinned.keys();
    let mut names = pinned.filter_map(|it| it.strip_prefix(&lead)?.strip_suffix(&end));
    let name = names.next()?;
    let shape = forecast.pinned.get(&shape_key(workload)).unwrap_or(&Value::Null);
    let list = if shape["list"] == INIT { format!("{INIT} ") } else { String::new() };
    Some(format!("{list}{name} env {key}"))
}

/// Where the variable stands; of several of the same name the last one counts.
fn place(container: &Value, key: &str) -> Option<usize> {
    container["env"].as_array()?.iter().rposition(|entry| entry["name"] == key)
}

fn set(container: &mut Value, place: Option<usize>, key: &str, to: &str) {
    match place {
        Some(place) => container["env"][place]["value"] = json!(to),
        None => match container["env"].as_array_mut() {
            Some(env) => env.push(json!({"name": key, "value": to})),
            None => container["env"] = json!([{"name": key, "value": to}]),
        },
    }
}

/// The variable is not in env: it comes from elsewhere, or it is misspelt.
fn missing(
    key: &str,
    what: &str,
    container: &Value,
    template: &Value,
    facts: &Facts,
    forecast: &mut Forecast,
) {
    let name = container["name"].as_str().unwrap_or_default();
    let source = each(&container["envFrom"])
        .filter_map(|source| source["configMapRef"]["name"].as_str())
        .find(|configmap| {
            let here = matches!(facts.configmaps.get(*configmap), Some(Ok(object)) if object["data"][key].is_string());
            here && !readings(template, configmap, key, &facts.configmaps).is_empty()
        });
    if let Some(configmap) = source {
        return forecast.block(
            format!("{key} of {what} container {name} comes from configmap/{configmap}"),
            Some(format!("set it there: set_flags with `configmap: {configmap}`")),
        );
    }
    let names = each(&container["env"]).filter_map(|entry| entry["name"].as_str());
    let hint = nearest(key, names).map_or_else(
        || "if it is new, say `create: true`".to_owned(),
        |near| format!("did you mean {near}? (a new one needs `create: true`)"),
    );
    forecast.block(format!("{what} container {name} has no env {key}"), Some(hint));
}

/// The patch: the container and each value are tested, then set, with the mark of the step.
pub(super) fn operations(workload: &Workload, mark: &Mark, forecast: &Forecast) -> Vec<Value> {
    let shape = forecast.pinned.get(&shape_key(workload)).unwrap_or(&Value::Null);
    let list = shape["list"].as_str().unwrap_or(CONTAINERS);
    let base = format!("/spec/template/spec/{list}/{}", shape["container"]);
    let mut operations = vec![test(&format!("{base}/name"), &shape["name"])];
    let mut new = Vec::new();
    for FieldChange { field, from, to, .. } in &forecast.changes {
        let Some(place) = shape["env"][field].as_u64() else {
            new.push(json!({"name": field, "value": to}));
            continue;
        };
        let entry = format!("{base}/env/{place}");
        operations.push(test(&format!("{entry}/name"), &json!(field)));
        // An empty value is not stored at all.
        let old = from.as_ref().filter(|old| !old.is_empty());
        let path = format!("{entry}/value");
        operations.push(test(&path, &json!(old)));
        let op = if old.is_some() { "replace" } else { "add" };
        operations.push(json!({"op": op, "path": path, "value": to}));
    }
    if shape["has_env"] == true {
        let path = format!("{base}/env/-");
        operations
            .extend(new.into_iter().map(|entry| json!({"op":"add","path":path,"value":entry})));
    } else if !new.is_empty() {
        let path = format!("{base}/env");
        operations.push(test(&path, &Value::Null));
        operations.push(json!({"op": "add", "path": path, "value": new}));
    }
    let annotations = "/spec/template/metadata/annotations";
    if shape["has_annotations"] == true {
        let path = format!("{annotations}/{}", pointer(STEP_ANNOTATION));
        operations.push(json!({"op": "add", "path": path, "value": mark.text()}));
    } else {
        operations.push(test(annotations, &Value::Null));
        let value = json!({ STEP_ANNOTATION: mark.text() });
        operations.push(json!({"op": "add", "path": annotations, "value": value}));
    }
    operations
}

/// The literals that stand in the template now.
pub(super) fn current(
    spec: &SetFlags,
    object: &Value,
) -> Result<BTreeMap<String, Option<String>>, Unread> {
    let (list, index) = container(spec, object).map_err(|(why, _)| Unread::Failed(why))?;
    let container = &object["spec"]["template"]["spec"][list][index];
    let value = |key: &String| {
        let entry = &container["env"][place(container, key)?];
        let literal = entry["valueFrom"].is_null();
        literal.then(|| entry["value"].as_str().unwrap_or_default().to_owned())
    };
    Ok(spec.flags.keys().map(|key| (key.clone(), value(key))).collect())
}

/// Whether the pods carry the template that has the values.
pub(super) fn pods(cluster: &Cluster, facts: &WorkloadFacts) -> Effect {
    effect_of(cluster, facts, &Wanted::Current, done_without_pods)
}

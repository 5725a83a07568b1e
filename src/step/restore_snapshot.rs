//! `restore_snapshot`: ConfigMaps and pod templates as a snapshot has them. A key that was not there
//! then is removed. Every patch holds only where things still are as the plan showed them.

mod pins;

use serde_json::{Map, Value, json};

use crate::facts::{Access, Facts, Known, Read};
use crate::journal::Permit;
use crate::runbook::{RestoreSnapshot, Workload};
use crate::snapshot::{self, Snapshot};
use crate::step::claims::{self as changed, Claim};
use crate::step::set_flags::ended_badly;
use crate::step::workload::template::{self, Now};
use crate::step::workload::{
    done_without_pods, known, look_at, owner_warning, patch_access, permitted, settled, together,
};
use crate::step::{Doing, Done, Effect, FieldChange, Forecast, Mark, Outputs, Setting};
use crate::world::cluster::rollout::{STEP_ANNOTATION, Wanted, held_back};
use crate::world::cluster::{Cluster, FIELD_MANAGER, kubectl};
use crate::world::forge::{short, shown};
use crate::world::hands::Hands;
use crate::world::process::Invocation;
pub(crate) use pins::claims;
use pins::{
    UNREAD, before_of, kept_of, kept_workloads, keys_of, pinned_configmaps, pinned_maps,
    pinned_workloads, same_of, wanted_of,
};

fn configmap_access(name: &str) -> Access {
    Access {
        verb: "patch".to_owned(),
        group: String::new(),
        resource: "configmaps".to_owned(),
        name: name.to_owned(),
    }
}

/// What it needs to know: the snapshot, and everything that it names.
pub fn reads(spec: &RestoreSnapshot) -> Vec<Read> {
    let mut reads = vec![Read::Snapshot(spec.name.clone())];
    let Ok(snapshot) = snapshot::find(&spec.name) else { return reads };
    for name in snapshot.configmaps.keys() {
        reads.extend([Read::ConfigMap(name.clone()), Read::Access(configmap_access(name))]);
    }
    for workload in workloads(&snapshot) {
        let access = patch_access(&workload);
        reads.extend([Read::Workload(workload), Read::Access(access)]);
    }
    reads
}

fn workloads(snapshot: &Snapshot) -> impl Iterator<Item = Workload> {
    snapshot.workloads.keys().filter_map(|name| Workload::try_from(name.clone()).ok())
}

/// What it will find and change; its effect is added to the facts.
pub fn forecast(spec: &RestoreSnapshot, setting: &Setting, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    let what = format!("the snapshot {}", spec.name);
    let found = known(&mut forecast, &what, facts.snapshots.get(&spec.name)).cloned();
    let Some(snapshot) = found else { return forecast };
    forecast.evidence.push(format!("{what}: {}", snapshot.phrase()));
    for (repository, branches) in &snapshot.branches {
        for (branch, sha) in branches {
            let repository = shown(repository);
            forecast
                .evidence
                .push(format!("{branch} of {repository} was at {}; it stays", short(sha)));
        }
    }
    if snapshot.branches.values().any(|branches| !branches.is_empty()) {
        let text = format!(
            "branches are never moved back; to go on from there: rollback snapshot {} --branches",
            spec.name
        );
        forecast.evidence.push(text);
    }
    elsewhere(&snapshot, setting, facts, &mut forecast);
    for (name, values) in &snapshot.configmaps {
        configmap(name, values, setting, facts, &mut forecast);
    }
    let mut all = true;
    for workload in workloads(&snapshot) {
        let wanted = &snapshot.workloads[&workload.to_string()];
        all &= one_workload(&workload, wanted, setting, facts, &mut forecast);
    }
    forecast.already_there = all && forecast.changes.is_empty() && forecast.obstacles.is_empty();
    if forecast.already_there {
        forecast.evidence.insert(0, format!("everything is as in {what}"));
    }
    forecast
}

/// A snapshot of another place is not for this one.
fn elsewhere(snapshot: &Snapshot, setting: &Setting, facts: &Facts, forecast: &mut Forecast) {
    let name = &snapshot.name;
    if snapshot.namespace != setting.namespace {
        let there = &snapshot.namespace;
        forecast.block(format!("the snapshot {name} is of the namespace {there}"), None);
    }
    if let Some(Ok(identity)) = &facts.identity
        && !snapshot.cluster.is_empty()
        && !identity.uid.is_empty()
        && snapshot.cluster != identity.uid
    {
        let there = match snapshot.context.as_str() {
            "" => String::new(),
            context => format!(" ({context})"),
        };
        forecast.block(
            format!("the snapshot {name} is of another cluster{there}"),
            Some("name the context that it was taken of".to_owned()),
        );
    }
}

fn configmap(
    name: &str,
    wanted: &std::collections::BTreeMap<String, String>,
    setting: &Setting,
    facts: &mut Facts,
    forecast: &mut Forecast,
) {
    let what = format!("configmap/{name}");
    let Some(object) = known(forecast, &what, facts.configmaps.get(name)).cloned() else {
        forecast.pinned.insert(format!("{what}{UNREAD}"), json!(true));
        return;
    };
    let now = snapshot::values(&object);
    let (mut keys, mut same) = (Map::new(), Map::new());
    let names: std::collections::BTreeSet<&String> = now.keys().chain(wanted.keys()).collect();
    for key in names {
        let (from, to) = (now.get(key), wanted.get(key));
        if from == to {
            same.insert(key.clone(), json!(to));
            facts.flags_present.entry(name.to_owned()).or_default().insert(key.clone());
            continue;
        }
        keys.insert(key.clone(), json!({"from": from, "to": to}));
        let change = FieldChange {
            object: what.clone(),
            field: key.clone(),
            from: from.cloned(),
            to: to.cloned().unwrap_or_else(|| crate::step::NOT_THERE.to_owned()),
        };
        facts.flags_to_change.entry(name.to_owned()).or_default().insert(key.clone());
        if to.is_some() {
            facts.flag_changes.push(change.clone());
        }
        forecast.changes.push(change);
    }
    forecast.pinned.insert(same_of(name), Value::Object(same));
    if keys.is_empty() {
        return;
    }
    if object["data"].is_null() {
        forecast.pinned.insert(format!("{what} data"), Value::Null);
    }
    forecast.pinned.insert(keys_of(name), Value::Object(keys));
    if object["immutable"] == true {
        let hint = "point the workload at a new ConfigMap, or delete and create this one";
        forecast.block(format!("{what} is immutable"), Some(hint.to_owned()));
    }
    permitted(forecast, facts, &configmap_access(name), &setting.namespace);
    forecast.contested(owner_warning(&what, &object));
    let mut after = object;
    after["data"] = json!(wanted);
    facts.configmaps.insert(name.to_owned(), Ok(after));
}

/// Whether nothing has to be done or waited for.
fn one_workload(
    workload: &Workload,
    wanted: &Value,
    setting: &Setting,
    facts: &mut Facts,
    forecast: &mut Forecast,
) -> bool {
    let what = workload.to_string();
    let Some(mut found) = known(forecast, &what, facts.workloads.get(workload)).cloned() else {
        forecast.pinned.insert(format!("{what}{UNREAD}"), json!(true));
        return false;
    };
    let current = &found.object["spec"]["template"];
    forecast.pinned.insert(before_of(&what), json!(template::digest(current)));
    if template::digest(current) == template::digest(wanted) {
        forecast.pinned.insert(kept_of(&what), template::content(wanted));
        return settled(forecast, facts, workload, &found, "its template");
    }
    forecast.pinned.insert(wanted_of(&what), wanted.clone());
    let (changes, more) = template::shown(template::differences(&what, current, wanted));
    forecast.changes.extend(changes);
    forecast.evidence.extend(more.map(|more| format!("{what}: {more}")));
    if let Some((why, hint)) = held_back(&found.object) {
        forecast.block(why, Some(hint));
    }
    permitted(forecast, facts, &patch_access(workload), &setting.namespace);
    forecast.contested(owner_warning(&what, &found.object));
    let mut after = wanted.clone();
    if !after["metadata"]["annotations"].is_object() {
        after["metadata"]["annotations"] = json!({});
    }
    after["metadata"]["annotations"][STEP_ANNOTATION] = json!("<this run>");
    found.object["spec"]["template"] = after;
    facts.foresee_workload(workload, found);
    false
}

fn configmap_patch(
    name: &str,
    keys: &Map<String, Value>,
    setting: &Setting,
    forecast: &Forecast,
) -> Vec<String> {
    let mut operations = Vec::new();
    if forecast.pinned.contains_key(&format!("configmap/{name} data")) {
        let data: Map<String, Value> =
            keys.iter().map(|(key, change)| (key.clone(), change["to"].clone())).collect();
        operations.push(json!({"op": "test", "path": "/data", "value": null}));
        operations.push(json!({"op": "add", "path": "/data", "value": data}));
    } else {
        for (key, change) in keys {
            let path = format!("/data/{}", key.replace('~', "~0").replace('/', "~1"));
            operations.push(json!({"op": "test", "path": path, "value": change["from"]}));
            operations.push(if change["to"].is_null() {
                json!({"op": "remove", "path": path})
            } else {
                json!({"op": "add", "path": path, "value": change["to"]})
            });
        }
    }
    let manager = format!("--field-manager={FIELD_MANAGER}");
    let patch = Value::Array(operations).to_string();
    let object = format!("configmap/{name}");
    kubectl(setting, &["patch", &object, "--type=json", &manager, "-p", &patch])
}

/// The argv that are run: first the ConfigMaps, so that the new pods read them.
pub fn commands(setting: &Setting, mark: &Mark, forecast: &Forecast) -> Vec<Vec<String>> {
    let configmaps = pinned_configmaps(forecast)
        .map(|(name, keys)| configmap_patch(name, keys, setting, forecast));
    let workloads = pinned_workloads(forecast)
        .map(|(workload, _, wanted)| template::replace(&workload, setting, mark, wanted, None));
    configmaps.chain(workloads).collect()
}

/// What a ConfigMap's keys are now: `true` where all are as wanted, else what differs from both. What
/// later steps have changed is theirs.
fn keys_now(
    cluster: &Cluster,
    name: &str,
    keys: &Map<String, Value>,
    later: &[Claim],
) -> Known<(bool, Vec<String>)> {
    let now = snapshot::values(&cluster.configmap(name)?);
    let value = |key: &String| json!(now.get(key));
    let mine = || keys.iter().filter(|(key, _)| !changed::changed_key(later, name, key));
    let there = mine().all(|(key, change)| value(key) == change["to"]);
    let drifted = mine()
        .filter(|(key, change)| value(key) != change["to"] && value(key) != change["from"])
        .map(|(key, _)| {
            let text = now.get(key).map_or("not there", String::as_str);
            format!("{key} of configmap/{name} is {text}")
        })
        .collect();
    Ok((there, drifted))
}

/// Why not all of the snapshot can be restored. A part of it is never passed off as the whole.
fn unrestorable(forecast: &Forecast) -> Option<String> {
    let certain = forecast.obstacles.iter().find(|obstacle| obstacle.certain);
    let unread = || forecast.pinned.keys().find_map(|key| key.strip_suffix(UNREAD));
    certain.map(|obstacle| obstacle.why.clone()).or_else(|| {
        unread().map(|what| format!("{what} could not be read, so nothing was restored"))
    })
}

/// Restores all of it; what somebody changed since the plan is refused, not overwritten.
pub fn perform(doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    let (cluster, setting) = (&doing.reader.cluster, &doing.setting);
    let forecast = &doing.forecast;
    let mut done = Vec::new();
    let refused = |why: String, done: &[String]| {
        let after = if done.is_empty() {
            "nothing was overwritten".to_owned()
        } else {
            format!("restored until then: {}", done.join(", "))
        };
        Done::badly(format!("{why}; {after}"), Vec::new())
    };
    if let Some(why) = unrestorable(forecast) {
        return Done::badly(why, Vec::new());
    }
    for (name, keys) in pinned_configmaps(forecast) {
        match keys_now(cluster, name, keys, &[]) {
            Ok((true, _)) => continue,
            Ok((false, drifted)) if !drifted.is_empty() => {
                return refused(format!("changed since the plan: {}", drifted.join(", ")), &done);
            }
            Ok(_) => {}
            Err(why) => return refused(why.sentence().to_owned(), &done),
        }
        let argv = configmap_patch(name, keys, setting, forecast);
        if let Some(bad) =
            ended_badly(&hands.run(permit, &[Invocation::new(argv, doing.timeout)])[0])
        {
            return Done { why: format!("configmap/{name}: {}", bad.why), ..bad };
        }
        done.push(format!("configmap/{name}"));
    }
    for (workload, before, wanted) in pinned_workloads(forecast) {
        match template::now(cluster, &workload, setting, &doing.mark, before, wanted) {
            Now::There => {}
            Now::Changed(why) | Now::Unread(why) => return refused(why, &done),
            Now::Patch(argv) => {
                let captured = hands.run(permit, &[Invocation::new(argv, doing.timeout)]);
                if let Some(bad) = ended_badly(&captured[0]) {
                    return Done { why: format!("{workload}: {}", bad.why), ..bad };
                }
            }
        }
        done.push(workload.to_string());
    }
    Done::well(if done.is_empty() {
        "everything is as in the snapshot".to_owned()
    } else {
        format!("restored {}", done.join(", "))
    })
}

/// Whether everything that had to change is as in the snapshot, and its workloads are rolled out.
pub fn look(doing: &Doing) -> Effect {
    let cluster = &doing.reader.cluster;
    if let Some(why) = unrestorable(&doing.forecast) {
        return Effect::Missing(why);
    }
    let later = &doing.later;
    let mut looks: Vec<(String, Effect)> = Vec::new();
    for (name, keys) in pinned_configmaps(&doing.forecast) {
        let what = format!("configmap/{name}");
        let effect = match keys_now(cluster, name, keys, later) {
            Ok((true, _)) => {
                Effect::Present(format!("{what} is as in the snapshot"), Outputs::new())
            }
            Ok((false, drifted)) if drifted.is_empty() => {
                Effect::Missing(format!("{what} is as before"))
            }
            Ok((false, drifted)) => Effect::Missing(drifted.join(", ")),
            Err(why) => Effect::unread(why),
        };
        looks.push((what, effect));
    }
    // What needed no change may have been changed since.
    for (name, same) in pinned_maps(&doing.forecast, " same") {
        let keys =
            same.iter().map(|(key, value)| (key.clone(), json!({"from": value, "to": value})));
        match keys_now(cluster, name, &keys.collect(), later) {
            Ok((true, _)) => {}
            Ok((false, drifted)) => {
                looks.push((format!("configmap/{name}"), Effect::Missing(drifted.join(", "))));
            }
            Err(why) => looks.push((format!("configmap/{name}"), Effect::unread(why))),
        }
    }
    let changed = pinned_workloads(&doing.forecast).map(|(workload, _, wanted)| (workload, wanted));
    for (workload, wanted) in changed.chain(kept_workloads(&doing.forecast)) {
        let effect = match cluster.workload_object(&workload) {
            Ok(object) => {
                let template = &object["spec"]["template"];
                if changed::left(later, &workload, wanted, template).is_empty() {
                    look_at(cluster, &workload, &Wanted::Current, done_without_pods)
                } else {
                    Effect::Missing(format!("{workload} has another template"))
                }
            }
            Err(why) => Effect::unread(why),
        };
        looks.push((workload.to_string(), effect));
    }
    if looks.is_empty() {
        let text = "everything is as in the snapshot".to_owned();
        return Effect::Present(text, Outputs::new());
    }
    together(&looks)
}

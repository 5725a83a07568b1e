//! `set_flags`: keys of a ConfigMap, changed only where they still are what the plan saw; or the
//! env of a workload's container (`env`). The values are proved here, the pods by a restart.

pub mod env;

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use crate::error::nearest;
use crate::event::Outcome;
use crate::facts::{Access, Facts, Read, Unread};
use crate::journal::Permit;
use crate::runbook::SetFlags;
use crate::step::claims;
use crate::step::workload::{complaint, known, owner_warning, permitted, template_writer};
use crate::step::{Doing, Done, Effect, FieldChange, Forecast, Mark, Outputs, Setting};
use crate::world::cluster::{Cluster, FIELD_MANAGER, kubectl, plain};
use crate::world::hands::Hands;
use crate::world::process::{Captured, Ending, Invocation};

/// What it needs to know.
pub fn reads(spec: &SetFlags, _setting: &Setting) -> Vec<Read> {
    match (&spec.configmap, &spec.workload) {
        (Some(name), _) => vec![Read::ConfigMap(name.clone()), Read::Access(patch_access(name))],
        (None, Some(workload)) => env::reads(workload),
        (None, None) => Vec::new(),
    }
}

fn patch_access(name: &str) -> Access {
    Access {
        verb: "patch".to_owned(),
        group: String::new(),
        resource: "configmaps".to_owned(),
        name: name.to_owned(),
    }
}

/// What it will find and change; its effect is added to the facts.
pub fn forecast(spec: &SetFlags, setting: &Setting, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    match (&spec.configmap, &spec.workload) {
        (Some(name), _) => configmap(name, spec, setting, facts, &mut forecast),
        (None, Some(workload)) => env::forecast(workload, spec, setting, facts, &mut forecast),
        (None, None) => forecast.block("set_flags names neither a configmap nor a workload", None),
    }
    forecast
}

fn configmap(
    name: &str,
    spec: &SetFlags,
    setting: &Setting,
    facts: &mut Facts,
    forecast: &mut Forecast,
) {
    let what = format!("configmap/{name}");
    let Some(object) = known(forecast, &what, facts.configmaps.get(name)).cloned() else { return };
    let data = object["data"].as_object().cloned().unwrap_or_default();
    if data.is_empty() && object["data"].is_null() {
        forecast.pinned.insert(data_key(name), Value::Null);
    }
    let mut after = data.clone();
    for (key, to) in &spec.flags {
        let from = data.get(key).and_then(Value::as_str);
        forecast.pinned.insert(format!("{what} {key}"), json!(from));
        if from == Some(to) {
            forecast.evidence.push(format!("{what}  {key}  is {}", shown(to)));
            facts.flags_present.entry(name.to_owned()).or_default().insert(key.clone());
            continue;
        }
        if from.is_none() && !may_create(key, &data, &object, spec.create, &what, forecast) {
            continue;
        }
        let from = from.map(str::to_owned);
        let change = FieldChange { object: what.clone(), field: key.clone(), from, to: to.clone() };
        facts.flags_to_change.entry(name.to_owned()).or_default().insert(key.clone());
        facts.flag_changes.push(change.clone());
        forecast.changes.push(change);
        after.insert(key.clone(), json!(to));
    }
    forecast.already_there = forecast.changes.is_empty() && forecast.obstacles.is_empty();
    if forecast.already_there {
        return;
    }
    if object["immutable"] == true {
        let hint = "point the workload at a new ConfigMap, or delete and create this one";
        forecast.block(format!("{what} is immutable"), Some(hint.to_owned()));
    }
    permitted(forecast, facts, &patch_access(name), &setting.namespace);
    forecast.contested(owner_warning(&what, &object));
    let mut object = object;
    object["data"] = Value::Object(after);
    facts.configmaps.insert(name.to_owned(), Ok(object));
}

/// A key that is not there is a misspelling, unless the runbook says that it may be created.
fn may_create(
    key: &str,
    data: &Map<String, Value>,
    object: &Value,
    create: bool,
    what: &str,
    forecast: &mut Forecast,
) -> bool {
    let valid = |c: char| c.is_ascii_alphanumeric() || "-_.".contains(c);
    if object["binaryData"][key].is_string() {
        forecast.block(format!("{key} of {what} is binary data, not a flag"), None);
    } else if create && !key.is_empty() && key.len() <= 253 && key.chars().all(valid) {
        return true;
    } else if create {
        let hint = "keys are letters, digits, `-`, `_` and `.`";
        forecast.block(format!("{key} cannot be a key of {what}"), Some(hint.to_owned()));
    } else {
        let hint = nearest(key, data.keys().map(String::as_str)).map_or_else(
            || "if it is new, say `create: true`".to_owned(),
            |near| format!("did you mean {near}? (a new key needs `create: true`)"),
        );
        forecast.block(format!("{what} has no key {key}"), Some(hint));
    }
    false
}

/// The pinned fact that a ConfigMap has no data at all.
fn data_key(name: &str) -> String {
    format!("configmap/{name} data")
}

/// The argv that are run: one patch, which the API server makes whole or not at all.
pub fn commands(
    spec: &SetFlags,
    setting: &Setting,
    mark: &Mark,
    forecast: &Forecast,
) -> Vec<Vec<String>> {
    if forecast.changes.is_empty() {
        return Vec::new();
    }
    let (object, operations) = match (&spec.configmap, &spec.workload) {
        (Some(name), _) => (format!("configmap/{name}"), operations(name, forecast)),
        (None, Some(workload)) => (workload.to_string(), env::operations(workload, mark, forecast)),
        (None, None) => return Vec::new(),
    };
    let manager = format!("--field-manager={FIELD_MANAGER}");
    let patch = Value::Array(operations).to_string();
    vec![kubectl(setting, &["patch", &object, "--type=json", &manager, "-p", &patch])]
}

/// Each change only where the value is what the plan saw; `null` means "is not there".
fn operations(name: &str, forecast: &Forecast) -> Vec<Value> {
    if forecast.pinned.contains_key(&data_key(name)) {
        let data: Map<String, Value> = forecast
            .changes
            .iter()
            .map(|change| (change.field.clone(), json!(change.to)))
            .collect();
        return vec![test("/data", &Value::Null), json!({"op":"add","path":"/data","value":data})];
    }
    forecast
        .changes
        .iter()
        .flat_map(|change| {
            let path = format!("/data/{}", pointer(&change.field));
            let op = if change.from.is_some() { "replace" } else { "add" };
            let set = json!({"op": op, "path": path, "value": change.to});
            [test(&path, &json!(change.from)), set]
        })
        .collect()
}

/// A condition of a JSON patch.
fn test(path: &str, value: &Value) -> Value {
    json!({"op": "test", "path": path, "value": value})
}

/// A key as a part of a JSON pointer.
fn pointer(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}

/// Runs the patch. What changed since the plan is refused, not overwritten.
pub fn perform(spec: &SetFlags, doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    let Doing { forecast, reader, .. } = doing;
    let invocations: Vec<Invocation> = commands(spec, &doing.setting, &doing.mark, forecast)
        .into_iter()
        .map(|argv| Invocation::new(argv, doing.timeout))
        .collect();
    if invocations.is_empty() {
        return match forecast.obstacles.first() {
            Some(obstacle) => {
                let why = format!("nothing was changed: {}", obstacle.why);
                Done::badly(why, obstacle.hint.clone().into_iter().collect())
            }
            None => Done::well("nothing to change"),
        };
    }
    for captured in hands.run(permit, &invocations) {
        let refused = refused_by_test(&captured);
        if let Some(done) = ended_badly(&captured) {
            return if refused {
                changed_since(spec, &reader.cluster, forecast, done)
            } else {
                done
            };
        }
    }
    Done::well(summary(&forecast.changes))
}

/// Whether a `test` of the patch did not hold: the API server's 422 without a cause.
fn refused_by_test(captured: &Captured) -> bool {
    let complaint = captured.complaint().join("\n").to_lowercase();
    complaint.contains("the request is invalid") || complaint.contains("test failed")
}

/// How a command that did not succeed ended; none where it did.
pub(crate) fn ended_badly(captured: &Captured) -> Option<Done> {
    let outcome = match captured.ending {
        Ending::Exit(0) => return None,
        Ending::TimedOut => Outcome::TimedOut,
        Ending::Interrupted => Outcome::Interrupted,
        Ending::Exit(_) | Ending::Signal(_) | Ending::NotStarted(_) => Outcome::Failed,
    };
    let why = match outcome {
        Outcome::Failed => complaint(captured),
        _ => captured.ending.phrase(),
    };
    Some(Done { outcome, why, detail: captured.complaint(), outputs: Outputs::new() })
}

/// Says what stands there now instead of what the plan saw.
fn changed_since(spec: &SetFlags, cluster: &Cluster, forecast: &Forecast, done: Done) -> Done {
    let values = match current(spec, cluster) {
        Ok(values) => values,
        Err(why) => {
            let text = format!("{}; what stands there now: {}", done.why, why.sentence());
            return Done { why: text, ..done };
        }
    };
    let now = |change: &FieldChange| values.get(&change.field).cloned().flatten();
    if forecast.changes.iter().all(|change| now(change).as_ref() == Some(&change.to)) {
        return Done::well(format!("{} (somebody else set it)", summary(&forecast.changes)));
    }
    let drifted: Vec<String> = forecast
        .changes
        .iter()
        .filter(|change| now(change) != change.from)
        .map(|change| {
            let now = now(change).unwrap_or_else(|| "not there".to_owned());
            format!("{} changed since the plan: now {now}", change.field)
        })
        .collect();
    let why = if drifted.is_empty() {
        format!("{}; nothing was overwritten", done.why)
    } else {
        format!("{}; nothing was overwritten", drifted.join(", "))
    };
    Done { why, ..done }
}

/// The values that stand there now, by flag.
fn current(spec: &SetFlags, cluster: &Cluster) -> Result<BTreeMap<String, Option<String>>, Unread> {
    match (&spec.configmap, &spec.workload) {
        (Some(name), _) => Ok(data(&cluster.configmap(name)?, spec)),
        (None, Some(workload)) => env::current(spec, &cluster.workload(workload)?.object),
        (None, None) => Ok(BTreeMap::new()),
    }
}

/// What a ConfigMap holds of the flags.
fn data(object: &Value, spec: &SetFlags) -> BTreeMap<String, Option<String>> {
    let value = |key: &String| object["data"][key].as_str().map(str::to_owned);
    spec.flags.keys().map(|key| (key.clone(), value(key))).collect()
}

/// Who else wrote a flag that is not as wanted.
fn last_writer(object: &Value, spec: &SetFlags) -> Option<String> {
    let mut wrong = spec.flags.iter().filter(|(key, to)| object["data"][*key] != to.as_str());
    let writer = wrong.find_map(|(key, _)| writer_of_key(object, key))?;
    (writer != FIELD_MANAGER).then(|| plain(writer))
}

/// Who wrote a key of a ConfigMap last, as the API server notes it.
pub(crate) fn writer_of_key<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    let field = format!("f:{key}");
    let entries = object["metadata"]["managedFields"].as_array()?.iter();
    let owners = entries.filter(|entry| entry["fieldsV1"]["f:data"][&field].is_object());
    owners.max_by_key(|entry| entry["time"].as_str().unwrap_or_default())?["manager"].as_str()
}

/// A value as a line of evidence has it.
fn shown(value: &str) -> &str {
    if value.is_empty() { "(empty)" } else { value }
}

fn summary(changes: &[FieldChange]) -> String {
    let set: Vec<String> =
        changes.iter().map(|change| format!("{}={}", change.field, change.to)).collect();
    match changes.first() {
        Some(first) => format!("{}: {}", first.object, set.join(", ")),
        None => "nothing to change".to_owned(),
    }
}

/// Whether the values are there; for a workload's env also whether its pods carry them.
pub fn look(spec: &SetFlags, doing: &Doing) -> Effect {
    let cluster = &doing.reader.cluster;
    let writer;
    let (what, facts, values) = match (&spec.configmap, &spec.workload) {
        (Some(name), _) => {
            let object = cluster.configmap(name);
            writer = object.as_ref().ok().and_then(|object| last_writer(object, spec));
            (format!("configmap/{name}"), None, object.map(|object| data(&object, spec)))
        }
        (None, Some(workload)) => {
            let facts = cluster.workload(workload);
            writer = facts.as_ref().ok().and_then(|facts| template_writer(&facts.object));
            let values = match &facts {
                Ok(facts) => env::current(spec, &facts.object),
                Err(why) => Err(why.clone()),
            };
            (workload.to_string(), facts.ok(), values)
        }
        (None, None) => return Effect::Unanswerable("nothing is named".to_owned()),
    };
    let values = match values {
        Ok(values) => values,
        Err(why) => return Effect::unread(why),
    };
    let there = |key: &String| values.get(key).and_then(Option::as_ref) == spec.flags.get(key);
    let theirs = |key: &String| match (&spec.configmap, &spec.workload) {
        (Some(name), _) => claims::changed_key(&doing.later, name, key),
        (None, Some(workload)) => env::field(workload, key, &doing.forecast)
            .is_some_and(|field| claims::changed(&doing.later, &what, &field)),
        (None, None) => false,
    };
    let wrong: Vec<String> = spec
        .flags
        .keys()
        .filter(|key| !there(key) && !theirs(key))
        .map(|key| match values.get(key).and_then(Option::as_ref) {
            Some(value) if value.is_empty() => format!("{key} is empty"),
            Some(value) => format!("{key} is {value}"),
            None => format!("{key} is not there"),
        })
        .collect();
    if wrong.is_empty() {
        let set: Vec<String> =
            spec.flags.iter().map(|(key, value)| format!("{key}={value}")).collect();
        return match facts {
            None => Effect::Present(format!("{what}: {}", set.join(", ")), Outputs::new()),
            Some(facts) => env::pods(cluster, &facts),
        };
    }
    let who = writer.map_or_else(String::new, |who| format!(" (last written by {who})"));
    let text = format!("{what}: {}{who}", wrong.join(", "));
    if doing.forecast.changes.iter().any(|change| there(&change.field)) {
        Effect::Partly(text)
    } else {
        Effect::Missing(text)
    }
}

//! `apply`: manifests as they are at a git ref. They are read from the remote, tried by the API
//! server (a dry-run of `kubectl apply` shows what it would make of each object), and applied from
//! the same bytes. Nothing of the operator's working tree is read.

mod ask;
mod manifests;

use serde_json::{Value, json};

use crate::facts::{Facts, Known, Read, Unread};
use crate::journal::Permit;
use crate::runbook::Apply;
use crate::step::claims::{self, Claim};
use crate::step::git::{awaited, is_moved, open_secret};
use crate::step::set_flags::ended_badly;
use crate::step::trial::Workloads;
use crate::step::workload::{
    done_without_pods, known, look_at, owner_warning, settled, template, together,
};
use crate::step::{Doing, Done, Effect, Forecast, Outputs, Setting};
use crate::world::cluster::kubectl;
use crate::world::cluster::rollout::Wanted;
use crate::world::forge::{FilesQuestion, GitRead, Question, shown};
use crate::world::hands::Hands;
use crate::world::process::Invocation;

pub use ask::ask;
use ask::tried_out;
pub(crate) use manifests::CREATED;
use manifests::scaling_warning;
pub use manifests::{Manifests, Object};

/// The pinned fact of which commit is applied.
const COMMIT: &str = "manifests commit";
/// The pinned fact of what each changed field was.
const FROM: &str = "manifests change";

fn read_of(spec: &Apply, setting: &Setting) -> Option<GitRead> {
    let repository = spec.repository.as_ref().or(setting.repository.as_ref())?.clone();
    let question =
        Question::Files(FilesQuestion { at: spec.at.clone(), paths: spec.paths.clone() });
    Some(GitRead { repository, question })
}

/// What it needs to know.
pub fn reads(spec: &Apply, setting: &Setting) -> Vec<Read> {
    let read = read_of(spec, setting).filter(|_| awaited([spec.at.as_str()]).is_none());
    read.map(Read::Manifests).into_iter().collect()
}

/// What it will find and change.
pub fn forecast(spec: &Apply, setting: &Setting, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    let Some(read) = read_of(spec, setting) else {
        let hint = "set `repository` in rollback.yaml, or on this step";
        forecast.block("no git repository is named", Some(hint.to_owned()));
        return forecast;
    };
    forecast.warnings.extend(open_secret(&read.repository));
    if let Some(why) = awaited([spec.at.as_str()]) {
        forecast.uncheckable(why, None);
        unsettle(&read, facts);
        return forecast;
    }
    if is_moved(facts, Some(&read.repository), &spec.at) {
        forecast.uncheckable(
            format!(
                "an earlier step changes {} first: what its manifests change is read then",
                spec.at
            ),
            None,
        );
        unsettle(&read, facts);
        return forecast;
    }
    let answer = facts.manifests.get(&read);
    let Some(found) = known(&mut forecast, "the manifests", answer).cloned() else {
        return forecast;
    };
    let files = found.files.join(", ");
    forecast.evidence.push(format!("{files} as at {}", found.commit.phrase()));
    forecast
        .evidence
        .push(format!("from {}, on kubectl's standard input", shown(&read.repository)));
    forecast.pinned.insert(COMMIT.to_owned(), json!(found.commit.sha));
    let changes = found.changes();
    let from: std::collections::BTreeMap<String, &Option<String>> = changes
        .iter()
        .map(|change| (format!("{} {}", change.object, change.field), &change.from))
        .collect();
    forecast.pinned.insert(FROM.to_owned(), json!(from));
    let settled = kept(&found, changes.is_empty(), facts, &mut forecast);
    if changes.is_empty() {
        forecast.already_there = settled;
        forecast.evidence.insert(0, "the cluster is as the manifests say".to_owned());
        return forecast;
    }
    let (shown, more) = template::shown(changes);
    forecast.changes = shown;
    forecast.evidence.extend(more);
    for object in &found.objects {
        if let Some(live) = &object.live {
            forecast.contested(owner_warning(&object.name, live));
            forecast.warnings.extend(scaling_warning(object, live));
        }
        foresee(object, facts);
    }
    forecast
}

/// Whether nothing is to be waited for of the workloads that keep their template. Where something else
/// changes, that may mend them.
fn kept(found: &Manifests, alone: bool, facts: &mut Facts, forecast: &mut Forecast) -> bool {
    let follows = facts.changes_follow;
    facts.changes_follow |= !alone;
    let mut all = true;
    for (workload, answer) in &found.kept {
        let what = workload.to_string();
        let Some(found) = known(forecast, &what, Some(answer)) else { continue };
        all &= settled(forecast, facts, workload, found, "its template");
    }
    facts.changes_follow = follows;
    all
}

/// What it changes, field by field.
pub(crate) fn claims(forecast: &Forecast) -> Vec<Claim> {
    let from = forecast.pinned.get(FROM).and_then(Value::as_object);
    let fields = from.into_iter().flat_map(serde_json::Map::keys);
    let parts = fields.filter_map(|name| name.split_once(' '));
    parts
        .map(|(object, field)| Claim::Field { object: object.to_owned(), field: field.to_owned() })
        .collect()
}

/// The workloads among the objects that get another template, as they will be.
pub(crate) fn workloads(spec: &Apply, setting: &Setting, facts: &Facts) -> Workloads {
    let read = read_of(spec, setting);
    let settled = read.filter(|read| !is_moved(facts, Some(&read.repository), &spec.at));
    let known = settled.and_then(|read| facts.manifests.get(&read));
    let Some(Ok(manifests)) = known else { return Workloads::new() };
    let changed = manifests.objects.iter().filter(|object| object.changes_template());
    changed.map(|object| (object.name.clone(), object.after.clone())).collect()
}

/// What ConfigMaps will hold after manifests that are only read later is not known: the next step
/// must not take them as they are now. Those that are named now are named then, as far as we know;
/// where none are known, it may be any.
fn unsettle(read: &GitRead, facts: &mut Facts) {
    let named: Option<Vec<String>> = match facts.manifests.get(read) {
        Some(Ok(manifests)) => Some(manifests.objects.iter().map(|it| it.name.clone()).collect()),
        _ => None,
    };
    let any = facts.configmaps.keys().map(|name| format!("configmap/{name}"));
    for name in named.unwrap_or_else(|| any.collect()) {
        if let Some(configmap) = name.strip_prefix("configmap/") {
            let why = format!("an earlier step may apply {name} first");
            facts.configmaps.insert(configmap.to_owned(), Err(Unread::Failed(why)));
        }
        facts.made.insert(name);
    }
}

/// The next step sees the objects as they will be.
fn foresee(object: &Object, facts: &mut Facts) {
    facts.made.insert(object.name.clone());
    if let Some(name) = object.name.strip_prefix("configmap/") {
        facts.configmaps.insert(name.to_owned(), Ok(object.after.clone()));
    }
    if object.live.is_some()
        && object.changes_template()
        && let Some(workload) = object.workload()
        && let Some(Ok(found)) = facts.workloads.get(&workload)
    {
        let mut after = found.clone();
        after.object["spec"] = object.after["spec"].clone();
        facts.foresee_workload(&workload, after);
    }
}

/// The argv that is run; it gets the manifests on its standard input.
pub fn commands(setting: &Setting, forecast: &Forecast) -> Vec<Vec<String>> {
    if forecast.changes.is_empty() {
        return Vec::new();
    }
    vec![kubectl(setting, &["apply", "-f", "-"])]
}

/// The manifests at the commit that the plan pinned.
fn again(spec: &Apply, doing: &Doing) -> Known<Manifests> {
    let pinned = doing.forecast.pinned.get(COMMIT).and_then(Value::as_str);
    let at = pinned.unwrap_or(&spec.at).to_owned();
    let spec = Apply { at, ..spec.clone() };
    match read_of(&spec, &doing.setting) {
        Some(read) => tried_out(&doing.reader, &read),
        None => Err(Unread::Failed("no git repository is named".to_owned())),
    }
}

/// Applies the bytes that the plan showed, unless somebody changed a field of them meanwhile.
pub fn perform(spec: &Apply, doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    let manifests = match again(spec, doing) {
        Ok(manifests) => manifests,
        Err(why) => return Done::badly(why.sentence().to_owned(), Vec::new()),
    };
    let planned = doing.forecast.pinned.get(FROM).cloned().unwrap_or_default();
    let drifted: Vec<String> = manifests
        .changes()
        .iter()
        .filter(|change| {
            planned.get(format!("{} {}", change.object, change.field)) != Some(&json!(change.from))
        })
        .map(|change| {
            let now = change.from.as_deref().unwrap_or("not there");
            format!("{} {} is {now}", change.object, change.field)
        })
        .collect();
    if manifests.changes().is_empty() {
        return Done::well("the cluster is as the manifests say");
    }
    if !drifted.is_empty() {
        let shown: Vec<String> = drifted.into_iter().take(3).collect();
        let why = format!("changed since the plan: {}; nothing was overwritten", shown.join(", "));
        return Done::badly(why, Vec::new());
    }
    if manifests.changes().is_empty() {
        return Done::well("the cluster is as the manifests say");
    }
    let argv = kubectl(&doing.setting, &["apply", "-f", "-"]);
    let mut invocation = Invocation::new(argv, doing.timeout);
    invocation.stdin = manifests.text.into_bytes();
    let captured = hands.run(permit, &[invocation]).remove(0);
    match ended_badly(&captured) {
        Some(done) => done,
        None => Done::well(format!("applied {}", manifests.files.join(", "))),
    }
}

/// Whether the cluster is as the manifests say, and their workloads are rolled out.
pub fn look(spec: &Apply, doing: &Doing) -> Effect {
    let manifests = match again(spec, doing) {
        Ok(manifests) => manifests,
        Err(why) => return Effect::unread(why),
    };
    let mut left = manifests.changes();
    left.retain(|change| !claims::changed(&doing.later, &change.object, &change.field));
    if !left.is_empty() {
        let fields: Vec<String> = left
            .iter()
            .take(3)
            .map(|change| {
                let now = change.from.as_deref().unwrap_or("not there");
                format!("{} {} is {now}", change.object, change.field)
            })
            .collect();
        let text = fields.join(", ");
        let planned = doing.forecast.pinned.get(FROM).and_then(Value::as_object);
        return if planned.is_some_and(|planned| left.len() < planned.len()) {
            Effect::Partly(text)
        } else {
            Effect::Missing(text)
        };
    }
    let cluster = &doing.reader.cluster;
    let looks: Vec<(String, Effect)> = manifests
        .workloads()
        .iter()
        .map(|workload| {
            let effect = look_at(cluster, workload, &Wanted::Current, done_without_pods);
            (workload.to_string(), effect)
        })
        .collect();
    if looks.is_empty() {
        let names: Vec<&str> = manifests.objects.iter().map(|it| it.name.as_str()).collect();
        let are = if names.len() == 1 { "is" } else { "are" };
        let text = format!("{} {are} as the manifests say", names.join(", "));
        return Effect::Present(text, Outputs::new());
    }
    together(&looks)
}

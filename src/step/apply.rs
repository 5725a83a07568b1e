//! `apply`: manifests as they are at a git ref. They are read from the remote, tried by the API
//! server (a dry-run of `kubectl apply` shows what it would make of each object), and applied from
//! the same bytes. Nothing of the operator's working tree is read.

mod ask;

use serde_json::{Value, json};

pub use ask::ask;

use crate::facts::{Facts, Known, Read, Unread};
use crate::journal::Permit;
use crate::runbook::{Apply, Workload};
use crate::step::git::{awaited, is_moved};
use crate::step::set_flags::ended_badly;
use crate::step::trial::Workloads;
use crate::step::workload::{done_without_pods, known, look_at, owner_warning, template, together};
use crate::step::{Doing, Done, Effect, FieldChange, Forecast, NOT_THERE, Outputs, Setting};
use crate::world::cluster::kubectl;
use crate::world::cluster::rollout::Wanted;
use crate::world::forge::{Commit, FilesQuestion, GitRead, Question, shown};
use crate::world::hands::Hands;
use crate::world::process::Invocation;

/// The pinned fact of which commit is applied.
const COMMIT: &str = "manifests commit";
/// The pinned fact of what each changed field was.
const FROM: &str = "manifests change";

/// Manifests, and what they would make of the cluster.
#[derive(Debug, Clone)]
pub struct Manifests {
    /// The commit that they are of.
    pub commit: Commit,
    /// Their paths.
    pub files: Vec<String>,
    /// All of them as one stream, as kubectl gets it.
    pub text: String,
    /// The objects that they name.
    pub objects: Vec<Object>,
}

/// One object of the manifests.
#[derive(Debug, Clone)]
pub struct Object {
    /// `deployment/web`.
    pub name: String,
    /// As it is; none where it does not exist.
    pub live: Option<Value>,
    /// As it would be.
    pub after: Value,
}

impl Manifests {
    /// Every field that would change.
    fn changes(&self) -> Vec<FieldChange> {
        let mut changes = Vec::new();
        for object in &self.objects {
            match &object.live {
                Some(live) => {
                    let found = template::object_differences(&object.name, live, &object.after);
                    let secret = object.name.starts_with("secret/");
                    let scaled = is_autoscaled(live);
                    let found = found.into_iter().filter(|it| !(scaled && it.field == "replicas"));
                    changes
                        .extend(found.into_iter().map(|it| if secret { hidden(it) } else { it }));
                }
                None => changes.push(FieldChange {
                    object: object.name.clone(),
                    field: "object".to_owned(),
                    from: None,
                    to: "created".to_owned(),
                }),
            }
        }
        changes
    }

    /// The workloads among the objects.
    fn workloads(&self) -> Vec<Workload> {
        let names = self.objects.iter().map(|object| object.name.clone());
        names.filter_map(|name| Workload::try_from(name).ok()).collect()
    }
}

/// Whether an autoscaler decides how many pods there are. What a manifest says of it holds for a
/// moment only, and is no sign of whether the manifest was applied.
fn is_autoscaled(object: &Value) -> bool {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    entries.into_iter().any(|entry| {
        entry["manager"] == "kube-controller-manager"
            && entry["fieldsV1"]["f:spec"]["f:replicas"].is_object()
    })
}

/// A warning where the manifest's number of pods is not the autoscaler's.
fn scaling_warning(object: &Object, live: &Value) -> Option<String> {
    let (now, after) = (&live["spec"]["replicas"], &object.after["spec"]["replicas"]);
    (is_autoscaled(live) && now != after).then(|| {
        format!(
            "{} is autoscaled to {now}: the manifest's replicas {after} hold until the autoscaler \
             puts that back; leave them out of the manifest",
            object.name
        )
    })
}

/// A change of a Secret as it may be shown and journaled: that the value is another, not which.
fn hidden(change: FieldChange) -> FieldChange {
    let is_value = change.field.starts_with("data") || change.field.starts_with("stringData");
    if !is_value {
        return change;
    }
    let mark = |text: &str| format!("(hidden, {})", &crate::hex::of(text.as_bytes())[..6]);
    let to = if change.to == NOT_THERE { change.to } else { mark(&change.to) };
    FieldChange { from: change.from.as_deref().map(mark), to, ..change }
}

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
    forecast.already_there = changes.is_empty();
    if changes.is_empty() {
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

/// The workloads among the objects that get another template, as they will be.
pub(crate) fn workloads(spec: &Apply, setting: &Setting, facts: &Facts) -> Workloads {
    let read = read_of(spec, setting);
    let settled = read.filter(|read| !is_moved(facts, Some(&read.repository), &spec.at));
    let known = settled.and_then(|read| facts.manifests.get(&read));
    let Some(Ok(manifests)) = known else { return Workloads::new() };
    let template = |object: &Value| template::digest(&object["spec"]["template"]);
    let changed = manifests.objects.iter().filter(|object| {
        Workload::try_from(object.name.clone()).is_ok()
            && object.live.as_ref().is_none_or(|live| template(live) != template(&object.after))
    });
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
    let Some(live) = &object.live else { return };
    if let Ok(workload) = Workload::try_from(object.name.clone())
        && let Some(Ok(found)) = facts.workloads.get_mut(&workload)
        && template::digest(&live["spec"]["template"])
            != template::digest(&object.after["spec"]["template"])
    {
        found.object["spec"] = object.after["spec"].clone();
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
        Some(read) => ask(&doing.reader, &read),
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
        Err(Unread::Missing(why, _)) => return Effect::Broken(why, Vec::new()),
        Err(why) => return Effect::Unanswerable(why.sentence().to_owned()),
    };
    let left = manifests.changes();
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
        let text = format!("{} are as the manifests say", names.join(", "));
        return Effect::Present(text, Outputs::new());
    }
    together(&looks)
}

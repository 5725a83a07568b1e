//! Steps on workloads, and what they share: the sentences for what could not be read, who owns an
//! object, and several looks as one effect.

pub mod flags;
pub(crate) mod needs;
pub mod restart;
pub mod rollout_undo;
pub mod template;
pub mod wait_rollout;

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use serde_json::Value;
use sha2::{Digest as _, Sha256};

use crate::facts::{Access, Facts, Known, Unread, WorkloadFacts};
use crate::runbook::Workload;
use crate::step::{Effect, Forecast, Outputs};
use crate::world::cluster::rollout::{self, Rollout, Wanted, judge};
use crate::world::cluster::{Cluster, FIELD_MANAGER, plain};
use crate::world::process::Captured;

/// How many log lines of a crashed container are shown.
const LOG_LINES: usize = 10;

/// What the survey read, or nothing with the obstacle noted.
pub(crate) fn known<'a, T>(
    forecast: &mut Forecast,
    what: &str,
    known: Option<&'a Known<T>>,
) -> Option<&'a T> {
    match known {
        Some(Ok(found)) => return Some(found),
        Some(Err(Unread::Missing(why, hint))) => forecast.block(why.clone(), hint.clone()),
        Some(Err(why)) => forecast.uncheckable(why.sentence(), None),
        None => forecast.uncheckable(format!("{what} was not read"), None),
    }
    None
}

/// Notes an obstacle where a change is not permitted.
pub(crate) fn permitted(forecast: &mut Forecast, facts: &Facts, access: &Access, namespace: &str) {
    let Access { verb, resource, name, .. } = access;
    match facts.access.get(access) {
        Some(Ok(true)) => {}
        Some(Ok(false)) => {
            let who = match &facts.identity {
                Some(Ok(identity)) if !identity.user.is_empty() => format!(" as {}", identity.user),
                _ => String::new(),
            };
            forecast.block(
                format!("no permission to {verb} {resource}{who}"),
                Some(format!("needs: {verb} {resource}/{name} in {namespace}")),
            );
        }
        Some(Err(why)) => {
            let why = format!("whether we may {verb} {resource} is not known: {}", why.sentence());
            forecast.uncheckable(why, None);
        }
        None => {
            forecast.uncheckable(format!("whether we may {verb} {resource} was not asked"), None);
        }
    }
}

/// The permission that changing a workload needs.
pub(crate) fn patch_access(workload: &Workload) -> Access {
    Access {
        verb: "patch".to_owned(),
        group: "apps".to_owned(),
        resource: workload.kind.plural().to_owned(),
        name: workload.name.clone(),
    }
}

/// The permission by which a rollout is followed as it happens.
pub(crate) fn watch_access() -> Access {
    Access {
        verb: "watch".to_owned(),
        group: String::new(),
        resource: "pods".to_owned(),
        name: String::new(),
    }
}

/// A warning where something else keeps an object as it wants it, and would put it back.
pub(crate) fn owner_warning(name: &str, object: &Value) -> Option<(String, String)> {
    let metadata = &object["metadata"];
    let text = |part: &str, key: &str| metadata[part][key].as_str();
    let manager = |wanted: &str| {
        let managers = metadata["managedFields"].as_array().into_iter().flatten();
        managers.filter_map(|entry| entry["manager"].as_str()).any(|name| name.starts_with(wanted))
    };
    let argo = text("annotations", "argocd.argoproj.io/tracking-id")
        .and_then(|id| id.split(':').next())
        .or(text("labels", "argocd.argoproj.io/instance"));
    let flux = text("labels", "kustomize.toolkit.fluxcd.io/name")
        .or(text("labels", "helm.toolkit.fluxcd.io/name"));
    let helm = text("annotations", "meta.helm.sh/release-name");
    let (who, advice) = if let Some(app) = argo {
        (format!("Argo CD (application {app})"), "pause its sync, or change git as well")
    } else if manager("argocd-") {
        ("Argo CD".to_owned(), "pause its sync, or change git as well")
    } else if let Some(name) = flux {
        (format!("Flux ({name})"), "suspend it (flux suspend), or change git as well")
    } else if manager("kustomize-controller") || manager("helm-controller") {
        ("Flux".to_owned(), "suspend it (flux suspend), or change git as well")
    } else if let Some(release) = helm {
        (format!("Helm (release {release})"), "the next upgrade does it; change the chart's values")
    } else if text("labels", "app.kubernetes.io/managed-by") == Some("Helm") || manager("helm") {
        ("Helm".to_owned(), "the next upgrade does it; change the chart's values")
    } else if let Some(owner) = controlled_by(metadata) {
        (owner, "its controller decides what is in it; change that object instead")
    } else if text("annotations", "configmanagement.gke.io/managed") == Some("enabled") {
        ("Config Sync".to_owned(), "change git as well")
    } else if text("labels", "kapp.k14s.io/app").is_some() {
        ("kapp".to_owned(), "the next deploy does it; change its manifests")
    } else {
        return None;
    };
    let warning = format!("{who} owns {name} and may put it back: {advice}");
    Some((who, warning))
}

/// The custom resource (or other object) whose controller made this one and keeps it.
fn controlled_by(metadata: &Value) -> Option<String> {
    let owners = metadata["ownerReferences"].as_array()?;
    let owner = owners.iter().find(|owner| owner["controller"] == true)?;
    let part = |key: &str| plain(owner[key].as_str().unwrap_or_default());
    Some(format!("{}/{}", part("kind"), part("name")))
}

/// Who wrote a workload's template last, where that was not us.
pub(crate) fn template_writer(object: &Value) -> Option<String> {
    let entries = object["metadata"]["managedFields"].as_array()?.iter();
    let of_template = entries.filter(|entry| entry["fieldsV1"]["f:spec"]["f:template"].is_object());
    let last = of_template.max_by_key(|entry| entry["time"].as_str().unwrap_or_default())?;
    let manager = last["manager"].as_str().filter(|manager| *manager != FIELD_MANAGER)?;
    Some(plain(manager))
}

/// The template's digest without what a restart changes: equal for equal code and settings.
pub(crate) fn template_digest(object: &Value) -> String {
    let mut template = object["spec"]["template"].clone();
    if let Some(annotations) = template["metadata"]["annotations"].as_object_mut() {
        annotations
            .retain(|key, _| key != rollout::RESTARTED_AT && !key.starts_with("rollback.dev/"));
    }
    let mut text = String::new();
    canonical(&template, &mut text);
    let digest = Sha256::digest(text.as_bytes());
    digest.iter().take(8).fold("sha256:".to_owned(), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// JSON with sorted keys and without empty objects and nulls.
fn canonical(value: &Value, text: &mut String) {
    match value {
        Value::Object(map) => {
            let mut entries: Vec<_> = map
                .iter()
                .filter(|(_, value)| {
                    !(value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty))
                })
                .collect();
            entries.sort_by_key(|(key, _)| key.as_str());
            text.push('{');
            for (key, value) in entries {
                text.push_str(&Value::from(key.as_str()).to_string());
                text.push(':');
                canonical(value, text);
                text.push(',');
            }
            text.push('}');
        }
        Value::Array(items) => {
            text.push('[');
            for item in items {
                canonical(item, text);
                text.push(',');
            }
            text.push(']');
        }
        other => text.push_str(&other.to_string()),
    }
}

/// A workload's rollout as the world shows it now, with the log of what crashed. `empty` says what
/// it means that no pods are wanted.
pub(crate) fn look_at(
    cluster: &Cluster,
    workload: &Workload,
    wanted: &Wanted,
    empty: impl FnOnce(&str) -> Effect,
) -> Effect {
    match cluster.workload(workload) {
        Ok(facts) => effect_of(cluster, &facts, wanted, empty),
        Err(why) => Effect::unread(why),
    }
}

/// What was read, as an effect.
pub(crate) fn effect_of(
    cluster: &Cluster,
    facts: &WorkloadFacts,
    wanted: &Wanted,
    empty: impl FnOnce(&str) -> Effect,
) -> Effect {
    match judge(facts, wanted, SystemTime::now()) {
        Rollout::NotStarted(why) => Effect::Missing(match template_writer(&facts.object) {
            Some(who) => format!("{why} (last written by {who})"),
            None => why,
        }),
        Rollout::Underway(text) => waiting(cluster, facts, refused_pods(cluster, facts, text)),
        Rollout::Complete(text) => Effect::Present(text, Outputs::new()),
        Rollout::Empty(text) => empty(&text),
        Rollout::Broken(broken) => {
            let mut detail = broken.culprit.map_or_else(Vec::new, |culprit| {
                cluster.log_tail(&culprit.pod, &culprit.container, LOG_LINES)
            });
            detail.push(broken.serving);
            Effect::Broken(broken.why, detail)
        }
    }
}

/// Whether a workload that has what is wanted (`has`) already needs nothing more, as its pods say.
/// What is under way will be waited for; what is broken blocks the last step that could mend it.
pub(crate) fn settled(
    forecast: &mut Forecast,
    facts: &Facts,
    workload: &Workload,
    found: &WorkloadFacts,
    has: &str,
) -> bool {
    // The step that changes it looks after its pods.
    if facts.before.contains_key(workload) {
        return true;
    }
    match judge(found, &Wanted::Current, SystemTime::now()) {
        Rollout::Complete(_) | Rollout::Empty(_) => true,
        Rollout::Underway(text) | Rollout::NotStarted(text) => {
            let text = format!("{workload} has {has}; its rollout is not over: {text}");
            forecast.warnings.push(text);
            false
        }
        Rollout::Broken(broken) if facts.changes_follow => {
            let why = broken.why;
            let text = format!("{workload} has {has}, but {why}: a later step has to mend that");
            forecast.warnings.push(text);
            true
        }
        Rollout::Broken(broken) => {
            let text = format!("{workload} has {has}, but {}", broken.why);
            forecast.block(text, Some(broken.serving));
            false
        }
    }
}

/// How recent an event must be to count as happening now.
const RECENT: Duration = Duration::from_secs(60);

/// StatefulSets and DaemonSets say only in events that their pods are refused.
fn refused_pods(cluster: &Cluster, facts: &WorkloadFacts, text: String) -> Effect {
    let object = &facts.object;
    let living = facts.pods.len() as u64;
    if object["kind"] == "Deployment" || living >= rollout::desired(object) {
        return Effect::Underway(text);
    }
    let events = cluster.events_for(object).unwrap_or_default();
    let refusal = events.iter().rev().find(|event| event.reason == "FailedCreate");
    let Some(refusal) = refusal.filter(|event| event.age() < RECENT) else {
        return Effect::Underway(text);
    };
    let words = refusal.message.split_once("failed error: ").map_or("", |(_, words)| words);
    let words = if words.is_empty() { refusal.message.as_str() } else { words };
    let ending = facts.pods.iter().any(|pod| pod["metadata"]["deletionTimestamp"].is_string());
    if (words.contains("forbidden") || words.contains("exceeded quota")) && !ending {
        let serving = format!("{living} of {} pods are there", rollout::desired(object));
        return Effect::Broken(format!("no new pods can be made: {words}"), vec![serving]);
    }
    Effect::Underway(format!("{text} · no new pods: {words}"))
}

/// From this age on, a pod that is not ready is asked about.
const SLOW: Duration = Duration::from_secs(3);

/// How much of an event is shown.
const EVENT: usize = 120;

/// What a pod waits for is often said only in its events: a volume that cannot be mounted, a probe
/// that fails.
fn waiting(cluster: &Cluster, facts: &WorkloadFacts, effect: Effect) -> Effect {
    let Effect::Underway(text) = effect else { return effect };
    let Some(pod) = rollout::slowest(facts, SystemTime::now(), SLOW) else {
        return Effect::Underway(text);
    };
    let events = cluster.events_for(pod).unwrap_or_default();
    let Some(event) = events.last().filter(|event| event.age() < RECENT) else {
        return Effect::Underway(text);
    };
    let pod = pod["metadata"]["name"].as_str().unwrap_or_default();
    let words = crate::world::web::brief(&event.message, EVENT);
    Effect::Underway(format!("{text} · {pod} {}: {words}", event.reason))
}

/// No pods are wanted: a change of the template is all that can be done, and it is done.
pub(crate) fn done_without_pods(text: &str) -> Effect {
    Effect::Present(format!("{text}; its next pods will be of the new template"), Outputs::new())
}

/// Several looks as one: what is broken comes first, then what nobody can tell, then what is on
/// its way; it is there only when all of it is.
pub(crate) fn together(looks: &[(String, Effect)]) -> Effect {
    let several = looks.len() > 1;
    let named = |name: &str, text: &str| {
        if several && !text.contains(name) { format!("{name}: {text}") } else { text.to_owned() }
    };
    let mut texts = Vec::new();
    let (mut missing, mut underway, mut partly) = (0, 0, 0);
    let (mut unanswerable, mut forbidden) = (None, None);
    for (name, effect) in looks {
        match effect {
            Effect::Broken(why, detail) => {
                return Effect::Broken(named(name, why), detail.clone());
            }
            Effect::Unanswerable(why) => unanswerable = Some(named(name, why)),
            Effect::Forbidden(why) => forbidden = Some(named(name, why)),
            Effect::Missing(_) => missing += 1,
            Effect::Partly(_) => partly += 1,
            Effect::Underway(_) => underway += 1,
            Effect::Present(..) | Effect::Awaiting(..) => {}
        }
        texts.push(named(name, effect.sentence()));
    }
    let text = texts.join("; ");
    if let Some(why) = forbidden {
        Effect::Forbidden(why)
    } else if let Some(why) = unanswerable {
        Effect::Unanswerable(why)
    } else if missing == looks.len() {
        Effect::Missing(text)
    } else if missing + partly > 0 {
        Effect::Partly(text)
    } else if underway > 0 {
        Effect::Underway(text)
    } else {
        Effect::Present(text, Outputs::new())
    }
}

/// What kubectl complained about, as one sentence: its last line without the prefixes.
pub(crate) fn complaint(captured: &Captured) -> String {
    let lines = captured.complaint();
    let line = lines.iter().rev().find(|line| !line.trim().is_empty());
    match line {
        Some(line) => line.trim().trim_start_matches("error: ").to_owned(),
        None => captured.ending.phrase(),
    }
}

#[cfg(test)]
mod tests;

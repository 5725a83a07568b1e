//! PURE: what "rolled out" means. The controller has seen the change, every wanted pod is of the
//! current template, ready and available, and no pod of an older template is left, not even one
//! that is still terminating. Everything else is underway, broken or empty, never done.

mod count;
mod pods;

use std::fmt::Write as _;
use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::{owner_uid, plain};
use crate::facts::WorkloadFacts;
use count::{Count, pods_word};

pub use count::max_unavailable;

/// The pod annotation that names the run and step that made a pod: `<run id>/<step id>`.
pub const STEP_ANNOTATION: &str = "rollback.dev/step";
/// The pod annotation that names what ConfigMaps looked like: `name=resourceVersion,…`.
pub const CONFIGMAPS_ANNOTATION: &str = "rollback.dev/configmaps";
/// The annotation that `kubectl rollout restart` sets.
pub const RESTARTED_AT: &str = "kubectl.kubernetes.io/restartedAt";

/// Which template the pods must be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Wanted {
    /// The workload's current one, whoever made it.
    Current,
    /// The current one, which must carry this text as [`STEP_ANNOTATION`].
    Mark(String),
}

/// How far a rollout is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rollout {
    /// The template does not carry the mark. The sentence says what it carries.
    NotStarted(String),
    /// On its way; such as `ready 2/3 · 1 old pod left`.
    Underway(String),
    /// All wanted pods, and only they.
    Complete(String),
    /// No pods are wanted and none are there: nothing rolled out, and nothing runs.
    Empty(String),
    /// It will not complete by itself.
    Broken(Broken),
}

/// Why a rollout will not complete.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Broken {
    /// One sentence.
    pub why: String,
    /// The container whose log may tell more.
    pub culprit: Option<Culprit>,
    /// What still serves.
    pub serving: String,
}

/// A container of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Culprit {
    /// The pod.
    pub pod: String,
    /// The container.
    pub container: String,
}

/// `deployment/web`, from the object itself.
pub fn name_of(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or("workload").to_lowercase();
    format!("{kind}/{}", object["metadata"]["name"].as_str().unwrap_or_default())
}

/// How many pods the workload wants.
pub fn desired(object: &Value) -> u64 {
    if object["kind"] == "DaemonSet" {
        object["status"]["desiredNumberScheduled"].as_u64().unwrap_or(0)
    } else {
        object["spec"]["replicas"].as_u64().unwrap_or(1)
    }
}

/// Why a workload wants no pods.
pub fn without_pods(object: &Value) -> String {
    let name = name_of(object);
    if object["kind"] == "DaemonSet" {
        format!("no node is fit for {name}")
    } else {
        format!("{name} is scaled to zero")
    }
}

/// An annotation of the workload's pod template.
pub fn template_annotation<'a>(object: &'a Value, name: &str) -> Option<&'a str> {
    object["spec"]["template"]["metadata"]["annotations"][name].as_str()
}

/// What keeps the controller from replacing pods, whatever the template says, with what to do.
pub fn held_back(object: &Value) -> Option<(String, String)> {
    let name = name_of(object);
    if object["spec"]["paused"] == true {
        return Some((
            format!("{name} is paused: its pods stay as they are"),
            format!("kubectl rollout resume {name}"),
        ));
    }
    let strategy = &object["spec"]["updateStrategy"];
    if strategy["type"] == "OnDelete" {
        return Some((
            format!(
                "{name} replaces pods only when somebody deletes them (updateStrategy OnDelete)"
            ),
            "delete its pods one by one, or set updateStrategy to RollingUpdate".to_owned(),
        ));
    }
    match strategy["rollingUpdate"]["partition"].as_u64() {
        Some(partition) if partition > 0 && desired(object) > 0 => Some((
            format!(
                "{name} has partition {partition}: pods below {partition} keep the old template"
            ),
            format!("set the partition of {name} to 0"),
        )),
        _ => None,
    }
}

/// What a change of the template will meet in the pods as they are, as a warning: a broken pod for
/// which an ordered StatefulSet waits for ever; or, where nothing but the restart mark changes, pods
/// that cannot start whatever they carry.
pub fn forewarned(facts: &WorkloadFacts, now: SystemTime, stays: bool) -> Option<String> {
    let object = &facts.object;
    let name = name_of(object);
    let broken = facts.pods.iter().filter(|pod| pods::lives(pod)).find_map(|pod| {
        let ending = pod["metadata"]["deletionTimestamp"].is_string();
        match pods::health(pod, now) {
            pods::Health::Broken(why, culprit) if !ending => Some((why, culprit)),
            _ => None,
        }
    });
    let (why, Culprit { pod, .. }) = broken?;
    let why = why.trim_start_matches("the new pods ");
    if count::is_ordered(object) {
        return Some(format!(
            "{name} replaces pods in order and waits for {pod} ({why}) for ever: once the step has \
             begun, kubectl delete pod {pod}"
        ));
    }
    (stays && why.starts_with("cannot"))
        .then(|| format!("{name}'s pods {why}: new ones may do the same"))
}

/// Whether the workload's pods are all of the wanted template, and only they. `now` tells a
/// container that runs again since a moment ago from one that has settled.
pub fn judge(facts: &WorkloadFacts, wanted: &Wanted, now: SystemTime) -> Rollout {
    let object = &facts.object;
    let name = name_of(object);
    if let Wanted::Mark(mark) = wanted {
        match template_annotation(object, STEP_ANNOTATION) {
            Some(found) if found == mark => {}
            Some(found) => {
                let found = plain(found);
                return Rollout::NotStarted(format!(
                    "{name} carries the mark of {found}, not ours"
                ));
            }
            None => return Rollout::NotStarted(format!("{name} does not carry this step's mark")),
        }
    }
    let count = Count::of(facts, now);
    let broken =
        |why: String, culprit| Rollout::Broken(Broken { why, culprit, serving: count.serving() });
    if count.desired == 0 {
        return match count.new + count.old + count.draining {
            0 => Rollout::Empty(format!("{}: no pod runs", without_pods(object))),
            left => Rollout::Underway(format!("scaling to zero · {} left", pods_word(left))),
        };
    }
    let held = held_back(object).filter(|_| count.old > 0 || object["spec"]["paused"] == true);
    if let Some((why, hint)) = held {
        return broken(format!("{why}; {hint}"), None);
    }
    if !observed(object) {
        return Rollout::Underway("the controller has not seen the change yet".to_owned());
    }
    if let Some((why, culprit)) = count.trouble.clone() {
        return broken(why, Some(culprit));
    }
    let refused = refused_pods(facts);
    if let Some(message) =
        refused.as_ref().filter(|message| count.refusal_is_final(object, message))
    {
        return broken(format!("no new pods can be made: {message}"), None);
    }
    if let Some((why, culprit)) = count.waits_for(object) {
        return broken(why, Some(culprit));
    }
    if count.complete(object) {
        return Rollout::Complete(count.evidence(&name));
    }
    if let Some(message) = deadline_exceeded(facts) {
        let notes = count.notes.first().map_or_else(String::new, |note| format!("; {note}"));
        return broken(format!("{name} makes no progress: {message}{notes}"), None);
    }
    let mut text = count.progress();
    if let Some(message) = refused {
        let _ = write!(text, " · no new pods: {message}");
    }
    Rollout::Underway(text)
}

/// The oldest of the new pods that is not ready though it has had some time, where nothing in its
/// own status says why.
pub fn slowest(facts: &WorkloadFacts, now: SystemTime, time: Duration) -> Option<&Value> {
    let made = |pod: &Value| pod["metadata"]["creationTimestamp"].as_str().map(str::to_owned);
    facts
        .pods
        .iter()
        .filter(|pod| pods::lives(pod) && !pod["metadata"]["deletionTimestamp"].is_string())
        .filter(|pod| is_new(facts, pod) && pods::health(pod, now) == pods::Health::Starting)
        .filter(|pod| {
            let made = made(pod).and_then(|made| humantime::parse_rfc3339(&made).ok());
            made.and_then(|made| now.duration_since(made).ok()).is_some_and(|age| age >= time)
        })
        .min_by_key(|pod| made(pod))
}

fn observed(object: &Value) -> bool {
    let generation = object["metadata"]["generation"].as_u64().unwrap_or(0);
    object["status"]["observedGeneration"].as_u64().unwrap_or(0) >= generation
}

/// Whether a pod is of the workload's current template.
fn is_new(facts: &WorkloadFacts, pod: &Value) -> bool {
    let object = &facts.object;
    let label = |name: &str| pod["metadata"]["labels"][name].as_str();
    match object["kind"].as_str() {
        Some("Deployment") => current_replica_set(facts)
            .is_some_and(|set| owner_uid(pod) == set["metadata"]["uid"].as_str()),
        Some("StatefulSet") => {
            let revision = object["status"]["updateRevision"].as_str();
            revision.is_some()
                && label("controller-revision-hash") == revision
                && carries(object, pod)
        }
        _ => {
            let annotations = &object["metadata"]["annotations"];
            let generation = annotations["deprecated.daemonset.template.generation"].as_str();
            // The controller keeps pods of the same content, whatever generation they were made of.
            let same = match (&facts.revision, label("controller-revision-hash")) {
                (Some(wanted), Some(found)) => wanted == found,
                _ => match (generation, label("pod-template-generation")) {
                    (Some(wanted), Some(found)) => wanted == found || runs(object, pod),
                    _ => true,
                },
            };
            same && carries(object, pod)
        }
    }
}

/// Whether a pod carries all annotations of the template: our mark among them.
fn carries(object: &Value, pod: &Value) -> bool {
    let wanted = object["spec"]["template"]["metadata"]["annotations"].as_object();
    wanted.into_iter().flatten().all(|(name, value)| pod["metadata"]["annotations"][name] == *value)
}

/// Whether every container of a pod runs what the template says, as far as a pod shows it.
fn runs(object: &Value, pod: &Value) -> bool {
    let each = |value: &Value| value["spec"]["containers"].as_array().cloned().unwrap_or_default();
    let all = each(pod);
    each(&object["spec"]["template"]).iter().all(|wanted| {
        let found = all.iter().find(|found| found["name"] == wanted["name"]);
        found.is_some_and(|found| {
            ["image", "command", "args", "env", "envFrom"]
                .iter()
                .all(|part| normal(&found[*part]) == normal(&wanted[*part]))
        })
    })
}

/// The ReplicaSet whose template is the Deployment's; the oldest where several are.
pub fn current_replica_set(facts: &WorkloadFacts) -> Option<&Value> {
    let template = normal(&facts.object["spec"]["template"]);
    facts
        .replica_sets
        .iter()
        .filter(|set| normal(&set["spec"]["template"]) == template)
        .min_by_key(|set| set["metadata"]["creationTimestamp"].as_str().unwrap_or_default())
}

/// A template without what differs though nothing differs: the hash label, nulls, empty parts.
fn normal(value: &Value) -> Value {
    match value {
        Value::Object(map) => map
            .iter()
            .filter(|(key, _)| *key != "pod-template-hash")
            .map(|(key, value)| (key.clone(), normal(value)))
            .filter(|(_, value)| {
                !(value.is_null() || value.as_object().is_some_and(serde_json::Map::is_empty))
            })
            .collect(),
        Value::Array(items) => items.iter().map(normal).collect(),
        other => other.clone(),
    }
}

/// Why the current ReplicaSet gets no pods, in the API server's words: as the set itself says, or
/// the Deployment about a pod of that set.
fn refused_pods(facts: &WorkloadFacts) -> Option<String> {
    let set = current_replica_set(facts)?;
    let prefix = format!("\"{}-", set["metadata"]["name"].as_str()?);
    let failing = |object| {
        condition(object, "ReplicaFailure").filter(|condition| condition["status"] == "True")
    };
    let condition = failing(set).or_else(|| {
        failing(&facts.object).filter(|condition| {
            condition["message"].as_str().is_some_and(|message| message.contains(&prefix))
        })
    })?;
    let words = condition["message"].as_str().or(condition["reason"].as_str());
    Some(plain(words.unwrap_or("FailedCreate")))
}

/// The controller's own "no progress", where it is about the current template.
fn deadline_exceeded(facts: &WorkloadFacts) -> Option<String> {
    let progressing = condition(&facts.object, "Progressing").filter(|condition| {
        condition["status"] == "False" && condition["reason"] == "ProgressDeadlineExceeded"
    })?;
    let since = progressing["lastUpdateTime"].as_str().unwrap_or("9");
    let made = current_replica_set(facts)?["metadata"]["creationTimestamp"].as_str()?;
    (since >= made).then(|| plain(progressing["message"].as_str().unwrap_or_default()))
}

fn condition<'a>(object: &'a Value, kind: &str) -> Option<&'a Value> {
    object["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

#[cfg(test)]
mod tests;

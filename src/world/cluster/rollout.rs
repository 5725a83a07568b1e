//! PURE: what "rolled out" means. The controller has seen the change, every wanted pod is of the
//! current template, ready and available, and no pod of an older template is left, not even one
//! that is still terminating. Everything else is underway, broken or empty, never done.

mod pods;

use std::fmt::Write as _;
use std::time::SystemTime;

use serde_json::Value;

use super::{owner_uid, plain};
use crate::facts::WorkloadFacts;
use pods::{Health, health};

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
            0 => Rollout::Empty(format!("{name} is scaled to zero: no pod runs")),
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

/// What is there, counted.
#[derive(Debug, Default)]
struct Count {
    desired: u64,
    /// Pods of the current template that are not ending.
    new: u64,
    /// Those of them that are ready and have settled.
    ready: u64,
    /// Pods of older templates that are not ending.
    old: u64,
    /// Those of them that are ready.
    old_ready: u64,
    /// Pods of older templates that are ending.
    draining: u64,
    /// What keeps an ending pod from ending.
    held: Vec<String>,
    /// Available, as the controller counts.
    available: u64,
    /// The first of the new pods that is broken.
    trouble: Option<(String, Culprit)>,
    /// Worth a word, such as a first crash.
    notes: Vec<String>,
}

impl Count {
    fn of(facts: &WorkloadFacts, now: SystemTime) -> Count {
        let object = &facts.object;
        let status = &object["status"];
        let available =
            if object["kind"] == "DaemonSet" { "numberAvailable" } else { "availableReplicas" };
        let mut count = Count {
            desired: desired(object),
            available: status[available].as_u64().unwrap_or(0),
            ..Count::default()
        };
        for pod in facts.pods.iter().filter(|pod| pods::lives(pod)) {
            let ending = pod["metadata"]["deletionTimestamp"].is_string();
            match (is_new(facts, pod), ending) {
                (true, true) => {}
                (true, false) => {
                    count.new += 1;
                    match health(pod, now) {
                        Health::Ready => count.ready += 1,
                        Health::Starting => {}
                        Health::Note(note) => count.notes.push(note),
                        Health::Broken(why, culprit) => {
                            count.trouble.get_or_insert((why, culprit));
                        }
                    }
                }
                (false, false) => {
                    count.old += 1;
                    count.old_ready += u64::from(pods::ready(pod));
                }
                (false, true) => {
                    count.draining += 1;
                    count.held.extend(pods::finalizers(pod));
                }
            }
        }
        count
    }

    /// The controller's counts and the pods themselves must agree.
    fn complete(&self, object: &Value) -> bool {
        let status = |key: &str| object["status"][key].as_u64().unwrap_or(0);
        let counted = match object["kind"].as_str() {
            Some("DaemonSet") => status("updatedNumberScheduled") == self.desired,
            Some("StatefulSet") => {
                status("updatedReplicas") == self.desired && status("readyReplicas") == self.desired
            }
            _ => status("updatedReplicas") == self.desired && status("replicas") == self.desired,
        };
        counted
            && self.available == self.desired
            && self.ready == self.desired
            && self.new == self.desired
            && self.old == 0
            && self.draining == 0
    }

    fn progress(&self) -> String {
        let mut text = format!("ready {}/{}", self.ready, self.desired);
        if self.ready == self.desired && self.available < self.desired {
            let _ = write!(text, " · {} available so far", self.available);
        }
        if self.old > 0 {
            let _ = write!(text, " · {} old {} left", self.old, noun(self.old));
        }
        if self.draining > 0 {
            let _ = write!(text, " · {} old {} draining", self.draining, noun(self.draining));
            if let Some(held) = self.held.first() {
                let _ = write!(text, " ({held})");
            }
        }
        for note in self.notes.iter().take(2) {
            let _ = write!(text, " · {note}");
        }
        text
    }

    fn evidence(&self, name: &str) -> String {
        format!(
            "{name}: {} of {} pods are new and ready, no old pod is left",
            self.ready, self.desired
        )
    }

    fn serving(&self) -> String {
        let Count { desired, ready, old_ready, .. } = self;
        if old_ready >= desired && *desired > 0 {
            format!(
                "old pods still serve ({old_ready}/{desired}); nothing is down because of this step"
            )
        } else if *old_ready > 0 {
            format!("old pods still serve ({old_ready}/{desired}), new pods ready: {ready}")
        } else if *ready > 0 {
            format!("no old pod serves any more; new pods ready: {ready}/{desired}")
        } else {
            "no pod serves: none is ready".to_owned()
        }
    }

    /// Whether the controller cannot make room by itself: a refusal that is no passing fault, with
    /// no pod ending and none that the strategy lets it take away.
    fn refusal_is_final(&self, object: &Value, message: &str) -> bool {
        let lasting = message.contains("exceeded quota") || message.contains("forbidden");
        lasting
            && self.draining == 0
            && self.old_ready + self.ready
                <= self.desired.saturating_sub(max_unavailable(object, self.desired))
    }
}

/// How many pods a Deployment may be short of; percentages round down, and a rollout that could
/// neither surge nor shrink may shrink by one.
fn max_unavailable(object: &Value, desired: u64) -> u64 {
    let strategy = &object["spec"]["strategy"];
    if strategy["type"] == "Recreate" {
        return desired;
    }
    let amount = |key: &str, up: bool| match &strategy["rollingUpdate"][key] {
        Value::String(text) => {
            let percent: u64 = text.trim_end_matches('%').parse().unwrap_or(25);
            if up { (desired * percent).div_ceil(100) } else { desired * percent / 100 }
        }
        value => value.as_u64().unwrap_or(0),
    };
    match (amount("maxSurge", true), amount("maxUnavailable", false)) {
        (0, 0) => 1,
        (_, unavailable) => unavailable,
    }
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
            let same = match (generation, label("pod-template-generation")) {
                (Some(wanted), Some(found)) => wanted == found,
                _ => true,
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

fn noun(count: u64) -> &'static str {
    if count == 1 { "pod" } else { "pods" }
}

fn pods_word(count: u64) -> String {
    format!("{count} {}", noun(count))
}

#[cfg(test)]
mod tests;

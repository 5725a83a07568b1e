//! PURE: what one pod says of itself: ready, starting, worth a word, or broken and why.

use std::time::{Duration, SystemTime};

use serde_json::Value;

use super::Culprit;
use crate::world::cluster::plain;

/// Waiting for these reasons does not end by itself.
const CRASH: &str = "CrashLoopBackOff";
const IMAGE: [&str; 4] =
    ["ImagePullBackOff", "ErrImagePull", "InvalidImageName", "ErrImageNeverPull"];
const START: [&str; 5] = [
    "CreateContainerConfigError",
    "CreateContainerError",
    "RunContainerError",
    "StartError",
    "PreStartHookError",
];

/// From so many restarts on after a crash, a container that is not ready is in a crash loop.
const LOOP: u64 = 2;
/// How long a container that crashed must run again before it counts; times its restarts.
const SETTLE: Duration = Duration::from_secs(10);
/// Clocks that differ by more than this say nothing.
const SKEW: Duration = Duration::from_secs(60);
/// How much of the kubelet's message is shown.
const MESSAGE: usize = 160;

/// How a pod is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Health {
    /// Ready, and not only for a moment.
    Ready,
    /// Not ready yet, and nothing is wrong.
    Starting,
    /// Not ready, and the sentence says what there is to see.
    Note(String),
    /// It will not get ready by itself.
    Broken(String, Culprit),
}

/// Whether the pod still is one: evicted and completed ones are only records.
pub(super) fn lives(pod: &Value) -> bool {
    !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
}

/// Whether its Ready condition is true.
pub(super) fn ready(pod: &Value) -> bool {
    condition(pod, "Ready").is_some_and(|condition| condition["status"] == "True")
}

/// What keeps an ending pod from ending: somebody's finalizer, or a node that does not answer.
pub(super) fn held(pod: &Value, now: SystemTime) -> Option<String> {
    let names = pod["metadata"]["finalizers"].as_array().into_iter().flatten();
    let names: Vec<&str> = names.filter_map(Value::as_str).collect();
    if !names.is_empty() {
        let names = plain(&names.join(", "));
        return Some(format!("{} is held by finalizer {names}", name(pod)));
    }
    // The API server notes when the pod's grace is over, not when its end was asked for.
    let due = pod["metadata"]["deletionTimestamp"].as_str()?;
    let late = now.duration_since(humantime::parse_rfc3339(due).ok()?).ok()?;
    let node = pod["spec"]["nodeName"].as_str().unwrap_or("no node");
    (late >= SKEW).then(|| {
        format!("{} should have ended; its node {} may not answer", name(pod), plain(node))
    })
}

/// How a pod is, from its containers and conditions.
pub(super) fn health(pod: &Value, now: SystemTime) -> Health {
    let statuses = ["initContainerStatuses", "containerStatuses"]
        .into_iter()
        .flat_map(|key| pod["status"][key].as_array().into_iter().flatten());
    let mut note = None;
    for status in statuses {
        match container(pod, status, now) {
            Health::Broken(why, culprit) => return Health::Broken(why, culprit),
            Health::Note(text) => note = note.or(Some(text)),
            Health::Ready | Health::Starting => {}
        }
    }
    if let Some(text) = note {
        return Health::Note(text);
    }
    if ready(pod) {
        return Health::Ready;
    }
    match condition(pod, "PodScheduled") {
        Some(scheduled) if scheduled["reason"] == "Unschedulable" => Health::Note(format!(
            "{} cannot be scheduled: {}",
            name(pod),
            short(scheduled["message"].as_str().unwrap_or_default())
        )),
        _ => Health::Starting,
    }
}

fn container(pod: &Value, status: &Value, now: SystemTime) -> Health {
    let pod_name = name(pod);
    let container = status["name"].as_str().unwrap_or_default();
    let broken = |why: String| {
        let culprit = Culprit { pod: pod_name.to_owned(), container: container.to_owned() };
        Health::Broken(why, culprit)
    };
    let waiting = &status["state"]["waiting"];
    let reason = waiting["reason"].as_str().unwrap_or_default();
    let message = short(waiting["message"].as_str().unwrap_or_default());
    let restarts = status["restartCount"].as_u64().unwrap_or(0);
    let crash = crash_of(status);
    if reason == CRASH {
        let how = crash.map_or_else(String::new, |crash| format!(", {crash}"));
        return broken(format!("the new pods crash: {pod_name} {CRASH}{how}"));
    }
    if IMAGE.contains(&reason) {
        let image = plain(status["image"].as_str().unwrap_or_default());
        let why = format!("the new pods cannot get image {image}: {pod_name} {reason}");
        return broken(with_message(&why, &message));
    }
    if START.contains(&reason) {
        return broken(with_message(
            &format!("the new pods cannot start: {pod_name} {reason}"),
            &message,
        ));
    }
    let Some(crash) = crash else { return Health::Starting };
    let times = if restarts <= 1 { "once".to_owned() } else { format!("{restarts} times") };
    if status["ready"] == true {
        if settled(status, restarts, now) {
            return Health::Ready;
        }
        return Health::Note(format!("{pod_name} crashed {times} ({crash}) and runs again"));
    }
    if restarts >= LOOP {
        return broken(format!("the new pods crash: {pod_name} restarted {times}, {crash}"));
    }
    Health::Note(format!("{pod_name} crashed once ({crash})"))
}

/// `exit 1`, `exit 137 (OOMKilled)` of the run that ended last, where it ended badly.
fn crash_of(status: &Value) -> Option<String> {
    let ended = [&status["state"]["terminated"], &status["lastState"]["terminated"]]
        .into_iter()
        .find(|ended| ended.is_object())?;
    let code = ended["exitCode"].as_i64().unwrap_or(0);
    let reason = ended["reason"].as_str().unwrap_or_default();
    match (code, reason) {
        (0, _) => None,
        (_, "" | "Error") => Some(format!("exit {code}")),
        (_, reason) => Some(format!("exit {code} ({})", plain(reason))),
    }
}

/// Whether a container that crashed has run long enough since.
fn settled(status: &Value, restarts: u64, now: SystemTime) -> bool {
    let started = status["state"]["running"]["startedAt"].as_str().unwrap_or_default();
    let Ok(started) = humantime::parse_rfc3339(started) else { return true };
    let needed = SETTLE * u32::try_from(restarts.clamp(1, 6)).unwrap_or(1);
    match now.duration_since(started) {
        Ok(running) => running >= needed,
        Err(ahead) => ahead.duration() > SKEW,
    }
}

fn with_message(why: &str, message: &str) -> String {
    if message.is_empty() { why.to_owned() } else { format!("{why}: {message}") }
}

fn short(message: &str) -> String {
    let text = plain(message);
    if text.chars().count() <= MESSAGE {
        return text;
    }
    text.chars().take(MESSAGE).chain(['…']).collect()
}

fn name(pod: &Value) -> &str {
    pod["metadata"]["name"].as_str().unwrap_or_default()
}

fn condition<'a>(pod: &'a Value, kind: &str) -> Option<&'a Value> {
    pod["status"]["conditions"].as_array()?.iter().find(|condition| condition["type"] == kind)
}

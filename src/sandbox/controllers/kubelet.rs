//! Owns the stand-in kubelet: pods start, run, crash, wait and end.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::{Value, json};

use super::env::{self, Env};
use super::events;
use crate::sandbox::clock;
use crate::sandbox::managed::{self, Writer};
use crate::sandbox::state::{Job, State};
use crate::sandbox::store::{Key, Store};
use crate::sandbox::workload::{tag, terminating, text};

/// The longest pause between two starts of a crashing container.
const LONGEST: Duration = Duration::from_secs(10);

/// What the kubelet knows of a pod.
#[derive(Debug, Default)]
pub(in crate::sandbox) struct Run {
    containers: BTreeMap<String, Container>,
    stopping: bool,
    stopped: bool,
}

#[derive(Debug, Default)]
struct Container {
    env: Env,
    log: Vec<String>,
    previous: Vec<String>,
    restarts: u64,
    started: Option<String>,
    state: Condition,
}

/// How a container is.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
enum Condition {
    #[default]
    New,
    Running,
    Crashing,
    /// Waiting for something that is not there: the reason and the message.
    Blocked(&'static str, String),
}

impl Run {
    /// The environment that a container of this pod started with.
    pub(in crate::sandbox) fn env(&self, container: &str) -> Option<Env> {
        let found = self.containers.get(container)?;
        found.started.as_ref().map(|_| found.env.clone())
    }

    /// The log of a container, or of its life before the last restart.
    pub(in crate::sandbox) fn log(&self, container: &str, previous: bool) -> &[String] {
        self.containers
            .get(container)
            .map_or(&[], |one| if previous { &one.previous } else { &one.log })
    }

    fn blocked(&self) -> bool {
        self.containers.values().any(|one| matches!(one.state, Condition::Blocked(..)))
    }
}

/// Looks at all pods: new ones are to be started, terminating ones to be ended.
pub(super) fn sync(state: &mut State) {
    let pods: Vec<Key> = state.store.range("pods", "").map(|(key, _)| key.clone()).collect();
    let mut alive = BTreeSet::new();
    for key in pods {
        let Some(pod) = state.store.get(&key) else {
            continue;
        };
        let uid = text(&pod, "/metadata/uid").to_owned();
        alive.insert(uid.clone());
        match state.runs.get_mut(&uid) {
            None => {
                state.runs.insert(uid.clone(), Run::default());
                let delay = state.options.pod_delay;
                state.after(delay, Job::Start(key.clone(), uid.clone()));
            }
            Some(run) if run.stopped && !held(&pod) => {
                state.store.remove(&key);
            }
            // What was missing may be there now.
            Some(run) if run.blocked() && !terminating(&pod) => start(state, &key, &uid),
            Some(_) => {}
        }
        if terminating(&pod)
            && let Some(run) = state.runs.get_mut(&uid)
            && !run.stopping
        {
            run.stopping = true;
            let delay = state.options.termination_delay;
            state.after(delay, Job::Finish(key, uid));
        }
    }
    state.runs.retain(|uid, _| alive.contains(uid));
}

fn held(pod: &Value) -> bool {
    pod["metadata"]["finalizers"].as_array().is_some_and(|list| !list.is_empty())
}

/// A terminating pod's containers have ended; the pod goes unless a finalizer holds it.
pub(super) fn finish(state: &mut State, key: &Key, uid: &str) {
    if let Some(run) = state.runs.get_mut(uid) {
        run.stopped = true;
    }
    state.store.touched = true;
    let pod = state.store.get(key).filter(|pod| text(pod, "/metadata/uid") == uid);
    if pod.is_some_and(|pod| !held(&pod)) {
        state.store.remove(key);
        state.runs.remove(uid);
    }
}

/// Starts a pod's containers, or those that could not be started before.
pub(super) fn start(state: &mut State, key: &Key, uid: &str) {
    let Some(pod) = state.store.get(key).filter(|pod| text(pod, "/metadata/uid") == uid) else {
        return;
    };
    if terminating(&pod) {
        return;
    }
    let mut run = state.runs.remove(uid).unwrap_or_default();
    let mut crashed = false;
    let containers = pod["spec"]["containers"].as_array().map_or(&[][..], Vec::as_slice);
    for container in containers {
        let one = run.containers.entry(text(container, "/name").to_owned()).or_default();
        if matches!(one.state, Condition::New | Condition::Blocked(..)) {
            let before = one.state.clone();
            launch(state, &pod, container, one);
            crashed |= one.state == Condition::Crashing;
            if one.state == Condition::Running && tag(text(container, "/image")).contains("unready")
            {
                let why = "Readiness probe failed: HTTP probe failed with statuscode: 500";
                events::report(state, "kubelet", &pod, "Warning", "Unhealthy", why);
            }
            if let Condition::Blocked(reason, message) = &one.state
                && before != one.state
            {
                let (kind, said) = match *reason {
                    "ImagePullBackOff" => ("BackOff", message.clone()),
                    CREATING => ("FailedMount", message.clone()),
                    UNSCHEDULED => ("FailedScheduling", message.clone()),
                    _ => ("Failed", format!("Error: {message}")),
                };
                events::report(state, "kubelet", &pod, "Warning", kind, &said);
            }
        }
    }
    publish(state, key, &pod, &run);
    if crashed {
        crash_again_later(state, key, uid, &run);
    }
    state.runs.insert(uid.to_owned(), run);
}

/// Starts one container, as far as it gets.
fn launch(state: &State, pod: &Value, container: &Value, one: &mut Container) {
    let image = text(container, "/image");
    if tag(image).contains("missing") {
        let message = format!("Back-off pulling image \"{image}\"");
        one.state = Condition::Blocked("ImagePullBackOff", message);
        return;
    }
    if let Some(blocked) = lacking(&state.store, pod) {
        one.state = blocked;
        return;
    }
    match env::resolve(&state.store, pod, container) {
        Err(message) => one.state = Condition::Blocked("CreateContainerConfigError", message),
        Ok(env) => {
            let told = env.get("CRASH").is_some_and(|value| value == "true")
                || env.get("CRASH_WHEN").is_some_and(|when| crashes(when, &env, pod));
            let crash = told || tag(image).contains("crash");
            one.env = env;
            one.started = Some(clock::now());
            one.previous = std::mem::take(&mut one.log);
            one.log.push(format!("{image}: starting"));
            if crash {
                let why = if told {
                    "the environment makes this build fail"
                } else {
                    "this build is broken"
                };
                one.log.push(format!("fatal: {why}"));
                one.previous.clone_from(&one.log);
                one.restarts += 1;
                one.state = Condition::Crashing;
            } else {
                one.log.push(format!("{image}: ready"));
                one.state = Condition::Running;
            }
        }
    }
}

/// A claim without which a pod gets no node; a volume without which it stays on its way there.
const UNSCHEDULED: &str = "Unschedulable";
const CREATING: &str = "ContainerCreating";

/// What of a pod's volumes is not there.
fn lacking(store: &Store, pod: &Value) -> Option<Condition> {
    let namespace = text(pod, "/metadata/namespace");
    let gone = |resource, name: &str| store.get(&Key::new(resource, namespace, name)).is_none();
    for volume in pod["spec"]["volumes"].as_array().into_iter().flatten() {
        let title = text(volume, "/name");
        if let Some(claim) = volume["persistentVolumeClaim"]["claimName"].as_str()
            && gone("persistentvolumeclaims", claim)
        {
            let why = format!("persistentvolumeclaim \"{claim}\" not found");
            return Some(Condition::Blocked(UNSCHEDULED, why));
        }
        for (part, field, resource) in
            [("secret", "secretName", "secrets"), ("configMap", "name", "configmaps")]
        {
            let source = &volume[part];
            let Some(name) = source[field].as_str().filter(|_| source["optional"] != true) else {
                continue;
            };
            if gone(resource, name) {
                let singular = resource.trim_end_matches('s');
                let why = format!(
                    "MountVolume.SetUp failed for volume \"{title}\" : {singular} \"{name}\" not found"
                );
                return Some(Condition::Blocked(CREATING, why));
            }
        }
    }
    None
}

/// Whether `CRASH_WHEN` holds: `NAME=value` of the container's own environment, or `restarted`.
fn crashes(when: &str, env: &BTreeMap<String, String>, pod: &Value) -> bool {
    match when.split_once('=') {
        Some((name, value)) => env.get(name).is_some_and(|carried| carried == value),
        None => !pod["metadata"]["annotations"]["kubectl.kubernetes.io/restartedAt"].is_null(),
    }
}

/// Starts the crashed containers of a pod once more, with the environment as it is now.
pub(super) fn restart(state: &mut State, key: &Key, uid: &str) {
    let Some(pod) = state.store.get(key).filter(|pod| text(pod, "/metadata/uid") == uid) else {
        return;
    };
    if terminating(&pod) {
        return;
    }
    let mut run = state.runs.remove(uid).unwrap_or_default();
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let one = run.containers.entry(text(container, "/name").to_owned()).or_default();
        if one.state == Condition::Crashing {
            launch(state, &pod, container, one);
        }
    }
    publish(state, key, &pod, &run);
    crash_again_later(state, key, uid, &run);
    state.runs.insert(uid.to_owned(), run);
}

fn crash_again_later(state: &mut State, key: &Key, uid: &str, run: &Run) {
    let crashing = run.containers.iter().filter(|(_, one)| one.state == Condition::Crashing);
    let worst = crashing
        .max_by_key(|(_, one)| one.restarts)
        .map(|(name, one)| (name.clone(), one.restarts));
    let Some((name, restarts)) = worst else {
        return;
    };
    if let Some(pod) = state.store.get(key) {
        let title = text(&pod, "/metadata/name");
        let message = format!(
            "Back-off restarting failed container {name} in pod {title}_{}({uid})",
            key.namespace
        );
        events::report(state, "kubelet", &pod, "Warning", "BackOff", &message);
    }
    let doubled = state.options.crash_delay.saturating_mul(1 << restarts.min(10));
    state.after(doubled.min(LONGEST), Job::Restart(key.clone(), uid.to_owned()));
}

/// Writes the pod's status.
fn publish(state: &mut State, key: &Key, pod: &Value, run: &Run) {
    let mut statuses = Vec::new();
    let (mut unready, mut waiting, mut unscheduled) = (Vec::new(), false, None);
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let name = text(container, "/name");
        let Some(one) = run.containers.get(name) else {
            continue;
        };
        let unprobed = tag(text(container, "/image")).contains("unready");
        let running = one.state == Condition::Running && !unprobed;
        if !running {
            unready.push(name);
        }
        waiting |= matches!(one.state, Condition::Blocked(..));
        let started = one.started.clone().unwrap_or_else(clock::now);
        let crash = json!({"terminated": {
            "exitCode": 1, "reason": "Error", "startedAt": started, "finishedAt": started,
            "containerID": format!("sandbox://{name}"),
        }});
        let condition = match &one.state {
            Condition::New => json!({"waiting": {"reason": "ContainerCreating"}}),
            Condition::Running => json!({"running": {"startedAt": started}}),
            Condition::Crashing => {
                let title = text(pod, "/metadata/name");
                let uid = text(pod, "/metadata/uid");
                let pause = 10_u64.saturating_mul(1 << (one.restarts.min(6) - 1)).min(300);
                let pause = if pause < 60 {
                    format!("{pause}s")
                } else {
                    format!("{}m{}s", pause / 60, pause % 60)
                };
                json!({"waiting": {"reason": "CrashLoopBackOff", "message": format!(
                    "back-off {pause} restarting failed container={name} pod={title}_{}({uid})", key.namespace)}})
            }
            Condition::Blocked(UNSCHEDULED, why) => {
                unscheduled = Some(why.clone());
                continue;
            }
            // Why it takes so long is said in events only.
            Condition::Blocked(CREATING, _) => json!({"waiting": {"reason": CREATING}}),
            Condition::Blocked(reason, message) => {
                json!({"waiting": {"reason": reason, "message": message}})
            }
        };
        statuses.push(json!({
            "name": name, "state": condition, "lastState": if one.restarts > 0 { crash } else { json!({}) },
            "ready": running, "restartCount": one.restarts, "image": container["image"],
            "imageID": if waiting { "" } else { "x" }, "started": one.state == Condition::Running,
        }));
    }
    let mut after = pod.clone();
    let status = &mut after["status"];
    status["phase"] = if waiting { "Pending" } else { "Running" }.into();
    let message = format!("containers with unready status: [{}]", unready.join(" "));
    let conditions: Vec<Value> = ["Initialized", "Ready", "ContainersReady", "PodScheduled"]
        .iter()
        .map(|kind| {
            let holds = unready.is_empty()
                || (matches!(*kind, "Initialized" | "PodScheduled") && unscheduled.is_none());
            let word = if holds { "True" } else { "False" };
            let mut old = pod["status"]["conditions"].as_array().into_iter().flatten();
            let old = old.find(|old| old["type"] == *kind && old["status"] == word);
            let since = old.map_or_else(|| clock::now().into(), |old| old["lastTransitionTime"].clone());
            let mut condition =
                json!({"type": kind, "status": word, "lastProbeTime": null, "lastTransitionTime": since});
            if !holds {
                condition["reason"] = "ContainersNotReady".into();
                condition["message"] = message.clone().into();
            }
            if let Some(why) = unscheduled.as_ref().filter(|_| *kind == "PodScheduled") {
                condition["reason"] = UNSCHEDULED.into();
                condition["message"] = why.clone().into();
            }
            condition
        })
        .collect();
    status["conditions"] = conditions.into();
    if status["startTime"].is_null() {
        status["startTime"] = clock::now().into();
    }
    status["containerStatuses"] = statuses.into();
    if after != *pod {
        managed::note(Writer::new("kubelet", "status"), Some(pod), &mut after);
        state.store.put(key.clone(), after);
    }
}

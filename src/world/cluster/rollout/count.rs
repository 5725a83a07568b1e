//! PURE: the pods of a workload, counted by template and state, and the words for the counts.

use std::fmt::Write as _;
use std::time::SystemTime;

use serde_json::Value;

use super::pods::{self, Health, health};
use super::{Culprit, desired, is_new};
use crate::facts::WorkloadFacts;

/// What is there, counted.
#[derive(Debug, Default)]
pub(super) struct Count {
    pub(super) desired: u64,
    /// Pods of the current template that are not ending.
    pub(super) new: u64,
    /// Those of them that are ready and have settled.
    ready: u64,
    /// Pods of older templates that are not ending.
    pub(super) old: u64,
    /// Those of them that are ready.
    old_ready: u64,
    /// The first of the older pods that is broken, and why.
    old_broken: Option<(String, Culprit)>,
    /// Pods that are ending, of whatever template.
    ending: u64,
    /// Pods of older templates that are ending.
    pub(super) draining: u64,
    /// What keeps an ending pod from ending.
    held: Vec<String>,
    /// Available, as the controller counts.
    available: u64,
    /// The first of the new pods that is broken.
    pub(super) trouble: Option<(String, Culprit)>,
    /// Worth a word, such as a first crash.
    pub(super) notes: Vec<String>,
}

impl Count {
    pub(super) fn of(facts: &WorkloadFacts, now: SystemTime) -> Count {
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
            count.ending += u64::from(ending);
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
                    if let Health::Broken(why, culprit) = health(pod, now) {
                        count.old_broken.get_or_insert((why, culprit));
                    }
                }
                (false, true) => {
                    count.draining += 1;
                    count.held.extend(pods::held(pod, now));
                }
            }
        }
        count
    }

    /// The controller's counts and the pods themselves must agree.
    pub(super) fn complete(&self, object: &Value) -> bool {
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

    /// The broken pod of an older template that an ordered StatefulSet waits for before it replaces
    /// any pod, that one included: it waits for ever.
    pub(super) fn waits_for(&self, object: &Value) -> Option<(String, Culprit)> {
        let ordered = is_ordered(object);
        let idle = self.ending == 0 && self.new == self.ready;
        let (why, culprit) = self.old_broken.clone().filter(|_| ordered && idle)?;
        let why = why.replacen("the new pods", "the old pods", 1);
        let pod = &culprit.pod;
        Some((
            format!(
                "{why}; its StatefulSet replaces pods in order and waits for it for ever; kubectl \
                 delete pod {pod}, then it goes on"
            ),
            culprit,
        ))
    }

    pub(super) fn progress(&self) -> String {
        if self.only_held() {
            let held = self.held.join(", ");
            let advice =
                if held.contains("finalizer") { ", remove it or wait for its owner" } else { "" };
            return format!("serving: all {} new pods; not drained: {held}{advice}", self.desired);
        }
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

    /// Whether all that is missing is the end of old pods that somebody's finalizer keeps.
    fn only_held(&self) -> bool {
        let served = self.ready == self.desired && self.available == self.desired;
        served && self.old == 0 && self.draining > 0 && self.held.len() as u64 == self.draining
    }

    pub(super) fn evidence(&self, name: &str) -> String {
        format!(
            "{name}: {} of {} pods are new and ready, no old pod is left",
            self.ready, self.desired
        )
    }

    pub(super) fn serving(&self) -> String {
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
    pub(super) fn refusal_is_final(&self, object: &Value, message: &str) -> bool {
        let lasting = message.contains("exceeded quota") || message.contains("forbidden");
        lasting
            && self.draining == 0
            && self.old_ready + self.ready
                <= self.desired.saturating_sub(max_unavailable(object, self.desired))
    }
}

/// How many pods a Deployment may be short of; percentages round down, and a rollout that could
/// neither surge nor shrink may shrink by one.
pub fn max_unavailable(object: &Value, desired: u64) -> u64 {
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

/// Whether pods are replaced one after the other, each waiting for all others.
pub(super) fn is_ordered(object: &Value) -> bool {
    object["kind"] == "StatefulSet"
        && object["spec"]["podManagementPolicy"] != "Parallel"
        && object["spec"]["updateStrategy"]["type"] != "OnDelete"
}

fn noun(count: u64) -> &'static str {
    if count == 1 { "pod" } else { "pods" }
}

pub(super) fn pods_word(count: u64) -> String {
    format!("{count} {}", noun(count))
}

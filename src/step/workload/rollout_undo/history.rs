//! PURE: the templates that a workload has had, and which of them is meant.
//!
//! `last-good` is the newest older template whose content differs and of which pods are available
//! now: that is proof. Where no older template has pods, nothing in the cluster remembers which of
//! them ever worked; then it is the only one that differs, and where several do, nobody guesses.
//! What was left by an earlier undo is no candidate, or two undos would go back and forth.

use std::collections::BTreeSet;

use serde_json::Value;

use super::restored;
use crate::facts::WorkloadFacts;
use crate::runbook::UndoTo;
use crate::step::workload::template::digest;
use crate::world::cluster::rollout::name_of;

/// The annotation in which a ReplicaSet notes its number.
const REVISION: &str = "deployment.kubernetes.io/revision";
/// The numbers that it had before somebody went back to it.
const EARLIER: &str = "deployment.kubernetes.io/revision-history";
/// How many revisions a sentence names.
const NAMED: usize = 6;

/// One template of the history.
#[derive(Debug, Clone)]
pub(super) struct Revision {
    number: u64,
    earlier: Vec<u64>,
    name: String,
    made: String,
    available: u64,
    pub(super) template: Value,
    digest: String,
}

impl Revision {
    fn of(facts: &WorkloadFacts, object: &Value) -> Revision {
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        let made = object["metadata"]["creationTimestamp"].as_str().unwrap_or_default().to_owned();
        let annotation = |name: &str| object["metadata"]["annotations"][name].as_str();
        let numbers =
            |text: &str| text.split(',').filter_map(|it| it.trim().parse().ok()).collect();
        let is_set = object["kind"] != "ControllerRevision" && object["revision"].is_null();
        let template = if is_set {
            object["spec"]["template"].clone()
        } else {
            object["data"]["spec"]["template"].clone()
        };
        Revision {
            number: if is_set {
                annotation(REVISION).and_then(|text| text.parse().ok()).unwrap_or(0)
            } else {
                object["revision"].as_u64().unwrap_or(0)
            },
            earlier: annotation(EARLIER).map(numbers).unwrap_or_default(),
            available: if is_set {
                object["status"]["availableReplicas"].as_u64().unwrap_or(0)
            } else {
                let hash = object["metadata"]["labels"]["controller-revision-hash"].as_str();
                pods_of(facts, &name, hash)
            },
            digest: digest(&template),
            name,
            made,
            template,
        }
    }

    fn images(&self) -> Vec<&str> {
        let containers = self.template["spec"]["containers"].as_array().into_iter().flatten();
        containers.filter_map(|container| container["image"].as_str()).collect()
    }

    /// `revision 3 (web-5f6d, image app:1, made 2026-11-20, 2 pods available)`.
    pub(super) fn phrase(&self) -> String {
        let day = self.made.split('T').next().unwrap_or_default();
        let pods = match self.available {
            0 => String::new(),
            1 => ", 1 pod available now".to_owned(),
            pods => format!(", {pods} pods available now"),
        };
        format!(
            "revision {} ({}, image {}, made {day}{pods})",
            self.number,
            self.name,
            self.images().join(" ")
        )
    }
}

/// How many ready pods carry a `ControllerRevision`.
fn pods_of(facts: &WorkloadFacts, name: &str, hash: Option<&str>) -> u64 {
    let ready = |pod: &&Value| {
        let label = pod["metadata"]["labels"]["controller-revision-hash"].as_str();
        let conditions = pod["status"]["conditions"].as_array().into_iter().flatten();
        (label == Some(name) || (hash.is_some() && label == hash))
            && pod["metadata"]["deletionTimestamp"].is_null()
            && conditions.into_iter().any(|it| it["type"] == "Ready" && it["status"] == "True")
    };
    facts.pods.iter().filter(ready).count() as u64
}

/// Which template is meant.
#[derive(Debug)]
pub(super) enum Choice<'h> {
    /// The workload has it already; the sentence says why that is so.
    Current(String),
    /// This one.
    Target(&'h Revision),
    /// None, or nobody can tell which; with what to do.
    None(String, Option<String>),
}

/// The templates that a workload has had, newest first.
#[derive(Debug)]
pub(super) struct History {
    name: String,
    current: String,
    images: Vec<String>,
    annotations: Value,
    restored: bool,
    undone: bool,
    older: Vec<Revision>,
    all: Vec<Revision>,
}

impl History {
    pub(super) fn new(facts: &WorkloadFacts, revisions: &[Value]) -> History {
        let object = &facts.object;
        let template = &object["spec"]["template"];
        let current = digest(template);
        let mut all: Vec<Revision> =
            revisions.iter().map(|revision| Revision::of(facts, revision)).collect();
        all.sort_by_key(|revision| std::cmp::Reverse(revision.number));
        // Several revisions of the current content: a restart between them.
        let own = || all.iter().filter(|revision| revision.digest == current);
        let newest = own().map(|revision| revision.number).max().unwrap_or(u64::MAX);
        let before = own().flat_map(|revision| revision.earlier.iter().copied()).max();
        let mut seen = BTreeSet::from([current.clone()]);
        // What lies between the number that the current template had and the one that it has was
        // left when somebody went back to it.
        let limit = before.unwrap_or(newest);
        let older: Vec<Revision> = all
            .iter()
            .filter(|revision| revision.number < limit)
            .filter(|revision| seen.insert(revision.digest.clone()))
            .cloned()
            .collect();
        let containers = template["spec"]["containers"].as_array().into_iter().flatten();
        History {
            name: name_of(object),
            images: containers.filter_map(|it| it["image"].as_str().map(str::to_owned)).collect(),
            annotations: template["metadata"]["annotations"].clone(),
            restored: restored(object) == Some(&current),
            undone: before.is_some(),
            current,
            older,
            all,
        }
    }

    /// The revision that is meant.
    pub(super) fn choose(&self, to: &UndoTo) -> Choice<'_> {
        if let Some(number) = to.revision {
            self.by_number(u64::from(number))
        } else if let Some(image) = &to.image {
            if self.images.contains(image) {
                return Choice::Current(format!("runs image {image} already"));
            }
            let what = format!("image {image}");
            self.by_content(&what, |revision| revision.images().contains(&image.as_str()))
        } else if !to.annotations.is_empty() {
            let carries = |annotations: &Value| {
                to.annotations.iter().all(|(name, value)| annotations[name] == value.as_str())
            };
            if carries(&self.annotations) {
                return Choice::Current("carries these annotations already".to_owned());
            }
            self.by_content("these annotations", |revision| {
                carries(&revision.template["metadata"]["annotations"])
            })
        } else {
            self.last_good()
        }
    }

    fn by_number(&self, number: u64) -> Choice<'_> {
        match self
            .all
            .iter()
            .find(|revision| revision.number == number || revision.earlier.contains(&number))
        {
            Some(revision) if revision.digest == self.current => {
                Choice::Current(format!("has the template of revision {number} already"))
            }
            Some(revision) => Choice::Target(revision),
            None => Choice::None(
                format!("{} has no revision {number}", self.name),
                Some(self.list("its revisions", &self.all)),
            ),
        }
    }

    fn by_content(&self, what: &str, fits: impl Fn(&Revision) -> bool) -> Choice<'_> {
        let mut seen = BTreeSet::new();
        let found: Vec<&Revision> = self
            .all
            .iter()
            .filter(|revision| revision.digest != self.current && fits(revision))
            .filter(|revision| seen.insert(revision.digest.as_str()))
            .collect();
        match found.as_slice() {
            [one] => Choice::Target(one),
            [] => Choice::None(
                format!("no earlier template of {} has {what}", self.name),
                Some(self.list("there are", &self.all)),
            ),
            several => Choice::None(
                format!("{} earlier templates of {} have {what}", several.len(), self.name),
                Some(format!("name one with `to: {{ revision: N }}`: {}", phrases(several))),
            ),
        }
    }

    fn last_good(&self) -> Choice<'_> {
        if self.restored {
            let text = "has the template that a rollback restored; nobody changed it since";
            return Choice::Current(text.to_owned());
        }
        if let Some(revision) = self.older.iter().find(|revision| revision.available > 0) {
            return Choice::Target(revision);
        }
        match self.older.as_slice() {
            [one] => Choice::Target(one),
            [] if self.undone => {
                let text = "has an earlier template already: somebody went back to it";
                Choice::Current(text.to_owned())
            }
            [] => Choice::None(
                format!("{} has no earlier template that differs", self.name),
                Some("deploy the earlier image, or restore a snapshot".to_owned()),
            ),
            several => {
                let several: Vec<&Revision> = several.iter().collect();
                Choice::None(
                    format!(
                        "which template of {} was the last good one cannot be told: none of {} \
                         older ones has pods now",
                        self.name,
                        several.len()
                    ),
                    Some(format!(
                        "name one with `to: {{ image: … }}` or `to: {{ revision: N }}`: {}",
                        phrases(&several)
                    )),
                )
            }
        }
    }

    fn list(&self, lead: &str, revisions: &[Revision]) -> String {
        let revisions: Vec<&Revision> = revisions.iter().collect();
        if revisions.is_empty() {
            return format!("{} has no history", self.name);
        }
        format!("{lead}: {}", phrases(&revisions))
    }
}

fn phrases(revisions: &[&Revision]) -> String {
    let mut phrases: Vec<String> =
        revisions.iter().take(NAMED).map(|revision| revision.phrase()).collect();
    if revisions.len() > NAMED {
        phrases.push(format!("and {} more", revisions.len() - NAMED));
    }
    phrases.join(", ")
}

//! Owns a Deployment's `ReplicaSets`: which of them is the new one, how they are made, annotated and sized.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{create, events, owned, rollout, update};
use crate::sandbox::state::State;
use crate::sandbox::store::Key;
use crate::sandbox::workload::{controller_reference, number, share, template_hash, text};

const COMPONENT: &str = "deployment-controller";
pub(super) const REVISION: &str = "deployment.kubernetes.io/revision";
pub(super) const HISTORY: &str = "deployment.kubernetes.io/revision-history";
pub(super) const DESIRED: &str = "deployment.kubernetes.io/desired-replicas";
const MAXIMUM: &str = "deployment.kubernetes.io/max-replicas";
const APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";
const HASH: &str = "pod-template-hash";

/// A Deployment with its `ReplicaSets`.
pub(super) struct Work {
    pub(super) deployment: Value,
    /// The one of the present template.
    pub(super) new: Option<Arc<Value>>,
    /// The others, oldest first.
    pub(super) old: Vec<Arc<Value>>,
    pub(super) wanted: i64,
    pub(super) surge: i64,
    pub(super) unavailable: i64,
}

impl Work {
    pub(super) fn load(state: &State, deployment: &Value) -> Work {
        let mut sets = owned(state, "replicasets", deployment);
        sets.sort_by_key(|set| text(set, "/metadata/uid").to_owned());
        let template = &deployment["spec"]["template"];
        let at = sets.iter().position(|set| same_template(&set["spec"]["template"], template));
        let new = at.map(|at| sets.remove(at));
        let wanted = number(deployment, "/spec/replicas");
        let strategy = &deployment["spec"]["strategy"];
        let (mut surge, mut unavailable) = (0, wanted);
        if strategy["type"] == "RollingUpdate" {
            surge = share(&strategy["rollingUpdate"]["maxSurge"], wanted, true);
            unavailable = share(&strategy["rollingUpdate"]["maxUnavailable"], wanted, false);
            if surge == 0 && unavailable == 0 {
                unavailable = 1;
            }
        }
        Work {
            deployment: deployment.clone(),
            new,
            old: sets,
            wanted,
            surge,
            unavailable: unavailable.min(wanted),
        }
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Value>> {
        self.old.iter().chain(&self.new)
    }

    pub(super) fn specified(&self) -> i64 {
        self.all().map(|set| number(set, "/spec/replicas")).sum()
    }

    pub(super) fn available(&self) -> i64 {
        self.all().map(|set| number(set, "/status/availableReplicas")).sum()
    }

    pub(super) fn rolling(&self) -> bool {
        self.deployment["spec"]["strategy"]["type"] != "Recreate"
    }

    pub(super) fn paused(&self) -> bool {
        self.deployment["spec"]["paused"] == true
    }

    /// How many pods the new `ReplicaSet` may have now.
    pub(super) fn room(&self, current: i64) -> i64 {
        if !self.rolling() {
            return self.wanted;
        }
        let others = self.specified();
        let most = self.wanted + self.surge;
        if others >= most { current } else { current + (most - others).min(self.wanted - current) }
    }
}

fn same_template(ours: &Value, theirs: &Value) -> bool {
    let labels = |template: &Value| -> Vec<(String, Value)> {
        let all = template["metadata"]["labels"].as_object().into_iter().flatten();
        let kept = all.filter(|(key, _)| *key != HASH);
        let mut kept: Vec<_> = kept.map(|(key, value)| (key.clone(), value.clone())).collect();
        kept.sort_by(|one, other| one.0.cmp(&other.0));
        kept
    };
    // What differs most often is compared first.
    ours["metadata"]["annotations"] == theirs["metadata"]["annotations"]
        && ours["spec"] == theirs["spec"]
        && ours["metadata"]["finalizers"] == theirs["metadata"]["finalizers"]
        && labels(ours) == labels(theirs)
}

pub(super) fn make_set(state: &mut State, work: &mut Work, revision: i64) {
    let deployment = &work.deployment;
    let hash = template_hash(&deployment["spec"]["template"]);
    let name = format!("{}-{hash}", text(deployment, "/metadata/name"));
    let replicas = work.room(0);
    let mut template = deployment["spec"]["template"].clone();
    template["metadata"]["labels"][HASH] = hash.as_str().into();
    let mut selector = deployment["spec"]["selector"].clone();
    selector["matchLabels"][HASH] = hash.as_str().into();
    let mut set = json!({
        "kind": "ReplicaSet", "apiVersion": "apps/v1",
        "metadata": {"name": name, "labels": template["metadata"]["labels"],
                     "annotations": {REVISION: revision.to_string()},
                     "ownerReferences": controller_reference(deployment)},
        "spec": {"replicas": replicas, "selector": selector, "template": template},
    });
    if let Some(seconds) = deployment["spec"].get("minReadySeconds") {
        set["spec"]["minReadySeconds"] = seconds.clone();
    }
    annotate(&mut set, deployment, work.wanted + work.surge);
    let namespace = text(deployment, "/metadata/namespace").to_owned();
    let made = create(state, "replicasets", &namespace, set);
    let found =
        made.ok().and_then(|_| state.store.get(&Key::new("replicasets", &namespace, &name)));
    let Some(set) = found else { return };
    if replicas > 0 {
        let message = format!("Scaled up replica set {name} from 0 to {replicas}");
        events::report(state, COMPONENT, &work.deployment, "Normal", "ScalingReplicaSet", &message);
    }
    work.deployment["metadata"]["annotations"][REVISION] = revision.to_string().into();
    rollout::created(&mut work.deployment, &name);
    work.new = Some(set);
}

pub(super) fn revision(set: &Value) -> i64 {
    set["metadata"]["annotations"][REVISION]
        .as_str()
        .and_then(|text| text.parse().ok())
        .unwrap_or(0)
}

/// Copies a Deployment's annotations and numbers to its `ReplicaSet`.
pub(super) fn annotate(set: &mut Value, deployment: &Value, most: i64) {
    let annotations = &mut set["metadata"]["annotations"];
    for (key, value) in deployment["metadata"]["annotations"].as_object().into_iter().flatten() {
        if ![REVISION, HISTORY, DESIRED, MAXIMUM, APPLIED].contains(&key.as_str()) {
            annotations[key] = value.clone();
        }
    }
    annotations[DESIRED] = number(deployment, "/spec/replicas").to_string().into();
    annotations[MAXIMUM] = most.to_string().into();
}

/// Sets the size of a `ReplicaSet`; whether that changed anything.
pub(super) fn resize(state: &mut State, work: &Work, set: &Arc<Value>, size: i64) -> bool {
    let before = number(set, "/spec/replicas");
    let mut after = (**set).clone();
    annotate(&mut after, &work.deployment, work.wanted + work.surge);
    after["spec"]["replicas"] = size.into();
    if after != **set {
        update(state, "replicasets", after, "");
    }
    if size == before {
        return false;
    }
    let way = if size > before { "up" } else { "down" };
    let name = text(set, "/metadata/name");
    let message = format!("Scaled {way} replica set {name} from {before} to {size}");
    events::report(state, COMPONENT, &work.deployment, "Normal", "ScalingReplicaSet", &message);
    true
}

pub(super) fn reload(state: &State, work: &mut Work) {
    let fresh = Work::load(state, &work.deployment);
    (work.new, work.old) = (fresh.new, fresh.old);
}

//! PURE: manifests beside what is there: which fields would change, and what of them may be shown.

use serde_json::Value;

use crate::facts::{Known, WorkloadFacts};
use crate::runbook::Workload;
use crate::step::workload::template;
use crate::step::{FieldChange, NOT_THERE};
use crate::world::forge::Commit;

/// The field of an object that is not there yet.
pub(crate) const CREATED: &str = "object";

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
    /// The workloads among them that keep their template, with their pods; only for a survey.
    pub kept: Vec<(Workload, Known<WorkloadFacts>)>,
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

impl Object {
    pub(super) fn workload(&self) -> Option<Workload> {
        Workload::try_from(self.name.clone()).ok()
    }

    /// Whether it is a workload that gets another template.
    pub(super) fn changes_template(&self) -> bool {
        let template = |object: &Value| template::digest(&object["spec"]["template"]);
        self.workload().is_some()
            && self.live.as_ref().is_none_or(|live| template(live) != template(&self.after))
    }
}

impl Manifests {
    /// Every field that would change.
    pub(super) fn changes(&self) -> Vec<FieldChange> {
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
                    field: CREATED.to_owned(),
                    from: None,
                    to: "created".to_owned(),
                }),
            }
        }
        changes
    }

    /// The workloads among the objects.
    pub(super) fn workloads(&self) -> Vec<Workload> {
        self.objects.iter().filter_map(Object::workload).collect()
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
pub(super) fn scaling_warning(object: &Object, live: &Value) -> Option<String> {
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

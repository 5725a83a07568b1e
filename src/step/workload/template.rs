//! Pod templates by their content: what makes two of them equal, what differs between two, and the
//! patch that puts one in the place of another.

mod fields;

pub(crate) use fields::{differences, object_differences};

use serde_json::{Map, Value, json};

use super::template_digest;
use crate::runbook::Workload;
use crate::step::{FieldChange, Mark, Setting};
use crate::world::cluster::rollout::{RESTARTED_AT, STEP_ANNOTATION};
use crate::world::cluster::{Cluster, FIELD_MANAGER, kubectl};

/// The annotation of a template that this program restored: the digest of what it restored. As long
/// as the content is still that, going back once more would undo the rollback.
pub(crate) const RESTORED: &str = "rollback.dev/restored";
/// How many differences a step shows.
const SHOWN: usize = 12;

/// The differences, cut to what a person reads; the rest as a line that counts them.
pub(crate) fn shown(mut changes: Vec<FieldChange>) -> (Vec<FieldChange>, Option<String>) {
    // Images first: they are what most people look for.
    changes.sort_by_key(|change| !change.field.ends_with(" image"));
    let more = changes.len().saturating_sub(SHOWN);
    changes.truncate(SHOWN);
    (changes, (more > 0).then(|| format!("and {more} more fields of the template")))
}

/// A template without what a restart changes and what a controller adds.
pub(crate) fn content(template: &Value) -> Value {
    let mut template = template.clone();
    if let Some(map) = template.as_object_mut() {
        map.remove("$patch");
    }
    let metadata = &mut template["metadata"];
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.remove("creationTimestamp");
    }
    for part in ["annotations", "labels"] {
        let Some(map) = metadata[part].as_object_mut() else { continue };
        map.retain(|key, _| {
            key != RESTARTED_AT && !key.starts_with("rollback.dev/") && key != "pod-template-hash"
        });
        if map.is_empty()
            && let Some(metadata) = metadata.as_object_mut()
        {
            metadata.remove(part);
        }
    }
    // Indexing a map that has no such key has left a null behind.
    if let Some(metadata) = metadata.as_object_mut() {
        metadata.retain(|_, value| !value.is_null());
    }
    template
}

/// Equal for templates of equal content.
pub(crate) fn digest(template: &Value) -> String {
    template_digest(&json!({"spec": {"template": content(template)}}))
}

/// The argv that puts a template in place, only if nobody changed the workload's spec meanwhile:
/// its generation is tested. `None` is a plan, which does not know the generation yet: it shows the
/// patch without the test.
pub(crate) fn replace(
    workload: &Workload,
    setting: &Setting,
    mark: &Mark,
    template: &Value,
    generation: Option<&Value>,
) -> Vec<String> {
    let mut template = content(template);
    let digest = digest(&template);
    if !template["metadata"].is_object() {
        template["metadata"] = json!({});
    }
    if !template["metadata"]["annotations"].is_object() {
        template["metadata"]["annotations"] = Value::Object(Map::new());
    }
    template["metadata"]["annotations"][STEP_ANNOTATION] = json!(mark.text());
    template["metadata"]["annotations"][RESTORED] = json!(digest);
    let test = generation.map(
        |generation| json!({"op": "test", "path": "/metadata/generation", "value": generation}),
    );
    let replace = json!({"op": "replace", "path": "/spec/template", "value": template});
    let patch = Value::Array(test.into_iter().chain([replace]).collect());
    let manager = format!("--field-manager={FIELD_MANAGER}");
    let object = workload.to_string();
    kubectl(setting, &["patch", &object, "--type=json", &manager, "-p", &patch.to_string()])
}

/// What to do about a workload that must get a template, as the cluster is now.
pub(crate) enum Now {
    /// Its content is the wanted one already.
    There,
    /// It is what the plan saw: this argv changes it.
    Patch(Vec<String>),
    /// Somebody changed it since the plan; the sentence says what differs.
    Changed(String),
    /// It cannot be read.
    Unread(String),
}

/// Reads the workload again and decides. `before` is the digest that the plan saw.
pub(crate) fn now(
    cluster: &Cluster,
    workload: &Workload,
    setting: &Setting,
    mark: &Mark,
    before: &str,
    template: &Value,
) -> Now {
    let object = match cluster.workload_object(workload) {
        Ok(object) => object,
        Err(why) => return Now::Unread(why.sentence().to_owned()),
    };
    let found = digest(&object["spec"]["template"]);
    if found == digest(template) {
        return Now::There;
    }
    if found != before {
        let what = workload.to_string();
        let (changes, _) = shown(differences(&what, template, &object["spec"]["template"]));
        let fields: Vec<String> = changes
            .iter()
            .take(3)
            .map(|change| format!("{} is {}", change.field, change.to))
            .collect();
        return Now::Changed(format!(
            "the template of {what} changed since the plan ({}); nothing was overwritten",
            fields.join(", ")
        ));
    }
    let generation = &object["metadata"]["generation"];
    Now::Patch(replace(workload, setting, mark, template, Some(generation)))
}

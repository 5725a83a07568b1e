//! Pod templates by their content: what makes two of them equal, what differs between two, and the
//! patch that puts one in the place of another.

use std::collections::BTreeMap;

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

/// What differs, field by field: `app image`, `app env MODE`, `spec serviceAccountName`.
pub(crate) fn differences(object: &str, from: &Value, to: &Value) -> Vec<FieldChange> {
    let (mut before, mut after) = (BTreeMap::new(), BTreeMap::new());
    flatten(&content(from), "", &mut before);
    flatten(&content(to), "", &mut after);
    fields(object, &before, &after)
}

/// What differs between two objects, without what the API server keeps there for itself.
pub(crate) fn object_differences(object: &str, from: &Value, to: &Value) -> Vec<FieldChange> {
    let leaves = |value: &Value| {
        let mut value = value.clone();
        if let Some(map) = value.as_object_mut() {
            map.retain(|key, _| !matches!(key.as_str(), "status" | "apiVersion" | "kind"));
        }
        if let Some(metadata) = value["metadata"].as_object_mut() {
            metadata.retain(|key, _| matches!(key.as_str(), "labels" | "annotations"));
        }
        if let Some(annotations) = value["metadata"]["annotations"].as_object_mut() {
            annotations.retain(|key, _| {
                key != "kubectl.kubernetes.io/last-applied-configuration"
                    && key != "deployment.kubernetes.io/revision"
                    && key != "deprecated.daemonset.template.generation"
            });
        }
        for part in ["labels", "annotations"] {
            let empty = value["metadata"][part].as_object().is_none_or(Map::is_empty);
            if let Some(metadata) = value["metadata"].as_object_mut().filter(|_| empty) {
                metadata.remove(part);
            }
        }
        let mut leaves = BTreeMap::new();
        flatten(&value, "", &mut leaves);
        leaves
    };
    fields(object, &leaves(from), &leaves(to))
}

fn fields(
    object: &str,
    before: &BTreeMap<String, String>,
    after: &BTreeMap<String, String>,
) -> Vec<FieldChange> {
    let fields: std::collections::BTreeSet<&String> = before.keys().chain(after.keys()).collect();
    fields
        .into_iter()
        .filter(|field| before.get(*field) != after.get(*field))
        .map(|field| FieldChange {
            object: object.to_owned(),
            field: field.clone(),
            from: before.get(field).cloned(),
            to: after.get(field).cloned().unwrap_or_else(|| crate::step::NOT_THERE.to_owned()),
        })
        .collect()
}

/// The differences, cut to what a person reads; the rest as a line that counts them.
pub(crate) fn shown(mut changes: Vec<FieldChange>) -> (Vec<FieldChange>, Option<String>) {
    // Images first: they are what most people look for.
    changes.sort_by_key(|change| !change.field.ends_with(" image"));
    let more = changes.len().saturating_sub(SHOWN);
    changes.truncate(SHOWN);
    (changes, (more > 0).then(|| format!("and {more} more fields of the template")))
}

/// The leaves of a template by readable names; named items of lists by their name.
fn flatten(value: &Value, path: &str, leaves: &mut BTreeMap<String, String>) {
    let below = |part: &str| match (path, part) {
        ("", "spec" | "template" | "containers") => String::new(),
        ("", part) => part.to_owned(),
        (path, part) => format!("{path} {part}"),
    };
    match value {
        Value::Object(map) if !map.is_empty() => {
            // `{name, value}` of env is one field.
            if map.len() <= 2 && map.contains_key("value") && map.contains_key("name") {
                let text =
                    map["value"].as_str().map_or_else(|| map["value"].to_string(), str::to_owned);
                leaves.insert(path.to_owned(), text);
                return;
            }
            for (key, value) in map.iter().filter(|(key, _)| *key != "name") {
                flatten(value, &below(key), leaves);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (index, item) in items.iter().enumerate() {
                let name = item["name"].as_str().map_or_else(|| index.to_string(), str::to_owned);
                flatten(item, &below(&name), leaves);
            }
        }
        Value::String(text) => {
            leaves.insert(path.to_owned(), text.clone());
        }
        Value::Null => {}
        Value::Object(_) | Value::Array(_) if path.is_empty() => {}
        other => {
            leaves.insert(path.to_owned(), other.to_string());
        }
    }
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

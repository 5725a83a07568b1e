//! Owns `ControllerRevisions`: the history of the templates of `StatefulSets` and `DaemonSets`.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{create, key_of, owned, update};
use crate::sandbox::state::State;
use crate::sandbox::workload::{controller_reference, number, template_hash, text};

/// The label of a pod that names the revision it was made from.
pub(super) const LABEL: &str = "controller-revision-hash";

/// The revision of the present template: its hash, and the hash of the oldest revision still known.
pub(super) fn current(state: &mut State, owner: &Value) -> String {
    let template = &owner["spec"]["template"];
    let hash = template_hash(template);
    let name = format!("{}-{hash}", text(owner, "/metadata/name"));
    let mut known = owned(state, "controllerrevisions", owner);
    known.sort_by_key(|revision| number(revision, "/revision"));
    let last = known.last().map_or(0, |revision| number(revision, "/revision"));
    if let Some(found) = known.iter().find(|revision| text(revision, "/metadata/name") == name) {
        if number(found, "/revision") < last {
            // A template that comes back becomes the newest revision again.
            let mut newest = (**found).clone();
            newest["revision"] = (last + 1).into();
            update(state, "controllerrevisions", newest, "");
        }
        return hash;
    }
    let mut data = template.clone();
    data["$patch"] = "replace".into();
    let mut labels = template["metadata"]["labels"].clone();
    labels[LABEL] = hash.as_str().into();
    let revision = json!({
        "kind": "ControllerRevision", "apiVersion": "apps/v1",
        "metadata": {"name": name, "labels": labels, "ownerReferences": controller_reference(owner)},
        "data": {"spec": {"template": data}}, "revision": last + 1,
    });
    // It fails only where the name is taken, and then the hash is all that is needed.
    let _ = create(state, "controllerrevisions", text(owner, "/metadata/namespace"), revision);
    forget(state, owner, &known);
    hash
}

fn forget(state: &mut State, owner: &Value, known: &[Arc<Value>]) {
    let limit = usize::try_from(number(owner, "/spec/revisionHistoryLimit")).unwrap_or(10);
    for revision in &known[..known.len().saturating_sub(limit)] {
        state.store.remove(&key_of("controllerrevisions", revision));
    }
}

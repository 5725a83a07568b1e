//! Owns create, update, patch and delete: the order of decoding, defaults, checks and storing.

use std::sync::Arc;

use serde_json::{Value, json};

use super::controllers::quota;
use super::defaults;
use super::failure::{Answer, Cause, Failure};
use super::kinds::Kind;
use super::managed::{self, Writer};
use super::patch;
use super::schema;
use super::state::State;
use super::store::{Key, canonical};
use super::validate;
use super::{clock, kinds};

/// How strictly unknown fields are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    Ignore,
    Warn,
    Strict,
}

/// What goes with every write.
#[derive(Debug)]
pub(super) struct Write<'a> {
    pub(super) kind: &'static Kind,
    pub(super) namespace: &'a str,
    pub(super) name: &'a str,
    pub(super) subresource: &'a str,
    pub(super) manager: &'a str,
    pub(super) dry_run: bool,
    pub(super) strictness: Strictness,
    /// What the answer warns of.
    pub(super) warnings: Vec<String>,
}

impl Write<'_> {
    fn key(&self) -> Key {
        Key::new(self.kind.plural, self.namespace, self.name)
    }

    fn writer(&self) -> Writer<'_> {
        Writer {
            manager: self.manager,
            subresource: self.subresource,
        }
    }

    /// The type that the body of this write has.
    fn shape(&self) -> &'static str {
        if self.subresource == "scale" {
            "Scale"
        } else {
            self.kind.kind
        }
    }

    /// Reads a body as its kind: drops unknown fields with a warning, or refuses them.
    fn read(&mut self, object: &mut Value) -> Result<(), String> {
        let reading = schema::read(self.shape(), object);
        if let Some(why) = reading.mismatch {
            return Err(why);
        }
        if reading.unknown.is_empty() || self.strictness == Strictness::Ignore {
            return Ok(());
        }
        let each: Vec<String> = reading
            .unknown
            .iter()
            .map(|field| format!("unknown field \"{field}\""))
            .collect();
        if self.strictness == Strictness::Strict {
            return Err(format!("strict decoding error: {}", each.join(", ")));
        }
        self.warnings.extend(each);
        Ok(())
    }

    fn read_body(&mut self, object: &mut Value) -> Answer<()> {
        let (kind, version) = (self.shape(), self.kind.api_version());
        self.read(object).map_err(|why| {
            let version = version.rsplit('/').next().unwrap_or_default();
            Failure::bad_request(&format!(
                "{kind} in version \"{version}\" cannot be handled as a {kind}: {why}"
            ))
        })
    }
}

/// Creates an object.
pub(super) fn create(state: &mut State, write: &mut Write, mut object: Value) -> Answer<Value> {
    let kind = write.kind;
    write.read_body(&mut object)?;
    let given = object["kind"].as_str().unwrap_or(kind.kind);
    if given != kind.kind {
        let message = format!(
            "{given} in version \"{}\" cannot be handled as a {}: no kind \"{given}\" is registered",
            kind.api_version(),
            kind.kind
        );
        return Err(Failure::bad_request(&message));
    }
    object["kind"] = kind.kind.into();
    object["apiVersion"] = kind.api_version().into();
    if kind.namespaced {
        same_namespace(&object, write.namespace)?;
        if state
            .store
            .get(&Key::new("namespaces", "", write.namespace))
            .is_none()
        {
            let namespaces = kinds::by_plural("namespaces").unwrap_or(kind);
            return Err(Failure::not_found(namespaces, write.namespace));
        }
    }
    if object["metadata"]["resourceVersion"]
        .as_str()
        .is_some_and(|version| !version.is_empty())
    {
        return Err(Failure::bad_request(
            "resourceVersion should not be set on objects to be created",
        ));
    }
    if let Value::Object(map) = &mut object
        && kind.subresources.contains(&"status")
    {
        map.shift_remove("status");
    }
    state.birth(kind, write.namespace, &mut object);
    defaults::apply(kind.kind, &mut object);
    if kind.kind == "Pod" {
        object["status"] = json!({"phase": "Pending", "qosClass": quality(&object)});
    }
    let name = object["metadata"]["name"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    let key = Key::new(kind.plural, write.namespace, &name);
    validate::check(kind, &object, None)?;
    if kind.kind == "Pod" {
        quota::admit(state, write.namespace, &name)?;
    }
    if state.store.get(&key).is_some() {
        return Err(Failure::already_exists(kind, &name));
    }
    managed::note(write.writer(), None, &mut object);
    if write.dry_run {
        return Ok(object);
    }
    Ok((*state.store.put(key, object)).clone())
}

/// How the kubelet would rank the pod under memory pressure; only "has limits or not" is told apart.
fn quality(pod: &Value) -> &'static str {
    let containers = pod["spec"]["containers"].as_array().into_iter().flatten();
    let bare = |container: &Value| {
        ["limits", "requests"].iter().all(|part| {
            container["resources"][*part]
                .as_object()
                .is_none_or(serde_json::Map::is_empty)
        })
    };
    if containers.into_iter().all(bare) {
        "BestEffort"
    } else {
        "Burstable"
    }
}

fn same_namespace(object: &Value, namespace: &str) -> Answer<()> {
    match object["metadata"]["namespace"].as_str() {
        Some(given) if !given.is_empty() && given != namespace => Err(Failure::bad_request(
            "the namespace of the provided object does not match the namespace sent on the request",
        )),
        _ => Ok(()),
    }
}

/// Replaces an object.
pub(super) fn replace(state: &mut State, write: &mut Write, mut object: Value) -> Answer<Value> {
    write.read_body(&mut object)?;
    let given = object["metadata"]["name"].as_str().unwrap_or_default();
    if given != write.name {
        return Err(Failure::bad_request(&format!(
            "the name of the object ({given}) does not match the name on the URL ({})",
            write.name
        )));
    }
    if write.kind.namespaced {
        same_namespace(&object, write.namespace)?;
    }
    let before = state
        .store
        .get(&write.key())
        .ok_or_else(|| Failure::not_found(write.kind, write.name))?;
    if write.subresource == "scale" {
        return store_scale(state, write, &before, &object);
    }
    store_update(state, write, &before, object)
}

/// The form of a patch, from its content type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    Json,
    Merge,
    Strategic,
}

/// Patches an object.
pub(super) fn patch(
    state: &mut State,
    write: &mut Write,
    form: Form,
    patch: &Value,
) -> Answer<Value> {
    let before = state
        .store
        .get(&write.key())
        .ok_or_else(|| Failure::not_found(write.kind, write.name))?;
    let scaled = write.subresource == "scale";
    let mut object = if scaled {
        scale_of(write.kind, &before)
    } else {
        (*before).clone()
    };
    match form {
        Form::Json => patch::json(&mut object, patch)?,
        Form::Merge => patch::merge(&mut object, patch),
        Form::Strategic => patch::strategic(write.shape(), &mut object, patch),
    }
    let result = object.clone();
    write
        .read(&mut object)
        .map_err(|why| Failure::unreadable_patch(&result, &why))?;
    if scaled {
        store_scale(state, write, &before, &object)
    } else {
        store_update(state, write, &before, object)
    }
}

fn store_update(
    state: &mut State,
    write: &Write,
    before: &Arc<Value>,
    mut object: Value,
) -> Answer<Value> {
    let kind = write.kind;
    unchanged_since_read(write, before, &object)?;
    let old = &before["metadata"];
    if let Some(uid) = object["metadata"]["uid"]
        .as_str()
        .filter(|uid| old["uid"] != *uid)
    {
        let shown = old["uid"].as_str().unwrap_or_default();
        let message = format!(
            "Operation cannot be fulfilled on {} \"{}\": Precondition failed: UID in precondition: {uid}, UID in object meta: {shown}",
            kind.qualified(),
            write.name
        );
        return Err(Failure::new(409, "Conflict", &message, None));
    }
    object["kind"] = kind.kind.into();
    object["apiVersion"] = kind.api_version().into();
    let metadata = defaults::entry(&mut object, "metadata");
    for own in [
        "name",
        "namespace",
        "uid",
        "creationTimestamp",
        "generation",
        "deletionTimestamp",
    ] {
        match &old[own] {
            Value::Null => {
                if let Value::Object(map) = metadata {
                    map.shift_remove(own);
                }
            }
            value => metadata[own] = value.clone(),
        }
    }
    if kind.subresources.contains(&"status") {
        if write.subresource == "status" {
            let (status, annotations) = (
                object["status"].clone(),
                object["metadata"]["annotations"].clone(),
            );
            object = (**before).clone();
            object["status"] = status;
            if !annotations.is_null() {
                object["metadata"]["annotations"] = annotations;
            }
        } else {
            match before.get("status") {
                Some(status) => object["status"] = status.clone(),
                None => {
                    if let Value::Object(map) = &mut object {
                        map.shift_remove("status");
                    }
                }
            }
        }
    }
    defaults::apply(kind.kind, &mut object);
    validate::check(kind, &object, Some(before))?;
    let annotated =
        kind.kind == "Deployment" && object["metadata"]["annotations"] != old["annotations"];
    if kind.counted()
        && write.subresource != "status"
        && (object["spec"] != before["spec"] || annotated)
    {
        object["metadata"]["generation"] = (old["generation"].as_i64().unwrap_or(0) + 1).into();
    }
    // The caller's copy of these is never taken, or reading and writing an object back would change it.
    object["metadata"]["resourceVersion"] = old["resourceVersion"].clone();
    object["metadata"]["managedFields"] = old["managedFields"].clone();
    if canonical(&object) == canonical(before) || is_same(&object, before) {
        return Ok((**before).clone());
    }
    managed::note(write.writer(), Some(before), &mut object);
    if write.dry_run {
        return Ok(object);
    }
    let key = write.key();
    // The last finalizer of a terminating object is gone: so is the object.
    let waiting = |object: &Value| {
        object["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|list| !list.is_empty())
    };
    if !object["metadata"]["deletionTimestamp"].is_null()
        && waiting(before)
        && !waiting(&object)
        && kind.kind != "Pod"
    {
        state.store.put(key.clone(), object.clone());
        state.store.remove(&key);
        return Ok(object);
    }
    Ok((*state.store.put(key, object)).clone())
}

fn is_same(object: &Value, before: &Value) -> bool {
    let mut object = object.clone();
    if before["metadata"].get("managedFields").is_none()
        && let Some(map) = object["metadata"].as_object_mut()
    {
        map.shift_remove("managedFields");
    }
    object == *before
}

/// Refuses a write that was made from an older state of the object.
fn unchanged_since_read(write: &Write, before: &Value, object: &Value) -> Answer<()> {
    let given = object["metadata"]["resourceVersion"]
        .as_str()
        .unwrap_or_default();
    if given.is_empty() || given == "0" {
        if write.kind.kind == "Lease" {
            let cause = Cause::invalid(
                "metadata.resourceVersion",
                "0",
                "must be specified for an update",
            );
            return Err(Failure::invalid_resource(write.kind, write.name, &[cause]));
        }
        return Ok(());
    }
    if before["metadata"]["resourceVersion"] == given {
        return Ok(());
    }
    Err(Failure::stale(write.kind, write.name))
}

/// The `Scale` of a workload.
pub(super) fn scale_of(kind: &Kind, object: &Value) -> Value {
    let metadata = &object["metadata"];
    let selector: Vec<String> = object["spec"]["selector"]["matchLabels"]
        .as_object()
        .into_iter()
        .flatten()
        .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
        .collect();
    let mut scale = json!({
        "kind": "Scale", "apiVersion": "autoscaling/v1",
        "metadata": {"name": metadata["name"], "namespace": metadata["namespace"], "uid": metadata["uid"],
                     "resourceVersion": metadata["resourceVersion"], "creationTimestamp": metadata["creationTimestamp"]},
        "spec": {}, "status": {"replicas": object["status"]["replicas"].as_i64().unwrap_or(0)},
    });
    debug_assert!(kind.subresources.contains(&"scale"));
    if let Some(replicas) = object["spec"]["replicas"]
        .as_i64()
        .filter(|replicas| *replicas != 0)
    {
        scale["spec"]["replicas"] = replicas.into();
    }
    if !selector.is_empty() {
        scale["status"]["selector"] = selector.join(",").into();
    }
    scale
}

fn store_scale(
    state: &mut State,
    write: &mut Write,
    before: &Arc<Value>,
    scale: &Value,
) -> Answer<Value> {
    unchanged_since_read(write, before, scale)?;
    let replicas = scale["spec"]["replicas"].as_i64().unwrap_or(0);
    if replicas < 0 {
        let cause = Cause::invalid(
            "spec.replicas",
            &replicas.to_string(),
            "must be greater than or equal to 0",
        );
        return Err(Failure::invalid(write.kind, write.name, &[cause]));
    }
    let mut object = (**before).clone();
    object["spec"]["replicas"] = replicas.into();
    let stored = store_update(state, write, before, object)?;
    Ok(scale_of(write.kind, &stored))
}

/// Deletes an object; `options` are the `DeleteOptions` of the request.
pub(super) fn delete(state: &mut State, write: &Write, options: &Value) -> Answer<Value> {
    let (kind, key) = (write.kind, write.key());
    let object = state
        .store
        .get(&key)
        .ok_or_else(|| Failure::not_found(kind, write.name))?;
    let asked = &options["preconditions"];
    for (field, what) in [("uid", "UID"), ("resourceVersion", "ResourceVersion")] {
        let found = object["metadata"][field].as_str().unwrap_or_default();
        if let Some(wanted) = asked[field].as_str().filter(|wanted| *wanted != found) {
            return Err(Failure::precondition(kind, write.name, what, wanted, found));
        }
    }
    let gone = if kind.kind == "Namespace" {
        return Err(Failure::unimplemented("the deletion of namespaces"));
    } else if write.dry_run {
        (*object).clone()
    } else {
        if options["propagationPolicy"] == "Orphan" || options["orphanDependents"] == true {
            orphan(state, &object);
        }
        let waiting = object["metadata"]["finalizers"]
            .as_array()
            .is_some_and(|list| !list.is_empty());
        let now = kind.kind != "Pod" || options["gracePeriodSeconds"] == 0;
        if waiting || !now {
            (*terminate(state, &key, &object)).clone()
        } else {
            state
                .store
                .remove(&key)
                .map_or(Value::Null, |last| (*last).clone())
        }
    };
    // These answer with the object itself, all others with a status.
    if matches!(
        kind.kind,
        "Pod" | "ResourceQuota" | "Service" | "ServiceAccount"
    ) {
        return Ok(gone);
    }
    let mut details = json!({"name": write.name, "group": kind.group, "kind": kind.plural,
                             "uid": object["metadata"]["uid"]});
    if kind.group.is_empty()
        && let Value::Object(map) = &mut details
    {
        map.shift_remove("group");
    }
    Ok(
        json!({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}),
    )
}

/// Marks an object as terminating; who holds it lets it go later.
pub(super) fn terminate(state: &mut State, key: &Key, object: &Arc<Value>) -> Arc<Value> {
    if !object["metadata"]["deletionTimestamp"].is_null() {
        return object.clone();
    }
    let mut object = (**object).clone();
    let grace = object["spec"]["terminationGracePeriodSeconds"]
        .as_u64()
        .unwrap_or(0);
    object["metadata"]["deletionTimestamp"] = clock::format(clock::seconds() + grace).into();
    object["metadata"]["deletionGracePeriodSeconds"] = grace.into();
    state.store.put(key.clone(), object)
}

/// Cuts the dependents of an object loose, so that they outlive it.
fn orphan(state: &mut State, owner: &Value) {
    for kind in kinds::KINDS {
        let found: Vec<(Key, Arc<Value>)> = state
            .store
            .range(kind.plural, "")
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect();
        for (key, object) in found {
            let mut object = (*object).clone();
            let Some(owners) = object["metadata"]
                .get_mut("ownerReferences")
                .and_then(Value::as_array_mut)
            else {
                continue;
            };
            owners.retain(|reference| reference["uid"] != owner["metadata"]["uid"]);
            if owners.is_empty()
                && let Some(map) = object["metadata"].as_object_mut()
            {
                map.shift_remove("ownerReferences");
            }
            state.store.put(key, object);
        }
    }
}

//! Owns create, update, patch and delete: the order of decoding, defaults, checks and storing.

use serde_json::{Value, json};

use super::admission;
use super::defaults;
use super::failure::{Answer, Failure};
use super::fields::Fields;
use super::kinds;
use super::kinds::Kind;
use super::managed::{self, Writer};
use super::patch;
use super::scale::{scale_of, store_scale};
use super::schema;
use super::state::State;
use super::store::Key;
use super::update::store_update;
use super::validate;

/// How strictly unknown fields are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Strictness {
    Ignore,
    Warn,
    Strict,
    /// The server wrote the object itself; there is nothing to be read.
    Own,
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
    /// What a server-side apply names.
    pub(super) applied: Option<Fields>,
    /// The caller changes who owns which fields.
    pub(super) moves_owners: bool,
    /// What the answer warns of.
    pub(super) warnings: Vec<String>,
}

impl<'a> Write<'a> {
    /// A write of a whole object, for real.
    pub(super) fn new(
        kind: &'static Kind,
        namespace: &'a str,
        name: &'a str,
        manager: &'a str,
        strictness: Strictness,
    ) -> Write<'a> {
        Write {
            kind,
            namespace,
            name,
            subresource: "",
            manager,
            dry_run: false,
            strictness,
            applied: None,
            moves_owners: false,
            warnings: Vec::new(),
        }
    }
}

impl Write<'_> {
    pub(super) fn key(&self) -> Key {
        Key::new(self.kind.plural, self.namespace, self.name)
    }

    pub(super) fn writer(&self) -> Writer<'_> {
        Writer { applied: self.applied.as_ref(), ..Writer::new(self.manager, self.subresource) }
    }

    /// The type that the body of this write has.
    fn shape(&self) -> &'static str {
        if self.subresource == "scale" { "Scale" } else { self.kind.kind }
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
        let each: Vec<String> =
            reading.unknown.iter().map(|field| format!("unknown field \"{field}\"")).collect();
        if self.strictness == Strictness::Strict {
            return Err(format!("strict decoding error: {}", each.join(", ")));
        }
        self.warnings.extend(each);
        Ok(())
    }

    pub(super) fn read_body(&mut self, object: &mut Value) -> Answer<()> {
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
    if write.strictness != Strictness::Own {
        write.read_body(&mut object)?;
    }
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
        if state.store.get(&Key::new("namespaces", "", write.namespace)).is_none() {
            let namespaces = kinds::by_plural("namespaces").unwrap_or(kind);
            return Err(Failure::not_found(namespaces, write.namespace));
        }
    }
    if object["metadata"]["resourceVersion"].as_str().is_some_and(|version| !version.is_empty()) {
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
    if kind.kind == "DaemonSet" {
        defaults::count_template(&mut object, None);
    }
    if kind.kind == "Pod" {
        object["status"] = json!({"phase": "Pending", "qosClass": quality(&object)});
    }
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let key = Key::new(kind.plural, write.namespace, &name);
    admission::admit(state, kind, write.namespace, &mut object, true)?;
    validate::check(kind, &object, None)?;
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
            container["resources"][*part].as_object().is_none_or(serde_json::Map::is_empty)
        })
    };
    if containers.into_iter().all(bare) { "BestEffort" } else { "Burstable" }
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
    let before =
        state.store.get(&write.key()).ok_or_else(|| Failure::not_found(write.kind, write.name))?;
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
    let before =
        state.store.get(&write.key()).ok_or_else(|| Failure::not_found(write.kind, write.name))?;
    let scaled = write.subresource == "scale";
    let mut object = if scaled { scale_of(write.kind, &before) } else { (*before).clone() };
    match form {
        Form::Json => patch::json(&mut object, patch)?,
        Form::Merge => patch::merge(&mut object, patch),
        Form::Strategic => patch::strategic(write.shape(), &mut object, patch),
    }
    // kubectl moves what it owned as a client-side applier to the server-side one. One empty entry
    // takes all notes away.
    let owners = &object["metadata"]["managedFields"];
    write.moves_owners = *owners == json!([{}])
        || form == Form::Json && *owners != before["metadata"]["managedFields"];
    let result = object.clone();
    write.read(&mut object).map_err(|why| Failure::unreadable_patch(&result, &why))?;
    if scaled {
        store_scale(state, write, &before, &object)
    } else {
        store_update(state, write, &before, object)
    }
}

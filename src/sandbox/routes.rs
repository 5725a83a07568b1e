//! Owns the way from a request to its answer: paths, verbs, access, and the form of the answer.

use std::time::Duration;

use serde_json::{Value, json};

use super::access::Asked;
use super::apply;
use super::delete;
use super::discovery;
use super::failure::{Answer, Failure};
use super::kinds::{self, Kind};
use super::logs;
use super::operations::{self, Form, Strictness, Write};
use super::protobuf;
use super::scale;
use super::selector::Selector;
use super::state::State;
use super::store::{Key, list_of};
use super::table;
use super::watch::Watch;

/// A request, read whole.
#[derive(Debug, Default)]
pub(super) struct Request {
    pub(super) method: String,
    pub(super) path: String,
    pub(super) query: Vec<(String, String)>,
    pub(super) user: String,
    pub(super) accept: String,
    pub(super) content_type: String,
    pub(super) agent: String,
    pub(super) body: Vec<u8>,
}

impl Request {
    /// A query parameter, empty if it is not there.
    pub(super) fn param(&self, name: &str) -> &str {
        self.query.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    fn flag(&self, name: &str) -> bool {
        matches!(self.param(name), "true" | "1")
    }

    fn wants_metadata(&self) -> bool {
        self.accept.contains("as=PartialObjectMetadata;")
    }

    fn wants_table(&self) -> bool {
        self.accept.contains("as=Table")
    }
}

/// An answer.
#[derive(Debug)]
pub(super) enum Reply {
    Json { code: u16, body: Value, content_type: &'static str, warnings: Vec<String> },
    Text { code: u16, body: String },
    Protobuf { body: Vec<u8>, content_type: &'static str },
    Watch(Box<Watch>),
}

impl Reply {
    pub(super) fn json(code: u16, body: Value) -> Reply {
        Reply::Json { code, body, content_type: "application/json", warnings: Vec::new() }
    }

    pub(super) fn code(&self) -> u16 {
        match self {
            Reply::Json { code, .. } | Reply::Text { code, .. } => *code,
            Reply::Protobuf { .. } | Reply::Watch(_) => 200,
        }
    }
}

/// Answers a request. What is not implemented is counted, so that a test can fail for it.
pub(super) fn answer(state: &mut State, request: &Request) -> Reply {
    let reply = route(state, request).unwrap_or_else(|failure| match *failure.body {
        Value::String(body) => Reply::Text { code: failure.code, body },
        body => Reply::json(failure.code, body),
    });
    if reply.code() == 501 {
        state.unimplemented.push(format!("{} {}", request.method, request.path));
    }
    reply
}

fn route(state: &mut State, request: &Request) -> Answer<Reply> {
    let parts: Vec<&str> = request.path.split('/').filter(|part| !part.is_empty()).collect();
    let (group, rest) = match parts.as_slice() {
        ["api", "v1", rest @ ..] if !rest.is_empty() => ("", rest),
        ["apis", group, "v1", rest @ ..] if !rest.is_empty() => (*group, rest),
        _ => {
            return if request.method == "GET" {
                discovery::answer(&parts, &request.accept, &state.lost)
            } else {
                Err(Failure::no_such_path())
            };
        }
    };
    let (namespace, rest) = match rest {
        // A namespace is an object too, and its own path says so.
        ["namespaces", namespace, resource, rest @ ..]
            if !matches!(*resource, "status" | "finalize") =>
        {
            (*namespace, [&[*resource], rest].concat())
        }
        _ => ("", rest.to_vec()),
    };
    let (resource, name, subresource) = match rest.as_slice() {
        [resource] => (*resource, "", ""),
        [resource, name] => (*resource, *name, ""),
        [resource, name, subresource] => (*resource, *name, *subresource),
        _ => return Err(unserved(request)),
    };
    if !kinds::has_group(group) {
        return Err(Failure::no_such_path());
    }
    let kind = kinds::KINDS.iter().find(|kind| kind.group == group && kind.plural == resource);
    let Some(kind) = kind else {
        return Err(Failure::unknown_resource());
    };
    if !subresource.is_empty() && !kind.subresources.contains(&subresource) {
        return Err(unserved(request));
    }
    let watching = request.flag("watch");
    let verb = match (request.method.as_str(), name.is_empty()) {
        ("GET", true) if watching => "watch",
        ("GET", true) => "list",
        ("GET", false) => "get",
        ("POST", true) => "create",
        ("PUT", false) => "update",
        ("PATCH", false) => "patch",
        ("DELETE", false) => "delete",
        ("DELETE", true) => "deletecollection",
        _ => return Err(Failure::method_not_allowed()),
    };
    // The API server reads the name of a namespace as the namespace of the request, too.
    let place = if kind.plural == "namespaces" { name } else { namespace };
    let asked = Asked { verb, group, resource, subresource, namespace: place, name };
    state.access.check(&request.user, kind, &asked)?;
    let target = Target { kind, namespace, name, subresource };
    match verb {
        "list" => list(state, request, &target),
        "watch" => watch(state, request, &target),
        "get" => get(state, request, &target),
        _ => write(state, request, &target, verb),
    }
}

fn unserved(request: &Request) -> Failure {
    Failure::unimplemented(&format!("{} {}", request.method, request.path))
}

/// What a path names.
struct Target<'a> {
    kind: &'static Kind,
    namespace: &'a str,
    name: &'a str,
    subresource: &'a str,
}

fn selector(request: &Request) -> Answer<Selector> {
    Selector::parse(request.param("labelSelector"), request.param("fieldSelector"))
}

fn list(state: &State, request: &Request, target: &Target) -> Answer<Reply> {
    if target.kind.review {
        return Err(Failure::method_not_allowed());
    }
    let selector = selector(request)?;
    if request.wants_metadata() {
        return Err(Failure::unimplemented("lists of metadata"));
    }
    let mut items = state.store.list(target.kind.plural, target.namespace);
    items.retain(|item| selector.matches(item));
    let version = state.store.version();
    if request.wants_table() {
        let mut table = table::table(target.kind, &items);
        table["metadata"] = json!({"resourceVersion": version.to_string()});
        return Ok(Reply::json(200, table));
    }
    Ok(Reply::json(200, list_of(target.kind, version, &items)))
}

fn watch(state: &State, request: &Request, target: &Target) -> Answer<Reply> {
    let seconds: u64 = request.param("timeoutSeconds").parse().unwrap_or(1800);
    let watch = Watch::open(
        &state.store,
        target.kind,
        target.namespace,
        selector(request)?,
        request.param("resourceVersion"),
        request.flag("allowWatchBookmarks"),
        request.flag("sendInitialEvents"),
        Duration::from_secs(seconds),
    )?;
    Ok(Reply::Watch(Box::new(if request.wants_table() { watch.into_table() } else { watch })))
}

fn get(state: &State, request: &Request, target: &Target) -> Answer<Reply> {
    let key = Key::new(target.kind.plural, target.namespace, target.name);
    let object =
        state.store.get(&key).ok_or_else(|| Failure::not_found(target.kind, target.name))?;
    match target.subresource {
        "log" => logs::answer(state, &object, &|name| request.param(name).to_owned()),
        "scale" => Ok(Reply::json(200, scale::scale_of(target.kind, &object))),
        _ if request.wants_table() => {
            let mut table = table::table(target.kind, std::slice::from_ref(&object));
            table["metadata"] = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
            Ok(Reply::json(200, table))
        }
        _ if request.wants_metadata() => Ok(Reply::json(
            200,
            json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1",
                   "metadata": object["metadata"]}),
        )),
        _ => Ok(Reply::json(200, (*object).clone())),
    }
}

fn write(state: &mut State, request: &Request, target: &Target, verb: &str) -> Answer<Reply> {
    let strictness = match request.param("fieldValidation") {
        "Strict" => Strictness::Strict,
        "Ignore" => Strictness::Ignore,
        _ => Strictness::Warn,
    };
    let manager = match request.param("fieldManager") {
        "" => request.agent.split('/').next().unwrap_or_default(),
        manager => manager,
    };
    let (kind, namespace, name) = (target.kind, target.namespace, target.name);
    let mut write = Write {
        subresource: target.subresource,
        dry_run: request.param("dryRun") == "All",
        ..Write::new(kind, namespace, name, manager, strictness)
    };
    let (code, body) = match verb {
        "create" if target.kind.review => {
            let review = state.access.review(&request.user, target.kind, &body(request)?);
            (201, review)
        }
        "create" => (201, operations::create(state, &mut write, body(request)?)?),
        "update" => (200, operations::replace(state, &mut write, body(request)?)?),
        "patch" if content_type(request) == "application/apply-patch+yaml" => {
            if request.param("fieldManager").is_empty() {
                return Err(Failure::no_manager());
            }
            apply::apply(state, &mut write, body(request)?, request.flag("force"))?
        }
        "patch" => {
            let form = match content_type(request) {
                "application/json-patch+json" => Form::Json,
                "application/merge-patch+json" => Form::Merge,
                "application/strategic-merge-patch+json" => Form::Strategic,
                other => {
                    let message = format!(
                        "the body of the request was in an unknown format - accepted media types include: application/json-patch+json, application/merge-patch+json, application/apply-patch+yaml, application/strategic-merge-patch+json, application/apply-patch+cbor; got {other}"
                    );
                    return Err(Failure::new(415, "UnsupportedMediaType", &message, None));
                }
            };
            (200, operations::patch(state, &mut write, form, &body(request)?)?)
        }
        "delete" => {
            let options = delete_options(request, &mut write)?;
            (200, delete::delete(state, &write, &options)?)
        }
        _ => {
            let options = delete_options(request, &mut write)?;
            (200, delete_all(state, request, target, &write, &options)?)
        }
    };
    if request.wants_table()
        && body["kind"] != "Status"
        && !target.kind.review
        && target.subresource != "scale"
    {
        return Ok(Reply::json(code, table::table(target.kind, &[body.into()])));
    }
    Ok(Reply::Json { code, body, content_type: "application/json", warnings: write.warnings })
}

fn content_type(request: &Request) -> &str {
    request.content_type.split(';').next().unwrap_or_default().trim()
}

fn delete_options(request: &Request, write: &mut Write) -> Answer<Value> {
    let mut options = if request.body.is_empty() { json!({}) } else { body(request)? };
    if options["dryRun"].as_array().is_some_and(|list| list.iter().any(|item| item == "All")) {
        write.dry_run = true;
    }
    if !request.param("propagationPolicy").is_empty() {
        options["propagationPolicy"] = request.param("propagationPolicy").into();
    }
    if let Ok(seconds) = request.param("gracePeriodSeconds").parse::<u64>() {
        options["gracePeriodSeconds"] = seconds.into();
    }
    Ok(options)
}

fn delete_all(
    state: &mut State,
    request: &Request,
    target: &Target,
    like: &Write,
    options: &Value,
) -> Answer<Value> {
    let selector = selector(request)?;
    let mut items = state.store.list(target.kind.plural, target.namespace);
    items.retain(|item| selector.matches(item));
    for item in &items {
        let namespace = item["metadata"]["namespace"].as_str().unwrap_or_default();
        let name = item["metadata"]["name"].as_str().unwrap_or_default();
        let write = Write {
            dry_run: like.dry_run,
            ..Write::new(target.kind, namespace, name, like.manager, like.strictness)
        };
        delete::delete(state, &write, options)?;
    }
    Ok(list_of(target.kind, state.store.version(), &items))
}

fn body(request: &Request) -> Answer<Value> {
    if request.content_type.starts_with("application/vnd.kubernetes.protobuf") {
        return protobuf::decode(&request.body).map_err(|why| Failure::unimplemented(&why));
    }
    serde_json::from_slice(&request.body)
        .map_err(|why| Failure::bad_request(&format!("the object provided is unrecognized: {why}")))
}

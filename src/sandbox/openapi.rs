//! Owns the description of the API, `OpenAPI` 2 and 3: the shapes of the served kinds, how patches merge them, and
//! which parameters the writes take. kubectl explains, validates and merges by it.

use serde_json::{Map, Value, json};

use super::fields;
use super::gnostic;
use super::kinds::{KINDS, Kind};
use super::routes::Reply;
use super::schema::{self, Field, Shape};

/// Which of the two forms is written.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Form {
    Two,
    Three,
}

impl Form {
    fn reference(self, name: &str) -> Value {
        let place = match self {
            Form::Two => "#/definitions/",
            Form::Three => "#/components/schemas/",
        };
        json!(format!("{place}{}", full_name(name)))
    }
}

/// The version of the API that is described.
pub(super) const VERSION: &str = "v1.36.2";

/// What every write takes.
pub(super) const PARAMETERS: [&str; 3] = ["dryRun", "fieldManager", "fieldValidation"];

/// Version 2: everything in one document, which older clients want as protobuf.
pub(super) fn version_two(accept: &str) -> Reply {
    if accept.contains("protobuf") && !accept.contains("json") && !accept.contains("*/*") {
        return Reply::Protobuf { body: gnostic::document(), content_type: gnostic::TYPE };
    }
    let mut all = Map::new();
    for kind in KINDS {
        paths(Form::Two, kind, &mut all);
    }
    Reply::json(
        200,
        json!({"swagger": "2.0", "info": {"title": "Kubernetes", "version": VERSION},
               "paths": all, "definitions": definitions(Form::Two)}),
    )
}

/// Version 3: one document for each group.
pub(super) fn version_three(group: &str) -> Value {
    let mut all = Map::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group) {
        paths(Form::Three, kind, &mut all);
    }
    json!({
        "openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION},
        "paths": all, "components": {"schemas": definitions(Form::Three)},
    })
}

/// The writes of a kind.
fn paths(form: Form, kind: &Kind, all: &mut Map<String, Value>) {
    let parameters: Vec<Value> = PARAMETERS
        .iter()
        .map(|name| match form {
            Form::Two => {
                json!({"name": name, "in": "query", "type": "string", "uniqueItems": true})
            }
            Form::Three => json!({"name": name, "in": "query",
                                  "schema": {"type": "string", "uniqueItems": true}}),
        })
        .collect();
    let operation = |action: &str, types: &[&str]| {
        let mut operation = json!({
            "x-kubernetes-action": action, "parameters": parameters, "responses": {},
            "x-kubernetes-group-version-kind": version_of(kind),
        });
        match form {
            Form::Two => operation["consumes"] = json!(types),
            Form::Three => {
                let content: Map<String, Value> =
                    types.iter().map(|name| ((*name).to_owned(), json!({"schema": {}}))).collect();
                operation["requestBody"] = json!({"content": content, "required": true});
            }
        }
        operation
    };
    let patches = [
        "application/json-patch+json",
        "application/merge-patch+json",
        "application/strategic-merge-patch+json",
        "application/apply-patch+yaml",
    ];
    let list = list_path(kind);
    if !kind.review {
        all.insert(
            format!("{list}/{{name}}"),
            json!({"put": operation("put", &["*/*"]), "patch": operation("patch", &patches)}),
        );
    }
    all.insert(list, json!({"post": operation("post", &["*/*"])}));
}

/// The path of all objects of a kind.
pub(super) fn list_path(kind: &Kind) -> String {
    let root = if kind.group.is_empty() {
        "/api/v1".to_owned()
    } else {
        format!("/apis/{}/v1", kind.group)
    };
    let place = if kind.namespaced { "/namespaces/{namespace}" } else { "" };
    format!("{root}{place}/{}", kind.plural)
}

fn version_of(kind: &Kind) -> Value {
    json!({"group": kind.group, "version": "v1", "kind": kind.kind})
}

/// The name of a type among all.
fn full_name(name: &str) -> String {
    let starts = |words: &[&str]| words.iter().any(|word| name.starts_with(word));
    let package = if starts(&["ObjectMeta", "ListMeta", "OwnerReference", "LabelSelector"]) {
        "io.k8s.apimachinery.pkg.apis.meta"
    } else if starts(&[
        "Deployment",
        "ReplicaSet",
        "StatefulSet",
        "DaemonSet",
        "RollingUpdate",
        "ControllerRevision",
    ]) {
        "io.k8s.api.apps"
    } else if starts(&["Lease"]) {
        "io.k8s.api.coordination"
    } else if starts(&["SelfSubject"]) {
        "io.k8s.api.authorization"
    } else {
        "io.k8s.api.core"
    };
    format!("{package}.v1.{name}")
}

fn definitions(form: Form) -> Value {
    let mut all = Map::new();
    for (name, fields) in schema::types() {
        let mut properties = Map::new();
        let kind = KINDS.iter().find(|kind| kind.kind == name);
        if kind.is_some() {
            for part in ["apiVersion", "kind"] {
                properties.insert(part.to_owned(), json!({"type": "string"}));
            }
        }
        all_fields(form, fields, &mut properties);
        let mut schema = json!({"type": "object", "properties": properties});
        if let Some(kind) = kind {
            schema["x-kubernetes-group-version-kind"] = json!([version_of(kind)]);
        }
        all.insert(full_name(name), schema);
    }
    all.into()
}

fn all_fields(form: Form, fields: &[Field], properties: &mut Map<String, Value>) {
    for field in fields {
        if let (true, Shape::Object(inner)) = (field.inline, &field.shape) {
            all_fields(form, schema::fields(inner).unwrap_or_default(), properties);
            continue;
        }
        let mut described = describe(form, &field.shape);
        // What is given replaces its siblings: one volume has one source.
        match field.name {
            "volumes" => described["x-kubernetes-patch-strategy"] = "merge,retainKeys".into(),
            "strategy" => described["x-kubernetes-patch-strategy"] = "retainKeys".into(),
            _ => {}
        }
        properties.insert(field.name.to_owned(), described);
    }
}

fn describe(form: Form, shape: &Shape) -> Value {
    match shape {
        Shape::Text | Shape::Quantity => json!({"type": "string"}),
        Shape::Int32 => json!({"type": "integer", "format": "int32"}),
        Shape::Int64 => json!({"type": "integer", "format": "int64"}),
        Shape::Bool => json!({"type": "boolean"}),
        Shape::Bytes => json!({"type": "string", "format": "byte"}),
        Shape::Time => json!({"type": "string", "format": "date-time"}),
        Shape::IntOrString if form == Form::Two => {
            json!({"type": "string", "format": "int-or-string"})
        }
        Shape::IntOrString => {
            json!({"format": "int-or-string", "oneOf": [{"type": "integer"}, {"type": "string"}]})
        }
        Shape::Any => json!({}),
        Shape::Map(inner) => {
            json!({"type": "object", "additionalProperties": describe(form, inner)})
        }
        Shape::List(inner) => json!({
            "type": "array", "items": describe(form, inner), "x-kubernetes-list-type": "atomic",
        }),
        Shape::Set(inner) => json!({
            "type": "array", "items": describe(form, inner), "x-kubernetes-list-type": "set",
            "x-kubernetes-patch-strategy": "merge",
        }),
        Shape::Keyed(name, key) => {
            let named = fields::key_of(name, key, &Value::Null);
            let keys: Vec<&String> = named.as_object().into_iter().flat_map(Map::keys).collect();
            json!({
                "type": "array", "items": describe(form, &Shape::Object(name.clone())),
                "x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": keys,
                "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": key,
            })
        }
        Shape::Object(name) => match form {
            Form::Two => json!({"$ref": form.reference(name)}),
            Form::Three => json!({"allOf": [{"$ref": form.reference(name)}], "default": {}}),
        },
    }
}

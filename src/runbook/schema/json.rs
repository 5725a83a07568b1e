//! The JSON Schema of the two kinds of file, made from the table.

use serde_json::{Map, Value, json};

use super::{Holds, Keys, METHODS, OBJECTS, Object, RUNBOOK, SETTINGS, Type, WATCHING};

/// The schema of a runbook.
pub fn runbook() -> Value {
    document(&RUNBOOK)
}

/// The schema of `rollback.yaml`.
pub fn settings() -> Value {
    document(&SETTINGS)
}

/// The schema of `triggers.yaml`.
pub fn triggers() -> Value {
    document(&WATCHING)
}

fn document(root: &Object) -> Value {
    let mut used = Vec::new();
    reach(root, &mut used);
    let mut definitions = Map::new();
    for object in OBJECTS.iter().filter(|object| used.contains(&object.name)) {
        if object.name != root.name {
            definitions.insert(object.name.to_owned(), schema(object));
        }
    }
    let mut value = json!({ "$schema": "https://json-schema.org/draft/2020-12/schema" });
    merge(&mut value, schema(root));
    merge(&mut value, json!({ "$defs": definitions }));
    value
}

fn merge(into: &mut Value, from: Value) {
    if let (Value::Object(into), Value::Object(from)) = (into, from) {
        into.extend(from);
    }
}

/// The names of the objects that can be reached from one.
fn reach(object: &Object, used: &mut Vec<&'static str>) {
    if used.contains(&object.name) {
        return;
    }
    used.push(object.name);
    for key in object.keys {
        reach_type(&key.ty, used);
    }
}

fn reach_type(ty: &Type, used: &mut Vec<&'static str>) {
    match ty {
        Type::List(inner) | Type::OneOrList(inner) | Type::Map(_, inner) => reach_type(inner, used),
        Type::Object(object) | Type::OneOf(object) => reach(object, used),
        Type::Short(_, inner, object) => {
            reach_type(inner, used);
            if let Some(object) = object {
                reach(object, used);
            }
        }
        _ => {}
    }
}

fn schema(object: &Object) -> Value {
    let mut properties = Map::new();
    let mut beside = Map::new();
    for key in object.keys {
        let mut property = type_schema(&key.ty);
        let doc = match key.default {
            "" => key.doc.to_owned(),
            default => format!("{} Default: {default}.", key.doc),
        };
        merge(&mut property, json!({ "description": doc }));
        properties.insert(key.name.to_owned(), property);
        if !key.beside.is_empty() {
            let any: Vec<Value> =
                key.beside.iter().map(|name| json!({ "required": [name] })).collect();
            beside.insert(key.name.to_owned(), json!({ "anyOf": any }));
        }
    }
    let required: Vec<&str> =
        object.keys.iter().filter(|key| key.required).map(|key| key.name).collect();
    let mut value = json!({
        "title": object.name,
        "description": object.doc,
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    });
    if !required.is_empty() {
        merge(&mut value, json!({ "required": required }));
    }
    if !object.one_of.is_empty() {
        let one: Vec<Value> =
            object.one_of.iter().map(|name| json!({ "required": [name] })).collect();
        merge(&mut value, json!({ "oneOf": one }));
    }
    if object.name == super::METHOD.name {
        let any = json!([{ "required": ["steps"] }, { "required": ["not_ready"] }]);
        merge(&mut value, json!({ "anyOf": any }));
    }
    if !beside.is_empty() {
        merge(&mut value, json!({ "dependentSchemas": beside }));
    }
    value
}

fn type_schema(ty: &Type) -> Value {
    // YAML reads `8080` and `true` as more than text; as a text they are taken as written.
    let scalar = json!({ "type": ["string", "number", "boolean"] });
    match ty {
        Type::Text(Holds::Nothing | Holds::Names | Holds::Secrets) | Type::Word => scalar,
        Type::Path | Type::Script | Type::Flag => json!({ "type": "string" }),
        Type::Url => json!({ "type": "string", "pattern": r"^(https?://|\$\{)" }),
        Type::Name => json!({ "type": "string", "pattern": "^[a-z0-9-]{1,63}$" }),
        Type::Bool => json!({ "type": "boolean" }),
        Type::Number(from, to) => json!({ "type": "integer", "minimum": from, "maximum": to }),
        Type::Date => json!({"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"}),
        Type::Decimal => json!({ "type": "number" }),
        Type::Duration => {
            json!({ "type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?$" })
        }
        Type::Bound => {
            json!({ "type": "string", "pattern": "^ *(>=|<=|==|>|<) *-?[0-9.]+ *(%|s|ms|m|min)?$" })
        }
        Type::Choice(words) => json!({ "enum": words }),
        Type::Workload => json!({
            "type": "string",
            "pattern": "^(deployments?|deploy|statefulsets?|sts|daemonsets?|ds)/.+$",
        }),
        Type::Json => json!({}),
        Type::List(inner) => {
            json!({ "type": "array", "minItems": 1, "items": type_schema(inner) })
        }
        Type::OneOrList(inner) => {
            let one = type_schema(inner);
            json!({ "anyOf": [one, { "type": "array", "minItems": 1, "items": one }] })
        }
        Type::Map(keys, inner) => {
            let names = match keys {
                Keys::Method => json!({ "enum": METHODS }),
                keys => json!({ "pattern": keys.pattern() }),
            };
            json!({
                "type": "object",
                "minProperties": 1,
                "propertyNames": names,
                "additionalProperties": type_schema(inner),
            })
        }
        Type::Object(object) | Type::OneOf(object) => {
            json!({ "$ref": format!("#/$defs/{}", object.name) })
        }
        Type::Short(_, inner, None) => type_schema(inner),
        Type::Short(_, inner, Some(object)) => json!({
            "anyOf": [type_schema(inner), { "$ref": format!("#/$defs/{}", object.name) }],
        }),
    }
}

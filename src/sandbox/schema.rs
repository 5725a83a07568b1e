//! Owns the shapes of the served kinds: which fields there are, of what type, and how patches merge their lists.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde_json::{Map, Value};

/// What a field may hold.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Shape {
    Text,
    Int32,
    Int64,
    Bool,
    Bytes,
    Time,
    Quantity,
    IntOrString,
    Any,
    Map(Box<Shape>),
    /// Replaced whole by a patch.
    List(Box<Shape>),
    /// A list of plain values that a strategic patch unites.
    Set(Box<Shape>),
    /// A list of objects that a strategic patch merges by a key.
    Keyed(String, &'static str),
    Object(String),
}

/// One field of a type.
#[derive(Debug, Clone)]
pub(super) struct Field {
    pub(super) name: &'static str,
    pub(super) number: u64,
    pub(super) shape: Shape,
    /// In JSON the fields of this message stand beside its siblings.
    pub(super) inline: bool,
}

static TYPES: LazyLock<BTreeMap<&'static str, Vec<Field>>> = LazyLock::new(|| {
    include_str!("schema.txt")
        .lines()
        .filter(|line| !line.starts_with('#') && !line.is_empty())
        .filter_map(|line| line.split_once(": "))
        .map(|(name, fields)| (name, fields.split(", ").filter_map(field).collect()))
        .collect()
});

fn field(text: &'static str) -> Option<Field> {
    let (name, rest) = text.split_once('=')?;
    let (number, shape) = rest.split_once(' ')?;
    let inline = shape.starts_with('<');
    Some(Field {
        name,
        number: number.parse().ok()?,
        shape: parse(shape.trim_start_matches('<')),
        inline,
    })
}

fn parse(text: &'static str) -> Shape {
    match text {
        "s" => Shape::Text,
        "i" => Shape::Int32,
        "l" => Shape::Int64,
        "b" => Shape::Bool,
        "y" => Shape::Bytes,
        "t" => Shape::Time,
        "q" => Shape::Quantity,
        "x" => Shape::IntOrString,
        "any" => Shape::Any,
        _ if text.starts_with('{') => Shape::Map(Box::new(parse(&text[1..text.len() - 1]))),
        _ if text.starts_with("[+") => Shape::Set(Box::new(parse(&text[2..text.len() - 1]))),
        _ if text.starts_with('[') => {
            let inner = &text[1..text.len() - 1];
            match inner.split_once('/') {
                Some((name, key)) => Shape::Keyed(name.to_owned(), key),
                None => Shape::List(Box::new(parse(inner))),
            }
        }
        _ => Shape::Object(text.to_owned()),
    }
}

/// Every type with its fields.
pub(super) fn types() -> impl Iterator<Item = (&'static str, &'static [Field])> {
    TYPES.iter().map(|(name, fields)| (*name, fields.as_slice()))
}

/// The fields of a type, as its protobuf message has them.
pub(super) fn fields(name: &str) -> Option<&'static [Field]> {
    TYPES.get(name).map(Vec::as_slice)
}

/// The shape of one field of a type, as JSON has it.
pub(super) fn shape(name: &str, wanted: &str) -> Option<Shape> {
    for field in fields(name)? {
        if field.inline {
            if let Shape::Object(inner) = &field.shape
                && let Some(found) = shape(inner, wanted)
            {
                return Some(found);
            }
        } else if field.name == wanted {
            return Some(field.shape.clone());
        }
    }
    None
}

/// What was found while an object was read as a kind.
#[derive(Debug, Default)]
pub(super) struct Reading {
    /// Paths of fields that the type does not have.
    pub(super) unknown: Vec<String>,
    /// The first value of a wrong type, in the words of Go's JSON decoder.
    pub(super) mismatch: Option<String>,
}

/// Reads `object` as `kind`: drops what is unknown or null and reports it, as the API server's decoder does.
pub(super) fn read(kind: &str, object: &mut Value) -> Reading {
    let mut reading = Reading::default();
    if let Value::Object(map) = object {
        let head: Vec<(String, Value)> = ["kind", "apiVersion"]
            .iter()
            .filter_map(|key| map.shift_remove(*key).map(|value| ((*key).to_owned(), value)))
            .collect();
        read_object(kind, map, "", "", &mut reading);
        for (key, value) in head.into_iter().rev() {
            map.shift_insert(0, key, value);
        }
    }
    reading
}

fn read_object(
    kind: &str,
    map: &mut Map<String, Value>,
    strict: &str,
    dotted: &str,
    reading: &mut Reading,
) {
    let names: Vec<String> = map.keys().cloned().collect();
    for name in names {
        let here = if strict.is_empty() { name.clone() } else { format!("{strict}.{name}") };
        let path = if dotted.is_empty() { name.clone() } else { format!("{dotted}.{name}") };
        match shape(kind, &name) {
            None => {
                map.shift_remove(&name);
                reading.unknown.push(here);
            }
            // The decoder reads null as "not there"; the times of an object stay, as the API server writes them so.
            Some(Shape::Time) if map[&name].is_null() => {}
            Some(_) if map[&name].is_null() => {
                map.shift_remove(&name);
            }
            Some(shape) => {
                if let Some(value) = map.get_mut(&name) {
                    read_value(kind, &shape, value, &here, &path, reading);
                }
            }
        }
    }
}

fn read_value(
    kind: &str,
    shape: &Shape,
    value: &mut Value,
    strict: &str,
    dotted: &str,
    reading: &mut Reading,
) {
    let mut wrong = |go: &str, value: &Value| {
        let found = match value {
            Value::Null => "null",
            Value::Bool(_) => "bool",
            Value::Number(_) => "number",
            Value::String(_) => "string",
            Value::Array(_) => "array",
            Value::Object(_) => "object",
        };
        if reading.mismatch.is_none() {
            reading.mismatch = Some(format!(
                "json: cannot unmarshal {found} into Go struct field {kind}.{dotted} of type {go}"
            ));
        }
    };
    match (shape, &mut *value) {
        (Shape::Text | Shape::Bytes | Shape::Time | Shape::Quantity, Value::String(_))
        | (Shape::Int32 | Shape::Int64, Value::Number(_))
        | (Shape::Bool, Value::Bool(_))
        | (Shape::IntOrString, Value::String(_) | Value::Number(_))
        | (Shape::Any, _) => {}
        (Shape::Quantity, Value::Number(number)) => *value = Value::String(number.to_string()),
        (Shape::Map(inner), Value::Object(map)) => {
            for (key, item) in map {
                let here = format!("{strict}.{key}");
                read_value(kind, inner, item, &here, dotted, reading);
            }
        }
        (Shape::List(inner) | Shape::Set(inner), Value::Array(items)) => {
            for (index, item) in items.iter_mut().enumerate() {
                read_value(kind, inner, item, &format!("{strict}[{index}]"), dotted, reading);
            }
        }
        (Shape::Keyed(name, _), Value::Array(items)) => {
            let inner = Shape::Object(name.clone());
            for (index, item) in items.iter_mut().enumerate() {
                read_value(kind, &inner, item, &format!("{strict}[{index}]"), dotted, reading);
            }
        }
        (Shape::Object(name), Value::Object(map)) => {
            read_object(name, map, strict, dotted, reading);
        }
        (Shape::Text | Shape::Quantity | Shape::Time, other) => wrong("string", other),
        (Shape::Bytes, other) => wrong("[]uint8", other),
        (Shape::Int32, other) => wrong("int32", other),
        (Shape::Int64, other) => wrong("int64", other),
        (Shape::Bool, other) => wrong("bool", other),
        (Shape::IntOrString, other) => wrong("intstr.IntOrString", other),
        (Shape::Map(_), other) => wrong("map[string]string", other),
        (Shape::List(_) | Shape::Set(_), other) => wrong("[]string", other),
        (Shape::Keyed(name, _), other) => wrong(&format!("[]v1.{name}"), other),
        (Shape::Object(name), other) => wrong(&format!("v1.{name}"), other),
    }
}

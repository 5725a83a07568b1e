//! Owns reading the protobuf bodies that newer kubectl versions send for built-in kinds. Answers are always JSON.

use serde_json::{Map, Value, json};

use super::clock;
use super::schema::{self, Shape};

/// Numbers and booleans that JSON shows even when they are zero: "none" means something else there.
/// All others are on the wire always, and zero means that nobody set them.
const OPTIONAL: &[&str] = &[
    "replicas",
    "revisionHistoryLimit",
    "progressDeadlineSeconds",
    "terminationGracePeriodSeconds",
    "gracePeriodSeconds",
    "immutable",
    "optional",
    "controller",
    "blockOwnerDeletion",
    "automountServiceAccountToken",
    "enableServiceLinks",
    "leaseDurationSeconds",
    "leaseTransitions",
    "priority",
    "partition",
];

/// One field on the wire.
pub(super) enum Wire<'a> {
    Number(u64),
    Bytes(&'a [u8]),
}

/// The JSON object in a body of type `application/vnd.kubernetes.protobuf`.
pub(super) fn decode(body: &[u8]) -> Result<Value, String> {
    let rest = body.strip_prefix(b"k8s\0").ok_or("the protobuf envelope is missing")?;
    let (mut api_version, mut kind, mut raw) = (String::new(), String::new(), &[][..]);
    for (number, wire) in wires(rest)? {
        match (number, wire) {
            (1, Wire::Bytes(meta)) => {
                for (number, wire) in wires(meta)? {
                    match (number, wire) {
                        (1, Wire::Bytes(bytes)) => api_version = text(bytes),
                        (2, Wire::Bytes(bytes)) => kind = text(bytes),
                        _ => {}
                    }
                }
            }
            (2, Wire::Bytes(bytes)) => raw = bytes,
            _ => {}
        }
    }
    let mut object = json!({"kind": kind, "apiVersion": api_version});
    if let Value::Object(fields) = message(&kind, raw)? {
        for (key, value) in fields {
            object[key] = value;
        }
    }
    Ok(object)
}

fn message(kind: &str, body: &[u8]) -> Result<Value, String> {
    let fields = schema::fields(kind).ok_or_else(|| format!("protobuf of {kind} is not known"))?;
    let mut map = Map::new();
    for (number, wire) in wires(body)? {
        let field = fields
            .iter()
            .find(|field| field.number == number)
            .ok_or_else(|| format!("protobuf field {number} of {kind} is not known"))?;
        if field.inline {
            if let (Shape::Object(inner), Wire::Bytes(bytes)) = (&field.shape, wire)
                && let Value::Object(found) = message(inner, bytes)?
            {
                map.extend(found);
            }
            continue;
        }
        match &field.shape {
            Shape::List(inner) | Shape::Set(inner) => {
                let value = single(inner, &wire)?.unwrap_or_else(|| "".into());
                push(&mut map, field.name, value);
            }
            Shape::Keyed(name, _) => {
                let value = single(&Shape::Object(name.clone()), &wire)?.unwrap_or(Value::Null);
                push(&mut map, field.name, value);
            }
            Shape::Map(inner) => {
                if let (Wire::Bytes(bytes), Some(map)) =
                    (wire, map.entry(field.name).or_insert_with(|| json!({})).as_object_mut())
                {
                    let (mut key, mut value) = (String::new(), Value::String(String::new()));
                    for (number, wire) in wires(bytes)? {
                        match (number, &wire) {
                            (1, Wire::Bytes(bytes)) => key = text(bytes),
                            (2, _) => value = single(inner, &wire)?.unwrap_or_else(|| "".into()),
                            _ => {}
                        }
                    }
                    map.insert(key, value);
                }
            }
            shape => {
                let zero = matches!(wire, Wire::Number(0)) && !OPTIONAL.contains(&field.name);
                if !zero && let Some(value) = single(shape, &wire)? {
                    map.insert(field.name.to_owned(), value);
                }
            }
        }
    }
    Ok(Value::Object(map))
}

fn push(map: &mut Map<String, Value>, name: &str, value: Value) {
    if let Value::Array(items) = map.entry(name).or_insert_with(|| json!([])) {
        items.push(value);
    }
}

/// One value; nothing for what JSON leaves out when empty.
#[allow(clippy::cast_possible_wrap)] // a protobuf integer is two's complement in a varint
fn single(shape: &Shape, wire: &Wire) -> Result<Option<Value>, String> {
    Ok(match (shape, wire) {
        (Shape::Text, Wire::Bytes(bytes)) => {
            Some(text(bytes)).filter(|text| !text.is_empty()).map(Value::String)
        }
        (Shape::Bytes, Wire::Bytes(bytes)) => Some(base64(bytes).into()),
        (Shape::Int32 | Shape::Int64, Wire::Number(number)) => Some((*number as i64).into()),
        (Shape::Bool, Wire::Number(number)) => Some((*number != 0).into()),
        (Shape::Time, Wire::Bytes(bytes)) => {
            wires(bytes)?.first().and_then(|(_, wire)| match wire {
                Wire::Number(seconds) if *seconds > 0 => Some(clock::format(*seconds).into()),
                _ => None,
            })
        }
        (Shape::Quantity, Wire::Bytes(bytes)) => {
            wires(bytes)?.first().and_then(|(_, wire)| match wire {
                Wire::Bytes(bytes) => Some(text(bytes).into()),
                Wire::Number(_) => None,
            })
        }
        (Shape::IntOrString, Wire::Bytes(bytes)) => {
            let (mut is_text, mut number, mut string) = (false, 0, String::new());
            for (field, wire) in wires(bytes)? {
                match (field, wire) {
                    (1, Wire::Number(kind)) => is_text = kind == 1,
                    (2, Wire::Number(value)) => number = value as i64,
                    (3, Wire::Bytes(bytes)) => string = text(bytes),
                    _ => {}
                }
            }
            Some(if is_text { string.into() } else { number.into() })
        }
        (Shape::Object(name), Wire::Bytes(bytes)) => Some(message(name, bytes)?),
        (Shape::Any, Wire::Bytes([])) => None,
        (shape, _) => return Err(format!("protobuf of {shape:?} is not known")),
    })
}

pub(super) fn wires(mut body: &[u8]) -> Result<Vec<(u64, Wire<'_>)>, String> {
    let mut found = Vec::new();
    while !body.is_empty() {
        let tag = varint(&mut body)?;
        let wire = match tag & 7 {
            0 => Wire::Number(varint(&mut body)?),
            2 => {
                let length = usize::try_from(varint(&mut body)?).map_err(|_| "too long")?;
                let bytes = body.get(..length).ok_or("the protobuf body is cut short")?;
                body = &body[length..];
                Wire::Bytes(bytes)
            }
            other => return Err(format!("protobuf wire type {other} is not known")),
        };
        found.push((tag >> 3, wire));
    }
    Ok(found)
}

fn varint(body: &mut &[u8]) -> Result<u64, String> {
    let mut value = 0_u64;
    for shift in (0..70).step_by(7) {
        let (first, rest) = body.split_first().ok_or("the protobuf body is cut short")?;
        *body = rest;
        value |= u64::from(first & 0x7f).checked_shl(shift).unwrap_or(0);
        if first & 0x80 == 0 {
            return Ok(value);
        }
    }
    Err("a protobuf number is too long".to_owned())
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Bytes as base64, the form of a Secret's data in JSON.
pub(super) fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut out = String::new();
    for chunk in bytes.chunks(3) {
        let word = chunk
            .iter()
            .enumerate()
            .fold(0_u32, |word, (at, byte)| word | u32::from(*byte) << (16 - 8 * at));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place) & 63) as usize];
            out.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    out
}

/// The bytes of base64 text.
pub(super) fn unbase64(text: &str) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let (mut word, mut bits) = (0_u32, 0);
    for letter in text.bytes().filter(|letter| *letter != b'=' && !letter.is_ascii_whitespace()) {
        let six = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => return None,
        };
        word = word << 6 | u32::from(six);
        bits += 6;
        if bits >= 8 {
            bits -= 8;
            out.push((word >> bits & 0xff) as u8);
        }
    }
    Some(out)
}

//! The generated part of `docs/runbook-reference.md`, made from the table.

use std::fmt::Write as _;

use super::{Holds, KINDS, OBJECTS, Object, Type};

/// The line after which the page is generated.
pub const MARK: &str = "<!-- generated from src/runbook/schema.rs; `rollback schema reference` -->";

/// The generated part of the page.
pub fn page() -> String {
    let mut page = format!("{MARK}\n");
    for object in OBJECTS {
        section(&mut page, object);
    }
    page
}

fn section(page: &mut String, object: &Object) {
    let _ = write!(page, "\n## {}\n\n{}\n", object.name, object.doc);
    if !object.one_of.is_empty() {
        let names: Vec<String> = object.one_of.iter().map(|name| format!("`{name}`")).collect();
        let _ = write!(page, "\nExactly one of {}.\n", names.join(", "));
    }
    page.push_str("\n| key | value | default | meaning |\n|---|---|---|---|\n");
    for key in object.keys {
        let default = if key.required { "required" } else { key.default };
        let mut doc = key.doc.to_owned();
        if !key.beside.is_empty() {
            let names: Vec<String> = key.beside.iter().map(|name| format!("`{name}`")).collect();
            let _ = write!(doc, " Only beside {}.", names.join(" or "));
        }
        let kind = if object.name == "Step" && KINDS.contains(&key.name) { "**" } else { "" };
        let value = value(&key.ty);
        let _ = writeln!(page, "| {kind}`{}`{kind} | {value} | {default} | {doc} |", key.name);
    }
}

/// What a value is, in words.
fn value(ty: &Type) -> String {
    match ty {
        Type::Text(Holds::Nothing) => "text".to_owned(),
        Type::Text(Holds::Names) => "text with `${name}`".to_owned(),
        Type::Text(Holds::Secrets) => "text with `${name}`, also of secrets".to_owned(),
        Type::Word => "word with `${name}`".to_owned(),
        Type::Path => "path with `${name}`".to_owned(),
        Type::Url => "address with `${name}`".to_owned(),
        Type::Script => "script".to_owned(),
        Type::Name => "`[a-z0-9-]{1,63}`".to_owned(),
        Type::Bound => "bound, `> 10%`".to_owned(),
        Type::Bool => "`true` or `false`".to_owned(),
        Type::Number(from, to) => format!("{from} to {to}"),
        Type::Date => "day (`2026-11-23`)".to_owned(),
        Type::Decimal => "number".to_owned(),
        Type::Duration => "duration (`30s`, `5m`, `1m30s`)".to_owned(),
        Type::Choice(words) => {
            let words: Vec<String> = words.iter().map(|word| format!("`{word}`")).collect();
            words.join(", ")
        }
        Type::Workload => "`kind/name`: deployment, statefulset or daemonset".to_owned(),
        Type::Flag => "text, in quotes".to_owned(),
        Type::Json => "any value".to_owned(),
        Type::List(inner) => format!("list of {}", value(inner)),
        Type::OneOrList(inner) => format!("{}, or a list", value(inner)),
        Type::Map(_, inner) => format!("map of {}", value(inner)),
        Type::Object(object) | Type::OneOf(object) => link(object),
        Type::Short(_, inner, None) => value(inner),
        Type::Short(_, inner, Some(object)) => format!("{}, or {}", value(inner), link(object)),
    }
}

fn link(object: &Object) -> String {
    format!("[{}](#{})", object.name, object.name.to_lowercase())
}

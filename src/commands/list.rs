//! `rollback list`: what can be rolled back, by level.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::Format;
use crate::error::Result;
use crate::runbook::catalog::{Catalog, Entry};
use crate::runbook::duration;
use crate::runbook::problem::printable;

/// The widest line.
const WIDTH: usize = 80;

/// The runbooks of a catalog.
pub fn list(catalog: &Catalog, format: Format) -> Result<String> {
    match format {
        Format::Text => Ok(text(catalog)),
        Format::Json => super::json(&value(catalog)),
    }
}

fn value(catalog: &Catalog) -> Value {
    let method = |(name, budget): &(String, Option<std::time::Duration>)| json!({ "name": name, "budget": budget.map(duration::format) });
    let runbooks: Vec<Value> = catalog
        .entries()
        .iter()
        .map(|entry| {
            json!({
                "level": entry.target.level,
                "name": entry.target.name,
                "title": entry.title,
                "methods": entry.methods.iter().map(method).collect::<Vec<_>>(),
                "file": entry.file,
            })
        })
        .collect();
    json!({ "v": 1, "catalog": catalog.dir(), "runbooks": runbooks, "skipped": catalog.broken() })
}

fn text(catalog: &Catalog) -> String {
    let rows: Vec<Row<'_>> = catalog.entries().iter().map(Row::new).collect();
    let widest = |width: fn(&Row<'_>) -> usize| rows.iter().map(width).max().unwrap_or(0);
    let name = widest(|row| row.entry.target.name.len()).min(40);
    let methods = widest(|row| width(&row.methods));
    let title = widest(|row| width(&row.title));
    let title = title.min(WIDTH.saturating_sub(2 + name + 2 + 2 + methods)).max(8);
    let mut out = String::with_capacity(rows.len() * (WIDTH + 1) + 256);
    let mut level = None;
    for row in &rows {
        if level != Some(row.entry.target.level) {
            level = Some(row.entry.target.level);
            out.push_str(if out.is_empty() { "" } else { "\n" });
            let _ = writeln!(out, "{}", row.entry.target.level);
        }
        // `  name  title            flag 30s, code 5m`
        out.push_str("  ");
        pad(&mut out, &row.entry.target.name, name + 2);
        pad(&mut out, &cut(&row.title, title), title + 2);
        out.push_str(&row.methods);
        out.push('\n');
    }
    for problem in catalog.broken() {
        let file = problem.place.file.display();
        let _ = write!(out, "\nskipped {file}: {}", problem.message);
    }
    if !catalog.broken().is_empty() {
        out.push_str("\nrun `rollback lint` for the whole story\n");
    }
    out
}

/// One line of the list.
struct Row<'c> {
    entry: &'c Entry,
    title: Cow<'c, str>,
    /// `flag 30s, code 5m`.
    methods: String,
}

impl<'c> Row<'c> {
    fn new(entry: &'c Entry) -> Row<'c> {
        let mut methods = String::new();
        for (index, (method, budget)) in entry.methods.iter().enumerate() {
            methods.push_str(if index > 0 { ", " } else { "" });
            methods.push_str(&printable(method));
            if let Some(budget) = budget {
                methods.push(' ');
                methods.push_str(&duration::format(*budget));
            }
        }
        Row { entry, title: printable(&entry.title), methods }
    }
}

/// How many columns a text takes.
fn width(text: &str) -> usize {
    if text.is_ascii() { text.len() } else { text.width() }
}

/// The text, and spaces up to a width.
fn pad(out: &mut String, text: &str, columns: usize) {
    out.push_str(text);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(width(text))));
}

/// The text, shortened to a width.
fn cut(text: &str, columns: usize) -> Cow<'_, str> {
    if width(text) <= columns {
        return Cow::Borrowed(text);
    }
    let mut short = String::new();
    for char in text.chars() {
        if short.width() + 2 > columns {
            break;
        }
        short.push(char);
    }
    Cow::Owned(short + "…")
}

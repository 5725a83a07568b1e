//! `rollback list`: what can be rolled back, by level.

use std::fmt::Write as _;

use serde_json::{Value, json};
use unicode_width::UnicodeWidthStr as _;

use super::Format;
use crate::error::Result;
use crate::runbook::catalog::{Catalog, Entry};
use crate::runbook::problem::printable;
use crate::runbook::{Level, duration};

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
    let entries = catalog.entries();
    let widest = |width: &dyn Fn(&Entry) -> usize| entries.iter().map(width).max().unwrap_or(0);
    let name = widest(&|entry| entry.target.name.width()).min(40);
    let methods = widest(&|entry| methods(entry).width());
    let title = widest(&|entry| entry.title.width());
    let title = title.min(WIDTH.saturating_sub(2 + name + 2 + 2 + methods)).max(8);
    let mut out = String::with_capacity(entries.len() * (WIDTH + 1) + 256);
    for level in Level::ALL {
        let mut of_level = entries.iter().filter(|entry| entry.target.level == level).peekable();
        if of_level.peek().is_none() {
            continue;
        }
        if !out.is_empty() {
            out.push('\n');
        }
        let _ = writeln!(out, "{level}");
        for entry in of_level {
            line(&mut out, entry, name, title);
        }
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

/// `flag 30s, code 5m`.
fn methods(entry: &Entry) -> String {
    let mut methods = String::new();
    for (index, (method, budget)) in entry.methods.iter().enumerate() {
        methods.push_str(if index > 0 { ", " } else { "" });
        methods.push_str(method);
        if let Some(budget) = budget {
            methods.push(' ');
            methods.push_str(&duration::format(*budget));
        }
    }
    methods
}

/// `  name  title            flag 30s, code 5m`.
fn line(out: &mut String, entry: &Entry, name: usize, title: usize) {
    out.push_str("  ");
    pad(out, &entry.target.name, name + 2);
    pad(out, &cut(&printable(&entry.title), title), title + 2);
    out.push_str(&printable(&methods(entry)));
    out.push('\n');
}

/// The text, and spaces up to a width.
fn pad(out: &mut String, text: &str, width: usize) {
    out.push_str(text);
    out.extend(std::iter::repeat_n(' ', width.saturating_sub(text.width())));
}

/// The text, shortened to a width.
fn cut(text: &str, width: usize) -> String {
    if text.width() <= width {
        return text.to_owned();
    }
    let mut short = String::new();
    for char in text.chars() {
        if short.width() + 2 > width {
            break;
        }
        short.push(char);
    }
    short + "…"
}

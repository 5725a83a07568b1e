//! PURE: the flags of a catalog as the operator reads them.

use crate::flags::{Flag, Reader};

use super::layout::Page;
use super::plan_view::place_words;
use super::style::{Paint, Style};

/// One environment with its flags.
pub fn flags_text(
    context: Option<&str>,
    namespace: &str,
    flags: &[Flag],
    problems: &[String],
    style: &Style,
) -> String {
    let mut page = Page::new(style);
    page.text("", Paint::Strong, &place_words(context, namespace));
    if flags.is_empty() {
        page.text("", Paint::Plain, "no runbook of the catalog sets a flag");
    }
    for flag in flags {
        page.blank();
        one(&mut page, flag);
    }
    if !problems.is_empty() {
        page.blank();
        for problem in problems {
            page.marked(Paint::Change, "! ", Paint::Change, problem);
        }
    }
    page.finish()
}

fn one(page: &mut Page, flag: &Flag) {
    let (paint, value) = match (&flag.value, flag.problem.is_empty()) {
        (Some(value), _) if value.is_empty() => (Paint::Plain, "(empty)".to_owned()),
        (Some(value), _) => (Paint::Strong, value.clone()),
        (None, true) => (Paint::Change, "not there".to_owned()),
        (None, false) => (Paint::Change, "not known".to_owned()),
    };
    page.sides((Paint::Plain, ""), (Paint::Strong, &flag.name), (paint, &value));
    page.text("  ", Paint::Plain, &format!("in {}", flag.object));
    for set in &flag.set_by {
        let dot = page.style().dot();
        let text = format!("`{}` {dot} {} sets it to {}", set.target, set.method, set.value);
        page.text("  ", Paint::Dim, &text);
    }
    if flag.workloads.is_empty() && flag.problem.is_empty() {
        page.text("  ", Paint::Change, "no workload of the catalog is seen to read it");
    }
    for reader in &flag.workloads {
        let who = format!("{} {}  {}", reader.workload, reader.container, reader.how);
        let paint = if reader.effective == Some(true) { Paint::Plain } else { Paint::Change };
        page.sides((Paint::Plain, "  "), (paint, &who), (Paint::Plain, &pods(reader)));
    }
}

/// `3 pods carry true, 1 unknown`.
fn pods(reader: &Reader) -> String {
    let words: Vec<String> = reader
        .pods
        .iter()
        .map(|(value, count)| {
            let noun = if *count == 1 { "pod" } else { "pods" };
            let verb = if *count == 1 { "carries" } else { "carry" };
            match value.as_str() {
                "?" => format!("{count} {noun}: cannot be told"),
                value => format!("{count} {noun} {verb} {value}"),
            }
        })
        .collect();
    if words.is_empty() { "no pods".to_owned() } else { words.join(", ") }
}

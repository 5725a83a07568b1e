//! PURE: the triggers as they are now, worst first, with the command for what is true.

use crate::runbook::watching::Severity;
use crate::watch::evaluate::{Evaluation, State};

use super::layout::{Page, width};
use super::style::{Paint, Style};

/// The triggers by what they say: true, unknown, false, and those that only people can tell.
pub fn table(found: &[Evaluation], style: &Style) -> String {
    let mut page = Page::new(style);
    let of = |state: State| found.iter().filter(move |one| one.state == state);
    let name = found.iter().map(|one| width(&one.name)).max().unwrap_or(0).min(32) + 2;
    headline(&mut page, found);
    for one in of(State::True) {
        page.blank();
        let paint = paint(one.severity);
        let lead = format!("  {:<6}", one.severity.as_str());
        page.sides((paint, &lead), (Paint::Strong, &one.title), (paint, &evidence(one)));
        if let Some(since) = &one.since {
            page.text("        ", Paint::Dim, &format!("{}, since {}", one.name, clock(since)));
        } else {
            page.text("        ", Paint::Dim, &one.name);
        }
        page.command(8, &one.command);
    }
    for (state, word, word_paint) in
        [(State::Unknown, "unknown", Paint::Change), (State::False, "not so", Paint::Good)]
    {
        if of(state).next().is_none() {
            continue;
        }
        page.blank();
        page.push(&[(word_paint, word)]);
        for one in of(state) {
            let lead = format!("  {:<6}{:<name$}", one.severity.as_str(), one.name);
            page.text(&lead, Paint::Plain, &evidence(one));
        }
    }
    if of(State::Reported).next().is_some() {
        page.blank();
        page.push(&[(Paint::Dim, "only people can tell; if one is so:")]);
    }
    for one in of(State::Reported) {
        let lead = format!("  {:<name$}", one.name);
        page.text(&lead, Paint::Plain, &one.why);
        page.command(8, &one.command);
    }
    page.finish()
}

fn headline(page: &mut Page<'_>, found: &[Evaluation]) {
    let count = |state: State, severity: Severity| {
        found.iter().filter(|one| one.state == state && one.severity == severity).count()
    };
    let unknown = count(State::Unknown, Severity::Red) + count(State::Unknown, Severity::Amber);
    let (red, amber) = (count(State::True, Severity::Red), count(State::True, Severity::Amber));
    let mut words = Vec::new();
    for (number, word) in [(red, "red"), (amber, "amber"), (unknown, "unknown")] {
        if number > 0 {
            words.push(format!("{number} {word}"));
        }
    }
    let (paint, text) = match (red, amber, unknown) {
        (0, 0, 0) => (Paint::Good, "green: nothing calls for a rollback".to_owned()),
        (1.., _, _) => (Paint::Bad, format!("{}: it is time to roll back", words.join(", "))),
        (0, 1.., _) => (Paint::Change, format!("{}: be ready", words.join(", "))),
        (0, 0, _) => (Paint::Change, format!("{}: nobody can say it is green", words.join(", "))),
    };
    page.push(&[(paint, &text)]);
}

fn paint(severity: Severity) -> Paint {
    match severity {
        Severity::Red => Paint::Bad,
        Severity::Amber => Paint::Change,
    }
}

/// `12.5% (> 10%)`; `1%, limit 10%` of what is not so, which is no comparison that holds.
fn evidence(one: &Evaluation) -> String {
    match (one.value, one.bound) {
        (Some(_), Some(bound)) if one.state == State::False => {
            format!("{}, limit {}", one.why, bound.show(bound.value))
        }
        (Some(_), Some(bound)) => format!("{} ({bound})", one.why),
        _ => one.why.clone(),
    }
}

/// `14:03:05` of an RFC 3339 time.
fn clock(since: &str) -> &str {
    since.get(11..19).unwrap_or(since)
}

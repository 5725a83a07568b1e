//! PURE: what of a catalog is ready, and what has rotted, as the operator reads it.

use super::layout::Page;
use super::style::{Paint, Style};

/// A method of a runbook, surveyed.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Surveyed {
    /// `component tool-dispatcher`.
    pub target: String,
    /// `flag`; empty where the runbook itself cannot be read.
    pub method: String,
    /// How it stands.
    pub state: State,
    /// Where its runbook is.
    pub place: String,
    /// What is wrong, or not known, step by step.
    pub findings: Vec<Finding>,
}

/// How a method stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// It could run now.
    Ready,
    /// It could run as far as can be known.
    CannotBeChecked,
    /// It could not.
    Blocked,
}

/// Something worth saying about a method.
#[derive(Debug, Clone, serde::Serialize)]
pub struct Finding {
    /// The step; empty where it is about the method as a whole.
    pub step: String,
    /// The sentence.
    pub why: String,
    /// What to do, where that is known.
    pub hint: String,
    /// Whether it keeps the method from running.
    pub blocks: bool,
    /// Where its step stands; empty where it is about the method as a whole.
    pub place: String,
}

/// The whole catalog: methods, then what is about all of them.
pub fn ready_text(methods: &[Surveyed], about_all: &[String], style: &Style) -> String {
    let mut page = Page::new(style);
    let mut target = "";
    for method in methods {
        if method.target != target {
            if !target.is_empty() {
                page.blank();
            }
            page.text("", Paint::Strong, &method.target);
            target = &method.target;
        }
        one(&mut page, method);
    }
    if !about_all.is_empty() {
        page.blank();
        for line in about_all {
            page.marked(Paint::Change, "! ", Paint::Change, line);
        }
    }
    page.blank();
    let of = |state: State| methods.iter().filter(|method| method.state == state).count();
    let (blocked, unknown) = (of(State::Blocked), of(State::CannotBeChecked));
    let all = methods.len();
    let (paint, text) = match (blocked, unknown) {
        (0, 0) => (Paint::Good, format!("all {all} methods are ready")),
        (0, some) => (Paint::Change, format!("{some} of {all} methods cannot be checked whole")),
        (some, _) => (Paint::Bad, format!("{some} of {all} methods could not be run")),
    };
    page.text("", paint, &text);
    page.finish()
}

fn one(page: &mut Page, method: &Surveyed) {
    let (paint, word) = match method.state {
        State::Ready => (Paint::Good, "ready"),
        State::CannotBeChecked => (Paint::Change, "cannot be checked"),
        State::Blocked => (Paint::Bad, "blocked"),
    };
    let name = if method.method.is_empty() { &method.place } else { &method.method };
    page.sides((Paint::Plain, "  "), (Paint::Plain, name), (paint, word));
    for finding in &method.findings {
        let paint = if finding.blocks { Paint::Bad } else { Paint::Change };
        let text = if finding.step.is_empty() {
            finding.why.clone()
        } else {
            format!("{}: {}", finding.step, finding.why)
        };
        page.text("    ", paint, &text);
        if !finding.hint.is_empty() {
            page.text("      ", Paint::Plain, &finding.hint);
        }
        if finding.blocks {
            page.text("      ", Paint::Dim, &finding.place);
        }
    }
    let placed = method.findings.iter().any(|it| it.blocks && !it.place.is_empty());
    if method.state == State::Blocked && !method.method.is_empty() && !placed {
        page.text("    ", Paint::Dim, &method.place);
    }
}

//! PURE: "Coming back": what a run that stopped left behind, what the world says of it, and the
//! question before it goes on.

use std::time::{Duration, SystemTime};

use crate::state::{RunState, StepRun, StepState};

use super::layout::{Page, ago, millis, width};
use super::style::{Paint, Style};
use super::verdict::{INDENT, detail, origin, position, step_mark};

/// What the operator reads before a run goes on: which run, when and where it stopped, and what was
/// found since.
pub fn resume_text(state: &RunState, now: SystemTime, style: &Style) -> String {
    let mut page = Page::new(style);
    origin(&mut page, state, style);
    page.blank();
    let when = humantime::parse_rfc3339(&state.last)
        .ok()
        .and_then(|last| now.duration_since(last).ok())
        .map_or(String::new(), |span| format!(" {}", ago(span)));
    let why = state.paused.as_ref().map_or("it did not end by itself".to_owned(), Clone::clone);
    let text = format!("run {} stopped{when} {} ({why})", state.run_id, position(state));
    page.text("", Paint::Plain, &text);
    for (index, step) in state.steps.iter().enumerate() {
        let mark = step_mark(step);
        let lead = format!("{INDENT}{} {}  ", style.mark(mark), index + 1);
        let word = word(step);
        page.sides((Style::paint_of(mark), &lead), (Paint::Plain, &step.name), (Paint::Dim, &word));
        let indent = " ".repeat(width(&lead));
        if !step.why.is_empty() {
            page.text(&indent, Paint::Plain, &step.why);
        }
        if matches!(step.state, StepState::Failed { .. }) {
            detail(&mut page, &indent, &step.detail);
        }
    }
    if let Some(budget) = state.start.budget_ms
        && state.over_budget
    {
        let text = format!("the budget of {} is used up; that stops nothing", millis(budget));
        page.text(INDENT, Paint::Change, &text);
    }
    page.finish()
}

/// `Carry on with step 3, Check the health?`
pub fn resume_question(state: &RunState) -> String {
    let next = state.steps.iter().position(|step| {
        matches!(step.state, StepState::Pending | StepState::InDoubt | StepState::Failed { .. })
    });
    match next {
        Some(index) => {
            format!("Carry on with step {}, {}?", index + 1, state.steps[index].name)
        }
        None => "Every step is done. Judge whether it recovered?".to_owned(),
    }
}

fn word(step: &StepRun) -> String {
    match &step.state {
        StepState::Pending if step.attempts == 0 => "not begun".to_owned(),
        StepState::Pending => "to be done again".to_owned(),
        StepState::InDoubt => "in doubt".to_owned(),
        StepState::Done { .. } if step.elapsed_ms == 0 => "found done".to_owned(),
        StepState::Done { .. } => {
            format!("done in {}", super::layout::duration(Duration::from_millis(step.elapsed_ms)))
        }
        StepState::Failed { .. } => "failed".to_owned(),
        StepState::Skipped { .. } => "skipped".to_owned(),
    }
}

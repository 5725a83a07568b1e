//! PURE but for the clock: a run on a terminal: the lines that stay, and the few below them that are
//! redrawn. The plan was shown before; the verdict comes after.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use crate::event::Record;
use crate::state::Judged;

use super::layout::{Page, cut, duration, millis, width};
use super::log_form::{LogForm, choice_words, effect_words, ended, skip_words};
use super::style::{Mark, Paint, Style};
use super::verdict;

/// Where the columns of elapsed times end.
const TIME_COLUMN: usize = 48;

/// What the redrawn lines show.
#[derive(Debug)]
pub struct Frame {
    /// The moment from which the budget counts.
    pub started: Instant,
    /// The budget, where there is one.
    pub budget: Option<Duration>,
    /// The step that is under way.
    pub current: Option<Current>,
    /// Progress of something that is no step: the conditions of recovery.
    pub between: String,
}

/// The step that is under way.
#[derive(Debug)]
pub struct Current {
    /// Its id.
    pub id: String,
    /// Its number, from 1.
    pub number: usize,
    /// Its name, cleaned.
    pub name: String,
    /// Which try.
    pub attempt: u32,
    /// When it began.
    pub since: Instant,
    /// How far it is.
    pub progress: String,
    /// The last lines of its command.
    pub output: VecDeque<String>,
}

impl Frame {
    /// The redrawn lines; empty when nothing is under way.
    pub fn text(&self, style: &Style, tick: usize) -> String {
        let room = style.width.saturating_sub(1);
        let mut lines = Vec::new();
        let spinner = style.spinner(tick);
        if let Some(current) = &self.current {
            let lead = format!("{spinner} {}  ", current.number);
            let since = running(current.since.elapsed());
            let again = if current.attempt > 1 {
                format!(" (try {})", current.attempt)
            } else {
                String::new()
            };
            let space = TIME_COLUMN.saturating_sub(width(&lead) + width(&since) + 1);
            let name = cut(&format!("{}{again}", current.name), space, style);
            let gap = " ".repeat(space.saturating_sub(width(&name)) + 1);
            let line = format!("{lead}{name}{gap}{since}");
            let progress = style.clean(&current.progress);
            if width(&line) + 3 + width(&progress) <= room {
                lines.push(format!("{line}   {progress}").trim_end().to_owned());
            } else {
                lines.push(cut(&line, room, style));
                lines.push(cut(&format!("     {progress}"), room, style));
            }
            for text in &current.output {
                let text = cut(&format!("     | {}", style.clean(text)), room, style);
                lines.push(style.paint(Paint::Dim, &text));
            }
        } else if !self.between.is_empty() {
            let text = format!("{spinner}    {}", style.clean(&self.between));
            lines.push(cut(&text, room, style));
        }
        if let (Some(budget), false) = (self.budget, lines.is_empty()) {
            lines.push(self.budget_line(budget, style));
        }
        lines.join("\n")
    }

    fn budget_line(&self, budget: Duration, style: &Style) -> String {
        let gone = Duration::from_secs(self.started.elapsed().as_secs());
        let bar = style.bar(gone.as_millis(), budget.as_millis(), 20);
        let left = format!("     budget {} {bar}", duration(budget));
        let (paint, right) = match gone.checked_sub(budget) {
            Some(over) if !over.is_zero() => (Paint::Change, format!("{} over", duration(over))),
            _ => (Paint::Plain, format!("{} gone", duration(gone))),
        };
        let gap = TIME_COLUMN.saturating_sub(width(&left) + width(&right)).max(1);
        format!("{left}{}{}", " ".repeat(gap), style.paint(paint, &right))
    }
}

/// The time of something that is under way, always with its tenth, so that the line does not jump.
fn running(span: Duration) -> String {
    match span.as_secs() {
        seconds @ 0..60 => format!("{seconds}.{}s", span.subsec_millis() / 100),
        seconds => duration(Duration::from_secs(seconds)),
    }
}

/// The lines that stay on a terminal. The plan was shown before, the verdict comes after.
pub fn permanent(record: &Record, log: &LogForm, style: &Style) -> String {
    let mut page = Page::new(style);
    match record {
        Record::RunStarted(_)
        | Record::Confirmed { .. }
        | Record::SnapshotTaken { .. }
        | Record::StepIntended { .. }
        | Record::ChildStarted { .. }
        | Record::CriterionAsked { .. }
        | Record::EscalationOffered { .. }
        | Record::RunPaused { .. }
        | Record::RunFinished { .. }
        | Record::MetricsSampled(_)
        | Record::Notified(_)
        | Record::ValidationStarted { .. }
        | Record::ItemJudged { .. }
        | Record::TierClosed { .. }
        | Record::RecoveryTicked { .. }
        | Record::CriterionTicked { .. }
        | Record::ForwardStarted { .. }
        | Record::RunClosed { .. } => {}
        Record::StepEnded { step, outcome, effect, why, detail, elapsed_ms, .. } => {
            let (mark, word) = ended(*outcome, *effect);
            let took = match word {
                "done in" => millis(*elapsed_ms),
                other => format!("{other} {}", millis(*elapsed_ms)),
            };
            let indent = step_line(&mut page, log, style, mark, step, &took);
            if !why.is_empty() {
                page.text(&indent, Paint::Plain, why);
            }
            verdict::detail(&mut page, &indent, detail);
        }
        Record::StepSkipped { step, why, detail, .. } => {
            let indent = step_line(&mut page, log, style, Mark::Skipped, step, skip_words(*why));
            if !detail.is_empty() {
                page.text(&indent, Paint::Dim, detail);
            }
        }
        Record::DoubtResolved { step, effect, by, why, .. } => {
            let word = format!("found {} (by the {by})", effect_words(*effect));
            let indent = step_line(&mut page, log, style, Mark::Doubt, step, &word);
            if !why.is_empty() {
                page.text(&indent, Paint::Plain, why);
            }
        }
        Record::Decision { step, choice, by } => {
            let text = format!("{}: {} ({by})", log.number(step), choice_words(*choice));
            page.text("     ", Paint::Dim, &text);
        }
        Record::CriterionJudged { name, before, holds, why } => {
            let (name, why) = (name.clone(), why.clone());
            let judged = Judged { name, before: *before, holds: *holds, why };
            let mark = if *holds { Mark::Done } else { Mark::Failed };
            let lead = format!("{}    ", style.mark(mark));
            let paint = Style::paint_of(mark);
            page.marked(paint, &lead, Paint::Plain, &verdict::criterion_words(&judged));
        }
        Record::LockWaived { why, .. } => {
            page.marked(Paint::Change, "!    ", Paint::Change, &verdict::waived_words(why));
        }
        Record::LockTakenOver(from) => {
            page.marked(Paint::Change, "!    ", Paint::Change, &verdict::taken_over_words(from));
        }
        Record::BudgetExceeded { budget_ms } => {
            let text = format!("the budget of {} is used up; the run goes on", millis(*budget_ms));
            page.marked(Paint::Change, "!    ", Paint::Change, &text);
        }
        Record::Resumed { .. } => page.text("     ", Paint::Dim, "carrying on"),
    }
    page.finish()
}

/// The next rung, offered while the run goes on: whoever would rather take it stops the wait first.
pub fn offered(record: &Record, style: &Style) -> String {
    let mut page = Page::new(style);
    if let Record::EscalationOffered { target, method, command, ready, .. } = record {
        let ready = verdict::surveyed(*ready);
        let text = format!("not to wait any longer: Ctrl-C, then {target}, {method} ({ready})");
        page.text("     ", Paint::Plain, &text);
        page.command(5, command);
    }
    page.finish()
}

/// `✓ 1  Turn the migration flag off            0.1s`; gives the indent of the lines below.
fn step_line(
    page: &mut Page,
    log: &LogForm,
    style: &Style,
    mark: Mark,
    step: &str,
    took: &str,
) -> String {
    let (number, name) = log.step(step).unwrap_or((0, step));
    let lead = format!("{} {number}  ", style.mark(mark));
    let name = style.clean(name);
    let paint = Style::paint_of(mark);
    let taken = width(&lead) + width(&name) + width(took);
    if taken + 2 <= style.width {
        // A long name moves its own time a little, not to the far edge.
        let gap = " ".repeat(TIME_COLUMN.saturating_sub(taken).max(2));
        page.push(&[(paint, &lead), (Paint::Plain, &name), (Paint::Plain, &gap), (paint, took)]);
    } else {
        page.sides((paint, &lead), (Paint::Plain, &name), (paint, took));
    }
    " ".repeat(width(&lead))
}

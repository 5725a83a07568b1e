//! PURE: each record as lines of a log: once, with its time. What a run shows where there is no
//! terminal, and the middle of its story afterwards.

use std::collections::BTreeMap;

use crate::event::{Choice, EffectKind, Envelope, Live, Outcome, Record, SkipReason, Verdict};
use crate::plan::Plan;
use crate::state::Judged;

use super::after_form;
use super::layout::{Page, millis};
use super::plan_view::place_words;
use super::style::{Mark, Paint, Style};
use super::verdict;

/// How output of a command stands in a log.
const OUTPUT: &str = "  | ";

/// Turns records and live events into lines.
#[derive(Debug, Clone)]
pub struct LogForm {
    style: Style,
    /// Step id -> number and name.
    steps: BTreeMap<String, (usize, String)>,
    /// The last progress of each step, so that each is said once.
    progress: BTreeMap<String, String>,
    /// Whether it is the way forward, and whether it has changed something.
    forward: bool,
    changed: bool,
}

impl LogForm {
    /// For a run of this plan; none when the plan can no longer be read.
    pub fn new(style: Style, plan: Option<&Plan>) -> LogForm {
        let steps = plan.map_or(BTreeMap::new(), |plan| {
            plan.steps
                .iter()
                .enumerate()
                .map(|(index, planned)| {
                    (planned.step.id.clone(), (index + 1, planned.step.name.clone()))
                })
                .collect()
        });
        let forward = plan.is_some_and(|plan| plan.forward_of.is_some());
        LogForm { style, steps, progress: BTreeMap::new(), forward, changed: false }
    }

    /// The lines of a record; some have none.
    #[allow(clippy::too_many_lines)] // One arm a record, and no other place to look.
    pub fn record(&mut self, envelope: &Envelope) -> String {
        let style = self.style;
        let mut page = Page::new(&style);
        let time = format!("{} ", clock(&envelope.ts));
        let below = " ".repeat(time.len());
        match &envelope.record {
            Record::RunStarted(start) => {
                let place = place_words(Some(&start.context), &start.namespace);
                let stamp = if start.simulated { "SIMULATED " } else { "" };
                let text = format!("{stamp}{}, {}, in {place}", start.target, start.method);
                page.marked(Paint::Dim, &time, Paint::Strong, &text);
                let text =
                    format!("run {} by {} on {}", envelope.run_id, start.operator, start.host);
                page.text(&below, Paint::Plain, &text);
            }
            Record::Confirmed { how, yes, decided_by } => {
                let word = if *yes { "confirmed" } else { "declined" };
                let by =
                    decided_by.as_ref().map_or(String::new(), |by| format!(", decided by {by}"));
                page.marked(Paint::Dim, &time, Paint::Plain, &format!("{word} ({how}){by}"));
            }
            Record::SnapshotTaken { values } => {
                let text = match values.len() {
                    1 => "1 value recorded as it was".to_owned(),
                    count => format!("{count} values recorded as they were"),
                };
                page.marked(Paint::Dim, &time, Paint::Plain, &text);
            }
            Record::StepIntended { index, of, name, attempt, commands, .. } => {
                let again = if *attempt > 1 { format!(" (try {attempt})") } else { String::new() };
                let text = format!("step {index} of {of}: {name}{again}");
                page.marked(Paint::Dim, &time, Paint::Plain, &text);
                for command in commands {
                    page.command(below.len(), command);
                }
            }
            Record::ChildStarted { .. } | Record::CriterionAsked { .. } => {}
            Record::StepEnded { step, outcome, effect, why, detail, elapsed_ms, .. } => {
                self.progress.remove(step);
                self.changed |= *outcome == Outcome::Done;
                let (mark, word) = ended(*outcome, *effect);
                let text = format!("{} {word} {}", self.number(step), millis(*elapsed_ms));
                let colon = if why.is_empty() { "" } else { ": " };
                marked(&mut page, &time, mark, &format!("{text}{colon}{why}"));
                verdict::detail(&mut page, &below, detail);
            }
            Record::StepSkipped { step, why, detail, .. } => {
                let text = format!("{} skipped, {}", self.named(step), skip_words(*why));
                let colon = if detail.is_empty() { "" } else { ": " };
                marked(&mut page, &time, Mark::Skipped, &format!("{text}{colon}{detail}"));
            }
            Record::DoubtResolved { step, effect, by, why, .. } => {
                let text = format!(
                    "{} was in doubt; the {by} says: {}. {why}",
                    self.number(step),
                    effect_words(*effect)
                );
                marked(&mut page, &time, Mark::Doubt, &text);
            }
            Record::Decision { step, choice, by } => {
                let text = format!("{}: {} ({by})", self.number(step), choice_words(*choice));
                page.marked(Paint::Dim, &time, Paint::Plain, &text);
            }
            Record::CriterionJudged { name, before, holds, why } => {
                let judged =
                    Judged { name: name.clone(), before: *before, holds: *holds, why: why.clone() };
                let mark = if *holds { Mark::Done } else { Mark::Failed };
                marked(&mut page, &time, mark, &verdict::criterion_words(&judged));
            }
            Record::LockWaived { why, by, operator } => {
                let text = format!("{} ({by}, {operator})", verdict::waived_words(why));
                marked(&mut page, &time, Mark::Warn, &text);
            }
            Record::LockTakenOver(from) => {
                let text =
                    format!("{} ({}, {})", verdict::taken_over_words(from), from.by, from.operator);
                marked(&mut page, &time, Mark::Warn, &text);
            }
            Record::BudgetExceeded { budget_ms } => {
                let text =
                    format!("the budget of {} is used up; the run goes on", millis(*budget_ms));
                marked(&mut page, &time, Mark::Warn, &text);
            }
            Record::EscalationOffered { target, method, command, ready, why } => {
                let ready = verdict::surveyed(*ready);
                let colon = if why.is_empty() { "" } else { ": " };
                let text = format!("next: {target}, {method} ({ready}){colon}{why}");
                page.marked(Paint::Dim, &time, Paint::Plain, &text);
                page.command(below.len(), command);
            }
            Record::Resumed { operator, host, pid } => {
                let text = format!("taken up again by {operator} on {host} (process {pid})");
                page.marked(Paint::Dim, &time, Paint::Plain, &text);
            }
            Record::RunPaused { why, exit_code, resume } => {
                marked(&mut page, &time, Mark::Warn, &format!("paused (exit {exit_code}): {why}"));
                page.command(below.len(), resume);
            }
            Record::RunFinished { verdict, exit_code, why, elapsed_ms } => {
                let mark = verdict_mark(*verdict);
                let colon = if why.is_empty() { "" } else { ": " };
                let took = millis(*elapsed_ms);
                let already = *verdict == Verdict::Applied && *exit_code == 0;
                let (mark, word) = match (already, self.forward && self.changed) {
                    (true, true) => (Mark::Done, "forward again"),
                    (true, false) => (Mark::Done, "already there"),
                    (false, _) => (mark, verdict.as_str()),
                };
                let text = format!("{word} after {took} (exit {exit_code}){colon}{why}");
                marked(&mut page, &time, mark, &text);
            }
            Record::MetricsSampled(_)
            | Record::Notified(_)
            | Record::ValidationStarted { .. }
            | Record::ItemJudged { .. }
            | Record::TierClosed { .. }
            | Record::RecoveryTicked { .. }
            | Record::CriterionTicked { .. }
            | Record::ForwardStarted { .. }
            | Record::RunClosed { .. } => after_form::record(&mut page, &time, &envelope.record),
        }
        page.finish()
    }

    /// The lines of a live event at a time of day (`02:14:05Z`).
    pub fn live(&mut self, live: &Live, time: &str) -> String {
        let style = self.style;
        let mut page = Page::new(&style);
        match live {
            Live::Output { step: _, stream: _, text } => {
                page.marked(Paint::Dim, OUTPUT, Paint::Plain, text);
            }
            Live::Progress { step, text } => {
                if self.progress.get(step) != Some(text) {
                    self.progress.insert(step.clone(), text.clone());
                    let text = format!("{}: {text}", self.number(step));
                    page.marked(Paint::Dim, &format!("{time} "), Paint::Plain, &text);
                }
            }
            Live::Notice { text } => {
                page.marked(Paint::Dim, &format!("{time} "), Paint::Change, text);
            }
        }
        page.finish()
    }

    /// `step 2`; something that is no step by its own name.
    pub fn number(&self, step: &str) -> String {
        self.steps.get(step).map_or(step.to_owned(), |(number, _)| format!("step {number}"))
    }

    /// `step 2, Restart the backend`.
    pub fn named(&self, step: &str) -> String {
        self.steps
            .get(step)
            .map_or(step.to_owned(), |(number, name)| format!("step {number}, {name},"))
    }

    /// Number and name of a step of the plan.
    pub fn step(&self, step: &str) -> Option<(usize, &str)> {
        self.steps.get(step).map(|(number, name)| (*number, name.as_str()))
    }
}

pub(super) fn marked(page: &mut Page, time: &str, mark: Mark, text: &str) {
    let paint = Style::paint_of(mark);
    page.marked(Paint::Dim, time, paint, &format!("{} {text}", page.style().mark(mark)));
}

/// `02:14:05Z` of an RFC 3339 time.
pub fn clock(ts: &str) -> String {
    match ts.get(11..19) {
        Some(time) => format!("{time}Z"),
        None => ts.to_owned(),
    }
}

/// The mark and the word of a step that ended.
pub(super) fn ended(outcome: Outcome, effect: EffectKind) -> (Mark, &'static str) {
    match (outcome, effect) {
        (Outcome::Done, EffectKind::Awaiting) => (Mark::Warn, "done, waits for somebody, after"),
        (Outcome::Done, EffectKind::Unanswerable) => {
            (Mark::Done, "done (its effect cannot be seen) in")
        }
        (Outcome::Done, _) => (Mark::Done, "done in"),
        (Outcome::Failed, _) => (Mark::Failed, "failed after"),
        (Outcome::TimedOut, _) => (Mark::Failed, "timed out after"),
        (Outcome::Interrupted, _) => (Mark::Failed, "interrupted after"),
    }
}

/// What the world shows, in words.
pub(super) fn effect_words(effect: EffectKind) -> &'static str {
    match effect {
        EffectKind::Missing => "not done",
        EffectKind::Partly => "partly done",
        EffectKind::Underway => "under way",
        EffectKind::Present => "done",
        EffectKind::Broken => "broken",
        EffectKind::Awaiting => "done, waits for somebody",
        EffectKind::Unanswerable => "cannot tell",
    }
}

/// Why a step is not run, in words.
pub(super) fn skip_words(why: SkipReason) -> &'static str {
    match why {
        SkipReason::AlreadyThere => "already there",
        SkipReason::Blocked => "blocked and left out",
        SkipReason::Operator => "the operator went on without it",
    }
}

/// A choice, in words.
pub(super) fn choice_words(choice: Choice) -> &'static str {
    match choice {
        Choice::Retry => "try again",
        Choice::Skip => "go on without it",
        Choice::Escalate => "give this method up and take the next",
        Choice::Abort => "stop",
        Choice::Continue => "go on, as the runbook says",
    }
}

/// The mark of a verdict.
pub(super) fn verdict_mark(verdict: Verdict) -> Mark {
    match verdict {
        Verdict::Recovered => Mark::Done,
        Verdict::Applied | Verdict::Aborted => Mark::Warn,
        Verdict::Failed => Mark::Failed,
        Verdict::Unknown => Mark::Doubt,
    }
}

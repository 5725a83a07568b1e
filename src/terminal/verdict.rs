//! PURE: how a run ended, a failed step, a pause: what is so now, and what to do next.

use crate::event::{EffectKind, Outcome, SkipReason, TakenOver, Verdict};
use crate::state::{Finish, Judged, Offer, RunState, StepRun, StepState};

use super::layout::{Page, duration, millis};
use super::plan_view::place_words;
use super::style::{Mark, Paint, Style};

mod headline;

use headline::headline;

/// How far the lines of a card are indented.
pub(super) const INDENT: &str = "  ";

/// The verdict of a finished run; of an unfinished one, where it stands.
pub fn verdict_text(state: &RunState, style: &Style) -> String {
    let Some(finish) = &state.finish else { return paused_text(state, style) };
    let mut page = Page::new(style);
    let (mark, headline) = headline(state, finish);
    page.headline(mark, &headline, &place_of(state));
    // The sentence of a failure is the failed step's, that of a wait the waiting one's; neither is
    // said twice.
    let said = state.steps.iter().any(|step| {
        (is_failed(step) && step.why == finish.why)
            || (awaits(step) && finish.why.ends_with(&step.why))
    });
    if !finish.why.is_empty() && !said {
        page.text(INDENT, Paint::Plain, &finish.why);
    }
    for step in &state.steps {
        if is_failed(step) {
            step_card(&mut page, state, step, style);
        } else if matches!(step.state, StepState::InDoubt) {
            doubt_card(&mut page, state, step);
        } else if finish.verdict == Verdict::Recovered && tells_the_pods(step) {
            page.text(INDENT, Paint::Plain, &step.why);
        }
    }
    for judged in &state.criteria {
        if is_already_there(finish) {
            // Nothing was done, so nothing is claimed of a cause: green is all there is to say.
            let green = Judged { before: Some(false), ..judged.clone() };
            criterion(&mut page, &green, style);
        } else {
            criterion(&mut page, judged, style);
        }
    }
    match finish.verdict {
        Verdict::Recovered => {}
        Verdict::Applied => awaiting(&mut page, state),
        Verdict::Failed | Verdict::Aborted | Verdict::Unknown => what_stands(&mut page, state),
    }
    if finish.verdict != Verdict::Recovered {
        offer(&mut page, state);
    }
    followed(&mut page, state, finish);
    page.sides(
        (Paint::Plain, INDENT),
        (Paint::Dim, &format!("rollback runs show {}", state.run_id)),
        (Paint::Dim, &format!("exit {}", finish.exit_code)),
    );
    page.finish()
}

/// Who decides where it did not end well; what of the validation is open, and whether it must be
/// closed.
fn followed(page: &mut Page<'_>, state: &RunState, finish: &Finish) {
    let Some(plan) = state.plan() else { return };
    let who = plan.after.who_decides();
    let works = state.only_a_merge().is_some();
    if finish.exit_code != 0 && !works && plan.ladder.is_empty() {
        let call = if who.is_empty() { String::new() } else { format!("; call {who}") };
        let text = format!("no further way in this catalog{call} (rollback contacts)");
        page.text(&format!("{INDENT}next  "), Paint::Strong, &text);
    } else if finish.exit_code != 0 && !who.is_empty() {
        page.text(INDENT, Paint::Dim, &format!("decides: {who} (rollback contacts)"));
    }
    let open = state.after.open_words(&plan.after).filter(|_| !state.start.simulated);
    let Some(open) = open else { return };
    if plan.after.required {
        let text = format!("not closed: {open}");
        page.text(INDENT, Paint::Change, &text);
        page.command(4, &["rollback", "validate", &state.run_id].map(str::to_owned));
    } else if matches!(finish.verdict, Verdict::Recovered | Verdict::Applied) {
        let text = format!("{open}: rollback validate {}", state.run_id);
        page.text(INDENT, Paint::Dim, &text);
    }
}

/// A run that stopped on its way: where, why, how to go on.
pub fn paused_text(state: &RunState, style: &Style) -> String {
    let mut page = Page::new(style);
    let at = position(state);
    let headline = match &state.paused {
        Some(why) => format!("paused {at}: {why}"),
        None => format!("not finished, {at}"),
    };
    page.headline(Mark::Warn, &headline, &place_of(state));
    for step in &state.steps {
        if is_failed(step) {
            step_card(&mut page, state, step, style);
        } else if matches!(step.state, StepState::InDoubt) {
            doubt_card(&mut page, state, step);
        }
    }
    what_stands(&mut page, state);
    let gone = "its sandbox is gone; rehearse it again:";
    let lead = if state.start.simulated { gone } else { "go on with:" };
    page.text(INDENT, Paint::Plain, lead);
    page.command(4, &state.start.go_on(&state.run_id));
    page.finish()
}

/// The card of a failed step, for above the menu of what to do about it.
pub fn failure_text(state: &RunState, step: &str, style: &Style) -> String {
    let mut page = Page::new(style);
    if let Some(step) = state.step(step) {
        step_card(&mut page, state, step, style);
    }
    page.finish()
}

fn place_of(state: &RunState) -> String {
    place_words(Some(&state.start.context), &state.start.namespace)
}

/// Nothing had to be changed, and the checks are green: a success that is no recovery.
pub(super) fn is_already_there(finish: &Finish) -> bool {
    finish.verdict == Verdict::Applied && finish.exit_code == 0
}

pub(super) fn is_failed(step: &StepRun) -> bool {
    matches!(step.state, StepState::Failed { .. })
}

/// Whether what a step did waits for a merge.
fn awaits(step: &StepRun) -> bool {
    matches!(step.state, StepState::Done { effect: EffectKind::Awaiting })
}

/// Whether a step's sentence is evidence that belongs on the card of a recovery.
fn tells_the_pods(step: &StepRun) -> bool {
    step.kind == "restart" && matches!(step.state, StepState::Done { .. }) && !step.why.is_empty()
}

fn number(state: &RunState, step: &StepRun) -> usize {
    state.steps.iter().position(|other| other.id == step.id).map_or(0, |index| index + 1)
}

fn step_card(page: &mut Page, state: &RunState, step: &StepRun, style: &Style) {
    let mark = step_mark(step);
    let lead = format!("{}{} {}  ", INDENT, style.mark(mark), number(state, step));
    let word = match &step.state {
        StepState::Failed { outcome: Outcome::TimedOut } => "timed out",
        StepState::Failed { outcome: Outcome::Interrupted } => "interrupted",
        StepState::Failed { .. } => "failed",
        StepState::Pending | StepState::InDoubt => "not ended",
        StepState::Done { .. } => "done",
        StepState::Skipped { .. } => "skipped",
    };
    let tries =
        if step.attempts > 1 { format!(", {} tries", step.attempts) } else { String::new() };
    let right = format!("{word} after {}{tries}", millis(step.elapsed_ms));
    let paint = Style::paint_of(mark);
    page.sides((paint, &lead), (paint, &step.name), (paint, &right));
    let indent = " ".repeat(super::layout::width(&lead));
    if !step.why.is_empty() {
        page.text(&indent, Paint::Plain, &step.why);
    }
    detail(page, &indent, &step.detail);
}

/// The command's own words, as they came.
pub(super) fn detail(page: &mut Page, indent: &str, lines: &[String]) {
    let lead = format!("{indent}| ");
    for line in lines {
        page.marked(Paint::Dim, &lead, Paint::Plain, line);
    }
}

fn doubt_card(page: &mut Page, state: &RunState, step: &StepRun) {
    let lead = format!("{INDENT}? {}  ", number(state, step));
    page.sides((Paint::Change, &lead), (Paint::Change, &step.name), (Paint::Change, "in doubt"));
    let indent = " ".repeat(lead.len());
    let why = if step.why.is_empty() {
        "it was started, and its end was never recorded"
    } else {
        &step.why
    };
    page.text(&indent, Paint::Plain, why);
    for command in &step.commands {
        page.command(indent.len(), command);
    }
}

pub(super) fn criterion(page: &mut Page, judged: &Judged, style: &Style) {
    let mark = match (judged.holds, judged.before) {
        (true, Some(true) | None) => Mark::Warn,
        (true, Some(false)) => Mark::Done,
        (false, _) => Mark::Failed,
    };
    let lead = format!("{INDENT}{} ", style.mark(mark));
    page.marked(Style::paint_of(mark), &lead, Paint::Plain, &criterion_words(judged));
}

/// A condition and its sentence; what proves nothing says so.
pub(super) fn criterion_words(judged: &Judged) -> String {
    let note = match (judged.holds, judged.before) {
        (true, Some(true)) => " (held before as well: says nothing about the cause)",
        (true, None) => " (not known before: shows no recovery)",
        _ => "",
    };
    let gap = if judged.why.is_empty() { "" } else { "  " };
    format!("{}{gap}{}{note}", judged.name, judged.why)
}

fn awaiting(page: &mut Page, state: &RunState) {
    for step in state.steps.iter().filter(|step| awaits(step)) {
        if state.only_a_merge().is_some() {
            page.text(&format!("{INDENT}next  "), Paint::Strong, &format!("merge: {}", step.why));
        } else {
            page.text(INDENT, Paint::Change, &format!("waits for somebody: {}", step.why));
        }
    }
    if state.criteria.is_empty() {
        page.text(INDENT, Paint::Plain, "no condition was judged: look at the service yourself");
    }
    let skipped = state.steps.iter().filter(|step| {
        matches!(step.state, StepState::Skipped { why: SkipReason::Operator | SkipReason::Blocked })
    });
    for step in skipped {
        page.text(INDENT, Paint::Plain, &format!("left out: {}", step.name));
    }
}

/// Which steps are done and which were not begun: what the world looks like now.
fn what_stands(page: &mut Page, state: &RunState) {
    let named = |wanted: fn(&StepRun) -> bool| {
        let names: Vec<String> = state
            .steps
            .iter()
            .enumerate()
            .filter(|(_, step)| wanted(step))
            .map(|(index, step)| format!("{} {}", index + 1, step.name))
            .collect();
        names.join(", ")
    };
    let done = named(|step| matches!(step.state, StepState::Done { .. }));
    let skipped = named(|step| matches!(step.state, StepState::Skipped { .. }));
    let pending = named(|step| matches!(step.state, StepState::Pending));
    if state.confirmed == Some(false) {
        return;
    }
    let begun = named(may_have_changed);
    if done.is_empty() && begun.is_empty() {
        page.text(&format!("{INDENT}done      "), Paint::Plain, "nothing");
    } else if !done.is_empty() {
        page.text(&format!("{INDENT}done      "), Paint::Plain, &done);
    }
    if !begun.is_empty() {
        let text = format!("{begun} (what it changed until then stands)");
        page.text(&format!("{INDENT}begun     "), Paint::Plain, &text);
    }
    if !skipped.is_empty() {
        page.text(&format!("{INDENT}skipped   "), Paint::Plain, &skipped);
    }
    if !pending.is_empty() {
        page.text(&format!("{INDENT}not begun "), Paint::Plain, &pending);
    }
}

/// Whether a step failed after a command of it was started that may have changed something.
fn may_have_changed(step: &StepRun) -> bool {
    let asks = ["http", "metric", "manual", "wait"].contains(&step.kind.as_str());
    is_failed(step) && !step.children.is_empty() && !asks
}

/// What the survey of a rung that is offered came to.
pub(super) fn surveyed(ready: Option<bool>) -> &'static str {
    match ready {
        Some(true) => "surveyed: ready",
        Some(false) => "surveyed: blocked",
        None => "not surveyed",
    }
}

fn offer(page: &mut Page, state: &RunState) {
    let Some(Offer { target, method, command, ready, why }) = &state.offer else { return };
    let ready = surveyed(*ready);
    let paint = if ready.ends_with("blocked") { Paint::Bad } else { Paint::Plain };
    page.sides(
        (Paint::Strong, &format!("{INDENT}next  ")),
        (Paint::Strong, &format!("{target}, {method}")),
        (paint, ready),
    );
    if !why.is_empty() {
        page.text("        ", Paint::Plain, why);
    }
    page.command(8, command);
}

/// The mark of a step's line.
pub(super) fn step_mark(step: &StepRun) -> Mark {
    match &step.state {
        StepState::Pending => Mark::Pending,
        StepState::InDoubt => Mark::Doubt,
        StepState::Done { effect: EffectKind::Awaiting } => Mark::Warn,
        StepState::Done { .. } => Mark::Done,
        StepState::Failed { .. } => Mark::Failed,
        StepState::Skipped { .. } => Mark::Skipped,
    }
}

/// `at step 2 of 3, Restart the backend`.
pub(super) fn position(state: &RunState) -> String {
    let open = state.steps.iter().position(|step| {
        matches!(step.state, StepState::InDoubt | StepState::Failed { .. } | StepState::Pending)
    });
    match open {
        Some(index) => {
            let (step, of) = (&state.steps[index], state.steps.len());
            let before = if matches!(step.state, StepState::Pending) { "before" } else { "at" };
            format!("{before} step {} of {of}, {}", index + 1, step.name)
        }
        None => "after its last step".to_owned(),
    }
}

/// Who ran it, where and why, in one or two lines.
pub(super) fn origin(page: &mut Page, state: &RunState, style: &Style) {
    let start = &state.start;
    let place = place_words(Some(&start.context), &start.namespace);
    let what = format!("{} {} {}", start.target, style.dot(), start.method);
    let stamp = if start.simulated { "SIMULATED: " } else { "" };
    let what = format!("{stamp}{what}");
    if super::layout::width(&what) + super::layout::width(&place) + 2 <= style.width {
        page.sides((Paint::Plain, ""), (Paint::Strong, &what), (Paint::Strong, &place));
    } else {
        page.text("", Paint::Strong, &place);
        page.text("", Paint::Strong, &what);
    }
    let budget = start.budget_ms.map_or(String::new(), |budget| {
        format!("budget {}", duration(std::time::Duration::from_millis(budget)))
    });
    let by = format!("by {} on {}", start.operator, start.host);
    page.sides((Paint::Plain, ""), (Paint::Plain, &by), (Paint::Plain, &budget));
    for (label, text) in [
        ("incident ", &start.incident),
        ("because ", &start.reason),
        ("escalated from ", &start.escalated_from),
        ("decided by ", &state.decided_by),
    ] {
        if let Some(text) = text {
            page.text(label, Paint::Plain, text);
        }
    }
}

/// That a run goes on without its lock.
pub fn waived_words(why: &str) -> String {
    format!("going on without the lock: {why}; nobody else is kept out")
}

/// From whom the lock was taken over.
pub fn taken_over_words(from: &TakenOver) -> String {
    let host = if from.host.is_empty() { String::new() } else { format!(" on {}", from.host) };
    let held = from.held_ms.map_or_else(|| "an unknown time".to_owned(), millis);
    format!(
        "the lock was taken over from {}{host} (run {}): {}; held for {held}, no sign of life for {}",
        if from.holder.is_empty() { "somebody" } else { &from.holder },
        from.from_run,
        from.doing,
        millis(from.silent_ms)
    )
}

//! What to do about a plan that is blocked.

use crate::plan::{Plan, PlannedStep};
use crate::runbook::Action;
use crate::step::{Nature, Standing};
use crate::terminal::layout::Page;
use crate::terminal::style::{Paint, Style};

use super::rung_words;

/// What came before a plan.
#[derive(Debug, Clone, Default)]
pub struct Before {
    /// What the commands that are offered carry on: the incident, the reason, the run before.
    pub inherited: Vec<String>,
    /// Whether this process has taken another way before, which may have changed something.
    pub climbed: bool,
}

/// What to do about a plan that is blocked; for below the plan.
pub fn blocked_text(plan: &Plan, before: &Before, style: &Style) -> String {
    let blocked: Vec<&PlannedStep> = plan.blocked().collect();
    let mut page = Page::new(style);
    let Some(first) = blocked.first() else { return page.finish() };
    let who = if before.climbed {
        format!("{} changed nothing", plan.method)
    } else {
        "Nothing was changed".to_owned()
    };
    let left = match blocked.len() {
        1 => format!("{who}: {} is blocked.", first.step.name),
        many => format!("{who}: {many} of {} steps are blocked.", plan.steps.len()),
    };
    page.sides((Paint::Plain, ""), (Paint::Bad, &left), (Paint::Dim, "exit 4"));
    page.blank();
    let offered = |mut command: Vec<String>| {
        command.extend(before.inherited.iter().cloned());
        command
    };
    if blocked.iter().all(|step| is_of_the_place(plan, step)) {
        let text = "The runbook is not at fault. Check the context, the namespace and this \
                    machine, and try again:";
        page.text("", Paint::Plain, text);
        page.command(2, &offered(plan.command()));
        return page.finish();
    }
    page.text("", Paint::Plain, "Fix the runbook (or the cluster) and try again:");
    for step in &blocked {
        page.text("  ", Paint::Plain, &step.step.place.to_string());
    }
    // What needs the commit of a step that is left out cannot run either.
    let without = plan.without_blocked();
    if without.steps.iter().any(is_worth_doing) {
        let left_out: Vec<&str> =
            without.steps.iter().filter(|it| it.left_out).map(|it| it.step.id.as_str()).collect();
        let mut command = plan.command();
        for id in &left_out {
            command.extend(["--skip-blocked".to_owned(), (*id).to_owned()]);
        }
        let what = if left_out.len() == 1 { "leave it out" } else { "leave them out" };
        page.text("", Paint::Plain, &format!("or {what} and do the rest:"));
        page.command(2, &offered(command));
    }
    if let Some(rung) = plan.ladder.first() {
        let text = format!("or take the next way, {}:", rung_words(rung, &plan.target, style));
        page.text("", Paint::Plain, &text);
        page.command(2, &offered(rung.command()));
    }
    page.finish()
}

/// Whether a step that is left changes something that a restart alone would not.
fn is_worth_doing(step: &PlannedStep) -> bool {
    let only_again = matches!(step.step.action, Action::Restart(_) | Action::Wait(_));
    let stands = matches!(step.standing, Standing::Blocked | Standing::AlreadyThere);
    step.nature != Nature::Check && !only_again && !stands && !step.left_out
}

/// Whether a step is blocked by where it would run, not by what it says: there is no such context or
/// namespace, or a program is not on the PATH. No other way helps there.
fn is_of_the_place(plan: &Plan, step: &PlannedStep) -> bool {
    let missing = format!("there is no namespace {}", plan.setting.namespace);
    let problem = &plan.cluster.problem;
    let mut certain = step.forecast.obstacles.iter().filter(|it| it.certain).peekable();
    certain.peek().is_some()
        && certain.all(|it| {
            (!problem.is_empty() && it.why == *problem)
                || it.why.ends_with(&missing)
                || it.why.ends_with("is not on the PATH")
        })
}

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

impl Before {
    /// A command that is offered, with what it inherits.
    pub fn offered(&self, mut command: Vec<String>) -> Vec<String> {
        command.extend(self.inherited.iter().cloned());
        command
    }
}

/// The command that leaves out what is blocked, where something worth doing is left then. What needs
/// the commit of a step that is left out cannot run either.
pub fn leaving_out(plan: &Plan, before: &Before) -> Option<Vec<String>> {
    let without = plan.without_blocked();
    if !without.steps.iter().any(is_worth_doing) {
        return None;
    }
    let mut command = plan.command();
    for step in without.steps.iter().filter(|step| step.left_out) {
        command.extend(["--skip-blocked".to_owned(), step.step.id.clone()]);
    }
    Some(before.offered(command))
}

/// What to do about a plan that is blocked; for below the plan.
pub fn blocked_text(plan: &Plan, before: &Before, style: &Style) -> String {
    let blocked: Vec<&PlannedStep> = plan.blocked().collect();
    let mut page = Page::new(style);
    let Some(first) = blocked.first() else {
        if plan.unlockable().is_some() {
            let left = "Nothing was changed: the lock cannot be taken.";
            page.sides((Paint::Plain, ""), (Paint::Bad, left), (Paint::Dim, "exit 4"));
            page.text("", Paint::Plain, "If nobody else is rolling it back, go on without:");
            let mut command = plan.command();
            command.push("--without-lock".to_owned());
            page.command(2, &before.offered(command));
        }
        return page.finish();
    };
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
    if blocked.iter().all(|step| is_of_the_place(plan, step)) {
        let text = "The runbook is not at fault. Check the context, the namespace and this \
                    machine, and try again:";
        page.text("", Paint::Plain, text);
        page.command(2, &before.offered(plan.command()));
        return page.finish();
    }
    page.text("", Paint::Plain, "Fix the runbook (or the cluster) and try again:");
    for step in &blocked {
        page.text("  ", Paint::Plain, &step.step.place.to_string());
    }
    if let Some(command) = leaving_out(plan, before) {
        let skipped = command.iter().filter(|word| *word == "--skip-blocked").count();
        let what = if skipped == 1 { "leave it out" } else { "leave them out" };
        page.text("", Paint::Plain, &format!("or {what} and do the rest:"));
        page.command(2, &command);
    }
    if let Some(rung) = plan.ladder.first() {
        let text = format!("or take the next way, {}:", rung_words(rung, &plan.target, style));
        page.text("", Paint::Plain, &text);
        page.command(2, &before.offered(rung.command()));
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

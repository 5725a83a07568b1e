//! PURE: the plan as the operator reads it before saying yes, and what to do when it is blocked.

use crate::plan::{Plan, PlannedCriterion, PlannedStep, Rung};
use crate::runbook::{Action, CommandForm, Confirm, OnFailure, SecretSource, Target};
use crate::step::{FieldChange, Nature, Standing};
use crate::world::forge::shown;

use super::layout::{Page, duration, millis, width};
use super::style::{Mark, Paint, Style};

mod blocked;

pub use blocked::{Before, blocked_text, leaving_out};

/// Longer values are cut in the plan; the JSON has them whole.
const VALUE_CAP: usize = 240;

/// The plan: where, what, each step with its evidence and commands, what follows.
pub fn plan_text(plan: &Plan, style: &Style) -> String {
    let mut page = Page::new(style);
    head(&mut page, plan, style);
    for (index, step) in plan.steps.iter().enumerate() {
        one_step(&mut page, index + 1, step, style);
    }
    page.blank();
    after(&mut page, plan, style);
    foot(&mut page, plan, style);
    page.finish()
}

/// `netra-staging / default`: the environment, as the first line says it.
pub fn place_words(context: Option<&str>, namespace: &str) -> String {
    let context = context.filter(|context| !context.is_empty());
    format!("{} / {namespace}", context.unwrap_or("kubectl's current context"))
}

/// The question under the plan of a component; others want a name typed.
pub fn question(plan: &Plan) -> String {
    let place = plan.setting.context.as_deref().unwrap_or("kubectl's current context");
    if plan.forward_of.is_some() {
        return format!("Take {} forward again in {place}?", plan.target);
    }
    format!("Roll back {} in {place}?", plan.target)
}

fn head(page: &mut Page, plan: &Plan, style: &Style) {
    let place = place_words(plan.setting.context.as_deref(), &plan.setting.namespace);
    let what = format!("{} {} {}", plan.target, style.dot(), plan.method);
    if plan.simulated {
        let note = "SIMULATED: a sandbox on this machine, no real cluster";
        page.sides((Paint::Plain, ""), (Paint::Change, note), (Paint::Strong, &place));
        page.text("", Paint::Strong, &what);
    } else if width(&what) + width(&place) + 2 <= style.width {
        page.sides((Paint::Plain, ""), (Paint::Strong, &what), (Paint::Strong, &place));
    } else {
        page.text("", Paint::Strong, &place);
        page.text("", Paint::Strong, &what);
    }
    let budget = plan.budget.map(|budget| format!("budget {}", duration(budget)));
    let cluster = &plan.cluster;
    let (paint, text) = if !cluster.problem.is_empty() {
        (Paint::Change, format!("cluster not reached: {}", cluster.problem))
    } else if cluster.server.is_empty() && cluster.uid.is_empty() {
        (Paint::Plain, "no cluster: no step needs one".to_owned())
    } else {
        let uid: String = cluster.uid.chars().take(8).collect();
        let uid = if uid.is_empty() { "of unknown id".to_owned() } else { uid };
        let user = match cluster.user.as_str() {
            "" => String::new(),
            user => format!(" as {user}"),
        };
        (Paint::Plain, format!("cluster {uid} at {}{user}", cluster.server))
    };
    let budget = budget.unwrap_or_default();
    page.sides((Paint::Plain, ""), (paint, &text), (Paint::Plain, &budget));
    let git = plan.steps.iter().any(|planned| {
        matches!(
            planned.step.action,
            Action::RevertCommits(_) | Action::RestoreFiles(_) | Action::RollbackBranch(_)
        )
    });
    if let (true, Some(repository)) = (git, &plan.setting.repository) {
        page.text("repository ", Paint::Plain, &shown(repository));
    }
    page.blank();
}

/// The word of a step, as it stands at the right edge.
pub fn standing_word(step: &PlannedStep) -> (Paint, &'static str) {
    if step.left_out {
        return (Paint::Dim, "left out");
    }
    match step.standing {
        Standing::WillChange => (Paint::Change, "will change"),
        Standing::AlreadyThere => (Paint::Good, "already there"),
        Standing::Blocked => (Paint::Bad, "blocked"),
        Standing::CannotBeChecked => (Paint::Change, "cannot be checked"),
        Standing::WillRun => (Paint::Plain, "will run"),
    }
}

fn one_step(page: &mut Page, number: usize, planned: &PlannedStep, style: &Style) {
    let (paint, word) = standing_word(planned);
    let name = if planned.left_out { Paint::Dim } else { Paint::Plain };
    let lead = format!("{number:>3}  ");
    page.sides((Paint::Plain, &lead), (name, &planned.step.name), (paint, word));
    let indent = "       ";
    for obstacle in &planned.forecast.obstacles {
        let paint = if obstacle.certain { Paint::Bad } else { Paint::Change };
        page.text(indent, paint, &obstacle.why);
        if let Some(hint) = &obstacle.hint {
            page.text(indent, Paint::Plain, hint);
        }
    }
    if planned.left_out {
        return;
    }
    for change in &planned.forecast.changes {
        let text = change_words(change, style);
        if indent.len() + width(&text) <= style.width {
            page.text(indent, Paint::Plain, &text);
        } else {
            page.text(indent, Paint::Plain, &change.object);
            let text = text.strip_prefix(&change.object).unwrap_or(&text).trim_start();
            page.text(&format!("{indent}  "), Paint::Plain, text);
        }
    }
    for line in &planned.forecast.evidence {
        page.text(indent, Paint::Plain, line);
    }
    for line in &planned.forecast.warnings {
        page.marked(Paint::Change, &format!("{indent}! "), Paint::Change, line);
    }
    for line in notes(planned) {
        page.text(indent, Paint::Plain, &line);
    }
    if planned.standing != Standing::AlreadyThere {
        for command in &planned.commands {
            page.command(indent.len(), command);
        }
    }
}

/// `object  field  from -> to`.
pub fn change_words(change: &FieldChange, style: &Style) -> String {
    let from = change.from.as_deref().map_or("(not there)".to_owned(), |from| value(from, style));
    format!("{}  {}  {from} -> {}", change.object, change.field, value(&change.to, style))
}

fn value(text: &str, style: &Style) -> String {
    if text.is_empty() {
        return "(empty)".to_owned();
    }
    let count = text.chars().count();
    if count <= VALUE_CAP {
        return text.to_owned();
    }
    let start: String = text.chars().take(VALUE_CAP).collect();
    format!("{start}{} ({count} characters)", style.ellipsis())
}

/// What the runbook says of the step that the forecast does not.
fn notes(planned: &PlannedStep) -> Vec<String> {
    let mut notes = Vec::new();
    let silent = planned.forecast.changes.is_empty() && planned.forecast.evidence.is_empty();
    if silent && planned.commands.is_empty() && planned.forecast.obstacles.is_empty() {
        notes.extend(action_words(&planned.step.action));
    }
    let tests = matches!(
        planned.step.action,
        Action::Restart(_) | Action::RolloutUndo(_) | Action::RestoreSnapshot(_)
    );
    if tests && planned.standing != Standing::AlreadyThere && !planned.commands.is_empty() {
        notes.push("the run also tests that nobody changed it since it was read".to_owned());
    }
    match planned.step.confirm {
        Confirm::None => {}
        Confirm::Yes => notes.push("asks before it starts".to_owned()),
        Confirm::Name => notes.push("asks for the target's name before it starts".to_owned()),
    }
    if planned.step.on_failure == OnFailure::Continue {
        notes.push("if it fails, the run goes on".to_owned());
    }
    notes
}

fn action_words(action: &Action) -> Option<String> {
    match action {
        Action::Http(http) => {
            let status: Vec<String> = http.status.iter().map(ToString::to_string).collect();
            Some(format!("{} {} must answer {}", http.method, http.url, status.join(" or ")))
        }
        Action::Metric(metric) => Some(crate::step::metric::words(metric)),
        Action::Apply(apply) => Some(format!("{} at {}", words(&apply.paths), apply.at)),
        Action::RestoreSnapshot(spec) => Some(format!("snapshot {}", spec.name)),
        Action::RolloutUndo(undo) => Some(undo.workload.to_string()),
        Action::Manual(manual) => Some(manual.instruction.clone()),
        Action::Wait(wait) => Some(match wait.duration {
            Some(span) => format!("waits {}", duration(span)),
            None => format!("waits for the rollout of {}", words(&wait.rollout)),
        }),
        Action::Command(command) => Some(match &command.form {
            CommandForm::Argv(argv) => argv.join(" "),
            CommandForm::Shell(script) => script.clone(),
        }),
        Action::Restart(restart) => Some(words(&restart.workloads)),
        Action::SetFlags(_)
        | Action::RevertCommits(_)
        | Action::RestoreFiles(_)
        | Action::RollbackBranch(_) => None,
    }
}

fn words<T: ToString>(items: &[T]) -> String {
    items.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Why a plan that can be run changes nothing, where that is so.
fn nothing_to_change(plan: &Plan) -> Option<&'static str> {
    let blocked = |step: &PlannedStep| step.standing == Standing::Blocked && !step.left_out;
    if plan.changes() > 0 || plan.steps.iter().any(blocked) {
        return None;
    }
    let mut acts = plan.steps.iter().filter(|step| step.nature != Nature::Check).peekable();
    Some(if acts.peek().is_none() {
        "It changes nothing: its steps only look."
    } else if acts.any(|step| step.left_out) {
        "What is left of it changes nothing."
    } else {
        "Nothing to change: everything is as this method leaves it."
    })
}

/// What will not go well with the lock of the environment.
fn lock(page: &mut Page, plan: &Plan) {
    for obstacle in &plan.lock {
        let paint = if obstacle.certain { Paint::Bad } else { Paint::Change };
        page.marked(paint, "lock            ! ", paint, &obstacle.why);
        if let Some(hint) = &obstacle.hint {
            page.text("                  ", Paint::Plain, hint);
        }
    }
    if !plan.lock.is_empty() {
        page.blank();
    }
}

fn after(page: &mut Page, plan: &Plan, style: &Style) {
    lock(page, plan);
    if let Some(words) = nothing_to_change(plan) {
        page.text("", Paint::Good, words);
        page.blank();
    }
    let label = "recovered when  ";
    if plan.criteria.is_empty() {
        let text = "the runbook does not say: the best verdict is \"applied\"";
        page.marked(Paint::Plain, label, Paint::Change, text);
    }
    for (index, planned) in plan.criteria.iter().enumerate() {
        let lead = if index == 0 { label.to_owned() } else { " ".repeat(label.len()) };
        let now = now_words(planned);
        let left = (Paint::Plain, planned.criterion.name.as_str());
        page.sides((Paint::Plain, &lead), left, (now.0, &now.1));
        if !planned.warning.is_empty() {
            let lead = format!("{}! ", " ".repeat(label.len()));
            page.marked(Paint::Change, &lead, Paint::Change, &planned.warning);
        }
    }
    let all_green = plan.criteria.iter().all(|planned| planned.before == Some(true));
    if all_green && !plan.criteria.is_empty() && plan.changes() > 0 {
        let text = "this holds already: the best verdict is \"applied\"";
        page.text(&" ".repeat(label.len()), Paint::Change, text);
    }
    if let Some(rung) = plan.ladder.first() {
        let text = rung_words(rung, &plan.target, style);
        page.text("if not          ", Paint::Plain, &text);
    }
}

fn now_words(planned: &PlannedCriterion) -> (Paint, String) {
    let paint = match planned.before {
        Some(true) => Paint::Good,
        Some(false) => Paint::Bad,
        None => Paint::Change,
    };
    match (&planned.now, planned.before) {
        (now, _) if !now.is_empty() => (paint, format!("now: {now}")),
        (_, Some(true)) => (paint, "now: yes".to_owned()),
        (_, Some(false)) => (paint, "now: no".to_owned()),
        (_, None) => (paint, "now: not known".to_owned()),
    }
}

/// `code (5m): restore 1 file, deploy`, with the target where it is another one.
pub fn rung_words(rung: &Rung, from: &Target, style: &Style) -> String {
    let mut text = if rung.target == *from {
        rung.method.clone()
    } else {
        format!("{} {} {}", rung.target, style.dot(), rung.method)
    };
    if let Some(budget) = rung.budget {
        text = format!("{text} ({})", duration(budget));
    }
    if !rung.steps.is_empty() {
        text = format!("{text}: {}", rung.steps.join(", "));
    }
    text
}

fn foot(page: &mut Page, plan: &Plan, style: &Style) {
    page.blank();
    if !plan.parameters.is_empty() {
        let words: Vec<String> = plan
            .parameters
            .iter()
            .map(|(name, value)| format!("{name}={}", shown(value)))
            .collect();
        page.text("with    ", Paint::Dim, &words.join("  "));
    }
    if !plan.secrets.is_empty() {
        let words: Vec<String> = plan
            .secrets
            .iter()
            .map(|(name, source)| format!("{name} from {}", source_words(source)))
            .collect();
        page.text("secret  ", Paint::Dim, &words.join(", "));
    }
    let digest: String = plan.digest.trim_start_matches("sha256:").chars().take(12).collect();
    let text = format!(
        "plan {digest} {dot} surveyed in {} {dot} {}",
        millis(plan.survey.elapsed_ms),
        plan.place.file.display(),
        dot = style.dot()
    );
    page.text("", Paint::Dim, &text);
    if !plan.survey.unanswered.is_empty() {
        let mark = format!("{} ", style.mark(Mark::Warn));
        let text = format!("no answer: {}", plan.survey.unanswered.join(", "));
        page.marked(Paint::Change, &mark, Paint::Change, &text);
        let note = "that is no reason not to roll back; what depends on it cannot be checked";
        page.text("  ", Paint::Plain, note);
    }
}

fn source_words(source: &SecretSource) -> String {
    match source {
        SecretSource::Env(name) => format!("${name}"),
        SecretSource::File(path) => path.display().to_string(),
        SecretSource::Command(argv) => {
            format!("`{}`", argv.first().map_or("", String::as_str))
        }
    }
}

//! The parts of a report that are read off the steps, the criteria and what followed.

use std::collections::BTreeSet;

use super::page::Block;
use super::{Story, line, moment, recovery as plan};
use crate::runbook::Action;
use crate::state::{StepRun, StepState};
use crate::terminal::layout::millis;

/// What the run touched: the target, and the workloads of its steps.
pub fn affected(story: &Story) -> String {
    let mut names = BTreeSet::new();
    for planned in &story.plan.steps {
        match &planned.step.action {
            Action::Restart(spec) => names.extend(spec.workloads.iter().map(ToString::to_string)),
            Action::SetFlags(spec) => {
                names.extend(spec.configmap.iter().map(|name| format!("configmap/{name}")));
                names.extend(spec.workload.iter().map(ToString::to_string));
            }
            _ => {}
        }
    }
    let mut all = vec![story.plan.target.to_string()];
    all.extend(names);
    all.join(", ")
}

/// What became of a step, in words.
pub fn word(step: &StepRun) -> &'static str {
    match &step.state {
        StepState::Pending => "not begun",
        StepState::InDoubt => "in doubt",
        StepState::Done { .. } => "done",
        StepState::Failed { .. } => "failed",
        StepState::Skipped { .. } => "skipped",
    }
}

/// The steps in one table: the timeline in words.
pub fn steps_table(story: &Story) -> Block {
    let rows = story.state.steps.iter().enumerate().map(|(index, step)| {
        let started = step.started.as_deref().map_or(String::new(), clock);
        let took = if step.attempts > 0 { millis(step.elapsed_ms) } else { String::new() };
        let tries =
            if step.attempts > 1 { format!(" ({} tries)", step.attempts) } else { String::new() };
        vec![
            (index + 1).to_string(),
            line(&step.name),
            started,
            took,
            format!("{}{tries}", word(step)),
        ]
    });
    Block::Table(vec!["", "Step", "Began (UTC)", "Took", "Result"], rows.collect())
}

/// `02:14:05` of an RFC 3339 time.
pub fn clock(ts: &str) -> String {
    ts.get(11..19).unwrap_or(ts).to_owned()
}

/// The values that were changed, before and after.
pub fn system_impact(story: &Story) -> Vec<Block> {
    let mut rows = Vec::new();
    for planned in &story.plan.steps {
        let done = story
            .state
            .step(&planned.step.id)
            .is_some_and(|step| matches!(step.state, StepState::Done { .. }));
        for change in planned.forecast.changes.iter().filter(|_| done) {
            rows.push(vec![
                line(&change.object),
                line(&change.field),
                change.from.as_deref().map_or("not there".to_owned(), line),
                line(&change.to),
            ]);
        }
    }
    if rows.is_empty() {
        return vec![Block::Text("No value of the cluster was changed.".to_owned())];
    }
    vec![Block::Table(vec!["Object", "Field", "Before", "After"], rows)]
}

/// The conditions of recovery, before the run and after it.
pub fn before_and_after(story: &Story) -> Vec<Block> {
    if story.state.criteria.is_empty() {
        return vec![Block::Text("No condition of recovery was judged.".to_owned())];
    }
    let rows = story.state.criteria.iter().map(|judged| {
        let before = match judged.before {
            Some(true) => "held",
            Some(false) => "did not hold",
            None => "not asked",
        };
        let after = if judged.holds { "holds" } else { "does not hold" };
        vec![line(&judged.name), before.to_owned(), after.to_owned(), line(&judged.why)]
    });
    vec![Block::Table(vec!["Condition", "Before", "After", "Seen"], rows.collect())]
}

/// Each step with its commands and its evidence.
pub fn steps(story: &Story) -> Vec<Block> {
    let mut blocks = Vec::new();
    for (index, step) in story.state.steps.iter().enumerate() {
        blocks.push(Block::Heading(3, format!("{}. {}", index + 1, line(&step.name))));
        let colon = if step.why.is_empty() { "" } else { ": " };
        let took = if step.attempts > 0 {
            format!(" after {}", millis(step.elapsed_ms))
        } else {
            String::new()
        };
        blocks.push(Block::Text(format!("{}{took}{colon}{}", word(step), line(&step.why))));
        let mut code: Vec<String> = Vec::new();
        if step.attempts > 0 {
            let shown = step.commands.iter().map(|argv| format!("$ {}", shell(argv)));
            code.extend(shown);
        }
        code.extend(step.detail.iter().map(|text| format!("| {}", line(text))));
        if !code.is_empty() {
            blocks.push(Block::Code(code));
        }
        let outputs: Vec<(String, String)> =
            step.outputs.iter().map(|(name, value)| (name.clone(), line(value))).collect();
        if !outputs.is_empty() {
            blocks.push(Block::Facts(outputs));
        }
    }
    blocks
}

fn shell(argv: &[String]) -> String {
    let words: Vec<String> = argv.iter().map(|word| crate::script::shell_quote(word)).collect();
    line(&words.join(" "))
}

/// The runs before this one, and the rung that was offered.
pub fn escalations(story: &Story) -> Vec<Block> {
    let mut rows: Vec<Vec<String>> = Vec::new();
    for run in story.before.iter().chain([&story.state]) {
        let took = run.finish.as_ref().map_or(String::new(), |finish| millis(finish.elapsed_ms));
        rows.push(vec![
            run.run_id.clone(),
            moment(&run.started),
            format!("{}, {}", run.start.target, run.start.method),
            run.word().to_owned(),
            took,
        ]);
    }
    let mut blocks = vec![Block::Table(vec!["Run", "Began", "What", "Verdict", "Took"], rows)];
    if let Some(offer) = &story.state.offer {
        let text =
            format!("Offered next: {}, {}: {}", offer.target, offer.method, line(&offer.why));
        blocks.push(Block::Text(text));
    }
    blocks
}

/// The tiers and their items.
pub fn validation(story: &Story) -> Vec<Block> {
    let (after, followed) = (&story.plan.after, &story.state.after);
    if after.tiers.is_empty() {
        return vec![Block::Text("The catalog names no validation.".to_owned())];
    }
    let mut blocks = vec![Block::Text(match &followed.closed {
        Some((ts, by)) => format!("Closed by {} at {}.", line(by), moment(ts)),
        None if followed.tiers.is_empty() => "Not begun.".to_owned(),
        None => format!("Not closed: {} hold.", followed.word(after).unwrap_or_default()),
    })];
    for tier in &after.tiers {
        let word = if followed.failing(tier).next().is_some() {
            "fails"
        } else if followed.holds(&tier.name) {
            "holds"
        } else {
            "open"
        };
        blocks.push(Block::Heading(3, format!("{}: {word}", tier.title)));
        let rows = tier.items.iter().map(|item| {
            let seen = followed.items.get(&item.id);
            let result = seen.map_or("open", |seen| if seen.holds { "holds" } else { "fails" });
            vec![
                line(&item.check.name),
                result.to_owned(),
                seen.map_or(String::new(), |seen| format!("{} ({})", line(&seen.by), seen.how)),
                seen.map_or(String::new(), |seen| clock(&seen.ts)),
                seen.map_or(String::new(), |seen| line(&seen.why)),
            ]
        });
        let rows = rows.collect();
        blocks.push(Block::Table(vec!["Item", "Result", "By", "At (UTC)", "Seen"], rows));
    }
    blocks
}

/// The recovery plan and the criteria of the way forward.
pub fn recovery(story: &Story) -> Vec<Block> {
    let (after, followed) = (&story.plan.after, &story.state.after);
    let mut blocks = Vec::new();
    for phase in &after.recovery {
        let when = plan::days(&story.state, phase);
        blocks.push(Block::Heading(3, format!("{} ({when})", phase.name)));
        let items = phase.items.iter().map(|item| {
            let tick = followed.recovery.get(&item.id);
            let by = tick.map_or(String::new(), plan::signature);
            (Some(tick.is_some()), format!("{}{by}", item.text))
        });
        blocks.push(Block::List(items.collect()));
    }
    if !after.criteria.is_empty() {
        blocks.push(Block::Heading(3, "Before the migration is taken up again".to_owned()));
        let items = after.criteria.iter().map(|item| {
            let tick = followed.criteria.get(&item.id);
            let by = tick.map_or(String::new(), plan::signature);
            (Some(tick.is_some()), format!("{}{by}", item.text))
        });
        blocks.push(Block::List(items.collect()));
    }
    for forward in &followed.forward {
        let text = format!(
            "{} went forward again at {} by {} (run {}).",
            forward.target,
            moment(&forward.ts),
            line(&forward.by),
            forward.run
        );
        blocks.push(Block::Text(text));
    }
    blocks
}

//! PURE: the recovery plan of a run, as far as it is done.

use serde_json::{Value, json};

use crate::after::{After, Tick};
use crate::event::VERSION;
use crate::followed::Ticked;
use crate::report::recovery::{days, first_day, signature, span};
use crate::runbook::after::opened;
use crate::state::RunState;

use super::layout::Page;
use super::style::{Mark, Paint, Style};

/// The page of `rollback recovery`; `today` marks what is due and what is late.
pub fn recovery_text(state: &RunState, after: &After, today: u64, style: &Style) -> String {
    let mut page = Page::new(style);
    let what = format!("{} {} {}", state.start.target, style.dot(), state.word());
    page.sides((Paint::Plain, ""), (Paint::Strong, &what), (Paint::Dim, "recovery plan"));
    page.text("", Paint::Dim, &format!("run {}", state.run_id));
    for phase in &after.recovery {
        page.blank();
        let open = phase.items.iter().any(|item| !state.after.recovery.contains_key(&item.id));
        let (paint, word) = match span(state, phase) {
            _ if !open => (Paint::Good, "done"),
            Some((_, Some(to))) if to < today => (Paint::Bad, "late"),
            Some((from, _)) if from <= today => (Paint::Change, "now"),
            _ => (Paint::Dim, "later"),
        };
        let title = format!("{} ({})", phase.name, days(state, phase));
        page.sides((Paint::Plain, "  "), (Paint::Strong, &title), (paint, word));
        for item in &phase.items {
            tick(&mut page, item, state.after.recovery.get(&item.id), style);
        }
    }
    if !after.criteria.is_empty() {
        page.blank();
        let open =
            after.criteria.iter().filter(|it| !state.after.criteria.contains_key(&it.id)).count();
        let word = if open == 0 { "all are so".to_owned() } else { format!("{open} open") };
        let paint = if open == 0 { Paint::Good } else { Paint::Change };
        let title = "Before the way forward is taken";
        page.sides((Paint::Plain, "  "), (Paint::Strong, title), (paint, &word));
        for item in &after.criteria {
            tick(&mut page, item, state.after.criteria.get(&item.id), style);
        }
    }
    if let (Some(run), Some(plan)) = (first_day(state), state.plan())
        && opened(after.reviewed.as_deref(), run)
    {
        page.blank();
        let file = plan.place.file.display();
        let text = format!("This run opens a review of {file}: afterwards set `reviewed:` there.");
        page.text("  ", Paint::Dim, &text);
    }
    page.blank();
    let next = after.ticks().find(|(_, item)| !state.after.recovery.contains_key(&item.id));
    let command = |words: &[&str]| -> Vec<String> {
        ["rollback", "recovery", &state.run_id]
            .iter()
            .chain(words)
            .map(|word| (*word).to_owned())
            .collect()
    };
    if let Some((_, item)) = next {
        page.command(2, &command(&["--tick", &item.id]));
    } else if let Some(item) =
        after.criteria.iter().find(|it| !state.after.criteria.contains_key(&it.id))
    {
        page.command(2, &command(&["--criterion", &item.id]));
    }
    page.finish()
}

fn tick(page: &mut Page<'_>, item: &Tick, ticked: Option<&Ticked>, style: &Style) {
    let lead = format!("    {} ", style.mark(Mark::Done));
    if let Some(ticked) = ticked {
        page.marked(Paint::Good, &lead, Paint::Plain, &item.text);
        page.text("      ", Paint::Dim, signature(ticked).trim());
    } else {
        page.marked(Paint::Change, "    - ", Paint::Plain, &item.text);
        page.text("      ", Paint::Dim, &item.id);
    }
}

/// The same for programs.
pub fn recovery_json(state: &RunState, after: &After) -> Value {
    let item = |item: &Tick, ticked: Option<&Ticked>| json!({"id": item.id, "text": item.text, "done": ticked});
    let phases: Vec<Value> = after
        .recovery
        .iter()
        .map(|phase| {
            let span = span(state, phase);
            let day = |number: Option<u64>| number.map(crate::runbook::after::day_text);
            json!({
                "name": phase.name,
                "from": day(span.map(|it| it.0)),
                "to": day(span.and_then(|it| it.1)),
                "items": phase.items.iter()
                    .map(|it| item(it, state.after.recovery.get(&it.id))).collect::<Vec<_>>(),
            })
        })
        .collect();
    json!({
        "v": VERSION,
        "run_id": state.run_id,
        "phases": phases,
        "criteria": after.criteria.iter()
            .map(|it| item(it, state.after.criteria.get(&it.id))).collect::<Vec<_>>(),
    })
}

//! PURE: how far the validation of a run is: tier by tier, item by item, and what to do next.

use serde_json::{Value, json};

use crate::after::{After, ItemPlan, TierPlan};
use crate::event::VERSION;
use crate::state::RunState;

use super::layout::Page;
use super::log_form::clock;
use super::plan_view::place_words;
use super::style::{Mark, Paint, Style};

/// The page of `rollback validate`.
pub fn soak_text(state: &RunState, after: &After, style: &Style) -> String {
    let mut page = Page::new(style);
    head(&mut page, state, style);
    let verdict = state.word();
    page.text("", Paint::Dim, &format!("run {}, {verdict}", state.run_id));
    for tier in &after.tiers {
        page.blank();
        let (paint, word) = tier_word(state, after, &tier.name);
        let takes = crate::runbook::duration::format(tier.takes);
        let title = format!("{} ({}, {takes})", tier.title, tier.name);
        page.sides((Paint::Plain, "  "), (Paint::Strong, &title), (paint, word));
        for item in &tier.items {
            item_line(&mut page, state, item, style);
        }
    }
    page.blank();
    next(&mut page, state, after, style);
    page.finish()
}

/// What is validated, and where.
fn head(page: &mut Page<'_>, state: &RunState, style: &Style) {
    let what = format!("{} {} {}", state.start.target, style.dot(), state.start.method);
    let place = place_words(Some(&state.start.context), &state.start.namespace);
    page.sides((Paint::Plain, ""), (Paint::Strong, &what), (Paint::Strong, &place));
}

/// The lines above a tier whose items are asked now.
pub fn tier_head(state: &RunState, tier: &TierPlan, style: &Style) -> String {
    let mut page = Page::new(style);
    head(&mut page, state, style);
    let takes = crate::runbook::duration::format(tier.takes);
    let title = format!("{} ({}, {takes})", tier.title, tier.name);
    page.text("", Paint::Dim, &format!("run {}", state.run_id));
    page.blank();
    page.text("", Paint::Strong, &title);
    page.finish()
}

fn item_line(page: &mut Page<'_>, state: &RunState, item: &ItemPlan, style: &Style) {
    let seen = state.after.items.get(&item.id);
    let (mark, paint, word) = match seen {
        Some(seen) if seen.holds => (style.mark(Mark::Done), Paint::Good, "holds"),
        Some(_) => (style.mark(Mark::Failed), Paint::Bad, "does not hold"),
        None if item.instruction().is_some() => ("-", Paint::Change, "to be answered"),
        None => ("-", Paint::Change, "not asked yet"),
    };
    let lead = format!("    {mark} ");
    page.sides((paint, &lead), (Paint::Plain, &item.check.name), (paint, word));
    if let Some(seen) = seen {
        let colon = if seen.why.is_empty() { "" } else { ": " };
        let text = format!("{} at {}{colon}{}", seen.by, clock(&seen.ts), seen.why);
        page.text("      ", Paint::Dim, &text);
        return;
    }
    if let Some(what) = item.instruction() {
        page.text("      ", Paint::Plain, what);
    }
    page.text("      ", Paint::Dim, &item.id);
}

fn tier_word(state: &RunState, after: &After, name: &str) -> (Paint, &'static str) {
    let followed = &state.after;
    let Some(tier) = after.tiers.iter().find(|tier| tier.name == name) else {
        return (Paint::Plain, "");
    };
    if followed.failing(tier).next().is_some() {
        (Paint::Bad, "fails")
    } else if followed.holds(name) {
        (Paint::Good, "closed")
    } else if followed.tiers.contains_key(name) {
        (Paint::Change, "open")
    } else {
        (Paint::Change, "not begun")
    }
}

fn next(page: &mut Page<'_>, state: &RunState, after: &After, style: &Style) {
    let run = &state.run_id;
    let command = |words: &[&str]| -> Vec<String> {
        ["rollback"].iter().chain(words).map(|word| (*word).to_owned()).collect()
    };
    if let Some((ts, by)) = &state.after.closed {
        let text = format!("{} closed by {by} at {}", style.mark(Mark::Done), clock(ts));
        page.text("  ", Paint::Good, &text);
        page.command(4, &command(&["report", run]));
        return;
    }
    let failing = after.tiers.iter().flat_map(|tier| state.after.failing(tier)).next();
    if let (Some(item), Some(offer)) = (failing, &state.offer) {
        let text =
            format!("{} does not hold. Next: {}, {}", item.check.name, offer.target, offer.method);
        page.text("  ", Paint::Bad, &text);
        page.command(4, &offer.command);
        let who = after.who_decides();
        if !who.is_empty() {
            page.text("  ", Paint::Dim, &format!("decides: {who}"));
        }
        return;
    }
    let Some(tier) = state.after.open_tiers(after).next() else { return };
    let word = if after.required { "not closed" } else { "open" };
    let manual = state.after.unjudged(tier).find(|item| item.instruction().is_some());
    let text = match manual {
        Some(_) => format!("{word}: tier {} has items to be answered", tier.name),
        None => format!("{word}: tier {} is not over", tier.name),
    };
    page.text("  ", Paint::Change, &text);
    match manual {
        Some(item) => {
            let answer = format!("{}=pass", item.id);
            page.command(4, &command(&["validate", run, "--answer", &answer]));
        }
        None => page.command(4, &command(&["validate", run, "--tier", &tier.name])),
    }
}

/// What a person is asked.
pub fn question(item: &ItemPlan, what: &str, style: &Style) -> String {
    let mut page = Page::new(style);
    page.text("  ", Paint::Strong, &item.check.name);
    page.text("    ", Paint::Plain, what);
    page.finish()
}

/// The line of an item that was just judged.
pub fn judged(item: &ItemPlan, holds: bool, why: &str, style: &Style) -> String {
    let mut page = Page::new(style);
    let (mark, word) = if holds { (Mark::Done, "holds") } else { (Mark::Failed, "does not hold") };
    let lead = format!("  {} ", style.mark(mark));
    let paint = Style::paint_of(mark);
    page.sides((paint, &lead), (Paint::Plain, &item.check.name), (paint, word));
    if !why.is_empty() {
        page.text("    ", Paint::Dim, why);
    }
    page.finish()
}

/// The same for programs.
pub fn soak_json(state: &RunState, after: &After, exit_code: u8) -> Value {
    let tiers: Vec<Value> = after
        .tiers
        .iter()
        .map(|tier| {
            let items: Vec<Value> = tier
                .items
                .iter()
                .map(|item| {
                    let seen = state.after.items.get(&item.id);
                    json!({
                        "id": item.id,
                        "name": item.check.name,
                        "kind": item.check.action.kind(),
                        "instruction": item.instruction(),
                        "holds": seen.map(|seen| seen.holds),
                        "seen": seen,
                    })
                })
                .collect();
            json!({
                "name": tier.name,
                "title": tier.title,
                "takes_ms": u64::try_from(tier.takes.as_millis()).unwrap_or(u64::MAX),
                "state": tier_word(state, after, &tier.name).1,
                "items": items,
            })
        })
        .collect();
    json!({
        "v": VERSION,
        "run_id": state.run_id,
        "required": after.required,
        "closed": state.after.closed.is_some(),
        "tiers": tiers,
        "next": state.offer,
        "exit_code": exit_code,
    })
}

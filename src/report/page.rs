//! The sections of a report, in the order of the analysis template: facts from the journal, and
//! gaps for what only people know.

use serde_json::{Value, json};

use super::metrics::{self, Row};
use super::{Story, gaps, line, moment, parts, told};
use crate::event::VERSION;
use crate::output::json::run_json;
use crate::terminal::layout::{duration, millis};
use crate::terminal::verdict;

/// One piece of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Block {
    /// A section (2) or a part of one (3).
    Heading(u8, String),
    /// A paragraph.
    Text(String),
    /// Names and values.
    Facts(Vec<(String, String)>),
    /// A table.
    Table(Vec<&'static str>, Vec<Vec<String>>),
    /// A list; with a box where that says whether it is done.
    List(Vec<(Option<bool>, String)>),
    /// Commands and what they printed, as they are.
    Code(Vec<String>),
    /// For people to write.
    Gap(&'static str, &'static str),
    /// The Gantt chart; the steps' table tells the same.
    Timeline,
    /// What was measured.
    Metrics(Vec<Row>),
}

fn section(name: &str) -> Block {
    Block::Heading(2, name.to_owned())
}

/// All of a report below its title.
pub fn blocks(story: &Story) -> Vec<Block> {
    let gap = |id: &'static str| Block::Gap(id, gaps::prompt(id));
    let mut blocks = Vec::new();
    if story.state.start.simulated {
        let text = "SIMULATED: this was a rehearsal in a sandbox; no system was touched.";
        blocks.push(Block::Text(text.to_owned()));
    }
    blocks.push(section("Incident details"));
    blocks.push(Block::Facts(incident(story)));
    blocks.push(gap("detection"));
    blocks.push(section("Timeline"));
    blocks.push(Block::Timeline);
    blocks.push(parts::steps_table(story));
    blocks.extend(metrics::blocks(story));
    blocks.push(section("Root cause analysis"));
    blocks.extend(["primary-cause", "contributing-factors"].map(gap));
    blocks.push(section("Impact assessment"));
    blocks.extend(["user-impact", "business-impact"].map(gap));
    blocks.extend(parts::system_impact(story));
    blocks.push(gap("system-impact"));
    blocks.push(section("Before and after"));
    blocks.extend(parts::before_and_after(story));
    blocks.push(section("What was done"));
    blocks.extend(parts::steps(story));
    if !story.before.is_empty() || story.state.offer.is_some() {
        blocks.push(section("Escalations"));
        blocks.extend(parts::escalations(story));
    }
    blocks.push(section("Who was told"));
    blocks.extend(told::blocks(story));
    blocks.push(section("Validation"));
    blocks.extend(parts::validation(story));
    blocks.push(section("Lessons learned"));
    blocks.extend(["worked-well", "could-improve", "process-improvements"].map(gap));
    blocks.push(section("Action items"));
    blocks.push(gap("action-items"));
    blocks.extend(parts::recovery(story));
    blocks.push(section("Prevention measures"));
    blocks.extend(["testing-improvements", "monitoring-enhancements", "process-changes"].map(gap));
    blocks.push(section("Source"));
    blocks.push(Block::Text(source(story)));
    blocks
}

/// The title of a report.
pub fn title(story: &Story) -> String {
    let what = match story.state.start.forward_of {
        Some(_) => "Report of the way forward",
        None => "Rollback analysis report",
    };
    format!("{what}: {}", story.plan.title)
}

fn incident(story: &Story) -> Vec<(String, String)> {
    let (state, start) = (&story.state, &story.state.start);
    let forward = start.forward_of.as_deref();
    let when = if forward.is_some() { "Date and time" } else { "Rollback date and time" };
    let mut facts: Vec<(&str, String)> = vec![
        (when, moment(&state.started)),
        ("Target", format!("{} by method {}", start.target, start.method)),
        ("Environment", story.plan.environment()),
    ];
    if let Some(of) = forward {
        facts.push(("Takes back", format!("the rollback of run {}", line(of))));
    }
    if let Some(incident) = &start.incident {
        facts.push(("Incident", line(incident)));
    }
    let reason = start.reason.as_deref().map_or_else(|| "not recorded".to_owned(), line);
    facts.push((if forward.is_some() { "Reason" } else { "Trigger reason" }, reason));
    facts.push(("Decided by", state.decided_by.as_deref().map_or("not asked".to_owned(), line)));
    facts.push(("Carried out by", format!("{} on {}", line(&start.operator), line(&start.host))));
    for waived in &state.without_lock {
        let (why, by) = (line(&waived.why), line(&waived.by));
        let who = line(&waived.operator);
        facts.push(("Without the lock", format!("{why} ({by}, {who}, {})", moment(&waived.ts))));
    }
    for from in &state.taken_over {
        let words = line(&verdict::taken_over_words(from));
        let (by, who) = (line(&from.by), line(&from.operator));
        facts.push(("Lock taken over", format!("{words} ({by}, {who})")));
    }
    facts.push(("Components affected", parts::affected(story)));
    if let Some(finish) = &state.finish {
        let verdict = finish.verdict.as_str();
        facts.push(("Verdict", format!("{verdict}: {}", line(&finish.why))));
        let budget = start.budget_ms.map_or_else(
            || "no budget".to_owned(),
            |budget| {
                let over = finish.elapsed_ms.saturating_sub(budget);
                if over > 0 {
                    format!("budget {}, {} over", millis(budget), millis(over))
                } else {
                    format!("budget {}, kept", millis(budget))
                }
            },
        );
        facts.push(("Duration", format!("{} ({budget})", millis(finish.elapsed_ms))));
    } else {
        facts.push(("Verdict", format!("not finished ({})", state.word())));
    }
    let recovery = match story.time_to_recovery() {
        Some(span) if story.before.is_empty() => duration(span),
        Some(span) => format!("{}, over {} runs", duration(span), story.before.len() + 1),
        None => "recovery was not shown".to_owned(),
    };
    if forward.is_none() {
        facts.push(("Time to recovery", recovery));
    }
    facts.into_iter().map(|(name, value)| (name.to_owned(), value)).collect()
}

fn source(story: &Story) -> String {
    let state = &story.state;
    let digest: String =
        state.start.digest.trim_start_matches("sha256:").chars().take(12).collect();
    format!(
        "Written from the journal of run {}: {} records, the last of {}. Plan {digest}, rollback {}.",
        state.run_id,
        state.seq,
        moment(&state.last),
        state.start.version
    )
}

/// The same for programs.
pub fn json(story: &Story) -> Value {
    let recovery: Vec<Value> = story
        .plan
        .after
        .ticks()
        .map(|(phase, item)| {
            json!({"phase": phase.name, "id": item.id, "text": item.text,
                   "done": story.state.after.recovery.get(&item.id)})
        })
        .collect();
    json!({
        "v": VERSION,
        "run": run_json(&story.state),
        "time_to_recovery_ms": story.time_to_recovery().map(|it| u64::try_from(it.as_millis()).unwrap_or(u64::MAX)),
        "escalated_from": story.before.iter().map(run_json).collect::<Vec<_>>(),
        "affected": parts::affected(story),
        "validation": crate::terminal::soak_view::soak_json(&story.state, &story.plan.after, 0)["tiers"],
        "metrics": metrics::json(story),
        "told": story.state.beside.told,
        "authority": story.plan.after.authority,
        "contacts": story.plan.after.contacts,
        "recovery": recovery,
        "after": story.state.after,
        "gaps": gaps::PROMPTS.map(|(id, what)| json!({"id": id, "what": what})),
    })
}

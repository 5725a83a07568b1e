//! Who was told of a run, and who is to be asked: from its journal.

use super::page::Block;
use super::{Story, line, parts};
use crate::runbook::after::is_placeholder;

/// Who was told, and the contacts of the catalog as they were when the run began.
pub fn blocks(story: &Story) -> Vec<Block> {
    let told = &story.state.beside.told;
    let mut blocks = Vec::new();
    if told.is_empty() {
        blocks.push(Block::Text("Nobody was told by this tool.".to_owned()));
    } else {
        let rows = told.iter().map(|it| {
            let result = if it.told.delivered { "told" } else { "not told" };
            vec![
                line(&it.told.name),
                it.told.occasion.clone(),
                result.to_owned(),
                it.told.attempts.to_string(),
                parts::clock(&it.ts),
                line(&it.told.why),
            ]
        });
        let head = vec!["Who", "Of the", "Result", "Tries", "At (UTC)", "Answer"];
        blocks.push(Block::Table(head, rows.collect()));
    }
    let after = &story.plan.after;
    let contact = |text: Option<&str>| match text {
        Some(text) if !is_placeholder(text) => line(text),
        _ => "not filled in".to_owned(),
    };
    let mut rows = Vec::new();
    for who in &after.authority {
        let rank = format!("decides ({})", line(&who.rank));
        rows.push(vec![line(&who.role), rank, contact(who.contact.as_deref())]);
    }
    for who in &after.contacts {
        rows.push(vec![line(&who.role), line(&who.team), contact(who.contact.as_deref())]);
    }
    if !rows.is_empty() {
        blocks.push(Block::Heading(3, "Emergency contacts".to_owned()));
        blocks.push(Block::Table(vec!["Role", "Team", "Contact"], rows));
    }
    blocks
}

//! A report as Markdown. What the journal holds is escaped: it can be read, not obeyed.

use std::fmt::Write as _;

use super::Story;
use super::gaps::{self, Kept};
use super::metrics::{self, Row};
use super::page::{self, Block};

/// The report; `kept` is what people wrote in an earlier one.
pub fn report(story: &Story, kept: &Kept) -> String {
    let mut out = format!("# {}\n", inline(&page::title(story)));
    for block in page::blocks(story) {
        out.push('\n');
        write(&mut out, &block, kept);
    }
    leftovers(&mut out, kept);
    out.push('\n');
    gaps::seal(&mut out, &story.state.run_id);
    out
}

fn write(out: &mut String, block: &Block, kept: &Kept) {
    match block {
        Block::Heading(level, text) => {
            let _ = writeln!(out, "{} {}", "#".repeat(usize::from(*level)), inline(text));
        }
        Block::Text(text) => {
            let _ = writeln!(out, "{}", inline(text));
        }
        Block::Facts(facts) => {
            for (name, value) in facts {
                let _ = writeln!(out, "- **{}:** {}", inline(name), inline(value));
            }
        }
        Block::Table(head, rows) => table(out, head, rows),
        Block::Metrics(rows) => {
            let head = [&metrics::HEAD[..], &["Before › during › after"]].concat();
            let with_bars = |row: &Row| [&row.cells[..], std::slice::from_ref(&row.bars)].concat();
            let rows: Vec<Vec<String>> = rows.iter().map(with_bars).collect();
            table(out, &head, &rows);
        }
        Block::List(items) => {
            for (done, text) in items {
                let mark = match done {
                    Some(true) => "[x] ",
                    Some(false) => "[ ] ",
                    None => "",
                };
                let _ = writeln!(out, "- {mark}{}", inline(text));
            }
        }
        Block::Code(lines) => {
            let longest = lines.iter().map(|line| backticks(line)).max().unwrap_or(0);
            let fence = "`".repeat(longest.max(2) + 1);
            let _ = writeln!(out, "{fence}text\n{}\n{fence}", lines.join("\n"));
        }
        Block::Gap(id, what) => gaps::write(out, id, kept, &format!("_To be written. {what}_")),
        // The table below it tells the same.
        Block::Timeline => {
            out.pop();
        }
    }
}

fn table(out: &mut String, head: &[&str], rows: &[Vec<String>]) {
    let _ = writeln!(out, "| {} |", head.join(" | "));
    let _ = writeln!(out, "|{}", "---|".repeat(head.len()));
    for row in rows {
        let cells: Vec<String> = row.iter().map(|cell| inline(cell)).collect();
        let _ = writeln!(out, "| {} |", cells.join(" | "));
    }
}

/// What people wrote in gaps that this version no longer has.
fn leftovers(out: &mut String, kept: &Kept) {
    let known = |id: &str| gaps::PROMPTS.iter().any(|(known, _)| *known == id);
    for id in kept.keys().filter(|id| !known(id)) {
        let _ = write!(out, "\n## Kept from an earlier report\n\n");
        gaps::write(out, id, kept, "");
    }
}

/// The longest run of backticks.
fn backticks(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// A text whose marks mean nothing.
pub fn inline(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' => {
                out.push('\\');
                out.push(char);
            }
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '\n' | '\r' => out.push(' '),
            other => out.push(other),
        }
    }
    out
}

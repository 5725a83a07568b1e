//! A report as one self-contained page: no script, no font, no picture from elsewhere; light and
//! dark as the reader's system says; prints on white.

use std::fmt::Write as _;

use super::gaps::{self, Kept};
use super::page::{self, Block};
use super::{Story, metrics, timeline};

/// The page; `kept` is what people wrote in an earlier one.
pub fn report(story: &Story, kept: &Kept) -> String {
    let title = escape(&page::title(story));
    let state = &story.state;
    let word = state.word();
    let mut out = format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n\
         <title>{title}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n<main>\n<header>\n\
         <p class=\"run\">run {}</p>\n<h1>{title}</h1>\n\
         <p class=\"verdict {}\">{}</p>\n</header>\n",
        escape(&state.run_id),
        escape(word),
        escape(word),
    );
    for block in page::blocks(story) {
        write(&mut out, story, &block, kept);
    }
    let known = |id: &str| gaps::PROMPTS.iter().any(|(known, _)| *known == id);
    for id in kept.keys().filter(|id| !known(id)) {
        out.push_str("<h2>Kept from an earlier report</h2>\n");
        gaps::write(&mut out, id, kept, "");
    }
    out.push_str("</main>\n");
    gaps::seal(&mut out, &state.run_id);
    out.push_str("</body>\n</html>\n");
    out
}

fn write(out: &mut String, story: &Story, block: &Block, kept: &Kept) {
    let _ = match block {
        Block::Heading(level, text) => writeln!(out, "<h{level}>{}</h{level}>", escape(text)),
        Block::Text(text) => writeln!(out, "<p>{}</p>", escape(text)),
        Block::Facts(facts) => {
            out.push_str("<dl>\n");
            for (name, value) in facts {
                let _ = writeln!(out, "<dt>{}</dt><dd>{}</dd>", escape(name), escape(value));
            }
            writeln!(out, "</dl>")
        }
        Block::Table(head, rows) => {
            out.push_str("<div class=\"wide\"><table>\n<thead><tr>");
            for cell in head {
                let _ = write!(out, "<th>{}</th>", escape(cell));
            }
            out.push_str("</tr></thead>\n<tbody>\n");
            for row in rows {
                out.push_str("<tr>");
                for cell in row {
                    let _ = write!(out, "<td>{}</td>", escape(cell));
                }
                out.push_str("</tr>\n");
            }
            writeln!(out, "</tbody></table></div>")
        }
        Block::List(items) => {
            out.push_str("<ul class=\"boxes\">\n");
            for (done, text) in items {
                let mark = match done {
                    Some(true) => "<span class=\"box\" aria-label=\"done\">☑</span> ",
                    Some(false) => "<span class=\"box\" aria-label=\"open\">☐</span> ",
                    None => "",
                };
                let _ = writeln!(out, "<li>{mark}{}</li>", escape(text));
            }
            writeln!(out, "</ul>")
        }
        Block::Code(lines) => {
            writeln!(out, "<pre><code>{}</code></pre>", escape(&lines.join("\n")))
        }
        Block::Gap(id, what) => {
            out.push_str("<section class=\"gap\">\n");
            let (name, rest) = what.split_once(':').unwrap_or((what.trim_end_matches('.'), ""));
            let _ = writeln!(out, "<h3>{}</h3>", escape(name));
            let prompt = if rest.is_empty() { "To be written." } else { rest.trim() };
            let empty = format!("<p class=\"open\">To be written: {}</p>", escape(prompt));
            let empty = empty.replace("To be written: To be written.", "To be written.");
            gaps::write(out, id, kept, &empty);
            writeln!(out, "</section>")
        }
        Block::Metrics(rows) => {
            out.push_str("<div class=\"wide\"><table class=\"metrics\">\n<thead><tr>");
            for cell in metrics::HEAD {
                let _ = write!(out, "<th>{cell}</th>");
            }
            out.push_str("<th>Before, during, after</th></tr></thead>\n<tbody>\n");
            for row in rows {
                let named = metrics::HEAD.iter().zip(&row.cells);
                let cell = |(name, cell): (&&str, &String)| {
                    format!("<td data-name=\"{name}\">{}</td>", escape(cell))
                };
                let cells: String = named.map(cell).collect();
                let _ = writeln!(out, "<tr>{cells}<td>{}</td></tr>", row.svg);
            }
            writeln!(out, "</tbody></table></div>")
        }
        Block::Timeline => {
            writeln!(out, "<div class=\"wide\">\n{}</div>", timeline::svg(story))
        }
    };
}

/// A text that no browser takes for a mark.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for char in text.chars() {
        match char {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            other => out.push(other),
        }
    }
    out
}

const STYLE: &str = "\
:root { --paper: #fff; --ink: #1c2024; --dim: #5f6872; --rule: #d9dee3; --wash: #f5f7f9;
  --good: #1a7f4b; --warn: #9a6200; --bad: #c0362c; --check: #2b6cb0; --gap: #fff8e6; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #15181c; --ink: #e4e8ec; --dim: #97a1ab; --rule: #333a42; --wash: #1d2228;
    --good: #46b97c; --warn: #dba03c; --bad: #ef6f64; --check: #63a4e8; --gap: #2a2517; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink);
  font: 15px/1.55 system-ui, -apple-system, 'Segoe UI', 'Liberation Sans', sans-serif; }
main { max-width: 56rem; margin: 0 auto; padding: 2.5rem 1.5rem 4rem; }
header { border-bottom: 2px solid var(--ink); padding-bottom: 1rem; margin-bottom: 1rem; }
h1 { font-size: 1.65rem; line-height: 1.25; margin: .2rem 0 .6rem; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .7rem; padding-bottom: .25rem;
  border-bottom: 1px solid var(--rule); }
h3 { font-size: 1rem; margin: 1.2rem 0 .3rem; }
p { margin: .4rem 0; }
.run, .verdict { margin: 0; color: var(--dim); font-variant-numeric: tabular-nums; }
.verdict { display: inline-block; padding: .1rem .6rem; border-radius: 3px; font-weight: 600;
  color: var(--paper); background: var(--warn); }
.verdict.recovered { background: var(--good); }
.verdict.failed, .verdict.unknown { background: var(--bad); }
dl { display: grid; grid-template-columns: 11rem 1fr; gap: .25rem 1rem; margin: .5rem 0; }
dt { color: var(--dim); }
dd { margin: 0; overflow-wrap: anywhere; }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; margin: .5rem 0; font-size: .93em; }
th, td { text-align: left; vertical-align: top; padding: .35rem .7rem .35rem 0;
  border-bottom: 1px solid var(--rule); overflow-wrap: anywhere; }
th { color: var(--dim); font-weight: 600; white-space: nowrap; }
td { font-variant-numeric: tabular-nums; min-width: 3.5rem; }
td:first-child, th:first-child { min-width: 1.5rem; }
pre { background: var(--wash); border: 1px solid var(--rule); border-radius: 3px;
  padding: .6rem .8rem; white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85em; }
.boxes { list-style: none; padding-left: 0; margin: .3rem 0; }
.boxes li { padding-left: 1.5rem; text-indent: -1.5rem; }
.box { display: inline-block; width: 1.5rem; text-indent: 0; }
.gap { border-left: 3px solid var(--warn); background: var(--gap); padding: .5rem .9rem;
  margin: .7rem 0; }
.gap h3 { margin: 0 0 .2rem; }
.gap .open { color: var(--dim); font-style: italic; margin: 0; }
.gantt { width: 100%; min-width: 40rem; height: auto; margin: .4rem 0 .8rem; }
.gantt text { fill: var(--ink); font: 13px system-ui, 'Liberation Sans', sans-serif; }
.gantt .tick, .gantt .note { fill: var(--dim); font-size: 12px; }
.gantt .grid { stroke: var(--rule); }
.gantt .budget { stroke: var(--bad); stroke-width: 1.5; stroke-dasharray: 4 3; }
.gantt .budget-name { fill: var(--bad); }
.number { fill: none; stroke: var(--check); stroke-width: 1.6; stroke-linejoin: round; }
circle.number { fill: var(--check); stroke: none; }
.alert, .spark .budget { stroke: var(--bad); stroke-dasharray: 3 3; opacity: .75; }
.spark { display: block; width: 100%; max-width: 180px; min-width: 6rem; height: auto; }
.spark .run { fill: var(--wash); }
.metrics td:last-child { min-width: 6rem; }
.gantt rect.done { fill: var(--good); }
.gantt rect.check { fill: var(--check); }
.gantt rect.failed { fill: var(--bad); }
.gantt rect.skipped { fill: var(--dim); }
@media (max-width: 36rem) {
  main { padding: 1.5rem 1rem 3rem; }
  dl { grid-template-columns: 1fr; gap: 0; } dd { margin-bottom: .5rem; }
  .metrics thead { display: none; }
  .metrics tr { display: grid; grid-template-columns: repeat(3, 1fr); padding: .6rem 0;
    border-bottom: 1px solid var(--rule); }
  .metrics td { border: 0; padding: .15rem 0; }
  .metrics td:first-child { grid-column: 1 / -1; font-weight: 600; }
  .metrics td:last-child { grid-column: 2 / -1; }
  .metrics td:not(:first-child)[data-name]::before { content: attr(data-name); display: block;
    color: var(--dim); font-size: .85em; }
}
@media print {
  :root { --paper: #fff; --ink: #000; --dim: #444; --rule: #bbb; --wash: #f6f6f6; --gap: #fff;
    --good: #1a7f4b; --warn: #9a6200; --bad: #c0362c; --check: #2b6cb0; }
  body { font-size: 10.5pt; }
  main { max-width: none; padding: 0; }
  .gantt { min-width: 0; }
  .wide { overflow: visible; }
  .metrics { font-size: .82em; }
  .metrics th, .metrics td { overflow-wrap: break-word; padding-right: .4rem; }
  .metrics th { white-space: normal; }
  .metrics .spark { min-width: 4rem; }
  h2, h3 { break-after: avoid; }
  tr, pre, .gap, .gantt { break-inside: avoid; }
  .verdict, .gantt rect, .spark .run { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
}
";

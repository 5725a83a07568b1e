//! Whether the report says what the template asks for, and no figure that the journal does not.

use std::collections::BTreeSet;
use std::time::Duration;

use rollback::report::{between, moment};
use rollback::runbook::after::day_text;
use rollback::terminal::layout::{duration, millis};
use serde_json::Value;

use super::recovered;

/// The source's own template.
const TEMPLATE: &str = include_str!("template.md");

#[test]
fn the_report_has_every_heading_and_every_entry_of_the_source_s_template() {
    let (scenario, _endpoint) = recovered();
    let text = scenario.run(&["report"]).exits(0).stdout;
    let headings: Vec<&str> = text.lines().filter_map(|it| it.strip_prefix("## ")).collect();
    let mut section = "";
    let mut found = 0;
    for line in TEMPLATE.lines() {
        if let Some(heading) = line.strip_prefix("### ") {
            section = heading.trim();
            let as_ours = |it: &&&str| it.eq_ignore_ascii_case(section);
            assert!(headings.iter().any(|it| as_ours(&it)), "no `{section}` in {headings:?}");
            found += 1;
        } else if let Some(entry) = line.strip_prefix("- **") {
            let name = entry.split(":**").next().expect("a name").replace('/', " and ");
            let fact = format!("- **{}", name.to_lowercase());
            let gap = format!("_to be written. {}", name.to_lowercase());
            let given = text
                .lines()
                .map(str::to_lowercase)
                .find(|it| it.starts_with(&fact) || it.starts_with(&gap));
            let given = given.unwrap_or_else(|| panic!("no `{name}` of `{section}` in:\n{text}"));
            assert!(given.len() > fact.len() + 4, "`{name}` says nothing: {given}");
            found += 1;
        }
    }
    assert_eq!(found, 6 + 4 + 3 + 3 + 3 + 3, "six headings and their entries");
    let open = text.matches("_To be written.").count();
    assert_eq!(open, 13, "what only people know is marked");
}

/// Whatever in a text has a digit, as words.
fn figures(text: &str) -> BTreeSet<String> {
    let inside = |c: char| c.is_ascii_alphanumeric() || ".:-%/_".contains(c);
    let words = text.split(|c| !inside(c)).map(|it| it.trim_matches(|c| ".:-/_".contains(c)));
    words.filter(|it| it.contains(|c: char| c.is_ascii_digit())).map(str::to_owned).collect()
}

/// Every text and number of a value, with the forms in which the report shows times and spans.
fn known(key: &str, value: &Value, words: &mut BTreeSet<String>) {
    match value {
        Value::Object(fields) => {
            for (key, value) in fields {
                words.extend(figures(key));
                known(key, value, words);
            }
        }
        Value::Array(values) => {
            for value in values {
                known(key, value, words);
            }
        }
        Value::String(text) => {
            words.extend(figures(text));
            if humantime::parse_rfc3339(text).is_ok() {
                words.extend(figures(&moment(text)));
            }
        }
        Value::Number(number) if key.ends_with("_ms") => {
            words.extend(figures(&millis(number.as_u64().expect("milliseconds"))));
        }
        Value::Number(number) => drop(words.insert(number.to_string())),
        Value::Null | Value::Bool(_) => {}
    }
}

#[test]
fn every_figure_of_a_report_stands_in_the_journal() {
    let (scenario, _endpoint) = recovered();
    scenario.run(&["validate", "--answer", "user-login=pass", "--note", "saw 17 rows"]).exits(5);
    let records = scenario.records();
    let mut words = BTreeSet::new();
    for record in &records {
        known("", record, &mut words);
    }
    // What is counted or reckoned from it.
    let of = |kind: &str| records.iter().filter(|it| it["type"] == kind).collect::<Vec<_>>();
    let text = |value: &Value| value.as_str().expect("a text").to_owned();
    let (start, end) = (text(&records[0]["ts"]), text(&of("run_finished")[0]["ts"]));
    words.extend(figures(&duration(between(&start, &end).expect("a span"))));
    words.insert(records.len().to_string());
    words.extend((1..=of("step_ended").len()).map(|number| number.to_string()));
    let digest = text(&records[0]["digest"]).replace("sha256:", "");
    words.insert(digest[..12].to_owned());
    let tiers = records[0]["plan"]["after"]["tiers"].as_array().expect("tiers");
    words.extend([of("tier_closed").len().to_string(), tiers.len().to_string()]);
    let epoch = between("1970-01-01T00:00:00Z", &end).expect("a span");
    for phase in records[0]["plan"]["after"]["recovery"].as_array().expect("phases") {
        for day in ["from_day", "to_day"].iter().filter_map(|key| phase[key].as_u64()) {
            let at = epoch + Duration::from_secs((day - 1) * 86_400);
            words.insert(day_text(at.as_secs() / 86_400));
        }
    }
    let mut looked_up = 0;
    for format in ["md", "html"] {
        let shown = scenario.run(&["report", "--format", format]).exits(0).stdout;
        let shown = match shown.split_once("</style>") {
            None => shown,
            // The page's text and what it reads out, without its marks and its drawing.
            Some((_, body)) => without_marks(body),
        };
        let shown = shown.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"");
        let shown = shown.replace("&#39;", "'").replace("&amp;", "&").replace('\\', "");
        let sum = shown.lines().filter(|line| !line.contains("rollback report of run"));
        for figure in figures(&sum.collect::<Vec<_>>().join("\n")) {
            let found = words.contains(&figure) || is_tick(&figure, format);
            assert!(found, "{format}: {figure} is not in the journal\n{words:?}");
            looked_up += 1;
        }
    }
    assert!(looked_up > 40, "{looked_up} figures were looked up");
}

/// A mark of the drawing's own scale, such as `0.2s`.
fn is_tick(figure: &str, format: &str) -> bool {
    format == "html" && figure.strip_suffix('s').is_some_and(|number| number.parse::<f64>().is_ok())
}

/// A page's texts.
fn without_marks(page: &str) -> String {
    let mut out = String::new();
    for piece in page.split('<').skip(1) {
        let (mark, text) = piece.split_once('>').unwrap_or((piece, ""));
        if mark.starts_with("!--") {
            continue;
        }
        out.push(' ');
        out.push_str(text);
    }
    out
}

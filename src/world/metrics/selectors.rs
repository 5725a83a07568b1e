//! Which series an expression reads as they are now. The answer to an expression has the time of the
//! question; how old its samples are is only told of the series themselves.

/// Words of `PromQL` that stand where a metric's name could.
const WORDS: [&str; 8] = ["and", "or", "unless", "atan2", "bool", "offset", "inf", "nan"];
/// Words that a list of labels follows.
const BEFORE_LABELS: [&str; 6] = ["by", "without", "on", "ignoring", "group_left", "group_right"];

/// The selectors of an expression, as they are written, without those of a range (`x[5m]`), which are
/// empty by themselves when nothing was measured in it, and those that are meant to be old (`offset`,
/// `@`). No parser: what it does not understand is left out.
pub fn instant(query: &str) -> Vec<&str> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < query.len() {
        let rest = &query[at..];
        let first = rest.chars().next().unwrap_or(' ');
        let end = if matches!(first, '"' | '\'' | '`') {
            quoted(rest)
        } else if first == '#' {
            rest.find('\n').unwrap_or(rest.len())
        } else if first == '[' {
            closed(rest, ']')
        } else if first.is_ascii_digit() || first == '.' {
            // A number or a duration; its letters are no name.
            rest.find(|c: char| !(is_word(c) || c == '.')).unwrap_or(rest.len())
        } else if is_word(first) || first == '{' {
            let name = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
            let word = rest[..name].to_lowercase();
            let spaces = after_spaces(rest, name);
            if BEFORE_LABELS.contains(&word.as_str()) {
                if rest[spaces..].starts_with('(') {
                    spaces + closed(&rest[spaces..], ')')
                } else {
                    name
                }
            } else if WORDS.contains(&word.as_str()) || is_called(&rest[spaces..]) {
                name
            } else {
                let labels = rest[spaces..].starts_with('{');
                let end = if labels { spaces + closed(&rest[spaces..], '}') } else { name };
                let next = rest[after_spaces(rest, end)..].to_lowercase();
                if !(next.starts_with(['[', '@']) || next.starts_with("offset")) {
                    found.push(&rest[..end]);
                }
                end
            }
        } else {
            first.len_utf8()
        };
        at += end.max(1);
    }
    found.sort_unstable();
    found.dedup();
    found
}

/// An expression for the time of the last sample of each of them: of the one that is oldest.
pub fn oldest(selectors: &[&str]) -> String {
    if let [one] = selectors {
        return format!("max(timestamp({one}))");
    }
    // Different labels, so that `or` keeps each of them.
    let times: Vec<String> = selectors
        .iter()
        .enumerate()
        .map(|(at, one)| {
            format!("label_replace(max(timestamp({one})), \"of\", \"{at}\", \"\", \"\")")
        })
        .collect();
    format!("min({})", times.join(" or "))
}

fn is_word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_' || c == ':'
}

/// Whether what follows a word makes it a function or an aggregation: `(x)`, `by (job) (x)`.
fn is_called(after: &str) -> bool {
    let word = &after[..after.find(|c| !is_word(c)).unwrap_or(after.len())];
    after.starts_with('(') || ["by", "without"].iter().any(|by| word.eq_ignore_ascii_case(by))
}

fn after_spaces(text: &str, at: usize) -> usize {
    at + text[at..].len() - text[at..].trim_start().len()
}

/// How long a quoted text is, with its quotes.
fn quoted(text: &str) -> usize {
    let mut chars = text.char_indices();
    let quote = chars.next().map_or('"', |(_, quote)| quote);
    while let Some((at, c)) = chars.next() {
        if c == '\\' && quote != '`' {
            chars.next();
        } else if c == quote {
            return at + 1;
        }
    }
    text.len()
}

/// How long a text in brackets is, with them; quoted brackets do not count.
fn closed(text: &str, bracket: char) -> usize {
    let mut at = 1;
    while at < text.len() {
        let c = text[at..].chars().next().unwrap_or(' ');
        if c == bracket {
            return at + 1;
        }
        at += if matches!(c, '"' | '\'' | '`') { quoted(&text[at..]) } else { c.len_utf8() };
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_series_that_an_expression_reads_now_are_found() {
        for (query, found) in [
            ("up", &["up"][..]),
            (
                "http:errors{job=\"a\", code=~\"5..\"} * 1",
                &["http:errors{job=\"a\", code=~\"5..\"}"],
            ),
            ("sum by (job) (errors) / ignoring(x) sum(requests)", &["errors", "requests"]),
            ("sum(errors) by (job)", &["errors"]),
            ("sum without(a, b)(c)", &["c"]),
            ("sum(rate(x[5m])) > bool 2e3", &[]),
            ("a - a offset 1h or vector(0)", &["a"]),
            ("x @ 1700000000 + {__name__=\"y\"}", &["{__name__=\"y\"}"]),
            ("max_over_time(sum(q)[10m:1m])", &["q"]),
            ("label_replace(up, \"of\", \"$1 down\", \"job\", \"(.*)}\")", &["up"]),
            ("a{b=\"}\"} and on(c) group_left d # e", &["a{b=\"}\"}", "d"]),
            ("1 + 0x1F + Inf + time()", &[]),
            ("\u{e4} {", &["{"]),
        ] {
            assert_eq!(instant(query), found, "{query}");
        }
    }
}

//! The gaps of a report: what only people can write, between two marks. Writing a report again
//! keeps what stands there, and refuses to overwrite what it cannot understand.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::hex;

/// Each gap and what belongs there.
pub const PROMPTS: [(&str, &str); 13] = [
    ("detection", "Detection method: how was it discovered?"),
    ("primary-cause", "Primary cause: what exactly went wrong?"),
    ("contributing-factors", "Contributing factors: what made it possible, or worse?"),
    ("user-impact", "User impact: who saw what, for how long?"),
    ("business-impact", "Business impact: how much, in numbers?"),
    ("system-impact", "System impact: technical details beyond the values above."),
    ("worked-well", "What worked well?"),
    ("could-improve", "What could improve?"),
    ("process-improvements", "Process improvements: what is recommended?"),
    ("action-items", "Action items: - [ ] what, who, until when."),
    ("testing-improvements", "Testing improvements."),
    ("monitoring-enhancements", "Monitoring enhancements."),
    ("process-changes", "Process changes."),
];

/// What belongs into a gap.
pub fn prompt(id: &str) -> &'static str {
    PROMPTS.iter().find(|(known, _)| *known == id).map_or("", |(_, what)| what)
}

/// What people wrote, by gap.
pub type Kept = BTreeMap<String, String>;

/// A gap between its marks, with what people wrote, or else with `empty`.
pub fn write(out: &mut String, id: &str, kept: &Kept, empty: &str) {
    let inner = kept.get(id).map_or(empty, String::as_str);
    let _ = write!(out, "{}\n{}\n{}\n", open(id), inner.trim_end_matches('\n'), close(id));
}

fn open(id: &str) -> String {
    format!("<!-- gap {id}: write below, it is kept -->")
}

fn close(id: &str) -> String {
    format!("<!-- end of gap {id} -->")
}

/// What stands between the marks of a report; `Err` says which mark is spoilt.
pub fn read(text: &str) -> Result<Kept, String> {
    let mut kept = Kept::new();
    let mut current: Option<(String, Vec<&str>)> = None;
    for line in text.lines() {
        let mark = line.trim();
        if let Some(id) =
            mark.strip_prefix("<!-- gap ").and_then(|rest| rest.split_once(':')).map(|it| it.0)
        {
            if let Some((open, _)) = current {
                return Err(format!("the gap `{open}` has no end"));
            }
            current = Some((id.to_owned(), Vec::new()));
        } else if let Some(id) =
            mark.strip_prefix("<!-- end of gap ").and_then(|rest| rest.strip_suffix(" -->"))
        {
            match current.take() {
                Some((open, lines)) if open == id => {
                    kept.insert(open, lines.join("\n"));
                }
                _ => return Err(format!("the gap `{id}` has no beginning")),
            }
        } else if let Some((_, lines)) = &mut current {
            lines.push(line);
        }
    }
    match current {
        Some((open, _)) => Err(format!("the gap `{open}` has no end")),
        None => Ok(kept),
    }
}

/// The last line of a report: whose it is, and a sum over all but the gaps.
pub fn seal(out: &mut String, run_id: &str) {
    let sum = sum(out);
    let _ = writeln!(out, "<!-- rollback report of run {run_id}, sum {sum} -->");
}

fn sum(text: &str) -> String {
    let mut inside = false;
    let mut outside = String::new();
    for line in text.lines() {
        let mark = line.trim();
        inside &= !mark.starts_with("<!-- end of gap ");
        if !inside {
            outside.push_str(line.trim_end());
            outside.push('\n');
        }
        inside |= mark.starts_with("<!-- gap ");
    }
    hex::short(outside.as_bytes())
}

/// Whose report a text is, and whether it was changed outside its gaps; none where it is none.
pub fn origin(text: &str) -> Option<(String, bool)> {
    let (at, last) = text
        .match_indices("<!-- rollback report of run ")
        .last()
        .map(|(at, mark)| (at, &text[at + mark.len()..]))?;
    let (run_id, rest) = last.split_once(", sum ")?;
    let recorded = rest.split_once(" -->")?.0;
    Some((run_id.to_owned(), sum(&text[..at]) != recorded))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_wrote_is_found_again_and_a_spoilt_mark_is_named() {
        let mut text = String::from("# Report\n\n");
        let mut kept =
            Kept::from([("user-impact".to_owned(), "12 users,\n\n5 minutes".to_owned())]);
        write(&mut text, "user-impact", &kept, "empty");
        write(&mut text, "worked-well", &kept, "empty");
        kept.insert("worked-well".to_owned(), "empty".to_owned());
        assert_eq!(read(&text), Ok(kept));
        let cut = text.replace("<!-- end of gap user-impact -->\n", "");
        assert_eq!(read(&cut), Err("the gap `user-impact` has no end".to_owned()));
    }

    #[test]
    fn a_change_outside_the_gaps_is_noticed_and_one_inside_is_not() {
        let mut text = String::from("# Report\n\n");
        write(&mut text, "worked-well", &Kept::new(), "empty");
        seal(&mut text, "r1");
        assert_eq!(origin(&text), Some(("r1".to_owned(), false)));
        assert_eq!(origin(&text.replace("empty", "all")), Some(("r1".to_owned(), false)));
        assert_eq!(origin(&text.replace("Report", "Mine")), Some(("r1".to_owned(), true)));
        assert_eq!(origin("# Shopping"), None);
    }
}

//! The recovery plan as iCalendar (RFC 5545): all-day events, the same bytes for the same journal.

use std::fmt::Write as _;

use super::{line, recovery};
use crate::after::After;
use crate::runbook::after::day_text;
use crate::state::RunState;

/// The longest line, in bytes, without its end.
const LINE: usize = 75;

/// The calendar.
pub fn calendar(state: &RunState, after: &After) -> String {
    let mut out = String::new();
    let finish = state.finish.as_ref().map_or(&state.started, |finish| &finish.ts);
    let stamp: String =
        finish.chars().take(19).filter(|c| c.is_ascii_digit() || *c == 'T').collect();
    for text in ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//rollback//recovery plan//EN"] {
        push(&mut out, text);
    }
    for (phase, item) in after.ticks() {
        let Some((from, to)) = recovery::span(state, phase) else { continue };
        let plain = |number: u64| day_text(number).replace('-', "");
        let tick = state.after.recovery.get(&item.id);
        let done = if tick.is_some() { "Done: " } else { "" };
        let mut about = format!("{} of {}, run {}", phase.name, state.start.target, state.run_id);
        if let Some(tick) = tick {
            let _ = write!(about, "{}", recovery::signature(tick));
        }
        push(&mut out, "BEGIN:VEVENT");
        push(&mut out, &format!("UID:{}.{}@rollback", state.run_id, item.id));
        push(&mut out, &format!("DTSTAMP:{stamp}Z"));
        push(&mut out, &format!("DTSTART;VALUE=DATE:{}", plain(from)));
        // The end is the day after the last one.
        push(&mut out, &format!("DTEND;VALUE=DATE:{}", plain(to.unwrap_or(from) + 1)));
        push(&mut out, &format!("SUMMARY:{}", escape(&format!("{done}{}", item.text))));
        push(&mut out, &format!("DESCRIPTION:{}", escape(&about)));
        push(&mut out, "TRANSP:TRANSPARENT");
        push(&mut out, "END:VEVENT");
    }
    push(&mut out, "END:VCALENDAR");
    out
}

fn escape(text: &str) -> String {
    line(text).replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,")
}

/// Adds a line, folded where it is too long, never inside a character.
fn push(out: &mut String, text: &str) {
    let mut room = LINE;
    for char in text.chars() {
        if char.len_utf8() > room {
            out.push_str("\r\n ");
            room = LINE - 1;
        }
        room -= char.len_utf8();
        out.push(char);
    }
    out.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lines_are_folded_between_characters_and_unfold_to_what_they_were() {
        for text in ["short".to_owned(), "ä".repeat(100), "x".repeat(75), "x".repeat(76)] {
            let mut out = String::new();
            push(&mut out, &text);
            assert!(out.split("\r\n").all(|line| line.len() <= LINE), "{out:?}");
            assert_eq!(out.replace("\r\n ", ""), format!("{text}\r\n"));
        }
        assert_eq!(escape("a,b;c\\d"), "a\\,b\\;c\\\\d");
    }
}

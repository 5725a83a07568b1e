//! Durations as runbooks write them: `30s`, `5m`, `1m30s`, `500ms`, `2h`, `30d`.

use std::fmt::Write as _;
use std::time::Duration;

/// The units, longest first, with their length in milliseconds.
const UNITS: [(&str, u64); 5] =
    [("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1000), ("ms", 1)];

/// Reads a duration; the error says what is wrong and how it is written.
pub fn parse(text: &str) -> Result<Duration, String> {
    let mut rest = text;
    let mut total: u64 = 0;
    let mut largest = usize::MAX;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (number, after) = rest.split_at(digits);
        let letters = after.len() - after.trim_start_matches(|c: char| c.is_alphabetic()).len();
        let (unit, after) = after.split_at(letters);
        let Ok(number) = number.parse::<u64>() else { return Err(not_a_duration(text)) };
        if unit.is_empty() && after.is_empty() {
            return Err(format!("`{text}` has no unit: write `{text}s` or `{text}m`"));
        }
        let Some(index) = UNITS.iter().position(|(name, _)| *name == unit) else {
            return Err(wrong_unit(text, number, unit));
        };
        let place = UNITS.len() - index;
        if place >= largest {
            return Err(format!("`{text}` names its units out of order: write `1m30s`"));
        }
        largest = place;
        total = number
            .checked_mul(UNITS[index].1)
            .and_then(|part| total.checked_add(part))
            .filter(|total| *total <= 30 * 24 * 3_600_000)
            .ok_or_else(|| format!("`{text}` is longer than 30 days"))?;
        rest = after;
    }
    if text.is_empty() { Err(not_a_duration(text)) } else { Ok(Duration::from_millis(total)) }
}

fn not_a_duration(text: &str) -> String {
    format!("`{text}` is not a duration: write `30s`, `5m` or `1m30s`")
}

fn wrong_unit(text: &str, number: u64, unit: &str) -> String {
    let meant = match unit.to_lowercase().chars().next() {
        Some('d') => "d",
        Some('h') => "h",
        Some('m') if unit.starts_with("mi") || unit == "M" => "m",
        Some('m') => "ms",
        Some('s') => "s",
        _ => return not_a_duration(text),
    };
    format!("`{text}` has the unit `{unit}`: did you mean `{number}{meant}`?")
}

/// Writes a duration as a runbook would: `1m30s`.
pub fn format(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, length) in UNITS {
        if rest >= length {
            let _ = write!(text, "{}{unit}", rest / length);
            rest %= length;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_and_written_back() {
        for text in ["30s", "5m", "1m30s", "500ms", "2h", "1h30m", "0s", "30d"] {
            assert_eq!(format(parse(text).unwrap()), text);
        }
    }

    #[test]
    fn what_is_no_duration_says_how_to_write_one() {
        for (text, says) in [
            ("", "not a duration"),
            ("30", "`30s` or `30m`"),
            ("5min", "did you mean `5m`"),
            ("10sec", "did you mean `10s`"),
            ("1.5m", "not a duration"),
            ("30s5m", "out of order"),
            ("5m5m", "out of order"),
            ("fast", "not a duration"),
            ("99999999999999999999s", "not a duration"),
            ("9999999h", "longer than 30 days"),
        ] {
            let error = parse(text).unwrap_err();
            assert!(error.contains(says), "{text}: {error}");
        }
    }
}

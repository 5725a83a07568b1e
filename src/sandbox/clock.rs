//! Owns timestamps: the wall clock in the forms that Kubernetes objects carry.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Now, to the second, as `metadata.creationTimestamp` has it.
pub(super) fn now() -> String {
    format(since_epoch().as_secs())
}

/// Seconds since the epoch.
pub(super) fn seconds() -> u64 {
    since_epoch().as_secs()
}

fn since_epoch() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// RFC 3339 in UTC of these seconds since the epoch.
pub(super) fn format(seconds: u64) -> String {
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (rest / 3600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Seconds since the epoch of such a text; its fraction of a second is dropped.
pub(super) fn parse(text: &str) -> Option<u64> {
    let number = |range: std::ops::Range<usize>| text.get(range)?.parse::<u64>().ok();
    let (year, month, day) = (number(0..4)?, number(5..7)?, number(8..10)?);
    let (hour, minute, second) = (number(11..13)?, number(14..16)?, number(17..19)?);
    if !(1..=12).contains(&month) || year < 1970 {
        return None;
    }
    let mut days = (1970..year).map(days_of_year).sum::<u64>();
    days += (1..month).map(|month| days_of_month(year, month)).sum::<u64>() + day - 1;
    Some(((days * 24 + hour) * 60 + minute) * 60 + second)
}

/// How long ago, as `kubectl get` shows it.
pub(super) fn age(text: &str) -> String {
    let Some(then) = parse(text) else {
        return "<unknown>".to_owned();
    };
    let passed = seconds().saturating_sub(then);
    match passed {
        0..120 => format!("{passed}s"),
        120..600 if !passed.is_multiple_of(60) => format!("{}m{}s", passed / 60, passed % 60),
        120..10_800 => format!("{}m", passed / 60),
        10_800..172_800 => format!("{}h", passed / 3600),
        _ => format!("{}d", passed / 86_400),
    }
}

fn civil(mut days: u64) -> (u64, u64, u64) {
    let mut year = 1970;
    while days >= days_of_year(year) {
        days -= days_of_year(year);
        year += 1;
    }
    let mut month = 1;
    while days >= days_of_month(year, month) {
        days -= days_of_month(year, month);
        month += 1;
    }
    (year, month, days + 1)
}

fn leap(year: u64) -> bool {
    (year.is_multiple_of(4) && !year.is_multiple_of(100)) || year.is_multiple_of(400)
}

fn days_of_year(year: u64) -> u64 {
    if leap(year) { 366 } else { 365 }
}

fn days_of_month(year: u64, month: u64) -> u64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap(year) => 29,
        2 => 28,
        _ => 31,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_that_is_written_is_read_back() {
        for seconds in [0, 951_782_400, 1_795_454_390, 4_102_444_799] {
            assert_eq!(parse(&format(seconds)), Some(seconds));
        }
        assert_eq!(format(1_795_454_390), "2026-11-23T17:19:50Z");
    }
}

//! Time as records carry it, and run ids that sort by it.

use std::time::{Duration, SystemTime};

/// Now, RFC 3339, UTC, milliseconds.
pub fn now() -> String {
    humantime::format_rfc3339_millis(SystemTime::now()).to_string()
}

/// RFC 3339 in whole seconds, as Kubernetes writes its times.
pub fn seconds(ts: &str) -> String {
    match ts.split_once('.') {
        Some((seconds, _)) => format!("{seconds}Z"),
        None => ts.to_owned(),
    }
}

/// `20261123-021405`: the start of a run in the names of branches.
pub fn stamp(ts: &str) -> String {
    let digits: String = ts.chars().take(19).filter(char::is_ascii_digit).collect();
    match digits.get(..8).zip(digits.get(8..)) {
        Some((day, time)) => format!("{day}-{time}"),
        None => digits,
    }
}

/// How long ago a record was written; zero where the clock went back.
pub fn since(ts: &str) -> Duration {
    humantime::parse_rfc3339(ts)
        .ok()
        .and_then(|then| SystemTime::now().duration_since(then).ok())
        .unwrap_or_default()
}

/// Time that nobody sets and that also passes while the machine sleeps; only differences mean
/// something. What a lease is measured with: a holder that was suspended has lost its time.
pub fn steady() -> Duration {
    #[cfg(target_os = "linux")]
    let clock = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    let clock = rustix::time::ClockId::Monotonic;
    let now = rustix::time::clock_gettime(clock);
    let seconds = u64::try_from(now.tv_sec).unwrap_or_default();
    Duration::new(seconds, u32::try_from(now.tv_nsec).unwrap_or_default())
}

/// A new run id: a `UUIDv7`, so that ids sort by the time they were made.
pub fn run_id() -> String {
    uuid::Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stamp_names_day_and_second() {
        assert_eq!(stamp("2026-11-23T02:14:05.120Z"), "20261123-021405");
        assert_eq!(seconds("2026-11-23T02:14:05.120Z"), "2026-11-23T02:14:05Z");
    }

    #[test]
    fn run_ids_sort_by_time() {
        let ids: Vec<String> = (0..50).map(|_| run_id()).collect();
        let mut sorted = ids.clone();
        sorted.sort();
        assert_eq!(ids, sorted);
    }
}

//! `metric`: a number of Prometheus against a bound. No data is never within a bound.

use crate::runbook::Metric;
use crate::world::metrics::{NoData, Server};
use crate::world::web::{Attempt, Elsewhere};

/// The bound, as in `< 0.05`, and whether a value is within it.
fn bound(spec: &Metric) -> (String, impl Fn(f64) -> bool) {
    let (above, below) = (spec.above, spec.below);
    let (at_least, at_most) = (spec.at_least, spec.at_most);
    let words = [("> ", above), ("< ", below), (">= ", at_least), ("<= ", at_most)]
        .into_iter()
        .filter_map(|(sign, bound)| Some(format!("{sign}{}", bound?)))
        .collect::<Vec<_>>()
        .join(" and ");
    let within = move |value: f64| {
        above.is_none_or(|bound| value > bound)
            && below.is_none_or(|bound| value < bound)
            && at_least.is_none_or(|bound| value >= bound)
            && at_most.is_none_or(|bound| value <= bound)
    };
    (words, within)
}

/// `sum(errors) < 0.05 for 1m`.
pub fn words(spec: &Metric) -> String {
    let (bound, _) = bound(spec);
    let hold = if spec.hold.is_zero() {
        String::new()
    } else {
        format!(" for {}", humantime::format_duration(spec.hold))
    };
    format!("{} {bound}{hold}", spec.query)
}

/// One attempt: whether the number is within the bound (none where there is no number), and a
/// phrase. Blocks; for a helper thread.
pub fn attempt(spec: &Metric, headers: &[(String, String)]) -> (Option<bool>, Attempt) {
    let say = |passed: Option<bool>, sentence: String, elsewhere: Option<Elsewhere>| {
        (passed, Attempt { passed: passed == Some(true), sentence, elsewhere })
    };
    let Some(url) = &spec.url else {
        return say(None, "no Prometheus is named".to_owned(), None);
    };
    let server =
        Server { url: url.clone(), headers: headers.to_vec(), limit: spec.attempt_timeout };
    match server.instant(&spec.query, None) {
        Err(why) => {
            let unreadable = matches!(why, NoData::Unreadable(_)).then_some(Elsewhere::Query);
            say(None, why.sentence(), unreadable)
        }
        Ok(sample) => {
            let (bound, within) = bound(spec);
            let value = sample.value;
            if within(value) {
                say(Some(true), format!("{value} {bound}"), None)
            } else {
                say(Some(false), format!("{value} (wanted {bound})"), None)
            }
        }
    }
}

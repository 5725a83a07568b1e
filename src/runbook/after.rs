//! What a catalog says of the time after a run: the tiers of its validation, the recovery plan, and
//! when its pages are due for a review.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::model::{Criterion, Place, Settings};

/// One tier of the validation.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Tier {
    /// `immediate`, `functional`, `business`, `day1`.
    pub name: String,
    /// For people; its name where it gives none.
    #[serde(default)]
    pub title: Option<String>,
    /// How long its automatic items are watched.
    pub takes: Duration,
    /// What is checked.
    #[serde(default)]
    pub items: Vec<Criterion>,
}

/// One phase of the recovery plan.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Phase {
    /// What it is for.
    pub name: String,
    /// Its first day; the day of the run is day 1.
    pub from_day: u32,
    /// Its last day; none: from then on.
    #[serde(default)]
    pub to_day: Option<u32>,
    /// What is to be done.
    pub items: Vec<String>,
}

/// The number of a day (`2026-11-23`) since 1970-01-01; none where there is no such day.
pub fn day_number(text: &str) -> Option<u64> {
    let plain = text.len() == 10 && text.chars().all(|c| c.is_ascii_digit() || c == '-');
    let moment = humantime::parse_rfc3339(&format!("{text}T00:00:00Z")).ok().filter(|_| plain)?;
    moment.duration_since(SystemTime::UNIX_EPOCH).ok().map(|since| since.as_secs() / DAY)
}

/// The day with this number, `2026-11-23`.
pub fn day_text(number: u64) -> String {
    let moment = SystemTime::UNIX_EPOCH + Duration::from_secs(number.saturating_mul(DAY));
    humantime::format_rfc3339_seconds(moment).to_string().chars().take(10).collect()
}

/// Today's number, in UTC.
pub fn today() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |it| it.as_secs() / DAY)
}

/// Seconds of a day.
const DAY: u64 = 86_400;

/// How long a review holds where the catalog does not say.
pub const REVIEW_EVERY: Duration = Duration::from_secs(30 * DAY);

/// A page whose review is due.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Overdue {
    /// The file.
    pub file: PathBuf,
    /// Its last review.
    pub reviewed: String,
    /// When the next one was due.
    pub due: String,
}

/// Whether a page that was last reviewed on a day is due again on `today`.
pub fn overdue(
    place: &Place,
    reviewed: Option<&str>,
    every: Option<Duration>,
    today: u64,
) -> Option<Overdue> {
    let reviewed = reviewed?;
    let due = day_number(reviewed)? + every.unwrap_or(REVIEW_EVERY).as_secs().div_ceil(DAY);
    (due < today).then(|| Overdue {
        file: place.file.clone(),
        reviewed: reviewed.to_owned(),
        due: day_text(due),
    })
}

/// Whether a run on a day opens a review: nobody has reviewed the page since.
pub fn opened(reviewed: Option<&str>, run: u64) -> bool {
    reviewed.and_then(day_number).is_none_or(|reviewed| reviewed <= run)
}

/// The roles of a catalog that nobody could call: no contact, or a placeholder as `[CONTACT]`.
pub fn unreachable(settings: &Settings) -> Vec<String> {
    let missing = |contact: &Option<String>| contact.as_deref().is_none_or(is_placeholder);
    let authority = settings.decision_authority.iter().map(|it| (&it.role, &it.contact));
    let contacts = settings.contacts.iter().map(|it| (&it.role, &it.contact));
    let all = authority.chain(contacts);
    all.filter(|(_, contact)| missing(contact)).map(|(role, _)| role.clone()).collect()
}

/// Whether a contact is only a place for one.
pub fn is_placeholder(contact: &str) -> bool {
    let text = contact.trim();
    text.is_empty() || text.starts_with('[') || text.eq_ignore_ascii_case("todo")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_are_counted_and_nonsense_is_none() {
        assert_eq!(day_number("1970-01-02"), Some(1));
        assert_eq!(day_text(day_number("2026-11-23").expect("a day")), "2026-11-23");
        for wrong in ["2026-13-01", "2026-02-30", "today", "2026-1-1", "2026-11-23T"] {
            assert_eq!(day_number(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_review_is_due_the_day_after_it_has_held_for_its_time() {
        let place = Place::default();
        let today = |text| day_number(text).expect("a day");
        let due = |day| overdue(&place, Some("2025-09-10"), None, today(day));
        assert_eq!(due("2025-10-10"), None);
        assert_eq!(due("2025-10-11").expect("due").due, "2025-10-10");
        assert_eq!(overdue(&place, None, None, today("2030-01-01")), None);
    }
}

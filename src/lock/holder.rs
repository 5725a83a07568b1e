//! Who holds a lock, as the lock says it: in the Lease's annotations and in the local file. Everything
//! in it is somebody else's word and only shown; whether a holder lives is never read off it.

use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::runbook::Level;
use crate::runbook::duration;
use crate::terminal::sanitize;
use crate::world::clock;

/// The prefix of our annotations.
const PREFIX: &str = "rollback/";

/// Who holds a lock, and what it is doing.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Holder {
    /// The run.
    pub run_id: String,
    /// One process of the run: a resumed run has another.
    pub session: String,
    /// Who.
    pub operator: String,
    /// Where.
    pub host: String,
    /// The process there.
    pub pid: u32,
    /// The incident, where one was named.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// `component`, `service` or `system`.
    pub level: String,
    /// `component tool-dispatcher`.
    pub target: String,
    /// The method.
    pub method: String,
    /// The step's number, from 1; 0 before the first.
    pub step: usize,
    /// How many steps there are.
    pub of: usize,
    /// The step's name.
    pub step_name: String,
    /// When the lock was taken.
    pub started: String,
    /// When the step began.
    pub since: String,
    /// Who asked it to stop after its step.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked_to_stop: Option<String>,
}

impl Holder {
    /// Whether it is the same process of the same run. Who writes another name into the Lease has
    /// taken it, whatever else still stands there.
    pub fn is(&self, other: &Holder) -> bool {
        self.session == other.session && self.run_id == other.run_id
    }

    /// `alice on host-1 (run 0195…)`.
    pub fn who(&self) -> String {
        let mut who = if self.operator.is_empty() { "somebody" } else { &self.operator }.to_owned();
        if !self.host.is_empty() {
            who = format!("{who} on {}", self.host);
        }
        format!("{who} (run {})", self.run_id)
    }

    /// `component tool-dispatcher · flag, incident INC-7, step 2 of 3 (Restart the backend)`.
    pub fn what(&self) -> String {
        let mut what = match (self.target.is_empty(), self.method.is_empty()) {
            (true, _) => "something that it does not name".to_owned(),
            (false, true) => self.target.clone(),
            (false, false) => format!("{} · {}", self.target, self.method),
        };
        if let Some(incident) = &self.incident {
            what = format!("{what}, incident {incident}");
        }
        format!("{what}, {}", self.place())
    }

    /// `step 2 of 3 (Restart the backend)`.
    pub fn place(&self) -> String {
        if self.step == 0 {
            return "before its first step".to_owned();
        }
        if self.step > self.of {
            return format!("after step {} of {} (its checks are asked)", self.of, self.of);
        }
        format!("step {} of {} ({})", self.step, self.of, self.step_name)
    }

    /// How long ago it took the lock, as far as two clocks agree.
    pub fn age(&self) -> String {
        age(&self.started)
    }

    /// One sentence with everything: who, what, where and since when.
    pub fn sentence(&self) -> String {
        format!("{}: {}, for {}", self.who(), self.what(), self.age())
    }

    /// Its level, where it names one that we know.
    pub fn level(&self) -> Option<Level> {
        Level::ALL.into_iter().find(|level| level.as_str() == self.level)
    }

    /// The Lease's annotations.
    pub(super) fn annotations(&self) -> Map<String, Value> {
        let Ok(Value::Object(fields)) = serde_json::to_value(self) else { return Map::new() };
        fields
            .into_iter()
            .filter(|(name, _)| name != "run_id")
            .map(|(name, value)| {
                let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                (format!("{PREFIX}{}", name.replace('_', "-")), json!(text))
            })
            .collect()
    }

    /// The holder that a Lease names; none where it names nobody.
    pub(super) fn of(lease: &Value) -> Option<Holder> {
        let run_id = word(&lease["spec"]["holderIdentity"]);
        if run_id.is_empty() {
            return None;
        }
        let note = |name: &str| word(&lease["metadata"]["annotations"][format!("{PREFIX}{name}")]);
        let number = |name: &str| note(name).parse().unwrap_or_default();
        Some(Holder {
            run_id,
            session: note("session"),
            operator: note("operator"),
            host: note("host"),
            pid: note("pid").parse().unwrap_or_default(),
            incident: Some(note("incident")).filter(|text| !text.is_empty()),
            level: note("level"),
            target: note("target"),
            method: note("method"),
            step: number("step"),
            of: number("of"),
            step_name: note("step-name"),
            started: note("started"),
            since: note("since"),
            asked_to_stop: Some(note("asked-to-stop")).filter(|text| !text.is_empty()),
        })
    }
}

/// How long ago something was by our clock; `an unknown time` where that makes no sense.
pub fn age(since: &str) -> String {
    if humantime::parse_rfc3339(since).is_err() {
        return "an unknown time".to_owned();
    }
    duration::format(Duration::from_secs(clock::since(since).as_secs()))
}

/// A short line of somebody else's text.
fn word(value: &Value) -> String {
    sanitize::line(value.as_str().unwrap_or_default()).chars().take(200).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_holder_writes_into_a_lease_is_what_is_read_back() {
        let holder = Holder {
            run_id: "r1".to_owned(),
            session: "s".to_owned(),
            operator: "alice".to_owned(),
            host: "host-1".to_owned(),
            pid: 7,
            incident: Some("INC-7".to_owned()),
            level: "component".to_owned(),
            target: "component x".to_owned(),
            method: "flag".to_owned(),
            step: 2,
            of: 3,
            step_name: "Restart".to_owned(),
            started: clock::now(),
            since: clock::now(),
            asked_to_stop: None,
        };
        let lease = json!({"metadata": {"annotations": holder.annotations()},
                           "spec": {"holderIdentity": "r1"}});
        assert_eq!(Holder::of(&lease), Some(holder.clone()));
        assert_eq!(
            holder.sentence(),
            "alice on host-1 (run r1): component x · flag, incident INC-7, step 2 of 3 (Restart), for 0s"
        );
    }

    #[test]
    fn a_lease_of_somebody_elses_making_is_shown_without_its_escape_sequences() {
        let lease = json!({"spec": {"holderIdentity": "evil\u{1b}[2J\nname"}});
        let holder = Holder::of(&lease).expect("a holder");
        assert!(!holder.sentence().contains('\u{1b}') && !holder.sentence().contains('\n'));
        assert!(holder.sentence().contains("an unknown time"), "{}", holder.sentence());
        assert_eq!(Holder::of(&json!({"spec": {"holderIdentity": ""}})), None);
    }
}

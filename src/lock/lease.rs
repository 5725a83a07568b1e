//! The Lease of an environment: taken by creating it, renewed and taken over by replacing exactly
//! what was read, released by deleting exactly that. Whether its holder lives is observed on our own
//! clock, never read off the holder's.

use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::BY_PROMPT;
use super::holder::Holder;
use crate::event::{Record, TakenOver};
use crate::facts::{Known, Unread};
use crate::world::clock;
use crate::world::cluster::{Cluster, NotWritten};

/// What a Lease that says nothing is granted.
const DEFAULT: Duration = Duration::from_secs(15);

/// A lease is never believed for longer than this, whatever it says of itself.
const LONGEST: Duration = Duration::from_secs(300);

/// How often an acquisition that others keep changing under our hands is begun again: with the
/// pauses between, about two seconds of losing every race.
const TRIES: u32 = 100;

/// The longest pause after a lost race.
const PAUSE: Duration = Duration::from_millis(20);

/// The Lease of one environment, as one process sees it.
#[derive(Debug, Clone)]
pub struct Lease {
    cluster: Cluster,
    name: String,
    duration: Duration,
}

/// A Lease that somebody holds, as it was read.
#[derive(Debug, Clone)]
pub struct Seen {
    /// Who.
    pub holder: Holder,
    /// How long it may be silent before it counts as dead.
    pub duration: Duration,
    /// When it was last renewed, by the holder's clock.
    pub renewed: String,
    object: Value,
}

/// What came of trying to take a Lease.
#[derive(Debug)]
pub enum Attempt {
    /// It is ours.
    Ours(Box<Seen>),
    /// Somebody else has it.
    Held(Box<Seen>),
    /// It could not be asked, or is not allowed.
    Trouble(Unread),
}

impl Lease {
    /// The Lease of a cluster's namespace; `duration` is how long our own silence may last.
    pub fn new(cluster: &Cluster, duration: Duration) -> Lease {
        let name = name(cluster.namespace());
        let duration = Duration::from_secs(duration.as_secs().max(1)).min(LONGEST);
        Lease { cluster: cluster.clone(), name, duration }
    }

    /// How long our own silence may last.
    pub fn duration(&self) -> Duration {
        self.duration
    }

    /// The Lease's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Who holds it; none where nobody does.
    pub fn read(&self) -> Known<Option<Seen>> {
        Ok(self.cluster.lease(&self.name)?.and_then(Seen::of))
    }

    /// Takes it where it is free, where an earlier process of our own run has left it behind, or
    /// where it still is the `over` that the operator agreed to take over.
    pub fn take(&self, me: &Holder, over: Option<&Seen>) -> Attempt {
        let fresh = self.object(me, None);
        for lost in 0..TRIES {
            std::thread::sleep(PAUSE.min(Duration::from_millis(lost.into())));
            match self.cluster.create_lease(&fresh) {
                Ok(object) => return ours(object, me),
                Err(NotWritten::Unread(why)) => return Attempt::Trouble(why),
                Err(NotWritten::Conflict | NotWritten::Gone) => {}
            }
            let found = match self.cluster.lease(&self.name) {
                Err(why) => return Attempt::Trouble(why),
                Ok(None) => continue,
                Ok(Some(found)) => found,
            };
            let seen = Seen::of(found.clone());
            let may_replace = match &seen {
                None => true,
                // Our own creation, whose answer was lost.
                Some(seen) if seen.holder.is(me) => return ours(found, me),
                Some(seen) => {
                    seen.holder.run_id == me.run_id || over.is_some_and(|over| over.is_same(seen))
                }
            };
            match seen {
                Some(seen) if !may_replace => return Attempt::Held(Box::new(seen)),
                _ => {}
            }
            match self.cluster.replace_lease(&self.name, &self.object(me, Some(&found))) {
                Ok(object) => return ours(object, me),
                Err(NotWritten::Unread(why)) => return Attempt::Trouble(why),
                Err(NotWritten::Conflict | NotWritten::Gone) => {}
            }
        }
        Attempt::Trouble(Unread::Failed(format!("lease/{} does not come to rest", self.name)))
    }

    /// Renews it: replaces exactly what was last seen.
    pub fn renew(&self, me: &Holder, seen: &Seen) -> Result<Seen, NotWritten> {
        let object = self.object(me, Some(&seen.object));
        let object = self.cluster.replace_lease(&self.name, &object)?;
        Seen::of(object).ok_or(NotWritten::Gone)
    }

    /// Writes into somebody else's Lease that it is asked to stop after its step.
    pub fn ask_to_stop(&self, seen: &Seen, by: &str) -> Result<Seen, NotWritten> {
        let mut object = seen.object.clone();
        object["metadata"]["annotations"]["rollback/asked-to-stop"] = json!(by);
        let object = self.cluster.replace_lease(&self.name, &object)?;
        Seen::of(object).ok_or(NotWritten::Gone)
    }

    /// Frees it, where it still is what was seen.
    pub fn free(&self, seen: &Seen) -> Result<(), NotWritten> {
        let word = |key: &str| seen.object["metadata"][key].as_str().unwrap_or_default();
        self.cluster.delete_lease(&self.name, word("uid"), word("resourceVersion"))
    }

    /// Leaves it there without a holder, where it still is what was seen.
    pub fn empty(&self, seen: &Seen) -> Result<(), NotWritten> {
        let mut object = seen.object.clone();
        if let Some(spec) = object["spec"].as_object_mut() {
            spec.remove("holderIdentity");
        }
        if let Some(metadata) = object["metadata"].as_object_mut() {
            metadata.remove("annotations");
        }
        self.cluster.replace_lease(&self.name, &object).map(|_| ())
    }

    /// The Lease as we write it: new, or in the place of `before`.
    fn object(&self, me: &Holder, before: Option<&Value>) -> Value {
        let now = humantime::format_rfc3339_micros(SystemTime::now()).to_string();
        let mut metadata = json!({
            "name": self.name, "namespace": self.cluster.namespace(),
            "labels": { "app.kubernetes.io/managed-by": "rollback" },
            "annotations": me.annotations(),
        });
        let mut acquired = now.clone();
        let mut transitions = 0;
        if let Some(before) = before {
            for key in ["uid", "resourceVersion"] {
                metadata[key] = before["metadata"][key].clone();
            }
            let spec = &before["spec"];
            transitions = spec["leaseTransitions"].as_i64().unwrap_or_default();
            if spec["holderIdentity"] == me.run_id.as_str() {
                spec["acquireTime"].as_str().unwrap_or(&now).clone_into(&mut acquired);
            } else {
                transitions += 1;
            }
        }
        json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata,
            "spec": {
                "holderIdentity": me.run_id, "leaseDurationSeconds": self.duration.as_secs(),
                "acquireTime": acquired, "renewTime": now, "leaseTransitions": transitions,
            },
        })
    }
}

/// The name of a namespace's Lease.
pub fn name(namespace: &str) -> String {
    format!("rollback-{namespace}")
}

fn ours(object: Value, me: &Holder) -> Attempt {
    match Seen::of(object) {
        Some(seen) if seen.holder.run_id == me.run_id => Attempt::Ours(Box::new(seen)),
        _ => Attempt::Trouble(Unread::Failed(
            "the API server's answer is not the Lease that was written".to_owned(),
        )),
    }
}

impl Seen {
    fn of(object: Value) -> Option<Seen> {
        let holder = Holder::of(&object)?;
        let spec = &object["spec"];
        let duration = spec["leaseDurationSeconds"]
            .as_u64()
            .map_or(DEFAULT, |seconds| Duration::from_secs(seconds.max(1)).min(LONGEST));
        let renewed = spec["renewTime"].as_str().unwrap_or_default().to_owned();
        Some(Seen { holder, duration, renewed, object })
    }

    /// Whether nothing at all has been written since.
    pub fn is_same(&self, other: &Seen) -> bool {
        self.version() == other.version()
    }

    /// Whether it was written in the place of the other, and not created anew.
    pub(super) fn replaces(&self, other: &Seen) -> bool {
        self.version().0 == other.version().0
    }

    /// That it was taken over, for the journal of the run that did.
    pub(super) fn taken_over_by(&self, me: &Holder) -> Record {
        let (was, millis) = (&self.holder, |time: Duration| time.as_millis().try_into().ok());
        let held = humantime::parse_rfc3339(&was.started).ok();
        let held = held.and_then(|then| SystemTime::now().duration_since(then).ok());
        Record::LockTakenOver(TakenOver {
            from_run: was.run_id.clone(),
            holder: was.operator.clone(),
            host: was.host.clone(),
            doing: was.what(),
            since: was.started.clone(),
            held_ms: held.and_then(millis),
            silent_ms: millis(self.duration).unwrap_or_default(),
            by: BY_PROMPT.to_owned(),
            operator: me.operator.clone(),
        })
    }

    /// uid and resourceVersion: what a write of it must name.
    fn version(&self) -> (&str, &str) {
        let word = |key: &str| self.object["metadata"][key].as_str().unwrap_or_default();
        (word("uid"), word("resourceVersion"))
    }

    /// What only its holder changes: not the wishes that others write into it.
    fn sign_of_life(&self) -> (String, String, String) {
        (self.version().0.to_owned(), self.holder.session.clone(), self.renewed.clone())
    }
}

/// What watching a holder has shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Life {
    /// It has been watched for too short a time to say; so much is left.
    Unknown(Duration),
    /// It was seen to renew.
    Lives,
    /// It has not renewed for as long as its own lease lasts.
    Suspect,
}

/// Watches a holder: what counts is that it writes, and the time on our own clock in which it did not.
#[derive(Debug, Clone, Default)]
pub struct Observer {
    sign: Option<(String, String, String)>,
    since: Duration,
    renewals: u32,
}

impl Observer {
    /// Notes what was read just now.
    pub fn see(&mut self, seen: &Seen) -> Life {
        self.see_at(seen, clock::steady())
    }

    fn see_at(&mut self, seen: &Seen, now: Duration) -> Life {
        let sign = seen.sign_of_life();
        if self.sign.as_ref() != Some(&sign) {
            let same_holder =
                self.sign.as_ref().is_some_and(|last| (&last.0, &last.1) == (&sign.0, &sign.1));
            self.renewals = if same_holder { self.renewals + 1 } else { 0 };
            self.sign = Some(sign);
            self.since = now;
        }
        let silent = now.saturating_sub(self.since);
        if silent >= seen.duration {
            Life::Suspect
        } else if self.renewals > 0 {
            Life::Lives
        } else {
            Life::Unknown(seen.duration.saturating_sub(silent))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(session: &str, renewed: &str, version: &str) -> Seen {
        Seen::of(json!({
            "metadata": {"uid": "u", "resourceVersion": version,
                         "annotations": {"rollback/session": session}},
            "spec": {"holderIdentity": "r1", "leaseDurationSeconds": 15, "renewTime": renewed},
        }))
        .expect("held")
    }

    fn at(seconds: u64) -> Duration {
        Duration::from_secs(1000 + seconds)
    }

    #[test]
    fn clocks_that_are_an_hour_off_make_nobody_dead_and_nobody_alive() {
        for renewed in ["2026-01-01T01:00:00.000000Z", "2026-01-01T23:00:00.000000Z", "", "soon"] {
            let mut observer = Observer::default();
            let silent = seen("s", renewed, "1");
            assert_eq!(observer.see_at(&silent, at(0)), Life::Unknown(Duration::from_secs(15)));
            assert_eq!(observer.see_at(&silent, at(14)), Life::Unknown(Duration::from_secs(1)));
            assert_eq!(observer.see_at(&silent, at(15)), Life::Suspect, "{renewed}");
        }
    }

    #[test]
    fn a_renewal_starts_the_time_anew_even_one_that_turns_the_clock_back() {
        let mut observer = Observer::default();
        observer.see_at(&seen("s", "12:00", "1"), at(0));
        assert_eq!(observer.see_at(&seen("s", "11:00", "2"), at(14)), Life::Lives);
        assert_eq!(observer.see_at(&seen("s", "11:00", "2"), at(28)), Life::Lives);
        assert_eq!(observer.see_at(&seen("s", "11:00", "2"), at(29)), Life::Suspect);
        assert_eq!(observer.see_at(&seen("s", "11:01", "3"), at(30)), Life::Lives);
    }

    #[test]
    fn what_others_write_into_a_lease_is_no_sign_of_its_holders_life() {
        let mut observer = Observer::default();
        observer.see_at(&seen("s", "12:00", "1"), at(0));
        assert_eq!(observer.see_at(&seen("s", "12:00", "2"), at(16)), Life::Suspect);
    }

    #[test]
    fn another_holder_is_watched_from_the_beginning() {
        let mut observer = Observer::default();
        observer.see_at(&seen("s", "12:00", "1"), at(0));
        let other = seen("t", "12:00", "2");
        assert_eq!(observer.see_at(&other, at(14)), Life::Unknown(Duration::from_secs(15)));
    }
}

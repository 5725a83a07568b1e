//! PURE: what the monitor does about what it sees. The clock comes from outside, in milliseconds.
//!
//! A trigger is raised when N of its last M evaluations are beyond the bound, and stays raised
//! until N in a row are well again by its clear level. Unknown is neither: it never raises and
//! never clears. A raised trigger with leave to act does so once, and only while it is beyond its
//! bound right now, its cooldown is over, its cause was not yet rolled back for this deployed
//! revision, the hour's budget has room, and the switch in the cluster says yes.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// An hour, in milliseconds.
const HOUR: u64 = 3_600_000;

/// What an evaluation came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// Beyond the bound.
    Beyond,
    /// Not beyond the bound, and not yet well by the clear level.
    Between,
    /// Well.
    Well,
    /// Nobody knows.
    Unknown,
}

/// How a trigger is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rule {
    /// How many of the last evaluations must be beyond the bound.
    pub hits: usize,
    /// How many evaluations are looked at.
    pub of: usize,
    /// The least time between two rollbacks.
    pub cooldown: Duration,
    /// Whether the monitor may act at all.
    pub automatic: bool,
}

/// What an evaluation changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// Nothing.
    None,
    /// It is raised now.
    Raised,
    /// It is well again.
    Cleared,
}

/// What the world says of whether acting is allowed now; read just before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gate {
    /// Whether the switch in the cluster is on; an error is off.
    pub switch: Result<bool, String>,
    /// What is deployed; an error is no leave.
    pub revision: Result<String, String>,
}

/// A rollback that the monitor began.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fired {
    /// The trigger.
    pub trigger: String,
    /// What was deployed.
    pub revision: String,
    /// When.
    pub at: u64,
}

#[derive(Debug, Default)]
struct Track {
    window: VecDeque<Seen>,
    raised: bool,
    acted: bool,
}

/// What the monitor remembers.
#[derive(Debug)]
pub struct Monitor {
    rules: BTreeMap<String, Rule>,
    tracks: BTreeMap<String, Track>,
    fired: Vec<Fired>,
    causes: BTreeSet<(String, String)>,
    hourly: usize,
}

impl Monitor {
    /// A monitor that remembers what it did before.
    pub fn new(rules: BTreeMap<String, Rule>, hourly: usize, fired: Vec<Fired>) -> Monitor {
        let causes = fired.iter().map(|it| (it.trigger.clone(), it.revision.clone())).collect();
        Monitor { rules, tracks: BTreeMap::new(), fired, causes, hourly }
    }

    /// Takes an evaluation in.
    pub fn see(&mut self, trigger: &str, seen: Seen) -> Change {
        let Some(rule) = self.rules.get(trigger) else { return Change::None };
        if !self.tracks.contains_key(trigger) {
            self.tracks.insert(trigger.to_owned(), Track::default());
        }
        let Some(track) = self.tracks.get_mut(trigger) else { return Change::None };
        track.window.push_back(seen);
        while track.window.len() > rule.of.max(rule.hits) {
            track.window.pop_front();
        }
        let recent = |count: usize| track.window.iter().rev().take(count);
        let beyond = recent(rule.of).filter(|it| **it == Seen::Beyond).count();
        let well = track.window.len() >= rule.hits && recent(rule.hits).all(|it| *it == Seen::Well);
        if !track.raised && rule.hits > 0 && beyond >= rule.hits {
            track.raised = true;
            track.acted = false;
            Change::Raised
        } else if track.raised && well {
            track.raised = false;
            Change::Cleared
        } else {
            Change::None
        }
    }

    /// Whether a trigger is raised.
    pub fn raised(&self, trigger: &str) -> bool {
        self.tracks.get(trigger).is_some_and(|track| track.raised)
    }

    /// Whether the monitor would act on a trigger if the world lets it; asked before the world is.
    pub fn would_act(&self, trigger: &str) -> bool {
        let automatic = self.rules.get(trigger).is_some_and(|rule| rule.automatic);
        automatic
            && self.tracks.get(trigger).is_some_and(|track| {
                track.raised && !track.acted && track.window.back() == Some(&Seen::Beyond)
            })
    }

    /// The revision to act on, or the reason not to. Nothing is remembered before [`Monitor::acted`].
    pub fn permit(&self, trigger: &str, now: u64, gate: &Gate) -> Result<String, String> {
        let Some(rule) = self.rules.get(trigger).filter(|rule| rule.automatic) else {
            return Err("it has no leave to act by itself".to_owned());
        };
        if !self.would_act(trigger) {
            return Err("it is not raised now, or was acted on already".to_owned());
        }
        match &gate.switch {
            Ok(true) => {}
            Ok(false) => return Err("the switch in the cluster is off".to_owned()),
            Err(why) => return Err(format!("the switch in the cluster cannot be read: {why}")),
        }
        let revision = gate
            .revision
            .clone()
            .map_err(|why| format!("what is deployed cannot be read: {why}"))?;
        if self.causes.contains(&(trigger.to_owned(), revision.clone())) {
            return Err("it was rolled back for this cause and this revision already".to_owned());
        }
        let cooldown = u64::try_from(rule.cooldown.as_millis()).unwrap_or(u64::MAX);
        // A clock that went back makes an act lie in the future: that is no leave either.
        let within = |it: &&Fired, span: u64| now < it.at.saturating_add(span);
        let mut own = self.fired.iter().filter(|it| it.trigger == trigger);
        if own.any(|it| within(&it, cooldown)) {
            return Err("its cooldown is not over".to_owned());
        }
        if self.fired.iter().filter(|it| within(it, HOUR)).count() >= self.hourly {
            return Err(format!("this hour's budget of {} is used up", self.hourly));
        }
        Ok(revision)
    }

    /// Remembers that the monitor acts; to be recorded durably first.
    pub fn acted(&mut self, fired: Fired) {
        if let Some(track) = self.tracks.get_mut(&fired.trigger) {
            track.acted = true;
        }
        self.causes.insert((fired.trigger.clone(), fired.revision.clone()));
        self.fired.push(fired);
    }
}

#[cfg(test)]
#[path = "decide_tests.rs"]
mod tests;

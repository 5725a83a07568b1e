//! The next way, where this one does not do it: the first rung above that is not known to be
//! blocked. Rungs that were passed over are named.

use std::sync::{Arc, OnceLock};

use super::Run;
use crate::plan::Rung;

/// How a rung stands, as its survey found it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Readiness {
    /// Nothing stands in its way.
    Ready,
    /// Something does: one sentence.
    Blocked(String),
    /// Parameters that were not given; it cannot be surveyed without them.
    Needs(Vec<String>),
}

/// What is known of the rungs, nearest first; what is not in yet is none.
pub type Ahead = Arc<[OnceLock<Readiness>]>;

/// The way that is offered.
#[derive(Debug, Clone)]
pub struct NextWay {
    /// Its rung.
    pub rung: Rung,
    /// How it stands; none where that is not known.
    pub readiness: Option<Readiness>,
    /// What is said of it, and of the ways that were passed over; empty where there is nothing.
    pub note: String,
}

impl Run {
    /// The first way above that is not known to be blocked; where all are, the first.
    pub fn next_way(&self) -> Option<NextWay> {
        let known = |index: usize| self.ahead.get(index).and_then(OnceLock::get);
        let blocked = |index: usize| match known(index) {
            Some(Readiness::Blocked(why)) => Some(why),
            _ => None,
        };
        let ladder = &self.plan.ladder;
        let open = (0..ladder.len()).find(|index| blocked(*index).is_none());
        let index = open.unwrap_or(0);
        let rung = ladder.get(index)?.clone();
        let passed = (0..open.unwrap_or(ladder.len())).filter_map(|index| {
            let name = ladder[index].name_from(&self.plan.target);
            blocked(index).map(|why| format!("{name} is blocked: {why}"))
        });
        let readiness = known(index).cloned();
        let needs = match &readiness {
            Some(Readiness::Needs(names)) => {
                let flags: Vec<String> =
                    names.iter().map(|name| format!("--param {name}=…")).collect();
                let name = rung.name_from(&self.plan.target);
                Some(format!("{name} needs {} as well", flags.join(" ")))
            }
            _ => None,
        };
        let note = passed.chain(needs).collect::<Vec<_>>().join("; ");
        Some(NextWay { rung, readiness, note })
    }
}

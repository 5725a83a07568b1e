//! What was done after a run's end, folded from its records: the validation, the recovery plan, the
//! criteria of the way forward. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::after::{After, ItemPlan, TierPlan};
use crate::event::{Envelope, Record};

/// What happened after the end.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Followed {
    /// The last judgement of each item.
    pub items: BTreeMap<String, Seen>,
    /// The tiers that were looked at.
    pub tiers: BTreeMap<String, TierSeen>,
    /// What of the recovery plan is ticked off.
    pub recovery: BTreeMap<String, Ticked>,
    /// What of the criteria is ticked off.
    pub criteria: BTreeMap<String, Ticked>,
    /// The runs that went forward again.
    pub forward: Vec<Forward>,
    /// When the run was closed, and by whom.
    pub closed: Option<(String, String)>,
}

/// The last judgement of an item.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// Its tier.
    pub tier: String,
    /// Whether it holds.
    pub holds: bool,
    /// Whether it held before, and no longer does.
    pub regressed: bool,
    /// `check`, `prompt`, `--answer`.
    pub how: String,
    /// Who.
    pub by: String,
    /// One sentence.
    pub why: String,
    /// When.
    pub ts: String,
}

/// A tier that was looked at.
#[derive(Debug, Clone, Serialize)]
pub struct TierSeen {
    /// When first.
    pub started: String,
    /// How it was closed, where it was: whether it passed, and when.
    pub closed: Option<(bool, String)>,
}

/// A tick.
#[derive(Debug, Clone, Serialize)]
pub struct Ticked {
    /// Who.
    pub by: String,
    /// When.
    pub ts: String,
    /// What they said.
    pub note: Option<String>,
}

/// A run that went forward again.
#[derive(Debug, Clone, Serialize)]
pub struct Forward {
    /// The run.
    pub run: String,
    /// What went forward.
    pub target: String,
    /// Who.
    pub by: String,
    /// Who went on though criteria were open, and why.
    pub overridden: Option<(String, String)>,
    /// When.
    pub ts: String,
}

impl Followed {
    /// Adds one record; others than those after the end change nothing.
    pub fn apply(&mut self, envelope: &Envelope) {
        let ts = &envelope.ts;
        match &envelope.record {
            Record::ValidationStarted { tier, .. } => {
                let seen = TierSeen { started: ts.clone(), closed: None };
                self.tiers.entry(tier.clone()).or_insert(seen);
            }
            Record::ItemJudged { item, tier, holds, how, by, why } => {
                let held = self.items.get(item).is_some_and(|seen| seen.holds);
                let seen = Seen {
                    tier: tier.clone(),
                    holds: *holds,
                    regressed: held && !*holds,
                    how: how.clone(),
                    by: by.clone(),
                    why: why.clone(),
                    ts: ts.clone(),
                };
                self.items.insert(item.clone(), seen);
                if !holds {
                    // What was closed as good is not good any more.
                    self.closed = None;
                    if let Some(tier) = self.tiers.get_mut(tier) {
                        tier.closed = None;
                    }
                }
            }
            Record::TierClosed { tier, passed, .. } => {
                let started = ts.clone();
                let seen = self.tiers.entry(tier.clone());
                seen.or_insert(TierSeen { started, closed: None }).closed =
                    Some((*passed, ts.clone()));
            }
            Record::RecoveryTicked { item, done, by, note } => {
                tick(&mut self.recovery, item, *done, by, note.as_ref(), ts);
            }
            Record::CriterionTicked { criterion, done, by, note } => {
                tick(&mut self.criteria, criterion, *done, by, note.as_ref(), ts);
            }
            Record::ForwardStarted { run, target, by, overridden_by, reason, .. } => {
                self.forward.push(Forward {
                    run: run.clone(),
                    target: target.clone(),
                    by: by.clone(),
                    overridden: overridden_by
                        .clone()
                        .map(|who| (who, reason.clone().unwrap_or_default())),
                    ts: ts.clone(),
                });
            }
            Record::RunClosed { by, .. } => self.closed = Some((ts.clone(), by.clone())),
            _ => {}
        }
    }

    /// Whether a tier is closed and holds.
    pub fn holds(&self, tier: &str) -> bool {
        self.tiers.get(tier).is_some_and(|seen| seen.closed.as_ref().is_some_and(|(ok, _)| *ok))
    }

    /// The tiers that are not closed, in order.
    pub fn open_tiers<'a>(&'a self, after: &'a After) -> impl Iterator<Item = &'a TierPlan> {
        after.tiers.iter().filter(|tier| !self.holds(&tier.name))
    }

    /// The items of a tier that nobody judged.
    pub fn unjudged<'a>(&'a self, tier: &'a TierPlan) -> impl Iterator<Item = &'a ItemPlan> {
        tier.items.iter().filter(|item| !self.items.contains_key(&item.id))
    }

    /// The items of a tier that do not hold.
    pub fn failing<'a>(&'a self, tier: &'a TierPlan) -> impl Iterator<Item = &'a ItemPlan> {
        tier.items.iter().filter(|item| self.items.get(&item.id).is_some_and(|seen| !seen.holds))
    }

    /// The word for lists: `closed`, `not begun`, `2 of 4 tiers`; none where there is no validation.
    pub fn word(&self, after: &After) -> Option<String> {
        let of = after.tiers.len();
        if of == 0 {
            return None;
        }
        let open = self.open_tiers(after).count();
        Some(match open {
            0 => "closed".to_owned(),
            _ if self.tiers.is_empty() => "not begun".to_owned(),
            _ => format!("{} of {of} tiers", of - open),
        })
    }

    /// Where the validation is that is not closed, in words; none where nothing is open.
    pub fn open_words(&self, after: &After) -> Option<String> {
        Some(match self.word(after)?.as_str() {
            "closed" => return None,
            "not begun" => "its validation is not begun".to_owned(),
            word => format!("{word} of its validation hold"),
        })
    }

    /// All items that do not hold, with what was seen.
    pub fn failed<'a>(
        &'a self,
        after: &'a After,
    ) -> impl Iterator<Item = (&'a ItemPlan, &'a Seen)> {
        let items = after.items().map(|(_, item)| item);
        items.filter_map(|item| {
            self.items.get(&item.id).filter(|seen| !seen.holds).map(|seen| (item, seen))
        })
    }
}

fn tick(
    ticks: &mut BTreeMap<String, Ticked>,
    what: &str,
    done: bool,
    by: &str,
    note: Option<&String>,
    ts: &str,
) {
    if done {
        let ticked = Ticked { by: by.to_owned(), ts: ts.to_owned(), note: note.cloned() };
        ticks.insert(what.to_owned(), ticked);
    } else {
        ticks.remove(what);
    }
}

//! The commit of a step, from its making to its arrival on the remote, and the search for it
//! afterwards.

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;

use crate::facts::{Known, Unread};
use crate::journal::Permit;
use crate::step::{Done, Effect, Forecast, Mark};
use crate::world::forge::{
    Change, Forge, Proposal, Proposed, Pushed, Stamp, pull_request, pushed, short,
};
use crate::world::hands::Hands;
use crate::world::process::Captured;

use super::words::{obstacle, summary};
use super::{PATCH, badly, outputs, unread, well};

/// How often a commit is made: on the tip that is there, and once more on the one that followed.
const BUILDS: u32 = 2;

/// How long the news of the lock may take before a push is tried again.
const GLANCE: Duration = Duration::from_millis(500);

/// The commit of a step, from its making to its arrival.
pub(super) struct Delivery<'a> {
    pub(super) repository: Option<&'a str>,
    pub(super) proposal: Proposal,
    pub(super) mark: &'a Mark,
    pub(super) forecast: &'a Forecast,
}

impl Delivery<'_> {
    pub(super) fn perform(&self, forge: &Forge, hands: &mut Hands, permit: &Permit) -> Done {
        let proposal = &self.proposal;
        let Some(repository) = self.repository else {
            return badly("no git repository is named".to_owned(), None);
        };
        let (stamp, branch) = (stamp(self.mark), proposal.branch());
        let mut refusal = None;
        for build in 1..=BUILDS {
            hands.progress(if build == 1 {
                "making the commit"
            } else {
                "making it again on the new tip"
            });
            let (ours, wanted, signed) = (forge.clone(), proposal.clone(), stamp.clone());
            let address = repository.to_owned();
            let proposed = match hands.aside(move || ours.propose(&address, &wanted, &signed)) {
                Ok(proposed) => proposed,
                Err(ending) => return Done::called_off("nothing was pushed", &ending),
            };
            let (sha, tip, change, waiting) = match proposed {
                Err(why) => return unread(&why),
                Ok(Proposed::Ready { sha, tip, change, content, waiting }) => {
                    if let Some(why) = self.stale(&change, &content, branch) {
                        return badly(why, None);
                    }
                    (sha, tip, change, waiting)
                }
                Ok(other) => return self.already(&other, branch),
            };
            hands.progress("pushing");
            let captured = match push(forge, hands, permit, repository, &sha, branch) {
                Ok(captured) => captured,
                Err(why) => return unread(&why),
            };
            match pushed(&captured, repository) {
                Pushed::Arrived => {
                    let what = summary(&change.files);
                    let (from, to) = (short(&tip.sha), short(&sha));
                    return well(
                        format!("{branch} went from {from} to {to} ({what})"),
                        outputs(&sha, branch),
                    );
                }
                // Whoever stood still may have lost the lock: then no other push is started.
                Pushed::Behind => hands.recorder.guard().refresh(GLANCE),
                Pushed::Failed(why) => {
                    return badly(format!("the push to {branch} failed: {why}"), Some(&captured));
                }
                Pushed::Refused(why) => {
                    refusal = Some((sha, waiting, why));
                    break;
                }
            }
        }
        match refusal {
            Some((sha, waiting, why)) => {
                wait_for_merge(forge, hands, permit, repository, &sha, branch, &waiting, &why)
            }
            None => badly(format!("others pushed to {branch} each time we tried; try again"), None),
        }
    }

    /// What was approved is what is pushed: why this is something else.
    fn stale(
        &self,
        change: &Change,
        content: &BTreeMap<String, String>,
        branch: &str,
    ) -> Option<String> {
        let pinned = &self.forecast.pinned;
        if let Some(Value::Object(planned)) = pinned.get("content") {
            let changed = planned
                .iter()
                .find(|(path, id)| content.get(*path).map(String::as_str) != id.as_str());
            if let Some((path, _)) = changed {
                return Some(format!(
                    "{path} has changed at its source since the plan was made: plan again"
                ));
            }
        }
        let planned = pinned.get(PATCH).and_then(Value::as_str)?;
        (planned != change.patch_id).then(|| {
            format!(
                "{branch} has moved, and the change would no longer be the one that was planned \
                 ({} instead): plan again",
                summary(&change.files)
            )
        })
    }

    /// Nothing had to be pushed, or nothing can be.
    fn already(&self, proposed: &Proposed, branch: &str) -> Done {
        match self.effect(proposed, branch) {
            Effect::Present(why, outputs) | Effect::Awaiting(why, outputs) => well(why, outputs),
            other => badly(other.sentence().to_owned(), None),
        }
    }

    pub(super) fn look(&self, forge: &Forge) -> Effect {
        let proposal = &self.proposal;
        let Some(repository) = self.repository else {
            return Effect::Unanswerable("no git repository is named".to_owned());
        };
        match forge.propose(repository, proposal, &stamp(self.mark)) {
            Ok(proposed) => self.effect(&proposed, proposal.branch()),
            // Also a branch that is gone: it may have had the commit.
            Err(why) => Effect::Unanswerable(why.sentence().to_owned()),
        }
    }

    fn effect(&self, proposed: &Proposed, branch: &str) -> Effect {
        match proposed {
            Proposed::Arrived { commit, undone: false } => Effect::Present(
                format!("{branch} has {}", commit.phrase()),
                outputs(&commit.sha, branch),
            ),
            Proposed::Arrived { commit, undone: true } => Effect::Broken(
                format!("{branch} got {}, and later commits took its effect back", commit.phrase()),
                Vec::new(),
            ),
            Proposed::Pending { sha, branch: waiting } => Effect::Awaiting(
                merge_sentence(self.repository.unwrap_or_default(), waiting, branch),
                outputs(sha, waiting),
            ),
            Proposed::Nothing { tip, earlier: Some(earlier) } => Effect::Present(
                format!("{branch} is so already, since {}", earlier.phrase()),
                outputs(&tip.sha, branch),
            ),
            // A restore of content that never differed restores nothing.
            Proposed::Nothing { tip, earlier: None } if self.may_be_nothing() => Effect::Present(
                format!("{branch} is so already, at {}", tip.phrase()),
                outputs(&tip.sha, branch),
            ),
            Proposed::Nothing { tip, .. } => Effect::Missing(format!(
                "{branch} at {} has the same content as its source, and nothing shows that it was \
                 restored",
                short(&tip.sha)
            )),
            Proposed::Ready { tip, change, .. } => Effect::Missing(format!(
                "{branch} is at {} without the change ({})",
                tip.phrase(),
                summary(&change.files)
            )),
            Proposed::Not(built) => {
                let (why, hint) = obstacle(branch, built);
                Effect::Missing(hint.map_or_else(|| why.clone(), |hint| format!("{why}; {hint}")))
            }
        }
    }

    /// Whether "no difference" can be the effect: a revert, or a restore that differed when planned.
    fn may_be_nothing(&self) -> bool {
        matches!(self.proposal, Proposal::Revert { .. }) || self.forecast.pinned.contains_key(PATCH)
    }
}

pub(super) fn push(
    forge: &Forge,
    hands: &mut Hands,
    permit: &Permit,
    repository: &str,
    sha: &str,
    branch: &str,
) -> Known<Captured> {
    let invocation = forge.push(repository, sha, branch)?;
    hands
        .run(permit, &[invocation])
        .pop()
        .ok_or_else(|| Unread::Failed("the push was not started".to_owned()))
}

/// The branch refuses the commit: it goes to a branch of its own, for somebody to merge.
#[allow(clippy::too_many_arguments)]
fn wait_for_merge(
    forge: &Forge,
    hands: &mut Hands,
    permit: &Permit,
    repository: &str,
    sha: &str,
    branch: &str,
    waiting: &str,
    refusal: &str,
) -> Done {
    hands.progress(&format!("{branch} refuses the push; pushing {waiting}"));
    let captured = match push(forge, hands, permit, repository, sha, waiting) {
        Ok(captured) => captured,
        Err(why) => return unread(&why),
    };
    let sentence = format!("{branch} refuses the push: {refusal}");
    match pushed(&captured, repository) {
        Pushed::Arrived => well(
            format!("{sentence}; {}", merge_sentence(repository, waiting, branch)),
            outputs(sha, waiting),
        ),
        Pushed::Behind => badly(
            format!("{sentence}; and {waiting} is there already, with something else"),
            Some(&captured),
        ),
        Pushed::Refused(why) | Pushed::Failed(why) => {
            badly(format!("{sentence}; and {waiting} could not be pushed: {why}"), Some(&captured))
        }
    }
}

fn merge_sentence(repository: &str, waiting: &str, branch: &str) -> String {
    match pull_request(repository, waiting, branch) {
        Some(link) => format!("{waiting} waits to be merged into {branch}: {link}"),
        None => format!("{waiting} waits to be merged into {branch}"),
    }
}

fn stamp(mark: &Mark) -> Stamp {
    Stamp { text: mark.text(), started_at: mark.started_at.clone() }
}

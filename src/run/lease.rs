//! Between two steps: whether the lock still is ours, whether a higher level wants it, and what the
//! operator says where it cannot be renewed.

use std::time::{Duration, Instant};

use super::Run;
use crate::inbox::Answer;
use crate::lock::NotOurs;

/// How long the news of the lock may take before a step.
const GLANCE: Duration = Duration::from_millis(500);

/// How long a renewal that failed is given to succeed before anybody is asked.
const MOMENT: Duration = Duration::from_secs(2);

/// How long the first renewal after this process stood still is waited for: only it says whether
/// the lock is lost.
const AWAKE: Duration = Duration::from_secs(10);

impl Run {
    /// Why the run stops here and leaves the environment to others; none when it goes on.
    pub(super) fn leave_to_others(&mut self) -> Option<String> {
        self.hands.recorder.guard().refresh(GLANCE);
        if let Some(by) = self.hands.recorder.guard().asked_to_stop() {
            return Some(format!("preempted by {by}"));
        }
        let why = match self.ours_in_a_moment() {
            Ok(()) => return None,
            Err(why @ (NotOurs::Lost(_) | NotOurs::Untaken)) => return Some(why.to_string()),
            Err(why @ (NotOurs::Stale(_) | NotOurs::StoodStill)) => why.to_string(),
        };
        if self.policy.without_lock {
            self.hands.notice(format!("{why}; going on without it (--without-lock)"));
            self.hands.recorder.guard().waive();
            return None;
        }
        if self.policy.interactive {
            let question = format!(
                "{why}. Somebody else may take it and roll back the same environment at the same \
                 time. Go on without the lock?"
            );
            if self.ask_confirm(&question) == Answer::Yes {
                self.hands.recorder.guard().waive();
                // It may have been taken by somebody while the question stood there.
                return self.hands.recorder.guard().check().err().map(|why| why.to_string());
            }
        }
        Some(why)
    }

    /// Whether the lock is ours; after standing still, the next renewal says so.
    pub(super) fn ours_in_a_moment(&mut self) -> Result<(), NotOurs> {
        let asked = Instant::now();
        loop {
            let standing = self.hands.recorder.guard().check();
            let until = match &standing {
                Err(NotOurs::Stale(_)) => asked + MOMENT,
                Err(NotOurs::StoodStill) => asked + AWAKE,
                Ok(()) | Err(NotOurs::Lost(_) | NotOurs::Untaken) => return standing,
            };
            if Instant::now() >= until {
                return standing;
            }
            if self.idle(until.min(Instant::now() + Duration::from_millis(50))) {
                return standing;
            }
        }
    }
}

//! Between two steps: whether the lock still is ours, whether a higher level wants it, and what the
//! operator says where it cannot be renewed.

use std::time::{Duration, Instant};

use super::Run;
use crate::inbox::Answer;
use crate::lock::NotOurs;

/// How long the news of the lock may take before a step.
const GLANCE: Duration = Duration::from_millis(500);

/// How long a renewal that is under way is waited for before anybody is asked.
const MOMENT: Duration = Duration::from_secs(2);

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
            Err(why @ NotOurs::Stale(_)) => why.to_string(),
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
    fn ours_in_a_moment(&mut self) -> Result<(), NotOurs> {
        let until = Instant::now() + MOMENT;
        loop {
            let standing = self.hands.recorder.guard().check();
            if !matches!(standing, Err(NotOurs::Stale(_))) || Instant::now() >= until {
                return standing;
            }
            if self.idle(until.min(Instant::now() + Duration::from_millis(50))) {
                return standing;
            }
        }
    }
}

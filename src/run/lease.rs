//! Between two steps: whether the lock still is ours, whether a higher level wants it, and what the
//! operator says where it cannot be renewed.

use std::io;
use std::time::{Duration, Instant};

use super::Run;
use crate::inbox::Answer;
use crate::lock::{self, NotOurs};

/// How long the news of the lock may take before a step.
const GLANCE: Duration = Duration::from_millis(500);

/// How long a renewal that failed is given to succeed before anybody is asked.
const MOMENT: Duration = Duration::from_secs(2);

/// How long the first renewal after this process stood still is waited for: only it says whether
/// the lock is lost.
const AWAKE: Duration = Duration::from_secs(10);

impl Run {
    /// Why the run stops here and leaves the environment to others; none when it goes on.
    pub(super) fn leave_to_others(&mut self) -> io::Result<Option<String>> {
        self.hands.recorder.guard().refresh(GLANCE);
        if let Some(by) = self.hands.recorder.guard().asked_to_stop() {
            return Ok(Some(format!("preempted by {by}")));
        }
        let why = match self.ours_in_a_moment() {
            Ok(()) => return Ok(None),
            Err(why @ (NotOurs::Lost(_) | NotOurs::Untaken)) => return Ok(Some(why.to_string())),
            Err(why @ (NotOurs::Stale(_) | NotOurs::StoodStill)) => why.to_string(),
        };
        let by = if self.policy.without_lock {
            lock::BY_FLAG
        } else if self.policy.interactive && self.goes_on_without(&why) {
            lock::BY_PROMPT
        } else {
            return Ok(Some(why));
        };
        self.hands.recorder.guard().waive();
        // It may have been taken by somebody while the question stood there.
        if let Err(lost) = self.hands.recorder.guard().check() {
            return Ok(Some(lost.to_string()));
        }
        let operator = self.hands.recorder.guard().operator().to_owned();
        self.commit(lock::waived(why, by, &operator))?;
        Ok(None)
    }

    /// What the end of a run must say of its lock: that it was not ours any more, and who has it.
    pub(super) fn lock_gone(&self) -> Option<String> {
        let guard = self.hands.recorder.guard();
        guard.refresh(GLANCE);
        match guard.check() {
            Ok(()) | Err(NotOurs::Untaken) => None,
            Err(why) => Some(format!(
                "before the end, {why}. Somebody else may have changed what this run did: look \
                 again (rollback status)"
            )),
        }
    }

    fn goes_on_without(&mut self, why: &str) -> bool {
        self.hands.notice(format!(
            "{why}. Somebody else may take it and roll back the same environment at the same time."
        ));
        self.ask_confirm("Go on without the lock?") == Answer::Yes
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

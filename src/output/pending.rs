//! Work in the background that the end of a process waits for, for a moment.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// How much is under way; clones count together.
#[derive(Debug, Clone, Default)]
pub struct Pending(Arc<(Mutex<usize>, Condvar)>);

impl Pending {
    /// Something begins.
    pub fn begin(&self) {
        if let Ok(mut open) = self.0.0.lock() {
            *open += 1;
        }
    }

    /// Something is done.
    pub fn end(&self) {
        if let Ok(mut open) = self.0.0.lock() {
            *open = open.saturating_sub(1);
        }
        self.0.1.notify_all();
    }

    /// Waits until nothing is under way, or the limit; says whether nothing is.
    pub fn wait(&self, limit: Duration) -> bool {
        let until = Instant::now() + limit;
        let Ok(mut open) = self.0.0.lock() else { return false };
        while *open > 0 {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return false;
            }
            let Ok((again, _)) = self.0.1.wait_timeout(open, left) else { return false };
            open = again;
        }
        true
    }
}

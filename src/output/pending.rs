//! Work in the background that the end of a process waits for, for a moment.

use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

/// What is under way, by name; clones count together.
#[derive(Debug, Clone)]
pub struct Pending<T>(Arc<(Mutex<Vec<T>>, Condvar)>);

impl<T> Default for Pending<T> {
    fn default() -> Pending<T> {
        Pending(Arc::new((Mutex::new(Vec::new()), Condvar::new())))
    }
}

impl<T: Clone + PartialEq> Pending<T> {
    /// Something begins.
    pub fn begin(&self, what: T) {
        if let Ok(mut open) = self.0.0.lock() {
            open.push(what);
        }
    }

    /// It is done.
    pub fn end(&self, what: &T) {
        if let Ok(mut open) = self.0.0.lock()
            && let Some(at) = open.iter().position(|it| it == what)
        {
            open.remove(at);
        }
        self.0.1.notify_all();
    }

    /// Waits until nothing is under way, or the limit; gives what still is.
    pub fn wait(&self, limit: Duration) -> Vec<T> {
        let until = Instant::now() + limit;
        let Ok(mut open) = self.0.0.lock() else { return Vec::new() };
        while !open.is_empty() {
            let left = until.saturating_duration_since(Instant::now());
            if left.is_zero() {
                break;
            }
            let Ok((again, _)) = self.0.1.wait_timeout(open, left) else { return Vec::new() };
            open = again;
        }
        open.clone()
    }
}

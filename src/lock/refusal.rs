//! Why a lock is not had, and what to do about it, in the words of the operator.

use std::time::Duration;

use super::{Holder, Order, Seen};
use crate::error::{Error, Exit};
use crate::inbox::Inbox;
use crate::runbook::duration;

/// Whether `me` is of a higher level; a holder that names no level is not preempted.
pub(super) fn outranks(me: &Holder, holder: &Holder) -> bool {
    me.level().zip(holder.level()).is_some_and(|(mine, other)| mine > other)
}

/// Somebody else is at work.
pub(super) fn held(order: &Order<'_>, holder: &Holder, waited: Duration) -> Error {
    let mut error = Error::new(
        Exit::LockHeld,
        format!("{} is being rolled back by {}", order.environment, holder.sentence()),
    );
    if order.terms.wait.is_some() || order.terms.preempt {
        let waited = duration::format(Duration::from_secs(waited.as_secs()));
        error = error.hint(format!("it was waited for, {waited} long, and is still at work"));
    } else {
        error = error.hint("wait until it is done: --lock-timeout 5m");
    }
    if outranks(&order.me, holder) && !order.terms.preempt {
        error = error.hint("ask it to stop after its step: --preempt");
    }
    error
        .hint("see what it does: rollback status")
        .hint(format!("if it is dead: rollback unlock {}", holder.run_id))
        .hint("nothing was changed")
}

/// Its holder seems dead.
pub(super) fn suspect(order: &Order<'_>, seen: &Seen) -> Error {
    let silent = duration::format(seen.duration);
    Error::new(
        Exit::LockHeld,
        format!(
            "{} is locked by {}, who is suspect: no sign of life for {silent}",
            order.environment,
            seen.holder.sentence()
        ),
    )
    .hint("look whether it lives; its machine may sleep, or may have lost the cluster")
    .hint(format!("if it is dead: rollback unlock {}, then start again", seen.holder.run_id))
    .hint("nothing was changed")
}

/// Asked to preempt what is not below us.
pub(super) fn outranked(order: &Order<'_>, holder: &Holder) -> Error {
    let level = if holder.level.is_empty() { "an unnamed" } else { &holder.level };
    Error::new(
        Exit::LockHeld,
        format!(
            "--preempt: a {} rollback cannot preempt one of {level} level: {}",
            order.me.level,
            holder.sentence()
        ),
    )
    .hint("only a higher level preempts a lower one: component < service < system")
    .hint("wait until it is done: --lock-timeout 5m")
    .hint("nothing was changed")
}

/// The Lease can be neither taken nor refused.
pub(super) fn trouble(order: &Order<'_>, why: &str) -> Error {
    Error::blocked(format!("the lock of {} cannot be taken: {why}", order.environment))
        .hint("if nobody else is rolling it back, go on without: --without-lock")
        .hint("nothing was changed")
}

/// Ctrl-C while the lock was waited for.
pub(super) fn interrupted(inbox: &Inbox) -> Error {
    let exit = if inbox.terminated() { Exit::Terminated } else { Exit::Interrupted };
    Error::new(exit, format!("{}: nothing was changed", inbox.reason()))
}

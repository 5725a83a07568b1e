//! One run per environment: a file lock on this machine, and where the plan needs the cluster a
//! Lease in it, so that no other machine rolls back the same namespace. `docs/locks.md` tells it to
//! operators. Callers see [`take`], [`Held`] and [`Guard`].

mod holder;
mod keeper;
mod lease;
mod local;
mod queue;
mod refusal;

use std::path::Path;
use std::sync::mpsc::channel;
use std::time::{Duration, Instant};

pub use holder::{Holder, age};
pub use keeper::{Guard, NotOurs};
pub use lease::{Attempt, Lease, Life, Observer, Seen, name};
pub use local::holder as local_holder;

use serde::Serialize;

use crate::error::Result;
use crate::event::Record;
use crate::inbox::{Inbox, Message};
use crate::world::clock;
use crate::world::cluster::Cluster;
use keeper::Keeper;
use local::Local;
use queue::Queue;

/// How long a lock lasts without being renewed, where nobody says otherwise.
pub const DURATION: Duration = Duration::from_secs(15);

/// A flag decided to go on without the lock.
pub const BY_FLAG: &str = "--without-lock";

/// The operator did, at a question.
pub const BY_PROMPT: &str = "prompt";

/// That a run goes on without its lock, and who decided it.
pub fn waived(why: String, by: &str, operator: &str) -> Record {
    Record::LockWaived { why, by: by.to_owned(), operator: operator.to_owned() }
}

/// That the run went on without the environment's lock.
#[derive(Debug, Clone, Serialize)]
pub struct Waived {
    /// Why it was not to be had.
    pub why: String,
    /// `prompt` or `--without-lock`.
    pub by: String,
    /// Who decided.
    pub operator: String,
    /// When, RFC 3339.
    pub ts: String,
}

impl Waived {
    /// As a record of this moment says it.
    pub fn at(ts: &str, why: &str, by: &str, operator: &str) -> Waived {
        let [why, by, operator, ts] = [why, by, operator, ts].map(str::to_owned);
        Waived { why, by, operator, ts }
    }
}

/// On which terms a lock is taken.
#[derive(Debug, Clone)]
pub struct Terms {
    /// `--lock-timeout`: how long to wait for it.
    pub wait: Option<Duration>,
    /// `--preempt`: ask a lower level to stop after its step.
    pub preempt: bool,
    /// `--without-lock`: go on where the Lease cannot be had.
    pub without: bool,
    /// Whether somebody sits at the terminal.
    pub interactive: bool,
    /// How long the Lease lasts without being renewed.
    pub duration: Duration,
}

/// What is locked, by whom.
pub struct Order<'a> {
    /// The state directory.
    pub state: &'a Path,
    /// Context and namespace, for people and for the local lock.
    pub environment: String,
    /// Who we are and what we are about to do.
    pub me: Holder,
    /// The cluster, where the plan needs it.
    pub cluster: Option<Cluster>,
    /// On which terms.
    pub terms: Terms,
    /// Says a word to whoever watches.
    pub say: &'a dyn Fn(&str),
}

/// How long the end of a run may take to free a Lease that it did not have.
const LAST_TRY: Duration = Duration::from_secs(1);

/// The lock of an environment, ours until it is dropped; its Lease is freed within a second then.
#[derive(Debug)]
pub struct Held {
    guard: Guard,
    keeper: Option<Keeper>,
    waited: bool,
    remark: Option<Record>,
    /// The Lease that could not be had, and our run: an earlier process of it may have left it behind.
    missed: Option<(Lease, String)>,
    _local: Local,
}

impl Held {
    /// What the journal must say of how it was had: not at all, and who decided to go on; or from
    /// whom it was taken over.
    pub fn remark(&self) -> Option<Record> {
        self.remark.clone()
    }

    /// What is asked before every effect.
    pub fn guard(&self) -> Guard {
        self.guard.clone()
    }

    /// Whether somebody else had it first, so that the world is not what it was.
    pub fn waited(&self) -> bool {
        self.waited
    }

    /// Frees it; why it stays where it could not be freed.
    pub fn release(mut self) -> Option<String> {
        self.keeper.take()?.release()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            let _ = keeper.release();
        }
        if let Some((lease, run_id)) = self.missed.take() {
            let (done, wait) = channel();
            std::thread::spawn(move || {
                if let Ok(Some(seen)) = lease.read()
                    && seen.holder.run_id == run_id
                {
                    let _ = lease.free(&seen);
                }
                let _ = done.send(());
            });
            let _ = wait.recv_timeout(LAST_TRY);
        }
    }
}

/// Takes the lock, or says who has it and what to do. Ctrl-C ends the wait.
pub fn take(inbox: &mut Inbox, order: &Order<'_>) -> Result<Held> {
    let mut queue = Queue::new(order);
    let local = loop {
        match local::acquire(order.state, &order.environment, &order.me)? {
            Ok(local) => break local,
            Err(holder) => {
                queue.may_preempt(&holder)?;
                queue.decide(inbox, &holder)?;
                if queue.preempts() {
                    // The run that has it looks there between two steps.
                    let by = queue.wish();
                    let _ = local::wish(order.state, &order.environment, &by);
                }
                queue.wait(inbox, &holder)?;
            }
        }
    };
    let without =
        |queue: &Queue<'_>, local: Local, remark: Option<Record>, lease: Option<Lease>| {
            let guard = Guard::of_local(Some(local.note()), order.me.clone());
            let missed = lease.map(|lease| (lease, order.me.run_id.clone()));
            Held { guard, keeper: None, waited: queue.waited, remark, missed, _local: local }
        };
    let Some(cluster) = &order.cluster else { return Ok(without(&queue, local, None, None)) };
    let lease = Lease::new(cluster, order.terms.duration);
    let mut over: Option<Box<Seen>> = None;
    let mut observer = Observer::default();
    loop {
        let asked = clock::steady();
        let agreed = over.take();
        match attempt(inbox, &lease, agreed.clone(), &queue)? {
            Attempt::Ours(seen) => {
                // Where it was freed meanwhile, nobody was robbed.
                let robbed = agreed.filter(|over| seen.replaces(over));
                let remark = robbed.map(|over| over.taken_over_by(&order.me));
                let (me, note) = (order.me.clone(), Some(local.note()));
                let (keeper, guard) = Keeper::start(lease, *seen, me, asked, note, inbox.sender());
                let waited = queue.waited;
                let keeper = Some(keeper);
                return Ok(Held { guard, keeper, waited, remark, missed: None, _local: local });
            }
            Attempt::Held(seen) => {
                queue.may_preempt(&seen.holder)?;
                if observer.see(&seen) == Life::Suspect {
                    over = queue.take_over(inbox, seen)?;
                    // Who goes on waiting watches the holder from the beginning.
                    observer = Observer::default();
                } else if !queue.decide(inbox, &seen.holder)? {
                    queue.wait(inbox, &seen.holder)?;
                }
            }
            Attempt::Trouble(why) => {
                let why = why.sentence().to_owned();
                let by = queue.go_without(inbox, &why)?;
                let why = format!("the lock of {} cannot be taken: {why}", order.environment);
                let waived = waived(why, by, &order.me.operator);
                return Ok(without(&queue, local, Some(waived), Some(lease)));
            }
        }
    }
}

/// Tries to take the Lease on a helper thread, so that signals still reach us.
fn attempt(
    inbox: &mut Inbox,
    lease: &Lease,
    over: Option<Box<Seen>>,
    queue: &Queue<'_>,
) -> Result<Attempt> {
    let (lease, me, preempt) = (lease.clone(), queue.order.me.clone(), queue.preempts());
    let wish = queue.wish();
    inbox.helper(move || {
        let mut attempt = lease.take(&me, over.as_deref());
        if let Attempt::Held(seen) = &mut attempt
            && preempt
            && refusal::outranks(&me, &seen.holder)
            && seen.holder.asked_to_stop.is_none()
            && let Ok(asked) = lease.ask_to_stop(seen, &wish)
        {
            **seen = asked;
        }
        Message::Lease(Box::new(attempt))
    });
    loop {
        match inbox.recv_until(Instant::now() + Duration::from_secs(60)) {
            Some(Message::Lease(attempt)) => return Ok(*attempt),
            Some(Message::Signal(_)) => return Err(refusal::interrupted(inbox).into()),
            _ => {}
        }
    }
}

//! One run per environment: a file lock on this machine, and where the plan needs the cluster a
//! Lease in it, so that no other machine rolls back the same namespace. `docs/locks.md` tells it to
//! operators. Callers see [`take`], [`Held`] and [`Guard`].

mod holder;
mod keeper;
mod lease;
mod local;
mod refusal;

use std::path::Path;
use std::time::{Duration, Instant};

pub use holder::{Holder, age};
pub use keeper::{Guard, NotOurs};
pub use lease::{Attempt, Lease, Life, Observer, Seen, name};
pub use local::holder as local_holder;

use crate::error::Result;
use crate::inbox::{Answer, Inbox, Message};
use crate::run::ask;
use crate::world::clock;
use crate::world::cluster::Cluster;
use keeper::Keeper;
use local::Local;

/// How long a lock lasts without being renewed, where nobody says otherwise.
pub const DURATION: Duration = Duration::from_secs(15);

/// How long a preempting run waits for the other's step, where nobody says otherwise.
const PREEMPT_WAIT: Duration = Duration::from_secs(600);

/// How often a lock that is waited for is looked at.
const LOOK: Duration = Duration::from_millis(250);

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

/// The lock of an environment, ours until it is dropped; its Lease is freed within a second then.
#[derive(Debug)]
pub struct Held {
    guard: Guard,
    keeper: Option<Keeper>,
    waited: bool,
    _local: Local,
}

impl Held {
    /// What is asked before every effect.
    pub fn guard(&self) -> Guard {
        self.guard.clone()
    }

    /// Whether somebody else had it first, so that the world is not what it was.
    pub fn waited(&self) -> bool {
        self.waited
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(keeper) = &self.keeper {
            keeper.release();
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
                if queue.may_preempt(&holder)? {
                    // The run that has it looks there between two steps.
                    let by = queue.wish();
                    let _ = local::wish(order.state, &order.environment, &by);
                }
                queue.wait(inbox, &holder)?;
            }
        }
    };
    let without = |queue: &Queue<'_>, local: Local| {
        let guard = Guard::of_local(Some(local.note()), order.me.clone());
        Held { guard, keeper: None, waited: queue.waited, _local: local }
    };
    let Some(cluster) = &order.cluster else { return Ok(without(&queue, local)) };
    let lease = Lease::new(cluster, order.terms.duration);
    let mut over: Option<Box<Seen>> = None;
    let mut observer = Observer::default();
    loop {
        let asked = clock::steady();
        match attempt(inbox, &lease, order, over.take(), queue.wish())? {
            Attempt::Ours(seen) => {
                let (me, note) = (order.me.clone(), Some(local.note()));
                let (keeper, guard) = Keeper::start(lease, *seen, me, asked, note, inbox.sender());
                let waited = queue.waited;
                return Ok(Held { guard, keeper: Some(keeper), waited, _local: local });
            }
            Attempt::Held(seen) => {
                queue.may_preempt(&seen.holder)?;
                if observer.see(&seen) == Life::Suspect {
                    over = Some(queue.take_over(inbox, seen)?);
                } else {
                    queue.wait(inbox, &seen.holder)?;
                }
            }
            Attempt::Trouble(why) => {
                let why = why.sentence().to_owned();
                queue.go_without(inbox, &why)?;
                (order.say)(&format!(
                    "going on without the lock of {}: {why}; nobody else is kept out",
                    order.environment
                ));
                return Ok(without(&queue, local));
            }
        }
    }
}

/// Tries to take the Lease on a helper thread, so that signals still reach us.
fn attempt(
    inbox: &mut Inbox,
    lease: &Lease,
    order: &Order<'_>,
    over: Option<Box<Seen>>,
    wish: String,
) -> Result<Attempt> {
    let (lease, me, preempt) = (lease.clone(), order.me.clone(), order.terms.preempt);
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

/// Waiting for somebody else to be done.
struct Queue<'a> {
    order: &'a Order<'a>,
    begun: Instant,
    /// What was said last, so that only news are said.
    said: String,
    waited: bool,
}

impl<'a> Queue<'a> {
    fn new(order: &'a Order<'a>) -> Queue<'a> {
        Queue { order, begun: Instant::now(), said: String::new(), waited: false }
    }

    fn limit(&self) -> Duration {
        let terms = &self.order.terms;
        let unsaid = if terms.preempt { PREEMPT_WAIT } else { Duration::ZERO };
        terms.wait.unwrap_or(unsaid)
    }

    /// Who asks the holder to stop.
    fn wish(&self) -> String {
        let me = &self.order.me;
        format!("{} for {}", me.who(), me.target)
    }

    /// Whether the holder is to be asked to stop; an equal or higher one cannot be.
    fn may_preempt(&self, holder: &Holder) -> Result<bool> {
        if self.order.terms.preempt && !refusal::outranks(&self.order.me, holder) {
            return Err(refusal::outranked(self.order, holder).into());
        }
        Ok(self.order.terms.preempt)
    }

    /// Waits a little, or gives up.
    fn wait(&mut self, inbox: &mut Inbox, holder: &Holder) -> Result<()> {
        let limit = self.limit();
        if self.begun.elapsed() >= limit {
            return Err(refusal::held(self.order, holder, self.begun.elapsed()).into());
        }
        self.waited = true;
        let verb =
            if self.order.terms.preempt { "asked to stop after its step" } else { "at work" };
        let words =
            format!("waiting for the lock of {}: {verb}: {}", self.order.environment, holder.who());
        let words = format!("{words}: {}", holder.what());
        if words != self.said {
            (self.order.say)(&words);
            self.said = words;
        }
        let until = Instant::now() + LOOK.min(limit);
        while Instant::now() < until {
            if let Some(Message::Signal(_)) = inbox.recv_until(until) {
                return Err(refusal::interrupted(inbox).into());
            }
        }
        Ok(())
    }

    /// The holder seems dead: only the operator may take over from it.
    fn take_over(&self, inbox: &mut Inbox, seen: Box<Seen>) -> Result<Box<Seen>> {
        let suspect = refusal::suspect(self.order, &seen);
        if !self.order.terms.interactive {
            return Err(suspect.into());
        }
        let question = format!("{}. Take the lock over?", suspect.message);
        match ask::confirm(inbox, &question) {
            Answer::Yes => Ok(seen),
            Answer::Interrupted => Err(refusal::interrupted(inbox).into()),
            _ => Err(suspect.into()),
        }
    }

    /// The Lease cannot be had: the operator decides, or a bot's flag.
    fn go_without(&self, inbox: &mut Inbox, why: &str) -> Result<()> {
        if self.order.terms.without {
            return Ok(());
        }
        let refusal = refusal::trouble(self.order, why);
        if !self.order.terms.interactive {
            return Err(refusal.into());
        }
        let question = format!(
            "{}. Without it nothing keeps somebody else from rolling back the same environment at \
             the same time. Go on without the lock?",
            refusal.message
        );
        match ask::confirm(inbox, &question) {
            Answer::Yes => Ok(()),
            Answer::Interrupted => Err(refusal::interrupted(inbox).into()),
            _ => Err(refusal.into()),
        }
    }
}

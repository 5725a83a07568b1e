//! Keeps a Lease ours: renews it on its own thread, says in it which step runs, hears the wish of a
//! higher level, frees it at the end. And the guard that is asked before every effect whether the
//! lock still is ours.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::holder::Holder;
use super::lease::{Lease, Seen};
use super::local::Note;
use crate::facts::Unread;
use crate::inbox::Message;
use crate::world::clock;
use crate::world::cluster::NotWritten;

/// How long the end of a run waits for its Lease to be freed.
const RELEASE: Duration = Duration::from_secs(1);

/// Why no further step may start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotOurs {
    /// No lock was ever taken.
    Untaken,
    /// Somebody else has it, or somebody freed it: for good.
    Lost(String),
    /// It could not be renewed for as long as it lasts, so that somebody else may take it.
    Stale(String),
    /// This process stood still for as long as it lasts: the next renewal says whose it is.
    StoodStill,
}

impl std::fmt::Display for NotOurs {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            NotOurs::Untaken => f.write_str("no lock was taken for it: this is a bug in rollback"),
            NotOurs::Lost(why) => write!(f, "the lock was lost: {why}"),
            NotOurs::Stale(why) => write!(f, "the lock cannot be renewed: {why}"),
            NotOurs::StoodStill => f.write_str(
                "the lock was not renewed: this process stood still for longer than it lasts",
            ),
        }
    }
}

impl std::error::Error for NotOurs {}

/// What the run and the keeper know of the lock.
#[derive(Debug, Default)]
struct State {
    /// Until when it is ours without another renewal, by [`clock::steady`]; none where it needs none.
    until: Option<Duration>,
    lost: Option<String>,
    trouble: Option<String>,
    asked_to_stop: Option<String>,
    /// The operator chose to go on although it cannot be renewed.
    waived: bool,
}

/// Asked before every effect; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    state: Option<Arc<Mutex<State>>>,
    note: Option<Note>,
    me: Holder,
    orders: Option<Sender<Order>>,
}

enum Order {
    Step(Box<Holder>),
    Renew(Sender<()>),
    Release(Sender<Option<String>>),
}

impl Guard {
    /// The guard of a lock that cannot be lost, such as the local file's.
    pub(super) fn of_local(note: Option<Note>, me: Holder) -> Guard {
        Guard { state: Some(Arc::default()), note, me, orders: None }
    }

    /// A guard that lets everything pass.
    #[cfg(test)]
    pub(crate) fn for_a_test() -> Guard {
        Guard::of_local(None, Holder::default())
    }

    /// Whether the lock still is ours, so that an effect may begin.
    pub fn check(&self) -> Result<(), NotOurs> {
        let Some(state) = &self.state else { return Err(NotOurs::Untaken) };
        let state = lock(state);
        if let Some(why) = &state.lost {
            return Err(NotOurs::Lost(why.clone()));
        }
        match state.until {
            Some(until) if clock::steady() >= until && !state.waived => {
                Err(state.trouble.clone().map_or(NotOurs::StoodStill, NotOurs::Stale))
            }
            _ => Ok(()),
        }
    }

    /// Who of a higher level asked this run to stop after its step.
    pub fn asked_to_stop(&self) -> Option<String> {
        let asked = self.state.as_ref().and_then(|state| lock(state).asked_to_stop.clone());
        asked.or_else(|| self.note.as_ref()?.wished())
    }

    /// Who holds the lock, by name.
    pub fn operator(&self) -> &str {
        &self.me.operator
    }

    /// Goes on although the lock cannot be renewed. Somebody else's taking it still stops the run.
    pub fn waive(&self) {
        if let Some(state) = &self.state {
            lock(state).waived = true;
        }
    }

    /// Renews now, so that a loss or a wish of this moment is known; waits no longer than `limit`.
    pub fn refresh(&self, limit: Duration) {
        let Some(orders) = &self.orders else { return };
        let (done, renewed) = channel();
        if orders.send(Order::Renew(done)).is_ok() {
            let _ = renewed.recv_timeout(limit);
        }
    }

    /// Says in the lock which step runs.
    pub fn at_step(&self, index: usize, of: usize, name: &str) {
        let mut me = self.me.clone();
        (me.step, me.of, me.step_name, me.since) = (index, of, name.to_owned(), clock::now());
        if let Some(note) = &self.note {
            note.write(&me);
        }
        if let Some(orders) = &self.orders {
            let _ = orders.send(Order::Step(Box::new(me)));
        }
    }
}

/// The thread that keeps a Lease.
#[derive(Debug)]
pub struct Keeper {
    orders: Sender<Order>,
}

impl Keeper {
    /// Starts to keep a Lease that was just taken; `asked` is when its taking was asked for.
    pub fn start(
        lease: Lease,
        seen: Seen,
        me: Holder,
        asked: Duration,
        note: Option<Note>,
        inbox: Sender<Message>,
    ) -> (Keeper, Guard) {
        let until = Some(asked + lease.duration());
        let state = Arc::new(Mutex::new(State { until, ..State::default() }));
        let (orders, incoming) = channel();
        let guard = Guard {
            state: Some(state.clone()),
            note,
            me: me.clone(),
            orders: Some(orders.clone()),
        };
        let mut work = Work { lease, seen, me, state, inbox };
        std::thread::spawn(move || work.keep(&incoming));
        (Keeper { orders }, guard)
    }

    /// Frees the Lease; waits a second at most. Why it stays where it could not be freed.
    pub fn release(&self) -> Option<String> {
        let (done, freed) = channel();
        self.orders.send(Order::Release(done)).ok()?;
        freed
            .recv_timeout(RELEASE)
            .unwrap_or_else(|_| Some("the API server did not answer".to_owned()))
    }
}

/// What the keeper's thread owns.
struct Work {
    lease: Lease,
    seen: Seen,
    me: Holder,
    state: Arc<Mutex<State>>,
    inbox: Sender<Message>,
}

impl Work {
    fn keep(&mut self, orders: &Receiver<Order>) {
        let interval = self.lease.duration() / 3;
        let mut next = Instant::now() + interval;
        loop {
            let mut asker = None;
            match orders.recv_timeout(next.saturating_duration_since(Instant::now())) {
                Ok(Order::Release(done)) => {
                    let _ = done.send(self.free());
                    return;
                }
                Ok(Order::Step(me)) => self.me = *me,
                Ok(Order::Renew(done)) => asker = Some(done),
                Err(RecvTimeoutError::Timeout) => {}
                // Nobody is left who could ask for it to be freed.
                Err(RecvTimeoutError::Disconnected) => return,
            }
            let ours = self.renew();
            if let Some(asker) = asker {
                let _ = asker.send(());
            }
            if !ours {
                // Lost for good: only the end is awaited.
                while let Ok(order) = orders.recv() {
                    match order {
                        Order::Step(_) => {}
                        Order::Renew(done) => {
                            let _ = done.send(());
                        }
                        Order::Release(done) => {
                            let _ = done.send(None);
                            return;
                        }
                    }
                }
                return;
            }
            let failing = lock(&self.state).trouble.is_some();
            let pause = if failing { interval.min(Duration::from_secs(1)) } else { interval };
            next = Instant::now() + pause;
        }
    }

    /// Renews; false when the lock is lost for good.
    fn renew(&mut self) -> bool {
        for _ in 0..4 {
            let asked = clock::steady();
            // A wish that somebody wrote into the Lease stays there for others to see.
            self.me.asked_to_stop.clone_from(&self.seen.holder.asked_to_stop);
            match self.lease.renew(&self.me, &self.seen) {
                Ok(seen) => {
                    self.seen = seen;
                    return self.renewed(asked);
                }
                Err(NotWritten::Unread(why)) => return self.troubled(why.sentence()),
                Err(NotWritten::Conflict | NotWritten::Gone) => match self.lease.read() {
                    Err(why) => return self.troubled(why.sentence()),
                    Ok(None) => {
                        return self.lost("somebody freed it (rollback unlock)");
                    }
                    // Our own renewal whose answer was lost, or a wish: it still is ours.
                    Ok(Some(found)) if found.holder.is(&self.me) => {
                        self.seen = found;
                    }
                    Ok(Some(found)) => {
                        return self.lost(&format!("{} has it", found.holder.sentence()));
                    }
                },
            }
        }
        self.troubled("the Lease does not come to rest")
    }

    fn renewed(&mut self, asked: Duration) -> bool {
        let mut state = lock(&self.state);
        state.until = Some(asked + self.lease.duration());
        let was_in_trouble = state.trouble.take().is_some();
        let wish = self.seen.holder.asked_to_stop.clone();
        let new_wish = wish.clone().filter(|_| state.asked_to_stop.is_none());
        if wish.is_some() {
            state.asked_to_stop = wish;
        }
        drop(state);
        if was_in_trouble {
            self.say("the lock is renewed again".to_owned());
        }
        if let Some(by) = new_wish {
            self.say(format!("{by} asks this run to stop: it stops after this step"));
        }
        true
    }

    fn troubled(&self, why: &str) -> bool {
        let mut state = lock(&self.state);
        let is_new = state.trouble.is_none();
        state.trouble = Some(why.to_owned());
        drop(state);
        if is_new {
            let lasts = crate::runbook::duration::format(self.lease.duration());
            self.say(format!(
                "the lock cannot be renewed: {why}; without a renewal within {lasts} no further step starts"
            ));
        }
        true
    }

    fn lost(&self, why: &str) -> bool {
        lock(&self.state).lost = Some(why.to_owned());
        self.say(format!("the lock was lost: {why}; no further step starts"));
        false
    }

    fn say(&self, text: String) {
        let _ = self.inbox.send(Message::Notice(text));
    }

    /// Frees what is ours, also when somebody wrote a wish into it meanwhile. Where it may not be
    /// deleted, it is emptied. Why it stays where neither is possible.
    fn free(&mut self) -> Option<String> {
        let mut free: fn(&Lease, &Seen) -> Result<(), NotWritten> = Lease::free;
        let mut empties = false;
        for _ in 0..6 {
            match free(&self.lease, &self.seen) {
                Ok(()) | Err(NotWritten::Gone) => return None,
                Err(NotWritten::Unread(Unread::Forbidden(_))) if !empties => {
                    empties = true;
                    free = Lease::empty;
                }
                Err(NotWritten::Unread(why)) => return Some(why.sentence().to_owned()),
                Err(NotWritten::Conflict) => match self.lease.read() {
                    Ok(Some(found)) if found.holder.is(&self.me) => self.seen = found,
                    // Somebody else has it, or freed it.
                    Ok(_) => return None,
                    Err(why) => return Some(why.sentence().to_owned()),
                },
            }
        }
        Some("the Lease does not come to rest".to_owned())
    }
}

fn lock(state: &Mutex<State>) -> std::sync::MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

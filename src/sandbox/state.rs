//! Owns the sandbox's state behind its one lock, and how threads wait for it.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use serde_json::Value;
use uuid::Uuid;

use super::access::Access;
use super::admission::Hook;
use super::clock;
use super::controllers::kubelet::Run;
use super::controllers::owner::Owner;
use super::defaults;
use super::discovery::Lost;
use super::kinds::{self, Kind};
use super::store::{Key, Store};
use super::{Options, RequestLine};

/// How often a thread that lets others in looks whether they have come in.
const YIELDS: u32 = 1000;

/// Something to do at a later time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Job {
    /// A pod's containers are started.
    Start(Key, String),
    /// A crashed container is started again.
    Restart(Key, String),
    /// A terminating pod is gone.
    Finish(Key, String),
    /// An owner outside the cluster puts its object back.
    PutBack(usize),
    /// Time has passed that controllers count: readiness, a deadline.
    Look,
}

impl Job {
    /// What a settled sandbox has none of. Crash loops and deadlines go on for ever.
    fn unsettled(&self) -> bool {
        matches!(self, Job::Start(..) | Job::Finish(..))
    }
}

/// Everything behind the lock.
#[derive(Debug)]
pub(super) struct State {
    pub(super) store: Store,
    pub(super) access: Access,
    pub(super) options: Options,
    pub(super) runs: BTreeMap<String, Run>,
    pub(super) requests: Vec<RequestLine>,
    pub(super) unimplemented: Vec<String>,
    pub(super) unavailable: bool,
    pub(super) hang: bool,
    /// So many requests are refused for overload.
    pub(super) shed: usize,
    pub(super) owners: Vec<Owner>,
    pub(super) hooks: Vec<Hook>,
    pub(super) lost: Vec<Lost>,
    pub(super) stop: bool,
    timers: BinaryHeap<Reverse<(Instant, u64, Job)>>,
    serial: u64,
}

impl State {
    pub(super) fn new(options: Options) -> State {
        let mut state = State {
            store: Store::new(),
            access: Access::default(),
            options,
            runs: BTreeMap::new(),
            requests: Vec::new(),
            unimplemented: Vec::new(),
            unavailable: false,
            hang: false,
            shed: 0,
            owners: Vec::new(),
            hooks: Vec::new(),
            lost: Vec::new(),
            stop: false,
            timers: BinaryHeap::new(),
            serial: 0,
        };
        for name in ["default", "kube-system", "kube-public"] {
            let namespace = serde_json::json!({"kind": "Namespace", "apiVersion": "v1", "metadata": {"name": name}});
            if let Some(kind) = kinds::by_plural("namespaces") {
                state.insert(kind, "", namespace);
            }
        }
        state
    }

    /// Stores a new object as the server's own, without asking anybody.
    pub(super) fn insert(&mut self, kind: &'static Kind, namespace: &str, mut object: Value) {
        self.birth(kind, namespace, &mut object);
        defaults::apply(kind.kind, &mut object);
        let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
        self.store.put(Key::new(kind.plural, namespace, &name), object);
    }

    /// Gives a new object what only the server may give it.
    pub(super) fn birth(&mut self, kind: &Kind, namespace: &str, object: &mut Value) {
        let generated = object["metadata"]["generateName"].as_str().map(str::to_owned);
        let metadata = defaults::entry(object, "metadata");
        if let Some(prefix) = generated
            && metadata["name"].as_str().unwrap_or_default().is_empty()
        {
            metadata["name"] = format!("{prefix}{}", self.suffix()).into();
        }
        if kind.namespaced {
            metadata["namespace"] = namespace.into();
        }
        metadata["uid"] = Uuid::now_v7().to_string().into();
        metadata["creationTimestamp"] = clock::now().into();
        if kind.counted() {
            metadata["generation"] = 1.into();
        }
    }

    /// Five letters, different every time.
    pub(super) fn suffix(&mut self) -> String {
        self.serial += 1;
        // A multiplier without common factors with the modulus visits every suffix once before any comes again.
        let mut number = self.serial.wrapping_mul(9_746_347) % 14_348_907;
        let mut text = String::new();
        for _ in 0..5 {
            text.push(char::from(super::workload::SAFE[(number % 27) as usize]));
            number /= 27;
        }
        text
    }

    /// Does a job after this time.
    pub(super) fn after(&mut self, delay: Duration, job: Job) {
        self.serial += 1;
        self.timers.push(Reverse((Instant::now() + delay, self.serial, job)));
    }

    /// Takes a job that is due.
    pub(super) fn due(&mut self) -> Option<Job> {
        let Reverse((at, _, _)) = self.timers.peek()?;
        if *at > Instant::now() {
            return None;
        }
        self.timers.pop().map(|Reverse((_, _, job))| job)
    }

    /// When the next job is due.
    pub(super) fn next_due(&self) -> Option<Instant> {
        self.timers.peek().map(|Reverse((at, _, _))| *at)
    }

    /// The controllers have nothing to do and no pod is on its way.
    pub(super) fn settled(&self) -> bool {
        !self.store.touched && !self.timers.iter().any(|Reverse((_, _, job))| job.unsettled())
    }
}

/// The state and its waiters.
#[derive(Debug)]
pub(super) struct Shared {
    state: Mutex<State>,
    /// How many threads ask for the lock.
    asking: AtomicUsize,
    changed: Condvar,
    news: tokio::sync::watch::Sender<u64>,
}

impl Shared {
    pub(super) fn new(options: Options) -> Shared {
        Shared {
            state: Mutex::new(State::new(options)),
            asking: AtomicUsize::new(0),
            changed: Condvar::new(),
            news: tokio::sync::watch::Sender::new(0),
        }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.asking.fetch_add(1, Ordering::SeqCst);
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        self.asking.fetch_sub(1, Ordering::SeqCst);
        state
    }

    /// Lets those in who ask for the lock: whoever gives it up and takes it again at once would
    /// always be first.
    pub(super) fn let_in<'a>(&'a self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        let asking = self.asking.load(Ordering::SeqCst);
        if asking == 0 {
            return state;
        }
        drop(state);
        for _ in 0..YIELDS {
            if self.asking.load(Ordering::SeqCst) < asking {
                break;
            }
            std::thread::yield_now();
        }
        self.lock()
    }

    /// Changes the state and wakes everybody who waits for a change.
    pub(super) fn change<T>(&self, act: impl FnOnce(&mut State) -> T) -> T {
        let mut state = self.lock();
        let result = act(&mut state);
        drop(state);
        self.wake();
        result
    }

    pub(super) fn wake(&self) {
        self.changed.notify_all();
        self.news.send_modify(|count| *count += 1);
    }

    /// Tells of every change, for the watches.
    pub(super) fn news(&self) -> tokio::sync::watch::Receiver<u64> {
        self.news.subscribe()
    }

    /// Waits for a change, at most until then.
    pub(super) fn wait<'a>(
        &self,
        state: MutexGuard<'a, State>,
        until: Option<Instant>,
    ) -> MutexGuard<'a, State> {
        match until {
            None => self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            Some(until) => {
                let left = until.saturating_duration_since(Instant::now());
                self.changed
                    .wait_timeout(state, left)
                    .map_or_else(|broken| broken.into_inner().0, |(state, _)| state)
            }
        }
    }
}

//! Watches that say when it is worth looking again. What changed is not told: the reader looks.
//! Helper threads hold the streams; they are told to stop and never joined.

use std::io::{BufRead as _, BufReader};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

use serde::Deserialize;

use super::Cluster;
use super::rest::is_silence;
use crate::runbook::{Workload, WorkloadKind};

const BACKOFF_FIRST: Duration = Duration::from_millis(100);
const BACKOFF_LAST: Duration = Duration::from_secs(2);

/// Ends the watch when dropped.
#[derive(Debug)]
#[must_use = "a dropped guard ends the watch"]
pub struct WatchGuard {
    stop: Arc<Stop>,
}

impl Drop for WatchGuard {
    fn drop(&mut self) {
        self.stop.set();
    }
}

/// A stop flag that can be waited on.
#[derive(Debug, Default)]
struct Stop {
    set: AtomicBool,
    mutex: Mutex<()>,
    bell: Condvar,
}

impl Stop {
    fn set(&self) {
        self.set.store(true, Ordering::SeqCst);
        let _held = self.mutex.lock().unwrap_or_else(PoisonError::into_inner);
        self.bell.notify_all();
    }

    fn is_set(&self) -> bool {
        self.set.load(Ordering::SeqCst)
    }

    /// Waits, at most this long, for the flag.
    fn pause(&self, limit: Duration) {
        let held = self.mutex.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = self.bell.wait_timeout_while(held, limit, |()| !self.is_set());
    }
}

/// The shared call; never made after the stop.
type Wake = Arc<Mutex<dyn Fn() + Send>>;

/// Starts the threads: per workload one for the object, one for its ReplicaSets, one for its pods.
pub(super) fn start(
    cluster: &Cluster,
    workloads: &[Workload],
    wake: impl Fn() + Send + 'static,
) -> WatchGuard {
    let stop = Arc::new(Stop::default());
    let wake: Wake = Arc::new(Mutex::new(wake));
    for workload in workloads {
        let (cluster, stop, wake) = (cluster.clone(), Arc::clone(&stop), Arc::clone(&wake));
        let workload = workload.clone();
        std::thread::spawn(move || watch_workload(&cluster, &workload, &stop, &wake));
    }
    WatchGuard { stop }
}

/// Finds the workload's selector, then watches its pods and ReplicaSets beside the object itself.
fn watch_workload(cluster: &Cluster, workload: &Workload, stop: &Arc<Stop>, wake: &Wake) {
    let object_list = cluster.collection(workload.kind.plural());
    let object_filter = format!("fieldSelector=metadata.name%3D{}", workload.name);
    let mut backoff = BACKOFF_FIRST;
    let selector = loop {
        match cluster.workload_object(workload) {
            Ok(object) => break super::selector_of(&object),
            Err(_) if stop.is_set() => return,
            Err(_) => {
                call(wake, stop);
                stop.pause(backoff);
                backoff = (backoff * 2).min(BACKOFF_LAST);
            }
        }
    };
    let filter = format!("labelSelector={}", super::encode(&selector));
    let mut lists = vec![cluster.collection("pods")];
    if workload.kind == WorkloadKind::Deployment {
        lists.push(cluster.collection("replicasets"));
    }
    for list in lists {
        let (cluster, stop, wake) = (cluster.clone(), Arc::clone(stop), Arc::clone(wake));
        let filter = filter.clone();
        std::thread::spawn(move || follow(&cluster, &list, &filter, &stop, &wake));
    }
    follow(cluster, &object_list, &object_filter, stop, wake);
}

/// Watches, and watches again at every end, until it is told to stop.
fn follow(cluster: &Cluster, list: &str, filter: &str, stop: &Stop, wake: &Wake) {
    let mut backoff = BACKOFF_FIRST;
    while !stop.is_set() {
        if stream(cluster, list, filter, stop, wake) {
            backoff = BACKOFF_FIRST;
        } else {
            call(wake, stop);
        }
        stop.pause(backoff);
        backoff = (backoff * 2).min(BACKOFF_LAST);
    }
}

#[derive(Deserialize)]
struct Event {
    r#type: String,
}

/// Wakes once it is open and at every event; true when at least one arrived before the stream ended.
/// Asked for no version, the server begins with what is there, so that nothing falls between the
/// look before and the watch; what is gone by then is why opening it wakes as well.
fn stream(cluster: &Cluster, list: &str, filter: &str, stop: &Stop, wake: &Wake) -> bool {
    let path = format!("{list}?{filter}&watch=true&allowWatchBookmarks=true");
    let Some(response) = cluster.rest().stream(&path) else { return false };
    call(wake, stop);
    let mut reader = BufReader::new(response);
    let (mut line, mut seen) = (Vec::new(), false);
    while !stop.is_set() {
        match reader.read_until(b'\n', &mut line) {
            Ok(0) => return seen,
            Ok(_) if line.last() == Some(&b'\n') => {
                match serde_json::from_slice::<Event>(&line) {
                    Ok(event) if event.r#type == "BOOKMARK" => {}
                    Ok(event) if event.r#type != "ERROR" => {
                        seen = true;
                        call(wake, stop);
                    }
                    _ => return seen,
                }
                line.clear();
            }
            Ok(_) => {}
            Err(error) if is_silence(&error) => {}
            Err(_) => return seen,
        }
    }
    seen
}

fn call(wake: &Wake, stop: &Stop) {
    let wake = wake.lock().unwrap_or_else(PoisonError::into_inner);
    if !stop.is_set() {
        wake();
    }
}

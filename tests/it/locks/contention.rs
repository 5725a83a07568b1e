//! Many who want the lock at once, and every interleaving of two writes of it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use rollback::lock::{Attempt, Holder, Lease, Seen};
use rollback::step::Setting;
use rollback::world::clock;
use rollback::world::cluster::{Cluster, NotWritten};

use crate::scenario::{CONTEXT, NAMESPACE, Scenario};

/// A handle to a scenario's cluster.
pub fn cluster_of(kubeconfig: &Path) -> Cluster {
    let setting = Setting {
        kubeconfig: Some(kubeconfig.display().to_string()),
        context: Some(CONTEXT.to_owned()),
        namespace: NAMESPACE.to_owned(),
        repository: None,
    };
    Cluster::open(&setting, Duration::from_secs(20))
}

/// Somebody who wants the lock.
pub fn claimant(run_id: &str) -> Holder {
    Holder {
        run_id: run_id.to_owned(),
        session: clock::run_id(),
        level: "component".to_owned(),
        ..Holder::default()
    }
}

/// One of the contenders: takes the lock, leaves a witness of the critical section, frees it.
#[test]
#[ignore = "a part of the test below, in a process of its own"]
fn a_contender() {
    let Some(dir) = std::env::var_os("CONTENTION").map(PathBuf::from) else { return };
    let rounds: u32 = std::env::var("ROUNDS").expect("ROUNDS").parse().expect("a number");
    let cluster = cluster_of(&dir.join("kubeconfig"));
    let lease = Lease::new(&cluster, Duration::from_secs(300));
    let me = claimant(&format!("run-{}", std::process::id()));
    let (mut sections, mut overlaps, mut refused) = (0, 0, 0);
    for _ in 0..rounds {
        let seen = match lease.take(&me, None) {
            Attempt::Ours(seen) => *seen,
            Attempt::Held(_) => {
                refused += 1;
                std::thread::sleep(Duration::from_millis(2));
                continue;
            }
            Attempt::Trouble(why) => panic!("{}", why.sentence()),
        };
        sections += 1;
        // Two in here at once: one of them finds the other's witness.
        let witness = dir.join("witness");
        let mut options = std::fs::OpenOptions::new();
        overlaps += u32::from(options.write(true).create_new(true).open(&witness).is_err());
        std::thread::yield_now();
        overlaps += u32::from(std::fs::remove_file(&witness).is_err());
        lease.free(&seen).expect("ours to free");
    }
    cluster.close();
    let count = format!("{sections} {overlaps} {refused}");
    std::fs::write(dir.join(format!("count-{}", std::process::id())), count).expect("written");
}

fn contend(processes: u32, rounds: u32) {
    let scenario = Scenario::new().cluster();
    let namespace = serde_json::json!({"apiVersion": "v1", "kind": "Namespace",
                                       "metadata": {"name": NAMESPACE}});
    scenario.world().create(namespace).expect("a namespace");
    let begun = Instant::now();
    let contenders: Vec<_> = (0..processes)
        .map(|_| {
            Command::new(std::env::current_exe().expect("this test"))
                .args(["--exact", "locks::contention::a_contender", "--ignored"])
                .env("CONTENTION", scenario.path(""))
                .env("ROUNDS", rounds.to_string())
                .stdout(Stdio::piped())
                .stderr(Stdio::piped())
                .spawn()
                .expect("a contender")
        })
        .collect();
    let (mut sections, mut overlaps, mut refused) = (0, 0, 0);
    for contender in contenders {
        let id = contender.id();
        let output = contender.wait_with_output().expect("it ends");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
        let count =
            std::fs::read_to_string(scenario.path(&format!("count-{id}"))).expect("a count");
        let count: Vec<u32> =
            count.split(' ').map(|number| number.parse().expect("a number")).collect();
        sections += count[0];
        overlaps += count[1];
        refused += count[2];
    }
    eprintln_figures(&format!(
        "{processes} processes x {rounds} rounds: {sections} critical sections, {overlaps} overlaps, \
         {refused} refusals, {:.1} s",
        begun.elapsed().as_secs_f64()
    ));
    assert_eq!((sections + refused, overlaps), (processes * rounds, 0));
    assert!(sections > processes, "the lock is had again and again: {sections}");
    assert!(refused > processes, "they do get in each other's way: {refused}");
}

/// Figures for `docs/reliability.md`, seen with `--nocapture`.
pub fn eprintln_figures(text: &str) {
    use std::io::Write as _;
    let _ = writeln!(std::io::stderr(), "figure: {text}");
}

#[test]
fn sixteen_processes_never_hold_the_lock_at_the_same_time() {
    contend(16, 50);
}

#[test]
#[ignore = "nightly"]
fn sixteen_processes_never_hold_the_lock_at_the_same_time_in_500_rounds() {
    contend(16, 500);
}

#[test]
fn every_interleaving_that_would_lose_an_update_is_a_conflict() {
    let scenario = Scenario::new().cluster().configmap("flags", &[]);
    let cluster = cluster_of(&scenario.path("kubeconfig"));
    let lease = Lease::new(&cluster, Duration::from_secs(15));
    let (alice, bob) = (claimant("alice"), claimant("bob"));
    let taken = |who: &Holder, over: Option<&Seen>| match lease.take(who, over) {
        Attempt::Ours(seen) => *seen,
        other => panic!("{other:?}"),
    };
    let mut conflicts = 0;
    let rounds = 20;
    for _ in 0..rounds {
        // Renewed by its holder, then replaced and freed from what was read before.
        let old = taken(&alice, None);
        let new = lease.renew(&alice, &old).expect("renewed");
        conflicts += u32::from(lease.ask_to_stop(&old, "bob").err() == Some(NotWritten::Conflict));
        conflicts += u32::from(lease.free(&old).err() == Some(NotWritten::Conflict));
        // Two take over the same suspect: one of them.
        let bobs = taken(&bob, Some(&new));
        let third = lease.take(&claimant("carol"), Some(&new));
        conflicts += u32::from(matches!(third, Attempt::Held(seen) if seen.holder.run_id == "bob"));
        // The one who was taken over from wakes up: it neither renews nor frees.
        conflicts += u32::from(lease.renew(&alice, &new).is_err());
        conflicts += u32::from(lease.free(&new).is_err());
        // A wish that somebody wrote does not get lost in a renewal.
        let wished = lease.ask_to_stop(&bobs, "dave").expect("written");
        conflicts += u32::from(lease.renew(&bob, &bobs).err() == Some(NotWritten::Conflict));
        lease.free(&wished).expect("freed");
        // Freed, and created anew by somebody else: what was read before is worth nothing.
        conflicts += u32::from(lease.renew(&bob, &wished).is_err());
        let alices = taken(&alice, None);
        conflicts += u32::from(lease.renew(&bob, &wished).is_err());
        conflicts += u32::from(lease.free(&wished).is_err());
        lease.free(&alices).expect("freed");
    }
    eprintln_figures(&format!("{conflicts} of {} lost updates refused", rounds * 9));
    assert_eq!(conflicts, rounds * 9);
}

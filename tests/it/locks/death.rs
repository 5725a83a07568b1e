//! A holder that died: never in the way for ever, never robbed in silence.

use serde_json::json;

use rollback::lock::{Attempt, Holder, Lease, Life, Observer};
use rollback::world::clock;

use super::contention::{claimant, cluster_of};
use super::{
    LEASE, PATIENCE, at_the_gate, await_file, dead_holder, elsewhere, ended, flag, here, holder,
    note, open_fifo, open_the_gate, run, says_meanwhile, world,
};
use crate::scenario::NAMESPACE;

#[test]
fn after_kill_9_the_lock_is_suspect_and_unlock_frees_it() {
    let scenario = world();
    let id = dead_holder(&scenario, "2s");
    let waiting = ["component", "other", "--yes", "--lock-timeout", "60s"];
    let refused = run(elsewhere(&scenario, &waiting)).exits(7);
    for words in
        ["suspect: no sign of life for 2s", "step 1 of 2", &format!("rollback unlock {id}")]
    {
        assert!(refused.stderr.contains(words), "{words}\n{}", refused.stderr);
    }
    run(elsewhere(&scenario, &["status", "--observe"])).exits(0).says("suspect");
    run(elsewhere(&scenario, &["unlock", "another-run"])).exits(7).says("is not locked by run");
    assert_eq!(holder(&scenario), Some(id.clone()), "nobody was robbed so far");
    let freed = run(elsewhere(&scenario, &["unlock", &id])).exits(0);
    for words in ["alice on ", "component gated · flag, incident INC-7, step 1 of 2", "for "] {
        assert!(freed.stderr.contains(words), "{words}\n{}", freed.stderr);
    }
    assert_eq!(holder(&scenario), None);
    run(elsewhere(&scenario, &["unlock", &id])).exits(0).says("is not locked");
    run(elsewhere(&scenario, &["component", "other", "--yes"])).exits(5);
    open_the_gate(&scenario);
}

#[test]
fn a_holder_that_renews_is_unlocked_only_by_force_and_begins_no_further_step() {
    let scenario = world();
    let mut first = at_the_gate(&scenario, &[], "6s");
    let id = holder(&scenario).expect("held");
    run(elsewhere(&scenario, &["unlock", &id])).exits(7).says("lives: it was seen to renew");
    assert_eq!(holder(&scenario), Some(id.clone()));
    run(elsewhere(&scenario, &["unlock", &id, "--force"])).exits(0);
    assert_eq!(holder(&scenario), None);
    run(elsewhere(&scenario, &["component", "gated", "--dry-run"])).exits(0);
    let lost = scenario.state().join("runs").join(&id);
    assert!(lost.is_dir());
    // Its next renewal finds out, while its step is still at work.
    says_meanwhile(&mut first, "the lock was lost: somebody freed it");
    open_the_gate(&scenario);
    ended(first).exits(7).says("the lock was lost: somebody freed it");
    assert_eq!(flag(&scenario), "true");
    assert_eq!(holder(&scenario), None, "what is lost is not freed a second time");
    here(&scenario, &["resume", &id, "--yes"]).exits(5);
}

#[test]
fn whoever_writes_another_holder_into_the_lease_has_taken_it() {
    let scenario = world();
    let mut first = at_the_gate(&scenario, &[], "2s");
    let other = serde_json::json!({"spec": {"holderIdentity": "somebody-else"}});
    scenario.world().patch_merge("leases", NAMESPACE, LEASE, &other).expect("patched");
    says_meanwhile(&mut first, "the lock was lost");
    open_the_gate(&scenario);
    ended(first).exits(7);
    assert_eq!(flag(&scenario), "true", "no further step was started");
    assert_eq!(holder(&scenario).as_deref(), Some("somebody-else"));
}

#[test]
fn a_lock_that_was_lost_during_the_last_step_is_told_at_the_end_with_who_has_it() {
    for taken in [true, false] {
        let scenario = world();
        let gate = |name: &str| {
            let path = scenario.path(name);
            std::process::Command::new("mkfifo").arg(&path).status().expect("mkfifo");
            format!(
                "methods:\n  flag:\n    steps:\n      - name: There\n        \
                 set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \"true\" }} }}\n      \
                 - name: Last\n        command: [cat, {}]\n",
                path.display()
            )
        };
        let (first, second) = (gate("first"), gate("second"));
        let scenario = scenario.component("gated", &first).component("other", &second);
        let first = at_the_gate(&scenario, &[], "60s");
        let id = holder(&scenario).expect("held");
        run(elsewhere(&scenario, &["unlock", &id, "--force"])).exits(0);
        let second = taken.then(|| {
            let second =
                elsewhere(&scenario, &["component", "other", "--yes"]).spawn().expect("it starts");
            let held = |view: &rollback::sandbox::View| {
                view.get("leases", NAMESPACE, LEASE)
                    .is_some_and(|lease| note(&lease, "step").as_str() > "1")
            };
            assert!(scenario.world().wait_until(PATIENCE, held), "the second takes it");
            second
        });
        open_fifo(&scenario.path("first"));
        let said = if taken { "the lock was lost: bob on " } else { "the lock was lost: somebody" };
        ended(first).exits(5).says(&format!("but before the end, {said}"));
        for command in [&["runs", "show", &id][..], &["report", &id]] {
            let told = here(&scenario, command).exits(0).stdout;
            assert!(super::words(&told).contains(said), "{command:?}\n{told}");
        }
        if let Some(second) = second {
            open_fifo(&scenario.path("second"));
            ended(second).exits(5);
        }
        assert_eq!(holder(&scenario), None);
    }
}

#[test]
fn a_run_that_was_killed_resumes_at_once_under_its_own_lock() {
    let scenario = world();
    // A lease that outlasts this test: whoever waited for it would be refused.
    let id = dead_holder(&scenario, "300s");
    // Its command outlived it; it ends, and then the run goes on.
    open_the_gate(&scenario);
    await_file(&scenario.path("passed"));
    // Refused for as long as the command that outlived the run is still there.
    let until = std::time::Instant::now() + PATIENCE;
    let mut resumed = here(&scenario, &["resume", &id, "--yes"]);
    while resumed.stdout.contains("still runs") && std::time::Instant::now() < until {
        resumed = here(&scenario, &["resume", &id, "--yes"]);
    }
    resumed.exits(5);
    assert_eq!((flag(&scenario).as_str(), holder(&scenario)), ("false", None));
}

#[test]
fn clocks_that_are_an_hour_off_steal_nothing() {
    let scenario = world();
    let cluster = cluster_of(&scenario.path("kubeconfig"));
    let lease = Lease::new(&cluster, std::time::Duration::from_secs(15));
    for offset in ["2001-01-01T00:00:00.000000Z", "2101-01-01T00:00:00.000000Z"] {
        let object = json!({
            "apiVersion": "coordination.k8s.io/v1", "kind": "Lease",
            "metadata": {"name": LEASE, "namespace": NAMESPACE},
            "spec": {"holderIdentity": "elsewhere", "leaseDurationSeconds": 15,
                     "acquireTime": offset, "renewTime": offset}});
        scenario.world().create(object).expect("created");
        let Attempt::Held(seen) = lease.take(&claimant("r2"), None) else { panic!("stolen") };
        assert!(matches!(Observer::default().see(&seen), Life::Unknown(_)));
        here(&scenario, &["component", "other", "--yes"]).exits(7);
        assert_eq!(holder(&scenario).as_deref(), Some("elsewhere"));
        scenario.world().delete("leases", NAMESPACE, LEASE).expect("deleted");
    }
    assert!(clock::steady() > std::time::Duration::ZERO);
    assert_eq!(Holder::default().level(), None);
}

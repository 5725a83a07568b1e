//! Two who want the same environment: refused, waiting, preempting, asking, going without.

use super::{
    LEASE, at_the_gate, elsewhere, ended, flag, here, holder, open_the_gate, read_until, run,
    says_meanwhile, signal, world,
};
use crate::scenario::{Ended, NAMESPACE, Scenario};

#[test]
fn a_second_run_is_told_at_once_who_has_the_lock_and_what_to_do() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "15s");
    let id = holder(&scenario).expect("held");
    let refused = run(elsewhere(&scenario, &["component", "other", "--yes"])).exits(7);
    for words in [
        "test / shop is being rolled back by alice on ",
        "component gated · flag, incident INC-7, step 1 of 2 (Wait at the gate), for ",
        "--lock-timeout 5m",
        &format!("rollback unlock {id}"),
        "nothing was changed",
    ] {
        assert!(refused.stderr.contains(words), "{words}\n{}", refused.stderr);
    }
    // On the same machine the local lock says the same.
    here(&scenario, &["component", "other", "--yes"])
        .exits(7)
        .says("component gated · flag, incident INC-7, step 1 of 2 (Wait at the gate)");
    assert_eq!(flag(&scenario), "true");
    open_the_gate(&scenario);
    ended(first).exits(5);
    assert_eq!(holder(&scenario), None, "the lock is freed at the end");
    run(elsewhere(&scenario, &["component", "other", "--yes"])).exits(5).says("already");
}

#[test]
fn who_waits_is_told_for_whom_and_goes_on_when_the_lock_is_free() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "15s");
    let waiting = ["component", "other", "--yes", "--lock-timeout", "60s", "-o", "jsonl"];
    let mut second = elsewhere(&scenario, &waiting).spawn().expect("it starts");
    let (notice, mut rest) = read_until(&mut second, |event| event["type"] == "notice");
    let text = notice["text"].as_str().expect("text");
    assert!(text.contains("waiting for the lock") && text.contains("alice on "), "{text}");
    open_the_gate(&scenario);
    ended(first).exits(5);
    let mut lines = String::new();
    std::io::Read::read_to_string(&mut rest, &mut lines).expect("read");
    ended(second).exits(5);
    assert!(lines.contains("the plan has changed while the lock was waited for"), "{lines}");
    let last: serde_json::Value =
        serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert_eq!(last["type"], "run_finished", "{lines}");
    assert_eq!(holder(&scenario), None);
}

#[test]
fn a_signal_ends_the_wait_for_the_lock_and_leaves_the_holder_alone() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "15s");
    let id = holder(&scenario);
    let cases = [
        ("-INT", 130, "Ctrl-C"),
        ("-TERM", 143, "SIGTERM"),
        ("-HUP", 143, "the connection was lost"),
    ];
    for (name, code, reason) in cases {
        let waiting = ["component", "other", "--yes", "--lock-timeout", "60s", "-o", "jsonl"];
        let mut second = elsewhere(&scenario, &waiting).spawn().expect("it starts");
        let (_, rest) = read_until(&mut second, |event| event["type"] == "notice");
        signal(&second, name);
        drop(rest);
        ended(second).exits(code).says(&format!("{reason}: nothing was changed"));
        assert_eq!(holder(&scenario), id, "{name}");
    }
    open_the_gate(&scenario);
    ended(first).exits(5);
}

#[test]
fn a_wait_that_is_over_says_so() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "15s");
    let waiting = ["component", "other", "--yes", "--lock-timeout", "1s"];
    run(elsewhere(&scenario, &waiting)).exits(7).says("it was waited for, 1s long");
    open_the_gate(&scenario);
    ended(first).exits(5);
}

#[test]
fn a_higher_level_has_a_lower_one_stop_after_its_step() {
    for same_machine in [false, true] {
        let scenario = world();
        let first = at_the_gate(&scenario, &["-o", "jsonl"], "3s");
        let arguments = ["service", "backend", "--confirm", "backend", "--preempt", "-o", "jsonl"];
        let mut command = if same_machine {
            scenario.command(&arguments)
        } else {
            elsewhere(&scenario, &arguments)
        };
        let mut second = command.spawn().expect("it starts");
        let (notice, mut rest) = read_until(&mut second, |event| event["type"] == "notice");
        assert!(notice["text"].as_str().expect("text").contains("asked to stop after its step"));
        open_the_gate(&scenario);
        let first = ended(first).exits(7);
        let events = first.lines();
        let last = events.last().expect("an event");
        assert_eq!(last["type"], "run_paused");
        let why = last["why"].as_str().expect("why");
        assert!(why.starts_with("preempted by ") && why.contains("service backend"), "{why}");
        let done: Vec<_> = events.iter().filter(|event| event["type"] == "step_ended").collect();
        assert_eq!(done.len(), 1, "its step is finished, and no other is begun");
        let mut lines = String::new();
        std::io::Read::read_to_string(&mut rest, &mut lines).expect("read");
        ended(second).exits(5);
        assert_eq!(flag(&scenario), "false");
        let id = events[0]["run_id"].as_str().expect("an id");
        here(&scenario, &["resume", id, "--yes"]).exits(5);
    }
}

#[test]
fn an_equal_level_cannot_be_preempted() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "15s");
    for command in [
        elsewhere(&scenario, &["component", "other", "--yes", "--preempt"]),
        scenario.command(&["component", "other", "--yes", "--preempt"]),
    ] {
        run(command).exits(7).says("only a higher level preempts a lower one");
    }
    open_the_gate(&scenario);
    ended(first).exits(5);
}

#[test]
fn status_says_from_any_machine_who_is_doing_what() {
    let scenario = world();
    run(elsewhere(&scenario, &["status"])).exits(0).says("nobody is rolling it back");
    let first = at_the_gate(&scenario, &[], "3s");
    let id = holder(&scenario).expect("held");
    let shown = run(elsewhere(&scenario, &["status"])).exits(0);
    for words in ["test / shop", "alice on ", &id, "INC-7", "step 1 of 2 (Wait at the gate)"] {
        assert!(shown.stdout.contains(words), "{words}\n{}", shown.stdout);
    }
    let json = run(elsewhere(&scenario, &["status", "--observe", "-o", "json"])).exits(0).json();
    assert_eq!(json["held"], true);
    assert_eq!(json["suspect"], false, "it was seen to renew");
    assert_eq!(json["holder"]["run_id"], id.as_str());
    assert_eq!(json["holder"]["step"], 1);
    assert_eq!(json["lease"], LEASE);
    run(elsewhere(&scenario, &["status", "--namespace", "free"])).exits(0).says("nobody");
    open_the_gate(&scenario);
    ended(first).exits(5);
}

#[test]
fn a_plan_without_the_cluster_takes_only_the_lock_of_this_machine() {
    let scenario = Scenario::new().component(
        "plain",
        "methods:\n  flag:\n    steps:\n      - name: Nothing\n        command: [\"true\"]\n",
    );
    here(&scenario, &["component", "plain", "--yes"]).exits(5);
}

#[test]
fn where_leases_are_forbidden_a_bot_needs_a_flag_and_is_told_which() {
    let scenario = world();
    scenario.world().deny("admin", "create", "leases", "*");
    here(&scenario, &["component", "other", "--yes"])
        .exits(4)
        .says("no permission to create leases.coordination.k8s.io")
        .says("--without-lock");
    assert_eq!(flag(&scenario), "true");
    here(&scenario, &["component", "other", "--yes", "--without-lock"])
        .exits(5)
        .says("going on without the lock: the lock of test / shop cannot be taken: no permission");
    assert_eq!(flag(&scenario), "false");
}

#[test]
fn a_dry_run_and_ready_foretell_that_the_lock_cannot_be_taken() {
    let scenario = world();
    scenario.world().deny("admin", "create", "leases", "*");
    here(&scenario, &["component", "other", "--dry-run"])
        .exits(4)
        .says("no permission to create leases.coordination.k8s.io as admin")
        .says("the lock cannot be taken")
        .says("rollback component other --method flag --without-lock");
    let plan = here(&scenario, &["component", "other", "--dry-run", "--output", "json"]).exits(4);
    let plan = plan.json();
    assert_eq!((&plan["ready"], &plan["lock"][0]["certain"]), (&false.into(), &true.into()));
    here(&scenario, &["ready"]).exits(4).says("no permission to create leases");
    here(&scenario, &["component", "other", "--dry-run", "--without-lock"])
        .exits(0)
        .says("it runs without its lock");
    assert_eq!(flag(&scenario), "true");
}

#[test]
fn a_lock_that_may_not_be_deleted_is_emptied_and_taken_again() {
    let scenario = world();
    scenario.world().deny("admin", "delete", "leases", "*");
    here(&scenario, &["component", "other", "--dry-run"]).exits(0);
    let ended = here(&scenario, &["component", "other", "--yes"]).exits(5);
    assert!(!ended.stderr.contains("could not be freed"), "{ended:#?}");
    let lease = scenario.world().get("leases", NAMESPACE, LEASE).expect("it stays");
    assert!(lease["spec"]["holderIdentity"].is_null(), "{lease:#}");
    here(&scenario, &["status"]).exits(0);
    assert_eq!(holder(&scenario), None);
    here(&scenario, &["component", "other", "--yes"]);
    assert_eq!(scenario.runs().len(), 2, "the next run takes it");
}

#[test]
fn a_lock_that_can_be_neither_deleted_nor_emptied_is_said_to_stay() {
    let scenario = world();
    scenario.world().deny("admin", "delete", "leases", "*");
    scenario.world().deny("admin", "update", "leases", "*");
    here(&scenario, &["component", "other", "--dry-run"])
        .exits(0)
        .says("the lock stays behind")
        .says("the lock cannot be renewed");
    here(&scenario, &["component", "other", "--yes"])
        .exits(5)
        .says("the lock could not be freed: no permission to update")
        .says(&format!("rollback unlock {}", scenario.runs()[0]));
}

#[test]
fn a_lock_that_is_held_is_not_passed_by_without_lock() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "15s");
    run(elsewhere(&scenario, &["component", "other", "--yes", "--without-lock"])).exits(7);
    open_the_gate(&scenario);
    ended(first).exits(5);
}

/// A run of which no renewal succeeds any more; gives how it ended once its lease was over.
fn without_renewals(scenario: &Scenario, flags: &[&str]) -> Ended {
    let mut first = at_the_gate(scenario, flags, "2s");
    scenario.world().deny("admin", "update", "leases", "*");
    says_meanwhile(&mut first, "the lock cannot be renewed");
    // Its last renewal was before that; the lease's own time is all that is waited for.
    std::thread::sleep(std::time::Duration::from_millis(2100));
    open_the_gate(scenario);
    ended(first).says("the lock cannot be renewed")
}

#[test]
fn a_run_whose_lock_cannot_be_renewed_begins_no_further_step() {
    let scenario = world();
    without_renewals(&scenario, &[]).exits(7);
    assert_eq!(flag(&scenario), "true");
    scenario.world().clear_denials();
    here(&scenario, &["resume", "--yes"]).exits(5);
    assert_eq!((flag(&scenario).as_str(), holder(&scenario)), ("false", None));
}

#[test]
fn a_bot_that_was_told_so_goes_on_without_renewals() {
    let scenario = world();
    without_renewals(&scenario, &["--without-lock"]).exits(5);
    assert_eq!(flag(&scenario), "false");
}

#[test]
fn a_rehearsal_takes_the_lock_of_its_sandbox() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "15s");
    here(&scenario, &["rehearse", "component", "other"]).says("SIMULATED");
    assert!(holder(&scenario).is_some(), "the real lock is not touched");
    open_the_gate(&scenario);
    ended(first).exits(5);
}

#[test]
fn a_status_that_is_ended_while_it_watches_says_so_by_its_exit_code() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "60s");
    let mut status = elsewhere(&scenario, &["status", "--observe", "-o", "json"])
        .spawn()
        .expect("rollback starts");
    says_meanwhile(&mut status, "watching run");
    signal(&status, "-TERM");
    assert_eq!(ended(status).exits(143).json()["exit_code"], 143);
    open_the_gate(&scenario);
    ended(first).exits(5);
}

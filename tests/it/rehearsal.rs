//! Rehearsals of this repository's own catalog: every target and method repairs its sandbox, and
//! every fault is told for what it is.

use super::scenario::Scenario;

fn rehearse(arguments: &[&str]) -> super::scenario::Ended {
    let runbooks = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    let mut all = vec!["--runbooks", runbooks, "rehearse"];
    all.extend_from_slice(arguments);
    all.extend(["--pod-start", "10ms"]);
    Scenario::new().run(&all)
}

#[test]
fn the_flags_of_every_target_repair_the_sandbox() {
    for target in [
        &["component", "agent-execution-core"][..],
        &["component", "workflow-orchestrator"],
        &["component", "tool-dispatcher"],
        &["component", "websocket-executor"],
        &["service", "netra-backend"],
        &["service", "netra-websocket"],
        &["system"],
    ] {
        rehearse(target).exits(0).says("recovered").says("repaired the sandbox");
    }
}

#[test]
fn the_code_of_every_target_repairs_the_sandbox() {
    for target in [
        &["component", "agent-execution-core"][..],
        &["component", "workflow-orchestrator"],
        &["component", "tool-dispatcher"],
        &["component", "websocket-executor"],
        &["service", "netra-backend"],
        &["service", "netra-websocket"],
        &["system"],
    ] {
        let mut arguments = target.to_vec();
        arguments.extend(["--method", "code"]);
        rehearse(&arguments).exits(0).says("recovered").says("repaired the sandbox");
    }
}

#[test]
fn everything_that_is_printed_is_stamped_as_simulated() {
    let ended = rehearse(&["component", "tool-dispatcher"]).exits(0);
    assert!(ended.stdout.contains("SIMULATED: recovered"), "{}", ended.stdout);
    assert!(ended.stderr.starts_with("SIMULATED"), "{}", ended.stderr);
    let ended = rehearse(&["component", "tool-dispatcher", "--output", "jsonl"]).exits(0);
    assert_eq!(ended.lines()[0]["simulated"], true);
}

#[test]
fn a_permission_that_is_missing_blocks_the_steps_that_need_it() {
    rehearse(&["component", "tool-dispatcher", "--fault", "permission-denied"])
        .exits(4)
        .says("no permission to patch");
}

#[test]
fn a_workload_that_is_missing_blocks_the_restart() {
    rehearse(&["component", "tool-dispatcher", "--fault", "missing-workload"])
        .exits(4)
        .says("deployment/netra-backend not found");
}

#[test]
fn pods_that_crash_fail_the_restart_with_their_last_words() {
    rehearse(&["component", "tool-dispatcher", "--fault", "crash-loop"])
        .exits(1)
        .says("CrashLoopBackOff")
        .says("old pods still serve (3/3)")
        .says("still broken");
}

#[test]
fn a_conflict_blocks_the_revert_and_names_the_file() {
    rehearse(&["component", "agent-execution-core", "--method", "code", "--fault", "git-conflict"])
        .exits(4)
        .says("conflicts in");
}

#[test]
fn a_push_that_is_refused_awaits_a_merge() {
    rehearse(&["component", "tool-dispatcher", "--method", "code", "--fault", "push-refused"])
        .exits(5)
        .says("waits to be merged");
}

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

/// Everything that the catalog rolls back.
const TARGETS: [&[&str]; 7] = [
    &["component", "agent-execution-core"],
    &["component", "workflow-orchestrator"],
    &["component", "tool-dispatcher"],
    &["component", "websocket-executor"],
    &["service", "netra-backend"],
    &["service", "netra-websocket"],
    &["system"],
];

/// Rehearses these by one method; each must recover by it.
fn repaired(targets: &[&[&str]], method: &str) {
    for target in targets {
        let ended = rehearse(&[target, &["--method", method][..]].concat()).exits(0);
        ended.says("recovered").says("repaired the sandbox");
    }
}

#[test]
fn the_flags_of_every_target_repair_the_sandbox() {
    repaired(&TARGETS, "flag");
}

#[test]
fn the_code_of_a_target_of_each_level_repairs_the_sandbox() {
    repaired(&[TARGETS[2], TARGETS[5], TARGETS[6]], "code");
}

#[test]
#[ignore = "for `make nightly`: the targets that are like one of another test"]
fn the_code_of_every_other_target_repairs_the_sandbox() {
    repaired(&[TARGETS[0], TARGETS[1], TARGETS[3], TARGETS[4]], "code");
}

#[test]
fn the_snapshot_of_a_component_repairs_the_sandbox() {
    repaired(&[TARGETS[2]], "config");
}

#[test]
#[ignore = "for `make nightly`: the components that are like one of another test"]
fn the_snapshots_of_the_other_components_repair_the_sandbox() {
    repaired(&[TARGETS[0], TARGETS[1], TARGETS[3]], "config");
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
fn a_rehearsal_that_is_interrupted_is_rehearsed_again_for_its_sandbox_is_gone() {
    let scenario = Scenario::new();
    let runbooks = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    let target = ["rehearse", "component", "tool-dispatcher"];
    let arguments = [&["--runbooks", runbooks], &target[..], &["--pod-start", "300ms"]].concat();
    let rehearsing = scenario.start(&arguments);
    super::prometheus::eventually("it works", || {
        let run = scenario.runs().pop()?;
        scenario.state().join("runs").join(run).join("journal.jsonl").exists().then_some(())?;
        scenario.records().iter().find(|it| it["type"] == "step_intended").cloned()
    });
    let process = rustix::process::Pid::from_child(&rehearsing);
    rustix::process::kill_process(process, rustix::process::Signal::INT).expect("signalled");
    let ended = rehearsing.wait_with_output().expect("it ends");
    let shown = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(130), "{shown}");
    assert!(shown.contains("rehearse it again"), "{shown}");
    let again = "rollback rehearse component tool-dispatcher --method flag";
    assert!(shown.contains(again) && !shown.contains("rollback resume"), "{shown}");
    let paused = scenario.records().pop().expect("a record");
    assert_eq!(paused["resume"], serde_json::json!(again.split(' ').collect::<Vec<_>>()));
    let listed = scenario.run(&["runs"]).exits(0).stdout;
    assert!(!listed.contains("resume"), "{listed}");
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
        .says("a merge is awaited");
}

/// A rehearsal of a runbook of its own, with a method `config` that has these steps.
fn rehearse_config(steps: &str, arguments: &[&str]) -> (Scenario, super::scenario::Ended) {
    let scenario = Scenario::new()
        .settings(
            "apiVersion: rollback/v1\nrepository: https://git.invalid/shop.git\nnamespace: shop\n",
        )
        .component(
            "web",
            &format!(
                "methods:\n  flag:\n    steps:\n      - name: Off\n        set_flags: {{ configmap: \
                 flags, flags: {{ NEW_WAY: \"false\" }} }}\n      - name: Restart\n        restart: \
                 [deployment/web]\n  config:\n    steps:\n{steps}recovered_when:\n  - http: {{ url: \
                 \"https://shop.invalid/health\" }}\n"
            ),
        );
    let mut all = vec!["rehearse", "component", "web", "--method", "config"];
    all.extend_from_slice(arguments);
    all.extend(["--pod-start", "10ms"]);
    let ended = scenario.run(&all);
    (scenario, ended)
}

const APPLY: &str = "      - name: Apply what was there\n        apply: { ref: 4f1c0a7, paths: [deploy, \
                     extra/flags.yaml] }\n";
const RESTORE: &str = "      - name: Restore what was there\n        restore_snapshot: before\n";

#[test]
fn manifests_are_applied_for_real_and_repair_the_sandbox() {
    let (_, ended) = rehearse_config(APPLY, &[]);
    ended
        .exits(0)
        .says("deploy/rehearsal.yaml, extra/flags.yaml as at")
        .says("data NEW_WAY  true -> false")
        .says("apply -f -")
        .says("repaired the sandbox");
    let (_, ended) = rehearse_config(APPLY, &["--fault", "crash-loop"]);
    ended.exits(1).says("CrashLoopBackOff").says("still broken");
    let (_, ended) = rehearse_config(APPLY, &["--fault", "permission-denied"]);
    ended.exits(4).says("forbidden");
}

#[test]
fn a_snapshot_is_restored_for_real_and_repairs_the_sandbox() {
    let (scenario, ended) = rehearse_config(RESTORE, &[]);
    ended
        .exits(0)
        .says("configmap/flags  NEW_WAY  true -> false")
        .says("taken")
        .says("repaired the sandbox");
    assert!(!scenario.state().join("snapshots").exists(), "the operator's own are not touched");
    let (_, ended) = rehearse_config(RESTORE, &["--fault", "crash-loop"]);
    ended.exits(1).says("CrashLoopBackOff").says("still broken");
    let (_, ended) = rehearse_config(RESTORE, &["--fault", "permission-denied"]);
    ended.exits(4).says("no permission to patch");
}

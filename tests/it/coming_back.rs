//! Coming back to a run: which one is meant, and what makes a resume refuse to go on.

use std::fs;
use std::path::Path;
use std::process::Child;
use std::time::{Duration, Instant};

use rollback::sandbox::{Options, Sandbox};

use super::scenario::Scenario;

const PATIENCE: Duration = Duration::from_secs(60);

/// A component whose first step waits for a file, and whose second turns a flag off.
fn gated(scenario: Scenario) -> Scenario {
    scenario.component(
        "x",
        "methods:\n  flag:\n    steps:\n      - name: Wait\n        command: [sh, -c, \"touch begun; \
         until test -e go; do sleep 0.05; done\"]\n        idempotent: true\n      - name: Off\n        \
         set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }\n",
    )
}

fn wait_for(path: &Path) {
    let until = Instant::now() + PATIENCE;
    while !path.exists() {
        assert!(Instant::now() < until, "{} is not there", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// A run that was cut off in its first step, whose command has ended since.
fn cut_off(scenario: &Scenario) {
    let mut run: Child = scenario.start(&["component", "x", "--yes"]);
    wait_for(&scenario.path("begun"));
    run.kill().expect("killed");
    run.wait().expect("reaped");
    fs::write(scenario.path("go"), "").expect("written");
    let child = scenario.records().into_iter().find(|record| record["type"] == "child_started");
    let group = child.expect("a child")["group"].as_i64().expect("a group");
    let until = Instant::now() + PATIENCE;
    while Path::new(&format!("/proc/{group}")).exists() {
        assert!(Instant::now() < until, "the command ends");
        std::thread::sleep(Duration::from_millis(5));
    }
}

#[test]
fn a_run_is_not_finished_in_another_cluster_that_has_the_same_name() {
    let scenario = gated(Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]));
    cut_off(&scenario);
    let other = Sandbox::start(Options::default()).expect("another sandbox");
    let kubeconfig = scenario.path("other-kubeconfig");
    other.write_kubeconfig(&kubeconfig, "test", "shop", "admin").expect("a kubeconfig");
    let mut resume = scenario.command(&["resume", "--yes"]);
    let refused = resume.env("KUBECONFIG", &kubeconfig).output().expect("rollback starts");
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert_eq!(refused.status.code(), Some(9), "{said}");
    assert!(said.contains("another cluster"), "{said}");
    assert_eq!(other.list("leases", "shop").len(), 0);
    scenario.run(&["resume", "--yes"]).exits(5);
    let flags = scenario.world().get("configmaps", "shop", "flags").expect("flags");
    assert_eq!(flags["data"]["NEW_CODE"], "false");
}

#[test]
fn a_relative_kubeconfig_is_meant_from_where_the_operator_stands() {
    let scenario = gated(Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]))
        .env("KUBECONFIG", "kubeconfig");
    fs::write(scenario.path("go"), "").expect("written");
    scenario.run(&["component", "x", "--yes"]).exits(5);
    scenario.run(&["status"]).exits(0).says("nobody is rolling it back");
}

#[test]
fn resume_alone_means_the_newest_run_that_is_not_over() {
    let scenario = gated(Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]));
    let scenario = scenario.component(
        "y",
        "methods:\n  flag:\n    steps:\n      - { name: Say, command: [\"true\"], idempotent: true }\n",
    );
    cut_off(&scenario);
    let open = scenario.runs().pop().expect("a run");
    scenario.run(&["component", "y", "--yes"]).exits(5);
    let ended = scenario.run(&["resume", "--yes", "--output", "jsonl"]).exits(5);
    assert_eq!(ended.lines().pop().expect("an event")["run_id"], open.as_str());
    scenario.run(&["resume", "--yes"]).exits(2).says("is over");
}

#[test]
fn a_journal_that_has_lost_the_records_of_a_step_is_not_resumed() {
    let scenario = gated(Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]));
    cut_off(&scenario);
    let run = scenario.runs().pop().expect("a run");
    let journal = scenario.state().join("runs").join(run).join("journal.jsonl");
    let whole = fs::read_to_string(&journal).expect("a journal");
    let start = whole.lines().next().expect("a line");
    for rest in ["", &start[..start.len() / 2], &format!("{start}\n")] {
        fs::write(&journal, rest).expect("written");
        scenario.run(&["resume", "--yes"]).exits(10).says("has lost records");
    }
    let flags = scenario.world().get("configmaps", "shop", "flags").expect("flags");
    assert_eq!(flags["data"]["NEW_CODE"], "true");
    fs::write(&journal, whole).expect("written");
    scenario.run(&["resume", "--yes"]).exits(5);
}

#[test]
fn a_lease_that_a_dead_process_of_the_run_left_is_freed_though_the_end_had_no_lock() {
    let scenario = gated(Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]));
    cut_off(&scenario);
    fs::remove_file(scenario.path("go")).expect("removed");
    fs::remove_file(scenario.path("begun")).expect("removed");
    assert_eq!(scenario.world().list("leases", "shop").len(), 1);
    scenario.world().set_unavailable(true);
    let resumed = scenario.start(&["resume", "--yes", "--without-lock"]);
    wait_for(&scenario.path("begun"));
    scenario.world().set_unavailable(false);
    fs::write(scenario.path("go"), "").expect("written");
    let ended = resumed.wait_with_output().expect("it ends");
    assert_eq!(ended.status.code(), Some(5), "{}", String::from_utf8_lossy(&ended.stderr));
    assert_eq!(scenario.world().list("leases", "shop").len(), 0);
}

#[test]
fn a_report_is_written_to_files_only() {
    let scenario = Scenario::new().component(
        "y",
        "methods:\n  flag:\n    steps:\n      - { name: Say, command: [\"true\"], idempotent: true }\n",
    );
    scenario.run(&["component", "y", "--yes"]).exits(5);
    for place in ["/dev/stdout", "/dev/full", "."] {
        scenario.run(&["report", "--out", place]).exits(2).says("not a file that can be kept");
    }
}

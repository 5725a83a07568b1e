//! Commands that outlive their time or us: a timeout leaves no survivor, and what outlived us is
//! seen before a resume.

use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use super::trace::{can_trace, journal_calls, lines, tamper};
use crate::scenario::Scenario;

/// A component of one step.
fn one(step: &str) -> Scenario {
    let scenario = Scenario::new();
    let witness = scenario.path("witness").display().to_string();
    let step = step.replace("WITNESS", &witness).replace('\n', "\n        ");
    scenario.component(
        "one",
        &format!("methods:\n  flag:\n    steps:\n      - id: it\n        {step}\n"),
    )
}

/// Waits for a condition; panics with `what` when it does not come.
pub fn until(what: &str, condition: impl Fn() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "waited for: {what}");
        std::thread::sleep(Duration::from_millis(5));
    }
}

pub fn kill_9(child: &mut Child) {
    child.kill().expect("killed");
    child.wait().expect("reaped");
}

/// The living processes whose environment or arguments name this path.
fn living(path: &Path) -> Vec<u32> {
    let text = path.display().to_string();
    let holds = |pid: u32, file: &str| {
        std::fs::read(format!("/proc/{pid}/{file}"))
            .is_ok_and(|bytes| String::from_utf8_lossy(&bytes).contains(&text))
    };
    std::fs::read_dir("/proc")
        .expect("/proc")
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.parse().ok())
        .filter(|pid| {
            *pid != std::process::id() && (holds(*pid, "cmdline") || holds(*pid, "environ"))
        })
        .collect()
}

fn end(pids: &[u32]) {
    for pid in pids {
        let _ = Command::new("kill").args(["-9", &pid.to_string()]).status();
    }
}

#[test]
fn a_command_that_outlived_us_is_named_and_the_run_waits_for_it() {
    for (how, step) in [
        (
            "in its group",
            "name: Long\ncommand: [sh, -c, \"echo did >> WITNESS; while [ ! -e WITNESS.go ]; do sleep 0.05; done\"]\nprobe: [test, -e, WITNESS]",
        ),
        (
            "away from its group",
            "name: Long\ncommand: [sh, -c, \"setsid sh -c 'echo did >> WITNESS; while [ ! -e WITNESS.go ]; do sleep 0.05; done' & wait\"]\nprobe: [test, -e, WITNESS.no]",
        ),
    ] {
        let scenario = one(step);
        let mut child = scenario.start(&["component", "one", "--yes"]);
        let witness = scenario.path("witness");
        until("the command runs", || witness.exists());
        if how == "in its group" {
            kill_9(&mut child);
        } else {
            // The leader goes; the one that left its group stays.
            until("its leader is recorded", || {
                scenario.records().iter().any(|it| it["type"] == "child_started")
            });
            let records = scenario.records();
            let group = records.iter().find(|it| it["type"] == "child_started").expect("recorded")
                ["group"]
                .clone();
            kill_9(&mut child);
            let _ = Command::new("kill").args(["-9", "--", &format!("-{group}")]).status();
        }
        let refused = scenario.run(&["resume", "--yes"]).exits(10).says("still runs");
        assert!(refused.stdout.contains("kill -TERM"), "{how}: {refused:?}");
        assert_eq!(lines(&witness), ["did"], "{how}");
        std::fs::write(scenario.path("witness.go"), "").expect("written");
        std::fs::write(scenario.path("witness.no"), "").expect("written");
        until("the command ends", || living(&witness).is_empty());
        scenario.run(&["resume", "--yes"]).exits(5);
        assert_eq!(lines(&witness), ["did"], "{how}: not run again");
    }
}

#[test]
fn a_command_that_was_started_and_not_yet_recorded_is_seen_as_well() {
    if !can_trace() {
        return;
    }
    let step = "name: Long\ncommand: [sh, -c, \"while [ ! -e WITNESS.go ]; do sleep 0.05; done; echo did >> WITNESS\"]\nprobe: [test, -e, WITNESS]";
    let scenario = one(step);
    std::fs::write(scenario.path("witness.go"), "").expect("written");
    let run = ["component", "one", "--yes", "--output", "json"];
    // Three records, the intent and its sync; then the child is recorded.
    let (syscall, when) = journal_calls(&scenario, &run).swap_remove(5);
    let scenario = one(step);
    assert!(tamper(&scenario, &syscall, "signal=KILL", when, &run).journal);
    assert!(!scenario.records().iter().any(|it| it["type"] == "child_started"));
    scenario.run(&["resume", "--yes"]).exits(10).says("still runs");
    std::fs::write(scenario.path("witness.go"), "").expect("written");
    until("it is done", || scenario.path("witness").exists());
    until("the command ends", || living(&scenario.path("witness")).is_empty());
    scenario.run(&["resume", "--yes"]).exits(5);
    assert_eq!(lines(&scenario.path("witness")), ["did"]);
}

#[test]
#[ignore = "nightly: it waits for the whole grace"]
fn a_timeout_leaves_no_survivor_of_a_tree_that_ignores_term() {
    let stubborn = "trap '' TERM; (sleep 301 & wait) & setsid sleep 302 & (trap '' TERM; while :; do sleep 303; done) & echo $$ >> WITNESS; while :; do sleep 304; done";
    let scenario =
        one(&format!("name: Stubborn\ncommand: [sh, -c, \"{stubborn}\"]\ntimeout: 300ms"));
    let begun = Instant::now();
    let ended = scenario.run(&["component", "one", "--yes"]).exits(1);
    let took = begun.elapsed();
    assert!(
        ended.stdout.contains("did not end within") || ended.stderr.contains("did not end within"),
        "{ended:?}"
    );
    let left = living(&scenario.path("runbooks")).len()
        + living(&scenario.path("witness")).len()
        + living(&scenario.path("home")).len();
    end(&living(&scenario.path("home")));
    eprintln!(
        "a tree that ignores TERM was gone {took:.1?} after its start (300 ms and the grace): {left} survivors"
    );
    assert_eq!(left, 0, "survivors");
}

#[test]
fn the_proxy_dies_with_us() {
    let scenario = Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]);
    let witness = scenario.path("witness").display().to_string();
    let scenario = scenario.component("one", &format!(
        "methods:\n  flag:\n    steps:\n      - name: Off\n        set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \"false\" }} }}\n      \
         - name: Long\n        command: [sh, -c, \"echo did >> {witness}; sleep 300\"]\n"
    ));
    let mut child = scenario.start(&["component", "one", "--yes"]);
    until("the second step runs", || scenario.path("witness").exists());
    let home = scenario.path("home");
    let proxies = || {
        living(&home)
            .into_iter()
            .filter(|pid| {
                std::fs::read_to_string(format!("/proc/{pid}/cmdline"))
                    .is_ok_and(|text| text.contains("\0proxy\0"))
            })
            .count()
    };
    assert_eq!(proxies(), 1, "one proxy while we live");
    kill_9(&mut child);
    until("the proxy ends", || proxies() == 0);
    end(&living(&home));
}

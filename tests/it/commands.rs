//! Commands: where they run, what they are given, and what never reaches them.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use super::scenario::Scenario;

fn script(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().expect("a parent")).expect("a directory");
    fs::write(path, format!("#!/bin/sh\n{text}\n")).expect("written");
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("executable");
}

/// A component whose first method has these steps.
fn steps(text: &str) -> Scenario {
    Scenario::new().component("x", &format!("methods:\n  flag:\n    steps:\n{text}"))
}

#[test]
fn a_relative_program_is_looked_for_where_it_runs_and_not_where_we_are() {
    let scenario =
        steps("      - { name: Run, command: [bin/x.sh], cwd: sub, idempotent: true }\n");
    script(&scenario.path("bin/x.sh"), "echo the one beside us");
    script(&scenario.path("sub/bin/x.sh"), "echo the one below");
    let ended = scenario.run(&["component", "x", "--yes"]).exits(5).says("the one below");
    assert!(!ended.stderr.contains("the one beside us"), "{}", ended.stderr);
}

#[test]
fn a_directory_that_is_gone_is_not_a_missing_program() {
    let scenario = steps(
        "      - { name: Remove, command: [rmdir, sub], idempotent: true }\n      \
         - { name: Run, command: [\"true\"], cwd: sub, idempotent: true }\n",
    );
    fs::create_dir(scenario.path("sub")).expect("a directory");
    scenario.run(&["component", "x", "--yes"]).exits(1).says("sub is not there");
}

#[test]
fn a_resume_from_elsewhere_runs_the_commands_where_the_run_was_started() {
    let scenario = steps(
        "      - { name: Wait, command: [sh, -c, \"touch begun; test -e go || sleep 60\"], \
         idempotent: true }\n      - { name: Say, command: [touch, here], idempotent: true }\n",
    );
    let mut run = scenario.start(&["component", "x", "--yes"]);
    let until = Instant::now() + Duration::from_secs(60);
    while !scenario.path("begun").exists() {
        assert!(Instant::now() < until, "the first step is begun");
    }
    run.kill().expect("killed");
    run.wait().expect("reaped");
    let records = scenario.records();
    let child = records.iter().find(|record| record["type"] == "child_started").expect("a child");
    let group = i32::try_from(child["group"].as_i64().expect("a group")).expect("a group");
    let group = rustix::process::Pid::from_raw(group).expect("a group");
    rustix::process::kill_process_group(group, rustix::process::Signal::KILL).expect("killed");
    fs::write(scenario.path("go"), "").expect("written");
    let elsewhere = scenario.path("elsewhere");
    fs::create_dir(&elsewhere).expect("a directory");
    let mut resume = scenario.command(&["resume", "--yes"]);
    let resumed = resume.current_dir(&elsewhere).output().expect("rollback starts");
    assert_eq!(resumed.status.code(), Some(5), "{}", String::from_utf8_lossy(&resumed.stderr));
    assert!(scenario.path("here").exists() && !elsewhere.join("here").exists());
}

#[test]
fn an_output_that_no_step_left_behind_is_never_passed_on_as_it_is_written() {
    let scenario = Scenario::new().settings("apiVersion: rollback/v1\nrepository: nowhere.git\n");
    let scenario = scenario.component(
        "x",
        "methods:\n  flag:\n    steps:\n      - id: restore\n        name: Restore\n        \
         on_failure: continue\n        restore_files: { branch: a, from: b, paths: [c], message: m }\n      \
         - name: Tag\n        command: [touch, \"tag-${steps.restore.sha}\"]\n        idempotent: true\n",
    );
    let run = ["component", "x", "--yes", "--skip-blocked", "restore"];
    let ended = scenario.run(&run);
    assert_ne!(ended.code, Some(0), "{ended:?}");
    let left = fs::read_dir(scenario.path(".")).expect("read").flatten();
    let tags = left.filter(|entry| entry.file_name().to_string_lossy().starts_with("tag-"));
    assert_eq!(tags.count(), 0);
}

#[test]
fn the_survey_asks_the_probe_the_same_question_as_the_run() {
    let scenario = steps(
        "      - name: Make\n        command: [touch, made]\n        env: { W: \"1\" }\n        \
         probe: [sh, -c, \"test -z \\\"$W\\\" || test -e made\"]\n",
    );
    scenario.run(&["component", "x", "--dry-run"]).exits(0).says("will change");
    scenario.run(&["component", "x", "--yes"]).exits(5);
    assert!(scenario.path("made").exists());
    scenario.run(&["component", "x", "--dry-run"]).exits(0).says("already there");
}

#[test]
fn a_probe_is_given_the_secrets_that_its_step_names() {
    let scenario = Scenario::new()
        .settings(
            "apiVersion: rollback/v1\nparameters:\n  token: { secret: { env: THE_TOKEN } }\n",
        )
        .env("THE_TOKEN", "s3cret-s3cret")
        .component(
            "x",
            "methods:\n  flag:\n    steps:\n      - name: Make\n        command: [touch, made]\n        \
             env: { T: \"${token}\" }\n        probe: [sh, -c, \"test -e made && test \\\"$T\\\" = \
             s3cret-s3cret\"]\n        timeout: 20s\n",
        );
    scenario.run(&["component", "x", "--yes"]).exits(5);
}

#[test]
fn only_what_cannot_start_for_certain_is_blocked() {
    let scenario = steps(
        "      - { name: A package, command: [python3, app], idempotent: true }\n      \
         - { name: On the PATH, command: [bash, deployit.sh], idempotent: true }\n",
    );
    fs::create_dir(scenario.path("app")).expect("a directory");
    fs::write(scenario.path("app/__main__.py"), "print('packed')\n").expect("written");
    let scenario = scenario.program("deployit.sh", "echo found");
    scenario.run(&["component", "x", "--yes"]).exits(5).says("packed").says("found");
}

#[test]
fn a_parameter_cannot_draw_lines_into_the_plan() {
    let scenario = Scenario::new()
        .settings("apiVersion: rollback/v1\nparameters:\n  any: { shape: text }\n")
        .component(
            "x",
            "methods:\n  flag:\n    steps:\n      - name: Say\n        command: [echo, \"${any}\"]\n        \
             idempotent: true\n",
        );
    let forged = "any=x\n\n  2  Restart everything                     already there";
    let ended = scenario.run(&["component", "x", "--dry-run", "--param", forged]).exits(0);
    let forged = |line: &str| line.trim_start().starts_with("2  Restart everything");
    assert!(!ended.stdout.lines().any(forged), "{}", ended.stdout);
}

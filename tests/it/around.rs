//! What is around a run: no cluster, no kubectl, no place for the journal; completions that are old.

use super::run::flagged;
use super::scenario::{Endpoint, Scenario};

#[test]
fn no_cluster_is_said_and_is_told_apart_from_a_wrong_context() {
    let scenario = flagged(&Endpoint::status(503));
    scenario.world().set_unavailable(true);
    scenario.run(&["component", "dispatcher", "--dry-run"]).says("cannot be checked");
    scenario.world().set_unavailable(false);
    scenario
        .run(&["component", "dispatcher", "--dry-run", "--runbooks", "nowhere"])
        .exits(2)
        .says("nowhere");
    let wrong = scenario.settings("apiVersion: rollback/v1\ncontext: tset\nnamespace: shop\n");
    wrong.run(&["component", "dispatcher", "--dry-run"]).exits(4).says("did you mean test?");
}

#[test]
fn a_missing_kubectl_is_blocked_with_what_to_do() {
    let scenario = flagged(&Endpoint::status(503));
    let git = rollback::world::process::find_program("git").expect("git");
    std::os::unix::fs::symlink(git, scenario.path("bin/git")).expect("linked");
    let output = scenario
        .command(&["component", "dispatcher", "--dry-run"])
        .env("PATH", scenario.path("bin"))
        .output()
        .expect("started");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(4), "{said}");
    assert!(said.contains("install kubectl"), "{said}");
}

#[test]
fn without_kubectl_nobody_is_said_to_hold_no_lock() {
    let scenario = flagged(&Endpoint::status(503));
    let mut status = scenario.command(&["status", "--output", "json"]);
    let output = status.env("PATH", scenario.path("bin")).output().expect("started");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(10), "{said}");
    assert!(said.contains("\"held\": null"), "{said}");
}

#[test]
fn a_namespace_that_leads_elsewhere_is_refused_everywhere() {
    let scenario = flagged(&Endpoint::status(503)).settings(
        "apiVersion: rollback/v1\ncontext: test\nnamespace: ${namespace}\nparameters:\n  namespace: { default: shop }\n",
    );
    let elsewhere = "namespace=foo/../shop";
    for arguments in [
        &["component", "dispatcher", "--dry-run", "--param", elsewhere][..],
        &["status", "--namespace", "foo/../shop"],
        &["status", "--param", elsewhere],
        &["unlock", "any", "--param", elsewhere],
    ] {
        scenario.run(arguments).exits(2).says("is not the name of a namespace");
    }
    assert_eq!(scenario.changes(), Vec::<String>::new());
}

#[test]
fn a_state_directory_that_cannot_be_written_blocks_before_any_change() {
    let scenario = flagged(&Endpoint::status(503)).env("XDG_STATE_HOME", "/proc/nowhere");
    scenario.run(&["component", "dispatcher", "--yes"]).exits(4).says("XDG_STATE_HOME");
    assert_eq!(scenario.changes(), Vec::<String>::new());
}

#[test]
fn the_completions_in_the_repository_are_current() {
    let scenario = Scenario::new();
    let dir = scenario.path("completions");
    scenario.run(&["completions", "--dir", &dir.display().to_string()]).exits(0);
    for entry in std::fs::read_dir(&dir).expect("written").flatten() {
        let kept = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("completions")
            .join(entry.file_name());
        let (old, new) = (std::fs::read(&kept).unwrap_or_default(), std::fs::read(entry.path()));
        assert!(old == new.expect("read"), "{} is old: make completions", kept.display());
    }
}

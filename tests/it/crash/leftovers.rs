//! What a killed run leaves in the temporary directories: removed by the next run, unless something
//! still works there.

use std::path::PathBuf;

use super::outlived::{kill_9, until};
use crate::forge::remote::{FILE, Remote};
use crate::scenario::Scenario;

/// The directories of ours in a scenario's own temporary directory, of one kind.
fn left(scenario: &Scenario, kind: &str) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(scenario.path("tmp")).expect("read").flatten();
    let name = format!("rollback-{kind}-");
    entries
        .filter(|entry| entry.file_name().to_string_lossy().starts_with(&name))
        .map(|entry| entry.path())
        .collect()
}

/// With a temporary directory of its own, and a component that does nothing.
fn with_tmp(scenario: Scenario) -> Scenario {
    let tmp = scenario.path("tmp");
    std::fs::create_dir(&tmp).expect("made");
    scenario.env("TMPDIR", tmp.display().to_string()).component(
        "plain",
        "methods:\n  flag:\n    steps:\n      - name: Nothing\n        command: [\"true\"]\n",
    )
}

#[test]
fn the_socket_of_a_killed_run_is_removed_by_the_next_and_a_living_one_s_is_not() {
    let scenario = with_tmp(Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]));
    let witness = scenario.path("witness");
    let body = format!(
        "methods:\n  flag:\n    steps:\n      - name: Off\n        \
         set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \"false\" }} }}\n      \
         - name: Long\n        idempotent: true\n        command: [sh, -c, \"touch {0}; \
         while [ -e {0} ] && [ ! -e {1} ]; do sleep 0.05; done\"]\n",
        witness.display(),
        scenario.path("go").display()
    );
    let scenario = scenario.component("long", &body);
    let mut child = scenario.start(&["component", "long", "--yes"]);
    until("the second step runs", || witness.exists());
    assert_eq!(left(&scenario, "proxy").len(), 1);
    // Another environment, so that the lock does not keep it out.
    let elsewhere = scenario
        .command(&["component", "plain", "--yes"])
        .env("XDG_STATE_HOME", scenario.path("elsewhere"))
        .output()
        .expect("it runs");
    assert_eq!(elsewhere.status.code(), Some(5));
    assert_eq!(left(&scenario, "proxy").len(), 1, "its owner lives");
    kill_9(&mut child);
    assert_eq!(left(&scenario, "proxy").len(), 1, "nobody could remove it");
    scenario.run(&["component", "plain", "--yes"]).exits(5);
    assert_eq!(left(&scenario, "proxy"), Vec::<PathBuf>::new());
    std::fs::write(scenario.path("go"), "").expect("written");
}

#[test]
fn a_checkout_in_which_something_outlived_the_run_is_named_and_removed_later() {
    let remote = Remote::new();
    let scenario = with_tmp(
        Scenario::new()
            .settings(&format!("apiVersion: rollback/v1\nrepository: {}\n", remote.url())),
    );
    let (witness, go) = (scenario.path("witness"), scenario.path("go"));
    let scenario = scenario.component(
        "deploy",
        &format!(
            "methods:\n  code:\n    steps:\n      - id: restore\n        name: Restore\n        \
             restore_files: {{ branch: feat/migration, from: develop, paths: [{FILE}], message: \
             back }}\n      - name: Deploy\n        checkout: restore\n        idempotent: true\n        \
             command: [sh, -c, \"touch {0}; while [ -e {0} ] && [ ! -e {1} ]; do sleep 0.05; done\"]\n",
            witness.display(),
            go.display()
        ),
    );
    let mut child = scenario.start(&["component", "deploy", "--yes"]);
    until("the command runs in its checkout", || witness.exists());
    kill_9(&mut child);
    let named = scenario.run(&["component", "plain", "--yes"]).exits(5);
    assert!(named.stderr.contains("of a run that was killed still works in"), "{}", named.stderr);
    assert!(named.stderr.contains("kill -TERM"), "{}", named.stderr);
    assert_eq!(left(&scenario, "checkout").len(), 1, "something works in it");
    std::fs::write(&go, "").expect("written");
    until("the checkout is removed", || {
        scenario.run(&["component", "plain", "--yes"]).exits(5);
        left(&scenario, "checkout").is_empty()
    });
}

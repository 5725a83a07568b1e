//! A holder that stood still while somebody else took over: what it wakes up with is refused.

use std::process::Command;

use serde_json::json;

use super::contention::eprintln_figures;
use super::{await_file, elsewhere, ended, flag, holder, open_fifo, run, signal, which};
use crate::scenario::{NAMESPACE, Scenario};

/// Two mutations of two objects, and a kubectl that stops its parent before the n-th of them.
fn stopping_at(nth: u32) -> Scenario {
    let scenario = Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true")])
        .configmap("more", &[("NEW_CODE", "true")]);
    let dir = scenario.path("");
    assert!(Command::new("mkfifo").arg(dir.join("go")).status().expect("mkfifo").success());
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *\" patch \"*)\n  echo x >> {0}/count\n  \
         if [ \"$(wc -l < {0}/count)\" -eq {nth} ]; then\n    kill -STOP $PPID\n    \
         echo $PPID > {0}/stopped.new && mv {0}/stopped.new {0}/stopped\n    cat {0}/go >/dev/null\n  \
         fi;;\nesac\nexec {1} \"$@\"\n",
        dir.display(),
        which("kubectl").display()
    );
    let step = |name: &str| {
        format!(
            "      - name: Turn {name} off\n        \
             set_flags: {{ configmap: {name}, flags: {{ NEW_CODE: \"false\" }} }}\n"
        )
    };
    let body = format!("methods:\n  flag:\n    steps:\n{}{}", step("flags"), step("more"));
    scenario.program("kubectl", &script).component("two", &body)
}

#[test]
fn a_holder_that_was_stopped_before_a_change_overwrites_nothing_of_its_successor() {
    let (mut late, mut refused, mut overwritten) = (0, 0, 0);
    for nth in 1..=2 {
        let scenario = stopping_at(nth);
        let first = scenario
            .command(&["component", "two", "--yes"])
            .env("ROLLBACK_LEASE", "2s")
            .spawn()
            .expect("it starts");
        let stopped = scenario.path("stopped");
        await_file(&stopped);
        let id = holder(&scenario).expect("held");
        run(elsewhere(&scenario, &["unlock", &id])).exits(0).says("suspect");
        // The successor wants something else, and takes the lock.
        let wanted = json!({"data": {"NEW_CODE": "successor"}});
        for name in ["flags", "more"] {
            scenario.world().patch_merge("configmaps", NAMESPACE, name, &wanted).expect("patched");
        }
        let before = scenario.changes().len();
        signal(&first, "-CONT");
        open_fifo(&scenario.path("go"));
        ended(first).exits(7).says("the lock was lost: somebody freed it");
        let writes = scenario.changes().len() - before;
        late += writes;
        for name in ["flags", "more"] {
            let map = scenario.world().get("configmaps", NAMESPACE, name).expect("there");
            overwritten += u32::from(map["data"]["NEW_CODE"] != "successor");
        }
        refused += writes;
        assert!(writes <= 1, "only what was already under way: {writes}");
        let intended: Vec<_> = scenario
            .records()
            .into_iter()
            .filter(|record| record["type"] == "step_intended")
            .collect();
        assert_eq!(intended.len(), nth as usize, "no further step is begun");
        assert_eq!(holder(&scenario), None);
    }
    eprintln_figures(&format!(
        "stopped before 2 changes: {late} late writes, {refused} refused, {overwritten} overwrote"
    ));
    assert_eq!(overwritten, 0);
}

#[test]
fn a_holder_that_was_stopped_between_two_steps_begins_no_further_one() {
    let scenario = Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]);
    let dir = scenario.path("");
    let stop = format!(
        "kill -STOP $PPID; echo x > {0}/stopped.new; mv {0}/stopped.new {0}/stopped",
        dir.display()
    );
    let scenario = scenario.component(
        "two",
        &format!(
            "methods:\n  flag:\n    steps:\n      - name: Stand still\n        command: [sh, -c, \
             \"{stop}\"]\n        idempotent: true\n      - name: Turn the flag off\n        \
             set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \"false\" }} }}\n"
        ),
    );
    let first = scenario
        .command(&["component", "two", "--yes"])
        .env("ROLLBACK_LEASE", "2s")
        .spawn()
        .expect("it starts");
    let stopped = scenario.path("stopped");
    await_file(&stopped);
    let id = holder(&scenario).expect("held");
    run(elsewhere(&scenario, &["unlock", &id])).exits(0);
    signal(&first, "-CONT");
    ended(first).exits(7).says("the lock was lost: somebody freed it");
    assert_eq!(flag(&scenario), "true", "no step was begun without the lock");
    assert_eq!(scenario.changes(), Vec::<String>::new());
}

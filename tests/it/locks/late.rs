//! A holder that stood still while somebody else took over: what it wakes up with is refused. And
//! what changes beside a step while the lock is ours, which refuses nothing.

use std::process::Command;

use serde_json::json;

use super::contention::eprintln_figures;
use super::{await_file, elsewhere, ended, flag, holder, open_fifo, run, signal, which};
use crate::forge::remote::{FILE, Remote};
use crate::scenario::{NAMESPACE, Scenario};

/// A kubectl that acts once, before the n-th patch that it is told to make.
fn acting_at(scenario: Scenario, nth: u32, act: &str) -> Scenario {
    let dir = scenario.path("").display().to_string();
    let kubectl = which("kubectl").display().to_string();
    let act = act.replace("DIR", &dir).replace("KUBECTL", &kubectl);
    let script = format!(
        "#!/bin/sh\ncase \" $* \" in *\" patch \"*)\n  echo x >> {dir}/count\n  \
         if [ \"$(wc -l < {dir}/count)\" -eq {nth} ]; then\n    {act}\n  fi;;\nesac\n\
         exec {kubectl} \"$@\"\n"
    );
    scenario.program("kubectl", &script)
}

/// Stops the run before the n-th patch; the patch goes on when somebody opens `go`.
fn stopping_at(scenario: Scenario, nth: u32) -> Scenario {
    let go = scenario.path("go");
    assert!(Command::new("mkfifo").arg(go).status().expect("mkfifo").success());
    let stop = "kill -STOP $PPID\n    echo $PPID > DIR/stopped.new && mv DIR/stopped.new DIR/stopped\n    \
                cat DIR/go >/dev/null";
    acting_at(scenario, nth, stop)
}

/// Two ConfigMaps with a flag and a workload, with a snapshot; since then the workload has got
/// another image and a ConfigMap another key.
fn migrated(these: &[&str]) -> Scenario {
    let scenario = Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true")])
        .configmap("more", &[("NEW_CODE", "true")])
        .deployment("web", "flags");
    let these: String = these.iter().map(|step| format!("      - {step}\n")).collect();
    let body = format!("methods:\n  flag:\n    steps:\n{these}");
    let scenario = scenario.component("one", &body);
    let named = ["--configmap", "flags", "--workload", "deployment/web"];
    scenario.run(&[&["snapshot", "before"][..], &named].concat()).exits(0);
    image(&scenario, "app:2");
    let other = json!({"data": {"OTHER": "1"}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &other).expect("patched");
    assert!(scenario.world().settle());
    scenario
}

fn image(scenario: &Scenario, image: &str) {
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": image, "envFrom": [{"configMapRef": {"name": "flags"}}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &patch).expect("patched");
}

/// What the successor wants, in every object that a late write could reach.
fn successor(scenario: &Scenario) {
    let wanted = json!({"data": {"NEW_CODE": "successor"}});
    for name in ["flags", "more"] {
        scenario.world().patch_merge("configmaps", NAMESPACE, name, &wanted).expect("patched");
    }
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:successor", "env": [{"name": "NEW_CODE", "value": "successor"}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &patch).expect("patched");
}

/// How many of the successor's values are not there any more, and whether pods were made anew.
fn overwritten(scenario: &Scenario) -> u32 {
    let mut count = 0;
    for name in ["flags", "more"] {
        let map = scenario.world().get("configmaps", NAMESPACE, name).expect("there");
        count += u32::from(map["data"]["NEW_CODE"] != "successor");
    }
    let web = scenario.world().get("deployments", NAMESPACE, "web").expect("there");
    let template = &web["spec"]["template"];
    let container = &template["spec"]["containers"][0];
    count += u32::from(container["image"] != "app:successor");
    count += u32::from(container["env"][0]["value"] != "successor");
    count + u32::from(!template["metadata"]["annotations"]["rollback.dev/step"].is_null())
}

#[test]
fn a_holder_that_was_stopped_before_a_change_overwrites_nothing_of_its_successor() {
    let two_flags = [
        "{ name: One, set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } } }",
        "{ name: Two, set_flags: { configmap: more, flags: { NEW_CODE: \"false\" } } }",
    ];
    let env = "{ name: Env, set_flags: { workload: deployment/web, container: app, flags: { NEW_CODE: \
               \"false\" }, create: true } }";
    let cases: [(&[&str], u32); 6] = [
        (&two_flags, 1),
        (&two_flags, 2),
        (&[env], 1),
        (&["{ name: Restart, restart: [deployment/web] }"], 1),
        (&["{ name: Undo, rollout_undo: { workload: deployment/web } }"], 1),
        (&["{ name: Restore, restore_snapshot: before }"], 2),
    ];
    let figures: Vec<(usize, u32)> = std::thread::scope(|scope| {
        let threads: Vec<_> =
            cases.iter().map(|(these, nth)| scope.spawn(|| stopped_before(these, *nth))).collect();
        threads.into_iter().map(|thread| thread.join().expect("no panic")).collect()
    });
    let late: usize = figures.iter().map(|(writes, _)| writes).sum();
    let lost: u32 = figures.iter().map(|(_, lost)| lost).sum();
    eprintln_figures(&format!(
        "stopped before {} changes: {late} late writes, {lost} of the successor's values overwritten",
        cases.len()
    ));
    assert_eq!((late, lost), (cases.len(), 0));
}

/// Stops a run before its n-th change, has somebody else take over, and wakes it up. Gives how many
/// late writes there were, and how many of the successor's values they overwrote.
fn stopped_before(these: &[&str], nth: u32) -> (usize, u32) {
    let scenario = stopping_at(migrated(these), nth);
    let first = scenario
        .command(&["component", "one", "--yes"])
        .env("ROLLBACK_LEASE", "2s")
        .spawn()
        .expect("it starts");
    await_file(&scenario.path("stopped"));
    let id = holder(&scenario).expect("held");
    run(elsewhere(&scenario, &["unlock", &id])).exits(0).says("suspect");
    successor(&scenario);
    let before = scenario.changes().len();
    signal(&first, "-CONT");
    open_fifo(&scenario.path("go"));
    ended(first).exits(7).says("the lock was lost: somebody freed it");
    let writes = scenario.changes().len() - before;
    assert!(writes <= 1, "{these:?}: only what was already under way: {writes}");
    let records = scenario.records();
    let intended = records.iter().filter(|record| record["type"] == "step_intended").count();
    assert_eq!(intended, these.len().min(nth as usize), "no further step is begun");
    assert_eq!(holder(&scenario), None);
    (writes, overwritten(&scenario))
}

#[test]
fn a_holder_that_was_stopped_before_its_push_pushes_nothing_over_its_successor_s_commit() {
    let remote = Remote::new();
    let settings = format!(
        "apiVersion: rollback/v1\ncontext: test\nnamespace: {NAMESPACE}\nrepository: {}\n",
        remote.url()
    );
    let scenario = Scenario::new()
        .cluster()
        .settings(&settings)
        .configmap("flags", &[("NEW_CODE", "true")])
        .component(
            "one",
            &format!(
                "methods:\n  code:\n    steps:\n      - name: Flag\n        set_flags: {{ configmap: \
                 flags, flags: {{ NEW_CODE: \"false\" }} }}\n      - name: Restore\n        \
                 restore_files: {{ branch: feat/migration, from: develop, paths: [{FILE}], message: \
                 back }}\n"
            ),
        );
    let (dir, git) = (scenario.path("").display().to_string(), which("git").display().to_string());
    assert!(Command::new("mkfifo").arg(scenario.path("go")).status().expect("mkfifo").success());
    let stub = format!(
        "#!/bin/sh\ncase \" $* \" in *\" --dry-run \"*) ;;\n*\" push \"*)\n  echo x >> {dir}/pushes\n  \
         if [ \"$(wc -l < {dir}/pushes)\" -eq 1 ]; then\n    kill -STOP $PPID\n    \
         touch {dir}/stopped\n    cat {dir}/go >/dev/null\n  fi;;\nesac\nexec {git} \"$@\"\n"
    );
    let scenario = scenario.program("git", &stub);
    let first = scenario
        .command(&["component", "one", "--yes"])
        .env("ROLLBACK_LEASE", "2s")
        .spawn()
        .expect("it starts");
    await_file(&scenario.path("stopped"));
    let id = holder(&scenario).expect("held");
    run(elsewhere(&scenario, &["unlock", &id])).exits(0).says("suspect");
    remote.write("successor", "was here\n");
    remote.commit("The successor's");
    remote.push("feat/migration");
    let tip = remote.bare(&["rev-parse", "feat/migration"]);
    signal(&first, "-CONT");
    open_fifo(&scenario.path("go"));
    ended(first).exits(7).says("the lock was lost: somebody freed it");
    assert_eq!(remote.bare(&["rev-parse", "feat/migration"]), tip, "no commit came late");
    let pushes = std::fs::read_to_string(scenario.path("pushes")).expect("counted");
    eprintln_figures(&format!(
        "stopped before a push: {} late, 0 arrived on the successor's commit",
        pushes.lines().count()
    ));
    assert_eq!(pushes.lines().count(), 1, "refused, and not built again");
}

#[test]
fn what_drifts_by_itself_while_the_lock_is_held_does_not_fail_a_restart() {
    let scenario = migrated(&["{ name: Restart, restart: [deployment/web] }"]);
    // Another annotation, after the workload was read and before its patch arrives.
    let drift = "KUBECTL -n shop annotate deployment/web team=shop --overwrite >/dev/null";
    let scenario = acting_at(scenario, 1, drift);
    scenario.run(&["component", "one", "--yes"]).exits(5);
    let tried = scenario.changes().iter().filter(|it| it.starts_with("PATCH")).count();
    assert_eq!(tried, 3, "the drift, a refused patch and the next: {:?}", scenario.changes());
    let web = scenario.world().get("deployments", NAMESPACE, "web").expect("there");
    assert_eq!(web["metadata"]["annotations"]["team"], "shop", "nothing was overwritten");
    let step = &web["spec"]["template"]["metadata"]["annotations"]["rollback.dev/step"];
    assert!(step.is_string(), "and the pods are new");
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

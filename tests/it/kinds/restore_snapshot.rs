//! `rollback snapshot` before, `restore_snapshot` after.

use serde_json::json;

use crate::forge::remote::Remote;
use crate::scenario::{NAMESPACE, Scenario};

/// A cluster with a flag and a workload, and a method that restores `before`.
fn scenario() -> Scenario {
    Scenario::new()
        .cluster()
        .configmap("flags", &[("A", "old"), ("GONE", "kept")])
        .deployment("web", "flags")
        .component(
            "web",
            "methods:\n  flag:\n    steps:\n      - name: Off\n        set_flags: { configmap: flags, \
             flags: { A: off } }\n      - name: Restart\n        restart: [deployment/web]\n  \
             config:\n    steps:\n      - id: restore\n        name: Restore\n        \
             restore_snapshot: before\n        timeout: 15s\n      - name: Restart\n        restart: \
             [deployment/web]\n",
        )
}

/// The migration: a flag changed, one added, one removed, another image.
fn migrate(scenario: &Scenario) {
    let data = json!({"data": {"A": "new", "ADDED": "yes", "GONE": null}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &data).expect("patched");
    let image = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:2", "envFrom": [{"configMapRef": {"name": "flags"}}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &image).expect("patched");
    assert!(scenario.world().settle());
}

const RESTORE: [&str; 5] = ["component", "web", "--method", "config", "--yes"];
const DRY: [&str; 5] = ["component", "web", "--method", "config", "--dry-run"];

#[test]
fn what_a_migration_changed_added_and_removed_is_as_it_was_before() {
    let scenario = scenario();
    scenario.run(&["snapshot", "before"]).exits(0).says("1 ConfigMaps, 1 workloads");
    scenario.run(&["snapshot", "--list"]).exits(0).says("before").says("by alice");
    assert!(scenario.changes().is_empty());
    scenario.run(&DRY).exits(0).says("everything is as in the snapshot before");
    migrate(&scenario);
    scenario
        .run(&DRY)
        .exits(0)
        .says("configmap/flags  A  new -> old")
        .says("configmap/flags  ADDED  yes -> (not there)")
        .says("configmap/flags  GONE  (not there) -> kept")
        .says("app image  app:2 -> app:1");
    scenario.run(&RESTORE).exits(5);
    let flags = scenario.world().get("configmaps", NAMESPACE, "flags").expect("there");
    assert_eq!(flags["data"], json!({"A": "old", "GONE": "kept"}));
    assert_eq!(scenario.carried("web", "A"), ["old", "old", "old"]);
    let found = scenario
        .records()
        .into_iter()
        .find(|record| record["type"] == "snapshot_taken")
        .expect("a snapshot by itself");
    assert_eq!(found["values"]["configmap/flags"], json!({"A": "new", "ADDED": "yes"}));
    let template = &found["values"]["deployment/web"];
    assert_eq!(template["spec"]["containers"][0]["image"], "app:2");
    let changes = scenario.changes().len();
    scenario.run(&RESTORE).says("already there");
    assert_eq!(scenario.changes().len(), changes, "a second time changes nothing");
}

#[test]
fn a_snapshot_that_is_missing_damaged_or_of_elsewhere_is_blocked() {
    let scenario = scenario();
    scenario
        .run(&DRY)
        .exits(4)
        .says("there is no snapshot before")
        .says("take it before the migration: rollback snapshot before");
    scenario.run(&["snapshot", "before"]).exits(0);
    scenario.run(&["snapshot", "before"]).exits(4).says("there is a snapshot before already");
    scenario.run(&["snapshot", "before", "--replace"]).exits(0);
    let file = scenario.state().join("snapshots/before.json");
    let text = std::fs::read_to_string(&file).expect("there");
    std::fs::write(&file, text.replace("old", "odd")).expect("written");
    scenario.run(&DRY).exits(4).says("the snapshot before is damaged");
    scenario
        .run(&["snapshot", "other", "--configmap", "flag"])
        .exits(4)
        .says("configmap/flag not found")
        .says("did you mean configmap/flags?");
}

#[test]
fn what_a_snapshot_does_not_hold_is_said_when_it_is_taken() {
    let scenario = scenario();
    let binary = json!({"binaryData": {"logo": "AAAA"}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &binary).expect("patched");
    scenario
        .run(&["snapshot", "before"])
        .exits(0)
        .says("not in it: binary logo of configmap/flags");
}

#[test]
fn a_branch_of_a_snapshot_stays_and_the_step_that_is_shown_goes_on_from_there() {
    let remote = Remote::new();
    let was = remote.tip("develop");
    let settings = |repository: &str| {
        format!(
            "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\nrepository: {repository}\n"
        )
    };
    let url = format!("file://{}", remote.url());
    let scenario = scenario().settings(&settings(&url)).component(
        "dispatcher",
        "methods:\n  code:\n    steps:\n      - name: Branch\n        rollback_branch: { branch: \
         back, on: develop, subject: Start }\n",
    );
    scenario.run(&["snapshot", "before"]).exits(0).says("1 branches");
    remote.elsewhere("develop", "later.txt", "later", "Later");
    let moved = remote.tip("develop");
    assert_ne!(was, moved);
    let plan = scenario.run(&[&DRY[..], &["--output", "json"]].concat()).json().to_string();
    assert!(plan.contains(&format!("was at {}; it stays", &was[..9])), "{plan}");
    assert!(plan.contains("rollback snapshot before --branches"), "{plan}");
    let shown = scenario.run(&["snapshot", "before", "--branches"]).exits(0).stdout;
    let steps: String = shown.lines().map(|line| format!("      {line}\n")).collect();
    let body = format!("methods:\n  code:\n    steps:\n{steps}");
    let scenario = scenario.component("back", &body);
    scenario.run(&["component", "back", "--yes"]).exits(5);
    assert_eq!(remote.tip("rollback/before-develop"), was);
    assert_eq!(remote.tip("develop"), moved, "the branch itself is not moved");
    let json = scenario.run(&["snapshot", "before", "--branches", "--output", "json"]).json();
    assert_eq!(json["branches"][0]["commit"], was.as_str());
    scenario.run(&["snapshot", "befor", "--branches"]).exits(4).says("did you mean before?");
}

#[test]
fn without_the_permission_the_restore_is_blocked() {
    let scenario = scenario();
    scenario.run(&["snapshot", "before"]).exits(0);
    migrate(&scenario);
    scenario.world().deny("admin", "patch", "configmaps", "flags");
    scenario.run(&DRY).exits(4).says("no permission to patch configmaps");
    scenario.world().clear_denials();
    scenario.world().deny("admin", "patch", "deployments", "web");
    scenario.run(&DRY).exits(4).says("no permission to patch deployments");
}

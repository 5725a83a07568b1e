//! What is there already, though its pods do not run; and what could not be seen at all.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::apply;
use crate::forge::remote::Remote;
use crate::scenario::{NAMESPACE, Scenario};

fn image(scenario: &Scenario, image: &str, flags: &str) {
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": image, "envFrom": [{"configMapRef": {"name": flags}}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &patch).expect("patched");
}

fn world(steps: &str) -> Scenario {
    Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW", "true")])
        .deployment("web", "flags")
        .component("web", &format!("methods:\n  flag:\n    steps:\n{steps}"))
}

/// Waits until a pod of the newest template is in its crash loop.
fn crashes(scenario: &Scenario) {
    let looping = |pod: &Value| {
        pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"] == "CrashLoopBackOff"
    };
    assert!(scenario.world().wait_until(Duration::from_secs(20), |view| {
        view.list("pods", NAMESPACE).iter().any(looping)
    }));
}

const DRY: [&str; 3] = ["component", "web", "--dry-run"];
const RUN: [&str; 3] = ["component", "web", "--yes"];

#[test]
fn a_template_that_is_there_and_crashes_is_not_there_already() {
    let to = "{ workload: deployment/web, to: { image: \"app:crash\" } }";
    let scenario = world(&format!("      - {{ name: Undo, rollout_undo: {to} }}\n"));
    image(&scenario, "app:crash", "flags");
    crashes(&scenario);
    scenario.run(&DRY).exits(4).says("runs image app:crash already").says("the new pods crash");
}

#[test]
fn manifests_whose_template_is_there_and_crashes_are_not_there_already() {
    let remote = Remote::empty();
    remote.write(
        "broken/web.yml",
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: { name: web }\nspec:\n  selector: { \
         matchLabels: { app: web } }\n  template:\n    metadata: { labels: { app: web } }\n    spec:\n      \
         containers:\n        - name: app\n          image: app:crash\n          envFrom: [{ \
         configMapRef: { name: flags } }]\n",
    );
    let scenario = apply::scenario(&remote, "good", "broken");
    scenario.run(&RUN).exits(1);
    crashes(&scenario);
    scenario.run(&DRY).exits(4).says("deployment/web has its template, but the new pods crash");
}

#[test]
fn a_snapshot_whose_template_is_there_and_crashes_is_not_there_already() {
    let scenario = world("      - { name: Restore, restore_snapshot: before }\n").component(
        "other",
        "methods:\n  flag:\n    steps:\n      - { name: Restart, restart: [deployment/web] }\n",
    );
    image(&scenario, "app:crash", "flags");
    crashes(&scenario);
    scenario.run(&["snapshot", "before", "--workload", "deployment/web"]).exits(0);
    scenario.run(&DRY).exits(4).says("the new pods crash");
}

#[test]
fn a_value_that_is_there_blocks_nothing_where_a_later_step_mends_the_pods() {
    let env = "set_flags: { workload: deployment/web, create: true, flags: { MODE: old } }";
    let undo = "rollout_undo: { workload: deployment/web, to: { image: \"app:1\" } }";
    let scenario = world(&format!("      - {{ name: Env, {env} }}\n"));
    scenario.run(&RUN).exits(5);
    let crash = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:crash", "env": [{"name": "MODE", "value": "old"}],
         "envFrom": [{"configMapRef": {"name": "flags"}}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &crash).expect("patched");
    crashes(&scenario);
    scenario.run(&DRY).exits(4).says("has the values, but the new pods crash");
    let both = format!(
        "methods:\n  flag:\n    steps:\n      - {{ name: Env, {env} }}\n      - {{ name: Undo, {} }}\n",
        undo.replace("to: { image: \"app:1\" }", "to: { revision: 2 }")
    );
    let scenario = scenario.component("web", &both);
    scenario.run(&DRY).exits(0).says("a later step has to mend");
    scenario.run(&RUN).exits(5);
    let web = scenario.world().get("deployments", NAMESPACE, "web").expect("there");
    assert_eq!(web["spec"]["template"]["spec"]["containers"][0]["image"], "app:1");
}

#[test]
fn a_config_map_that_may_not_be_read_fails_at_once_and_nothing_is_said_to_be_done() {
    let flag = "set_flags: { configmap: flags, flags: { NEW: \"false\" } }";
    let scenario = world(&format!("      - {{ name: Off, {flag}, timeout: 30s }}\n"));
    scenario.world().deny("admin", "get", "configmaps", "*");
    let begun = Instant::now();
    let ended = scenario.run(&RUN).exits(1).says("nothing was changed: no permission to get");
    assert!(begun.elapsed() < Duration::from_secs(20), "it waited for its timeout");
    assert!(!ended.stdout.contains("done, but"), "{ended:#?}");
    assert_eq!(scenario.changes(), Vec::<String>::new());
}

#[test]
fn pods_that_may_not_be_seen_are_not_waited_for_until_the_timeout() {
    let scenario = world("      - { name: Restart, restart: [deployment/web], timeout: 60s }\n");
    scenario.world().deny("admin", "list", "pods", "*");
    let begun = Instant::now();
    scenario.run(&RUN).exits(1).says("its effect cannot be seen: no permission to list pods");
    assert!(begun.elapsed() < Duration::from_secs(30), "it waited for its timeout");
}

#[test]
fn a_wait_shows_what_is_so_now_and_not_what_earlier_steps_will_make_of_it() {
    let scenario = world(
        "      - { name: Restart, restart: [deployment/web] }\n      - { name: Wait, wait: { rollout: \
         [deployment/web] } }\n",
    );
    scenario.run(&DRY).exits(0).says("now: deployment/web: 3 of 3 pods are new and ready");
}

#[test]
fn a_restart_whose_pods_the_step_before_makes_anew_shows_and_journals_no_command() {
    let env = "set_flags: { workload: deployment/web, create: true, flags: { MODE: old } }";
    let scenario = world(&format!(
        "      - {{ name: Env, {env} }}\n      - {{ name: Restart, restart: [deployment/web] }}\n"
    ));
    scenario.run(&RUN).exits(5);
    let intended = |step: &str| {
        let records = scenario.records();
        let found = records.iter().find(|it| it["type"] == "step_intended" && it["name"] == step);
        found.expect("intended")["commands"].clone()
    };
    assert_eq!(intended("Restart"), json!([]));
    assert_eq!(intended("Env").as_array().map(Vec::len), Some(1));
    assert_eq!(scenario.changes().len(), 1, "{:?}", scenario.changes());
}

#[test]
fn a_failed_step_that_was_begun_is_not_called_nothing() {
    let env = "set_flags: { workload: deployment/web, flags: { CRASH: \"1\" }, create: true }";
    let scenario = world(&format!("      - {{ name: Env, {env} }}\n"));
    let web = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": "app:1", "envFrom": [{"configMapRef": {"name": "flags"}}],
         "env": [{"name": "CRASH_WHEN", "value": "CRASH=1"}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &web).expect("patched");
    assert!(scenario.world().settle());
    let ended =
        scenario.run(&RUN).exits(1).says("begun     1 Env (what it changed until then stands)");
    assert!(!ended.stdout.contains("done      nothing"), "{ended:#?}");
}

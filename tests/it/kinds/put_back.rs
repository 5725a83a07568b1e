//! What somebody puts back while the checks are waited for: no run may call that a recovery.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::apply;
use crate::forge::remote::Remote;
use crate::scenario::{Endpoint, NAMESPACE, Scenario};

const PATIENCE: Duration = Duration::from_secs(20);

fn container(image: &str, mode: &str) -> Value {
    json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": image,
        "env": [{"name": "MODE", "value": mode}],
        "envFrom": [{"configMapRef": {"name": "flags"}}]}]}}}})
}

fn patch(scenario: &Scenario, resource: &str, name: &str, patch: &Value) {
    scenario.world().patch_merge(resource, NAMESPACE, name, patch).expect("patched");
}

/// A cluster whose `web` has had the image `app:1`, and now `app:2`, and a method with these steps.
fn world(endpoint: &Endpoint, steps: &str) -> Scenario {
    let scenario =
        Scenario::new().cluster().configmap("flags", &[("NEW", "true")]).deployment("web", "flags");
    patch(&scenario, "deployments", "web", &container("app:1", "new"));
    assert!(scenario.world().settle());
    patch(&scenario, "deployments", "web", &container("app:2", "new"));
    assert!(scenario.world().settle());
    method(scenario, endpoint, steps)
}

fn method(scenario: Scenario, endpoint: &Endpoint, steps: &str) -> Scenario {
    let url = endpoint.url("/health");
    scenario.component(
        "web",
        &format!(
            "methods:\n  flag:\n    steps:\n{steps}recovered_when:\n  - http: {{ url: \"{url}\" }}\n    \
             within: 20s\n"
        ),
    )
}

/// Runs it, and does something while its check is red; then the check is green.
fn run(
    scenario: &Scenario,
    endpoint: &Endpoint,
    meanwhile: impl FnOnce(),
) -> (Option<i32>, String) {
    let asked = endpoint.asked().len();
    let child = scenario.start(&["component", "web", "--yes"]);
    let until = Instant::now() + PATIENCE;
    // One is the survey's: from the third on it is the verdict's.
    while endpoint.asked().len() < asked + 3 {
        assert!(Instant::now() < until, "the endpoint is not asked");
        std::thread::sleep(Duration::from_millis(5));
    }
    meanwhile();
    endpoint.answers(|_| (200, String::new()));
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

#[track_caller]
fn did_not_stick(ended: &(Option<i32>, String), says: &str) {
    assert_eq!(ended.0, Some(1), "{}", ended.1);
    let text = ended.1.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(text.contains("did not stick") && text.contains(says), "{text}");
}

const UNDO: &str =
    "      - { name: Undo, rollout_undo: { workload: deployment/web, to: { revision: 2 } } }\n";
const ENV: &str =
    "      - { name: Env, set_flags: { workload: deployment/web, flags: { MODE: old } } }\n";
const FLAG: &str =
    "      - { name: Off, set_flags: { configmap: flags, flags: { NEW: \"false\" } } }\n";
const RESTART: &str = "      - { name: Restart, restart: [deployment/web] }\n";

#[test]
fn a_template_that_was_gone_back_to_and_is_deployed_again_is_no_recovery() {
    let endpoint = Endpoint::status(503);
    let scenario = world(&endpoint, UNDO);
    let again = || patch(&scenario, "deployments", "web", &container("app:2", "new"));
    did_not_stick(&run(&scenario, &endpoint, again), "app image is app:2");
}

#[test]
fn what_a_later_step_changes_of_the_template_is_not_put_back() {
    let endpoint = Endpoint::status(503);
    let scenario = world(&endpoint, &format!("{UNDO}{ENV}{RESTART}"));
    let (code, said) = run(&scenario, &endpoint, || {});
    assert_eq!(code, Some(0), "{said}");
    endpoint.answers(|_| (503, String::new()));
    patch(&scenario, "deployments", "web", &container("app:2", "new"));
    assert!(scenario.world().settle());
    let scenario = method(scenario, &endpoint, &format!("{UNDO}{ENV}"));
    let again = || patch(&scenario, "deployments", "web", &container("app:2", "old"));
    did_not_stick(&run(&scenario, &endpoint, again), "app image is app:2");
}

#[test]
fn an_env_that_is_put_back_after_a_restart_of_its_workload_is_no_recovery() {
    let endpoint = Endpoint::status(503);
    let scenario = world(&endpoint, &format!("{ENV}{RESTART}"));
    let back = || {
        let mut web = scenario.world().get("deployments", NAMESPACE, "web").expect("there");
        let env = &mut web["spec"]["template"]["spec"]["containers"][0]["env"][0];
        env["value"] = json!("new");
        scenario.world().replace("deployments", NAMESPACE, "web", web).expect("replaced");
    };
    did_not_stick(&run(&scenario, &endpoint, back), "MODE is new");
}

#[test]
fn manifests_of_which_a_field_is_put_back_are_no_recovery() {
    let endpoint = Endpoint::status(503);
    let remote = Remote::empty();
    let step = "      - { name: Apply, apply: { ref: good, paths: [deploy] }, timeout: 15s }\n";
    let scenario = method(apply::scenario(&remote, "good", "deploy"), &endpoint, step);
    let back = || patch(&scenario, "configmaps", "flags", &json!({"data": {"A": "9"}}));
    did_not_stick(&run(&scenario, &endpoint, back), "data A is 9");
}

#[test]
fn a_snapshot_of_which_something_is_changed_again_is_no_recovery() {
    let endpoint = Endpoint::status(503);
    let scenario = world(&endpoint, &format!("{FLAG}{RESTART}"));
    scenario.run(&["snapshot", "before"]).exits(0);
    patch(&scenario, "deployments", "web", &container("app:3", "new"));
    assert!(scenario.world().settle());
    let step = "      - { name: Restore, restore_snapshot: before }\n";
    let scenario = method(scenario, &endpoint, step);
    // The flag was as in the snapshot when the run began.
    let back = || patch(&scenario, "configmaps", "flags", &json!({"data": {"NEW": "other"}}));
    did_not_stick(&run(&scenario, &endpoint, back), "NEW of configmap/flags is other");
}

#[test]
fn what_was_there_already_and_is_changed_before_the_verdict_is_no_recovery() {
    let endpoint = Endpoint::status(503);
    let off = FLAG.replace("\"false\"", "\"true\"");
    let scenario = world(&endpoint, &format!("{off}{RESTART}"));
    let back = || patch(&scenario, "configmaps", "flags", &json!({"data": {"NEW": "odd"}}));
    did_not_stick(&run(&scenario, &endpoint, back), "step Off was already there");
}

#[test]
fn an_owner_that_puts_a_template_back_at_once_is_waited_for_and_named() {
    let endpoint = Endpoint::status(503);
    let scenario = world(&endpoint, UNDO);
    let label = json!({"metadata": {"labels": {"argocd.argoproj.io/instance": "shop"}}});
    patch(&scenario, "deployments", "web", &label);
    let delay = Duration::from_millis(400);
    scenario
        .world()
        .keep(
            "argocd-controller",
            "deployments",
            NAMESPACE,
            "web",
            container("app:2", "new"),
            delay,
        )
        .expect("kept");
    let ended = scenario.run(&["component", "web", "--yes"]).exits(1);
    assert!(ended.stdout.contains("did not stick"), "{ended:#?}");
}

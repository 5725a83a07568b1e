//! `rollout_undo`: the template is known by its content, and twice is the same as once.

use serde_json::{Value, json};

use crate::scenario::{NAMESPACE, Scenario};

/// A deployment `web` that has had these images, the last one now; all were rolled out.
fn web(images: &[&str], to: &str) -> Scenario {
    let scenario = Scenario::new()
        .cluster()
        .configmap("flags", &[("A", "1")])
        .deployment("web", "flags")
        .component(
            "web",
            &format!(
                "methods:\n  config:\n    steps:\n      - id: undo\n        name: Go back\n        \
                 rollout_undo: {{ workload: deployment/web{to} }}\n        timeout: 10s\n"
            ),
        );
    for image in images {
        set_image(&scenario, image);
        assert!(scenario.world().settle());
    }
    scenario
}

fn set_image(scenario: &Scenario, image: &str) {
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "image": image, "envFrom": [{"configMapRef": {"name": "flags"}}]},
    ]}}}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &patch).expect("patched");
}

fn images(scenario: &Scenario) -> Vec<String> {
    let pods = scenario.world().list("pods", NAMESPACE);
    let image = |pod: &Value| pod["spec"]["containers"][0]["image"].as_str().map(str::to_owned);
    let mut images: Vec<String> = pods.iter().filter_map(image).collect();
    images.sort();
    images.dedup();
    images
}

const UNDO: [&str; 3] = ["component", "web", "--yes"];
const DRY: [&str; 3] = ["component", "web", "--dry-run"];

#[test]
fn the_last_good_template_comes_back_and_twice_is_once() {
    let scenario = web(&["app:2"], "");
    scenario.run(&DRY).exits(0).says("app image").says("app:2 -> app:1").says("revision 1");
    assert!(scenario.changes().is_empty());
    scenario.run(&UNDO).exits(5).says("of the earlier template");
    assert_eq!(images(&scenario), ["app:1"]);
    let changes = scenario.changes().len();
    scenario.run(&UNDO).says("already there");
    assert_eq!(images(&scenario), ["app:1"], "it does not go back and forth");
    assert_eq!(scenario.changes().len(), changes);
}

#[test]
fn a_restart_in_between_is_no_template_of_its_own() {
    let scenario = web(&["app:2"], "");
    for time in ["1", "2"] {
        let patch = json!({"spec": {"template": {"metadata": {"annotations":
            {"kubectl.kubernetes.io/restartedAt": time}}}}});
        scenario.world().patch_merge("deployments", NAMESPACE, "web", &patch).expect("patched");
        assert!(scenario.world().settle());
    }
    scenario.run(&UNDO).exits(5);
    assert_eq!(images(&scenario), ["app:1"]);
}

#[test]
fn while_the_broken_template_hangs_the_one_whose_pods_serve_is_the_last_good_one() {
    let scenario = web(&["app:2"], "");
    scenario.world().set_pod_delay(std::time::Duration::from_secs(60));
    set_image(&scenario, "app:3");
    scenario.run(&DRY).exits(0).says("app:3 -> app:2").says("pods available now");
}

#[test]
fn which_of_several_that_run_nothing_was_good_is_not_guessed() {
    let scenario = web(&["app:2", "app:3"], "");
    scenario.run(&DRY).exits(4).says("cannot be told").says("image app:2").says("image app:1");
    let scenario = web(&["app:2", "app:3"], ", to: { image: \"app:1\" }");
    scenario.run(&UNDO).exits(5);
    assert_eq!(images(&scenario), ["app:1"]);
    scenario.run(&UNDO).says("runs image app:1 already");
    let scenario = web(&["app:2", "app:3"], ", to: { revision: 2 }");
    scenario.run(&UNDO).exits(5);
    assert_eq!(images(&scenario), ["app:2"]);
}

#[test]
fn an_undo_by_hand_is_not_undone() {
    let scenario = web(&["app:2", "app:1"], "");
    scenario.run(&DRY).exits(0).says("somebody went back to it");
}

#[test]
fn what_is_not_there_or_not_allowed_is_blocked() {
    let scenario = web(&[], "");
    scenario.run(&DRY).exits(4).says("has no earlier template that differs");
    let scenario = web(&["app:2"], ", to: { image: \"app:9\" }");
    scenario.run(&DRY).exits(4).says("no earlier template of deployment/web has image app:9");
    let scenario = web(&["app:2"], ", to: { revision: 9 }");
    scenario.run(&DRY).exits(4).says("deployment/web has no revision 9");
    let scenario = web(&["app:2"], "");
    scenario.world().deny("admin", "patch", "deployments", "web");
    scenario.run(&DRY).exits(4).says("no permission to patch deployments");
    scenario.world().clear_denials();
    let pause = json!({"spec": {"paused": true}});
    scenario.world().patch_merge("deployments", NAMESPACE, "web", &pause).expect("patched");
    scenario.run(&DRY).exits(4).says("is paused");
}

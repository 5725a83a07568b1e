//! Owns the scenarios of rollouts: Deployments, `StatefulSets` and `DaemonSets` that move on.

#![allow(clippy::disallowed_macros, reason = "figures for the reader of the test log")]

use std::time::{Duration, Instant};

use rollback::sandbox::{Options, Sandbox};
use serde_json::{Value, json};

use super::client::{get, send};
use super::world::{
    JSON_PATCH, SOON, STRATEGIC, WEB, deployment, made, number, quick, rolled_out, with_web,
};

#[test]
fn a_rollout_of_three_pods_renews_them_all() {
    let sandbox = with_web(3);
    let change = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &change).expect("the patch is taken");
    assert!(sandbox.wait_until(SOON, |view| rolled_out(view, 3)));
    assert_eq!(sandbox.get("deployments", "shop", "web").unwrap()["metadata"]["generation"], 2);
}

/// What a watch shows while `web` gets new pods.
fn events_of_a_rollout(sandbox: &Sandbox) -> Vec<Value> {
    let before = sandbox.get("deployments", "shop", "web").expect("there");
    let version = before["metadata"]["resourceVersion"].as_str().expect("a version");
    let change = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &change).expect("the patch is taken");
    assert!(sandbox.settle());
    let path = format!(
        "/apis/apps/v1/namespaces/shop/deployments?watch=1&timeoutSeconds=0&resourceVersion={version}"
    );
    get(sandbox.url(), &path).json().as_array().expect("several events").clone()
}

#[test]
fn a_rolling_update_never_goes_below_what_must_be_available() {
    let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
    made(&sandbox, deployment("web", "img:1", 4, &json!([])));
    assert!(sandbox.settle());
    let events = events_of_a_rollout(&sandbox);
    assert!(events.len() > 4, "the rollout was seen in steps: {}", events.len());
    for event in &events {
        let status = &event["object"]["status"];
        assert!(status["availableReplicas"].as_u64() >= Some(3), "{status}");
        assert!(status["replicas"].as_u64() <= Some(5), "{status}");
    }
}

#[test]
fn the_watch_of_a_rollout_shows_the_steps_that_a_real_cluster_shows() {
    // As recorded: observed, surged, ready, one old pod gone, and the same again for the second.
    let steps = [(2, 0, 2), (3, 1, 2), (3, 1, 3), (2, 1, 2), (3, 2, 2), (3, 2, 3), (2, 2, 2)];
    let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
    made(&sandbox, deployment("web", "img:1", 2, &json!([])));
    assert!(sandbox.settle());
    let mut seen = Vec::new();
    for event in events_of_a_rollout(&sandbox) {
        let status = &event["object"]["status"];
        let count = |field: &str| status[field].as_u64().unwrap_or(0);
        let step = (count("replicas"), count("updatedReplicas"), count("availableReplicas"));
        if status["observedGeneration"] == 2 && seen.last() != Some(&step) {
            seen.push(step);
        }
    }
    assert_eq!(seen, steps);
}

#[test]
fn recreate_ends_all_old_pods_before_the_first_new_one_starts() {
    let sandbox = quick();
    let mut web = deployment("web", "img:1", 2, &json!([]));
    web["spec"]["strategy"] = json!({"type": "Recreate"});
    made(&sandbox, web);
    assert!(sandbox.settle());
    let version = sandbox
        .list("pods", "shop")
        .iter()
        .map(|pod| number(pod, "resourceVersion"))
        .max()
        .unwrap();
    let change = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}});
    sandbox.patch_merge("deployments", "shop", "web", &change).expect("the patch is taken");
    assert!(sandbox.wait_until(SOON, |view| rolled_out(view, 2)));
    let path =
        format!("/api/v1/namespaces/shop/pods?watch=1&timeoutSeconds=0&resourceVersion={version}");
    let kinds: Vec<String> = get(sandbox.url(), &path)
        .json()
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["type"].to_string())
        .collect();
    let last_deleted = kinds.iter().rposition(|kind| kind.contains("DELETED"));
    let first_added = kinds.iter().position(|kind| kind.contains("ADDED"));
    assert!(last_deleted < first_added, "{kinds:?}");
}

#[test]
fn undo_makes_the_old_revision_the_newest() {
    let sandbox = with_web(1);
    let first = sandbox.get("deployments", "shop", "web").unwrap()["spec"]["template"].clone();
    let change = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}});
    send(sandbox.url(), "PATCH", WEB, STRATEGIC, &change);
    assert!(sandbox.settle());
    let undo = json!([{"op": "replace", "path": "/spec/template", "value": first}]);
    assert_eq!(send(sandbox.url(), "PATCH", WEB, JSON_PATCH, &undo).status, 200);
    assert!(sandbox.settle());
    let sets = sandbox.list("replicasets", "shop");
    let mut revisions: Vec<&str> = sets
        .iter()
        .map(|set| {
            set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str().unwrap()
        })
        .collect();
    revisions.sort_unstable();
    assert_eq!(revisions, ["2", "3"]);
}

#[test]
fn a_stateful_set_replaces_its_pods_one_after_the_other_from_the_last() {
    let sandbox = quick();
    let mut set = deployment("db", "img:1", 3, &json!([]));
    set["kind"] = "StatefulSet".into();
    made(&sandbox, set);
    assert!(sandbox.settle());
    let names = |sandbox: &Sandbox| -> Vec<String> {
        sandbox
            .list("pods", "shop")
            .iter()
            .map(|pod| pod["metadata"]["name"].as_str().unwrap().to_owned())
            .collect()
    };
    assert_eq!(names(&sandbox), ["db-0", "db-1", "db-2"]);
    let before = sandbox.get("statefulsets", "shop", "db").unwrap();
    let version = sandbox
        .list("pods", "shop")
        .iter()
        .map(|pod| number(pod, "resourceVersion"))
        .max()
        .unwrap();
    let change = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}});
    sandbox.patch_merge("statefulsets", "shop", "db", &change).expect("the patch is taken");
    assert!(sandbox.settle());
    let after = sandbox.get("statefulsets", "shop", "db").unwrap();
    assert_eq!(after["status"]["updatedReplicas"], 3);
    assert_eq!(after["status"]["currentRevision"], after["status"]["updateRevision"]);
    assert_ne!(after["status"]["updateRevision"], before["status"]["updateRevision"]);
    let path =
        format!("/api/v1/namespaces/shop/pods?watch=1&timeoutSeconds=0&resourceVersion={version}");
    let events = get(sandbox.url(), &path).json();
    let deleted = events.as_array().unwrap().iter().filter(|event| event["type"] == "DELETED");
    let deleted: Vec<&str> =
        deleted.map(|event| event["object"]["metadata"]["name"].as_str().unwrap()).collect();
    assert_eq!(deleted, ["db-2", "db-1", "db-0"]);
}

#[test]
fn a_daemon_set_has_one_pod_on_every_node_and_renews_them_in_turn() {
    let options = Options { nodes: 3, pod_delay: Duration::ZERO, ..Options::default() };
    let sandbox = Sandbox::start(options).expect("the sandbox starts");
    let mut set = deployment("agent", "img:1", 1, &json!([]));
    set["kind"] = "DaemonSet".into();
    set["spec"].as_object_mut().unwrap().remove("replicas");
    made(&sandbox, set);
    assert!(sandbox.settle());
    let change = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}});
    sandbox.patch_merge("daemonsets", "shop", "agent", &change).expect("the patch is taken");
    assert!(sandbox.settle());
    let status = sandbox.get("daemonsets", "shop", "agent").unwrap()["status"].clone();
    for field in
        ["desiredNumberScheduled", "updatedNumberScheduled", "numberAvailable", "numberReady"]
    {
        assert_eq!(status[field], 3, "{status}");
    }
    let pods = sandbox.list("pods", "shop");
    assert!(pods.iter().all(|pod| pod["spec"]["containers"][0]["image"] == "img:2"));
    let hash = &pods[0]["metadata"]["labels"]["controller-revision-hash"];
    assert!(pods.iter().all(|pod| &pod["metadata"]["labels"]["controller-revision-hash"] == hash));
}

#[test]
fn deleting_a_deployment_takes_its_replica_sets_and_pods_along() {
    let sandbox = with_web(2);
    sandbox.delete("deployments", "shop", "web").expect("deleted");
    assert!(sandbox.settle());
    assert!(
        sandbox.list("replicasets", "shop").is_empty() && sandbox.list("pods", "shop").is_empty()
    );
}

#[test]
fn a_slow_rollout_takes_the_time_that_pods_take() {
    let sandbox = with_web(1);
    sandbox.set_pod_delay(Duration::from_millis(200));
    let start = Instant::now();
    let change = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &change).expect("the patch is taken");
    assert!(sandbox.wait_until(SOON, |view| rolled_out(view, 1)));
    assert!(start.elapsed() >= Duration::from_millis(200));
}

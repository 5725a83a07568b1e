//! Owns the scenarios: rollouts, faults, environments and conflicts, each on a sandbox of its own.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rollback::sandbox::{Options, Rule, Sandbox, View};
use serde_json::{Value, json};

use super::client::{Ask, ask, get, send};

const SOON: Duration = Duration::from_secs(10);
const MERGE: &str = "application/merge-patch+json";
const STRATEGIC: &str = "application/strategic-merge-patch+json";
const JSON_PATCH: &str = "application/json-patch+json";
const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
const FLAGS: &str = "/api/v1/namespaces/shop/configmaps/flags";

/// A Deployment in the namespace `shop`, with one container `app`.
pub fn deployment(name: &str, image: &str, replicas: u32, env: &Value) -> Value {
    json!({
        "apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name, "namespace": "shop"},
        "spec": {"replicas": replicas, "selector": {"matchLabels": {"app": name}}, "template": {
            "metadata": {"labels": {"app": name}},
            "spec": {"containers": [{"name": "app", "image": image, "env": env}]},
        }},
    })
}

fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data})
}

/// A sandbox whose pods start and end at once.
fn quick() -> Sandbox {
    let options = Options {
        pod_delay: Duration::ZERO,
        termination_delay: Duration::ZERO,
        ..Options::default()
    };
    Sandbox::start(options).expect("the sandbox starts")
}

fn made(sandbox: &Sandbox, object: Value) -> Value {
    sandbox.create(object).expect("the object is created")
}

/// A settled sandbox with the Deployment `web`.
fn with_web(replicas: u32) -> Sandbox {
    let sandbox = quick();
    made(
        &sandbox,
        deployment("web", "img:1", replicas, &json!([{"name": "MODE", "value": "fast"}])),
    );
    assert!(sandbox.settle());
    sandbox
}

fn rolled_out(view: &View, replicas: u64) -> bool {
    view.get("deployments", "shop", "web").is_some_and(|web| {
        let status = &web["status"];
        status["observedGeneration"] == web["metadata"]["generation"]
            && ["replicas", "updatedReplicas", "availableReplicas"]
                .iter()
                .all(|field| status[*field] == replicas)
    }) && view.list("pods", "shop").len() as u64 == replicas
}

fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let mut all = object["status"]["conditions"].as_array().into_iter().flatten();
    all.find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

fn waiting_reason(pod: &Value) -> &str {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str().unwrap_or_default()
}

#[test]
fn a_rollout_of_three_pods_without_delays_takes_milliseconds() {
    let sandbox = with_web(3);
    let start = Instant::now();
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &patch).expect("the patch is taken");
    assert!(sandbox.wait_until(SOON, |view| rolled_out(view, 3)));
    println!("rolled out in {:?}", start.elapsed());
    assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
    assert_eq!(sandbox.get("deployments", "shop", "web").unwrap()["metadata"]["generation"], 2);
}

#[test]
fn a_rolling_update_never_goes_below_what_must_be_available() {
    let sandbox = Sandbox::start(Options::default()).expect("the sandbox starts");
    made(&sandbox, deployment("web", "img:1", 4, &json!([])));
    assert!(sandbox.settle());
    let version =
        sandbox.get("deployments", "shop", "web").unwrap()["metadata"]["resourceVersion"].clone();
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &patch).expect("the patch is taken");
    assert!(sandbox.settle());
    let path = format!(
        "/apis/apps/v1/namespaces/shop/deployments?watch=1&timeoutSeconds=0&resourceVersion={}",
        version.as_str().unwrap()
    );
    let events = get(sandbox.url(), &path).json();
    let events = events.as_array().expect("several events");
    assert!(events.len() > 4, "the rollout was seen in steps: {}", events.len());
    for event in events {
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
    let version =
        sandbox.get("deployments", "shop", "web").unwrap()["metadata"]["resourceVersion"].clone();
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &patch).expect("the patch is taken");
    assert!(sandbox.settle());
    let path = format!(
        "/apis/apps/v1/namespaces/shop/deployments?watch=1&timeoutSeconds=0&resourceVersion={}",
        version.as_str().unwrap()
    );
    let mut seen = Vec::new();
    for event in get(sandbox.url(), &path).json().as_array().expect("several events") {
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
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}});
    sandbox.patch_merge("deployments", "shop", "web", &patch).expect("the patch is taken");
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

fn number(object: &Value, field: &str) -> u64 {
    object["metadata"][field].as_str().unwrap_or_default().parse().expect("a number")
}

#[test]
fn a_patch_that_changes_nothing_keeps_the_resource_version() {
    let sandbox = with_web(1);
    let before = get(sandbox.url(), WEB).json();
    let patch = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "env": [{"name": "MODE", "value": "fast"}]}]}}}});
    let after = send(sandbox.url(), "PATCH", WEB, STRATEGIC, &patch).json();
    assert_eq!(before, after);
}

#[test]
fn a_dry_run_changes_nothing() {
    let sandbox = with_web(1);
    let before = sandbox.full_digest();
    let path = format!("{WEB}?dryRun=All");
    let patch = json!({"spec": {"replicas": 5}});
    let answer = send(sandbox.url(), "PATCH", &path, MERGE, &patch);
    assert_eq!((answer.status, &answer.json()["spec"]["replicas"]), (200, &json!(5)));
    let pod = json!({"apiVersion": "v1", "kind": "Pod", "metadata": {"generateName": "x-"},
                     "spec": {"containers": [{"name": "app", "image": "img:1"}]}});
    let answer = send(
        sandbox.url(),
        "POST",
        "/api/v1/namespaces/shop/pods?dryRun=All",
        "application/json",
        &pod,
    );
    assert_eq!(answer.status, 201);
    assert_eq!(send(sandbox.url(), "DELETE", &path, "application/json", &json!({})).status, 200);
    assert!(sandbox.settle());
    assert_eq!(sandbox.full_digest(), before);
    assert!(sandbox.requests().iter().filter(|line| line.method != "GET").all(|line| line.dry_run));
}

#[test]
fn a_crashing_pod_says_why_and_holds_the_rollout_until_its_deadline() {
    let sandbox = with_web(2);
    let patch = json!({"spec": {"progressDeadlineSeconds": 1, "template": {"spec": {"containers": [
        {"name": "app", "env": [{"name": "CRASH", "value": "true"}]}]}}}});
    assert_eq!(send(sandbox.url(), "PATCH", WEB, STRATEGIC, &patch).status, 200);
    assert!(sandbox.wait_until(SOON, |view| {
        let pods = view.list("pods", "shop");
        let broken = pods.iter().find(|pod| waiting_reason(pod) == "CrashLoopBackOff");
        broken.is_some_and(|pod| {
            let status = &pod["status"]["containerStatuses"][0];
            status["lastState"]["terminated"]["exitCode"] == 1
                && status["restartCount"].as_u64() >= Some(2)
        })
    }));
    let web = sandbox.get("deployments", "shop", "web").unwrap();
    assert_eq!(web["status"]["availableReplicas"], 2, "the old pods stay");
    assert_eq!(web["status"]["unavailableReplicas"], 1);
    let events = sandbox.list("events", "shop");
    assert!(events.iter().any(|event| event["reason"] == "BackOff" && event["type"] == "Warning"));
    assert!(sandbox.wait_until(SOON, |view| {
        let web = view.get("deployments", "shop", "web").unwrap();
        condition(&web, "Progressing")["reason"] == "ProgressDeadlineExceeded"
    }));
}

#[test]
fn a_crash_loop_ends_when_what_it_reads_is_mended() {
    let sandbox = quick();
    made(&sandbox, config_map("flags", &json!({"CRASH": "true"})));
    let mut web = deployment("web", "img:1", 1, &json!([]));
    web["spec"]["template"]["spec"]["containers"][0]["envFrom"] =
        json!([{"configMapRef": {"name": "flags"}}]);
    made(&sandbox, web);
    let reason = |view: &View, wanted: &str| {
        view.list("pods", "shop").iter().any(|pod| waiting_reason(pod) == wanted)
    };
    assert!(sandbox.wait_until(SOON, |view| reason(view, "CrashLoopBackOff")));
    sandbox
        .patch_merge("configmaps", "shop", "flags", &json!({"data": {"CRASH": "false"}}))
        .expect("patched");
    assert!(sandbox.wait_until(SOON, |view| rolled_out(view, 1)));
}

#[test]
fn an_image_that_is_not_there_is_never_pulled() {
    let sandbox = with_web(1);
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:missing"}]}}}});
    assert_eq!(send(sandbox.url(), "PATCH", WEB, STRATEGIC, &patch).status, 200);
    assert!(sandbox.wait_until(SOON, |view| {
        view.list("pods", "shop").iter().any(|pod| waiting_reason(pod) == "ImagePullBackOff")
    }));
    assert!(
        sandbox
            .list("events", "shop")
            .iter()
            .any(|event| event["message"] == "Back-off pulling image \"img:missing\"")
    );
}

#[test]
fn a_missing_key_blocks_the_container_until_it_is_there() {
    let sandbox = quick();
    made(&sandbox, config_map("flags", &json!({"ONE": "1"})));
    let env =
        json!([{"name": "TWO", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "TWO"}}}]);
    made(&sandbox, deployment("web", "img:1", 1, &env));
    assert!(sandbox.wait_until(SOON, |view| {
        view.list("pods", "shop").iter().any(|pod| {
            let waiting = &pod["status"]["containerStatuses"][0]["state"]["waiting"];
            waiting["reason"] == "CreateContainerConfigError"
                && waiting["message"] == "couldn't find key TWO in ConfigMap shop/flags"
        })
    }));
    sandbox
        .patch_merge("configmaps", "shop", "flags", &json!({"data": {"TWO": "2"}}))
        .expect("patched");
    assert!(sandbox.wait_until(SOON, |view| rolled_out(view, 1)));
}

#[test]
fn an_exhausted_quota_stops_the_rollout_and_says_so() {
    let sandbox = with_web(2);
    made(
        &sandbox,
        json!({"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "q", "namespace": "shop"},
                          "spec": {"hard": {"pods": "2"}}}),
    );
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &patch).expect("the patch is taken");
    assert!(sandbox.settle());
    let web = sandbox.get("deployments", "shop", "web").unwrap();
    let failure = condition(&web, "ReplicaFailure");
    assert_eq!(failure["reason"], "FailedCreate");
    let message = failure["message"].as_str().unwrap();
    assert!(message.ends_with(
        "is forbidden: exceeded quota: q, requested: pods=1, used: pods=2, limited: pods=2"
    ));
    assert!(sandbox.list("events", "shop").iter().any(|event| event["reason"] == "FailedCreate"));
    sandbox.delete("resourcequotas", "shop", "q").expect("deleted");
    assert!(sandbox.wait_until(SOON, |view| rolled_out(view, 2)));
    assert_eq!(
        condition(&sandbox.get("deployments", "shop", "web").unwrap(), "ReplicaFailure"),
        &Value::Null
    );
}

#[test]
fn a_pod_with_a_finalizer_stays_until_it_is_taken_away() {
    let sandbox = quick();
    let mut web = deployment("web", "img:1", 1, &json!([]));
    web["spec"]["template"]["metadata"]["finalizers"] = json!(["example.com/hold"]);
    made(&sandbox, web);
    assert!(sandbox.settle());
    let old = sandbox.list("pods", "shop")[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &patch).expect("the patch is taken");
    assert!(sandbox.settle());
    let stuck = sandbox.get("pods", "shop", &old).expect("the old pod is still there");
    assert!(stuck["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(
        sandbox.get("deployments", "shop", "web").unwrap()["status"]["terminatingReplicas"],
        1
    );
    sandbox
        .patch_merge("pods", "shop", &old, &json!({"metadata": {"finalizers": null}}))
        .expect("patched");
    assert!(sandbox.wait_until(SOON, |view| view.get("pods", "shop", &old).is_none()));
}

#[test]
fn a_container_gets_env_from_in_order_and_env_over_it_as_it_was_at_its_start() {
    let sandbox = quick();
    made(&sandbox, config_map("first", &json!({"A": "first", "B": "first", "C": "first"})));
    made(&sandbox, config_map("second", &json!({"B": "second", "C": "second"})));
    let secret = json!({"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": "shop"},
                        "stringData": {"KEY": "hidden"}});
    made(&sandbox, secret);
    let env = json!([
        {"name": "C", "value": "literal"}, {"name": "D", "value": "$(A)-$(C)"},
        {"name": "E", "valueFrom": {"configMapKeyRef": {"name": "first", "key": "A"}}},
        {"name": "F", "valueFrom": {"configMapKeyRef": {"name": "none", "key": "A", "optional": true}}},
        {"name": "G", "valueFrom": {"fieldRef": {"fieldPath": "metadata.namespace"}}},
    ]);
    let mut web = deployment("web", "img:1", 1, &env);
    web["spec"]["template"]["spec"]["containers"][0]["envFrom"] = json!([
        {"configMapRef": {"name": "first"}}, {"configMapRef": {"name": "second"}},
        {"prefix": "S_", "secretRef": {"name": "s"}},
    ]);
    made(&sandbox, web);
    assert!(sandbox.settle());
    let pod = sandbox.list("pods", "shop")[0]["metadata"]["name"].as_str().unwrap().to_owned();
    let expected = [
        ("A", "first"),
        ("B", "second"),
        ("C", "literal"),
        ("D", "first-literal"),
        ("E", "first"),
        ("G", "shop"),
        ("S_KEY", "hidden"),
    ];
    let expected: BTreeMap<String, String> =
        expected.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    assert_eq!(sandbox.pod_env("shop", &pod, "app"), Some(expected.clone()));
    sandbox
        .patch_merge("configmaps", "shop", "first", &json!({"data": {"A": "changed"}}))
        .expect("patched");
    assert!(sandbox.settle());
    assert_eq!(
        sandbox.pod_env("shop", &pod, "app"),
        Some(expected),
        "a running pod keeps what it has"
    );
}

#[test]
fn undo_makes_the_old_revision_the_newest() {
    let sandbox = with_web(1);
    let first = sandbox.get("deployments", "shop", "web").unwrap()["spec"]["template"].clone();
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}});
    send(sandbox.url(), "PATCH", WEB, STRATEGIC, &patch);
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
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}});
    sandbox.patch_merge("statefulsets", "shop", "db", &patch).expect("the patch is taken");
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
    let patch = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:2"}]}}}});
    sandbox.patch_merge("daemonsets", "shop", "agent", &patch).expect("the patch is taken");
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
fn a_user_may_do_what_is_granted_and_nothing_that_is_denied() {
    let sandbox = with_web(1);
    let as_bot =
        |path| ask(sandbox.url(), &Ask { method: "GET", path, user: "bot", ..Ask::default() });
    assert_eq!(as_bot(WEB).status, 403);
    sandbox.grant("bot", &[Rule::new(&["get", "list"], &["deployments"])]);
    assert_eq!(as_bot(WEB).status, 200);
    assert_eq!(as_bot("/api/v1/namespaces/shop/pods").status, 403);
    sandbox.deny("bot", "get", "deployments", "web");
    assert_eq!(as_bot(WEB).status, 403);
    sandbox.clear_denials();
    assert_eq!(as_bot(WEB).status, 200);
    sandbox.deny("admin", "patch", "deployments", "*");
    let refused = send(sandbox.url(), "PATCH", WEB, MERGE, &json!({"spec": {"replicas": 3}}));
    assert_eq!(refused.status, 403);
    let review = json!({"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "spec": {
        "resourceAttributes": {"verb": "patch", "group": "apps", "resource": "deployments", "namespace": "shop"}}});
    let path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews";
    assert_eq!(
        send(sandbox.url(), "POST", path, "application/json", &review).json()["status"]["allowed"],
        false
    );
}

#[test]
fn label_selectors_of_every_form_select() {
    let sandbox = quick();
    for (name, tier) in [("a", Some("web")), ("b", Some("db")), ("c", None)] {
        let mut object = config_map(name, &json!({}));
        if let Some(tier) = tier {
            object["metadata"]["labels"] = json!({"tier": tier});
        }
        made(&sandbox, object);
    }
    for (selector, expected) in [
        ("tier%3Dweb", vec!["a"]),
        ("tier!%3Dweb", vec!["b", "c"]),
        ("tier%20in%20(web,db)", vec!["a", "b"]),
        ("tier%20notin%20(web)", vec!["b", "c"]),
        ("tier", vec!["a", "b"]),
        ("!tier", vec!["c"]),
        ("tier,tier!%3Ddb", vec!["a"]),
    ] {
        let list = get(
            sandbox.url(),
            &format!("/api/v1/namespaces/shop/configmaps?labelSelector={selector}"),
        )
        .json();
        let items = list["items"].as_array().unwrap();
        let names: Vec<&str> =
            items.iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect();
        assert_eq!(names, expected, "{selector}");
    }
}

#[test]
fn a_watch_that_is_open_sees_changes_and_ends_with_a_bookmark() {
    let sandbox = quick();
    made(&sandbox, config_map("flags", &json!({"ONE": "1"})));
    let path =
        "/api/v1/namespaces/shop/configmaps?watch=1&timeoutSeconds=1&allowWatchBookmarks=true";
    let events = std::thread::scope(|scope| {
        let watch = scope.spawn(|| get(sandbox.url(), path).json());
        assert!(sandbox.wait_until(SOON, |view| {
            view.requests().iter().any(|line| line.path.ends_with("configmaps"))
        }));
        sandbox
            .patch_merge("configmaps", "shop", "flags", &json!({"data": {"ONE": "2"}}))
            .expect("patched");
        sandbox.delete("configmaps", "shop", "flags").expect("deleted");
        watch.join().expect("the watch ends")
    });
    let kinds: Vec<&str> =
        events.as_array().unwrap().iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["ADDED", "MODIFIED", "DELETED", "BOOKMARK"]);
}

#[test]
fn a_watch_from_before_the_history_is_told_that_it_expired() {
    let sandbox = with_web(1);
    sandbox.expire_watches();
    let path = "/api/v1/namespaces/shop/pods?watch=1&timeoutSeconds=5&resourceVersion=1001";
    let event = get(sandbox.url(), path).json();
    assert_eq!((&event["type"], &event["object"]["code"]), (&json!("ERROR"), &json!(410)));
}

#[test]
fn an_unavailable_server_answers_503_and_what_is_not_implemented_501() {
    let sandbox = quick();
    sandbox.set_unavailable(true);
    assert_eq!(get(sandbox.url(), FLAGS).status, 503);
    sandbox.set_unavailable(false);
    assert_eq!(get(sandbox.url(), "/api/v1/namespaces/shop/pods/x/exec").status, 501);
    assert_eq!(sandbox.unimplemented(), ["GET /api/v1/namespaces/shop/pods/x/exec"]);
}

#[test]
fn a_hanging_server_accepts_and_never_answers() {
    use std::io::{Read, Write};
    let sandbox = quick();
    sandbox.hang(true);
    let mut stream = std::net::TcpStream::connect(sandbox.url().trim_start_matches("http://"))
        .expect("it accepts");
    stream.write_all(b"GET /version HTTP/1.1\r\nHost: x\r\n\r\n").expect("it reads");
    assert!(sandbox.wait_until(SOON, |view| view.requests().len() == 1));
    stream.set_read_timeout(Some(Duration::from_millis(50))).expect("a timeout is set");
    assert!(stream.read(&mut [0; 1]).is_err(), "there is no answer");
}

#[test]
fn an_unknown_field_is_warned_of_unless_it_is_refused() {
    let sandbox = with_web(1);
    let patch = json!({"spec": {"replcas": 3}});
    let answer = send(sandbox.url(), "PATCH", WEB, MERGE, &patch);
    assert_eq!(answer.status, 200);
    assert!(
        answer.head.contains(r#"warning: 299 - "unknown field \"spec.replcas\"""#),
        "{}",
        answer.head
    );
    let web = deployment("other", "img:1", 1, &json!([]));
    let mut wrong = web.clone();
    wrong["spec"]["template"]["spec"]["containers"][0]["imag"] = "x".into();
    let path = "/apis/apps/v1/namespaces/shop/deployments?fieldValidation=Strict";
    let answer = send(sandbox.url(), "POST", path, "application/json", &wrong);
    assert_eq!(answer.status, 400);
    let message = answer.json()["message"].as_str().unwrap().to_owned();
    assert!(
        message.ends_with(
            "strict decoding error: unknown field \"spec.template.spec.containers[0].imag\""
        ),
        "{message}"
    );
}

#[test]
fn a_slow_rollout_takes_the_time_that_pods_take() {
    let sandbox = with_web(1);
    sandbox.set_pod_delay(Duration::from_millis(200));
    let start = Instant::now();
    let patch = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &patch).expect("the patch is taken");
    assert!(sandbox.wait_until(SOON, |view| rolled_out(view, 1)));
    assert!(start.elapsed() >= Duration::from_millis(200));
}

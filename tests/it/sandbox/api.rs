//! Owns the scenarios of the API itself: patches, dry-runs, permissions, selectors, watches.

use std::collections::BTreeMap;

use rollback::sandbox::Rule;
use serde_json::json;

use super::client::{Ask, ask, get, send};
use super::world::{MERGE, SOON, STRATEGIC, WEB, config_map, deployment, made, quick, with_web};

#[test]
fn a_patch_that_changes_nothing_keeps_the_resource_version() {
    let sandbox = with_web(1);
    let before = get(sandbox.url(), WEB).json();
    let change = json!({"spec": {"template": {"spec": {"containers": [
        {"name": "app", "env": [{"name": "MODE", "value": "fast"}]}]}}}});
    let after = send(sandbox.url(), "PATCH", WEB, STRATEGIC, &change).json();
    assert_eq!(before, after);
}

#[test]
fn a_dry_run_changes_nothing() {
    let sandbox = with_web(1);
    let before = sandbox.full_digest();
    let path = format!("{WEB}?dryRun=All");
    let change = json!({"spec": {"replicas": 5}});
    let answer = send(sandbox.url(), "PATCH", &path, MERGE, &change);
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
fn an_unknown_field_is_warned_of_unless_it_is_refused() {
    let sandbox = with_web(1);
    let change = json!({"spec": {"replcas": 3}});
    let answer = send(sandbox.url(), "PATCH", WEB, MERGE, &change);
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

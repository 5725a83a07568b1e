//! Owns the scenarios of things that go wrong.

use std::time::Duration;

use rollback::sandbox::View;
use serde_json::{Value, json};

use super::client::{get, send};
use super::world::{
    FLAGS, MERGE, SOON, STRATEGIC, WEB, condition, config_map, deployment, made, quick, rolled_out,
    waiting_reason, with_web,
};

#[test]
fn a_crashing_pod_says_why_and_holds_the_rollout_until_its_deadline() {
    let sandbox = with_web(2);
    let change = json!({"spec": {"progressDeadlineSeconds": 1, "template": {"spec": {"containers": [
        {"name": "app", "env": [{"name": "CRASH", "value": "true"}]}]}}}});
    assert_eq!(send(sandbox.url(), "PATCH", WEB, STRATEGIC, &change).status, 200);
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
    let change = json!({"spec": {"template": {"spec": {"containers": [{"name": "app", "image": "img:missing"}]}}}});
    assert_eq!(send(sandbox.url(), "PATCH", WEB, STRATEGIC, &change).status, 200);
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
    let change = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &change).expect("the patch is taken");
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
    let change = json!({"spec": {"template": {"metadata": {"annotations": {"run": "1"}}}}});
    sandbox.patch_merge("deployments", "shop", "web", &change).expect("the patch is taken");
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
fn an_owner_outside_the_cluster_puts_its_object_back() {
    let sandbox = quick();
    made(&sandbox, config_map("flags", &json!({"ONE": "true"})));
    let wanted = json!({"data": {"ONE": "true"}});
    sandbox
        .keep("argocd-controller", "configmaps", "shop", "flags", wanted, Duration::from_millis(10))
        .expect("somebody keeps it");
    let change = json!({"data": {"ONE": "false"}});
    let changed = send(sandbox.url(), "PATCH", FLAGS, MERGE, &change);
    assert_eq!(changed.json()["data"]["ONE"], "false");
    assert!(sandbox.wait_until(SOON, |view| {
        let flags = view.get("configmaps", "shop", "flags").unwrap();
        let fields = flags["metadata"]["managedFields"].as_array().unwrap();
        flags["data"]["ONE"] == "true"
            && fields.iter().any(|entry| entry["manager"] == "argocd-controller")
    }));
}

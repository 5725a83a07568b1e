//! Owns what the scenarios share: objects, sandboxes with something in them, and what they look for.

use std::time::Duration;

use rollback::sandbox::{Options, Sandbox, View};
use serde_json::{Value, json};

pub const SOON: Duration = Duration::from_secs(10);
pub const MERGE: &str = "application/merge-patch+json";
pub const STRATEGIC: &str = "application/strategic-merge-patch+json";
pub const JSON_PATCH: &str = "application/json-patch+json";
pub const WEB: &str = "/apis/apps/v1/namespaces/shop/deployments/web";
pub const FLAGS: &str = "/api/v1/namespaces/shop/configmaps/flags";

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

pub fn config_map(name: &str, data: &Value) -> Value {
    json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "shop"}, "data": data})
}

/// A sandbox whose pods start and end at once.
pub fn quick() -> Sandbox {
    let options = Options {
        pod_delay: Duration::ZERO,
        termination_delay: Duration::ZERO,
        ..Options::default()
    };
    Sandbox::start(options).expect("the sandbox starts")
}

pub fn made(sandbox: &Sandbox, object: Value) -> Value {
    sandbox.create(object).expect("the object is created")
}

/// A settled sandbox with the Deployment `web`.
pub fn with_web(replicas: u32) -> Sandbox {
    let sandbox = quick();
    made(
        &sandbox,
        deployment("web", "img:1", replicas, &json!([{"name": "MODE", "value": "fast"}])),
    );
    assert!(sandbox.settle());
    sandbox
}

pub fn rolled_out(view: &View, replicas: u64) -> bool {
    view.get("deployments", "shop", "web").is_some_and(|web| {
        let status = &web["status"];
        status["observedGeneration"] == web["metadata"]["generation"]
            && ["replicas", "updatedReplicas", "availableReplicas"]
                .iter()
                .all(|field| status[*field] == replicas)
    }) && view.list("pods", "shop").len() as u64 == replicas
}

pub fn condition<'a>(object: &'a Value, kind: &str) -> &'a Value {
    let mut all = object["status"]["conditions"].as_array().into_iter().flatten();
    all.find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

pub fn waiting_reason(pod: &Value) -> &str {
    pod["status"]["containerStatuses"][0]["state"]["waiting"]["reason"].as_str().unwrap_or_default()
}

pub fn number(object: &Value, field: &str) -> u64 {
    object["metadata"][field].as_str().unwrap_or_default().parse().expect("a number")
}

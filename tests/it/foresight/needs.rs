//! The rows of the table for what new pods need, and for those who may refuse them: accounts, limits,
//! policies, webhooks.

use serde_json::{Value, json};

use super::row::{Known, RESTART, Row, SET, UNDO, row};
use super::stage::{NAMESPACE, Stage};

const APPLY: &str =
    "      - { id: fault, name: Apply, apply: { ref: develop, paths: [deploy] } } # web\n";

/// `web` as it is, with more in its pods.
fn pods(with: &Value) -> Value {
    let mut spec = json!({"containers": [{"name": "app", "image": "app:1",
        "envFrom": [{"configMapRef": {"name": "flags"}}], "env": [{"name": "MODE", "value": "new"}]}]});
    for (key, value) in with.as_object().into_iter().flatten() {
        spec[key] = value.clone();
    }
    json!({"spec": {"template": {"spec": spec}}})
}

/// `web` reads a Secret.
fn with_secret(stage: &Stage) {
    stage.create(json!({"apiVersion": "v1", "kind": "Secret",
        "metadata": {"name": "keys", "namespace": NAMESPACE}, "stringData": {"key": "canary"}}));
    let from = json!([{"configMapRef": {"name": "flags"}}, {"secretRef": {"name": "keys"}}]);
    let containers = json!([{"name": "app", "image": "app:1", "envFrom": from}]);
    stage.patch("deployments", "web", &pods(&json!({"containers": containers})));
}

/// `web` reads one key of a Secret.
fn with_key(stage: &Stage) {
    with_secret(stage);
    let from = json!({"secretKeyRef": {"name": "keys", "key": "key"}});
    let containers = json!([{"name": "app", "image": "app:1",
        "envFrom": [{"configMapRef": {"name": "flags"}}],
        "env": [{"name": "MODE", "value": "new"}, {"name": "KEY", "valueFrom": from}]}]);
    stage.patch("deployments", "web", &pods(&json!({"containers": containers})));
}

/// `web` mounts a claim.
fn with_claim(stage: &Stage) {
    stage.create(json!({"apiVersion": "v1", "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data", "namespace": NAMESPACE},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}}));
    let volumes = json!([{"name": "data", "persistentVolumeClaim": {"claimName": "data"}}]);
    stage.patch("deployments", "web", &pods(&json!({"volumes": volumes})));
}

/// The namespace has limits from now on.
fn limited(stage: &Stage) {
    let limit = json!({"type": "Container", "max": {"cpu": "500m"}, "default": {"cpu": "2"}});
    stage.create(json!({"apiVersion": "v1", "kind": "LimitRange",
        "metadata": {"name": "small", "namespace": NAMESPACE}, "spec": {"limits": [limit]}}));
}

fn enforced(stage: &Stage) {
    let labels = json!({"pod-security.kubernetes.io/enforce": "restricted"});
    let patch = json!({"metadata": {"labels": labels}});
    stage.sandbox().patch_merge("namespaces", "", NAMESPACE, &patch).expect("patched");
}

fn refused(stage: &Stage, resource: &str) {
    let policy = "policy.example.com";
    stage
        .sandbox()
        .refuse(resource, "", Value::Null, policy, "changes are frozen until Monday")
        .expect("a resource");
}

fn manifest(stage: &Stage, secret: &str) {
    let text = format!(
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {{ name: web }}\nspec:\n  replicas: 3\n  \
         selector: {{ matchLabels: {{ app: web }} }}\n  template:\n    metadata: {{ labels: {{ app: web \
         }} }}\n    spec:\n      containers:\n        - {{ name: app, image: \"app:0\", envFrom: [{{ \
         secretRef: {{ name: keys }} }}] }}\n{secret}"
    );
    stage.remote().elsewhere("develop", "deploy/web.yaml", &text, "Manifests");
}

const SECRET: &str =
    "---\napiVersion: v1\nkind: Secret\nmetadata: { name: keys }\nstringData: { key: canary }\n";

pub fn rows() -> Vec<Row> {
    let mut rows = needed();
    rows.extend(admitted());
    rows
}

fn needed() -> Vec<Row> {
    use Known::{Blocked, CannotBeChecked, Nothing, Warned};
    vec![
        row("restart", "its pods read a Secret", RESTART, Nothing, with_secret),
        row("restart", "a Secret of its pods is gone", RESTART, Blocked, |stage| {
            with_secret(stage);
            stage.delete("secrets", "keys");
        }),
        row("restart", "its pods read a key of a Secret", RESTART, Nothing, with_key),
        row("restart", "the key of the Secret was renamed", RESTART, Blocked, |stage| {
            with_key(stage);
            let renamed = json!({"data": {"key": null, "token": "Y2FuYXJ5"}});
            stage.patch("secrets", "keys", &renamed);
        }),
        row("restart", "nobody noted the keys of the Secret", RESTART, CannotBeChecked, |stage| {
            with_key(stage);
            stage.patch("secrets", "keys", &json!({"metadata": {"managedFields": [{}]}}));
        }),
        row("restart", "no permission to get the Secret", RESTART, CannotBeChecked, |stage| {
            with_secret(stage);
            stage.deny("get", "secrets");
        }),
        row("restart", "a claim of its pods is gone", RESTART, Blocked, |stage| {
            with_claim(stage);
            stage.delete("persistentvolumeclaims", "data");
        }),
        row("restart", "the account of its pods is gone", RESTART, Blocked, |stage| {
            stage.create(json!({"apiVersion": "v1", "kind": "ServiceAccount",
                "metadata": {"name": "robot", "namespace": NAMESPACE}}));
            stage.patch("deployments", "web", &pods(&json!({"serviceAccountName": "robot"})));
            stage.delete("serviceaccounts", "robot");
        }),
        row("restart", "the login of its registry is gone", RESTART, Warned, |stage| {
            let login = json!([{"name": "registry"}]);
            stage.patch("deployments", "web", &pods(&json!({"imagePullSecrets": login})));
        }),
        row("rollout_undo", "a Secret of the earlier pods is gone", UNDO, Blocked, |stage| {
            with_secret(stage);
            stage.patch("deployments", "web", &pods(&json!({})));
            let image = json!([{"name": "app", "image": "app:2"}]);
            stage.patch(
                "deployments",
                "web",
                &json!({"spec": {"template": {"spec": {"containers": image}}}}),
            );
            stage.delete("secrets", "keys");
            stage.sandbox().delete("replicasets", NAMESPACE, &middle(stage)).expect("deleted");
        }),
        row("apply", "a Secret of the manifest is gone", APPLY, Blocked, |stage| {
            manifest(stage, "");
        }),
        row("apply", "it brings the Secret along", APPLY, Nothing, |stage| {
            manifest(stage, SECRET);
        }),
        row("apply", "the server of another group is down", APPLY, Nothing, |stage| {
            manifest(stage, SECRET);
            stage.sandbox().lose_group("metrics.k8s.io", "v1beta1");
        }),
        row("restart", "the server of another group is down", RESTART, Nothing, |stage| {
            stage.sandbox().lose_group("metrics.k8s.io", "v1beta1");
        }),
    ]
}

/// The ReplicaSet that is neither the first nor the last.
fn middle(stage: &Stage) -> String {
    let mut sets = stage.sandbox().list("replicasets", NAMESPACE);
    let number = |set: &Value| {
        let text = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
        text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    sets.retain(|set| {
        let env = &set["spec"]["template"]["spec"]["containers"][0];
        env["image"] == "app:1" && env["envFrom"][1].is_null()
    });
    sets.sort_by_key(number);
    let last = sets.last().expect("a ReplicaSet");
    last["metadata"]["name"].as_str().expect("a name").to_owned()
}

fn admitted() -> Vec<Row> {
    use Known::Blocked;
    vec![
        row("restart", "the limits of the namespace are smaller", RESTART, Blocked, limited),
        row("restart", "the namespace enforces pod security", RESTART, Blocked, enforced),
        row("restart", "a policy refuses new pods", RESTART, Blocked, |stage| {
            refused(stage, "pods");
        }),
        row("restart", "a webhook refuses the change", RESTART, Blocked, |stage| {
            refused(stage, "deployments");
        }),
        row("set_flags", "a webhook refuses the change", SET, Blocked, |stage| {
            refused(stage, "configmaps");
        }),
        row("set_flags", "a webhook that must be asked is down", SET, Blocked, |stage| {
            stage.sandbox().lose_hook("configmaps", "policy.example.com").expect("a resource");
        }),
        row("apply", "the limits refuse the manifest's pods", APPLY, Blocked, |stage| {
            manifest(stage, SECRET);
            limited(stage);
        }),
    ]
}

//! The rows of the table whose fault is in the cluster.

use serde_json::json;

use super::row::{Known, Row, SET, quota, row};
use super::stage::Stage;

pub const SET_THEN_RESTART: &str = "      - { id: first, name: Set, set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } } }\n      - { id: fault, name: Restart, restart: [deployment/web] }\n";
const ENV: &str = "      - { id: fault, name: Env, set_flags: { workload: deployment/web, flags: { MODE: old } } }\n";
const RESTART: &str = "      - { id: fault, name: Restart, restart: [deployment/web] }\n      - { id: later, name: Wait, wait: { duration: 1ms } }\n";
const RESTART_DB: &str = "      - { id: fault, name: Restart, restart: [statefulset/db] }\n";
const RESTART_AGENT: &str = "      - { id: fault, name: Restart, restart: [daemonset/agent] }\n";
const WAIT: &str =
    "      - { id: fault, name: Wait, timeout: 1s, wait: { rollout: [deployment/web] } }\n";

/// Fewer pods than there are.
fn shrunk(stage: &Stage) {
    let pods = stage.sandbox().list("pods", super::stage::NAMESPACE).len() - 1;
    stage.create(json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "fewer", "namespace": super::stage::NAMESPACE},
        "spec": {"hard": {"pods": pods.to_string()}}}));
}

#[expect(clippy::too_many_lines, reason = "a table")]
pub fn rows() -> Vec<Row> {
    use Known::{Blocked, CannotBeChecked, Nothing};
    vec![
        row("set_flags", "all is well", SET_THEN_RESTART, Nothing, |_| {}),
        row("set_flags", "the ConfigMap is gone", SET, Blocked, |stage| {
            stage.delete("configmaps", "flags");
        }),
        row(
            "set_flags",
            "the ConfigMap is misspelt",
            "      - { id: fault, name: Set, set_flags: { configmap: flag, flags: { NEW_CODE: \"false\" } } }\n",
            Blocked,
            |_| {},
        ),
        row(
            "set_flags",
            "the key is misspelt",
            "      - { id: fault, name: Set, set_flags: { configmap: flags, flags: { NEW_COD: \"false\" } } }\n",
            Blocked,
            |_| {},
        ),
        row("set_flags", "the ConfigMap is immutable", SET, Blocked, |stage| {
            stage.patch("configmaps", "flags", &json!({"immutable": true}));
        }),
        row("set_flags", "the key is binary", SET, Blocked, |stage| {
            let patch = json!({"data": {"NEW_CODE": null}, "binaryData": {"NEW_CODE": "AAAA"}});
            stage.patch("configmaps", "flags", &patch);
        }),
        row("set_flags", "no permission to patch", SET, Blocked, |stage| {
            stage.deny("patch", "configmaps");
        }),
        row("set_flags", "no permission to get", SET, CannotBeChecked, |stage| {
            stage.deny("get", "configmaps");
        }),
        row("set_flags", "the API server is down", SET, CannotBeChecked, |stage| {
            stage.sandbox().set_unavailable(true);
        }),
        row("set_flags env", "all is well", ENV, Nothing, |_| {}),
        row("set_flags env", "the workload is gone", ENV, Blocked, |stage| {
            stage.delete("deployments", "web");
        }),
        row(
            "set_flags env",
            "the container is misspelt",
            "      - { id: fault, name: Env, set_flags: { workload: deployment/web, container: ap, flags: { MODE: old } } }\n",
            Blocked,
            |_| {},
        ),
        row("set_flags env", "two containers, none is named", ENV, Blocked, |stage| {
            let containers =
                json!([{"name": "app", "image": "app:1"}, {"name": "two", "image": "b:1"}]);
            let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
            stage.patch("deployments", "web", &patch);
        }),
        row(
            "set_flags env",
            "it comes from a ConfigMap",
            "      - { id: fault, name: Env, set_flags: { workload: deployment/web, flags: { NEW_CODE: \"false\" } } }\n",
            Blocked,
            |_| {},
        ),
        row("set_flags env", "the workload is paused", ENV, Blocked, |stage| {
            stage.patch("deployments", "web", &json!({"spec": {"paused": true}}));
        }),
        row("set_flags env", "no permission to patch", ENV, Blocked, |stage| {
            stage.deny("patch", "deployments");
        }),
        row("set_flags env", "the quota has no room", ENV, Blocked, quota),
        row("restart", "all is well", RESTART, Nothing, |_| {}),
        row("restart", "the Deployment is gone", RESTART, Blocked, |stage| {
            stage.delete("deployments", "web");
        }),
        row("restart", "the StatefulSet is gone", RESTART_DB, Blocked, |stage| {
            stage.delete("statefulsets", "db");
        }),
        row("restart", "the DaemonSet is gone", RESTART_AGENT, Blocked, |stage| {
            stage.delete("daemonsets", "agent");
        }),
        row("restart", "the Deployment is paused", RESTART, Blocked, |stage| {
            stage.patch("deployments", "web", &json!({"spec": {"paused": true}}));
        }),
        row("restart", "the StatefulSet has a partition", RESTART_DB, Blocked, |stage| {
            let patch = json!({"spec": {"updateStrategy": {"rollingUpdate": {"partition": 1}}}});
            stage.patch("statefulsets", "db", &patch);
        }),
        row("restart", "the DaemonSet is OnDelete", RESTART_AGENT, Blocked, |stage| {
            let patch =
                json!({"spec": {"updateStrategy": {"type": "OnDelete", "rollingUpdate": null}}});
            stage.patch("daemonsets", "agent", &patch);
        }),
        row("restart", "the quota has no room", RESTART, Blocked, quota),
        row("restart", "the quota of a StatefulSet shrank", RESTART_DB, Blocked, shrunk),
        row("restart", "the quota of a DaemonSet shrank", RESTART_AGENT, Blocked, shrunk),
        row("restart", "a literal overrides the flag", SET_THEN_RESTART, Blocked, |stage| {
            let env = json!([{"name": "NEW_CODE", "value": "true"}]);
            let containers = json!([{"name": "app", "image": "app:1", "env": env,
                "envFrom": [{"configMapRef": {"name": "flags"}}]}]);
            let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
            stage.patch("deployments", "web", &patch);
        }),
        row(
            "restart",
            "a later ConfigMap overrides the flag",
            SET_THEN_RESTART,
            Blocked,
            |stage| {
                stage.create(json!({"apiVersion": "v1", "kind": "ConfigMap",
                "metadata": {"name": "more", "namespace": super::stage::NAMESPACE},
                "data": {"NEW_CODE": "true"}}));
                let containers = json!([{"name": "app", "image": "app:1", "envFrom": [
                {"configMapRef": {"name": "flags"}}, {"configMapRef": {"name": "more"}}]}]);
                let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
                stage.patch("deployments", "web", &patch);
            },
        ),
        row("restart", "a ConfigMap of its pods is gone", RESTART, Blocked, |stage| {
            stage.delete("configmaps", "flags");
        }),
        row("restart", "a key that its pods need is gone", RESTART, Blocked, |stage| {
            let from = json!({"configMapKeyRef": {"name": "flags", "key": "OTHER"}});
            let containers = json!([{"name": "app", "image": "app:1",
                "env": [{"name": "OTHER", "valueFrom": from}]}]);
            let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
            stage.patch("deployments", "web", &patch);
            stage.patch("configmaps", "flags", &json!({"data": {"OTHER": null}}));
        }),
        row("restart", "no permission to patch", RESTART_DB, Blocked, |stage| {
            stage.deny("patch", "statefulsets");
        }),
        row("restart", "no permission to list pods", RESTART, CannotBeChecked, |stage| {
            stage.deny("list", "pods");
        }),
        row("restart", "the API server is down", RESTART, CannotBeChecked, |stage| {
            stage.sandbox().set_unavailable(true);
        }),
        row("wait", "all is well", WAIT, Nothing, |_| {}),
        row("wait", "the workload is gone", WAIT, Blocked, |stage| {
            stage.delete("deployments", "web");
        }),
        row("wait", "it is scaled to zero", WAIT, CannotBeChecked, |stage| {
            stage.patch("deployments", "web", &json!({"spec": {"replicas": 0}}));
        }),
    ]
}

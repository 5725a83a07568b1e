//! The rows of the table for earlier templates, manifests, pushes and numbers, and for what the
//! survey can only warn of.

use serde_json::{Value, json};

use super::super::forge::remote::executable;
use super::row::{Known, RESTART, RESTORE, Row, SET, UNDO, quota, row};
use super::stage::Stage;

const APPLY: &str =
    "      - { id: fault, name: Apply, apply: { ref: develop, paths: [deploy] } } # flags\n";
const SHALLOW: &str = "      - { id: fault, name: Revert, revert_commits: { branch: feat/migration, commits: [\"@BROKEN\"], repository: \"file://@DIR/shallow.git\" } }\n";
const BRANCH: &str = "      - { id: fault, name: Branch, rollback_branch: { branch: back, on: feat/migration, commit: \"@BROKEN\" } }\n";
const METRIC: &str = "      - { id: fault, name: Ask, timeout: 300ms, metric: { url: \"@URL\", query: \"sum(rate(errors[1m]))\", below: 0.05 } }\n";
const SET_THEN_RESTART_AGENT: &str = "      - { id: first, name: Set, set_flags: { configmap: flags, flags: { OTHER: \"false\" } } }\n      - { id: fault, name: Restart, restart: [deployment/web] }\n";

/// The only container, changed.
fn container(with: &Value) -> Value {
    let mut container = json!({"name": "app", "image": "app:1",
        "envFrom": [{"configMapRef": {"name": "flags"}}], "env": [{"name": "MODE", "value": "new"}]});
    for (key, value) in with.as_object().into_iter().flatten() {
        container[key] = value.clone();
    }
    json!({"spec": {"template": {"spec": {"containers": [container]}}}})
}

/// `web` has been rolled out with another image since.
fn released(stage: &Stage) {
    stage.patch("deployments", "web", &container(&json!({"image": "app:2"})));
}

/// The manifests of branch `develop`.
fn manifests(stage: &Stage, text: &str) {
    stage.remote().elsewhere("develop", "deploy/flags.yaml", text, "Manifests");
}

const GOOD: &str =
    "apiVersion: v1\nkind: ConfigMap\nmetadata: { name: flags }\ndata: { NEW_CODE: \"false\" }\n";

pub fn rows() -> Vec<Row> {
    let mut rows = templates();
    rows.extend(manifests_and_pushes());
    rows.extend(numbers());
    rows.extend(warned());
    rows
}

fn templates() -> Vec<Row> {
    use Known::{Blocked, CannotBeChecked, Nothing};
    vec![
        row("rollout_undo", "all is well", UNDO, Nothing, released),
        row("rollout_undo", "there is no earlier template", UNDO, Blocked, |_| {}),
        row("rollout_undo", "the workload is gone", UNDO, Blocked, |stage| {
            stage.delete("deployments", "web");
        }),
        row("rollout_undo", "the workload is paused", UNDO, Blocked, |stage| {
            released(stage);
            stage.patch("deployments", "web", &json!({"spec": {"paused": true}}));
        }),
        row("rollout_undo", "no permission to patch", UNDO, Blocked, |stage| {
            released(stage);
            stage.deny("patch", "deployments");
        }),
        row("rollout_undo", "no permission to list ReplicaSets", UNDO, CannotBeChecked, |stage| {
            released(stage);
            stage.deny("list", "replicasets");
        }),
        row("rollout_undo", "the quota has no room", UNDO, Blocked, |stage| {
            released(stage);
            quota(stage);
        }),
    ]
}

fn manifests_and_pushes() -> Vec<Row> {
    use Known::{Blocked, Nothing, Warned};
    vec![
        row("apply", "all is well", APPLY, Nothing, |stage| manifests(stage, GOOD)),
        row(
            "apply",
            "the ref is gone",
            "      - { id: fault, name: Apply, apply: { ref: develo, paths: [deploy] } }\n",
            Blocked,
            |stage| manifests(stage, GOOD),
        ),
        row("apply", "the path is not there", APPLY, Blocked, |_| {}),
        row("apply", "the manifest is refused", APPLY, Blocked, |stage| {
            manifests(stage, &GOOD.replace("\"false\"", "false"));
        }),
        row("apply", "the ConfigMap is immutable", APPLY, Blocked, |stage| {
            manifests(stage, GOOD);
            stage.patch("configmaps", "flags", &json!({"immutable": true}));
        }),
        row("apply", "no permission to patch", APPLY, Blocked, |stage| {
            manifests(stage, GOOD);
            stage.deny("patch", "configmaps");
        }),
        row("restore_files", "a rule of the branch refuses the push", RESTORE, Warned, |stage| {
            stage.remote().protect("feat/migration");
        }),
        row("restore_files", "a hook refuses every push", RESTORE, Warned, |stage| {
            stage.remote().hook("pre-receive", "echo 'the repository is archived' >&2; exit 1");
        }),
        row("revert_commits", "the repository is a shallow clone", SHALLOW, Blocked, |stage| {
            let to = stage.dir.path().join("shallow.git").display().to_string();
            let from = format!("file://{}", stage.remote().url());
            let args = ["clone", "-q", "--bare", "--depth", "1", "--no-single-branch", &from, &to];
            stage.remote().run(stage.dir.path(), &args);
        }),
        row("rollback_branch", "the branch is ahead on the remote", BRANCH, Blocked, |stage| {
            stage.remote().bare(&["branch", "back", "feat/migration"]);
            stage.remote().elsewhere("back", "more.txt", "more", "On top of it");
        }),
        row(
            "command",
            "a script that cannot be executed",
            "      - { id: fault, name: Run, command: [\"@DIR/deploy.sh\"] }\n",
            Blocked,
            |stage| {
                use std::os::unix::fs::PermissionsExt as _;
                let path = stage.dir.path().join("deploy.sh");
                executable(&path, "exit 0");
                let nobody = std::fs::Permissions::from_mode(0o644);
                std::fs::set_permissions(&path, nobody).expect("changed");
            },
        ),
    ]
}

fn number(value: &str) -> String {
    let now = std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .expect("a time")
        .as_secs_f64();
    let series = if value.is_empty() {
        String::new()
    } else {
        format!(r#"{{"metric":{{}},"value":[{now},"{value}"]}}"#)
    };
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#)
}

fn numbers() -> Vec<Row> {
    use Known::{CannotBeChecked, Nothing};
    vec![
        row("metric", "all is well", METRIC, Nothing, |stage| {
            stage.endpoint.answers(|_| (200, number("0.01")));
        }),
        row("metric", "it has no data", METRIC, CannotBeChecked, |stage| {
            stage.endpoint.answers(|_| (200, number("")));
        }),
        row("metric", "it is NaN", METRIC, CannotBeChecked, |stage| {
            stage.endpoint.answers(|_| (200, number("NaN")));
        }),
        row("metric", "Prometheus is down", METRIC, CannotBeChecked, |stage| {
            stage.endpoint.answers(|_| (503, String::new()));
        }),
    ]
}

fn warned() -> Vec<Row> {
    use Known::Warned;
    vec![
        row("restart", "nothing reads the flag", SET_THEN_RESTART_AGENT, Warned, |stage| {
            let alone = json!({"envFrom": null, "env": [{"name": "MODE", "value": "new"}]});
            stage.patch("deployments", "web", &container(&alone));
        }),
        row("restart", "it is scaled to zero", RESTART, Warned, |stage| {
            stage.patch("deployments", "web", &json!({"spec": {"replicas": 0}}));
        }),
        row("set_flags", "Argo CD owns the ConfigMap", SET, Warned, |stage| {
            let labels = json!({"argocd.argoproj.io/instance": "shop"});
            stage.patch("configmaps", "flags", &json!({"metadata": {"labels": labels}}));
        }),
        row("set_flags", "a controller of its own keeps it", SET, Warned, |stage| {
            let owner = json!([{"apiVersion": "example.com/v1", "kind": "Shop", "name": "main",
                "uid": "7c1b6d0e-0000-4000-8000-000000000000", "controller": true}]);
            stage.patch("configmaps", "flags", &json!({"metadata": {"ownerReferences": owner}}));
        }),
    ]
}

//! The rows of the table for snapshots that are put back, and for what a person looks at.

use serde_json::json;

use super::row::{Known, Row, quota, row};
use super::stage::Stage;

const RESTORE: &str = "      - { id: fault, name: Restore, restore_snapshot: \"@SNAP\" } # web\n";
const NOWHERE: &str =
    "      - { id: fault, name: Restore, restore_snapshot: of-another-day } # @SNAP web\n";
const MANUAL: &str =
    "      - { id: fault, name: Look, manual: \"Is the shop's page as it should be?\" }\n";

/// After the snapshot, the flag and the image were changed.
fn migrated(stage: &Stage) {
    stage.snapshot(|_| {});
    migrate(stage);
}

fn migrate(stage: &Stage) {
    stage.patch("configmaps", "flags", &json!({"data": {"NEW_CODE": "other"}}));
    let containers = json!([{"name": "app", "image": "app:2",
        "envFrom": [{"configMapRef": {"name": "flags"}}]}]);
    let patch = json!({"spec": {"template": {"spec": {"containers": containers}}}});
    stage.patch("deployments", "web", &patch);
}

pub fn rows() -> Vec<Row> {
    use Known::{Blocked, CannotBeChecked, Nothing, Warned};
    vec![
        row("restore_snapshot", "all is well", RESTORE, Nothing, migrated),
        row("restore_snapshot", "there is no snapshot", NOWHERE, Blocked, migrate),
        row("restore_snapshot", "the snapshot is damaged", RESTORE, Blocked, |stage| {
            let path = stage.snapshot(|_| {});
            migrate(stage);
            let text = std::fs::read_to_string(&path).expect("text").replace("app:1", "app:9");
            std::fs::write(path, text).expect("written");
        }),
        row("restore_snapshot", "it is of another cluster", RESTORE, Blocked, |stage| {
            stage.snapshot(|snapshot| "another".clone_into(&mut snapshot.cluster));
            migrate(stage);
        }),
        row("restore_snapshot", "the ConfigMap is gone", RESTORE, Blocked, |stage| {
            migrated(stage);
            stage.delete("configmaps", "flags");
        }),
        row("restore_snapshot", "the ConfigMap is immutable", RESTORE, Blocked, |stage| {
            migrated(stage);
            stage.patch("configmaps", "flags", &json!({"immutable": true}));
        }),
        row("restore_snapshot", "the workload is gone", RESTORE, Blocked, |stage| {
            migrated(stage);
            stage.delete("deployments", "web");
        }),
        row("restore_snapshot", "the workload is paused", RESTORE, Blocked, |stage| {
            migrated(stage);
            stage.patch("deployments", "web", &json!({"spec": {"paused": true}}));
        }),
        row("restore_snapshot", "no permission to patch", RESTORE, Blocked, |stage| {
            migrated(stage);
            stage.deny("patch", "deployments");
        }),
        row("restore_snapshot", "no permission to get", RESTORE, CannotBeChecked, |stage| {
            migrated(stage);
            stage.deny("get", "configmaps");
        }),
        row("restore_snapshot", "a Secret of its pods is gone", RESTORE, Blocked, |stage| {
            let keys = json!([{"secretRef": {"name": "keys"}}]);
            stage.snapshot(|snapshot| {
                let template = snapshot.workloads.get_mut("deployment/web").expect("there");
                template["spec"]["containers"][0]["envFrom"] = keys;
            });
            migrate(stage);
        }),
        row("restore_snapshot", "the quota has no room", RESTORE, Blocked, |stage| {
            migrated(stage);
            quota(stage);
        }),
        row("manual", "a person says that it is so", MANUAL, Nothing, |stage| {
            stage.answer("fault", true);
        }),
        row("manual", "a person says that it is not so", MANUAL, Warned, |stage| {
            stage.answer("fault", false);
        }),
    ]
}

//! A row of the table: a fault, the steps that meet it, and what the survey is expected to know.

use serde_json::json;

use super::stage::{NAMESPACE, Stage};

pub const SET: &str = "      - { id: fault, name: Set, set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } } }\n";
pub const RESTART: &str = "      - { id: fault, name: Restart, restart: [deployment/web] }\n";
pub const UNDO: &str =
    "      - { id: fault, name: Undo, rollout_undo: { workload: deployment/web } }\n";
pub const RESTORE: &str = "      - { id: fault, name: Restore, restore_files: { branch: feat/migration, from: develop, paths: [app/dispatcher.py], message: \"rollback: it\" } }\n";

/// What the survey is expected to know.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Known {
    /// The step is named as blocked, and running it fails there.
    Blocked,
    /// The step is named as one that cannot be checked.
    CannotBeChecked,
    /// No step is named as blocked, and the plan says in a word what may come.
    Warned,
    /// Nothing is wrong: no step is named, and all of them work.
    Nothing,
}

/// A row of the table.
#[derive(Clone)]
pub struct Row {
    pub kind: &'static str,
    pub name: &'static str,
    /// The steps of a method; the one that is at fault has the id `fault`.
    pub steps: &'static str,
    /// Makes the world as it should not be.
    pub spoil: fn(&Stage),
    pub known: Known,
}

pub fn row(
    kind: &'static str,
    name: &'static str,
    steps: &'static str,
    known: Known,
    spoil: fn(&Stage),
) -> Row {
    Row { kind, name, steps, spoil, known }
}

/// As many pods may be as there are of `web`, and no more.
pub fn quota(stage: &Stage) {
    stage.create(json!({"apiVersion": "v1", "kind": "ResourceQuota",
        "metadata": {"name": "few", "namespace": NAMESPACE}, "spec": {"hard": {"pods": "3"}}}));
}

//! Owns the tables that `kubectl get` asks for.

use std::sync::Arc;

use serde_json::{Value, json};

use super::clock;
use super::kinds::Kind;
use super::workload::{number, terminating, text};

/// A column: its name, and 1 if only `-o wide` shows it.
type Column = (&'static str, u8);

/// The table of these objects.
pub(super) fn table(kind: &Kind, items: &[Arc<Value>]) -> Value {
    let columns: Vec<Value> = columns(kind)
        .iter()
        .map(|(name, priority)| {
            let integer =
                matches!(*name, "Desired" | "Current" | "Up-to-date" | "Available" | "Data")
                    || (*name == "Ready" && matches!(kind.kind, "ReplicaSet" | "DaemonSet"));
            json!({
                "name": name, "type": if integer { "integer" } else { "string" },
                "format": if *name == "Name" { "name" } else { "" },
                "description": format!("{name} of the {}", kind.singular), "priority": priority,
            })
        })
        .collect();
    let rows: Vec<Value> = items
        .iter()
        .map(|item| {
            json!({"cells": cells(kind, item), "object": {
                "kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": item["metadata"],
            }})
        })
        .collect();
    json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {}, "columnDefinitions": columns, "rows": rows})
}

fn columns(kind: &Kind) -> &'static [Column] {
    match kind.kind {
        "Pod" => &[
            ("Name", 0),
            ("Ready", 0),
            ("Status", 0),
            ("Restarts", 0),
            ("Age", 0),
            ("IP", 1),
            ("Node", 1),
            ("Nominated Node", 1),
            ("Readiness Gates", 1),
        ],
        "Deployment" => &[
            ("Name", 0),
            ("Ready", 0),
            ("Up-to-date", 0),
            ("Available", 0),
            ("Age", 0),
            ("Containers", 1),
            ("Images", 1),
            ("Selector", 1),
        ],
        "ReplicaSet" => &[("Name", 0), ("Desired", 0), ("Current", 0), ("Ready", 0), ("Age", 0)],
        "StatefulSet" => &[("Name", 0), ("Ready", 0), ("Age", 0)],
        "DaemonSet" => &[
            ("Name", 0),
            ("Desired", 0),
            ("Current", 0),
            ("Ready", 0),
            ("Up-to-date", 0),
            ("Available", 0),
            ("Node Selector", 0),
            ("Age", 0),
        ],
        "ConfigMap" => &[("Name", 0), ("Data", 0), ("Age", 0)],
        "Secret" => &[("Name", 0), ("Type", 0), ("Data", 0), ("Age", 0)],
        "Namespace" => &[("Name", 0), ("Status", 0), ("Age", 0)],
        "Lease" => &[("Name", 0), ("Holder", 0), ("Age", 0)],
        "Event" => &[("Last Seen", 0), ("Type", 0), ("Reason", 0), ("Object", 0), ("Message", 0)],
        _ => &[("Name", 0), ("Age", 0)],
    }
}

fn cells(kind: &Kind, item: &Value) -> Value {
    let name = text(item, "/metadata/name");
    let age = clock::age(text(item, "/metadata/creationTimestamp"));
    let entries = |part: &str| item[part].as_object().map_or(0, serde_json::Map::len);
    let ratio =
        |all: &str| format!("{}/{}", number(item, "/status/readyReplicas"), number(item, all));
    match kind.kind {
        "Pod" => pod_cells(item, &age),
        "Deployment" => {
            let containers = item["spec"]["template"]["spec"]["containers"]
                .as_array()
                .map_or(&[][..], Vec::as_slice);
            let joined = |field: &str| {
                let each: Vec<&str> =
                    containers.iter().filter_map(|container| container[field].as_str()).collect();
                each.join(",")
            };
            let labels: Vec<String> = item["spec"]["selector"]["matchLabels"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default()))
                .collect();
            json!([
                name,
                ratio("/spec/replicas"),
                number(item, "/status/updatedReplicas"),
                number(item, "/status/availableReplicas"),
                age,
                joined("name"),
                joined("image"),
                labels.join(","),
            ])
        }
        "ReplicaSet" => json!([
            name,
            number(item, "/spec/replicas"),
            number(item, "/status/replicas"),
            number(item, "/status/readyReplicas"),
            age,
        ]),
        "StatefulSet" => json!([name, ratio("/spec/replicas"), age]),
        "DaemonSet" => json!([
            name,
            number(item, "/status/desiredNumberScheduled"),
            number(item, "/status/currentNumberScheduled"),
            number(item, "/status/numberReady"),
            number(item, "/status/updatedNumberScheduled"),
            number(item, "/status/numberAvailable"),
            "<none>",
            age,
        ]),
        "ConfigMap" => json!([name, entries("data") + entries("binaryData"), age]),
        "Secret" => json!([name, text(item, "/type"), entries("data"), age]),
        "Namespace" => json!([name, text(item, "/status/phase"), age]),
        "Lease" => json!([name, text(item, "/spec/holderIdentity"), age]),
        "Event" => json!([
            clock::age(text(item, "/lastTimestamp")),
            text(item, "/type"),
            text(item, "/reason"),
            format!(
                "{}/{}",
                text(item, "/involvedObject/kind").to_lowercase(),
                text(item, "/involvedObject/name")
            ),
            text(item, "/message").trim(),
        ]),
        _ => json!([name, age]),
    }
}

fn pod_cells(pod: &Value, age: &str) -> Value {
    let statuses = pod["status"]["containerStatuses"].as_array();
    let statuses = statuses.map_or(&[][..], Vec::as_slice);
    let ready = statuses.iter().filter(|status| status["ready"] == true).count();
    let all = pod["spec"]["containers"].as_array().map_or(0, Vec::len);
    let restarts: i64 = statuses.iter().map(|status| number(status, "/restartCount")).sum();
    let or_none = |pointer: &str| match text(pod, pointer) {
        "" => "<none>".to_owned(),
        found => found.to_owned(),
    };
    json!([
        text(pod, "/metadata/name"),
        format!("{ready}/{all}"),
        pod_status(pod),
        restarts.to_string(),
        age,
        or_none("/status/podIP"),
        or_none("/spec/nodeName"),
        "<none>",
        "<none>",
    ])
}

/// The one word for a pod's state: the reason of the container that waits or ended, or the phase.
fn pod_status(pod: &Value) -> String {
    if terminating(pod) {
        return "Terminating".to_owned();
    }
    let statuses = pod["status"]["containerStatuses"].as_array().into_iter().flatten();
    for status in statuses {
        for state in ["waiting", "terminated"] {
            if let Some(reason) = status["state"][state]["reason"].as_str() {
                return reason.to_owned();
            }
        }
    }
    text(pod, "/status/phase").to_owned()
}

//! Owns the defaults that the API server writes into objects that leave them out.

use serde_json::{Map, Value, json};

/// Where a `DaemonSet` notes how often its template changed.
pub(super) const TEMPLATE_GENERATION: &str = "deprecated.daemonset.template.generation";

/// Counts the templates of a `DaemonSet`: one that comes back has a number of its own.
pub(super) fn count_template(object: &mut Value, before: Option<&Value>) {
    let noted = |object: &Value| {
        let text = object["metadata"]["annotations"][TEMPLATE_GENERATION].as_str();
        text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
    };
    let number = match before {
        Some(before) if before["spec"]["template"] == object["spec"]["template"] => noted(before),
        Some(before) => noted(before) + 1,
        None => 1,
    };
    let annotations = entry(entry(object, "metadata"), "annotations");
    annotations[TEMPLATE_GENERATION] = number.to_string().into();
}

/// Fills in what an object of this kind leaves out.
pub(super) fn apply(kind: &str, object: &mut Value) {
    match kind {
        "Deployment" => {
            let spec = entry(object, "spec");
            set(spec, "replicas", 1);
            let strategy = entry(spec, "strategy");
            set(strategy, "type", "RollingUpdate");
            if strategy["type"] == "RollingUpdate" {
                let rolling = entry(strategy, "rollingUpdate");
                set(rolling, "maxUnavailable", "25%");
                set(rolling, "maxSurge", "25%");
            }
            set(spec, "revisionHistoryLimit", 10);
            set(spec, "progressDeadlineSeconds", 600);
            template(spec);
            entry(object, "status");
        }
        "ReplicaSet" => {
            set(entry(object, "spec"), "replicas", 1);
            template(&mut object["spec"]);
            set(entry(object, "status"), "replicas", 0);
        }
        "StatefulSet" => {
            let spec = entry(object, "spec");
            set(spec, "replicas", 1);
            set(spec, "serviceName", "");
            set(spec, "podManagementPolicy", "OrderedReady");
            let strategy = entry(spec, "updateStrategy");
            set(strategy, "type", "RollingUpdate");
            if strategy["type"] == "RollingUpdate" {
                set(entry(strategy, "rollingUpdate"), "partition", 0);
            }
            set(spec, "revisionHistoryLimit", 10);
            let retention = entry(spec, "persistentVolumeClaimRetentionPolicy");
            set(retention, "whenDeleted", "Retain");
            set(retention, "whenScaled", "Retain");
            template(spec);
            let status = entry(object, "status");
            set(status, "replicas", 0);
            set(status, "availableReplicas", 0);
        }
        "DaemonSet" => {
            let spec = entry(object, "spec");
            let strategy = entry(spec, "updateStrategy");
            set(strategy, "type", "RollingUpdate");
            if strategy["type"] == "RollingUpdate" {
                let rolling = entry(strategy, "rollingUpdate");
                set(rolling, "maxUnavailable", 1);
                set(rolling, "maxSurge", 0);
            }
            set(spec, "revisionHistoryLimit", 10);
            template(spec);
            let status = entry(object, "status");
            for field in [
                "currentNumberScheduled",
                "numberMisscheduled",
                "desiredNumberScheduled",
                "numberReady",
            ] {
                set(status, field, 0);
            }
        }
        "Pod" => pod(object),
        "Namespace" => {
            let name = object["metadata"]["name"].clone();
            set(entry(entry(object, "metadata"), "labels"), "kubernetes.io/metadata.name", name);
            set(entry(object, "spec"), "finalizers", json!(["kubernetes"]));
            set(entry(object, "status"), "phase", "Active");
        }
        "Secret" => secret(object),
        "PersistentVolumeClaim" => {
            set(entry(object, "spec"), "volumeMode", "Filesystem");
            set(entry(object, "status"), "phase", "Pending");
        }
        "ResourceQuota" => {
            entry(object, "spec");
            entry(object, "status");
        }
        "Service" => {
            let spec = entry(object, "spec");
            set(spec, "type", "ClusterIP");
            set(spec, "sessionAffinity", "None");
            set(spec, "internalTrafficPolicy", "Cluster");
            for port in spec.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten() {
                set(port, "protocol", "TCP");
                let number = port["port"].clone();
                set(port, "targetPort", number);
            }
            set(entry(object, "status"), "loadBalancer", json!({}));
        }
        _ => {}
    }
}

/// What `stringData` says goes into `data`; the server never gives it back.
fn secret(object: &mut Value) {
    set(object, "type", "Opaque");
    let plain = object.as_object_mut().and_then(|map| map.shift_remove("stringData"));
    if let Some(Value::Object(plain)) = plain {
        let data = entry(object, "data");
        for (key, value) in plain {
            let encoded = super::protobuf::base64(value.as_str().unwrap_or_default().as_bytes());
            data[key] = encoded.into();
        }
    }
}

fn template(spec: &mut Value) {
    pod_spec(entry(entry(spec, "template"), "spec"));
}

fn pod(object: &mut Value) {
    let spec = entry(object, "spec");
    pod_spec(spec);
    set(spec, "enableServiceLinks", true);
    set(spec, "priority", 0);
    set(spec, "preemptionPolicy", "PreemptLowerPriority");
    if spec["tolerations"].is_null() {
        let tolerate = |key: &str| {
            json!({"key": format!("node.kubernetes.io/{key}"), "operator": "Exists", "effect": "NoExecute",
                   "tolerationSeconds": 300})
        };
        spec["tolerations"] = json!([tolerate("not-ready"), tolerate("unreachable")]);
    }
}

fn pod_spec(spec: &mut Value) {
    set(spec, "restartPolicy", "Always");
    set(spec, "terminationGracePeriodSeconds", 30);
    set(spec, "dnsPolicy", "ClusterFirst");
    set(spec, "schedulerName", "default-scheduler");
    entry(spec, "securityContext");
    for list in ["containers", "initContainers"] {
        for container in spec.get_mut(list).and_then(Value::as_array_mut).into_iter().flatten() {
            entry(container, "resources");
            set(container, "terminationMessagePath", "/dev/termination-log");
            set(container, "terminationMessagePolicy", "File");
            let latest =
                super::workload::tag(container["image"].as_str().unwrap_or_default()) == "latest";
            set(container, "imagePullPolicy", if latest { "Always" } else { "IfNotPresent" });
            for port in
                container.get_mut("ports").and_then(Value::as_array_mut).into_iter().flatten()
            {
                set(port, "protocol", "TCP");
            }
            for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
                if let Some(probe) = container.get_mut(probe) {
                    set(probe, "timeoutSeconds", 1);
                    set(probe, "periodSeconds", 10);
                    set(probe, "successThreshold", 1);
                    set(probe, "failureThreshold", 3);
                }
            }
            for env in container.get_mut("env").and_then(Value::as_array_mut).into_iter().flatten()
            {
                if let Some(field) =
                    env.get_mut("valueFrom").and_then(|from| from.get_mut("fieldRef"))
                {
                    set(field, "apiVersion", "v1");
                }
                // An empty value is the same as none, and is not shown.
                if let Value::Object(map) = env
                    && map.get("value").is_some_and(|value| value == "")
                {
                    map.shift_remove("value");
                }
            }
        }
    }
    for volume in spec.get_mut("volumes").and_then(Value::as_array_mut).into_iter().flatten() {
        for (source, mode) in [("configMap", 0o644), ("secret", 0o644), ("projected", 0o644)] {
            if let Some(source) = volume.get_mut(source) {
                set(source, "defaultMode", mode);
            }
        }
    }
}

/// The object under a key, made if it is not there.
pub(super) fn entry<'a>(object: &'a mut Value, key: &str) -> &'a mut Value {
    let slot = &mut object[key];
    if !slot.is_object() {
        *slot = Value::Object(Map::new());
    }
    slot
}

fn set(object: &mut Value, key: &str, value: impl Into<Value>) {
    if object.is_object() && object[key].is_null() {
        object[key] = value.into();
    }
}

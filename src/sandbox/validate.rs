//! Owns the rules that objects must keep, in the API server's words.

use std::collections::BTreeSet;

use serde_json::Value;

use super::failure::{Answer, Cause, Failure};
use super::kinds::Kind;
use super::selector::Selector;
use super::store::canonical;

/// Checks an object; `before` is what it replaces.
pub(super) fn check(kind: &Kind, object: &Value, before: Option<&Value>) -> Answer<()> {
    let name = object["metadata"]["name"].as_str().unwrap_or_default();
    let mut causes = Vec::new();
    name_of(kind, name, &mut causes);
    match kind.kind {
        "ConfigMap" | "Secret" => data(object, before, &mut causes),
        "Deployment" | "ReplicaSet" | "StatefulSet" | "DaemonSet" => {
            workload(kind, object, before, &mut causes);
        }
        "Pod" => {
            pod_spec(&object["spec"], "spec", &mut causes);
            if let Some(before) = before {
                pod_is_fixed(object, before, &mut causes);
            }
        }
        "Lease"
            if object["spec"]["leaseDurationSeconds"]
                .as_i64()
                .is_some_and(|seconds| seconds <= 0) =>
        {
            let shown = object["spec"]["leaseDurationSeconds"].to_string();
            causes.push(Cause::invalid(
                "spec.leaseDurationSeconds",
                &shown,
                "must be greater than 0",
            ));
        }
        _ => {}
    }
    if causes.is_empty() { Ok(()) } else { Err(Failure::invalid(kind, name, &causes)) }
}

fn name_of(kind: &Kind, name: &str, causes: &mut Vec<Cause>) {
    if name.is_empty() {
        causes.push(Cause::required("metadata.name", "name or generateName is required"));
        return;
    }
    let letter = |letter: char| letter.is_ascii_lowercase() || letter.is_ascii_digit();
    let good = name.len() <= 253
        && name.chars().all(|c| letter(c) || c == '-' || c == '.')
        && name.starts_with(letter)
        && name.ends_with(letter);
    if !good && kind.kind != "Event" {
        let why = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
        causes.push(Cause::invalid("metadata.name", &format!("\"{name}\""), why));
    }
}

fn data(object: &Value, before: Option<&Value>, causes: &mut Vec<Cause>) {
    for part in ["data", "binaryData"] {
        for key in object[part].as_object().into_iter().flat_map(|map| map.keys()) {
            let good = !key.is_empty()
                && key.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c));
            if !good {
                let why = "a valid config key must consist of alphanumeric characters, '-', '_' or '.' (e.g. 'key.name',  or 'KEY_NAME',  or 'key-name', regex used for validation is '[-._a-zA-Z0-9]+')";
                causes.push(Cause::invalid(&format!("{part}[{key}]"), &format!("\"{key}\""), why));
            }
        }
    }
    let Some(before) = before.filter(|before| before["immutable"] == true) else {
        return;
    };
    let why = "field is immutable when `immutable` is set";
    if object["immutable"] != true {
        causes.push(Cause::forbidden("immutable", why));
    }
    for part in ["data", "binaryData"] {
        if object[part] != before[part] {
            causes.push(Cause::forbidden(part, why));
        }
    }
}

fn workload(kind: &Kind, object: &Value, before: Option<&Value>, causes: &mut Vec<Cause>) {
    let spec = &object["spec"];
    for field in ["replicas", "minReadySeconds", "revisionHistoryLimit", "progressDeadlineSeconds"]
    {
        if let Some(number) = spec[field].as_i64().filter(|number| *number < 0) {
            let why = "must be greater than or equal to 0";
            causes.push(Cause::invalid(&format!("spec.{field}"), &number.to_string(), why));
        }
    }
    let labels = &spec["template"]["metadata"]["labels"];
    if spec["selector"].is_null() {
        causes.push(Cause::required("spec.selector", ""));
    } else if !Selector::of_object(&spec["selector"]).matches_labels(labels) {
        let shown = if labels.is_null() { "null".to_owned() } else { canonical(labels) };
        let why = "`selector` does not match template `labels`";
        causes.push(Cause::invalid("spec.template.metadata.labels", &shown, why));
    }
    pod_spec(&spec["template"]["spec"], "spec.template.spec", causes);
    if spec["template"]["spec"]["restartPolicy"].as_str().is_some_and(|policy| policy != "Always") {
        let shown = spec["template"]["spec"]["restartPolicy"].to_string();
        causes.push(Cause {
            reason: "FieldValueNotSupported",
            field: "spec.template.spec.restartPolicy".to_owned(),
            message: format!("Unsupported value: {shown}: supported values: \"Always\""),
        });
    }
    let strategy = &spec["strategy"];
    if strategy["type"] == "Recreate" && !strategy["rollingUpdate"].is_null() {
        let why = "may not be specified when strategy `type` is 'Recreate'";
        causes.push(Cause::forbidden("spec.strategy.rollingUpdate", why));
    }
    let zero = |value: &Value| value == 0 || value == "0%" || value == "0";
    if kind.kind == "Deployment"
        && zero(&strategy["rollingUpdate"]["maxUnavailable"])
        && zero(&strategy["rollingUpdate"]["maxSurge"])
    {
        let shown = strategy["rollingUpdate"]["maxUnavailable"].to_string();
        let why = "may not be 0 when `maxSurge` is 0";
        causes.push(Cause::invalid("spec.strategy.rollingUpdate.maxUnavailable", &shown, why));
    }
    let Some(before) = before else { return };
    if before["spec"]["selector"] != spec["selector"] {
        let shown = canonical(&spec["selector"]);
        causes.push(Cause::invalid("spec.selector", &shown, "field is immutable"));
    }
    if kind.kind == "StatefulSet" {
        let fixed = ["serviceName", "podManagementPolicy", "volumeClaimTemplates"];
        if fixed.iter().any(|field| before["spec"][*field] != spec[*field]) {
            let why = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";
            causes.push(Cause::forbidden("spec", why));
        }
    }
}

fn pod_spec(spec: &Value, path: &str, causes: &mut Vec<Cause>) {
    let containers = spec["containers"].as_array().map_or(&[][..], Vec::as_slice);
    if containers.is_empty() {
        causes.push(Cause::required(&format!("{path}.containers"), ""));
    }
    let mut names = BTreeSet::new();
    for (index, container) in containers.iter().enumerate() {
        let here = format!("{path}.containers[{index}]");
        let name = container["name"].as_str().unwrap_or_default();
        if name.is_empty() {
            causes.push(Cause::required(&format!("{here}.name"), ""));
        } else if !names.insert(name) {
            causes.push(Cause {
                reason: "FieldValueDuplicate",
                field: format!("{here}.name"),
                message: format!("Duplicate value: \"{name}\""),
            });
        }
        if container["image"].as_str().unwrap_or_default().is_empty() {
            causes.push(Cause::required(&format!("{here}.image"), ""));
        }
        for (at, env) in container["env"].as_array().into_iter().flatten().enumerate() {
            let here = format!("{here}.env[{at}]");
            if env["name"].as_str().unwrap_or_default().is_empty() {
                causes.push(Cause::required(&format!("{here}.name"), ""));
            }
            if env["valueFrom"].is_object()
                && env["value"].as_str().is_some_and(|value| !value.is_empty())
            {
                let why = "may not be specified when `value` is not empty";
                causes.push(Cause::invalid(&format!("{here}.valueFrom"), "\"\"", why));
            }
        }
    }
}

/// All of a running pod's spec is fixed but a few fields.
fn pod_is_fixed(object: &Value, before: &Value, causes: &mut Vec<Cause>) {
    let fixed = |object: &Value| {
        let mut spec = object["spec"].clone();
        for container in spec["containers"].as_array_mut().into_iter().flatten() {
            container["image"] = Value::Null;
        }
        for field in
            ["activeDeadlineSeconds", "terminationGracePeriodSeconds", "tolerations", "nodeName"]
        {
            spec[field] = Value::Null;
        }
        spec
    };
    if fixed(object) != fixed(before) {
        let why = "pod updates may not change fields other than `spec.containers[*].image`,`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)";
        causes.push(Cause::forbidden("spec", why));
    }
}

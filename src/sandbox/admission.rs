//! Owns admission: what the API server has others say to an object before it keeps it, be it a dry-run or not.
//! Webhooks, the accounts of pods, limit ranges, pod security; and quotas.

use serde_json::{Value, json};

use super::defaults::entry;
use super::failure::{Answer, Failure};
use super::kinds::Kind;
use super::quota;
use super::state::State;
use super::store::Key;

/// A webhook, or a policy, that refuses what a test wants refused.
#[derive(Debug, Clone)]
pub(super) struct Hook {
    pub(super) resource: &'static str,
    /// What of an object it refuses; null refuses all.
    pub(super) pointer: String,
    pub(super) unwanted: Value,
    pub(super) refusal: Refusal,
}

/// How a hook refuses.
#[derive(Debug, Clone)]
pub(super) enum Refusal {
    /// By name, with a message.
    Denied(String, String),
    /// It does not answer, and the API server was told to fail then.
    Down(String),
}

/// Completes an object, or refuses it.
pub(super) fn admit(
    state: &State,
    kind: &Kind,
    namespace: &str,
    object: &mut Value,
    is_new: bool,
) -> Answer<()> {
    if kind.kind == "Pod" && is_new {
        account(state, kind, namespace, object)?;
        limits(state, kind, namespace, object)?;
        security(state, kind, namespace, object)?;
    }
    for hook in state.hooks.iter().filter(|hook| hook.resource == kind.plural) {
        let found = object.pointer(&hook.pointer).unwrap_or(&Value::Null);
        if hook.unwanted.is_null() || *found == hook.unwanted {
            return Err(match &hook.refusal {
                Refusal::Denied(name, why) => Failure::denied(name, why),
                Refusal::Down(name) => Failure::hook_down(name),
            });
        }
    }
    if kind.kind == "Pod" && is_new {
        quota::admit(state, namespace, name_of(object))?;
    }
    Ok(())
}

fn name_of(object: &Value) -> &str {
    object["metadata"]["name"].as_str().unwrap_or_default()
}

/// A pod's account must be there. Every namespace has its `default`.
fn account(state: &State, kind: &Kind, namespace: &str, pod: &Value) -> Answer<()> {
    let account = pod["spec"]["serviceAccountName"].as_str().unwrap_or_default();
    let known = Key::new("serviceaccounts", namespace, account);
    if matches!(account, "" | "default") || state.store.get(&known).is_some() {
        return Ok(());
    }
    let why = format!(
        "error looking up service account {namespace}/{account}: serviceaccount \"{account}\" not found"
    );
    Err(Failure::forbidden(kind, name_of(pod), &why))
}

/// Gives containers the limits of the namespace where they have none, and refuses what is beyond them.
fn limits(state: &State, kind: &Kind, namespace: &str, pod: &mut Value) -> Answer<()> {
    let ranges: Vec<Value> =
        state.store.list("limitranges", namespace).iter().map(|range| (**range).clone()).collect();
    let mut refused = Vec::new();
    for limit in
        ranges.iter().filter_map(|range| range["spec"]["limits"].as_array().cloned()).flatten()
    {
        if limit["type"] != "Container" {
            continue;
        }
        for container in pod["spec"]["containers"].as_array_mut().into_iter().flatten() {
            for (given, part) in [("default", "limits"), ("defaultRequest", "requests")] {
                for (name, amount) in limit[given].as_object().into_iter().flatten() {
                    let slot = entry(entry(container, "resources"), part);
                    if slot[name].is_null() {
                        slot[name] = amount.clone();
                    }
                }
            }
            check(&limit, container, &mut refused);
        }
    }
    let why = match refused.as_slice() {
        [] => return Ok(()),
        [one] => one.clone(),
        many => format!("[{}]", many.join(", ")),
    };
    Err(Failure::forbidden(kind, name_of(pod), &why))
}

fn check(limit: &Value, container: &Value, refused: &mut Vec<String>) {
    for (bound, part, word) in [("max", "limits", "limit"), ("min", "requests", "request")] {
        for (name, amount) in limit[bound].as_object().into_iter().flatten() {
            let shown = amount.as_str().unwrap_or_default();
            let given = &container["resources"][part][name];
            let head = format!("{bound}imum {name} usage per Container is {shown}");
            let Some(given) = given.as_str() else {
                refused.push(format!("{head}.  No {word} is specified"));
                continue;
            };
            let beyond = if bound == "max" {
                amount_of(given) > amount_of(shown)
            } else {
                amount_of(given) < amount_of(shown)
            };
            if beyond {
                refused.push(format!("{head}, but {word} is {given}"));
            }
        }
    }
}

/// A quantity as a number: `500m`, `2`, `1Gi`.
fn amount_of(text: &str) -> f64 {
    let at = text.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(text.len());
    let number: f64 = text[..at].parse().unwrap_or(0.0);
    let factor = match &text[at..] {
        "m" => 0.001,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "Ki" => 1024.0,
        "Mi" => 1_048_576.0,
        "Gi" => 1_073_741_824.0,
        _ => 1.0,
    };
    number * factor
}

/// What the namespace's label enforces of the pod security standards; only the best known of it.
fn security(state: &State, kind: &Kind, namespace: &str, pod: &Value) -> Answer<()> {
    let place = state.store.get(&Key::new("namespaces", "", namespace)).unwrap_or_default();
    let level = place["metadata"]["labels"]["pod-security.kubernetes.io/enforce"].as_str();
    let Some(level) = level.filter(|level| *level != "privileged") else { return Ok(()) };
    let mut broken = Vec::new();
    for field in ["hostNetwork", "hostPID", "hostIPC"] {
        if pod["spec"][field] == true {
            broken.push(format!("host namespaces ({field}=true)"));
        }
    }
    for container in pod["spec"]["containers"].as_array().into_iter().flatten() {
        let name = container["name"].as_str().unwrap_or_default();
        let context = &container["securityContext"];
        if context["privileged"] == true {
            broken.push(format!(
                "privileged (container \"{name}\" must not set securityContext.privileged=true)"
            ));
        }
        if level == "restricted" && context["allowPrivilegeEscalation"] != json!(false) {
            broken.push(format!(
                "allowPrivilegeEscalation != false (container \"{name}\" must set \
                 securityContext.allowPrivilegeEscalation=false)"
            ));
        }
    }
    if broken.is_empty() {
        return Ok(());
    }
    let why = format!("violates PodSecurity \"{level}:latest\": {}", broken.join(", "));
    Err(Failure::forbidden(kind, name_of(pod), &why))
}

//! Owns the environment of containers: what a container gets at the moment it starts.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::sandbox::protobuf::unbase64;
use crate::sandbox::store::{Key, Store};
use crate::sandbox::workload::text;

/// The variables of a container.
pub(super) type Env = BTreeMap<String, String>;

/// Where variables come from.
#[derive(Clone, Copy)]
enum Source {
    ConfigMap,
    Secret,
}

impl Source {
    fn words(self) -> (&'static str, &'static str, &'static str) {
        match self {
            Source::ConfigMap => ("configmaps", "configmap", "ConfigMap"),
            Source::Secret => ("secrets", "secret", "Secret"),
        }
    }
}

/// Resolves a container's environment: `envFrom` in order, then `env` over it. An error is the kubelet's message.
pub(super) fn resolve(store: &Store, pod: &Value, container: &Value) -> Result<Env, String> {
    let namespace = text(pod, "/metadata/namespace");
    let mut env = Env::new();
    for from in container["envFrom"].as_array().into_iter().flatten() {
        let prefix = text(from, "/prefix");
        for (field, source) in [("configMapRef", Source::ConfigMap), ("secretRef", Source::Secret)]
        {
            let Some(reference) = from.get(field) else {
                continue;
            };
            if let Some(object) = find(store, namespace, source, reference)? {
                for key in object["data"].as_object().into_iter().flat_map(|map| map.keys()) {
                    if let Some(value) = value_of(&object, source, key) {
                        env.insert(format!("{prefix}{key}"), value);
                    }
                }
            }
        }
    }
    for entry in container["env"].as_array().into_iter().flatten() {
        let name = text(entry, "/name").to_owned();
        let Some(from) = entry.get("valueFrom") else {
            let value = expand(text(entry, "/value"), &env);
            env.insert(name, value);
            continue;
        };
        if let Some(path) = from["fieldRef"]["fieldPath"].as_str() {
            env.insert(name, field_of(pod, path));
            continue;
        }
        for (field, source) in
            [("configMapKeyRef", Source::ConfigMap), ("secretKeyRef", Source::Secret)]
        {
            let Some(reference) = from.get(field) else {
                continue;
            };
            let Some(object) = find(store, namespace, source, reference)? else {
                continue;
            };
            let key = text(reference, "/key");
            match value_of(&object, source, key) {
                Some(value) => {
                    env.insert(name.clone(), value);
                }
                None if reference["optional"] == true => {}
                None => {
                    let title = text(reference, "/name");
                    return Err(format!(
                        "couldn't find key {key} in {} {namespace}/{title}",
                        source.words().2
                    ));
                }
            }
        }
    }
    Ok(env)
}

fn find(
    store: &Store,
    namespace: &str,
    source: Source,
    reference: &Value,
) -> Result<Option<Arc<Value>>, String> {
    let name = text(reference, "/name");
    let (resource, word, _) = source.words();
    match store.get(&Key::new(resource, namespace, name)) {
        None if reference["optional"] != true => Err(format!("{word} \"{name}\" not found")),
        found => Ok(found),
    }
}

fn value_of(object: &Value, source: Source, key: &str) -> Option<String> {
    let stored = object["data"][key].as_str()?;
    match source {
        Source::ConfigMap => Some(stored.to_owned()),
        Source::Secret => {
            unbase64(stored).map(|bytes| String::from_utf8_lossy(&bytes).into_owned())
        }
    }
}

fn field_of(pod: &Value, path: &str) -> String {
    // `metadata.labels['name']` names one entry of a map.
    let found = match path.split_once("['") {
        Some((map, key)) => {
            let map = pod.pointer(&format!("/{}", map.replace('.', "/")));
            map.and_then(|map| map.get(key.trim_end_matches("']")))
        }
        None => pod.pointer(&format!("/{}", path.replace('.', "/"))),
    };
    found.and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// Replaces `$(NAME)` by what is already set; `$$` stands for one `$`.
fn expand(value: &str, env: &Env) -> String {
    let (mut out, mut rest) = (String::new(), value);
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        rest = &rest[at..];
        let name = rest.strip_prefix("$(").and_then(|inner| inner.split_once(')'));
        if let Some(after) = rest.strip_prefix("$$") {
            out.push('$');
            rest = after;
        } else if let Some((found, after)) =
            name.and_then(|(name, after)| Some((env.get(name)?, after)))
        {
            out.push_str(found);
            rest = after;
        } else {
            out.push('$');
            rest = &rest[1..];
        }
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_to_earlier_variables_are_replaced() {
        let env = Env::from([("A".to_owned(), "1".to_owned())]);
        assert_eq!(expand("x$(A)y$(B)$$(A)$", &env), "x1y$(B)$(A)$");
    }
}

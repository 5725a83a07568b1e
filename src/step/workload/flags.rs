//! PURE: which containers of a pod template read a key of a ConfigMap, how, and what overrides it,
//! in the order in which Kubernetes resolves it.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use crate::facts::{Known, Unread};

/// One way a container comes to see a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The container.
    pub container: String,
    /// How.
    pub how: How,
}

/// How a container sees a key, or what it sees instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum How {
    /// As this environment variable.
    Env(String),
    /// As a file below this path; running pods see changes after a while.
    File(String),
    /// As a file mounted with subPath; running pods never see changes.
    SubPath(String),
    /// Not at all: a literal env value comes later and wins.
    Literal {
        /// The variable.
        variable: String,
        /// The literal.
        value: String,
    },
    /// Not at all: another source of the same variable comes later and wins.
    Other {
        /// The variable.
        variable: String,
        /// `configmap/more`, `secret/x`.
        source: String,
    },
    /// Perhaps: a later source of variables could not be read and may hold the same one.
    Perhaps {
        /// The variable.
        variable: String,
        /// `secret/x`.
        source: String,
    },
}

impl How {
    /// Whether the container sees the key's value.
    pub fn effective(&self) -> bool {
        !matches!(self, How::Literal { .. } | How::Other { .. })
    }
}

/// What the ConfigMaps hold, by name.
pub type ConfigMaps = BTreeMap<String, Known<Value>>;

/// Every way in which the template's containers see the key.
pub fn readings(template: &Value, configmap: &str, key: &str, all: &ConfigMaps) -> Vec<Reading> {
    let spec = &template["spec"];
    let mut found = Vec::new();
    for container in containers(spec) {
        let name = container["name"].as_str().unwrap_or_default();
        let mut add = |how| found.push(Reading { container: name.to_owned(), how });
        for variable in variables(container, configmap, key) {
            add(resolve(container, configmap, key, &variable, all));
        }
        mounts(spec, container, configmap, key).into_iter().for_each(add);
    }
    found
}

/// The ConfigMaps that a template names anywhere; the survey reads them too.
pub fn configmaps_named(template: &Value) -> BTreeSet<String> {
    let spec = &template["spec"];
    let mut names = BTreeSet::new();
    let mut add = |value: &Value| names.extend(value.as_str().map(str::to_owned));
    for container in containers(spec) {
        each(&container["envFrom"]).for_each(|source| add(&source["configMapRef"]["name"]));
        each(&container["env"])
            .for_each(|entry| add(&entry["valueFrom"]["configMapKeyRef"]["name"]));
    }
    for volume in each(&spec["volumes"]) {
        add(&volume["configMap"]["name"]);
        each(&volume["projected"]["sources"]).for_each(|source| add(&source["configMap"]["name"]));
    }
    names
}

/// Why pods of this template cannot start: ConfigMaps and keys of them that it needs and that are
/// not there.
pub fn unmet(template: &Value, all: &ConfigMaps) -> Vec<String> {
    let spec = &template["spec"];
    let mut unmet = BTreeSet::new();
    let mut need = |reference: &Value, keys: Vec<&str>| {
        let Some(name) = reference["name"].as_str().filter(|_| reference["optional"] != true)
        else {
            return;
        };
        match all.get(name) {
            Some(Err(Unread::Missing(..))) => {
                unmet.insert(format!("configmap/{name} is not there"));
            }
            Some(Ok(object)) => {
                let has = |key: &str| {
                    !object["data"][key].is_null() || !object["binaryData"][key].is_null()
                };
                let missing = keys.into_iter().filter(|key| !has(key));
                unmet.extend(missing.map(|key| format!("configmap/{name} has no key {key}")));
            }
            _ => {}
        }
    };
    for container in containers(spec) {
        each(&container["envFrom"]).for_each(|source| need(&source["configMapRef"], Vec::new()));
        for entry in each(&container["env"]) {
            let reference = &entry["valueFrom"]["configMapKeyRef"];
            need(reference, reference["key"].as_str().into_iter().collect());
        }
    }
    for volume in each(&spec["volumes"]) {
        let sources = each(&volume["projected"]["sources"]).map(|source| &source["configMap"]);
        for source in [&volume["configMap"]].into_iter().chain(sources) {
            need(source, each(&source["items"]).filter_map(|item| item["key"].as_str()).collect());
        }
    }
    unmet.into_iter().collect()
}

/// The containers of a pod spec, those that start first included.
pub fn containers(spec: &Value) -> impl Iterator<Item = &Value> {
    each(&spec["initContainers"]).chain(each(&spec["containers"]))
}

/// The items of an array, or none.
pub(crate) fn each(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The variables by which a container would see the key, before anything overrides them.
fn variables(container: &Value, configmap: &str, key: &str) -> BTreeSet<String> {
    let from = each(&container["envFrom"])
        .filter(|source| source["configMapRef"]["name"] == configmap)
        .map(|source| format!("{}{key}", source["prefix"].as_str().unwrap_or_default()));
    let single = each(&container["env"])
        .filter(|entry| refers(entry, configmap, key))
        .filter_map(|entry| entry["name"].as_str().map(str::to_owned));
    from.chain(single).collect()
}

fn refers(entry: &Value, configmap: &str, key: &str) -> bool {
    let reference = &entry["valueFrom"]["configMapKeyRef"];
    reference["name"] == configmap && reference["key"] == key
}

/// What a variable holds in the end: the last env entry of that name, else the last source of
/// envFrom that has it.
fn resolve(container: &Value, configmap: &str, key: &str, variable: &str, all: &ConfigMaps) -> How {
    let variable = variable.to_owned();
    let entry = each(&container["env"]).filter(|entry| entry["name"] == variable.as_str()).last();
    if let Some(entry) = entry {
        if refers(entry, configmap, key) {
            return How::Env(variable);
        }
        let from = &entry["valueFrom"];
        if from.is_null() {
            let value = entry["value"].as_str().unwrap_or_default().to_owned();
            return How::Literal { variable, value };
        }
        return How::Other { variable, source: source_of(from) };
    }
    let mut how = How::Env(variable.clone());
    let mut seen = false;
    for source in each(&container["envFrom"]) {
        let prefix = source["prefix"].as_str().unwrap_or_default();
        let Some(its_key) = variable.strip_prefix(prefix) else { continue };
        if let Some(secret) = source["secretRef"]["name"].as_str() {
            if seen {
                let source = format!("secret/{secret}");
                how = How::Perhaps { variable: variable.clone(), source };
            }
            continue;
        }
        let Some(name) = source["configMapRef"]["name"].as_str() else { continue };
        if name == configmap && its_key == key {
            seen = true;
            how = How::Env(variable.clone());
        } else if seen {
            let source = format!("configmap/{name}");
            match all.get(name) {
                Some(Ok(object)) if object["data"][its_key].is_string() => {
                    how = How::Other { variable: variable.clone(), source };
                }
                // Its pods start without it, or not at all.
                Some(Ok(_) | Err(Unread::Missing(..))) => {}
                _ => how = How::Perhaps { variable: variable.clone(), source },
            }
        }
    }
    how
}

/// `configmap/more key X`, `secret/x`, `fieldRef`.
pub(crate) fn source_of(from: &Value) -> String {
    let name = |kind: &str| from[kind]["name"].as_str().unwrap_or_default().to_owned();
    let key = |kind: &str| from[kind]["key"].as_str().unwrap_or_default().to_owned();
    if from["configMapKeyRef"].is_object() {
        format!("configmap/{} key {}", name("configMapKeyRef"), key("configMapKeyRef"))
    } else if from["secretKeyRef"].is_object() {
        format!("secret/{}", name("secretKeyRef"))
    } else {
        from.as_object().and_then(|map| map.keys().next()).cloned().unwrap_or_default()
    }
}

/// The files in which a container sees the key.
fn mounts(spec: &Value, container: &Value, configmap: &str, key: &str) -> Vec<How> {
    let mut found = Vec::new();
    for volume in each(&spec["volumes"]) {
        let sources = [&volume["configMap"]]
            .into_iter()
            .chain(each(&volume["projected"]["sources"]).map(|source| &source["configMap"]));
        for source in sources.filter(|source| source["name"] == configmap) {
            let items = source["items"].as_array();
            let file = match items {
                None => Some(key),
                Some(items) => items
                    .iter()
                    .find(|item| item["key"] == key)
                    .and_then(|item| item["path"].as_str()),
            };
            let Some(file) = file else { continue };
            for mount in each(&container["volumeMounts"]) {
                if mount["name"] != volume["name"] {
                    continue;
                }
                let path = mount["mountPath"].as_str().unwrap_or_default();
                match mount["subPath"].as_str() {
                    None | Some("") => {
                        found.push(How::File(format!("{}/{file}", path.trim_end_matches('/'))));
                    }
                    Some(sub) if sub == file => found.push(How::SubPath(path.to_owned())),
                    Some(_) => {}
                }
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn template(container: &Value, volumes: &Value) -> Value {
        json!({"spec": {"containers": [container], "volumes": volumes}})
    }

    fn how(container: &Value, volumes: &Value, all: &ConfigMaps) -> Vec<How> {
        readings(&template(container, volumes), "flags", "ONE", all)
            .into_iter()
            .map(|reading| reading.how)
            .collect()
    }

    fn without_volumes(container: &Value) -> Vec<How> {
        how(container, &json!([]), &ConfigMaps::new())
    }

    fn env(name: &str) -> How {
        How::Env(name.to_owned())
    }

    #[test]
    fn a_key_is_read_by_env_from_with_its_prefix_and_by_value_from() {
        let container = json!({"name": "app",
            "envFrom": [{"prefix": "F_", "configMapRef": {"name": "flags"}}],
            "env": [{"name": "FIRST", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "ONE"}}}]});
        assert_eq!(without_volumes(&container), [env("FIRST"), env("F_ONE")]);
        let other = json!({"name": "app", "envFrom": [{"configMapRef": {"name": "other"}}]});
        assert_eq!(without_volumes(&other), []);
    }

    #[test]
    fn env_wins_over_env_from_and_the_last_entry_wins() {
        let container = json!({"name": "app", "envFrom": [{"configMapRef": {"name": "flags"}}],
            "env": [{"name": "ONE", "value": "a"}, {"name": "ONE", "value": "b"}]});
        let literal = How::Literal { variable: "ONE".to_owned(), value: "b".to_owned() };
        assert!(!literal.effective());
        assert_eq!(without_volumes(&container), [literal]);
    }

    #[test]
    fn a_later_source_of_variables_wins_where_it_has_the_key() {
        let container = json!({"name": "app", "envFrom": [{"configMapRef": {"name": "flags"}},
            {"configMapRef": {"name": "more"}}]});
        let source = "configmap/more".to_owned();
        let variable = "ONE".to_owned();
        let (unknown, wins) = (
            How::Perhaps { variable: variable.clone(), source: source.clone() },
            How::Other { variable, source },
        );
        assert_eq!(without_volumes(&container), [unknown]);
        let with = |data: Value| {
            let all = ConfigMaps::from([("more".to_owned(), Ok(json!({ "data": data })))]);
            how(&container, &json!([]), &all)
        };
        assert_eq!(with(json!({"ONE": "x"})), [wins]);
        assert_eq!(with(json!({"TWO": "x"})), [env("ONE")]);
        let earlier = json!({"name": "app", "envFrom": [{"configMapRef": {"name": "more"}},
            {"configMapRef": {"name": "flags"}}]});
        assert_eq!(without_volumes(&earlier), [env("ONE")]);
    }

    #[test]
    fn a_secret_that_comes_later_may_win() {
        let container = json!({"name": "app", "envFrom": [{"configMapRef": {"name": "flags"}},
            {"secretRef": {"name": "keys"}}]});
        let source = "secret/keys".to_owned();
        assert_eq!(
            without_volumes(&container),
            [How::Perhaps { variable: "ONE".to_owned(), source }]
        );
    }

    #[test]
    fn a_mounted_key_is_a_file_and_a_sub_path_never_changes() {
        let mounts = |mount: Value, volume: Value| {
            let mut mount = mount;
            mount["name"] = json!("v");
            let mut volume = volume;
            volume["name"] = json!("v");
            let container = json!({"name": "app", "volumeMounts": [mount]});
            how(&container, &json!([volume]), &ConfigMaps::new())
        };
        let whole = json!({"configMap": {"name": "flags"}});
        let file = mounts(json!({"mountPath": "/etc/flags/"}), whole.clone());
        assert_eq!(file, [How::File("/etc/flags/ONE".to_owned())]);
        let single = mounts(json!({"mountPath": "/etc/one", "subPath": "ONE"}), whole);
        assert_eq!(single, [How::SubPath("/etc/one".to_owned())]);
        let items = json!([{"key": "TWO", "path": "two"}]);
        let other = json!({"configMap": {"name": "flags", "items": items}});
        assert_eq!(mounts(json!({"mountPath": "/etc"}), other), []);
        let projected = json!({"projected": {"sources": [{"configMap": {"name": "flags"}}]}});
        let file = mounts(json!({"mountPath": "/p"}), projected);
        assert_eq!(file, [How::File("/p/ONE".to_owned())]);
    }

    #[test]
    fn the_config_maps_of_a_template_are_found_everywhere() {
        let container = json!({"name": "app", "envFrom": [{"configMapRef": {"name": "a"}}],
            "env": [{"name": "X", "valueFrom": {"configMapKeyRef": {"name": "b", "key": "x"}}}]});
        let volumes = json!([{"name": "v", "configMap": {"name": "c"}},
            {"name": "w", "projected": {"sources": [{"configMap": {"name": "d"}}]}}]);
        let names: Vec<String> =
            configmaps_named(&template(&container, &volumes)).into_iter().collect();
        assert_eq!(names, ["a", "b", "c", "d"]);
    }
}

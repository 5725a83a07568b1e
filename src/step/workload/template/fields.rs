//! PURE: what differs between two objects, field by field, under names that a person reads. Every
//! value counts; only the name by which an item of a list is known is in the name of its fields.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};

use super::content;
use crate::step::FieldChange;

/// Where a value stands, from the root on.
type Path = Vec<String>;

/// The values of an object by their places, and the order of the lists whose items have names.
#[derive(Debug, Default)]
struct Leaves {
    values: BTreeMap<Path, Value>,
    orders: BTreeMap<Path, Vec<String>>,
}

/// What differs between two templates: `app image`, `app env MODE`, `serviceAccountName`.
pub(crate) fn differences(object: &str, from: &Value, to: &Value) -> Vec<FieldChange> {
    fields(object, &Leaves::of(&content(from)), &Leaves::of(&content(to)), &["spec", "containers"])
}

/// What differs between two objects, without what the API server keeps there for itself.
pub(crate) fn object_differences(object: &str, from: &Value, to: &Value) -> Vec<FieldChange> {
    let leaves = |value: &Value| {
        let mut value = value.clone();
        if let Some(map) = value.as_object_mut() {
            map.retain(|key, _| !matches!(key.as_str(), "status" | "apiVersion" | "kind"));
        }
        if let Some(metadata) = value["metadata"].as_object_mut() {
            metadata.retain(|key, _| matches!(key.as_str(), "labels" | "annotations"));
        }
        if let Some(annotations) = value["metadata"]["annotations"].as_object_mut() {
            annotations.retain(|key, _| {
                key != "kubectl.kubernetes.io/last-applied-configuration"
                    && key != "deployment.kubernetes.io/revision"
                    && key != "deprecated.daemonset.template.generation"
            });
        }
        for part in ["labels", "annotations"] {
            let empty = value["metadata"][part].as_object().is_none_or(Map::is_empty);
            if let Some(metadata) = value["metadata"].as_object_mut().filter(|_| empty) {
                metadata.remove(part);
            }
        }
        Leaves::of(&value)
    };
    fields(object, &leaves(from), &leaves(to), &["spec", "template", "spec", "containers"])
}

impl Leaves {
    fn of(value: &Value) -> Leaves {
        let mut leaves = Leaves::default();
        leaves.flatten(value, &Path::new());
        leaves
    }

    fn flatten(&mut self, value: &Value, path: &Path) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                for (key, value) in map {
                    self.flatten(value, &below(path, key));
                }
            }
            Value::Array(items) if !items.is_empty() => self.items(items, path),
            Value::Null => {}
            Value::Object(_) | Value::Array(_) if path.is_empty() => {}
            other => {
                self.values.insert(path.clone(), other.clone());
            }
        }
    }

    /// The items of a list by their names, where each has one of its own, else by their numbers.
    fn items(&mut self, items: &[Value], path: &Path) {
        let names: Vec<&str> = items.iter().filter_map(|item| item["name"].as_str()).collect();
        let distinct: BTreeSet<&&str> = names.iter().collect();
        if distinct.len() != items.len() {
            for (index, item) in items.iter().enumerate() {
                self.flatten(item, &below(path, &index.to_string()));
            }
            return;
        }
        self.orders.insert(path.clone(), names.iter().map(|name| (*name).to_owned()).collect());
        for (name, item) in names.into_iter().zip(items) {
            let path = below(path, name);
            let Some(map) = item.as_object() else { continue };
            let rest: Vec<(&String, &Value)> =
                map.iter().filter(|(key, value)| *key != "name" && !value.is_null()).collect();
            match rest.as_slice() {
                // A name alone is an env entry without a value, or a reference.
                [] if path.iter().rev().nth(1).is_some_and(|list| list == "env") => {
                    self.values.insert(path, Value::from(""));
                }
                [] => {
                    self.values.insert(path, Value::from(name));
                }
                // `{name, value}` of env is one field.
                [(key, value)] if *key == "value" && !value.is_object() && !value.is_array() => {
                    self.values.insert(path, (*value).clone());
                }
                rest => {
                    for (key, value) in rest {
                        self.flatten(value, &below(&path, key));
                    }
                }
            }
        }
    }
}

fn below(path: &[String], part: &str) -> Path {
    path.iter().map(String::as_str).chain([part]).map(str::to_owned).collect()
}

/// What differs. `lead` is left out of the names: what most fields begin with.
fn fields(object: &str, before: &Leaves, after: &Leaves, lead: &[&str]) -> Vec<FieldChange> {
    let paths: BTreeSet<&Path> = before.values.keys().chain(after.values.keys()).collect();
    let name = |path: &Path| {
        let known = path.iter().zip(lead).take_while(|(part, known)| part == *known).count();
        // The template's own metadata is told from the object's.
        let known = if known == 2 && lead.len() > 2 { 1 } else { known };
        path[known.min(path.len().saturating_sub(1))..].join(" ")
    };
    let mut named: BTreeMap<String, u32> = BTreeMap::new();
    for path in &paths {
        *named.entry(name(path)).or_default() += 1;
    }
    let unique = |path: &Path| {
        let short = name(path);
        if named.get(&short).is_some_and(|count| *count > 1) { path.join(" ") } else { short }
    };
    let mut changes = Vec::new();
    for path in paths {
        let (from, to) = (before.values.get(path), after.values.get(path));
        if from == to {
            continue;
        }
        let mut words = [from.map(text), to.map(text)];
        if words[0] == words[1] {
            // A number and a text that look alike.
            words = [from.map(Value::to_string), to.map(Value::to_string)];
        }
        let [from, to] = words;
        changes.push(FieldChange {
            object: object.to_owned(),
            field: unique(path),
            from,
            to: to.unwrap_or_else(|| crate::step::NOT_THERE.to_owned()),
        });
    }
    for (path, from) in &before.orders {
        let Some(to) = after.orders.get(path).filter(|to| *to != from) else { continue };
        // Where items came or went, that is said already.
        if from.len() == to.len() && from.iter().all(|item| to.contains(item)) {
            changes.push(FieldChange {
                object: object.to_owned(),
                field: format!("order of {}", path.join(" ")),
                from: Some(from.join(", ")),
                to: to.join(", "),
            });
        }
    }
    changes
}

fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn words(changes: Vec<FieldChange>) -> Vec<String> {
        let word = |it: FieldChange| format!("{}: {:?} -> {}", it.field, it.from, it.to);
        changes.into_iter().map(word).collect()
    }

    fn template(container: &Value) -> Value {
        json!({"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [container]}})
    }

    fn of_objects(from: &Value, to: &Value) -> Vec<String> {
        words(object_differences("x/y", from, to))
    }

    #[test]
    fn a_reference_by_name_counts_wherever_it_stands() {
        let reads = |name: &str| {
            template(&json!({"name": "app", "envFrom": [{"configMapRef": {"name": name}}]}))
        };
        assert_eq!(
            words(differences("deployment/web", &reads("flags-v2"), &reads("flags-v1"))),
            ["app envFrom 0 configMapRef name: Some(\"flags-v2\") -> flags-v1"]
        );
        let backend = |name: &str| {
            let service = json!({"name": name, "port": {"number": 80}});
            json!({"spec": {"rules": [{"http": {"paths": [{"backend": {"service": service}}]}}]}})
        };
        let field = "rules 0 http paths 0 backend service name";
        assert_eq!(
            of_objects(&backend("web-v2"), &backend("web-v1")),
            [format!("{field}: Some(\"web-v2\") -> web-v1")]
        );
        let scaled = |name: &str| json!({"spec": {"scaleTargetRef": {"kind": "X", "name": name}}});
        assert_eq!(
            of_objects(&scaled("web2"), &scaled("web")),
            ["scaleTargetRef name: Some(\"web2\") -> web"]
        );
    }

    #[test]
    fn the_keys_name_and_value_of_a_config_map_are_keys_like_any_other() {
        let data = |name: &str, value: &str| json!({"data": {"name": name, "value": value}});
        assert_eq!(
            of_objects(&data("a", "x"), &data("b", "y")),
            ["data name: Some(\"a\") -> b", "data value: Some(\"x\") -> y"]
        );
    }

    #[test]
    fn a_label_of_the_object_is_not_the_one_of_its_pods() {
        let both = |own: &str, pods: &str| {
            json!({"metadata": {"labels": {"tier": own}},
                   "spec": {"template": {"metadata": {"labels": {"tier": pods}}}}})
        };
        assert_eq!(
            of_objects(&both("bad", "gold"), &both("gold", "gold")),
            ["metadata labels tier: Some(\"bad\") -> gold"]
        );
        assert_eq!(
            of_objects(&both("gold", "bad"), &both("gold", "gold")),
            ["template metadata labels tier: Some(\"bad\") -> gold"]
        );
    }

    #[test]
    fn an_env_is_one_field_also_when_it_is_empty_or_comes_from_elsewhere() {
        let env = |entry: Value| template(&json!({"name": "app", "env": [entry]}));
        let (empty, full) = (env(json!({"name": "A"})), env(json!({"name": "A", "value": "x"})));
        assert_eq!(words(differences("d/w", &empty, &full)), ["app env A: Some(\"\") -> x"]);
        let read = |name: &str| {
            let key = json!({"configMapKeyRef": {"name": name, "key": "A"}});
            env(json!({"name": "A", "valueFrom": key}))
        };
        assert_eq!(
            words(differences("d/w", &read("one"), &read("two"))),
            ["app env A valueFrom configMapKeyRef name: Some(\"one\") -> two"]
        );
        let twice = |last: &str| {
            let env = json!([{"name": "A", "value": "x"}, {"name": "A", "value": last}]);
            template(&json!({"name": "app", "env": env}))
        };
        assert_eq!(
            words(differences("d/w", &twice("y"), &twice("z"))),
            ["app env 1 value: Some(\"y\") -> z"]
        );
    }

    #[test]
    fn the_order_of_named_items_counts() {
        let order = |first: &str, second: &str| json!({"spec": {"initContainers": [{"name": first}, {"name": second}]}});
        assert_eq!(
            words(differences("d/w", &order("a", "b"), &order("b", "a"))),
            ["order of spec initContainers: Some(\"a, b\") -> b, a"]
        );
        assert_eq!(words(differences("d/w", &order("a", "b"), &order("a", "b"))), [""; 0]);
    }

    #[test]
    fn a_number_is_not_the_text_that_looks_like_it() {
        let port = |port: Value| json!({"spec": {"targetPort": port}});
        assert_eq!(
            of_objects(&port(json!(80)), &port(json!("80"))),
            ["targetPort: Some(\"80\") -> \"80\""]
        );
    }

    #[test]
    fn secrets_for_images_are_compared_by_name() {
        let pull = |name: &str| json!({"spec": {"imagePullSecrets": [{"name": name}]}});
        assert_eq!(
            words(differences("d/w", &pull("a"), &pull("b"))),
            ["imagePullSecrets a: Some(\"a\") -> (not there)", "imagePullSecrets b: None -> b"]
        );
    }
}

//! PURE: what the pods of a template need to start, beside their image: ConfigMaps, Secrets, claims
//! and an account. Of a Secret only its metadata is asked for, never its content; the names of its keys
//! stand there.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::flags::{containers, each, unmet};
use crate::facts::{Facts, Known, Need, Trial, Unread};
use crate::step::Forecast;
use crate::step::trial::Workloads;
use crate::world::cluster::rollout::desired;

/// What is asked of the templates that a step leaves, beyond the ConfigMaps that the survey has read.
pub(crate) fn trials(after: &Workloads, facts: &Facts) -> BTreeSet<Trial> {
    let mut trials = BTreeSet::new();
    for (workload, object) in after.iter().filter(|(_, object)| desired(object) > 0) {
        for need in named(&object["spec"]["template"]) {
            let read = need.resource == "configmaps" && facts.configmaps.contains_key(&need.name);
            if !read && !facts.made.contains(&need.title()) {
                trials.insert(Trial::Need { workload: workload.clone(), need });
            }
        }
    }
    trials
}

/// Blocks a step whose pods cannot start for want of a ConfigMap, or of a key of one, as the steps
/// before it leave them.
pub(crate) fn judge_configmaps(after: &Workloads, facts: &Facts, forecast: &mut Forecast) {
    for (workload, object) in after.iter().filter(|(_, object)| desired(object) > 0) {
        for why in unmet(&object["spec"]["template"], &facts.configmaps) {
            block(forecast, workload, &why);
        }
    }
}

/// What an answer means for the step.
pub(crate) fn judge(
    workload: &str,
    need: &Need,
    known: Option<&Known<()>>,
    forecast: &mut Forecast,
) {
    let title = need.title();
    match known {
        Some(Ok(())) => {}
        Some(Err(Unread::Missing(why, _))) if need.is_for_images() => {
            forecast.warnings.push(format!(
                "{why}: new pods of {workload} may not get their images, which it opens"
            ));
        }
        Some(Err(Unread::Missing(why, _))) => block(forecast, workload, why),
        _ if need.is_for_images() => {}
        known => {
            let why = match known {
                Some(Err(why)) => why.sentence(),
                _ => "no answer in time",
            };
            let hint = (need.resource == "secrets")
                .then(|| "only its metadata is read, never its content".to_owned());
            let text = format!("whether {title} is there as new pods of {workload} need it: {why}");
            forecast.uncheckable(text, hint);
        }
    }
}

fn block(forecast: &mut Forecast, workload: &str, why: &str) {
    let hint = "restore it first: without it no new pod starts";
    forecast.block(format!("new pods of {workload} cannot start: {why}"), Some(hint.to_owned()));
}

/// Everything that a template names and that must be there, with the keys that are named.
fn named(template: &Value) -> BTreeSet<Need> {
    let spec = &template["spec"];
    let mut found: BTreeMap<(&str, String), BTreeSet<String>> = BTreeMap::new();
    let mut add = |resource, name: &Value, from: &Value, keys: Vec<&str>| {
        let Some(name) = name.as_str().filter(|_| from["optional"] != true) else { return };
        let known = found.entry((resource, name.to_owned())).or_default();
        known.extend(keys.into_iter().map(str::to_owned));
    };
    for container in containers(spec) {
        for source in each(&container["envFrom"]) {
            for (part, resource) in [("configMapRef", "configmaps"), ("secretRef", "secrets")] {
                add(resource, &source[part]["name"], &source[part], Vec::new());
            }
        }
        for entry in each(&container["env"]) {
            let from = &entry["valueFrom"];
            let map = &from["configMapKeyRef"];
            add("configmaps", &map["name"], map, map["key"].as_str().into_iter().collect());
            let secret = &from["secretKeyRef"];
            add("secrets", &secret["name"], secret, secret["key"].as_str().into_iter().collect());
        }
    }
    for volume in each(&spec["volumes"]) {
        for source in [volume].into_iter().chain(each(&volume["projected"]["sources"])) {
            let map = &source["configMap"];
            add("configmaps", &map["name"], map, items(map));
            let secret = &source["secret"];
            add("secrets", &secret["secretName"], secret, items(secret));
            add("secrets", &secret["name"], secret, items(secret));
        }
        let claim = &volume["persistentVolumeClaim"];
        add("persistentvolumeclaims", &claim["claimName"], claim, Vec::new());
    }
    if spec["serviceAccountName"] != "default" && spec["serviceAccountName"] != "" {
        add("serviceaccounts", &spec["serviceAccountName"], &Value::Null, Vec::new());
    }
    let mut needs: BTreeSet<Need> = found
        .into_iter()
        .map(|((resource, name), keys)| Need {
            resource: resource.to_owned(),
            name,
            keys: keys.into_iter().collect(),
            optional: false,
        })
        .collect();
    for secret in each(&spec["imagePullSecrets"]) {
        let Some(name) = secret["name"].as_str() else { continue };
        let need = |optional| Need {
            resource: "secrets".to_owned(),
            name: name.to_owned(),
            keys: Vec::new(),
            optional,
        };
        if !needs.contains(&need(false)) {
            needs.insert(need(true));
        }
    }
    needs
}

/// The keys that a volume takes from its source.
fn items(source: &Value) -> Vec<&str> {
    each(&source["items"]).filter_map(|item| item["key"].as_str()).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn all_that_pods_need_is_found_and_nothing_that_is_optional() {
        let template = json!({"spec": {
            "serviceAccountName": "robot",
            "imagePullSecrets": [{"name": "registry"}],
            "initContainers": [{"name": "first", "envFrom": [{"secretRef": {"name": "boot"}}]}],
            "containers": [{"name": "app",
                "envFrom": [{"configMapRef": {"name": "maybe", "optional": true}}],
                "env": [
                    {"name": "A", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "a"}}},
                    {"name": "B", "valueFrom": {"configMapKeyRef": {"name": "flags", "key": "b"}}},
                ]}],
            "volumes": [
                {"name": "tls", "secret": {"secretName": "tls"}},
                {"name": "no", "secret": {"secretName": "no", "optional": true}},
                {"name": "all", "projected": {"sources": [{"secret": {"name": "part"}}]}},
                {"name": "data", "persistentVolumeClaim": {"claimName": "data"}},
            ],
        }});
        let titles: Vec<String> = named(&template).iter().map(Need::title).collect();
        assert_eq!(
            titles,
            [
                "configmap/flags",
                "persistentvolumeclaim/data",
                "secret/boot",
                "secret/keys",
                "secret/part",
                "secret/registry",
                "secret/tls",
                "serviceaccount/robot",
            ]
        );
        let keys: Vec<Vec<String>> = named(&template).into_iter().map(|need| need.keys).collect();
        assert_eq!((&keys[0][..], &keys[3][..]), (&["b".to_owned()][..], &["a".to_owned()][..]));
        assert_eq!(named(&template).iter().filter(|need| need.is_for_images()).count(), 1);
    }
}

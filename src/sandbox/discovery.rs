//! Owns what the server says of itself: version and discovery.

use std::collections::BTreeSet;

use serde_json::{Map, Value, json};

use super::failure::{Answer, Failure};
use super::kinds::{KINDS, Kind};
use super::openapi;
use super::routes::Reply;

const VERBS: [&str; 8] =
    ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const AGGREGATED: &str = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList";

/// A group that another server answers for, which is down.
#[derive(Debug)]
pub(super) struct Lost {
    pub(super) group: String,
    pub(super) version: String,
}

/// Answers a GET of a path that is no resource.
pub(super) fn answer(parts: &[&str], accept: &str, lost: &[Lost]) -> Answer<Reply> {
    let aggregated = accept.contains("as=APIGroupDiscoveryList") && accept.contains("v=v2;");
    let body = match parts {
        ["version"] => version(),
        ["healthz" | "livez" | "readyz"] => {
            return Ok(Reply::Text { code: 200, body: "ok".to_owned() });
        }
        ["api"] if aggregated => return Ok(aggregate(str::is_empty, &[])),
        ["apis"] if aggregated => return Ok(aggregate(|group| !group.is_empty(), lost)),
        ["api"] => json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": "127.0.0.1"}],
        }),
        ["apis"] => {
            let groups: Vec<Value> = groups()
                .into_iter()
                .filter(|group| !group.is_empty())
                .map(|group| api_group(group, "v1", false))
                .chain(lost.iter().map(|it| api_group(&it.group, &it.version, false)))
                .collect();
            json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})
        }
        ["api", "v1"] => resources(""),
        ["apis", group] if groups().contains(group) => api_group(group, "v1", true),
        ["apis", group, ..] if lost.iter().any(|it| it.group == *group) => {
            return Ok(Reply::Text { code: 503, body: "service unavailable\n".to_owned() });
        }
        ["apis", group, "v1"] if groups().contains(group) => resources(group),
        ["openapi", "v3"] => {
            let mut paths = Map::new();
            for group in groups() {
                let path =
                    if group.is_empty() { "api/v1".to_owned() } else { format!("apis/{group}/v1") };
                let url = format!("/openapi/v3/{path}?hash=0");
                paths.insert(path, json!({"serverRelativeURL": url}));
            }
            json!({"paths": paths})
        }
        ["openapi", "v2"] => return Ok(openapi::version_two(accept)),
        ["openapi", "v3", "api", "v1"] => openapi::version_three(""),
        ["openapi", "v3", "apis", group, "v1"] if groups().contains(group) => {
            openapi::version_three(group)
        }
        _ => return Err(Failure::no_such_path()),
    };
    Ok(Reply::json(200, body))
}

fn groups() -> BTreeSet<&'static str> {
    KINDS.iter().map(|kind| kind.group).collect()
}

fn version() -> Value {
    json!({
        "major": "1", "minor": "36", "emulationMajor": "1", "emulationMinor": "36",
        "minCompatibilityMajor": "1", "minCompatibilityMinor": "35",
        "gitVersion": "v1.36.2", "gitCommit": "rollback-sandbox", "gitTreeState": "",
        "buildDate": "1970-01-01T00:00:00Z", "goVersion": "none", "compiler": "rustc", "platform": "linux/amd64",
    })
}

fn api_group(group: &str, version: &str, alone: bool) -> Value {
    let version = json!({"groupVersion": format!("{group}/{version}"), "version": version});
    let mut value = json!({"name": group, "versions": [version], "preferredVersion": version});
    if alone {
        value["kind"] = "APIGroup".into();
        value["apiVersion"] = "v1".into();
    }
    value
}

fn verbs(kind: &Kind) -> Vec<&'static str> {
    if kind.review {
        return vec!["create"];
    }
    // Namespaces are never deleted by the dozen.
    VERBS.into_iter().filter(|verb| *verb != "deletecollection" || kind.namespaced).collect()
}

fn subresource_verbs(subresource: &str) -> &'static [&'static str] {
    if subresource == "log" { &["get"] } else { &["get", "patch", "update"] }
}

fn resources(group: &str) -> Value {
    let mut list = Vec::new();
    for kind in KINDS.iter().filter(|kind| kind.group == group) {
        let mut entry = json!({
            "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced,
            "kind": kind.kind, "verbs": verbs(kind),
        });
        if !kind.short.is_empty() {
            entry["shortNames"] = json!(kind.short);
        }
        if kind.all {
            entry["categories"] = json!(["all"]);
        }
        list.push(entry);
        for subresource in kind.subresources {
            let mut entry = json!({
                "name": format!("{}/{subresource}", kind.plural), "singularName": "", "namespaced": kind.namespaced,
                "kind": kind.kind, "verbs": subresource_verbs(subresource),
            });
            if *subresource == "scale" {
                entry["group"] = "autoscaling".into();
                entry["version"] = "v1".into();
                entry["kind"] = "Scale".into();
            }
            list.push(entry);
        }
    }
    let group_version = if group.is_empty() { "v1".to_owned() } else { format!("{group}/v1") };
    let mut body =
        json!({"kind": "APIResourceList", "groupVersion": group_version, "resources": list});
    if !group.is_empty() {
        body["apiVersion"] = "v1".into();
    }
    body
}

fn aggregate(wanted: impl Fn(&str) -> bool, lost: &[Lost]) -> Reply {
    let mut items = Vec::new();
    for group in groups().into_iter().filter(|group| wanted(group)) {
        let entries: Vec<Value> =
            KINDS.iter().filter(|kind| kind.group == group).map(aggregate_entry).collect();
        let metadata = if group.is_empty() { json!({}) } else { json!({"name": group}) };
        let version = json!({"version": "v1", "resources": entries, "freshness": "Current"});
        items.push(json!({"metadata": metadata, "versions": [version]}));
    }
    for Lost { group, version } in lost {
        let version = json!({"version": version, "freshness": "Stale"});
        items.push(json!({"metadata": {"name": group}, "versions": [version]}));
    }
    Reply::Json {
        code: 200,
        body: json!({"kind": "APIGroupDiscoveryList", "apiVersion": "apidiscovery.k8s.io/v2",
                     "metadata": {}, "items": items}),
        content_type: AGGREGATED,
        warnings: Vec::new(),
    }
}

fn aggregate_entry(kind: &Kind) -> Value {
    let scope = if kind.namespaced { "Namespaced" } else { "Cluster" };
    let mut entry = json!({
        "resource": kind.plural, "responseKind": {"group": "", "version": "", "kind": kind.kind},
        "scope": scope, "singularResource": kind.singular, "verbs": verbs(kind),
    });
    if !kind.short.is_empty() {
        entry["shortNames"] = json!(kind.short);
    }
    if kind.all {
        entry["categories"] = json!(["all"]);
    }
    let subresources: Vec<Value> = kind
        .subresources
        .iter()
        .map(|name| {
            let response = if *name == "scale" {
                json!({"group": "autoscaling", "version": "v1", "kind": "Scale"})
            } else {
                json!({"group": "", "version": "", "kind": kind.kind})
            };
            json!({"subresource": name, "responseKind": response, "verbs": subresource_verbs(name)})
        })
        .collect();
    if !subresources.is_empty() {
        entry["subresources"] = subresources.into();
    }
    entry
}

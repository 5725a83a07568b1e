//! The cluster of a rehearsal: every ConfigMap and workload that the runbooks name, with the flags
//! turned the wrong way.

use std::io;

use serde_json::{Value, json};

use super::{CONTEXT, Needs, broken};
use crate::cli::Fault;
use crate::runbook::{UndoTo, Workload, WorkloadKind};
use crate::sandbox::{Rule, Sandbox};
use crate::snapshot::{self, Snapshot};
use crate::step::Setting;

/// The annotation of pod templates that says which content was deployed.
pub const CONTENT: &str = "rehearsal.rollback/content";

/// Creates it all and waits until it runs.
pub fn seed(sandbox: &Sandbox, namespace: &str, needs: &Needs, faults: &[Fault]) -> io::Result<()> {
    sandbox.set_pod_delay(std::time::Duration::ZERO);
    if !["default", "kube-system", "kube-public"].contains(&namespace) {
        create(
            sandbox,
            json!({"apiVersion": "v1", "kind": "Namespace",
                               "metadata": {"name": namespace}}),
        )?;
    }
    for (name, flags) in &needs.configmaps {
        let data: serde_json::Map<String, Value> =
            flags.iter().map(|(flag, wanted)| (flag.clone(), broken(wanted).into())).collect();
        create(
            sandbox,
            json!({"apiVersion": "v1", "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": namespace}, "data": data}),
        )?;
    }
    if !faults.contains(&Fault::MissingWorkload) {
        for workload in &needs.workloads {
            let broken = object(namespace, workload, needs, faults);
            let Some(to) = needs.undone.get(workload) else {
                create(sandbox, broken)?;
                continue;
            };
            // What it goes back to was there first.
            create(sandbox, earlier(&broken, to))?;
            if !sandbox.settle() {
                return Err(io::Error::other("the sandbox does not come to rest"));
            }
            sandbox
                .replace(workload.kind.plural(), namespace, &workload.name, broken)
                .map_err(io::Error::other)?;
        }
    }
    if sandbox.settle() {
        Ok(())
    } else {
        Err(io::Error::other("the sandbox does not come to rest"))
    }
}

fn create(sandbox: &Sandbox, object: Value) -> io::Result<()> {
    sandbox.create(object).map(|_| ()).map_err(io::Error::other)
}

fn object(namespace: &str, workload: &Workload, needs: &Needs, faults: &[Fault]) -> Value {
    let name = &workload.name;
    let env_from: Vec<Value> = needs
        .configmaps
        .keys()
        .map(|configmap| json!({"configMapRef": {"name": configmap}}))
        .collect();
    let mut env: Vec<Value> = needs
        .envs
        .get(workload)
        .into_iter()
        .flatten()
        .map(|(flag, wanted)| json!({"name": flag, "value": broken(wanted)}))
        .collect();
    if faults.contains(&Fault::CrashLoop) {
        // The crash reads the flag: pods that start with the old value live, those with the new die.
        let condition = needs.own_flags.iter().next();
        env.push(match condition {
            Some((flag, wanted)) => {
                json!({"name": "CRASH_WHEN", "value": format!("{flag}={wanted}")})
            }
            None => json!({"name": "CRASH_WHEN", "value": "restarted"}),
        });
    }
    let (kind, version) = match workload.kind {
        WorkloadKind::Deployment => ("Deployment", "apps/v1"),
        WorkloadKind::StatefulSet => ("StatefulSet", "apps/v1"),
        WorkloadKind::DaemonSet => ("DaemonSet", "apps/v1"),
    };
    let mut spec = json!({
        "selector": {"matchLabels": {"app": name}},
        "template": {
            "metadata": {"labels": {"app": name}, "annotations": {CONTENT: "broken"}},
            "spec": {"containers": [{
                "name": "app", "image": format!("rehearsal/{name}:1"),
                "env": env, "envFrom": env_from,
            }]},
        },
    });
    match workload.kind {
        WorkloadKind::Deployment => spec["replicas"] = json!(3),
        WorkloadKind::StatefulSet => {
            spec["replicas"] = json!(3);
            spec["serviceName"] = json!(name);
        }
        WorkloadKind::DaemonSet => {}
    }
    json!({"apiVersion": version, "kind": kind,
           "metadata": {"name": name, "namespace": namespace, "labels": {"app": name}},
           "spec": spec})
}

/// The same workload before it was broken.
fn earlier(broken: &Value, to: &UndoTo) -> Value {
    let mut object = broken.clone();
    let template = &mut object["spec"]["template"];
    template["metadata"]["annotations"][CONTENT] = json!("good");
    for (name, value) in &to.annotations {
        template["metadata"]["annotations"][name] = json!(value);
    }
    if let Some(image) = &to.image {
        template["spec"]["containers"][0]["image"] = json!(image);
    }
    object
}

/// What repairs the target's own ConfigMaps and workloads, as manifests: what a branch from before the
/// migration holds.
pub fn manifests(namespace: &str, needs: &Needs, faults: &[Fault]) -> Vec<Value> {
    let configmaps = needs.own_configmaps.iter().map(|name| {
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name},
               "data": needs.configmaps.get(name)})
    });
    let workloads = needs.own_workloads.iter().map(|workload| {
        let mut object = object(namespace, workload, needs, faults);
        object["spec"]["template"] = repaired(&object["spec"]["template"], workload, needs, faults);
        object
    });
    configmaps.chain(workloads).collect()
}

/// The snapshots that the runbooks name, as if they had been taken before the migration.
pub fn snapshots(
    sandbox: &Sandbox,
    namespace: &str,
    needs: &Needs,
    faults: &[Fault],
) -> Vec<Snapshot> {
    let cluster = sandbox.get("namespaces", "", "kube-system");
    let uid = cluster.and_then(|it| it["metadata"]["uid"].as_str().map(str::to_owned));
    let setting = Setting {
        context: Some(CONTEXT.to_owned()),
        namespace: namespace.to_owned(),
        ..Setting::default()
    };
    let of = |name: &String, is_own: bool| {
        let taken = crate::world::clock::now();
        let mut snapshot = snapshot::empty(name, taken, "the rehearsal".to_owned(), &setting);
        snapshot.cluster = uid.clone().unwrap_or_default();
        for (name, flags) in &needs.configmaps {
            if !is_own || needs.own_configmaps.contains(name) {
                snapshot.configmaps.insert(name.clone(), flags.clone());
            }
        }
        for workload in if is_own { &needs.own_workloads } else { &needs.workloads } {
            let live = sandbox.get(workload.kind.plural(), namespace, &workload.name);
            let live = live.unwrap_or_else(|| object(namespace, workload, needs, faults));
            let template = repaired(&live["spec"]["template"], workload, needs, faults);
            snapshot.workloads.insert(workload.to_string(), template);
        }
        snapshot
    };
    needs.snapshots.iter().map(|(name, is_own)| of(name, *is_own)).collect()
}

/// A pod template as it was before the migration; where pods are to crash, it is what they crash of.
fn repaired(template: &Value, workload: &Workload, needs: &Needs, faults: &[Fault]) -> Value {
    let mut template = template.clone();
    template["metadata"]["annotations"][CONTENT] = json!("good");
    let env = &mut template["spec"]["containers"][0]["env"];
    let wanted = needs.envs.get(workload);
    for entry in env.as_array_mut().into_iter().flatten() {
        let name = entry["name"].as_str().unwrap_or_default();
        if let Some(value) = wanted.and_then(|wanted| wanted.get(name)) {
            entry["value"] = json!(value);
        }
    }
    if faults.contains(&Fault::CrashLoop)
        && let Some(env) = env.as_array_mut()
    {
        env.push(json!({"name": "CRASH", "value": "true"}));
    }
    template
}

/// A user that may look at everything and change nothing.
pub fn grant_reads(sandbox: &Sandbox, user: &str) {
    sandbox.grant(user, &[Rule::new(&["get", "list", "watch"], &["*"])]);
}

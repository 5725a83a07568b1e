//! The cluster of a rehearsal: every ConfigMap and workload that the runbooks name, with the flags
//! turned the wrong way.

use std::io;

use serde_json::{Value, json};

use super::{Needs, broken};
use crate::cli::Fault;
use crate::runbook::{UndoTo, Workload, WorkloadKind};
use crate::sandbox::{Rule, Sandbox};

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

/// A user that may look at everything and change nothing.
pub fn grant_reads(sandbox: &Sandbox, user: &str) {
    sandbox.grant(user, &[Rule::new(&["get", "list", "watch"], &["*"])]);
}

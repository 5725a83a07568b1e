//! PURE: the flags of a catalog in the live system: the value that stands there, what each workload
//! makes of it, and how many of its running pods carry which value, as far as objects tell.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;
use serde_json::{Value, json};

use crate::draft::Draft;
use crate::facts::{Facts, Read, Unread, WorkloadFacts};
use crate::runbook::{Action, Workload};
use crate::step::workload::flags::{How, each, readings};
use crate::step::workload::restart::carried;

/// A flag of the catalog.
#[derive(Debug, Clone, Serialize)]
pub struct Flag {
    /// `configmap/migration-flags`, or the workload whose env it is.
    pub object: String,
    /// Its name.
    pub name: String,
    /// What stands there; none where it does not exist or could not be read.
    pub value: Option<String>,
    /// Why it could not be read; empty when it was.
    pub problem: String,
    /// What the runbooks set it to.
    pub set_by: Vec<SetBy>,
    /// What the workloads of the catalog make of it.
    pub workloads: Vec<Reader>,
}

/// A method that sets a flag.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct SetBy {
    /// `component tool-dispatcher`.
    pub target: String,
    /// `flag`.
    pub method: String,
    /// `false`.
    pub value: String,
}

/// What a container of a workload makes of a flag.
#[derive(Debug, Clone, Serialize)]
pub struct Reader {
    /// `deployment/netra-backend`.
    pub workload: String,
    /// `app`.
    pub container: String,
    /// How it is read, in a phrase.
    pub how: String,
    /// Whether the flag's value gets through; `null` where nobody can tell.
    pub effective: Option<bool>,
    /// Running pods by what they carry; `?` is what objects do not tell.
    pub pods: BTreeMap<String, usize>,
}

/// What has to be read for the flags of these drafts.
pub fn reads(drafts: &[&Draft]) -> BTreeSet<Read> {
    let mut reads: BTreeSet<Read> = workloads(drafts).into_iter().map(Read::Workload).collect();
    for draft in drafts {
        for step in &draft.steps {
            if let Action::SetFlags(spec) = &step.action {
                reads.extend(spec.configmap.clone().map(Read::ConfigMap));
            }
        }
    }
    reads
}

fn workloads(drafts: &[&Draft]) -> BTreeSet<Workload> {
    let steps = drafts.iter().flat_map(|draft| &draft.steps);
    steps
        .flat_map(|step| match &step.action {
            Action::SetFlags(spec) => spec.workload.iter().cloned().collect(),
            Action::Restart(spec) => spec.workloads.clone(),
            Action::Wait(spec) => spec.rollout.clone(),
            _ => Vec::new(),
        })
        .collect()
}

/// All flags of the drafts, by object and name.
pub fn table(drafts: &[&Draft], facts: &Facts) -> Vec<Flag> {
    let mut set_by: BTreeMap<(String, String), BTreeSet<SetBy>> = BTreeMap::new();
    for draft in drafts {
        for step in &draft.steps {
            let Action::SetFlags(spec) = &step.action else { continue };
            let object = match (&spec.configmap, &spec.workload) {
                (Some(name), _) => format!("configmap/{name}"),
                (None, Some(workload)) => workload.to_string(),
                (None, None) => continue,
            };
            for (name, value) in &spec.flags {
                set_by.entry((object.clone(), name.clone())).or_default().insert(SetBy {
                    target: draft.target.to_string(),
                    method: draft.method.clone(),
                    value: value.clone(),
                });
            }
        }
    }
    let flags = set_by.into_iter().map(|((object, name), set_by)| {
        let set_by = set_by.into_iter().collect();
        match object.strip_prefix("configmap/") {
            Some(configmap) => of_configmap(&object, configmap, &name, set_by, facts),
            None => of_env(&object, &name, set_by, facts),
        }
    });
    flags.collect()
}

fn of_configmap(
    object: &str,
    configmap: &str,
    name: &str,
    set_by: Vec<SetBy>,
    facts: &Facts,
) -> Flag {
    let (value, problem) = match facts.configmaps.get(configmap) {
        Some(Ok(found)) => (found["data"][name].as_str().map(str::to_owned), String::new()),
        Some(Err(why)) => (None, why.sentence().to_owned()),
        None => (None, "it was not read".to_owned()),
    };
    let mut workloads = Vec::new();
    for (workload, known) in &facts.workloads {
        let Ok(found) = known else { continue };
        let template = &found.object["spec"]["template"];
        for reading in readings(template, configmap, name, &facts.configmaps) {
            let (how, effective) = words(&reading.how, value.is_some());
            let pods = pods(found, &reading.container, configmap, name, facts);
            let (workload, container) = (workload.to_string(), reading.container);
            workloads.push(Reader { workload, container, how, effective, pods });
        }
    }
    Flag { object: object.to_owned(), name: name.to_owned(), value, problem, set_by, workloads }
}

fn words(how: &How, there: bool) -> (String, Option<bool>) {
    let absent = if there { "" } else { ", absent: the program's own default" };
    match how {
        How::Env(variable) => (format!("env {variable}{absent}"), Some(there)),
        How::File(path) => (format!("file {path}{absent}"), Some(there)),
        How::SubPath(path) => (format!("file {path} (subPath){absent}"), Some(there)),
        How::Literal { variable, value } => {
            (format!("overridden by its own {variable}={value}"), Some(false))
        }
        How::Other { variable, source } => {
            (format!("overridden: {variable} from {source}"), Some(false))
        }
        How::Perhaps { variable, source } => {
            (format!("env {variable}, unless {source} has its own"), None)
        }
    }
}

/// The running pods of a workload by what a container carries.
fn pods(
    found: &WorkloadFacts,
    container: &str,
    configmap: &str,
    name: &str,
    facts: &Facts,
) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for pod in carried::running(found) {
        // What the pod itself is made of, which may be older than the template.
        let template = json!({"spec": pod["spec"]});
        let of_pod = readings(&template, configmap, name, &facts.configmaps);
        let how = of_pod.iter().find(|reading| reading.container == container);
        let object = facts.configmaps.get(configmap).and_then(|known| known.as_ref().ok());
        let now = object.map(|object| object["data"][name].as_str());
        let carried = match (how.map(|reading| &reading.how), now) {
            (Some(How::Literal { value, .. }), _) => value.clone(),
            (Some(How::File(_)), Some(now)) => text(now),
            (Some(How::Env(_) | How::SubPath(_)), Some(now))
                if object
                    .is_some_and(|object| carried::pod_is_newer(pod, configmap, object, name)) =>
            {
                text(now)
            }
            (None, _) => "nothing".to_owned(),
            _ => "?".to_owned(),
        };
        *counts.entry(carried).or_insert(0) += 1;
    }
    counts
}

fn text(value: Option<&str>) -> String {
    value.map_or_else(|| "nothing".to_owned(), str::to_owned)
}

fn of_env(object: &str, name: &str, set_by: Vec<SetBy>, facts: &Facts) -> Flag {
    let known = facts.workloads.iter().find(|(workload, _)| workload.to_string() == object);
    let mut flag = Flag {
        object: object.to_owned(),
        name: name.to_owned(),
        value: None,
        problem: String::new(),
        set_by,
        workloads: Vec::new(),
    };
    let found = match known {
        Some((_, Ok(found))) => found,
        Some((_, Err(why))) => {
            why.sentence().clone_into(&mut flag.problem);
            return flag;
        }
        None => {
            "it was not read".clone_into(&mut flag.problem);
            return flag;
        }
    };
    for container in each(&found.object["spec"]["template"]["spec"]["containers"]) {
        let Some(value) = literal(container, name) else { continue };
        flag.value.get_or_insert_with(|| value.clone());
        let of = container["name"].as_str().unwrap_or_default();
        let mut pods = BTreeMap::new();
        for pod in carried::running(found) {
            let carried = each(&pod["spec"]["containers"])
                .find(|container| container["name"] == of)
                .and_then(|container| literal(container, name));
            *pods.entry(text(carried.as_deref())).or_insert(0) += 1;
        }
        flag.workloads.push(Reader {
            workload: object.to_owned(),
            container: of.to_owned(),
            how: format!("its own env {name}={value}"),
            effective: Some(true),
            pods,
        });
    }
    flag
}

fn literal(container: &Value, name: &str) -> Option<String> {
    let entry = each(&container["env"]).filter(|entry| entry["name"] == name).last()?;
    entry["valueFrom"].is_null().then(|| entry["value"].as_str().unwrap_or_default().to_owned())
}

/// What could not be read, in a sentence each.
pub fn problems(facts: &Facts) -> Vec<String> {
    let configmaps = facts.configmaps.values().filter_map(|known| known.as_ref().err());
    let workloads = facts.workloads.values().filter_map(|known| known.as_ref().err());
    let all: BTreeSet<String> = configmaps
        .chain(workloads)
        .map(|why| match why {
            Unread::Missing(text, Some(hint)) => format!("{text}; {hint}"),
            why => why.sentence().to_owned(),
        })
        .collect();
    all.into_iter().collect()
}

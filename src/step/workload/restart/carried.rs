//! PURE: what a workload's running pods carry of the plan's flags, as far as objects tell, and the
//! proof that they carry it already.

use std::collections::BTreeSet;
use std::time::SystemTime;

use serde_json::Value;

use crate::facts::{Facts, WorkloadFacts};
use crate::step::Forecast;
use crate::step::workload::flags::{How, Reading, each, readings};
use crate::world::cluster::plain;
use crate::world::cluster::rollout::{
    CONFIGMAPS_ANNOTATION, Rollout, Wanted, judge, template_annotation,
};

/// A flag of the plan that the workload's template names.
#[derive(Debug, Clone)]
pub(super) struct Flag {
    pub(super) configmap: String,
    pub(super) key: String,
    /// The value that the plan wants.
    wanted: String,
    readings: Vec<Reading>,
}

impl Flag {
    /// Whether nothing gets the wanted value, since literals say something else.
    fn overridden(&self) -> bool {
        !self.readings.iter().any(|reading| self.gets_through(&reading.how))
    }

    fn gets_through(&self, how: &How) -> bool {
        how.effective() || matches!(how, How::Literal { value, .. } if *value == self.wanted)
    }
}

/// The plan's flags that a workload reads.
#[derive(Debug, Clone, Default)]
pub(super) struct Carried {
    pub(super) flags: Vec<Flag>,
}

/// Which of the plan's flags the workload's template names.
pub(super) fn carried(found: &WorkloadFacts, facts: &Facts) -> Carried {
    let template = &found.object["spec"]["template"];
    let mut flags = Vec::new();
    for (configmap, keys) in facts.flags_to_change.iter().chain(&facts.flags_present) {
        for key in keys {
            let readings = readings(template, configmap, key, &facts.configmaps);
            if readings.is_empty() {
                continue;
            }
            let wanted = match facts.configmaps.get(configmap) {
                Some(Ok(object)) => object["data"][key].as_str().unwrap_or_default().to_owned(),
                _ => String::new(),
            };
            let (configmap, key) = (configmap.clone(), key.clone());
            flags.push(Flag { configmap, key, wanted, readings });
        }
    }
    Carried { flags }
}

impl Carried {
    /// The ConfigMaps whose versions the new pods note.
    pub(super) fn configmaps(&self) -> BTreeSet<&str> {
        self.flags.iter().map(|flag| flag.configmap.as_str()).collect()
    }

    /// Whether there are flags for it, and none of them gets through.
    pub(super) fn is_all_overridden(&self) -> bool {
        !self.flags.is_empty() && self.flags.iter().all(Flag::overridden)
    }

    /// The flags that get through to a container: ConfigMap, key, the value that the plan wants.
    pub(super) fn reaching(&self) -> impl Iterator<Item = (&str, &str, &str)> {
        let reaching = self.flags.iter().filter(|flag| !flag.overridden());
        reaching.map(|flag| (flag.configmap.as_str(), flag.key.as_str(), flag.wanted.as_str()))
    }

    /// The flags that get through to some containers and not to others: ConfigMap, key, and those to
    /// which they do.
    pub(super) fn partly(&self) -> impl Iterator<Item = (&str, &str, String)> {
        self.flags.iter().filter(|flag| !flag.overridden()).filter_map(|flag| {
            let (get, miss): (Vec<_>, Vec<_>) =
                flag.readings.iter().partition(|reading| flag.gets_through(&reading.how));
            let names: BTreeSet<&str> = get.iter().map(|it| it.container.as_str()).collect();
            let names: Vec<&str> = names.into_iter().collect();
            let text = format!("container {}", names.join(", "));
            (!miss.is_empty()).then_some((flag.configmap.as_str(), flag.key.as_str(), text))
        })
    }

    /// What the pods carry now: `3 pods carry true (image netra:4f1c)`.
    pub(super) fn evidence(&self, found: &WorkloadFacts, facts: &Facts) -> String {
        let pods: Vec<&Value> = running(found).collect();
        let count = format!("{} {}", pods.len(), if pods.len() == 1 { "pod" } else { "pods" });
        let image = image(found).map_or_else(String::new, |image| format!(" (image {image})"));
        let changes: Vec<_> = facts
            .flag_changes
            .iter()
            .filter(|change| {
                self.flags.iter().any(|flag| {
                    change.object == format!("configmap/{}", flag.configmap)
                        && change.field == flag.key
                        && !flag.overridden()
                })
            })
            .collect();
        if changes.is_empty() || pods.is_empty() {
            return format!("{count}{image}");
        }
        // A pod that is older than the value which stands there may carry an earlier one.
        let older = pods
            .iter()
            .filter(|pod| self.flags.iter().any(|flag| !made_after(pod, flag, facts)))
            .count();
        let value = |from: &Option<String>| from.clone().unwrap_or_else(|| "nothing".to_owned());
        let values = match changes.as_slice() {
            [one] => value(&one.from),
            many => {
                let shown: Vec<String> = many
                    .iter()
                    .take(3)
                    .map(|change| format!("{}={}", change.field, value(&change.from)))
                    .collect();
                let more = many.len() - shown.len();
                let more = if more > 0 { format!(" and {more} more") } else { String::new() };
                shown.join(", ") + &more
            }
        };
        let verb = if pods.len() == 1 { "carries" } else { "carry" };
        if older == 0 {
            format!("{count} {verb} {values}{image}")
        } else {
            format!("{count} {verb} {values}, or a value from before it{image}")
        }
    }

    /// Says what overrides a flag; a workload in which no flag gets through is blocked.
    pub(super) fn warn(&self, what: &str, forecast: &mut Forecast) {
        let blocked = self.is_all_overridden();
        for flag in &self.flags {
            for Reading { container, how } in &flag.readings {
                let key = &flag.key;
                match how {
                    How::Literal { variable, value } if *value != flag.wanted => {
                        let value = plain(value);
                        let text = format!(
                            "{what} container {container} has its own {variable}={value}: {key} of \
                             configmap/{} does not reach it",
                            flag.configmap
                        );
                        let hint = format!(
                            "set it there: set_flags with `workload: {what}`, `container: {container}`"
                        );
                        if blocked {
                            forecast.block(text, Some(hint));
                        } else {
                            forecast.warnings.push(text);
                        }
                    }
                    How::Other { variable, source } => {
                        let text = format!(
                            "{what} container {container} has {variable} from {source}: {key} of \
                             configmap/{} does not reach it",
                            flag.configmap
                        );
                        if blocked {
                            forecast.block(text, None);
                        } else {
                            forecast.warnings.push(text);
                        }
                    }
                    How::Perhaps { variable, source } => forecast.warnings.push(format!(
                        "{what} container {container} also reads {source}, which may have its own \
                         {variable}"
                    )),
                    How::Literal { .. } | How::Env(_) | How::File(_) | How::SubPath(_) => {}
                }
            }
        }
    }
}

/// Why no restart is needed: every flag of the plan was there before, and every pod was made after
/// it. Without flags in the plan a restart is wanted for its own sake.
pub(super) fn proof(found: &WorkloadFacts, facts: &Facts, carried: &Carried) -> Option<String> {
    let unflagged = carried.flags.is_empty() || carried.flags.iter().any(Flag::overridden);
    if unflagged || !facts.flags_to_change.is_empty() {
        return None;
    }
    let Rollout::Complete(_) = judge(found, &Wanted::Current, SystemTime::now()) else {
        return None;
    };
    let pods: Vec<&Value> = running(found).collect();
    let all = pods.iter().all(|pod| {
        carried.flags.iter().all(|flag| made_after(pod, flag, facts) || notes(pod, flag, facts))
    });
    let noted = carried.flags.iter().all(|flag| {
        version(flag, facts).is_some_and(|version| {
            noted_version(template_annotation(&found.object, CONFIGMAPS_ANNOTATION), flag)
                == Some(version)
        })
    });
    let how = if noted { "were made with" } else { "are newer than" };
    (all && !pods.is_empty())
        .then(|| format!("all {} pods {how} the flags as they are", pods.len()))
}

/// The pods that run, or are about to: not those that end or have ended.
pub(crate) fn running(found: &WorkloadFacts) -> impl Iterator<Item = &Value> {
    found.pods.iter().filter(|pod| {
        !pod["metadata"]["deletionTimestamp"].is_string()
            && !matches!(pod["status"]["phase"].as_str(), Some("Succeeded" | "Failed"))
    })
}

/// Whether a pod was made in a later second than the last change of the flag. The API server's
/// clock gives both times, in whole seconds: in the same second nobody knows.
fn made_after(pod: &Value, flag: &Flag, facts: &Facts) -> bool {
    let Some(Ok(object)) = facts.configmaps.get(&flag.configmap) else { return false };
    let made = pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default();
    last_change(object, &flag.key).is_some_and(|changed| made > changed)
}

/// When a key was last written: the newest entry of those who own it.
pub(super) fn last_change<'a>(object: &'a Value, key: &str) -> Option<&'a str> {
    let field = format!("f:{key}");
    each(&object["metadata"]["managedFields"])
        .filter(|entry| entry["fieldsV1"]["f:data"][&field].is_object())
        .map(|entry| entry["time"].as_str().unwrap_or("9999"))
        .max()
}

/// Whether a pod notes that it was made with the ConfigMap as it is.
fn notes(pod: &Value, flag: &Flag, facts: &Facts) -> bool {
    let noted = pod["metadata"]["annotations"][CONFIGMAPS_ANNOTATION].as_str();
    let version = version(flag, facts);
    version.is_some() && noted_version(noted, flag) == version
}

fn version<'a>(flag: &Flag, facts: &'a Facts) -> Option<&'a str> {
    let Some(Ok(object)) = facts.configmaps.get(&flag.configmap) else { return None };
    object["metadata"]["resourceVersion"].as_str()
}

fn noted_version<'a>(noted: Option<&'a str>, flag: &Flag) -> Option<&'a str> {
    noted?
        .split(',')
        .filter_map(|pair| pair.split_once('='))
        .find(|(name, _)| *name == flag.configmap)
        .map(|(_, version)| version)
}

/// Whether a pod was made with the ConfigMap's present value of a key, as far as objects tell.
pub(crate) fn pod_is_newer(pod: &Value, configmap: &str, object: &Value, key: &str) -> bool {
    let made = pod["metadata"]["creationTimestamp"].as_str().unwrap_or_default();
    let noted = pod["metadata"]["annotations"][CONFIGMAPS_ANNOTATION].as_str();
    let noted = noted.into_iter().flat_map(|text| text.split(',')).find_map(|pair| {
        pair.split_once('=').filter(|(name, _)| *name == configmap).map(|(_, version)| version)
    });
    let version = object["metadata"]["resourceVersion"].as_str();
    (version.is_some() && noted == version)
        || last_change(object, key).is_some_and(|changed| made > changed)
}

/// The image of the first container, without its registry.
fn image(found: &WorkloadFacts) -> Option<String> {
    let image = found.object["spec"]["template"]["spec"]["containers"][0]["image"].as_str()?;
    Some(plain(image.rsplit('/').next().unwrap_or(image)))
}

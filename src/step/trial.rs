//! PURE: which changes of a plan the API server is asked to try, and what its answer means. The
//! patch that is tried is the one that is shown, and run with a test of the version that it is for. A
//! pod is tried beside it, since quotas and policies refuse pods, and a workload is taken without a
//! word.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::workload::flags::each;
use super::workload::needs;
use crate::facts::{Facts, Known, Trial, Unread};
use crate::step::Forecast;
use crate::world::cluster::rollout::{desired, max_unavailable};

/// Workloads as a step leaves them, by `deployment/web`.
pub(crate) type Workloads = BTreeMap<String, Value>;

/// The objects that the steps so far change.
#[derive(Debug, Default)]
pub(crate) struct Tried {
    touched: BTreeSet<String>,
}

impl Tried {
    /// What is tried of a step. The patch of an object that an earlier step changes first is not:
    /// it fits the object only afterwards.
    pub(crate) fn of(
        &mut self,
        commands: &[Vec<String>],
        forecast: &Forecast,
        after: &Workloads,
    ) -> Vec<Trial> {
        let mut trials = Vec::new();
        for (object, content_type, body) in commands.iter().filter_map(|argv| patch_of(argv)) {
            let first = self.touched.insert(object.to_owned());
            if !forecast.obstacles.is_empty() {
                continue;
            }
            if first || content_type != "application/json-patch+json" {
                let [object, content_type, body] = [object, content_type, body].map(str::to_owned);
                trials.push(Trial::Patch { object, content_type, body });
            }
        }
        if forecast.obstacles.is_empty() {
            for (workload, found) in after.iter().filter(|(_, found)| desired(found) > 0) {
                let body = pod(found).to_string();
                trials.push(Trial::Pod { workload: workload.clone(), body });
            }
        }
        trials
    }
}

/// The workloads that a step's commands patch, as the facts have them after its forecast.
pub(crate) fn workloads(commands: &[Vec<String>], facts: &Facts) -> Workloads {
    let patched = commands.iter().filter_map(|argv| patch_of(argv)).map(|(object, ..)| object);
    let patched: BTreeSet<&str> = patched.collect();
    facts
        .workloads
        .iter()
        .filter_map(|(workload, known)| {
            let name = workload.to_string();
            let object = known.as_ref().ok()?.object.clone();
            patched.contains(name.as_str()).then_some((name, object))
        })
        .collect()
}

/// Object, content type and body of a `kubectl patch`.
fn patch_of(argv: &[String]) -> Option<(&str, &'static str, &str)> {
    let at = argv.iter().position(|word| word == "patch")?;
    let object = argv.get(at + 1).filter(|object| object.contains('/'))?;
    let after = |flag: &str| {
        let place = argv.iter().position(|word| word == flag)?;
        argv.get(place + 1).map(String::as_str)
    };
    let content_type = match argv.iter().find_map(|word| word.strip_prefix("--type="))? {
        "json" => "application/json-patch+json",
        "merge" => "application/merge-patch+json",
        "strategic" => "application/strategic-merge-patch+json",
        _ => return None,
    };
    (argv.first()? == "kubectl").then_some(())?;
    Some((object, content_type, after("-p")?))
}

/// A pod as the controllers would make it from the template.
fn pod(workload: &Value) -> Value {
    let template = &workload["spec"]["template"];
    let name = workload["metadata"]["name"].as_str().unwrap_or("pod");
    let mut spec = template["spec"].clone();
    // A StatefulSet's controller adds the volumes of its claims.
    for claim in each(&workload["spec"]["volumeClaimTemplates"]) {
        let volume = json!({"name": claim["metadata"]["name"], "emptyDir": {}});
        match spec["volumes"].as_array_mut() {
            Some(volumes) => volumes.push(volume),
            None => spec["volumes"] = json!([volume]),
        }
    }
    let mut metadata = json!({"generateName": format!("{name}-")});
    for part in ["labels", "annotations"] {
        if template["metadata"][part].is_object() {
            metadata[part] = template["metadata"][part].clone();
        }
    }
    json!({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})
}

/// What an answer means for the step.
pub(crate) fn judge(
    trial: &Trial,
    known: Option<&Known<()>>,
    after: &Workloads,
    forecast: &mut Forecast,
) {
    match (trial, known) {
        (Trial::Need { workload, need }, known) => needs::judge(workload, need, known, forecast),
        (_, Some(Ok(()))) => {}
        (Trial::Patch { object, .. }, Some(Err(Unread::Refused(why)))) => {
            forecast.block(format!("the API server refuses this change of {object}: {why}"), None);
        }
        (Trial::Patch { object, .. }, Some(Err(Unread::Missing(..)))) => {
            forecast.block(format!("{object} went away during the survey"), None);
        }
        (Trial::Patch { object, .. }, Some(Err(why))) => {
            let text =
                format!("whether the API server takes this change of {object}: {}", why.sentence());
            forecast.uncheckable(text, None);
        }
        (Trial::Patch { object, .. }, None) => {
            let text = format!(
                "whether the API server takes this change of {object} was not answered in time"
            );
            forecast.uncheckable(text, None);
        }
        (Trial::Pod { workload, .. }, Some(Err(Unread::Refused(why)))) => {
            let text = format!("no new pod of {workload} would be let in: {why}");
            let object = after.get(workload).unwrap_or(&Value::Null);
            if makes_room(object) && why.contains("quota") && !is_overdrawn(why) {
                let room = "; the old ones are taken away first, which may make room";
                forecast.warnings.push(format!("{text}{room}"));
            } else {
                forecast.block(text, Some(remedy(object, why)));
            }
        }
        (Trial::Pod { workload, .. }, Some(Err(Unread::Forbidden(_)))) => {
            forecast.warnings.push(format!(
                "whether quotas and policies let new pods of {workload} in was not tried: that \
                 needs the permission to create pods"
            ));
        }
        (Trial::Pod { workload, .. }, known) => {
            let why = match known {
                Some(Err(why)) => why.sentence(),
                _ => "no answer in time",
            };
            forecast.warnings.push(format!(
                "whether quotas and policies let new pods of {workload} in is not known: {why}"
            ));
        }
    }
}

/// Whether a quota is already used beyond its limit, so that one pod less makes no room.
fn is_overdrawn(why: &str) -> bool {
    let number = |word: &str| -> Option<u64> {
        let (_, rest) = why.split_once(word)?;
        let (_, value) = rest.split_once('=')?;
        let digits: String = value.chars().take_while(char::is_ascii_digit).collect();
        let unit = value.chars().nth(digits.len());
        digits.parse().ok().filter(|_| unit.is_none_or(|unit| unit == ','))
    };
    match (number("used: "), number("limited: ")) {
        (Some(used), Some(limited)) => used > limited,
        _ => false,
    }
}

/// Whether the controller takes old pods away before it makes new ones.
fn makes_room(object: &Value) -> bool {
    if object["kind"] != "Deployment" {
        return true;
    }
    max_unavailable(object, desired(object)) > 0
}

/// What to do about a pod that is refused, by the API server's own words.
fn remedy(object: &Value, why: &str) -> String {
    let words = why.to_lowercase();
    let what = if words.contains("quota") {
        "raise the quota, or take away what fills it"
    } else if words.contains("serviceaccount") || words.contains("service account") {
        "restore the service account first: without it no pod is made"
    } else if words.contains("being terminated") || words.contains("namespaceterminating") {
        "the namespace is being deleted: nothing new can be made in it"
    } else if words.contains("limitrange")
        || words.contains("limits.")
        || words.contains("usage per")
    {
        "correct the limits of the namespace, or the template's resources"
    } else {
        "correct the policy that refuses it, or the template"
    };
    let status = &object["status"];
    let ready = status["readyReplicas"].as_u64().or(status["numberReady"].as_u64());
    if ready.unwrap_or(0) > 0 {
        format!("{what}; the old pods serve meanwhile")
    } else {
        what.into()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::{is_overdrawn, makes_room, patch_of, remedy};

    #[test]
    fn a_rollout_that_could_neither_surge_nor_shrink_may_shrink_by_one_and_makes_room() {
        let rolling = |surge: &str, unavailable: &str, pods: u64| {
            let rolling = json!({"maxSurge": surge, "maxUnavailable": unavailable});
            json!({"kind": "Deployment", "spec": {"replicas": pods,
                "strategy": {"type": "RollingUpdate", "rollingUpdate": rolling}}})
        };
        assert!(makes_room(&rolling("0%", "25%", 2)));
        assert!(!makes_room(&rolling("25%", "25%", 2)));
        assert!(makes_room(&rolling("25%", "25%", 4)));
    }

    #[test]
    fn what_to_do_about_a_refused_pod_fits_the_refusal_and_the_pods_that_are_left() {
        let pods = |ready: u64| json!({"status": {"readyReplicas": ready}});
        let quota = "exceeded quota: few, requested: pods=1, used: pods=3, limited: pods=3";
        assert!(remedy(&pods(3), quota).starts_with("raise the quota"));
        assert!(remedy(&pods(3), quota).ends_with("the old pods serve meanwhile"));
        assert!(!remedy(&pods(0), quota).contains("serve"));
        let account =
            "error looking up service account shop/robot: serviceaccount \"robot\" not found";
        assert!(remedy(&pods(0), account).contains("service account"));
        let ends = "unable to create new content in namespace shop because it is being terminated";
        assert!(remedy(&pods(1), ends).contains("is being deleted"));
        assert!(remedy(&pods(1), "admission webhook denied it").contains("policy"));
    }

    #[test]
    fn a_quota_that_is_full_gets_room_and_one_that_is_overdrawn_does_not() {
        let quota = |used: &str| {
            format!("exceeded quota: few, requested: pods=1, used: pods={used}, limited: pods=3")
        };
        assert!(!is_overdrawn(&quota("3")));
        assert!(is_overdrawn(&quota("5")));
        assert!(!is_overdrawn("requested: cpu=1, used: cpu=2500m, limited: cpu=2"));
    }

    #[test]
    fn only_a_patch_of_kubectl_is_tried() {
        let argv = |text: &str| text.split(' ').map(str::to_owned).collect::<Vec<_>>();
        let patch = argv("kubectl -n shop patch deployment/web --type=strategic -p {}");
        let tried = patch_of(&patch).expect("a patch");
        assert_eq!(tried, ("deployment/web", "application/strategic-merge-patch+json", "{}"));
        assert_eq!(patch_of(&argv("git push origin")), None);
        assert_eq!(patch_of(&argv("sh patch x/y --type=json -p {}")), None);
    }
}

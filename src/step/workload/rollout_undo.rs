//! `rollout_undo`: an earlier pod template of a workload, known by its content. `kubectl rollout
//! undo` goes by numbers: done twice it goes back to the broken template, and after a restart it
//! undoes only the restart. Here the survey finds the template (`history`), the patch puts exactly
//! that one in place, and a template that a rollback restored is never gone back from.

mod history;

use std::time::SystemTime;

use serde_json::{Value, json};

use super::template::{self, Now, RESTORED};
use super::{done_without_pods, effect_of, known, owner_warning, patch_access, permitted, settled};
use crate::facts::{Facts, Read, WorkloadFacts};
use crate::journal::Permit;
use crate::runbook::{RolloutUndo, UndoTo, Workload, WorkloadKind};
use crate::step::claims;
use crate::step::set_flags::ended_badly;
use crate::step::{Doing, Done, Effect, Forecast, Mark, Outputs, Setting};
use crate::world::cluster::rollout::{
    STEP_ANNOTATION, Wanted, desired, forewarned, held_back, template_annotation, without_pods,
};
use crate::world::hands::Hands;
use crate::world::process::Invocation;
use history::{Choice, History};

/// What it needs to know.
pub fn reads(spec: &RolloutUndo) -> Vec<Read> {
    let mut reads =
        vec![Read::Workload(spec.workload.clone()), Read::Access(patch_access(&spec.workload))];
    if spec.workload.kind != WorkloadKind::Deployment {
        reads.push(Read::Revisions(spec.workload.clone()));
    }
    reads
}

/// Which template is wanted, in words.
pub fn wanted(to: &UndoTo) -> String {
    if let Some(image) = &to.image {
        format!("the template with image {image}")
    } else if let Some(revision) = to.revision {
        format!("revision {revision}")
    } else if to.annotations.is_empty() {
        "the last good template".to_owned()
    } else {
        let pairs: Vec<String> =
            to.annotations.iter().map(|(name, value)| format!("{name}={value}")).collect();
        format!("the template with {}", pairs.join(", "))
    }
}

/// What it will find and change; its effect is added to the facts.
pub fn forecast(spec: &RolloutUndo, setting: &Setting, facts: &mut Facts) -> Forecast {
    let mut forecast = Forecast::default();
    let what = spec.workload.to_string();
    let found = known(&mut forecast, &what, facts.workloads.get(&spec.workload)).cloned();
    let Some(found) = found else { return forecast };
    let revisions = if spec.workload.kind == WorkloadKind::Deployment {
        found.replica_sets.clone()
    } else {
        let read = facts.revisions.get(&spec.workload);
        let Some(revisions) = known(&mut forecast, &format!("the history of {what}"), read) else {
            return forecast;
        };
        revisions.clone()
    };
    let current = &found.object["spec"]["template"];
    forecast.pinned.insert(before_key(&spec.workload), json!(template::digest(current)));
    let history = History::new(&found, &revisions);
    match history.choose(&spec.to) {
        Choice::Current(why) => {
            forecast.evidence.push(format!("{what}  {why}"));
            forecast.pinned.insert(kept_key(&spec.workload), template::content(current));
            let has = "the template";
            forecast.already_there = settled(&mut forecast, facts, &spec.workload, &found, has);
        }
        Choice::Target(target) => {
            let changes = template::differences(&what, current, &target.template);
            let (shown, more) = template::shown(changes);
            forecast.changes = shown;
            forecast.evidence.push(format!("{what}  back to {}", target.phrase()));
            forecast.evidence.extend(more);
            let pinned = template::content(&target.template);
            forecast.pinned.insert(target_key(&spec.workload), pinned);
            obstacles(spec, setting, &found, facts, &mut forecast);
            foresee(&spec.workload, found.clone(), &target.template, facts);
        }
        Choice::None(why, hint) => forecast.block(why, hint),
    }
    forecast
}

fn before_key(workload: &Workload) -> String {
    format!("{workload} template")
}

fn target_key(workload: &Workload) -> String {
    format!("{workload} wanted template")
}

/// The pinned fact of a template that is the wanted one already.
fn kept_key(workload: &Workload) -> String {
    format!("{workload} kept template")
}

fn obstacles(
    spec: &RolloutUndo,
    setting: &Setting,
    found: &WorkloadFacts,
    facts: &Facts,
    forecast: &mut Forecast,
) {
    let what = spec.workload.to_string();
    if let Some((why, hint)) = held_back(&found.object) {
        forecast.block(why, Some(hint));
    }
    if desired(&found.object) == 0 {
        let text = format!("{}: no pods will show the template", without_pods(&found.object));
        forecast.warnings.push(text);
    }
    forecast.warnings.extend(forewarned(found, SystemTime::now(), false));
    permitted(forecast, facts, &patch_access(&spec.workload), &setting.namespace);
    forecast.contested(owner_warning(&what, &found.object));
    if found.object["metadata"]["annotations"]["kubectl.kubernetes.io/last-applied-configuration"]
        .is_string()
    {
        forecast.warnings.push(format!(
            "{what} was made by `kubectl apply`: the next apply of the broken manifest brings it back"
        ));
    }
}

/// The next step sees the template that this one puts in place.
fn foresee(workload: &Workload, mut found: WorkloadFacts, template: &Value, facts: &mut Facts) {
    let mut after = template::content(template);
    if !after["metadata"]["annotations"].is_object() {
        after["metadata"]["annotations"] = json!({});
    }
    after["metadata"]["annotations"][STEP_ANNOTATION] = json!("<this run>");
    after["metadata"]["annotations"][RESTORED] = json!(template::digest(template));
    found.object["spec"]["template"] = after;
    facts.foresee_workload(workload, found);
}

/// The argv that is run, with the generation still open.
pub fn commands(
    spec: &RolloutUndo,
    setting: &Setting,
    mark: &Mark,
    forecast: &Forecast,
) -> Vec<Vec<String>> {
    let template = forecast.pinned.get(&target_key(&spec.workload));
    template
        .map(|template| template::replace(&spec.workload, setting, mark, template, None))
        .into_iter()
        .collect()
}

/// Puts the template in place, unless somebody changed it since the plan.
pub fn perform(spec: &RolloutUndo, doing: &Doing, hands: &mut Hands, permit: &Permit) -> Done {
    let pinned = &doing.forecast.pinned;
    let Some(wanted) = pinned.get(&target_key(&spec.workload)) else {
        return match doing.forecast.obstacles.first() {
            Some(obstacle) => {
                Done::badly(format!("nothing was changed: {}", obstacle.why), Vec::new())
            }
            None => Done::well(format!("{} has this template already", spec.workload)),
        };
    };
    let before = pinned.get(&before_key(&spec.workload)).and_then(Value::as_str);
    let (cluster, setting) = (&doing.reader.cluster, &doing.setting);
    let before = before.unwrap_or_default();
    match template::now(cluster, &spec.workload, setting, &doing.mark, before, wanted) {
        Now::There => Done::well(format!("{} has this template already", spec.workload)),
        Now::Changed(why) | Now::Unread(why) => Done::badly(why, Vec::new()),
        Now::Patch(argv) => {
            let captured = hands.run(permit, &[Invocation::new(argv, doing.timeout)]).remove(0);
            match ended_badly(&captured) {
                Some(done) => done,
                None => Done::well(format!("{} has the earlier template", spec.workload)),
            }
        }
    }
}

/// Whether the workload has the template, and all pods are of it.
pub fn look(spec: &RolloutUndo, doing: &Doing) -> Effect {
    let Doing { forecast, .. } = doing;
    let cluster = &doing.reader.cluster;
    let facts = match cluster.workload(&spec.workload) {
        Ok(facts) => facts,
        Err(why) => return Effect::unread(why),
    };
    let pinned = |key| forecast.pinned.get(&key);
    let wanted = pinned(target_key(&spec.workload)).or_else(|| pinned(kept_key(&spec.workload)));
    let Some(wanted) = wanted else {
        return Effect::Missing("no template to go back to is known".to_owned());
    };
    let template = &facts.object["spec"]["template"];
    let left = claims::left(&doing.later, &spec.workload, wanted, template);
    if left.is_empty() {
        return match effect_of(cluster, &facts, &Wanted::Current, done_without_pods) {
            Effect::Present(text, _) => {
                Effect::Present(format!("{text}, of the earlier template"), Outputs::new())
            }
            other => other,
        };
    }
    let what = spec.workload.to_string();
    let (changes, _) = template::shown(left);
    let found: Vec<String> =
        changes.iter().take(3).map(|it| format!("{} is {}", it.field, it.to)).collect();
    Effect::Missing(format!("{what} does not have the template: {}", found.join(", ")))
}

/// The digest that a template of ours says it restored.
fn restored(object: &Value) -> Option<&str> {
    template_annotation(object, RESTORED)
}

//! How a plan is made: a draft's reads and trials, and the forecasts of its steps against the facts.

use std::collections::BTreeSet;

use super::{
    Circumstances, ClusterName, Plan, PlannedCriterion, PlannedStep, SurveyNote, commits, lock,
};
use crate::draft::Draft;
use crate::facts::{Facts, Read, Trial, endpoint_key};
use crate::runbook::{Action, Step};
use crate::step::workload::needs;
use crate::step::{Forecast, Mark, Nature, Setting, Standing, apply, checkout, kinds, trial};
use crate::world::web::Elsewhere;

/// Where a draft acts.
pub fn setting(draft: &Draft) -> Setting {
    Setting {
        kubeconfig: None,
        context: draft.context.clone(),
        namespace: draft.namespace.clone(),
        repository: draft.repository.clone(),
    }
}

/// Whether a step reads or changes the cluster.
pub fn needs_cluster<'s>(steps: impl IntoIterator<Item = &'s Step>) -> bool {
    steps.into_iter().any(|step| match &step.action {
        Action::Wait(spec) => !spec.rollout.is_empty(),
        action => kinds::is_in_cluster(action),
    })
}

/// Everything that the survey asks for a draft.
pub fn reads(draft: &Draft) -> BTreeSet<Read> {
    let setting = setting(draft);
    let steps = draft.steps.iter().flat_map(|step| kinds::reads(&step.action, &setting));
    let checkouts = checkout::reads(&draft.steps, &setting).into_values().map(Read::Git);
    let lock = needs_cluster(&draft.steps).then(|| lock::reads(&draft.namespace));
    steps.chain(checkouts).chain(lock.into_iter().flatten()).collect()
}

/// What the survey asks for the first step alone.
pub fn first_reads(draft: &Draft) -> BTreeSet<Read> {
    let setting = setting(draft);
    draft.steps.first().into_iter().flat_map(|step| kinds::reads(&step.action, &setting)).collect()
}

/// What the API server is asked to try, once the facts are in.
pub fn trials(draft: &Draft, facts: &Facts) -> BTreeSet<Trial> {
    let setting = setting(draft);
    let mut facts = facts.clone();
    let mut tried = trial::Tried::default();
    foresee(draft, &setting, &mut facts)
        .into_iter()
        .flat_map(|planned| {
            let trials = tried.of(&planned.commands, &planned.forecast, &planned.after);
            trials.into_iter().chain(planned.needs)
        })
        .collect()
}

/// The checks that the survey asks once, so that the plan can say what they answer now; none that could
/// change something, and none that names what only the run knows.
pub fn endpoints(draft: &Draft) -> Vec<Action> {
    let criteria = draft.recovered_when.iter().map(|criterion| &criterion.action);
    let steps = draft.steps.iter().map(|step| &step.action);
    let mut endpoints: Vec<Action> = Vec::new();
    for action in criteria.chain(steps) {
        let key = endpoint_key(action).filter(|_| kinds::unasked(action).is_none());
        if key.is_some() && !endpoints.iter().any(|known| endpoint_key(known) == key) {
            endpoints.push(action.clone());
        }
    }
    endpoints
}

/// A step as it is foreseen, before what was tried is known.
struct Foreseen {
    forecast: Forecast,
    commands: Vec<Vec<String>>,
    /// The workloads as the step leaves them.
    after: trial::Workloads,
    /// What their pods need.
    needs: BTreeSet<Trial>,
}

/// The forecasts of all steps, each in the world that the steps before it leave.
fn foresee(draft: &Draft, setting: &Setting, facts: &mut Facts) -> Vec<Foreseen> {
    facts.checkouts = checkout::reads(&draft.steps, setting);
    draft
        .steps
        .iter()
        .enumerate()
        .map(|(index, step)| {
            let mut later = draft.steps[index + 1..].iter();
            facts.changes_follow = later.any(|step| kinds::nature(&step.action) != Nature::Check);
            let mut forecast = kinds::forecast(&step.action, setting, facts);
            checkout::forecast(&step.id, facts, &mut forecast);
            let mark = Mark {
                run_id: "<run>".to_owned(),
                step_id: step.id.clone(),
                started_at: "<start>".to_owned(),
            };
            let commands = kinds::commands(&step.action, setting, &mark, &forecast);
            let mut after = trial::workloads(&commands, facts);
            if let Action::Apply(spec) = &step.action {
                after.extend(apply::workloads(spec, setting, facts));
            }
            needs::judge_configmaps(&after, facts, &mut forecast);
            let needs = needs::trials(&after, facts);
            Foreseen { forecast, commands, after, needs }
        })
        .collect()
}

/// Resolves a draft against the facts, in step order.
pub fn make(draft: &Draft, mut facts: Facts, circumstances: Circumstances) -> Plan {
    let setting = setting(draft);
    let mut steps = Vec::new();
    let found = crate::snapshot::of_facts(draft, &setting, &facts);
    let mut tried = trial::Tried::default();
    let foreseen = foresee(draft, &setting, &mut facts);
    for (step, Foreseen { mut forecast, commands, after, needs }) in
        draft.steps.iter().zip(foreseen)
    {
        for trial in tried.of(&commands, &forecast, &after).into_iter().chain(needs) {
            trial::judge(&trial, facts.trials.get(&trial), &after, &mut forecast);
        }
        if draft.not_ready.is_some() {
            let why = "it is not ready to be run";
            let hint = format!("fill it in at {}, and remove `not_ready`", draft.place);
            forecast.block(why, Some(hint));
        }
        let nature = kinds::nature(&step.action);
        let standing = forecast.standing(nature);
        let mut planned = PlannedStep {
            step: step.clone(),
            nature,
            standing,
            forecast,
            commands,
            left_out: false,
        };
        commits::judge(&steps, &mut planned);
        planned.left_out = planned.standing == Standing::Blocked
            && draft.not_ready.is_none()
            && circumstances.skip_blocked.contains(&step.id);
        steps.push(planned);
    }
    let criteria = draft
        .recovered_when
        .iter()
        .map(|criterion| {
            let key = endpoint_key(&criterion.action);
            let answer = key.as_ref().and_then(|key| facts.endpoints.get(key));
            let known = key.is_some_and(|key| !facts.no_data.contains(&key));
            PlannedCriterion {
                criterion: criterion.clone(),
                before: answer.filter(|_| known).map(|attempt| attempt.passed),
                now: kinds::heard(&criterion.action, &facts)
                    .unwrap_or_else(|| "not asked".to_owned()),
                warning: answer
                    .and_then(|attempt| attempt.elsewhere)
                    .filter(|elsewhere| *elsewhere != Elsewhere::Silent)
                    .map(|elsewhere| elsewhere.advice().to_owned())
                    .unwrap_or_default(),
            }
        })
        .collect();
    let lock = if needs_cluster(&draft.steps) {
        lock::judge(&draft.namespace, &facts, circumstances.without_lock)
    } else {
        Vec::new()
    };
    let mut plan = Plan {
        target: draft.target.clone(),
        title: draft.title.clone(),
        method: draft.method.clone(),
        not_ready: draft.not_ready.clone(),
        budget: draft.budget,
        setting,
        cluster: cluster_name(&facts),
        parameters: draft.parameters.clone(),
        secrets: draft.secrets.clone(),
        given: circumstances.given,
        steps,
        criteria,
        ladder: circumstances.ladder,
        found,
        lock,
        survey: SurveyNote {
            elapsed_ms: circumstances.elapsed_ms,
            unanswered: facts.unanswered(),
            at: circumstances.at,
        },
        digest: String::new(),
        simulated: circumstances.simulated,
        place: draft.place.clone(),
        after: draft.after.clone(),
        forward_of: draft.forward_of.clone(),
    };
    plan.seal();
    plan
}

fn cluster_name(facts: &Facts) -> ClusterName {
    match &facts.identity {
        None => ClusterName::default(),
        Some(Ok(identity)) => ClusterName {
            uid: identity.uid.clone(),
            server: identity.server.clone(),
            user: identity.user.clone(),
            problem: String::new(),
        },
        Some(Err(why)) => {
            ClusterName { problem: why.sentence().to_owned(), ..ClusterName::default() }
        }
    }
}

//! PURE: a runbook with its parameters, resolved for one method. What only the run itself knows
//! (run id, outputs of earlier steps, secrets) is still in the texts as `${name}`; see
//! [`crate::runbook::template::settle`].

mod names;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use names::refuse_names;
pub use names::refuse_namespace;

use crate::after::After;
use crate::error::{Error, Result, nearest};
use crate::runbook::parameters::{Parameters, Resolved};
use crate::runbook::template::{self, Meaning};
use crate::runbook::{
    Action, Command, CommandForm, Criterion, Method, Parameter, Place, Runbook, SecretSource,
    Settings, Step, Target,
};

/// The namespace where `rollback.yaml` names none.
pub const NAMESPACE: &str = "default";

/// What would be run, before anything is known about the world.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Draft {
    /// What is rolled back.
    pub target: Target,
    /// Its name for people.
    pub title: String,
    /// The method.
    pub method: String,
    /// What the method (or else the runbook) does.
    pub description: Option<String>,
    /// Why the method cannot be run yet. Its one step then says so, and is blocked.
    #[serde(default)]
    pub not_ready: Option<String>,
    /// How long it should take.
    pub budget: Option<Duration>,
    /// The kubectl context; none means kubectl's current one.
    pub context: Option<String>,
    /// The namespace.
    pub namespace: String,
    /// The git repository; only there when a git step uses it.
    pub repository: Option<String>,
    /// The parameters that are used and are no secrets.
    pub parameters: BTreeMap<String, String>,
    /// Where the secrets that are used come from.
    pub secrets: BTreeMap<String, SecretSource>,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// Decides the verdict.
    pub recovered_when: Vec<Criterion>,
    /// Where the runbook came from.
    pub place: Place,
    /// All methods of the runbook, in order of escalation.
    pub methods: Vec<String>,
    /// The service that a component escalates to.
    pub service: Option<String>,
    /// What follows the run.
    #[serde(default)]
    pub after: Box<After>,
    /// The run that is taken back, where this is the way forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_of: Option<String>,
}

impl Draft {
    /// Resolves one method of a runbook; the first where none is named.
    pub fn new(
        runbook: &Runbook,
        settings: &Settings,
        method: Option<&str>,
        parameters: &Parameters,
    ) -> Result<Draft> {
        let (draft, _) = Draft::explained(runbook, settings, method, parameters)?;
        Ok(draft)
    }

    /// The same, with the origin of every value.
    pub fn explained(
        runbook: &Runbook,
        settings: &Settings,
        method: Option<&str>,
        parameters: &Parameters,
    ) -> Result<(Draft, Resolved)> {
        let method = choose(runbook, method)?;
        let mut draft = raw(runbook, settings, method);
        let known = known(runbook, settings);
        let used = used(&mut draft, &known);
        let resolved = parameters.resolve(&known, &used)?;
        draft.parameters = resolved
            .values
            .iter()
            .map(|(name, (value, _))| (name.clone(), value.clone()))
            .collect();
        draft.secrets.clone_from(&resolved.secrets);
        let lookup = |name: &str| {
            if resolved.secrets.contains_key(name) {
                return Some(Meaning::Late);
            }
            resolved.values.get(name).map(|(value, _)| Meaning::Value(value.as_str().into()))
        };
        let mut failed = None;
        texts(&mut draft, &mut |text, place| match template::resolve(text, lookup) {
            Ok(done) => *text = done,
            Err(why) => {
                failed.get_or_insert_with(|| format!("{place}: {why}"));
            }
        });
        if let Some(message) = failed {
            return Err(Error::invalid(message).hint("run `rollback lint`").into());
        }
        refuse_names(&draft)?;
        let values = draft.parameters.clone();
        commands(&mut draft, &mut |command| {
            if let CommandForm::Shell(script) = &command.form {
                for name in template::mentioned(script, values.keys().map(String::as_str)) {
                    let value = || values[name].clone();
                    command.env.entry(name.to_owned()).or_insert_with(value);
                }
            }
        });
        draft.after = Box::new(After::new(runbook, settings, parameters));
        Ok((draft, resolved))
    }

    /// Whether a step of this draft changes a git repository.
    pub fn uses_git(&self) -> bool {
        self.steps.iter().any(|step| is_git(&step.action))
    }
}

/// The parameters that a runbook may use.
pub fn known(runbook: &Runbook, settings: &Settings) -> BTreeMap<String, Parameter> {
    let mut known = settings.parameters.clone();
    known.extend(runbook.parameters.clone());
    known
}

/// The parameters that a method needs and nobody gave; none where the method is not there.
pub fn missing(
    runbook: &Runbook,
    settings: &Settings,
    method: &str,
    parameters: &Parameters,
) -> Vec<String> {
    let Ok(method) = choose(runbook, Some(method)) else { return Vec::new() };
    let known = known(runbook, settings);
    let used = used(&mut raw(runbook, settings, method), &known);
    known
        .into_iter()
        .filter(|(name, it)| it.secret.is_none() && it.default.is_none() && used.contains(name))
        .filter(|(name, _)| !parameters.is_given(name))
        .map(|(name, _)| name)
        .collect()
}

fn choose<'r>(runbook: &'r Runbook, name: Option<&str>) -> Result<&'r Method> {
    let Some(name) = name else {
        let ready = runbook.methods.iter().find(|method| method.not_ready.is_none());
        return ready.or(runbook.methods.first()).ok_or_else(|| {
            let message = format!("`{}` has no methods", runbook.target);
            Error::invalid(message).hint(format!("add one in {}", runbook.place)).into()
        });
    };
    if let Some(method) = runbook.methods.iter().find(|method| method.name == name) {
        return Ok(method);
    }
    let names = || runbook.methods.iter().map(|method| method.name.as_str());
    let shown = crate::runbook::problem::printable(name);
    let mut error = Error::usage(format!("`{}` has no method `{shown}`", runbook.target));
    if let Some(near) = nearest(name, names()) {
        error = error.hint(format!("did you mean `--method {near}`?"));
    }
    Err(error.hint(format!("its methods are: {}", names().collect::<Vec<_>>().join(", "))).into())
}

/// The draft with its names still in it.
fn raw(runbook: &Runbook, settings: &Settings, method: &Method) -> Draft {
    let git = |step: &Step| is_git(&step.action) || matches!(step.action, Action::Apply(_));
    Draft {
        target: runbook.target.clone(),
        title: runbook.title.clone(),
        method: method.name.clone(),
        description: method.description.clone().or_else(|| runbook.description.clone()),
        not_ready: method.not_ready.clone(),
        budget: method.budget,
        context: settings.context.clone(),
        namespace: settings.namespace.clone().unwrap_or_else(|| NAMESPACE.to_owned()),
        repository: settings
            .repository
            .clone()
            .filter(|_| method.not_ready.is_none() && method.steps.iter().any(git)),
        parameters: BTreeMap::new(),
        secrets: BTreeMap::new(),
        steps: steps_of(runbook, settings, method),
        recovered_when: criteria_of(runbook, settings),
        place: runbook.place.clone(),
        methods: runbook.methods.iter().map(|method| method.name.clone()).collect(),
        service: runbook.service.clone(),
        after: Box::default(),
        forward_of: None,
    }
}

/// The steps, with the catalog's Prometheus where they name none. Of a method that is not ready only
/// the reason is left, as a step: what stands in it is not to be trusted yet.
fn steps_of(runbook: &Runbook, settings: &Settings, method: &Method) -> Vec<Step> {
    if let Some(why) = &method.not_ready {
        return vec![Step {
            id: "not-ready".to_owned(),
            name: format!("The method {}", method.name),
            timeout: crate::runbook::load::STEP_TIMEOUT,
            retry: crate::runbook::Retry::default(),
            confirm: crate::runbook::Confirm::None,
            on_failure: crate::runbook::OnFailure::Stop,
            action: Action::Manual(crate::runbook::Manual { instruction: why.clone() }),
            place: runbook.place.clone(),
        }];
    }
    let mut steps = method.steps.clone();
    for step in &mut steps {
        ask_catalog(&mut step.action, settings);
    }
    steps
}

fn criteria_of(runbook: &Runbook, settings: &Settings) -> Vec<Criterion> {
    let mut criteria = runbook.recovered_when.clone();
    for criterion in &mut criteria {
        ask_catalog(&mut criterion.action, settings);
    }
    criteria
}

/// A metric without an address of its own is asked of the catalog's Prometheus.
pub(crate) fn ask_catalog(action: &mut Action, settings: &Settings) {
    if let (Action::Metric(metric), Some(prometheus)) = (action, &settings.prometheus)
        && metric.url.is_none()
    {
        metric.url = Some(prometheus.url.clone());
        metric.headers.clone_from(&prometheus.headers);
    }
}

/// The parameters that the texts of a draft name.
fn used(draft: &mut Draft, known: &BTreeMap<String, Parameter>) -> BTreeSet<String> {
    let mut used: BTreeSet<String> = BTreeSet::new();
    texts(draft, &mut |text, _| used.extend(template::late(text).into_iter().map(str::to_owned)));
    commands(draft, &mut |command| {
        if let CommandForm::Shell(script) = &command.form {
            let plain = known.iter().filter(|(_, parameter)| parameter.secret.is_none());
            let names = template::mentioned(script, plain.map(|(name, _)| name.as_str()));
            used.extend(names.into_iter().map(str::to_owned));
        }
    });
    used
}

fn is_git(action: &Action) -> bool {
    matches!(action, Action::RevertCommits(_) | Action::RestoreFiles(_) | Action::RollbackBranch(_))
}

/// Every command of a draft.
fn commands(draft: &mut Draft, look: &mut dyn FnMut(&mut Command)) {
    let steps = draft.steps.iter_mut().map(|step| &mut step.action);
    for action in steps.chain(draft.recovered_when.iter_mut().map(|c| &mut c.action)) {
        if let Action::Command(command) = action {
            look(command);
        }
    }
}

/// Every text of a draft that may hold names, with the place it belongs to.
fn texts(draft: &mut Draft, look: &mut dyn FnMut(&mut String, &Place)) {
    let place = draft.place.clone();
    let namespace = std::iter::once(&mut draft.namespace);
    for text in draft.context.iter_mut().chain(namespace).chain(&mut draft.repository) {
        look(text, &place);
    }
    for step in &mut draft.steps {
        look(&mut step.name, &step.place);
        action_texts(&mut step.action, &mut |text| look(text, &step.place));
    }
    for criterion in &mut draft.recovered_when {
        look(&mut criterion.name, &criterion.place);
        action_texts(&mut criterion.action, &mut |text| look(text, &criterion.place));
    }
}

/// Every text of an action that may hold names. A script is none of them.
pub fn action_texts(action: &mut Action, look: &mut dyn FnMut(&mut String)) {
    match action {
        Action::SetFlags(a) => {
            a.configmap.iter_mut().chain(&mut a.container).for_each(&mut *look);
            a.workload.iter_mut().for_each(|workload| look(&mut workload.name));
            a.flags.values_mut().for_each(look);
        }
        Action::Restart(a) => a.workloads.iter_mut().for_each(|workload| look(&mut workload.name)),
        Action::RolloutUndo(a) => {
            look(&mut a.workload.name);
            a.to.image.iter_mut().chain(a.to.annotations.values_mut()).for_each(look);
        }
        Action::Apply(a) => {
            look(&mut a.at);
            a.paths.iter_mut().chain(&mut a.repository).for_each(look);
        }
        Action::RestoreSnapshot(a) => look(&mut a.name),
        Action::RevertCommits(a) => {
            look(&mut a.branch);
            a.commits.iter_mut().chain(&mut a.message).chain(&mut a.repository).for_each(look);
        }
        Action::RestoreFiles(a) => {
            look(&mut a.branch);
            look(&mut a.from);
            look(&mut a.message);
            a.paths.iter_mut().chain(&mut a.repository).for_each(look);
        }
        Action::RollbackBranch(a) => {
            look(&mut a.branch);
            look(&mut a.on);
            a.commit.iter_mut().chain(&mut a.subject).chain(&mut a.repository).for_each(look);
        }
        Action::Command(a) => {
            if let CommandForm::Argv(argv) = &mut a.form {
                argv.iter_mut().for_each(&mut *look);
            }
            a.env.values_mut().chain(&mut a.cwd).for_each(&mut *look);
            a.probe.iter_mut().flatten().for_each(look);
        }
        Action::Http(a) => {
            look(&mut a.url);
            a.headers.values_mut().chain(&mut a.contains).for_each(&mut *look);
            a.json.values_mut().for_each(|value| json_texts(value, look));
        }
        Action::Metric(a) => {
            look(&mut a.query);
            a.url.iter_mut().chain(a.headers.values_mut()).for_each(look);
        }
        Action::Manual(a) => look(&mut a.instruction),
        Action::Wait(a) => a.rollout.iter_mut().for_each(|workload| look(&mut workload.name)),
    }
}

fn json_texts(value: &mut serde_json::Value, look: &mut dyn FnMut(&mut String)) {
    match value {
        serde_json::Value::String(text) => look(text),
        serde_json::Value::Array(items) => {
            for item in items {
                json_texts(item, look);
            }
        }
        serde_json::Value::Object(map) => {
            for item in map.values_mut() {
                json_texts(item, look);
            }
        }
        _ => {}
    }
}

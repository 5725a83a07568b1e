//! A launch's survey: the world is asked, and the plan is made of the answers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use super::{Launch, secrecy};
use crate::commands::after::contacts::decider;
use crate::draft::{self, Draft};
use crate::error::{Error, Exit, Result};
use crate::facts::{self, Facts, Pace};
use crate::inbox::{Inbox, Message};
use crate::journal;
use crate::plan::{self, Circumstances, Plan, Rung};
use crate::run::{Policy, attempt_headers, millis};
use crate::runbook::parameters::Parameters;
use crate::runbook::{Level, Method, Runbook, SecretSource, Settings, Target};
use crate::secrets;
use crate::step::Setting;
use crate::terminal::redact::Redactor;
use crate::world::cluster::{Cluster, current_context};
use crate::world::forge::Forge;
use crate::world::{Reader, clock};

/// How long one read of the cluster may take: less than the survey's five seconds, so that
/// its sentence is the one that is shown.
const CLUSTER_DEADLINE: Duration = Duration::from_millis(4500);

/// What a survey needs, and what it found.
pub(super) struct Surveyed {
    pub plan: Plan,
    pub reader: Reader,
    pub at: Instant,
}

impl Launch<'_> {
    /// Asks the world and makes the plan.
    pub(super) fn survey(
        &self,
        inbox: &mut Inbox,
        runbook: &Runbook,
        settings: &Settings,
        policy: &mut Policy,
    ) -> Result<Surveyed> {
        // What a run would refuse a dry-run refuses as well.
        if let Some(who) = &self.args.decided_by {
            decider(&settings.decision_authority, who)?;
        }
        let parameters = Parameters::parse(&self.args.params)?.with_environment();
        let mut draft = Draft::new(runbook, settings, self.args.method.as_deref(), &parameters)?;
        if let Some(adapt) = self.adapt {
            adapt(&mut draft);
        }
        pin_context(&mut draft);
        let reads = plan::reads(&draft);
        let reader = reader(&plan::setting(&draft), plan::needs_cluster(&draft.steps))?;
        policy.secrets = fetch_secrets(inbox, &draft.secrets)?;
        let known = draft::known(runbook, settings);
        secrecy::refuse_given(parameters.given(&known), &policy.secrets)?;
        let endpoints = plan::endpoints(&draft)
            .into_iter()
            .map(|action| {
                let headers = attempt_headers(&action, &policy.secrets);
                (action, headers)
            })
            .collect::<Vec<_>>();
        let begun = Instant::now();
        let (asked, limit) = (reader.clone(), self.args.survey_timeout);
        let tried = draft.clone();
        let pace = Pace {
            limit,
            until: if self.args.now { plan::first_reads(&draft) } else { BTreeSet::new() },
        };
        inbox.helper(move || {
            let trials = |facts: &Facts| plan::trials(&tried, facts);
            let facts = facts::gather(&reads, &endpoints, &asked, &pace, &trials);
            Message::Surveyed(Box::new(facts))
        });
        let mut facts = wait_for_survey(inbox, limit)?;
        let redactor = Redactor::new(policy.secrets.values().cloned().collect());
        for attempt in facts.endpoints.values_mut() {
            attempt.sentence = redactor.redact(&attempt.sentence);
        }
        let given = self.given(runbook, settings, &parameters);
        let circumstances = Circumstances {
            ladder: match &draft.forward_of {
                // What does not work forward is rolled back again.
                Some(_) => {
                    runbook.methods.first().map(|it| self.rung_of(&runbook.target, it, &given))
                }
                None => None,
            }
            .map_or_else(|| self.ladder(runbook, &draft.method, &given), |rung| vec![rung]),
            given,
            skip_blocked: self.args.skip_blocked.clone(),
            without_lock: self.args.lock.without_lock,
            simulated: self.simulated,
            elapsed_ms: millis(begun.elapsed()),
            at: clock::now(),
        };
        let ids: Vec<&str> = draft.steps.iter().map(|step| step.id.as_str()).collect();
        let of = format!("{} · {}", draft.target, draft.method);
        refuse_unknown("--skip-blocked", &self.args.skip_blocked, &ids, &of)?;
        refuse_unknown("--answer", policy.answers.keys(), &ids, &of)?;
        let mut plan = plan::make(&draft, facts, circumstances);
        secrecy::of_plan(&mut plan, &policy.secrets);
        if let Some(way) = self.way {
            (way.check)(&plan)?;
        }
        Ok(Surveyed { plan, reader, at: Instant::now() })
    }

    /// The rungs above a method: the next methods, then the service's, then the system's.
    fn ladder(&self, runbook: &Runbook, method: &str, given: &[String]) -> Vec<Rung> {
        let mut rungs = Vec::new();
        let above = runbook.methods.iter().skip_while(|it| it.name != method).skip(1);
        let above = above.filter(|method| method.not_ready.is_none());
        rungs.extend(above.map(|method| self.rung_of(&runbook.target, method, given)));
        let mut targets = Vec::new();
        if runbook.target.level == Level::Component
            && let Some(service) = &runbook.service
        {
            targets.push(Target { level: Level::Service, name: service.clone() });
        }
        if runbook.target.level != Level::System {
            targets.push(Target { level: Level::System, name: "system".to_owned() });
        }
        for target in targets {
            // A runbook that cannot be read is no rung; lint says why.
            if let Ok((runbook, settings)) = self.catalog.runbook(&target) {
                let Ok(parameters) = Parameters::parse(&self.args.params) else { continue };
                let given = self.given(&runbook, &settings, &parameters.with_environment());
                let ready = runbook.methods.iter().filter(|method| method.not_ready.is_none());
                rungs.extend(ready.map(|method| self.rung_of(&target, method, &given)));
            }
        }
        rungs
    }

    /// What a command line for this runbook needs besides its target and method: the catalog,
    /// where it would not be found by itself, and the parameters that were given.
    fn given(
        &self,
        runbook: &Runbook,
        settings: &Settings,
        parameters: &Parameters,
    ) -> Vec<String> {
        let mut given = self.catalog.flags();
        let known = draft::known(runbook, settings);
        // What only the sandbox can give is given again by the next rehearsal.
        let own = |name: &str| self.stood_in.iter().any(|it| it == name);
        for (name, value) in parameters.given(&known).filter(|(name, _)| !own(name)) {
            given.extend(["--param".to_owned(), format!("{name}={value}")]);
        }
        given
    }

    fn rung_of(&self, target: &Target, method: &Method, given: &[String]) -> Rung {
        Rung {
            target: target.clone(),
            method: method.name.clone(),
            budget: method.budget,
            steps: method.steps.iter().map(|step| step.name.clone()).collect(),
            given: given.to_vec(),
            rehearsed: self.simulated,
        }
    }
}

/// The handles to the world; the proxy is only started where something needs the cluster.
pub fn reader(setting: &Setting, needs_cluster: bool) -> Result<Reader> {
    Ok(Reader {
        cluster: if needs_cluster {
            Cluster::open(setting, CLUSTER_DEADLINE)
        } else {
            Cluster::unneeded(setting)
        },
        forge: Forge::new(journal::cache_dir()?.join("git")),
    })
}

/// Fixes kubectl's current context for the run: somebody may switch it meanwhile. Where there is
/// none, the survey's reads say so.
pub fn pin_context(draft: &mut Draft) {
    if draft.context.is_none() && plan::needs_cluster(&draft.steps) {
        draft.context = current_context(&plan::setting(draft)).ok();
    }
}

/// A flag that names a step names one of these.
pub fn refuse_unknown<'a>(
    flag: &str,
    named: impl IntoIterator<Item = &'a String>,
    ids: &[&str],
    of: &str,
) -> Result<()> {
    let Some(id) = named.into_iter().find(|id| !ids.contains(&id.as_str())) else {
        return Ok(());
    };
    let mut error = Error::usage(format!("{flag}: there is no step `{id}` in {of}"));
    if let Some(near) = crate::error::nearest(id, ids.iter().copied()) {
        error = error.hint(format!("did you mean `{near}`?"));
    }
    Err(error.hint(format!("its steps: {}", ids.join(", "))).into())
}

/// Fetches secrets, which may take a program's time, while signals are heard.
pub fn fetch_secrets(
    inbox: &mut Inbox,
    sources: &BTreeMap<String, SecretSource>,
) -> Result<BTreeMap<String, String>> {
    if sources.is_empty() {
        return Ok(BTreeMap::new());
    }
    let sources = sources.clone();
    match inbox.attend(move || secrets::fetch(&sources)) {
        Some(fetched) => fetched,
        None => Err(stopped(inbox).into()),
    }
}

/// A signal came before anything was changed.
fn stopped(inbox: &Inbox) -> Error {
    let exit = if inbox.terminated() { Exit::Terminated } else { Exit::Interrupted };
    Error::new(exit, format!("{}: nothing was changed", inbox.reason()))
}

/// Waits for a survey's facts; a signal ends it.
pub fn wait_for_survey(inbox: &mut Inbox, limit: Duration) -> Result<Facts> {
    let until = Instant::now() + limit + Duration::from_secs(2);
    while Instant::now() < until {
        match inbox.recv_until(until) {
            Some(Message::Surveyed(facts)) => return Ok(*facts),
            Some(Message::Signal(_)) => {
                return Err(stopped(inbox).into());
            }
            _ => {}
        }
    }
    Err(Error::blocked("the survey did not come back").hint("nothing was changed").into())
}

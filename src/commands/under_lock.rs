//! What a run claims when it takes its environment's lock, and which environment a command without a
//! run is about.

use std::collections::BTreeSet;
use std::path::Path;

use crate::cli::{LockArgs, PlaceArgs};
use crate::error::{Error, Result};
use crate::inbox::Inbox;
use crate::lock::{self, Held, Holder, Order, Terms};
use crate::output::recorder::Recorder;
use crate::plan::Plan;
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::runbook::template::{self, Meaning};
use crate::state::RunState;
use crate::step::Setting;
use crate::world::clock;
use crate::world::cluster::Cluster;

use super::launch::journal_failed;
use super::screen::Screen;

/// A run's claim on its environment.
pub struct Claim<'a> {
    /// The incident, where one was named.
    pub incident: Option<String>,
    plan: &'a Plan,
    run_id: &'a str,
    terms: Terms,
}

impl<'a> Claim<'a> {
    /// The claim of a run that is about to carry out `plan`.
    pub fn new(plan: &'a Plan, run_id: &'a str, args: &LockArgs, interactive: bool) -> Claim<'a> {
        let terms = Terms {
            wait: args.lock_timeout,
            preempt: args.preempt,
            without: args.without_lock,
            interactive,
            duration: args.lease.unwrap_or(lock::DURATION),
        };
        Claim { incident: None, plan, run_id, terms }
    }

    /// Takes the lock, or says who has it.
    pub fn take(
        self,
        inbox: &mut Inbox,
        screen: &Screen,
        state: &Path,
        cluster: &Cluster,
    ) -> Result<Held> {
        let (plan, now) = (self.plan, clock::now());
        let me = Holder {
            run_id: self.run_id.to_owned(),
            session: clock::run_id(),
            operator: super::operator(),
            host: super::host(),
            pid: std::process::id(),
            incident: self.incident,
            level: plan.target.level.to_string(),
            target: plan.target.to_string(),
            method: plan.method.clone(),
            of: plan.steps.len(),
            started: now.clone(),
            since: now,
            ..Holder::default()
        };
        let run_id = self.run_id;
        let order = Order {
            state,
            environment: plan.environment(),
            me,
            cluster: plan.needs_cluster().then(|| cluster.clone()),
            terms: self.terms,
            say: &|text| screen.notice(run_id, text),
        };
        lock::take(inbox, &order)
    }
}

/// Notes in the journal that the run goes on without its lock, or from whom it took it over; durable
/// with the first intent.
pub fn note_lock(held: &Held, recorder: &mut Recorder, state: &mut RunState) -> Result<()> {
    if let Some(record) = held.remark() {
        let envelope = recorder.append(record).map_err(|error| journal_failed(&error, true))?;
        state.apply(&envelope);
    }
    Ok(())
}

/// The environment that a command names, or the catalog's.
pub fn place(catalog: impl FnOnce() -> Result<Catalog>, args: &PlaceArgs) -> Result<Setting> {
    let (mut context, mut namespace) = (args.context.clone(), args.namespace.clone());
    if context.is_none() || namespace.is_none() {
        let settings = catalog()?.settings()?;
        let texts = [settings.context.as_deref(), settings.namespace.as_deref()];
        let used: BTreeSet<String> = texts
            .iter()
            .flatten()
            .flat_map(|text| template::late(text))
            .map(str::to_owned)
            .collect();
        let parameters = Parameters::parse(&args.params)?.with_environment();
        let resolved = parameters.resolve(&settings.parameters, &used)?;
        let fill = |text: &str| {
            template::resolve(text, |name| {
                let (value, _) = resolved.values.get(name)?;
                Some(Meaning::Value(value.as_str().into()))
            })
            .map_err(|why| Error::invalid(why.to_string()).hint("run `rollback lint`"))
        };
        if context.is_none() {
            context = settings.context.as_deref().map(&fill).transpose()?;
        }
        if namespace.is_none() {
            namespace = settings.namespace.as_deref().map(&fill).transpose()?;
        }
    }
    let namespace = namespace.unwrap_or_else(|| crate::draft::NAMESPACE.to_owned());
    crate::draft::refuse_namespace(&namespace)?;
    Ok(Setting { context, namespace, ..Setting::default() })
}

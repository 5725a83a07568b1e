//! The next rungs, surveyed while this one runs: when one is offered, it is known whether it is
//! ready.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::draft::{self, Draft};
use crate::facts::{self, Facts, Pace};
use crate::plan::{self, Circumstances, Rung};
use crate::run::{Ahead, Readiness};
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::world::Reader;

use super::launch::Adapt;

/// How long the survey of a rung may take; nobody waits for it.
const LIMIT: Duration = Duration::from_secs(15);

/// Surveys the rungs on a helper thread, nearest first, up to the first that is not blocked; the
/// answers are there when they are.
pub fn survey(
    ladder: &[Rung],
    catalog: &Catalog,
    params: &[String],
    adapt: Option<Adapt<'_>>,
    reader: &Reader,
) -> Ahead {
    let answers: Ahead = ladder.iter().map(|_| OnceLock::new()).collect();
    let drafts: Vec<_> = ladder
        .iter()
        .map(|rung| {
            let mut draft = draft(rung, catalog, params);
            if let (Ok(draft), Some(adapt)) = (&mut draft, adapt) {
                adapt(draft);
            }
            draft
        })
        .collect();
    let (told, reader) = (Arc::clone(&answers), reader.clone());
    std::thread::spawn(move || {
        for (answer, draft) in told.iter().zip(drafts) {
            let found = draft.map_or_else(|why| why, |draft| readiness(&draft, &reader));
            let blocked = matches!(found, Readiness::Blocked(_));
            let _ = answer.set(found);
            if !blocked {
                break;
            }
        }
    });
    answers
}

/// A rung's draft, or why there is none.
fn draft(rung: &Rung, catalog: &Catalog, params: &[String]) -> Result<Draft, Readiness> {
    let blocked = |error: anyhow::Error| Readiness::Blocked(error.to_string());
    let (runbook, settings) = catalog.runbook(&rung.target).map_err(blocked)?;
    let params = known_params(params, &draft::known(&runbook, &settings));
    let parameters = Parameters::parse(&params).map_err(blocked)?.with_environment();
    let missing = draft::missing(&runbook, &settings, &rung.method, &parameters);
    if !missing.is_empty() {
        return Err(Readiness::Needs(missing));
    }
    Draft::new(&runbook, &settings, Some(&rung.method), &parameters).map_err(blocked)
}

/// The given parameters that another runbook knows as well.
pub fn known_params<T>(
    params: &[String],
    known: &std::collections::BTreeMap<String, T>,
) -> Vec<String> {
    let is_known =
        |pair: &&String| pair.split('=').next().is_some_and(|name| known.contains_key(name));
    params.iter().filter(is_known).cloned().collect()
}

fn readiness(draft: &Draft, reader: &Reader) -> Readiness {
    let reads = plan::reads(draft);
    let trials = |facts: &Facts| plan::trials(draft, facts);
    let facts = facts::gather(&reads, &[], reader, &Pace::within(LIMIT), &trials);
    let plan = plan::make(draft, facts, Circumstances::default());
    let first = plan.blocked().next().map(|step| {
        let certain = step.forecast.obstacles.iter().find(|it| it.certain);
        certain.map_or_else(|| step.step.name.clone(), |it| it.why.clone())
    });
    first.map_or(Readiness::Ready, Readiness::Blocked)
}

//! The next rung, surveyed while this one runs: when it is offered, it is known whether it is ready.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use crate::draft::{self, Draft};
use crate::facts::{self, Facts};
use crate::plan::{self, Circumstances, Rung};
use crate::run::Readiness;
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::world::Reader;

use super::launch::Adapt;

/// How long the survey of a rung may take; nobody waits for it.
const LIMIT: Duration = Duration::from_secs(15);

/// Surveys a rung on a helper thread; the answer is there when it is.
pub fn survey(
    rung: &Rung,
    catalog: &Catalog,
    params: &[String],
    adapt: Option<Adapt<'_>>,
    reader: &Reader,
) -> Arc<OnceLock<Readiness>> {
    let answer = Arc::new(OnceLock::new());
    let mut draft = match draft(rung, catalog, params) {
        Ok(draft) => draft,
        Err(error) => {
            let why = error.to_string();
            let _ = answer.set(Readiness { ready: false, why });
            return answer;
        }
    };
    if let Some(adapt) = adapt {
        adapt(&mut draft);
    }
    let (told, reader) = (Arc::clone(&answer), reader.clone());
    std::thread::spawn(move || {
        let _ = told.set(readiness(&draft, &reader));
    });
    answer
}

fn draft(rung: &Rung, catalog: &Catalog, params: &[String]) -> crate::error::Result<Draft> {
    let (runbook, settings) = catalog.runbook(&rung.target)?;
    let params = known_params(params, &draft::known(&runbook, &settings));
    let parameters = Parameters::parse(&params)?.with_environment();
    Draft::new(&runbook, &settings, Some(&rung.method), &parameters)
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
    let facts = facts::gather(&reads, &[], reader, LIMIT, &trials);
    let plan = plan::make(draft, facts, Circumstances::default());
    let first = plan.blocked().next().map(|step| {
        let why = step.forecast.obstacles.iter().find(|it| it.certain).map_or("", |it| &it.why);
        format!("{} is blocked: {why}", step.step.name)
    });
    match first {
        Some(why) => Readiness { ready: false, why },
        None => Readiness { ready: true, why: "surveyed: nothing stands in its way".to_owned() },
    }
}

//! The whole catalog, resolved: every method of every runbook as a draft, and one look at the live
//! system for all of them.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use crate::draft::Draft;
use crate::error::{Error, Result};
use crate::facts::{self, Facts, Pace, Read};
use crate::inbox::{Inbox, Message};
use crate::plan;
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::runbook::{Action, Place, Target};
use crate::step::Setting;

use super::launch::{pin_context, reader, wait_for_survey};

/// A method of a runbook, resolved or not.
pub struct Drafted {
    /// What it rolls back.
    pub target: Target,
    /// The method; empty where the runbook itself cannot be read.
    pub method: String,
    /// Where it stands.
    pub place: Place,
    /// The draft, or why there is none, with what to do.
    pub draft: std::result::Result<Draft, (String, Vec<String>)>,
}

/// Every method of every runbook, in the catalog's order.
pub fn drafts(catalog: &Catalog, parameters: &Parameters) -> Vec<Drafted> {
    let mut all = Vec::new();
    let mut contexts: BTreeMap<String, Option<String>> = BTreeMap::new();
    for entry in catalog.entries() {
        let (runbook, settings) = match catalog.runbook(&entry.target) {
            Ok(found) => found,
            Err(error) => {
                all.push(Drafted {
                    target: entry.target.clone(),
                    method: String::new(),
                    place: Place { file: entry.file.clone(), line: 1, column: 1 },
                    draft: Err(words(&error)),
                });
                continue;
            }
        };
        let own = parameters.only(&crate::draft::known(&runbook, &settings));
        for method in &runbook.methods {
            let draft = Draft::new(&runbook, &settings, Some(&method.name), &own)
                .map(|mut draft| {
                    if draft.context.is_none() && plan::needs_cluster(&draft.steps) {
                        let known = contexts.entry(draft.namespace.clone()).or_insert_with(|| {
                            let mut asked = draft.clone();
                            pin_context(&mut asked);
                            asked.context
                        });
                        draft.context.clone_from(known);
                    }
                    draft
                })
                .map_err(|error| words(&error));
            all.push(Drafted {
                target: runbook.target.clone(),
                method: method.name.clone(),
                place: method.steps.first().map_or(&runbook.place, |step| &step.place).clone(),
                draft,
            });
        }
    }
    all
}

fn words(error: &anyhow::Error) -> (String, Vec<String>) {
    let hints = error.downcast_ref::<Error>().map(|known| known.hints.clone());
    (format!("{error:#}"), hints.unwrap_or_default())
}

/// What is asked of one environment.
pub struct Asked {
    /// The reads of all that is asked for.
    pub reads: BTreeSet<Read>,
    /// The endpoints.
    pub endpoints: Vec<Action>,
    /// What is tried, once the answers are in.
    pub drafts: Vec<Draft>,
    /// Whether a proxy is needed.
    pub cluster: bool,
}

/// One look, with one proxy, at one environment.
pub fn look(setting: &Setting, asked: Asked, limit: Duration) -> Result<Facts> {
    let mut inbox = Inbox::new();
    inbox.hear_signals()?;
    let reader = reader(setting, asked.cluster)?;
    let given = reader.clone();
    inbox.helper(move || {
        let endpoints: Vec<_> =
            asked.endpoints.into_iter().map(|action| (action, Vec::new())).collect();
        let trials = |facts: &Facts| {
            asked.drafts.iter().flat_map(|draft| plan::trials(draft, facts)).collect()
        };
        let facts = facts::gather(&asked.reads, &endpoints, &given, &Pace::within(limit), &trials);
        Message::Surveyed(Box::new(facts))
    });
    let facts = wait_for_survey(&mut inbox, limit);
    reader.cluster.close();
    facts
}

//! `rollback ready`: every method of every runbook surveyed against the live system, to find what
//! has rotted before the night it is needed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::json;

use super::whole::{self, Asked, Drafted};
use super::{Format, json as pretty};
use crate::draft::Draft;
use crate::error::{Exit, Result};
use crate::facts::Facts;
use crate::plan::{self, Circumstances, Plan};
use crate::run::attempt_headers;
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::runbook::{after, lint};
use crate::secrets;
use crate::step::Standing;
use crate::terminal::ready_view::{Finding, State, Surveyed, ready_text};
use crate::terminal::redact::is_too_short;
use crate::terminal::style::Style;

/// Where drafts act: context and namespace.
type Place = (Option<String>, String);

/// What has rotted, and how it ends: blocked where a method could not be run.
pub fn ready(
    catalog: &Catalog,
    parameters: &Parameters,
    limit: Duration,
    format: Format,
    style: &Style,
) -> Result<(String, Exit)> {
    let all = whole::drafts(catalog, parameters);
    let facts = survey(&all, limit)?;
    let methods: Vec<Surveyed> = all.iter().map(|drafted| surveyed(drafted, &facts)).collect();
    let unanswered: BTreeSet<String> = facts.values().flat_map(Facts::unanswered).collect();
    let mut about_all: Vec<String> = catalog
        .broken()
        .iter()
        .map(|problem| {
            let file = problem.place.file.display();
            format!("{file} could not be read and was skipped: {}", problem.message)
        })
        .collect();
    let rotten = !about_all.is_empty()
        || !unanswered.is_empty()
        || methods.iter().any(|method| method.state == State::Blocked);
    about_all.extend(unanswered.iter().map(|what| format!("no answer: {what}")));
    if let Ok(settings) = catalog.settings() {
        about_all.extend(lint::unreachable_contacts(&settings));
    }
    about_all.extend(reviews_due(catalog));
    let exit = if rotten { Exit::Blocked } else { Exit::Success };
    let text = match format {
        Format::Json => pretty(&json!({
            "v": 1,
            "ready": !rotten,
            "methods": methods,
            "catalog": about_all,
            "unanswered": unanswered,
            "exit_code": exit.code(),
        }))?,
        Format::Text => ready_text(&methods, &about_all, style),
    };
    Ok((text, exit))
}

/// The pages whose review is overdue: what they say may no longer be so.
fn reviews_due(catalog: &Catalog) -> Vec<String> {
    let settings = catalog.settings().ok();
    let every = settings.as_ref().and_then(|settings| settings.review_every);
    let runbooks: Vec<_> = catalog
        .entries()
        .iter()
        .filter_map(|entry| catalog.runbook(&entry.target).ok())
        .map(|(runbook, _)| (runbook.place, runbook.reviewed))
        .collect();
    let pages = settings.map(|settings| (settings.place, settings.reviewed)).into_iter();
    pages
        .chain(runbooks)
        .filter_map(|(place, day)| after::overdue(&place, day.as_deref(), every, after::today()))
        .map(|late| {
            let file = late.file.display();
            format!("{file}: its review was due on {} (last: {})", late.due, late.reviewed)
        })
        .collect()
}

/// One look at each environment, for all methods that act there.
fn survey(all: &[Drafted], limit: Duration) -> Result<BTreeMap<Place, Facts>> {
    let mut environments: BTreeMap<Place, Vec<&Draft>> = BTreeMap::new();
    for draft in all.iter().filter_map(|drafted| drafted.draft.as_ref().ok()) {
        environments.entry(place(draft)).or_default().push(draft);
    }
    let looks = environments.into_iter().map(|(place, drafts)| {
        let mut endpoints = BTreeMap::new();
        for action in drafts.iter().flat_map(|draft| plan::endpoints(draft)) {
            // Without its secrets an endpoint would answer something else.
            let plain = attempt_headers(&action, &BTreeMap::new())
                .iter()
                .all(|(_, value)| crate::late::names(value).is_empty());
            if let Some(key) = crate::facts::endpoint_key(&action).filter(|_| plain) {
                endpoints.entry(key).or_insert(action);
            }
        }
        let asked = Asked {
            reads: drafts.iter().flat_map(|draft| plan::reads(draft)).collect(),
            endpoints: endpoints.into_values().collect(),
            drafts: drafts.iter().map(|draft| (*draft).clone()).collect(),
            cluster: drafts.iter().any(|draft| plan::needs_cluster(&draft.steps)),
        };
        Ok((place, whole::look(&plan::setting(drafts[0]), asked, limit)?))
    });
    looks.collect()
}

fn place(draft: &Draft) -> Place {
    (draft.context.clone(), draft.namespace.clone())
}

fn surveyed(drafted: &Drafted, facts: &BTreeMap<Place, Facts>) -> Surveyed {
    let mut found = Surveyed {
        target: drafted.target.to_string(),
        method: drafted.method.clone(),
        state: State::Ready,
        place: drafted.place.to_string(),
        findings: Vec::new(),
    };
    match &drafted.draft {
        Err((why, hints)) => found.findings.push(Finding {
            step: String::new(),
            why: why.lines().next().unwrap_or_default().to_owned(),
            hint: hints.first().cloned().unwrap_or_default(),
            blocks: true,
            place: String::new(),
        }),
        Ok(draft) => {
            let finding = |why: String, blocks: bool| Finding {
                step: String::new(),
                why,
                hint: String::new(),
                blocks,
                place: String::new(),
            };
            match secrets::fetch(&draft.secrets) {
                Err(error) => found.findings.push(finding(format!("{error:#}"), true)),
                Ok(values) => {
                    let short = values.iter().filter(|(_, value)| is_too_short(value));
                    let said = short.map(|(name, _)| finding(secrets::unhidden(name), false));
                    found.findings.extend(said);
                }
            }
            let facts = facts.get(&place(draft)).cloned().unwrap_or_default();
            let plan = plan::make(draft, facts, Circumstances::default());
            found.findings.extend(findings(&plan));
            if plan.steps.iter().any(|step| step.standing == Standing::CannotBeChecked) {
                found.state = State::CannotBeChecked;
            }
        }
    }
    if found.findings.iter().any(|finding| finding.blocks) {
        found.state = State::Blocked;
    }
    found
}

/// What the plan of a method says that is not well.
fn findings(plan: &Plan) -> Vec<Finding> {
    let mut findings: Vec<Finding> = plan
        .lock
        .iter()
        .map(|obstacle| Finding {
            step: String::new(),
            why: obstacle.why.clone(),
            hint: obstacle.hint.clone().unwrap_or_default(),
            blocks: obstacle.certain,
            place: String::new(),
        })
        .collect();
    for planned in &plan.steps {
        for obstacle in &planned.forecast.obstacles {
            findings.push(Finding {
                step: planned.step.name.clone(),
                why: obstacle.why.clone(),
                hint: obstacle.hint.clone().unwrap_or_default(),
                blocks: obstacle.certain,
                place: planned.step.place.to_string(),
            });
        }
        for warning in &planned.forecast.warnings {
            findings.push(Finding {
                step: planned.step.name.clone(),
                why: warning.clone(),
                hint: String::new(),
                blocks: false,
                place: planned.step.place.to_string(),
            });
        }
    }
    for planned in plan.criteria.iter().filter(|planned| !planned.warning.is_empty()) {
        findings.push(Finding {
            step: planned.criterion.name.clone(),
            why: planned.now.clone(),
            hint: planned.warning.clone(),
            blocks: false,
            place: String::new(),
        });
    }
    findings
}

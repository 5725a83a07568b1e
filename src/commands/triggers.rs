//! `rollback triggers`: is it time to roll back, and what is the command?

use serde_json::json;

use crate::cli::{Output, TriggersArgs, TriggersExport};
use crate::draft::known;
use crate::error::{Error, Exit, Result};
use crate::output::rules;
use crate::runbook::Settings;
use crate::runbook::catalog::{Catalog, TRIGGERS};
use crate::runbook::parameters::Parameters;
use crate::runbook::watching::{Severity, Watching};
use crate::terminal::triggers_view;
use crate::watch::evaluate::{self, Evaluation, State};

use super::screen::Screen;

/// Evaluates the triggers, or exports them.
pub fn triggers(catalog: &Catalog, screen: &Screen, args: &TriggersArgs) -> Result<Exit> {
    let (_, watching) = load(catalog, &args.params)?;
    if watching.triggers.is_empty() {
        let message = format!("{} has no triggers", catalog.dir().join(TRIGGERS).display());
        return Err(Error::invalid(message)
            .hint("docs/triggers.md shows how they are written")
            .into());
    }
    if args.export == Some(TriggersExport::PrometheusRules) {
        screen.result(&rules::prometheus(&watching));
        return Ok(Exit::Success);
    }
    let found = evaluate::all(&watching);
    let exit = exit(&found);
    match screen.output {
        Output::Text => screen.result(&triggers_view::table(&found, &screen.out)),
        Output::Json => screen.result(&super::json(&json!({
            "v": 1, "exit_code": exit.code(), "triggers": found,
        }))?),
        Output::Jsonl => {
            for one in &found {
                screen.result(&super::json_line("trigger", one)?);
            }
        }
    }
    Ok(exit)
}

/// `triggers.yaml` with its parameters.
pub fn load(catalog: &Catalog, params: &[String]) -> Result<(Settings, Watching)> {
    let settings = catalog.settings()?;
    let mut watching = catalog.watching(&settings)?;
    let parameters = Parameters::parse(params)?.with_environment();
    watching.resolve(&settings, &parameters)?;
    let given = watching.triggers.iter().map(|(name, trigger)| {
        let mut flags = catalog.flags();
        if let Some((runbook, settings)) = trigger.target().and_then(|it| catalog.runbook(&it).ok())
        {
            for (name, value) in parameters.given(&known(&runbook, &settings)) {
                flags.extend(["--param".to_owned(), format!("{name}={value}")]);
            }
        }
        (name.clone(), flags)
    });
    watching.given = given.collect();
    Ok((settings, watching))
}

/// The worst that was found: red, then unknown red, then amber, then unknown.
fn exit(found: &[Evaluation]) -> Exit {
    let any =
        |state, severity| found.iter().any(|one| one.state == state && severity == one.severity);
    if any(State::True, Severity::Red) {
        Exit::Red
    } else if any(State::Unknown, Severity::Red) {
        Exit::TriggerUnknown
    } else if any(State::True, Severity::Amber) {
        Exit::Amber
    } else if any(State::Unknown, Severity::Amber) {
        Exit::TriggerUnknown
    } else {
        Exit::Success
    }
}

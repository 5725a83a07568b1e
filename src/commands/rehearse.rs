//! `rollback rehearse`: the same engine, the same runbook, against a world on this machine that
//! starts broken. A rehearsal in which nothing was repaired is a failed rehearsal.

use crate::cli::{Global, Output, RehearseArgs};
use crate::draft::Draft;
use crate::error::{Error, Exit, Result};
use crate::rehearsal::{CONTEXT, World};
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::runbook::{Level, Runbook, Settings, Target};
use crate::world::process;

use super::entry::catalog;
use super::launch::Launch;
use super::screen::Screen;

/// Rehearses a target.
pub fn rehearse(
    global: &Global,
    screen: &Screen,
    target: Target,
    args: &RehearseArgs,
) -> Result<Exit> {
    let catalog = catalog(global, screen)?;
    let (runbook, settings) = catalog.runbook(&target)?;
    let mut run = args.run.clone();
    let stood_in = placeholders(&runbook, &settings, &run.params);
    run.params.extend(stood_in.iter().map(|(name, value)| format!("{name}={value}")));
    let parameters = Parameters::parse(&run.params)?.with_environment();
    let own = drafts(&runbook, &settings, &parameters)?;
    let above = above(&catalog, &runbook, &run.params);
    let world = World::build(&own, &above, &args.faults, args.pod_start).map_err(|error| {
        Error::blocked(format!("the rehearsal's world cannot be built: {error}"))
    })?;
    process::add_to_every_child(world.environment());
    crate::snapshot::rehearse_in(world.dir().to_owned());
    if screen.output == Output::Text {
        screen.say(&stamp(&world));
    }
    let adapt = |draft: &mut Draft| world.adapt(draft);
    let mut launch = Launch {
        args: run,
        catalog,
        screen: screen.clone(),
        simulated: true,
        stood_in: stood_in.into_iter().map(|(name, _)| name).collect(),
        adapt: Some(&adapt),
        way: None,
        state: crate::journal::state_dir()?,
        climbed: false,
    };
    let dry_run = launch.args.dry_run;
    let exit = launch.go(target)?;
    let missing = world.unimplemented();
    if !missing.is_empty() {
        return Err(Error::new(
            Exit::Bug,
            format!("the sandbox does not have: {}", missing.join(", ")),
        )
        .hint("what the rehearsal said may not be what a cluster would say")
        .into());
    }
    if dry_run {
        return Ok(exit);
    }
    let repaired = world.is_healthy();
    if screen.output == Output::Text {
        screen.say(if repaired {
            "SIMULATED: the rollback repaired the sandbox"
        } else {
            "SIMULATED: the sandbox is still broken: this rollback did not repair it"
        });
    }
    // A rehearsal in which nothing was repaired is a failed rehearsal, whatever the steps say.
    Ok(if exit == Exit::Success && !repaired { Exit::StepFailed } else { exit })
}

fn stamp(world: &World) -> String {
    let mut text = format!(
        "SIMULATED: context {CONTEXT} is a sandbox in this process, and it starts broken.\n\
         Nothing outside is touched; commands that reach outside are stood in for."
    );
    if !world.faults().is_empty() {
        let faults: Vec<String> = world
            .faults()
            .iter()
            .filter_map(clap::ValueEnum::to_possible_value)
            .map(|value| value.get_name().to_owned())
            .collect();
        text.push_str("\nFaults: ");
        text.push_str(&faults.join(", "));
    }
    text.push('\n');
    text
}

/// Values for required parameters that only the sandbox can give; what was given stays.
fn placeholders(runbook: &Runbook, settings: &Settings, given: &[String]) -> Vec<(String, String)> {
    crate::draft::known(runbook, settings)
        .into_iter()
        .filter(|(name, parameter)| {
            parameter.default.is_none()
                && parameter.secret.is_none()
                && !given.iter().any(|pair| pair.split('=').next() == Some(name))
                && std::env::var(format!("ROLLBACK_PARAM_{}", name.to_uppercase())).is_err()
        })
        .map(|(name, parameter)| {
            let value = match parameter.shape.as_deref() {
                Some("commit") => "0".repeat(40),
                Some("url") => "file:///rehearsal".to_owned(),
                _ => parameter.choices.first().cloned().unwrap_or_else(|| "rehearsal".to_owned()),
            };
            (name, value)
        })
        .collect()
}

fn drafts(runbook: &Runbook, settings: &Settings, parameters: &Parameters) -> Result<Vec<Draft>> {
    runbook
        .methods
        .iter()
        .map(|method| Draft::new(runbook, settings, Some(&method.name), parameters))
        .collect()
}

/// The drafts of the rungs above, as far as their runbooks can be read.
fn above(catalog: &Catalog, runbook: &Runbook, params: &[String]) -> Vec<Draft> {
    let mut targets = Vec::new();
    if let Some(service) =
        runbook.service.as_ref().filter(|_| runbook.target.level == Level::Component)
    {
        targets.push(Target { level: Level::Service, name: service.clone() });
    }
    if runbook.target.level != Level::System {
        targets.push(Target { level: Level::System, name: "system".to_owned() });
    }
    targets
        .iter()
        .filter_map(|target| catalog.runbook(target).ok())
        .filter_map(|(runbook, settings)| {
            let mut params = params.to_vec();
            params.retain(|pair| {
                let known = crate::draft::known(&runbook, &settings);
                pair.split('=').next().is_some_and(|name| known.contains_key(name))
            });
            let stood_in = placeholders(&runbook, &settings, &params);
            params.extend(stood_in.into_iter().map(|(name, value)| format!("{name}={value}")));
            let parameters = Parameters::parse(&params).ok()?.with_environment();
            drafts(&runbook, &settings, &parameters).ok()
        })
        .flatten()
        .collect()
}

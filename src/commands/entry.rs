//! From argv to an exit code: parse, call, and print an error in the one place that prints errors.

use std::panic;
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::cli::{Cli, Command, Global, LevelName, Output, RunArgs, SchemaPart};
use crate::error::{Error, Exit, Result};
use crate::journal;
use crate::runbook::catalog::Catalog;
use crate::runbook::parameters::Parameters;
use crate::runbook::{Level, Target};

use crate::terminal::layout::Page;
use crate::terminal::style::{Paint, Style};

use super::launch::Launch;
use super::screen::Screen;
use super::{
    Format, after, completions, flags, history, lint, list, metrics, ready, rehearse, resume, runs,
    schema, show, snapshot, status, triggers, unlock, watch,
};

/// The process.
pub fn main() -> ExitCode {
    clap_complete::CompleteEnv::with_factory(Cli::command).var("ROLLBACK_COMPLETE").complete();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(
                if error.use_stderr() { Exit::Usage } else { Exit::Success }.code(),
            );
        }
    };
    let screen = Screen::new(&cli.global);
    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| call(&cli, &screen)));
    let exit = match outcome {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => report(&screen, &error),
        Err(_) => {
            crate::terminal::prompt::restore_terminal();
            screen.say("error: this is a bug in rollback; what it did so far: rollback runs show");
            Exit::Bug
        }
    };
    ExitCode::from(exit.code())
}

fn call(cli: &Cli, screen: &Screen) -> Result<Exit> {
    let global = &cli.global;
    match &cli.command {
        Command::Component(args) => launch(global, screen, component(&args.name), &args.run),
        Command::Service(args) => launch(global, screen, service(&args.name), &args.run),
        Command::System(args) => launch(global, screen, system(), &args.run),
        Command::Rehearse(args) => {
            let target = target(args.level, args.name.as_deref())?;
            rehearse::rehearse(global, screen, target, args)
        }
        Command::Resume(args) => resume::resume(screen, args),
        Command::Status(args) => status::status(global, screen, args),
        Command::Unlock(args) => unlock::unlock(global, screen, args),
        Command::Runs(args) => runs::runs(screen, args),
        Command::Validate(args) => after::validate::validate(screen, args),
        Command::Report(args) => after::report::report(screen, args),
        Command::Update(args) => after::update::update(screen, args),
        Command::Contacts => {
            after::contacts::contacts(screen, &catalog(global, screen)?.settings()?)
        }
        Command::Recovery(args) => after::recovery::recovery(screen, args),
        Command::Forward(args) => {
            let target = target(args.level, args.name.as_deref())?;
            after::forward::forward(global, screen, &target, args)
        }
        Command::Snapshot(args) => snapshot::snapshot(global, screen, args),
        Command::Triggers(args) => triggers::triggers(&catalog(global, screen)?, screen, args),
        Command::Watch(args) => watch::watch(&catalog(global, screen)?, screen, args),
        Command::Metrics(args) => metrics::metrics(&catalog(global, screen)?, screen, args),
        Command::List => {
            let catalog = catalog(global, screen)?;
            let history = history::History::read(&journal::state_dir()?);
            screen.result(&list::list(&catalog, format(global), &history)?);
            Ok(Exit::Success)
        }
        Command::Show(args) => {
            let target = target(args.level, args.name.as_deref())?;
            let parameters = Parameters::parse(&args.params)?.with_environment();
            let order = show::Show {
                target: &target,
                method: args.method.as_deref(),
                parameters: &parameters,
                script: args.script,
            };
            screen.result(&show::show(&catalog(global, screen)?, &order, format(global))?);
            Ok(Exit::Success)
        }
        Command::Lint => {
            let linted = lint::lint(&catalog(global, screen)?, format(global))?;
            screen.result(&linted.text);
            Ok(linted.exit)
        }
        Command::Flags(args) => {
            let parameters = Parameters::parse(&args.params)?.with_environment();
            let catalog = catalog(global, screen)?;
            let limit = args.survey_timeout;
            let (text, exit) =
                flags::flags(&catalog, &parameters, limit, format(global), &screen.out)?;
            screen.result(&text);
            Ok(exit)
        }
        Command::Ready(args) => {
            let parameters = Parameters::parse(&args.params)?.with_environment();
            let catalog = catalog(global, screen)?;
            let limit = args.survey_timeout;
            let (text, exit) =
                ready::ready(&catalog, &parameters, limit, format(global), &screen.out)?;
            screen.result(&text);
            Ok(exit)
        }
        Command::Schema { part } => {
            let part = match part {
                SchemaPart::Runbook => schema::Part::Runbook,
                SchemaPart::Settings => schema::Part::Settings,
                SchemaPart::Triggers => schema::Part::Triggers,
                SchemaPart::Reference => schema::Part::Reference,
            };
            screen.result(&schema::schema(part)?);
            Ok(Exit::Success)
        }
        Command::Completions(args) => completions::completions(screen, args),
        Command::Man { dir } => completions::man(dir),
    }
}

fn launch(global: &Global, screen: &Screen, target: Target, args: &RunArgs) -> Result<Exit> {
    let mut launch = Launch {
        args: args.clone(),
        catalog: catalog(global, screen)?,
        screen: screen.clone(),
        simulated: false,
        stood_in: Vec::new(),
        adapt: None,
        way: None,
        state: journal::state_dir()?,
        climbed: false,
    };
    launch.go(target)
}

/// The catalog that the command line, the environment or the directory names.
pub fn catalog(global: &Global, screen: &Screen) -> Result<Catalog> {
    let dir = Catalog::find(global.runbooks.as_deref())?;
    Ok(Catalog::open(&dir)?.coloured(screen.err.color))
}

fn format(global: &Global) -> Format {
    if global.output == Output::Text { Format::Text } else { Format::Json }
}

fn component(name: &str) -> Target {
    Target { level: Level::Component, name: name.to_owned() }
}

fn service(name: &str) -> Target {
    Target { level: Level::Service, name: name.to_owned() }
}

fn system() -> Target {
    Target { level: Level::System, name: "system".to_owned() }
}

/// A target from its two words.
fn target(level: LevelName, name: Option<&str>) -> Result<Target> {
    match (level, name) {
        (LevelName::Component, Some(name)) => Ok(component(name)),
        (LevelName::Service, Some(name)) => Ok(service(name)),
        (LevelName::System, None | Some("system")) => Ok(system()),
        (LevelName::System, Some(name)) => {
            Err(Error::usage(format!("the system has no part named `{name}`"))
                .hint("write `system` alone, or name its level: component, service")
                .into())
        }
        (_, None) => Err(Error::usage("which one? name it").hint("see: rollback list").into()),
    }
}

/// Prints an error, and says how the process ends.
fn report(screen: &Screen, error: &anyhow::Error) -> Exit {
    let known = error.downcast_ref::<Error>();
    let exit = known.map_or_else(|| exit_of(error), |known| known.exit);
    let message = format!("{error:#}");
    if screen.output != Output::Text {
        let hints = known.map(|known| known.hints.clone()).unwrap_or_default();
        let value = serde_json::json!({
            "v": crate::event::VERSION, "type": "error",
            "exit_code": exit.code(), "message": message, "hints": hints,
        });
        screen.result(&value.to_string());
    }
    if !message.is_empty() {
        let hints = known.map(|known| known.hints.as_slice()).unwrap_or_default();
        screen.say(&error_text(&message, hints, &screen.err));
    }
    exit
}

/// An error for people: what, then what to do, wrapped. What is laid out already stays as it is.
fn error_text(message: &str, hints: &[String], style: &Style) -> String {
    let mut page = Page::new(style);
    if message.starts_with("error") || message.starts_with('\u{1b}') {
        page.raw(message);
        page.raw("\n");
    } else {
        for (number, line) in message.lines().enumerate() {
            let lead = if number == 0 { "error: " } else { "       " };
            page.marked(Paint::Bad, lead, Paint::Plain, line);
        }
    }
    for hint in hints {
        page.text("  ", Paint::Plain, hint);
    }
    page.finish()
}

/// The exit code of an error that carries none: something outside that we could not use.
fn exit_of(error: &anyhow::Error) -> Exit {
    match error.chain().find_map(|cause| cause.downcast_ref::<std::io::Error>()) {
        Some(_) => Exit::Blocked,
        None => Exit::Bug,
    }
}

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
        Err(error) => return ExitCode::from(unparsed(&error).code()),
    };
    let screen = Screen::new(&cli.global);
    let outcome = panic::catch_unwind(panic::AssertUnwindSafe(|| call(&cli, &screen)));
    let exit = match outcome {
        Ok(Ok(exit)) => exit,
        Ok(Err(error)) => report(&screen, &error),
        Err(_) => {
            crate::terminal::prompt::restore_terminal();
            let error = Error::new(Exit::Bug, "this is a bug in rollback")
                .hint("what it did so far: rollback runs show");
            report(&screen, &error.into())
        }
    };
    ExitCode::from(unread(&cli.command, &screen, exit).code())
}

/// A command line that is none, or a request for help: as clap words it, and for programs as any
/// other error.
fn unparsed(error: &clap::Error) -> Exit {
    if !error.use_stderr() {
        let _ = error.print();
        return Exit::Success;
    }
    if wants_json(std::env::args_os()) {
        let text = error.render().to_string();
        let mut lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        let first = lines.next().unwrap_or_default();
        let message = first.strip_prefix("error: ").unwrap_or(first).to_owned();
        let hints = lines.map(str::to_owned).collect::<Vec<_>>();
        let screen = Screen::new(&Global {
            runbooks: None,
            output: Output::Json,
            color: crate::cli::Color::Never,
        });
        screen.result(&error_json(Exit::Usage, &message, &hints));
    }
    let _ = error.print();
    Exit::Usage
}

/// Whether a command line asks for JSON, as far as one that cannot be read does.
fn wants_json(arguments: impl Iterator<Item = std::ffi::OsString>) -> bool {
    let words: Vec<String> =
        arguments.skip(1).map(|word| word.to_string_lossy().into_owned()).collect();
    let words: Vec<&str> = words.iter().map(String::as_str).take_while(|it| *it != "--").collect();
    let is_json = |form: &str| matches!(form, "json" | "jsonl");
    words.iter().enumerate().any(|(index, word)| match *word {
        "-o" | "--output" => words.get(index + 1).is_some_and(|form| is_json(form)),
        word => word
            .strip_prefix("--output=")
            .or_else(|| word.strip_prefix("-o").map(|form| form.trim_start_matches('=')))
            .is_some_and(is_json),
    })
}

/// A result that nobody could be given is a failure, unless it is a run's: what that came to stands
/// in its journal, and its exit code says it.
fn unread(command: &Command, screen: &Screen, exit: Exit) -> Exit {
    let Some(why) = screen.lost() else { return exit };
    screen.say(&format!("error: the result could not be written: {why}"));
    let is_run = matches!(
        command,
        Command::Component(_)
            | Command::Service(_)
            | Command::System(_)
            | Command::Rehearse(_)
            | Command::Resume(_)
            | Command::Forward(_)
    );
    if exit == Exit::Success && !is_run { Exit::StepFailed } else { exit }
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
    let hints = known.map(|known| known.hints.as_slice()).unwrap_or_default();
    if screen.output != Output::Text {
        screen.result(&error_json(exit, &message, hints));
    }
    if !message.is_empty() && !known.is_some_and(|known| known.is_shown) {
        screen.say(&error_text(&message, hints, &screen.err));
    }
    exit
}

/// An error for programs, on one line.
fn error_json(exit: Exit, message: &str, hints: &[String]) -> String {
    let value = serde_json::json!({
        "v": crate::event::VERSION, "type": "error",
        "exit_code": exit.code(), "message": message, "hints": hints,
    });
    value.to_string()
}

/// An error for people: what, then what to do, wrapped. What is laid out already stays as it is.
fn error_text(message: &str, hints: &[String], style: &Style) -> String {
    let mut page = Page::new(style);
    if message.starts_with("error") || message.starts_with('\u{1b}') {
        page.raw(message);
        page.raw("\n");
    } else {
        // Whoever said no did nothing wrong.
        let said_no = message.starts_with("declined: ");
        for (number, line) in message.lines().enumerate() {
            let lead = match (number, said_no) {
                (_, true) => "",
                (0, false) => "error: ",
                _ => "       ",
            };
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_is_asked_for_in_every_way_that_a_command_line_can_say_it() {
        let asks = |line: &str| wants_json(line.split(' ').map(std::ffi::OsString::from));
        for line in
            ["x -o json", "x list --output jsonl", "x --output=json", "x -ojson", "x -o=jsonl"]
        {
            assert!(asks(line), "{line}");
        }
        for line in ["x list", "x -o text", "x -o", "x --reason json", "x -- -o json"] {
            assert!(!asks(line), "{line}");
        }
    }
}

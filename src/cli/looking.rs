//! The command line of what is looked up: locks, runs, runbooks, the whole catalog.

use std::path::PathBuf;

use clap::{Args, Subcommand};

use super::{Filter, LevelName};

/// Which environment; what is not said is the catalog's.
#[derive(Debug, Clone, Default, Args)]
pub struct PlaceArgs {
    /// The kubectl context.
    #[arg(long, value_name = "CONTEXT")]
    pub context: Option<String>,
    /// The namespace.
    #[arg(long, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
    /// Give a parameter its value, where the catalog's context or namespace names one.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

/// Whose state.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// Which environment.
    #[command(flatten)]
    pub place: PlaceArgs,
    /// Watch the holder for as long as its lock lasts, and say whether it lives.
    #[arg(long)]
    pub observe: bool,
}

/// Which lock.
#[derive(Debug, Args)]
pub struct UnlockArgs {
    /// The id of the run that holds it, as `rollback status` shows it; its beginning or end will do.
    pub run: String,
    /// Free it although its holder still renews it: the holder stops before its next step.
    #[arg(long)]
    pub force: bool,
    /// Which environment.
    #[command(flatten)]
    pub place: PlaceArgs,
}

/// Which runs.
#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct RunsArgs {
    /// Which of them.
    #[command(flatten)]
    pub filter: Filter,
    /// What to do with them; without it they are listed.
    #[command(subcommand)]
    pub command: Option<RunsCommand>,
}

/// What to do with a run.
#[derive(Debug, Subcommand)]
pub enum RunsCommand {
    /// Tell the story of a run.
    Show {
        /// The run's id, its beginning or its end; without it the newest run.
        run: Option<String>,
    },
}

/// Which runbook.
#[derive(Debug, Args)]
pub struct ShowArgs {
    /// `component`, `service` or `system`.
    #[arg(value_enum)]
    pub level: LevelName,
    /// The component's or service's name.
    #[arg(required_if_eq_any([("level", "component"), ("level", "service")]))]
    pub name: Option<String>,
    /// Only this method.
    #[arg(long, short, value_name = "METHOD")]
    pub method: Option<String>,
    /// Print the method as a bash script, for the day this tool is the problem.
    #[arg(long)]
    pub script: bool,
    /// Give a parameter its value. May be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

/// What a command over the whole catalog takes.
#[derive(Debug, Args)]
pub struct WholeArgs {
    /// Give a parameter its value. May be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// How long the survey may take before what is missing is said to be unanswered.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = crate::cli::span)]
    pub survey_timeout: std::time::Duration,
}

/// What is written down.
#[derive(Debug, Args)]
pub struct SnapshotArgs {
    /// The snapshot's name; without it the snapshots are listed.
    pub name: Option<String>,
    /// List the snapshots of this machine.
    #[arg(long)]
    pub list: bool,
    /// Only these ConfigMaps. May be repeated.
    #[arg(long, value_name = "NAME")]
    pub configmap: Vec<String>,
    /// Only these workloads. May be repeated.
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Vec<String>,
    /// Show the branches of a snapshot that was taken, each with the step that goes on from there.
    #[arg(long, requires = "name", conflicts_with_all = ["list", "configmap", "workload", "replace"])]
    pub branches: bool,
    /// Overwrite a snapshot of this name.
    #[arg(long)]
    pub replace: bool,
    /// Give a parameter its value. May be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

/// Which shell.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell.
    #[arg(value_enum, required_unless_present = "dir")]
    pub shell: Option<clap_complete::Shell>,
    /// Write the scripts of all shells here.
    #[arg(long, value_name = "DIR")]
    pub dir: Option<PathBuf>,
}

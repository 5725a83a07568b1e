//! The command line: what every command understands, and the list of commands. The arguments of
//! each stand beside what they are about: runs, what is looked up, what is watched, what follows.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod after;
mod looking;
mod run;
mod watching;

pub use after::{
    Audience, Filter, ForwardArgs, PlanFormat, RecoveryArgs, ReportArgs, ReportFormat, UpdateArgs,
    ValidateArgs,
};
pub use looking::{
    CompletionsArgs, PlaceArgs, RunsArgs, RunsCommand, ShowArgs, SnapshotArgs, StatusArgs,
    UnlockArgs, WholeArgs,
};
pub use run::{
    ComponentArgs, Fault, LevelName, LockArgs, RehearseArgs, ResumeArgs, RunArgs, ServiceArgs,
    SystemArgs,
};
pub use watching::{Act, MetricsArgs, MetricsExport, TriggersArgs, TriggersExport, WatchArgs};

/// What is said for the record: something, on one line, that a terminal cannot obey.
fn said(text: &str) -> Result<String, String> {
    let text = text.trim();
    if text.is_empty() {
        return Err("it is kept for the record and may not be empty".to_owned());
    }
    if !text.chars().all(crate::terminal::sanitize::is_harmless) {
        return Err("it is kept for the record: one line, without control characters".to_owned());
    }
    Ok(text.to_owned())
}

/// The exit codes, as `--help` shows them.
const EXIT_CODES: &str = "\
Exit codes:
  0  recovered, or already there with its checks green
  1  a step failed or timed out          2  wrong command line
  3  invalid runbook                     4  blocked before any change
  5  applied, recovery not shown         6  declined
  7  lock held                           8  approval required
  9  plan stale                         10  outcome unknown
 20  triggers: amber                    21  triggers: red
 22  triggers: unknown
 70  bug in rollback                   130, 143  interrupted, can be resumed

Start with:  rollback list
             rollback component NAME --dry-run
             rollback rehearse component NAME";

/// Carries out rollback runbooks: foresees every step, does it, and looks whether it worked.
#[derive(Debug, Parser)]
#[command(name = "rollback", version, after_help = EXIT_CODES, max_term_width = 100)]
#[command(propagate_version = false, disable_help_subcommand = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
    /// What every command understands.
    #[command(flatten)]
    pub global: Global,
}

/// What every command understands.
#[derive(Debug, Clone, Args)]
pub struct Global {
    /// The catalog: a directory of runbooks with its rollback.yaml.
    ///
    /// Without it: `$ROLLBACK_RUNBOOKS`, the nearest `runbooks/` upwards from here, then
    /// `$XDG_CONFIG_HOME/rollback/runbooks`.
    #[arg(long, global = true, value_name = "DIR", help_heading = "Global options")]
    pub runbooks: Option<PathBuf>,
    /// How results are written to stdout; prompts and progress always go to stderr.
    #[arg(long, short, global = true, value_enum, default_value_t = Output::Text, help_heading = "Global options")]
    pub output: Output,
    /// Colour. `auto` asks the terminal, `NO_COLOR` and `CI`.
    #[arg(long, global = true, value_enum, default_value_t = Color::Auto, value_name = "WHEN", help_heading = "Global options")]
    pub color: Color,
}

/// How results are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    Text,
    /// One JSON document at the end.
    Json,
    /// One JSON object a line, as things happen.
    Jsonl,
}

/// When to use colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Color {
    /// On a terminal that wants it.
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// The commands, in the order in which they are needed.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Roll one component back.
    ///
    /// Surveys the live system, shows the plan with the values it found, asks, runs the steps in
    /// order, and says whether the system recovered.
    Component(ComponentArgs),
    /// Roll one service back, with all its components.
    Service(ServiceArgs),
    /// Roll the whole system back: the last resort.
    ///
    /// Asks for the word `system` and for who decided (`--confirm system --decided-by WHO`).
    System(SystemArgs),
    /// Rehearse a rollback in a sandbox on this machine; nothing outside is touched.
    ///
    /// The same engine, the same runbook, the real kubectl and git, against a Kubernetes API, a git
    /// remote and health endpoints that live in this process. It starts broken, so that the
    /// rollback is what repairs it. Commands that reach outside are stood in for.
    Rehearse(RehearseArgs),
    /// Go on with a run that was stopped, killed or cut off.
    Resume(ResumeArgs),
    /// Validate a run: ask and watch what can be asked, answer what a person must see.
    ///
    /// Exit codes: 0 all of it (or of the tier) holds, 1 something does not hold, 5 items are open.
    Validate(ValidateArgs),
    /// Write the analysis report of a run, with gaps for what only people know.
    Report(ReportArgs),
    /// Print a short text to paste, true as of the run's last record.
    Update(UpdateArgs),
    /// Say who decides, who executes and who communicates.
    Contacts,
    /// Show the recovery plan of a run, tick it off, or export it.
    Recovery(RecoveryArgs),
    /// Go forward again: set the values from before a rollback, once its criteria are ticked off.
    Forward(ForwardArgs),
    /// Say who is rolling back the catalog's environment, from any machine.
    ///
    /// Reads the lock that a run holds in the cluster: who, where, for which incident, at which
    /// step. Changes nothing.
    Status(StatusArgs),
    /// Free the lock that a dead run has left behind.
    ///
    /// Watches the holder for as long as its lock lasts, and refuses while it still renews.
    Unlock(UnlockArgs),
    /// List the runs of this machine, or tell the story of one.
    Runs(RunsArgs),
    /// Write down ConfigMaps, pod templates and branches before a migration, to restore them later.
    ///
    /// Without further flags: everything that the catalog's runbooks change. Kept on this machine,
    /// readable by you alone. The step kind `restore_snapshot` puts it back.
    Snapshot(SnapshotArgs),
    /// Evaluate the reasons to roll back, now.
    ///
    /// Ends with 0 green, 20 amber, 21 red, 22 unknown.
    Triggers(TriggersArgs),
    /// Watch the triggers, and tell, ask or act.
    ///
    /// Tells only, unless `--act` says otherwise. Acts only on triggers that have leave to
    /// (`automatic`), only while the switch in the cluster is on, once for each cause and deployed
    /// revision, and only by flags and restarts.
    Watch(WatchArgs),
    /// Show what is measured, with its targets; before and after a run with `--run`.
    Metrics(MetricsArgs),
    /// List the runbooks of the catalog.
    List,
    /// Show a runbook: its steps, parameters and where they come from. Asks nothing of the world.
    Show(ShowArgs),
    /// Check every file of the catalog and say all that is wrong, at once.
    Lint,
    /// Show every flag of the catalog as it is in the live system.
    ///
    /// Its value, what each workload makes of it, and how many running pods carry which value.
    Flags(WholeArgs),
    /// Survey every runbook against the live system and name what has rotted. Changes nothing.
    ///
    /// Made for a nightly job: exit 0 when every method could run, 4 when one could not.
    Ready(WholeArgs),
    /// Print the JSON Schema of the format, for editors, or its reference page.
    Schema {
        /// Which part.
        #[arg(value_enum, default_value_t = SchemaPart::Runbook)]
        part: SchemaPart,
    },
    /// Print a completion script for a shell, or write those of all shells to a directory.
    Completions(CompletionsArgs),
    /// Write the man pages to a directory.
    #[command(hide = true)]
    Man {
        /// Where.
        dir: PathBuf,
    },
}

/// A part of the format.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum SchemaPart {
    /// A runbook.
    Runbook,
    /// `rollback.yaml`.
    Settings,
    /// `triggers.yaml`.
    Triggers,
    /// The reference page, in Markdown.
    Reference,
}

/// A duration of the command line.
pub(crate) fn span(text: &str) -> Result<std::time::Duration, String> {
    humantime::parse_duration(text)
        .map_err(|_| "a duration is a number and its unit, such as `30s` or `5m`".to_owned())
}

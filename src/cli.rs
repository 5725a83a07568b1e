//! The command line: clap types and their help, nothing else.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

mod after;

pub use after::{
    Audience, Filter, ForwardArgs, PlanFormat, RecoveryArgs, ReportArgs, ReportFormat, UpdateArgs,
    ValidateArgs,
};

/// The exit codes, as `--help` shows them.
const EXIT_CODES: &str = "\
Exit codes:
  0  recovered, or already there with its checks green
  1  a step failed or timed out          2  wrong command line
  3  invalid runbook                     4  blocked before any change
  5  applied, recovery not shown         6  declined
  7  lock held                           8  approval required
  9  plan stale                         10  outcome unknown
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
    /// Overwrite a snapshot of this name.
    #[arg(long)]
    pub replace: bool,
    /// Give a parameter its value. May be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

/// Which triggers, and how.
#[derive(Debug, Args)]
pub struct TriggersArgs {
    /// Print the triggers in a form for another tool instead; asks nothing.
    #[arg(long, value_enum, value_name = "FORM")]
    pub export: Option<TriggersExport>,
    /// Give a parameter its value. May be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

/// What triggers can be printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum TriggersExport {
    /// Alerting rules of Prometheus.
    PrometheusRules,
}

/// How to watch.
#[derive(Debug, Args)]
pub struct WatchArgs {
    /// What to do about a raised trigger.
    #[arg(long, value_enum, default_value_t = Act::Notify)]
    pub act: Act,
    /// The time between two evaluations; else `watch.every` of triggers.yaml.
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub every: Option<std::time::Duration>,
    /// Stop after so many evaluations.
    #[arg(long, value_name = "COUNT")]
    pub rounds: Option<u64>,
    /// Give a parameter its value. May be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

/// What the monitor does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Act {
    /// Tell.
    Notify,
    /// Ask on this terminal, then act.
    Ask,
    /// Act, where a trigger has leave to.
    Auto,
}

/// Which metrics, and how.
#[derive(Debug, Args)]
pub struct MetricsArgs {
    /// Before, at the end of, and since this run.
    #[arg(long, value_name = "RUN")]
    pub run: Option<String>,
    /// Draw them again and again.
    #[arg(long, short)]
    pub follow: bool,
    /// Print the metrics in a form for another tool instead; asks nothing.
    #[arg(long, value_enum, value_name = "FORM")]
    pub export: Option<MetricsExport>,
    /// Give a parameter its value. May be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
}

/// What metrics can be printed as.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum MetricsExport {
    /// A dashboard that Grafana imports.
    Grafana,
}

/// What a command over the whole catalog takes.
#[derive(Debug, Args)]
pub struct WholeArgs {
    /// Give a parameter its value. May be repeated.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// How long the survey may take before what is missing is said to be unanswered.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    pub survey_timeout: std::time::Duration,
}

/// Which component.
#[derive(Debug, Args)]
pub struct ComponentArgs {
    /// The component's name; see `rollback list`.
    pub name: String,
    /// How to run it.
    #[command(flatten)]
    pub run: RunArgs,
}

/// Which service.
#[derive(Debug, Args)]
pub struct ServiceArgs {
    /// The service's name; see `rollback list`.
    pub name: String,
    /// How to run it.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The whole system.
#[derive(Debug, Args)]
pub struct SystemArgs {
    /// How to run it.
    #[command(flatten)]
    pub run: RunArgs,
}

/// How a runbook is run.
#[derive(Debug, Clone, Default, Args)]
#[allow(clippy::struct_excessive_bools, reason = "each is a flag of its own")]
pub struct RunArgs {
    /// The method; without it the first of the runbook.
    #[arg(long, short, value_name = "METHOD")]
    pub method: Option<String>,
    /// Give a parameter its value. May be repeated.
    ///
    /// `ROLLBACK_PARAM_<NAME>` in the environment does the same; this flag wins.
    #[arg(long = "param", short, value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Survey the live system and show the plan; change nothing.
    #[arg(long, short = 'n')]
    pub dry_run: bool,
    /// Answer ordinary y/N questions with yes.
    #[arg(long, short)]
    pub yes: bool,
    /// Answer the question for this name (a service's, `system`, a step's) with it.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Never ask: what needs an answer and has none is declined (exit 6).
    #[arg(long)]
    pub no_input: bool,
    /// Who decided on this rollback; asked for at system level.
    #[arg(long, value_name = "WHO")]
    pub decided_by: Option<String>,
    /// Why; kept in the journal.
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// The trigger that called for it; kept in the journal. See `rollback triggers`.
    #[arg(long, value_name = "NAME")]
    pub trigger: Option<String>,
    /// The incident this belongs to; kept in the journal.
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// Run a plan that needs somebody else's approval: the digest that was approved.
    ///
    /// A plan that has changed since is refused as stale (exit 9), naming what changed.
    #[arg(long, value_name = "DIGEST")]
    pub approve: Option<String>,
    /// Who approved; a claim that is kept in the journal.
    #[arg(long, value_name = "NAME")]
    pub approved_by: Option<String>,
    /// Run without the approval that is needed, and say why; everybody is told.
    #[arg(long, value_name = "REASON")]
    pub break_glass: Option<String>,
    /// Leave this step out if the survey finds it blocked. May be repeated.
    #[arg(long, value_name = "STEP")]
    pub skip_blocked: Vec<String>,
    /// Answer a manual step or a step in doubt. May be repeated.
    #[arg(long = "answer", value_name = "STEP=pass|fail")]
    pub answers: Vec<String>,
    /// What happens where somebody else is at work.
    #[command(flatten)]
    pub lock: LockArgs,
    /// How long the survey may take before what is missing is said to be unanswered.
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = humantime::parse_duration)]
    pub survey_timeout: std::time::Duration,
    /// Wait only for the first step's survey; later steps are surveyed when their turn comes.
    #[arg(long)]
    pub now: bool,
    /// The run that escalated to this one.
    #[arg(long, value_name = "RUN", hide = true)]
    pub escalated_from: Option<String>,
}

/// What happens where somebody else is at work, and where the lock cannot be had.
#[derive(Debug, Clone, Default, Args)]
pub struct LockArgs {
    /// Wait so long for the lock; without it, a lock that is held ends the command at once (exit 7).
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    pub lock_timeout: Option<std::time::Duration>,
    /// Ask a run of a lower level to stop after its step, and wait for it.
    #[arg(long)]
    pub preempt: bool,
    /// Go on where the cluster's lock can be neither taken nor renewed; one that is held stays held.
    #[arg(long)]
    pub without_lock: bool,
    /// How long the lock lasts without being renewed (15s).
    #[arg(long, value_name = "DURATION", env = "ROLLBACK_LEASE", hide = true, value_parser = humantime::parse_duration)]
    pub lease: Option<std::time::Duration>,
}

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

/// What is rehearsed.
#[derive(Debug, Args)]
pub struct RehearseArgs {
    /// `component`, `service` or `system`.
    #[arg(value_enum)]
    pub level: LevelName,
    /// The component's or service's name.
    #[arg(required_if_eq_any([("level", "component"), ("level", "service")]))]
    pub name: Option<String>,
    /// Something to go wrong. May be repeated.
    #[arg(long = "fault", value_enum, value_name = "FAULT")]
    pub faults: Vec<Fault>,
    /// How long a pod takes to become ready.
    #[arg(long, value_name = "DURATION", default_value = "300ms", value_parser = humantime::parse_duration)]
    pub pod_start: std::time::Duration,
    /// How to run it.
    #[command(flatten)]
    pub run: RunArgs,
}

/// The levels, on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LevelName {
    /// One component.
    Component,
    /// One service.
    Service,
    /// Everything.
    System,
}

/// What can be made to go wrong in a rehearsal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Fault {
    /// The operator may not change anything in the cluster.
    PermissionDenied,
    /// The workloads are not there.
    MissingWorkload,
    /// The new pods crash.
    CrashLoop,
    /// New pods take long to become ready.
    SlowRollout,
    /// The health endpoints stay at 500 whatever is done.
    #[value(name = "health-500")]
    Health500,
    /// The commit that is reverted conflicts with a later one.
    GitConflict,
    /// The git server refuses the push.
    PushRefused,
}

/// Which run goes on.
#[derive(Debug, Args)]
pub struct ResumeArgs {
    /// The run's id, its beginning or its end; without it the newest run.
    pub run: Option<String>,
    /// Answer y/N questions with yes.
    #[arg(long, short)]
    pub yes: bool,
    /// Answer the question for this name with it.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Never ask.
    #[arg(long)]
    pub no_input: bool,
    /// What happens where somebody else is at work.
    #[command(flatten)]
    pub lock: LockArgs,
    /// Answer a manual step, or a step in doubt: `pass` it was applied, `fail` run it again.
    #[arg(long = "answer", value_name = "STEP=pass|fail")]
    pub answers: Vec<String>,
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

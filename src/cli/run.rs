//! The command line of runs: how one is started, rehearsed and carried on.

use clap::{Args, ValueEnum};

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
    /// Answer the question for the target's name (a service's, `system`; a component's, where a step
    /// asks for it) with it.
    #[arg(long, value_name = "NAME")]
    pub confirm: Option<String>,
    /// Never ask: what needs an answer and has none is declined (exit 6).
    #[arg(long)]
    pub no_input: bool,
    /// Who decided on this rollback; asked for at system level.
    #[arg(long, value_name = "WHO", value_parser = super::said)]
    pub decided_by: Option<String>,
    /// Why; kept in the journal.
    #[arg(long, value_name = "TEXT", value_parser = super::said)]
    pub reason: Option<String>,
    /// The trigger that called for it; kept in the journal. See `rollback triggers`.
    #[arg(long, value_name = "NAME", value_parser = super::said)]
    pub trigger: Option<String>,
    /// The incident this belongs to; kept in the journal.
    #[arg(long, value_name = "ID", value_parser = super::said)]
    pub incident: Option<String>,
    /// Run a plan that needs somebody else's approval: the digest that was approved.
    ///
    /// A plan that has changed since is refused as stale (exit 9), naming what changed.
    #[arg(long, value_name = "DIGEST")]
    pub approve: Option<String>,
    /// Who approved; a claim that is kept in the journal.
    #[arg(long, value_name = "NAME", value_parser = super::said)]
    pub approved_by: Option<String>,
    /// Run without the approval that is needed, and say why; everybody is told.
    #[arg(long, value_name = "REASON", value_parser = super::said)]
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
    #[arg(long, value_name = "DURATION", default_value = "5s", value_parser = crate::cli::span)]
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
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::span)]
    pub lock_timeout: Option<std::time::Duration>,
    /// Ask a run of a lower level to stop after its step, and wait for it.
    #[arg(long)]
    pub preempt: bool,
    /// Go on where the cluster's lock can be neither taken nor renewed; one that is held stays held.
    #[arg(long)]
    pub without_lock: bool,
    /// How long the lock lasts without being renewed (15s).
    #[arg(long, value_name = "DURATION", env = "ROLLBACK_LEASE", hide = true, value_parser = crate::cli::span)]
    pub lease: Option<std::time::Duration>,
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
    #[arg(long, value_name = "DURATION", default_value = "300ms", value_parser = crate::cli::span)]
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
    /// Answer the question for the target's name with it.
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

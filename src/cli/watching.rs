//! The command line of what is watched: triggers, the monitor, metrics.

use clap::{Args, ValueEnum};

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
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::span)]
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

//! The command line of what follows a run: clap types, nothing else.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, ValueEnum};

use super::{LevelName, RunArgs};

/// `rollback validate`.
#[derive(Debug, Clone, Default, Args)]
pub struct ValidateArgs {
    /// The run's id, its beginning or its end; without it the newest that was no rehearsal.
    pub run: Option<String>,
    /// The tier; without it the first that is not closed.
    #[arg(long, short, value_name = "TIER")]
    pub tier: Option<String>,
    /// Answer an item, from any terminal or as a bot. May be repeated.
    #[arg(long = "answer", value_name = "ITEM=pass|fail")]
    pub answers: Vec<String>,
    /// What was seen; kept with the answers.
    #[arg(long, value_name = "TEXT", requires = "answers")]
    pub note: Option<String>,
    /// Who answers, where it is not who runs this.
    #[arg(long, value_name = "WHO", value_parser = super::said)]
    pub by: Option<String>,
    /// Ask the automatic items once and do not watch them.
    #[arg(long)]
    pub once: bool,
    /// Only show how far the validation is.
    #[arg(long, conflicts_with_all = ["answers", "once"])]
    pub status: bool,
    /// Never ask.
    #[arg(long)]
    pub no_input: bool,
}

/// The forms of a report.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, ValueEnum)]
pub enum ReportFormat {
    /// Markdown.
    #[default]
    Md,
    /// One self-contained page with a timeline.
    Html,
    /// For programs.
    Json,
}

/// `rollback report`.
#[derive(Debug, Clone, Args)]
pub struct ReportArgs {
    /// The run's id, its beginning or its end; without it the newest that was no rehearsal.
    pub run: Option<String>,
    /// The form; without it the one that the end of `--out` says, else Markdown.
    #[arg(long, short, value_enum)]
    pub format: Option<ReportFormat>,
    /// Write it here. What people wrote in the marked gaps of such a file is kept.
    #[arg(long, value_name = "FILE")]
    pub out: Option<PathBuf>,
}

/// Who reads an update.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Audience {
    /// Steps, evidence, what is next.
    Engineers,
    /// What is affected, how far it is, who decided.
    Stakeholders,
    /// Whether it works again; no internals.
    Customers,
}

/// `rollback update`.
#[derive(Debug, Clone, Args)]
pub struct UpdateArgs {
    /// The run's id, its beginning or its end; without it the newest that was no rehearsal.
    pub run: Option<String>,
    /// Who reads it.
    #[arg(long, short, value_enum, default_value_t = Audience::Engineers)]
    pub audience: Audience,
}

/// The forms of a recovery plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum PlanFormat {
    /// Markdown, with boxes.
    Md,
    /// iCalendar, for a calendar program.
    Ics,
}

/// `rollback recovery`.
#[derive(Debug, Clone, Args)]
pub struct RecoveryArgs {
    /// The run's id, its beginning or its end; without it the newest that was no rehearsal.
    pub run: Option<String>,
    /// Tick this item off. May be repeated.
    #[arg(long, value_name = "ITEM")]
    pub tick: Vec<String>,
    /// Open this item again. May be repeated.
    #[arg(long, value_name = "ITEM")]
    pub untick: Vec<String>,
    /// Tick this criterion of the way forward off; `--untick` opens it again. May be repeated.
    #[arg(long, value_name = "CRITERION")]
    pub criterion: Vec<String>,
    /// Who did it, where it is not who runs this.
    #[arg(long, value_name = "WHO", value_parser = super::said)]
    pub by: Option<String>,
    /// What is to be remembered with it.
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
    /// Write the plan in this form.
    #[arg(long, value_enum)]
    pub export: Option<PlanFormat>,
}

/// `rollback forward`.
#[derive(Debug, Args)]
pub struct ForwardArgs {
    /// `component`, `service` or `system`.
    #[arg(value_enum)]
    pub level: LevelName,
    /// The component's or service's name.
    #[arg(required_if_eq_any([("level", "component"), ("level", "service")]))]
    pub name: Option<String>,
    /// The rollback that is taken back; without it the newest of this target.
    #[arg(long = "run", value_name = "RUN")]
    pub of: Option<String>,
    /// Go on though criteria are open: who says so.
    #[arg(long = "override", value_name = "WHO", requires = "reason", value_parser = super::said)]
    pub override_by: Option<String>,
    /// How to run it.
    #[command(flatten)]
    pub run: RunArgs,
}

/// What `rollback runs` lists.
#[derive(Debug, Clone, Default, Args)]
pub struct Filter {
    /// Only this target: `component tool-dispatcher`, `component/tool-dispatcher`, or the name alone.
    #[arg(long, value_name = "TARGET")]
    pub target: Option<String>,
    /// Only runs that came to this: a verdict, `paused` or `unfinished`.
    #[arg(long, value_name = "VERDICT", value_parser = ["recovered", "applied", "failed", "aborted", "unknown", "paused", "unfinished"])]
    pub verdict: Option<String>,
    /// Only runs that began within this time (`7d`) or since this day (`2026-11-01`).
    #[arg(long, value_name = "TIME", value_parser = since)]
    pub since: Option<Duration>,
    /// Only runs of this incident.
    #[arg(long, value_name = "ID")]
    pub incident: Option<String>,
    /// Only the newest N.
    #[arg(long, value_name = "N")]
    pub limit: Option<usize>,
}

/// A time back from now, as a duration or a day.
fn since(text: &str) -> Result<Duration, String> {
    if let Ok(span) = humantime::parse_duration(text) {
        return Ok(span);
    }
    let day = crate::runbook::after::day_number(text)
        .ok_or_else(|| "write a time as `7d` or a day as `2026-11-01`".to_owned())?;
    let now = std::time::SystemTime::now().duration_since(std::time::SystemTime::UNIX_EPOCH);
    Ok(now.unwrap_or_default().saturating_sub(Duration::from_secs(day * 86_400)))
}

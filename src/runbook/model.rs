//! The runbook format as types. Texts may still hold `${name}`; [`crate::draft`] resolves them.
//! What each key means is documented once, in the table of `schema.rs`, which also makes the JSON
//! Schema and `docs/runbook-reference.md`.

mod action;
mod settings;

use std::collections::BTreeMap;
use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

pub use action::*;
pub use settings::*;

/// How far a rollback reaches; the order is the order of escalation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// One component of a service.
    Component,
    /// One service, all its components.
    Service,
    /// Everything.
    System,
}

impl Level {
    /// All levels, lowest first.
    pub const ALL: [Level; 3] = [Level::Component, Level::Service, Level::System];

    /// The word used in runbooks and on the command line.
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Component => "component",
            Level::Service => "service",
            Level::System => "system",
        }
    }
}

impl fmt::Display for Level {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

/// A level and a name: what is rolled back. The system's name is `system`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    /// How far it reaches.
    pub level: Level,
    /// Its name within the level.
    pub name: String,
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.level == Level::System {
            f.write_str("system")
        } else {
            write!(f, "{} {}", self.level, self.name)
        }
    }
}

/// A position in a runbook, for errors and for "fix the runbook at".
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The file, as the operator would name it.
    pub file: PathBuf,
    /// Line, from 1.
    pub line: usize,
    /// Column, from 1, in characters.
    pub column: usize,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}:{}", self.file.display(), self.line, self.column)
    }
}

/// One YAML file: how one target is rolled back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Runbook {
    /// What is rolled back.
    pub target: Target,
    /// For people.
    pub title: String,
    /// What it is and when to use it.
    #[serde(default)]
    pub description: Option<String>,
    /// The service that a component escalates to.
    #[serde(default)]
    pub service: Option<String>,
    /// The team that keeps this runbook.
    #[serde(default)]
    pub owner: Option<String>,
    /// Parameters of this runbook alone; they add to those of `rollback.yaml`.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// In order of escalation.
    pub methods: Vec<Method>,
    /// Decides the verdict.
    #[serde(default)]
    pub recovered_when: Vec<Criterion>,
    /// The soak.
    #[serde(default)]
    pub validation: Vec<Criterion>,
    /// The day of its last review, `2026-11-23`.
    #[serde(default)]
    pub reviewed: Option<String>,
    /// Where it came from.
    #[serde(default)]
    pub place: Place,
}

/// One way to roll a target back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Method {
    /// `flag`, `config`, `code` or `database`.
    pub name: String,
    /// How long it should take; counted down on screen, an overrun is said, never fatal.
    #[serde(default)]
    pub budget: Option<Duration>,
    /// What it does, for people.
    #[serde(default)]
    pub description: Option<String>,
    /// Why it cannot be run yet: what the team still has to fill in.
    #[serde(default)]
    pub not_ready: Option<String>,
    /// In order.
    #[serde(default)]
    pub steps: Vec<Step>,
}

/// One action of a method, with the keys that every step kind shares.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Step {
    /// Unique in its method; made from the name where the runbook gives none.
    pub id: String,
    /// What it does, in the imperative.
    pub name: String,
    /// How long it may take, from its start until its effect is seen.
    pub timeout: Duration,
    /// How often it is tried.
    #[serde(default)]
    pub retry: Retry,
    /// Whether it is asked about before it starts.
    #[serde(default)]
    pub confirm: Confirm,
    /// What follows its failure.
    #[serde(default)]
    pub on_failure: OnFailure,
    /// What it does.
    pub action: Action,
    /// Where it stands in the runbook.
    #[serde(default)]
    pub place: Place,
}

/// How often a step is tried, and how long to wait between two tries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Retry {
    /// Tries in all; 1 means no second try.
    pub attempts: u32,
    /// The wait before the second try; it doubles with each further one.
    pub backoff: Duration,
}

impl Default for Retry {
    fn default() -> Retry {
        Retry { attempts: 1, backoff: Duration::from_secs(1) }
    }
}

/// Whether a step is asked about before it starts.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// Not at all.
    #[default]
    None,
    /// y/N; `--yes` answers it.
    Yes,
    /// The target's name is typed; `--confirm NAME` answers it.
    Name,
}

/// What follows a step's failure.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OnFailure {
    /// The run stops (an operator is asked).
    #[default]
    Stop,
    /// The run goes on; the verdict can then no longer be `recovered` by this step.
    Continue,
}

/// One condition of `recovered_when` or one item of `validation`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Criterion {
    /// For people; made from the check where the runbook gives none.
    pub name: String,
    /// How long it may take to come true after the last step.
    pub within: Duration,
    /// The tier of the validation it belongs to.
    #[serde(default)]
    pub tier: Option<String>,
    /// A Check: `http`, `metric`, `command` (with `check`), `manual`.
    pub action: Action,
    /// Where it stands in the runbook.
    #[serde(default)]
    pub place: Place,
}

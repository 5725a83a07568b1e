//! What a catalog says of all its runbooks: parameters, defaults, who decides, whom to reach.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::{Level, Place};

/// A value that the runbooks name as `${name}`.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Parameter {
    /// What it is.
    #[serde(default)]
    pub description: Option<String>,
    /// Its value when nobody gives one. None: it is required (when something uses it).
    #[serde(default)]
    pub default: Option<String>,
    /// The values it may have.
    #[serde(default)]
    pub choices: Vec<String>,
    /// A regular shape check: `name`, `url`, `commit`, `text`.
    #[serde(default)]
    pub shape: Option<String>,
    /// Where a secret comes from; its value is never in plan, argv, journal or screen.
    #[serde(default)]
    pub secret: Option<SecretSource>,
}

/// Where a secret comes from.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum SecretSource {
    /// An environment variable.
    Env(String),
    /// A file; its last line end is dropped.
    File(PathBuf),
    /// What a command prints; its last line end is dropped.
    Command(Vec<String>),
}

/// `rollback.yaml`: what the runbooks of a catalog share.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Settings {
    /// The kubectl context; may hold `${name}`.
    #[serde(default)]
    pub context: Option<String>,
    /// The namespace; may hold `${name}`.
    #[serde(default)]
    pub namespace: Option<String>,
    /// The git repository that git steps change; may hold `${name}`.
    #[serde(default)]
    pub repository: Option<String>,
    /// Shared parameters.
    #[serde(default)]
    pub parameters: BTreeMap<String, Parameter>,
    /// The Prometheus that metrics are asked of.
    #[serde(default)]
    pub prometheus: Option<Prometheus>,
    /// A step's timeout where it gives none.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// What needs somebody else's approval.
    #[serde(default)]
    pub approvals: Vec<ApprovalRule>,
    /// Who may decide on a system rollback, first to last.
    #[serde(default)]
    pub decision_authority: Vec<Authority>,
    /// Who does what in an emergency.
    #[serde(default)]
    pub contacts: Vec<Contact>,
    /// The tiers of the validation that every run shares.
    #[serde(default)]
    pub validation: Vec<crate::runbook::Tier>,
    /// What is to be done in the days after a run.
    #[serde(default)]
    pub recovery: Vec<crate::runbook::Phase>,
    /// What must be so before the way forward is taken again.
    #[serde(default)]
    pub success_criteria: Vec<String>,
    /// The day of the last review of the whole catalog.
    #[serde(default)]
    pub reviewed: Option<String>,
    /// How long a review holds.
    #[serde(default)]
    pub review_every: Option<Duration>,
    /// Where it came from.
    #[serde(default)]
    pub place: Place,
}

/// A Prometheus.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Prometheus {
    /// Its address; may hold `${name}`.
    pub url: String,
    /// Added to each request; a secret may stand here.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// What needs somebody else's approval before it runs.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ApprovalRule {
    /// The level.
    pub level: Level,
    /// The methods; none named means all.
    #[serde(default)]
    pub methods: Vec<String>,
    /// Who approves, for people.
    #[serde(default)]
    pub by: Option<String>,
}

/// Somebody who may decide.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Authority {
    /// `primary`, `secondary`, `emergency`.
    pub rank: String,
    /// The role that decides.
    pub role: String,
    /// How to reach them.
    #[serde(default)]
    pub contact: Option<String>,
}

/// Somebody to call.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Contact {
    /// `execution`, `communication`.
    pub team: String,
    /// Their role.
    pub role: String,
    /// How to reach them.
    #[serde(default)]
    pub contact: Option<String>,
}

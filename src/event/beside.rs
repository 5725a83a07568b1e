//! What goes on beside a run, as it stands in its journal: what was measured, and who was told.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MetricsSampled {
    /// When, as seen from the run.
    pub phase: Phase,
    /// What the metrics are; only in the first of a process.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub metrics: BTreeMap<String, MetricAbout>,
    /// The numbers, by metric, oldest first.
    pub points: BTreeMap<String, Vec<Sampled>>,
}

/// When something was measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// Before the run began.
    Before,
    /// While it lasted.
    During,
    /// After its end.
    After,
}

/// What a metric is, so that its numbers can be read with the catalog out of reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MetricAbout {
    /// For people.
    pub title: String,
    /// What it should be, such as `< 1%`.
    pub target: String,
    /// What is too bad, such as `> 5%`.
    pub alert: String,
}

/// A number and its time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampled {
    /// RFC 3339, UTC.
    pub at: String,
    /// The number; none where there was none.
    pub value: Option<f64>,
}

/// Somebody was told, or could not be. Never with the address: it may be a secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notified {
    /// Whom the catalog names.
    pub name: String,
    /// Of what: `start`, `escalation`, `failure`, `verdict`, `trigger`.
    pub occasion: String,
    /// Whether it arrived.
    pub delivered: bool,
    /// How often it was tried.
    pub attempts: u32,
    /// One phrase: what the other side answered, or why it did not arrive.
    pub why: String,
}

//! What is known when a run starts, as its first record has it.

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What is known when a run starts.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct RunStarted {
    /// `component tool-dispatcher`.
    pub target: String,
    /// The method.
    pub method: String,
    /// The plan's digest.
    pub digest: String,
    /// kubectl context.
    pub context: String,
    /// Namespace.
    pub namespace: String,
    /// uid of `kube-system`, or empty where it could not be read.
    pub cluster: String,
    /// Who runs it.
    pub operator: String,
    /// Where.
    pub host: String,
    /// The process.
    pub pid: u32,
    /// This program's version.
    pub version: String,
    /// Incident, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident: Option<String>,
    /// Reason, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The trigger that called for it, where given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trigger: Option<String>,
    /// What permitted it, where somebody else's approval is needed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub approval: Option<Approval>,
    /// The run that escalated to this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub escalated_from: Option<String>,
    /// The run that this one takes back, where it is the way forward.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub forward_of: Option<String>,
    /// The method's budget.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub budget_ms: Option<u64>,
    /// Whether the world is the sandbox.
    #[serde(default)]
    pub simulated: bool,
    /// The catalog's directory.
    pub catalog: String,
    /// Where it was started: what is relative in its plan is meant from there, also for a resume.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub directory: String,
    /// The plan as it was shown (see `plan.rs`).
    pub plan: Value,
}

impl RunStarted {
    /// The command that goes on with this run where it stopped. The sandbox of a rehearsal is gone by
    /// then: it is rehearsed again.
    pub fn go_on(&self, run_id: &str) -> Vec<String> {
        let words = if self.simulated {
            format!("rollback rehearse {} --method {}", self.target, self.method)
        } else {
            format!("rollback resume {run_id}")
        };
        words.split(' ').map(str::to_owned).collect()
    }

    /// What the next rung inherits from this run, as flags of its command line.
    pub fn inherited(&self, run_id: &str) -> Vec<String> {
        inherited([
            ("--incident", self.incident.as_deref()),
            ("--reason", self.reason.as_deref()),
            ("--trigger", self.trigger.as_deref()),
            ("--escalated-from", Some(run_id)),
        ])
    }
}

/// Those of the flags that have a value, as they stand in a command line.
pub fn inherited<const N: usize>(flags: [(&str, Option<&str>); N]) -> Vec<String> {
    flags
        .into_iter()
        .filter_map(|(flag, value)| value.map(|value| [flag.to_owned(), value.to_owned()]))
        .flatten()
        .collect()
}

/// What permitted a run that needs somebody else's approval. A claim, not an identity.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// The digest that was approved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<String>,
    /// Who approved it, as the command line says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Why nobody was asked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub break_glass: Option<String>,
}

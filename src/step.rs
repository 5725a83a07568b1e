//! A step: foresee, do, look. The table of kinds; adding one is a file and a line here.

pub mod apply;
pub(crate) mod checkout;
pub(crate) mod claims;
pub mod command;
pub mod git;
pub mod kinds;
pub mod metric;
pub mod restore_snapshot;
pub mod set_flags;
pub(crate) mod trial;
pub mod workload;

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::event::{EffectKind, Outcome};
use crate::facts::Unread;
use crate::world::Reader;
use crate::world::process::Ending;
use claims::Claim;

/// What a step is to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Nature {
    /// A goal that the world can show.
    Change,
    /// An effect that the world cannot show.
    Fire,
    /// No effect.
    Check,
}

/// The environment that a plan acts on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Setting {
    /// kubeconfig; none means the one that kubectl finds. A rehearsal has its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kubeconfig: Option<String>,
    /// kubectl context; none means kubectl's current one.
    pub context: Option<String>,
    /// Namespace.
    pub namespace: String,
    /// The git repository of git steps.
    pub repository: Option<String>,
}

/// What identifies this run's step in the world: annotations, commit trailers, branch names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mark {
    /// The run; `<run>` in a plan that is only shown.
    pub run_id: String,
    /// The step.
    pub step_id: String,
    /// When the run started, RFC 3339 with seconds; goes into `restartedAt` and commit dates.
    pub started_at: String,
}

impl Mark {
    /// `<run id>/<step id>`, as annotations and trailers carry it.
    pub fn text(&self) -> String {
        format!("{}/{}", self.run_id, self.step_id)
    }
}

/// What a step was found to be in the survey.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Standing {
    /// It will change something (or, for a Check, it will be asked).
    WillChange,
    /// Its effect is there.
    AlreadyThere,
    /// It cannot work as things are.
    Blocked,
    /// Nobody can tell beforehand.
    CannotBeChecked,
    /// A Check or a Fire: it runs when its turn comes.
    WillRun,
}

/// How a field that is gone afterwards is said.
pub const NOT_THERE: &str = "(not there)";

/// One field that a step changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FieldChange {
    /// `configmap/migration-flags`.
    pub object: String,
    /// `ENABLE_TOOL_DISPATCHER_MIGRATION`.
    pub field: String,
    /// The value now; none where it does not exist.
    pub from: Option<String>,
    /// The value afterwards.
    pub to: String,
}

/// What stands in a step's way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Obstacle {
    /// Why, in a sentence that a tired person understands.
    pub why: String,
    /// What to do about it, where we know.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// True: it is known to fail (blocked). False: it could not be asked (cannot be checked).
    pub certain: bool,
}

/// What a step will find and change.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Forecast {
    /// Whether its effect is there already.
    pub already_there: bool,
    /// What it changes.
    pub changes: Vec<FieldChange>,
    /// Lines of evidence, as shown under the step.
    pub evidence: Vec<String>,
    /// Lines worth a second look; they stop nothing.
    pub warnings: Vec<String>,
    /// What stands in its way.
    pub obstacles: Vec<Obstacle>,
    /// Facts that make the digest, the snapshot and the base of a roll forward.
    pub pinned: BTreeMap<String, Value>,
    /// What later steps can name, where it is there without the step: the commit that the survey found.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub outputs: Outputs,
    /// Who else keeps the object as they want it, such as Argo CD; empty where nobody is known to.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub owner: String,
}

impl Forecast {
    /// An obstacle that is known to make it fail.
    pub fn block(&mut self, why: impl Into<String>, hint: Option<String>) {
        self.obstacles.push(Obstacle { why: why.into(), hint, certain: true });
    }

    /// Something that could not be asked.
    pub fn uncheckable(&mut self, why: impl Into<String>, hint: Option<String>) {
        self.obstacles.push(Obstacle { why: why.into(), hint, certain: false });
    }

    /// Warns of somebody who may put an object back, and remembers them.
    pub fn contested(&mut self, owner: Option<(String, String)>) {
        let Some((owner, warning)) = owner else { return };
        self.warnings.push(warning);
        self.owner = owner;
    }

    /// The word of the plan.
    pub fn standing(&self, nature: Nature) -> Standing {
        if self.obstacles.iter().any(|obstacle| obstacle.certain) {
            Standing::Blocked
        } else if !self.obstacles.is_empty() {
            Standing::CannotBeChecked
        } else if nature != Nature::Change {
            Standing::WillRun
        } else if self.already_there {
            Standing::AlreadyThere
        } else {
            Standing::WillChange
        }
    }
}

/// What a step left behind for later steps, such as `sha`.
pub type Outputs = BTreeMap<String, String>;

/// What the world shows of a step's effect.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Nothing of it. The sentence says what was found instead.
    Missing(String),
    /// Some of it.
    Partly(String),
    /// On its way; the text is the progress, such as `ready 2/3 · 1 old pod left`.
    Underway(String),
    /// All of it; the sentence is the evidence.
    Present(String, Outputs),
    /// It is done as far as we can, but somebody must still act, such as merge a branch.
    Awaiting(String, Outputs),
    /// It went wrong for good: the sentence, and lines of detail (log lines, stderr).
    Broken(String, Vec<String>),
    /// The world cannot tell, and why.
    Unanswerable(String),
    /// It may not be seen: asking again is no use.
    Forbidden(String),
}

impl Effect {
    /// What it means for a look that something could not be read.
    pub(crate) fn unread(why: Unread) -> Effect {
        match why {
            Unread::Missing(why, _) => Effect::Broken(why, Vec::new()),
            Unread::Forbidden(why) => Effect::Forbidden(why),
            Unread::Refused(why) | Unread::Unreachable(why) | Unread::Failed(why) => {
                Effect::Unanswerable(why)
            }
        }
    }

    /// The effect without its details, as records carry it.
    pub fn kind(&self) -> EffectKind {
        match self {
            Effect::Missing(_) => EffectKind::Missing,
            Effect::Partly(_) => EffectKind::Partly,
            Effect::Underway(_) => EffectKind::Underway,
            Effect::Present(..) => EffectKind::Present,
            Effect::Awaiting(..) => EffectKind::Awaiting,
            Effect::Broken(..) => EffectKind::Broken,
            Effect::Unanswerable(_) | Effect::Forbidden(_) => EffectKind::Unanswerable,
        }
    }

    /// The sentence for the operator.
    pub fn sentence(&self) -> &str {
        match self {
            Effect::Missing(text)
            | Effect::Partly(text)
            | Effect::Underway(text)
            | Effect::Present(text, _)
            | Effect::Awaiting(text, _)
            | Effect::Broken(text, _)
            | Effect::Unanswerable(text)
            | Effect::Forbidden(text) => text,
        }
    }
}

/// How doing a step went, with the words for it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Done {
    /// How it went.
    pub outcome: Outcome,
    /// One sentence; for a failure, why.
    pub why: String,
    /// The command's own stderr, indented by who shows it.
    pub detail: Vec<String>,
    /// What the step left behind.
    pub outputs: Outputs,
}

impl Done {
    /// It ended well.
    pub fn well(why: impl Into<String>) -> Done {
        Done {
            outcome: Outcome::Done,
            why: why.into(),
            detail: Vec::new(),
            outputs: Outputs::new(),
        }
    }

    /// It was ended before it was done, and nothing was changed.
    pub fn called_off(what: &str, ending: &Ending) -> Done {
        let outcome = match ending {
            Ending::Interrupted => Outcome::Interrupted,
            Ending::TimedOut => Outcome::TimedOut,
            _ => Outcome::Failed,
        };
        Done { outcome, ..Done::badly(format!("{what}: {}", ending.phrase()), Vec::new()) }
    }

    /// It ended badly.
    pub fn badly(why: impl Into<String>, detail: Vec<String>) -> Done {
        Done { outcome: Outcome::Failed, why: why.into(), detail, outputs: Outputs::new() }
    }
}

/// What doing and looking need to know beside the step itself.
#[derive(Debug, Clone)]
pub struct Doing {
    /// Where.
    pub setting: Setting,
    /// What identifies the step in the world.
    pub mark: Mark,
    /// What the survey foresaw.
    pub forecast: Forecast,
    /// What earlier steps left behind.
    pub outputs: BTreeMap<String, Outputs>,
    /// The repository that its checkout comes from, where it has one.
    pub checkout: Option<String>,
    /// Resolved parameters, never secrets.
    pub parameters: BTreeMap<String, String>,
    /// The values of the secrets that it names.
    pub secrets: BTreeMap<String, String>,
    /// What later steps have changed since: in the last look it is theirs.
    pub later: Vec<Claim>,
    /// How long the step may take from here.
    pub timeout: Duration,
    /// How long it may take in all, as its author wrote it; for sentences.
    pub limit: Duration,
    /// The world, to read.
    pub reader: Reader,
}

#[cfg(test)]
impl Doing {
    /// What a step alone has, that may take 20 seconds.
    pub(crate) fn for_a_test(
        setting: &Setting,
        mark: &Mark,
        forecast: &Forecast,
        reader: Reader,
    ) -> Doing {
        Doing {
            setting: setting.clone(),
            mark: mark.clone(),
            forecast: forecast.clone(),
            outputs: BTreeMap::new(),
            checkout: None,
            parameters: BTreeMap::new(),
            secrets: BTreeMap::new(),
            later: Vec::new(),
            timeout: Duration::from_secs(20),
            limit: Duration::from_secs(20),
            reader,
        }
    }
}

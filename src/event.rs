//! The records of a run and the live events between them: one envelope, one format version, and
//! nothing of ours below it. Records are numbered, journaled and streamed; live events are only
//! streamed. Renderers match exhaustively.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

mod beside;
mod lock;
mod start;
mod words;

pub use beside::{MetricAbout, MetricsSampled, Notified, Phase, Sampled};
pub use lock::TakenOver;
pub use start::{Approval, RunStarted, inherited};
pub use words::{Choice, EffectKind, Outcome, SkipReason, Verdict};

/// The version of the record format; a reader refuses a newer one. `docs/events.md` has its history.
pub const VERSION: u32 = 1;

/// A record with its number, time and run.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Envelope {
    /// Format version.
    pub v: u32,
    /// From 1, without gaps.
    pub seq: u64,
    /// RFC 3339, UTC, milliseconds.
    pub ts: String,
    /// The run.
    pub run_id: String,
    /// What happened.
    #[serde(flatten)]
    pub record: Record,
}

/// Something that happened in a run, for good.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Record {
    /// The first record: what is going to be done, by whom, and the plan as it was confirmed.
    RunStarted(Box<RunStarted>),
    /// The run was confirmed (or declined) before anything was changed.
    Confirmed {
        /// `prompt`, `--yes`, `--confirm`, `rehearsal`.
        how: String,
        /// Whether the answer was yes.
        yes: bool,
        /// Who decided, where that is asked.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        decided_by: Option<String>,
    },
    /// The values that the run is about to change: `object field` -> value.
    SnapshotTaken {
        /// What stood there before.
        values: BTreeMap<String, Value>,
    },
    /// Written before the effect: from here on the step may have happened.
    StepIntended {
        /// The step's id.
        step: String,
        /// From 1.
        index: usize,
        /// Steps in the plan.
        of: usize,
        /// The step's name.
        name: String,
        /// The step's kind.
        kind: String,
        /// From 1.
        attempt: u32,
        /// The argv that are about to run, without the versions that they test.
        commands: Vec<Vec<String>>,
        /// Late names that were resolved for this step (never secrets).
        #[serde(default)]
        resolved: BTreeMap<String, String>,
    },
    /// A child was started for the step; lets a later process find it alive.
    ChildStarted {
        /// The step's id.
        step: String,
        /// The child's process group.
        group: u32,
        /// Its start time as the system tells it, to know a reused number.
        started: String,
        /// Its program.
        program: String,
    },
    /// The step's attempt is over.
    StepEnded {
        /// The step's id.
        step: String,
        /// Which attempt.
        attempt: u32,
        /// How doing it went.
        outcome: Outcome,
        /// What the world showed afterwards.
        effect: EffectKind,
        /// One sentence: the evidence, or why it failed.
        why: String,
        /// More lines: the command's own stderr, a pod's last log lines.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        detail: Vec<String>,
        /// How long the attempt took.
        elapsed_ms: u64,
        /// What later steps can name, such as `sha`.
        #[serde(default)]
        outputs: BTreeMap<String, String>,
    },
    /// The step is not run.
    StepSkipped {
        /// The step's id.
        step: String,
        /// Why.
        why: SkipReason,
        /// One sentence.
        detail: String,
        /// What later steps can name all the same: the commit that the survey found.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, String>,
    },
    /// After a crash or an interruption: what the world says of a step that was started.
    DoubtResolved {
        /// The step's id.
        step: String,
        /// What the world (or the operator) said.
        effect: EffectKind,
        /// Who said so: `world`, `operator`, `runbook`.
        by: String,
        /// One sentence.
        why: String,
        /// What the step left behind, where the world shows it.
        #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
        outputs: BTreeMap<String, String>,
    },
    /// What the operator (or a flag) chose after a failure.
    Decision {
        /// The step's id.
        step: String,
        /// What was chosen.
        choice: Choice,
        /// `prompt`, `policy` (no terminal, `on_failure`).
        by: String,
    },
    /// A condition of `recovered_when` that is a command is about to be asked.
    CriterionAsked {
        /// Its name.
        name: String,
    },
    /// A condition of `recovered_when` was judged.
    CriterionJudged {
        /// Its name.
        name: String,
        /// Whether it held in the survey; none where it could not be asked.
        before: Option<bool>,
        /// Whether it holds now.
        holds: bool,
        /// One sentence, such as `503 -> 200, 3 in a row`.
        why: String,
    },
    /// The run goes on although the environment's lock could not be had or renewed: nobody else is
    /// kept out.
    LockWaived {
        /// Why it was not to be had.
        why: String,
        /// Who decided it: `prompt` or `--without-lock`.
        by: String,
        /// The operator's name.
        operator: String,
    },
    /// A suspect lock was taken over from a run that showed no sign of life.
    LockTakenOver(TakenOver),
    /// The method's budget is used up.
    BudgetExceeded {
        /// The budget.
        budget_ms: u64,
    },
    /// The next rung of the ladder, offered.
    EscalationOffered {
        /// Its target.
        target: String,
        /// Its method.
        method: String,
        /// The exact command line.
        command: Vec<String>,
        /// Whether its survey found it ready; none where it was not surveyed.
        ready: Option<bool>,
        /// One sentence.
        why: String,
    },
    /// The run goes on in another process.
    Resumed {
        /// Who.
        operator: String,
        /// Where.
        host: String,
        /// The process.
        pid: u32,
    },
    /// The run stops here and can be resumed.
    RunPaused {
        /// Why.
        why: String,
        /// How the process ends.
        exit_code: u8,
        /// The command that goes on; that rehearses it again, after a rehearsal.
        resume: Vec<String>,
    },
    /// The last record.
    RunFinished {
        /// The verdict.
        verdict: Verdict,
        /// How the process ends.
        exit_code: u8,
        /// One sentence.
        why: String,
        /// From the confirmation to here.
        elapsed_ms: u64,
    },
    /// What was measured: before the run, while it lasts, or since. No step depends on it.
    MetricsSampled(Box<MetricsSampled>),
    /// Somebody was told of the run, or could not be. May stand after the end.
    Notified(Notified),
    /// After the end: somebody looks at a tier of the validation.
    ValidationStarted {
        /// The tier.
        tier: String,
        /// Its items.
        items: Vec<String>,
        /// How long its automatic items are watched.
        takes_ms: u64,
        /// Who.
        by: String,
    },
    /// After the end: an item of the validation was judged, or changed.
    ItemJudged {
        /// The item.
        item: String,
        /// Its tier.
        tier: String,
        /// Whether it holds.
        holds: bool,
        /// `check`, `prompt`, `--answer`.
        how: String,
        /// Who.
        by: String,
        /// One sentence: what the check saw, or what the person said.
        why: String,
    },
    /// After the end: a tier is done.
    TierClosed {
        /// The tier.
        tier: String,
        /// Whether all of it holds.
        passed: bool,
        /// The items that do not hold.
        failed: Vec<String>,
        /// From its first look to here.
        elapsed_ms: u64,
    },
    /// After the end: an item of the recovery plan is ticked off, or no longer.
    RecoveryTicked {
        /// The item.
        item: String,
        /// Whether it is done.
        done: bool,
        /// Who.
        by: String,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// After the end: a criterion of the way forward is ticked off, or no longer.
    CriterionTicked {
        /// The criterion.
        criterion: String,
        /// Whether it is so.
        done: bool,
        /// Who.
        by: String,
        /// What they said.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        note: Option<String>,
    },
    /// After the end: the way forward was started.
    ForwardStarted {
        /// The run that goes forward.
        run: String,
        /// What goes forward.
        target: String,
        /// Who started it.
        by: String,
        /// The criteria that were open.
        open: Vec<String>,
        /// Who went on all the same.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        overridden_by: Option<String>,
        /// Why.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<String>,
    },
    /// After the end: all tiers hold; nothing is left to watch.
    RunClosed {
        /// Who.
        by: String,
        /// One sentence.
        why: String,
    },
}

/// Something that is only worth seeing while it happens.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum Live {
    /// A line that a step's command printed; sanitized and redacted.
    Output {
        /// The step's id.
        step: String,
        /// `stdout` or `stderr`.
        stream: String,
        /// The line.
        text: String,
    },
    /// How far a step is.
    Progress {
        /// The step's id.
        step: String,
        /// Such as `ready 2/3 · 1 old pod left`.
        text: String,
    },
    /// A word to the operator that changes nothing (a first Ctrl-C, a slow login).
    Notice {
        /// The sentence.
        text: String,
    },
}

//! The one table of the format: every kind, key, type, default and rule, with its documentation.
//! The loader's checks, the JSON Schema and the reference page are all made from it.

mod json;
mod kinds;
mod reference;
mod settings;
mod types;
mod watching;

pub use kinds::*;
pub use settings::*;
pub use types::{Holds, Key, Keys, Object, Type};
pub use watching::WATCHING;

pub use json::{
    runbook as runbook_schema, settings as settings_schema, triggers as triggers_schema,
};
pub use reference::{MARK as REFERENCE_MARK, page as reference_page};

const fn key(name: &'static str, ty: Type, default: &'static str, doc: &'static str) -> Key {
    Key { name, ty, required: false, default, doc, beside: &[] }
}

const fn must(name: &'static str, ty: Type, doc: &'static str) -> Key {
    Key { name, ty, required: true, default: "", doc, beside: &[] }
}

const fn beside(name: &'static str, ty: Type, default: &'static str, doc: &'static str) -> Key {
    Key { name, ty, required: false, default, doc, beside: &["command", "shell"] }
}

/// The names of methods, in the usual order of escalation.
pub const METHODS: [&str; 4] = ["flag", "config", "code", "database"];
/// The step kinds.
pub const KINDS: [&str; 14] = [
    "set_flags",
    "restart",
    "rollout_undo",
    "apply",
    "restore_snapshot",
    "revert_commits",
    "restore_files",
    "rollback_branch",
    "command",
    "shell",
    "http",
    "metric",
    "manual",
    "wait",
];
/// The step kinds that push a commit; later steps may use `${steps.ID.sha}` and `checkout: ID`.
pub const GIT_KINDS: [&str; 3] = ["revert_commits", "restore_files", "rollback_branch"];
/// What a git step tells later steps.
pub const GIT_OUTPUTS: [&str; 2] = ["sha", "branch"];

const PLAIN: Type = Type::Text(Holds::Nothing);
const TEXT: Type = Type::Text(Holds::Names);
const SECRET: Type = Type::Text(Holds::Secrets);
const API: Type = Type::Choice(&["rollback/v1"]);
const API_DOC: &str = "The version of the format.";
const REVIEWED_DOC: &str = "The day of the last review, `2026-11-23`.";
const REPOSITORY_DOC: &str = "Another repository than the one of `rollback.yaml`.";

/// A runbook file.
pub static RUNBOOK: Object = Object {
    name: "Runbook",
    doc: "One file: how one target is rolled back.",
    one_of: &[],
    keys: &[
        must("apiVersion", API, API_DOC),
        must(
            "level",
            Type::Choice(&["component", "service", "system"]),
            "How far the rollback reaches.",
        ),
        key("name", Type::Name, "`system`, at level `system`", "The target's name in its level."),
        must("title", PLAIN, "The target's name for people."),
        key("description", PLAIN, "", "What the target is, and when this runbook is used."),
        key("service", Type::Name, "", "The service that a component escalates to."),
        key("owner", PLAIN, "", "The team that keeps this runbook."),
        key(
            "parameters",
            Type::Map(Keys::Parameter, &Type::Object(&PARAMETER)),
            "",
            "Parameters of this runbook; they add to those of `rollback.yaml`.",
        ),
        must(
            "methods",
            Type::Map(Keys::Method, &Type::Object(&METHOD)),
            "The ways to roll the target back: `flag`, `config`, `code`, `database`. The order in \
             the file is the order of escalation.",
        ),
        key(
            "recovered_when",
            Type::List(&Type::Object(&CRITERION)),
            "nothing: the verdict can only be `applied`",
            "What must be seen for the verdict `recovered`.",
        ),
        key(
            "validation",
            Type::List(&Type::Object(&CRITERION)),
            "",
            "What is checked after recovery (`rollback validate`), beside the tiers of \
             `rollback.yaml`.",
        ),
        key("reviewed", Type::Date, "", REVIEWED_DOC),
    ],
};

/// A method.
pub static METHOD: Object = Object {
    name: "Method",
    doc: "One way to roll the target back.",
    one_of: &[],
    keys: &[
        key("budget", Type::Duration, "", "How long it should take; an overrun is never fatal."),
        key("description", PLAIN, "", "What it does."),
        key(
            "not_ready",
            PLAIN,
            "",
            "Why the method cannot be run yet: what is still to be filled in. It is then never run \
             and never a rung; the survey and lint say so.",
        ),
        key(
            "steps",
            Type::List(&Type::Object(&STEP)),
            "required, unless `not_ready` is given",
            "What is done, in order.",
        ),
    ],
};

/// The keys that `command` and `shell` share, in steps and in criteria.
const ENV: Key = beside(
    "env",
    Type::Map(Keys::Variable, &SECRET),
    "",
    "Added to the command's environment; a secret may stand here.",
);
const CWD: Key = beside(
    "cwd",
    Type::Path,
    "the directory `rollback` was started in",
    "Where it runs; with `checkout`, relative to the checkout.",
);
const COMMAND: Key =
    key("command", Type::List(&TEXT), "", "A program with its arguments; no shell sees them.");
const SHELL: Key = key(
    "shell",
    Type::Script,
    "",
    "A script for bash. Its text is never touched: `${name}` is the shell's own, and the \
     parameters it names are in its environment.",
);
const HTTP_KEY: Key = key("http", Type::Object(&HTTP), "", "Check: an answer over HTTP.");
const METRIC_KEY: Key =
    key("metric", Type::Object(&METRIC), "", "Check: a number of Prometheus against a bound.");
const MANUAL: Key = key(
    "manual",
    Type::Short("instruction", &TEXT, None),
    "",
    "Check: what a person does or looks at, and what they should see.",
);

/// A step.
pub static STEP: Object = Object {
    name: "Step",
    doc: "One action, named by exactly one of its kinds, and the keys that every kind shares.",
    one_of: &KINDS,
    keys: &[
        must("name", TEXT, "What the step does, in the imperative."),
        key(
            "id",
            Type::Name,
            "made from the name",
            "Its name for other steps; unique in a method.",
        ),
        key(
            "timeout",
            Type::Duration,
            "`timeout` of `rollback.yaml`, else `60s`",
            "How long it may take, from its start until its effect is seen.",
        ),
        key("retry", Type::Object(&RETRY), "one try", "How often it is tried."),
        key(
            "confirm",
            Type::Choice(&["none", "yes", "name"]),
            "`none`",
            "What is asked before it.",
        ),
        key(
            "on_failure",
            Type::Choice(&["stop", "continue"]),
            "`stop`",
            "What follows its failure.",
        ),
        key("set_flags", Type::Object(&SET_FLAGS), "", "Change: keys of a ConfigMap, or env."),
        key(
            "restart",
            Type::Short("workloads", &Type::OneOrList(&Type::Workload), None),
            "",
            "Change: new pods for workloads, and the end of the old ones.",
        ),
        key(
            "rollout_undo",
            Type::Object(&ROLLOUT_UNDO),
            "",
            "Change: an earlier pod template of a workload, known by its content.",
        ),
        key(
            "apply",
            Type::Object(&APPLY),
            "",
            "Change: manifests as they are at a git ref, by `kubectl apply`.",
        ),
        key(
            "restore_snapshot",
            Type::Short("name", &Type::Word, None),
            "",
            "Change: ConfigMaps and pod templates as they were when `rollback snapshot NAME` was \
             run. Keys that were not there then are removed; what somebody changed since is shown.",
        ),
        key(
            "revert_commits",
            Type::Object(&REVERT_COMMITS),
            "",
            "Change: the inverse of commits, as a new commit on a branch.",
        ),
        key(
            "restore_files",
            Type::Object(&RESTORE_FILES),
            "",
            "Change: paths as they are on another branch, as a new commit.",
        ),
        key(
            "rollback_branch",
            Type::Object(&ROLLBACK_BRANCH),
            "",
            "Change: a new branch at a known commit.",
        ),
        COMMAND,
        SHELL,
        HTTP_KEY,
        METRIC_KEY,
        MANUAL,
        key(
            "wait",
            Type::Short("duration", &Type::Duration, Some(&WAIT)),
            "",
            "Check: time (`wait: 10s`), or a rollout that somebody else started.",
        ),
        ENV,
        CWD,
        beside(
            "checkout",
            Type::Name,
            "",
            "The git step whose pushed commit it runs in, freshly checked out.",
        ),
        beside(
            "probe",
            Type::List(&TEXT),
            "",
            "A read-only command whose success shows that the effect is there.",
        ),
        beside("idempotent", Type::Bool, "`false`", "May be run again after a crash, unasked."),
        beside("check", Type::Bool, "`false`", "Changes nothing: a test suite, a query."),
    ],
};

/// A criterion.
pub static CRITERION: Object = Object {
    name: "Criterion",
    doc: "Something to be seen: an answer, a command that succeeds, what a person sees.",
    one_of: &["http", "metric", "command", "shell", "manual"],
    keys: &[
        key("name", TEXT, "made from the check", "What it shows."),
        key("within", Type::Duration, "`60s`", "How long it may take to come true."),
        key("tier", PLAIN, "`functional`", "The tier of the validation it belongs to."),
        HTTP_KEY,
        METRIC_KEY,
        COMMAND,
        SHELL,
        MANUAL,
        ENV,
        CWD,
    ],
};

/// `retry`.
pub static RETRY: Object = Object {
    name: "Retry",
    doc: "How often a step is tried.",
    one_of: &[],
    keys: &[
        must("attempts", Type::Number(1, 20), "Tries in all."),
        key("backoff", Type::Duration, "`1s`", "The wait before the second try; then it doubles."),
    ],
};

/// Every object, in the order of the reference.
pub static OBJECTS: [&Object; 34] = [
    &RUNBOOK,
    &SETTINGS,
    &PARAMETER,
    &SECRET_SOURCE,
    &METHOD,
    &STEP,
    &RETRY,
    &SET_FLAGS,
    &ROLLOUT_UNDO,
    &UNDO_TO,
    &APPLY,
    &REVERT_COMMITS,
    &RESTORE_FILES,
    &ROLLBACK_BRANCH,
    &HTTP,
    &METRIC,
    &WAIT,
    &CRITERION,
    &APPROVAL,
    &AUTHORITY,
    &CONTACT,
    &TIER,
    &PHASE,
    &PROMETHEUS,
    &watching::WATCHING,
    &watching::SOURCE,
    &watching::METRIC,
    &watching::TRIGGER,
    &watching::ENDPOINT,
    &watching::MINIMUM,
    &watching::AUTOMATIC,
    &watching::WATCH,
    &watching::SWITCH,
    &watching::NOTIFICATION,
];

//! The one table of the format: every kind, key, type, default and rule, with its documentation.
//! The loader's checks, the JSON Schema and the reference page are all made from it.

mod json;
mod reference;
mod types;
mod watching;

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

/// `rollback.yaml`.
pub static SETTINGS: Object = Object {
    name: "Settings",
    doc: "`rollback.yaml`: what the runbooks of a catalog share.",
    one_of: &[],
    keys: &[
        must("apiVersion", API, API_DOC),
        key("context", TEXT, "kubectl's current context", "The kubectl context."),
        key("namespace", TEXT, "`default`", "The namespace."),
        key("repository", TEXT, "", "The git repository that git steps change."),
        key("prometheus", Type::Object(&PROMETHEUS), "", "The Prometheus that `metric` asks."),
        key("timeout", Type::Duration, "`60s`", "A step's timeout where it gives none."),
        key(
            "parameters",
            Type::Map(Keys::Parameter, &Type::Object(&PARAMETER)),
            "",
            "Parameters that every runbook may use.",
        ),
        key(
            "approvals",
            Type::List(&Type::Object(&APPROVAL)),
            "",
            "What needs somebody else's approval (`--approve DIGEST`) before it runs.",
        ),
        key(
            "decision_authority",
            Type::List(&Type::Object(&AUTHORITY)),
            "",
            "Who may decide on a system rollback, first to last.",
        ),
        key("contacts", Type::List(&Type::Object(&CONTACT)), "", "Who does what in an emergency."),
        key(
            "validation",
            Type::List(&Type::Object(&TIER)),
            "",
            "The tiers of the validation that every run shares (`rollback validate`).",
        ),
        key(
            "recovery",
            Type::List(&Type::Object(&PHASE)),
            "",
            "What is to be done in the days after a run (`rollback recovery`).",
        ),
        key(
            "success_criteria",
            Type::List(&PLAIN),
            "",
            "What must be so before the way forward is taken again (`rollback forward`).",
        ),
        key("reviewed", Type::Date, "", REVIEWED_DOC),
        key(
            "review_every",
            Type::Duration,
            "`30d`, where `reviewed` is given",
            "How long a review holds. A run opens a review of its runbook as well.",
        ),
    ],
};

/// A parameter.
pub static PARAMETER: Object = Object {
    name: "Parameter",
    doc: "A value that texts name as `${name}`. Given by `--param name=value`, by \
          `ROLLBACK_PARAM_NAME`, or by its default, in this order.",
    one_of: &[],
    keys: &[
        key("description", PLAIN, "", "What it is."),
        key("default", PLAIN, "none: it must be given when something uses it", "Its value."),
        key("choices", Type::List(&PLAIN), "", "The values that it may have."),
        key(
            "shape",
            Type::Choice(&["name", "url", "commit", "text"]),
            "one line that does not start with `-`",
            "What its value looks like. Only `text` may span lines or start with `-`.",
        ),
        key("secret", Type::OneOf(&SECRET_SOURCE), "", "Where a secret comes from; never inline."),
    ],
};

/// Where a secret comes from.
pub static SECRET_SOURCE: Object = Object {
    name: "SecretSource",
    doc: "Where a secret comes from. Its value reaches only `env` and `headers`.",
    one_of: &["env", "file", "command"],
    keys: &[
        key("env", PLAIN, "", "An environment variable."),
        key("file", PLAIN, "", "A file; its last line end is dropped."),
        key("command", Type::List(&PLAIN), "", "A command; what it prints, without the line end."),
    ],
};

/// Somebody who may decide.
pub static AUTHORITY: Object = Object {
    name: "Authority",
    doc: "Somebody who may decide.",
    one_of: &[],
    keys: &[
        must("rank", PLAIN, "`primary`, `secondary`, `emergency`."),
        must("role", PLAIN, "The role that decides."),
        key("contact", PLAIN, "", "How to reach them."),
    ],
};

/// A Prometheus.
pub static PROMETHEUS: Object = Object {
    name: "Prometheus",
    doc: "The Prometheus that metrics are asked of.",
    one_of: &[],
    keys: &[
        must("url", Type::Url, "Its address, without `/api/v1`."),
        key(
            "headers",
            Type::Map(Keys::Header, &SECRET),
            "",
            "Added to each request; a secret may stand here.",
        ),
    ],
};

/// What needs approval.
pub static APPROVAL: Object = Object {
    name: "Approval",
    doc: "What needs somebody else's approval before it runs; see `docs/approvals.md`.",
    one_of: &[],
    keys: &[
        must("level", Type::Choice(&["component", "service", "system"]), "The level."),
        key("methods", Type::List(&PLAIN), "all", "The methods, such as `[code, database]`."),
        key("by", PLAIN, "", "Who approves, for people."),
    ],
};

/// Somebody to call.
pub static CONTACT: Object = Object {
    name: "Contact",
    doc: "Somebody to call.",
    one_of: &[],
    keys: &[
        must("team", PLAIN, "`execution`, `communication`."),
        must("role", PLAIN, "Their role."),
        key("contact", PLAIN, "", "How to reach them."),
    ],
};

/// A tier of the validation.
pub static TIER: Object = Object {
    name: "Tier",
    doc: "One tier of the validation. Its automatic items must hold for as long as it takes.",
    one_of: &[],
    keys: &[
        must("name", Type::Name, "`immediate`, `functional`, `business`, `day1`."),
        key("title", PLAIN, "its name", "Its name for people."),
        must(
            "takes",
            Type::Duration,
            "How long its automatic items are watched. Over an hour it is watched by repeated calls.",
        ),
        key(
            "items",
            Type::List(&Type::Object(&CRITERION)),
            "only those that runbooks add",
            "What is checked.",
        ),
    ],
};

/// A phase of the recovery plan.
pub static PHASE: Object = Object {
    name: "Phase",
    doc: "One phase of the recovery plan, in days counted from the run, which is day 1.",
    one_of: &[],
    keys: &[
        must("name", PLAIN, "What it is for."),
        must("from_day", Type::Number(1, 365), "Its first day."),
        key("to_day", Type::Number(1, 365), "from then on", "Its last day."),
        must("items", Type::List(&PLAIN), "What is to be done."),
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

/// `set_flags`.
pub static SET_FLAGS: Object = Object {
    name: "SetFlags",
    doc: "Keys of a ConfigMap, or env of a workload's container.",
    one_of: &["configmap", "workload"],
    keys: &[
        key("configmap", Type::Word, "", "The ConfigMap whose keys are set."),
        key("workload", Type::Workload, "", "Or the workload whose container's env is set."),
        Key {
            beside: &["workload"],
            ..key(
                "container",
                Type::Word,
                "the only one",
                "The container, where there are several.",
            )
        },
        must("flags", Type::Map(Keys::Flag, &Type::Flag), "Key and value; values are texts."),
        key("create", Type::Bool, "`false`", "Whether a key that is not there may be created."),
    ],
};

/// `rollout_undo`.
pub static ROLLOUT_UNDO: Object = Object {
    name: "RolloutUndo",
    doc: "An earlier pod template of a workload. Revisions are told apart by their content, without \
          the marks of restarts, and never by their number alone: doing it twice changes nothing.",
    one_of: &[],
    keys: &[
        must("workload", Type::Workload, "The workload whose template goes back."),
        key(
            "to",
            Type::Short("which", &Type::Choice(&["last-good"]), Some(&UNDO_TO)),
            "`last-good`",
            "Which template. `last-good` is the newest older one whose content differs and of \
             which pods are available now; where no older one has pods, the only one that differs. \
             Where that leaves a choice, the step is blocked and names the revisions.",
        ),
    ],
};

/// Which template.
pub static UNDO_TO: Object = Object {
    name: "UndoTo",
    doc: "Which earlier template is meant. If several fit, the step is blocked and names them.",
    one_of: &["image", "annotations", "revision"],
    keys: &[
        key("image", Type::Word, "", "The one with a container of exactly this image."),
        key(
            "annotations",
            Type::Map(Keys::Annotation, &TEXT),
            "",
            "The one whose pods carry these annotations.",
        ),
        key(
            "revision",
            Type::Number(1, 1_000_000_000),
            "",
            "The one with this number at the survey; its content is what counts from then on.",
        ),
    ],
};

/// `apply`.
pub static APPLY: Object = Object {
    name: "Apply",
    doc: "Manifests as they are at a git ref, read from the remote and tried by the API server \
          before anything is changed. Of a directory, the `.yaml`, `.yml` and `.json` files in it.",
    one_of: &[],
    keys: &[
        must("ref", Type::Word, "The branch, tag or commit that has the manifests."),
        must("paths", Type::OneOrList(&Type::Path), "Files or directories of the repository."),
        key("repository", Type::Word, "", REPOSITORY_DOC),
    ],
};

/// `revert_commits`.
pub static REVERT_COMMITS: Object = Object {
    name: "RevertCommits",
    doc: "The inverse of commits, as a new commit on a branch. Tells later steps `sha`, `branch`.",
    one_of: &[],
    keys: &[
        must("branch", Type::Word, "The branch that gets the revert."),
        must("commits", Type::OneOrList(&Type::Word), "Commit ids; the first is undone first."),
        key("mainline", Type::Number(1, 16), "", "For merge commits: the parent that stays."),
        key("message", TEXT, "made from the commits", "The new commit's message."),
        key("repository", Type::Word, "", REPOSITORY_DOC),
    ],
};

/// `restore_files`.
pub static RESTORE_FILES: Object = Object {
    name: "RestoreFiles",
    doc: "Paths as they are on another branch, as a new commit. Tells later steps `sha`, `branch`.",
    one_of: &[],
    keys: &[
        must("branch", Type::Word, "The branch that gets the restored paths."),
        must("from", Type::Word, "The branch, tag or commit that has the good content."),
        must("paths", Type::OneOrList(&Type::Path), "Files or directories of the repository."),
        must("message", TEXT, "The new commit's message."),
        key("repository", Type::Word, "", REPOSITORY_DOC),
    ],
};

/// `rollback_branch`.
pub static ROLLBACK_BRANCH: Object = Object {
    name: "RollbackBranch",
    doc: "A new branch at a known commit. Tells later steps `sha` and `branch`.",
    one_of: &["commit", "subject"],
    keys: &[
        must(
            "branch",
            Type::Word,
            "The new branch; `${run.stamp}` and `${run.id}` make it unique.",
        ),
        must("on", Type::Word, "The branch whose history must contain the commit."),
        key("commit", Type::Word, "", "The commit."),
        key("subject", TEXT, "", "Or the exact subject line of that commit."),
        key("repository", Type::Word, "", REPOSITORY_DOC),
    ],
};

/// `http`.
pub static HTTP: Object = Object {
    name: "Http",
    doc: "An answer over HTTP. Redirects are not followed.",
    one_of: &[],
    keys: &[
        must("url", Type::Url, "Where."),
        key("method", Type::Choice(&["GET", "HEAD", "POST"]), "`GET`", "How it is asked."),
        key("status", Type::OneOrList(&Type::Number(100, 599)), "`200`", "What passes."),
        key(
            "headers",
            Type::Map(Keys::Header, &SECRET),
            "",
            "Added headers; a secret may stand here.",
        ),
        key(
            "json",
            Type::Map(Keys::Pointer, &Type::Json),
            "",
            "JSON pointer and the value that must be there: `/status: healthy`.",
        ),
        key("contains", TEXT, "", "A text that the body must contain."),
        key("consecutive", Type::Number(1, 100), "`1`", "How many answers in a row must pass."),
        key("attempt_timeout", Type::Duration, "`5s`", "How long one attempt may take."),
        key("proxy", Type::Bool, "`false`", "Whether `HTTP_PROXY` and its like are used."),
    ],
};

/// `metric`.
pub static METRIC: Object = Object {
    name: "Metric",
    doc: "A number of Prometheus against a bound. No data (empty, stale, NaN, several series, a \
          warning, no answer) never passes.",
    one_of: &["above", "below", "at_least", "at_most"],
    keys: &[
        must("query", TEXT, "The expression; its result is one number (`sum`, `max`, …)."),
        key("above", Type::Decimal, "", "It must be more than this."),
        key("below", Type::Decimal, "", "It must be less than this."),
        key("at_least", Type::Decimal, "", "It must be this or more."),
        key("at_most", Type::Decimal, "", "It must be this or less."),
        key("for", Type::Duration, "one answer is enough", "How long it must hold, unbroken."),
        key("url", Type::Url, "`prometheus` of `rollback.yaml`", "Another Prometheus."),
        key("attempt_timeout", Type::Duration, "`5s`", "How long one request may take."),
    ],
};

/// `wait`.
pub static WAIT: Object = Object {
    name: "Wait",
    doc: "Time, or a rollout that somebody else started.",
    one_of: &["duration", "rollout"],
    keys: &[
        key("duration", Type::Duration, "", "Wait this long."),
        key(
            "rollout",
            Type::OneOrList(&Type::Workload),
            "",
            "Until these workloads run what they were told to, and nothing else.",
        ),
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

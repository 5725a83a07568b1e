//! The keys of a catalog's settings, and of what a runbook shares with them.

use super::{
    API, API_DOC, CRITERION, Keys, Object, PLAIN, REVIEWED_DOC, SECRET, TEXT, Type, key, must,
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

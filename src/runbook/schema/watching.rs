//! The part of the table that describes `triggers.yaml`.

use super::types::Key;
use super::{API, API_DOC, Keys, METHODS, Object, PLAIN, SECRET, TEXT, Type, key, must};

const NUMBERED: &[&str] = &["query", "endpoint"];
const HEADERS: Key =
    key("headers", Type::Map(Keys::Header, &SECRET), "", "Added headers; a secret may stand here.");

/// `triggers.yaml`.
pub static WATCHING: Object = Object {
    name: "Watching",
    doc: "`triggers.yaml`: when to roll back, what is measured, and who is told. It may name the \
          parameters of `rollback.yaml`. A rollback needs nothing of it: what is wrong in it never \
          stands in the way of one.",
    one_of: &[],
    keys: &[
        must("apiVersion", API, API_DOC),
        key("prometheus", Type::Object(&SOURCE), "", "The Prometheus server that queries go to."),
        key("alertmanager", Type::Object(&SOURCE), "", "The Alertmanager."),
        key(
            "metrics",
            Type::Map(Keys::Signal, &Type::Object(&METRIC)),
            "",
            "What tells whether a rollback worked (`rollback metrics`).",
        ),
        key(
            "triggers",
            Type::Map(Keys::Signal, &Type::Object(&TRIGGER)),
            "",
            "The reasons to roll back (`rollback triggers`).",
        ),
        key("watch", Type::Object(&WATCH), "", "The monitor (`rollback watch`)."),
        key("notifications", Type::List(&Type::Object(&NOTIFICATION)), "", "Who is told."),
    ],
};

/// A server.
pub static SOURCE: Object = Object {
    name: "Source",
    doc: "A Prometheus or an Alertmanager.",
    one_of: &[],
    keys: &[
        must("url", Type::Url, "Its address, without `/api/…`."),
        key("timeout", Type::Duration, "`5s`", "How long one question may take."),
        HEADERS,
        key(
            "watchdog",
            PLAIN,
            "none: an alert that Alertmanager does not have is unknown",
            "Alertmanager: an alert that always fires; while it is there, quiet is believed.",
        ),
    ],
};

/// A metric.
pub static METRIC: Object = Object {
    name: "Metric",
    doc: "A number that tells how the system is.",
    one_of: &[],
    keys: &[
        must("title", PLAIN, "Its name for people."),
        must("query", TEXT, "A PromQL query with one number for an answer."),
        must("target", Type::Bound, "What it should be."),
        must("alert", Type::Bound, "What is too bad."),
    ],
};

/// A trigger.
pub static TRIGGER: Object = Object {
    name: "Trigger",
    doc: "A reason to roll back. Whatever gives no clear answer is `unknown`, never green.",
    one_of: &["query", "alert", "command", "endpoint", "reported"],
    keys: &[
        must("title", PLAIN, "What it is, for people."),
        must("severity", Type::Choice(&["red", "amber"]), "`red`: roll back. `amber`: be ready."),
        key("query", TEXT, "", "A PromQL query with one number for an answer."),
        key("alert", PLAIN, "", "The name of an alert."),
        key(
            "command",
            Type::List(&TEXT),
            "",
            "A command that changes nothing: 0 is well, 1 is not, all else is unknown.",
        ),
        key("endpoint", Type::Object(&ENDPOINT), "", "A number in a JSON document."),
        key("reported", PLAIN, "", "What only people see: `--trigger NAME --reason TEXT`."),
        Key {
            beside: &["alert"],
            ..key(
                "at",
                Type::Choice(&["prometheus", "alertmanager"]),
                "`prometheus`",
                "Who knows the alert.",
            )
        },
        Key {
            beside: NUMBERED,
            ..key("bound", Type::Bound, "", "Beyond it, it is time: `> 10%`, `> 5s`, `> 0`.")
        },
        Key {
            beside: &["query"],
            ..key(
                "baseline",
                Type::Duration,
                "",
                "Compares with the same query so long ago; the bound is of the change: `> 50%`.",
            )
        },
        Key {
            beside: &["query"],
            ..key("for", Type::Duration, "at once", "How long it must be beyond its bound.")
        },
        key("minimum", Type::Object(&MINIMUM), "", "Traffic without which it is unknown."),
        must("rollback", PLAIN, "What it calls for: `component NAME`, `service NAME`, `system`."),
        key("method", Type::Choice(&METHODS), "the runbook's first", "By which method."),
        key("automatic", Type::Object(&AUTOMATIC), "never", "Leave to act without being asked."),
    ],
};

/// `endpoint`.
pub static ENDPOINT: Object = Object {
    name: "Endpoint",
    doc: "A number in a JSON document.",
    one_of: &[],
    keys: &[
        must("url", Type::Url, "Where."),
        must("pointer", PLAIN, "The number's JSON pointer: `/tests/failed`."),
        HEADERS,
    ],
};

/// `minimum`.
pub static MINIMUM: Object = Object {
    name: "Minimum",
    doc: "Traffic without which a number means nothing.",
    one_of: &[],
    keys: &[
        must("query", TEXT, "A PromQL query with one number for an answer."),
        must("at_least", Type::Number(1, 4_000_000_000), "What it must be at least."),
    ],
};

/// `automatic`.
pub static AUTOMATIC: Object = Object {
    name: "Automatic",
    doc: "Leave for `rollback watch --act auto`. Only for a component or a service, and only for a \
          method of `set_flags`, `restart` and checks.",
    one_of: &[],
    keys: &[
        key("hits", Type::Number(1, 100), "`3`", "How many evaluations must say so,"),
        key("of", Type::Number(1, 100), "`5`", "of how many."),
        key("clear", Type::Bound, "not beyond the bound", "What is well again."),
        key("cooldown", Type::Duration, "`30m`", "The least time between two rollbacks."),
    ],
};

/// `watch`.
pub static WATCH: Object = Object {
    name: "Watch",
    doc: "The monitor.",
    one_of: &[],
    keys: &[
        key("every", Type::Duration, "`15s`", "The time between two evaluations."),
        key("hourly", Type::Number(0, 100), "`2`", "The most rollbacks of an hour, all together."),
        key(
            "switch",
            Type::Object(&SWITCH),
            "none: nothing is done automatically",
            "The switch in the cluster. Missing, unreadable or not `\"true\"` is off.",
        ),
    ],
};

/// `switch`.
pub static SWITCH: Object = Object {
    name: "Switch",
    doc: "A key of a ConfigMap that must be `\"true\"`.",
    one_of: &[],
    keys: &[
        must("configmap", Type::Word, "The ConfigMap, in the namespace of `rollback.yaml`."),
        must("key", PLAIN, "Its key."),
    ],
};

/// A notification.
pub static NOTIFICATION: Object = Object {
    name: "Notification",
    doc: "Somebody who is told, in the background: a rollback never waits for it nor fails by it.",
    one_of: &["slack", "webhook", "exec", "silence"],
    keys: &[
        must("name", PLAIN, "Who, for the record of who was told."),
        key("slack", SECRET, "", "The address of a Slack-compatible webhook."),
        key("webhook", SECRET, "", "The address of any webhook; it gets JSON."),
        key("exec", Type::List(&TEXT), "", "A command; it gets the JSON on standard input."),
        key(
            "silence",
            PLAIN,
            "",
            "An alert that Alertmanager silences for an hour from the start of a run on.",
        ),
        HEADERS,
        key(
            "on",
            Type::List(&Type::Choice(&["start", "escalation", "failure", "verdict", "trigger"])),
            "everything",
            "Of what.",
        ),
    ],
};

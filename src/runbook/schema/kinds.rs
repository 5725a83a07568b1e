//! The keys of each kind of step.

use super::{Key, Keys, Object, REPOSITORY_DOC, SECRET, TEXT, Type, key, must};

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
    name: "MetricCheck",
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

//! What of a recorded answer is not compared, and why.

use serde_json::Value;

use super::text;

/// What of an answer is not compared, and why.
pub struct Exclusion {
    /// In the table of the output.
    pub name: &'static str,
    pub why: &'static str,
    pub applies: fn(&Value) -> bool,
    /// What is still compared.
    pub rest: Rest,
}

/// What remains of a comparison that leaves something out.
#[derive(Clone, Copy, PartialEq)]
pub enum Rest {
    Nothing,
    Status,
    Shape,
    /// Every entry of ours must be an entry of theirs.
    Subset,
    Events,
    /// All but the status of objects.
    NoStatus,
    Table,
}

/// The first that applies counts.
pub const EXCLUSIONS: &[Exclusion] = &[
    Exclusion {
        name: "cached",
        why: "a 304 for a copy that kubectl held; the sandbox hands out no ETags, so nothing is ever cached",
        applies: |line| line["status"] == 304,
        rest: Rest::Nothing,
    },
    Exclusion {
        name: "openapi",
        why: "the sandbox describes the kinds that it serves, and only their writes",
        applies: |line| text(line, "path").starts_with("/openapi"),
        rest: Rest::Status,
    },
    Exclusion {
        name: "version",
        why: "names the build of the server",
        applies: |line| text(line, "path").starts_with("/version"),
        rest: Rest::Status,
    },
    Exclusion {
        name: "discovery",
        why: "the sandbox serves fewer resources; those it serves must be described alike",
        applies: |line| {
            let path = text(line, "path").split('?').next().unwrap_or_default();
            matches!(path, "/api" | "/apis" | "/api/v1" | "/apis/apps/v1")
        },
        rest: Rest::Subset,
    },
    Exclusion {
        name: "protobuf",
        why: "answered in protobuf, by the sandbox in JSON, which every client that asks for protobuf accepts too",
        applies: |line| text(line, "response_type").contains("protobuf"),
        rest: Rest::Status,
    },
    Exclusion {
        name: "logs",
        why: "the recording has no kubelet that could give a log",
        applies: |line| text(line, "path").contains("/log?"),
        rest: Rest::Nothing,
    },
    Exclusion {
        name: "watch list",
        why: "the recorded server's etcd is too old for sendInitialEvents and refuses it; the sandbox serves it",
        applies: |line| text(line, "path").contains("sendInitialEvents"),
        rest: Rest::Nothing,
    },
    Exclusion {
        name: "watch",
        why: "how many events a watch saw depends on when it was opened",
        applies: |line| {
            text(line, "path").contains("watch=true") && line["response"][0]["type"] != "ERROR"
        },
        rest: Rest::Shape,
    },
    Exclusion {
        name: "events",
        why: "which events there are depends on timing; the recorded server also folds similar ones together",
        applies: |line| text(line, "path").contains("/events"),
        rest: Rest::Events,
    },
    Exclusion {
        name: "table",
        why: "ages, and the long descriptions of columns",
        applies: |line| line["response"]["kind"] == "Table",
        rest: Rest::Table,
    },
    Exclusion {
        name: "crash loop",
        why: "the recording's stand-in kubelet leaves such pods Pending; the sandbox lets them crash",
        applies: |line| text(line, "command") == "kubectl get pods -o json",
        rest: Rest::NoStatus,
    },
    Exclusion {
        name: "limit",
        why: "the sandbox gives whole lists, whatever the limit",
        applies: |line| text(line, "path").ends_with("limit=1"),
        rest: Rest::Status,
    },
    Exclusion {
        name: "in the middle",
        why: "the recorded rollout was under way; the replay waits for its end",
        applies: under_way,
        rest: Rest::NoStatus,
    },
];

/// Whether a recorded Deployment, or one in a list, was not yet rolled out.
fn under_way(line: &Value) -> bool {
    let response = &line["response"];
    let moving = |object: &Value| {
        let (spec, status) = (&object["spec"], &object["status"]);
        spec["template"].is_object()
            && (status["observedGeneration"] != object["metadata"]["generation"]
                || status["unavailableReplicas"].is_number()
                || status["replicas"].as_i64().unwrap_or(0)
                    != spec["replicas"].as_i64().unwrap_or(0)
                || status["updatedReplicas"] != status["replicas"])
    };
    moving(response) || response["items"].as_array().is_some_and(|items| items.iter().any(moving))
}

//! Owns refusals: the `Status` objects of the API server, in its words.

use serde_json::{Map, Value, json};

use super::kinds::Kind;

/// A refusal with its HTTP status; its body is a `Status` object, but for the few paths that answer plain text.
#[derive(Debug, Clone)]
pub(super) struct Failure {
    pub(super) code: u16,
    pub(super) body: Box<Value>,
}

/// What an operation on the API gives.
pub(super) type Answer<T> = Result<T, Failure>;

/// One cause of an `Invalid` refusal.
#[derive(Debug, Clone)]
pub(super) struct Cause {
    pub(super) reason: &'static str,
    pub(super) field: String,
    pub(super) message: String,
}

impl Cause {
    /// `field: Invalid value: shown: why`.
    pub(super) fn invalid(field: &str, shown: &str, why: &str) -> Cause {
        Cause {
            reason: "FieldValueInvalid",
            field: field.to_owned(),
            message: format!("Invalid value: {shown}: {why}"),
        }
    }

    /// `field: Required value: why`.
    pub(super) fn required(field: &str, why: &str) -> Cause {
        let message = if why.is_empty() {
            "Required value".to_owned()
        } else {
            format!("Required value: {why}")
        };
        Cause { reason: "FieldValueRequired", field: field.to_owned(), message }
    }

    /// `field: Forbidden: why`.
    pub(super) fn forbidden(field: &str, why: &str) -> Cause {
        Cause {
            reason: "FieldValueForbidden",
            field: field.to_owned(),
            message: format!("Forbidden: {why}"),
        }
    }
}

impl Failure {
    /// A refusal about one object.
    fn about(
        code: u16,
        reason: &str,
        message: &str,
        kind: &str,
        group: &str,
        name: &str,
    ) -> Failure {
        let mut details = Map::new();
        for (key, value) in [("name", name), ("group", group), ("kind", kind)] {
            if !value.is_empty() {
                details.insert(key.to_owned(), value.into());
            }
        }
        Failure::new(code, reason, message, Some(details.into()))
    }

    /// Any refusal.
    pub(super) fn new(code: u16, reason: &str, message: &str, details: Option<Value>) -> Failure {
        let mut body = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": message, "reason": reason,
        });
        if let Some(details) = details {
            body["details"] = details;
        }
        body["code"] = code.into();
        Failure { code, body: Box::new(body) }
    }

    pub(super) fn not_found(kind: &Kind, name: &str) -> Failure {
        let message = format!("{} \"{name}\" not found", kind.qualified());
        Failure::about(404, "NotFound", &message, kind.plural, kind.group, name)
    }

    pub(super) fn already_exists(kind: &Kind, name: &str) -> Failure {
        let message = format!("{} \"{name}\" already exists", kind.qualified());
        Failure::about(409, "AlreadyExists", &message, kind.plural, kind.group, name)
    }

    /// The object was changed by somebody else since the caller read it.
    pub(super) fn stale(kind: &Kind, name: &str) -> Failure {
        let why = "the object has been modified; please apply your changes to the latest version and try again";
        let message =
            format!("Operation cannot be fulfilled on {} \"{name}\": {why}", kind.qualified());
        Failure::about(409, "Conflict", &message, kind.plural, kind.group, name)
    }

    /// A precondition of a delete does not hold.
    pub(super) fn precondition(
        kind: &Kind,
        name: &str,
        what: &str,
        asked: &str,
        found: &str,
    ) -> Failure {
        let message = format!(
            "Operation cannot be fulfilled on {} \"{name}\": the {what} in the precondition ({asked}) does not match the {what} in record ({found}). The object might have been {}",
            kind.qualified_kind(),
            if what == "UID" { "deleted and then recreated" } else { "modified" }
        );
        Failure::about(409, "Conflict", &message, kind.kind, kind.group, name)
    }

    pub(super) fn forbidden(kind: &Kind, name: &str, why: &str) -> Failure {
        let subject = if name.is_empty() { String::new() } else { format!(" \"{name}\"") };
        let message = format!("{}{subject} is forbidden: {why}", kind.qualified());
        Failure::about(403, "Forbidden", &message, kind.plural, kind.group, name)
    }

    /// A webhook says no.
    pub(super) fn denied(hook: &str, why: &str) -> Failure {
        let message = format!("admission webhook \"{hook}\" denied the request: {why}");
        Failure::new(400, "BadRequest", &message, None)
    }

    /// A webhook that must be asked does not answer.
    pub(super) fn hook_down(hook: &str) -> Failure {
        let message = format!(
            "Internal error occurred: failed calling webhook \"{hook}\": failed to call webhook: Post \"https://{hook}.svc:443/validate?timeout=10s\": no endpoints available for service \"{hook}\""
        );
        let causes = json!({"causes": [{"message": message.trim_start_matches("Internal error occurred: ")}]});
        Failure::new(500, "InternalError", &message, Some(causes))
    }

    /// The object breaks rules of its kind.
    pub(super) fn invalid(kind: &Kind, name: &str, causes: &[Cause]) -> Failure {
        Failure::invalid_as(&kind.qualified_kind(), kind.kind, kind.group, name, causes)
    }

    /// As `invalid`, where the API server names the resource and not its kind.
    pub(super) fn invalid_resource(kind: &Kind, name: &str, causes: &[Cause]) -> Failure {
        Failure::invalid_as(&kind.qualified(), kind.plural, kind.group, name, causes)
    }

    fn invalid_as(title: &str, kind: &str, group: &str, name: &str, causes: &[Cause]) -> Failure {
        let each: Vec<String> =
            causes.iter().map(|cause| format!("{}: {}", cause.field, cause.message)).collect();
        let all = match each.as_slice() {
            [one] => one.clone(),
            _ => format!("[{}]", each.join(", ")),
        };
        let message = format!("{title} \"{name}\" is invalid: {all}");
        let mut failure = Failure::about(422, "Invalid", &message, kind, group, name);
        failure.body["details"]["causes"] = causes
            .iter()
            .map(|cause| json!({"reason": cause.reason, "message": cause.message, "field": cause.field}))
            .collect();
        failure
    }

    /// A patch whose result cannot be read as the kind. The API server names nothing here but the patch.
    pub(super) fn unreadable_patch(result: &Value, why: &str) -> Failure {
        let shown = Value::String(result.to_string());
        Failure::invalid_as("", "", "", "", &[Cause::invalid("patch", &shown.to_string(), why)])
    }

    /// A JSON patch that does not fit the object: a failed test, a missing path.
    pub(super) fn patch_does_not_fit() -> Failure {
        let message = "the server rejected our request due to an error in our request";
        Failure::new(422, "Invalid", message, Some(json!({})))
    }

    pub(super) fn bad_request(message: &str) -> Failure {
        Failure::new(400, "BadRequest", message, None)
    }

    /// A server-side apply that does not say who applies.
    pub(super) fn no_manager() -> Failure {
        let cause = Cause::required("fieldManager", "is required for apply patch");
        Failure::invalid_as("PatchOptions.meta.k8s.io", "PatchOptions", "meta.k8s.io", "", &[cause])
    }

    pub(super) fn unknown_resource() -> Failure {
        let message = "the server could not find the requested resource";
        Failure::new(404, "NotFound", message, Some(json!({})))
    }

    /// A path that no handler serves is answered by the mux, in plain text.
    pub(super) fn no_such_path() -> Failure {
        Failure { code: 404, body: Box::new("404 page not found\n".into()) }
    }

    pub(super) fn method_not_allowed() -> Failure {
        let message = "the server does not allow this method on the requested resource";
        Failure::new(405, "MethodNotAllowed", message, Some(json!({})))
    }

    pub(super) fn expired(asked: u64, oldest: u64) -> Failure {
        Failure::new(410, "Expired", &format!("too old resource version: {asked} ({oldest})"), None)
    }

    /// What the sandbox cannot do yet: loud, so that a test notices.
    pub(super) fn unimplemented(what: &str) -> Failure {
        Failure::new(501, "NotImplemented", &format!("the sandbox does not implement {what}"), None)
    }
}

//! Owns the logs of containers.

use serde_json::Value;

use super::failure::{Answer, Failure};
use super::routes::Reply;
use super::state::State;
use super::workload::text;

/// Answers a GET of a pod's log.
pub(super) fn answer(state: &State, pod: &Value, param: &dyn Fn(&str) -> String) -> Answer<Reply> {
    let pod_name = text(pod, "/metadata/name");
    let names: Vec<&str> = pod["spec"]["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(|one| one["name"].as_str())
        .collect();
    let asked = param("container");
    let container = match (asked.as_str(), names.as_slice()) {
        ("", [only]) => *only,
        ("", _) => {
            let all = names.join(" ");
            let message = format!(
                "a container name must be specified for pod {pod_name}, choose one of: [{all}]"
            );
            return Err(Failure::bad_request(&message));
        }
        (asked, _) => asked,
    };
    if !names.contains(&container) {
        return Err(Failure::bad_request(&format!(
            "container {container} is not valid for pod {pod_name}"
        )));
    }
    let run = state.runs.get(text(pod, "/metadata/uid"));
    let lines = run.map_or(&[][..], |run| run.log(container, param("previous") == "true"));
    if lines.is_empty() && !pod["status"]["containerStatuses"].is_array() {
        let message = format!(
            "container \"{container}\" in pod \"{pod_name}\" is waiting to start: ContainerCreating"
        );
        return Err(Failure::bad_request(&message));
    }
    let tail = param("tailLines").parse().unwrap_or(usize::MAX);
    let mut body = lines[lines.len().saturating_sub(tail)..].join("\n");
    if !body.is_empty() {
        body.push('\n');
    }
    Ok(Reply::Text { code: 200, body })
}

//! Owns the admission of pods under resource quotas. Only the count of pods is counted, and it is counted live.

use serde_json::Value;

use super::failure::{Answer, Failure};
use super::kinds;
use super::state::State;
use super::workload::text;

/// Refuses a pod that no quota has room for.
pub(super) fn admit(state: &State, namespace: &str, pod: &str) -> Answer<()> {
    for (_, quota) in state.store.range("resourcequotas", namespace) {
        let hard = |name: &str| match &quota["spec"]["hard"][name] {
            Value::String(text) => text.parse::<usize>().ok(),
            number => number.as_u64().and_then(|number| usize::try_from(number).ok()),
        };
        for name in ["pods", "count/pods"] {
            let Some(limit) = hard(name) else { continue };
            let pods = state.store.range("pods", namespace);
            let used = pods
                .filter(|(_, pod)| !matches!(text(pod, "/status/phase"), "Succeeded" | "Failed"))
                .count();
            if used < limit {
                continue;
            }
            let title = text(quota, "/metadata/name");
            let why = format!(
                "exceeded quota: {title}, requested: {name}=1, used: {name}={used}, limited: {name}={limit}"
            );
            if let Some(kind) = kinds::by_plural("pods") {
                return Err(Failure::forbidden(kind, pod, &why));
            }
        }
    }
    Ok(())
}

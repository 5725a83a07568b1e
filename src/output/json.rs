//! PURE: plans and runs as JSON, in shapes that are kept stable and documented in `docs/events.md`,
//! whatever the types inside look like.

use std::fmt::Write as _;

use serde_json::{Value, json};

use crate::event::VERSION;
use crate::plan::{Plan, PlannedStep};
use crate::state::RunState;
use crate::terminal::sanitize::is_harmless;
use crate::world::forge::shown;

/// A plan, as `--dry-run --output json` prints it.
pub fn plan_json(plan: &Plan) -> Value {
    let steps: Vec<Value> = plan.steps.iter().map(step_json).collect();
    let criteria: Vec<Value> = plan
        .criteria
        .iter()
        .map(|planned| {
            json!({"name": planned.criterion.name, "before": planned.before, "now": planned.now,
                   "warning": planned.warning})
        })
        .collect();
    let next = plan.ladder.first().map(|rung| {
        json!({
            "target": rung.target.to_string(),
            "method": rung.method,
            "budget_ms": rung.budget.map(millis),
            "steps": rung.steps,
            "command": rung.command(),
        })
    });
    json!({
        "v": VERSION,
        "target": plan.target.to_string(),
        "title": plan.title,
        "method": plan.method,
        "budget_ms": plan.budget.map(millis),
        "setting": {
            "context": plan.setting.context,
            "namespace": plan.setting.namespace,
            "repository": plan.setting.repository.as_deref().map(shown),
        },
        "cluster": {
            "uid": plan.cluster.uid,
            "server": plan.cluster.server,
            "user": plan.cluster.user,
            "problem": plan.cluster.problem,
        },
        "parameters": plan.parameters.iter().map(|(name, value)| (name, shown(value)))
            .collect::<std::collections::BTreeMap<_, _>>(),
        "digest": plan.digest,
        "simulated": plan.simulated,
        "ready": plan.blocked().next().is_none() && plan.unlockable().is_none(),
        "changes": plan.changes(),
        "steps": steps,
        "recovered_when": criteria,
        "next": next,
        "lock": plan.lock,
        "survey": {"elapsed_ms": plan.survey.elapsed_ms, "at": plan.survey.at,
                   "unanswered": plan.survey.unanswered},
        "runbook": plan.place.file,
    })
}

fn step_json(planned: &PlannedStep) -> Value {
    json!({
        "id": planned.step.id,
        "name": planned.step.name,
        "kind": planned.step.action.kind(),
        "nature": planned.nature,
        "standing": planned.standing,
        "left_out": planned.left_out,
        "timeout_ms": millis(planned.step.timeout),
        "changes": planned.forecast.changes,
        "evidence": planned.forecast.evidence,
        "warnings": planned.forecast.warnings,
        "obstacles": planned.forecast.obstacles,
        "commands": planned.commands,
        "place": planned.step.place.to_string(),
    })
}

/// A run, as `runs show --output json` and the end of a run with `--output json` print it.
pub fn run_json(state: &RunState) -> Value {
    let start = &state.start;
    json!({
        "v": VERSION,
        "run_id": state.run_id,
        "state": state.word(),
        "target": start.target,
        "method": start.method,
        "setting": {"context": start.context, "namespace": start.namespace},
        "cluster": start.cluster,
        "digest": start.digest,
        "simulated": start.simulated,
        "operator": start.operator,
        "host": start.host,
        "version": start.version,
        "incident": start.incident,
        "reason": start.reason,
        "trigger": start.trigger,
        "approval": start.approval,
        "escalated_from": start.escalated_from,
        "forward_of": start.forward_of,
        "decided_by": state.decided_by,
        "confirmed": state.confirmed,
        "confirmed_how": state.confirmed_how,
        "started": state.started,
        "last": state.last,
        "seq": state.seq,
        "verdict": state.finish.as_ref().map(|finish| finish.verdict),
        "exit_code": state.finish.as_ref().map(|finish| finish.exit_code),
        "why": state.finish.as_ref().map(|finish| &finish.why),
        "elapsed_ms": state.finish.as_ref().map(|finish| finish.elapsed_ms),
        "budget_ms": start.budget_ms,
        "without_lock": state.without_lock,
        "lock_taken_over": state.taken_over,
        "over_budget": state.over_budget,
        "paused": state.paused,
        "resumed": state.resumed,
        "steps": state.steps,
        "recovered_when": state.criteria,
        "snapshot": state.snapshot,
        "next": state.offer,
        "after": state.after,
        "beside": state.beside,
    })
}

/// JSON whose strings a terminal cannot obey: control and invisible characters that JSON lets stand
/// are written as escapes. It says the same.
pub fn inert(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut units = [0; 2];
    for c in text.chars() {
        if c == '\n' || is_harmless(c) {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut units) {
                let _ = write!(out, "\\u{unit:04x}");
            }
        }
    }
    out
}

fn millis(span: std::time::Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn inert_json_says_the_same_and_moves_no_terminal(text: String) {
            let value = json!({"text": text});
            let inert = inert(&value.to_string());
            assert_eq!(serde_json::from_str::<Value>(&inert).expect("JSON"), value);
            assert!(inert.chars().all(is_harmless));
        }
    }
}

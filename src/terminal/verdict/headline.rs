//! The first line of a verdict.

use crate::event::Verdict;
use crate::state::{Finish, RunState, StepRun, StepState};
use crate::terminal::layout::millis;
use crate::terminal::style::Mark;

use super::is_already_there;

/// What it came to, in how much time.
pub(super) fn headline(state: &RunState, finish: &Finish) -> (Mark, String) {
    let took = millis(finish.elapsed_ms);
    let budget = state.start.budget_ms.map_or(String::new(), |budget| {
        let over = finish.elapsed_ms.saturating_sub(budget);
        if over > 0 {
            format!(" (budget {}, {} over)", millis(budget), millis(over))
        } else {
            format!(" (budget {})", millis(budget))
        }
    });
    let simulated = if state.start.simulated { "SIMULATED: " } else { "" };
    let gaps = state.gaps().join(", and ");
    let (mark, text) = match finish.verdict {
        Verdict::Recovered if !gaps.is_empty() => {
            (Mark::Warn, format!("recovered by its check in {took}{budget}, but {gaps}"))
        }
        Verdict::Recovered => (Mark::Done, format!("recovered in {took}{budget}")),
        Verdict::Applied if is_already_there(finish) && went_forward(state) => {
            (Mark::Done, format!("forward again in {took}{budget}"))
        }
        Verdict::Applied if is_already_there(finish) => {
            (Mark::Done, format!("already there, seen in {took}"))
        }
        Verdict::Applied if state.only_a_merge().is_some() => {
            (Mark::Warn, format!("works again, but a merge is awaited, after {took}{budget}"))
        }
        Verdict::Applied if state.broke_again() => {
            (Mark::Failed, format!("forward, and it broke again, after {took}{budget}"))
        }
        Verdict::Applied => {
            (Mark::Warn, format!("applied, recovery not shown, after {took}{budget}"))
        }
        Verdict::Failed => (Mark::Failed, format!("failed after {took}{budget}")),
        Verdict::Aborted if state.confirmed == Some(false) => {
            (Mark::Warn, "declined: nothing was changed".to_owned())
        }
        Verdict::Aborted => (Mark::Warn, format!("aborted after {took}{budget}")),
        Verdict::Unknown => (Mark::Doubt, format!("outcome unknown after {took}{budget}")),
    };
    (mark, format!("{simulated}{text}"))
}

/// The way forward changed something, and the checks are green.
fn went_forward(state: &RunState) -> bool {
    let done = |step: &StepRun| matches!(step.state, StepState::Done { .. });
    state.start.forward_of.is_some() && state.steps.iter().any(done)
}

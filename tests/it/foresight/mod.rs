//! What the survey foretells and what then happens: a table of faults over all kinds of steps, each
//! surveyed and then run anyway; what a dry-run leaves as it was; what somebody else puts back.

mod cluster;
mod kinds;
mod needs;
mod outside;
mod restored;
mod stage;
mod tell;

use std::fmt::Write as _;

use rollback::state::StepState;
use rollback::step::Standing;
use stage::{Known, NAMESPACE, Stage};
use tell::{Told, tell_all};

/// Whether the survey was right, and a word for the table.
fn verdict(told: &Told) -> (bool, &'static str) {
    let named = |standing| told.predicted == Some(("fault".to_owned(), standing));
    match told.known {
        Known::Blocked => (
            named(Standing::Blocked) && told.failed.as_deref() == Some("fault"),
            "foretold, and failed there",
        ),
        Known::CannotBeChecked => (
            named(Standing::CannotBeChecked)
                && told.failed.as_deref().is_none_or(|failed| failed == "fault"),
            "said not to be known",
        ),
        Known::Warned => (
            told.predicted.is_none()
                && !told.sentences.is_empty()
                && told.failed.as_deref().is_none_or(|failed| failed == "fault"),
            if told.failed.is_some() { "warned of, and failed there" } else { "warned of" },
        ),
        Known::Nothing => {
            (told.predicted.is_none() && told.failed.is_none(), "nothing foretold, none failed")
        }
    }
}

#[test]
fn the_step_that_the_survey_names_is_the_step_that_fails() {
    let rows: Vec<_> =
        [cluster::rows(), outside::rows(), kinds::rows(), needs::rows(), restored::rows()].concat();
    let told = tell_all(&rows);
    let (mut table, mut sentences, mut wrong) = (String::new(), String::new(), String::new());
    let mut counts = [0; 4];
    for told in &told {
        let (right, word) = verdict(told);
        let line = format!("{:<60} {}", told.label, if right { word } else { "WRONG" });
        let _ = writeln!(table, "{line}");
        counts[told.known as usize] += 1;
        if !right {
            let _ = writeln!(
                wrong,
                "{line} after {:?}\n  foretold {:?}\n  failed {:?}: {}\n  said {:?}",
                told.took, told.predicted, told.failed, told.why, told.sentences
            );
        }
        for sentence in &told.sentences {
            let _ = writeln!(sentences, "{}\n    {sentence}", told.label);
        }
    }
    let [blocked, unknown, warned, well] = counts;
    let _ = writeln!(
        table,
        "{} rows: {blocked} blocked where they fail, {unknown} said not to be known, \
         {warned} warned of, {well} well",
        told.len()
    );
    assert!(blocked + unknown >= 40, "{table}");
    let mut slow: Vec<_> = told.iter().map(|told| (told.took, &told.label)).collect();
    slow.sort();
    assert!(wrong.is_empty(), "{table}\n{wrong}\nslowest {:#?}", &slow[slow.len() - 8..]);
    insta::assert_snapshot!("sentences", sentences);
    insta::assert_snapshot!("table", table);
}

#[test]
fn what_could_not_be_surveyed_is_surveyed_when_its_turn_comes() {
    let stage = Stage::new(cluster::SET_THEN_RESTART);
    let draft = stage.draft(cluster::SET_THEN_RESTART);
    stage.sandbox().set_unavailable(true);
    let (plan, reader) = stage.survey(&draft);
    let standings: Vec<_> = plan.steps.iter().map(|step| step.standing).collect();
    assert_eq!(standings, [Standing::CannotBeChecked; 2]);
    stage.sandbox().set_unavailable(false);
    let run = stage.run(&plan, &reader);
    let done = |state: &StepState| matches!(state, StepState::Done { .. });
    assert!(run.steps.iter().all(|step| done(&step.state)), "{:#?}", run.steps);
    let flags = stage.sandbox().get("configmaps", NAMESPACE, "flags").expect("there");
    assert_eq!(flags["data"]["NEW_CODE"], "false");
}

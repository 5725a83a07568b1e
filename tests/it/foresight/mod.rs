//! What the survey foretells and what then happens: a table of faults over all kinds of steps, each
//! surveyed and then run anyway; what a dry-run leaves as it was; what somebody else puts back.

mod cluster;
mod kinds;
mod needs;
mod outside;
mod restored;
mod row;
mod stage;
mod tell;

use std::fmt::Write as _;

use rollback::state::StepState;
use rollback::step::Standing;
use row::{Known, Row};
use stage::{NAMESPACE, Stage};
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

/// All faults.
fn rows() -> Vec<Row> {
    [cluster::rows(), outside::rows(), kinds::rows(), needs::rows(), restored::rows()].concat()
}

/// What came of rows, each in a line, and what the survey said of them.
#[derive(Default)]
struct Table {
    lines: String,
    sentences: String,
    wrong: String,
    /// Blocked, not to be known, warned of, well.
    counts: [usize; 4],
}

fn table(rows: &[Row]) -> Table {
    let mut table = Table::default();
    for told in &tell_all(rows) {
        let (right, word) = verdict(told);
        let line = format!("{:<60} {}", told.label, if right { word } else { "WRONG" });
        let _ = writeln!(table.lines, "{line}");
        table.counts[told.known as usize] += 1;
        if !right {
            let _ = writeln!(
                table.wrong,
                "{line} after {:?}\n  foretold {:?}\n  failed {:?}: {}\n  said {:?}",
                told.took, told.predicted, told.failed, told.why, told.sentences
            );
        }
        for sentence in &told.sentences {
            let _ = writeln!(table.sentences, "{}\n    {sentence}", told.label);
        }
    }
    assert!(table.wrong.is_empty(), "{}\n{}", table.lines, table.wrong);
    table
}

#[test]
fn the_step_that_the_survey_names_is_the_step_that_fails() {
    // Every other row, and of each row the words that the whole table has for it.
    let every_other: Vec<Row> = rows().into_iter().step_by(2).collect();
    let table = table(&every_other);
    let [blocked, unknown, ..] = table.counts;
    assert!(blocked + unknown >= 40, "{}", table.lines);
    let kept = [
        include_str!("snapshots/it__foresight__table.snap"),
        include_str!("snapshots/it__foresight__sentences.snap"),
    ];
    for line in table.lines.lines().chain(table.sentences.lines()) {
        let is_kept = kept.iter().any(|kept| kept.lines().any(|it| it == line));
        assert!(is_kept, "said otherwise in the whole table (`make nightly`): {line}");
    }
}

#[test]
#[ignore = "for `make nightly`: all rows, and their words"]
fn in_every_row_the_step_that_the_survey_names_is_the_step_that_fails() {
    let Table { mut lines, sentences, counts, .. } = table(&rows());
    let [blocked, unknown, warned, well] = counts;
    let _ = writeln!(
        lines,
        "{} rows: {blocked} blocked where they fail, {unknown} said not to be known, \
         {warned} warned of, {well} well",
        counts.iter().sum::<usize>()
    );
    insta::assert_snapshot!("sentences", sentences);
    insta::assert_snapshot!("table", lines);
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

//! What a step says of a branch that an earlier step of the plan moves or makes.

use super::*;

fn unchecked(forecast: &Forecast) -> String {
    assert_eq!(forecast.standing(Nature::Change), Standing::CannotBeChecked, "{forecast:?}");
    forecast.obstacles[0].why.clone()
}

/// The second step's forecast after the first one's.
fn second(bench: &Bench, kinds: [&Kind; 2]) -> Forecast {
    let mut facts = bench.survey(&kinds);
    let first = bench.forecast_with(kinds[0], &mut facts);
    assert_eq!(first.standing(Nature::Change), Standing::WillChange, "{first:?}");
    bench.forecast_with(kinds[1], &mut facts)
}

#[test]
fn content_of_a_branch_that_is_restored_first_is_not_taken_as_it_is_now() {
    let remote = Remote::new();
    remote.git(&["push", "-q", "origin", &format!("origin/{BRANCH}:refs/heads/stable")]);
    let bench = Bench::new(remote);
    let mut onward = restore(&[FILE]);
    (onward.branch, onward.from) = ("stable".to_owned(), BRANCH.to_owned());
    let kinds = [Kind::Restore(restore(&[FILE])), Kind::Restore(onward)];
    blocked(&bench.forecast(&kinds[1]));
    let forecast = second(&bench, [&kinds[0], &kinds[1]]);
    assert!(unchecked(&forecast).starts_with("an earlier step changes feat/migration first"));
    bench.done(&kinds[0]);
    bench.done(&kinds[1]);
    assert_eq!(bench.remote.show("stable", FILE), GOOD.trim_end());
}

#[test]
fn what_a_branch_has_already_an_earlier_step_may_take_away() {
    let remote = Remote::new();
    let culprit = remote.tip(BRANCH);
    let undone = remote.elsewhere(BRANCH, FILE, GOOD, "Revert \"feat: migrate the dispatcher\"");
    let bench = Bench::new(remote);
    let kinds = [Kind::Revert(revert(&[&undone])), Kind::Revert(revert(&[&culprit]))];
    let alone = bench.forecast(&kinds[1]);
    assert_eq!(alone.standing(Nature::Change), Standing::AlreadyThere, "{alone:?}");
    let forecast = second(&bench, [&kinds[0], &kinds[1]]);
    assert!(unchecked(&forecast).contains("first; as it is now"), "{forecast:?}");
    let again = second(&bench, [&kinds[0], &Kind::Restore(restore(&[FILE]))]);
    assert!(unchecked(&again).contains("first; as it is now"), "{again:?}");
}

#[test]
fn a_branch_that_an_earlier_step_makes_is_not_missed() {
    let bench = Bench::new(Remote::new());
    let mut onto = restore(&[FILE]);
    (onto.branch, onto.from) = ("migration-rollback-1".to_owned(), BRANCH.to_owned());
    let kind = Kind::Restore(onto);
    blocked(&bench.forecast(&kind));
    let forecast = second(&bench, [&branch_at_subject("Start"), &kind]);
    assert!(unchecked(&forecast).contains("changes migration-rollback-1 first"), "{forecast:?}");
}

//! `rollback runs` with filters, and what `rollback list` says of the past.

use super::recovered;

#[test]
fn runs_are_filtered_by_target_verdict_time_and_incident() {
    let (scenario, _endpoint) = recovered();
    let count = |arguments: &[&str]| {
        let all = [&["runs", "-o", "json"], arguments].concat();
        scenario.run(&all).exits(0).json().as_array().expect("a list").len()
    };
    assert_eq!(count(&[]), 1);
    assert_eq!(count(&["--target", "dispatcher"]), 1);
    assert_eq!(count(&["--target", "component dispatcher"]), 1);
    assert_eq!(count(&["--target", "component/dispatcher"]), 1);
    assert_eq!(count(&["--target", "service dispatcher"]), 0);
    assert_eq!(count(&["--target", "other"]), 0);
    scenario.run(&["runs", "--target", "other"]).exits(0).says("None of 1 run fits.");
    assert_eq!(count(&["--verdict", "recovered", "--since", "1h", "--incident", "INC-7"]), 1);
    assert_eq!(count(&["--verdict", "failed"]), 0);
    assert_eq!(count(&["--since", "2099-01-01"]), 0);
    assert_eq!(count(&["--limit", "0"]), 0);
    scenario.run(&["runs", "--verdict", "good"]).exits(2);
    scenario.run(&["runs", "--since", "soon"]).exits(2);
}

#[test]
fn the_list_says_when_a_runbook_was_run_and_that_it_was_not_rehearsed() {
    let (scenario, _endpoint) = recovered();
    scenario.run(&["list"]).exits(0).says("not rehearsed").says("1 of 1 not rehearsed");
    let json = scenario.run(&["list", "-o", "json"]).json();
    let entry = &json["runbooks"][0];
    assert_eq!(entry["last_run"]["run_id"], scenario.runs()[0].as_str());
    assert_eq!(entry["rehearsal_due"], true);
}

#[test]
fn what_is_asked_without_a_run_is_about_the_newest_that_was_no_rehearsal() {
    let (scenario, _endpoint) = recovered();
    let real = scenario.runs()[0].clone();
    scenario.run(&["rehearse", "component", "dispatcher", "--pod-start", "10ms"]).exits(5);
    let newer = scenario.runs().pop().expect("a rehearsal");
    assert_ne!(real, newer);
    scenario.run(&["recovery"]).exits(0).says("Monitor for 24 hours");
    scenario.run(&["validate", "--status"]).exits(5).says(&real);
    assert!(!scenario.run(&["update"]).exits(0).stdout.contains("REHEARSAL"));
    let report = scenario.run(&["report"]).exits(0);
    assert!(!report.stdout.contains("SIMULATED"), "{}", report.stdout);
    report.says(&format!("there is a newer rehearsal: rollback report {newer}"));
    scenario.run(&["report", &newer]).exits(0).says("SIMULATED");
}

#[test]
fn a_run_that_found_everything_there_is_listed_as_that_and_is_not_what_forward_takes_back() {
    let (scenario, _endpoint) = recovered();
    let real = scenario.runs()[0].clone();
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0).says("already there");
    scenario.run(&["runs"]).exits(0).says("already there");
    let forward = ["forward", "component", "dispatcher", "--dry-run", "-o", "json"];
    let ended = scenario.run(&forward).exits(4);
    ended.says("NEW_CODE").says(&format!("rollback recovery {real}"));
}

#[test]
fn what_a_run_would_refuse_of_the_decider_a_dry_run_refuses_as_well() {
    let (scenario, _endpoint) = recovered();
    scenario
        .run(&["component", "dispatcher", "--dry-run", "--decided-by", "Bob"])
        .exits(2)
        .says("`Bob` is not one who may decide");
}

#[test]
fn the_roles_without_a_contact_are_counted_once_for_all_who_ask() {
    let (scenario, _endpoint) = recovered();
    scenario.run(&["contacts"]).exits(0).says("1 has no contact yet");
    scenario.run(&["lint"]).says("add `contact:` for: CTO");
}

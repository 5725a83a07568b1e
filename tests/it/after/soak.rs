//! `rollback validate`.

use serde_json::Value;

use super::recovered;

fn kinds(records: &[Value]) -> Vec<&str> {
    let end = records.iter().position(|it| it["type"] == "run_finished").expect("it is over");
    records[end + 1..].iter().filter_map(|it| it["type"].as_str()).collect()
}

#[test]
fn a_bot_validates_tier_by_tier_and_the_run_is_closed_when_all_hold() {
    let (scenario, _endpoint) = recovered();
    let first = scenario.run(&["validate", "--tier", "immediate", "-o", "json"]).exits(5).json();
    assert_eq!(first["tiers"][0]["items"][0]["holds"], true);
    assert_eq!(first["tiers"][0]["items"][1]["holds"], Value::Null);
    let answered = ["validate", "--answer", "user-login=pass", "--note", "logged in as bob"];
    scenario.run(&answered).exits(5).says("logged in as bob");
    scenario.run(&["validate", "--tier", "immediate"]).exits(0);
    let last = scenario
        .run(&[
            "validate",
            "--answer",
            "data-integrity=pass",
            "--answer",
            "tools-work=pass",
            "-o",
            "jsonl",
        ])
        .exits(0)
        .lines();
    assert_eq!(last.last().expect("a record")["type"], "run_closed");
    let records = scenario.records();
    assert_eq!(
        kinds(&records),
        [
            "validation_started",
            "item_judged",
            "item_judged",
            "tier_closed",
            "validation_started",
            "item_judged",
            "item_judged",
            "tier_closed",
            "run_closed",
        ]
    );
    scenario.run(&["validate"]).exits(0).says("nothing is left").says("closed by alice");
    scenario.run(&["runs", "show"]).exits(0).says("closed by alice: all 2 tiers hold");
}

#[test]
fn a_regression_is_found_while_it_is_watched_and_the_next_rung_is_proposed() {
    let (scenario, endpoint) = recovered();
    let asked = std::sync::atomic::AtomicU32::new(0);
    endpoint.answers(move |_| {
        let good = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2;
        (if good { 200 } else { 500 }, String::new())
    });
    let ended = scenario.run(&["validate", "--tier", "immediate"]).exits(1);
    ended.says("does not hold").says("rollback component dispatcher --method config");
    let records = scenario.records();
    let judged: Vec<&Value> = records.iter().filter(|it| it["type"] == "item_judged").collect();
    assert_eq!(judged.iter().map(|it| &it["holds"]).collect::<Vec<_>>(), [true, false]);
    assert!(records.iter().any(|it| it["type"] == "escalation_offered"));
    // Another reason is news; the same one again is not.
    endpoint.answers(|_| (404, String::new()));
    for _ in 0..2 {
        scenario.run(&["validate", "--once", "--tier", "immediate"]).exits(1).says("404");
    }
    let judged = |it: &&Value| it["type"] == "item_judged";
    assert_eq!(scenario.records().iter().filter(judged).count(), 3);
    endpoint.answers(|_| (200, String::new()));
    scenario.run(&["validate", "--once", "--tier", "immediate"]).exits(5).says("holds");
}

#[test]
fn one_bad_answer_is_asked_again_before_it_counts() {
    let (scenario, endpoint) = recovered();
    let asked = std::sync::atomic::AtomicU32::new(0);
    endpoint.answers(move |_| {
        let bad = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
        (if bad { 500 } else { 200 }, String::new())
    });
    scenario.run(&["validate", "--once", "--tier", "immediate"]).exits(5);
    assert!(
        !scenario.records().iter().any(|it| it["holds"] == false && it["type"] == "item_judged")
    );
}

#[test]
fn an_item_a_tier_or_a_run_that_is_not_there_changes_nothing() {
    let (scenario, _endpoint) = recovered();
    let before = scenario.records().len();
    scenario
        .run(&["validate", "--answer", "user-logn=pass"])
        .exits(2)
        .says("there is no item `user-logn`")
        .says("did you mean `user-login`?");
    scenario.run(&["validate", "--tier", "later"]).exits(2).says("immediate, business");
    scenario.run(&["validate", "--answer", "user-login"]).exits(2);
    scenario.run(&["validate", "0000"]).exits(2).says("there is no run `0000`");
    assert_eq!(scenario.records().len(), before);
}

#[test]
fn a_damaged_journal_is_refused_and_left_as_it_is() {
    let (scenario, _endpoint) = recovered();
    let id = scenario.runs().pop().expect("a run");
    let path = scenario.state().join("runs").join(id).join("journal.jsonl");
    let text = std::fs::read_to_string(&path).expect("a journal").replace("alice", "mallory");
    std::fs::write(&path, &text).expect("written");
    for command in [
        &["validate", "--answer", "user-login=pass"][..],
        &["report"],
        &["recovery", "--tick", "monitor-for-24-hours"],
        &["forward", "component", "dispatcher", "--run", "last", "--yes"],
        &["update"],
    ] {
        scenario.run(command).exits(10).says("the journal is damaged");
    }
    assert_eq!(std::fs::read_to_string(&path).expect("a journal"), text);
}

//! `rollback forward`.

use super::super::scenario::NAMESPACE;
use super::{broken, recovered};
use crate::scenario::Endpoint;

const TICKS: [&str; 5] =
    ["recovery", "--criterion", "all-issues-resolved", "--criterion", "testing-improved"];

#[test]
fn open_criteria_stop_the_way_forward_and_ticked_ones_open_it() {
    let (scenario, _endpoint) = recovered();
    let rollback = scenario.runs().pop().expect("a run");
    let changes = scenario.changes().len();
    scenario
        .run(&["forward", "component", "dispatcher", "--yes"])
        .exits(4)
        .says("2 of 2 criteria")
        .says("all-issues-resolved");
    // A dry-run shows the plan, and that a run would not be let begin.
    scenario
        .run(&["forward", "component", "dispatcher", "--dry-run"])
        .exits(4)
        .says("NEW_CODE  false -> true")
        .says("a run would be refused: 2 of 2 criteria");
    let plan = scenario
        .run(&["forward", "component", "dispatcher", "--dry-run", "-o", "json"])
        .exits(4)
        .json();
    assert_eq!(plan["ready"], false);
    assert_eq!(plan["refused"]["message"], "2 of 2 criteria of the way forward are open");
    assert_eq!(scenario.changes().len(), changes);
    scenario.run(&TICKS).exits(0);
    scenario.run(&["forward", "component", "dispatcher", "--dry-run"]).exits(0);
    let ended = scenario.run(&["forward", "component", "dispatcher", "--yes", "-o", "jsonl"]);
    let lines = ended.exits(0).lines();
    assert_eq!(lines[0]["forward_of"], rollback.as_str());
    assert_eq!(lines.last().expect("a record")["verdict"], "applied");
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["true", "true", "true"]);
    let forward = scenario.runs().pop().expect("a run");
    let json = scenario.run(&["runs", "show", &rollback, "-o", "json"]).json();
    assert_eq!(json["after"]["forward"][0]["run"], forward.as_str());
    // Once more: nothing is left to do.
    let again = ["forward", "component", "dispatcher", "--run", &rollback, "--yes"];
    scenario.run(&again).exits(0).says("already there");
    scenario
        .run(&["forward", "component", "dispatcher", "--run", &forward, "--yes"])
        .exits(2)
        .says("was itself the way forward");
}

#[test]
fn a_parameter_that_the_run_was_given_may_be_given_again() {
    let endpoint = Endpoint::status(503);
    let scenario = broken(&endpoint).component(
        "dispatcher",
        "parameters:\n  reader: {}\nmethods:\n  flag:\n    steps:\n      - name: Turn the flag off\n        \
         set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }\n      - name: Restart\n        \
         restart: [\"deployment/${reader}\"]\n",
    );
    scenario.run(&["component", "dispatcher", "--param", "reader=backend", "--yes"]).exits(5);
    scenario.run(&TICKS).exits(0);
    let forward = ["forward", "component", "dispatcher", "--yes", "--param", "reader=backend"];
    scenario.run(&forward).exits(5);
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["true", "true", "true"]);
}

#[test]
fn what_somebody_changed_since_is_refused() {
    let (scenario, _endpoint) = recovered();
    scenario.run(&TICKS).exits(0);
    let patch = serde_json::json!({"data": {"NEW_CODE": "maybe"}});
    scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &patch).expect("patched");
    let changes = scenario.changes().len();
    scenario
        .run(&["forward", "component", "dispatcher", "--yes"])
        .exits(9)
        .says("configmap/flags NEW_CODE: the run set false, it is maybe");
    assert_eq!(scenario.changes().len(), changes);
}

#[test]
fn an_override_needs_one_who_may_and_a_reason_and_is_recorded() {
    let (scenario, _endpoint) = recovered();
    let rollback = scenario.runs().pop().expect("a run");
    let order = ["forward", "component", "dispatcher", "--yes", "--override"];
    let with = |more: &[&'static str]| [&order[..], more].concat();
    scenario.run(&with(&["CTO"])).exits(2);
    scenario.run(&with(&["Eve", "--reason", "x"])).exits(2).says("not one who may decide");
    scenario.run(&with(&["CTO", "--reason", "the fix is out"])).exits(0);
    scenario
        .run(&["runs", "show", &rollback])
        .says("2 open criteria overridden by CTO: the fix is out");
}

#[test]
fn whoever_reads_of_a_way_forward_reads_that_it_went_forward() {
    let (scenario, _endpoint) = recovered();
    let rollback = scenario.runs().pop().expect("a run");
    let order = ["forward", "component", "dispatcher", "--yes", "--override", "CTO", "--reason"];
    scenario.run(&[&order[..], &["the fix is out"]].concat()).exits(0);
    let update = |audience| scenario.run(&["update", "--audience", audience]).exits(0).stdout;
    let engineers = update("engineers");
    assert!(engineers.contains("goes forward again in test / shop, after run"), "{engineers}");
    assert!(
        engineers.contains(&rollback) && engineers.contains("forward again after"),
        "{engineers}"
    );
    let stakeholders = update("stakeholders");
    assert!(stakeholders.contains("The rollback of dispatcher is taken back"), "{stakeholders}");
    assert!(stakeholders.contains("It has the values from before the rollback"), "{stakeholders}");
    let customers = update("customers");
    assert!(customers.contains("is in place again"), "{customers}");
    for text in [&engineers, &stakeholders, &customers] {
        assert!(!text.contains("was rolled back") && !text.contains("Rollback of"), "{text}");
    }
    let report = scenario.run(&["report"]).exits(0).stdout;
    assert!(report.starts_with("# Report of the way forward: "), "{report}");
    assert!(
        report.contains(&format!("**Takes back:** the rollback of run {rollback}")),
        "{report}"
    );
    assert!(!report.contains("Rollback date") && !report.contains("Time to recovery"), "{report}");
}

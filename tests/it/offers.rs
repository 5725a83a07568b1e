//! What is offered as the next command: it must be one that works, and that touches what this one
//! touched.

use std::sync::atomic::{AtomicU32, Ordering};

use serde_json::Value;

use super::scenario::{Ended, Endpoint, Scenario};

/// The only offer of a run.
fn offer(ended: &Ended) -> Value {
    let lines = ended.lines();
    let offered = lines.iter().find(|line| line["type"] == "escalation_offered");
    offered.unwrap_or_else(|| panic!("no offer in {lines:#?}")).clone()
}

fn words(offer: &Value) -> Vec<String> {
    let words = offer["command"].as_array().expect("argv");
    words.iter().filter_map(|word| word.as_str().map(str::to_owned)).collect()
}

/// Broken when the survey asks, and works afterwards.
fn healing() -> Endpoint {
    let asked = AtomicU32::new(0);
    Endpoint::new(move |_| {
        (if asked.fetch_add(1, Ordering::SeqCst) == 0 { 503 } else { 200 }, String::new())
    })
}

/// A component of commands that is judged by `endpoint`.
fn component(endpoint: &Endpoint, methods: &str) -> Scenario {
    Scenario::new().cluster().configmap("flags", &[("NEW", "true")]).component(
        "job",
        &format!(
            "parameters:\n  repository: {{}}\nmethods:\n{methods}recovered_when:\n  - http: \
             {{ url: \"{}\" }}\n    within: 1s\n",
            endpoint.url("/health")
        ),
    )
}

const FLAG: &str = "  flag:\n    steps:\n      - name: Off\n        set_flags: { configmap: flags, \
                    flags: { NEW: \"false\" } }\n";
const GONE: &str = "  config:\n    steps:\n      - name: Back\n        set_flags: { configmap: \
                    gone, flags: { NEW: \"false\" } }\n";
const CODE: &str =
    "  code:\n    steps:\n      - name: Deploy\n        command: [\"true\", \"${repository}\"]\n";

#[test]
fn a_rehearsal_offers_another_rehearsal_and_nothing_that_only_its_sandbox_has() {
    let scenario = Scenario::new();
    let runbooks = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    let arguments = ["--runbooks", runbooks, "rehearse", "component", "tool-dispatcher"];
    let rest = ["--fault", "crash-loop", "--pod-start", "10ms", "--output", "jsonl"];
    let ended = scenario.run(&[&arguments[..], &rest[..]].concat()).exits(1);
    let command = words(&offer(&ended));
    let target = ["rollback", "rehearse", "component", "tool-dispatcher", "--method"];
    assert_eq!(command[..5], target);
    // The next, or the one after it where the survey of both is in by then.
    assert!(["config", "code"].contains(&command[5].as_str()), "{command:?}");
    assert!(!command.contains(&"--param".to_owned()), "{command:?}");
    let from = [command.len() - 2, command.len() - 1].map(|index| command[index].clone());
    assert_eq!(from, ["--escalated-from".to_owned(), scenario.runs()[0].clone()]);
    let next: Vec<&str> = command[1..].iter().map(String::as_str).collect();
    let next = [&next[..], &["--pod-start", "10ms"]].concat();
    scenario.run(&next).exits(0).says("SIMULATED: recovered");
}

#[test]
fn a_way_that_is_known_to_be_blocked_is_passed_over_and_named() {
    let scenario = component(&Endpoint::status(503), &format!("{FLAG}{GONE}{CODE}"));
    let arguments = ["component", "job", "--yes", "--output", "jsonl"];
    let given = [&arguments[..], &["--param", "repository=here"]].concat();
    let offered = offer(&scenario.run(&given).exits(5));
    assert_eq!((&offered["method"], &offered["ready"]), (&"code".into(), &true.into()));
    let why = offered["why"].as_str().expect("why");
    assert!(why.contains("config is blocked: configmap/gone not found"), "{why}");
}

#[test]
fn where_every_way_is_blocked_the_first_is_offered_as_blocked() {
    let scenario = component(&Endpoint::status(503), &format!("{FLAG}{GONE}"));
    let ended = scenario.run(&["component", "job", "--yes", "--output", "jsonl"]).exits(5);
    let offered = offer(&ended);
    assert_eq!((&offered["method"], &offered["ready"]), (&"config".into(), &false.into()));
}

#[test]
fn an_offer_says_which_parameter_the_next_way_needs_as_well() {
    let scenario = component(&Endpoint::status(503), &format!("{FLAG}{CODE}"));
    let ended = scenario.run(&["component", "job", "--yes", "--output", "jsonl"]).exits(5);
    let offered = offer(&ended);
    assert_eq!((&offered["method"], &offered["ready"]), (&"code".into(), &Value::Null));
    let why = offered["why"].as_str().expect("why");
    assert!(why.contains("code needs --param repository=… as well"), "{why}");
    assert!(words(&offered).contains(&"--escalated-from".to_owned()), "{offered}");
}

#[test]
fn a_blocked_way_hands_on_what_it_escalated_from() {
    let scenario = component(&Endpoint::status(503), &format!("{GONE}{CODE}"));
    let ended = scenario
        .run(&["component", "job", "--yes", "--escalated-from", "0192", "--incident", "INC-7"])
        .exits(4);
    ended.says("--method code").says("--incident INC-7").says("--escalated-from 0192");
}

#[test]
fn a_restart_alone_is_no_rest_that_is_worth_doing() {
    let steps = format!("{GONE}      - name: Again\n        restart: [deployment/job]\n");
    let scenario = component(&Endpoint::status(503), &steps).deployment("job", "flags");
    let ended = scenario.run(&["component", "job", "--yes"]).exits(4);
    assert!(!ended.stderr.contains("--skip-blocked"), "{}", ended.stderr);
    let steps = format!(
        "{steps}      - name: More\n        set_flags: {{ configmap: flags, flags: {{ NEW: \"false\" }} }}\n"
    );
    let scenario = component(&Endpoint::status(503), &steps).deployment("job", "flags");
    scenario.run(&["component", "job", "--yes"]).exits(4).says("--skip-blocked back");
}

#[test]
fn a_context_that_is_not_there_is_no_fault_of_the_runbook_and_no_other_way_helps() {
    let scenario = component(&Endpoint::status(503), &format!("{FLAG}{CODE}"));
    let ended = scenario.settings("apiVersion: rollback/v1\ncontext: elsewhere\n");
    let ended = ended.run(&["component", "job", "--yes"]).exits(4);
    let ended = ended.says("The runbook is not at fault").says("$ rollback component job");
    for wrong in ["Fix the runbook", "next way", "--skip-blocked"] {
        assert!(!ended.stderr.contains(wrong), "{wrong}: {}", ended.stderr);
    }
}

#[test]
fn a_step_that_failed_and_was_left_out_stands_in_the_first_line_of_a_recovery() {
    let steps = format!(
        "{FLAG}      - name: Tell the caches\n        command: [\"false\"]\n        on_failure: \
         continue\n"
    );
    let ended = component(&healing(), &steps).run(&["component", "job", "--yes"]).exits(0);
    let first: Vec<&str> = ended.stdout.split_whitespace().collect();
    let first = first.join(" ");
    assert!(first.starts_with("! recovered by its check"), "{first}");
    assert!(first.contains("but step 2 Tell the caches failed and was left out"), "{first}");
}

#[test]
fn what_works_again_and_waits_for_its_merge_is_offered_the_merge_and_no_other_way() {
    let scenario = Scenario::new();
    let runbooks = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    let target = ["--runbooks", runbooks, "rehearse", "component", "tool-dispatcher"];
    let rest = ["--method", "code", "--fault", "push-refused", "--pod-start", "10ms"];
    let ended = scenario.run(&[&target[..], &rest[..]].concat()).exits(5);
    let ended = ended.says("works again, but a merge is awaited").says("next  merge: rollback/");
    assert!(!ended.stdout.contains("recovery not shown"), "{}", ended.stdout);
    assert!(!ended.stdout.contains("--escalated-from"), "{}", ended.stdout);
    assert!(scenario.records().iter().all(|it| it["type"] != "escalation_offered"));
}

#[test]
fn a_last_way_that_failed_says_that_there_is_no_other_and_whom_to_call() {
    let scenario = component(&Endpoint::status(503), FLAG).settings(
        "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\ndecision_authority:\n  - { \
         rank: primary, role: Engineering Lead }\n",
    );
    let ended = scenario.run(&["component", "job", "--yes"]).exits(5);
    ended.says("no further way in this catalog; call Engineering Lead (primary)");
}

#[test]
fn a_duration_without_a_unit_is_refused_with_the_units_that_the_documentation_has() {
    let scenario = Scenario::new();
    let ended = scenario.run(&["component", "job", "--lock-timeout", "5"]).exits(2);
    ended.says("such as `30s` or `5m`");
}

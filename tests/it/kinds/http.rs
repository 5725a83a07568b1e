//! `http`: what the survey asks and what it leaves to the run, and what is said when it fails.

use std::net::TcpListener;

use crate::scenario::{Endpoint, Scenario};

/// A component whose only step is this check, and which recovers by the same.
fn asking(check: &str, timeout: &str) -> Scenario {
    Scenario::new().component(
        "dispatcher",
        &format!(
            "methods:\n  flag:\n    steps:\n      - name: Ask\n        timeout: {timeout}\n        {check}\n\
             recovered_when:\n  - {check}\n    within: {timeout}\n"
        ),
    )
}

#[test]
fn what_may_change_something_is_not_sent_by_a_dry_run_and_once_by_each_check_of_a_run() {
    let endpoint = Endpoint::status(200);
    let check = format!("http: {{ url: \"{}\", method: POST }}", endpoint.url("/drain"));
    let scenario = asking(&check, "2s");
    let says = "not asked beforehand: POST may change something";
    scenario.run(&["component", "dispatcher", "--dry-run"]).exits(0).says(says);
    scenario.run(&["ready"]);
    let plan = scenario.run(&["component", "dispatcher", "--dry-run", "--output", "json"]);
    assert!(plan.exits(0).stdout.contains(says));
    assert_eq!(endpoint.asked(), Vec::<String>::new());
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0);
    assert_eq!(endpoint.asked().len(), 2, "the step, and recovered_when");
    for method in ["GET", "HEAD"] {
        let endpoint = Endpoint::status(200);
        let check = format!("http: {{ url: \"{}\", method: {method} }}", endpoint.url("/health"));
        asking(&check, "2s")
            .run(&["component", "dispatcher", "--dry-run"])
            .exits(0)
            .says("now: 200");
        assert_eq!(endpoint.asked().len(), 1);
    }
}

#[test]
fn what_only_the_run_knows_is_not_asked_beforehand() {
    let endpoint = Endpoint::status(200);
    let check = format!("http: {{ url: \"{}\" }}", endpoint.url("/runs/${run.id}"));
    let scenario = asking(&check, "2s");
    scenario
        .run(&["component", "dispatcher", "--dry-run"])
        .exits(0)
        .says("not asked beforehand: only the run knows ${run.id}");
    assert_eq!(endpoint.asked(), Vec::<String>::new());
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0);
    assert!(endpoint.asked()[0].starts_with("GET /runs/0"), "{:?}", endpoint.asked());
}

#[test]
fn two_checks_of_one_address_have_their_own_answers() {
    let endpoint = Endpoint::status(503);
    let url = endpoint.url("/health");
    let scenario = Scenario::new().component(
        "dispatcher",
        &format!(
            "methods:\n  flag:\n    steps:\n      - name: Ask\n        http: {{ url: \"{url}\", status: 503 }}\n\
             recovered_when:\n  - http: {{ url: \"{url}\" }}\n"
        ),
    );
    let ended = scenario.run(&["component", "dispatcher", "--dry-run", "--output", "json"]);
    let text = ended.exits(0).stdout;
    assert!(text.contains("now: 503\"") && text.contains("503 (wanted 200)"), "{text}");
}

#[test]
fn a_good_answer_that_came_too_seldom_is_no_reason_by_itself() {
    let endpoint = Endpoint::status(200);
    let check = format!("http: {{ url: \"{}\", consecutive: 100 }}", endpoint.url("/"));
    asking(&check, "300ms")
        .run(&["component", "dispatcher", "--yes"])
        .exits(1)
        .says("200, but not 100 in a row within 300ms");
}

#[test]
fn a_header_that_cannot_be_sent_blocks_and_is_named() {
    let endpoint = Endpoint::status(200);
    let scenario = Scenario::new()
        .env("TOKEN", "first-line\nsecond-line")
        .settings("apiVersion: rollback/v1\nparameters:\n  token:\n    secret: { env: TOKEN }\n")
        .component(
            "dispatcher",
            &format!(
                "methods:\n  flag:\n    steps:\n      - name: Ask\n        http: {{ url: \"{}\", headers: \
                 {{ Authorization: \"Bearer ${{token}}\" }} }}\n",
                endpoint.url("/")
            ),
        );
    let ended = scenario
        .run(&["component", "dispatcher", "--dry-run"])
        .exits(4)
        .says("the header `Authorization` holds a line end")
        .says("correct the header in the runbook");
    assert!(!(ended.stdout + &ended.stderr).contains("-line"), "the value is not shown");
}

#[test]
fn who_did_not_answer_the_survey_in_time_is_said_not_to_have_answered() {
    let silent = TcpListener::bind("127.0.0.1:0").expect("bound");
    let address = silent.local_addr().expect("an address");
    let check = format!("http: {{ url: \"http://{address}/\" }}");
    let ended = asking(&check, "2s")
        .run(&["component", "dispatcher", "--dry-run", "--survey-timeout", "300ms"])
        .exits(0)
        .says("whether it will pass: no answer within 300ms");
    let shown = ended.stdout + &ended.stderr;
    assert!(!shown.contains("not asked"), "{shown}");
    assert!(shown.matches("now: no answer within 300ms").count() >= 2, "{shown}");
}

#[test]
fn a_command_that_is_too_slow_is_told_the_limit_that_its_author_wrote() {
    let scenario = Scenario::new().component(
        "slow",
        "methods:\n  flag:\n    steps:\n      - { name: Sleep, command: [sleep, 30], timeout: 1s }\n",
    );
    scenario
        .run(&["component", "slow", "--yes"])
        .exits(1)
        .says("did not end within 1s; it was ended");
}

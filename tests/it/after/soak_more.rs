//! `rollback validate` with numbers and commands, over a day, from two terminals, and at system level.

use serde_json::Value;

use super::super::prometheus::{Prometheus, eventually};
use super::{NAMESPACE, broken, recovered};
use crate::scenario::{Endpoint, Scenario};

fn heals() -> Endpoint {
    let asked = std::sync::atomic::AtomicU32::new(0);
    Endpoint::new(move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;
        (if first { 503 } else { 200 }, String::new())
    })
}

/// Rolled back, with these tiers.
fn validated(endpoint: &Endpoint, head: &str, validation: &str) -> Scenario {
    let scenario = broken(endpoint).settings(&format!(
        "apiVersion: rollback/v1\ncontext: test\nnamespace: {NAMESPACE}\n{head}validation:\n{validation}"
    ));
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0);
    scenario
}

fn judged(scenario: &Scenario, item: &str) -> Vec<(bool, String)> {
    let records = scenario.records();
    let ours = records.iter().filter(|it| it["type"] == "item_judged" && it["item"] == item);
    let why = |it: &Value| it["why"].as_str().expect("a text").to_owned();
    ours.map(|it| (it["holds"] == true, why(it))).collect()
}

#[test]
fn numbers_and_commands_are_items_and_what_they_see_is_recorded() {
    let prometheus = Prometheus::start();
    prometheus.exporter.set("errors", 0.002);
    let endpoint = heals();
    let scenario = validated(
        &endpoint,
        &format!("prometheus: {{ url: \"{}\" }}\n", prometheus.url),
        "  - name: numbers\n    takes: 1s\n    items:\n      - name: Error rate\n        metric: { \
         query: errors, below: 0.01 }\n      - name: Queue\n        command: [sh, -c, \"test ! -e \
         full || { echo 'the queue is full' >&2; exit 1; }\"]\n",
    );
    eventually("it is scraped", || {
        (scenario.run(&["validate", "--once"]).code != Some(1)).then_some(())
    });
    scenario.run(&["validate", "--tier", "numbers"]).exits(0);
    assert!(judged(&scenario, "error-rate").last().expect("one").0);
    std::fs::write(scenario.path("full"), "").expect("written");
    prometheus.exporter.set("errors", 0.5);
    eventually("the number is seen", || {
        // The command fails at once, the number when it was scraped.
        scenario.run(&["validate", "--once", "--tier", "numbers"]).exits(1);
        judged(&scenario, "error-rate").last().filter(|(holds, _)| !holds).cloned()
    });
    let (holds, why) = judged(&scenario, "queue").pop().expect("one");
    assert!(!holds && why.contains("the queue is full") && why.contains("exit 1"), "{why}");
    let (_, why) = judged(&scenario, "error-rate").pop().expect("one");
    assert!(why.contains("0.5"), "{why}");
    prometheus.exporter.set("errors", 0.002);
    eventually("it is good again", || {
        scenario.run(&["validate", "--once", "--tier", "numbers"]);
        judged(&scenario, "error-rate").pop().filter(|(holds, _)| *holds)
    });
    prometheus.exporter.remove("errors");
    eventually("no number is no good number", || {
        scenario.run(&["validate", "--once", "--tier", "numbers"]);
        let seen = judged(&scenario, "error-rate").pop();
        seen.filter(|(holds, why)| !holds && why.contains("no data"))
    });
}

#[test]
fn the_first_day_is_watched_by_repeated_calls_and_closed_only_when_it_is_over() {
    let endpoint = heals();
    let scenario = validated(
        &endpoint,
        "",
        "  - name: day1\n    takes: 24h\n    items:\n      - name: Health\n        http: { url: \
         \"${health}\" }\nparameters:\n  health: { default: \"HEALTH\" }\n"
            .replace("HEALTH", &endpoint.url("/health"))
            .as_str(),
    );
    for _ in 0..2 {
        // Each call looks once and ends: nothing has to live for a day.
        scenario.run(&["validate", "--tier", "day1"]).exits(5).says("holds");
    }
    assert_eq!(judged(&scenario, "health").len(), 1, "what did not change is not said again");
    endpoint.answers(|_| (500, String::new()));
    scenario.run(&["validate"]).exits(1).says("does not hold");
    endpoint.answers(|_| (200, String::new()));
    scenario.run(&["validate"]).exits(5);
    assert_eq!(
        judged(&scenario, "health").iter().map(|it| it.0).collect::<Vec<_>>(),
        [true, false, true]
    );
    assert!(scenario.records().iter().all(|it| it["passed"] != true), "the day is not over");
}

#[test]
fn a_second_terminal_answers_while_the_first_watches() {
    let endpoint = heals();
    let url = endpoint.url("/health");
    let scenario = validated(
        &endpoint,
        "",
        &format!(
            "  - name: soak\n    takes: 6s\n    items:\n      - name: Health\n        http: {{ url: \
             \"{url}\" }}\n      - name: User login\n        manual: Log in.\n"
        ),
    );
    let watching = scenario.start(&["validate", "--tier", "soak", "--no-input"]);
    eventually("the first one watches", || judged(&scenario, "health").pop());
    // The journal is free between two records: this waits for nobody.
    scenario
        .run(&["validate", "--answer", "user-login=pass", "--by", "bob", "--note", "as bob"])
        .exits(5)
        .says("as bob");
    let ended = watching.wait_with_output().expect("it ends");
    let shown = String::from_utf8_lossy(&ended.stdout).into_owned();
    assert_eq!(ended.status.code(), Some(0), "{shown}");
    assert!(shown.contains("as bob"), "the first one knows what the second said: {shown}");
    let records = scenario.records();
    assert_eq!(records.iter().filter(|it| it["type"] == "tier_closed").count(), 1);
    let numbers: Vec<u64> = records.iter().filter_map(|it| it["seq"].as_u64()).collect();
    assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
}

#[test]
fn a_system_run_is_not_closed_without_its_tiers_and_a_part_of_it_goes_forward() {
    let endpoint = heals();
    let scenario = broken(&endpoint).file(
        "runbooks/system.yaml",
        &format!(
            "apiVersion: rollback/v1\nlevel: system\ntitle: All\nmethods:\n  flag:\n    steps:\n      \
             - name: Turn all flags off\n        set_flags: {{ configmap: flags, flags: {{ NEW_CODE: \
             \"false\", OTHER: \"false\" }} }}\n      - name: Restart the backend\n        restart: \
             [deployment/backend]\nrecovered_when:\n  - http: {{ url: \"{}\" }}\n    within: 2s\n",
            endpoint.url("/health")
        ),
    );
    let scenario = scenario.component(
        "dispatcher",
        "methods:\n  flag:\n    steps:\n      - name: Turn the flag off\n        set_flags: { configmap: \
         flags, flags: { NEW_CODE: \"false\" } }\n      - name: Restart the backend\n        restart: \
         [deployment/backend]\n",
    );
    scenario
        .run(&["system", "--yes", "--confirm", "system", "--decided-by", "CTO"])
        .exits(0)
        .says("not closed: its validation is not begun");
    let run = scenario.runs().pop().expect("a run");
    scenario.run(&["runs"]).says("system is not closed: its validation is not begun");
    scenario.run(&["report"]).says("Not begun.");
    scenario.run(&["validate", "--tier", "immediate", "--no-input"]).exits(5);
    let answers =
        ["validate", &run, "--answer", "user-login=pass", "--answer", "data-integrity=pass"];
    scenario.run(&answers).exits_one_of(&[0, 5]);
    scenario.run(&["validate", &run, "--tier", "immediate"]).exits(0);
    let listed = scenario.run(&["runs"]).exits(0).stdout;
    assert!(!listed.contains("not closed"), "{listed}");
    assert_eq!(scenario.records().last().expect("a record")["type"], "run_closed");
    let tick =
        ["recovery", &run, "--criterion", "all-issues-resolved", "--criterion", "testing-improved"];
    scenario.run(&tick).exits(0);
    scenario
        .run(&["forward", "component", "dispatcher", "--yes"])
        .exits(2)
        .says("name the run that changed it");
    scenario.run(&["forward", "component", "dispatcher", "--run", &run, "--yes"]).exits(5);
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["true", "true", "true"]);
    assert_eq!(scenario.carried("backend", "OTHER"), ["false", "false", "false"], "only its part");
}

#[test]
fn a_report_tells_the_whole_ladder_and_the_runs_their_trend() {
    let endpoint = Endpoint::status(503);
    let scenario = broken(&endpoint);
    scenario.run(&["component", "dispatcher", "--yes"]).exits(5);
    let first = scenario.runs().pop().expect("a run");
    let asked = std::sync::atomic::AtomicU32::new(0);
    endpoint.answers(move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;
        (if first { 503 } else { 200 }, String::new())
    });
    let rung =
        ["component", "dispatcher", "--method", "config", "--yes", "--escalated-from", &first];
    scenario.run(&rung).exits(0);
    let second = scenario.runs().pop().expect("a run");
    let text = scenario.run(&["report"]).exits(0).stdout;
    let told = text.split("## Escalations").nth(1).expect("a section");
    let row = |run: &str| told.lines().find(|it| it.contains(run)).expect("a row").to_owned();
    assert!(row(&first).contains("| component dispatcher, flag | applied |"), "{told}");
    assert!(row(&second).contains("| component dispatcher, config | recovered |"), "{told}");
    assert!(text.contains(", over 2 runs"), "recovery counts from the first run: {text}");
    let json = scenario.run(&["report", "--format", "json"]).json();
    let whole = json["time_to_recovery_ms"].as_u64().expect("a number");
    assert!(whole > json["run"]["elapsed_ms"].as_u64().expect("a number"));
    assert!(!scenario.run(&["runs"]).stdout.contains("time to recovery"), "one is no trend");
    for value in ["true", "true"] {
        let patch = serde_json::json!({"data": {"NEW_CODE": value, "OTHER": value}});
        scenario.world().patch_merge("configmaps", NAMESPACE, "flags", &patch).expect("patched");
        let asked = std::sync::atomic::AtomicU32::new(0);
        endpoint.answers(move |_| {
            let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;
            (if first { 503 } else { 200 }, String::new())
        });
        scenario.run(&["component", "dispatcher", "--yes"]).exits(0);
    }
    scenario.run(&["runs"]).exits(0).says("time to recovery, last 3:");
}

#[test]
fn the_way_forward_is_asked_for_in_a_terminal_and_declined_without_a_change() {
    let (scenario, _endpoint) = recovered();
    let tick =
        ["recovery", "--criterion", "all-issues-resolved", "--criterion", "testing-improved"];
    scenario.run(&tick).exits(0);
    let changes = scenario.changes().len();
    let order = ["forward", "component", "dispatcher"];
    let mut screen = super::prompts::typed(&scenario, &order);
    screen.exp_string("Set configmap/flags as it was before").expect("the plan");
    screen.exp_string("[y/N]").expect("the question");
    screen.send_line("n").expect("typed");
    screen.exp_eof().expect("the end");
    assert_eq!(scenario.changes().len(), changes, "nothing was changed");
    assert_eq!(scenario.runs().len(), 1, "and no run began");
    let mut screen = super::prompts::typed(&scenario, &order);
    screen.exp_string("[y/N]").expect("the question");
    screen.send_line("y").expect("typed");
    screen.exp_string("forward again in").expect("the verdict");
    screen.exp_eof().expect("the end");
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["true", "true", "true"]);
}

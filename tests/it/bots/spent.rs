//! How long a run took, over all that held it up.

use crate::scenario::Scenario;

#[test]
fn a_run_that_was_cut_off_took_the_time_since_its_confirmation_and_says_that_it_is_over_budget() {
    let scenario = Scenario::new();
    let killed = scenario.path("killed").display().to_string();
    let scenario = scenario.component(
        "one",
        &"methods:\n  flag:\n    budget: 400ms\n    steps:\n      - name: First\n        command: [sh, -c, \
          \"test -e KILLED || { touch KILLED; sleep 0.5; kill -9 $PPID; }\"]\n        probe: [\"false\"]\n        \
          idempotent: true\n        on_failure: continue\n        timeout: 2s\n"
            .replace("KILLED", &killed),
    );
    scenario.run(&["component", "one", "--yes"]);
    assert!(scenario.records().iter().all(|it| it["type"] != "budget_exceeded"));
    scenario.run(&["resume", "--yes", "--output", "jsonl"]);
    let records = scenario.records();
    let end = records.iter().find(|it| it["type"] == "run_finished").expect("an end");
    let at = |record: &serde_json::Value| {
        let ts = record["ts"].as_str().expect("a time");
        humantime::parse_rfc3339(ts).expect("a time")
    };
    let confirmed = records.iter().find(|it| it["type"] == "confirmed").expect("confirmed");
    let passed = at(end).duration_since(at(confirmed)).expect("forwards").as_millis();
    let took = u128::from(end["elapsed_ms"].as_u64().expect("a number"));
    assert!(took.abs_diff(passed) < 100, "{took} of {passed} ms");
    let over = records.iter().filter(|it| it["type"] == "budget_exceeded").count();
    assert_eq!(over, 1);
    let run = scenario.run(&["runs", "show", "--output", "json"]).json();
    assert_eq!(run["over_budget"], true);
}

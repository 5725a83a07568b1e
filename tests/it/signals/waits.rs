//! Signals while the cluster is waited for: a rollout that does not end, and a survey that nobody
//! answers.

use std::time::{Duration, Instant};

use serde_json::json;

use super::stage::{Terminal, cursor_is_shown};
use crate::scenario::{NAMESPACE, Scenario};

/// Longer than anything here takes on a machine that is busy with something else.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// A restart whose rollout waits for an old pod that does not end, and a step behind it.
pub fn held() -> (Scenario, String) {
    let scenario = Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true")])
        .deployment("web", "flags");
    let pod = scenario.world().list("pods", NAMESPACE).remove(0);
    let pod = pod["metadata"]["name"].as_str().expect("a name").to_owned();
    finalizers(&scenario, &pod, &json!(["example.org/hold"]));
    let witness = scenario.path("witness").display().to_string();
    let scenario = scenario.component(
        "one",
        &format!(
            "methods:\n  flag:\n    steps:\n      - name: Restart\n        restart: \
             [deployment/web]\n        timeout: 5m\n      - name: Next\n        command: [touch, \
             \"{witness}\"]\n        idempotent: true\n"
        ),
    );
    (scenario, pod)
}

pub fn finalizers(scenario: &Scenario, pod: &str, these: &serde_json::Value) {
    let patch = json!({"metadata": {"finalizers": these}});
    scenario.world().patch_merge("pods", NAMESPACE, pod, &patch).expect("patched");
}

/// How often the workload was patched by a run.
pub fn restarts(scenario: &Scenario) -> usize {
    let changes = scenario.changes();
    changes.iter().filter(|it| it.starts_with("PATCH") && it.contains("/deployments/web")).count()
}

/// Starts the run and lets it come to where only the old pod is waited for.
pub fn waiting(scenario: &Scenario, pod: &str) -> Terminal {
    let terminal = Terminal::start(scenario, &["component", "one", "--yes"]);
    let came = scenario.world().wait_until(PATIENCE, |view| {
        view.get("pods", NAMESPACE, pod)
            .is_some_and(|pod| pod["metadata"]["deletionTimestamp"].is_string())
    });
    assert!(came, "the rollout begins");
    terminal
}

/// What is left of a run that was stopped, and where a resume goes on.
fn goes_on(scenario: &Scenario, text: &str, name: &str) {
    assert!(cursor_is_shown(text), "{name}\n{text}");
    assert!(text.contains("rollback resume") && !text.contains("panicked"), "{name}\n{text}");
    assert!(!scenario.path("witness").exists(), "{name}: no further step\n{text}");
    assert_eq!(scenario.world().list("leases", NAMESPACE).len(), 0, "{name}: the lock is freed");
    scenario.run(&["runs", "show"]).exits(0);
    scenario.run(&["resume", "--yes"]).exits(5);
    assert!(scenario.path("witness").exists(), "{name}");
    assert_eq!(restarts(scenario), 1, "{name}: restarted once");
}

/// What a signal makes of a run that can be stopped at once: Ctrl-C twice, or TERM.
pub fn stop(terminal: &mut Terminal, name: &str) {
    if name == "INT" {
        terminal.send("\u{3}");
        terminal.expect("this step is finished first");
        terminal.send("\u{3}");
    } else {
        terminal.signal(name);
    }
}

#[test]
fn a_signal_that_lets_a_step_finish_waits_for_its_rollout_and_begins_no_further_step() {
    for (name, code) in [("INT", 130), ("HUP", 143)] {
        let (scenario, pod) = held();
        let mut terminal = waiting(&scenario, &pod);
        terminal.signal(name);
        terminal.expect("this step is finished first");
        finalizers(&scenario, &pod, &json!(null));
        let (text, ended) = terminal.end();
        assert_eq!(ended, code, "{name}\n{text}");
        goes_on(&scenario, &text, name);
    }
}

#[test]
fn a_signal_that_ends_a_step_ends_the_wait_for_its_rollout_and_a_resume_restarts_nothing() {
    for (name, code) in [("INT", 130), ("TERM", 143)] {
        let (scenario, pod) = held();
        let mut terminal = waiting(&scenario, &pod);
        stop(&mut terminal, name);
        // The old pod is still there: nothing else ends the wait.
        let (text, ended) = terminal.end();
        assert_eq!(ended, code, "{name}\n{text}");
        finalizers(&scenario, &pod, &json!(null));
        goes_on(&scenario, &text, name);
    }
}

#[test]
fn a_signal_ends_a_survey_that_nobody_answers() {
    let cases =
        [("INT", 130, "Ctrl-C"), ("TERM", 143, "SIGTERM"), ("HUP", 143, "the connection was lost")];
    for (name, code, reason) in cases {
        let (scenario, _) = held();
        let asked = scenario.path("asked");
        // It is reached, and then says nothing.
        let script = format!("#!/bin/sh\ntouch {}\nexec sleep 600\n", asked.display());
        let scenario = scenario.program("kubectl", &script);
        let mut terminal = Terminal::start(&scenario, &["component", "one", "--yes"]);
        let begun = Instant::now();
        while !asked.exists() {
            terminal.look();
            assert!(begun.elapsed() < PATIENCE, "{}", terminal.text);
            std::thread::sleep(Duration::from_millis(5));
        }
        terminal.signal(name);
        let (text, ended) = terminal.end();
        assert_eq!(ended, code, "{name}\n{text}");
        assert!(text.contains(&format!("{reason}: nothing was changed")), "{name}\n{text}");
        assert!(cursor_is_shown(&text) && scenario.runs().is_empty(), "{name}\n{text}");
        assert_eq!(restarts(&scenario), 0, "{name}");
    }
}

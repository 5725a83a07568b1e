//! A method that the team has not filled in yet: said everywhere, run nowhere.

use crate::scenario::Scenario;

fn scenario() -> Scenario {
    Scenario::new().component(
        "store",
        "methods:\n  flag:\n    steps:\n      - name: Fail\n        command: [\"false\"]\n        \
         idempotent: true\n  config:\n    not_ready: The snapshot has no name yet.\n  code:\n    \
         steps:\n      - name: Touch\n        command: [touch, done]\n        idempotent: true\n",
    )
}

#[test]
fn a_method_that_is_not_ready_is_blocked_in_the_survey_and_never_run() {
    let scenario = scenario();
    for arguments in [
        &["component", "store", "--method", "config", "--dry-run"][..],
        &["component", "store", "--method", "config", "--yes"][..],
        &["component", "store", "--method", "config", "--yes", "--skip-blocked", "not-ready"][..],
    ] {
        let ended = scenario
            .run(arguments)
            .exits(4)
            .says("it is not ready to be run")
            .says("The snapshot has no name yet.");
        for words in ["othing to change", "do the rest"] {
            let said = format!("{}{}", ended.stdout, ended.stderr);
            assert!(!said.contains(words), "{words}\n{said}");
        }
    }
    assert!(scenario.runs().is_empty());
}

#[test]
fn its_script_does_nothing_and_says_why() {
    let scenario = scenario();
    let show = ["show", "component", "store", "--method", "config", "--script"];
    let script = scenario.run(&show).exits(0).stdout;
    std::fs::write(scenario.path("script.sh"), script).expect("written");
    let mut bash = std::process::Command::new("bash");
    let ended = bash.arg(scenario.path("script.sh")).output().expect("bash");
    let said = String::from_utf8_lossy(&ended.stderr).into_owned();
    assert_eq!(ended.status.code(), Some(1), "{said}");
    assert!(said.contains("The snapshot has no name yet."), "{said}");
}

#[test]
fn a_method_whose_steps_only_look_says_so_and_not_that_all_is_as_it_leaves_it() {
    let steps = "methods:\n  flag:\n    steps:\n      - name: Wait\n        wait: 1ms\n";
    let scenario = Scenario::new().component("look", steps);
    scenario.run(&["component", "look", "--dry-run"]).exits(0).says("its steps only look");
}

#[test]
fn lint_warns_of_it_and_the_ladder_passes_it_over() {
    let scenario = scenario();
    scenario
        .run(&["lint"])
        .exits(0)
        .says("the method `config` cannot be run yet")
        .says("The snapshot has no name yet.");
    let plan = scenario.run(&["component", "store", "--dry-run", "--output", "json"]).exits(0);
    let text = plan.stdout;
    assert!(text.contains("\"code\"") && !text.contains("\"config\""), "{text}");
}

#[test]
fn a_method_needs_steps_or_a_reason_why_it_has_none() {
    let scenario =
        Scenario::new().component("store", "methods:\n  flag:\n    description: Nothing.\n");
    scenario
        .run(&["lint"])
        .exits(3)
        .says("the method `flag` has no steps")
        .says("while it cannot be run yet, `not_ready:` and why");
}

//! What the first, the second and the third Ctrl-C mean, and what an answer that was not given does.

use std::time::{Duration, Instant};

use super::stage::Terminal;
use crate::scenario::Scenario;

fn one(step: &str) -> Scenario {
    let scenario = Scenario::new();
    let witness = scenario.path("witness").display().to_string();
    let step = step.replace("WITNESS", &witness).replace('\n', "\n        ");
    scenario.component(
        "one",
        &format!(
            "methods:\n  flag:\n    steps:\n      - id: it\n        {step}\n      - id: next\n        \
             name: Next\n        command: [sh, -c, \"echo next >> {witness}\"]\n        \
             idempotent: true\n"
        ),
    )
}

fn begun(scenario: &Scenario, terminal: &mut Terminal) {
    let until = Instant::now() + Duration::from_secs(60);
    while !scenario.path("witness").exists() {
        terminal.look();
        assert!(Instant::now() < until, "{}", terminal.text);
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn witness(scenario: &Scenario) -> String {
    std::fs::read_to_string(scenario.path("witness")).unwrap_or_default()
}

/// A command that goes on until it is told to end.
const LONG: &str = "name: Long\ncommand: [sh, -c, \"TRAPecho begun >> WITNESS; while [ ! -e WITNESS.go ]; do sleep 0.05; done; echo done >> WITNESS\"]\nidempotent: true";

#[test]
fn the_first_ctrl_c_finishes_the_step_the_second_ends_it_the_third_kills_it() {
    let said = [
        "this step is finished first",
        "ending the running command",
        "killing the running command",
    ];
    for (times, trap, left) in
        [(1, "", "begun\ndone\n"), (2, "", "begun\n"), (3, "trap '' TERM; ", "begun\n")]
    {
        let scenario = one(&LONG.replace("TRAP", trap));
        let mut terminal = Terminal::start(&scenario, &["component", "one", "--yes"]);
        begun(&scenario, &mut terminal);
        for words in &said[..times] {
            terminal.send("\u{3}");
            terminal.expect(words);
        }
        let go = scenario.path("witness.go");
        if times == 1 {
            std::fs::write(&go, "").expect("written");
        }
        // Nothing else ends the command: it would go on for ever.
        let (text, code) = terminal.end();
        assert_eq!((code, witness(&scenario).as_str()), (130, left), "{times}\n{text}");
        assert!(text.contains("rollback resume"), "{text}");
        std::fs::write(&go, "").expect("written");
        scenario.run(&["resume", "--yes"]).exits(5);
        assert!(witness(&scenario).ends_with("done\nnext\n"), "{times}");
    }
}

#[test]
fn a_menu_that_nobody_answers_leaves_the_run_where_it_is() {
    let step = "name: Fails\ncommand: [sh, -c, \"echo tried >> WITNESS; test -e WITNESS.ok\"]";
    for (key, expected) in [("\u{3}", 130), ("\u{4}", 6)] {
        let scenario = one(step);
        let mut terminal = Terminal::start(&scenario, &["component", "one", "--yes"]);
        terminal.expect("[a]bort");
        terminal.send(key);
        let (text, code) = terminal.end();
        assert_eq!(code, expected, "{text}");
        assert!(text.contains("rollback resume"), "{text}");
        // Nobody to ask, and nothing can show whether it fired: it is not fired again.
        scenario.run(&["resume", "--yes"]).exits(10).says("--answer it=pass");
        assert_eq!(witness(&scenario), "tried\n");
        std::fs::write(scenario.path("witness.ok"), "").expect("written");
        let mut terminal = Terminal::start(&scenario, &["resume", "--yes"]);
        terminal.expect("[a]bort");
        terminal.send("r\n");
        let (text, code) = terminal.end();
        assert_eq!((code, witness(&scenario).as_str()), (5, "tried\ntried\nnext\n"), "{text}");
    }
}

#[test]
fn a_run_that_was_left_at_its_menu_by_a_crash_asks_again_and_keeps_what_was_chosen() {
    let step = "name: Fails\ncommand: [sh, -c, \"echo tried >> WITNESS; false\"]";
    let scenario = one(step);
    let mut terminal = Terminal::start(&scenario, &["component", "one", "--yes"]);
    terminal.expect("[a]bort");
    terminal.signal("KILL");
    terminal.end();
    let mut terminal = Terminal::start(&scenario, &["resume", "--yes"]);
    terminal.expect("[a]bort");
    terminal.send("s\n");
    let (text, code) = terminal.end();
    assert_eq!((code, witness(&scenario).as_str()), (5, "tried\nnext\n"), "{text}");
}

#[test]
fn a_step_in_doubt_is_asked_about_at_a_terminal_without_a_default() {
    let scenario = one("name: Fire\ncommand: [sh, -c, \"echo fired >> WITNESS; sleep 1\"]");
    let mut terminal = Terminal::start(&scenario, &["component", "one", "--yes"]);
    begun(&scenario, &mut terminal);
    terminal.signal("KILL");
    terminal.end();
    let until = Instant::now() + Duration::from_secs(60);
    while scenario.run(&["resume", "--yes"]).exits(10).stdout.contains("still runs") {
        assert!(Instant::now() < until, "the command does not end");
    }
    let mut terminal = Terminal::start(&scenario, &["resume", "--yes"]);
    terminal.expect("Was it applied?");
    terminal.send("\n");
    let (text, code) = terminal.end();
    assert_eq!(code, 10, "Enter is no answer\n{text}");
    let mut terminal = Terminal::start(&scenario, &["resume", "--yes"]);
    terminal.expect("Was it applied?");
    terminal.send("a\n");
    let (text, code) = terminal.end();
    assert_eq!((code, witness(&scenario).as_str()), (5, "fired\nnext\n"), "{text}");
}

#[test]
fn a_secret_s_program_that_hangs_can_be_stopped() {
    let scenario = one(
        "name: Says\ncommand: [sh, -c, \"echo \\\"$T\\\" > /dev/null\"]\nenv: { T: \"${token}\" }",
    );
    let asked = scenario.path("witness").display().to_string();
    let scenario = scenario.settings(&format!(
        "apiVersion: rollback/v1\nparameters:\n  token:\n    \
         secret: {{ command: [sh, -c, \"echo asked > {asked}; exec sleep 600\"] }}\n"
    ));
    let mut terminal = Terminal::start(&scenario, &["component", "one", "--yes"]);
    begun(&scenario, &mut terminal);
    terminal.send("\u{3}");
    let (text, code) = terminal.end();
    assert_eq!(code, 130, "{text}");
}

#[test]
fn over_budget_in_a_wait_the_next_rung_is_shown_with_its_command_at_once() {
    let scenario = one(&LONG.replace("TRAP", "")).component(
        "slow",
        "methods:\n  flag:\n    budget: 1ms\n    steps:\n      - name: First\n        wait: 60s\n  code:\n    \
         steps:\n      - name: Deploy\n        command: [\"true\"]\n",
    );
    let mut terminal = Terminal::start(&scenario, &["component", "slow", "--yes"]);
    terminal.expect("is used up; the run goes on");
    terminal.expect("not to wait any longer: Ctrl-C, then component slow, code (");
    terminal.expect("--method code");
    terminal.send("\u{3}");
    terminal.expect("this step is finished first");
    terminal.send("\u{3}");
    assert_eq!(terminal.end().1, 130);
}

#[test]
fn over_budget_the_next_rung_is_one_key_away_between_two_steps() {
    let scenario = Scenario::new();
    let witness = scenario.path("witness").display().to_string();
    let scenario = scenario.component(
        "one",
        &format!(
            "methods:\n  flag:\n    budget: 1ms\n    steps:\n      - name: First\n        command: \
             [sleep, \"0.1\"]\n      - name: Second\n        command: [touch, \"{witness}\"]\n  \
             code:\n    steps:\n      - name: Deploy\n        command: [\"true\"]\n"
        ),
    );
    let mut terminal = Terminal::start(&scenario, &["component", "one"]);
    terminal.expect("[y/N] ");
    terminal.answer("y\n");
    terminal.expect("go on with component one · code instead?");
    terminal.expect("instead? [y/N] ");
    terminal.answer("y\n");
    terminal.expect("Deploy");
    while terminal.text.matches("[y/N] ").count() < 3 {
        terminal.expect("[y/N] ");
        std::thread::sleep(Duration::from_millis(5));
    }
    terminal.answer("n\n");
    let (text, code) = terminal.end();
    assert_eq!(code, 6, "{text}");
    assert!(!scenario.path("witness").exists(), "the rest was left");
}

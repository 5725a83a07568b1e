//! What is typed while nobody asks: it moves no cursor under the lines that are redrawn, and the
//! terminal is given back as it was.

use std::time::{Duration, Instant};

use super::stage::Terminal;
use crate::scenario::Scenario;

/// A run that asks, and then works until it is told to end.
fn working() -> Scenario {
    let scenario = Scenario::new();
    let go = scenario.path("go").display().to_string();
    scenario.component(
        "long",
        &format!(
            "methods:\n  flag:\n    steps:\n      - name: Work\n        command: [sh, -c, \"while [ ! \
             -e {go} ]; do sleep 0.05; done\"]\n"
        ),
    )
}

fn await_no_echo(terminal: &mut Terminal) {
    let until = Instant::now() + Duration::from_secs(60);
    while terminal.echoes() {
        terminal.look();
        assert!(Instant::now() < until, "it does not come\n{}", terminal.text);
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// In a shell, which lives on and tells how it got its terminal back.
fn confirmed(scenario: &Scenario) -> Terminal {
    let shell = ["sh", "-c", "trap : INT TERM HUP; stty echo; \"$@\"; stty -a", "sh"];
    let mut terminal = Terminal::of(scenario.command_through(&shell, &["component", "long"]));
    terminal.expect("[y/N] ");
    assert!(terminal.echoes(), "an answer is seen while it is typed");
    terminal.send("y\n");
    terminal.expect("1  Work");
    await_no_echo(&mut terminal);
    terminal
}

fn ends_with_an_echo(scenario: &Scenario, terminal: Terminal) -> String {
    std::fs::write(scenario.path("go"), "").expect("written");
    let (text, _) = terminal.end();
    let (said, modes) = text.split_once("speed").expect("the terminal's modes");
    assert!(modes.contains(" echo "), "{text}");
    said.to_owned()
}

#[test]
fn keys_that_nobody_asked_for_are_not_shown_and_ctrl_c_is_heard_all_the_same() {
    let scenario = working();
    let mut terminal = confirmed(&scenario);
    terminal.send("impatient\n\n");
    terminal.send("\u{3}");
    terminal.expect("this step is finished first");
    let text = ends_with_an_echo(&scenario, terminal);
    assert!(text.contains("rollback resume"), "{text}");
    assert!(!text.contains("impatient") && !text.contains("^C"), "{text}");
}

#[test]
fn however_a_run_ends_the_terminal_echoes_again() {
    for signal in ["TERM", "INT", "HUP"] {
        let scenario = working();
        let terminal = confirmed(&scenario);
        terminal.signal_all(signal);
        ends_with_an_echo(&scenario, terminal);
    }
}

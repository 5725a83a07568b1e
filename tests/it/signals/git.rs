//! Ctrl-C while git talks to a remote that does not answer: heard at once, and nothing is pushed.

use super::stage::Terminal;
use crate::forge::remote::{FILE, GOOD, Remote};
use crate::scenario::Scenario;

/// The program that a name on the PATH stands for.
fn real_git() -> String {
    let path = std::env::var_os("PATH").expect("a PATH");
    let found = std::env::split_paths(&path).map(|dir| dir.join("git")).find(|it| it.is_file());
    found.expect("git").display().to_string()
}

/// A step on a remote that stands still from the moment the run has begun until `go` is there.
fn slow(remote: &Remote) -> Scenario {
    let settings = format!("apiVersion: rollback/v1\nrepository: {}\n", remote.url());
    let scenario = Scenario::new().settings(&settings);
    let at = |name: &str| scenario.path(name).display().to_string();
    let (armed, stuck, go) = (at("armed"), at("stuck"), at("go"));
    let stub = format!(
        "#!/bin/sh\ncase \" $* \" in *\" ls-remote \"*|*\" fetch \"*)\n  if [ -e {armed} ]; then\n    \
         touch {stuck}\n    while [ ! -e {go} ]; do sleep 0.05; done\n  fi;;\nesac\n\
         exec {} \"$@\"\n",
        real_git()
    );
    let body = format!(
        "methods:\n  code:\n    steps:\n      - name: Arm\n        command: [touch, {armed}]\n        \
         idempotent: true\n      - id: restore\n        name: Restore\n        restore_files: \
         {{ branch: feat/migration, from: develop, paths: [{FILE}], message: back }}\n"
    );
    scenario.program("git", &stub).component("code", &body)
}

fn await_file(terminal: &mut Terminal, scenario: &Scenario, name: &str) {
    let until = std::time::Instant::now() + std::time::Duration::from_secs(60);
    while !scenario.path(name).exists() {
        terminal.look();
        assert!(std::time::Instant::now() < until, "{name} does not come\n{}", terminal.text);
        std::thread::sleep(std::time::Duration::from_millis(5));
    }
}

fn commits(remote: &Remote) -> String {
    remote.bare(&["rev-list", "--count", "feat/migration"])
}

#[test]
fn the_second_ctrl_c_ends_a_git_step_whose_remote_stands_still() {
    let remote = Remote::new();
    let scenario = slow(&remote);
    let before = commits(&remote);
    let mut terminal = Terminal::start(&scenario, &["component", "code", "--yes"]);
    await_file(&mut terminal, &scenario, "stuck");
    terminal.send("\u{3}");
    terminal.expect("this step is finished first");
    terminal.send("\u{3}");
    // The remote still stands still: only the second Ctrl-C can have ended it.
    let (text, code) = terminal.end();
    assert_eq!(code, 130, "{text}");
    assert!(text.contains("rollback resume"), "{text}");
    assert_eq!(commits(&remote), before, "nothing was pushed");
    std::fs::write(scenario.path("go"), "").expect("written");
    scenario.run(&["resume", "--yes"]).exits(5);
    assert_eq!(remote.show("feat/migration", FILE) + "\n", GOOD);
}

#[test]
fn the_first_ctrl_c_lets_a_git_step_finish() {
    let remote = Remote::new();
    let scenario = slow(&remote);
    let mut terminal = Terminal::start(&scenario, &["component", "code", "--yes"]);
    await_file(&mut terminal, &scenario, "stuck");
    terminal.send("\u{3}");
    terminal.expect("this step is finished first");
    std::fs::write(scenario.path("go"), "").expect("written");
    let (text, code) = terminal.end();
    // It was the last step: there is nothing left to stop before.
    assert!(matches!(code, 5 | 130), "{code}\n{text}");
    assert_eq!(remote.show("feat/migration", FILE) + "\n", GOOD);
}

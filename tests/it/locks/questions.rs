//! What an operator at a terminal is asked about the lock, and what the answers come to.

use rollback::sandbox::View;

use super::{
    LEASE, PATIENCE, at_the_gate, dead_holder, elsewhere, ended, flag, here, holder, open_the_gate,
    run, words, world,
};
use crate::scenario::{Ended, NAMESPACE, Scenario};
use crate::signals::stage::Terminal;

/// A command of ours at a terminal of another machine.
fn at_a_terminal(scenario: &Scenario, arguments: &[&str]) -> Terminal {
    Terminal::of(elsewhere(scenario, arguments))
}

/// Answers and sees it end so; gives what stood on the screen.
fn answered(mut terminal: Terminal, keys: &str, code: i32) -> String {
    terminal.send(keys);
    let (text, ended) = terminal.end();
    assert_eq!(ended, code, "{text}");
    fits(&text);
    words(&text)
}

/// No line of ours is wider than the page.
fn fits(text: &str) {
    for line in text.lines() {
        assert!(line.trim_end().chars().count() <= 80 || line.contains('\u{1b}'), "{line}\n{text}");
    }
}

#[test]
fn a_held_lock_is_waited_for_where_the_operator_says_so() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "15s");
    let mut second = at_a_terminal(&scenario, &["component", "other", "--yes"]);
    second.expect("[w]ait  [q]uit > ");
    second.send("w\n");
    second.expect("waiting for the lock of test / shop");
    open_the_gate(&scenario);
    ended(first).exits(5);
    let text = answered(second, "", 5);
    assert!(text.contains("test / shop is being rolled back by alice on "), "{text}");
    assert!(!text.contains("[p]reempt"), "an equal level cannot be preempted\n{text}");
    assert_eq!(flag(&scenario), "false");
}

#[test]
fn a_held_lock_that_nobody_answers_for_is_left_alone() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "15s");
    for keys in ["\n", "\u{4}", "q\n"] {
        let mut second = at_a_terminal(&scenario, &["component", "other", "--yes"]);
        second.expect("[q]uit > ");
        let text = answered(second, keys, 7);
        assert!(text.contains("nothing was changed"), "{text}");
    }
    let mut second = at_a_terminal(&scenario, &["component", "other", "--yes"]);
    second.expect("[q]uit > ");
    answered(second, "\u{3}", 130);
    assert_eq!(flag(&scenario), "true");
    open_the_gate(&scenario);
    ended(first).exits(5);
}

#[test]
fn a_higher_level_may_choose_to_preempt() {
    let scenario = world();
    let first = at_the_gate(&scenario, &[], "3s");
    let mut second = at_a_terminal(&scenario, &["service", "backend", "--confirm", "backend"]);
    second.expect("[w]ait  [p]reempt it after its step  [q]uit > ");
    second.send("p\n");
    second.expect("asked to stop after its step");
    open_the_gate(&scenario);
    ended(first).exits(7).says("preempted by bob on ");
    answered(second, "", 5);
    assert_eq!(flag(&scenario), "false");
}

#[test]
fn a_suspect_lock_is_taken_over_only_where_the_operator_says_so() {
    let scenario = world();
    let id = dead_holder(&scenario, "2s");
    let waiting = ["component", "other", "--yes", "--lock-timeout", "60s"];
    let mut second = at_a_terminal(&scenario, &waiting);
    second.expect("[t]akeover  [w]ait  [q]uit > ");
    let text = answered(second, "\n", 7);
    assert!(text.contains(&format!("rollback unlock {id}")), "{text}");
    assert_eq!(holder(&scenario), Some(id.clone()), "nobody was robbed");
    // Without any flag as well: first the holder is waited for, then it is suspect.
    let mut second = at_a_terminal(&scenario, &["component", "other", "--yes"]);
    second.expect("[w]ait  [q]uit > ");
    second.send("w\n");
    second.expect("[t]akeover  [w]ait  [q]uit > ");
    let text = answered(second, "t\n", 5);
    assert!(text.contains("suspect: no sign of life for 2s"), "{text}");
    assert!(text.contains("if it lives, it begins no further step"), "{text}");
    assert_eq!((flag(&scenario).as_str(), holder(&scenario)), ("false", None));
    let told = run_of(&scenario, &["runs", "show", "-o", "json"]).json();
    let from = &told["lock_taken_over"][0];
    assert_eq!((&from["from_run"], &from["holder"]), (&id.clone().into(), &"alice".into()));
    assert_eq!((&from["by"], &from["operator"]), (&"prompt".into(), &"bob".into()));
    assert!(from["held_ms"].as_u64().is_some_and(|held| held >= 2000), "{from}");
    assert_eq!(from["silent_ms"], 2000);
    let before =
        format!("the lock was taken over from alice on {}", from["host"].as_str().expect("a host"));
    for command in [&["runs", "show"][..], &["report"]] {
        let said = words(&run_of(&scenario, command).stdout);
        for part in [&before, &id, "step 1 of 2 (Wait at the gate)", "no sign of life for 2s"] {
            assert!(said.contains(part), "{command:?} {part}\n{said}");
        }
    }
    open_the_gate(&scenario);
}

/// A command of the one who took the lock over.
fn run_of(scenario: &Scenario, arguments: &[&str]) -> Ended {
    run(elsewhere(scenario, arguments)).exits(0)
}

#[test]
fn a_lock_that_is_freed_while_its_takeover_is_asked_about_was_not_taken_over() {
    let scenario = world();
    dead_holder(&scenario, "2s");
    let waiting = ["component", "other", "--yes", "--lock-timeout", "60s"];
    let mut second = at_a_terminal(&scenario, &waiting);
    second.expect("[t]akeover  [w]ait  [q]uit > ");
    scenario.world().delete("leases", NAMESPACE, LEASE).expect("freed by somebody");
    answered(second, "t\n", 5);
    let told = run_of(&scenario, &["runs", "show", "-o", "json"]).json();
    assert_eq!(told["lock_taken_over"], serde_json::json!([]), "nobody was robbed");
    open_the_gate(&scenario);
}

#[test]
fn where_leases_are_forbidden_the_operator_decides_and_the_journal_says_who() {
    for (keys, code, value) in [("\n", 4, "true"), ("y\n", 5, "false")] {
        let scenario = world();
        scenario.world().deny("admin", "create", "leases", "*");
        let mut terminal = Terminal::start(&scenario, &["component", "other", "--yes"]);
        terminal.expect("Go on without the lock? [y/N] ");
        let text = answered(terminal, keys, code);
        assert!(text.contains("no permission to create leases.coordination.k8s.io"), "{text}");
        assert!(text.contains("Without it nothing keeps somebody else"), "{text}");
        assert_eq!(flag(&scenario), value);
        if code == 4 {
            assert!(text.contains("--without-lock") && scenario.runs().is_empty(), "{text}");
            continue;
        }
        let records = scenario.records();
        let waived = records.iter().find(|it| it["type"] == "lock_waived").expect("recorded");
        assert_eq!((&waived["by"], &waived["operator"]), (&"prompt".into(), &"alice".into()));
        let shown = here(&scenario, &["runs", "show"]).exits(0);
        let shown = words(&shown.stdout);
        assert!(shown.contains("going on without the lock: the lock of test / shop"), "{shown}");
        assert!(shown.contains("(prompt, alice)"), "{shown}");
        let json = here(&scenario, &["runs", "show", "-o", "json"]).exits(0).json();
        assert!(json.to_string().contains("\"by\":\"prompt\""), "{json}");
        here(&scenario, &["report"]).exits(0).says("Without the lock");
    }
}

#[test]
fn a_bot_that_goes_without_the_lock_leaves_that_in_its_journal() {
    let scenario = world();
    scenario.world().deny("admin", "create", "leases", "*");
    here(&scenario, &["component", "other", "--yes", "--without-lock"]).exits(5);
    let records = scenario.records();
    let waived = records.iter().find(|it| it["type"] == "lock_waived").expect("recorded");
    assert_eq!(waived["by"], "--without-lock");
    run(elsewhere(&scenario, &["runs"])).exits(0);
}

#[test]
fn a_lock_that_cannot_be_renewed_is_asked_about_before_the_next_step() {
    for (keys, code, value) in [("\n", 7, "true"), ("y\n", 5, "false")] {
        let scenario = world();
        let mut command = scenario.command(&["component", "gated", "--yes"]);
        command.env("ROLLBACK_LEASE", "1s");
        let mut terminal = Terminal::of(command);
        terminal.expect("Wait at the gate");
        let held = |view: &View| view.get("leases", NAMESPACE, LEASE).is_some();
        assert!(scenario.world().wait_until(PATIENCE, held));
        scenario.world().deny("admin", "update", "leases", "*");
        terminal.expect("the lock cannot be renewed");
        std::thread::sleep(std::time::Duration::from_millis(1100));
        open_the_gate(&scenario);
        terminal.expect("Go on without the lock? [y/N] ");
        let text = answered(terminal, keys, code);
        assert!(text.contains("Somebody else may"), "{text}");
        assert_eq!(flag(&scenario), value);
        let waived = scenario.records().iter().any(|it| it["type"] == "lock_waived");
        assert_eq!(waived, code == 5);
    }
}

#[test]
#[ignore = "nightly: it waits for a server that is silent"]
fn where_the_api_server_is_silent_the_operator_decides() {
    let scenario = world();
    let mut terminal = Terminal::start(&scenario, &["component", "other"]);
    terminal.expect("in test? [y/N] ");
    scenario.world().hang(true);
    terminal.send("y\n");
    terminal.expect("Go on without the lock? [y/N] ");
    let text = answered(terminal, "\n", 4);
    assert!(text.contains("no answer from the API server"), "{text}");
    assert!(text.contains("nothing was changed"), "{text}");
    scenario.world().hang(false);
    assert_eq!(flag(&scenario), "true");
}

//! Signals at every tenth of a second of a run at a terminal: the journal is valid, the run can be
//! resumed, the terminal is as it was.

use std::time::{Duration, Instant};

use super::stage::{Terminal, busy, cursor_is_shown};
use crate::scenario::{Endpoint, Scenario};

/// Lets a run go on until `instant`, acts, and sees to what is left of it. Gives its exit code.
fn strike(instant: Duration, act: &dyn Fn(&mut Terminal)) -> i32 {
    let endpoint = Endpoint::status(503);
    let scenario = busy(&endpoint);
    let mut terminal = Terminal::start(&scenario, &["component", "busy"]);
    let begun = Instant::now();
    let mut acted = false;
    while !terminal.over_now() {
        if !acted && begun.elapsed() >= instant {
            acted = true;
            act(&mut terminal);
        }
        terminal.look();
        terminal.answer("y\n");
        std::thread::sleep(Duration::from_millis(2));
        assert!(begun.elapsed() < Duration::from_secs(90), "it hangs\n{}", terminal.text);
    }
    let (text, code) = terminal.end();
    check(&scenario, &text, code, instant);
    code
}

fn check(scenario: &Scenario, text: &str, code: i32, instant: Duration) {
    let place = format!("at {instant:?}, exit {code}\n{text}");
    if code == -1 && text.is_empty() {
        assert!(scenario.runs().is_empty(), "{place}: it died before it was up");
        return;
    }
    assert!(matches!(code, 0 | 5 | 130 | 143), "{place}");
    assert!(cursor_is_shown(text), "the cursor is gone {place}");
    assert!(!text.contains("panicked"), "{place}");
    if scenario.runs().is_empty() {
        assert!(text.contains("nothing was changed"), "{place}");
        return;
    }
    scenario.run(&["runs", "show"]).exits(0);
    if code == 130 || code == 143 {
        assert!(text.contains("rollback resume"), "no resume command {place}");
        let resumed = scenario.run(&["resume", "--yes", "--answer", "look=pass"]);
        assert!(matches!(resumed.code, Some(0 | 5)), "{place}\n{resumed:?}");
    }
    let witness = std::fs::read_to_string(scenario.path("witness")).unwrap_or_default();
    assert_eq!(witness, "one\ntwo\n", "{place}");
}

/// How long the run takes on this machine, where nobody strikes.
fn span() -> Duration {
    let begun = Instant::now();
    strike(Duration::MAX, &|_| {});
    begun.elapsed().min(Duration::from_millis(1800))
}

/// Strikes at `count` instants of the run, four at a time.
fn strikes(count: u32, act: impl Fn(&mut Terminal, u32) + Sync) -> Vec<i32> {
    let span = span();
    let next = std::sync::atomic::AtomicU32::new(0);
    let codes = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                    if number >= count {
                        return;
                    }
                    let instant = span * number / count;
                    let code = strike(instant, &|terminal| act(terminal, number));
                    codes.lock().expect("lock").push(code);
                }
            });
        }
    });
    codes.into_inner().expect("lock")
}

fn ctrl_c(count: u32) {
    let codes = strikes(count, |terminal, number| {
        for _ in 0..=number % 3 {
            terminal.send("\u{3}");
            std::thread::sleep(Duration::from_millis(30));
        }
    });
    let stopped = codes.iter().filter(|code| matches!(**code, 130 | -1)).count();
    assert!(stopped * 3 > codes.len(), "only {stopped} of {} were stopped", codes.len());
    eprintln!("Ctrl-C, once to three times, at {count} instants: {stopped} stopped, all resumable");
}

fn signals(count: u32) {
    let names = ["TERM", "HUP", "INT"];
    let codes = strikes(count, |terminal, number| {
        terminal.signal(names[number as usize % names.len()]);
    });
    let stopped = codes.iter().filter(|code| matches!(**code, 130 | 143 | -1)).count();
    assert!(stopped * 3 > codes.len(), "only {stopped} of {} were stopped", codes.len());
    eprintln!("TERM, HUP and INT at {count} instants: {stopped} stopped, all resumable");
}

fn suspended(count: u32) {
    let codes = strikes(count, |terminal, _| {
        terminal.signal("TSTP");
        std::thread::sleep(Duration::from_millis(100));
        terminal.signal("CONT");
    });
    assert!(codes.iter().all(|code| *code == 5), "{codes:?}");
    eprintln!("TSTP and CONT at {count} instants: all came to their end");
}

#[test]
fn ctrl_c_at_any_instant_leaves_a_valid_journal_and_a_run_that_can_be_resumed() {
    ctrl_c(14);
}

#[test]
fn a_signal_at_any_instant_leaves_a_valid_journal_and_a_run_that_can_be_resumed() {
    signals(9);
}

#[test]
fn a_suspended_run_goes_on_where_it_was() {
    suspended(6);
}

#[test]
#[ignore = "for `make nightly`: every ten milliseconds"]
fn signals_every_ten_milliseconds_leave_a_run_that_can_be_resumed() {
    ctrl_c(180);
    signals(180);
    suspended(90);
}

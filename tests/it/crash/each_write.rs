//! A run of six steps, killed at every write and every sync of its journal, and the same with a
//! disk that is full or broken.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::trace::{Tampered, can_trace, journal_calls, lines, tamper};
use crate::scenario::{Endpoint, Scenario};

/// Steps that leave a witness, in order.
const STEPS: [&str; 4] = ["one", "two", "three", "four"];

/// Four changes that append to a witness, a wait and a check: six steps.
fn six_steps(endpoint: &Endpoint) -> Scenario {
    let scenario = Scenario::new();
    let witness = scenario.path("witness").display().to_string();
    let mut body = "methods:\n  flag:\n    steps:\n".to_owned();
    for step in STEPS {
        body += &format!(
            "      - id: {step}\n        name: Do {step}\n        \
             command: [sh, -c, \"echo {step} >> {witness}\"]\n        \
             probe: [grep, -q, {step}, {witness}]\n"
        );
    }
    body += "      - name: Wait\n        wait: 5ms\n";
    body += &format!("      - name: Ask\n        http: {{ url: \"{}\" }}\n", endpoint.url("/"));
    scenario.component("six", &body)
}

const RUN: [&str; 5] = ["component", "six", "--yes", "--output", "json"];

/// What was done, and how often.
fn done(scenario: &Scenario) -> BTreeMap<String, usize> {
    let mut done = BTreeMap::new();
    for line in lines(&scenario.path("witness")) {
        *done.entry(line).or_default() += 1;
    }
    done
}

/// What a run that was stopped anywhere must allow: either nothing was done and it says so, or a
/// resume finishes it with every step done once.
fn comes_to_its_end(scenario: &Scenario, place: &str) {
    let until = Instant::now() + Duration::from_secs(60);
    let mut resumed = scenario.run(&["resume", "--yes"]);
    // A command that outlived the run is waited for.
    while resumed.stdout.contains("still runs") && Instant::now() < until {
        resumed = scenario.run(&["resume", "--yes"]);
    }
    match resumed.code {
        Some(5) => {}
        Some(2) if resumed.stderr.contains("there is no run yet") => {
            assert!(done(scenario).is_empty(), "{place}");
            return;
        }
        Some(4) if resumed.stderr.contains("cut off before it began") => {
            assert!(done(scenario).is_empty(), "{place}");
            return;
        }
        Some(2) if resumed.stderr.contains("is over") => {}
        _ => panic!("{place}: {resumed:?}"),
    }
    let expected: BTreeMap<String, usize> =
        STEPS.iter().map(|step| ((*step).to_owned(), 1)).collect();
    assert_eq!(done(scenario), expected, "{place}");
    scenario.run(&["runs", "show"]).exits(0);
}

/// Tampers with the first, second, ... call of each kind until there is none; gives how many.
fn at_each(
    action: &str,
    syscalls: &[&str],
    check: impl Fn(&Scenario, &Tampered, &str) + Sync,
) -> usize {
    let count = std::sync::atomic::AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for syscall in syscalls {
            let (check, count) = (&check, &count);
            scope.spawn(move || {
                let endpoint = Endpoint::status(200);
                for when in 1.. {
                    let scenario = six_steps(&endpoint);
                    let tampered = tamper(&scenario, syscall, action, when, &RUN);
                    if !tampered.hit {
                        tampered.ended.exits(5);
                        break;
                    }
                    check(&scenario, &tampered, &format!("{action} at {syscall} {when}"));
                    count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
                }
            });
        }
    });
    count.into_inner()
}

#[test]
fn a_run_killed_at_every_write_and_sync_loses_no_step_and_repeats_none() {
    if !can_trace() {
        return;
    }
    let points =
        at_each("signal=KILL", &["write", "fdatasync", "fsync"], |scenario, tampered, place| {
            assert_eq!(tampered.ended.code, None, "{place}: it was killed");
            comes_to_its_end(scenario, place);
        });
    assert!(points > 30, "{points} points are too few: is the main thread traced?");
    eprintln!("SIGKILL at {points} points: 0 finished steps lost, 0 steps done twice");
}

/// What a run must be whose journal met an error.
fn no_effect_without_its_intent(scenario: &Scenario, tampered: &Tampered, place: &str) {
    let code = tampered.ended.code;
    assert!(matches!(code, Some(4 | 10)), "{place}: {:?}", tampered.ended);
    assert!(tampered.ended.stderr.contains("journal cannot be written"), "{place}");
    let intended =
        scenario.records().iter().filter(|record| record["type"] == "step_intended").count();
    let did: usize = done(scenario).values().sum();
    assert!(did <= intended, "{place}: {did} effects, {intended} intents");
    if code == Some(4) {
        assert_eq!(did, 0, "{place}: exit 4 says that nothing was changed");
    }
    comes_to_its_end(scenario, place);
}

#[test]
fn a_full_or_broken_disk_at_every_write_of_the_journal_stops_the_run_before_the_next_effect() {
    if !can_trace() {
        return;
    }
    let endpoint = Endpoint::status(200);
    let calls = journal_calls(&six_steps(&endpoint), &RUN);
    let mut points = BTreeMap::<&str, usize>::new();
    for (syscall, when) in &calls {
        let error = if syscall == "write" { "ENOSPC" } else { "EIO" };
        let scenario = six_steps(&endpoint);
        let tampered = tamper(&scenario, syscall, &format!("error={error}"), *when, &RUN);
        let place = format!("{error} at {syscall} {when}");
        assert!(tampered.journal, "{place}: it is a call on the journal");
        no_effect_without_its_intent(&scenario, &tampered, &place);
        *points.entry(error).or_default() += 1;
    }
    // At least six intents and six ends are written and synced.
    assert!(points.len() == 2 && points.values().all(|it| *it > 12), "{points:?}");
    eprintln!("{points:?} points: 0 effects without a durable intent");
}

#[test]
#[ignore = "for `make nightly`: each error at each call"]
fn each_error_at_each_write_and_sync_stops_the_run_before_the_next_effect() {
    if !can_trace() {
        return;
    }
    for error in ["ENOSPC", "EIO", "EDQUOT", "EROFS"] {
        let calls = ["write", "fdatasync", "fsync"];
        let points = at_each(&format!("error={error}"), &calls, |scenario, tampered, place| {
            if tampered.journal {
                no_effect_without_its_intent(scenario, tampered, place);
            }
        });
        assert!(points > 30, "{points} points are too few");
        eprintln!("{error} at {points} points: 0 effects without a durable intent");
    }
}

#[test]
fn a_state_directory_that_cannot_be_written_blocks_the_run_before_any_change() {
    let endpoint = Endpoint::status(200);
    let scenario = six_steps(&endpoint);
    // A file where a directory must be stands in for one without rights, which root ignores.
    std::fs::write(scenario.path("state/rollback"), "").expect("written");
    scenario.run(&RUN).exits(4).says("XDG_STATE_HOME");
    assert!(done(&scenario).is_empty());
}

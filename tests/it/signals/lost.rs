//! A pipe that is closed after any number of lines, and a terminal that goes away: no panic, no
//! step lost.

use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use crate::scenario::Scenario;

fn three_steps() -> Scenario {
    let scenario = Scenario::new();
    let witness = scenario.path("witness").display().to_string();
    let steps: String = ["one", "two", "three"]
        .iter()
        .map(|step| {
            format!(
                "      - id: {step}\n        name: Do {step}\n        command: [sh, -c, \"echo said; \
                 sleep 0.1; echo {step} >> {witness}\"]\n        probe: [grep, -q, {step}, {witness}]\n"
            )
        })
        .collect();
    scenario.component("three", &format!("methods:\n  flag:\n    steps:\n{steps}"))
}

fn complete(scenario: &Scenario, place: &str) {
    let witness = std::fs::read_to_string(scenario.path("witness")).unwrap_or_default();
    assert_eq!(witness, "one\ntwo\nthree\n", "{place}");
    let records = scenario.records();
    assert_eq!(records.last().expect("records")["type"], "run_finished", "{place}");
}

/// Reads so many lines of a stream, then closes it; gives whether there was one more.
fn close_after(lines: usize, arguments: &[&str], stderr: bool) -> bool {
    let scenario = three_steps();
    let mut child = scenario.start(arguments);
    let (out, err) = (child.stdout.take().expect("piped"), child.stderr.take().expect("piped"));
    let (cut, mut kept): (Box<dyn std::io::Read + Send>, Box<dyn std::io::Read + Send>) =
        if stderr { (Box::new(err), Box::new(out)) } else { (Box::new(out), Box::new(err)) };
    let other = std::thread::spawn(move || {
        let mut text = String::new();
        let _ = kept.read_to_string(&mut text);
        text
    });
    let mut reader = BufReader::new(cut);
    let mut read = 0;
    let mut line = String::new();
    while read < lines && reader.read_line(&mut line).is_ok_and(|got| got > 0) {
        read += 1;
        line.clear();
    }
    drop(reader);
    let code = child.wait().expect("it ends").code();
    let other = other.join().expect("read");
    let place = format!("{arguments:?} closed after {lines} lines");
    assert_eq!(code, Some(5), "{place}\n{other}");
    assert!(!other.contains("panicked") && !other.contains("bug in rollback"), "{place}\n{other}");
    complete(&scenario, &place);
    read == lines
}

#[test]
#[ignore = "nightly: a loop over every line"]
fn a_pipe_closed_after_any_line_is_no_crash_and_loses_no_step() {
    let forms: [(&[&str], bool); 3] = [
        (&["component", "three", "--yes", "--output", "jsonl"], false),
        (&["component", "three", "--yes"], true),
        (&["component", "three", "--yes"], false),
    ];
    let points: usize = std::thread::scope(|scope| {
        let workers: Vec<_> = forms
            .iter()
            .map(|(arguments, stderr)| {
                scope.spawn(|| {
                    (0..1000).take_while(|lines| close_after(*lines, arguments, *stderr)).count()
                })
            })
            .collect();
        workers.into_iter().map(|worker| worker.join().expect("no panic")).sum()
    });
    assert!(points > 30, "{points}");
    eprintln!("pipes closed after each of {points} lines: 0 panics, 0 lost steps");
}

#[test]
fn streams_that_were_never_open_are_no_crash() {
    for closed in [">&-", "2>&-", "<&-", "<&- >&- 2>&-", ">/dev/full 2>/dev/full"] {
        let scenario = three_steps();
        let line = format!("exec \"$0\" \"$@\" {closed}");
        let front = ["sh", "-c", &line];
        let output = scenario
            .command_through(&front, &["component", "three", "--yes"])
            .output()
            .expect("it runs");
        assert_eq!(output.status.code(), Some(5), "{closed}");
        complete(&scenario, closed);
    }
}

#[test]
fn a_reader_that_stops_reading_does_not_hold_a_run_for_ever() {
    let scenario = three_steps();
    // Nobody reads: 64 KiB of pipe are filled by the output of the command.
    let mut child = scenario.start(&["component", "three", "--yes", "--output", "jsonl"]);
    let status = child.wait().expect("it ends");
    assert_eq!(status.code(), Some(5));
    complete(&scenario, "nobody reads");
}

#[test]
fn a_terminal_that_goes_away_leaves_a_run_that_can_be_resumed() {
    let mut struck = 0;
    for millis in [50, 150, 250, 350, 450] {
        let scenario = three_steps();
        let front = ["sh", "-c", "\"$0\" \"$@\" & wait"];
        let mut command: Command =
            scenario.command_through(&front, &["component", "three", "--yes"]);
        command.stdin(Stdio::inherit()).stdout(Stdio::inherit()).stderr(Stdio::inherit());
        command.env("TERM", "xterm");
        let session = rexpect::session::spawn_command(command, Some(60_000)).expect("a terminal");
        std::thread::sleep(Duration::from_millis(millis));
        drop(session);
        let until = Instant::now() + Duration::from_secs(60);
        loop {
            // It may not have begun: then nothing may have been done.
            if scenario.runs().is_empty() {
                std::thread::sleep(Duration::from_millis(500));
                if scenario.runs().is_empty() {
                    assert!(!scenario.path("witness").exists());
                    break;
                }
            }
            let ended = scenario.run(&["resume", "--yes"]);
            if ended.code != Some(7) {
                struck += usize::from(ended.code == Some(5));
                assert!(matches!(ended.code, Some(5 | 2)), "{millis}: {ended:?}");
                complete(&scenario, &format!("hung up after {millis} ms"));
                break;
            }
            assert!(Instant::now() < until, "{millis}: it goes on for ever");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    eprintln!("terminal gone at 5 instants: {struck} runs resumed, 0 lost steps");
}

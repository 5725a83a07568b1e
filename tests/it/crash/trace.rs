//! `strace` as the hand that stops or fails one system call of the main thread, which is the one
//! that writes the journal.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;
use std::sync::OnceLock;

use crate::scenario::{Ended, Scenario};

/// Whether `strace` works here. Where it does not, the tests that need it say so and prove nothing;
/// `.ci/run` installs it.
pub fn can_trace() -> bool {
    static CAN: OnceLock<bool> = OnceLock::new();
    *CAN.get_or_init(|| {
        let can = Command::new("strace")
            .args(["-qq", "-o", "/dev/null", "true"])
            .status()
            .is_ok_and(|status| status.success());
        if !can {
            eprintln!("SKIPPED, NOTHING IS PROVED: strace is missing or may not trace here");
        }
        assert!(can || std::env::var_os("CI").is_none(), "strace is needed in CI");
        can
    })
}

/// A run of ours in which one system call was tampered with.
pub struct Tampered {
    /// How it ended; none as exit code when it was killed.
    pub ended: Ended,
    /// Whether the call came.
    pub hit: bool,
    /// Whether it was on the journal.
    pub journal: bool,
}

/// Runs a command of ours; `action` (such as `signal=KILL`) befalls the `when`-th `syscall`.
pub fn tamper(
    scenario: &Scenario,
    syscall: &str,
    action: &str,
    when: usize,
    arguments: &[&str],
) -> Tampered {
    let log = scenario.path("strace.log");
    let (trace, inject) =
        (format!("trace={syscall}"), format!("inject={syscall}:{action}:when={when}"));
    let log_text = log.display().to_string();
    let front = ["strace", "-qq", "-y", "-s", "8", "-o", &log_text, "-e", &trace, "-e", &inject];
    let output = scenario.command_through(&front, arguments).output().expect("strace starts");
    let text = std::fs::read_to_string(&log).unwrap_or_default();
    let _ = std::fs::remove_file(&log);
    let line = text.lines().filter(|line| line.starts_with(syscall)).nth(when - 1);
    Tampered {
        ended: Ended {
            code: output.status.code(),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        },
        hit: line.is_some(),
        journal: line.is_some_and(|line| line.contains("journal.jsonl")),
    }
}

/// The writes and syncs of the journal in a run of ours: the call, and which of its kind it is.
pub fn journal_calls(scenario: &Scenario, arguments: &[&str]) -> Vec<(String, usize)> {
    let log = scenario.path("strace.log").display().to_string();
    let front = ["strace", "-qq", "-y", "-s", "8", "-o", &log, "-e", "trace=write,fdatasync"];
    scenario.command_through(&front, arguments).output().expect("strace starts");
    let mut counts = BTreeMap::new();
    let mut calls = Vec::new();
    for line in lines(Path::new(&log)) {
        let Some((name, rest)) = line.split_once('(') else { continue };
        let count: &mut usize = counts.entry(name.to_owned()).or_default();
        *count += 1;
        if rest.contains("journal.jsonl") {
            calls.push((name.to_owned(), *count));
        }
    }
    calls
}

/// The lines of a file, none where it is not there.
pub fn lines(path: &Path) -> Vec<String> {
    std::fs::read_to_string(path).unwrap_or_default().lines().map(str::to_owned).collect()
}

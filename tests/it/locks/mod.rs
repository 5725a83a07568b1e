//! One run per environment, across machines: what the holder, the one who waits and the one who
//! comes after a crash see, and what the cluster sees of them.

pub mod contention;
mod death;
mod late;
mod questions;
mod sharing;

use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::scenario::{Ended, NAMESPACE, Scenario};

/// The Lease of every scenario.
const LEASE: &str = "rollback-shop";

/// Longer than anything here takes on a machine that is busy with something else.
const PATIENCE: Duration = Duration::from_secs(60);

/// A component whose first step waits until the gate is opened, and whose second turns a flag off;
/// a service above it; a second component beside it.
fn world() -> Scenario {
    let scenario = Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]);
    let gate = scenario.path("gate");
    assert!(Command::new("mkfifo").arg(&gate).status().expect("mkfifo").success());
    let flag = "      - name: Turn the flag off\n        \
                set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }\n";
    let passed = scenario.path("passed");
    let wait = format!("test -e {0} || cat {1}; touch {0}", passed.display(), gate.display());
    let gated = format!(
        "methods:\n  flag:\n    steps:\n      - name: Wait at the gate\n        \
         command: [sh, -c, \"{wait}\"]\n        idempotent: true\n{flag}"
    );
    let ungated = format!("methods:\n  flag:\n    steps:\n{flag}");
    scenario.component("gated", &gated).component("other", &ungated).file(
        "runbooks/services/backend.yaml",
        &format!(
            "apiVersion: rollback/v1\nlevel: service\nname: backend\ntitle: backend\n{ungated}"
        ),
    )
}

/// A command of ours on another machine: it shares the cluster and nothing else.
fn elsewhere(scenario: &Scenario, arguments: &[&str]) -> Command {
    let mut command = scenario.command(arguments);
    command.env("XDG_STATE_HOME", scenario.path("elsewhere")).env("USER", "bob");
    command
}

fn run(mut command: Command) -> Ended {
    ended(command.spawn().expect("rollback starts"))
}

/// The same on the first machine.
fn here(scenario: &Scenario, arguments: &[&str]) -> Ended {
    run(scenario.command(arguments))
}

/// How it ended; what it said without the line breaks that fit it to the page.
fn ended(child: Child) -> Ended {
    let output = child.wait_with_output().expect("it ends");
    Ended {
        code: output.status.code(),
        stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
        stderr: words(&String::from_utf8_lossy(&output.stderr)),
    }
}

/// Reads what a run says until it says this; the pipe stays open to whatever it says later.
fn says_meanwhile(child: &mut Child, wanted: &str) {
    let mut pipe = child.stderr.take().expect("a pipe");
    let (mut text, mut piece) = (Vec::new(), [0; 4096]);
    while !words(&String::from_utf8_lossy(&text)).contains(wanted) {
        let count = std::io::Read::read(&mut pipe, &mut piece).expect("read");
        let said = String::from_utf8_lossy(&text);
        assert!(count > 0, "it ended without saying {wanted:?}\n{said}");
        text.extend(&piece[..count]);
    }
    child.stderr = Some(pipe);
}

/// The id of a run that was killed while it held the lock; its command works on.
fn dead_holder(scenario: &Scenario, lease: &str) -> String {
    let mut dead = at_the_gate(scenario, &[], lease);
    let id = holder(scenario).expect("held");
    dead.kill().expect("killed");
    dead.wait().expect("it is gone");
    id
}

/// A run of the gated component that has come to the gate, with the lock in its hand.
fn at_the_gate(scenario: &Scenario, arguments: &[&str], lease: &str) -> Child {
    let mut all = vec!["component", "gated", "--yes", "--incident", "INC-7"];
    all.extend(arguments);
    let child = scenario.command(&all).env("ROLLBACK_LEASE", lease).spawn().expect("it starts");
    let came = scenario.world().wait_until(PATIENCE, |view| {
        view.get("leases", NAMESPACE, LEASE)
            .is_some_and(|lease| note(&lease, "step").as_str() > "0")
    });
    assert!(came, "it takes the lock and begins its first step");
    // The step's command has begun, not only its step.
    let begun = Instant::now();
    let journal = |id: String| scenario.state().join("runs").join(id).join("journal.jsonl");
    let has_begun = || {
        let text = scenario.runs().pop().map(|id| std::fs::read_to_string(journal(id)));
        text.is_some_and(|text| text.unwrap_or_default().contains("child_started"))
    };
    while !has_begun() {
        assert!(begun.elapsed() < PATIENCE, "the first command does not begin");
        std::thread::sleep(Duration::from_millis(5));
    }
    child
}

fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Lets the run at the gate pass.
fn open_the_gate(scenario: &Scenario) {
    open_fifo(&scenario.path("gate"));
}

/// Opens a pipe for an instant, as soon as somebody reads from it.
fn open_fifo(path: &Path) {
    use std::os::unix::fs::OpenOptionsExt as _;
    let begun = Instant::now();
    let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).expect("a flag");
    while OpenOptions::new().write(true).custom_flags(nonblock).open(path).is_err() {
        assert!(begun.elapsed() < PATIENCE, "nobody waits at {}", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

/// Waits for a file that somebody outside the cluster makes.
fn await_file(path: &Path) {
    let begun = Instant::now();
    while !path.exists() {
        assert!(begun.elapsed() < PATIENCE, "{} does not come", path.display());
        std::thread::sleep(Duration::from_millis(5));
    }
}

fn note(lease: &Value, name: &str) -> String {
    let note = &lease["metadata"]["annotations"][format!("rollback/{name}")];
    note.as_str().unwrap_or_default().to_owned()
}

fn holder(scenario: &Scenario) -> Option<String> {
    let lease = scenario.world().get("leases", NAMESPACE, LEASE)?;
    lease["spec"]["holderIdentity"].as_str().map(str::to_owned)
}

fn flag(scenario: &Scenario) -> String {
    let flags = scenario.world().get("configmaps", NAMESPACE, "flags").expect("flags");
    flags["data"]["NEW_CODE"].as_str().unwrap_or_default().to_owned()
}

fn signal(child: &Child, name: &str) {
    let sent = Command::new("kill").args([name, &child.id().to_string()]).status();
    assert!(sent.expect("kill").success());
}

/// Reads lines of JSON until one is wanted.
fn read_until(
    child: &mut Child,
    wanted: impl Fn(&Value) -> bool,
) -> (Value, BufReader<std::process::ChildStdout>) {
    let mut reader = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut line = String::new();
    loop {
        line.clear();
        assert!(reader.read_line(&mut line).expect("read") > 0, "it ended without saying it");
        let value: Value = serde_json::from_str(&line).expect("JSON");
        if wanted(&value) {
            return (value, reader);
        }
    }
}

/// The program that a name on the PATH stands for.
pub fn which(name: &str) -> PathBuf {
    let path = std::env::var_os("PATH").expect("a PATH");
    std::env::split_paths(&path).map(|dir| dir.join(name)).find(|it| it.is_file()).expect("there")
}

//! A canary as secret, sent through everything that a run shows, keeps or starts.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::scenario::{Endpoint, Scenario};

/// The secret; no six characters of it may be seen.
pub const CANARY: &str = "xq7-canary-93f1kz";

pub fn leaks(text: &str) -> bool {
    (0..=CANARY.len() - 6).any(|at| text.contains(&CANARY[at..at + 6]))
}

/// Files below a directory that hold some of the secret.
pub fn leaking_files(dir: &Path, leaking: &mut Vec<String>, seen: &mut usize) {
    for entry in std::fs::read_dir(dir).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            leaking_files(&path, leaking, seen);
        } else if let Ok(bytes) = std::fs::read(&path) {
            *seen += 1;
            if leaks(&String::from_utf8_lossy(&bytes)) {
                leaking.push(path.display().to_string());
            }
        }
    }
}

/// Steps that print the secret whole, in pieces, beside an escape, at the end of a long line, as an
/// error and in a flood; a server that echoes it; and a step that knows it without naming it.
fn chatty(endpoint: &Endpoint) -> Scenario {
    endpoint.answers(|_| (503, format!("{{\"error\": \"bad token {CANARY}\"}}")));
    let scenario = Scenario::new()
        .env("CANARY", CANARY)
        .file("known", CANARY)
        .settings("apiVersion: rollback/v1\nparameters:\n  token:\n    secret: { env: CANARY }\n");
    let known = scenario.path("known").display().to_string();
    let mut body = "methods:\n  flag:\n    steps:\n".to_owned();
    for (id, script) in [
        ("whole", "echo \\\"it is $TOKEN\\\"; echo \\\"$TOKEN\\\" >&2"),
        ("pieces", "printf '%s' \\\"${TOKEN:0:12}\\\"; sleep 0.25; echo \\\"${TOKEN:12}\\\""),
        ("escape", "printf '%s\\\\033[0m%s\\\\n' \\\"${TOKEN:0:7}\\\" \\\"${TOKEN:7}\\\""),
        ("long", "head -c 4090 /dev/zero | tr '\\\\0' x; echo \\\"$TOKEN\\\""),
        (
            "flood",
            "for i in $(seq 2000); do echo \\\"$i $TOKEN $TOKEN $TOKEN $TOKEN $TOKEN\\\"; done",
        ),
        ("fails", "echo \\\"cannot log in with $TOKEN\\\" >&2; exit 3"),
    ] {
        body += &format!(
            "      - id: {id}\n        name: Say {id}\n        on_failure: continue\n        \
             shell: \"{script}\"\n        env: {{ TOKEN: \"${{token}}\" }}\n"
        );
    }
    body += &format!(
        "      - name: Say it unasked\n        command: [cat, {known}]\n      - name: Ask\n        \
         on_failure: continue\n        timeout: 300ms\n        http:\n          url: \"{}\"\n          \
         headers: {{ Authorization: \"Bearer ${{token}}\" }}\n          \
         contains: fine\n",
        endpoint.url("/")
    );
    scenario.component("chatty", &body)
}

#[test]
fn a_secret_leaves_no_trace_in_output_errors_journal_json_files_or_ps() {
    let stop = Arc::new(AtomicBool::new(false));
    let samples = Arc::new(AtomicUsize::new(0));
    let (stopped, sampled) = (Arc::clone(&stop), Arc::clone(&samples));
    let watcher = std::thread::spawn(move || {
        let mut seen = Vec::new();
        while !stopped.load(Ordering::SeqCst) {
            for entry in std::fs::read_dir("/proc").into_iter().flatten().flatten() {
                let Ok(bytes) = std::fs::read(entry.path().join("cmdline")) else { continue };
                sampled.fetch_add(1, Ordering::SeqCst);
                let text = String::from_utf8_lossy(&bytes).into_owned();
                if leaks(&text) {
                    seen.push(text);
                }
            }
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        seen
    });
    let (mut files, mut shown) = (0, 0);
    let forms: [&[&str]; 3] = [&[], &["--output", "json"], &["--output", "jsonl"]];
    for form in forms {
        let endpoint = Endpoint::status(503);
        let scenario = chatty(&endpoint);
        let ask = |arguments: &[&str]| scenario.run(&[arguments, form].concat());
        ask(&["component", "chatty", "--yes"]).exits(5);
        for ended in [
            ask(&["component", "chatty", "--dry-run"]),
            ask(&["component", "chatty", "--yes"]),
            ask(&["runs", "show"]),
            ask(&["runs"]),
            ask(&["show", "component", "chatty"]),
            ask(&["show", "component", "chatty", "--script"]),
            ask(&["resume", "--yes"]),
        ] {
            shown += 1;
            assert!(ended.code.is_some_and(|code| code < 11), "{ended:?}");
            let said = ended.stdout.clone() + &ended.stderr;
            let line = said.lines().find(|line| leaks(line));
            assert_eq!(line, None, "{form:?}");
        }
        assert!(endpoint.asked().iter().any(|head| head.contains(CANARY)), "it was sent");
        let mut leaking = Vec::new();
        for dir in ["state", "cache", "home"] {
            leaking_files(&scenario.path(dir), &mut leaking, &mut files);
        }
        assert_eq!(leaking, Vec::<String>::new());
    }
    stop.store(true, Ordering::SeqCst);
    let in_ps: Vec<String> = watcher.join().expect("no panic");
    assert_eq!(in_ps, Vec::<String>::new(), "in ps");
    let samples = samples.load(Ordering::SeqCst);
    eprintln!("a canary through {shown} commands, {files} files, {samples} looks at argv: 0 hits");
}

/// A secret that stands in argv: the test above looks for its own there.
const SAID: &str = "hw4-said-71d8mvq";

/// A component that uses a secret and does nothing.
fn quiet(value: &str) -> Scenario {
    Scenario::new()
        .env("CANARY", value)
        .settings(
            "apiVersion: rollback/v1\nparameters:\n  note: { default: none }\n  token:\n    secret: { env: CANARY }\n",
        )
        .component(
            "quiet",
            "methods:\n  flag:\n    steps:\n      - name: Use it\n        command: [sh, -c, \"echo $NOTE\"]\n        \
             env: { TOKEN: \"${token}\", NOTE: \"${note}\" }\n",
        )
}

#[test]
fn a_secret_in_what_the_operator_says_of_a_run_is_hidden_everywhere() {
    let scenario = quiet(SAID);
    let said = format!("the token {SAID} leaked");
    let ended = scenario
        .run(&["component", "quiet", "--yes", "--reason", &said, "--incident", &said])
        .exits(5);
    assert!(!(ended.stdout + &ended.stderr).contains(SAID));
    let start = scenario.records().remove(0);
    assert_eq!(start["reason"], "the token [redacted] leaked");
    assert_eq!(start["incident"], "the token [redacted] leaked");
    let journal = scenario.records().iter().map(ToString::to_string).collect::<String>();
    assert!(!journal.contains(SAID), "{journal}");
}

#[test]
fn a_parameter_that_holds_a_secret_is_refused_since_a_run_journals_its_parameters() {
    let scenario = quiet(SAID);
    let note = format!("note=x{SAID}");
    for flag in ["--dry-run", "--yes"] {
        let ended = scenario.run(&["component", "quiet", flag, "--param", &note]).exits(2);
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("`note` holds the value of the secret `token`"), "{said}");
        assert!(!said.contains(SAID), "{said}");
    }
    assert_eq!(scenario.runs(), Vec::<String>::new());
}

#[test]
fn a_secret_that_is_too_short_to_be_hidden_is_warned_of_by_name() {
    let scenario = quiet("q7z");
    let warning = "the secret `token` has fewer than four characters";
    let ended = scenario.run(&["component", "quiet", "--dry-run"]).exits(0).says(warning);
    assert!(!(ended.stdout + &ended.stderr).contains("q7z"));
    scenario.run(&["component", "quiet", "--yes"]).exits(5).says(warning);
    assert!(scenario.records()[0]["plan"].to_string().contains(warning));
    scenario.run(&["ready"]).says(warning);
}

//! Text from elsewhere is text: no shell reads it, no terminal obeys it; and a flood is a drop.

use std::os::unix::fs::{MetadataExt as _, PermissionsExt, symlink};
use std::time::Duration;

use crate::forge::remote::{FILE, Remote};
use crate::scenario::{Ended, Endpoint, Scenario};

/// Everything that a terminal would obey.
const ESCAPES: &str = "\u{1b}[2J\u{1b}]0;owned\u{7}\u{1b}[31m\u{9b}5m\u{202e}\r\u{8}";

fn one(scenario: Scenario, step: &str) -> Scenario {
    let step = step.replace('\n', "\n        ");
    scenario.component(
        "one",
        &format!("methods:\n  flag:\n    steps:\n      - id: it\n        {step}\n"),
    )
}

#[track_caller]
fn is_clean(ended: &Ended, what: &str) {
    for text in [&ended.stdout, &ended.stderr] {
        let bad =
            text.chars().find(|c| !rollback::terminal::sanitize::is_harmless(*c) && *c != '\n');
        assert_eq!(bad, None, "{what}: {text:?}");
    }
}

fn in_all_forms(scenario: &Scenario, what: &str) {
    for form in ["text", "json", "jsonl"] {
        for arguments in [
            &["component", "one", "--dry-run"][..],
            &["component", "one", "--yes"],
            &["runs", "show"],
            &["runs"],
            &["show", "component", "one"],
            &["resume"],
        ] {
            let ended = scenario.run(&[arguments, &["--output", form]].concat());
            assert_ne!(ended.code, Some(70), "{ended:?}");
            is_clean(&ended, &format!("{what} {arguments:?} {form}"));
        }
    }
}

#[test]
fn escape_sequences_from_anywhere_never_reach_the_terminal() {
    let printed = Scenario::new().file("escapes", ESCAPES);
    let file = printed.path("escapes").display().to_string();
    let printed = one(
        printed,
        &format!("name: Print\ncommand: [sh, -c, \"cat {file}; cat {file} >&2; exit 1\"]"),
    );
    in_all_forms(&printed, "output");
    let endpoint = Endpoint::new(|_| (503, ESCAPES.repeat(3)));
    let step = |more: &str| {
        format!("name: Ask\nhttp: {{ url: \"{}\"{more} }}\ntimeout: 200ms", endpoint.url("/"))
    };
    in_all_forms(&one(Scenario::new(), &step(", contains: fine")), "body");
    endpoint.answers(|_| (302, ESCAPES.repeat(3)));
    in_all_forms(&one(Scenario::new(), &step("")), "redirect");
    endpoint.answers(|_| (200, format!("{{\"status\": \"{}\"}}", "\\u001b[31m\\u009b5m\\u202e")));
    in_all_forms(&one(Scenario::new(), &step(", json: { status: ok }")), "JSON");
}

#[test]
fn escape_sequences_of_commits_branches_and_kubectl_never_reach_the_terminal() {
    let remote = Remote::new();
    remote.git(&["commit", "-q", "--allow-empty", "-m", &format!("feat: {ESCAPES} more")]);
    remote.write(FILE, "def dispatch():\n    return 'worse'\n");
    let commit = remote.commit(&format!("feat: worse {ESCAPES}"));
    remote.push("feat/migration");
    remote.hook("pre-receive", &format!("#!/bin/sh\nprintf '%s' '{ESCAPES}' >&2\nexit 1\n"));
    let settings = format!("apiVersion: rollback/v1\nrepository: {}\n", remote.url());
    let step = format!(
        "name: Revert\nrevert_commits: {{ branch: feat/migration, commits: [{commit}], message: back }}"
    );
    in_all_forms(&one(Scenario::new().settings(&settings), &step), "git");
    let kubectl = format!("#!/bin/sh\nprintf '%s' 'error: {ESCAPES}' >&2\nexit 1\n");
    let scenario = Scenario::new().program("kubectl", &kubectl);
    in_all_forms(&one(scenario, "name: Restart\nrestart: [deployment/backend]"), "kubectl");
}

#[test]
fn names_and_parameters_are_never_a_shell_s_text() {
    let scenario = Scenario::new();
    let trap = scenario.path("owned").display().to_string();
    let evil = format!("$(touch {trap}) `touch {trap}` ; touch {trap} '\" && touch {trap} #");
    let body = "parameters:\n  word: { description: any }\nmethods:\n  flag:\n    steps:\n      - name: Say\n        \
                command: [echo, \"${word}\"]\n      - name: Script\n        shell: echo \"$word\"\n";
    let scenario = scenario.component("evil", body);
    let given = format!("word={evil}");
    let ended = scenario.run(&["component", "evil", "--yes", "--param", &given]);
    assert!(matches!(ended.code, Some(2 | 3 | 5)), "{ended:?}");
    scenario.run(&["show", "component", "evil", "--script", "--param", &given]);
    for name in [evil.as_str(), "../../etc/passwd", "\u{1b}[31mx", "-rf", "a b", ""] {
        let ended = scenario.run(&["component", name, "--yes"]);
        assert!(matches!(ended.code, Some(2..=4)), "{name:?}: {ended:?}");
        is_clean(&ended, name);
    }
    assert!(!scenario.path("owned").exists(), "a shell read it");
}

#[test]
fn what_a_run_keeps_is_for_its_owner_only() {
    let scenario = one(Scenario::new(), "name: Say\ncommand: [echo, hello]");
    // Somebody made it for all before.
    std::fs::create_dir_all(scenario.state()).expect("made");
    std::fs::set_permissions(scenario.state(), PermissionsExt::from_mode(0o777)).expect("mode");
    scenario.run(&["component", "one", "--yes"]).exits(5);
    let mut open = Vec::new();
    let mut dirs = vec![scenario.state()];
    while let Some(dir) = dirs.pop() {
        let mode = std::fs::symlink_metadata(&dir).expect("there").mode() & 0o777;
        if mode & 0o077 != 0 {
            open.push(format!("{} {mode:o}", dir.display()));
        }
        if dir.is_dir() {
            dirs.extend(std::fs::read_dir(&dir).expect("read").flatten().map(|entry| entry.path()));
        }
    }
    assert_eq!(open, Vec::<String>::new());
}

#[test]
fn a_state_directory_that_is_a_link_is_refused_and_what_it_leads_to_is_untouched() {
    for part in ["state/rollback", "state/rollback/runs"] {
        let scenario = one(Scenario::new(), "name: Say\ncommand: [echo, hello]");
        let elsewhere = scenario.path("elsewhere");
        std::fs::create_dir_all(&elsewhere).expect("made");
        let link = scenario.path(part);
        std::fs::create_dir_all(link.parent().expect("a parent")).expect("made");
        symlink(&elsewhere, &link).expect("linked");
        scenario.run(&["component", "one", "--yes"]).exits(4).says("link");
        let inside = std::fs::read_dir(&elsewhere).expect("read").count();
        assert_eq!(inside, 0, "{part}");
    }
    for part in ["", "/journal.jsonl"] {
        let scenario = one(Scenario::new(), "name: Fails\ncommand: [sh, -c, \"kill -9 $PPID\"]");
        scenario.run(&["component", "one", "--yes"]);
        let run = scenario.state().join("runs").join(&scenario.runs()[0]);
        let (linked, elsewhere) = (run.display().to_string() + part, scenario.path("elsewhere"));
        std::fs::rename(&linked, &elsewhere).expect("moved");
        symlink(&elsewhere, &linked).expect("linked");
        let journal = if part.is_empty() { elsewhere.join("journal.jsonl") } else { elsewhere };
        let before = std::fs::read(&journal).expect("read");
        for command in [&["resume", "--yes"][..], &["runs", "show"], &["runs"]] {
            let ended = scenario.run(command);
            assert!(matches!(ended.code, Some(2 | 4 | 10)), "{part} {command:?}: {ended:?}");
        }
        assert_eq!(std::fs::read(&journal).expect("read"), before, "{part}");
    }
}

#[test]
fn a_link_in_place_of_the_lock_is_refused_and_what_it_leads_to_is_not_touched() {
    let scenario = one(Scenario::new(), "name: Does\ncommand: [\"true\"]");
    scenario.run(&["component", "one", "--yes"]).exits(5);
    let locks = scenario.state().join("locks");
    let lock = std::fs::read_dir(&locks).expect("read").flatten().next().expect("a lock").path();
    let precious = scenario.path("precious");
    std::fs::write(&precious, "mine\n").expect("written");
    std::fs::remove_file(&lock).expect("removed");
    std::os::unix::fs::symlink(&precious, &lock).expect("linked");
    let refused = scenario.run(&["component", "one", "--yes"]).exits(4);
    let said = refused.stderr.split_whitespace().collect::<Vec<_>>().join(" ");
    assert!(said.contains("is a link, which is not followed"), "{said}");
    assert_eq!(std::fs::read_to_string(&precious).expect("read"), "mine\n");
    assert_eq!(scenario.runs().len(), 1, "no run was begun");
}

/// Runs a command that floods; gives our largest resident size in KiB.
fn flood(megabytes: u32) -> u64 {
    let script = format!(
        "yes 'a line of a flood, again and again' | head -c {megabytes}M; head -c {megabytes}M /dev/zero >&2"
    );
    let scenario = one(Scenario::new(), &format!("name: Flood\ncommand: [sh, -c, \"{script}\"]"));
    let mut child = scenario
        .command(&["component", "one", "--yes"])
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("starts");
    let mut peak = 0;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id()));
        let found = status.unwrap_or_default().lines().find_map(|line| {
            line.strip_prefix("VmHWM:")?.trim().trim_end_matches(" kB").parse().ok()
        });
        peak = peak.max(found.unwrap_or(0));
        if let Some(status) = child.try_wait().expect("waited") {
            assert_eq!(status.code(), Some(5));
            break;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    eprintln!("a flood of {megabytes} MiB on each stream: {peak} KiB resident at most");
    peak
}

#[test]
fn a_flood_does_not_grow_our_memory() {
    assert!(flood(40) < 40 * 1024);
}

#[test]
#[ignore = "for `make nightly`: a gigabyte"]
fn a_flood_of_a_gigabyte_does_not_grow_our_memory() {
    assert!(flood(1024) < 40 * 1024);
}

//! Standard output is JSON, and the exit code says what happened.

use std::fs::OpenOptions;

use crate::scenario::{Ended, Scenario};

const ONE: &str = "methods:\n  flag:\n    steps:\n      - name: One\n        command: [\"true\"]\n";

/// What standard output holds as an error for programs.
fn error(ended: &Ended, exit: i32) -> (String, Vec<String>) {
    let value = ended.json();
    assert_eq!((&value["type"], &value["exit_code"]), (&"error".into(), &exit.into()), "{value}");
    let hints = value["hints"].as_array().expect("hints").iter();
    let hints = hints.map(|hint| hint.as_str().expect("text").to_owned()).collect();
    (value["message"].as_str().expect("text").to_owned(), hints)
}

#[test]
fn a_blocked_run_tells_a_program_which_step_is_blocked_why_and_what_to_do() {
    let scenario = Scenario::new().cluster().component(
        "dispatcher",
        "methods:\n  flag:\n    steps:\n      - name: Turn the flag off\n        id: off\n        set_flags: { \
         configmap: flags, flags: { NEW_CODE: \"false\" } }\n      - name: Say so\n        command: \
         [\"true\"]\n        idempotent: true\n  code:\n    steps:\n      - name: Deploy\n        command: \
         [\"true\"]\n",
    );
    for form in ["json", "jsonl"] {
        let ended = scenario.run(&["component", "dispatcher", "--yes", "-o", form]).exits(4);
        let (message, hints) = error(&ended, 4);
        assert_eq!(message, "nothing was changed: Turn the flag off is blocked");
        assert!(hints[0].starts_with("off: ") && hints[0].contains("flags"), "{hints:?}");
        let has = |text: &str| hints.iter().any(|hint| hint.contains(text));
        assert!(has("--skip-blocked off") && has("--method code"), "{hints:?}");
        // People read it once, in the screen's own form.
        assert_eq!(ended.stderr.matches("Turn the flag off is blocked").count(), 1, "{ended:?}");
    }
}

#[test]
fn a_command_line_that_cannot_be_read_is_an_error_in_json() {
    let scenario = Scenario::new();
    for line in [
        &["list", "--nonsense", "-o", "json"][..],
        &["-ojsonl", "component"],
        &["--output=json", "no-such-command"],
        &["-o", "json"],
        &["component", "x", "--lock-timeout", "soon", "--output", "jsonl"],
    ] {
        let ended = scenario.run(line).exits(2);
        let (message, _) = error(&ended, 2);
        assert!(!message.is_empty() && !message.starts_with("error"), "{line:?}: {message}");
    }
    assert_eq!(scenario.run(&["list", "--nonsense"]).exits(2).stdout, "");
}

#[test]
fn a_lock_that_nobody_holds_is_json_as_well() {
    let scenario = Scenario::new().cluster().component("one", ONE);
    let json = scenario.run(&["unlock", "0195a1b2", "-o", "json"]).exits(0).json();
    assert_eq!((&json["type"], &json["freed"]), (&"unlocked".into(), &serde_json::Value::Null));
}

#[test]
fn a_result_that_cannot_be_written_is_no_success() {
    let scenario = Scenario::new().component("one", ONE);
    let full = OpenOptions::new().write(true).open("/dev/full").expect("/dev/full");
    let mut list = scenario.command(&["list", "-o", "json"]);
    let output = list.stdout(full).output().expect("it starts");
    assert_eq!(output.status.code(), Some(1));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(said.contains("the result could not be written"), "{said}");
    // Whoever has read enough closes the pipe.
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let output = scenario.command(&["list"]).stdout(writer).output().expect("it starts");
    assert_eq!((output.status.code(), output.stderr.len()), (Some(0), 0));
}

#[test]
fn the_help_and_the_manual_name_every_exit_code() {
    let scenario = Scenario::new();
    let help = scenario.run(&["--help"]).exits(0).stdout;
    let codes = help.split("Exit codes:").nth(1).expect("there");
    let words: Vec<&str> = codes.split([' ', ',', '\n']).collect();
    for (exit, _) in rollback::error::Exit::TABLE {
        assert!(words.contains(&exit.code().to_string().as_str()), "{exit:?}\n{codes}");
    }
    let dir = scenario.path("man").display().to_string();
    scenario.run(&["man", &dir]).exits(0);
    let page = std::fs::read_to_string(scenario.path("man/rollback.1")).expect("a page");
    assert!(page.contains("EXIT STATUS") && !page.contains("EXTRA"));
}

#[test]
fn a_resume_that_answers_a_step_that_is_not_there_is_refused_with_the_steps() {
    let scenario = Scenario::new();
    let killed = scenario.path("killed").display().to_string();
    let scenario = scenario.component(
        "one",
        &"methods:\n  flag:\n    steps:\n      - id: first\n        name: First\n        command: [sh, -c, \
          \"test -e KILLED || { touch KILLED; kill -9 $PPID; }\"]\n"
            .replace("KILLED", &killed),
    );
    scenario.run(&["component", "one", "--yes"]);
    let before = scenario.records().len();
    let ended = scenario.run(&["resume", "--yes", "--answer", "nope=pass", "-o", "json"]).exits(2);
    let (message, hints) = error(&ended, 2);
    assert!(message.contains("there is no step `nope`"), "{message}");
    assert!(hints.iter().any(|hint| hint == "its steps: first"), "{hints:?}");
    assert_eq!(scenario.records().len(), before);
    scenario.run(&["resume", "--yes", "--answer", "first=pass"]).exits(5);
}

#[test]
fn a_line_of_metrics_says_what_it_is() {
    let scenario = Scenario::new().component("one", ONE).file(
        "runbooks/triggers.yaml",
        "apiVersion: rollback/v1\nmetrics:\n  errors: { title: Errors, query: errors, target: \"< 1%\", \
         alert: \"> 5%\" }\ntriggers:\n  errors: { title: Errors, severity: red, reported: seen, rollback: \
         component one }\n",
    );
    for (command, kind) in [("metrics", "metric"), ("triggers", "trigger")] {
        for line in scenario.run(&[command, "-o", "jsonl"]).lines() {
            assert_eq!((&line["v"], &line["type"]), (&1.into(), &kind.into()), "{line}");
            assert_eq!(line["name"], "errors");
        }
    }
}

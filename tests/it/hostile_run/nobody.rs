//! Nobody to ask: every command and every question, with standard input closed and no terminal,
//! ends by itself and says which flag it wanted.

use std::time::{Duration, Instant};

use crate::after;
use crate::scenario::{CONTEXT, Ended, Scenario};

fn catalog() -> Scenario {
    let step = |more: &str| {
        format!(
            "methods:\n  flag:\n    steps:\n      - id: it\n        name: Do it\n        {more}\n"
        )
    };
    let other = |level: &str, name: &str| {
        format!(
            "apiVersion: rollback/v1\nlevel: {level}\nname: {name}\ntitle: {name}\n{}",
            step("command: [\"true\"]")
        )
    };
    Scenario::new()
        .component("plain", &step("command: [\"true\"]"))
        .component("manual", &step("manual: Is it so?"))
        .component("asks", &step("command: [\"true\"]\n        confirm: yes"))
        .component("names", &step("command: [\"true\"]\n        confirm: name"))
        .component("doubt", &step("command: [sh, -c, \"kill -9 $PPID\"]"))
        .component("fails", &step("command: [\"false\"]"))
        .component("blocked", &step("command: [no-such-program]"))
        .file("runbooks/services/shop.yaml", &other("service", "shop"))
        .file("runbooks/system.yaml", &other("system", "system"))
}

/// Runs it; it must end by itself soon.
fn ends(scenario: &Scenario, arguments: &[&str]) -> Ended {
    let begun = Instant::now();
    let ended = scenario.run(arguments);
    assert!(begun.elapsed() < Duration::from_secs(60), "{arguments:?}: {ended:?}");
    assert!(ended.code.is_some_and(|code| code < 70), "{arguments:?}: {ended:?}");
    ended
}

#[test]
fn every_question_that_nobody_can_answer_names_its_flag() {
    let scenario = catalog();
    let cases: [(&[&str], i32, &str); 11] = [
        (&["component", "plain"], 6, "--yes"),
        (&["component", "manual", "--yes"], 6, "--answer it=pass"),
        (&["component", "asks"], 6, "--yes"),
        (&["component", "names", "--yes"], 6, "--confirm names"),
        (&["service", "shop"], 6, "--confirm shop"),
        (&["service", "shop", "--yes"], 6, "--confirm shop"),
        (&["system"], 6, "--decided-by"),
        (&["system", "--decided-by", "CTO"], 6, "--confirm system"),
        (&["component", "fails", "--yes"], 1, "failed"),
        (&["component", "blocked", "--yes"], 4, "no-such-program"),
        (&["resume"], 2, "is over"),
    ];
    for (arguments, code, word) in cases {
        ends(&scenario, arguments).exits(code).says(word);
    }
}

#[test]
fn a_resume_that_nobody_can_answer_names_its_flags() {
    let scenario = catalog();
    scenario.run(&["component", "doubt", "--yes"]);
    ends(&scenario, &["resume"]).exits(6).says("--yes");
    ends(&scenario, &["resume", "--yes"]).exits(10).says("--answer it=pass");
    ends(&scenario, &["resume", "--yes", "--answer", "it=pass"]).exits(5);
}

#[test]
fn every_command_ends_by_itself_without_a_terminal() {
    let scenario = catalog();
    let dir = scenario.path("written").display().to_string();
    let commands: [&[&str]; 22] = [
        &[],
        &["--help"],
        &["--version"],
        &["list"],
        &["lint"],
        &["show", "component", "plain"],
        &["show", "component", "plain", "--script"],
        &["show", "system"],
        &["schema"],
        &["schema", "settings"],
        &["schema", "reference"],
        &["completions", "bash"],
        &["completions"],
        &["completions", "--dir", &dir],
        &["man", &dir],
        &["runs"],
        &["runs", "show"],
        &["resume"],
        &["component"],
        &["component", "plain", "--dry-run"],
        &["component", "no-such"],
        &["rehearse", "component", "plain"],
    ];
    for arguments in commands {
        for form in ["text", "json", "jsonl"] {
            ends(&scenario, &[arguments, &["--output", form]].concat());
        }
    }
    eprintln!("{} commands in three forms without a terminal: all ended", commands.len());
}

/// What is watched; nobody answers there.
const SILENT: &str = "\
apiVersion: rollback/v1
prometheus: { url: \"http://127.0.0.1:1\", timeout: 1s }
triggers:
  errors: { title: Requests fail, severity: red, query: errors, bound: \"> 10%\", rollback: component dispatcher }
metrics:
  errors: { title: Failed requests, query: errors, target: \"< 1%\", alert: \"> 5%\" }
";

#[test]
fn what_watches_and_what_follows_a_run_ends_by_itself_without_a_terminal() {
    let (scenario, _endpoint) = after::recovered();
    let scenario = scenario.file("runbooks/triggers.yaml", SILENT);
    let run = scenario.runs().pop().expect("a run");
    let cases = [
        ("status", 0, "nobody is rolling it back"),
        ("status --observe", 0, "nobody is rolling it back"),
        ("unlock", 2, "<RUN>"),
        ("unlock RUN", 0, "is not locked"),
        ("triggers", 22, "does not answer"),
        ("watch --rounds 1", 0, "it only tells"),
        ("watch --rounds 1 --act auto", 0, "it acts by itself"),
        ("watch --act ask", 2, "--act notify or --act auto"),
        ("metrics", 0, "does not answer"),
        ("metrics --run RUN", 0, "does not answer"),
        ("report", 0, "INC-7"),
        ("update", 0, "INC-7"),
        ("contacts", 0, "ops@example.org"),
        ("recovery", 0, "Stabilize"),
        ("forward", 2, "<LEVEL>"),
        ("forward component dispatcher", 4, "--override WHO --reason TEXT"),
        ("forward component dispatcher --override CTO --reason fixed", 6, "--yes"),
        ("snapshot", 0, "rollback snapshot NAME"),
        ("snapshot before --replace", 0, "snapshot before"),
        ("flags", 0, "NEW_CODE"),
        ("ready", 0, "all 2 methods are ready"),
        ("validate --status", 5, "not begun"),
        ("validate", 5, "--answer"),
    ];
    for (line, code, words) in cases {
        let line = line.replace("RUN", &run);
        let arguments: Vec<&str> = line.split(' ').collect();
        ends(&scenario, &arguments).exits(code).says(words);
        // A tier is watched for its time; once is enough.
        if line != "validate" {
            ends(&scenario, &[&arguments[..], &["--output", "json"]].concat()).exits(code);
        }
    }
    eprintln!("{} commands of watching and after without a terminal: all ended", cases.len());
}

/// A cluster that one logs in to with this program.
fn logging_in_with(script: &str) -> Scenario {
    let scenario = Scenario::new().cluster().configmap("flags", &[("NEW_CODE", "true")]);
    // Nobody listens there: kubectl logs in before it connects, and only where there is TLS.
    let exec = serde_json::json!({"exec": {
        "apiVersion": "client.authentication.k8s.io/v1", "interactiveMode": "IfAvailable",
        "command": "sh", "args": ["-c", script]}});
    let kubeconfig = serde_json::json!({
        "apiVersion": "v1", "kind": "Config", "current-context": CONTEXT,
        "clusters": [{"name": "c", "cluster": {"server": "https://127.0.0.1:1"}}],
        "users": [{"name": "u", "user": exec}],
        "contexts": [{"name": CONTEXT, "context": {"cluster": "c", "user": "u"}}]});
    scenario.file("kubeconfig", &kubeconfig.to_string()).component(
        "off",
        "methods:\n  flag:\n    steps:\n      - name: Off\n        \
         set_flags: { configmap: flags, flags: { NEW_CODE: \"false\" } }\n",
    )
}

#[test]
#[ignore = "nightly: it waits for the survey's deadline"]
fn a_login_program_that_hangs_or_asks_is_named_and_holds_nobody() {
    for (script, named) in [
        ("sleep 600; :", "login pending: `sh` of context test"),
        ("read -r password && echo $password", "exit code 1"),
    ] {
        let scenario = logging_in_with(script);
        let ended = ends(&scenario, &["component", "off", "--yes"]);
        let said = ended.stdout.clone() + &ended.stderr;
        let said = said.split_whitespace().collect::<Vec<_>>().join(" ");
        assert!(matches!(ended.code, Some(4)), "{ended:?}");
        assert!(said.contains(named), "{named}\n{said}");
        assert!(scenario.changes().is_empty() && scenario.runs().is_empty());
    }
}

//! What is said about values: types, durations, flags, names, references.

use std::time::Duration;

use rollback::runbook::{Action, CommandForm, Confirm, OnFailure};

use super::support::{HEAD, load, runbook, said_of, with_steps};

fn step(keys: &str) -> String {
    with_steps(&format!("      - name: A\n        {}\n", keys.replace('\n', "\n        ")))
}

#[test]
fn a_value_of_the_wrong_type_says_what_to_write() {
    insta::assert_snapshot!(said_of(&[
        ("a duration without a unit", step("manual: x\ntimeout: 30")),
        ("a duration with a long unit", step("manual: x\ntimeout: 5min")),
        ("a duration of no time", step("manual: x\ntimeout: 0s")),
        (
            "a number that holds longer than it is asked",
            step("metric: { query: up, above: 0, for: 10s }\ntimeout: 3s")
        ),
        (
            "a number of more than 64 bits",
            step("http: { url: \"https://a\", json: { /id: 123456789012345678901 } }")
        ),
        ("no duration", step("manual: x\ntimeout: soon")),
        ("a boolean of YAML 1.1", step("shell: x\nidempotent: yes")),
        ("a quoted boolean", step("shell: x\nidempotent: \"true\"")),
        ("a number", step("manual: x\nretry: { attempts: many }")),
        ("a status", step("http: { url: \"https://a\", status: 99 }")),
        ("a choice", step("manual: x\nconfirm: nmae")),
        ("a list for a text", step("manual: [x]")),
        ("nothing", step("manual:")),
        ("a command as a text", step("command: python deploy.py")),
        ("an empty command", step("command: []")),
        ("an address", step("http: { url: staging/health }")),
        ("a workload without a kind", step("restart: backend")),
        ("a workload of another kind", step("restart: [deploymnt/backend]")),
        ("a workload's name", step("restart: deployment/Back_End")),
        (
            "a branch like an option",
            step("restore_files: { branch: --force, from: b, paths: p, message: m }")
        ),
        (
            "a path out of the repository",
            step("restore_files: { branch: a, from: b, paths: ../p, message: m }")
        ),
        ("an environment variable", step("shell: x\nenv: { 9X: a }")),
        ("an empty map", step("shell: x\nenv: {}")),
        ("a method of HTTP", step("http: { url: \"https://a\", method: DELETE }")),
        ("a JSON pointer", step("http: { url: \"https://a\", json: { status: ok } }")),
        ("neither of two", step("set_flags: { flags: { A: \"x\" } }")),
        (
            "both of two",
            step("set_flags: { configmap: a, workload: deployment/b, flags: { A: \"x\" } }")
        ),
        (
            "a container without a workload",
            step("set_flags: { configmap: a, container: b, flags: { A: \"x\" } }")
        ),
    ]));
}

#[test]
fn flags_are_texts_and_an_unquoted_boolean_is_refused() {
    let flags = |value: &str| {
        step(&format!(
            "set_flags: {{ configmap: migration-flags, flags: {{ ENABLE_X: {value} }} }}"
        ))
    };
    insta::assert_snapshot!(said_of(&[
        ("a boolean", flags("false")),
        ("a number", flags("1")),
        ("nothing", flags("")),
        ("a list", flags("[a]")),
    ]));
    for (written, value) in [("\"false\"", "false"), ("'1'", "1"), ("no", "no"), ("on", "on")] {
        let runbook = runbook(&flags(written));
        let Action::SetFlags(action) = &runbook.methods[0].steps[0].action else { panic!() };
        assert_eq!(action.flags["ENABLE_X"], value);
    }
}

#[test]
fn names_that_mean_nothing_are_found_where_they_stand() {
    insta::assert_snapshot!(said_of(&[
        ("misspelt", step("http: { url: \"${base_ulr}/health\" }")),
        ("unknown", step("manual: see ${dashboard}")),
        ("open", step("manual: see ${base_url")),
        ("on a later line", step("manual: |\n  first\n  then ${dashboard}")),
        ("after umlauts", step("manual: ä ö ü ${dashboard}")),
        ("a secret on a screen", step("manual: use ${token}")),
        ("a secret in argv", step("command: [curl, \"${token}\"]")),
        ("an escaped late name", step("manual: $${run.id}")),
    ]));
}

#[test]
fn secrets_may_stand_in_env_and_headers() {
    let text = step("command: [x]\nenv: { TOKEN: \"${token}\" }");
    assert!(load(text.as_bytes()).value.is_some());
    let text =
        step("http: { url: \"https://a\", headers: { Authorization: \"Bearer ${token}\" } }");
    assert!(load(text.as_bytes()).value.is_some());
}

const RESTORE: &str = "      - id: restore\n        name: Restore\n        restore_files: \
                       { branch: a, from: b, paths: [p], message: m }\n";

#[test]
fn a_step_can_only_use_what_an_earlier_step_made() {
    let after = |step: &str| with_steps(&format!("{RESTORE}{step}"));
    insta::assert_snapshot!(said_of(&[
        ("misspelt", after("      - { name: D, command: [x], checkout: restor }\n")),
        (
            "a later step",
            with_steps(&format!(
                "      - {{ name: D, command: [x], checkout: restore }}\n{RESTORE}"
            )),
        ),
        (
            "no git step",
            after(
                "      - { name: B, manual: x }\n      - { name: D, command: [x], checkout: b }\n"
            )
        ),
        ("an output", after("      - { name: D, manual: \"${steps.restore.hash}\" }\n")),
        ("an output of nothing", after("      - { name: D, manual: \"${steps.restoer.sha}\" }\n")),
        (
            "an output outside of a method",
            format!("{}recovered_when:\n  - manual: ${{steps.restore.sha}}\n", with_steps(RESTORE)),
        ),
        ("an id twice", after("      - { name: Restore!, manual: x }\n")),
    ]));
    let good = after(
        "      - { name: D, command: [x, \"${steps.restore.sha}\", \"${run.id}\"], checkout: restore }\n",
    );
    assert!(load(good.as_bytes()).value.is_some());
}

#[test]
fn parameters_are_checked_where_they_are_defined() {
    let with =
        |keys: &str| format!("{}parameters:\n  commit: {keys}\n", step("manual: \"${commit}\""));
    insta::assert_snapshot!(said_of(&[
        ("a default of the wrong shape", with("{ shape: commit, default: main }")),
        ("a default that is no choice", with("{ choices: [one, two], default: tow }")),
        ("a default that refers to others", with("{ default: \"${base_url}/x\" }")),
        (
            "a secret with a default",
            with("{ default: x, secret: { env: X } }")
                .replace("manual: \"${commit}\"", "manual: x")
        ),
        (
            "a secret from nowhere",
            with("{ secret: {} }").replace("manual: \"${commit}\"", "manual: x")
        ),
        (
            "an inline secret",
            with("{ secret: hunter2 }").replace("manual: \"${commit}\"", "manual: x")
        ),
        ("a shape", with("{ shape: comit }")),
        (
            "a name",
            format!("{}parameters:\n  Commit: {{}}\n  http_proxy: {{}}\n", step("manual: x"))
        ),
    ]));
}

#[test]
fn every_kind_of_step_is_read_with_its_defaults() {
    let runbook = runbook(&format!(
        "{HEAD}methods:
  code:
    budget: 1m30s
    steps:
      - {{ name: Flags, set_flags: {{ workload: deploy/a, container: c, flags: {{ A: \"x\" }}, create: true }} }}
      - {{ name: Restart both, restart: [deployment/a, sts/b], confirm: name, on_failure: continue }}
      - {{ name: Revert, revert_commits: {{ branch: b, commits: abcd, mainline: 2 }} }}
      - {{ name: Files, restore_files: {{ branch: b, from: s, paths: a.py, message: m }} }}
      - {{ name: Branch, rollback_branch: {{ branch: \"r-${{run.stamp}}\", on: b, subject: \"a: b\" }} }}
      - {{ name: Argv, command: [sleep, 5], probe: [\"true\"], cwd: sub, checkout: branch }}
      - {{ name: Script, shell: \"echo ${{HOME}}\", check: true, retry: {{ attempts: 3 }} }}
      - {{ name: Web, http: {{ url: \"https://a\", status: [200, 204], json: {{ /ok: true, /n: 1 }} }} }}
      - {{ name: Person, manual: Look }}
      - {{ name: Nap, wait: 10s, timeout: 20s }}
      - {{ name: Roll, wait: {{ rollout: ds/c }} }}
recovered_when:
  - {{ command: [check, me], within: 90s }}
"
    ));
    let method = &runbook.methods[0];
    assert_eq!(method.budget, Some(Duration::from_secs(90)));
    let kinds: Vec<&str> = method.steps.iter().map(|step| step.action.kind()).collect();
    assert_eq!(
        kinds,
        [
            "set_flags",
            "restart",
            "revert_commits",
            "restore_files",
            "rollback_branch",
            "command",
            "shell",
            "http",
            "manual",
            "wait",
            "wait"
        ]
    );
    let step = &method.steps[1];
    assert_eq!((step.id.as_str(), step.place.line), ("restart-both", 10));
    assert_eq!((step.confirm, step.on_failure), (Confirm::Name, OnFailure::Continue));
    assert_eq!(step.timeout, Duration::from_secs(60));
    let Action::Restart(restart) = &step.action else { panic!() };
    assert_eq!(restart.workloads[1].to_string(), "statefulset/b");
    let Action::Command(command) = &method.steps[5].action else { panic!() };
    let CommandForm::Argv(argv) = &command.form else { panic!() };
    assert_eq!(argv, &["sleep", "5"]);
    let Action::Command(command) = &method.steps[6].action else { panic!() };
    assert!(matches!(&command.form, CommandForm::Shell(text) if text == "echo ${HOME}"));
    assert!(command.check && method.steps[6].retry.attempts == 3);
    let Action::Http(http) = &method.steps[7].action else { panic!() };
    assert_eq!((http.method.as_str(), http.status.as_slice()), ("GET", &[200, 204][..]));
    assert_eq!(http.json["/ok"], serde_json::json!(true));
    assert_eq!(http.json["/n"], serde_json::json!(1));
    let Action::Wait(wait) = &method.steps[9].action else { panic!() };
    assert_eq!(wait.duration, Some(Duration::from_secs(10)));
    let criterion = &runbook.recovered_when[0];
    assert_eq!(criterion.name, "check me");
    assert_eq!(criterion.within, Duration::from_secs(90));
    assert!(matches!(&criterion.action, Action::Command(command) if command.check));
}

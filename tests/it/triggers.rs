//! When to roll back: what the triggers say, on a real Prometheus.

use std::process::Command;
use std::time::Instant;

use super::prometheus::{Prometheus, eventually};
use super::scenario::{Endpoint, Scenario};

/// A component whose only step cannot do harm.
const HARMLESS: &str = "methods:\n  flag:\n    steps:\n      - name: Look\n        command: [\"true\"]\n        check: true\n";

/// A catalog with these triggers, asked of this server.
fn asking(url: &str, rest: &str) -> Scenario {
    Scenario::new().component("shop", HARMLESS).file(
        "runbooks/triggers.yaml",
        &format!("apiVersion: rollback/v1\nprometheus: {{ url: \"{url}\", timeout: 1s }}\n{rest}"),
    )
}

const TWO: &str = "\
triggers:
  errors:
    title: Requests fail
    severity: red
    query: errors
    bound: \"> 10%\"
    minimum: { query: requests, at_least: 20 }
    rollback: component shop
  slow:
    title: Responses are slow
    severity: amber
    query: latency
    bound: \"> 2s\"
    rollback: component shop
";

/// Asks until the exit code is this one.
#[track_caller]
fn comes_to(scenario: &Scenario, code: i32) -> serde_json::Value {
    eventually(&format!("exit {code}"), || {
        let ended = scenario.run(&["triggers", "--output", "json"]);
        (ended.code == Some(code)).then(|| ended.json())
    })
}

fn trigger<'v>(value: &'v serde_json::Value, name: &str) -> &'v serde_json::Value {
    let all = value["triggers"].as_array().expect("triggers");
    all.iter().find(|one| one["name"] == name).expect("the trigger")
}

#[test]
fn triggers_turn_green_amber_red_and_unknown_as_the_numbers_move() {
    let mut prometheus = Prometheus::start();
    let scenario = asking(&prometheus.url, TWO);
    let exporter = prometheus.exporter.clone();
    for (name, value) in [("errors", 0.01), ("requests", 100.0), ("latency", 0.3)] {
        exporter.set(name, value);
    }
    comes_to(&scenario, 0);
    scenario.run(&["triggers"]).exits(0).says("green: nothing calls for a rollback");
    exporter.set("latency", 2.5);
    comes_to(&scenario, 20);
    exporter.set("errors", 0.125);
    let red = comes_to(&scenario, 21);
    assert_eq!(trigger(&red, "errors")["why"], "12.5%");
    assert!(trigger(&red, "errors")["since"].is_string(), "{red}");
    scenario
        .run(&["triggers"])
        .says("12.5% (> 10%)")
        .says("$ rollback component shop --trigger errors");
    exporter.set("requests", 3.0);
    let few = comes_to(&scenario, 22);
    assert_eq!(trigger(&few, "errors")["why"], "too little data: 3 where at least 20 are wanted");
    exporter.set("requests", 100.0);
    comes_to(&scenario, 21);
    exporter.set("errors", f64::NAN);
    let nan = comes_to(&scenario, 22);
    assert_eq!(trigger(&nan, "errors")["state"], "unknown");
    exporter.remove("errors");
    eventually("no data", || {
        let value = scenario.run(&["triggers", "--output", "json"]).exits(22).json();
        trigger(&value, "errors")["why"].as_str()?.starts_with("no data").then_some(())
    });
    prometheus.stop();
    scenario.run(&["triggers"]).exits(22).says("connection refused");
}

#[test]
fn a_breach_must_last_and_a_baseline_is_compared_with() {
    let prometheus = Prometheus::start();
    let scenario = asking(
        &prometheus.url,
        "triggers:\n  lasting:\n    title: Errors last\n    severity: red\n    query: errors\n    \
         bound: \"> 10%\"\n    for: 2s\n    rollback: component shop\n  slower:\n    title: It is \
         slower\n    severity: amber\n    query: latency\n    bound: \"> 50%\"\n    baseline: 2s\n    \
         rollback: component shop\n",
    );
    prometheus.exporter.set("errors", 0.0);
    prometheus.exporter.set("latency", 1.0);
    comes_to(&scenario, 0);
    std::thread::sleep(std::time::Duration::from_millis(500));
    prometheus.exporter.set("latency", 1.6);
    let slower = comes_to(&scenario, 20);
    assert_eq!(trigger(&slower, "slower")["why"], "+60%");
    prometheus.exporter.set("errors", 0.5);
    let begun = Instant::now();
    let waiting = eventually("a breach under way", || {
        let value = scenario.run(&["triggers", "--output", "json"]).json();
        let why = trigger(&value, "lasting")["why"].as_str()?.to_owned();
        why.ends_with("of 2s").then_some(value)
    });
    assert_eq!(trigger(&waiting, "lasting")["state"], "false");
    comes_to(&scenario, 21);
    assert!(begun.elapsed().as_millis() >= 1900, "it was red after {:?}", begun.elapsed());
}

#[test]
fn alerts_of_prometheus_and_of_alertmanager_are_triggers() {
    let rules = "groups:\n  - name: shop\n    rules:\n      - { alert: TooManyErrors, expr: errors \
                 > 0.1 }\n      - { alert: Watchdog, expr: vector(1) }\n";
    let prometheus = Prometheus::with_rules(Some(rules));
    prometheus.exporter.set("errors", 0.5);
    let scenario = asking(
        &prometheus.url,
        &format!(
            "alertmanager: {{ url: \"{}\", watchdog: Watchdog }}\ntriggers:\n  here: {{ title: A, \
             severity: amber, alert: TooManyErrors, rollback: component shop }}\n  there: {{ title: \
             B, severity: amber, alert: TooManyErrors, at: alertmanager, rollback: component shop \
             }}\n  absent: {{ title: C, severity: amber, alert: NoSuchAlert, rollback: component \
             shop }}\n  quiet: {{ title: D, severity: amber, alert: Other, at: alertmanager, \
             rollback: component shop }}\n",
            prometheus.alertmanager
        ),
    );
    let value = eventually("both fire, and the watchdog is there", || {
        let value = scenario.run(&["triggers", "--output", "json"]).json();
        let fires = |name| trigger(&value, name)["state"] == "true";
        let quiet = trigger(&value, "quiet")["state"] == "false";
        (fires("here") && fires("there") && quiet).then_some(value)
    });
    assert_eq!(trigger(&value, "absent")["state"], "unknown");
}

#[test]
fn commands_and_json_endpoints_are_triggers_and_what_they_cannot_say_is_unknown() {
    let endpoint = Endpoint::new(|_| (200, "{\"tests\": {\"failed\": 7}}".to_owned()));
    let rest = format!(
        "triggers:\n  ok: {{ title: A, severity: red, command: [\"true\"], rollback: system }}\n  \
         bad: {{ title: B, severity: amber, command: [\"false\"], rollback: component shop }}\n  \
         odd: {{ title: C, severity: amber, command: [sh, -c, exit 3], rollback: component shop }}\n  \
         json: {{ title: D, severity: amber, endpoint: {{ url: \"{0}\", pointer: /tests/failed }}, \
         bound: \"> 5\", rollback: component shop }}\n  none: {{ title: E, severity: amber, \
         endpoint: {{ url: \"{0}\", pointer: /nothing }}, bound: \"> 5\", rollback: component shop \
         }}\n  seen: {{ title: F, severity: red, reported: a person sees it, rollback: component \
         shop }}\n",
        endpoint.url("/")
    );
    let scenario = asking("http://127.0.0.1:1", &rest.replace("system", "component shop"));
    let value = scenario.run(&["triggers", "--output", "json"]).exits(20).json();
    let states: Vec<(&str, &str)> = ["ok", "bad", "odd", "json", "none", "seen"]
        .into_iter()
        .map(|name| (name, trigger(&value, name)["state"].as_str().expect("a state")))
        .collect();
    assert_eq!(
        states,
        [
            ("ok", "false"),
            ("bad", "true"),
            ("odd", "unknown"),
            ("json", "true"),
            ("none", "unknown"),
            ("seen", "reported")
        ]
    );
}

#[test]
fn lint_finds_what_is_wrong_with_triggers_with_its_line() {
    let scenario = asking(
        "http://127.0.0.1:1",
        "triggers:\n  a:\n    title: A\n    severity: red\n    query: sum(rate(x[5m])\n    bound: \
         \"> 10 apples\"\n    rollback: component shpo\n  b:\n    title: B\n    severity: red\n    \
         query: x\n    bound: \"> 5s\"\n    baseline: 24h\n    rollback: component shop\n    \
         automatic: { clear: \"< 1%\" }\n",
    );
    scenario
        .run(&["lint"])
        .exits(3)
        .says("runbooks/triggers.yaml:7:12")
        .says("a `)` is missing")
        .says("runbooks/triggers.yaml:8:12")
        .says("`apples` is not a unit")
        .says("runbooks/triggers.yaml:9:15")
        .says("there is no runbook for `component shpo`")
        .says("did you mean `component shop`?")
        .says("with a baseline the bound is of the change")
        .says("`clear` and `bound` have different units");
    scenario.run(&["component", "shop", "--dry-run"]).exits(0);
}

#[test]
fn a_secret_among_a_program_s_arguments_is_refused() {
    let scenario = asking(
        "http://127.0.0.1:1",
        "triggers:\n  a: { title: A, severity: red, query: x, bound: \"> 1\", rollback: component shop }\n\
         notifications:\n  - { name: pager, exec: [page, \"--token=${hook}\"] }\n",
    );
    let settings = std::fs::read_to_string(scenario.path("runbooks/rollback.yaml")).expect("there");
    let secret = "parameters:\n  hook: { secret: { env: HOOK_TOKEN } }\n";
    let scenario = scenario
        .file("runbooks/rollback.yaml", &(settings + secret))
        .env("HOOK_TOKEN", "canary-7f3a9b2c");
    let wrong = "`hook` is a secret, and this text is shown";
    scenario.run(&["lint"]).exits(3).says(wrong);
    scenario.run(&["watch", "--rounds", "1"]).exits(3).says(wrong);
}

#[test]
fn the_triggers_of_this_repository_pass_promtool_as_rules() {
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    let scenario = Scenario::new();
    let exported = scenario
        .run(&["--runbooks", catalog, "triggers", "--export", "prometheus-rules"])
        .exits(0)
        .stdout;
    let file = scenario.path("rules.yaml");
    std::fs::write(&file, &exported).expect("written");
    let checked = Command::new("promtool").args(["check", "rules"]).arg(&file).output();
    let checked = checked.expect("promtool is there: it comes with the Debian package prometheus");
    let said = String::from_utf8_lossy(&checked.stdout).into_owned();
    assert!(checked.status.success(), "{said}\n{exported}");
    assert!(said.contains("13 rules found"), "{said}");
    assert!(exported.contains("# user-data-leakage: no query tells it"), "{exported}");
}

#[test]
fn a_query_that_does_not_parse_is_unknown_with_what_prometheus_says() {
    let prometheus = Prometheus::start();
    let rest = "triggers:\n  odd: { title: A, severity: red, query: \"sum by errors\", bound: \"> 1\", rollback: component shop }\n";
    let scenario = asking(&prometheus.url, rest);
    scenario.run(&["triggers"]).exits(22).says("Prometheus refuses the query");
    let why = comes_to(&scenario, 22)["triggers"][0]["why"].clone();
    assert!(why.as_str().is_some_and(|it| it.contains("parse error")), "{why}");
}

#[test]
fn metrics_are_shown_against_their_targets_and_exported_as_a_dashboard() {
    let prometheus = Prometheus::start();
    let rest = "metrics:\n  error_rate: { title: Requests that fail, query: errors, target: \"< 1%\", alert: \"> 5%\" }\n";
    let scenario = asking(&prometheus.url, rest);
    prometheus.exporter.set("errors", 0.002);
    let measured = |state: &'static str| {
        eventually(state, || {
            let value = scenario.run(&["metrics", "--output", "json"]).exits(0).json();
            (value["metrics"][0]["state"] == state).then_some(())
        });
    };
    measured("good");
    prometheus.exporter.set("errors", 0.03);
    measured("between");
    prometheus.exporter.set("errors", 0.2);
    measured("alert");
    scenario.run(&["metrics"]).says("20%").says("ALERT").says("target < 1%, alert > 5%");
    let board = scenario.run(&["metrics", "--export", "grafana"]).exits(0).json();
    dashboard_is_one(&board);
    let catalog = concat!(env!("CARGO_MANIFEST_DIR"), "/runbooks");
    let board =
        scenario.run(&["--runbooks", catalog, "metrics", "--export", "grafana"]).exits(0).json();
    dashboard_is_one(&board);
    assert_eq!(board["panels"].as_array().expect("panels").len(), 10);
}

/// The subset of Grafana's dashboard model that `docs/triggers.md` names.
fn dashboard_is_one(board: &serde_json::Value) {
    assert!(board["title"].is_string() && board["uid"].as_str().is_some_and(|uid| uid.len() <= 40));
    assert!(board["schemaVersion"].as_u64().is_some_and(|version| version >= 36));
    assert_eq!(board["templating"]["list"][0]["type"], "datasource");
    let mut ids = std::collections::BTreeSet::new();
    for panel in board["panels"].as_array().expect("panels") {
        assert!(ids.insert(panel["id"].as_u64().expect("an id")), "ids are unique");
        assert!(matches!(panel["type"].as_str(), Some("stat" | "timeseries")));
        let grid = |key: &str| panel["gridPos"][key].as_u64().expect("a place");
        assert!(grid("x") + grid("w") <= 24 && grid("h") > 0 && grid("y") < 1000);
        assert_eq!(panel["datasource"]["type"], "prometheus");
        for target in panel["targets"].as_array().expect("targets") {
            assert!(target["refId"].is_string() && target["expr"].is_string());
        }
        let thresholds = &panel["fieldConfig"]["defaults"]["thresholds"];
        assert_eq!(thresholds["mode"], "absolute");
        let steps = thresholds["steps"].as_array().expect("steps");
        assert!(steps[0]["value"].is_null(), "the first step has no value");
        let values: Vec<f64> = steps[1..].iter().filter_map(|it| it["value"].as_f64()).collect();
        assert!(values.len() == steps.len() - 1 && values.is_sorted(), "{steps:?}");
    }
}

#[test]
fn an_offered_command_carries_the_parameters_and_reported_triggers_say_who_can_tell() {
    let scenario = Scenario::new()
        .component("shop", &format!("parameters:\n  region: {{ default: a }}\n{HARMLESS}"))
        .settings(
            "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\nparameters:\n  region: { \
             default: a }\n",
        )
        .file(
            "runbooks/triggers.yaml",
            "apiVersion: rollback/v1\ntriggers:\n  down: { title: Down, severity: red, command: \
             [\"false\"], rollback: component shop }\n  leak: { title: Leak, severity: red, \
             reported: somebody saw foreign data, rollback: component shop }\n",
        );
    let ended = scenario.run(&["triggers", "--param", "region=b"]).exits(21);
    let ended = ended.says("only people can tell; if one is so:");
    ended.says("rollback component shop --trigger down --param region=b");
    let found = scenario.run(&["triggers", "--param", "region=b", "-o", "json"]).json();
    let command = found["triggers"][1]["command"].as_array().expect("argv").len();
    let wanted = "rollback component shop --trigger leak --reason TEXT --param region=b";
    assert_eq!(command, wanted.split(' ').count(), "{found}");
}

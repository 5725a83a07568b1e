//! The monitor and those who are told: it rolls the sandbox back once and only once, and nothing
//! that is not one clear number ever makes it.

use std::process::Child;
use std::time::{Duration, Instant};

use super::prometheus::{Prometheus, eventually};
use super::scenario::{Endpoint, Scenario};

/// What an endpoint answers.
type Answer = Box<dyn Fn() -> (u16, String) + Send>;

const SWITCH: &str = "watch: { hourly: 5, switch: { configmap: automation, key: enabled } }\n";

/// A component whose flag is on, a trigger with leave to act on it, and the switch.
pub fn watched(url: &str, endpoint: &Endpoint, switch: &str, more: &str) -> Scenario {
    Scenario::new()
        .cluster()
        .configmap("flags", &[("NEW_CODE", "true")])
        .configmap("automation", &[("enabled", switch)])
        .deployment("backend", "flags")
        .component(
            "dispatcher",
            &format!(
                "methods:\n  flag:\n    steps:\n      - name: Turn the flag off\n        set_flags: {{ \
                 configmap: flags, flags: {{ NEW_CODE: \"false\" }} }}\n      - name: Restart the \
                 backend\n        restart: [deployment/backend]\nrecovered_when:\n  - http: {{ url: \
                 \"{}\" }}\n    within: 2s\n",
                endpoint.url("/health")
            ),
        )
        .file(
            "runbooks/triggers.yaml",
            &format!(
                "apiVersion: rollback/v1\nprometheus: {{ url: \"{url}\", timeout: 300ms }}\ntriggers:\n  \
                 errors:\n    title: Requests fail\n    severity: red\n    query: errors\n    bound: \
                 \"> 10%\"\n    rollback: component dispatcher\n    automatic: {{ hits: 2, of: 3, \
                 cooldown: 1s }}\n{SWITCH}{more}"
            ),
        )
}

/// Healthy after the first question of the survey.
pub fn heals() -> Endpoint {
    let asked = std::sync::atomic::AtomicU32::new(0);
    Endpoint::new(move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;
        (if first { 503 } else { 200 }, String::new())
    })
}

fn end(mut watch: Child) {
    let _ = watch.kill();
    let _ = watch.wait();
}

const AUTO: [&str; 7] = ["watch", "--act", "auto", "--every", "100ms", "--output", "jsonl"];

#[test]
fn the_monitor_rolls_back_once_and_only_once_also_after_a_restart() {
    let prometheus = Prometheus::start();
    let endpoint = heals();
    let more = "metrics:\n  error_rate: { title: Errors, query: errors, target: \"< 1%\", alert: \"> 5%\" }\n";
    let scenario = watched(&prometheus.url, &endpoint, "true", more);
    prometheus.exporter.set("errors", 0.01);
    let watch = scenario.start(&AUTO);
    std::thread::sleep(Duration::from_millis(700));
    assert!(scenario.runs().is_empty(), "green is no reason");
    prometheus.exporter.set("errors", 0.5);
    eventually("the rollback", || {
        let run = scenario.runs().pop()?;
        let journal = scenario.state().join("runs").join(run).join("journal.jsonl");
        std::fs::read_to_string(journal).ok()?.contains("run_finished").then_some(())
    });
    assert_eq!(scenario.carried("backend", "NEW_CODE"), ["false", "false", "false"]);
    let records = scenario.records();
    assert_eq!(records[0]["trigger"], "errors", "the journal says why");
    assert!(records[0]["reason"].as_str().is_some_and(|it| it.contains("Requests fail: 50%")));
    let ended = records.iter().find(|it| it["type"] == "run_finished").expect("an end");
    assert_eq!(ended["verdict"], "recovered");
    // Still red, and a square wave on top: not again.
    for value in [0.5, 0.0, 0.5, 0.0, 0.5] {
        prometheus.exporter.set("errors", value);
        std::thread::sleep(Duration::from_millis(500));
    }
    end(watch);
    let again = scenario.start(&AUTO);
    std::thread::sleep(Duration::from_secs(1));
    scenario
        .run(&["watch", "--act", "auto", "--rounds", "1"])
        .exits(7)
        .says("another `rollback watch`");
    std::thread::sleep(Duration::from_secs(1));
    end(again);
    assert_eq!(scenario.runs().len(), 1, "once, and only once");
    let run = scenario.runs().pop().expect("a run");
    let sampled = records.iter().filter(|it| it["type"] == "metrics_sampled");
    let numbers: Vec<f64> =
        sampled.filter_map(|it| it["points"]["error_rate"][0]["value"].as_f64()).collect();
    assert!(numbers.contains(&0.5), "it was measured meanwhile: {numbers:?}");
    scenario.run(&["metrics", "--run", &run]).exits(0).says("component dispatcher").says("->");
}

#[test]
fn no_data_never_triggers_whatever_the_server_says() {
    const BEYOND: &str = "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[{\"metric\":{},\"value\":[NOW,\"0.5\"]}]}}";
    let now = || {
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
        now.expect("after 1970").as_secs().to_string()
    };
    let beyond = move || BEYOND.replace("NOW", &now());
    let cases: Vec<(&str, Answer)> = vec![
        (
            "empty",
            Box::new(|| {
                (
                    200,
                    "{\"status\":\"success\",\"data\":{\"resultType\":\"vector\",\"result\":[]}}"
                        .into(),
                )
            }),
        ),
        ("NaN", Box::new(move || (200, beyond().replace("0.5", "NaN")))),
        ("infinite", Box::new(move || (200, beyond().replace("0.5", "+Inf")))),
        // A fresh answer made of a sample that is four minutes old: somebody stopped measuring.
        (
            "an old sample",
            Box::new(move || {
                let old = now().parse::<u64>().expect("a time") - 240;
                (200, beyond().replace("0.5", &old.to_string()))
            }),
        ),
        ("stale", Box::new(|| (200, BEYOND.replace("NOW", "1000000000")))),
        (
            "warning",
            Box::new(move || (200, beyond().replacen('{', "{\"warnings\":[\"half\"],", 1))),
        ),
        ("several", Box::new(move || (200, beyond().replace("[{", "[{\"value\":[1,\"9\"]},{")))),
        ("503", Box::new(move || (503, beyond()))),
        ("an error", Box::new(|| (200, "{\"status\":\"error\",\"error\":\"x\"}".into()))),
        ("a lie", Box::new(|| (200, "<html>0.5</html>".into()))),
        (
            "slow",
            Box::new(move || {
                std::thread::sleep(Duration::from_millis(500));
                (200, beyond())
            }),
        ),
    ];
    let server = Endpoint::status(503);
    let endpoint = heals();
    let scenario = watched(&server.url(""), &endpoint, "true", "");
    for (name, answer) in cases {
        server.answers(move |path| {
            // The number itself is clear in this case; only its age is not.
            let number = name == "an old sample" && !path.contains("timestamp");
            if number { (200, beyond()) } else { answer() }
        });
        let rounds = if name == "slow" { "3" } else { "6" };
        let ended = scenario
            .run(&["watch", "--act", "auto", "--every", "10ms", "--rounds", rounds])
            .exits(0);
        assert!(
            ended.stdout.contains("unknown") || ended.stdout.contains("trigger state errors"),
            "{name}: {}",
            ended.stdout
        );
        assert!(!ended.stdout.contains("raised"), "{name}: {}", ended.stdout);
        assert!(scenario.runs().is_empty(), "{name} rolled back");
        scenario.run(&["triggers"]).exits(22);
    }
    let down = watched("http://127.0.0.1:1", &endpoint, "true", "");
    down.run(&["watch", "--act", "auto", "--every", "10ms", "--rounds", "6"]).exits(0);
    assert!(down.runs().is_empty());
    // The same monitor acts on the same server once it says something clear.
    server.answers(move |path| {
        let fresh = beyond();
        (200, if path.contains("timestamp") { fresh.replace("0.5", &now()) } else { fresh })
    });
    scenario.run(&["watch", "--act", "auto", "--every", "10ms", "--rounds", "6"]).exits(0);
    assert_eq!(scenario.runs().len(), 1, "and on a clear number it acts");
}

#[test]
fn it_only_tells_unless_told_to_act_and_the_switch_in_the_cluster_holds_it_back() {
    let prometheus = Prometheus::start();
    prometheus.exporter.set("errors", 0.5);
    let endpoint = heals();
    let told = "notifications:\n  - { name: log, exec: [sh, -c, \"cat >> told.txt; echo >> told.txt\"], on: [trigger] }\n";
    let scenario = watched(&prometheus.url, &endpoint, "false", told);
    let told = scenario.path("told.txt");
    let text = std::fs::read_to_string(scenario.path("runbooks/triggers.yaml")).expect("there");
    let scenario = scenario
        .file("runbooks/triggers.yaml", &text.replace("told.txt", &told.display().to_string()));
    eventually("red", || (scenario.run(&["triggers"]).code == Some(21)).then_some(()));
    scenario
        .run(&["watch", "--every", "10ms", "--rounds", "5"])
        .exits(0)
        .says("trigger raised errors");
    let told = std::fs::read_to_string(&told).expect("somebody was told");
    assert!(
        told.contains("\"occasion\":\"trigger\"") && told.contains("rollback component"),
        "{told}"
    );
    let rounds = ["watch", "--act", "auto", "--every", "10ms", "--rounds", "5"];
    scenario.run(&rounds).exits(0).says("the switch in the cluster is off");
    let text = std::fs::read_to_string(scenario.path("runbooks/triggers.yaml")).expect("there");
    let scenario = scenario.file(
        "runbooks/triggers.yaml",
        &text.replace("configmap: automation", "configmap: missing"),
    );
    scenario.run(&rounds).exits(0).says("cannot be read");
    assert!(scenario.runs().is_empty(), "nothing was rolled back");
    assert!(scenario.changes().iter().all(|it| !it.contains("PATCH")), "{:?}", scenario.changes());
}

#[test]
fn those_who_are_told_never_delay_or_fail_a_rollback_and_are_written_down() {
    let chat = Endpoint::status(200);
    let broken = Endpoint::status(500);
    let hanging = std::net::TcpListener::bind("127.0.0.1:0").expect("bound");
    let endpoint = heals();
    let more = format!(
        "notifications:\n  - {{ name: chat, slack: \"{}\", on: [start, verdict] }}\n  - {{ name: \
         broken, webhook: \"{}\" }}\n  - {{ name: hanging, webhook: \"http://{}/canary\" }}\n",
        chat.url("/hook"),
        broken.url("/hook"),
        hanging.local_addr().expect("an address")
    );
    let scenario = watched("http://127.0.0.1:1", &endpoint, "false", &more);
    let begun = Instant::now();
    scenario
        .run(&["component", "dispatcher", "--yes", "--trigger", "errors", "--reason", "seen"])
        .exits(0)
        .says("recovered");
    let records = scenario.records();
    let end = records.iter().find(|it| it["type"] == "run_finished").expect("an end");
    let took = end["elapsed_ms"].as_u64().expect("a number");
    assert!(took < 4000, "the rollback itself took {took} ms");
    assert!(begun.elapsed() < Duration::from_secs(12));
    assert_eq!(records[0]["trigger"], "errors");
    assert_eq!(chat.asked().iter().filter(|it| it.starts_with("POST /hook")).count(), 2);
    let told = |name: &str| -> Vec<(String, bool)> {
        let ours = records.iter().filter(|it| it["type"] == "notified" && it["name"] == name);
        let word = |it: &serde_json::Value| it["occasion"].as_str().expect("a word").to_owned();
        ours.map(|it| (word(it), it["delivered"] == true)).collect()
    };
    assert_eq!(told("chat"), [("start".to_owned(), true), ("verdict".to_owned(), true)]);
    assert!(told("broken").iter().all(|(_, delivered)| !delivered), "{:?}", told("broken"));
    let text = std::fs::read_to_string(
        scenario.state().join("runs").join(&scenario.runs()[0]).join("journal.jsonl"),
    );
    assert!(!text.expect("a journal").contains("canary"), "addresses may be secrets");
    scenario
        .run(&["component", "dispatcher", "--yes", "--trigger", "erors"])
        .exits(2)
        .says("did you mean `errors`?");
}

#[test]
fn an_alert_is_silenced_for_a_run_where_that_is_asked_for() {
    let rules = "groups:\n  - name: shop\n    rules: [{ alert: TooManyErrors, expr: vector(1) }]\n";
    let prometheus = Prometheus::with_rules(Some(rules));
    let endpoint = heals();
    let more = format!(
        "alertmanager: {{ url: \"{}\" }}\nnotifications:\n  - {{ name: alerts, silence: TooManyErrors, on: [start] }}\n",
        prometheus.alertmanager
    );
    let scenario = watched(&prometheus.url, &endpoint, "false", &more);
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0);
    let records = scenario.records();
    let told = records.iter().find(|it| it["type"] == "notified").expect("who was told");
    assert_eq!(told["delivered"], true, "{told}");
    assert!(told["why"].as_str().is_some_and(|why| why.starts_with("silence ")), "{told}");
}

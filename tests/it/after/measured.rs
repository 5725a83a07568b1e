//! What was measured beside a run and who was told, from its journal into its report.

use serde_json::Value;

use super::super::prometheus::{Prometheus, eventually};
use super::{broken, off};
use crate::scenario::{Endpoint, Scenario};

/// Broken, with a metric that a real Prometheus has and one that it has not.
fn measured(prometheus: &Prometheus, endpoint: &Endpoint, more: &str) -> Scenario {
    broken(endpoint).file(
        "runbooks/triggers.yaml",
        &format!(
            "apiVersion: rollback/v1\nprometheus: {{ url: \"{}\" }}\nmetrics:\n  error_rate: {{ \
             title: Error rate, query: errors, target: \"< 1%\", alert: \"> 5%\" }}\n  users: {{ \
             title: Users, query: users, target: \"> 10\", alert: \"< 5\" }}\n{more}",
            prometheus.url
        ),
    )
}

/// Healthy from the second question on.
fn heals() -> Endpoint {
    let asked = std::sync::atomic::AtomicU32::new(0);
    Endpoint::new(move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;
        (if first { 503 } else { 200 }, String::new())
    })
}

fn numbers(records: &[Value], phase: &str) -> Vec<f64> {
    let ours = records.iter().filter(|it| it["type"] == "metrics_sampled" && it["phase"] == phase);
    let points = ours.flat_map(|it| it["points"]["error_rate"].as_array().expect("points").clone());
    points.filter_map(|point| point["value"].as_f64()).collect()
}

#[test]
fn the_report_draws_what_was_measured_before_during_and_after_with_all_of_it_gone() {
    let mut prometheus = Prometheus::start();
    prometheus.exporter.set("errors", 0.4);
    let endpoint = heals();
    let scenario = measured(&prometheus, &endpoint, "");
    eventually("it is scraped", || {
        let shown = scenario.run(&["metrics"]).stdout;
        shown.contains("40%").then_some(())
    });
    scenario.run(&["component", "dispatcher", "--yes"]).exits(0);
    prometheus.exporter.set("errors", 0.0025);
    eventually("it is scraped", || {
        let shown = scenario.run(&["metrics"]).stdout;
        shown.contains("0.25%").then_some(())
    });
    scenario.run(&["validate", "--once"]).exits(5);
    let records = scenario.records();
    assert!(numbers(&records, "before").ends_with(&[0.4]), "{records:#?}");
    assert!(numbers(&records, "during").contains(&0.4));
    assert_eq!(numbers(&records, "after").last(), Some(&0.0025));
    let end = records.iter().position(|it| it["type"] == "run_finished").expect("an end");
    let after = records.iter().position(|it| it["phase"] == "after").expect("one");
    assert!(after > end, "what comes after the end stands after it");
    prometheus.stop();
    let scenario = off(scenario);
    std::fs::remove_dir_all(scenario.path("runbooks")).expect("no catalog");
    let text = scenario.run(&["report"]).exits(0).stdout;
    let row = text.lines().find(|line| line.starts_with("| Error rate |")).expect("a row");
    assert!(row.contains("| &lt; 1% | &gt; 5% | 40% | 40% | 0.25% | good |"), "{row}");
    assert!(row.contains('█') && row.contains('▁') && row.matches('›').count() == 2, "{row}");
    assert!(text.contains("| Users | &gt; 10 | &lt; 5 | unknown | unknown | unknown | unknown |"));
    let page = scenario.run(&["report", "--format", "html"]).exits(0).stdout;
    let chart = page.split("class=\"gantt\"").nth(1).and_then(|it| it.split("</svg>").next());
    let chart = chart.expect("a chart");
    assert!(chart.contains(">Error rate<") && chart.contains("class=\"number\""), "{chart}");
    assert!(chart.contains("class=\"alert\"") && chart.contains("max 40%"), "{chart}");
    let spark = page.split("class=\"spark\"").nth(1).and_then(|it| it.split("</svg>").next());
    assert!(spark.expect("a line").contains("before 40%, worst during 40%, after 0.25%"));
    let json = scenario.run(&["report", "--format", "json"]).exits(0).json();
    let of = |field: &str| json["metrics"][0][field].clone();
    assert_eq!([of("before"), of("worst"), of("after")], [0.4, 0.4, 0.0025]);
}

#[test]
fn who_was_told_and_the_contacts_are_in_the_report_and_no_address_is_anywhere() {
    let endpoint = heals();
    let (chat, broken) = (Endpoint::status(200), Endpoint::status(500));
    let prometheus = Prometheus::start();
    let more = format!(
        "notifications:\n  - {{ name: chat, slack: \"{}/${{hook}}\" }}\n  - {{ name: pager, webhook: \
         \"{}/${{hook}}\", headers: {{ Authorization: \"Bearer ${{hook}}\" }}, on: [start] }}\n",
        chat.url(""),
        broken.url("")
    );
    let scenario = measured(&prometheus, &endpoint, &more);
    let settings = std::fs::read_to_string(scenario.path("runbooks/rollback.yaml")).expect("there");
    let secret = "parameters:\n  hook: { secret: { env: HOOK_TOKEN } }\n";
    let scenario = scenario
        .file("runbooks/rollback.yaml", &(settings + secret))
        .env("HOOK_TOKEN", "canary-7f3a9b2c");
    let ended = scenario.run(&["component", "dispatcher", "--yes", "--output", "jsonl"]).exits(0);
    let last = ended.lines().pop().expect("an end");
    assert_eq!(last["type"], "run_finished", "the stream ends with the verdict");
    assert!(chat.asked().iter().any(|it| it.contains("canary-7f3a9b2c")), "it is the address");
    let records = scenario.records();
    let told: Vec<(&str, &str, bool)> = records
        .iter()
        .filter(|it| it["type"] == "notified")
        .map(|it| {
            let text = |field: &str| it[field].as_str().expect("a text");
            (text("name"), text("occasion"), it["delivered"] == true)
        })
        .collect();
    for one in [("chat", "start", true), ("chat", "verdict", true), ("pager", "start", false)] {
        assert!(told.contains(&one), "{one:?}: {told:?}");
    }
    let text = scenario.run(&["report"]).exits(0).stdout;
    assert!(text.contains("| pager | start | not told | 3 |"), "{text}");
    assert!(text.contains("| Engineering Lead | decides (primary) | \\#leads |"), "{text}");
    assert!(text.contains("| DevOps Engineer | execution | ops@example.org |"), "{text}");
    scenario.run(&["runs", "show"]).exits(0).says("pager could not be told of the start");
    let page = scenario.run(&["report", "--format", "html"]).exits(0).stdout;
    let json = scenario.run(&["report", "--format", "json"]).exits(0).stdout;
    for (place, text) in [
        ("the stream", &ended.stdout),
        ("the terminal", &ended.stderr),
        ("the report", &text),
        ("the page", &page),
        ("the report's JSON", &json),
    ] {
        assert!(!text.contains("canary-7f3a9b2c"), "{place}: {text}");
    }
    for file in walkdir(&scenario.path("state")) {
        let bytes = std::fs::read(&file).expect("read");
        let text = String::from_utf8_lossy(&bytes);
        assert!(!text.contains("canary-7f3a9b2c"), "{}: {text}", file.display());
    }
}

/// Every file below a directory.
fn walkdir(dir: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a directory").flatten() {
        let path = entry.path();
        if path.is_dir() {
            files.extend(walkdir(&path));
        } else {
            files.push(path);
        }
    }
    files
}

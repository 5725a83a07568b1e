//! `metric`: a number within its bound is recovery; no number never is.

use std::time::{SystemTime, UNIX_EPOCH};

use crate::prometheus::{Prometheus, eventually};
use crate::scenario::{Endpoint, Scenario};

/// A Prometheus that answers with these values, one series each.
fn prometheus(values: &'static [&'static str]) -> Endpoint {
    Endpoint::new(move |_| (200, answer(values)))
}

fn answer(values: &[&str]) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs_f64();
    let series: Vec<String> = values
        .iter()
        .map(|value| format!(r#"{{"metric":{{}},"value":[{now},"{value}"]}}"#))
        .collect();
    let series = series.join(",");
    format!(r#"{{"status":"success","data":{{"resultType":"vector","result":[{series}]}}}}"#)
}

/// A component whose one step does something, and which recovers when few requests fail.
fn measured(prometheus: &Endpoint) -> Scenario {
    Scenario::new()
        .settings(&format!(
            "apiVersion: rollback/v1\ncontext: test\nnamespace: shop\nparameters:\n  metrics: \
             {{ default: \"{}\" }}\nprometheus: {{ url: \"${{metrics}}\" }}\n",
            prometheus.url("")
        ))
        .component(
            "dispatcher",
            "methods:\n  flag:\n    steps:\n      - name: Touch\n        command: [touch, done]\n        \
             probe: [test, -e, done]\nrecovered_when:\n  - metric: { query: \"sum(rate(errors[1m]))\", below: \
             0.05 }\n    within: 2s\n",
        )
}

#[test]
fn a_number_that_comes_within_its_bound_is_recovery() {
    let prometheus = prometheus(&["0.4"]);
    let asked = std::sync::atomic::AtomicU32::new(0);
    prometheus.answers(move |_| {
        let first = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 1;
        (200, answer(if first { &["0.4"] } else { &["0.01"] }))
    });
    let scenario = measured(&prometheus);
    scenario
        .run(&["component", "dispatcher", "--yes"])
        .exits(0)
        .says("0.4 (wanted < 0.05)")
        .says("0.01 < 0.05");
}

#[test]
fn no_data_is_neither_failing_before_nor_recovered_after() {
    for (values, why) in [
        (&[][..], "no series matches"),
        (&["NaN"][..], "the value is NaN"),
        (&["0.01", "0.02"][..], "2 series instead of one number"),
    ] {
        let prometheus = Endpoint::new(move |_| (200, answer(values)));
        let scenario = measured(&prometheus);
        scenario.run(&["component", "dispatcher", "--yes"]).exits(5).says(why);
    }
    let prometheus = Endpoint::status(503);
    measured(&prometheus)
        .run(&["component", "dispatcher", "--yes"])
        .exits(5)
        .says("Prometheus does not answer");
}

#[test]
fn a_step_that_measures_waits_until_the_number_has_held_long_enough() {
    let prometheus = prometheus(&["3"]);
    let scenario = Scenario::new().component(
        "queue",
        &format!(
            "methods:\n  flag:\n    steps:\n      - name: The queue is short\n        metric: {{ query: \
             queue_length, at_most: 3, for: 1s, url: \"{}\" }}\n        timeout: 5s\n",
            prometheus.url("/prefix")
        ),
    );
    // The age of a plain series is asked as well, and 3 is an old time.
    scenario.run(&["component", "queue", "--yes"]).exits(1).says("the last sample is");
    prometheus.answers(|head| {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a time").as_secs_f64();
        let time = now.to_string();
        let value = if head.contains("timestamp") { time.as_str() } else { "3" };
        (200, answer(&[value]))
    });
    let begun = std::time::Instant::now();
    scenario.run(&["component", "queue", "--yes"]).exits(5).says("3 <= 3, for 1s");
    assert!(begun.elapsed() >= std::time::Duration::from_secs(1));
    assert!(prometheus.asked().iter().all(|head| head.contains("/prefix/api/v1/query?")));
}

#[test]
fn without_a_prometheus_the_step_is_blocked() {
    let scenario = Scenario::new().component(
        "queue",
        "methods:\n  flag:\n    steps:\n      - name: Measure\n        metric: { query: up, above: 0 }\n",
    );
    scenario.run(&["component", "queue", "--dry-run"]).exits(4).says("no Prometheus is named");
}

#[test]
fn a_query_that_prometheus_cannot_read_is_blocked_in_its_own_words() {
    let error = r#"invalid parameter \"query\": 1:5: parse error: unclosed left parenthesis"#;
    let body = format!(r#"{{"status":"error","errorType":"bad_data","error":"{error}"}}"#);
    let prometheus = Endpoint::new(move |_| (400, body.clone()));
    let scenario = Scenario::new().component(
        "queue",
        &format!(
            "methods:\n  flag:\n    steps:\n      - name: Measure\n        metric: {{ query: \"sum(\", \
             above: 0, url: \"{}\" }}\n",
            prometheus.url("")
        ),
    );
    scenario
        .run(&["component", "queue", "--dry-run"])
        .exits(4)
        .says("1:5: parse error: unclosed left parenthesis")
        .says("correct the query in the runbook");
}

#[test]
fn a_number_that_has_not_held_long_enough_is_said_not_to_have() {
    let prometheus = prometheus(&["3"]);
    let scenario = Scenario::new().component(
        "queue",
        &format!(
            "methods:\n  flag:\n    steps:\n      - name: The queue is short\n        metric: {{ query: \
             \"sum(rate(queue[1m]))\", at_most: 3, for: 1s, url: \"{}\" }}\n        timeout: 1100ms\n",
            prometheus.url("")
        ),
    );
    let asked = std::sync::atomic::AtomicU32::new(0);
    prometheus.answers(move |_| {
        let bad = asked.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 3;
        (200, answer(if bad { &["4"] } else { &["3"] }))
    });
    scenario
        .run(&["component", "queue", "--yes"])
        .exits(1)
        .says("3 <= 3, but not for 1s within 1s 100ms");
}

#[test]
fn an_expression_of_stale_samples_passes_nothing_however_it_is_written() {
    let prometheus = Prometheus::start();
    prometheus.exporter.set("fresh", 1.0);
    prometheus.exporter.set_old("stale", 1.0, std::time::Duration::from_secs(220));
    let ask = |query: &str| {
        let scenario = Scenario::new().component(
            "queue",
            &format!(
                "methods:\n  flag:\n    steps:\n      - name: Measure\n        metric: {{ query: \
                 {query:?}, above: 0, url: \"{}\" }}\n        timeout: 100ms\n",
                prometheus.url
            ),
        );
        scenario.run(&["component", "queue", "--yes"])
    };
    eventually("both are scraped", || {
        (ask("fresh").code == Some(5) && ask("stale").stdout.contains("the last sample is 3m"))
            .then_some(())
    });
    for query in ["sum(fresh)", "fresh * 1", "sum(fresh) or vector(0)", "1 + absent(nothing)"] {
        ask(query).exits(5);
    }
    for query in
        ["stale", "sum(stale)", "stale * 1", "sum(fresh) / sum(stale)", "max(stale) or max(fresh)"]
    {
        ask(query).exits(1).says("no data: the last sample is 3m");
    }
}

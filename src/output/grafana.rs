//! PURE: the metrics as a dashboard that Grafana imports: a number and a graph for each, with target
//! and alert as thresholds. `docs/triggers.md` names the subset of the dashboard model used here.

use serde_json::{Value, json};

use crate::runbook::bound::{Bound, Comparison, Unit};
use crate::runbook::watching::{Metric, Watching};

/// The dashboard.
pub fn dashboard(watching: &Watching) -> Value {
    let mut panels = Vec::new();
    for (row, (name, metric)) in watching.metrics.iter().enumerate() {
        let y = row * 6;
        panels.push(panel(panels.len() + 1, "stat", (0, y, 6), name, metric));
        panels.push(panel(panels.len() + 1, "timeseries", (6, y, 18), name, metric));
    }
    json!({
        "title": "Rollback",
        "uid": "rollback-metrics",
        "tags": ["rollback"],
        "schemaVersion": 39,
        "version": 1,
        "editable": true,
        "refresh": "10s",
        "time": { "from": "now-1h", "to": "now" },
        "templating": { "list": [{
            "name": "source", "label": "Prometheus", "type": "datasource", "query": "prometheus",
        }]},
        "annotations": { "list": [] },
        "panels": panels,
    })
}

fn panel(id: usize, kind: &str, at: (usize, usize, usize), name: &str, metric: &Metric) -> Value {
    let (x, y, width) = at;
    let source = json!({ "type": "prometheus", "uid": "${source}" });
    let mut value = json!({
        "id": id,
        "type": kind,
        "title": metric.title,
        "description": format!("{name}: target {}, alert {}", metric.target, metric.alert),
        "gridPos": { "x": x, "y": y, "w": width, "h": 6 },
        "datasource": source,
        "targets": [{ "refId": "A", "expr": metric.query.trim(), "datasource": source,
            "instant": kind == "stat" }],
        "fieldConfig": { "defaults": {
            "unit": unit(metric.target),
            "thresholds": { "mode": "absolute", "steps": steps(metric) },
        }, "overrides": [] },
    });
    if kind == "timeseries" {
        value["fieldConfig"]["defaults"]["custom"] =
            json!({ "thresholdsStyle": { "mode": "line" } });
    }
    value
}

fn unit(bound: Bound) -> &'static str {
    match bound.unit {
        Unit::Plain => "short",
        Unit::Percent => "percentunit",
        Unit::Seconds => "s",
    }
}

/// Colours from the lowest value up; the first has no value.
fn steps(metric: &Metric) -> Value {
    let step = |color: &str, value: Option<f64>| json!({ "color": color, "value": value });
    match metric.alert.comparison {
        Comparison::Above | Comparison::AtLeast => {
            let mut steps = vec![step("green", None)];
            if metric.target.value < metric.alert.value {
                steps.push(step("yellow", Some(metric.target.value)));
            }
            let least = if metric.alert.value == 0.0 { 1e-9 } else { metric.alert.value };
            steps.push(step("red", Some(least)));
            Value::from(steps)
        }
        _ => json!([
            step("red", None),
            step("yellow", Some(metric.alert.value)),
            step("green", Some(metric.target.value)),
        ]),
    }
}

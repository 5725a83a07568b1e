//! PURE: triggers as alerting rules of Prometheus, for teams that want Alertmanager to tell them.

use std::fmt::Write as _;

use crate::runbook::bound::Bound;
use crate::runbook::duration;
use crate::runbook::watching::{Trigger, Watching};
use crate::script::shell_quote;

/// A rules file; triggers that no query can tell are named in comments.
pub fn prometheus(watching: &Watching) -> String {
    let mut out = String::from(
        "# Made by `rollback triggers --export prometheus-rules`; change triggers.yaml instead.\n",
    );
    let mut rules = String::new();
    for (name, trigger) in &watching.triggers {
        match (&trigger.query, trigger.bound) {
            (Some(query), Some(bound)) => rule(&mut rules, name, trigger, query, bound),
            _ => {
                let _ = writeln!(out, "# {name}: no query tells it; see `rollback triggers`.");
            }
        }
    }
    out.push_str("groups:\n  - name: rollback-triggers\n    rules:");
    if rules.is_empty() {
        out.push_str(" []\n");
    } else {
        out.push('\n');
        out.push_str(&rules);
    }
    out
}

fn rule(out: &mut String, name: &str, trigger: &Trigger, query: &str, bound: Bound) {
    let query = query.trim();
    let mut expression = match trigger.baseline {
        None => format!("({query})"),
        Some(ago) => format!(
            "(({query}) / last_over_time(({query})[5m:] offset {}) - 1)",
            duration::format(ago)
        ),
    };
    let _ = write!(expression, " {} {}", bound.comparison.as_str(), bound.value);
    if let Some(minimum) = &trigger.minimum {
        let _ = write!(expression, " and on () ({}) >= {}", minimum.query.trim(), minimum.at_least);
    }
    let command: Vec<String> =
        trigger.command_line(name).iter().map(|word| shell_quote(word)).collect();
    // Every JSON text is a YAML text, whatever stands in it.
    let text = |text: &str| serde_json::Value::from(text).to_string();
    let _ = writeln!(out, "      - alert: {}", text(&alert_name(name)));
    let _ = writeln!(out, "        expr: {}", text(&expression));
    if let Some(lasting) = trigger.lasting {
        let _ = writeln!(out, "        for: {}", duration::format(lasting));
    }
    let _ = writeln!(out, "        labels:\n          severity: {}", trigger.severity.as_str());
    let _ = writeln!(out, "          trigger: {}", text(name));
    // Braces would be read as a template of Prometheus.
    let summary = trigger.title.replace("{{", "{ {");
    let _ = writeln!(out, "        annotations:\n          summary: {}", text(&summary));
    let _ = writeln!(out, "          command: {}", text(&command.join(" ")));
}

/// `system-errors` -> `RollbackSystemErrors`.
fn alert_name(name: &str) -> String {
    let mut out = String::from("Rollback");
    for word in name.split(['-', '_']) {
        let mut chars = word.chars();
        out.extend(chars.next().map(|first| first.to_ascii_uppercase()));
        out.extend(chars);
    }
    out
}

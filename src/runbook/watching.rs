//! `triggers.yaml` as types: when to roll back, what is measured, who watches and who is told. It is
//! a file of its own, so that a typo in it never stands in the way of a rollback.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::bound::Bound;
use super::model::{Level, Place, Settings, Target};
use super::parameters::Parameters;
use super::template::{self, Meaning};
use crate::error::{Error, Result};

/// The file.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Watching {
    /// The Prometheus server.
    pub prometheus: Option<Source>,
    /// The Alertmanager.
    pub alertmanager: Option<Source>,
    /// What is measured, by name.
    pub metrics: BTreeMap<String, Metric>,
    /// When to roll back, by name.
    pub triggers: BTreeMap<String, Trigger>,
    /// The monitor.
    pub watch: Watch,
    /// Who is told.
    pub notifications: Vec<Notification>,
    /// Where it came from.
    pub place: Place,
    /// The secrets that stand in it once it is resolved; nobody may see them.
    #[serde(skip)]
    pub secrets: Vec<String>,
    /// What each trigger's command line needs besides: the catalog and the parameters that were
    /// given, as far as its runbook knows them.
    #[serde(skip)]
    pub given: BTreeMap<String, Vec<String>>,
}

/// A server that is asked.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Source {
    /// Its address.
    pub url: String,
    /// How long one question may take.
    #[serde(default)]
    pub timeout: Option<Duration>,
    /// Added headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Alertmanager: an alert that always fires, and so shows that alerts arrive.
    #[serde(default)]
    pub watchdog: Option<String>,
}

impl Source {
    /// How long one question may take.
    pub fn limit(&self) -> Duration {
        self.timeout.unwrap_or(Duration::from_secs(5))
    }
}

/// How bad it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Roll back now.
    Red,
    /// Be ready to.
    Amber,
}

impl Severity {
    /// The word.
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Red => "red",
            Severity::Amber => "amber",
        }
    }
}

/// A reason to roll back.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Trigger {
    /// For people.
    pub title: String,
    /// How bad it is.
    pub severity: Severity,
    /// A PromQL query.
    #[serde(default)]
    pub query: Option<String>,
    /// Or an alert's name.
    #[serde(default)]
    pub alert: Option<String>,
    /// Or a command: 0 all is well, 1 it is not.
    #[serde(default)]
    pub command: Option<Vec<String>>,
    /// Or a number in a JSON document.
    #[serde(default)]
    pub endpoint: Option<Endpoint>,
    /// Or what only people see.
    #[serde(default)]
    pub reported: Option<String>,
    /// Where the alert is asked for: `prometheus` or `alertmanager`.
    #[serde(default)]
    pub at: Option<String>,
    /// The number that is too much.
    #[serde(default)]
    pub bound: Option<Bound>,
    /// Compares with the same query this long ago; the bound is then of the change.
    #[serde(default)]
    pub baseline: Option<Duration>,
    /// How long it must be so.
    #[serde(default, rename = "for")]
    pub lasting: Option<Duration>,
    /// Traffic without which the number means nothing.
    #[serde(default)]
    pub minimum: Option<Minimum>,
    /// What to roll back: `component NAME`, `service NAME` or `system`.
    pub rollback: String,
    /// By which method.
    #[serde(default)]
    pub method: Option<String>,
    /// Whether and how the monitor may act by itself.
    #[serde(default)]
    pub automatic: Option<Automatic>,
}

/// A number in a JSON document.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Endpoint {
    /// Where.
    pub url: String,
    /// The number's JSON pointer.
    pub pointer: String,
    /// Added headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
}

/// Traffic without which a number means nothing.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Minimum {
    /// A PromQL query.
    pub query: String,
    /// What it must be at least.
    pub at_least: u32,
}

/// Leave to act.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub struct Automatic {
    /// How many of the last evaluations must say so.
    #[serde(default)]
    pub hits: Option<u32>,
    /// How many evaluations are looked at.
    #[serde(default)]
    pub of: Option<u32>,
    /// The number that is well again.
    #[serde(default)]
    pub clear: Option<Bound>,
    /// The least time between two rollbacks.
    #[serde(default)]
    pub cooldown: Option<Duration>,
}

/// The monitor.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Watch {
    /// The time between two evaluations.
    pub every: Option<Duration>,
    /// The most rollbacks of an hour, all triggers together.
    pub hourly: Option<u32>,
    /// The switch in the cluster without which nothing is done automatically.
    pub switch: Option<Switch>,
}

/// A key of a ConfigMap that must be `"true"`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Switch {
    /// The ConfigMap.
    pub configmap: String,
    /// The key.
    pub key: String,
}

/// What is measured.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Metric {
    /// For people.
    pub title: String,
    /// A PromQL query.
    pub query: String,
    /// What it should be.
    pub target: Bound,
    /// What is too bad.
    pub alert: Bound,
}

/// Somebody who is told.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Notification {
    /// Who, for the record of who was told.
    pub name: String,
    /// A Slack-compatible webhook.
    #[serde(default)]
    pub slack: Option<String>,
    /// Or any webhook, which gets JSON.
    #[serde(default)]
    pub webhook: Option<String>,
    /// Or a command, which gets the same JSON on its standard input.
    #[serde(default)]
    pub exec: Option<Vec<String>>,
    /// Or an alert that Alertmanager is asked to silence for the time of a run.
    #[serde(default)]
    pub silence: Option<String>,
    /// Added headers.
    #[serde(default)]
    pub headers: BTreeMap<String, String>,
    /// Of what; of everything where it is not said.
    #[serde(default)]
    pub on: Vec<String>,
}

impl Trigger {
    /// What it rolls back.
    pub fn target(&self) -> Option<Target> {
        target(&self.rollback)
    }

    /// The command line that does it by hand.
    pub fn command_line(&self, name: &str) -> Vec<String> {
        let mut words: Vec<String> = vec!["rollback".to_owned()];
        words.extend(self.rollback.split_whitespace().map(str::to_owned));
        if let Some(method) = &self.method {
            words.extend(["--method".to_owned(), method.clone()]);
        }
        words.extend(["--trigger".to_owned(), name.to_owned()]);
        words
    }
}

/// `component NAME`, `service NAME` or `system`.
pub fn target(text: &str) -> Option<Target> {
    let words: Vec<&str> = text.split_whitespace().collect();
    let target = |level, name: &str| Some(Target { level, name: name.to_owned() });
    match words[..] {
        ["component", name] => target(Level::Component, name),
        ["service", name] => target(Level::Service, name),
        ["system"] => target(Level::System, "system"),
        _ => None,
    }
}

impl Watching {
    /// Every `${name}` replaced; secrets as well, for this stays in memory.
    pub fn resolve(&mut self, settings: &Settings, given: &Parameters) -> Result<()> {
        let mut used = BTreeSet::new();
        self.texts(&mut |text| used.extend(template::late(text).into_iter().map(str::to_owned)));
        let resolved = given.resolve(&settings.parameters, &used)?;
        let secrets = crate::secrets::fetch(&resolved.secrets)?;
        self.secrets = secrets.values().cloned().collect();
        let mut failed = None;
        self.texts(&mut |text| {
            let lookup = |name: &str| {
                let plain = resolved.values.get(name).map(|(value, _)| value);
                plain.or_else(|| secrets.get(name)).map(|it| Meaning::Value(it.as_str().into()))
            };
            match template::resolve(text, lookup) {
                Ok(done) => *text = done,
                Err(why) => failed = Some(why.to_string()),
            }
        });
        match failed {
            Some(why) => {
                let message = format!("{}: {why}", self.place.file.display());
                Err(Error::invalid(message).hint("run `rollback lint`").into())
            }
            None => Ok(()),
        }
    }

    fn texts(&mut self, look: &mut dyn FnMut(&mut String)) {
        for source in self.prometheus.iter_mut().chain(self.alertmanager.iter_mut()) {
            look(&mut source.url);
            source.headers.values_mut().for_each(&mut *look);
        }
        self.metrics.values_mut().for_each(|metric| look(&mut metric.query));
        for trigger in self.triggers.values_mut() {
            let minimum = trigger.minimum.iter_mut().map(|minimum| &mut minimum.query);
            trigger.query.iter_mut().chain(minimum).for_each(&mut *look);
            trigger.command.iter_mut().flatten().for_each(&mut *look);
            if let Some(endpoint) = &mut trigger.endpoint {
                look(&mut endpoint.url);
                endpoint.headers.values_mut().for_each(&mut *look);
            }
        }
        if let Some(switch) = &mut self.watch.switch {
            look(&mut switch.configmap);
        }
        for told in &mut self.notifications {
            let urls = told.slack.iter_mut().chain(told.webhook.iter_mut());
            urls.for_each(&mut *look);
            told.headers.values_mut().for_each(&mut *look);
            told.exec.iter_mut().flatten().for_each(&mut *look);
        }
    }
}

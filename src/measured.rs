//! What went on beside a run, folded from its records: each metric's numbers, and who was told. Pure.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::event::{MetricsSampled, Notified, Phase};
use crate::runbook::bound::Bound;

/// What went on beside a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Beside {
    /// What was measured, by metric.
    pub metrics: BTreeMap<String, Series>,
    /// Who was told, in order.
    pub told: Vec<Told>,
}

/// A metric's numbers.
#[derive(Debug, Clone, Default, Serialize)]
pub struct Series {
    /// For people.
    pub title: String,
    /// What it should be.
    pub target: String,
    /// What is too bad.
    pub alert: String,
    /// In order of time.
    pub points: Vec<Measured>,
}

/// A number.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measured {
    /// When, as seen from the run.
    pub phase: Phase,
    /// When, RFC 3339.
    pub at: String,
    /// The number; none where there was none.
    pub value: Option<f64>,
}

/// Somebody who was told, or could not be.
#[derive(Debug, Clone, Serialize)]
pub struct Told {
    /// When.
    pub ts: String,
    /// Whom, of what, and what came of it.
    #[serde(flatten)]
    pub told: Notified,
}

impl Beside {
    /// Adds what was measured.
    pub fn sampled(&mut self, sampled: &MetricsSampled) {
        for (name, about) in &sampled.metrics {
            let series = self.metrics.entry(name.clone()).or_default();
            series.title.clone_from(&about.title);
            series.target.clone_from(&about.target);
            series.alert.clone_from(&about.alert);
        }
        for (name, points) in &sampled.points {
            let series = self.metrics.entry(name.clone()).or_default();
            series.points.extend(points.iter().map(|point| Measured {
                phase: sampled.phase,
                at: point.at.clone(),
                value: point.value,
            }));
        }
    }

    /// Adds who was told.
    pub fn told(&mut self, ts: &str, told: &Notified) {
        self.told.push(Told { ts: ts.to_owned(), told: told.clone() });
    }
}

impl Series {
    /// The title, or the name where no record says what it is.
    pub fn title<'a>(&'a self, name: &'a str) -> &'a str {
        if self.title.is_empty() { name } else { &self.title }
    }

    /// What it should be.
    pub fn target(&self) -> Option<Bound> {
        Bound::parse(&self.target).ok()
    }

    /// What is too bad.
    pub fn alert(&self) -> Option<Bound> {
        Bound::parse(&self.alert).ok()
    }

    /// A number as people read it.
    pub fn show(&self, value: Option<f64>) -> String {
        let shown =
            |value: f64| self.alert().map_or_else(|| value.to_string(), |it| it.show(value));
        value.map_or_else(|| "unknown".to_owned(), shown)
    }

    /// The numbers of a phase.
    fn of(&self, phase: Phase) -> impl DoubleEndedIterator<Item = f64> + '_ {
        self.points.iter().filter(move |point| point.phase == phase).filter_map(|point| point.value)
    }

    /// The last number before the run.
    pub fn before(&self) -> Option<f64> {
        self.of(Phase::Before).next_back()
    }

    /// Whether low numbers are the bad ones.
    pub fn low_is_bad(&self) -> bool {
        self.alert().is_some_and(|alert| alert.is_floor())
    }

    /// The worst number while it lasted: the highest, or the lowest where low is bad.
    pub fn worst(&self) -> Option<f64> {
        self.of(Phase::During).reduce(if self.low_is_bad() { f64::min } else { f64::max })
    }

    /// The last number after the run.
    pub fn after(&self) -> Option<f64> {
        self.of(Phase::After).next_back()
    }

    /// What the last number that there is comes to: `good`, `off target`, `alert`, `unknown`.
    pub fn word(&self) -> &'static str {
        let last = self.points.iter().rev().find_map(|point| point.value);
        match (last, self.target(), self.alert()) {
            (Some(value), _, Some(alert)) if alert.holds(value) => "alert",
            (Some(value), Some(target), _) if target.holds(value) => "good",
            (Some(_), _, _) => "off target",
            (None, _, _) => "unknown",
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::{MetricAbout, Sampled};

    fn sampled(phase: Phase, values: &[Option<f64>], alert: &str) -> MetricsSampled {
        let about =
            MetricAbout { title: "Errors".into(), target: "< 1%".into(), alert: alert.into() };
        let at = "2026-11-23T02:14:05Z";
        let point = |value: &Option<f64>| Sampled { at: at.into(), value: *value };
        MetricsSampled {
            phase,
            metrics: BTreeMap::from([("errors".to_owned(), about)]),
            points: BTreeMap::from([("errors".to_owned(), values.iter().map(point).collect())]),
        }
    }

    #[test]
    fn a_metric_has_its_last_number_before_its_worst_during_and_its_last_after() {
        let mut beside = Beside::default();
        beside.sampled(&sampled(Phase::Before, &[Some(0.02), None], "> 5%"));
        beside.sampled(&sampled(Phase::During, &[Some(0.4), None, Some(0.5), Some(0.1)], "> 5%"));
        beside.sampled(&sampled(Phase::After, &[Some(0.1), Some(0.002)], "> 5%"));
        let series = &beside.metrics["errors"];
        let shown = [series.before(), series.worst(), series.after()].map(|it| series.show(it));
        assert_eq!(shown, ["2%", "50%", "0.2%"]);
        assert_eq!(series.word(), "good");
        let mut low = Beside::default();
        low.sampled(&sampled(Phase::During, &[Some(0.9), Some(0.2), None], "< 90%"));
        assert_eq!(low.metrics["errors"].worst(), Some(0.2), "where low is bad");
        assert_eq!(low.metrics["errors"].show(None), "unknown");
    }
}

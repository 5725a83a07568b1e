//! The metrics of a report: figures and a line of bars for both forms, drawn lines for the page.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::html::escape;
use super::page::Block;
use super::{Story, between, line};
use crate::event::Phase;
use crate::measured::{Measured, Series};
use crate::terminal::spark;

/// The most bars of a phase.
const BARS: usize = 12;
/// A number this many seconds after the end of the run still ends its line.
const NEAR: f64 = 3.0;
/// The size of a drawn line, and the part of its width that each phase has.
const SIZE: (f64, f64) = (180.0, 34.0);
const PARTS: [(Phase, f64, f64); 3] =
    [(Phase::Before, 0.0, 0.3), (Phase::During, 0.3, 0.7), (Phase::After, 0.7, 1.0)];

/// A metric as a row: its figures, its bars, its drawing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Row {
    /// Title, target, alert, before, worst during, after, what it came to.
    pub cells: Vec<String>,
    /// As text.
    pub bars: String,
    /// As SVG.
    pub svg: String,
}

/// The heads of a row's cells.
pub const HEAD: [&str; 7] =
    ["Metric", "Target", "Alert", "Before", "Worst during", "After", "State"];

/// The metrics as a part of the report.
pub fn blocks(story: &Story) -> Vec<Block> {
    let metrics = &story.state.beside.metrics;
    let mut blocks = vec![Block::Heading(3, "Metrics".to_owned())];
    if metrics.is_empty() {
        blocks.push(Block::Text("No metric was measured.".to_owned()));
        return blocks;
    }
    let rows = metrics.iter().map(|(name, series)| Row {
        cells: [
            line(series.title(name)),
            line(&series.target),
            line(&series.alert),
            series.show(series.before()),
            series.show(series.worst()),
            series.show(series.after()),
            series.word().to_owned(),
        ]
        .into(),
        bars: bars(series),
        svg: svg(name, series),
    });
    blocks.push(Block::Metrics(rows.collect()));
    let text = "The lines show ten minutes before the run, the run, and what was measured since; \
                a gap is what nobody could tell.";
    blocks.push(Block::Text(text.to_owned()));
    blocks
}

/// The same for programs.
pub fn json(story: &Story) -> Value {
    let of = |(name, series): (&String, &Series)| {
        json!({"name": name, "title": series.title(name), "target": series.target,
               "alert": series.alert, "before": series.before(), "worst": series.worst(),
               "after": series.after(), "state": series.word(), "points": series.points})
    };
    story.state.beside.metrics.iter().map(of).collect()
}

fn of_phase(series: &Series, phase: Phase) -> Vec<&Measured> {
    series.points.iter().filter(|point| point.phase == phase).collect()
}

/// `▁▁▂ › ▇█▅ › ▂▁`: before, during, after, on one scale.
fn bars(series: &Series) -> String {
    let all: Vec<Option<f64>> = series.points.iter().map(|point| point.value).collect();
    let range = spark::range(&all);
    let part = |(phase, _, _): (Phase, f64, f64)| {
        let points = of_phase(series, phase);
        let each = points.len().div_ceil(BARS).max(1);
        // The newest of each group, so that the last bar is the last number.
        let mut values: Vec<Option<f64>> =
            points.iter().rev().step_by(each).map(|point| point.value).collect();
        values.reverse();
        spark::line(&values, range, &spark::BARS)
    };
    PARTS.map(part).join(" › ").trim().to_owned()
}

/// From the lowest to the highest that is drawn: all numbers, zero, and the bounds' own.
fn scale(series: &Series) -> (f64, f64) {
    let all: Vec<Option<f64>> = series.points.iter().map(|point| point.value).collect();
    let (low, high) = spark::range(&all);
    let bounds = [series.alert(), series.target()].into_iter().flatten().map(|bound| bound.value);
    let (low, high) = bounds.fold((low.min(0.0), high.max(0.0)), |(low, high), bound| {
        (low.min(bound), high.max(bound))
    });
    if high > low { (low, high) } else { (low, low + 1.0) }
}

/// Where a number is between `top` and `top + height`.
fn y(value: f64, (low, high): (f64, f64), top: f64, height: f64) -> f64 {
    top + height * (1.0 - (value - low) / (high - low))
}

/// Lines through places; what is unknown breaks them, and a lone place is a dot.
fn drawn(places: &[Option<(f64, f64)>]) -> String {
    let mut out = String::new();
    for piece in places.split(Option::is_none) {
        let places: Vec<String> =
            piece.iter().flatten().map(|(x, y)| format!("{x:.1},{y:.1}")).collect();
        match &places[..] {
            [] => {}
            [one] => {
                let (x, y) = one.split_once(',').unwrap_or_default();
                let _ = write!(out, "<circle class=\"number\" cx=\"{x}\" cy=\"{y}\" r=\"2\"/>");
            }
            many => {
                let _ = write!(out, "<polyline class=\"number\" points=\"{}\"/>", many.join(" "));
            }
        }
    }
    out
}

/// The seconds of a moment, for distances.
fn seconds(ts: &str) -> f64 {
    between("1970-01-01T00:00:00Z", ts).map_or(0.0, |span| span.as_secs_f64())
}

/// A small drawing: the time before, the run (shaded), and since; the alert's bound dashed.
fn svg(name: &str, series: &Series) -> String {
    let (width, height) = SIZE;
    let scale = scale(series);
    let at = |value: f64| y(value, scale, 3.0, height - 6.0);
    let mut out = format!(
        "<svg class=\"spark\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" height=\"{height}\" \
         role=\"img\" aria-label=\"{}: before {}, worst during {}, after {}\">",
        escape(&line(series.title(name))),
        escape(&series.show(series.before())),
        escape(&series.show(series.worst())),
        escape(&series.show(series.after())),
    );
    for (phase, from, to) in PARTS {
        let (from, to) = (from * width, to * width);
        if phase == Phase::During {
            let wide = to - from;
            let _ = write!(
                out,
                "<rect class=\"run\" x=\"{from:.1}\" y=\"0\" width=\"{wide:.1}\" height=\"{height}\"/>"
            );
        }
        let points = of_phase(series, phase);
        let begin = points.first().map_or(0.0, |point| seconds(&point.at));
        let span = points.last().map_or(0.0, |point| seconds(&point.at) - begin);
        let x = |ts: &str| {
            let part = if span > 0.0 { (seconds(ts) - begin) / span } else { 0.5 };
            from + 3.0 + (to - from - 6.0) * part.clamp(0.0, 1.0)
        };
        let places: Vec<Option<(f64, f64)>> =
            points.iter().map(|point| Some((x(&point.at), at(point.value?)))).collect();
        out.push_str(&drawn(&places));
    }
    if let Some(alert) = series.alert() {
        let at = at(alert.value);
        let _ = write!(
            out,
            "<line class=\"budget\" x1=\"0\" y1=\"{at:.1}\" x2=\"{width}\" y2=\"{at:.1}\"/>"
        );
    }
    out.push_str("</svg>");
    out
}

/// A metric as a row of the timeline, below `top`: its line while the run lasted.
pub fn track(
    story: &Story,
    series: &Series,
    (top, height): (f64, f64),
    (end, x): (f64, &dyn Fn(f64) -> f64),
) -> String {
    let scale = scale(series);
    let at = |value: f64| y(value, scale, top, height);
    let place = |point: &Measured| {
        // What was measured last before the run is where the line begins, and the first number
        // after it is where the line ends.
        let since = between(&story.state.started, &point.at).map_or(0.0, |it| it.as_secs_f64());
        Some((x(since.min(end)), at(point.value?)))
    };
    let before = of_phase(series, Phase::Before).pop();
    let after = of_phase(series, Phase::After).into_iter().next();
    let during = of_phase(series, Phase::During);
    let after =
        after.filter(|point| seconds(&point.at) - seconds(&story.state.started) < end + NEAR);
    let places: Vec<Option<(f64, f64)>> =
        before.into_iter().chain(during).chain(after).map(place).collect();
    let mut out = drawn(&places);
    if let Some(alert) = series.alert() {
        let at = at(alert.value);
        let (from, to) = (x(0.0), x(end));
        let _ = write!(
            out,
            "<line class=\"alert\" x1=\"{from:.1}\" y1=\"{at:.1}\" x2=\"{to:.1}\" y2=\"{at:.1}\"/>"
        );
    }
    out
}

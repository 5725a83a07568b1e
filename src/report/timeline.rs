//! The Gantt chart of a run as inline SVG: a bar a step, the verification, the budget.

use std::fmt::Write as _;
use std::time::Duration;

use super::html::escape;
use super::{Story, between, metrics, parts};
use crate::state::StepState;
use crate::terminal::layout::{duration, millis};

/// The widths of the drawing, in its own units.
const WIDTH: f64 = 760.0;
const LEFT: f64 = 250.0;
const RIGHT: f64 = 70.0;
const ROW: f64 = 28.0;
const TRACK: f64 = 40.0;
const TOP: f64 = 24.0;
const FOOT: f64 = 22.0;

/// How many times the run's length a budget may be and still be drawn to scale.
const FAR: f64 = 4.0;

struct Bar {
    name: String,
    class: &'static str,
    from: f64,
    to: f64,
    note: String,
}

/// The chart; empty where nothing has a time.
pub fn svg(story: &Story) -> String {
    let bars = bars(story);
    let budget = story.state.start.budget_ms.map(|ms| seconds(Duration::from_millis(ms)));
    let last = bars.iter().map(|bar| bar.to).fold(0.0, f64::max);
    // A budget far beyond the last bar would press all bars into a corner.
    let near = budget.filter(|budget| *budget <= last * FAR);
    let end = last.max(near.unwrap_or(0.0));
    if bars.is_empty() || end <= 0.0 {
        return String::new();
    }
    let end = end * 1.02;
    let x = |at: f64| LEFT + (WIDTH - LEFT - RIGHT) * at / end;
    let rows = bars.iter().fold(0.0, |sum, _| sum + ROW);
    let metrics = &story.state.beside.metrics;
    let measured = metrics.iter().filter(|(_, series)| series.worst().is_some());
    let tracks = measured.clone().fold(0.0, |sum, _| sum + TRACK);
    let bottom = TOP + rows + tracks;
    let mut out = String::new();
    let _ = writeln!(
        out,
        "<svg class=\"gantt\" viewBox=\"0 0 {WIDTH} {:.0}\" role=\"img\" aria-label=\"Timeline of the run; the table below tells the same\">",
        bottom + FOOT
    );
    for tick in ticks(end) {
        let at = x(tick);
        let label = duration(Duration::from_secs_f64(tick));
        let _ = writeln!(
            out,
            "<line class=\"grid\" x1=\"{at:.1}\" y1=\"{:.0}\" x2=\"{at:.1}\" y2=\"{bottom:.0}\"/>\
             <text class=\"tick\" x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"middle\">{label}</text>",
            TOP - 6.0,
            TOP - 10.0
        );
    }
    let mut y = TOP;
    for bar in &bars {
        let (from, to) = (x(bar.from), x(bar.to));
        name(&mut out, &bar.name, y + 18.0);
        if bar.to > bar.from {
            let width = (to - from).max(2.0);
            let _ = writeln!(
                out,
                "<rect class=\"{}\" x=\"{from:.1}\" y=\"{:.0}\" width=\"{width:.1}\" height=\"16\" rx=\"2\"/>",
                bar.class,
                y + 6.0
            );
        }
        let _ = writeln!(
            out,
            "<text class=\"note\" x=\"{:.1}\" y=\"{:.0}\">{}</text>",
            to.max(from + 2.0) + 6.0,
            y + 18.0,
            escape(&bar.note)
        );
        y += ROW;
    }
    for (of, series) in measured {
        name(&mut out, &super::line(series.title(of)), y + 24.0);
        out.push_str(&metrics::track(story, series, (y + 6.0, TRACK - 12.0), (last, &x)));
        let _ = writeln!(
            out,
            "<text class=\"note\" x=\"{:.1}\" y=\"{:.0}\">{} {}</text>",
            WIDTH - RIGHT + 6.0,
            y + 24.0,
            if series.low_is_bad() { "min" } else { "max" },
            escape(&series.show(series.worst()))
        );
        y += TRACK;
    }
    if let Some(budget) = budget {
        let label = format!("budget {}", duration(Duration::from_secs_f64(budget)));
        let (at, label) = match near {
            Some(near) => (x(near), label),
            None => (WIDTH - RIGHT, format!("{label}, beyond this scale →")),
        };
        if near.is_some() {
            let _ = writeln!(
                out,
                "<line class=\"budget\" x1=\"{at:.1}\" y1=\"{:.0}\" x2=\"{at:.1}\" y2=\"{:.0}\"/>",
                TOP - 6.0,
                bottom + 6.0
            );
        }
        let _ = writeln!(
            out,
            "<text class=\"tick budget-name\" x=\"{at:.1}\" y=\"{:.0}\" text-anchor=\"end\">{label}</text>",
            bottom + 18.0
        );
    }
    out.push_str("</svg>\n");
    out
}

/// The name of a row, cut to its column.
fn name(out: &mut String, name: &str, y: f64) {
    let name: String = if name.chars().count() > 36 {
        name.chars().take(35).chain(['…']).collect()
    } else {
        name.to_owned()
    };
    let _ = writeln!(
        out,
        "<text class=\"name\" x=\"{:.0}\" y=\"{y:.0}\" text-anchor=\"end\">{}</text>",
        LEFT - 10.0,
        escape(&name)
    );
}

fn bars(story: &Story) -> Vec<Bar> {
    let state = &story.state;
    let mut bars = Vec::new();
    let mut last: f64 = 0.0;
    for step in &state.steps {
        let class = match step.state {
            StepState::Done { .. } => "done",
            StepState::Failed { .. } | StepState::InDoubt => "failed",
            StepState::Pending | StepState::Skipped { .. } => "skipped",
        };
        let began = step.started.as_deref().and_then(|ts| between(&state.started, ts));
        let from = began.map_or(last, seconds);
        let to = if began.is_some() {
            from + seconds(Duration::from_millis(step.elapsed_ms))
        } else {
            from
        };
        let note =
            if began.is_some() { millis(step.elapsed_ms) } else { parts::word(step).to_owned() };
        last = last.max(to);
        bars.push(Bar { name: super::line(&step.name), class, from, to, note });
    }
    let ended = state.finish.as_ref().and_then(|finish| between(&state.started, &finish.ts));
    if let Some(end) = ended.map(seconds).filter(|end| *end > last && !state.criteria.is_empty()) {
        let class =
            if state.criteria.iter().all(|judged| judged.holds) { "check" } else { "failed" };
        let note =
            millis(u64::try_from(Duration::from_secs_f64(end - last).as_millis()).unwrap_or(0));
        bars.push(Bar {
            name: "Verification of recovery".to_owned(),
            class,
            from: last,
            to: end,
            note,
        });
    }
    bars
}

fn seconds(span: Duration) -> f64 {
    span.as_secs_f64()
}

/// Four to eight round marks of the time line, without those that the budget's name would cover.
fn ticks(end: f64) -> Vec<f64> {
    const STEPS: [f64; 14] =
        [0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0];
    let step = STEPS.iter().copied().find(|step| end / step <= 7.0).unwrap_or(3600.0);
    let mut ticks = Vec::new();
    let mut at = 0.0;
    while at <= end && ticks.len() < 40 {
        ticks.push(at);
        at += step;
    }
    ticks
}

//! PURE: the runs of this machine as a table, by environment.

use std::collections::BTreeSet;

use crate::event::Verdict;
use crate::state::RunState;

use super::layout::{Page, cut, millis, width};
use super::plan_view::place_words;
use super::style::{Paint, Style};

/// Fewer characters of a run's id say too little about when it was.
const SHORTEST_ID: usize = 13;

/// How many times to recovery make the trend.
const TREND: usize = 20;

/// How many of the newest runs are looked at for an open validation.
const SHOWN: usize = 20;

/// Narrower pages get two lines a run.
const NARROW: usize = 72;

/// The runs, in the order given, grouped by environment. Ids are shown as far as they are unique
/// among these runs.
pub fn runs_table(runs: &[RunState], style: &Style) -> String {
    let mut page = Page::new(style);
    if runs.is_empty() {
        page.text("", Paint::Plain, "No runs yet.");
        return page.finish();
    }
    let ids = short_ids(&runs.iter().map(|run| run.run_id.as_str()).collect::<Vec<_>>());
    let id_width = ids.iter().map(|id| width(id)).max().unwrap_or(0).max(3);
    let mut places: Vec<String> = Vec::new();
    for run in runs {
        let place = place(run);
        if !places.contains(&place) {
            places.push(place);
        }
    }
    // id, time (11), what, verdict (13), took (6), two spaces between.
    let what_width = style.width.saturating_sub(id_width + 11 + 13 + 6 + 8).max(10);
    for (index, name) in places.iter().enumerate() {
        if index > 0 {
            page.blank();
        }
        page.text("", Paint::Strong, name);
        if style.width < NARROW {
            for (run, id) in runs.iter().zip(&ids).filter(|(run, _)| place(run) == *name) {
                page.sides((Paint::Plain, ""), (Paint::Plain, id), (paint(run), run.told_word()));
                page.text(
                    "    ",
                    Paint::Plain,
                    &format!("{} {}", run.start.target, run.start.method),
                );
            }
            continue;
        }
        let head = row(&["run", "when (UTC)", "what", "verdict", "took"], id_width, what_width);
        page.push(&[(Paint::Dim, &head.join(""))]);
        for (run, id) in runs.iter().zip(&ids).filter(|(run, _)| place(run) == *name) {
            let what = what(run, what_width, style);
            let took = run.finish.as_ref().map_or(String::new(), |end| millis(end.elapsed_ms));
            let over = run.over_budget && run.finish.is_some();
            let took = if over { format!("{took}!") } else { took };
            let when = when(&run.started);
            let cells = row(&[id, &when, &what, run.told_word(), &took], id_width, what_width);
            let (before, word, after) = (cells[..3].concat(), &cells[3], &cells[4]);
            page.push(&[(Paint::Plain, &before), (paint(run), word), (Paint::Plain, after)]);
        }
    }
    page.blank();
    if runs.iter().any(|run| run.over_budget && run.finish.is_some()) {
        page.text("", Paint::Dim, "! took longer than its budget");
    }
    trend(&mut page, runs, style);
    unclosed(&mut page, runs);
    if let Some(open) = runs.iter().find(|run| run.finish.is_none() && !run.start.simulated) {
        page.text("", Paint::Change, "A run is not finished. Go on with it:");
        page.command(2, &open.start.go_on(&open.run_id));
    } else {
        page.text("", Paint::Dim, "rollback runs show RUN tells the story of one.");
    }
    page.finish()
}

/// The times to recovery, oldest first, where there are enough to compare.
fn trend(page: &mut Page<'_>, runs: &[RunState], style: &Style) {
    let mut times: Vec<u64> = runs
        .iter()
        .filter(|run| !run.start.simulated)
        .filter_map(|run| run.finish.as_ref())
        .filter(|end| end.verdict == Verdict::Recovered)
        .map(|end| end.elapsed_ms)
        .take(TREND)
        .collect();
    times.reverse();
    let (Some(first), Some(last)) = (times.first(), times.last()) else { return };
    if times.len() < 3 {
        return;
    }
    let text = format!(
        "time to recovery, last {}: {} first {}, now {}, longest {}",
        times.len(),
        sparkline(&times, style),
        millis(*first),
        millis(*last),
        millis(times.iter().copied().max().unwrap_or(0))
    );
    page.text("", Paint::Dim, &text);
}

/// One character a number, as high as its share of the largest.
pub fn sparkline(values: &[u64], style: &Style) -> String {
    const HIGH: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const PLAIN: [char; 8] = ['_', '_', '.', '.', '-', '-', '=', '#'];
    let steps = if style.unicode { HIGH } else { PLAIN };
    let largest = values.iter().copied().max().unwrap_or(0).max(1);
    let step = |value: &u64| usize::try_from(value.saturating_mul(7) / largest).unwrap_or(7);
    values.iter().map(|value| steps[step(value).min(7)]).collect()
}

/// Runs that are not closed without their validation.
fn unclosed(page: &mut Page<'_>, runs: &[RunState]) {
    for run in runs.iter().filter(|run| run.finish.is_some() && !run.start.simulated).take(SHOWN) {
        let Some(plan) = run.plan() else { continue };
        let Some(open) = run.after.open_words(&plan.after) else { continue };
        if plan.after.required {
            let text = format!("{} is not closed: {open}", run.start.target);
            page.text("", Paint::Change, &text);
            page.command(2, &["rollback", "validate", &run.run_id].map(str::to_owned));
        }
    }
}

/// Target and method; where that is too wide the target is cut, never the method.
fn what(run: &RunState, columns: usize, style: &Style) -> String {
    let method = style.clean(&format!(" {} {}", style.dot(), run.start.method));
    let target = style.clean(&run.start.target);
    let room = columns.saturating_sub(width(&method));
    if width(&target) <= room {
        return target + &method;
    }
    let name = target.split_once(' ').map_or(target.as_str(), |(_, name)| name);
    cut(&format!("{}{method}", cut(name, room.max(4), style)), columns, style)
}

fn row(cells: &[&str; 5], id_width: usize, what_width: usize) -> [String; 5] {
    let pad = |text: &str, columns: usize| {
        format!("{text}{}  ", " ".repeat(columns.saturating_sub(width(text))))
    };
    [
        pad(cells[0], id_width),
        pad(cells[1], 11),
        pad(cells[2], what_width),
        pad(cells[3], 13),
        format!("{}{}", " ".repeat(6usize.saturating_sub(width(cells[4]))), cells[4]),
    ]
}

fn place(run: &RunState) -> String {
    let name = place_words(Some(&run.start.context), &run.start.namespace);
    if run.start.simulated { format!("SIMULATED: {name}") } else { name }
}

fn when(ts: &str) -> String {
    match (ts.get(5..10), ts.get(11..16)) {
        (Some(day), Some(time)) => format!("{day} {time}"),
        _ => cut(ts, 11, &Style::plain()),
    }
}

fn paint(run: &RunState) -> Paint {
    match run.told_word() {
        "recovered" | "already there" => Paint::Good,
        "failed" => Paint::Bad,
        _ => Paint::Change,
    }
}

/// Each id cut to what tells it from the others.
pub fn short_ids(ids: &[&str]) -> Vec<String> {
    let longest = ids.iter().map(|id| id.chars().count()).max().unwrap_or(0);
    let short = |id: &str, length: usize| id.chars().take(length).collect::<String>();
    let different = ids.iter().collect::<BTreeSet<_>>().len();
    (SHORTEST_ID..longest)
        .map(|length| ids.iter().map(|id| short(id, length)).collect::<Vec<_>>())
        .find(|cut| cut.iter().collect::<BTreeSet<_>>().len() == different)
        .unwrap_or_else(|| ids.iter().map(|id| (*id).to_owned()).collect())
}

//! PURE: the metrics against their targets, each with its way there as a sparkline.

use crate::commands::metrics::Measured;

use super::layout::Page;
use super::style::{Paint, Style};

/// How wide a sparkline is.
const SPARK: usize = 24;

/// The metrics; with a run, what they were before it.
pub fn table(found: &[Measured], about: Option<&str>, style: &Style) -> String {
    let mut page = Page::new(style);
    if let Some(about) = about {
        page.text("", Paint::Strong, &format!("around {about}"));
        page.blank();
    }
    for one in found {
        let (paint, word) = match one.state {
            "good" => (Paint::Good, "good"),
            "alert" => (Paint::Bad, "ALERT"),
            "between" => (Paint::Change, "off target"),
            _ => (Paint::Change, "unknown"),
        };
        page.sides((Paint::Plain, ""), (Paint::Strong, &one.title), (paint, word));
        let show = |value: Option<f64>| value.map_or("?".to_owned(), |it| one.target.show(it));
        let value = match about {
            Some(_) => format!("{} -> {}", show(one.before), show(one.value)),
            None => show(one.value),
        };
        let spark = sparkline(one, style);
        let bounds = format!("target {}, alert {}", one.target, one.alert);
        let lead = format!("  {value:<16}{spark:<SPARK$}  ");
        page.marked(paint, &lead, Paint::Dim, &bounds);
        if let Some(why) = &one.why {
            page.text("  ", Paint::Plain, why);
        }
    }
    page.finish()
}

/// The newest values, each as high as it is between the lowest and the highest.
fn sparkline(one: &Measured, style: &Style) -> String {
    const UNICODE: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    const ASCII: [char; 4] = ['_', '.', '-', '^'];
    let levels: &[char] = if style.unicode { &UNICODE } else { &ASCII };
    let skip = one.history.len().saturating_sub(SPARK);
    let values: Vec<f64> = one.history.iter().skip(skip).map(|point| point.value).collect();
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let high = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let of = |value: f64| {
        let part = if high > low { (value - low) / (high - low) } else { 0.0 };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a number from 0 to 7"
        )]
        let index = (part * (levels.len() - 1) as f64).round() as usize;
        levels[index.min(levels.len() - 1)]
    };
    values.into_iter().map(of).collect()
}

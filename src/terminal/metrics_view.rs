//! PURE: the metrics against their targets, each with its way there as a sparkline.

use crate::commands::metrics::Measured;

use super::layout::Page;
use super::spark;
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
    let skip = one.history.len().saturating_sub(SPARK);
    let values: Vec<Option<f64>> =
        one.history.iter().skip(skip).map(|point| Some(point.value)).collect();
    spark::line(
        &values,
        spark::range(&values),
        if style.unicode { &spark::BARS } else { &spark::ASCII },
    )
}

//! PURE: numbers as a line of bars.

/// Eight heights.
pub const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// Four, where only ASCII can be shown.
pub const ASCII: [char; 4] = ['_', '.', '-', '^'];

/// The lowest and the highest of some numbers.
pub fn range(values: &[Option<f64>]) -> (f64, f64) {
    let all = values.iter().copied().flatten();
    all.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), it| (low.min(it), high.max(it)))
}

/// Each number as high as it is within the range; what is unknown is a gap.
pub fn line(values: &[Option<f64>], (low, high): (f64, f64), levels: &[char]) -> String {
    let of = |value: f64| {
        let part = if high > low { ((value - low) / (high - low)).clamp(0.0, 1.0) } else { 0.0 };
        #[allow(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            clippy::cast_precision_loss,
            reason = "a number from 0 to 7"
        )]
        let index = (part * (levels.len() - 1) as f64).round() as usize;
        levels[index.min(levels.len() - 1)]
    };
    values.iter().map(|value| value.map_or(' ', of)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_lowest_is_low_the_highest_high_and_the_unknown_a_gap() {
        let values = [Some(0.0), None, Some(0.5), Some(1.0)];
        assert_eq!(line(&values, range(&values), &BARS), "▁ ▅█");
        assert_eq!(line(&values, range(&values), &ASCII), "_ -^");
        assert_eq!(line(&[None], range(&[None]), &BARS), " ");
        assert_eq!(line(&[Some(3.0); 2], (3.0, 3.0), &BARS), "▁▁");
    }
}

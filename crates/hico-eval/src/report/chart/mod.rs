//! Figures as inline SVG: no script, no font and no file from elsewhere; colours come from the page's style sheet.
//!
//! Every figure has a title and a description for those who cannot see it, and tells its series apart by dash pattern as
//! well as by colour, for those who cannot tell colours apart and for print.

pub(crate) mod forest;
pub(crate) mod line;
pub(crate) mod scatter;

use super::number::{decimal, significant};
use std::fmt::Write as _;

/// Width of every figure in its own units; the page scales it. Narrow, so that text stays readable on a phone.
const WIDTH: f64 = 480.0;
/// Size of text in the same units; the style sheet uses the same.
const TEXT: f64 = 13.0;

/// From values to a place along one side of a figure.
#[derive(Debug, Clone, Copy)]
struct Scale {
    low: f64,
    high: f64,
    start: f64,
    end: f64,
}

impl Scale {
    /// The place of a value, in the figure's units.
    fn at(self, value: f64) -> f64 {
        (value - self.low) / (self.high - self.low) * (self.end - self.start) + self.start
    }
}

/// The finite values' smallest and largest; `[0, 1]` where there is none, and never an empty range.
fn extent(values: impl Iterator<Item = f64>) -> [f64; 2] {
    let [low, high] = values
        .filter(|value| value.is_finite())
        .fold([f64::INFINITY, f64::NEG_INFINITY], |[low, high], value| [low.min(value), high.max(value)]);
    match (low, high) {
        (low, high) if low > high => [0.0, 1.0],
        // A constant gets some room around it, also where it is so large that adding 1 does nothing.
        (low, high) if high - low <= low.abs() * 1e-9 => {
            let room = if low == 0.0 { 1.0 } else { low.abs() * 0.1 };
            [low - room, high + room]
        }
        _ => [low, high],
    }
}

/// Round values (1, 2 or 5 times a power of ten) at or inside `[low, high]`, about `about` of them, and their distance.
fn ticks([low, high]: [f64; 2], about: usize) -> (Vec<f64>, f64) {
    let rough = (high - low) / about.max(1) as f64;
    let power = 10f64.powf(rough.log10().floor());
    let step = [1.0, 2.0, 5.0, 10.0].map(|factor| factor * power);
    let step = step.into_iter().find(|step| *step >= rough * 0.999).unwrap_or(10.0 * power);
    let first = (low / step - 1e-6).ceil();
    let last = (high / step + 1e-6).floor();
    let many = (last - first).clamp(0.0, 50.0) as usize;
    ((0..=many).map(|index| (first + index as f64) * step).collect(), step)
}

/// A range widened to the round values around it, those values, and their distance.
fn rounded([low, high]: [f64; 2], about: usize) -> ([f64; 2], Vec<f64>, f64) {
    let (_, step) = ticks([low, high], about);
    let first = (low / step + 1e-6).floor();
    let last = (high / step - 1e-6).ceil();
    let many = (last - first).clamp(1.0, 50.0) as usize;
    ([first * step, last * step], (0..=many).map(|index| (first + index as f64) * step).collect(), step)
}

/// A tick's text: as many decimals as its distance to the next needs.
fn tick_text(value: f64, step: f64) -> String {
    let decimals = -step.log10().floor();
    match decimals {
        _ if value.abs() < step * 1e-6 => "0".to_owned(),
        d if d > 3.0 || value.abs() >= 1e6 => significant(value),
        d => decimal(value, d.max(0.0) as usize),
    }
}

/// About the width of a text in the figure's units.
fn text_width(text: &str) -> f64 {
    text.chars().count() as f64 * TEXT * 0.56
}

/// A text cut to `most` characters with an ellipsis.
pub(crate) fn shortened(text: &str, most: usize) -> String {
    if text.chars().count() <= most { text.to_owned() } else { text.chars().take(most - 1).chain(['…']).collect() }
}

/// The `d` of a path through points that are already in the figure's units; it breaks where a point is not finite.
fn path(points: impl Iterator<Item = [f64; 2]>) -> String {
    let mut text = String::new();
    let mut pen_down = false;
    for [x, y] in points {
        if !(x.is_finite() && y.is_finite()) {
            pen_down = false;
            continue;
        }
        let command = if pen_down { 'L' } else { 'M' };
        // Writing to a string cannot fail.
        write!(text, "{command}{x:.1} {y:.1}").ok();
        pen_down = true;
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ticks_are_round_and_inside() {
        let (values, step) = ticks([0.0, 1.0], 5);
        assert!((step - 0.2).abs() < 1e-12 && values.len() == 6, "{values:?}");
        let (values, _) = ticks([8.7, 12.4], 4);
        assert_eq!(values, [9.0, 10.0, 11.0, 12.0]);
        let ([low, high], values, _) = rounded([8.7, 12.4], 4);
        assert!((low - 8.0).abs() < 1e-9 && (high - 13.0).abs() < 1e-9, "{low} {high}");
        assert_eq!(values.len(), 6, "both ends have a tick: {values:?}");
    }

    #[test]
    fn a_constant_or_nothing_at_all_still_has_a_range() {
        for values in [vec![], vec![f64::NAN], vec![0.0], vec![3.0, 3.0], vec![-1e300], vec![1e-300]] {
            let [low, high] = extent(values.iter().copied());
            assert!(low < high && (high - low).is_finite(), "{values:?}: {low} {high}");
        }
    }

    #[test]
    fn tick_texts_have_the_decimals_they_need() {
        assert_eq!(tick_text(0.2, 0.05), "0.20");
        assert_eq!(tick_text(1e-17, 0.05), "0");
        assert_eq!(tick_text(300.0, 50.0), "300");
        assert_eq!(tick_text(2e-4, 1e-4), "2e\u{2212}4");
        assert_eq!(tick_text(-2.5, 0.5), "\u{2212}2.5");
    }

    #[test]
    fn a_path_breaks_where_a_value_is_missing() {
        let points = [[0.0, 1.0], [1.0, f64::NAN], [2.0, 3.0], [3.0, 4.0]];
        assert_eq!(path(points.into_iter()), "M0.0 1.0M2.0 3.0L3.0 4.0");
    }
}

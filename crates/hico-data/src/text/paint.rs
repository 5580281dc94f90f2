//! Paints over rows of letters that lie outside the insonated region.

use super::{Line, TextPlace};
use crate::clip::Size;
use crate::sector::{NotFound, Sector};
use serde::{Deserialize, Serialize};

/// From this score on a row of letters makes a clip suspected: the highest, in steps of 0.05, at which one half of the
/// labelled clips has no more misses than at any lower one (`docs/PHI.md`).
pub const SUSPECT: f64 = 0.15;

/// What is done with rows of letters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TextUse {
    /// Nothing; they are not even looked for.
    #[default]
    Keep,
    /// Those that do not lie in the insonated region become black.
    Paint,
}

impl TextUse {
    /// The word of the flag and of the record.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Keep => "keep",
            Self::Paint => "paint",
        }
    }

    /// Whether nothing is done.
    #[must_use]
    pub fn is_keep(&self) -> bool {
        *self == Self::Keep
    }
}

/// Rectangles of a clip that are painted over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Paint {
    rectangles: Vec<[usize; 4]>,
}

impl Paint {
    /// Over the rows that are suspected and outside of the region, or anywhere where it was not found. Rows that lie in it
    /// or reach into it stay: tissue is never painted over.
    #[must_use]
    pub fn new(lines: &[Line], sector: Result<&Sector, NotFound>) -> Self {
        let reaches_inside = |[x0, y0, x1, y1]: [usize; 4]| {
            let Ok(Sector { outline, .. }) = sector else { return false };
            (y0..=y1).any(|y| (x0..=x1).any(|x| outline.contains(x, y)))
        };
        let painted =
            lines.iter().filter(|line| line.score >= SUSPECT && TextPlace::of(line, sector) != TextPlace::Inside);
        let rectangles = painted.map(|line| {
            // With a margin for blurred edges, and for the dots and commas beside a row, unless that is tissue.
            let [x0, y0, x1, y1] = line.bounds;
            let (across, down) = (y1 - y0 + 1, (y1 - y0) / 3 + 2);
            let wide = [x0.saturating_sub(across), y0.saturating_sub(down), x1 + across, y1 + down];
            if reaches_inside(wide) { line.bounds } else { wide }
        });
        Self { rectangles: rectangles.collect() }
    }

    /// Returns how many places are painted over.
    #[must_use]
    pub const fn places(&self) -> usize {
        self.rectangles.len()
    }

    /// Blackens the rectangles.
    ///
    /// - `rgb`: `[height, width, 3]`, of the size in which the rows were found
    pub fn apply(&self, rgb: &mut [u8], size: Size) {
        for [x0, y0, x1, y1] in &self.rectangles {
            for y in *y0..(y1 + 1).min(size.height) {
                let (from, to) = ((*x0).min(size.width), (x1 + 1).min(size.width));
                if let Some(row) = rgb.get_mut(3 * (y * size.width + from)..3 * (y * size.width + to)) {
                    row.fill(0);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sector::{Outline, Shape};

    #[test]
    fn rows_outside_become_black_and_those_that_reach_into_the_region_stay() {
        let size = Size { height: 40, width: 60 };
        let line = |bounds| Line { bounds, letters: 4, score: 0.9, frame: None };
        let sector = Sector { shape: Shape::Linear, outline: Outline { left: 30, columns: vec![[10, 39]; 30] } };
        let lines = [
            line([4, 4, 12, 8]),
            line([24, 20, 40, 26]),
            line([20, 32, 29, 36]),
            Line { score: 0.1, ..line([4, 30, 12, 34]) },
        ];
        let blackened = |sector| {
            let mut rgb = vec![200; 40 * 60 * 3];
            let paint = Paint::new(&lines, sector);
            paint.apply(&mut rgb, size);
            let black = |x: usize, y: usize| rgb[3 * (y * 60 + x)] == 0;
            let tissue = (10..40).any(|y| (30..60).any(|x| black(x, y)));
            (crate::Step::from(&paint), [black(8, 6), black(35, 22), black(24, 34), black(8, 32)], tissue)
        };
        assert_eq!(blackened(Ok(&sector)), (crate::Step::PaintText(2), [true, false, true, false], false));
        let unknown = blackened(Err(NotFound::Several));
        assert_eq!((unknown.1, unknown.2), ([true, true, true, false], true));
        assert_eq!(blackened(Err(NotFound::WholeFrame)).1, [false; 4]);
    }
}

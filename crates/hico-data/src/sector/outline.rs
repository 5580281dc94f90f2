//! A smooth outline around a component: its convex hull, less the concave arc at its top.
//!
//! All shapes of probes have convex pictures but for the arc that a curved probe leaves at the top; so every column of the
//! picture is one piece, from its top to its bottom.

use super::bitmap::Bitmap;
use crate::clip::Size;

/// Of the depths that the columns below a chord give its arc, the one at this place counts, from the shallowest. Dark
/// tissue at the top makes columns look deeper than the arc is, and must not be cut.
const ARC_QUANTILE: f64 = 0.3;

/// An arc is one if it is at least this deep, relative to its chord.
const SHALLOWEST: f64 = 0.03;

/// The outline of a region: each of its columns from its first to its last row. Source pixels from 0, ends inclusive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outline {
    /// First column.
    pub left: usize,
    /// First and last row of each column, from the left; never empty.
    pub columns: Vec<[usize; 2]>,
}

impl Outline {
    /// First column, first row, last column, last row.
    #[must_use]
    pub fn bounds(&self) -> [usize; 4] {
        let top = self.columns.iter().map(|column| column[0]).min().unwrap_or(0);
        let bottom = self.columns.iter().map(|column| column[1]).max().unwrap_or(0);
        [self.left, top, self.left + self.columns.len().saturating_sub(1), bottom]
    }

    /// Whether a pixel is inside.
    #[must_use]
    pub fn contains(&self, x: usize, y: usize) -> bool {
        let column = x.checked_sub(self.left).and_then(|place| self.columns.get(place));
        column.is_some_and(|[top, bottom]| (*top..=*bottom).contains(&y))
    }

    /// Pixels inside.
    #[must_use]
    pub fn area(&self) -> usize {
        self.columns.iter().map(|[top, bottom]| bottom - top + 1).sum()
    }
}

/// The outline of a shrunken frame, with what its shape is judged by.
pub(super) struct Curve {
    pub(super) left: usize,
    /// Top and bottom of each column, pixel centres.
    pub(super) columns: Vec<[f64; 2]>,
    /// The chord of the arc at the top: its first and last column, and the depth of the arc; 0 if there is none.
    pub(super) chord: [f64; 2],
    pub(super) sagitta: f64,
}

impl Curve {
    /// Around all pixels that are on; `None` if none is.
    pub(super) fn around(component: &Bitmap) -> Option<Self> {
        let Size { height, width } = component.size;
        let [left, right, ..] = component.bounds()?;
        let row = |x: usize, y: usize| component.on[y * width + x];
        let extent = |x: usize| {
            let top = (0..height).find(|y| row(x, *y))?;
            Some([top as f64, (0..height).rev().find(|y| row(x, *y))? as f64])
        };
        let extents: Vec<(f64, [f64; 2])> =
            (left..=right).filter_map(|x| extent(x).map(|ends| (x as f64, ends))).collect();
        let tops: Vec<[f64; 2]> = extents.iter().map(|(x, [top, _])| [*x, *top]).collect();
        let upper = chain(&tops, 1.0);
        let lower = chain(&extents.iter().map(|(x, [_, bottom])| [*x, *bottom]).collect::<Vec<_>>(), -1.0);
        let arc = upper.windows(2).map(|edge| Arc::below(edge[0], edge[1], &tops)).max_by(|a, b| a.order(b));
        let arc = arc.unwrap_or(Arc { from: [left as f64, 0.0], to: [left as f64, 0.0], sagitta: 0.0 });
        let columns = (left..=right)
            .map(|x| {
                let x = x as f64;
                [height_at(&upper, x) + arc.depth(x), height_at(&lower, x)]
            })
            .map(|[top, bottom]| [top.min(bottom), bottom])
            .collect();
        Some(Self { left, columns, chord: [arc.from[0], arc.to[0]], sagitta: arc.sagitta })
    }

    /// On the source's pixels.
    pub(super) fn enlarged(&self, factor: usize, source: Size) -> Outline {
        let scale = factor as f64;
        let left = self.left * factor;
        let right = ((self.left + self.columns.len()) * factor).min(source.width);
        let last = source.height - 1;
        let columns = (left..right).map(|x| {
            let place = ((x as f64 + 0.5) / scale - 0.5 - self.left as f64).clamp(0.0, (self.columns.len() - 1) as f64);
            let (before, part) = (place as usize, place.fract());
            let after = (before + 1).min(self.columns.len() - 1);
            let mix = |end: usize| self.columns[before][end] * (1.0 - part) + self.columns[after][end] * part;
            let top = (mix(0) * scale).round().max(0.0) as usize;
            let bottom = ((mix(1) + 1.0) * scale).round() as usize;
            let bottom = bottom.saturating_sub(1).min(last);
            [top.min(bottom), bottom]
        });
        Outline { left, columns: columns.collect() }
    }
}

/// The arc of a circle that hangs below a chord.
struct Arc {
    from: [f64; 2],
    to: [f64; 2],
    /// How deep it is in the middle, pixels.
    sagitta: f64,
}

impl Arc {
    /// The arc that the tops of the columns between two corners follow.
    fn below(from: [f64; 2], to: [f64; 2], tops: &[[f64; 2]]) -> Self {
        let (half, middle) = ((to[0] - from[0]) / 2.0, f64::midpoint(from[0], to[0]));
        let slope = (to[1] - from[1]) / (to[0] - from[0]);
        let depth_of = |[x, top]: &[f64; 2]| {
            let depth = top - (from[1] + slope * (x - from[0]));
            if depth <= 0.0 {
                return 0.0;
            }
            // The circle through both corners and this point.
            let above = (half.powi(2) - (x - middle).powi(2) - depth.powi(2)) / (2.0 * depth);
            half.hypot(above) - above
        };
        let inner = tops.iter().filter(|[x, _]| (x - middle).abs() < 0.7 * half);
        let mut depths: Vec<f64> = inner.map(depth_of).collect();
        depths.sort_unstable_by(f64::total_cmp);
        let sagitta = depths.get((depths.len() as f64 * ARC_QUANTILE) as usize).copied().unwrap_or(0.0);
        let is_arc = sagitta >= 2.0 && sagitta >= SHALLOWEST * 2.0 * half && sagitta < half && slope.abs() < 0.5;
        Self { from, to, sagitta: if is_arc { sagitta } else { 0.0 } }
    }

    /// The arc that takes away most comes last, then the longest chord among those that are none and lie at the top.
    fn order(&self, other: &Self) -> std::cmp::Ordering {
        let length = |arc: &Self| (arc.to[0] - arc.from[0]) / (arc.to[1] - arc.from[1]).abs().max(1.0);
        let area = |arc: &Self| arc.sagitta * (arc.to[0] - arc.from[0]);
        area(self).total_cmp(&area(other)).then(length(self).total_cmp(&length(other)))
    }

    /// How far the arc is below its chord in a column, pixels; 0 beside it.
    fn depth(&self, x: f64) -> f64 {
        if self.sagitta <= 0.0 || x <= self.from[0] || x >= self.to[0] {
            return 0.0;
        }
        let (half, middle) = ((self.to[0] - self.from[0]) / 2.0, f64::midpoint(self.from[0], self.to[0]));
        let radius = (self.sagitta.powi(2) + half.powi(2)) / (2.0 * self.sagitta);
        ((radius.powi(2) - (x - middle).powi(2)).max(0.0).sqrt() - (radius - self.sagitta)).max(0.0)
    }
}

/// One side of the convex hull of points in order of their columns.
///
/// - `side`: 1 for the upper one, -1 for the lower one
fn chain(points: &[[f64; 2]], side: f64) -> Vec<[f64; 2]> {
    let mut chain: Vec<[f64; 2]> = Vec::new();
    for point in points {
        while let [.., a, b] = chain.as_slice() {
            let turn = (b[0] - a[0]) * (point[1] - a[1]) - (b[1] - a[1]) * (point[0] - a[0]);
            if turn * side > 0.0 {
                break;
            }
            chain.pop();
        }
        chain.push(*point);
    }
    chain
}

/// Height of a chain in a column.
fn height_at(chain: &[[f64; 2]], x: f64) -> f64 {
    let after = chain.partition_point(|point| point[0] < x).min(chain.len() - 1);
    let before = after.saturating_sub(1);
    let ([x0, y0], [x1, y1]) = (chain[before], chain[after]);
    if x1 > x0 { y0 + (y1 - y0) * ((x - x0) / (x1 - x0)).clamp(0.0, 1.0) } else { y1 }
}

//! The kind of probe that the edges of a region speak of.

use super::outline::Curve;
use std::fmt;

/// The kind of probe that the edges of a region speak of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// A rectangle.
    Linear,
    /// A fan from a wide top, mostly with a concave arc there.
    Convex,
    /// A fan from a point.
    Phased,
    /// None of these.
    Unknown,
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Linear => "linear",
            Self::Convex => "convex",
            Self::Phased => "phased",
            Self::Unknown => "unknown",
        })
    }
}

impl Shape {
    pub(crate) const ALL: [Self; 4] = [Self::Linear, Self::Convex, Self::Phased, Self::Unknown];

    /// Judged by how wide the region is near its top and where it is widest, and by the arc at its top.
    pub(super) fn of(curve: &Curve) -> Self {
        let top = curve.columns.iter().map(|[top, _]| *top).fold(f64::INFINITY, f64::min);
        let bottom = curve.columns.iter().map(|[_, bottom]| *bottom).fold(0.0, f64::max);
        let height = (bottom - top).max(1.0);
        let total = curve.columns.len() as f64;
        // Width in a row, with the gap above the arc.
        let width_at = |part: f64| {
            let row = top + part * height;
            let inside = |[top, bottom]: &[f64; 2]| *top <= row && row <= *bottom;
            let first = curve.columns.iter().position(inside);
            let last = curve.columns.iter().rposition(inside);
            first.zip(last).map_or(0.0, |(first, last)| (last - first + 1) as f64) / total
        };
        let area: f64 = curve.columns.iter().map(|[top, bottom]| bottom - top + 1.0).sum();
        let filled = area / (total * (height + 1.0));
        let (near, deep) = (width_at(0.04), width_at(0.6));
        let chord = (curve.chord[1] - curve.chord[0]) / total;
        match () {
            () if filled > 0.93 && near > 0.9 => Self::Linear,
            () if near > deep => Self::Unknown,
            () if curve.sagitta > 0.0 && chord > 0.2 => Self::Convex,
            () if near < 0.25 => Self::Phased,
            () if near < 0.9 => Self::Convex,
            () => Self::Unknown,
        }
    }
}

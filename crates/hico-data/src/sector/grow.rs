//! Tissue that is apart from the region belongs to it all the same: near the probe, and deep behind a shadow.

use super::bitmap::Bitmap;
use super::outline::Curve;

/// Tissue near the probe has at least this part of the region's pixels.
const NEAR_FIELD: f64 = 0.02;

/// It is at least this wide, relative to the region.
const NARROWEST: f64 = 0.2;

/// It is at most this wide where it moves, and where it does not.
const WIDEST: f64 = 1.8;
const WIDEST_STATIC: f64 = 1.15;

/// Its middle is this near to that of the region, relative to the wider one.
const OFF_CENTRE: f64 = 0.15;

/// Of tissue that is wider than the region this part of the pixels moves: what is burned in does not.
const ALIVE: f64 = 0.3;

/// Deep tissue has at least this part of the region's pixels.
const SPOT: f64 = 0.003;

/// It is thicker than twice this, relative to the longer side of a frame: a clock's digits are not.
const THICK: f64 = 0.011;

/// It is at most this far from the outline, relative to the longer side.
const REACH: f64 = 0.06;

/// Text stands beside the top of a region; what is above this part of its height is not added.
const BELOW: f64 = 0.3;

/// Adds what lies above the region, behind a dark band.
pub(super) fn with_near_field(region: Bitmap, pieces: &Bitmap, moving: &Bitmap) -> Bitmap {
    let Some([left, right, top, bottom]) = region.bounds() else { return region };
    let least = (NEAR_FIELD * region.count() as f64) as usize;
    let (middle, wide) = (usize::midpoint(left, right) as f64, (right - left + 1) as f64);
    let mut grown = region;
    for piece in of_size(pieces, least) {
        let Some([a, b, _, below]) = piece.bounds() else { continue };
        let (width, off) = ((b - a + 1) as f64, (usize::midpoint(a, b) as f64 - middle).abs());
        let alive = piece.both(moving, |a, b| a && b).count() as f64 >= ALIVE * piece.count() as f64;
        let widest = wide * if alive { WIDEST } else { WIDEST_STATIC };
        let fits = (NARROWEST * wide..=widest).contains(&width) && off <= OFF_CENTRE * wide.max(width);
        if fits && below < usize::midpoint(top, bottom) {
            grown = grown.both(&piece, |a, b| a || b);
        }
    }
    grown
}

/// Adds what moves near the outline of the region and is no thin stroke, until nothing is left to add.
pub(super) fn with_far_tissue(region: Bitmap, pieces: &Bitmap) -> Bitmap {
    let longer = region.size.height.max(region.size.width) as f64;
    let least = (SPOT * region.count() as f64) as usize;
    let mut spots: Vec<Bitmap> = of_size(pieces, least)
        .into_iter()
        .filter(|piece| piece.both(&region, |a, b| a && b).count() == 0)
        .filter(|piece| piece.opened((THICK * longer) as usize).count() > 0)
        .collect();
    let mut grown = region;
    loop {
        let Some(curve) = Curve::around(&grown) else { return grown };
        let Some(place) = spots.iter().position(|spot| is_near(spot, &curve, (REACH * longer) as usize)) else {
            return grown;
        };
        grown = grown.both(&spots.swap_remove(place), |a, b| a || b);
    }
}

/// Whether a spot lies well below the top of an outline, and any of it within some pixels of it.
fn is_near(spot: &Bitmap, curve: &Curve, reach: usize) -> bool {
    let top = curve.columns.iter().map(|[top, _]| *top).fold(f64::INFINITY, f64::min);
    let bottom = curve.columns.iter().map(|[_, bottom]| *bottom).fold(0.0, f64::max);
    let Some([_, _, first, last]) = spot.bounds() else { return false };
    if (usize::midpoint(first, last) as f64) < top + BELOW * (bottom - top) {
        return false;
    }
    let far = reach as f64;
    spot.on.iter().enumerate().filter(|(_, on)| **on).any(|(at, _)| {
        let (x, y) = (at % spot.size.width, (at / spot.size.width) as f64);
        let column = x.saturating_sub(curve.left).min(curve.columns.len() - 1);
        let beside = (x as f64 - (curve.left + column) as f64).abs() <= far;
        let [above, below] = curve.columns[column];
        beside && y >= above - far && y <= below + far
    })
}

/// The components that have at least so many pixels.
fn of_size(pieces: &Bitmap, least: usize) -> Vec<Bitmap> {
    let (labels, count) = pieces.components();
    let mut sizes = vec![0_usize; count as usize + 1];
    labels.iter().for_each(|label| sizes[*label as usize] += 1);
    (1..=count)
        .filter(|label| sizes[*label as usize] >= least.max(1))
        .map(|label| Bitmap { size: pieces.size, on: labels.iter().map(|it| *it == label).collect() })
        .collect()
}

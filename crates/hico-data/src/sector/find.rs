//! Finds the insonated region in a look at a clip.

use super::bitmap::Bitmap;
use super::evidence::Evidence;
use super::grow::{with_far_tissue, with_near_field};
use super::look::Look;
use super::outline::{Curve, Outline};
use super::shape::Shape;
use crate::clip::Size;
use crate::region::Regions;

/// Gaps between moving speckles, pixels of a look.
const GAP: usize = 3;

/// Strokes of letters and marks are thinner than twice this and one, pixels of a look.
const STROKE: usize = 2;

/// Static tissue is looked for at most this far from what moves, relative to the longer side of a frame.
const REACH: f64 = 0.1;

/// A clip with fewer moving pixels, relative to a frame, stands still.
const STILL: f64 = 0.01;

/// In a still of which a larger part is darker than the background, tissue cannot be told from it.
const DARKER: f64 = 0.08;

/// A region covers at least this part of what was searched.
const SMALLEST: f64 = 0.05;

/// What is found covers at least this part of a rectangle that is stated: a fan covers half of its own, and some scanners
/// state more than that.
const SMALLEST_OF_STATED: f64 = 0.2;

/// A region that covers more of a frame leaves nothing to cut off.
const WHOLE: f64 = 0.97;

/// Another picture beside the region has at least this part of its pixels.
const SECOND: f64 = 0.4;

/// The insonated region of a clip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sector {
    /// The kind of probe it speaks of.
    pub shape: Shape,
    /// Where it is.
    pub outline: Outline,
}

/// Why a clip is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotFound {
    /// Nothing moves, and nothing is lit.
    #[error("nothing found")]
    Nothing,
    /// What was found is too small to be it.
    #[error("too small a region")]
    Tiny,
    /// The region is all of the frame.
    #[error("it fills the frame")]
    WholeFrame,
    /// There are several pictures side by side.
    #[error("several pictures")]
    Several,
    /// Nothing moves, and much is darker than what seems to surround it.
    #[error("it cannot be separated from its surroundings")]
    Unsure,
}

/// Finds the insonated region.
///
/// - `regions`: of the source picture, where the scanner states them; searched in is what encloses its pictures
///
/// # Errors
/// When there is no region that is worth cutting to; the clip is then best left alone.
pub fn find(look: &Look, regions: &Regions) -> Result<Sector, NotFound> {
    let source = look.source().filter(|_| !look.frames().is_empty()).ok_or(NotFound::Nothing)?;
    let stated = stated(regions, source)?;
    let Evidence { mut moving, mut lit, mut faint, darker } = Evidence::read(look);
    if let Some(rectangle) = stated {
        let inside = within(rectangle.map(|place| place / look.factor()), look.size());
        moving = moving.both(&inside, |a, b| a && b);
        lit = lit.both(&inside, |a, b| a && b);
        faint = faint.both(&inside, |a, b| a && b);
    }
    let searched = stated.map_or(source.height * source.width, |[x0, y0, x1, y1]| (x1 - x0 + 1) * (y1 - y0 + 1));
    let component = component(&moving, &lit, &faint, darker)?;
    let curve = Curve::around(&component).ok_or(NotFound::Nothing)?;
    let outline = curve.enlarged(look.factor(), source);
    let area = outline.area() as f64;
    let smallest = if stated.is_some() { SMALLEST_OF_STATED } else { SMALLEST };
    if area < smallest * searched as f64 {
        return Err(NotFound::Tiny);
    }
    if area > WHOLE * (source.height * source.width) as f64 {
        return Err(NotFound::WholeFrame);
    }
    Ok(Sector { shape: Shape::of(&curve), outline })
}

/// The rectangle around the pictures that the scanner states: first column and row, last column and row.
fn stated(regions: &Regions, source: Size) -> Result<Option<[usize; 4]>, NotFound> {
    let inside = |value: i64, length: usize| usize::try_from(value).unwrap_or(0).min(length - 1);
    let mut pictures = regions.pictures().map(|region| {
        [
            inside(region.x0, source.width),
            inside(region.y0, source.height),
            inside(region.x1, source.width),
            inside(region.y1, source.height),
        ]
    });
    let Some(first) = pictures.next() else { return Ok(None) };
    let [mut x0, mut y0, mut x1, mut y1] = first;
    for [a0, b0, a1, b1] in pictures {
        if a0 > x1 || a1 < x0 || b0 > y1 || b1 < y0 {
            return Err(NotFound::Several);
        }
        [x0, y0, x1, y1] = [x0.min(a0), y0.min(b0), x1.max(a1), y1.max(b1)];
    }
    // Scanners now and then state nonsense; then it is as if they stated nothing.
    Ok((x1 > x0 && y1 > y0).then_some([x0, y0, x1, y1]))
}

fn within([x0, y0, x1, y1]: [usize; 4], size: Size) -> Bitmap {
    let inside = |at: usize| (x0..=x1).contains(&(at % size.width)) && (y0..=y1).contains(&(at / size.width));
    Bitmap { size, on: (0..size.height * size.width).map(inside).collect() }
}

/// The pixels of the region, as they were found.
fn component(moving: &Bitmap, lit: &Bitmap, faint: &Bitmap, darker: f64) -> Result<Bitmap, NotFound> {
    let size = moving.size;
    let pixels = size.height * size.width;
    let tissue = lit.opened(STROKE);
    if (moving.count() as f64) < STILL * pixels as f64 {
        if darker > DARKER {
            return Err(NotFound::Unsure);
        }
        let deep = tissue.both(&faint.opened(STROKE), |a, b| a || b);
        let pieces = deep.closed(GAP).opened(GAP);
        return Ok(with_near_field(largest(&pieces, lit)?, &pieces, moving));
    }
    let pieces = moving.closed(GAP).opened(GAP);
    let live = largest(&pieces, moving)?;
    if lit.count() as f64 > WHOLE * pixels as f64 {
        return Ok(live);
    }
    let Some([left, right, top, bottom]) = live.bounds() else { return Err(NotFound::Nothing) };
    let reach = (REACH * size.height.max(size.width) as f64) as usize;
    let near = [left.saturating_sub(reach), top.saturating_sub(reach), right + reach, bottom + reach];
    let grown = tissue.both(&within(near, size), |a, b| a && b).both(&live, |a, b| a || b);
    let deep = largest(&grown.both(&faint.opened(STROKE), |a, b| a || b).closed(GAP).opened(GAP), moving)?;
    let fills = deep.count() as f64 > WHOLE * pixels as f64;
    let region = if fills { largest(&grown.closed(1).opened(GAP), moving)? } else { deep };
    let all = pieces.both(&tissue, |a, b| a || b).closed(GAP).opened(GAP);
    Ok(with_far_tissue(with_near_field(region, &all, moving), &pieces))
}

/// The component with most pixels of `weight`.
fn largest(all: &Bitmap, weight: &Bitmap) -> Result<Bitmap, NotFound> {
    let (labels, count) = all.components();
    let mut weights = vec![0_usize; count as usize + 1];
    for (label, _) in labels.iter().zip(&weight.on).filter(|(label, on)| **label > 0 && **on) {
        weights[*label as usize] += 1;
    }
    let (best, most) = weights.iter().enumerate().max_by_key(|(_, weight)| **weight).unwrap_or((0, &0));
    if *most == 0 {
        return Err(NotFound::Nothing);
    }
    if weights.iter().enumerate().any(|(label, weight)| label != best && *weight as f64 > SECOND * *most as f64) {
        return Err(NotFound::Several);
    }
    Ok(Bitmap { size: all.size, on: labels.iter().map(|label| *label as usize == best).collect() })
}

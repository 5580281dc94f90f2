//! Maps laid out so that every tap of a kernel reads a row of pixels in one piece.
//!
//! A channel is copied into planes with its border of zeros, one plane for each phase of the stride. Place `n` of the
//! result then reads place `n + shift` of a plane, whatever the tap: neither windows nor strides are left for the
//! inner loops. Where a row ends in as many zeros as the next begins with, the two share them.

use std::ops::Range;

/// One axis of the places that are computed, and what they see of the source.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Axis {
    /// Places that are computed.
    pub(super) places: usize,
    /// Values of the source.
    pub(super) source: usize,
    /// From one place of a plane to the next, in the source.
    pub(super) step: usize,
    /// Zeros in front of the source; negative where so many of its values are left out.
    pub(super) before: isize,
    /// The farthest shift of a tap.
    pub(super) reach: usize,
}

impl Axis {
    /// Zeros at the end of the axis that are those at the beginning of the next line, too.
    fn shared(&self) -> usize {
        let (all, filled) = ((self.places + self.reach) as isize, self.before + self.source as isize);
        if self.step > 1 { 0 } else { self.before.min(all - filled).clamp(0, self.reach as isize) as usize }
    }

    /// From one line to the next.
    pub(super) fn pitch(&self) -> usize {
        self.places + self.reach - self.shared()
    }

    /// Where a place of a plane reads; `None` in the border.
    fn source_of(&self, place: usize, phase: usize) -> Option<usize> {
        let at = (place * self.step + phase) as isize - self.before;
        usize::try_from(at).ok().filter(|at| *at < self.source)
    }

    /// The places of a line that do not lie in the border.
    fn filled(&self, phase: usize) -> Range<usize> {
        let first = |value: isize| value.max(0).unsigned_abs().div_ceil(self.step).min(self.pitch());
        let begin = first(self.before - phase as isize);
        begin..first(self.before - phase as isize + self.source as isize).max(begin)
    }
}

/// Rows that are computed together: of whole images, or some of one image.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Strip {
    /// Images, from the first of the batch.
    pub(super) images: Range<usize>,
    /// Rows of places.
    pub(super) rows: Range<usize>,
}

/// How planes of some strip lie in memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Layout {
    axes: [Axis; 2],
    images: usize,
    rows: usize,
    /// Lines of a plane from one image to the next.
    lines: usize,
    /// Values of a row.
    pub(super) pitch: usize,
    /// Values of a plane.
    pub(super) plane: usize,
    /// Places of the strip up to the last that is wanted, those between rows among them.
    pub(super) places: usize,
}

/// Places are computed in so many at most that they reach past the last.
pub(super) const WIDEST: usize = 64;

impl Layout {
    pub(super) fn new(axes: [Axis; 2], strip: &Strip) -> Self {
        let (images, rows, pitch) = (strip.images.len(), strip.rows.len(), axes[1].pitch());
        let whole = rows == axes[0].places;
        let lines = if whole { axes[0].pitch() } else { rows + axes[0].reach };
        let places = ((images - 1) * lines + rows - 1) * pitch + axes[1].places;
        let reach = axes[0].reach * pitch + axes[1].reach;
        // An odd number of cache lines, so that the same place of many planes does not fall on one set of the cache.
        let plane = (places.next_multiple_of(WIDEST) + reach).div_ceil(16) | 1;
        Self { axes, images, rows, lines, pitch, plane: 16 * plane, places }
    }

    /// Where a tap reads, from where place 0 lies.
    pub(super) fn shift(&self, down: usize, across: usize) -> usize {
        down * self.pitch + across
    }

    /// Lays out the planes of one channel, one for each phase.
    ///
    /// - `maps`: for each image of the strip, its map of this channel
    /// - `planes`: as many as there are phases
    pub(super) fn fill<'a>(
        &self,
        strip: &Strip,
        phases: &[[usize; 2]],
        maps: impl Iterator<Item = &'a [f32]>,
        planes: &mut [f32],
    ) {
        let [vertical, horizontal] = self.axes;
        let wide = horizontal.source;
        for (number, map) in maps.enumerate() {
            for (phase, plane) in phases.iter().zip(planes.chunks_exact_mut(self.plane)) {
                let filled = horizontal.filled(phase[1]);
                let from = (filled.start * horizontal.step + phase[1]).wrapping_add_signed(-horizontal.before);
                let last = number + 1 == self.images;
                // Below the last image stand the zeros that it would share with the next, and what nobody reads.
                let begin = number * self.lines * self.pitch;
                let lines = if last { self.rows + vertical.reach } else { self.lines };
                let (mut target, rest) = plane[begin..].split_at_mut((lines * self.pitch).min(self.plane - begin));
                if last {
                    rest.fill(0.0);
                }
                for line in 0..lines {
                    let (now, later) = target.split_at_mut(self.pitch.min(target.len()));
                    target = later;
                    let Some(row) = vertical.source_of(strip.rows.start + line, phase[0]) else {
                        now.fill(0.0);
                        continue;
                    };
                    now[..filled.start].fill(0.0);
                    now[filled.end..].fill(0.0);
                    let now = &mut now[filled.clone()];
                    if now.is_empty() {
                        continue;
                    }
                    let source = &map[row * wide..][..wide][from..];
                    if horizontal.step == 1 {
                        now.copy_from_slice(&source[..now.len()]);
                    } else {
                        let values = source.iter().step_by(horizontal.step);
                        now.iter_mut().zip(values).for_each(|(now, value)| *now = *value);
                    }
                }
            }
        }
    }

    /// The pieces of rows among some places that are wanted.
    pub(super) fn pieces(&self, places: Range<usize>) -> impl Iterator<Item = Piece> {
        let (pitch, lines, wide, rows) = (self.pitch, self.lines, self.axes[1].places, self.rows);
        let (first, end) = (places.start, places.end.min(self.places));
        let whole = (first / pitch)..end.div_ceil(pitch);
        whole.filter_map(move |line| {
            let (image, row) = (line / lines, line % lines);
            let begin = first.max(line * pitch);
            let end = end.min(line * pitch + wide);
            let wanted = row < rows && begin < end;
            wanted.then(|| Piece { image, row, column: begin - line * pitch, at: begin - first, count: end - begin })
        })
    }
}

/// Neighbours in one row of the result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Piece {
    /// The image, from the first of the strip.
    pub(super) image: usize,
    /// The row, from the first of the strip.
    pub(super) row: usize,
    pub(super) column: usize,
    /// Where the piece begins among the places asked for.
    pub(super) at: usize,
    pub(super) count: usize,
}

/// LabelBins a batch into strips whose planes take about `budget` values.
///
/// - `planes`: planes of one image, over all channels
pub(super) fn strips(axes: [Axis; 2], batch: usize, planes: usize, budget: usize) -> Vec<Strip> {
    let [vertical, horizontal] = axes;
    let image = vertical.pitch() * horizontal.pitch() * planes.max(1);
    if 2 * image <= budget {
        // Few images at a time where they are small, and as many in each strip as in any other.
        let count = batch.div_ceil((budget / image).min(batch.max(1)));
        let images = batch.div_ceil(count.max(1)).max(1);
        let strip = |first: usize| Strip { images: first..(first + images).min(batch), rows: 0..vertical.places };
        return (0..batch).step_by(images).map(strip).collect();
    }
    let affordable = (budget / (horizontal.pitch() * planes.max(1))).saturating_sub(vertical.reach).max(4);
    let rows = vertical.places.div_ceil(vertical.places.div_ceil(affordable));
    let of_image = |image: usize| {
        let strip =
            move |first: usize| Strip { images: image..image + 1, rows: first..(first + rows).min(vertical.places) };
        (0..vertical.places).step_by(rows).map(strip)
    };
    (0..batch).flat_map(of_image).collect()
}

//! Sums of taps over planes: the convolution itself, and its way back to the input.

use super::planes::{Axis, Layout, Strip, strips};
use super::share::{Task, share};
use crate::tile::{ROWS, Sums, VECTORS, tile};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// Values of the planes of a strip, about: three quarters of a megabyte, which the second cache holds.
const BUDGET: usize = 320 << 10;

/// One tap: the phase it reads, and how far into its plane.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Tap {
    pub(super) phase: usize,
    pub(super) down: usize,
    pub(super) across: usize,
}

/// Weights as the tile wants them: for each [`ROWS`] outputs, those of every channel and tap, then the bias of each.
#[derive(Debug)]
pub(super) struct Weights {
    values: Vec<[f32; ROWS]>,
    bias: Vec<[f32; ROWS]>,
}

impl Weights {
    /// - `of`: the weight of an output, a channel and a tap
    pub(super) fn new(
        outputs: usize,
        [channels, taps]: [usize; 2],
        bias: Option<&[f32]>,
        of: impl Fn(usize, usize, usize) -> f32 + Sync,
    ) -> Self {
        let blocks = outputs.div_ceil(ROWS);
        let mut values = vec![[0.0; ROWS]; blocks * channels * taps];
        values.par_chunks_mut((channels * taps).max(1)).enumerate().for_each(|(block, values)| {
            let rows = ROWS.min(outputs - block * ROWS);
            for (channel, values) in values.chunks_mut(taps.max(1)).enumerate() {
                for (tap, value) in values.iter_mut().enumerate() {
                    for (row, value) in value.iter_mut().take(rows).enumerate() {
                        *value = of(block * ROWS + row, channel, tap);
                    }
                }
            }
        });
        let bias_of = |block: usize, row: usize| bias.and_then(|bias| bias.get(block * ROWS + row)).copied();
        let bias = (0..blocks).map(|block| std::array::from_fn(|row| bias_of(block, row).unwrap_or(0.0))).collect();
        Self { values, bias }
    }
}

/// Some of the taps, and where their sums go.
#[derive(Debug)]
pub(super) struct Part {
    pub(super) taps: Vec<Tap>,
    pub(super) weights: Weights,
    /// Row and column of the target to which place 0 belongs; negative where the first places have none.
    pub(super) offset: [isize; 2],
}

/// A correlation of `[batch, channels, height, width]` with the taps of some parts.
#[derive(Debug)]
pub(super) struct Correlation<'a> {
    pub(super) batch: usize,
    pub(super) channels: usize,
    pub(super) outputs: usize,
    pub(super) axes: [Axis; 2],
    pub(super) phases: Vec<[usize; 2]>,
    pub(super) parts: &'a [Part],
    /// Height and width of the result.
    pub(super) target: [usize; 2],
    /// From one place to the next, in the result.
    pub(super) stride: usize,
}

impl Correlation<'_> {
    /// Writes `[batch, outputs, target]`; what no place belongs to stays as it is.
    pub(super) fn run(&self, source: &[f32], target: &mut [f32]) {
        let map = self.target[0] * self.target[1];
        if target.is_empty() || self.axes.iter().any(|axis| axis.places == 0) {
            return;
        }
        let strips = strips(self.axes, self.batch, self.channels * self.phases.len(), BUDGET);
        // Strips of the same images go to one task, which holds those images of the target.
        let groups: Vec<&[Strip]> = strips.chunk_by(|a, b| a.images == b.images).collect();
        let images = groups[0][0].images.len();
        let tasks = share(target, images, self.outputs, map, ROWS);
        let arch = pulp::Arch::new();
        tasks.into_par_iter().for_each_init(Vec::new, |planes, mut task| {
            for strip in groups[task.images.start / images] {
                let layout = self.lay_out(strip, source, planes);
                arch.dispatch(OfStrip { of: self, strip, layout, planes, task: &mut task });
            }
        });
    }

    fn lay_out(&self, strip: &Strip, source: &[f32], planes: &mut Vec<f32>) -> Layout {
        let layout = Layout::new(self.axes, strip);
        let map = self.axes[0].source * self.axes[1].source;
        let of_channel = self.phases.len() * layout.plane;
        planes.resize(self.channels * of_channel, 0.0);
        for (channel, planes) in planes.chunks_exact_mut(of_channel.max(1)).enumerate() {
            let maps = strip.images.clone().map(|image| &source[(image * self.channels + channel) * map..][..map]);
            layout.fill(strip, &self.phases, maps, planes);
        }
        layout
    }
}

/// The work of one task on one strip.
struct OfStrip<'a, 'b> {
    of: &'a Correlation<'a>,
    strip: &'a Strip,
    layout: Layout,
    planes: &'a [f32],
    task: &'a mut Task<'b>,
}

impl WithSimd for OfStrip<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Correlation { channels, phases, target, .. } = self.of;
        let map = target[0] * target[1];
        let mut sums: Sums = [[0.0; 16 * VECTORS]; ROWS];
        for part in self.of.parts {
            let plane_of = |channel: usize, tap: &Tap| {
                (channel * phases.len() + tap.phase) * self.layout.plane + self.layout.shift(tap.down, tap.across)
            };
            let places: Vec<usize> =
                (0..*channels).flat_map(|channel| part.taps.iter().map(move |tap| plane_of(channel, tap))).collect();
            let outputs = self.task.targets[0].len() / map;
            for row in (0..outputs).step_by(ROWS) {
                let block = (self.task.first + row) / ROWS;
                let weights = &part.weights.values[block * places.len()..][..places.len()];
                let weights = (weights, &part.weights.bias[block]);
                let mut first = 0;
                while first < self.layout.places {
                    let vectors = (self.layout.places - first).div_ceil(S::F32_LANES).min(VECTORS);
                    tile(simd, vectors, weights, (&self.planes[first..], &places), &mut sums, 0);
                    let end = first + vectors * S::F32_LANES;
                    for piece in self.layout.pieces(first..end) {
                        let line = self.strip.rows.start + piece.row;
                        for (number, sums) in sums.iter().take(outputs - row).enumerate() {
                            let maps = &mut self.task.targets[piece.image][(row + number) * map..][..map];
                            self.of.put(&sums[piece.at..][..piece.count], maps, part, [line, piece.column]);
                        }
                    }
                    first = end;
                }
            }
        }
    }
}

impl Correlation<'_> {
    /// Writes neighbours in a row, from one place on.
    #[inline(always)]
    fn put(&self, sums: &[f32], map: &mut [f32], part: &Part, [line, column]: [usize; 2]) {
        let [height, width] = self.target;
        let at = |place: usize, axis: usize| (place * self.stride) as isize + part.offset[axis];
        let (row, begin) = (at(line, 0), at(column, 1));
        if row < 0 || row as usize >= height {
            return;
        }
        let target = &mut map[row as usize * width..][..width];
        if self.stride == 1 && begin >= 0 {
            target[begin as usize..][..sums.len()].copy_from_slice(sums);
            return;
        }
        let skipped = if begin < 0 { begin.unsigned_abs().div_ceil(self.stride) } else { 0 };
        let begin = begin + (skipped * self.stride) as isize;
        if let (Some(sums), Some(target)) = (sums.get(skipped..), target.get_mut(begin as usize..)) {
            target.iter_mut().step_by(self.stride).zip(sums).for_each(|(target, sum)| *target = *sum);
        }
    }
}

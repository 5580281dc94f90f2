//! The gradient for the weight: for each tap, the products of what it saw and what came back, summed over all places.

use super::correlate::Tap;
use super::planes::{Axis, Layout, Strip, strips};
use crate::tile::{TAPS, gradient_tile, gradient_vectors};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// Values of the planes of a strip, about.
const BUDGET: usize = 128 << 10;

/// Places whose gradients are used for all taps before the next are taken.
const PLACES: usize = 128;

/// Values that the partial sums of all tasks may have together, about.
const PARTIAL: usize = 5 << 20;

/// Tasks, about. It is not the number of threads: the order of the sums depends on it.
const TASKS: usize = 16;

/// What the sums run over.
#[derive(Debug)]
pub(super) struct Gradient {
    pub(super) batch: usize,
    pub(super) channels: usize,
    pub(super) outputs: usize,
    pub(super) axes: [Axis; 2],
    pub(super) phases: Vec<[usize; 2]>,
    pub(super) taps: Vec<Tap>,
}

/// Some strips, and some channels.
struct Task<'a> {
    strips: &'a [Strip],
    channels: Range<usize>,
}

impl Gradient {
    /// - `x`: `[batch, channels, height, width]`
    /// - `dy`: `[batch, outputs, rows, columns]`, the places of the axes
    /// - returns: `[outputs, channels, taps]`
    pub(super) fn run(&self, x: &[f32], dy: &[f32]) -> Vec<f32> {
        let count = self.channels * self.taps.len();
        let mut weight = vec![0.0; self.outputs * count];
        if weight.is_empty() || dy.is_empty() {
            return weight;
        }
        let strips = strips(self.axes, self.batch, self.channels * self.phases.len(), BUDGET);
        let ways = (PARTIAL / weight.len()).clamp(1, TASKS).min(strips.len());
        let channels = self.channels.div_ceil((TASKS / ways).clamp(1, self.channels));
        let strips: Vec<&[Strip]> = strips.chunks(strips.len().div_ceil(ways)).collect();
        let tasks: Vec<Task<'_>> = (0..self.channels)
            .step_by(channels)
            .map(|first| first..(first + channels).min(self.channels))
            .flat_map(|channels| strips.iter().map(move |strips| Task { strips, channels: channels.clone() }))
            .collect();
        let arch = pulp::Arch::new();
        let buffers = || (Vec::new(), Vec::new());
        let partial: Vec<Partial> = tasks
            .par_iter()
            .map_init(buffers, |(planes, gradients), task| {
                arch.dispatch(OfTask { of: self, task, x, dy, planes, gradients })
            })
            .collect();
        let taps = self.taps.len();
        let wide = partial[0].wide;
        weight.par_chunks_mut(wide * count).enumerate().for_each(|(block, weight)| {
            for (number, parts) in partial.chunks(strips.len()).enumerate() {
                let first = number * channels * taps;
                for part in parts {
                    part.add_to(block, weight, first, count);
                }
            }
        });
        weight
    }
}

/// Sums of one task: for each block of outputs, those of every tap.
struct Partial {
    /// Outputs of a block.
    wide: usize,
    /// Values of a block.
    length: usize,
    sums: Vec<f32>,
}

impl Partial {
    /// Adds the sums of one block to its outputs' weights.
    ///
    /// - `weight`: `count` values for each output
    /// - `first`: the first of them that the task has sums of
    fn add_to(&self, block: usize, weight: &mut [f32], first: usize, count: usize) {
        let sums = &self.sums[block * self.length..][..self.length];
        // A few taps at a time: their weights then stay in the cache while one output after the other takes its sum.
        for (number, sums) in sums.chunks(16 * self.wide).enumerate() {
            for (output, weight) in weight.chunks_mut(count).enumerate() {
                let weight = &mut weight[first + 16 * number..];
                let sums = sums[output..].iter().step_by(self.wide);
                weight.iter_mut().zip(sums).for_each(|(weight, sum)| *weight += sum);
            }
        }
    }
}

struct OfTask<'a> {
    of: &'a Gradient,
    task: &'a Task<'a>,
    x: &'a [f32],
    dy: &'a [f32],
    planes: &'a mut Vec<f32>,
    gradients: &'a mut Vec<f32>,
}

impl WithSimd for OfTask<'_> {
    type Output = Partial;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Partial {
        let Self { of, task, x, dy, planes, gradients } = self;
        let wide = gradient_vectors::<S>() * S::F32_LANES;
        let (blocks, channels) = (of.outputs.div_ceil(wide), task.channels.len());
        let count = channels * of.taps.len();
        let mut sums = vec![0.0; blocks * count * wide];
        let map = of.axes[0].source * of.axes[1].source;
        for strip in task.strips {
            let layout = Layout::new(of.axes, strip);
            let of_channel = of.phases.len() * layout.plane;
            planes.resize(channels * of_channel, 0.0);
            for (channel, planes) in task.channels.clone().zip(planes.chunks_exact_mut(of_channel)) {
                let maps = strip.images.clone().map(|image| &x[(image * of.channels + channel) * map..][..map]);
                layout.fill(strip, &of.phases, maps, planes);
            }
            let place_of = |channel: usize, tap: &Tap| {
                (channel * of.phases.len() + tap.phase) * layout.plane + layout.shift(tap.down, tap.across)
            };
            let places: Vec<usize> =
                (0..channels).flat_map(|channel| of.taps.iter().map(move |tap| place_of(channel, tap))).collect();
            for first in (0..layout.places).step_by(PLACES) {
                let range = first..(first + PLACES).min(layout.places);
                for (block, sums) in sums.chunks_exact_mut(count * wide).enumerate() {
                    of.gather(strip, layout, range.clone(), dy, block * wide..(block + 1) * wide, gradients);
                    for (sums, places) in sums.chunks_mut(TAPS * wide).zip(places.chunks(TAPS)) {
                        any::<S>(simd, gradients, (&planes[first..], places), sums);
                    }
                }
            }
        }
        Partial { wide, length: count * wide, sums }
    }
}

/// [`gradient_tile`] for any number of taps up to [`TAPS`].
#[inline(always)]
fn any<S: Simd>(simd: S, gradients: &[f32], of: (&[f32], &[usize]), sums: &mut [f32]) {
    macro_rules! tiles {
        ($vectors:literal) => {
            match of.1.len() {
                1 => gradient_tile::<S, 1, $vectors>(simd, gradients, of, sums),
                2 => gradient_tile::<S, 2, $vectors>(simd, gradients, of, sums),
                3 => gradient_tile::<S, 3, $vectors>(simd, gradients, of, sums),
                4 => gradient_tile::<S, 4, $vectors>(simd, gradients, of, sums),
                5 => gradient_tile::<S, 5, $vectors>(simd, gradients, of, sums),
                _ => gradient_tile::<S, TAPS, $vectors>(simd, gradients, of, sums),
            }
        };
    }
    if gradient_vectors::<S>() == 4 {
        tiles!(4);
    } else {
        tiles!(2);
    }
}

impl Gradient {
    /// What came back to some outputs at some places, the outputs next to each other; zero where no result is wanted.
    #[inline(always)]
    fn gather(
        &self,
        strip: &Strip,
        layout: Layout,
        places: Range<usize>,
        dy: &[f32],
        outputs: Range<usize>,
        gradients: &mut Vec<f32>,
    ) {
        let [rows, columns] = self.axes.map(|axis| axis.places);
        let wide = outputs.len();
        gradients.clear();
        gradients.resize(places.len() * wide, 0.0);
        for piece in layout.pieces(places) {
            let (image, row) = (strip.images.start + piece.image, strip.rows.start + piece.row);
            for (lane, output) in (outputs.start..outputs.end.min(self.outputs)).enumerate() {
                let map = (image * self.outputs + output) * rows * columns;
                let values = &dy[map + row * columns + piece.column..][..piece.count];
                let targets = gradients[piece.at * wide + lane..].iter_mut().step_by(wide);
                targets.zip(values).for_each(|(target, value)| *target = *value);
            }
        }
    }
}

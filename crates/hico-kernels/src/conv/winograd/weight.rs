//! The gradient for the weight: for each coefficient, the products of what was seen and what came back, over all tiles.

use super::COEFFICIENTS;
use super::grid::{Grid, Piece};
use super::turn::{LANES, LINE, SEEN, seen_by, turn_back, turn_gathered, turn_gathered_back, turn_pixels, weight_back};
use crate::Precision;
use crate::bf16::{self, Pair};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// Tiles whose coefficients are multiplied at a time, at most.
const TILES: usize = 512;

/// Values that the partial sums of all tasks may have together, about.
const PARTIAL: usize = 5 << 20;

/// Tasks, about. It is not the number of threads: the order of the sums depends on it.
const TASKS: usize = 16;

/// Outputs and inputs whose products are summed together.
const OUTPUTS: usize = 4;
const INPUTS: usize = 6;

/// Outputs whose values stay in the second cache while all inputs' go by; a multiple of [`OUTPUTS`].
const NEAR: usize = 64;

/// What the sums run over.
#[derive(Debug)]
struct Gradient<'a> {
    grid: Grid,
    inputs: usize,
    outputs: usize,
    x: &'a [f32],
    dy: &'a [f32],
    /// Whether products are taken in pairs.
    paired: bool,
}

/// Some tiles, some rows of coefficients, and some outputs.
#[derive(Debug, Clone)]
struct Task {
    tiles: Range<usize>,
    downs: Range<usize>,
    outputs: Range<usize>,
}

/// How the sums are shared out: the same for the same shape.
#[derive(Debug, Clone, Copy)]
struct Shares {
    /// Tiles, rows of coefficients and outputs of a task.
    tiles: usize,
    downs: usize,
    outputs: usize,
    /// Tasks that sum over different tiles for the same coefficients.
    ways: usize,
}

impl Shares {
    fn new(all: usize, inputs: usize, outputs: usize) -> Self {
        let ways = (PARTIAL / (COEFFICIENTS * inputs * outputs)).clamp(1, TASKS).min(all.div_ceil(TILES));
        let tiles = all.div_ceil(ways).next_multiple_of(TILES);
        let rest = TASKS.div_ceil(all.div_ceil(tiles));
        let parts = rest.div_ceil(SEEN);
        Self {
            tiles,
            downs: SEEN.div_ceil(rest.min(SEEN)),
            outputs: outputs.div_ceil(parts).next_multiple_of(OUTPUTS),
            ways: all.div_ceil(tiles),
        }
    }
}

/// - `x`: `[batch, inputs, height, width]`
/// - `dy`: `[batch, outputs, height, width]` of the grid's target
/// - returns: `[outputs, inputs, 3, 3]`
pub(super) fn gradient(
    x: &[f32],
    dy: &[f32],
    [batch, inputs, outputs]: [usize; 3],
    grid: Grid,
    precision: Precision,
) -> Vec<f32> {
    let of = Gradient { grid, inputs, outputs, x, dy, paired: precision.is_paired() };
    let all = batch * grid.tiles();
    let shares = Shares::new(all, inputs, outputs);
    let mut tasks = Vec::new();
    for output in (0..outputs).step_by(shares.outputs) {
        for down in (0..SEEN).step_by(shares.downs) {
            for tile in (0..all).step_by(shares.tiles) {
                tasks.push(Task {
                    tiles: tile..(tile + shares.tiles).min(all),
                    downs: down..(down + shares.downs).min(SEEN),
                    outputs: output..(output + shares.outputs).min(outputs),
                });
            }
        }
    }
    let arch = pulp::Arch::new();
    let partial: Vec<Vec<f32>> =
        tasks.par_iter().map_init(Vec::new, |turned, task| arch.dispatch(OfTask { of: &of, task, turned })).collect();
    let of_outputs = SEEN.div_ceil(shares.downs) * shares.ways;
    let mut weight = vec![0.0; outputs * inputs * 9];
    weight.par_chunks_mut(inputs * 9).enumerate().for_each(|(output, weight)| {
        let (part, row) = (output / shares.outputs, output % shares.outputs);
        let wide = tasks[part * of_outputs].outputs.len() * inputs;
        let mut turned = vec![0.0; COEFFICIENTS * inputs];
        for (coefficient, turned) in turned.chunks_exact_mut(inputs).enumerate() {
            let (number, place) = (coefficient / SEEN / shares.downs, coefficient % (SEEN * shares.downs));
            let parts = &partial[part * of_outputs + number * shares.ways..][..shares.ways];
            for part in parts {
                let values = &part[place * wide + row * inputs..][..inputs];
                turned.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
            }
        }
        arch.dispatch(|| {
            for (block, kernels) in weight.as_chunks_mut::<9>().0.chunks_mut(LANES).enumerate() {
                let mut lanes = [[0.0; LANES]; COEFFICIENTS];
                for (lanes, turned) in lanes.iter_mut().zip(turned.chunks_exact(inputs)) {
                    lanes[..kernels.len()].copy_from_slice(&turned[block * LANES..][..kernels.len()]);
                }
                let back = weight_back(&lanes);
                for (lane, kernel) in kernels.iter_mut().enumerate() {
                    for (value, lanes) in kernel.iter_mut().zip(&back) {
                        *value = lanes[lane];
                    }
                }
            }
        });
    });
    weight
}

struct OfTask<'a> {
    of: &'a Gradient<'a>,
    task: &'a Task,
    turned: &'a mut Vec<f32>,
}

impl WithSimd for OfTask<'_> {
    /// `[coefficients, outputs, inputs]`.
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        // Rows as short as the tiles allow: small maps have few, and in rows for many all would fall on one set of the cache.
        match self.task.tiles.len() {
            ..=32 => self.sums::<S, 32, 16>(simd),
            33..=128 => self.sums::<S, 128, 64>(simd),
            _ => self.sums::<S, TILES, { TILES / 2 }>(simd),
        }
    }
}

impl OfTask<'_> {
    /// - `LENGTH`: room in a row for the tiles that are multiplied at a time, a multiple of two vectors; [`TILES`], or room for
    ///   all of the task, so that sums have one order
    /// - `PAIRS`: half of it
    #[inline(always)]
    fn sums<S: Simd, const LENGTH: usize, const PAIRS: usize>(self, simd: S) -> Vec<f32> {
        let Self { of, task, turned } = self;
        let (inputs, outputs) = (of.inputs, task.outputs.len());
        let mut sums = vec![0.0; task.downs.len() * SEEN * outputs * inputs];
        // Of each coefficient: the inputs' values of all tiles, then the outputs', then what is written behind them.
        let one = (inputs + outputs) * LENGTH + LANES;
        turned.resize(SEEN * one, 0.0);
        let mut pairs = vec![0; if of.paired { (inputs + outputs) * PAIRS } else { 0 }];
        for first in task.tiles.clone().step_by(LENGTH) {
            let tiles = first..(first + LENGTH).min(task.tiles.end);
            let count = tiles.len().next_multiple_of(2 * LANES);
            for (down, sums) in task.downs.clone().zip(sums.chunks_exact_mut(SEEN * outputs * inputs)) {
                // Functions of their own, this and the products of pairs: compiled into one, those were up to a fifth slower.
                let (tiles, turned_now) = (tiles.clone(), &mut *turned);
                simd.vectorize(move || of.turn::<S, LENGTH>(simd, tiles, down, &task.outputs, turned_now));
                for (turned, sums) in turned.chunks_exact(one).zip(sums.chunks_exact_mut(outputs * inputs)) {
                    let turned = &turned[..one - LANES];
                    if of.paired {
                        bf16::neighbours(turned, &mut pairs);
                        let (x, dy) = pairs.split_at(inputs * PAIRS);
                        let (x, dy) = (x.as_chunks::<PAIRS>().0, dy.as_chunks::<PAIRS>().0);
                        simd.vectorize(move || multiply(Pairs, x, dy, count, sums, inputs));
                    } else {
                        let (x, dy) = turned.split_at(inputs * LENGTH);
                        let (x, dy) = (x.as_chunks::<LENGTH>().0, dy.as_chunks::<LENGTH>().0);
                        multiply(Numbers(simd), x, dy, count, sums, inputs);
                    }
                }
            }
        }
        sums
    }
}

impl Gradient<'_> {
    /// One row of the coefficients of some tiles, of what was seen and of what came back; zeros behind the tiles.
    #[inline(always)]
    fn turn<S: Simd, const LENGTH: usize>(
        &self,
        simd: S,
        tiles: Range<usize>,
        down: usize,
        outputs: &Range<usize>,
        turned: &mut [f32],
    ) {
        let behind = tiles.len()..tiles.len().next_multiple_of(2 * LANES);
        if self.grid.is_narrow() {
            self.turn_narrow::<S, LENGTH>(simd, tiles, down, outputs, turned);
        } else {
            self.turn_wide::<S, LENGTH>(simd, tiles, down, outputs, turned);
        }
        if behind.is_empty() {
            return;
        }
        let rows = self.inputs + outputs.len();
        for turned in turned.chunks_exact_mut(rows * LENGTH + LANES) {
            for row in turned.chunks_exact_mut(LENGTH).take(rows) {
                row[behind.clone()].fill(0.0);
            }
        }
    }

    /// [`Self::turn`] for maps of long rows.
    #[inline(always)]
    fn turn_wide<S: Simd, const LENGTH: usize>(
        &self,
        simd: S,
        tiles: Range<usize>,
        down: usize,
        outputs: &Range<usize>,
        turned: &mut [f32],
    ) {
        let one = (self.inputs + outputs.len()) * LENGTH + LANES;
        let [seen, covered] = [self.grid.source, self.grid.target].map(|[height, width]| height * width);
        let pieces: Vec<Piece> = self.grid.pieces(tiles).collect();
        let ([first, second], mut line) = (seen_by(down), [0.0; LINE]);
        for channel in 0..self.inputs + outputs.len() {
            let turned = &mut turned[channel * LENGTH..];
            for piece in &pieces {
                let turned = &mut turned[piece.at..];
                if channel < self.inputs {
                    let maps = &self.x[(piece.image * self.inputs + channel) * seen..];
                    let rows = [self.grid.seen(maps, *piece, first), self.grid.seen(maps, *piece, second)];
                    turn_pixels(simd, rows, [down, piece.count], &mut line, turned, one);
                } else {
                    let output = outputs.start + channel - self.inputs;
                    let maps = &self.dy[(piece.image * self.outputs + output) * covered..];
                    let rows = [self.grid.covered(maps, *piece, 0), self.grid.covered(maps, *piece, 1)];
                    turn_back(simd, rows, [down, piece.count], &mut line, turned, one);
                }
            }
        }
    }

    /// [`Self::turn`] for maps of short rows.
    #[inline(always)]
    fn turn_narrow<S: Simd, const LENGTH: usize>(
        &self,
        simd: S,
        tiles: Range<usize>,
        down: usize,
        outputs: &Range<usize>,
        turned: &mut [f32],
    ) {
        let one = (self.inputs + outputs.len()) * LENGTH + LANES;
        let [seen, covered] = [self.grid.source, self.grid.target].map(|[height, width]| height * width);
        for first in (0..tiles.len()).step_by(LANES) {
            let of = tiles.start + first..tiles.end;
            let (gather, mut pixels) = (self.grid.gather_seen(of.clone(), &seen_by(down), self.inputs), [0.0; _]);
            for input in 0..self.inputs {
                gather.fill(&self.x[input * seen..], &mut pixels);
                turn_gathered(simd, &pixels, down, &mut turned[input * LENGTH + first..], one);
            }
            let (gather, mut pixels) = (self.grid.gather_covered(of, self.outputs), [0.0; _]);
            for (row, output) in (self.inputs..).zip(outputs.clone()) {
                gather.fill(&self.dy[output * covered..], &mut pixels);
                turn_gathered_back(simd, &pixels, down, &mut turned[row * LENGTH + first..], one);
            }
        }
    }
}

/// How rows are multiplied.
trait Multiply<T>: Copy {
    /// Adds products of some rows of `dy` and some of `x` to the sums, `stride` from one row to the next.
    fn add<const A: usize, const B: usize>(
        self,
        x: &[T; B],
        dy: &[T; A],
        count: usize,
        sums: &mut [f32],
        stride: usize,
    );
}

/// `sums[output][input] += sum over n of dy[output][n] * x[input][n]`.
///
/// - `x`, `dy`: rows of which the first `count` tiles count
#[inline(always)]
fn multiply<T>(by: impl Multiply<T>, x: &[T], dy: &[T], count: usize, sums: &mut [f32], inputs: usize) {
    for (dy, sums) in dy.chunks(NEAR).zip(sums.chunks_mut(NEAR * inputs)) {
        for (block, x) in x.chunks(INPUTS).enumerate() {
            for (dy, sums) in dy.chunks(OUTPUTS).zip(sums.chunks_mut(OUTPUTS * inputs)) {
                let sums = &mut sums[block * INPUTS..];
                if let (Some(x), Some(dy)) = (x.first_chunk::<INPUTS>(), dy.first_chunk::<OUTPUTS>()) {
                    by.add(x, dy, count, sums, inputs);
                    continue;
                }
                for (output, dy) in dy.iter().enumerate() {
                    for (input, x) in x.iter().enumerate() {
                        let sums = &mut sums[output * inputs + input..];
                        by.add(std::array::from_ref(x), std::array::from_ref(dy), count, sums, inputs);
                    }
                }
            }
        }
    }
}

#[derive(Clone, Copy)]
struct Pairs;

impl<const PAIRS: usize> Multiply<[Pair; PAIRS]> for Pairs {
    #[inline(always)]
    fn add<const A: usize, const B: usize>(
        self,
        x: &[[Pair; PAIRS]; B],
        dy: &[[Pair; PAIRS]; A],
        count: usize,
        sums: &mut [f32],
        stride: usize,
    ) {
        bf16::add_products(dy, x, count / 2, sums, stride);
    }
}

#[derive(Clone, Copy)]
struct Numbers<S>(S);

impl<S: Simd, const LENGTH: usize> Multiply<[f32; LENGTH]> for Numbers<S> {
    #[inline(always)]
    fn add<const A: usize, const B: usize>(
        self,
        x: &[[f32; LENGTH]; B],
        dy: &[[f32; LENGTH]; A],
        count: usize,
        sums: &mut [f32],
        stride: usize,
    ) {
        // Loops and no closures: those would not be compiled for the wide instructions.
        let Self(simd) = self;
        let mut lanes = [[simd.splat_f32s(0.0); B]; A];
        for n in 0..(count / S::F32_LANES).min(LENGTH / S::F32_LANES) {
            let mut vectors = [simd.splat_f32s(0.0); B];
            for (vector, row) in vectors.iter_mut().zip(x) {
                *vector = S::as_simd_f32s(row).0[n];
            }
            for (lanes, row) in lanes.iter_mut().zip(dy) {
                let dy = S::as_simd_f32s(row).0[n];
                for (lane, x) in lanes.iter_mut().zip(&vectors) {
                    *lane = simd.mul_add_e_f32s(dy, *x, *lane);
                }
            }
        }
        for (row, lanes) in lanes.iter().enumerate() {
            for (sum, lane) in sums[row * stride..].iter_mut().zip(lanes) {
                *sum += simd.reduce_sum_f32s(*lane);
            }
        }
    }
}

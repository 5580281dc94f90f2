//! The convolution by tiles; its way back to the input is one, too, with the kernel turned about.

use super::super::share::{Task, share};
use super::COEFFICIENTS;
use super::grid::{Grid, Piece};
use super::turn::{LANES, LINE, Row, SEEN, TILE, WIDE, seen_by, tiles, turn_pixels, turn_weight};
use crate::Precision;
use crate::bf16::{self, Pair, of_rows};
use crate::tile::{ROWS, VECTORS, tile};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// Blocks of [`ROWS`] outputs that are multiplied before the next coefficient's pixels are read.
const BLOCKS: usize = 4;

/// Weights as the products want them: for each [`ROWS`] outputs and each coefficient, those of every input.
#[derive(Debug)]
pub(super) struct Turned {
    values: Vec<[f32; ROWS]>,
    /// The same in pairs of inputs, where products are taken of them.
    paired: Option<Vec<[Pair; ROWS]>>,
    bias: Option<Vec<f32>>,
    inputs: usize,
}

impl Turned {
    /// - `bias`: of each output
    /// - `kernel`: the kernel of an output and an input
    pub(super) fn new(
        [inputs, outputs]: [usize; 2],
        bias: Option<&[f32]>,
        precision: Precision,
        kernel: impl Fn(usize, usize) -> [f32; 9] + Sync,
    ) -> Self {
        let mut values = vec![[0.0; ROWS]; outputs.div_ceil(ROWS) * COEFFICIENTS * inputs];
        let arch = pulp::Arch::new();
        values.par_chunks_mut(COEFFICIENTS * inputs).enumerate().for_each(|(block, values)| {
            let rows = ROWS.min(outputs - block * ROWS);
            arch.dispatch(|| {
                for input in (0..inputs).step_by(2) {
                    // The rows of one input, then those of the next.
                    let mut kernels = [[0.0; LANES]; 9];
                    let pair = 2.min(inputs - input);
                    for lane in (0..pair * ROWS).filter(|lane| lane % ROWS < rows) {
                        let kernel = kernel(block * ROWS + lane % ROWS, input + lane / ROWS);
                        for (lanes, value) in kernels.iter_mut().zip(kernel) {
                            lanes[lane] = value;
                        }
                    }
                    for (values, lanes) in values.chunks_exact_mut(inputs).zip(turn_weight(&kernels)) {
                        let lanes = lanes.as_chunks::<ROWS>().0;
                        values[input..][..pair].copy_from_slice(&lanes[..pair]);
                    }
                }
            });
        });
        let paired = precision.is_paired().then(|| paired(&values, inputs));
        Self { values, paired, bias: bias.map(<[f32]>::to_vec), inputs }
    }

    fn of(&self, block: usize, coefficient: usize) -> &[[f32; ROWS]] {
        &self.values[(block * COEFFICIENTS + coefficient) * self.inputs..][..self.inputs]
    }
}

/// Turned weights for pairs of inputs; the last may be half of one.
fn paired(values: &[[f32; ROWS]], inputs: usize) -> Vec<[Pair; ROWS]> {
    let pairs = inputs.div_ceil(2);
    let mut paired = vec![[0; ROWS]; values.len() / inputs * pairs];
    let arch = pulp::Arch::new();
    paired.par_chunks_mut(pairs).zip(values.par_chunks(inputs)).for_each(|(paired, values)| {
        arch.dispatch(|| {
            for (pair, values) in paired.iter_mut().zip(values.chunks(2)) {
                of_rows(&values[0], values.get(1).unwrap_or(&[0.0; ROWS]), pair);
            }
        });
    });
    paired
}

/// A convolution of `[batch, inputs, height, width]` by turned weights.
#[derive(Debug)]
struct Correlation<'a> {
    grid: Grid,
    inputs: usize,
    weights: &'a Turned,
}

/// The convolution, or its way back to the input.
///
/// - `outputs`: channels of the result
/// - returns: `[batch, outputs, height, width]` of the grid's target
pub(super) fn correlate(source: &[f32], [batch, outputs]: [usize; 2], grid: Grid, weights: &Turned) -> Vec<f32> {
    let map = grid.target[0] * grid.target[1];
    let mut target = vec![0.0; batch * outputs * map];
    let correlation = Correlation { grid, inputs: weights.inputs, weights };
    let images = together(grid.tiles(), batch);
    let tasks = share(&mut target, images, outputs, map, ROWS);
    let arch = pulp::Arch::new();
    tasks.into_par_iter().for_each_init(
        || vec![0.0; COEFFICIENTS * correlation.one()],
        |turned, task| arch.dispatch(OfTask { of: &correlation, source, task, turned }),
    );
    target
}

/// Images whose tiles are taken together, so that few places of the last vector stay empty.
fn together(tiles: usize, batch: usize) -> usize {
    let full = |images: &usize| {
        let tiles = images * tiles;
        tiles >= WIDE && 8 * (tiles.next_multiple_of(LANES) - tiles) <= tiles
    };
    (1..=batch).find(full).unwrap_or(batch)
}

struct OfTask<'a, 'b> {
    of: &'a Correlation<'a>,
    source: &'a [f32],
    task: Task<'b>,
    /// The coefficients of the tiles at hand: `[coefficient, input, tile]`.
    turned: &'a mut [f32],
}

impl WithSimd for OfTask<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { of, source, mut task, turned } = self;
        let places: Vec<usize> = (0..of.inputs).map(|input| input * WIDE).collect();
        let mut pairs = Vec::new();
        let mut products = vec![[[[0.0; WIDE]; ROWS]; COEFFICIENTS]; BLOCKS];
        let (first, end) = (task.images.start * of.grid.tiles(), task.images.end * of.grid.tiles());
        for begin in (first..end).step_by(WIDE) {
            let tiles = begin..(begin + WIDE).min(end);
            of.turn(simd, source, tiles.clone(), turned);
            if of.weights.paired.is_some() {
                of.pair(turned, &mut pairs);
            }
            of.multiply(simd, (turned, &pairs), &places, tiles, &mut task, &mut products);
        }
    }
}

impl Correlation<'_> {
    /// The coefficients of some tiles.
    #[inline(always)]
    fn turn<S: Simd>(&self, simd: S, source: &[f32], tiles: Range<usize>, turned: &mut [f32]) {
        let map = self.grid.source[0] * self.grid.source[1];
        let pieces: Vec<Piece> = self.grid.pieces(tiles).collect();
        let (one, mut line) = (self.one(), [0.0; LINE]);
        for input in 0..self.inputs {
            for piece in &pieces {
                let maps = &source[(piece.image * self.inputs + input) * map..];
                for down in 0..SEEN {
                    let [first, second] = seen_by(down);
                    let rows = [self.grid.seen(maps, *piece, first), self.grid.seen(maps, *piece, second)];
                    let place = SEEN * down * one + input * WIDE + piece.at;
                    turn_pixels(simd, rows, [down, piece.count], &mut line, &mut turned[place..], one);
                }
            }
        }
    }

    /// The coefficients of pairs of inputs.
    #[inline(always)]
    fn pair(&self, turned: &[f32], pairs: &mut Vec<Pair>) {
        let of_coefficient = self.inputs.div_ceil(2) * WIDE;
        pairs.resize(COEFFICIENTS * of_coefficient, 0);
        for (turned, pairs) in turned.chunks_exact(self.one()).zip(pairs.chunks_exact_mut(of_coefficient)) {
            let turned = &turned[..self.inputs * WIDE];
            for (values, pairs) in turned.chunks(2 * WIDE).zip(pairs.as_chunks_mut::<WIDE>().0) {
                let (first, second) = values.split_at(WIDE);
                of_rows(first, if second.is_empty() { &[0.0; WIDE] } else { second }, pairs);
            }
        }
    }

    /// Values of a coefficient; those behind the tiles of an input are overwritten by the next one's.
    const fn one(&self) -> usize {
        self.inputs * WIDE + LANES
    }

    /// The products of some tiles, turned into pixels of the task's outputs.
    #[inline(always)]
    fn multiply<S: Simd>(
        &self,
        simd: S,
        (turned, pairs): (&[f32], &[Pair]),
        places: &[usize],
        tiles_of: Range<usize>,
        task: &mut Task<'_>,
        products: &mut [[[Row; ROWS]; COEFFICIENTS]],
    ) {
        let map = self.grid.target[0] * self.grid.target[1];
        let outputs = task.targets[0].len() / map;
        let vectors = tiles_of.len().div_ceil(S::F32_LANES);
        let blocks: Vec<usize> = (0..outputs.div_ceil(ROWS)).collect();
        let pieces: Vec<Piece> = self.grid.pieces(tiles_of).collect();
        let mut pixels = [[0.0; TILE * WIDE]; TILE];
        for blocks in blocks.chunks(BLOCKS) {
            for coefficient in 0..COEFFICIENTS {
                let turned = &turned[coefficient * self.one()..][..self.one()];
                for (block, products) in blocks.iter().zip(products.iter_mut()) {
                    let block = task.first / ROWS + block;
                    if let Some(paired) = &self.weights.paired {
                        let count = self.inputs.div_ceil(2);
                        let weights = &paired[(block * COEFFICIENTS + coefficient) * count..][..count];
                        let values = (&pairs[coefficient * count * WIDE..][..count * WIDE], WIDE);
                        bf16::tile(weights, values, vectors, &mut products[coefficient]);
                        continue;
                    }
                    let weights = self.weights.of(block, coefficient);
                    for vector in (0..vectors).step_by(VECTORS) {
                        let (count, first) = ((vectors - vector).min(VECTORS), vector * S::F32_LANES);
                        let sums = &mut products[coefficient];
                        tile(simd, count, (weights, &[0.0; ROWS]), (&turned[first..], places), sums, first);
                    }
                }
            }
            for (block, products) in blocks.iter().zip(products.iter()) {
                for row in 0..ROWS.min(outputs - block * ROWS) {
                    let output = block * ROWS + row;
                    let bias = self.weights.bias.as_ref().map_or(0.0, |bias| bias[task.first + output]);
                    tiles(simd, products, row, bias, &mut pixels);
                    for piece in &pieces {
                        let target = &mut task.targets[piece.image - task.images.start][output * map..][..map];
                        let [height, width] = self.grid.target;
                        let (line, column) = (TILE * piece.row, TILE * piece.column);
                        let count = (TILE * piece.count).min(width - column);
                        for (pixels, line) in pixels.iter().zip(line..height) {
                            let pixels = &pixels[TILE * piece.at..][..count];
                            target[line * width + column..][..count].copy_from_slice(pixels);
                        }
                    }
                }
            }
        }
    }
}

//! The convolution by tiles; its way back to the input is one, too, with the kernel turned about.

use super::super::share::{Task, share};
use super::COEFFICIENTS;
use super::grid::{Grid, Piece};
use super::turn::{LANES, LINE, Row, SEEN, TILE, WIDE, seen_by, tiles, turn_gathered, turn_pixels};
use super::turned::{Block, Plain, Turned};
use crate::bf16::{self, Pair, of_rows};
use crate::tile::{ROWS, VECTORS, tile};
use pulp::{Simd, WithSimd};
use rayon::prelude::*;
use std::ops::Range;

/// Blocks of [`ROWS`] outputs that are multiplied before the next coefficient's pixels are read.
const BLOCKS: usize = 4;

/// A convolution of `[batch, inputs, height, width]` by turned weights.
#[derive(Debug)]
struct Correlation<'a> {
    grid: Grid,
    inputs: usize,
    bias: Option<&'a [f32]>,
    /// Whether products are taken in pairs.
    paired: bool,
    weights: Weights<'a>,
}

/// Where turned weights come from.
#[derive(Debug, Clone, Copy)]
enum Weights<'a> {
    /// They are at hand.
    Kept(&'a [Block]),
    /// Each block is turned where it is used.
    Fresh(Plain<'a>),
}

/// The convolution, or its way back to the input, by weights that are used for this batch alone.
///
/// - returns: `[batch, outputs, height, width]` of the grid's target
pub(super) fn correlate(source: &[f32], batch: usize, grid: Grid, plain: Plain<'_>) -> Vec<f32> {
    // A task that takes all tiles of the batch at once wants each block once: there is nothing to keep.
    if batch * grid.tiles() <= WIDE {
        let Plain { inputs, outputs, bias, paired, .. } = plain;
        return Correlation { grid, inputs, bias, paired, weights: Weights::Fresh(plain) }
            .run(source, [batch, outputs]);
    }
    correlate_by(source, [batch, plain.outputs], grid, &Turned::new(plain))
}

/// The same by weights that are kept.
///
/// - `outputs`: channels of the result
pub(super) fn correlate_by(source: &[f32], [batch, outputs]: [usize; 2], grid: Grid, turned: &Turned) -> Vec<f32> {
    let Turned { inputs, paired, .. } = *turned;
    let (bias, weights) = (turned.bias.as_deref(), Weights::Kept(&turned.blocks));
    Correlation { grid, inputs, bias, paired, weights }.run(source, [batch, outputs])
}

/// What a thread works in.
struct Room {
    /// The coefficients of the tiles at hand: `[coefficient, input, tile]`.
    turned: Vec<f32>,
    /// The same in pairs of inputs.
    pairs: Vec<Pair>,
    /// Blocks of weights that were turned for this one use.
    fresh: [Block; BLOCKS],
    products: Vec<[[Row; ROWS]; COEFFICIENTS]>,
}

impl Room {
    fn new(of: &Correlation<'_>) -> Self {
        Self {
            turned: vec![0.0; COEFFICIENTS * of.one()],
            pairs: Vec::new(),
            fresh: Default::default(),
            products: vec![[[[0.0; WIDE]; ROWS]; COEFFICIENTS]; BLOCKS],
        }
    }
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
    room: &'a mut Room,
}

impl WithSimd for OfTask<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { of, source, mut task, room } = self;
        let places: Vec<usize> = (0..of.inputs).map(|input| input * WIDE).collect();
        let (first, end) = (task.images.start * of.grid.tiles(), task.images.end * of.grid.tiles());
        for begin in (first..end).step_by(WIDE) {
            let tiles = begin..(begin + WIDE).min(end);
            of.turn(simd, source, tiles.clone(), &mut room.turned);
            if of.paired {
                of.pair(&room.turned, &mut room.pairs);
            }
            of.multiply(simd, &places, tiles, &mut task, room);
        }
    }
}

impl Correlation<'_> {
    /// - returns: `[batch, outputs, height, width]` of the grid's target
    fn run(&self, source: &[f32], [batch, outputs]: [usize; 2]) -> Vec<f32> {
        let map = self.grid.target[0] * self.grid.target[1];
        let mut target = vec![0.0; batch * outputs * map];
        let images = together(self.grid.tiles(), batch);
        let tasks = share(&mut target, images, outputs, map, ROWS);
        let arch = pulp::Arch::new();
        tasks
            .into_par_iter()
            .for_each_init(|| Room::new(self), |room, task| arch.dispatch(OfTask { of: self, source, task, room }));
        target
    }

    /// The coefficients of some tiles.
    #[inline(always)]
    fn turn<S: Simd>(&self, simd: S, source: &[f32], tiles: Range<usize>, turned: &mut [f32]) {
        if self.grid.is_narrow() {
            // A function of its own: compiled into one with what follows, wide maps were a little slower.
            return simd.vectorize(move || self.turn_narrow(simd, source, tiles, turned));
        }
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

    /// [`Self::turn`] for maps of short rows.
    #[inline(always)]
    fn turn_narrow<S: Simd>(&self, simd: S, source: &[f32], tiles: Range<usize>, turned: &mut [f32]) {
        let (map, one) = (self.grid.source[0] * self.grid.source[1], self.one());
        for first in (0..tiles.len()).step_by(LANES) {
            let gather = self.grid.gather_seen(tiles.start + first..tiles.end, &[0, 1, 2, 3], self.inputs);
            let mut pixels = [0.0; _];
            for input in 0..self.inputs {
                gather.fill(&source[input * map..], &mut pixels);
                for down in 0..SEEN {
                    let place = SEEN * down * one + input * WIDE + first;
                    turn_gathered(simd, &pixels, down, &mut turned[place..], one);
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
        places: &[usize],
        tiles_of: Range<usize>,
        task: &mut Task<'_>,
        Room { turned, pairs, fresh, products }: &mut Room,
    ) {
        let map = self.grid.target[0] * self.grid.target[1];
        let outputs = task.targets[0].len() / map;
        let vectors = tiles_of.len().div_ceil(S::F32_LANES);
        let blocks: Vec<usize> = (0..outputs.div_ceil(ROWS)).collect();
        let pieces: Vec<Piece> = self.grid.pieces(tiles_of).collect();
        let mut pixels = [[0.0; TILE * WIDE]; TILE];
        let before = task.first / ROWS;
        for blocks in blocks.chunks(BLOCKS) {
            if let Weights::Fresh(plain) = self.weights {
                for (block, fresh) in blocks.iter().zip(fresh.iter_mut()) {
                    plain.turn(before + block, fresh);
                }
            }
            for coefficient in 0..COEFFICIENTS {
                let turned = &turned[coefficient * self.one()..][..self.one()];
                for (number, (block, products)) in blocks.iter().zip(products.iter_mut()).enumerate() {
                    let weights = match self.weights {
                        Weights::Kept(kept) => &kept[before + block],
                        Weights::Fresh(_) => &fresh[number],
                    };
                    if self.paired {
                        let count = self.inputs.div_ceil(2);
                        let weights = &weights.paired[coefficient * count..][..count];
                        let values = (&pairs[coefficient * count * WIDE..][..count * WIDE], WIDE);
                        bf16::tile(weights, values, vectors, &mut products[coefficient]);
                        continue;
                    }
                    let weights = &weights.values[coefficient * self.inputs..][..self.inputs];
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
                    let bias = self.bias.map_or(0.0, |bias| bias[task.first + output]);
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

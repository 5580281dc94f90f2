//! Products with a matrix that is much longer than the others, on slices.
//!
//! The long axis is cut into pieces of one length, whatever the number of threads, and their sums are taken in order.

use crate::lanes::{load, store};
use crate::tile::{ROWS, Sums, VECTORS, tile};
use crate::wide::wide;
use burn_flex::FlexTensor;
use pulp::{Simd, WithSimd};
use rayon::prelude::*;

/// The number of outputs is a multiple of this, the numbers in the widest vector.
pub(crate) const OUTPUTS: usize = 16;

/// Inputs of a piece.
const PIECE: usize = 4096;

/// Inputs whose weights stay in the cache while all of the batch goes by.
const NEAR: usize = 128;

/// `x weight + bias`.
///
/// - `x`: `[batch, inputs]`
/// - `weight`: `[inputs, outputs]`
/// - returns: `[batch, outputs]`
pub(crate) fn forward(x: &[f32], weight: &[f32], bias: &[f32], batch: usize) -> Vec<f32> {
    let (inputs, outputs) = (x.len() / batch.max(1), bias.len());
    let arch = pulp::Arch::new();
    let pieces = weight.par_chunks(PIECE * outputs).enumerate();
    let parts: Vec<Vec<f32>> = pieces
        .map(|(piece, weight)| {
            let first = piece * PIECE;
            arch.dispatch(Forward { x, weight, first, sizes: [batch, inputs, outputs] })
        })
        .collect();
    let mut y: Vec<f32> = std::iter::repeat_n(bias, batch).flatten().copied().collect();
    for part in parts {
        y.iter_mut().zip(part).for_each(|(sum, value)| *sum += value);
    }
    y
}

struct Forward<'a> {
    x: &'a [f32],
    /// Of the piece.
    weight: &'a [f32],
    /// The first input of the piece.
    first: usize,
    sizes: [usize; 3],
}

impl WithSimd for Forward<'_> {
    type Output = Vec<f32>;

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) -> Vec<f32> {
        let Self { x, weight, first, sizes: [batch, inputs, outputs] } = self;
        let mut y = vec![0.0; batch * outputs];
        let places: Vec<usize> = (0..NEAR).map(|input| input * outputs).collect();
        let mut columns = [[0.0; ROWS]; NEAR];
        let mut sums: Sums = [[0.0; 16 * VECTORS]; ROWS];
        for (number, weight) in weight.chunks(NEAR * outputs).enumerate() {
            let (from, count) = (first + number * NEAR, weight.len() / outputs);
            for (block, y) in y.chunks_mut(ROWS * outputs).enumerate() {
                for (row, x) in x.chunks_exact(inputs).skip(block * ROWS).take(ROWS).enumerate() {
                    for (column, value) in columns.iter_mut().zip(&x[from..from + count]) {
                        column[row] = *value;
                    }
                }
                for output in (0..outputs).step_by(VECTORS * S::F32_LANES) {
                    let vectors = ((outputs - output) / S::F32_LANES).min(VECTORS);
                    let values = (&weight[output..], &places[..count]);
                    tile(simd, vectors, (&columns[..count], &[0.0; ROWS]), values, &mut sums, 0);
                    for (y, sums) in y.chunks_exact_mut(outputs).zip(&sums) {
                        for vector in 0..vectors {
                            let (at, y) = (vector * S::F32_LANES, &mut y[output + vector * S::F32_LANES..]);
                            store::<S>(y, simd.add_f32s(load::<S>(y), load::<S>(&sums[at..])));
                        }
                    }
                }
            }
        }
        y
    }
}

/// `dy weight'`.
///
/// - `dy`: `[batch, outputs]`
/// - returns: `[batch, inputs]`
pub(crate) fn input_gradient(weight: &[f32], dy: &[f32], batch: usize) -> Vec<f32> {
    let outputs = dy.len() / batch.max(1);
    let inputs = weight.len() / outputs;
    let mut dx = vec![0.0; batch * inputs];
    let mut pieces: Vec<Vec<&mut [f32]>> = (0..inputs.div_ceil(PIECE)).map(|_| Vec::new()).collect();
    for row in dx.chunks_exact_mut(inputs) {
        pieces.iter_mut().zip(row.chunks_mut(PIECE)).for_each(|(piece, part)| piece.push(part));
    }
    let arch = pulp::Arch::new();
    pieces.into_par_iter().zip(weight.par_chunks(PIECE * outputs)).for_each(|(rows, weight)| {
        arch.dispatch(Back { rows, weight, dy, outputs });
    });
    dx
}

struct Back<'a, 'b> {
    /// Of each image, the piece of its gradient.
    rows: Vec<&'b mut [f32]>,
    weight: &'a [f32],
    dy: &'a [f32],
    outputs: usize,
}

impl WithSimd for Back<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { mut rows, weight, dy, outputs } = self;
        const IMAGES: usize = 4;
        const INPUTS: usize = 6;
        for (number, weight) in weight.chunks(INPUTS * outputs).enumerate() {
            for (rows, dy) in rows.chunks_mut(IMAGES).zip(dy.chunks(IMAGES * outputs)) {
                let mut sums = [[0.0; INPUTS]; IMAGES];
                if (weight.len(), rows.len()) == (INPUTS * outputs, IMAGES) {
                    dots::<S, IMAGES, INPUTS>(simd, dy, weight, outputs, &mut sums);
                } else {
                    for (sums, dy) in sums.iter_mut().zip(dy.chunks_exact(outputs)) {
                        for (sum, weight) in sums.iter_mut().zip(weight.chunks_exact(outputs)) {
                            let mut one = [[0.0]];
                            dots::<S, 1, 1>(simd, dy, weight, outputs, &mut one);
                            [[*sum]] = one;
                        }
                    }
                }
                for (row, sums) in rows.iter_mut().zip(&sums) {
                    row[number * INPUTS..].iter_mut().zip(sums).for_each(|(value, sum)| *value = *sum);
                }
            }
        }
    }
}

/// The products of `A` rows of one matrix with `B` of another, each summed over its `length`.
#[inline(always)]
fn dots<S: Simd, const A: usize, const B: usize>(
    simd: S,
    a: &[f32],
    b: &[f32],
    length: usize,
    sums: &mut [[f32; B]; A],
) {
    let mut lanes = [[simd.splat_f32s(0.0); B]; A];
    for at in (0..length).step_by(S::F32_LANES) {
        let mut vectors = [simd.splat_f32s(0.0); B];
        for (vector, row) in vectors.iter_mut().zip(b.chunks_exact(length)) {
            *vector = load::<S>(&row[at..]);
        }
        for (lanes, row) in lanes.iter_mut().zip(a.chunks_exact(length)) {
            let value = load::<S>(&row[at..]);
            for (lane, vector) in lanes.iter_mut().zip(&vectors) {
                *lane = simd.mul_add_e_f32s(value, *vector, *lane);
            }
        }
    }
    for (sums, lanes) in sums.iter_mut().zip(&lanes) {
        for (sum, lane) in sums.iter_mut().zip(lanes) {
            *sum = simd.reduce_sum_f32s(*lane);
        }
    }
}

/// A gradient `x' dy` of `[inputs, outputs]` in its factors.
#[derive(Debug)]
pub(crate) struct Factors {
    /// `[batch, inputs + outputs]`: of each image `x`, then `dy`.
    pub(crate) rows: FlexTensor,
    pub(crate) inputs: usize,
    pub(crate) outputs: usize,
}

/// [`Factors`] as slices.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rows<'a> {
    values: &'a [f32],
    inputs: usize,
    outputs: usize,
}

impl Factors {
    pub(crate) fn as_ref(&self) -> Rows<'_> {
        Rows { values: self.rows.storage(), inputs: self.inputs, outputs: self.outputs }
    }
}

impl<'a> Rows<'a> {
    fn factors(self) -> impl Iterator<Item = (&'a [f32], &'a [f32])> {
        self.values.chunks_exact(self.inputs + self.outputs).map(move |row| row.split_at(self.inputs))
    }

    /// Values of a row of the product.
    pub(crate) const fn row(self) -> usize {
        self.outputs
    }

    /// The gradient itself.
    pub(crate) fn product(self) -> Vec<f32> {
        const SHARE: usize = 64;
        let mut product = vec![0.0; self.inputs * self.outputs];
        let pieces = product.par_chunks_mut(SHARE * self.outputs).enumerate();
        pieces.for_each(|(piece, product)| self.multiply(piece * SHARE, product));
        product
    }

    /// Some rows of the gradient, from `first` on.
    pub(crate) fn multiply(self, first: usize, product: &mut [f32]) {
        pulp::Arch::new().dispatch(Multiply { rows: self, first, product });
    }

    /// The sum of the squares of all values of the gradient: the products of the factors' inner products, in 64 bits.
    pub(crate) fn sum_of_squares(self) -> f64 {
        let factors: Vec<(&[f32], &[f32])> = self.factors().collect();
        let pairs: Vec<(usize, usize)> =
            (0..factors.len()).flat_map(|a| (a..factors.len()).map(move |b| (a, b))).collect();
        // The pieces of all rows stay in the cache for all their pairs.
        let pieces = (0..self.inputs.div_ceil(PIECE)).into_par_iter();
        let parts: Vec<Vec<f64>> = pieces
            .map(|piece| {
                let range = piece * PIECE..((piece + 1) * PIECE).min(self.inputs);
                let of_pair =
                    |&(a, b): &(usize, usize)| inner(&factors[a].0[range.clone()], &factors[b].0[range.clone()]);
                pairs.iter().map(of_pair).collect()
            })
            .collect();
        let of_pair = |(number, &(a, b)): (usize, &(usize, usize))| {
            let of_x = parts.iter().map(|part| part[number]).sum::<f64>();
            let twice = if a == b { 1.0 } else { 2.0 };
            twice * of_x * inner(factors[a].1, factors[b].1)
        };
        // What rounding makes of a sum that is nothing must not become the root of a negative number.
        pairs.iter().enumerate().map(of_pair).sum::<f64>().max(0.0)
    }
}

/// The inner product in 64 bits.
fn inner(a: &[f32], b: &[f32]) -> f64 {
    const LANES: usize = 16;
    wide(|| {
        let (a, b) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
        let mut lanes = [0.0_f64; LANES];
        for (a, b) in a.0.iter().zip(b.0) {
            for lane in 0..LANES {
                lanes[lane] += f64::from(a[lane]) * f64::from(b[lane]);
            }
        }
        let rest = a.1.iter().zip(b.1).map(|(a, b)| f64::from(*a) * f64::from(*b)).sum::<f64>();
        lanes.iter().sum::<f64>() + rest
    })
}

struct Multiply<'a, 'b> {
    rows: Rows<'a>,
    first: usize,
    product: &'b mut [f32],
}

impl WithSimd for Multiply<'_, '_> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, simd: S) {
        let Self { rows, first, product } = self;
        let (outputs, stride) = (rows.outputs, rows.inputs + rows.outputs);
        let batch = rows.values.len() / stride;
        let places: Vec<usize> = (0..batch).map(|image| image * stride + rows.inputs).collect();
        let mut columns = vec![[0.0; ROWS]; batch];
        let mut sums: Sums = [[0.0; 16 * VECTORS]; ROWS];
        for (block, product) in product.chunks_mut(ROWS * outputs).enumerate() {
            let (from, count) = (first + block * ROWS, product.len() / outputs);
            for (column, row) in columns.iter_mut().zip(rows.values.chunks_exact(stride)) {
                column[..count].copy_from_slice(&row[from..from + count]);
            }
            for output in (0..outputs).step_by(VECTORS * S::F32_LANES) {
                let vectors = ((outputs - output) / S::F32_LANES).min(VECTORS);
                tile(simd, vectors, (&columns, &[0.0; ROWS]), (&rows.values[output..], &places), &mut sums, 0);
                for (product, sums) in product.chunks_exact_mut(outputs).zip(&sums) {
                    for vector in 0..vectors {
                        let at = vector * S::F32_LANES;
                        store::<S>(&mut product[output + at..], load::<S>(&sums[at..]));
                    }
                }
            }
        }
    }
}

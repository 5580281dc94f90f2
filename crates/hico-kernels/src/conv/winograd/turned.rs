//! Weights turned into coefficients, [`ROWS`] outputs at a time: kept for many batches, or turned where they are used once.

use super::COEFFICIENTS;
use super::turn::{LANES, turn_weight};
use crate::Precision;
use crate::bf16::{Pair, of_rows};
use crate::tile::ROWS;
use rayon::prelude::*;

/// The weight of a convolution, or of its way back to the input.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plain<'a> {
    /// `[outputs, inputs, 3, 3]`, as the convolution has them.
    weight: &'a [[f32; 9]],
    pub(super) bias: Option<&'a [f32]>,
    /// Channels that go in and come out, this way.
    pub(super) inputs: usize,
    pub(super) outputs: usize,
    back: bool,
    /// Whether products are taken in pairs.
    pub(super) paired: bool,
}

impl<'a> Plain<'a> {
    /// The convolution itself.
    ///
    /// - `weight`: `[outputs, inputs, 3, 3]`
    /// - `bias`: of each output
    pub(super) fn forward(
        weight: &'a [f32],
        bias: Option<&'a [f32]>,
        [inputs, outputs]: [usize; 2],
        precision: Precision,
    ) -> Self {
        let (weight, _) = weight.as_chunks();
        Self { weight, bias, inputs, outputs, back: false, paired: precision.is_paired() }
    }

    /// The way back, from what came out to what went in: the kernels turned about.
    ///
    /// - `weight`, `inputs`, `outputs`: as for [`Self::forward`]
    pub(super) fn back(weight: &'a [f32], [inputs, outputs]: [usize; 2], precision: Precision) -> Self {
        let (weight, _) = weight.as_chunks();
        let (inputs, outputs) = (outputs, inputs);
        Self { weight, bias: None, inputs, outputs, back: true, paired: precision.is_paired() }
    }

    #[inline(always)]
    fn kernel(&self, output: usize, input: usize) -> [f32; 9] {
        if self.back {
            let [a, b, c, d, e, f, g, h, i] = self.weight[input * self.outputs + output];
            [i, h, g, f, e, d, c, b, a]
        } else {
            self.weight[output * self.inputs + input]
        }
    }

    /// Turns the weights of one block.
    #[inline(always)]
    pub(super) fn turn(&self, block: usize, into: &mut Block) {
        let Self { inputs, outputs, .. } = *self;
        let rows = ROWS.min(outputs - block * ROWS);
        into.values.resize(COEFFICIENTS * inputs, [0.0; ROWS]);
        for input in (0..inputs).step_by(2) {
            // The rows of one input, then those of the next.
            let mut kernels = [[0.0; LANES]; 9];
            let pair = 2.min(inputs - input);
            for lane in (0..pair * ROWS).filter(|lane| lane % ROWS < rows) {
                let kernel = self.kernel(block * ROWS + lane % ROWS, input + lane / ROWS);
                for (lanes, value) in kernels.iter_mut().zip(kernel) {
                    lanes[lane] = value;
                }
            }
            for (values, lanes) in into.values.chunks_exact_mut(inputs).zip(turn_weight(&kernels)) {
                let lanes = lanes.as_chunks::<ROWS>().0;
                values[input..][..pair].copy_from_slice(&lanes[..pair]);
            }
        }
        if self.paired {
            let pairs = inputs.div_ceil(2);
            into.paired.resize(COEFFICIENTS * pairs, [0; ROWS]);
            for (paired, values) in into.paired.chunks_exact_mut(pairs).zip(into.values.chunks_exact(inputs)) {
                for (pair, values) in paired.iter_mut().zip(values.chunks(2)) {
                    of_rows(&values[0], values.get(1).unwrap_or(&[0.0; ROWS]), pair);
                }
            }
        }
    }
}

/// Turned weights of [`ROWS`] outputs, as the products want them.
#[derive(Debug, Default)]
pub(super) struct Block {
    /// `[coefficient, input]`.
    pub(super) values: Vec<[f32; ROWS]>,
    /// `[coefficient, pair of inputs]`, where products are taken in pairs; the last pair may be half of one.
    pub(super) paired: Vec<[Pair; ROWS]>,
}

/// All weights, turned once and for all.
#[derive(Debug)]
pub(super) struct Turned {
    pub(super) blocks: Vec<Block>,
    pub(super) bias: Option<Vec<f32>>,
    pub(super) inputs: usize,
    pub(super) paired: bool,
}

impl Turned {
    pub(super) fn new(plain: Plain<'_>) -> Self {
        let arch = pulp::Arch::new();
        let of_block = |number: usize| {
            let mut block = Block::default();
            arch.dispatch(|| plain.turn(number, &mut block));
            block
        };
        let blocks = (0..plain.outputs.div_ceil(ROWS)).into_par_iter().map(of_block).collect();
        Self { blocks, bias: plain.bias.map(<[f32]>::to_vec), inputs: plain.inputs, paired: plain.paired }
    }
}

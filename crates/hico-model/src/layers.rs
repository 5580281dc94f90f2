//! The operations of the network, each in one place so that a faster one can take its place.
//!
//! Linear weights are kept `[inputs, outputs]`, as burn multiplies them; `weights` turns them into PyTorch's
//! `[outputs, inputs]` at the border.

use super::batch_norm::{BatchNorm, Tail};
use super::init::{Distribution, Init};
use crate::backbone::Convolution;
use burn::module::{Module, Param};
use burn::tensor::module as operation;
use burn::tensor::ops::ConvOptions;
use burn::tensor::{Tensor, TensorData};
use hico_kernels::conv_norm::{Folded, conv_norm};
use hico_kernels::{Precision, Setting};

pub use burn::tensor::activation::relu;

/// A row shorter than this is divided by this instead of by its length, as PyTorch's `normalize`.
const SHORTEST: f64 = 1e-12;

/// A two-dimensional convolution with a square kernel.
#[derive(Module, Debug)]
pub struct Conv2d {
    weight: Param<Tensor<4>>,
    bias: Option<Param<Tensor<1>>>,
    stride: usize,
    padding: usize,
    groups: usize,
    #[module(skip)]
    precision: Precision,
}

/// Shape of a convolution.
#[derive(Debug, Clone, Copy)]
pub struct ConvShape {
    /// Channels that go in.
    pub inputs: usize,
    /// Channels that come out.
    pub outputs: usize,
    /// Height and width of the kernel; the padding is half of it.
    pub kernel: usize,
    /// Step of the kernel, pixels.
    pub stride: usize,
}

impl Conv2d {
    /// The convolution of a backbone, of which `inputs` channels go in.
    #[must_use]
    pub fn new(init: &Init<'_>, inputs: usize, convolution: &Convolution) -> Self {
        let &Convolution { outputs, groups, kernel, stride, padding, weight, bias, .. } = convolution;
        let weight = init.parameter("weight", [outputs, inputs / groups, kernel, kernel], weight);
        let bias = bias.map(|bias| init.parameter("bias", [outputs], bias));
        Self { weight, bias, stride, padding, groups, precision: init.precision() }
    }

    /// A convolution with bias and the first weights that PyTorch gives one: uniform within `1 / sqrt(fan in)`.
    #[must_use]
    pub fn with_bias(init: &Init<'_>, shape: ConvShape) -> Self {
        let ConvShape { inputs, outputs, kernel, stride } = shape;
        let bound = Distribution::Uniform(1.0 / ((inputs * kernel * kernel) as f64).sqrt());
        let weight = init.parameter("weight", [outputs, inputs, kernel, kernel], bound);
        let bias = Some(init.parameter("bias", [outputs], bound));
        Self { weight, bias, stride, padding: kernel / 2, groups: 1, precision: init.precision() }
    }

    /// - `x`: `[batch, inputs, height, width]`
    /// - returns: `[batch, outputs, (height - 1) / stride + 1, (width - 1) / stride + 1]` for an odd kernel
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.as_ref().map(Param::val));
        let [_, channels, ..] = x.dims();
        let [outputs, ..] = weight.dims();
        match bias {
            bias if self.groups == 1 => hico_kernels::conv2d(x, weight, bias, self.setting()),
            Some(bias) if self.stride == 1 && self.groups == channels && outputs == channels => {
                hico_kernels::depthwise_conv2d(x, weight, bias, self.padding)
            }
            bias => {
                let options = ConvOptions::new([self.stride; 2], [self.padding; 2], [1, 1], self.groups);
                operation::conv2d(x, weight, bias, options)
            }
        }
    }

    /// The convolution, normalised by what `norm` has learnt, and the tail, in one; `None` where that is not possible
    /// because a gradient may be asked for, or the device has no such operation.
    #[must_use]
    pub fn normalised(&self, x: &Tensor<4>, norm: &BatchNorm, tail: &Tail) -> Option<Tensor<4>> {
        match self.bias {
            Some(_) => None,
            None if self.groups > 1 => None,
            None => conv_norm(x, &self.weight.val(), &norm.learnt(), self.setting(), tail),
        }
    }

    /// What [`Self::normalised`] computes, laid out once for many batches; `None` as there.
    #[must_use]
    pub fn folded(&self, norm: &BatchNorm) -> Option<Folded> {
        match self.bias {
            Some(_) => None,
            None if self.groups > 1 => None,
            None => Folded::new(&self.weight.val(), &norm.learnt(), self.setting()),
        }
    }

    /// Whether `folded` is still what [`Self::normalised`] computes.
    #[must_use]
    pub fn is_folded(&self, norm: &BatchNorm, folded: &Folded) -> bool {
        self.bias.is_none() && folded.is_of(&self.weight.val(), &norm.learnt(), self.setting())
    }

    const fn setting(&self) -> Setting {
        Setting { stride: self.stride, padding: self.padding, precision: self.precision }
    }
}

/// Every row divided by its length.
///
/// - `x`, and what is returned: `[rows, dim]`
#[must_use]
pub fn unit_rows(x: Tensor<2>) -> Tensor<2> {
    // The square is bounded before the root is taken, so that a row of zeros has a gradient of zero and not 0 / 0.
    let length = x.clone().square().sum_dim(1).clamp_min(SHORTEST * SHORTEST).sqrt(); // [rows, 1]
    x / length
}

/// A fully connected layer.
#[derive(Module, Debug)]
pub struct Linear {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
}

impl Linear {
    /// First weights as PyTorch gives: weights and bias uniform within `1 / sqrt(inputs)`.
    #[must_use]
    pub fn new(init: &Init<'_>, inputs: usize, outputs: usize) -> Self {
        let bound = Distribution::Uniform(1.0 / (inputs as f64).sqrt());
        Self {
            weight: init.parameter("weight", [inputs, outputs], bound),
            bias: init.parameter("bias", [outputs], bound),
        }
    }

    /// - `x`: `[batch, inputs]`
    /// - returns: `[batch, outputs]`
    #[must_use]
    pub fn forward(&self, x: Tensor<2>) -> Tensor<2> {
        hico_kernels::linear(x, self.weight.val(), self.bias.val())
    }
}

/// The largest value under a square window.
///
/// - `x`: `[batch, channels, height, width]`
/// - returns: `[batch, channels, (height + 2 padding - kernel) / stride + 1, ...]`
#[must_use]
pub fn max_pool(x: Tensor<4>, [kernel, stride, padding]: [usize; 3]) -> Tensor<4> {
    hico_kernels::max_pool(x, kernel, stride, padding)
}

/// The mean over each map.
///
/// - `x`: `[batch, channels, height, width]`
/// - returns: `[batch, channels]`
#[must_use]
pub fn average(x: Tensor<4>) -> Tensor<2> {
    x.flatten::<3>(2, 3).mean_dim(2).squeeze_dim(2)
}

/// The mean over each cell of a grid on each map. Cells are those of PyTorch's `adaptive_avg_pool2d`: cell `i` of `n` along a
/// side of `s` pixels is `i s / n` rounded down to `(i + 1) s / n` rounded up, so that cells overlap where `n` does not divide
/// `s`.
///
/// - `x`: `[batch, channels, height, width]`
/// - `cells`: along each side
/// - returns: `[batch, channels * cells * cells]`; of each channel column by column of its grid
#[must_use]
pub fn averages(x: Tensor<4>, cells: usize) -> Tensor<2> {
    let [batch, channels, height, width] = x.dims();
    let device = x.device();
    let weights = |side: usize| -> Tensor<2> {
        Tensor::from_data(TensorData::new(cell_weights(side, cells), [side, cells]), &device)
    };
    let along_rows = x.reshape([batch * channels * height, width]).matmul(weights(width));
    let columns = along_rows.reshape([batch * channels, height, cells]).swap_dims(1, 2); // [maps, cells, height]
    let means = columns.reshape([batch * channels * cells, height]).matmul(weights(height));
    means.reshape([batch, channels * cells * cells])
}

/// How much each of `side` pixels counts in each of `cells` means, `[side, cells]`.
fn cell_weights(side: usize, cells: usize) -> Vec<f32> {
    let mut weights = vec![0.0; side * cells];
    for cell in 0..cells {
        let (first, end) = (cell * side / cells, ((cell + 1) * side).div_ceil(cells));
        (first..end).for_each(|pixel| weights[pixel * cells + cell] = 1.0 / (end - first) as f32);
    }
    weights
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;

    /// The mean of a cell, pixel by pixel.
    fn naive(map: &[f64], [height, width]: [usize; 2], cells: usize) -> Vec<f64> {
        let range = |cell: usize, side: usize| cell * side / cells..((cell + 1) * side).div_ceil(cells);
        let mean = |column: usize, row: usize| {
            let places = range(row, height).flat_map(|y| range(column, width).map(move |x| y * width + x));
            let values: Vec<f64> = places.map(|place| map[place]).collect();
            values.iter().sum::<f64>() / values.len() as f64
        };
        (0..cells).flat_map(|column| (0..cells).map(move |row| (column, row))).map(|(c, r)| mean(c, r)).collect()
    }

    #[test]
    fn means_of_cells_and_their_gradients_are_those_of_a_loop_over_pixels() {
        let device = Device::flex().autodiff();
        for (height, width, cells) in [(8, 8, 4), (5, 7, 4), (2, 2, 4), (1, 3, 4), (9, 4, 2), (16, 12, 1)] {
            let values: Vec<f32> = (0..2 * 3 * height * width).map(|place| (place as f32 * 0.37).sin()).collect();
            let shape = [2, 3, height, width];
            let x = Tensor::<4>::from_data(TensorData::new(values.clone(), shape), &device).require_grad();
            let found = averages(x.clone(), cells);
            let maps = values.chunks(height * width).map(|map| map.iter().copied().map(f64::from).collect::<Vec<_>>());
            let expected: Vec<f64> = maps.flat_map(|map| naive(&map, [height, width], cells)).collect();
            let close = |found: &[f64], expected: &[f64]| {
                let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(found.len() == expected.len() && apart < 1e-6, "{height}x{width} in {cells}: {apart}");
            };
            close(&found.clone().into_data().iter().collect::<Vec<_>>(), &expected);
            // The function is linear: its gradient at a pixel is how much that pixel alone moves the weighted sum.
            let weight = |place: usize| (place as f64 * 0.73).cos();
            let weights: Vec<f32> = (0..expected.len()).map(|place| weight(place) as f32).collect();
            let weights = Tensor::<2>::from_data(TensorData::new(weights, found.dims()), &device);
            let gradient = x.grad(&(found * weights).sum().backward()).unwrap();
            let gradient: Vec<f64> = gradient.into_data().iter().collect();
            let of_map = cells * cells;
            let expected = (0..6 * height * width).map(|place| {
                let (map, pixel) = (place / (height * width), place % (height * width));
                let alone: Vec<f64> = (0..height * width).map(|other| f64::from(u8::from(other == pixel))).collect();
                let means = naive(&alone, [height, width], cells);
                (0..of_map).map(|cell| means[cell] * weight(map * of_map + cell)).sum()
            });
            close(&gradient, &expected.collect::<Vec<f64>>());
        }
    }

    #[test]
    fn one_cell_is_the_average() {
        let device = Device::flex();
        let values: Vec<f32> = (0..2 * 5 * 6 * 7).map(|place| (place as f32 * 0.61).cos()).collect();
        let x = Tensor::<4>::from_data(TensorData::new(values, [2, 5, 6, 7]), &device);
        let apart = (averages(x.clone(), 1) - average(x)).abs().max().into_scalar::<f32>();
        assert!(apart < 1e-6, "{apart}");
    }
}

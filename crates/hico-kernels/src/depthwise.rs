//! Depthwise convolution, a kernel of its own for every channel, as an operation of the graph.
//!
//! A row of the output is a sum of rows of the input, each times one value of the kernel, so that every inner loop runs over
//! values that lie side by side.

use crate::conv::bias_gradient;
use crate::graph::{Handle, Tracked, close, contiguous, dims, open, tensor};
use burn::tensor::Tensor;
use burn::tensor::module as operation;
use burn::tensor::ops::ConvOptions;
use burn_autodiff::checkpoint::base::Checkpointer;
use burn_autodiff::checkpoint::strategy::NoCheckpointing;
use burn_autodiff::grads::Gradients;
use burn_autodiff::ops::{Backward, Ops, OpsKind};
use burn_flex::{Flex, FlexTensor};
use rayon::prelude::*;

/// A convolution of each channel with a square kernel of its own, of stride 1.
///
/// - `x`: `[batch, channels, height, width]`
/// - `weight`: `[channels, 1, kernel, kernel]`
/// - `bias`: `[channels]`
/// - returns: `[batch, channels, height + 2 padding - kernel + 1, ...]`
#[must_use]
pub fn depthwise_conv2d(x: Tensor<4>, weight: Tensor<4>, bias: Tensor<1>, padding: usize) -> Tensor<4> {
    let ([_, channels, ..], [_, _, kernel, across]) = (x.dims(), weight.dims());
    let opened = || Some((open(x.clone())?, open(weight.clone())?, open(bias.clone())?));
    let Some(((x, of_x), (weight, of_weight), (bias, of_bias))) = (kernel == across).then(opened).flatten() else {
        return operation::conv2d(x, weight, Some(bias), ConvOptions::new([1; 2], [padding; 2], [1, 1], channels));
    };
    let context = of_x.merge(of_weight).merge(of_bias);
    let numbers = |handle: &Handle| contiguous(&handle.clone().plain());
    let (values, kernels, shifts) = (numbers(&x), numbers(&weight), numbers(&bias));
    let maps = Maps::new(&values, &kernels, padding);
    let y = maps.forward(values.storage(), kernels.storage(), shifts.storage());
    let y = tensor(y, [maps.batch, maps.channels, maps.out_height(), maps.out_width()]);
    if let (Handle::Plain(_), Handle::Plain(_), Handle::Plain(_)) = (&x, &weight, &bias) {
        return close(Handle::Plain(y), context);
    }
    let nodes = [x, weight, bias].map(|handle| Tracked::node(&handle.tracked()));
    let state = State { maps, x: values, weight: kernels };
    let y = match Depthwise.prepare::<NoCheckpointing>(nodes).compute_bound().stateful() {
        OpsKind::Tracked(prepared) => prepared.finish(state, y),
        OpsKind::UnTracked(prepared) => prepared.finish(y),
    };
    close(Handle::Tracked(y), context)
}

/// What the way back needs.
#[derive(Debug, Clone)]
struct State {
    maps: Maps,
    x: FlexTensor,
    weight: FlexTensor,
}

#[derive(Debug)]
struct Depthwise;

impl Backward<Flex, 3> for Depthwise {
    type State = State;

    fn backward(self, ops: Ops<State, 3>, gradients: &mut Gradients, _: &mut Checkpointer) {
        let dy = contiguous(&gradients.consume::<Flex>(&ops.node));
        let State { maps, x, weight } = ops.state;
        let Maps { batch, channels, height, width, kernel, .. } = maps;
        let [of_x, of_weight, of_bias] = ops.parents;
        if let Some(node) = of_x {
            let dx = maps.input_gradient(weight.storage(), dy.storage());
            gradients.register::<Flex>(node.id, tensor(dx, [batch, channels, height, width]));
        }
        if let Some(node) = of_weight {
            let dw = maps.weight_gradient(x.storage(), dy.storage());
            gradients.register::<Flex>(node.id, tensor(dw, [channels, 1, kernel, kernel]));
        }
        if let Some(node) = of_bias {
            let db = bias_gradient(dy.storage(), channels, maps.out_height() * maps.out_width());
            gradients.register::<Flex>(node.id, tensor(db, [channels]));
        }
    }
}

/// The sizes.
#[derive(Debug, Clone, Copy)]
struct Maps {
    batch: usize,
    channels: usize,
    height: usize,
    width: usize,
    kernel: usize,
    padding: usize,
}

/// Where a row of the output meets one of the input under one value of the kernel.
struct Meeting {
    /// Index of the value in the kernel.
    tap: usize,
    /// First value in the output's map and in the input's, and how many follow.
    out: usize,
    source: usize,
    length: usize,
}

impl Maps {
    fn new(x: &FlexTensor, weight: &FlexTensor, padding: usize) -> Self {
        let ([batch, channels, height, width], [of_weight, one, kernel, _]) = (dims(x), dims(weight));
        assert_eq!([of_weight, one], [channels, 1], "a kernel for each channel");
        assert!(height.min(width) + 2 * padding >= kernel, "the kernel is larger than the map");
        Self { batch, channels, height, width, kernel, padding }
    }

    const fn out_height(&self) -> usize {
        self.height + 2 * self.padding - self.kernel + 1
    }

    const fn out_width(&self) -> usize {
        self.width + 2 * self.padding - self.kernel + 1
    }

    /// Every meeting, row of the output by row.
    fn each_meeting(&self, mut each: impl FnMut(Meeting)) {
        let Self { height, width, kernel, padding, .. } = *self;
        for row in 0..self.out_height() {
            for down in 0..kernel {
                let Some(source_row) = (row + down).checked_sub(padding).filter(|row| *row < height) else { continue };
                for across in 0..kernel {
                    let first = padding.saturating_sub(across);
                    let end = (width + padding - across.min(width + padding)).min(self.out_width());
                    if first < end {
                        let source = source_row * width + first + across - padding;
                        let out = row * self.out_width() + first;
                        each(Meeting { tap: down * kernel + across, out, source, length: end - first });
                    }
                }
            }
        }
    }

    /// - `x`: `[batch, channels, height, width]`; `weight`: `[channels, kernel, kernel]`; `bias`: `[channels]`
    fn forward(&self, x: &[f32], weight: &[f32], bias: &[f32]) -> Vec<f32> {
        let (plane, taps) = (self.out_height() * self.out_width(), self.kernel * self.kernel);
        let mut y = vec![0.0; self.batch * self.channels * plane];
        let sources = x.par_chunks(self.height * self.width);
        y.par_chunks_mut(plane).zip(sources).enumerate().for_each(|(index, (y, x))| {
            let channel = index % self.channels;
            y.fill(bias[channel]);
            let weight = &weight[channel * taps..][..taps];
            self.each_meeting(|Meeting { tap, out, source, length }| {
                add(&mut y[out..][..length], &x[source..][..length], weight[tap]);
            });
        });
        y
    }

    fn input_gradient(&self, weight: &[f32], dy: &[f32]) -> Vec<f32> {
        let (plane, taps) = (self.out_height() * self.out_width(), self.kernel * self.kernel);
        let mut dx = vec![0.0; self.batch * self.channels * self.height * self.width];
        dx.par_chunks_mut(self.height * self.width).zip(dy.par_chunks(plane)).enumerate().for_each(
            |(index, (dx, dy))| {
                let weight = &weight[index % self.channels * taps..][..taps];
                self.each_meeting(|Meeting { tap, out, source, length }| {
                    add(&mut dx[source..][..length], &dy[out..][..length], weight[tap]);
                });
            },
        );
        dx
    }

    fn weight_gradient(&self, x: &[f32], dy: &[f32]) -> Vec<f32> {
        let (plane, map, taps) =
            (self.out_height() * self.out_width(), self.height * self.width, self.kernel * self.kernel);
        let of_channel = |channel: usize| -> Vec<f32> {
            let mut sums = vec![0.0_f64; taps];
            for image in 0..self.batch {
                let index = image * self.channels + channel;
                let (x, dy) = (&x[index * map..][..map], &dy[index * plane..][..plane]);
                self.each_meeting(|Meeting { tap, out, source, length }| {
                    sums[tap] += f64::from(product(&x[source..][..length], &dy[out..][..length]));
                });
            }
            sums.into_iter().map(|sum| sum as f32).collect()
        };
        (0..self.channels).into_par_iter().flat_map_iter(of_channel).collect()
    }
}

/// Adds `factor * source`.
fn add(sum: &mut [f32], source: &[f32], factor: f32) {
    for (sum, value) in sum.iter_mut().zip(source) {
        *sum += factor * value;
    }
}

/// The sum of the products of a row's values, over eight lanes.
fn product(a: &[f32], b: &[f32]) -> f32 {
    const LANES: usize = 8;
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<LANES>(), b.as_chunks::<LANES>());
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in a.iter().zip(b) {
        for lane in 0..LANES {
            lanes[lane] += a[lane] * b[lane];
        }
    }
    lanes.iter().sum::<f32>() + a_rest.iter().zip(b_rest).map(|(a, b)| a * b).sum::<f32>()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};

    fn wave(count: usize, step: f64) -> Vec<f64> {
        (0..count).map(|place| f64::from((place as f64 * step).sin() as f32)).collect()
    }

    /// The convolution value by value.
    fn naive(x: &[f64], weight: &[f64], bias: &[f64], maps: Maps) -> Vec<f64> {
        let Maps { batch, channels, height, width, kernel, padding } = maps;
        let mut y = Vec::new();
        for (image, channel) in (0..batch).flat_map(|image| (0..channels).map(move |channel| (image, channel))) {
            for (row, column) in (0..maps.out_height()).flat_map(|r| (0..maps.out_width()).map(move |c| (r, c))) {
                let mut sum = bias[channel];
                for (down, across) in (0..kernel).flat_map(|d| (0..kernel).map(move |a| (d, a))) {
                    let (Some(row), Some(column)) =
                        ((row + down).checked_sub(padding), (column + across).checked_sub(padding))
                    else {
                        continue;
                    };
                    if row < height && column < width {
                        let at = ((image * channels + channel) * height + row) * width + column;
                        sum += weight[(channel * kernel + down) * kernel + across] * x[at];
                    }
                }
                y.push(sum);
            }
        }
        y
    }

    #[test]
    fn values_and_gradients_are_those_of_a_loop_over_pixels() {
        let device = Device::flex().autodiff();
        for (height, width, kernel, padding) in
            [(8, 8, 7, 3), (2, 3, 7, 3), (5, 9, 3, 1), (6, 4, 3, 0), (4, 21, 5, 4), (1, 1, 7, 3)]
        {
            let maps = Maps { batch: 2, channels: 3, height, width, kernel, padding };
            let (x, weight, bias) = (wave(6 * height * width, 0.37), wave(3 * kernel * kernel, 0.61), wave(3, 0.9));
            let to = |values: &[f64]| values.iter().map(|value| *value as f32).collect::<Vec<f32>>();
            let tensors = (
                Tensor::<4>::from_data(TensorData::new(to(&x), [2, 3, height, width]), &device).require_grad(),
                Tensor::<4>::from_data(TensorData::new(to(&weight), [3, 1, kernel, kernel]), &device).require_grad(),
                Tensor::<1>::from_data(TensorData::new(to(&bias), [3]), &device).require_grad(),
            );
            let y = depthwise_conv2d(tensors.0.clone(), tensors.1.clone(), tensors.2.clone(), padding);
            let close = |found: Vec<f64>, expected: &[f64], what: &str| {
                let apart = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(
                    found.len() == expected.len() && apart < 2e-5,
                    "{what} of {height}x{width} by {kernel}: {apart}"
                );
            };
            let expected = naive(&x, &weight, &bias, maps);
            close(y.clone().into_data().iter().collect(), &expected, "values");
            // The sum of the values with these weights is linear in each of the three: its gradient at a value is what it grows by.
            let weights = wave(expected.len(), 0.73);
            let of_sum = Tensor::<4>::from_data(TensorData::new(to(&weights), y.dims()), &device);
            let gradients = (y * of_sum).sum().backward();
            let grows = |index: usize, which: usize| -> f64 {
                let mut all = [x.clone(), weight.clone(), bias.clone()];
                all[which][index] += 1.0;
                let after = naive(&all[0], &all[1], &all[2], maps);
                after
                    .iter()
                    .zip(&expected)
                    .zip(&weights)
                    .map(|((after, before), weight)| (after - before) * weight)
                    .sum()
            };
            let all = |which: usize, count: usize| (0..count).map(|index| grows(index, which)).collect::<Vec<f64>>();
            let dx = tensors.0.grad(&gradients).unwrap().into_data().iter().collect();
            close(dx, &all(0, x.len()), "input gradient");
            let dw = tensors.1.grad(&gradients).unwrap().into_data().iter().collect();
            close(dw, &all(1, weight.len()), "weight gradient");
            let db = tensors.2.grad(&gradients).unwrap().into_data().iter().collect();
            close(db, &all(2, bias.len()), "bias gradient");
        }
    }

    #[test]
    fn no_gradient_is_kept_where_none_is_asked_for() {
        let device = Device::flex();
        let x = Tensor::<4>::ones([1, 2, 3, 3], &device);
        let y = depthwise_conv2d(x, Tensor::ones([2, 1, 3, 3], &device), Tensor::zeros([2], &device), 1);
        let y: Vec<f32> = y.into_data().iter().collect();
        // How much of the window lies on the map.
        assert_eq!(y, [4.0, 6.0, 4.0, 6.0, 9.0, 6.0, 4.0, 6.0, 4.0].repeat(2));
    }
}

//! Every gradient against central differences of the operation's own values.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end there")]

use burn::tensor::{Device, Gradients, Tensor, TensorData};
use hico_kernels::batch_norm::{Tail, batch_norm_train};
use hico_kernels::linear::{dense, linear};
use hico_kernels::{Precision, Setting, conv2d, max_pool, resample_add};

/// Values and shape of an input.
type Input = (Vec<f32>, [usize; 4]);

/// Numbers from -1 to 1 that look random.
fn numbers(shape: [usize; 4], seed: f32) -> Input {
    let value = |place: usize| (place as f32 * 12.9898 + seed * 78.233).sin();
    ((0..shape.iter().product()).map(value).collect(), shape)
}

fn tensor((values, shape): &Input, device: &Device) -> Tensor<4> {
    Tensor::from_data(TensorData::new(values.clone(), *shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

/// What each output weighs in the number whose slope is measured.
fn weighs(place: usize) -> f64 {
    (place as f64 * 0.739 + 0.3).cos()
}

/// The number whose slope is measured.
fn weighed(output: Vec<f32>) -> f64 {
    output.into_iter().enumerate().map(|(place, value)| weighs(place) * f64::from(value)).sum()
}

/// The graph's gradients of that number.
fn backward<const D: usize>(output: Tensor<D>) -> Gradients {
    let weights: Vec<f32> = (0..output.dims().iter().product()).map(|place| weighs(place) as f32).collect();
    let weights: Tensor<D> = Tensor::from_data(TensorData::new(weights, output.dims()), &output.device());
    (output * weights).sum().backward()
}

/// Compares gradients with differences, at up to sixty places of every input.
///
/// - `found`: the gradient of each input
/// - `step`: how far an input is moved to both sides
/// - `share`: how far a slope may be off, as a share of the largest of its input
fn compare(inputs: &[Input], found: &[Vec<f32>], (step, share): (f32, f64), number: impl Fn(&[Input]) -> f64) {
    assert_eq!(inputs.len(), found.len());
    for (which, found) in found.iter().enumerate() {
        let count = inputs[which].0.len();
        assert_eq!(found.len(), count);
        let largest = found.iter().fold(0.0, |most: f64, value| most.max(f64::from(value.abs())));
        assert!(largest > 1e-2, "input {which} has a gradient");
        for place in (0..count).step_by(count.div_ceil(60)) {
            let at = |by: f32| {
                let mut moved = inputs.to_vec();
                moved[which].0[place] += by;
                // The step as 32 bits hold it.
                (number(&moved), f64::from(moved[which].0[place]))
            };
            let ((above, right), (below, left)) = (at(step), at(-step));
            let slope = (above - below) / (right - left);
            let off = (slope - f64::from(found[place])).abs();
            assert!(off <= share * largest, "input {which}, {place}: {} is {slope}, of {largest}", found[place]);
        }
    }
}

fn check(inputs: &[Input], tolerance: (f32, f64), operation: impl Fn(&[Tensor<4>]) -> Tensor<4>) {
    let on = |inputs: &[Input], device: Device| inputs.iter().map(|input| tensor(input, &device)).collect::<Vec<_>>();
    let leaves: Vec<Tensor<4>> = on(inputs, Device::flex().autodiff()).into_iter().map(Tensor::require_grad).collect();
    let gradients = backward(operation(&leaves));
    let found: Vec<Vec<f32>> = leaves.iter().map(|leaf| values(leaf.grad(&gradients).unwrap())).collect();
    compare(inputs, &found, tolerance, |inputs| weighed(values(operation(&on(inputs, Device::flex())))));
}

/// For operations that are straight lines along each input: no step is too long, and only rounding is left.
const STRAIGHT: (f32, f64) = (0.5, 2e-5);

/// For those that are bent, or straight between corners that a short step does not reach: outputs in 32 bits, divided by so
/// short a step, leave a thousandth of the slope.
const BENT: (f32, f64) = (2.5e-4, 2e-3);

#[test]
fn a_convolution_has_the_slopes_of_its_differences() {
    let shapes = [
        (3, 1, [2, 5, 9, 7]),
        (3, 1, [1, 3, 1, 1]),
        (3, 2, [3, 2, 8, 5]),
        (1, 1, [1, 4, 5, 6]),
        (1, 2, [2, 3, 7, 7]),
        (7, 2, [1, 3, 13, 9]),
    ];
    for (kernel, stride, x) in shapes {
        let setting = Setting { stride, padding: kernel / 2, precision: Precision::F32 };
        let inputs = [numbers(x, 1.0), numbers([6, x[1], kernel, kernel], 2.0), numbers([6, 1, 1, 1], 3.0)];
        check(&inputs, STRAIGHT, |of| conv2d(of[0].clone(), of[1].clone(), Some(of[2].clone().reshape([6])), setting));
    }
}

#[test]
fn a_batch_norm_and_its_tails_have_the_slopes_of_their_differences() {
    for (views, shape) in [(1, [3, 4, 5, 7]), (2, [4, 3, 3, 3])] {
        let channels = [shape[1], 1, 1, 1];
        let inputs = [numbers(shape, 1.0), numbers(channels, 2.0), numbers(channels, 3.0), numbers(shape, 4.0)];
        let norm = |of: &[Tensor<4>], tail: Tail| {
            let flat = |tensor: &Tensor<4>| tensor.clone().reshape([shape[1]]);
            batch_norm_train(of[0].clone(), flat(&of[1]), flat(&of[2]), 1e-5, views, tail).output
        };
        check(&inputs[..3], BENT, |of| norm(of, Tail::None));
        check(&inputs[..3], BENT, |of| norm(of, Tail::Relu));
        check(&inputs, BENT, |of| norm(of, Tail::AddRelu(of[3].clone())));
    }
}

#[test]
fn a_pooling_has_the_slopes_of_its_differences() {
    for (height, width) in [(12, 12), (13, 9), (1, 2)] {
        check(&[numbers([2, 3, height, width], 1.0)], BENT, |of| max_pool(of[0].clone(), 3, 2, 1));
    }
}

#[test]
fn a_step_down_the_pyramid_has_the_slopes_of_its_differences() {
    for ([tall, wide], [height, width]) in [([4, 4], [8, 8]), ([3, 5], [5, 9]), ([1, 1], [2, 3])] {
        let inputs = [numbers([2, 3, tall, wide], 1.0), numbers([2, 3, height, width], 2.0)];
        check(&inputs, STRAIGHT, |of| resample_add(of[0].clone(), of[1].clone()));
    }
}

#[test]
fn a_layer_has_the_slopes_of_its_differences_whether_its_gradient_stays_in_factors_or_not() {
    for (inputs, outputs) in [(40, 24), (33_001, 48)] {
        let batch = 6;
        let all = [([batch, inputs], 1.0), ([inputs, outputs], 2.0), ([outputs, 1], 3.0)]
            .map(|([rows, columns], seed)| numbers([rows, columns, 1, 1], seed));
        let parts = |inputs_: &[Input], device: Device| {
            let [x, weight] = [(0, [batch, inputs]), (1, [inputs, outputs])]
                .map(|(which, shape)| tensor(&inputs_[which], &device).reshape(shape));
            (x, weight, tensor(&inputs_[2], &device).reshape([outputs]))
        };
        // Leaves of the layer's own shapes: a gradient in factors cannot be reshaped.
        let (x, weight, bias) = parts(&all, Device::flex());
        let [x, weight] = [x, weight].map(|tensor| Tensor::from_inner(tensor).require_grad());
        let bias = Tensor::from_inner(bias).require_grad();
        let gradients = backward(linear(x.clone(), weight.clone(), bias.clone()));
        let found = [
            values(x.grad(&gradients).unwrap()),
            values(dense(weight.grad(&gradients).unwrap(), [inputs, outputs])),
            values(bias.grad(&gradients).unwrap()),
        ];
        compare(&all, &found, STRAIGHT, |inputs| {
            let (x, weight, bias) = parts(inputs, Device::flex());
            weighed(values(linear(x, weight, bias)))
        });
    }
}

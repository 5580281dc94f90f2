//! Each operation in a graph, against burn's own operations in the same graph.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on should end there")]

use burn::tensor::activation::relu;
use burn::tensor::module as operation;
use burn::tensor::ops::{ConvOptions, InterpolateMode, InterpolateOptions, MaxPoolOptions};
use burn::tensor::{Device, Tensor, TensorData};
use hico_kernels::adam::{self, Moved, Settings};
use hico_kernels::batch_norm::{Tail, batch_norm_train};
use hico_kernels::conv_norm::{Folded, Learnt, conv_norm};
use hico_kernels::linear::{dense, linear};
use hico_kernels::{Precision, Setting, conv2d, max_pool, resample_add};

/// Numbers from -1 to 1 that look random.
fn numbers<const D: usize>(shape: [usize; D], seed: f32, device: &Device) -> Tensor<D> {
    let values = (0..shape.iter().product::<usize>()).map(|place| (place as f32 * 12.9898 + seed * 78.233).sin());
    Tensor::from_data(TensorData::new(values.collect::<Vec<f32>>(), shape), device)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().try_to_vec().unwrap()
}

fn assert_close(found: &[f32], expected: &[f32], what: &str) {
    let largest = expected.iter().fold(1e-3_f32, |largest, value| largest.max(value.abs()));
    let off = found.iter().zip(expected).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    assert_eq!(found.len(), expected.len(), "{what}");
    assert!(off <= 1e-5 * largest, "{what}: off by {off}, largest {largest}");
}

/// Output and the gradient of every leaf, for a scalar that weighs every output differently.
fn explored(leaves: &[Tensor<4>], output: Tensor<4>) -> Vec<Vec<f32>> {
    let weights = numbers(output.dims(), 0.7, &output.device());
    let gradients = (output.clone() * weights).sum().backward();
    let mut found = vec![values(output)];
    found.extend(leaves.iter().map(|leaf| values(leaf.grad(&gradients).unwrap())));
    found
}

fn moving(stride: usize, padding: usize) -> Setting {
    Setting { stride, padding, precision: Precision::F32 }
}

#[test]
fn a_convolution_and_its_gradients_are_those_of_burn() {
    let device = Device::flex().autodiff();
    for (kernel, stride, biased) in
        [(3, 1, true), (3, 1, false), (3, 2, false), (1, 1, true), (1, 2, false), (7, 2, true)]
    {
        let x = numbers([3, 5, 13, 11], 1.0, &device).require_grad();
        let weight = numbers([6, 5, kernel, kernel], 2.0, &device).require_grad();
        let bias: Tensor<4> = numbers([6, 1, 1, 1], 3.0, &device).require_grad();
        let flat = || biased.then(|| bias.clone().reshape([6]));
        let mut leaves = vec![x.clone(), weight.clone()];
        leaves.extend(biased.then(|| bias.clone()));
        let ours = explored(&leaves, conv2d(x.clone(), weight.clone(), flat(), moving(stride, kernel / 2)));
        let options = ConvOptions::new([stride; 2], [kernel / 2; 2], [1, 1], 1);
        let theirs = explored(&leaves, operation::conv2d(x, weight, flat(), options));
        for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_close(ours, theirs, &format!("kernel {kernel}, stride {stride}, {place}"));
        }
    }
}

#[test]
fn a_constant_input_and_a_frozen_weight_get_no_gradient() {
    let device = Device::flex().autodiff();
    let plain: Tensor<4> = numbers([2, 3, 6, 6], 1.0, &Device::flex());
    let weight = numbers([4, 3, 3, 3], 2.0, &device).require_grad();
    let frozen: Tensor<4> = numbers([2, 4, 3, 3], 3.0, &device);
    let output = conv2d(conv2d(plain, weight.clone(), None, moving(1, 1)), frozen.clone(), None, moving(1, 1));
    let gradients = output.sum().backward();
    assert!(weight.grad(&gradients).is_some());
    assert!(frozen.grad(&gradients).is_none());
}

#[test]
fn without_differentiation_the_numbers_are_the_same() {
    let (bare, graph) = (Device::flex(), Device::flex().autodiff());
    let of = |device: &Device| {
        let y = conv2d(numbers([2, 3, 9, 9], 1.0, device), numbers([4, 3, 3, 3], 2.0, device), None, moving(1, 1));
        let (scale, shift) = (numbers([4], 3.0, device), numbers([4], 4.0, device));
        values(batch_norm_train(y, scale, shift, 1e-5, 1, Tail::Relu).output)
    };
    assert_eq!(of(&bare), of(&graph));
}

#[test]
fn a_batch_norm_and_its_tails_are_those_of_burn() {
    let device = Device::flex().autodiff();
    let (shape, epsilon) = ([3, 4, 5, 7], 1e-5);
    for which in 0..3 {
        let x = numbers(shape, 1.0, &device).require_grad();
        let scale: Tensor<4> = numbers([4, 1, 1, 1], 2.0, &device).require_grad();
        let shift: Tensor<4> = numbers([4, 1, 1, 1], 3.0, &device).require_grad();
        let residual = numbers(shape, 4.0, &device).require_grad();
        let flat = |tensor: &Tensor<4>| tensor.clone().reshape([4]);
        let tail = [Tail::None, Tail::Relu, Tail::AddRelu(residual.clone())][which].clone();
        let mut leaves = vec![x.clone(), scale.clone(), shift.clone()];
        leaves.extend((which == 2).then(|| residual.clone()));

        let ours = batch_norm_train(x.clone(), flat(&scale), flat(&shift), epsilon, 1, tail);
        let theirs = operation::batch_norm_train(x.clone(), flat(&scale), flat(&shift), epsilon);
        assert_close(&values(ours.mean), &values(theirs.mean), "mean");
        assert_close(&values(ours.variance), &values(theirs.variance), "variance");
        let expected = match which {
            0 => theirs.output,
            1 => relu(theirs.output),
            _ => relu(theirs.output + residual),
        };
        let (ours, theirs) = (explored(&leaves, ours.output), explored(&leaves, expected));
        for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_close(ours, theirs, &format!("tail {which}, {place}"));
        }
    }
}

#[test]
fn a_norm_multiplied_into_its_kernel_gives_what_both_give() {
    let device = Device::flex();
    for (kernel, stride) in [(3, 1), (3, 2), (1, 1), (7, 2)] {
        for which in 0..3 {
            let x: Tensor<4> = numbers([2, 18, 13, 11], 1.0, &device);
            let weight: Tensor<4> = numbers([20, 18, kernel, kernel], 2.0, &device);
            let [scale, shift, mean] = [3.0, 4.0, 5.0].map(|seed| numbers([20], seed, &device));
            let variance = numbers([20], 6.0, &device).abs() + 0.1;
            let setting = moving(stride, kernel / 2);
            let y = conv2d(x.clone(), weight.clone(), None, setting);
            let residual = numbers(y.dims(), 7.0, &device);
            let tail = [Tail::None, Tail::Relu, Tail::AddRelu(residual)][which].clone();
            let normalised =
                operation::batch_norm(y, scale.clone(), shift.clone(), mean.clone(), variance.clone(), 1e-5);
            let expected = tail.clone().apply(normalised);
            let norm = Learnt { weight: scale, bias: shift, mean, variance, epsilon: 1e-5 };
            let found = conv_norm(&x, &weight, &norm, setting, &tail).unwrap();
            assert_close(&values(found), &values(expected), &format!("kernel {kernel}, stride {stride}, tail {which}"));
            // Laid out once, for maps that are taken by tiles and for such that are not.
            let folded = Folded::new(&weight, &norm, setting).unwrap();
            for (sizes, tail) in
                [([2, 18, 13, 11], &tail), ([1, 18, 7, 7], &Tail::Relu), ([4, 18, 13, 11], &Tail::None)]
            {
                let x: Tensor<4> = numbers(sizes, 8.0, &device);
                let expected = values(conv_norm(&x, &weight, &norm, setting, tail).unwrap());
                assert_eq!(
                    values(folded.run(&x, tail).unwrap()),
                    expected,
                    "kernel {kernel}, stride {stride}, {sizes:?}"
                );
            }
            assert!(folded.is_of(&weight, &norm, setting));
            assert!(!folded.is_of(&(weight.clone() * 1.0), &norm, setting), "other numbers");
            let moved = Learnt { mean: norm.mean.clone() + 0.0, ..norm.clone() };
            assert!(!folded.is_of(&weight, &moved, setting), "what the norm has learnt since");
            let learning = Device::flex().autodiff();
            let learnt: Tensor<4> = numbers([20, 18, kernel, kernel], 2.0, &learning).require_grad();
            assert!(folded.run(&numbers([2, 18, 13, 11], 1.0, &learning).require_grad(), &Tail::None).is_none());
            assert!(conv_norm(&x, &learnt, &norm, setting, &tail).is_none(), "a gradient may be asked for");
        }
    }
}

#[test]
fn views_in_one_batch_are_normalised_as_if_each_were_alone() {
    let device = Device::flex().autodiff();
    let shape = [6, 4, 5, 7];
    for which in 0..3 {
        let x = numbers(shape, 1.0, &device).require_grad();
        let scale: Tensor<4> = numbers([4, 1, 1, 1], 2.0, &device).require_grad();
        let shift: Tensor<4> = numbers([4, 1, 1, 1], 3.0, &device).require_grad();
        let residual = numbers(shape, 4.0, &device).require_grad();
        let flat = |tensor: &Tensor<4>| tensor.clone().reshape([4]);
        let mut leaves = vec![x.clone(), scale.clone(), shift.clone()];
        leaves.extend((which == 2).then(|| residual.clone()));
        let of = |views: usize, x: Tensor<4>, residual: Tensor<4>| {
            let tail = [Tail::None, Tail::Relu, Tail::AddRelu(residual)][which].clone();
            batch_norm_train(x, flat(&scale), flat(&shift), 1e-5, views, tail)
        };
        let together = of(2, x.clone(), residual.clone());
        let alone = |first: usize| of(1, x.clone().narrow(0, first, 3), residual.clone().narrow(0, first, 3));
        let (first, second) = (alone(0), alone(3));
        let means = [values(first.mean), values(second.mean)].concat();
        let variances = [values(first.variance), values(second.variance)].concat();
        assert_eq!((values(together.mean), values(together.variance)), (means, variances));
        let apart = Tensor::cat(vec![first.output, second.output], 0);
        let (ours, theirs) = (explored(&leaves, together.output), explored(&leaves, apart));
        for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_close(ours, theirs, &format!("tail {which}, {place}"));
        }
    }
}

#[test]
fn a_pooling_and_its_gradient_are_those_of_burn() {
    let device = Device::flex().autodiff();
    for (height, width) in [(12, 12), (13, 9), (1, 2)] {
        let x = numbers([2, 3, height, width], 1.0, &device).require_grad();
        let ours = explored(std::slice::from_ref(&x), max_pool(x.clone(), 3, 2, 1));
        let options = MaxPoolOptions::new([3, 3]).with_stride([2, 2]).with_padding([1, 1]);
        let theirs = explored(std::slice::from_ref(&x), operation::max_pool2d(x.clone(), options));
        assert_eq!(ours, theirs, "{height}x{width}");
    }
}

#[test]
fn of_equal_values_the_first_gets_the_gradient() {
    let device = Device::flex().autodiff();
    let x = Tensor::<4>::ones([1, 1, 2, 2], &device).require_grad();
    let gradients = max_pool(x.clone(), 3, 2, 1).sum().backward();
    assert_eq!(values(x.grad(&gradients).unwrap()), [1.0, 0.0, 0.0, 0.0]);
}

#[test]
fn a_resampling_and_its_gradients_are_those_of_burn() {
    let device = Device::flex().autodiff();
    for ([tall, wide], [height, width]) in [([4, 4], [8, 8]), ([3, 5], [5, 9]), ([1, 1], [2, 3]), ([7, 7], [4, 3])] {
        let coarse = numbers([2, 3, tall, wide], 1.0, &device).require_grad();
        let fine = numbers([2, 3, height, width], 2.0, &device).require_grad();
        let leaves = [coarse.clone(), fine.clone()];
        let ours = explored(&leaves, resample_add(coarse.clone(), fine.clone()));
        let options = InterpolateOptions::new(InterpolateMode::Bilinear)
            .with_align_corners(false)
            .with_output_size([height, width]);
        let theirs = explored(&leaves, operation::interpolate(coarse, options) + fine);
        for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_close(ours, theirs, &format!("{tall}x{wide} to {height}x{width}, {place}"));
        }
    }
}

#[test]
fn an_update_moves_as_the_formula_says() {
    let device = Device::flex();
    let settings = Settings {
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        step_size: 1e-3 / (1.0 - 0.81),
        root: (1.0_f32 - 0.998_001).sqrt(),
        l2: 0.01,
        keep: 0.999,
        scale: 0.5,
    };
    let count = 100_000;
    let of = |seed: f32| -> Tensor<1> { numbers([count], seed, &device) };
    let [value, gradient, first] = [1.0, 2.0, 3.0].map(of);
    let second = of(4.0).abs();
    let before = [&value, &gradient, &first, &second].map(|tensor| values(tensor.clone()));
    let moved = adam::update(Moved { value: value.clone(), first, second }, [count], gradient, settings);
    let [found, first, second] = [moved.value, moved.first, moved.second].map(values);
    for place in (0..count).step_by(997) {
        let [v, g, m, s] = before.each_ref().map(|values| f64::from(values[place]));
        let g = 0.5 * g + 0.01 * v;
        let (m, s) = (0.9 * m + 0.1 * g, 0.999 * s + 0.001 * g * g);
        let v = v * 0.999 - f64::from(settings.step_size) * (m / (s.sqrt() / f64::from(settings.root) + 1e-8));
        for (found, expected) in [(found[place], v), (first[place], m), (second[place], s)] {
            assert!(
                (f64::from(found) - expected).abs() < 1e-6 * expected.abs().max(1e-2),
                "{place}: {found}, {expected}"
            );
        }
    }
    assert_eq!(values(value), before[0], "who else holds the numbers keeps them");
}

#[test]
fn a_sum_of_squares_is_taken_in_64_bits() {
    let count = 1_000_003;
    let tensor: Tensor<1> = numbers([count], 1.0, &Device::flex());
    let expected: f64 = values(tensor.clone()).into_iter().map(|value| f64::from(value).powi(2)).sum();
    assert!((adam::sum_of_squares(tensor, [count]) - expected).abs() < 1e-7 * expected);
}

/// Sizes for which the gradient of the weight stays in factors, the inputs no multiple of anything.
const LONG: [usize; 3] = [6, 33_001, 48];

/// Value, and gradients of input, weight and bias, of a layer that is used once or twice.
fn long_layer(times: usize, ours: bool) -> [Vec<f32>; 4] {
    let device = Device::flex().autodiff();
    let [batch, inputs, outputs] = LONG;
    let x = numbers([batch, inputs], 1.0, &device).require_grad();
    let weight = numbers([inputs, outputs], 2.0, &device).require_grad();
    let bias = numbers([outputs], 3.0, &device).require_grad();
    let layer = |x: Tensor<2>| match ours {
        true => linear(x, weight.clone(), bias.clone()),
        false => operation::linear(x, weight.clone(), Some(bias.clone())),
    };
    let y: Vec<Tensor<2>> = (0..times).map(|time| layer(x.clone() * (1.0 + time as f32))).collect();
    let y = Tensor::cat(y, 0);
    let gradients = (y.clone() * numbers(y.dims(), 0.7, &device)).sum().backward();
    let of_weight = weight.grad(&gradients).unwrap();
    assert_eq!(of_weight.dims() == [times * batch, inputs + outputs], ours, "{:?}", of_weight.dims());
    let of_weight = dense(of_weight, [inputs, outputs]);
    [values(y), values(x.grad(&gradients).unwrap()), values(of_weight), values(bias.grad(&gradients).unwrap())]
}

#[test]
fn a_long_layer_and_its_gradients_are_those_of_burn() {
    for times in 1..3 {
        let (ours, theirs) = (long_layer(times, true), long_layer(times, false));
        for (place, (ours, theirs)) in ours.iter().zip(&theirs).enumerate() {
            assert_close(ours, theirs, &format!("{times} times, {place}"));
        }
    }
}

#[test]
fn a_short_layer_has_a_gradient_as_any_other() {
    let device = Device::flex().autodiff();
    let weight = numbers([40, 24], 2.0, &device).require_grad();
    let x: Tensor<2> = numbers([3, 40], 1.0, &device);
    let gradients = linear(x, weight.clone(), numbers([24], 3.0, &device)).sum().backward();
    assert_eq!(weight.grad(&gradients).unwrap().dims(), [40, 24]);
}

#[test]
fn a_weight_moves_by_factors_as_by_their_product() {
    let device = Device::flex();
    let [batch, inputs, outputs] = LONG;
    let factors: Tensor<2> = numbers([batch, inputs + outputs], 1.0, &device);
    let gradient = dense(factors.clone(), [inputs, outputs]);
    let settings = Settings {
        beta_1: 0.9,
        beta_2: 0.999,
        epsilon: 1e-8,
        step_size: 1e-3,
        root: 0.1,
        l2: 0.01,
        keep: 0.999,
        scale: 0.5,
    };
    let of = |gradient: Tensor<2>| {
        let moment = || numbers([inputs * outputs], 2.0, &device);
        let moved = Moved { value: moment(), first: moment(), second: moment().abs() };
        let moved = adam::update(moved, [inputs, outputs], gradient, settings);
        [moved.value, moved.first, moved.second].map(values)
    };
    assert!(of(factors.clone()) == of(gradient.clone()), "bit for bit");
    let squares = [factors, gradient].map(|gradient| adam::sum_of_squares(gradient, [inputs, outputs]));
    assert!((squares[0] - squares[1]).abs() < 1e-6 * squares[1], "{squares:?}");
}

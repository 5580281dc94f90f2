//! Layers over the channels of each place of a map, as ConvNeXt has them.

use crate::backbone::ChannelLinear;
use crate::init::{Distribution, Init};
use burn::module::{Module, Param};
use burn::tensor::Tensor;
use hico_kernels::{Precision, Setting};

pub use burn::tensor::activation::gelu;

/// A fully connected layer over the channels of each place of a map.
#[derive(Module, Debug)]
pub struct Pointwise {
    weight: Param<Tensor<2>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    precision: Precision,
}

impl Pointwise {
    /// The layer of a backbone, of which `inputs` channels go in.
    #[must_use]
    pub fn new(init: &Init<'_>, inputs: usize, linear: &ChannelLinear) -> Self {
        Self {
            weight: init.parameter("weight", [inputs, linear.outputs], linear.weight),
            bias: init.parameter("bias", [linear.outputs], linear.bias),
            precision: init.precision(),
        }
    }

    /// - `x`: `[batch, inputs, height, width]`
    /// - returns: `[batch, outputs, height, width]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let [inputs, outputs] = self.weight.val().dims();
        let kernel = self.weight.val().transpose().reshape([outputs, inputs, 1, 1]);
        let setting = Setting { stride: 1, padding: 0, precision: self.precision };
        hico_kernels::conv2d(x, kernel, Some(self.bias.val()), setting)
    }
}

/// Layer norm over the channels of each place of a map (Ba et al. 2016).
#[derive(Module, Debug)]
pub struct LayerNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    #[module(skip)]
    epsilon: f64,
}

impl LayerNorm {
    /// Scale one, shift zero.
    ///
    /// - `epsilon`: added to the variance before its root is taken
    #[must_use]
    pub fn new(init: &Init<'_>, channels: usize, epsilon: f64) -> Self {
        Self {
            weight: init.parameter("weight", [channels], Distribution::Constant(1.0)),
            bias: init.parameter("bias", [channels], Distribution::Constant(0.0)),
            epsilon,
        }
    }

    /// - `x`, and what is returned: `[batch, channels, height, width]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        let centred = x.clone() - x.mean_dim(1);
        let variance = centred.clone().square().mean_dim(1); // [batch, 1, height, width]
        centred / (variance + self.epsilon).sqrt() * of_channels(self.weight.val()) + of_channels(self.bias.val())
    }
}

/// A value a channel, as it meets a map.
///
/// - `values`: `[channels]`
/// - returns: `[1, channels, 1, 1]`
#[must_use]
pub fn of_channels(values: Tensor<1>) -> Tensor<4> {
    let [channels] = values.dims();
    values.reshape([1, channels, 1, 1])
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::{Device, TensorData};
    use hico_data::Seed;

    const SHAPE: [usize; 4] = [2, 5, 3, 4];

    fn wave(count: usize, step: f64) -> Vec<f64> {
        (0..count).map(|place| f64::from((2.0 * (place as f64 * step).sin()) as f32)).collect()
    }

    fn tensor<const D: usize>(values: &[f64], shape: [usize; D], device: &Device) -> Tensor<D> {
        let values: Vec<f32> = values.iter().map(|value| *value as f32).collect();
        Tensor::from_data(TensorData::new(values, shape), device)
    }

    /// Each place's channels through a function, one place after the other.
    fn of_places(x: &[f64], outputs: usize, of_place: impl Fn(&[f64]) -> Vec<f64>) -> Vec<f64> {
        let [batch, channels, height, width] = SHAPE;
        let area = height * width;
        let mut y = vec![0.0; batch * outputs * area];
        for (image, place) in (0..batch).flat_map(|image| (0..area).map(move |place| (image, place))) {
            let values: Vec<f64> =
                (0..channels).map(|channel| x[(image * channels + channel) * area + place]).collect();
            for (channel, value) in of_place(&values).into_iter().enumerate() {
                y[(image * outputs + channel) * area + place] = value;
            }
        }
        y
    }

    fn normal(values: &[f64]) -> Vec<f64> {
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / values.len() as f64;
        let line = |(channel, value): (usize, &f64)| {
            let (scale, shift) = (1.5 - 0.2 * channel as f64, 0.1 * channel as f64);
            (value - mean) / (variance + 1e-6).sqrt() * scale + shift
        };
        values.iter().enumerate().map(line).collect()
    }

    /// The normal distribution's probability of less than `x`, by Simpson's rule.
    fn probability(x: f64) -> f64 {
        const STEPS: usize = 2000;
        let density = |x: f64| (-0.5 * x * x).exp() / std::f64::consts::TAU.sqrt();
        let step = x / STEPS as f64;
        let weight = |index: usize| if index % 2 == 1 { 4.0 } else { 2.0 };
        let inner: f64 = (1..STEPS).map(|index| weight(index) * density(index as f64 * step)).sum();
        0.5 + (density(0.0) + inner + density(x)) * step / 3.0
    }

    /// Compares a layer with its twin, and its gradient with central differences of the twin.
    fn compare(layer: impl Fn(Tensor<4>) -> Tensor<4>, twin: impl Fn(&[f64]) -> Vec<f64>) {
        let device = Device::flex().autodiff();
        let values = wave(SHAPE.iter().product(), 0.37);
        let x = tensor(&values, SHAPE, &device).require_grad();
        let y = layer(x.clone());
        let (found, expected): (Vec<f64>, Vec<f64>) = (y.clone().into_data().iter().collect(), twin(&values));
        assert_eq!(found.len(), expected.len());
        let apart = |found: &[f64], expected: &[f64]| {
            found.iter().zip(expected).map(|(a, b)| (a - b).abs() / b.abs().max(1.0)).fold(0.0, f64::max)
        };
        assert!(apart(&found, &expected) < 2e-5, "{}", apart(&found, &expected));
        let weights = wave(expected.len(), 0.73);
        let of_sum = tensor(&weights, y.dims(), &device);
        let gradient = x.grad(&(y * of_sum).sum().backward()).unwrap();
        let gradient: Vec<f64> = gradient.into_data().iter().collect();
        let moved = |index: usize, by: f64| -> f64 {
            let mut values = values.clone();
            values[index] += by;
            twin(&values).iter().zip(&weights).map(|(value, weight)| value * weight).sum()
        };
        let slope = |index| (moved(index, 1e-4) - moved(index, -1e-4)) / 2e-4;
        let slopes: Vec<f64> = (0..values.len()).map(slope).collect();
        assert!(apart(&gradient, &slopes) < 1e-4, "{}", apart(&gradient, &slopes));
    }

    #[test]
    fn a_layer_norm_makes_each_place_of_mean_zero_and_variance_one() {
        let device = Device::flex().autodiff();
        let line =
            |step: f64, first: f64| (0..5).map(|channel| first + step * f64::from(channel)).collect::<Vec<f64>>();
        let norm = LayerNorm {
            weight: Param::from_tensor(tensor(&line(-0.2, 1.5), [5], &device)),
            bias: Param::from_tensor(tensor(&line(0.1, 0.0), [5], &device)),
            epsilon: 1e-6,
        };
        compare(|x| norm.forward(x), |x| of_places(x, 5, normal));
    }

    #[test]
    fn gelu_is_the_value_times_the_probability_of_less() {
        compare(gelu, |x| x.iter().map(|x| x * probability(*x)).collect());
    }

    #[test]
    fn a_linear_layer_goes_over_the_channels_of_each_place() {
        let device = Device::flex().autodiff();
        let own = Distribution::Uniform(0.5);
        let linear = ChannelLinear { name: "fc".to_owned(), outputs: 7, weight: own, bias: own };
        let layer = Pointwise::new(&Init::new(&device, Seed(2)), 5, &linear);
        let numbers = |values: TensorData| values.iter().collect::<Vec<f64>>();
        let (weight, bias) = (numbers(layer.weight.val().into_data()), numbers(layer.bias.val().into_data()));
        let of_place = |place: &[f64]| {
            let output = |output: usize| -> f64 {
                bias[output] + place.iter().enumerate().map(|(input, x)| weight[input * 7 + output] * x).sum::<f64>()
            };
            (0..7).map(output).collect()
        };
        compare(|x| layer.forward(x), |x| of_places(x, 7, of_place));
    }

    #[test]
    fn a_value_a_channel_multiplies_its_map() {
        let device = Device::flex().autodiff();
        let scales = wave(5, 0.9);
        let of_place = |place: &[f64]| place.iter().zip(&scales).map(|(x, scale)| x * scale).collect();
        compare(|x| x * of_channels(tensor(&scales, [5], &device)), |x| of_places(x, 5, of_place));
    }
}

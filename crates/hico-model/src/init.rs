//! First weights, from a seed and each parameter's own name.
//!
//! burn's initialisers draw from one global stream, so a weight would depend on what was built before it. Here every
//! parameter has its own stream: the same seed gives the same bits, whatever else the network has.

use burn::module::Param;
use burn::tensor::{Device, Tensor, TensorData};
use hico_data::Seed;
use hico_kernels::Precision;
use rand::RngExt as _;
use rayon::prelude::*;

/// Values drawn from one stream; a tensor is filled piece by piece so that threads can share the work.
const PIECE: usize = 1 << 16;

/// The place in a network where parameters are being made.
#[derive(Debug, Clone)]
pub struct Init<'a> {
    device: &'a Device,
    seed: Seed,
    path: String,
    precision: Precision,
}

/// How a parameter's first values are distributed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Distribution {
    /// Every value the same.
    Constant(f32),
    /// Between minus and plus this bound.
    Uniform(f64),
    /// Around zero with this standard deviation.
    Normal(f64),
}

impl<'a> Init<'a> {
    /// The root of a network.
    #[must_use]
    pub const fn new(device: &'a Device, seed: Seed) -> Self {
        Self { device, seed, path: String::new(), precision: Precision::F32 }
    }

    /// The same, for layers that compute in this precision.
    #[must_use]
    pub fn in_precision(self, precision: Precision) -> Self {
        Self { precision, ..self }
    }

    /// The part called `name` of the part at hand.
    #[must_use]
    pub fn at(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { path, ..self.clone() }
    }

    /// The device on which the parameters are made.
    #[must_use]
    pub const fn device(&self) -> &'a Device {
        self.device
    }

    /// What the layers compute in.
    #[must_use]
    pub const fn precision(&self) -> Precision {
        self.precision
    }

    /// A parameter called `name`, of `shape`.
    #[must_use]
    pub fn parameter<const D: usize>(
        &self,
        name: &str,
        shape: [usize; D],
        distribution: Distribution,
    ) -> Param<Tensor<D>> {
        self.at(name).value(shape, distribution)
    }

    /// The part at hand, where it is a parameter itself.
    #[must_use]
    pub fn value<const D: usize>(&self, shape: [usize; D], distribution: Distribution) -> Param<Tensor<D>> {
        let mut values = vec![0.0; shape.iter().product()];
        let path = &self.path;
        values.par_chunks_mut(PIECE).enumerate().for_each(|(index, piece)| {
            fill(piece, distribution, &mut self.seed.stream(path, &[index as u64]));
        });
        Param::from_data(TensorData::new(values, shape), self.device)
    }
}

fn fill(values: &mut [f32], distribution: Distribution, random: &mut impl rand::Rng) {
    match distribution {
        Distribution::Constant(value) => values.fill(value),
        Distribution::Uniform(bound) => {
            for value in values {
                *value = (bound * (2.0 * random.random::<f64>() - 1.0)) as f32;
            }
        }
        Distribution::Normal(deviation) => {
            // Box and Muller (1958): two uniform numbers make two normal ones.
            for pair in values.chunks_mut(2) {
                let radius = deviation * (-2.0 * (1.0 - random.random::<f64>()).ln()).sqrt();
                let (sine, cosine) = (std::f64::consts::TAU * random.random::<f64>()).sin_cos();
                for (value, direction) in pair.iter_mut().zip([cosine, sine]) {
                    *value = (radius * direction) as f32;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(seed: u64, path: &str, distribution: Distribution) -> Vec<f32> {
        let device = Device::flex();
        let parameter = Init::new(&device, Seed(seed)).at("part").parameter(path, [300, 300], distribution);
        parameter.val().into_data().try_to_vec().unwrap()
    }

    #[test]
    fn a_weight_depends_on_the_seed_and_its_name_only() {
        let reference = values(1, "weight", Distribution::Normal(1.0));
        assert_eq!(reference, values(1, "weight", Distribution::Normal(1.0)));
        assert_ne!(reference, values(2, "weight", Distribution::Normal(1.0)));
        assert_ne!(reference, values(1, "bias", Distribution::Normal(1.0)));
    }

    #[test]
    fn normal_values_have_the_deviation_asked_for() {
        let values = values(1, "weight", Distribution::Normal(0.5));
        let count = values.len() as f64;
        let mean = values.iter().map(|value| f64::from(*value)).sum::<f64>() / count;
        let variance = values.iter().map(|value| (f64::from(*value) - mean).powi(2)).sum::<f64>() / count;
        // Six standard errors of the mean and of the variance of 90,000 draws.
        assert!(mean.abs() < 6.0 * 0.5 / 300.0, "{mean}");
        assert!((variance - 0.25).abs() < 6.0 * 0.25 * 2f64.sqrt() / 300.0, "{variance}");
    }

    #[test]
    fn uniform_values_fill_their_range_and_stay_in_it() {
        let values = values(1, "weight", Distribution::Uniform(0.25));
        let largest = values.iter().copied().fold(0.0f32, |most, value| most.max(value.abs()));
        assert!(largest <= 0.25 && largest > 0.2499, "{largest}");
    }
}

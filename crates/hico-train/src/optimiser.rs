//! Adam (Kingma and Ba 2015) with the meaning PyTorch gives it, its moments kept by the parameters' names.
//!
//! burn's optimisers keep their state by a mark that every process draws anew; names are the same in all of them, so
//! that a run can go on where another process stopped. Every parameter counts its own steps: one that a batch gives no
//! gradient (the classifier, in a batch without labels) stays as it is and is not counted.

use crate::Error;
use crate::recipe::{Decay, TrainRecipe};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::{Device, Gradients, Tensor, TensorData};
use hico_kernels::adam::{self, Moved, Settings};
use hico_model::weights::{self, NamedTensor};
use std::collections::{BTreeMap, HashMap};

/// Decay rate of the first moment.
const BETA_1: f64 = 0.9;

/// Decay rate of the second moment.
const BETA_2: f64 = 0.999;

/// Added to the root of the second moment.
const EPSILON: f64 = 1e-8;

/// Prefixes of the moments' names in a checkpoint.
const FIRST: &str = "optimiser.first.";
const SECOND: &str = "optimiser.second.";

/// The optimiser and its state.
#[derive(Debug, Clone)]
pub struct Adam {
    weight_decay: f64,
    decay: Decay,
    moments: BTreeMap<String, Moments>,
}

/// What Adam remembers of one parameter, flattened.
#[derive(Debug, Clone)]
struct Moments {
    steps: u64,
    first: Tensor<1>,
    second: Tensor<1>,
}

impl Adam {
    /// An optimiser that has not seen a gradient yet.
    #[must_use]
    pub const fn new(weight_decay: f64, decay: Decay) -> Self {
        Self { weight_decay, decay, moments: BTreeMap::new() }
    }

    /// The optimiser that a recipe asks for.
    #[must_use]
    pub const fn of(train: &TrainRecipe) -> Self {
        Self::new(train.weight_decay.get(), train.weight_decay_mode)
    }

    /// Moves every trainable parameter that has a gradient (Kingma and Ba 2015, algorithm 1).
    ///
    /// - `rate`: learning rate
    /// - `scale`: every gradient is first multiplied by this; see [`clip_scale`]
    pub fn step<M: Module>(&mut self, network: M, mut gradients: Gradients, rate: f64, scale: f64) -> M {
        let names = names(&network);
        network.map(&mut Step { adam: self, names, gradients: &mut gradients, rate, scale })
    }

    /// One update outside of differentiation; `value` and what is returned are flattened.
    fn update<const D: usize>(
        &mut self,
        name: &str,
        (value, shape): (Tensor<1>, [usize; D]),
        gradient: Tensor<D>,
        rate: f64,
        scale: f64,
    ) -> Tensor<1> {
        // Taken out of the map, so that the old moments are nobody else's and may be overwritten in place.
        let old = self.moments.remove(name);
        let zeros = || value.zeros_like();
        let Moments { steps, first, second } =
            old.unwrap_or_else(|| Moments { steps: 0, first: zeros(), second: zeros() });
        let steps = steps + 1;
        let (l2, decoupled) = match self.decay {
            Decay::L2 => (self.weight_decay, 0.0),
            Decay::Decoupled => (0.0, self.weight_decay),
        };
        let settings = Settings {
            beta_1: BETA_1 as f32,
            beta_2: BETA_2 as f32,
            epsilon: EPSILON as f32,
            step_size: (rate / (1.0 - BETA_1.powf(steps as f64))) as f32,
            root: (1.0 - BETA_2.powf(steps as f64)).sqrt() as f32,
            l2: l2 as f32,
            keep: (1.0 - rate * decoupled) as f32,
            scale: scale as f32,
        };
        let Moved { value, first, second } = adam::update(Moved { value, first, second }, shape, gradient, settings);
        self.moments.insert(name.to_owned(), Moments { steps, first, second });
        value
    }

    /// The moments for a checkpoint, one after the other so that not all are in memory twice, each with the number of
    /// values in it; and every parameter's count of steps.
    pub(crate) fn state(&self) -> (Vec<Stored<'_>>, BTreeMap<String, u64>) {
        let stored = |prefix: &str, name: &str, tensor| Stored { name: format!("{prefix}{name}"), tensor };
        let moments = self.moments.iter();
        let tensors = moments
            .flat_map(|(name, moments)| [stored(FIRST, name, &moments.first), stored(SECOND, name, &moments.second)]);
        let steps = self.moments.iter().map(|(name, moments)| (name.clone(), moments.steps));
        (tensors.collect(), steps.collect())
    }

    /// Puts back what [`Self::state`] gave.
    ///
    /// # Errors
    /// When a moment is missing.
    pub(crate) fn restore(
        &mut self,
        tensors: &[NamedTensor],
        steps: &BTreeMap<String, u64>,
        device: &Device,
    ) -> Result<(), Error> {
        let by_name: HashMap<&str, &NamedTensor> =
            tensors.iter().map(|tensor| (tensor.name.as_str(), tensor)).collect();
        let moment = |prefix: &str, name: &str| -> Result<Tensor<1>, Error> {
            let name = format!("{prefix}{name}");
            let tensor = by_name.get(name.as_str()).ok_or(hico_model::Error::NoTensor { name })?;
            Ok(Tensor::from_data(TensorData::new(tensor.values.clone(), [tensor.values.len()]), device))
        };
        self.moments.clear();
        for (name, &steps) in steps {
            let moments = Moments { steps, first: moment(FIRST, name)?, second: moment(SECOND, name)? };
            self.moments.insert(name.clone(), moments);
        }
        Ok(())
    }
}

/// One moment of one parameter, still on its device.
#[derive(Debug)]
pub(crate) struct Stored<'a> {
    /// Its name in a checkpoint.
    pub(crate) name: String,
    tensor: &'a Tensor<1>,
}

impl Stored<'_> {
    /// How many values it has.
    pub(crate) fn len(&self) -> usize {
        self.tensor.dims()[0]
    }

    /// Hands out its values in pieces of at most `largest`, until one is not taken.
    pub(crate) fn each_piece<E>(&self, largest: usize, mut take: impl FnMut(&[f32]) -> Result<(), E>) -> Result<(), E> {
        let count = self.len();
        (0..count).step_by(largest).try_for_each(|begin| {
            let data = self.tensor.clone().narrow(0, begin, largest.min(count - begin)).into_data();
            match data.as_slice::<f32>() {
                Ok(values) => take(values),
                Err(_) => take(&data.iter::<f32>().collect::<Vec<f32>>()),
            }
        })
    }
}

/// Euclidean norm of the gradient of all trainable parameters together, summed in 64 bits.
#[must_use]
pub fn gradient_norm<M: Module>(network: &M, gradients: &Gradients) -> f64 {
    let mut visitor = Squares { gradients, sum: 0.0 };
    network.visit(&mut visitor);
    visitor.sum.sqrt()
}

/// What gradients of norm `norm` are multiplied by so that none is longer than `most`.
#[must_use]
pub fn clip_scale(norm: f64, most: Option<f64>) -> f64 {
    most.filter(|&most| norm > most).map_or(1.0, |most| most / norm)
}

fn names<M: Module>(network: &M) -> HashMap<ParamId, String> {
    weights::parameters(network).into_iter().map(|parameter| (parameter.id, parameter.name)).collect()
}

struct Squares<'a> {
    gradients: &'a Gradients,
    sum: f64,
}

impl ModuleVisitor for Squares<'_> {
    fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
        let value = param.val();
        if !value.is_require_grad() {
            return;
        }
        if let Some(gradient) = value.grad(self.gradients) {
            self.sum += adam::sum_of_squares(gradient, value.dims());
        }
    }
}

struct Step<'a> {
    adam: &'a mut Adam,
    names: HashMap<ParamId, String>,
    gradients: &'a mut Gradients,
    rate: f64,
    scale: f64,
}

impl ModuleMapper for Step<'_> {
    fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
        let value = param.val();
        let Some(name) = self.names.get(&param.id).filter(|_| value.is_require_grad()) else { return param };
        let Some(gradient) = value.grad_remove(self.gradients) else { return param };
        drop(value);
        param.map(|value| {
            let dims = value.dims();
            let count = dims.iter().product::<usize>();
            let value = (value.inner().reshape([count]), dims);
            let updated = self.adam.update(name, value, gradient, self.rate, self.scale);
            Tensor::from_inner(updated.reshape(dims)).require_grad()
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::nn::{Linear, LinearConfig};

    fn linear(device: &Device, weights: &[f32], biases: &[f32]) -> Linear {
        let (inputs, outputs) = (weights.len() / biases.len(), biases.len());
        let mut linear = LinearConfig::new(inputs, outputs).init(device);
        let weights = TensorData::new(weights.to_vec(), [inputs, outputs]);
        linear.weight = Param::from_data(weights, device);
        linear.bias = Some(Param::from_data(TensorData::new(biases.to_vec(), [outputs]), device));
        linear
    }

    /// Gradients of `sum(x W + b)` for `x` = `[1, -2]`.
    fn gradients(linear: &Linear, device: &Device) -> Gradients {
        linear.forward(Tensor::<2>::from_data([[1.0, -2.0]], device)).sum().backward()
    }

    fn values(linear: &Linear) -> Vec<f64> {
        let weights: Vec<f64> = linear.weight.val().into_data().iter::<f64>().collect();
        let biases = linear.bias.as_ref().unwrap().val().into_data();
        weights.into_iter().chain(biases.iter::<f64>()).collect()
    }

    /// Adam from the paper, value by value in 64 bits.
    fn naive(start: &[f64], gradient: &[f64], steps: usize, rate: f64, l2: f64, decoupled: f64) -> Vec<f64> {
        let one = |(&start, &gradient): (&f64, &f64)| {
            let (mut value, mut first, mut second) = (start, 0.0, 0.0);
            for step in 1..=steps {
                let gradient = gradient + l2 * value;
                value -= rate * decoupled * value;
                first = 0.9 * first + 0.1 * gradient;
                second = 0.999 * second + 0.001 * gradient * gradient;
                let (first, second) =
                    (first / (1.0 - 0.9_f64.powi(step as i32)), second / (1.0 - 0.999_f64.powi(step as i32)));
                value -= rate * first / (second.sqrt() + 1e-8);
            }
            value
        };
        start.iter().zip(gradient).map(one).collect()
    }

    #[test]
    fn five_steps_are_those_of_the_paper() {
        let device = Device::flex().autodiff();
        let start = [0.5, -0.25, 2.0, 1.0, 0.125, -1.0];
        let gradient = [1.0, 1.0, -2.0, -2.0, 1.0, 1.0];
        for (decay, l2, decoupled) in [(Decay::L2, 0.1, 0.0), (Decay::Decoupled, 0.0, 0.1)] {
            let mut adam = Adam::new(0.1, decay);
            let numbers: Vec<f32> = start.iter().map(|&value| value as f32).collect();
            let mut network = linear(&device, &numbers[..4], &numbers[4..]);
            for _ in 0..5 {
                let gradients = gradients(&network, &device);
                network = adam.step(network, gradients, 0.01, 1.0);
            }
            let expected = naive(&start, &gradient, 5, 0.01, l2, decoupled);
            for (found, expected) in values(&network).into_iter().zip(expected) {
                assert!((found - expected).abs() < 1e-6, "{decay:?}: {found} is not {expected}");
            }
        }
    }

    #[test]
    fn the_norm_is_that_of_the_whole_gradient() {
        let device = Device::flex().autodiff();
        let network = linear(&device, &[0.0; 4], &[0.0; 2]);
        let norm = gradient_norm(&network, &gradients(&network, &device));
        assert!((norm - (1.0 + 1.0 + 4.0 + 4.0 + 1.0 + 1.0_f64).sqrt()).abs() < 1e-6, "{norm}");
        // More values than one row holds, and some left over.
        let network = linear(&device, &[0.0; 2 * 3000], &[0.0; 3000]);
        let norm = gradient_norm(&network, &gradients(&network, &device));
        assert!((norm - (3000.0 * 6.0_f64).sqrt()).abs() < 1e-4, "{norm}");
    }

    #[test]
    fn clipping_shortens_what_is_too_long_and_nothing_else() {
        assert_eq!(clip_scale(4.0, Some(1.0)), 0.25);
        assert_eq!(clip_scale(0.5, Some(1.0)), 1.0);
        assert_eq!(clip_scale(4.0, None), 1.0);
    }

    #[test]
    fn a_restored_optimiser_goes_on_bit_for_bit() {
        let device = Device::flex().autodiff();
        let mut adam = Adam::new(1e-4, Decay::L2);
        let mut network = linear(&device, &[0.5, -0.25, 2.0, 1.0], &[0.125, -1.0]);
        for _ in 0..3 {
            let gradients = gradients(&network, &device);
            network = adam.step(network, gradients, 0.01, 1.0);
        }
        let (stored, steps) = adam.state();
        let tensors: Vec<NamedTensor> = stored
            .iter()
            .map(|stored| {
                let mut values = Vec::new();
                let taken = stored.each_piece(3, |piece| {
                    assert!(piece.len() <= 3);
                    values.extend_from_slice(piece);
                    Ok::<(), std::convert::Infallible>(())
                });
                assert_eq!(taken, Ok(()));
                NamedTensor { name: stored.name.clone(), shape: vec![stored.len()], values }
            })
            .collect();
        let mut restored = Adam::new(1e-4, Decay::L2);
        restored.restore(&tensors, &steps, &Device::flex()).unwrap();
        let unbroken = {
            let gradients = gradients(&network, &device);
            adam.step(network.clone(), gradients, 0.01, 1.0)
        };
        let resumed = {
            let gradients = gradients(&network, &device);
            restored.step(network, gradients, 0.01, 1.0)
        };
        assert_eq!(values(&unbroken), values(&resumed));
        assert!(matches!(
            restored.restore(&tensors[1..], &steps, &Device::flex()),
            Err(Error::Model(hico_model::Error::NoTensor { .. }))
        ));
    }
}

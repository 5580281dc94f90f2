//! The moving average of a network's weights, which is kept in place of the newest ones where a recipe asks for it.

use crate::Error;
use burn::module::Module;
use hico_model::weights::{self, NamedTensor, Naming};

/// An exponential moving average of every weight and running statistic of a network (Polyak and Juditsky 1992; Izmailov et al. 2018
/// average without decay).
#[derive(Debug)]
pub(crate) struct Average {
    decay: f64,
    tensors: Vec<NamedTensor>,
}

/// Prefix of its tensors in checkpoints.
const PREFIX: &str = "average.";

impl Average {
    /// Begins with the network as it is; nothing where `decay` is 0.
    pub(crate) fn of(network: &impl Module, decay: f64) -> Option<Self> {
        (decay > 0.0).then(|| Self { decay, tensors: weights::to_tensors(network, Naming::Ours) })
    }

    /// Takes in the weights after a step. The first steps count more than the decay says, or the average would hold on to weights
    /// that nothing has trained.
    ///
    /// - `step`: from 0
    pub(crate) fn follow(&mut self, network: &impl Module, step: u64) {
        let decay = self.decay.min((1.0 + step as f64) / (10.0 + step as f64));
        weights::approach(&mut self.tensors, &weights::to_tensors(network, Naming::Ours), decay);
    }

    /// Returns `network` with the average in place of its weights.
    ///
    /// # Errors
    /// When it is another network.
    pub(crate) fn put_into<M: Module>(&self, network: M) -> Result<M, Error> {
        Ok(weights::from_tensors(network, &self.tensors, Naming::Ours)?)
    }

    /// Returns all that it is, for a checkpoint.
    pub(crate) fn state(&self) -> Vec<NamedTensor> {
        let named = |tensor: &NamedTensor| NamedTensor { name: format!("{PREFIX}{}", tensor.name), ..tensor.clone() };
        self.tensors.iter().map(named).collect()
    }

    /// Takes back what [`Self::state`] gave; other tensors are passed over.
    ///
    /// # Errors
    /// When one is missing.
    pub(crate) fn restore(&mut self, state: &[NamedTensor]) -> Result<(), Error> {
        for own in &mut self.tensors {
            let name = format!("{PREFIX}{}", own.name);
            let stored = state.iter().find(|tensor| tensor.name == name && tensor.shape == own.shape);
            own.values.clone_from(&stored.ok_or(hico_model::Error::NoTensor { name })?.values);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::projected::{Mlp, MlpDims};
    use burn::tensor::Device;
    use hico_data::Seed;
    use hico_model::init::Init;

    fn network(seed: u64) -> Mlp {
        let widths = MlpDims { hidden: 3, output: 2, normalised: false };
        Mlp::new(&Init::new(&Device::flex(), Seed(seed)), 4, widths)
    }

    fn numbers(network: &impl Module) -> Vec<f32> {
        weights::to_tensors(network, Naming::Ours).into_iter().flat_map(|tensor| tensor.values).collect()
    }

    #[test]
    fn an_average_is_the_sum_of_all_weights_by_their_decay() {
        let decays = [0.1, 2.0 / 11.0, 3.0 / 12.0, 0.25, 0.25];
        let mut average = Average::of(&network(0), 0.25).unwrap();
        let mut expected: Vec<f64> = numbers(&network(0)).into_iter().map(f64::from).collect();
        for (step, decay) in decays.into_iter().enumerate() {
            let now = network(step as u64 + 1);
            average.follow(&now, step as u64);
            for (expected, now) in expected.iter_mut().zip(numbers(&now)) {
                *expected = decay * *expected + (1.0 - decay) * f64::from(now);
            }
        }
        let found = numbers(&average.put_into(network(9)).unwrap());
        assert!(found.iter().zip(expected).all(|(found, expected)| (f64::from(*found) - expected).abs() < 1e-6));
        let mut restored = Average::of(&network(7), 0.25).unwrap();
        restored.restore(&average.state()).unwrap();
        assert_eq!(numbers(&restored.put_into(network(9)).unwrap()), found);
        assert!(restored.restore(&average.state()[1..]).is_err());
        assert!(Average::of(&network(0), 0.0).is_none());
    }
}

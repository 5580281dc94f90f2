//! Batch normalisation with PyTorch's meaning (Ioffe and Szegedy 2015).
//!
//! burn's own layer stores the biased batch variance, chooses training by the device, and shares its running statistics
//! between clones of a model. Here the stored variance is the unbiased one, the [`Mode`] says what is wanted, and a
//! clone is a copy.

use super::Mode;
use super::init::{Distribution, Init};
use burn::module::{Content, Module, ModuleDisplay, ModuleDisplayDefault, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::tensor::module as operation;
use burn::tensor::{Device, Tensor};
use hico_kernels::batch_norm::batch_norm_train;
use hico_kernels::conv_norm::Learnt;

pub use hico_kernels::batch_norm::Tail;

use std::sync::{Mutex, MutexGuard, PoisonError};

/// Added to the variance before its root is taken.
const EPSILON: f64 = 1e-5;

/// Weight of the newest batch in the running statistics.
const MOMENTUM: f64 = 0.1;

/// Batch normalisation over the channels of a map.
#[derive(Module, Debug)]
pub struct BatchNorm {
    weight: Param<Tensor<1>>,
    bias: Param<Tensor<1>>,
    running_mean: Running,
    running_var: Running,
}

impl BatchNorm {
    /// Scale one, shift zero, running mean zero, running variance one.
    #[must_use]
    pub fn new(init: &Init<'_>, channels: usize) -> Self {
        Self {
            weight: init.parameter("weight", [channels], Distribution::Constant(1.0)),
            bias: init.parameter("bias", [channels], Distribution::Constant(0.0)),
            running_mean: Running::new(Tensor::zeros([channels], init.device())),
            running_var: Running::new(Tensor::ones([channels], init.device())),
        }
    }

    /// What it has learnt.
    #[must_use]
    pub fn learnt(&self) -> Learnt {
        Learnt {
            weight: self.weight.val(),
            bias: self.bias.val(),
            mean: self.running_mean.value(),
            variance: self.running_var.value(),
            epsilon: EPSILON,
        }
    }

    /// Normalises `x` by the statistics of the batch, and learns them ([`Mode::Train`]), view after view
    /// ([`Mode::TrainViews`]), or by those learnt before; then does what the tail says.
    ///
    /// Where a batch has one value a channel there is no unbiased variance; the running variance then stays.
    ///
    /// - `x`, and what is returned: `[batch, channels, height, width]`
    #[must_use]
    pub fn forward(&self, x: Tensor<4>, mode: Mode, tail: Tail) -> Tensor<4> {
        let (weight, bias) = (self.weight.val(), self.bias.val());
        let Some(views) = mode.views() else {
            let (mean, variance) = (self.running_mean.value(), self.running_var.value());
            return tail.apply(operation::batch_norm(x, weight, bias, mean, variance, EPSILON));
        };
        let [batch, _, height, width] = x.dims();
        let count = batch / views * height * width;
        let result = batch_norm_train(x, weight, bias, EPSILON, views, tail);
        for mean in result.mean.iter_dim(0) {
            self.running_mean.learn(mean.squeeze_dim(0));
        }
        for variance in result.variance.iter_dim(0).filter(|_| count > 1) {
            self.running_var.learn(variance.squeeze_dim(0) * (count as f64 / (count - 1) as f64));
        }
        result.output
    }
}

/// A running statistic: a tensor that a forward pass in training moves, and that no optimiser touches.
#[derive(Debug)]
pub struct Running {
    id: ParamId,
    value: Mutex<Tensor<1>>,
}

impl Running {
    fn new(value: Tensor<1>) -> Self {
        Self::with_id(ParamId::new(), value)
    }

    const fn with_id(id: ParamId, value: Tensor<1>) -> Self {
        Self { id, value: Mutex::new(value) }
    }

    fn lock(&self) -> MutexGuard<'_, Tensor<1>> {
        // The tensor is replaced whole, so a thread that died while it held the lock left a good one behind.
        self.value.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn value(&self) -> Tensor<1> {
        self.lock().clone()
    }

    fn learn(&self, batch: Tensor<1>) {
        let mut value = self.lock();
        *value = (value.clone() * (1.0 - MOMENTUM) + batch.detach() * MOMENTUM).detach();
    }

    fn map_value(self, change: impl FnOnce(Tensor<1>) -> Tensor<1>) -> Self {
        let value = self.value.into_inner().unwrap_or_else(PoisonError::into_inner);
        Self::with_id(self.id, change(value))
    }
}

impl Clone for Running {
    fn clone(&self) -> Self {
        Self::with_id(self.id, self.value())
    }
}

impl Module for Running {
    fn collect_devices(&self, mut devices: Vec<Device>) -> Vec<Device> {
        let device = self.value().device();
        if !devices.contains(&device) {
            devices.push(device);
        }
        devices
    }

    fn fork(self, device: &Device) -> Self {
        self.to_device(device)
    }

    fn to_device(self, device: &Device) -> Self {
        self.map_value(|value| value.to_device(device))
    }

    fn visit<V: ModuleVisitor>(&self, visitor: &mut V) {
        visitor.visit_float(&Param::initialized(self.id, self.value()));
    }

    fn map<M: ModuleMapper>(self, mapper: &mut M) -> Self {
        let id = self.id;
        self.map_value(|value| {
            let (_, value, _) = mapper.map_float(Param::initialized(id, value)).consume();
            value.set_require_grad(false)
        })
    }

    fn valid(&self) -> Self {
        Self::with_id(self.id, self.value().without_autodiff())
    }

    fn train(self) -> Self {
        self.map_value(Tensor::from_inner)
    }

    fn materialize(self) -> Self {
        self
    }
}

impl ModuleDisplayDefault for Running {
    fn content(&self, content: Content) -> Option<Content> {
        content.add_formatted(&"Running").optional()
    }
}

impl ModuleDisplay for Running {}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::Seed;

    fn numbers(tensor: &Tensor<1>) -> Vec<f32> {
        tensor.to_data().try_to_vec().unwrap()
    }

    fn layer(device: &Device) -> BatchNorm {
        BatchNorm::new(&Init::new(device, Seed(1)), 1)
    }

    #[test]
    fn the_running_variance_is_the_unbiased_one() {
        let device = Device::flex();
        let layer = layer(&device);
        // Mean 2, biased variance 1, unbiased 2.
        let output = layer.forward(Tensor::from_floats([[[[1.0]]], [[[3.0]]]], &device), Mode::Train, Tail::None);
        assert_eq!(numbers(&layer.running_mean.value()), [0.2]);
        assert_eq!(numbers(&layer.running_var.value()), [0.9 + 0.2]);
        let output: Vec<f32> = output.into_data().try_to_vec().unwrap();
        assert!((output[1] - 1.0).abs() < 1e-5 && (output[0] + 1.0).abs() < 1e-5, "{output:?}");
    }

    #[test]
    fn evaluation_learns_nothing_even_where_gradients_are_taken() {
        let device = Device::flex().autodiff();
        let layer = layer(&device);
        let x = Tensor::from_floats([[[[1.0]]], [[[3.0]]]], &device);
        let output: Vec<f32> = layer.forward(x, Mode::Eval, Tail::None).into_data().try_to_vec().unwrap();
        assert_eq!(numbers(&layer.running_mean.value()), [0.0]);
        assert!((output[1] - 3.0).abs() < 1e-4, "{output:?}");
    }

    #[test]
    fn a_clone_learns_apart_from_its_original() {
        let device = Device::flex();
        let original = layer(&device);
        let clone = original.clone();
        let _ = clone.forward(Tensor::from_floats([[[[1.0]]], [[[3.0]]]], &device), Mode::Train, Tail::None);
        assert_eq!(numbers(&original.running_mean.value()), [0.0]);
        assert_eq!(numbers(&clone.running_mean.value()), [0.2]);
    }

    #[test]
    fn one_value_a_channel_makes_no_nan() {
        let device = Device::flex();
        let layer = layer(&device);
        let output = layer.forward(Tensor::from_floats([[[[5.0]]]], &device), Mode::Train, Tail::None);
        assert_eq!(output.into_data().try_to_vec::<f32>().unwrap(), [0.0]);
        assert_eq!(numbers(&layer.running_var.value()), [1.0]);
    }
}

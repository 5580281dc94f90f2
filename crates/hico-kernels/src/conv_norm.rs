//! A convolution and the batch norm behind it as one convolution, where nothing is learnt.

use crate::batch_norm::Tail;
use crate::conv::{Geometry, Kernel, Way};
use crate::conv2d::{Setting, geometry};
use crate::graph::{Context, Handle, close, contiguous, dims, open, tensor};
use crate::norm;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use std::sync::OnceLock;

/// What a batch norm has learnt, `[channels]` each.
#[derive(Debug, Clone)]
pub struct Learnt {
    /// Scale.
    pub weight: Tensor<1>,
    /// Shift.
    pub bias: Tensor<1>,
    /// Running mean.
    pub mean: Tensor<1>,
    /// Running variance.
    pub variance: Tensor<1>,
    /// Added to the variance.
    pub epsilon: f64,
}

/// A convolution without bias, normalised by what was learnt, and the tail; see [`Folded`].
///
/// - `x`: `[batch, inputs, height, width]`
/// - `kernel`: `[outputs, inputs, size, size]`
/// - returns: as [`crate::conv2d()`]; `None` where a gradient may be asked for or the tensors are not on the CPU engine
#[must_use]
pub fn conv_norm(x: &Tensor<4>, kernel: &Tensor<4>, norm: &Learnt, setting: Setting, tail: &Tail) -> Option<Tensor<4>> {
    Folded::new(kernel, norm, setting)?.run(x, tail)
}

/// A kernel with the norm multiplied into it (Jacob et al. 2018, section 3.2), laid out when it is first used and then for good:
/// for networks that are asked many times, batch after small batch.
#[derive(Debug)]
pub struct Folded {
    kernel: FlexTensor,
    /// Weight, bias, mean and variance.
    norm: [FlexTensor; 4],
    epsilon: f64,
    setting: Setting,
    tiles: OnceLock<Kernel>,
    taps: OnceLock<Kernel>,
}

impl Folded {
    /// Only keeps what it is given; `None` as for [`conv_norm`].
    #[must_use]
    pub fn new(kernel: &Tensor<4>, norm: &Learnt, setting: Setting) -> Option<Self> {
        let kernel = plain(kernel)?;
        let [_, _, height, width] = dims(&kernel);
        (height == width).then_some(())?;
        let norms = [&norm.weight, &norm.bias, &norm.mean, &norm.variance];
        let [weight, bias, mean, variance] = norms.map(plain);
        let norm_of = [weight?, bias?, mean?, variance?];
        let (tiles, taps) = Default::default();
        Some(Self { kernel, norm: norm_of, epsilon: norm.epsilon, setting, tiles, taps })
    }

    /// Whether it was made of these very numbers: they are shared, so nobody can have changed them in place.
    #[must_use]
    pub fn is_of(&self, kernel: &Tensor<4>, norm: &Learnt, setting: Setting) -> bool {
        let Some(other) = Self::new(kernel, norm, setting) else { return false };
        let same = |a: &FlexTensor, b: &FlexTensor| std::ptr::eq(a.storage::<f32>(), b.storage::<f32>());
        let alike = (self.epsilon, self.setting) == (other.epsilon, other.setting);
        alike && same(&self.kernel, &other.kernel) && self.norm.iter().zip(&other.norm).all(|(a, b)| same(a, b))
    }

    /// The convolution, the norm, and the tail in place; arguments and result as for [`conv_norm`].
    #[must_use]
    pub fn run(&self, x: &Tensor<4>, tail: &Tail) -> Option<Tensor<4>> {
        let residual = match tail {
            Tail::AddRelu(residual) => Some(plain(residual)?),
            Tail::None | Tail::Relu => None,
        };
        let x = plain(x)?;
        let geometry = geometry(&x, &self.kernel, self.setting);
        let laid = match geometry.way() {
            Way::Tiles => &self.tiles,
            Way::Taps => &self.taps,
        };
        let mut y = laid.get_or_init(|| self.lay_out(geometry)).forward(x.storage(), geometry);
        match &residual {
            Some(residual) => norm::add_and_rectify(&mut y, residual.storage()),
            None if matches!(tail, Tail::Relu) => norm::rectify(&mut y),
            None => {}
        }
        let shape = [geometry.batch, geometry.outputs, geometry.out_height(), geometry.out_width()];
        Some(close(Handle::Plain(tensor(y, shape)), Context::default()))
    }

    fn lay_out(&self, geometry: Geometry) -> Kernel {
        let [weight, bias, mean, variance] = self.norm.each_ref().map(FlexTensor::storage::<f32>);
        let channels = weight.iter().zip(bias).zip(mean.iter().zip(variance));
        let line = |((weight, bias), (mean, variance)): ((&f32, &f32), (&f32, &f32))| {
            let scale = f64::from(*weight) / (f64::from(*variance) + self.epsilon).sqrt();
            (scale as f32, (f64::from(*bias) - f64::from(*mean) * scale) as f32)
        };
        let (scale, shift): (Vec<f32>, Vec<f32>) = channels.map(line).unzip();
        let values: &[f32] = self.kernel.storage();
        let window = values.len() / scale.len();
        let kernels = values.chunks_exact(window).zip(&scale);
        let folded: Vec<f32> = kernels.flat_map(|(kernel, scale)| kernel.iter().map(move |v| v * scale)).collect();
        Kernel::new(&folded, Some(&shift), geometry, self.setting.precision)
    }
}

/// The numbers of a tensor that no gradient flows through.
fn plain<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    match open(tensor.clone())?.0 {
        Handle::Plain(tensor) => Some(contiguous(&tensor)),
        Handle::Tracked(_) => None,
    }
}

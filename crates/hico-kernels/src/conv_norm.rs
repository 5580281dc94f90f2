//! A convolution and the batch norm behind it as one convolution, where nothing is learnt.

use crate::batch_norm::Tail;
use crate::conv::forward;
use crate::conv2d::{Setting, geometry};
use crate::graph::{Context, Handle, close, contiguous, dims, open, tensor};
use crate::norm;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;

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

/// A convolution without bias, normalised by what was learnt, and the tail: the norm is multiplied into the kernel
/// (Jacob et al. 2018, section 3.2), and the tail is applied in place.
///
/// - `x`: `[batch, inputs, height, width]`
/// - `kernel`: `[outputs, inputs, size, size]`
/// - returns: as [`crate::conv2d()`]; `None` where a gradient may be asked for or the tensors are not on the CPU engine
#[must_use]
pub fn conv_norm(x: &Tensor<4>, kernel: &Tensor<4>, norm: &Learnt, setting: Setting, tail: &Tail) -> Option<Tensor<4>> {
    let residual = match tail {
        Tail::AddRelu(residual) => Some(plain(residual)?),
        Tail::None | Tail::Relu => None,
    };
    let (x, kernel) = (plain(x)?, plain(kernel)?);
    let [_, _, height, width] = dims(&kernel);
    let geometry = (height == width).then(|| geometry(&x, &kernel, setting))?;
    let [weight, bias] = [plain(&norm.weight)?, plain(&norm.bias)?];
    let [mean, variance] = [plain(&norm.mean)?, plain(&norm.variance)?];
    let channels = weight.storage::<f32>().iter().zip(bias.storage::<f32>());
    let channels = channels.zip(mean.storage::<f32>().iter().zip(variance.storage::<f32>()));
    let line = |((weight, bias), (mean, variance)): ((&f32, &f32), (&f32, &f32))| {
        let scale = f64::from(*weight) / (f64::from(*variance) + norm.epsilon).sqrt();
        (scale as f32, (f64::from(*bias) - f64::from(*mean) * scale) as f32)
    };
    let (scale, shift): (Vec<f32>, Vec<f32>) = channels.map(line).unzip();
    let values: &[f32] = kernel.storage();
    let window = values.len() / scale.len();
    let folded: Vec<f32> = values
        .chunks_exact(window)
        .zip(&scale)
        .flat_map(|(kernel, scale)| kernel.iter().map(move |v| v * scale))
        .collect();
    let mut y = forward(x.storage(), &folded, Some(&shift), geometry, setting.precision);
    match &residual {
        Some(residual) => norm::add_and_rectify(&mut y, residual.storage()),
        None if matches!(tail, Tail::Relu) => norm::rectify(&mut y),
        None => {}
    }
    let shape = [geometry.batch, geometry.outputs, geometry.out_height(), geometry.out_width()];
    Some(close(Handle::Plain(tensor(y, shape)), Context::default()))
}

/// The numbers of a tensor that no gradient flows through.
fn plain<const D: usize>(tensor: &Tensor<D>) -> Option<FlexTensor> {
    match open(tensor.clone())?.0 {
        Handle::Plain(tensor) => Some(contiguous(&tensor)),
        Handle::Tracked(_) => None,
    }
}

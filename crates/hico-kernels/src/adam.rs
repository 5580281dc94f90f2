//! One update of Adam in one pass over memory, in place where nobody else holds the numbers; and the gradient's norm.

use crate::graph::{Context, Handle, close, contiguous, open};
use crate::norm;
use burn::tensor::Tensor;
use burn_flex::FlexTensor;
use rayon::prelude::*;

/// Values that a task takes at a time.
const PIECE: usize = 1 << 15;

/// What an update needs besides the numbers; see [`update`].
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Settings {
    /// Decay rate of the first moment.
    pub beta_1: f32,
    /// Decay rate of the second moment.
    pub beta_2: f32,
    /// Added to the root of the second moment.
    pub epsilon: f32,
    /// Learning rate divided by the first moment's correction, `1 - beta_1^steps`.
    pub step_size: f32,
    /// Root of the second moment's correction, `1 - beta_2^steps`.
    pub root: f32,
    /// Times the value, added to the gradient.
    pub l2: f32,
    /// The value is first multiplied by this; 1 leaves it.
    pub keep: f32,
    /// The gradient is first multiplied by this; 1 leaves it.
    pub scale: f32,
}

/// A parameter and its moments, all of one shape.
#[derive(Debug)]
pub struct Moved {
    /// The parameter.
    pub value: Tensor<1>,
    /// Running mean of the gradient.
    pub first: Tensor<1>,
    /// Running mean of its square.
    pub second: Tensor<1>,
}

/// One update (Kingma and Ba 2015, algorithm 1), outside of differentiation.
///
/// # Panics
/// When lengths differ.
#[must_use]
pub fn update(moved: Moved, gradient: Tensor<1>, settings: Settings) -> Moved {
    let all = [&moved.value, &moved.first, &moved.second, &gradient];
    if !all.into_iter().all(|tensor| matches!(open(tensor.clone()), Some((Handle::Plain(_), _)))) {
        return by_burn(moved, gradient, settings);
    }
    let [mut value, mut first, mut second] = [moved.value, moved.first, moved.second].map(own);
    let gradient = own(gradient);
    step(value.storage_mut(), gradient.storage(), first.storage_mut(), second.storage_mut(), settings);
    let [value, first, second] = [value, first, second].map(|tensor| close(Handle::Plain(tensor), Context::default()));
    Moved { value, first, second }
}

/// The numbers one after the other, not copied where they are so already and nobody else holds them.
#[expect(clippy::expect_used, reason = "the caller has looked")]
fn own(tensor: Tensor<1>) -> FlexTensor {
    let tensor = open(tensor).expect("a tensor of the CPU engine").0.plain();
    if tensor.is_contiguous() { tensor } else { contiguous(&tensor) }
}

fn by_burn(moved: Moved, gradient: Tensor<1>, settings: Settings) -> Moved {
    let Settings { beta_1, beta_2, epsilon, step_size, root, l2, keep, scale } = settings;
    let Moved { value, first, second } = moved;
    let gradient = gradient * scale + value.clone() * l2;
    let first = first * beta_1 + gradient.clone() * (1.0 - beta_1);
    let second = second * beta_2 + gradient.square() * (1.0 - beta_2);
    let spread = second.clone().sqrt() / root + epsilon;
    let value = value * keep - first.clone() / spread * step_size;
    Moved { value, first, second }
}

/// The sum of the squares of all values, in 64 bits; the same on any number of threads.
#[must_use]
pub fn sum_of_squares(tensor: Tensor<1>) -> f64 {
    match open(tensor.clone()) {
        Some((handle, _)) => {
            let tensor = contiguous(&handle.plain());
            let pieces = tensor.storage::<f32>().par_chunks(PIECE);
            let sums: Vec<f64> = pieces.map(norm::sum_of_squares).collect();
            sums.into_iter().sum()
        }
        None => by_rows(tensor),
    }
}

/// Rows are summed on the device, and the rows here: one long 32-bit sum would be off by percents.
fn by_rows(tensor: Tensor<1>) -> f64 {
    const ROW: usize = 4096;
    let [count] = tensor.dims();
    let (squares, whole) = (tensor.square(), count / ROW * ROW);
    let mut sums = Vec::new();
    if whole > 0 {
        sums.push(squares.clone().narrow(0, 0, whole).reshape([whole / ROW, ROW]).sum_dim(1).reshape([whole / ROW]));
    }
    if whole < count {
        sums.push(squares.narrow(0, whole, count - whole).sum());
    }
    sums.into_iter().map(|sum| sum.into_data().iter::<f64>().sum::<f64>()).sum()
}

fn step(value: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], settings: Settings) {
    let length = value.len();
    assert!([gradient.len(), first.len(), second.len()].iter().all(|other| *other == length), "lengths differ");
    let Settings { beta_1, beta_2, epsilon, step_size, root, l2, keep, scale } = settings;
    let pieces = value.par_chunks_mut(PIECE).zip(gradient.par_chunks(PIECE));
    let pieces = pieces.zip(first.par_chunks_mut(PIECE)).zip(second.par_chunks_mut(PIECE));
    pieces.for_each(|(((value, gradient), first), second)| {
        for (((value, gradient), first), second) in value.iter_mut().zip(gradient).zip(first).zip(second) {
            let gradient = gradient * scale + l2 * *value;
            *first = beta_1 * *first + (1.0 - beta_1) * gradient;
            *second = beta_2 * *second + (1.0 - beta_2) * gradient * gradient;
            *value = *value * keep - step_size * (*first / (second.sqrt() / root + epsilon));
        }
    });
}

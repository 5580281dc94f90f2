//! One update of Adam in one pass over memory, in place where nobody else holds the numbers; and the gradient's norm.

use crate::graph::{Context, Handle, close, contiguous, open, own};
use crate::linear::{dense, factors};
use crate::norm;
use crate::wide::wide;
use crate::wide_linear::Rows;
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
/// - `gradient`: of the parameter's `shape`, or in factors as [`crate::linear()`] leaves it
///
/// # Panics
/// When lengths differ.
#[must_use]
pub fn update<const D: usize>(moved: Moved, shape: [usize; D], gradient: Tensor<D>, settings: Settings) -> Moved {
    let factors = factors(&gradient, &shape);
    let gradient = if factors.is_some() { gradient } else { gradient.reshape(shape) };
    let plain = |tensor: &Tensor<1>| matches!(open(tensor.clone()), Some((Handle::Plain(_), _)));
    let all = [&moved.value, &moved.first, &moved.second].into_iter().all(plain);
    if !all || !matches!(open(gradient.clone()), Some((Handle::Plain(_), _))) {
        let count = shape.iter().product::<usize>();
        return by_burn(moved, dense(gradient, shape).reshape([count]), settings);
    }
    let [mut value, mut first, mut second] = [moved.value, moved.first, moved.second].map(numbers);
    let numbers = [value.storage_mut(), first.storage_mut(), second.storage_mut()];
    match factors {
        Some(factors) => step(numbers, Gradient::Factors(factors.as_ref()), settings),
        None => step(numbers, Gradient::Dense(self::numbers(gradient).storage()), settings),
    }
    let [value, first, second] = [value, first, second].map(|tensor| close(Handle::Plain(tensor), Context::default()));
    Moved { value, first, second }
}

#[expect(clippy::expect_used, reason = "the caller has looked")]
fn numbers<const D: usize>(tensor: Tensor<D>) -> FlexTensor {
    own(open(tensor).expect("a tensor of the CPU engine").0.plain())
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

/// The sum of the squares of all values of a gradient, in 64 bits; the same on any number of threads.
///
/// - `gradient`, `shape`: as for [`update`]
#[must_use]
pub fn sum_of_squares<const D: usize>(gradient: Tensor<D>, shape: [usize; D]) -> f64 {
    if let Some(factors) = factors(&gradient, &shape) {
        return factors.as_ref().sum_of_squares();
    }
    match open(gradient.clone()) {
        Some((handle, _)) => {
            let tensor = contiguous(&handle.plain());
            let pieces = tensor.storage::<f32>().par_chunks(PIECE);
            let sums: Vec<f64> = pieces.map(norm::sum_of_squares).collect();
            sums.into_iter().sum()
        }
        None => by_rows(gradient.reshape([shape.iter().product::<usize>()])),
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

#[derive(Clone, Copy)]
enum Gradient<'a> {
    Dense(&'a [f32]),
    Factors(Rows<'a>),
}

/// Moves values and moments.
fn step([value, first, second]: [&mut [f32]; 3], gradient: Gradient<'_>, settings: Settings) {
    assert!([first.len(), second.len()].iter().all(|other| *other == value.len()), "lengths differ");
    let piece = match gradient {
        Gradient::Dense(gradient) => {
            assert_eq!(gradient.len(), value.len(), "lengths differ");
            PIECE
        }
        // Rows of the product that stay in the cache until they are read.
        Gradient::Factors(rows) => (PIECE / 4 / rows.row()).max(1) * rows.row(),
    };
    let pieces = value.par_chunks_mut(piece).zip(first.par_chunks_mut(piece)).zip(second.par_chunks_mut(piece));
    pieces.enumerate().for_each_init(Vec::new, |product, (number, ((value, first), second))| match gradient {
        Gradient::Dense(gradient) => {
            move_all(value, &gradient[number * piece..][..value.len()], first, second, settings)
        }
        Gradient::Factors(rows) => {
            product.resize(value.len(), 0.0);
            rows.multiply(number * piece / rows.row(), product);
            move_all(value, product, first, second, settings);
        }
    });
}

fn move_all(value: &mut [f32], gradient: &[f32], first: &mut [f32], second: &mut [f32], settings: Settings) {
    let Settings { beta_1, beta_2, epsilon, step_size, root, l2, keep, scale } = settings;
    let values = value.iter_mut().zip(gradient).zip(first).zip(second);
    wide(|| {
        for (((value, gradient), first), second) in values {
            let gradient = gradient * scale + l2 * *value;
            *first = beta_1 * *first + (1.0 - beta_1) * gradient;
            *second = beta_2 * *second + (1.0 - beta_2) * gradient * gradient;
            *value = *value * keep - step_size * (*first / (second.sqrt() / root + epsilon));
        }
    });
}

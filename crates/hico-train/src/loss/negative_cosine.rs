//! How well one view predicts the other, without negatives.

use super::unit_rows;
use burn::tensor::Tensor;

/// Minus the cosine of paired rows, averaged (Chen and He 2021, eq. 1); from -1, alike, to 1.
///
/// - `a`, `b`: `[batch, dim]`, any scale
/// - returns: `[1]`
#[must_use]
pub fn negative_cosine(a: Tensor<2>, b: Tensor<2>) -> Tensor<1> {
    -(unit_rows(a) * unit_rows(b)).sum_dim(1).mean()
}

/// Sums `1 - cos` of what HiCo's local and medium level predict and a teacher's global one, across views as the paper's figure
/// draws cross-level pairs; from 0, alike, to 8.
///
/// - `predicted`: of each view what its levels say, `[batch, dim]` each, any scale
/// - `taught`: of each view the teacher's, `[batch, dim]`, any scale; nothing is learnt through it
/// - returns: `[1]`
#[must_use]
pub fn cross_prediction(predicted: [&[Tensor<2>; 2]; 2], taught: [&Tensor<2>; 2]) -> Tensor<1> {
    let [first, second] = taught.map(|taught| taught.clone().detach());
    let of_view = |[local, medium]: &[Tensor<2>; 2], taught: Tensor<2>| {
        negative_cosine(local.clone(), taught.clone()) + negative_cosine(medium.clone(), taught)
    };
    of_view(predicted[0], second) + of_view(predicted[1], first) + 4.0
}

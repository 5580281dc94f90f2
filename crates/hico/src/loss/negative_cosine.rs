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

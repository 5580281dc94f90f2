//! Invariance, variance and covariance.

use burn::tensor::Tensor;

/// Added to a variance before its root is taken.
const EPSILON: f64 = 1e-4;

/// The three terms of VICReg before weighting (Bardes et al. 2022, eq. 1 to 5): the mean squared distance of the views,
/// over features as well as rows as in algorithm 1, where equation 5 sums over features; how far the deviation of each
/// feature over the batch is below 1, mean over features, sum over views; the squared covariances of different features,
/// over the number of features, sum over views.
///
/// One clip alone has no deviation and no covariance; its variance term is that of a constant.
///
/// - `a`, `b`: `[batch, dim]`; row `i` of both shows the same clip
/// - returns: `[1]` each
#[must_use]
pub fn vicreg(a: &Tensor<2>, b: &Tensor<2>) -> [Tensor<1>; 3] {
    let invariance = (a.clone() - b.clone()).square().mean();
    let [first, second] = [a, b].map(spread);
    [invariance, first[0].clone() + second[0].clone(), first[1].clone() + second[1].clone()]
}

/// The variance and the covariance term of one view.
fn spread(x: &Tensor<2>) -> [Tensor<1>; 2] {
    let [batch, dim] = x.dims();
    let around = x.clone() - x.clone().mean_dim(0); // [batch, dim]
    let rest = (batch.max(2) - 1) as f64;
    let variances = around.clone().square().sum_dim(0) / rest; // [1, dim]
    let lacking = ((variances.clone() + EPSILON).sqrt() * -1.0 + 1.0).clamp_min(0.0).mean();
    let covariances = around.clone().transpose().matmul(around) / rest; // [dim, dim]
    // All squares without those of the diagonal, which are the variances'.
    let shared = (covariances.square().sum() - variances.square().sum()) / dim as f64;
    [lacking, shared]
}

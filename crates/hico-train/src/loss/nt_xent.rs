//! The normalised, temperature-scaled cross-entropy of pairs.

use super::unit_rows;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Bool, Device, Int, Tensor, TensorData};

/// NT-Xent over two views of a batch (Chen et al. 2020, eq. 1), averaged over every anchor.
///
/// One pair alone has no candidate but its partner and costs nothing.
///
/// - `a`, `b`: `[batch, dim]`, any scale; row `i` of both shows the same clip
/// - returns: `[1]`, in nats
#[must_use]
pub fn nt_xent(a: Tensor<2>, b: Tensor<2>, temperature: f64) -> Tensor<1> {
    costs(a, b, temperature).mean()
}

/// The same with a pair's own similarity left out of what it is compared with (decoupled contrastive learning, Yeh et al. 2022,
/// eq. 5): no gradient shrinks because a pair is easy, which in small batches most are.
///
/// It may fall below 0. One pair alone has no other candidate and costs nothing.
///
/// - `a`, `b`, and what is returned: as for [`nt_xent`]
#[must_use]
pub fn decoupled_nt_xent(a: Tensor<2>, b: Tensor<2>, temperature: f64) -> Tensor<1> {
    let [batch, _dim] = a.dims();
    if batch == 1 {
        return nt_xent(a, b, temperature);
    }
    let logits = logits(a, b, temperature);
    let partner = partner_of_each_row(batch, &logits.device());
    let own = logits.clone().gather(1, partner); // [2*batch, 1]
    let others = hide(logits, |row, column| column == (row + batch) % (2 * batch));
    (log_sum_exp(others) - own).mean()
}

/// The same where every pair's cost is multiplied by a weight of its own (VanBerlo et al. 2024, section 3.2); the mean is
/// still over the number of anchors.
///
/// - `a`, `b`, and what is returned: as for [`nt_xent`]
/// - `weights`: one a row
#[must_use]
pub fn weighted_nt_xent(a: Tensor<2>, b: Tensor<2>, weights: &[f32], temperature: f64) -> Tensor<1> {
    let [batch, _dim] = a.dims();
    let twice = TensorData::new(weights.repeat(2), [2 * batch, 1]);
    let weights = Tensor::<2>::from_data(twice, &a.device());
    (costs(a, b, temperature) * weights).mean()
}

/// What each anchor costs, `[2 * batch, 1]`.
fn costs(a: Tensor<2>, b: Tensor<2>, temperature: f64) -> Tensor<2> {
    let [batch, _dim] = a.dims();
    let logits = logits(a, b, temperature);
    let partner = partner_of_each_row(batch, &logits.device()); // [2*batch, 1]
    -log_softmax(logits, 1).gather(1, partner)
}

/// Similarities of all vectors over the temperature, `[2 * batch, 2 * batch]`; a vector is no candidate for itself.
fn logits(a: Tensor<2>, b: Tensor<2>, temperature: f64) -> Tensor<2> {
    let z = unit_rows(Tensor::cat(vec![a, b], 0)); // [2*batch, dim]
    hide(z.clone().matmul(z.transpose()) / temperature, |row, column| row == column)
}

/// Makes some similarities such that no softmax sees them.
fn hide(similarity: Tensor<2>, hidden: impl Fn(usize, usize) -> bool) -> Tensor<2> {
    let [rows, _] = similarity.dims();
    let hidden: Vec<bool> = (0..rows * rows).map(|index| hidden(index / rows, index % rows)).collect();
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(hidden, [rows, rows]), &similarity.device());
    // Large and finite: minus infinity times the zero gradient of a hidden entry would be NaN.
    similarity.mask_fill(mask, -1e30)
}

/// Logarithm of the sum of powers of each row, `[rows, 1]`.
fn log_sum_exp(x: Tensor<2>) -> Tensor<2> {
    let largest = x.clone().detach().max_dim(1);
    (x - largest.clone()).exp().sum_dim(1).log() + largest
}

fn partner_of_each_row(batch: usize, device: &Device) -> Tensor<2, Int> {
    let partners: Vec<i64> = (0..2 * batch).map(|row| ((row + batch) % (2 * batch)) as i64).collect();
    Tensor::from_data(TensorData::new(partners, [2 * batch, 1]), device)
}

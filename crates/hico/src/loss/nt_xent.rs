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
    let z = unit_rows(Tensor::cat(vec![a, b], 0)); // [2*batch, dim]
    let logits = hide_diagonal(z.clone().matmul(z.transpose()) / temperature); // [2*batch, 2*batch]
    let partner = partner_of_each_row(batch, &logits.device()); // [2*batch, 1]
    -log_softmax(logits, 1).gather(1, partner)
}

/// A vector is no candidate for itself: its similarity becomes one that no softmax sees.
fn hide_diagonal(similarity: Tensor<2>) -> Tensor<2> {
    let [rows, _] = similarity.dims();
    let diagonal: Vec<bool> = (0..rows * rows).map(|index| index / rows == index % rows).collect();
    let mask = Tensor::<2, Bool>::from_data(TensorData::new(diagonal, [rows, rows]), &similarity.device());
    // Large and finite: minus infinity times the zero gradient of a hidden entry would be NaN.
    similarity.mask_fill(mask, -1e30)
}

fn partner_of_each_row(batch: usize, device: &Device) -> Tensor<2, Int> {
    let partners: Vec<i64> = (0..2 * batch).map(|row| ((row + batch) % (2 * batch)) as i64).collect();
    Tensor::from_data(TensorData::new(partners, [2 * batch, 1]), device)
}

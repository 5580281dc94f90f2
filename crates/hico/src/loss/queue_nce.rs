//! A query told from a queue of earlier keys.

use super::unit_rows;
use burn::tensor::Tensor;
use burn::tensor::activation::log_softmax;

/// InfoNCE of queries against their own keys and a queue (He et al. 2020, eq. 1), averaged over the queries.
///
/// - `queries`: `[batch, dim]`, any scale
/// - `keys`: `[batch, dim]`, unit rows; row `i` belongs to query `i`
/// - `queue`: `[negatives, dim]`, unit rows
/// - returns: `[1]`, in nats
#[must_use]
pub fn queue_nce(queries: Tensor<2>, keys: Tensor<2>, queue: Tensor<2>, temperature: f64) -> Tensor<1> {
    let queries = unit_rows(queries);
    let own = (queries.clone() * keys).sum_dim(1); // [batch, 1]
    let others = queries.matmul(queue.transpose()); // [batch, negatives]
    let logits = Tensor::cat(vec![own, others], 1) / temperature; // [batch, 1 + negatives]
    -log_softmax(logits, 1).narrow(1, 0, 1).mean()
}

//! A query told from a queue of earlier keys.

use super::unit_rows;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Tensor, TensorData};

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
    first_of(vec![own, others], temperature)
}

/// The same with one more negative for each query, where it has one.
///
/// - `far`: `[batch, dim]`, unit rows; row `i` is another negative of query `i`
/// - `present`: 1 for each query whose row of `far` counts, 0 for the others
/// - the others, and what is returned: as for [`queue_nce`]
#[must_use]
pub fn queue_nce_with_far(
    queries: Tensor<2>,
    keys: Tensor<2>,
    far: Tensor<2>,
    present: &[f32],
    queue: Tensor<2>,
    temperature: f64,
) -> Tensor<1> {
    let [batch, _dim] = queries.dims();
    let queries = unit_rows(queries);
    let own = (queries.clone() * keys).sum_dim(1); // [batch, 1]
    // Large and finite, as where a vector is no candidate for itself.
    let hidden: Vec<f32> = present.iter().map(|present| (present - 1.0) * 1e30).collect();
    let hidden = Tensor::<2>::from_data(TensorData::new(hidden, [batch, 1]), &queries.device());
    let far = (queries.clone() * far).sum_dim(1) + hidden; // [batch, 1]
    let others = queries.matmul(queue.transpose()); // [batch, negatives]
    first_of(vec![own, far, others], temperature)
}

/// Cross-entropy of the first of several candidates, averaged over the rows.
fn first_of(similarities: Vec<Tensor<2>>, temperature: f64) -> Tensor<1> {
    let logits = Tensor::cat(similarities, 1) / temperature; // [batch, candidates]
    -log_softmax(logits, 1).narrow(1, 0, 1).mean()
}

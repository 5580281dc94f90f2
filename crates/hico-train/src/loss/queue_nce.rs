//! A query contrasted with a queue of earlier keys.

use super::unit_rows;
use burn::tensor::activation::{log_softmax, softmax};
use burn::tensor::{Bool, Tensor, TensorData};

/// Large and finite, as where a vector is no candidate for itself: minus infinity times a zero gradient would be NaN.
const HIDDEN: f64 = -1e30;

/// Earlier keys, and which of them are no negatives of a query.
#[derive(Debug, Clone)]
pub struct Queue {
    /// `[negatives, dim]`, unit rows.
    pub keys: Tensor<2>,
    /// `[batch, negatives]`, true where a key is of the query's own group.
    pub own: Tensor<2, Bool>,
}

impl Queue {
    /// Cosines of unit queries with every key, `[batch, negatives]`; those of the own group are hidden.
    fn similarities(&self, queries: Tensor<2>) -> Tensor<2> {
        queries.matmul(self.keys.clone().transpose()).mask_fill(self.own.clone(), HIDDEN)
    }
}

/// InfoNCE of queries against their own keys and a queue (He et al. 2020, eq. 1), averaged over the queries.
///
/// - `queries`: `[batch, dim]`, any scale
/// - `keys`: `[batch, dim]`, unit rows; row `i` belongs to query `i`
/// - returns: `[1]`, in nats
#[must_use]
pub fn queue_nce(queries: Tensor<2>, keys: Tensor<2>, queue: &Queue, temperature: f64) -> Tensor<1> {
    let queries = unit_rows(queries);
    let positive = (queries.clone() * keys).sum_dim(1); // [batch, 1]
    first_of(vec![positive, queue.similarities(queries)], temperature)
}

/// InfoNCE of queries against their own keys, far frames of their clips and one key of other clips (Basu et al. 2022): the mean
/// of the queue's keys, weighted by how near each is to the query.
///
/// - `far`: `[batch, dim]` each, any scale; row `i` of each is another negative of query `i`
/// - `present`: 1 for each query whose rows of `far` count, 0 for the others
/// - the others, and what is returned: as for [`queue_nce`]
#[must_use]
pub fn far_nce(
    queries: Tensor<2>,
    keys: Tensor<2>,
    far: Vec<Tensor<2>>,
    present: &[f32],
    queue: &Queue,
    temperature: f64,
) -> Tensor<1> {
    let [batch, _dim] = queries.dims();
    let device = queries.device();
    let queries = unit_rows(queries);
    let with = |other: Tensor<2>| (queries.clone() * other).sum_dim(1); // [batch, 1]
    let absent: Vec<f32> = present.iter().map(|present| (1.0 - present) * HIDDEN as f32).collect();
    let absent = Tensor::<2>::from_data(TensorData::new(absent, [batch, 1]), &device);
    let far = far.into_iter().map(|far| with(unit_rows(far)) + absent.clone());
    // How near is not learnt from: the candidate is a key, and keys have no gradient.
    let near = softmax(queue.similarities(queries.clone().detach()) / temperature, 1); // [batch, negatives]
    // Where every key is of the own group there is no other clip to be made a candidate of.
    let none = queue.own.clone().all_dim(1); // [batch, 1]
    let nearest = with(unit_rows(near.matmul(queue.keys.clone()))).mask_fill(none, HIDDEN);
    first_of(std::iter::once(with(keys)).chain(far).chain([nearest]).collect(), temperature)
}

/// Cross-entropy of the first of several candidates, averaged over the rows.
fn first_of(similarities: Vec<Tensor<2>>, temperature: f64) -> Tensor<1> {
    let logits = Tensor::cat(similarities, 1) / temperature; // [batch, candidates]
    -log_softmax(logits, 1).narrow(1, 0, 1).mean()
}

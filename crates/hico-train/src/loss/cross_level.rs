//! Cross-level pairs: global with medium, and global with local (Zhang et al. 2022, section 3.3).

use super::PairLoss;
use crate::model::Outputs;
use crate::settings::CrossPairs;
use burn::tensor::Tensor;

/// Four terms, `[1]` each; the number is the view that the global embedding is from.
#[derive(Debug, Clone)]
pub struct CrossTerms {
    /// Global of the first view with a medium embedding.
    pub medium_1: Tensor<1>,
    /// Global of the second view with a medium embedding.
    pub medium_2: Tensor<1>,
    /// Global of the first view with a local embedding.
    pub local_1: Tensor<1>,
    /// Global of the second view with a local embedding.
    pub local_2: Tensor<1>,
}

impl CrossTerms {
    /// Their sum, `[1]`.
    ///
    /// - `weights`: of the medium and of the local terms
    #[must_use]
    pub fn sum(&self, [medium, local]: [f64; 2]) -> Tensor<1> {
        let Self { medium_1, medium_2, local_1, local_2 } = self.clone();
        medium_1 * medium + medium_2 * medium + local_1 * local + local_2 * local
    }
}

/// The loss of pairs, NT-Xent in the paper, between levels, across the views or within each.
#[must_use]
pub fn cross_level(
    first: &Outputs,
    second: &Outputs,
    pairs: CrossPairs,
    pair_loss: PairLoss,
    temperature: f64,
) -> CrossTerms {
    let (other_1, other_2) = match pairs {
        CrossPairs::AcrossViews => (second, first),
        CrossPairs::SameView => (first, second),
    };
    let term = |a: &Tensor<2>, b: &Tensor<2>| pair_loss(a.clone(), b.clone(), temperature);
    CrossTerms {
        medium_1: term(&first.global, &other_1.medium),
        medium_2: term(&second.global, &other_2.medium),
        local_1: term(&first.global, &other_1.local),
        local_2: term(&second.global, &other_2.local),
    }
}

//! Peer-level pairs: the same level of both views (Zhang et al. 2022, section 3.2).

use super::PairLoss;
use crate::model::Outputs;
use burn::tensor::Tensor;

/// One term a level, `[1]` each.
#[derive(Debug, Clone)]
pub struct PeerTerms {
    /// Local with local.
    pub local: Tensor<1>,
    /// Medium with medium.
    pub medium: Tensor<1>,
    /// Global with global.
    pub global: Tensor<1>,
}

impl PeerTerms {
    /// Their sum, `[1]`.
    #[must_use]
    pub fn sum(&self) -> Tensor<1> {
        self.local.clone() + self.medium.clone() + self.global.clone()
    }
}

/// The loss of pairs, NT-Xent in the paper, between the views at each level.
#[must_use]
pub fn peer(first: &Outputs, second: &Outputs, pair_loss: PairLoss, temperature: f64) -> PeerTerms {
    let term = |a: &Tensor<2>, b: &Tensor<2>| pair_loss(a.clone(), b.clone(), temperature);
    PeerTerms {
        local: term(&first.local, &second.local),
        medium: term(&first.medium, &second.medium),
        global: term(&first.global, &second.global),
    }
}

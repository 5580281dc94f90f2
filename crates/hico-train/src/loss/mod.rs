//! Losses: the objective of HiCo (Zhang et al. 2022), which is pairs at the same level, pairs across levels and softened
//! labels; and those of the methods that it is compared with.

mod cross_level;
mod dense;
#[cfg(test)]
mod image_tests;
mod latent;
mod negative_cosine;
mod nt_xent;
mod peer;
mod queue_nce;
mod self_distillation;
mod soft_cross_entropy;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod twin;
mod vicreg;

pub use cross_level::{CrossTerms, cross_level};
pub use dense::dense;
pub use hico_model::layers::unit_rows;
pub use latent::latent_prediction;
pub use negative_cosine::{cross_prediction, negative_cosine};
pub use nt_xent::{decoupled_nt_xent, nt_xent, weighted_nt_xent};
pub use peer::{PeerTerms, peer};
pub use queue_nce::{Queue, far_nce, queue_nce};
pub use self_distillation::{Distillation, self_distillation};
pub use soft_cross_entropy::soft_cross_entropy;
pub use vicreg::vicreg;

use crate::model::Outputs;
use crate::settings::{HicoRecipe, NonNegative, Supervision};
use burn::tensor::Tensor;
use std::collections::BTreeMap;

/// A loss of pairs, [`nt_xent`] or [`decoupled_nt_xent`].
pub type PairLoss = fn(Tensor<2>, Tensor<2>, f64) -> Tensor<1>;

/// Returns the loss of pairs.
///
/// - `decoupled`: whether a pair is left out of what it is compared with
#[must_use]
pub const fn pair_loss(decoupled: bool) -> PairLoss {
    if decoupled { decoupled_nt_xent } else { nt_xent }
}

/// The objective of one batch of pairs.
#[derive(Debug, Clone)]
pub struct HicoLoss {
    /// What is to be made small, `[1]`.
    pub total: Tensor<1>,
    /// Every term that was computed, before weighting, `[1]` each: `peer_local`, `peer_medium`, `peer_global`,
    /// `cross_medium_1` and `_2`, `cross_local_1` and `_2` (the number is the view of the global embedding),
    /// `soft_ce_1` and `_2`.
    pub terms: Vec<(&'static str, Tensor<1>)>,
}

impl HicoLoss {
    /// Every term and `total` as numbers; waits for the device.
    #[must_use]
    pub fn values(&self) -> BTreeMap<String, f64> {
        let number = |tensor: &Tensor<1>| tensor.to_data().iter::<f64>().next().unwrap_or(f64::NAN);
        let terms = self.terms.iter().map(|(name, term)| ((*name).to_owned(), number(term)));
        terms.chain([("total".to_owned(), number(&self.total))]).collect()
    }
}

/// The objective for two views of the same clips.
///
/// - semi-supervised: `peer_weight * peer + (1 - peer_weight) * cross + label_weight * (soft_ce_1 + soft_ce_2)`
/// - self-supervised: the same without the labels
/// - supervised: the mean of `soft_ce_1` and `soft_ce_2`, whatever `label_weight` is
///
/// Peer and cross are sums over their terms, not means. Without a label in the batch the label terms are zero.
///
/// - `first`, `second`: outputs for each view; row `i` of both shows the same clip
/// - `labels`: class of each clip, `None` where it is unknown
///
/// # Panics
/// When the number of labels is not that of the rows, or a label is not below the number of classes.
#[must_use]
pub fn hico_loss(first: &Outputs, second: &Outputs, labels: &[Option<usize>], recipe: &HicoRecipe) -> HicoLoss {
    match recipe.supervision {
        Supervision::Full => label_loss(&first.logits, &second.logits, labels, recipe),
        Supervision::SelfOnly => contrast(first, second, recipe),
        Supervision::Semi => {
            let HicoLoss { total, mut terms } = contrast(first, second, recipe);
            let [soft_1, soft_2] = soft_terms(&first.logits, &second.logits, labels, recipe);
            let total = total + (soft_1.clone() + soft_2.clone()) * recipe.label_weight.get();
            terms.extend([("soft_ce_1", soft_1), ("soft_ce_2", soft_2)]);
            HicoLoss { total, terms }
        }
    }
}

/// The supervised objective from the logits alone, `[batch, classes]` of each view; see [`hico_loss`].
///
/// # Panics
/// As [`hico_loss`].
#[must_use]
pub fn label_loss(first: &Tensor<2>, second: &Tensor<2>, labels: &[Option<usize>], recipe: &HicoRecipe) -> HicoLoss {
    let [soft_1, soft_2] = soft_terms(first, second, labels, recipe);
    let total = (soft_1.clone() + soft_2.clone()) * 0.5;
    HicoLoss { total, terms: vec![("soft_ce_1", soft_1), ("soft_ce_2", soft_2)] }
}

fn contrast(first: &Outputs, second: &Outputs, recipe: &HicoRecipe) -> HicoLoss {
    let (pair_loss, temperature) = (pair_loss(recipe.decoupled), recipe.temperature.get());
    let peer = peer(first, second, pair_loss, temperature);
    let cross = cross_level(first, second, recipe.cross_pairs, pair_loss, temperature);
    let peer_weight = recipe.peer_weight.get();
    let total = peer.sum() * peer_weight + cross.sum(recipe.cross_weights.map(NonNegative::get)) * (1.0 - peer_weight);
    let terms = vec![
        ("peer_local", peer.local),
        ("peer_medium", peer.medium),
        ("peer_global", peer.global),
        ("cross_medium_1", cross.medium_1),
        ("cross_medium_2", cross.medium_2),
        ("cross_local_1", cross.local_1),
        ("cross_local_2", cross.local_2),
    ];
    HicoLoss { total, terms }
}

fn soft_terms(first: &Tensor<2>, second: &Tensor<2>, labels: &[Option<usize>], recipe: &HicoRecipe) -> [Tensor<1>; 2] {
    [first, second].map(|logits| soft_cross_entropy(logits.clone(), labels, recipe.smoothing.get(), recipe.soft_target))
}

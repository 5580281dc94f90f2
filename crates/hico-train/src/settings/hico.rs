//! The keys of HiCo, which its network and its losses read besides the method itself.

use super::choices::{CrossPairs, MediumFrom, Projector, SoftTarget, Supervision};
use super::values::{Fraction, MOMENTUM, NonNegative, Temperature};
use serde::{Deserialize, Serialize};

/// HiCo (Zhang et al. 2022).
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct HicoRecipe {
    /// What the objective learns from.
    pub supervision: Supervision,
    /// Temperature of NT-Xent.
    pub temperature: Temperature,
    /// Lambda: weight of the peer-level terms, 1 minus it that of the cross-level terms.
    pub peer_weight: Fraction,
    /// Beta: weight of the softened cross-entropy.
    pub label_weight: NonNegative,
    /// Alpha: share of the target that is spread over the classes.
    pub smoothing: Fraction,
    /// Maps that the cross-level term compares.
    pub cross_pairs: CrossPairs,
    /// Classes that the softened target is normalised over.
    pub soft_target: SoftTarget,
    /// Pyramid map behind the medium level.
    pub medium_from: MediumFrom,
    /// Way from a map to a vector.
    pub projector: Projector,
    /// Leaves a pair's own similarity out of what it is compared with (Yeh et al. 2022); not in the paper.
    pub decoupled: bool,
    /// Weights of the medium and of the local level's pairs with the global one; 1 and 1 in the paper.
    pub cross_weights: [NonNegative; 2],
    /// Lets the local level read a small crop of each view's frame in place of the view; not in the paper.
    pub local_crops: bool,
    /// Weight of the pairs of places, cells of P3 of both views that show the same; 0 means none. Not in the paper.
    pub dense_weight: NonNegative,
    /// Temperature of the pairs of places.
    pub dense_temperature: Temperature,
    /// Weight of the local and the medium level's predictions of a teacher's global level; 0 means that there is no teacher. Not
    /// in the paper.
    pub teacher_weight: NonNegative,
    /// Momentum of the teacher.
    pub momentum: Fraction,
}

impl HicoRecipe {
    /// Returns whether pairs of places are learnt from.
    #[must_use]
    pub fn has_dense_pairs(&self) -> bool {
        self.dense_weight.get() > 0.0 && self.supervision != Supervision::Full
    }

    /// Returns whether the local level reads small crops.
    #[must_use]
    pub fn has_local_crops(&self) -> bool {
        self.local_crops && self.supervision != Supervision::Full
    }

    /// Returns whether there is a teacher.
    #[must_use]
    pub fn has_teacher(&self) -> bool {
        self.teacher_weight.get() > 0.0 && self.supervision != Supervision::Full
    }
}

impl Default for HicoRecipe {
    fn default() -> Self {
        Self {
            supervision: Supervision::default(),
            temperature: Temperature::known(0.5),
            peer_weight: Fraction::known(0.5),
            label_weight: NonNegative::known(0.2),
            smoothing: Fraction::known(0.2),
            cross_pairs: CrossPairs::default(),
            soft_target: SoftTarget::default(),
            medium_from: MediumFrom::default(),
            projector: Projector::default(),
            decoupled: false,
            cross_weights: [NonNegative::known(1.0); 2],
            local_crops: false,
            dense_weight: NonNegative::known(0.0),
            dense_temperature: Temperature::known(0.2),
            teacher_weight: NonNegative::known(0.0),
            momentum: MOMENTUM,
        }
    }
}

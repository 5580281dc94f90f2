//! Which methods there are.

use serde::{Deserialize, Serialize};
use std::fmt;

/// The method a recipe names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MethodName {
    /// Hierarchical contrastive learning (Zhang et al. 2022).
    #[default]
    Hico,
    /// Two changes of one frame (Chen et al. 2020).
    SimClr,
    /// Mixed frames of one clip, and labels (Chen et al. 2021).
    Uscl,
    /// Momentum contrast with a queue, version 2 (He et al. 2020).
    Moco,
    /// Bootstrap your own latent (Grill et al. 2020).
    Byol,
    /// Variance, invariance and covariance (Bardes et al. 2022).
    VicReg,
    /// Self-distillation of crops without labels (Caron et al. 2021).
    Dino,
    /// Momentum contrast with far frames of the clip as hard negatives (Basu et al. 2022).
    Ucl,
    /// Frames close in time, weighted by how close (VanBerlo et al. 2024).
    Ivpp,
}

impl fmt::Display for MethodName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hico => "hico",
            Self::SimClr => "simclr",
            Self::Uscl => "uscl",
            Self::Moco => "moco",
            Self::Byol => "byol",
            Self::VicReg => "vicreg",
            Self::Dino => "dino",
            Self::Ucl => "ucl",
            Self::Ivpp => "ivpp",
        })
    }
}

impl MethodName {
    /// Every method.
    pub const ALL: [Self; 9] =
        [Self::Hico, Self::SimClr, Self::Uscl, Self::Moco, Self::Byol, Self::VicReg, Self::Dino, Self::Ucl, Self::Ivpp];

    /// Whether its loss of one epoch can be compared with that of another. Where a teacher moves, or a queue begins as noise,
    /// the loss says how hard the question is that it asks itself, and the first epoch may look best.
    #[must_use]
    pub const fn losses_compare(self) -> bool {
        !matches!(self, Self::Moco | Self::Byol | Self::Dino | Self::Ucl)
    }

    /// Whether its objective can read labels.
    #[must_use]
    pub const fn can_read_labels(self) -> bool {
        matches!(self, Self::Hico | Self::Uscl)
    }
}

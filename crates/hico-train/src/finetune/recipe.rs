//! How a network is fine-tuned.

use hico_data::view::ViewRecipe;
use serde::{Deserialize, Serialize};

/// How a network is fine-tuned; the same for every candidate of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FinetuneRecipe {
    /// Passes over the training frames; 1 or more.
    pub epochs: usize,
    /// Frames a step, at most; 2 or more.
    pub batch: usize,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// L2 weight decay.
    pub weight_decay: f64,
    /// Frames of a clip used, evenly spaced.
    pub frames_per_clip: usize,
    /// Share of the training groups held out to choose the epoch; above 0, below 1.
    pub inner_fraction: f64,
    /// How frames become views.
    pub view: ViewRecipe,
    /// How classes of different size are made up for.
    pub class_balance: ClassBalance,
    /// What the head begins with.
    #[serde(skip_serializing_if = "HeadInit::is_random")]
    pub head_init: HeadInit,
    /// Epochs without a better one on the inner validation groups after which it stops; it runs to its end if `None`.
    pub early_stopping: Option<usize>,
    /// Whether the frames that are learnt from are augmented.
    pub augmentation: bool,
}

/// How a fine-tuning makes up for classes of different size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassBalance {
    /// Every class weighs the same in the loss.
    #[default]
    Weights,
    /// As many frames of every class are drawn in an epoch, those of small classes repeatedly.
    Sampling,
    /// It does not.
    None,
}

/// What the head of a fine-tuning begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum HeadInit {
    /// Random weights.
    #[default]
    Random,
    /// The linear probe of the features before anything is trained, so that the gradient of a random head does not spoil
    /// them (LP-FT, Kumar et al., ICLR 2022).
    LinearProbe,
}

impl HeadInit {
    /// Returns true for random weights.
    #[must_use]
    pub const fn is_random(&self) -> bool {
        matches!(self, Self::Random)
    }
}

impl Default for FinetuneRecipe {
    fn default() -> Self {
        Self {
            epochs: 30,
            batch: 32,
            learning_rate: 3e-4,
            weight_decay: 1e-4,
            frames_per_clip: 8,
            inner_fraction: 0.2,
            view: ViewRecipe::default(),
            class_balance: ClassBalance::default(),
            head_init: HeadInit::default(),
            early_stopping: None,
            augmentation: true,
        }
    }
}

/// When the test fold is evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TestFold {
    /// One, at the epoch that the inner validation groups chose.
    #[default]
    AtTheEnd,
    /// Also one after every epoch, the best of which is reported beside the honest one, as the literature does. The
    /// honest figure does not change by it.
    EveryEpoch,
}

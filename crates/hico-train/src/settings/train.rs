//! `[train]`: the optimiser, its schedule and how much data it sees; the same keys and defaults for every method.

use super::choices::{Decay, Precision, ScheduleKind};
use super::values::{AtMostHalf, BatchSize, Count, Fraction, NonNegative, Positive, Share};
use serde::{Deserialize, Serialize};

/// `[train]`, every value in its range.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct TrainRecipe {
    /// Passes over the clips.
    pub epochs: Count,
    /// Clips a step, two views each.
    pub batch: BatchSize,
    /// Leaves out the last, short batch of every epoch. Without it that batch is trained on where it has two clips or
    /// more, as in the released code.
    pub drop_last: bool,
    /// Keeps clips of one group out of a batch of each other, while there are enough groups: they would be pushed apart
    /// although they show the same patient.
    pub groups_apart: bool,
    /// Clips whose maps are in memory at a time; absent means the whole batch. The loss compares the whole batch all the
    /// same (Gao et al. 2021); only batch statistics are those of so many clips.
    pub micro_batch: Option<Count>,
    /// Gradient checkpointing: the backbone's maps are computed again for the gradient instead of kept; the same numbers
    /// with less memory, in more time.
    pub gradient_checkpointing: bool,
    /// Largest learning rate.
    pub learning_rate: Positive,
    /// Weight decay.
    pub weight_decay: NonNegative,
    /// Way that weight decay enters the update.
    pub weight_decay_mode: Decay,
    /// Course of the learning rate.
    pub schedule: ScheduleKind,
    /// Epochs of warm-up (or, for `authors`, of constant rate).
    pub warmup_epochs: usize,
    /// Largest norm of the whole gradient; absent means no clipping.
    pub clip_norm: Option<Positive>,
    /// Decay of the exponential moving average of the weights, which is then what is measured and kept; 0 means none.
    pub weight_average: Fraction,
    /// Share of the labelled clips whose label is used.
    pub label_fraction: Share,
    /// Share of the clips that are used at all.
    pub clip_fraction: Share,
    /// Share of the groups held out for validation: they measure the run's health and choose its best epoch.
    pub val_fraction: AtMostHalf,
    /// Format that large products are computed in.
    pub precision: Precision,
    /// Random seed.
    pub seed: u64,
}

impl Default for TrainRecipe {
    fn default() -> Self {
        Self {
            epochs: Count::known(300),
            batch: BatchSize::known(32),
            drop_last: false,
            groups_apart: true,
            micro_batch: None,
            gradient_checkpointing: false,
            learning_rate: Positive::known(3e-4),
            weight_decay: NonNegative::known(1e-4),
            weight_decay_mode: Decay::default(),
            schedule: ScheduleKind::default(),
            warmup_epochs: 10,
            clip_norm: None,
            weight_average: Fraction::known(0.0),
            label_fraction: Share::known(1.0),
            clip_fraction: Share::known(1.0),
            val_fraction: AtMostHalf::known(0.2),
            precision: Precision::default(),
            seed: 1,
        }
    }
}

impl TrainRecipe {
    /// Sets the epochs, and with them the warm-up: one that was meant for a long run would swallow a short one.
    #[must_use]
    pub const fn of_epochs(mut self, epochs: Count) -> Self {
        let (before, now) = (self.epochs.get(), epochs.get());
        if before != now {
            self.warmup_epochs = (self.warmup_epochs * now + before / 2) / before;
            self.epochs = epochs;
        }
        self
    }
}

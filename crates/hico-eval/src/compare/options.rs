//! Where and how cells are run.

use hico_model::device::DeviceChoice;
use hico_train::CheckpointEvery;
use std::path::PathBuf;

/// Names what progress within a cell counts: [`epochs`].
pub(super) const EPOCHS_AND_EVALUATIONS: &str = "epochs and evaluations";

/// Folder of the pretraining runs that are kept.
pub const PRETRAIN_FOLDER: &str = "pretrain";

/// Where and how cells are run.
#[derive(Debug, Clone)]
pub struct Options {
    /// The study's folder.
    pub folder: PathBuf,
    /// Where to compute.
    pub device: DeviceChoice,
    /// When a pretraining or a fine-tuning is kept besides the ends of epochs.
    pub checkpoint_every: CheckpointEvery,
    /// Epochs of pretraining instead of what the budget affords: to repeat a cell that had a budget in seconds.
    pub epochs: Option<usize>,
    /// Whether a recipe's batch is lowered to the clips that there are where those are fewer; else that is an error.
    pub lower_batch: bool,
    /// Whether fine-tuned networks are kept in the folder: those that were pretrained, or where there is none those from random
    /// weights.
    pub keep_networks: bool,
    /// Whether the folders of pretraining runs are kept, in [`PRETRAIN_FOLDER`].
    pub keep_runs: bool,
}

impl Options {
    /// Returns options for a folder that keep answers alone.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folder,
            device: DeviceChoice::default(),
            checkpoint_every: CheckpointEvery::default(),
            epochs: None,
            lower_batch: true,
            keep_networks: false,
            keep_runs: false,
        }
    }
}

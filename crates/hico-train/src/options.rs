//! What a run is asked to do.

use super::init_weights::InitWeights;
use hico_model::device::DeviceChoice;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::time::Duration;

/// What a run is asked to do, apart from its recipe.
#[derive(Debug, Clone)]
pub struct PretrainOptions {
    /// Folder to write to; `None` keeps the best network in memory and writes nothing.
    pub folder: Option<PathBuf>,
    /// Go on with the run in `folder` where there is one.
    pub resume: bool,
    /// Whether a run that goes on does so by its own records: the weights that it began with need not be named again, and
    /// its epochs may be others, more or fewer that are not done yet. Else both must be as they were.
    pub by_its_records: bool,
    /// Whether a batch that is larger than the clips to train on is lowered to them; else it is an error.
    pub lower_batch: bool,
    /// Where to compute.
    pub device: DeviceChoice,
    /// The only clips the run may see, as indices into the data set; all of them if `None`.
    pub clips: Option<Vec<usize>>,
    /// The only clips whose label the run may know, as indices into the data set; all of them if `None`.
    pub labelled: Option<Vec<usize>>,
    /// Counts of epochs after which the network as it is then is kept in `folder`, beside the best; 0 is before the
    /// first step. `keep::kept_after` names the files.
    pub keep_after: Vec<usize>,
    /// Whether the health of the network is measured after each epoch. Without it the best epoch is the one of the lowest
    /// training loss.
    pub validate: bool,
    /// A fold whose groups the run must not see.
    pub holdout_fold: Option<usize>,
    /// When to write checkpoints between the ends of epochs.
    pub checkpoint_every: CheckpointEvery,
    /// Weights to begin with instead of random ones; for a run that goes on, those that it was begun with.
    pub init_weights: Option<InitWeights>,
    /// The command that asked, for the record.
    pub command: Vec<String>,
}

impl Default for PretrainOptions {
    fn default() -> Self {
        Self {
            folder: None,
            resume: false,
            by_its_records: false,
            lower_batch: false,
            device: DeviceChoice::Cpu,
            clips: None,
            labelled: None,
            keep_after: Vec::new(),
            validate: true,
            holdout_fold: None,
            checkpoint_every: CheckpointEvery::default(),
            init_weights: None,
            command: Vec::new(),
        }
    }
}

/// When checkpoints are written besides the ends of epochs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckpointEvery {
    /// After so many steps.
    Steps(NonZeroU64),
    /// After so much time.
    Time(Duration),
}

impl Default for CheckpointEvery {
    fn default() -> Self {
        Self::Time(Duration::from_secs(600))
    }
}

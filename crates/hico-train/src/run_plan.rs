//! What the loop is given, what it tells, and what comes of it.

use super::checkpoint::Best;
use super::init_weights::InitWeights;
use super::journal::{EpochEntry, StepEntry};
use super::options::CheckpointEvery;
use super::outline::Outline;
use super::run_record::RunRecord;
use super::sampler::Sampler;
use super::schedule::Schedule;
use super::select::Selection;
use crate::recipe::Recipe;
use burn::tensor::Device;
use hico_data::Dataset;
use hico_model::weights::NamedTensor;
use std::path::PathBuf;
use std::sync::Arc;

/// What a run tells of itself.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// It begins, or goes on.
    Begin {
        /// Steps done before.
        step: u64,
        /// What it will do.
        outline: Outline,
    },
    /// A step is done.
    Step(StepEntry),
    /// An epoch is done and its health measured.
    Epoch(EpochEntry),
    /// Something a person should look at.
    Warning(String),
    /// A checkpoint is on the disk.
    Saved {
        /// Steps done.
        step: u64,
    },
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct PretrainOutcome {
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epochs: usize,
    /// Seconds of training, over all sittings.
    pub seconds: f64,
    /// The best epoch.
    pub best: Option<Best>,
    /// Whether losses of different epochs can be compared; the last network is kept where they cannot.
    pub losses_compare: bool,
    /// The newest epoch of this sitting.
    pub newest: Option<EpochEntry>,
    /// What the run was.
    pub record: RunRecord,
    /// Where it is.
    pub folder: Option<PathBuf>,
    /// The best network, by our names, where there is no folder to find it in.
    pub weights: Option<Vec<NamedTensor>>,
}

/// Everything the loop needs to know, checked.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) data: Arc<Dataset>,
    pub(crate) recipe: Recipe,
    pub(crate) selection: Selection,
    pub(crate) sampler: Sampler,
    pub(crate) outline: Outline,
    pub(crate) schedule: Schedule,
    pub(crate) record: RunRecord,
    /// Without automatic differentiation.
    pub(crate) device: Device,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) resume: bool,
    pub(crate) by_its_records: bool,
    pub(crate) checkpoint_every: CheckpointEvery,
    pub(crate) keep_after: Vec<usize>,
    pub(crate) validate: bool,
    pub(crate) init_weights: Option<InitWeights>,
    /// What a person should know of how a run goes on.
    pub(crate) news: Vec<String>,
}

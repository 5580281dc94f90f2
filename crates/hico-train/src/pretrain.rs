//! The door to pretraining: checks the request against the data and the folder, then hands a plan to the loop.

use super::checkpoint::Best;
use super::first_weights::FirstWeights;
use super::journal::{EpochEntry, StepEntry};
use super::outline::{Outline, work_out};
use super::resume::prepare;
use super::run;
use super::run_record::{DataRecord, RunRecord};
use super::sampler::Sampler;
use super::schedule::Schedule;
use super::select::Selection;
use crate::recipe::{MethodRecipe, Recipe, method_table};
use crate::{Error, method};
use burn::tensor::Device;
use hico_data::{Dataset, Job};
use hico_model::VERSION;
use hico_model::device::DeviceChoice;
use hico_model::weights::NamedTensor;
use std::collections::BTreeSet;
use std::num::NonZeroU64;
use std::path::PathBuf;
use std::sync::Arc;
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
    /// first step. [`super::keep::kept_after`] names the files.
    pub keep_after: Vec<usize>,
    /// Whether the health of the network is measured after each epoch. Without it the best epoch is the one of the lowest
    /// training loss.
    pub watch: bool,
    /// A fold whose groups the run must not see.
    pub holdout_fold: Option<usize>,
    /// When to write checkpoints between the ends of epochs.
    pub checkpoint_every: CheckpointEvery,
    /// Weights to begin with instead of random ones; for a run that goes on, those that it was begun with.
    pub first: Option<FirstWeights>,
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
            watch: true,
            holdout_fold: None,
            checkpoint_every: CheckpointEvery::default(),
            first: None,
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
    pub(crate) watch: bool,
    pub(crate) first: Option<FirstWeights>,
    /// What a person should know of how a run goes on.
    pub(crate) news: Vec<String>,
}

/// Pretrains on `data` by `recipe`.
///
/// The same data, recipe, seed and version give the same weights, bit for bit on the CPU, however often the run was
/// stopped or killed and resumed on the way.
///
/// - `job`: hears of every step and epoch; asked to stop, the run finishes its step and writes a checkpoint
///
/// # Errors
/// When the request does not fit the data or the folder, when a file cannot be read or written, or when the loss is no
/// number any more, or when it is asked to stop. Nothing that was there before is written over unless `options.resume` asks for it.
pub fn pretrain(
    data: &Arc<Dataset>,
    recipe: &Recipe,
    options: &PretrainOptions,
    job: Job<'_, Event>,
) -> Result<PretrainOutcome, Error> {
    let mut plan = plan(data, recipe, options)?;
    let checkpoint = match plan.folder.clone() {
        Some(folder) => prepare(&folder, &mut plan)?,
        None => None,
    };
    macro_rules! run_it {
        ($($method:ident, $recipe:ident, $name:literal, $about:literal, $facts:expr;)+) => {
            match recipe.method() {
                $(MethodRecipe::$method(own) => run::run::<method::$method>(own, &plan, checkpoint, job),)+
            }
        };
    }
    method_table!(run_it)
}

fn plan(data: &Arc<Dataset>, recipe: &Recipe, options: &PretrainOptions) -> Result<Plan, Error> {
    let device = options.device.open()?;
    let (selection, sampler, outline) = work_out(data, recipe, options)?;
    Ok(Plan {
        record: record(data, recipe, options, &selection, &sampler),
        schedule: Schedule::of(recipe.train(), sampler.steps_per_epoch()),
        outline,
        data: Arc::clone(data),
        recipe: recipe.clone(),
        selection,
        sampler,
        device,
        folder: options.folder.clone(),
        resume: options.resume,
        by_its_records: options.by_its_records,
        news: Vec::new(),
        checkpoint_every: options.checkpoint_every,
        keep_after: options.keep_after.clone(),
        watch: options.watch,
        first: options.first.clone(),
    })
}

fn record(
    data: &Dataset,
    recipe: &Recipe,
    options: &PretrainOptions,
    selection: &Selection,
    sampler: &Sampler,
) -> RunRecord {
    let groups = |clips: &[usize]| -> Vec<String> {
        let groups: BTreeSet<String> = clips.iter().map(|&clip| data.row(clip).group.clone()).collect();
        groups.into_iter().collect()
    };
    let names = |clips: &[usize]| -> Vec<String> { clips.iter().map(|&clip| data.row(clip).clip.clone()).collect() };
    RunRecord {
        version: VERSION.to_owned(),
        command: options.command.clone(),
        method: recipe.method().name(),
        supervision: recipe.supervision(),
        seed: recipe.train().seed,
        device: options.device.resolve().to_string(),
        data: DataRecord {
            folder: data.folder().to_owned(),
            hash: data.manifest().hash(),
            hash_without_folds: Some(data.manifest().hash_without_folds()),
            preprocessing: Some(data.preprocessing()),
            clips: data.len(),
        },
        classes: data.classes().to_vec(),
        holdout_fold: options.holdout_fold,
        groups: groups(&selection.train),
        watched_groups: groups(&selection.watch),
        clips: names(&selection.train),
        watched_clips: names(&selection.watch),
        labelled: selection.train.iter().filter(|&&clip| selection.labels[clip].is_some()).count(),
        steps_per_epoch: sampler.steps_per_epoch(),
        first_weights: options.first.as_ref().map(|first| first.record().clone()),
    }
}

//! The door to pretraining: checks the request against the data and the folder, then hands a plan to the loop.

use super::checkpoint::{self, BEST_FILE, Best, Checkpoint, CheckpointError, LAST_FILE};
use super::first_weights::FirstWeights;
use super::journal::{EpochEntry, JOURNAL_FILE, StepEntry};
use super::log::LogError;
use super::run;
use super::run_record::{DataRecord, RECIPE_FILE, RUN_FILE, RunRecord, RunRecordError, VERSION};
use super::sampler::{BatchTooLarge, Sampler};
use super::schedule::Schedule;
use super::select::{SelectError, Selection, select};
use crate::device::{DeviceChoice, DeviceError};
use crate::method::{Byol, Dino, Hico, Ivpp, Moco, SimClr, Ucl, Uscl, VicReg};
use crate::model::weights::{NamedTensor, WeightsError};
use crate::recipe::{MethodName, Recipe, RecipeError};
use burn::tensor::Device;
use hico_data::{Dataset, DatasetError, Seed, atomic};
use std::collections::{BTreeMap, BTreeSet};
use std::num::{NonZeroU64, NonZeroUsize};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Duration;

/// What a run is asked to do, apart from its recipe.
#[derive(Debug, Clone)]
pub struct PretrainOptions {
    /// Folder to write to; `None` keeps the best network in memory and writes nothing.
    pub folder: Option<PathBuf>,
    /// Go on with the run in `folder` where there is one.
    pub resume: bool,
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
    /// Threads that draw views; as many as there are cores if `None`. Results do not depend on it.
    pub threads: Option<NonZeroUsize>,
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
            device: DeviceChoice::Cpu,
            clips: None,
            labelled: None,
            keep_after: Vec::new(),
            watch: true,
            holdout_fold: None,
            checkpoint_every: CheckpointEvery::default(),
            threads: None,
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

/// What a run tells while it goes.
#[derive(Debug, Clone, PartialEq)]
pub enum Progress {
    /// It begins, or goes on.
    Begin {
        /// Steps done before.
        step: u64,
        /// Steps in all.
        steps: u64,
        /// Epochs in all.
        epochs: usize,
        /// Clips to learn from.
        clips: usize,
        /// Clips to watch.
        watched: usize,
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

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// At its last epoch.
    Finished,
    /// Because it was asked to stop; it can go on.
    Interrupted,
}

/// What came of a run.
#[derive(Debug, Clone)]
pub struct PretrainOutcome {
    /// How it ended.
    pub ending: Ending,
    /// Steps done.
    pub step: u64,
    /// Epochs done.
    pub epochs: usize,
    /// Seconds of training, over all sittings.
    pub seconds: f64,
    /// The best epoch.
    pub best: Option<Best>,
    /// The newest epoch of this sitting.
    pub newest: Option<EpochEntry>,
    /// What the run was.
    pub record: RunRecord,
    /// Where it is.
    pub folder: Option<PathBuf>,
    /// The best network, by our names, where there is no folder to find it in.
    pub weights: Option<Vec<NamedTensor>>,
}

/// Why a run cannot begin, go on or end.
#[derive(Debug, thiserror::Error)]
pub enum TrainError {
    /// The clips do not do.
    #[error(transparent)]
    Select(#[from] SelectError),
    /// The batch does not do.
    #[error(transparent)]
    Batch(#[from] BatchTooLarge),
    /// The device cannot be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// Frames cannot be read.
    #[error(transparent)]
    Data(#[from] DatasetError),
    /// The record of the run cannot be read or written.
    #[error(transparent)]
    Record(#[from] RunRecordError),
    /// The journal cannot be written.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A checkpoint cannot be read or written.
    #[error(transparent)]
    Checkpoint(#[from] CheckpointError),
    /// The checkpoint belongs to another network.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The folder cannot be made or written.
    #[error("{}: cannot be written: {source}", .path.display())]
    Folder {
        /// The folder or file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The folder holds a run already.
    #[error("{}: holds a run already", .0.display())]
    Occupied(PathBuf),
    /// The run was begun by another version.
    #[error("{}: begun by version {run}, this is {VERSION}", .folder.display())]
    Version {
        /// The run.
        folder: PathBuf,
        /// The version that began it.
        run: String,
    },
    /// The run's own recipe is broken.
    #[error("{}: {source}", .path.display())]
    Recipe {
        /// The recipe.
        path: PathBuf,
        /// What is wrong.
        source: RecipeError,
    },
    /// The run has another recipe.
    #[error("{}: begun with {key} = {run}, now asked for {asked}", .folder.display())]
    OtherRecipe {
        /// The run.
        folder: PathBuf,
        /// The first key that differs.
        key: String,
        /// Its value in the run.
        run: String,
        /// Its value now.
        asked: String,
    },
    /// The run has other data.
    #[error("{}: begun with {what} {run}, now asked for {asked}", .folder.display())]
    OtherData {
        /// The run.
        folder: PathBuf,
        /// What differs.
        what: &'static str,
        /// It in the run.
        run: String,
        /// It now.
        asked: String,
    },
    /// The loss is no number any more.
    #[error("step {step}: the {what} is not a number; {}", kept_in_words(.kept.as_deref()))]
    NotFinite {
        /// The step.
        step: u64,
        /// What is not a number.
        what: String,
        /// The newest good checkpoint.
        kept: Option<PathBuf>,
    },
}

fn kept_in_words(kept: Option<&Path>) -> String {
    kept.map_or_else(|| "no checkpoint was written yet".to_owned(), |path| format!("{} is kept", path.display()))
}

impl TrainError {
    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Select(SelectError::NoClips) => "a smaller --holdout-fold, or more clips, leave some to train on",
            Self::Select(SelectError::NoSuchFold { .. }) => "`hico split DATASET --folds K` makes folds",
            Self::Select(SelectError::TooFewClasses { .. }) => {
                "`--supervision self` needs no labels; or label clips of a second class"
            }
            Self::Batch(BatchTooLarge { clips, .. }) => {
                return Some(format!("use --batch {} or less", (*clips).max(2)));
            }
            Self::Device(error) => error.hint(),
            Self::Weights(WeightsError::Missing { .. } | WeightsError::Deeper { .. }) => {
                "set model.depth in the recipe to that of the weights, or name other weights"
            }
            Self::Folder { .. } | Self::Log(LogError::Write { .. }) | Self::Record(RunRecordError::File { .. }) => {
                "choose an --out on a disk that can be written and has room"
            }
            Self::Checkpoint(CheckpointError::Write { .. }) => {
                "the checkpoint before it is still whole; make room on the disk and go on with --resume"
            }
            Self::Checkpoint(
                CheckpointError::CutShort { .. } | CheckpointError::Broken { .. } | CheckpointError::NotFinite { .. },
            ) => "restore that file from a copy, or start again in another --out",
            Self::Occupied(_) => "go on with it by --resume, or choose another --out",
            Self::Version { .. } | Self::Checkpoint(CheckpointError::Version { .. }) => {
                "go on with that version of hico, or start again in another --out"
            }
            Self::OtherRecipe { .. } | Self::OtherData { .. } => {
                "resume with the command that began the run, or choose another --out"
            }
            Self::Log(LogError::Busy(_)) => "wait for the other process, or choose another --out",
            Self::NotFinite { .. } => {
                "start again with a smaller train.learning_rate, or with train.clip_norm set, in the recipe"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// Everything the loop needs to know, checked.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(crate) data: Arc<Dataset>,
    pub(crate) recipe: Recipe,
    pub(crate) selection: Selection,
    pub(crate) sampler: Sampler,
    pub(crate) schedule: Schedule,
    pub(crate) record: RunRecord,
    /// Without automatic differentiation.
    pub(crate) device: Device,
    pub(crate) folder: Option<PathBuf>,
    pub(crate) checkpoint_every: CheckpointEvery,
    pub(crate) keep_after: Vec<usize>,
    pub(crate) watch: bool,
    pub(crate) threads: usize,
    pub(crate) first: Option<FirstWeights>,
}

/// Pretrains on `data` by `recipe`.
///
/// The same data, recipe, seed and version give the same weights, bit for bit on the CPU, however often the run was
/// stopped or killed and resumed on the way.
///
/// - `progress`: called after every step and epoch
/// - `stop`: once true, the run finishes its step, saves and returns
///
/// # Errors
/// When the request does not fit the data or the folder, when a file cannot be read or written, or when the loss is no
/// number any more. Nothing that was there before is written over unless `options.resume` asks for it.
pub fn pretrain(
    data: &Arc<Dataset>,
    recipe: &Recipe,
    options: &PretrainOptions,
    progress: &mut dyn FnMut(Progress),
    stop: &AtomicBool,
) -> Result<PretrainOutcome, TrainError> {
    let plan = plan(data, recipe, options)?;
    let checkpoint = match &plan.folder {
        Some(folder) => prepare(folder, options.resume, &plan, progress)?,
        None => None,
    };
    match recipe.method().name {
        MethodName::Hico => run::run::<Hico>(&plan, checkpoint, progress, stop),
        MethodName::SimClr => run::run::<SimClr>(&plan, checkpoint, progress, stop),
        MethodName::Uscl => run::run::<Uscl>(&plan, checkpoint, progress, stop),
        MethodName::Moco => run::run::<Moco>(&plan, checkpoint, progress, stop),
        MethodName::Byol => run::run::<Byol>(&plan, checkpoint, progress, stop),
        MethodName::VicReg => run::run::<VicReg>(&plan, checkpoint, progress, stop),
        MethodName::Dino => run::run::<Dino>(&plan, checkpoint, progress, stop),
        MethodName::Ucl => run::run::<Ucl>(&plan, checkpoint, progress, stop),
        MethodName::Ivpp => run::run::<Ivpp>(&plan, checkpoint, progress, stop),
    }
}

fn plan(data: &Arc<Dataset>, recipe: &Recipe, options: &PretrainOptions) -> Result<Plan, TrainError> {
    let device = options.device.open()?;
    if let Some(first) = &options.first {
        first.fits(recipe.model().depth)?;
    }
    let selection = select(data, recipe, options.clips.as_deref(), options.labelled.as_deref(), options.holdout_fold)?;
    let train = recipe.train();
    let sampler = Sampler::new(selection.train.clone(), train.batch, Seed(train.seed).derive("batches", &[]))?;
    let cores = || std::thread::available_parallelism().map_or(1, NonZeroUsize::get);
    Ok(Plan {
        record: record(data, recipe, options, &selection, &sampler),
        schedule: Schedule::new(train, sampler.steps_per_epoch()),
        data: Arc::clone(data),
        recipe: recipe.clone(),
        selection,
        sampler,
        device,
        folder: options.folder.clone(),
        checkpoint_every: options.checkpoint_every,
        keep_after: options.keep_after.clone(),
        watch: options.watch,
        threads: options.threads.map_or_else(cores, NonZeroUsize::get),
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
        method: recipe.method().name,
        supervision: recipe.method().supervision,
        seed: recipe.train().seed,
        device: options.device.resolve().to_string(),
        data: DataRecord { folder: data.folder().to_owned(), hash: data.manifest().hash(), clips: data.len() },
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

/// Makes the run's folder, or finds where the run in it stopped.
fn prepare(
    folder: &Path,
    resume: bool,
    plan: &Plan,
    progress: &mut dyn FnMut(Progress),
) -> Result<Option<Checkpoint>, TrainError> {
    let ours = [RUN_FILE, JOURNAL_FILE, LAST_FILE, BEST_FILE].map(|name| folder.join(name));
    if ours.iter().any(|path| path.exists()) {
        if !resume {
            return Err(TrainError::Occupied(folder.to_owned()));
        }
        let before = same_run(folder, plan)?.device;
        let now = &plan.record.device;
        if before != *now {
            progress(Progress::Warning(format!(
                "this run was begun on {before} and goes on on {now}: its weights will not be those of an unbroken run"
            )));
        }
        return Ok(checkpoint::read_last(folder)?);
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| TrainError::Folder { path, source }
    };
    std::fs::create_dir_all(folder).map_err(failed(folder))?;
    let path = folder.join(RECIPE_FILE);
    let text = toml::to_string(&plan.recipe.to_file()).map_err(|error| failed(&path)(std::io::Error::other(error)))?;
    atomic::write(&path, text.as_bytes()).map_err(failed(&path))?;
    // Last, because a folder with a record is a run.
    plan.record.write(folder)?;
    Ok(None)
}

/// The record of the run in `folder`; refuses to go on with one that was begun otherwise.
fn same_run(folder: &Path, plan: &Plan) -> Result<RunRecord, TrainError> {
    let record = RunRecord::read(folder)?;
    let folder = folder.to_owned();
    if record.version != VERSION {
        return Err(TrainError::Version { folder, run: record.version });
    }
    let path = folder.join(RECIPE_FILE);
    let text = std::fs::read_to_string(&path).map_err(|source| TrainError::Folder { path: path.clone(), source })?;
    let recipe = Recipe::parse(&text).map_err(|source| TrainError::Recipe { path, source })?;
    if let Some((key, run, asked)) = first_difference(&recipe, &plan.recipe) {
        return Err(TrainError::OtherRecipe { folder, key, run, asked });
    }
    let fold = |fold: Option<usize>| fold.map_or_else(|| "none".to_owned(), |fold| fold.to_string());
    let clips = |record: &RunRecord| format!("{} and {}", record.clips.len(), record.watched_clips.len());
    let differs = |what, run: &str, asked: String| {
        let (folder, run) = (folder.clone(), run.to_owned());
        Err(TrainError::OtherData { folder, what, run, asked })
    };
    if record.data.hash != plan.record.data.hash {
        return differs("data set", &record.data.hash, plan.record.data.hash.clone());
    }
    let first = |record: &RunRecord| {
        record
            .first_weights
            .as_ref()
            .map_or_else(|| "random".to_owned(), |first| format!("{} of {}", first.file, first.sha256))
    };
    if record.first_weights.as_ref().map(|first| &first.sha256)
        != plan.record.first_weights.as_ref().map(|first| &first.sha256)
    {
        return differs("first weights", &first(&record), first(&plan.record));
    }
    if record.holdout_fold != plan.record.holdout_fold {
        return differs("held-out fold", &fold(record.holdout_fold), fold(plan.record.holdout_fold));
    }
    if (&record.clips, &record.watched_clips) != (&plan.record.clips, &plan.record.watched_clips) {
        return differs("clips to train on and to watch", &clips(&record), clips(&plan.record));
    }
    Ok(record)
}

/// The first key in which two recipes differ, with both values.
fn first_difference(run: &Recipe, asked: &Recipe) -> Option<(String, String, String)> {
    let (run, asked) = (keys(run), keys(asked));
    let names: BTreeSet<&String> = run.keys().chain(asked.keys()).collect();
    let value =
        |keys: &BTreeMap<String, String>, name: &str| keys.get(name).cloned().unwrap_or_else(|| "nothing".to_owned());
    let mut pairs = names.into_iter().map(|name| (name.clone(), value(&run, name), value(&asked, name)));
    pairs.find(|(_, run, asked)| run != asked)
}

/// Every key of a recipe, with its section, and its value as written.
fn keys(recipe: &Recipe) -> BTreeMap<String, String> {
    let table = toml::Table::try_from(recipe.to_file()).unwrap_or_default();
    let mut keys = BTreeMap::new();
    for (section, value) in table {
        if let toml::Value::Table(values) = value {
            keys.extend(values.into_iter().map(|(key, value)| (format!("{section}.{key}"), value.to_string())));
        }
    }
    keys
}

//! What an evaluation is asked to do, and why it may refuse.

use super::cells::CellsError;
use super::classifier::Trainable;
use super::finetune::{FinetuneRecipe, Looks};
use super::inputs::FinetuneError;
use super::plan::PlanError;
use super::pretrained::{Pretrained, PretrainedError};
use crate::device::{DeviceChoice, DeviceError};
use crate::difference::Difference;
use crate::model::weights::WeightsError;
use crate::recipe::{Depth, Recipe};
use crate::train::checkpoint::CheckpointError;
use crate::train::outline::counted;
use crate::train::run_record::RunRecordError;
use crate::train::select::SelectError;
use crate::train::{self, CheckpointEvery, Outline, TrainError};
use std::fmt;
use std::num::NonZeroUsize;
use std::path::PathBuf;

/// Where the contenders' encoder comes from.
#[derive(Debug, Clone)]
pub enum Contender {
    /// There is none: only floors are measured.
    None,
    /// One encoder for all folds, pretrained before. Groups that it has seen spoil the figure, and are reported.
    Given(Box<Pretrained>),
    /// One encoder a fold, pretrained now on all clips, labelled or not, whose group is not tested in that fold; the
    /// same for all seeds.
    Inside(Box<Recipe>),
}

/// Which floors are measured beside the contenders.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Floors {
    /// All four.
    #[default]
    All,
    /// Largest class and thumbnails, which cost nothing.
    Cheap,
}

/// What to evaluate, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Folds to test; all if `None`.
    pub folds: Option<Vec<usize>>,
    /// Seeds; of the inner validation groups, the first weights, the order of frames and their random changes.
    pub seeds: Vec<u64>,
    /// What of a pretrained network is trained.
    pub trainable: Trainable,
    /// What of a network from random weights is trained.
    pub scratch: Trainable,
    /// Which looks at the test fold are taken.
    pub looks: Looks,
    /// How networks are fine-tuned.
    pub recipe: FinetuneRecipe,
    /// Depth of networks from random weights; a contender brings its own, which then holds for all.
    pub depth: Depth,
    /// Where the contenders' encoder comes from.
    pub contender: Contender,
    /// Whether the frozen encoder is probed besides being fine-tuned.
    pub probe: bool,
    /// Which floors are measured.
    pub floors: Floors,
    /// Whether to measure a network from random weights even with [`Floors::Cheap`].
    pub from_scratch: bool,
    /// Where the evaluation is kept; nowhere if `None`.
    pub folder: Option<PathBuf>,
    /// Whether every fine-tuned network is kept in the folder.
    pub keep_classifiers: bool,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Threads that make views; as many as there are cores if `None`. Results do not depend on it.
    pub threads: Option<NonZeroUsize>,
    /// Whether the batch of a pretraining inside a fold is lowered to the clips of that fold where they are fewer.
    pub lower_batch: bool,
    /// When what is being trained is kept besides the ends of its epochs.
    pub checkpoint_every: CheckpointEvery,
    /// The command that asked, for the record.
    pub command: String,
}

impl Default for Request {
    fn default() -> Self {
        Self {
            folds: None,
            seeds: vec![1],
            trainable: Trainable::All,
            scratch: Trainable::All,
            looks: Looks::Honest,
            recipe: FinetuneRecipe::default(),
            depth: Depth::default(),
            contender: Contender::None,
            probe: true,
            floors: Floors::All,
            from_scratch: true,
            folder: None,
            keep_classifiers: false,
            device: DeviceChoice::Cpu,
            threads: None,
            lower_batch: false,
            checkpoint_every: CheckpointEvery::default(),
            command: String::new(),
        }
    }
}

/// How far an evaluation has come.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Progress {
    /// Work done, in epochs.
    pub done: u64,
    /// Work in all; a cell that was found done counts as done.
    pub total: u64,
    /// What is being done, for instance `fold 2, seed 1, scratch`.
    pub what: String,
    /// What a fold's training will be, told once for each before any work.
    pub plan: Option<FoldOutline>,
}

impl Progress {
    /// Work at `what`.
    pub(super) const fn at(done: u64, total: u64, what: String) -> Self {
        Self { done, total, what, plan: None }
    }
}

/// What is trained in one fold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FoldOutline {
    /// The fold.
    pub fold: usize,
    /// The pretraining inside of it, where there is one.
    pub pretraining: Option<Outline>,
    /// Frames that are fine-tuned on.
    pub frames: usize,
    /// Steps in an epoch of fine-tuning.
    pub steps_per_epoch: usize,
    /// Epochs of fine-tuning.
    pub epochs: usize,
}

impl fmt::Display for FoldOutline {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { fold, pretraining, frames, steps_per_epoch, epochs } = self;
        write!(formatter, "fold {fold}: ")?;
        if let Some(pretraining) = pretraining {
            write!(formatter, "pretraining on {pretraining}; then ")?;
        }
        let largest = frames.div_ceil((*steps_per_epoch).max(1));
        write!(
            formatter,
            "fine-tuning on {} in batches of up to {largest}; {} an epoch, {} in {}",
            counted(*frames as u64, "frame"),
            counted(*steps_per_epoch as u64, "step"),
            counted((steps_per_epoch * epochs) as u64, "step"),
            counted(*epochs as u64, "epoch"),
        )
    }
}

/// Why there is no evaluation.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The folds do not do.
    #[error(transparent)]
    Plan(#[from] PlanError),
    /// A network cannot be fine-tuned.
    #[error("{at}: {source}")]
    Finetune {
        /// Fold, seed and candidate.
        at: String,
        /// Why.
        source: FinetuneError,
    },
    /// An encoder cannot be pretrained.
    #[error("fold {fold}: {source}")]
    Train {
        /// The fold.
        fold: usize,
        /// Why.
        source: TrainError,
    },
    /// A pretrained encoder cannot be read.
    #[error(transparent)]
    Pretrained(#[from] PretrainedError),
    /// A pretrained encoder does not fit.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// The last block and the top of the pyramid would be trained, and there is no pyramid.
    #[error("{0}: has no feature pyramid, whose top layer would be trained")]
    NoPyramid(String),
    /// A fold's pretraining left no encoder behind.
    #[error("fold {0}: the pretraining ended without an encoder")]
    NoEncoder(usize),
    /// The device cannot be had.
    #[error(transparent)]
    Device(#[from] DeviceError),
    /// The folder cannot be used.
    #[error(transparent)]
    Cells(#[from] CellsError),
    /// Nothing was asked for.
    #[error("no {0} to evaluate with")]
    Nothing(&'static str),
    /// A seed or a fold stands twice in the request.
    #[error("{what} {number} is asked for twice")]
    Twice {
        /// `seed` or `fold`.
        what: &'static str,
        /// Which.
        number: u64,
    },
    /// It was asked to stop; what is done is kept.
    #[error("interrupted")]
    Interrupted,
}

impl EvaluateError {
    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        use hico_data::split::SplitError;
        let hint = match self {
            Self::Plan(PlanError::Split(SplitError::NoFolds)) => "`hico split DATASET --folds 5` makes them",
            Self::Plan(PlanError::Split(_)) => "`hico split DATASET --folds K --force` makes other folds, by group",
            Self::Plan(PlanError::TooFewClasses(_)) => "label clips of a second class, and ingest them again",
            Self::Plan(PlanError::UnknownFold { .. }) => "`hico inspect DATASET` shows the folds",
            Self::Plan(PlanError::NothingToLearn { .. } | PlanError::NoInnerGroup { .. }) => {
                "more folds leave more patients to train on, `hico split DATASET --folds K --force`; where a class has no \
                 patient for each fold, add patients"
            }
            Self::Finetune { source: FinetuneError::Diverged { .. }, .. } => {
                "try a tenth of that --learning-rate, in another --out"
            }
            Self::Finetune { source: FinetuneError::Keep { .. }, .. } => {
                "choose an --out on a disk that can be written and has room"
            }
            Self::Train { source, .. } => return train_hint(source),
            Self::Pretrained(PretrainedError::Missing(_)) => {
                "name a folder written by `hico pretrain`, a .safetensors or .pth file, or `random`"
            }
            Self::Pretrained(PretrainedError::Record(RunRecordError::Missing(_))) => {
                "name a folder written by `hico pretrain` or `hico finetune`, or a file of weights (.safetensors, .pth)"
            }
            Self::Pretrained(PretrainedError::ManyNetworks(files)) => {
                return files.first().map(|file| format!("name one of these files: {}", file.display()));
            }
            Self::Pretrained(PretrainedError::Version { .. }) => {
                "use that version of hico, or name the run's best.safetensors: then nobody knows which groups it saw"
            }
            Self::Pretrained(PretrainedError::Misfit { source, .. }) if source.hint().is_some() => source.hint()?,
            Self::Pretrained(PretrainedError::Misfit { .. }) => {
                "name weights of a ResNet-18, 34 or 50 for pictures of three channels"
            }
            Self::Finetune { source: FinetuneError::NotFinite(_), .. } => {
                "the weights are too large to compute with: name an earlier checkpoint, or other weights"
            }
            Self::Pretrained(PretrainedError::Weights(_)) => "restore that file from a copy, or name another",
            Self::Pretrained(PretrainedError::NoCheckpoint(_)) => "go on with the run: `hico pretrain ... --resume`",
            Self::NoPyramid(_) => "train the whole backbone, --trainable all, or only the head, --trainable head",
            Self::Device(error) => error.hint(),
            Self::Cells(CellsError::Occupied(_)) => "choose an empty or a new folder for --out",
            Self::Cells(CellsError::OtherPlan { difference, .. }) => return Some(plan_hint(difference)),
            Self::Cells(CellsError::Broken { .. }) => "delete that file: the same command then makes it again",
            Self::Cells(CellsError::File { .. }) => {
                "make room on that disk and repeat the command, which goes on where it stopped; or choose another --out"
            }
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

/// What to do about a pretraining inside a fold, by the flags of the command that asks for one.
fn train_hint(error: &TrainError) -> Option<String> {
    match error {
        TrainError::Batch(batch) => Some(train::batch_hint("--pretrain-batch", batch)),
        TrainError::Select(SelectError::TooFewClasses { .. }) => Some(
            "set method.supervision = \"self\" in the recipe, which needs no labels; or label a second class"
                .to_owned(),
        ),
        TrainError::Select(_) => {
            Some("fewer folds leave more clips to train on: `hico split DATASET --folds K`".to_owned())
        }
        TrainError::Checkpoint(CheckpointError::Write { .. }) => Some(
            "the checkpoint before it, if any, is still whole; make room and give the same command again".to_owned(),
        ),
        TrainError::NotFinite { .. } => Some(
            "choose another --out and a --recipe with a smaller train.learning_rate, or with train.clip_norm set"
                .to_owned(),
        ),
        error => error.hint(),
    }
}

/// What to do about a folder that was begun with another setting: how to ask for that setting again.
fn plan_hint(Difference { key, there, .. }: &Difference) -> String {
    let flag = match key.as_str() {
        "encoder.train.epochs" => Some("--pretrain-epochs"),
        "encoder.train.batch" => Some("--pretrain-batch"),
        "encoder.view.image_size" | "finetune.view.image_size" => Some("--image-size"),
        "finetune.epochs" => Some("--epochs"),
        "finetune.batch" => Some("--batch"),
        "finetune.learning_rate" => Some("--learning-rate"),
        "finetune.weight_decay" => Some("--weight-decay"),
        "finetune.frames_per_clip" => Some("--frames-per-clip"),
        "finetune.inner_fraction" => Some("--inner-fraction"),
        "trainable" => Some("--trainable"),
        "depth" => Some("--depth"),
        "device" => Some("--device"),
        "looks" => Some("--protocol"),
        _ => None,
    };
    let there = there.trim_matches('"');
    match (flag, key.strip_prefix("encoder.")) {
        (Some(flag), _) => format!("choose another --out, or say {flag} {there}, as the folder was begun"),
        (None, Some(key)) => {
            format!("choose another --out, or a --recipe with {key} = {there}, as the folder was begun")
        }
        (None, None) if key == "data" => "choose another --out: the table of the data set has changed".to_owned(),
        (None, None) => "choose another --out, or repeat the settings that the folder was begun with".to_owned(),
    }
}

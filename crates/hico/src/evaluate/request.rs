//! What an evaluation is asked to do, and why it may refuse.

use super::cells::CellsError;
use super::classifier::Trainable;
use super::finetune::{FinetuneRecipe, Looks};
use super::inputs::FinetuneError;
use super::plan::PlanError;
use super::pretrained::{Pretrained, PretrainedError};
use crate::device::{DeviceChoice, DeviceError};
use crate::model::weights::WeightsError;
use crate::recipe::{Depth, Recipe};
use crate::train::TrainError;
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
            Self::Plan(PlanError::Split(_)) => "`hico split DATASET --folds K` makes other folds, by group",
            Self::Plan(PlanError::TooFewClasses(_)) => "label clips of a second class, and ingest them again",
            Self::Plan(PlanError::UnknownFold { .. }) => "`hico inspect DATASET` shows the folds",
            Self::Plan(PlanError::NothingToLearn { .. } | PlanError::NoInnerGroup { .. }) => {
                "fewer folds leave more groups to train on: `hico split DATASET --folds K`"
            }
            Self::Finetune { source: FinetuneError::Diverged { .. }, .. } => "try a tenth of that --learning-rate",
            Self::Train { source, .. } => return source.hint(),
            Self::Pretrained(PretrainedError::Missing(_)) => {
                "name a folder written by `hico pretrain`, a .safetensors or .pth file, or `random`"
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
            Self::Cells(CellsError::OtherPlan { .. }) => {
                "choose another --out, or repeat the settings that the folder was begun with"
            }
            Self::Cells(CellsError::Broken { .. }) => "delete that file: the same command then makes it again",
            Self::Cells(CellsError::File { .. }) => "choose an --out on a disk that can be written and has room",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

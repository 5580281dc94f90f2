//! What a cross-validation is asked to do, and how far it has come.

use crate::compare::labels::Labels;
use crate::compare::settings::{ModelSelection, ProbeStrength, STRENGTH};
use crate::outcome::Metric;
use hico_model::classifier::Trainable;
use hico_model::device::DeviceChoice;
use hico_model::pretrained::Pretrained;
use hico_model::{BackboneName, FeatureSet};
use hico_train::finetune::FinetuneRecipe;
use hico_train::init_weights::InitWeights;
use hico_train::outline::counted;
use hico_train::recipe::Recipe;
use hico_train::{CheckpointEvery, Outline};
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// Where the encoder comes from.
#[derive(Debug, Clone)]
pub enum EncoderSource {
    /// There is none: only baselines are measured.
    None,
    /// One encoder for all folds, pretrained before. Groups that it has seen spoil the figure, and are reported.
    Given(Arc<Pretrained>),
    /// One encoder a fold and seed, pretrained now on all clips, labelled or not, whose group is not tested in that fold.
    Inside(Box<Recipe>),
}

impl EncoderSource {
    /// Returns its name in tables and files; an empty one where there is none.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::None => String::new(),
            Self::Given(pretrained) => pretrained.name.clone(),
            Self::Inside(recipe) => recipe.method().name().to_string(),
        }
    }
}

/// What to evaluate, and how.
#[derive(Debug, Clone)]
pub struct Request {
    /// Folds to test; all if `None`.
    pub folds: Option<Vec<usize>>,
    /// Seeds: of the inner validation groups, the first weights, pretraining, the order of frames and their augmentation.
    pub seeds: Vec<u64>,
    /// What of a pretrained network is trained.
    pub trainable: Trainable,
    /// What of a network from random weights is trained.
    pub scratch: Trainable,
    /// The labels that are known.
    pub labels: Labels,
    /// What selects the epoch of a fine-tuning.
    pub model_selection: ModelSelection,
    /// Whether the epoch that is best on the test fold is reported beside it, as the literature does.
    pub published: bool,
    /// What sets the strength of a probe's L2 term.
    pub probe_strength: ProbeStrength,
    /// The figure in which methods are compared.
    pub metric: Metric,
    /// How networks are fine-tuned.
    pub recipe: FinetuneRecipe,
    /// BackboneName of networks from random weights; a given encoder brings its own, which then holds for all.
    pub backbone: BackboneName,
    /// Where the encoder comes from.
    pub encoder: EncoderSource,
    /// The weights that a pretraining inside the folds begins with, where they are not random.
    pub init_weights: Option<Arc<InitWeights>>,
    /// What of a network is read, by the probe and by the head that is fine-tuned.
    pub features: FeatureSet,
    /// Whether frozen encoders are probed besides being fine-tuned.
    pub probe: bool,
    /// Whether a network from random weights is evaluated too.
    pub random: bool,
    /// Where the evaluation is kept.
    pub folder: PathBuf,
    /// Whether the fine-tuned networks of the encoder are kept in the folder.
    pub keep_networks: bool,
    /// Where to compute.
    pub device: DeviceChoice,
    /// Whether the batch of a pretraining inside a fold is lowered to the clips of that fold where they are fewer.
    pub lower_batch: bool,
    /// When what is being trained is kept besides the ends of its epochs.
    pub checkpoint_every: CheckpointEvery,
    /// The command that asked, for the record.
    pub command: String,
}

impl Request {
    /// Returns a request for random weights and the baselines, with one seed, on every fold.
    #[must_use]
    pub fn new(folder: PathBuf) -> Self {
        Self {
            folds: None,
            seeds: vec![1],
            trainable: Trainable::All,
            scratch: Trainable::All,
            labels: Labels::All,
            model_selection: ModelSelection::default(),
            published: false,
            probe_strength: ProbeStrength::Fixed(STRENGTH),
            metric: Metric::BalancedAccuracy,
            recipe: FinetuneRecipe::default(),
            backbone: BackboneName::default(),
            encoder: EncoderSource::None,
            init_weights: None,
            features: FeatureSet::default(),
            probe: true,
            random: true,
            folder,
            keep_networks: false,
            device: DeviceChoice::Cpu,
            lower_batch: false,
            checkpoint_every: CheckpointEvery::default(),
            command: String::new(),
        }
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

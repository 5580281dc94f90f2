use super::TuningArgs;
use super::pretrain::methods;
use clap::{Args, ValueEnum};
use hico_eval::compare::settings::{ProbeStrength, STRENGTH};
use hico_eval::outcome::Metric;
use hico_model::weights::WeightsOf;
use hico_train::recipe::MethodName;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico crossval data --pretrain-inside --pretrain-epochs 50 --out runs/honest --image-size 64 --seeds 1,2,3
  hico crossval data --pretrain-inside --method simclr --out runs/simclr --image-size 64
  hico crossval data --pretrain runs/a --out runs/a-crossval --labels-per-class 4
  hico crossval data --out runs/baselines --image-size 64

Baselines stand beside what was pretrained: the largest class, 5 nearest neighbours on 16x16 thumbnails, a prediction from size, frame rate, tint and file type alone (confounders), a linear probe on a random encoder, and the same network from random weights. Only a gain over the last one is evidence for pretraining.

It is the study of one method: each cell (an encoder with its fold and seed) is kept in OUT/cells, and what was predicted for every tested frame as Parquet in OUT/predictions. The same command goes on where it was interrupted, and seeds may be added later. `hico compare` runs studies of several methods and data sets.")]
pub(crate) struct CrossvalArgs {
    /// Evaluate on this data set
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// Evaluate one encoder on all folds: a folder that `hico pretrain` wrote, a file of weights (.safetensors, .pth), or `random` for the baselines alone
    #[arg(long, value_name = "RUN|FILE|random", conflicts_with = "pretrain_inside")]
    pub(crate) pretrain: Option<PathBuf>,
    /// Choose the network of a file that holds several: online, its momentum (EMA) teacher, or the one whose tensors' names begin so
    #[arg(long, value_name = "online|teacher|PREFIX", default_value = "online")]
    pub(crate) weights_of: WeightsOf,
    /// Pretrain an encoder for each fold and seed, on the clips of all patients that this fold does not test
    #[arg(long)]
    pub(crate) pretrain_inside: bool,
    /// Pretrain by this recipe: a name that `hico recipe` lists, or a TOML file; by default the paper's
    #[arg(long, value_name = "NAME|FILE", requires = "pretrain_inside", conflicts_with = "pretrain")]
    pub(crate) recipe: Option<PathBuf>,
    /// Pretrain by this method, with the recipe that comes with hico; by default HiCo
    #[arg(long, value_name = "METHOD", requires = "pretrain_inside", conflicts_with_all = ["pretrain", "recipe"], value_parser = methods())]
    pub(crate) method: Option<MethodName>,
    /// Begin that pretraining with these weights (ResNet-18, 34 or 50, .safetensors or .pth, or a run); by default with random ones
    #[arg(long, value_name = "FILE|RUN", requires = "pretrain_inside", conflicts_with = "pretrain")]
    pub(crate) init: Option<PathBuf>,
    /// Set the epochs of that pretraining; by default the recipe's. Its warm-up shrinks or grows with them
    #[arg(long, value_name = "N", requires = "pretrain_inside", conflicts_with = "pretrain")]
    pub(crate) pretrain_epochs: Option<usize>,
    /// Set the clips a step of that pretraining; by default the recipe's, or in a fold of fewer clips all of them
    #[arg(long, value_name = "N", requires = "pretrain_inside", conflicts_with = "pretrain")]
    pub(crate) pretrain_batch: Option<usize>,
    /// Write the results to this folder: a new one, or one that this command was interrupted on
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// Repeat everything with these seeds, for instance 1,2,3
    #[arg(long, value_delimiter = ',', default_value = "1", value_name = "N,N,...")]
    pub(crate) seeds: Vec<u64>,
    /// Test these folds, for instance 0,1; by default all
    #[arg(long, value_delimiter = ',', value_name = "K,K,...")]
    pub(crate) folds: Option<Vec<usize>>,
    /// Choose the baselines to stand beside it
    #[arg(long, value_enum, default_value_t = BaselinesArg::All, value_name = "WHICH")]
    pub(crate) baselines: BaselinesArg,
    /// Old name of `--baselines cheap`
    #[arg(long, hide = true, conflicts_with = "baselines")]
    pub(crate) cheap_floors: bool,
    /// Choose the strength of a probe's L2 term: a number, `leave-groups-out` (the best over parts of the training patients) or `inner-validation`
    #[arg(long, value_name = "STRENGTH", default_value_t = ProbeStrength::Fixed(STRENGTH))]
    pub(crate) probe_strength: ProbeStrength,
    /// Choose the figure per patient in which the encoder is compared with the baselines
    #[arg(long, value_enum, default_value_t = MetricArg::BalancedAccuracy, value_name = "WHICH")]
    pub(crate) metric: MetricArg,
    /// Keep the fine-tuned network of every fold and seed in OUT; `hico predict OUT` takes their mean
    #[arg(long)]
    pub(crate) keep_models: bool,
    #[command(flatten)]
    pub(crate) tuning: TuningArgs,
}

/// As [`Metric`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum MetricArg {
    /// The mean over classes of the fraction that is classified right
    BalancedAccuracy,
    /// The mean over classes of the area under the ROC curve against all others
    MacroAuc,
}

impl From<MetricArg> for Metric {
    fn from(arg: MetricArg) -> Self {
        match arg {
            MetricArg::BalancedAccuracy => Self::BalancedAccuracy,
            MetricArg::MacroAuc => Self::MacroAuc,
        }
    }
}

/// Which baselines are evaluated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum BaselinesArg {
    /// Every one
    All,
    /// Those that cost nothing: without a network
    Cheap,
}

use super::checkpoints::CheckpointArgs;
use super::tuning::above_zero;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use hico::device::DeviceChoice;
use hico::model::weights::WeightsOf;
use hico::recipe::{MethodName, Precision, Supervision};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico pretrain lung --out runs/lung
  hico pretrain lung --method simclr --out runs/simclr
  hico pretrain lung --recipe hico-plus --out runs/plus
  hico pretrain --resume --out runs/lung
  hico pretrain --resume --out runs/lung --epochs 600
  hico pretrain lung --out runs/few --label-fraction 0.1 --epochs 50 --image-size 112
  hico pretrain lung --out runs/fold2 --holdout-fold 2 --supervision self
  hico pretrain lung --out runs/imagenet --init resnet18.pth

RUN then holds recipe.toml, run.json, journal.jsonl, a TensorBoard event file, last.safetensors and best.safetensors.
A run that was stopped or killed goes on with --resume and --out alone, to the same weights; its data set, recipe, fold,
seed and device stand in its own records. Ctrl-C, SIGTERM and SIGHUP finish the step, save and exit with code 130; a
second signal, more than a second later, ends at once.")]
pub(crate) struct PretrainArgs {
    /// Data set made by `hico ingest`; with --resume the run's own, if absent
    #[arg(required_unless_present = "resume")]
    pub(crate) dataset: Option<PathBuf>,
    /// Folder to write the run to
    #[arg(long, value_name = "RUN")]
    pub(crate) out: PathBuf,
    /// Recipe: a name that `hico recipe` lists, or a TOML file; the paper's if absent (with --resume: the run's own)
    #[arg(long, value_name = "NAME|FILE")]
    pub(crate) recipe: Option<PathBuf>,
    /// The method, by the recipe that comes with hico; HiCo if absent
    #[arg(long, value_name = "METHOD", conflicts_with = "recipe", value_parser = methods())]
    pub(crate) method: Option<MethodName>,
    /// Go on with the run in RUN; begin it where there is none
    #[arg(long)]
    pub(crate) resume: bool,
    /// Weights to begin with instead of random ones, for instance ImageNet's (.safetensors, .pth; torchvision's names and
    /// others)
    #[arg(long, value_name = "FILE")]
    pub(crate) init: Option<PathBuf>,
    /// Which network of a file that holds several: online, its momentum (EMA) teacher, or the one whose tensors' names begin so
    #[arg(long, value_name = "online|teacher|PREFIX", default_value = "online", requires = "init")]
    pub(crate) weights_of: WeightsOf,
    /// What HiCo and USCL learn from: frame pairs and labels, frame pairs only, or labels only
    #[arg(long, value_name = "HOW")]
    pub(crate) supervision: Option<SupervisionArg>,
    /// Share of the labels of each class to use, whole groups first; above 0, at most 1
    #[arg(long, value_name = "SHARE")]
    pub(crate) label_fraction: Option<f64>,
    /// Share of the clips of each class to use, whole groups first; above 0, at most 1
    #[arg(long, value_name = "SHARE")]
    pub(crate) clip_fraction: Option<f64>,
    /// Fold whose groups the run must not see
    #[arg(long, value_name = "K")]
    pub(crate) holdout_fold: Option<usize>,
    /// Passes over the clips; the recipe's warm-up shrinks or grows with them. With --resume the run is lengthened or
    /// shortened to them
    #[arg(long, value_name = "N")]
    pub(crate) epochs: Option<usize>,
    /// Height and width of a view in pixels, 32 to 512
    #[arg(long, alias = "side", value_name = "PIXELS")]
    pub(crate) image_size: Option<usize>,
    /// Clips in a step, two views of each; where it is absent and there are fewer clips than the recipe's batch, all of them
    #[arg(long, value_name = "N")]
    pub(crate) batch: Option<usize>,
    /// Largest learning rate; the recipe's if absent
    #[arg(long, visible_alias = "lr", value_name = "RATE", value_parser = above_zero)]
    pub(crate) learning_rate: Option<f64>,
    /// Clips whose maps are in memory at a time, for batches that do not fit; the loss compares the whole batch all the same
    #[arg(long, value_name = "N")]
    pub(crate) micro_batch: Option<usize>,
    /// Compute the backbone's maps again for the gradient instead of keeping them: the same numbers in less memory and more
    /// time
    #[arg(long, alias = "recompute-activations")]
    pub(crate) gradient_checkpointing: bool,
    /// What large products are computed in; bf16 is faster on CPUs that multiply it, and rounds to 8 bits
    #[arg(long, value_name = "WHAT")]
    pub(crate) precision: Option<PrecisionArg>,
    /// Root of every random choice
    #[arg(long, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Where to compute: auto, cpu, wgpu, wgpu:N, cuda or cuda:N; auto if absent (with --resume: the run's own)
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<DeviceChoice>,
    #[command(flatten)]
    pub(crate) checkpoints: CheckpointArgs,
}

/// Reads a method by its word in the table of methods.
pub(crate) fn methods() -> impl TypedValueParser<Value = MethodName> {
    let words = MethodName::ALL.map(|method| PossibleValue::new(method.spec().name).help(method.spec().about));
    PossibleValuesParser::new(words)
        .try_map(|word| MethodName::named(&word).ok_or_else(|| format!("there is no method {word}")))
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SupervisionArg {
    /// Frame pairs of every clip, and the labels there are
    Semi,
    /// Frame pairs only
    #[value(name = "self")]
    SelfOnly,
    /// Labels only
    Full,
}

impl From<SupervisionArg> for Supervision {
    fn from(argument: SupervisionArg) -> Self {
        match argument {
            SupervisionArg::Semi => Self::Semi,
            SupervisionArg::SelfOnly => Self::SelfOnly,
            SupervisionArg::Full => Self::Full,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum PrecisionArg {
    /// 32 bits
    F32,
    /// Operands of 16 bits, sums and weights of 32
    Bf16,
}

impl From<PrecisionArg> for Precision {
    fn from(argument: PrecisionArg) -> Self {
        match argument {
            PrecisionArg::F32 => Self::F32,
            PrecisionArg::Bf16 => Self::Bf16,
        }
    }
}

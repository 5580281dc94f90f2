use super::checkpoints::CheckpointArgs;
use super::tuning::above_zero;
use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use clap::{Args, ValueEnum};
use hico_model::device::DeviceChoice;
use hico_model::weights::WeightsOf;
use hico_train::recipe::{MethodName, Precision, Supervision};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico pretrain lung --out runs/lung
  hico pretrain lung --recipe hico-plus --out runs/plus
  hico pretrain lung --out runs/fold2 --holdout-fold 2 --label-fraction 0.1 --epochs 50 --image-size 112
  hico pretrain --resume --out runs/lung --epochs 600

RUN then holds recipe.toml, run.json, journal.jsonl, a TensorBoard event file, last.safetensors and best.safetensors. A \
run that was stopped or killed continues with --resume and --out alone and reaches the same weights; data set, recipe, \
fold, seed and device are read from the run. Ctrl-C, SIGTERM and SIGHUP finish the step, save and exit with code 130; a \
second signal, more than a second later, exits at once.")]
pub(crate) struct PretrainArgs {
    /// Train on this data set; with --resume the run's own by default
    #[arg(required_unless_present = "resume")]
    pub(crate) dataset: Option<PathBuf>,
    /// Write the run into this folder
    #[arg(long, value_name = "RUN")]
    pub(crate) out: PathBuf,
    /// Use this recipe: a name that `hico recipe` lists, or a TOML file; hico by default (with --resume, the run's own)
    #[arg(long, help_heading = METHOD, value_name = "NAME|FILE")]
    pub(crate) recipe: Option<PathBuf>,
    /// Use the shipped recipe of this method; hico by default
    #[arg(long, help_heading = METHOD, value_name = "METHOD", conflicts_with = "recipe", value_parser = methods())]
    pub(crate) method: Option<MethodName>,
    /// Continue the run in RUN; start it where there is none
    #[arg(long)]
    pub(crate) resume: bool,
    /// Initialise with these weights, for instance ImageNet's (.safetensors or .pth; torchvision's names and others) or those of a run; random
    /// by default
    #[arg(long, help_heading = METHOD, value_name = "FILE|RUN")]
    pub(crate) init: Option<PathBuf>,
    /// Choose a network of a file that holds several: online, its momentum (EMA) teacher, or a prefix of tensor names
    #[arg(long, help_heading = METHOD, value_name = "online|teacher|PREFIX", default_value = "online", requires = "init")]
    pub(crate) weights_of: WeightsOf,
    /// Train HiCo and USCL on frame pairs and labels, frame pairs only, or labels only; the recipe's by default
    #[arg(long, help_heading = METHOD, value_name = "SUPERVISION")]
    pub(crate) supervision: Option<SupervisionArg>,
    /// Use this fraction of the labels of each class, whole groups first; above 0, at most 1, the recipe's by default
    #[arg(long, help_heading = DATA, value_name = "FRACTION")]
    pub(crate) label_fraction: Option<f64>,
    /// Use this fraction of the clips of each class, whole groups first; above 0, at most 1, the recipe's by default
    #[arg(long, help_heading = DATA, value_name = "FRACTION")]
    pub(crate) clip_fraction: Option<f64>,
    /// Hold out the groups of this fold; none by default
    #[arg(long, help_heading = DATA, value_name = "K")]
    pub(crate) holdout_fold: Option<usize>,
    /// Train for this many epochs; the recipe's by default. The warm-up is scaled with them. With --resume the run is
    /// lengthened or shortened
    #[arg(long, help_heading = TRAINING, value_name = "N")]
    pub(crate) epochs: Option<usize>,
    /// Set height and width of a view in pixels, 32 to 512; the recipe's by default
    #[arg(long, help_heading = DATA, alias = "side", value_name = "PIXELS")]
    pub(crate) image_size: Option<usize>,
    /// Set the clips in a step, two views of each; the recipe's by default, or all clips where there are fewer
    #[arg(long, help_heading = TRAINING, value_name = "N")]
    pub(crate) batch: Option<usize>,
    /// Set the peak learning rate; the recipe's by default
    #[arg(long, help_heading = TRAINING, visible_alias = "lr", value_name = "RATE", value_parser = above_zero)]
    pub(crate) learning_rate: Option<f64>,
    /// Split a batch into micro-batches of this many clips with gradient caching, for batches that do not fit in memory; the
    /// loss still compares the whole batch. The whole batch by default
    #[arg(long, help_heading = MEMORY, value_name = "N")]
    pub(crate) micro_batch: Option<usize>,
    /// Use gradient checkpointing: the same results with less memory and more time; off by default
    #[arg(long, help_heading = MEMORY, alias = "recompute-activations")]
    pub(crate) gradient_checkpointing: bool,
    /// Set the precision of large matrix products; bf16 is faster on CPUs that support it, and rounds to 8 bits; the recipe's
    /// by default
    #[arg(long, help_heading = MEMORY, value_name = "PRECISION")]
    pub(crate) precision: Option<PrecisionArg>,
    /// Set the random seed; the recipe's by default
    #[arg(long, help_heading = TRAINING, value_name = "N")]
    pub(crate) seed: Option<u64>,
    /// Compute on this device: auto, cpu, wgpu[:N] or cuda[:N]; auto by default (with --resume, the run's own)
    #[arg(long, value_name = "DEVICE")]
    pub(crate) device: Option<DeviceChoice>,
    #[command(flatten)]
    pub(crate) checkpoints: CheckpointArgs,
}

const METHOD: &str = "Method";
const DATA: &str = "Data";
const TRAINING: &str = "Training";
const MEMORY: &str = "Memory and speed";

/// Reads a method by its word in the table of methods.
pub(crate) fn methods() -> impl TypedValueParser<Value = MethodName> {
    let words = MethodName::all().into_iter().map(|method| PossibleValue::new(method.name()).help(method.about()));
    PossibleValuesParser::new(words)
        .try_map(|word| MethodName::named(&word).ok_or_else(|| format!("there is no method {word}")))
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SupervisionArg {
    /// Frame pairs of every clip, and the labels that exist
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

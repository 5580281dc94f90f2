use clap::{Args, ValueEnum};
use hico_model::FeatureSet;
use hico_model::export::onnx::Part;
use hico_model::weights::WeightsOf;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico export runs/a --to torchvision --out lung-resnet18.safetensors --data-licence 'CC BY 4.0'
  hico export runs/a --to onnx --part pyramid --image-size 224 --check data --out lung-pyramid.onnx
  hico export tuned --to onnx --part classifier --out lung.onnx
  hico export best_model.pth --to hico --out best_model.safetensors

The model card is written beside FILE.EXT, as FILE.EXT.card.md and FILE.EXT.card.json. timm and torchvision use the same \
names for resnet18, resnet34 and resnet50; a classifier becomes `fc` where it reads averaged C5 alone. An ONNX file has \
one image size and any batch size. Its output is compared with ONNX Runtime where the Python interpreter has it, and a \
difference above 1e-4 is an error. PyTorch's counters (num_batches_tracked) are not written; load_state_dict works \
without them.")]
pub(crate) struct ExportArgs {
    /// Export the network in a folder of `hico pretrain` or `hico finetune`, or in a file of weights (.safetensors, .pth)
    #[arg(value_name = "RUN|FILE")]
    pub(crate) source: PathBuf,
    /// Choose a network of a file that holds several: online, its momentum (EMA) teacher, or a prefix of tensor names
    #[arg(long, value_name = "online|teacher|PREFIX", default_value = "online")]
    pub(crate) weights_of: WeightsOf,
    /// Write this format
    #[arg(long, value_enum)]
    pub(crate) to: ToArg,
    /// Write the weights to this new file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Export this part of the network
    #[arg(long, help_heading = ONNX, value_enum, default_value_t = PartArg::Encoder)]
    pub(crate) part: PartArg,
    /// Write these features: averages of c5, of all stages or of the pyramid, each also with largest values as stages-mean-max; by default those that a fine-tuned network's head reads, else c5
    #[arg(long, help_heading = ONNX, value_name = "FEATURES")]
    pub(crate) features: Option<FeatureSet>,
    /// Set the image size of the graph in pixels, 32 to 512; that of the training by default, else 224
    #[arg(long, alias = "side", help_heading = ONNX, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(32..=512))]
    pub(crate) image_size: Option<u16>,
    /// Add the figures and baselines of these evaluations (folders of `hico crossval` or `hico finetune`); none by default
    #[arg(long, help_heading = CARD, value_name = "DIR")]
    pub(crate) evaluation: Vec<PathBuf>,
    /// State the licence of the training data; "not stated" by default
    #[arg(long, help_heading = CARD, value_name = "TEXT")]
    pub(crate) data_licence: Option<String>,
    /// State the intended use; research by default
    #[arg(long, help_heading = CARD, value_name = "TEXT")]
    pub(crate) intended_use: Option<String>,
    /// Omit the names of the groups (patients) from the card; later tests can then not be checked for contamination. Written
    /// by default
    #[arg(long, help_heading = CARD)]
    pub(crate) hide_groups: bool,
    /// Compare the graph with ONNX Runtime on frames of this data set; on noise by default
    #[arg(long, help_heading = ONNX, value_name = "DATASET")]
    pub(crate) check: Option<PathBuf>,
    /// Run the comparison with this Python interpreter, which needs onnxruntime and numpy
    #[arg(long, help_heading = ONNX, env = "HICO_PYTHON", hide_env_values = true, default_value = "python3", value_name = "PROGRAM")]
    pub(crate) python: String,
}

const ONNX: &str = "ONNX";
const CARD: &str = "Model card";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ToArg {
    /// Safetensors with torchvision's names: the backbone, and a classifier as fc
    Torchvision,
    /// Safetensors with timm's names: the same
    Timm,
    /// Safetensors with the names of HiCo's authors: the whole network
    Authors,
    /// Safetensors with hico's names: the whole network, without the optimiser state
    Hico,
    /// ONNX, opset 18
    Onnx,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PartArg {
    /// Features (--features)
    Encoder,
    /// Features and the maps P2 to P5
    Pyramid,
    /// Logits and probabilities of a fine-tuned network
    Classifier,
}

impl From<PartArg> for Part {
    fn from(arg: PartArg) -> Self {
        match arg {
            PartArg::Encoder => Self::Encoder,
            PartArg::Pyramid => Self::Pyramid,
            PartArg::Classifier => Self::Classifier,
        }
    }
}

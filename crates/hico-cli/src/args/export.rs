use clap::{Args, ValueEnum};
use hico::export::onnx::Part;
use hico::model::weights::WeightsOf;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico export runs/a --to torchvision --out lung-resnet18.safetensors --data-licence 'CC BY 4.0'
  hico export runs/a --to onnx --part pyramid --side 224 --check data --out lung-pyramid.onnx
  hico export tuned --to onnx --part classifier --out lung.onnx
  hico export best_model.pth --to hico --out best_model.safetensors

Beside FILE.EXT stand FILE.EXT.card.md and FILE.EXT.card.json, the model card. timm's names of its resnet18, resnet34 and
resnet50 are torchvision's; a classifier becomes `fc` where it reads averaged C5 alone. An ONNX file is made for one
side and any batch; what it says is compared with ONNX Runtime where the Python interpreter has it, and a difference
above 1e-4 is an error. PyTorch's counters (num_batches_tracked) are not kept; load_state_dict does without them.")]
pub(crate) struct ExportArgs {
    /// A folder that `hico pretrain` or `hico finetune` wrote, or a file of weights (.safetensors, .pth)
    #[arg(value_name = "RUN|FILE")]
    pub(crate) source: PathBuf,
    /// Which network of a file that holds several: online, its momentum (EMA) teacher, or the one whose tensors' names begin so
    #[arg(long, value_name = "online|teacher|PREFIX", default_value = "online")]
    pub(crate) weights_of: WeightsOf,
    /// What to write
    #[arg(long, value_enum)]
    pub(crate) to: ToArg,
    /// The new file
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// What of the network becomes an ONNX graph
    #[arg(long, value_enum, default_value_t = PartArg::Encoder)]
    pub(crate) part: PartArg,
    /// Image side of an ONNX graph in pixels, 32 to 512; that of the training, else 224, if absent
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(32..=512))]
    pub(crate) side: Option<u16>,
    /// Evaluations (folders of `hico crossval` or `hico finetune`) whose figures and floors go into the card
    #[arg(long, value_name = "DIR")]
    pub(crate) evaluation: Vec<PathBuf>,
    /// Licence of the data that the weights were trained on, for the card
    #[arg(long, value_name = "TEXT")]
    pub(crate) data_licence: Option<String>,
    /// What the weights are meant for, for the card
    #[arg(long, value_name = "TEXT")]
    pub(crate) intended_use: Option<String>,
    /// Leave the names of the groups (patients) out of the card; then nobody can tell later whether a test is clean
    #[arg(long)]
    pub(crate) hide_groups: bool,
    /// Data set whose frames an ONNX graph is compared on; noise if absent
    #[arg(long, value_name = "DATASET")]
    pub(crate) check: Option<PathBuf>,
    /// Python interpreter with onnxruntime and numpy, for that comparison
    #[arg(long, env = "HICO_PYTHON", hide_env_values = true, default_value = "python3", value_name = "PROGRAM")]
    pub(crate) python: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum ToArg {
    /// Safetensors by torchvision's names: the backbone, and a classifier as fc
    Torchvision,
    /// Safetensors by timm's names: the same
    Timm,
    /// Safetensors by the names of HiCo's authors: the whole network
    Authors,
    /// Safetensors by our names: the whole network, without the optimiser's state
    Hico,
    /// ONNX, opset 18
    Onnx,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PartArg {
    /// Pooled features of the backbone
    Encoder,
    /// Pooled features and the maps P2 to P5
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

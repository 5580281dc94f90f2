use super::{PerArg, TakingArgs};
use clap::Args;
use hico_model::FeatureSet;
use hico_model::weights::WeightsOf;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico embed runs/a data --out features.parquet --page plane.html
  hico embed tuned cine.dcm clips/ --per frame --out features.npy
  hico similar runs/a clip.mp4 --among features.safetensors

Each row is the features of the encoder (--features). The suffix of OUT chooses the format: .safetensors (a tensor \
`features`, ids as JSON in the metadata), .npy (ids in OUT.ids.csv) or .parquet (columns clip, frame, group, label, f0, \
f1, ...). --page plots the rows in two dimensions by t-SNE and by UMAP, coloured by label and by group.")]
pub(crate) struct EmbedArgs {
    /// Read the encoder from a folder of `hico pretrain` or `hico finetune`, or a file of weights (.safetensors, .pth)
    #[arg(value_name = "RUN|FILE")]
    pub(crate) encoder: PathBuf,
    /// Embed these data sets, DICOM files, videos, pictures, or folders of them
    #[arg(value_name = "DATASET|FILE|DIR", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// Write the features to this new file: .safetensors, .npy or .parquet
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// Write an HTML page that plots the rows in two dimensions; none by default
    #[arg(long, value_name = "FILE")]
    pub(crate) page: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) looking: LookingArgs,
}

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico similar runs/a clip.mp4 --among data
  hico similar runs/a clips/ --among features.safetensors --count 3 --json")]
pub(crate) struct SimilarArgs {
    /// Read the encoder from a folder of `hico pretrain` or `hico finetune`, or a file of weights (.safetensors, .pth)
    #[arg(value_name = "RUN|FILE")]
    pub(crate) encoder: PathBuf,
    /// Find clips similar to these: DICOM files, videos, pictures, folders of them, or data sets
    #[arg(value_name = "FILE|DIR|DATASET", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// Search this data set, or the features that `hico embed` wrote with the same encoder (.safetensors)
    #[arg(long, value_name = "DATASET|FILE")]
    pub(crate) among: PathBuf,
    /// List this many clips for each
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) count: NonZeroUsize,
    #[command(flatten)]
    pub(crate) looking: LookingArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LookingArgs {
    /// Choose a network of a file that holds several: online, its momentum (EMA) teacher, or a prefix of tensor names
    #[arg(long, value_name = "online|teacher|PREFIX", default_value = "online")]
    pub(crate) weights_of: WeightsOf,
    /// Write one row for each clip or for each frame
    #[arg(long, value_enum, default_value_t = PerArg::Clip)]
    pub(crate) per: PerArg,
    /// Read these features: averages of c5, of all stages or of the pyramid, each also with largest values as stages-mean-max; by default those that a fine-tuned network's head reads, else c5
    #[arg(long, value_name = "FEATURES")]
    pub(crate) features: Option<FeatureSet>,
    /// Read this many frames of each clip, evenly spaced
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) frames_per_clip: NonZeroUsize,
    /// Set the image size in pixels, 32 to 512; that of the training by default, else 224
    #[arg(long, alias = "side", value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(32..=512))]
    pub(crate) image_size: Option<u16>,
    #[command(flatten)]
    pub(crate) taking: TakingArgs,
}

use super::{PerArg, TakingArgs};
use clap::Args;
use hico::model::weights::WeightsOf;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico embed runs/a data --out features.parquet --page plane.html
  hico embed tuned cine.dcm clips/ --per frame --out features.npy
  hico similar runs/a clip.mp4 --among features.safetensors

Rows are averaged C5 of the encoder. By its suffix OUT is .safetensors (a tensor `features`, ids as JSON in the metadata), .npy
(ids beside it as OUT.ids.csv) or .parquet (columns clip, frame, group, label, f0, f1, ...). --page shows the rows on a plane by
t-SNE and by UMAP, coloured by label and by group.")]
pub(crate) struct EmbedArgs {
    /// A folder that `hico pretrain` or `hico finetune` wrote, or a file of weights (.safetensors, .pth)
    #[arg(value_name = "RUN|FILE")]
    pub(crate) encoder: PathBuf,
    /// Data sets, DICOM files, videos, pictures, or folders of them
    #[arg(value_name = "DATASET|FILE|DIR", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// The new file: .safetensors, .npy or .parquet
    #[arg(long, value_name = "FILE")]
    pub(crate) out: PathBuf,
    /// A new HTML page that shows the rows on a plane
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
    /// A folder that `hico pretrain` or `hico finetune` wrote, or a file of weights (.safetensors, .pth)
    #[arg(value_name = "RUN|FILE")]
    pub(crate) encoder: PathBuf,
    /// What to find the like of: DICOM files, videos, pictures, folders of them, or data sets
    #[arg(value_name = "FILE|DIR|DATASET", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// Where to look: a data set, or what `hico embed` made of one by the same encoder (.safetensors)
    #[arg(long, value_name = "DATASET|FILE")]
    pub(crate) among: PathBuf,
    /// Clips to name for each
    #[arg(long, value_name = "N", default_value = "5")]
    pub(crate) count: NonZeroUsize,
    #[command(flatten)]
    pub(crate) looking: LookingArgs,
}

#[derive(Debug, Args)]
pub(crate) struct LookingArgs {
    /// Which network of a file that holds several: online, its momentum (EMA) teacher, or the one whose tensors' names begin so
    #[arg(long, value_name = "online|teacher|PREFIX", default_value = "online")]
    pub(crate) weights_of: WeightsOf,
    /// What a row is about
    #[arg(long, value_enum, default_value_t = PerArg::Clip)]
    pub(crate) per: PerArg,
    /// Frames of a clip, evenly spaced
    #[arg(long, value_name = "N", default_value = "8")]
    pub(crate) frames_per_clip: NonZeroUsize,
    /// Image side in pixels, 32 to 512; that of the training, else 224, if absent
    #[arg(long, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(32..=512))]
    pub(crate) side: Option<u16>,
    #[command(flatten)]
    pub(crate) taking: TakingArgs,
}

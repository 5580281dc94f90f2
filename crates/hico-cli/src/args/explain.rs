use super::TakingArgs;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico explain tuned clip.mp4 --out why
  hico explain tuned cine.dcm --class pneumonia --frames 12 --film --out why

OUT then holds a folder for each clip: explanation.html to look at, explanation.json with the figures, sheet.png, and a picture for
each frame and level; with --film film.gif. Two checks stand beside the maps: how far they agree with what hiding each place
does to the probability, and how far they are those of a network with random weights (then they show the picture and not what was
learnt; Adebayo et al. 2018). A research tool; not for diagnosis.")]
pub(crate) struct ExplainArgs {
    /// A fine-tuned network: its file, or a folder of `hico finetune`
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// DICOM files, videos, pictures, folders of them, or data sets
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// A new folder for the explanations
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// The class to explain; the likeliest of each clip if absent
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,
    /// Frames of a clip to explain, evenly spaced
    #[arg(long, value_name = "N", default_value = "6")]
    pub(crate) frames: NonZeroUsize,
    /// Also write a film of the global level, at most 48 frames, as GIF
    #[arg(long)]
    pub(crate) film: bool,
    #[command(flatten)]
    pub(crate) taking: TakingArgs,
}

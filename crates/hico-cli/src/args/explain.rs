use super::TakingArgs;
use clap::Args;
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico explain tuned clip.mp4 --out why
  hico explain tuned cine.dcm --class pneumonia --frames 12 --gif --out why

OUT then holds a folder for each clip: explanation.html, explanation.json with the figures, sheet.png, and a picture for \
each frame and level; with --gif also animation.gif. Two checks accompany the maps: their rank correlation with an \
occlusion map, and their rank correlation with the maps of a network with random weights. When the second is high, the \
maps show the picture and not what was learnt (Adebayo et al. 2018). A research tool; not for diagnosis.")]
pub(crate) struct ExplainArgs {
    /// Read the fine-tuned network from this file, or folder of `hico finetune`
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Explain these DICOM files, videos, pictures, folders of them, or data sets
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// Write the explanations into this new folder
    #[arg(long, value_name = "OUT")]
    pub(crate) out: PathBuf,
    /// Explain this class; the predicted class of each clip by default
    #[arg(long, value_name = "NAME")]
    pub(crate) class: Option<String>,
    /// Explain this many frames of each clip, evenly spaced
    #[arg(long, value_name = "N", default_value = "6")]
    pub(crate) frames: NonZeroUsize,
    /// Write an animation of the global level as GIF, at most 48 frames
    #[arg(long, alias = "film")]
    pub(crate) gif: bool,
    #[command(flatten)]
    pub(crate) taking: TakingArgs,
}

use super::TakingArgs;
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico predict tuned clip.mp4
  hico predict tuned/hico-fold0-seed1.safetensors cine.dcm clips/ --json > predictions.jsonl
  hico predict tuned cine.dcm --per frame --frame-stride 5 --json | head
  hico predict study cine.dcm        (of `hico crossval --keep-models`: the mean over its networks)

Clips are preprocessed in memory as the training clips of the network were; nothing is written. Confidence is calibrated where validation patients were held out from the fine-tuning. A clip is out-of-distribution when its ood_score is above \
the threshold 1: do not trust its class. With --json each clip (or frame) is printed as one line as soon as it is \
predicted. The exit code is 2 when some files were refused. A research tool; not for diagnosis.")]
pub(crate) struct PredictArgs {
    /// Read the fine-tuned network from this file, or the networks of a folder of `hico finetune` or `hico crossval --keep-models`
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Predict these DICOM files, videos, pictures, folders of them, or data sets
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// Predict each clip or each frame
    #[arg(long, value_enum, default_value_t = PerArg::Clip)]
    pub(crate) per: PerArg,
    /// Read only every Nth frame
    #[arg(long, alias = "every", value_name = "N", default_value = "1")]
    pub(crate) frame_stride: NonZeroUsize,
    #[command(flatten)]
    pub(crate) taking: TakingArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum PerArg {
    /// A whole clip, by the mean over its frames
    Clip,
    /// Every frame
    Frame,
}

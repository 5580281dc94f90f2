use super::TakingArgs;
use clap::{Args, ValueEnum};
use std::num::NonZeroUsize;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico predict tuned clip.mp4
  hico predict tuned/hico-fold0-seed1.safetensors cine.dcm clips/ --json > answers.jsonl
  hico predict tuned cine.dcm --per frame --json | head

Clips are prepared as those that the model learnt from; what has to be decoded lies in a temporary folder that is removed.
Confidence is calibrated on inner validation groups. A clip that is unlike any training clip is called unfamiliar: its
class is then not to be trusted. With --json a line for each clip (or frame) appears as soon as it is known. The exit
code is 2 where some files were refused. A research tool; not for diagnosis.")]
pub(crate) struct PredictArgs {
    /// A fine-tuned network: its file, or a folder of `hico finetune`
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// DICOM files, videos, pictures, folders of them, or data sets
    #[arg(value_name = "FILE|DIR", required = true)]
    pub(crate) sources: Vec<PathBuf>,
    /// What an answer is about
    #[arg(long, value_enum, default_value_t = PerArg::Clip)]
    pub(crate) per: PerArg,
    /// Look at every Nth frame only
    #[arg(long, value_name = "N", default_value = "1")]
    pub(crate) every: NonZeroUsize,
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

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico phantom --out clips
  hico phantom --out clips --patients 60 --frames 24 --side 160 --seed 7 --unlabelled 0.5
  hico ingest clips --labels clips/labels.csv --out data")]
pub(crate) struct PhantomArgs {
    /// Folder to write; new or empty
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Patients, each with one finding and one to three clips
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub(crate) patients: usize,
    /// Frames a clip
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub(crate) frames: usize,
    /// Height and width of a frame, pixels
    #[arg(long, default_value_t = 128, value_name = "PIXELS")]
    pub(crate) side: usize,
    /// Root of every random choice
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Share of the clips without a label, 0 to 1
    #[arg(long, default_value_t = 0.0, value_name = "SHARE")]
    pub(crate) unlabelled: f64,
}

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico phantom --out clips
  hico phantom --out clips --patients 60 --frames 24 --image-size 160 --seed 7 --unlabelled 0.5
  hico ingest clips --labels clips/labels.csv --out data")]
pub(crate) struct PhantomArgs {
    /// Write the clips into this new or empty folder
    #[arg(long, value_name = "DIR")]
    pub(crate) out: PathBuf,
    /// Generate this many patients, each with one finding and one to three clips
    #[arg(long, default_value_t = 30, value_name = "N")]
    pub(crate) patients: usize,
    /// Generate this many frames for each clip
    #[arg(long, default_value_t = 16, value_name = "N")]
    pub(crate) frames: usize,
    /// Make the clips with this many devices, each clip with one of them
    #[arg(long, default_value_t = 6, value_name = "N")]
    pub(crate) devices: usize,
    /// Set height and width of a frame in pixels
    #[arg(long, alias = "side", default_value_t = 128, value_name = "PIXELS")]
    pub(crate) image_size: usize,
    /// Set the random seed
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub(crate) seed: u64,
    /// Leave this fraction of the clips without a label, 0 to 1
    #[arg(long, default_value_t = 0.0, value_name = "FRACTION")]
    pub(crate) unlabelled: f64,
}

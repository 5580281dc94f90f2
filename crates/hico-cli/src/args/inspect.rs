use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
The contact sheet is a PNG picture with frames of some clips of every class, each with its name. Without --sheet it is
contact-sheet.png inside the data set and is written anew each time.

Examples:
  hico inspect data
  hico inspect data --rows --no-sheet
  hico inspect data --sheet sheet.png --clips 100 --frames 5 --side 80")]
pub(crate) struct InspectArgs {
    /// The data set
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// Print a line for every clip, too
    #[arg(long)]
    pub(crate) rows: bool,
    /// Where to write the contact sheet
    #[arg(long, value_name = "FILE.png")]
    pub(crate) sheet: Option<PathBuf>,
    /// Write no contact sheet
    #[arg(long, conflicts_with_all = ["sheet", "clips", "frames", "side", "force"])]
    pub(crate) no_sheet: bool,
    /// Clips on the sheet, at most; the classes share them evenly
    #[arg(long, default_value_t = 48, value_name = "N")]
    pub(crate) clips: usize,
    /// Frames of a clip on the sheet, evenly spaced from the first to the last
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) frames: u16,
    /// Longest side of a frame on the sheet, pixels
    #[arg(long, default_value_t = 112, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(16..=1024))]
    pub(crate) side: u16,
    /// Write over a --sheet that exists
    #[arg(long, requires = "sheet")]
    pub(crate) force: bool,
}

use clap::Args;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico inspect data
  hico inspect data --rows --no-sheet
  hico inspect data --sheet sheet.png --clips 100 --frames 5 --image-size 80

The contact sheet is a PNG picture with frames of some clips of every class, each with its name. Without --sheet it is \
contact-sheet.png inside the data set and is written anew each time.")]
pub(crate) struct InspectArgs {
    /// Read this data set
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// Print a line for every clip, too; a summary only by default
    #[arg(long)]
    pub(crate) rows: bool,
    /// Write the contact sheet to this file; contact-sheet.png inside the data set by default
    #[arg(long, value_name = "FILE.png", help_heading = SHEET)]
    pub(crate) sheet: Option<PathBuf>,
    /// Write no contact sheet
    #[arg(long, conflicts_with_all = ["sheet", "clips", "frames", "image_size", "force"], help_heading = SHEET)]
    pub(crate) no_sheet: bool,
    /// Draw at most this many clips, the same number of each class
    #[arg(long, default_value_t = 48, value_name = "N", help_heading = SHEET)]
    pub(crate) clips: usize,
    /// Draw this many frames of each clip, evenly spaced from the first to the last
    #[arg(long, help_heading = SHEET, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=100))]
    pub(crate) frames: u16,
    /// Set the longer edge of a frame on the sheet in pixels
    #[arg(long, alias = "side", help_heading = SHEET, default_value_t = 112, value_name = "PIXELS", value_parser = clap::value_parser!(u16).range(16..=1024))]
    pub(crate) image_size: u16,
    /// Overwrite the file of --sheet if it exists
    #[arg(long, requires = "sheet", help_heading = SHEET)]
    pub(crate) force: bool,
}

const SHEET: &str = "Contact sheet";

use super::label_table::LABELS;
use super::{LabelTableArgs, LimitArgs, StillsArg};
use clap::{Args, ValueEnum};
use hico_data::ingest::PatientPattern;
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico ingest clips --labels clips/labels.csv --out data
  hico ingest clips --labels table.csv --file-column video --label-column diagnosis --patient-column case --out data
  hico ingest dicom --sector mask --sector-sheet before-after.png --out data
  hico ingest chest_xray --layout image-folder --patient-in-name 'person*_' --no-folds --out data

docs/DATA.md has the commands for published data sets (US-4, POCUS, EchoNet-Dynamic, COVID-BLUES and others).

The labels table is a CSV with one row for each clip. Without the column flags, columns are found by their common names \
(file, label, patient, group, fold). An empty label, or a word like nan, NA, none or unknown, means unlabelled; \
--keep-word makes such a word a class. Where no group is given, the patient is the group; where no patient is given, \
each clip is its own group. File names may lack their suffix. A column split with the words train, val and test becomes \
folds 0, 1 and 2. A table with a patient but no file has one row for each patient, and needs --patient-in-name.

DICOM files are found by their content. Names, dates and free text of their headers are never kept. Where the labels \
name no patient, the patient id of the header (or the study id) is pseudonymised with a salted hash. The paths of DICOM \
files are pseudonymised too, because export programs put names into them. The salt and the list of paths are stored \
beside the data set, in DATASET.salt and DATASET.sources.csv: keep them secret. Later ingests into the same data set \
need the salt.

Burned-in text stays in the frames unless --sector mask blackens everything outside the insonated region. That region is \
found by motion, within the regions that the DICOM header states; text over tissue stays. A clip in which no region is \
found, or whose region fills the frame, is left as it is. --text paint blackens rows of letters outside the region, and \
everywhere in such clips. The column steps of clips.csv lists the preprocessing of each clip. Check --sector-sheet before \
you trust it, and check what `hico audit --phi` finds in the files and in the data set.

After an interruption the same command continues. Exit code: 0 when every clip was ingested, 2 when some were refused, \
1 when none could be.")]
pub(crate) struct IngestArgs {
    /// Read DICOM files, videos, GIFs and folders of frames from this folder
    #[arg(value_name = "SRC")]
    pub(crate) source: PathBuf,
    /// Write the data set into this folder: new, or an interrupted ingest
    #[arg(long, value_name = "DATASET")]
    pub(crate) out: PathBuf,
    /// Read labels, patients, groups and folds from this CSV table
    #[arg(long, value_name = "FILE.csv", help_heading = LABELS)]
    pub(crate) labels: Option<PathBuf>,
    #[command(flatten)]
    pub(crate) table: LabelTableArgs,
    /// Read the patient id from file names: * stands for the id, as in patient_*_; a pattern with / matches the whole path
    #[arg(long, value_name = "PATTERN", help_heading = LABELS)]
    pub(crate) patient_in_name: Option<PatientPattern>,
    /// Ignore the folds that the labels or the folders state; kept by default
    #[arg(long, help_heading = LABELS)]
    pub(crate) no_folds: bool,
    /// Choose the layout of the folders
    #[arg(long, value_enum, default_value_t = LayoutArg::Auto, help_heading = LAYOUT)]
    pub(crate) layout: LayoutArg,
    /// Map prefixes of folder names to classes, for --layout uscl: us4, butterfly, clust, liver, lusms, or a CSV with the
    /// columns prefix and label; us4 by default
    #[arg(long, value_name = "NAME|FILE.csv", help_heading = LAYOUT)]
    pub(crate) label_map: Option<PathBuf>,
    /// Name the classes 0, 1, ... of pickles; their numbers by default
    #[arg(long, value_name = "NAME,NAME,..", value_delimiter = ',', help_heading = LAYOUT)]
    pub(crate) classes: Vec<String>,
    /// Swap rows and columns of the pictures in pickles, as USCL's scripts wrote them; check with `hico inspect`
    #[arg(long, help_heading = LAYOUT)]
    pub(crate) transpose: bool,
    /// Treat a folder of pictures as one clip or each picture as a clip; clip by default, but each with --layout
    /// image-folder, or where the labels table names different patients for pictures of one folder
    #[arg(long, value_enum, help_heading = LAYOUT)]
    pub(crate) stills: Option<StillsArg>,
    /// Follow symbolic links; a file that is reached twice is ingested once
    #[arg(long, help_heading = LAYOUT)]
    pub(crate) follow_links: bool,
    /// Ingest pictures that are masks of others, by name (x_mask.png beside x.png) or by a column mask; skipped by default
    #[arg(long, help_heading = LAYOUT)]
    pub(crate) keep_masks: bool,
    /// Set height and width of the stored frames in pixels; 0 keeps their size
    #[arg(long, alias = "side", default_value_t = 256, value_name = "PIXELS", help_heading = FRAMES)]
    pub(crate) image_size: usize,
    /// Choose how a frame is resized to the image size
    #[arg(long, value_enum, default_value_t = FitArg::Squash, help_heading = FRAMES)]
    pub(crate) fit: FitArg,
    /// Crop to the insonated region or mask everything else; anything but off decodes each clip twice
    #[arg(long, value_enum, default_value_t = SectorArg::Off, help_heading = FRAMES)]
    pub(crate) sector: SectorArg,
    /// Choose what happens to burned-in text; anything but keep decodes each clip twice
    #[arg(long, value_enum, default_value_t = TextArg::Keep, help_heading = FRAMES)]
    pub(crate) text: TextArg,
    /// Draw up to 200 of the ingested clips before (with the outline) and after; shows burned-in text
    #[arg(long, value_name = "FILE.png", help_heading = FRAMES)]
    pub(crate) sector_sheet: Option<PathBuf>,
    /// Use this salt to pseudonymise patients and paths of DICOM files; random by default. The same salt gives the same
    /// pseudonyms
    #[arg(long, value_name = "TEXT", env = "HICO_SALT", hide_env_values = true, conflicts_with = "keep_ids", help_heading = PRIVACY)]
    pub(crate) salt: Option<String>,
    /// Keep patient ids and the paths of DICOM files as they are; pseudonymised by default
    #[arg(long, help_heading = PRIVACY)]
    pub(crate) keep_ids: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

const LAYOUT: &str = "Layout of the source";
const FRAMES: &str = "Frames";
const PRIVACY: &str = "Privacy";

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    /// Detect and report it: pickles where there is nothing else, uscl where every clip is a folder of frames named as in US-4, else
    /// plain; plain with a labels table
    Auto,
    /// Folder names are not labels
    Plain,
    /// One folder for each clip, whose name begins with its class
    Uscl,
    /// One folder for each class, optionally below train, val and test, which become folds 0, 1 and 2; every picture is a clip
    ImageFolder,
    /// Pictures and labels in pickles of NumPy arrays, read and never executed; every picture is a clip, other files are skipped
    Pickles,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FitArg {
    /// Height and width both become the image size
    Squash,
    /// The longer one becomes the image size, the aspect ratio stays
    Keep,
    /// As keep, then centred on a black square
    Pad,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum TextArg {
    /// It stays; no search is made
    Keep,
    /// Rows of letters outside the insonated region become black, or anywhere where no region is found
    Paint,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SectorArg {
    /// Frames stay as they are
    Off,
    /// Frames are cropped to the bounding rectangle of the region
    Crop,
    /// Everything outside the region becomes black
    Mask,
    /// Both
    CropAndMask,
}

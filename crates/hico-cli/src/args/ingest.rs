use super::LimitArgs;
use clap::{Args, ValueEnum};
use hico_data::ingest::{Cuts, PatientPattern, Stills};
use std::path::PathBuf;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico ingest clips --labels clips/labels.csv --out data
  hico ingest clips --labels table.csv --file-column video --label-column diagnosis --patient-column case --out data
  hico ingest clips --out data --side 128 --fit keep
  hico ingest dicom --out data
  hico ingest US-4 --label-map us4 --out data
  hico ingest chest_xray --layout image-folder --patient-in-name 'person*_' --no-folds --out data
  hico ingest covid_5_fold --classes covid19,pneumonia,regular --transpose --out data
  hico ingest EchoNet-Dynamic --labels EchoNet-Dynamic/FileList.csv --label-column EF --label-cuts 40,50 --out data
  hico ingest COVID-BLUES --labels COVID-BLUES/severity.csv --label-column 'Severity Score' --patient-in-name 'patient_*_' --out data

The labels table is a CSV with one row a clip. Without the column flags its columns are found by their obvious names (file, label,
patient, group, fold). An empty label, or a word like nan, NA, none or unknown, means unlabelled; --keep-word makes a class of one. Without a group the patient is the group, without a patient the clip itself. Names of files may lack
their suffix. A column split with the words train, val and test makes the folds 0, 1 and 2. A table with a patient and no file has a
row a patient, and needs --patient-in-name.

DICOM files are found by their content. Names, dates and free text of their headers are never kept. Where the labels name no
patient, the patient's id (else the study's) counts, as a salted hash; the paths of DICOM files are hashed too, since export
programs put names into them. The salt and the list of paths are beside the data set, in DATASET.salt and DATASET.sources.csv:
keep them to yourself. Later ingests into the same data set need the salt. Words burned into the pictures stay, unless --sector
masks what lies outside the insonated region: it is found by what moves, looked for in the regions that DICOM files state, and
words over the tissue stay. A clip without one, or that it fills, is left alone; --text paint blackens rows of letters outside
of it, and there too. The column done says what was done to each clip; look at --sector-sheet before you trust it, and at what
`hico audit --phi` finds in the files and in the data set.

Interrupted, the same command goes on where it was. Exit code: 0 every clip was taken in, 2 some were refused, 1 nothing could be done.")]
pub(crate) struct IngestArgs {
    /// Folder with DICOM files, videos, GIFs and folders of frames
    #[arg(value_name = "SRC")]
    pub(crate) source: PathBuf,
    /// The data set to write; a new folder, or an ingest to go on with
    #[arg(long, value_name = "DATASET")]
    pub(crate) out: PathBuf,
    /// Table of labels, patients, groups and folds
    #[arg(long, value_name = "FILE.csv")]
    pub(crate) labels: Option<PathBuf>,
    /// Column that names the file
    #[arg(long, value_name = "NAME", requires = "labels")]
    pub(crate) file_column: Option<String>,
    /// Column of the class
    #[arg(long, value_name = "NAME", requires = "labels")]
    pub(crate) label_column: Option<String>,
    /// Column of the patient
    #[arg(long, value_name = "NAME", requires = "labels")]
    pub(crate) patient_column: Option<String>,
    /// Column of the unit of every split
    #[arg(long, value_name = "NAME", requires = "labels")]
    pub(crate) group_column: Option<String>,
    /// Column of the fold
    #[arg(long, value_name = "NAME", requires = "labels")]
    pub(crate) fold_column: Option<String>,
    /// Thresholds that make classes of a column of numbers: 40,50 makes three
    #[arg(long, value_name = "N,N,..", requires = "labels")]
    pub(crate) label_cuts: Option<Cuts>,
    /// What the paths of the table begin with that stands for SRC, where its folders are called otherwise here; may be given twice
    #[arg(long, value_name = "PATH", requires = "labels")]
    pub(crate) labels_root: Vec<String>,
    /// Words that are classes, patients or groups although they usually stand for none, as NA and unknown
    #[arg(long, value_name = "WORD,WORD,..", value_delimiter = ',', allow_hyphen_values = true)]
    pub(crate) keep_word: Vec<String>,
    /// Where the names of files tell the patient: * stands for the id, as in patient_*_; with a / the whole path is looked at
    #[arg(long, value_name = "PATTERN")]
    pub(crate) patient_in_name: Option<PatientPattern>,
    /// Leave out the folds that the labels or the tree state
    #[arg(long)]
    pub(crate) no_folds: bool,
    /// How the tree is laid out
    #[arg(long, value_enum, default_value_t = LayoutArg::Auto)]
    pub(crate) layout: LayoutArg,
    /// Which first letters of a folder's name mean which class, for --layout uscl: us4, butterfly, clust, liver, lusms, or a CSV with the
    /// columns prefix and label; us4 if absent
    #[arg(long, value_name = "NAME|FILE.csv")]
    pub(crate) label_map: Option<PathBuf>,
    /// Names of the classes 0, 1, ... of pickles
    #[arg(long, value_name = "NAME,NAME,..", value_delimiter = ',')]
    pub(crate) classes: Vec<String>,
    /// Swap rows and columns of the pictures in pickles: USCL's scripts wrote them swapped; look at hico inspect --sheet
    #[arg(long)]
    pub(crate) transpose: bool,
    /// Side of the stored frames, pixels; 0 keeps their size
    #[arg(long, default_value_t = 256, value_name = "PIXELS")]
    pub(crate) side: usize,
    /// How a frame fills the side
    #[arg(long, value_enum, default_value_t = FitArg::Squash)]
    pub(crate) fit: FitArg,
    /// What a folder of pictures is; if absent a clip, but each with --layout image-folder, or where the labels table names
    /// different patients for pictures of one folder
    #[arg(long, value_enum)]
    pub(crate) stills: Option<StillsArg>,
    /// Follow symbolic links; what is reached twice is taken in once
    #[arg(long)]
    pub(crate) follow_links: bool,
    /// Take in pictures that are masks of others by name (x_mask.png beside x.png) or by a column mask, instead of leaving them out
    #[arg(long)]
    pub(crate) keep_masks: bool,
    /// What is done with the insonated region; anything but off decodes each clip twice
    #[arg(long, value_enum, default_value_t = SectorArg::Off)]
    pub(crate) sector: SectorArg,
    /// What is done with text that is burned in; anything but keep decodes each clip twice
    #[arg(long, value_enum, default_value_t = TextArg::Keep)]
    pub(crate) text: TextArg,
    /// Draw the clips taken in now, 200 at most, before (with the outline found) and after; shows what is burned in
    #[arg(long, value_name = "FILE.png")]
    pub(crate) sector_sheet: Option<PathBuf>,
    /// Salt of the hashes that stand for patients and paths of DICOM files, instead of a random one; the same salt gives the same hashes
    #[arg(long, value_name = "TEXT", env = "HICO_SALT", hide_env_values = true, conflicts_with = "keep_ids")]
    pub(crate) salt: Option<String>,
    /// Write patients' ids and the paths of DICOM files as they are
    #[arg(long)]
    pub(crate) keep_ids: bool,
    #[command(flatten)]
    pub(crate) limits: LimitArgs,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub(crate) enum LayoutArg {
    /// Found out, and told: pickles where there is nothing else, uscl where every clip is a folder of frames named as in US-4, else
    /// plain; plain with a labels table
    Auto,
    /// Names of folders tell no label
    Plain,
    /// A folder a clip, whose name begins with its class
    Uscl,
    /// A folder a class, perhaps below train, val and test, which become the folds 0, 1 and 2; every picture is a clip
    ImageFolder,
    /// Pictures and labels in pickles of numpy arrays, read and never executed; every picture is a clip, all else is left out
    Pickles,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum FitArg {
    /// Height and width both become the side
    Squash,
    /// The longer one becomes the side, the aspect stays
    Keep,
    /// As keep, then centred on a black square
    Pad,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum StillsArg {
    /// One clip, its frames in natural order of their names
    Clip,
    /// Every picture is a clip of one frame
    Each,
}

impl From<StillsArg> for Stills {
    fn from(stills: StillsArg) -> Self {
        match stills {
            StillsArg::Clip => Self::Clip,
            StillsArg::Each => Self::Each,
        }
    }
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum TextArg {
    /// Nothing; it is not even looked for
    Keep,
    /// Rows of letters outside the insonated region become black, or anywhere where no region is found
    Paint,
}

#[derive(Debug, Clone, Copy, ValueEnum)]
pub(crate) enum SectorArg {
    /// Nothing
    Off,
    /// Frames are cut to its bounding rectangle
    Crop,
    /// What lies outside it becomes black
    Mask,
    /// Both
    CropAndMask,
}

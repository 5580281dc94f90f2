use clap::Args;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  hico audit data --html audit.html
  hico audit pretraining test --html audit.html --strict
  hico audit clips --phi --html phi.html --sheet phi.png
  hico --json audit data | jq '.pairs[] | select(.relation == \"across_folds\")'

The audit finds duplicate clips (re-encoded, rescaled, mirrored, cropped by up to about a tenth, trimmed, or two \
recordings of one view) in two groups, folds or data sets, or with two labels; groups and patients in two folds or data \
sets; blank, static and saturated clips; and confounders: how well size, frame rate, tint, source and file type alone \
predict the label.

Every OTHER is compared with DATASET: give the pretraining set first and the test set after it. --fix writes a proposal \
into DATASET/audit: groups.csv (merged groups) and exclude.csv (clips to leave out). Read and edit them; --apply then \
applies them to clips.csv and keeps the old table as clips.before-audit.csv. Frames are never deleted. groups.csv also \
serves as --labels of `hico ingest`.

--phi searches for burned-in text and for DICOM header elements that may identify a person. DATASET may then be a folder \
of DICOM files, videos and pictures, or one file; nothing is written but the files that you name. Letters are found, not \
read, and of a header only the names of its filled elements are reported. The page and the sheet show burned-in text: \
keep them to yourself. A clip that is not suspected may still hold text: check it by eye.

Exit code: 0 when the audit was made, whatever it found; with --strict, 3 when a clip, group or patient is duplicated \
across folds or data sets or has two labels, and with --phi when a clip is suspected, could not be read or has a header \
that identifies; 1 when no audit could be made; 130 when interrupted.")]
pub(crate) struct AuditArgs {
    /// Audit this data set; with --phi also a folder of clips, or one file
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// Compare it with these data sets, which should have no patient in common with it
    #[arg(value_name = "OTHER")]
    pub(crate) others: Vec<PathBuf>,
    /// Write one HTML page that shows the clips of each pair next to each other
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    /// Overwrite an existing page or proposal; an error by default
    #[arg(long)]
    pub(crate) force: bool,
    /// Exit with code 3 when leakage is found, or with --phi when any clip is suspected; 0 by default
    #[arg(long)]
    pub(crate) strict: bool,
    /// Find a clip in another with at least this similarity to report a duplicate, above 0 to 1
    #[arg(long, alias = "copy", value_name = "THRESHOLD", default_value_t = 0.93, value_parser = fraction::<f32>, help_heading = DUPLICATES)]
    pub(crate) duplicate_threshold: f32,
    /// Match two clips with at least this similarity to report the same view, above 0 to 1
    #[arg(long, alias = "same-view", value_name = "THRESHOLD", default_value_t = 0.73, value_parser = fraction::<f32>, help_heading = DUPLICATES)]
    pub(crate) same_view_threshold: f32,
    /// Skip the measurement of confounders; measured by default
    #[arg(long, alias = "no-confounds", help_heading = DUPLICATES)]
    pub(crate) no_confounders: bool,
    /// Write a proposal (merged groups and clips to leave out) into DATASET/audit
    #[arg(long, help_heading = PROPOSAL)]
    pub(crate) fix: bool,
    /// Apply the proposal as it now is, and make no audit
    #[arg(long, conflicts_with_all = ["others", "html", "fix", "force", "strict", "no_confounders", "duplicate_threshold", "same_view_threshold", "phi", "sheet"], help_heading = PROPOSAL)]
    pub(crate) apply: bool,
    /// Search only for burned-in text and for headers that identify a person
    #[arg(long, conflicts_with_all = ["others", "fix", "no_confounders", "duplicate_threshold", "same_view_threshold"], help_heading = PHI)]
    pub(crate) phi: bool,
    /// Suspect a clip when a row of letters has at least this probability, above 0 to 1
    #[arg(long, alias = "phi-score", value_name = "THRESHOLD", default_value_t = 0.15, value_parser = fraction::<f64>, requires = "phi", help_heading = PHI)]
    pub(crate) phi_threshold: f64,
    /// Draw up to 120 suspected clips, with a box around every row of letters
    #[arg(long, value_name = "FILE.png", requires = "phi", help_heading = PHI)]
    pub(crate) sheet: Option<PathBuf>,
    /// Follow symbolic links in a folder; a file that is reached twice is searched once
    #[arg(long, requires = "phi", help_heading = PHI)]
    pub(crate) follow_links: bool,
    /// Skip clips that take longer to decode than this many seconds; 600 by default
    #[arg(long, value_name = "SECONDS", requires = "phi", value_parser = clap::value_parser!(u64).range(1..), help_heading = PHI)]
    pub(crate) max_seconds: Option<u64>,
}

const DUPLICATES: &str = "Leakage and confounders";
const PROPOSAL: &str = "Proposal";
const PHI: &str = "Burned-in text and headers";

fn fraction<T: FromStr + PartialOrd + From<u8>>(text: &str) -> Result<T, String> {
    let fraction: T = text.parse().map_err(|_| "not a number".to_owned())?;
    if fraction > T::from(0) && fraction <= T::from(1) {
        Ok(fraction)
    } else {
        Err("must be above 0 and at most 1".to_owned())
    }
}

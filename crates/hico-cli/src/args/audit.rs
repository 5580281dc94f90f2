use clap::Args;
use std::path::PathBuf;
use std::str::FromStr;

#[derive(Debug, Args)]
#[command(after_help = "\
Looked for are clips that show the same (re-encoded, rescaled, mirrored, cropped by up to about a
tenth, cut in time, or filmed twice from one place) in two groups, folds or data sets, or with two
labels; groups and patients on two sides; blank, static and saturated clips; and confounds: how
well the label is told from size, frame rate, tint, source and file type alone.

Every OTHER is held against DATASET: give the pretraining set first and the test set after it.
--fix writes a proposal into DATASET/audit: groups.csv (merged groups) and exclude.csv (clips to
leave out). Read and change them; --apply then puts them into clips.csv and keeps the old table as
clips.before-audit.csv. Frames are never deleted. groups.csv also serves as --labels of `hico
ingest`.

--phi looks for something else: text that is burned into frames, and elements of DICOM headers that
may tell whose pictures they are. DATASET may then be a folder of DICOM files, videos and pictures,
or one file; nothing is written but what you name. Letters are found, not read, and of a header
only the names of its filled elements are told. The page and the sheet show what is burned in:
they are for your eyes alone. A clip that is not suspected may still hold text: look at it.

Examples:
  hico audit data --html audit.html
  hico audit clips --phi --html phi.html --sheet phi.png
  hico --json audit clips --phi | jq -r '.clips[] | select(.suspected) | .clip'
  hico audit pretraining test --html audit.html --strict
  hico audit data --fix
  hico audit data --apply
  hico --json audit data | jq '.pairs[] | select(.relation == \"across_folds\")'

Exit code: 0 the audit was made, whatever it found; with --strict 3 if something stands on two
sides or has two labels, and with --phi if a clip is suspected, could not be looked at or has a
header that tells identity; 1 no audit could be made; 130 interrupted.")]
pub(crate) struct AuditArgs {
    /// The data set to audit; with --phi also a folder of clips, or one file
    #[arg(value_name = "DATASET")]
    pub(crate) dataset: PathBuf,
    /// Data sets that should have nothing in common with it
    #[arg(value_name = "OTHER")]
    pub(crate) others: Vec<PathBuf>,
    /// Write one HTML page with the pairs side by side
    #[arg(long, value_name = "FILE.html")]
    pub(crate) html: Option<PathBuf>,
    /// Write a proposal, merged groups and clips to leave out, into DATASET/audit
    #[arg(long)]
    pub(crate) fix: bool,
    /// Put the proposal, as it now is, into effect; no audit is made
    #[arg(long, conflicts_with_all = ["others", "html", "fix", "force", "strict", "no_confounds", "copy", "same_view", "phi", "sheet"])]
    pub(crate) apply: bool,
    /// Write over a page or proposal that exists
    #[arg(long)]
    pub(crate) force: bool,
    /// End with exit code 3 if something stands on two sides or has two labels, or with --phi if anything is suspected
    #[arg(long)]
    pub(crate) strict: bool,
    /// Look for text that is burned into frames and for headers that tell identity, and for nothing else
    #[arg(long, conflicts_with_all = ["others", "fix", "no_confounds", "copy", "same_view"])]
    pub(crate) phi: bool,
    /// How likely a row of letters must be for its clip to be suspected, above 0 to 1
    #[arg(long, value_name = "SCORE", default_value_t = 0.15, value_parser = share::<f64>, requires = "phi")]
    pub(crate) phi_score: f64,
    /// Draw the suspected clips, 120 at most, with a box around every row of letters
    #[arg(long, value_name = "FILE.png", requires = "phi")]
    pub(crate) sheet: Option<PathBuf>,
    /// With --phi, follow symbolic links in a folder; what is reached twice is looked at once
    #[arg(long, requires = "phi")]
    pub(crate) follow_links: bool,
    /// With --phi, do not look at clips that take longer to decode, 600 if absent
    #[arg(long, value_name = "SECONDS", requires = "phi", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) max_seconds: Option<u64>,
    /// Do not measure confounds
    #[arg(long)]
    pub(crate) no_confounds: bool,
    /// How well one clip must be found in another to be called its copy, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.93, value_parser = share::<f32>)]
    pub(crate) copy: f32,
    /// How well two clips must agree to be called the same view, 0 to 1
    #[arg(long, value_name = "SHARE", default_value_t = 0.73, value_parser = share::<f32>)]
    pub(crate) same_view: f32,
}

fn share<T: FromStr + PartialOrd + From<u8>>(text: &str) -> Result<T, String> {
    let share: T = text.parse().map_err(|_| "not a number".to_owned())?;
    if share > T::from(0) && share <= T::from(1) { Ok(share) } else { Err("must be above 0 and at most 1".to_owned()) }
}

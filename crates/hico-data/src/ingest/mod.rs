//! From files on a disk to a data set: [`ingest`].
//!
//! What a file is, its content decides, not its suffix. One bad clip is refused with its reason and the others go on.
//! The work is done in parallel and written in order, so the same files give the same bytes whatever the number of
//! threads; killed at any moment and started again, it goes on after the last clips that were written down, at most a
//! second or a clip ago.

mod bins;
mod identity;
mod links;
mod placeholder;
pub mod labels;
mod label_map;
mod refusal;
mod pool;
mod suffixes;
mod finder;
mod matching;
mod patient_name;
mod told;
mod patient_ref;
mod frames;
mod naming;
mod walk;
mod hash;
pub mod journal;
mod notes;
#[cfg(feature = "pickle")]
mod pickle_shelf;
mod layout;
mod plan;
mod prepare;
mod files;
pub(crate) mod survey;
mod take_in;
mod session;
mod relabel;

pub use crate::error::Rows;
pub use bins::{LabelBins, LabelBinsError};
pub use files::{PrepareOptions, prepare_files};
pub use frames::{GREY_TOLERANCE, PreparedClip};
#[cfg(feature = "pickle")]
pub use hico_io::pickle::Axes;
pub use hico_io::{Damaged, Limits, Programs, Readers};
pub use identity::Identity;
pub use label_map::{LabelMap, LabelMapError};
pub use labels::{Column, Columns, Folds, PlaceholderCells};
pub use layout::Layout;
pub use links::{Links, left as links_left};
pub use notes::{ClipNote, sentences};
pub use patient_name::{PatientPattern, PatternError};
pub use patient_ref::NamedBy;
#[cfg(feature = "pickle")]
pub use pickle_shelf::Pickles;
pub use placeholder::KeptWords;
pub(crate) use placeholder::is_unlabelled;
pub use refusal::Refusal;
pub use relabel::{Changes, RelabelOptions, RelabelReport, Unnamed, relabel};
pub use survey::look;
pub use walk::{Masks, Stills};

use crate::error::Error;
use crate::job::Job;
use crate::manifest::Manifest;
use crate::preprocessing::Preprocessing;
use crate::spelling;
use crate::split::check_folds;
use journal::IngestEntry;
use plan::Plan;
use serde::Serialize;
use session::IngestSession;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// How to take clips in.
#[derive(Debug, Clone)]
pub struct IngestOptions {
    /// What is stored of the frames.
    pub preprocessing: Preprocessing,
    /// What a folder of pictures is; where it is left open, each picture is a clip with [`Layout::ImageFolder`], and where the
    /// labels table names different patients for the pictures of folders.
    pub stills: Option<Stills>,
    /// What is done with symbolic links.
    pub links: Links,
    /// What a picture is whose name says that it is the mask of another one.
    pub masks: Masks,
    /// Words that are classes, patients or groups although they usually stand for nothing, as `NA`.
    pub kept_words: KeptWords,
    /// What the paths of the labels table may begin with that stands for the source folder.
    pub labels_roots: Vec<String>,
    /// Where to draw every clip that is taken in before and after, at most [`LARGEST_SHEET`]; with `Off` only where its
    /// region would be. The picture shows what is burned in.
    ///
    /// [`LARGEST_SHEET`]: crate::sector_sheet::LARGEST_SHEET
    pub sector_sheet: Option<PathBuf>,
    /// What is kept of a video whose decoder complains.
    pub damaged: Damaged,
    /// What a clip may cost.
    pub limits: Limits,
    /// The labels table, and how its columns are found.
    pub labels: Option<(PathBuf, Columns)>,
    /// How the tree is laid out; what the labels table says outweighs what names of folders tell.
    pub layout: Layout,
    /// Whether the folds count that the labels or the tree state.
    pub folds: Folds,
    /// Where the names of files tell the patient, for clips whose labels tell none. DICOM files are left out: their header
    /// tells it, and what their names tell is hidden.
    pub patient_in_name: Option<PatientPattern>,
    /// What becomes of patients' ids and of the paths of DICOM files.
    pub identity: Identity,
    /// The programs that decode videos.
    pub programs: Programs,
    /// The readers that files are given to; those of your own are added with [`Readers::with`].
    pub readers: Readers,
}

impl Default for IngestOptions {
    fn default() -> Self {
        Self {
            preprocessing: Preprocessing::resized(256),
            stills: None,
            links: Links::default(),
            masks: Masks::default(),
            kept_words: KeptWords::default(),
            labels_roots: Vec::new(),
            sector_sheet: None,
            damaged: Damaged::default(),
            limits: Limits::default(),
            labels: None,
            layout: Layout::default(),
            folds: Folds::default(),
            patient_in_name: None,
            identity: Identity::default(),
            programs: Programs::default(),
            readers: Readers::default(),
        }
    }
}

impl IngestOptions {
    /// How each candidate is prepared.
    const fn preparing(&self) -> prepare::Preparing {
        prepare::Preparing { preprocessing: self.preprocessing, draws_pair: self.sector_sheet.is_some() }
    }
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct IngestReport {
    /// The table of the data set, as it now is.
    #[serde(skip)]
    pub manifest: Manifest,
    /// Clips in the data set.
    pub clips: usize,
    /// Frames in the data set.
    pub frames: usize,
    /// Clips that an earlier sessions had stored.
    pub kept: usize,
    /// Clips that were refused.
    pub refused: Vec<RefusedClip>,
    /// Files that are neither videos nor pictures and that nothing promised to be, pictures beside videos, and DICOMDIRs.
    pub ignored: Vec<String>,
    /// Clips with a label.
    pub labelled: usize,
    /// Clips without a label.
    pub unlabelled: usize,
    /// Patients that are named.
    pub patients: usize,
    /// Groups, the unit of every split.
    pub groups: usize,
    /// Links that were not followed.
    pub links: usize,
    /// Their paths relative to the source folder.
    pub links_left: Vec<String>,
    /// Pictures that are masks of others, and no clips.
    pub masks: Vec<String>,
    /// What was recognised, and what was made of it.
    pub notes: Vec<String>,
    /// What the readers tell of single clips.
    pub clip_notes: Vec<ClipNote>,
    /// Columns that were read from the labels table.
    pub columns: Option<labels::UsedColumns>,
    /// Rows of the labels table.
    pub rows: usize,
    /// Cells of the labels table that hold a word for having no value.
    pub placeholders: Vec<PlaceholderCells>,
    /// Rows of the labels table for which there is no file: line and file as written.
    pub unmatched: Vec<(u64, String)>,
    /// Rows of the labels table whose file is behind a link that was not followed: line and file as written.
    pub linked: Vec<(u64, String)>,
    /// Clips without a row in the labels table.
    pub without_row: Vec<String>,
    /// Clips whose names tell no class, where the layout says that they do.
    pub without_class: Vec<String>,
    /// Files beside the data set that tell whose clips they are; for their owner alone.
    pub beside: Vec<PathBuf>,
    /// What a person should look at.
    pub warnings: Vec<String>,
    /// Seconds it took.
    pub seconds: f64,
}

/// A clip that was refused.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RefusedClip {
    /// Path relative to the source folder.
    pub source: String,
    /// Why.
    pub reason: String,
    /// What its owner can do.
    pub hint: String,
    /// Whether it is refused for what it would cost ([`Limits`]), and not for what it is.
    pub beyond_limits: bool,
}

impl RefusedClip {
    fn new(source: String, why: &Refusal) -> Self {
        let (reason, hint, beyond_limits) = (why.to_string(), why.hint().to_owned(), why.is_beyond_limits());
        Self { source, reason, hint, beyond_limits }
    }
}

/// Says why there is nothing to take in.
fn nothing(source: &Path, links: &links::FoundLinks) -> Error {
    match links.left.as_slice() {
        [] => Error::NothingFound(source.to_owned()),
        left => Error::OnlyLinks { path: source.to_owned(), links: left.to_owned() },
    }
}

/// Takes every clip below `source` into the data set `out`.
///
/// Run again with the same options it goes on where it was interrupted, tries again what was refused, and adds what is
/// new; clips that are in the table stay as they are there.
///
/// - `job`: hears of each candidate, and of those that are refused
///
/// # Errors
/// When nothing can be taken in at all, or it is asked to stop: what is done by then is kept. A clip that cannot be taken in
/// is part of the report.
pub fn ingest(source: &Path, out: &Path, options: &IngestOptions, job: Job<'_>) -> Result<IngestReport, Error> {
    let begin = Instant::now();
    let mut plan = Plan::make(source, out, options)?;
    tracing::info!(candidates = plan.found.len(), seconds = begin.elapsed().as_secs_f64(), "source looked through");
    let mut session = IngestSession::open(out, &mut plan, &options.identity)?;
    let finished = session.run(&plan, options, job);
    // What is stored by then stays, whatever ended the work.
    session.write_sources(&plan, out)?;
    session.write_sheet(options)?;
    finished?;
    let mut report = session.report;
    report.seconds = begin.elapsed().as_secs_f64();
    session.writer.finish()?;
    let refused = report.refused.len();
    report.manifest = session::table(&mut plan, &session.stored, session.table, out)?;
    report.clips = report.manifest.rows.len();
    report.frames = report.manifest.rows.iter().map(|row| row.frames).sum();
    let named = plan.found.iter().map(|found| (found.source.as_str(), found.key.as_str())).collect();
    report.clip_notes = notes::of_clips(&session.stored, &named);
    report.warnings.extend(notes::sentences(&report.clip_notes));
    let distinct = |ids: &mut dyn Iterator<Item = &String>| ids.collect::<BTreeSet<_>>().len();
    let rows = &report.manifest.rows;
    report.labelled = rows.iter().filter(|row| row.label.is_some()).count();
    report.unlabelled = rows.len() - report.labelled;
    report.patients = distinct(&mut rows.iter().filter_map(|row| row.patient.as_ref()));
    report.groups = distinct(&mut rows.iter().map(|row| &row.group));
    report.warnings.extend(spelling::warnings(&report.manifest));
    report.warnings.extend(notes::of_patients(&report.manifest, &session.stored));
    report.warnings.extend(fold_warning(&report.manifest));
    session.journal.append(&[IngestEntry::Finished { clips: report.clips, refused }])?;
    report.seconds = begin.elapsed().as_secs_f64();
    let IngestReport { clips, frames, kept, seconds, .. } = report;
    tracing::info!(clips, frames, kept, refused, seconds, "data set written");
    Ok(report)
}

/// What is wrong with the folds of the table, if it has any.
fn fold_warning(manifest: &Manifest) -> Option<String> {
    match check_folds(manifest) {
        Ok(_) | Err(Error::NoFolds) => None,
        Err(error) => Some(format!("the folds of the labels: {error}")),
    }
}

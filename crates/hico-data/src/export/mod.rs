//! A data set → what other programs read: WebDataset shards, or an `ImageFolder` tree. See [`export()`].
//!
//! Frames are written as PNG, bit for bit as they are stored. Every file appears under its name once it is whole, and the
//! same export into the same folder goes on where it was stopped.

mod names;
mod parts;
mod png;
mod record;
mod shards;
mod tree;

pub use parts::{ExportPart, Parts};
pub use record::RECORD_FILE;
pub use shards::Sample;

use crate::dataset::Dataset;
use crate::error::Error;
use crate::job::Job;
use crate::seed::Seed;
use names::Names;
use rayon::prelude::*;
use record::Record;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

/// Table of what was exported, as `hico ingest --labels` reads it.
pub const LABELS_FILE: &str = "labels.csv";
/// Names of the classes, one a line, in the order of their numbers.
pub const CLASSES_FILE: &str = "classes.txt";

/// What is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// Tar files of samples.
    WebDataset {
        /// What a sample is.
        sample: Sample,
        /// Most bytes of frames in a shard before they are compressed; a larger clip is a shard of its own.
        shard_bytes: u64,
        /// Of the order of the clips: theirs is by name and so by class, and a stream of it would be too.
        seed: u64,
    },
    /// Folders of frames: a folder a class, in it a folder a clip.
    ImageFolder,
}

/// How a data set is exported.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExportOptions {
    /// What is written.
    pub format: Format,
    /// Into which parts it is cut.
    pub parts: Parts,
}

/// What came of it.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct ExportReport {
    /// Clips written, now or before.
    pub clips: usize,
    /// Their frames.
    pub frames: usize,
    /// Shards, or folders of clips.
    pub files: usize,
    /// Those of them that an earlier export had written.
    pub kept: usize,
    /// Clips of each part.
    pub parts: BTreeMap<String, usize>,
    /// Classes, in the order of their numbers.
    pub classes: Vec<String>,
    /// Clips left out for having no label, which an `ImageFolder` has no place for.
    pub unlabelled: usize,
    /// Shards or clips not reached because the work was stopped.
    pub left: usize,
}

/// What is written in one piece: a shard, or the folder of a clip.
struct Piece {
    /// Relative to the folder of the export.
    path: String,
    part: ExportPart,
    /// Indices of its clips.
    clips: Vec<usize>,
}

/// Writes a data set into the folder `out`, which is new, empty, or holds the same export, unfinished.
///
/// The same call goes on where one was stopped.
///
/// - `job`: hears of each piece
///
/// # Errors
/// When the data set cannot be read, a fold that was named has no clip, a group would stand in two parts, `out` cannot
/// be written or holds something else, or it is asked to stop.
pub fn export(data: &Dataset, out: &Path, options: &ExportOptions, job: Job<'_>) -> Result<ExportReport, Error> {
    let names = Names::of(data);
    let parts = options.parts.of(data)?;
    let pieces = match options.format {
        Format::WebDataset { shard_bytes, seed, .. } => shards::pieces(data, &parts, shard_bytes, Seed(seed)),
        Format::ImageFolder => tree::pieces(data, &parts, &names),
    };
    if pieces.is_empty() && !data.is_empty() {
        return Err(Error::Unlabelled);
    }
    Record::of(data, options).begin(out)?;
    let (done, kept) = (AtomicUsize::new(0), AtomicUsize::new(0));
    pieces.par_iter().try_for_each(|piece| {
        job.go_on()?;
        let path = out.join(&piece.path);
        if path.exists() {
            kept.fetch_add(1, Ordering::Relaxed);
        } else {
            let failed = |source| Error::Write { path: path.clone(), source };
            std::fs::create_dir_all(path.parent().unwrap_or(out)).map_err(failed)?;
            match options.format {
                Format::WebDataset { sample, .. } => shards::write(data, &names, sample, piece, &path)?,
                Format::ImageFolder => tree::write(data, piece, &path)?,
            }
        }
        job.at([done.fetch_add(1, Ordering::Relaxed) + 1, pieces.len()], "pieces", "");
        Ok::<(), Error>(())
    })?;
    let written: Vec<usize> = pieces.iter().flat_map(|piece| piece.clips.iter().copied()).collect();
    let mut report = ExportReport {
        clips: written.len(),
        frames: written.iter().map(|clip| data.row(*clip).frames).sum(),
        files: pieces.len(),
        kept: kept.into_inner(),
        classes: data.classes().to_vec(),
        unlabelled: data.len() - written.len(),
        ..ExportReport::default()
    };
    for piece in &pieces {
        *report.parts.entry(piece.part.to_string()).or_default() += piece.clips.len();
    }
    write_tables(data, &names, &pieces, options.format, out)?;
    Ok(report)
}

/// The table and the names of the classes.
fn write_tables(data: &Dataset, names: &Names, pieces: &[Piece], format: Format, out: &Path) -> Result<(), Error> {
    let mut table = csv::Writer::from_writer(Vec::new());
    let mut records = vec![["file", "label", "patient", "group", "fold"].map(str::to_owned)];
    for (piece, clip) in pieces.iter().flat_map(|piece| piece.clips.iter().map(move |clip| (piece, *clip))) {
        let row = data.row(clip);
        let file = match format {
            Format::WebDataset { .. } => names.clip(clip).to_owned(),
            Format::ImageFolder => piece.path.clone(),
        };
        let (label, patient) = (row.label.clone().unwrap_or_default(), row.patient.clone().unwrap_or_default());
        let fold = row.fold.map(|fold| fold.to_string()).unwrap_or_default();
        records.push([file, label, patient, row.group.clone(), fold]);
    }
    records[1..].sort();
    let failed = |path: PathBuf| move |source| Error::Write { path, source };
    let path = out.join(LABELS_FILE);
    for record in &records {
        table.write_record(record).map_err(|error| failed(path.clone())(io::Error::other(error)))?;
    }
    let bytes = table.into_inner().map_err(|error| failed(path.clone())(io::Error::other(error.to_string())))?;
    crate::atomic::write(&path, &bytes).map_err(failed(path.clone()))?;
    let path = out.join(CLASSES_FILE);
    let classes: String = data.classes().iter().map(|class| format!("{class}\n")).collect();
    crate::atomic::write(&path, classes.as_bytes()).map_err(failed(path.clone()))
}

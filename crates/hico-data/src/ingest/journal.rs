//! The record of an ingest, `ingest.jsonl` in the data set: what was asked, and one line a clip as it was done. An ingest
//! that was interrupted goes on from it; a finished one keeps it as its papers.

use super::labels::{Folds, UsedColumns};
use super::patient_ref::NamedBy;
use super::walk::{Masks, Stills};
use crate::clip::Channels;
use crate::error::Error;
use crate::preprocessing::Preprocessing;
use crate::region::Regions;
use crate::steps::Steps;
use crate::store::ShardPlace;
use serde::{Deserialize, Serialize};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// File name of the record inside a data set's folder.
pub const JOURNAL_FILE: &str = "ingest.jsonl";

/// One line of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum IngestEntry {
    /// A session began.
    Start {
        /// Version of the program.
        version: String,
        /// What was asked for.
        settings: Settings,
    },
    /// A clip was stored.
    Clip(ClipEntry),
    /// A clip was refused.
    Refused {
        /// Path relative to the source folder; that of a DICOM file as a hash unless ids are kept.
        source: String,
        /// Why.
        reason: String,
    },
    /// The session ended with a whole data set.
    Finished {
        /// Clips in it.
        clips: usize,
        /// Clips refused.
        refused: usize,
    },
}

/// What decides how clips are stored and labelled; a session with other settings is another data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Settings {
    /// Name of the source folder.
    pub source: String,
    /// What is stored of the frames.
    #[serde(flatten)]
    pub preprocessing: Preprocessing,
    /// What a folder of pictures is.
    pub stills: Stills,
    /// What a picture is whose name says that it is a mask.
    #[serde(default, skip_serializing_if = "Masks::are_left_out")]
    pub masks: Masks,
    /// Words that are names although they usually stand for nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kept_words: Option<String>,
    /// SHA-256 of the labels table.
    pub labels_sha256: Option<String>,
    /// Columns that were read from it.
    pub columns: Option<UsedColumns>,
    /// Where the names of files tell the patient.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient_in_name: Option<String>,
    /// How the tree is laid out, where that tells something.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub layout: Option<String>,
    /// Whether the folds count that the labels or the tree state.
    #[serde(default, skip_serializing_if = "Folds::are_kept")]
    pub folds: Folds,
    /// Whether ids of DICOM files are hashed, and with which salt (its hash); absent while there is no DICOM file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ids: Option<String>,
}

/// A stored clip.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipEntry {
    /// Path relative to the source folder; that of a DICOM file as a hash unless ids are kept.
    pub source: String,
    /// Name of the clip.
    pub clip: String,
    /// SHA-256 of the source.
    pub sha256: String,
    /// Number of frames.
    pub frames: usize,
    /// Height of the stored frames, pixels.
    pub height: usize,
    /// Width of the stored frames, pixels.
    pub width: usize,
    /// Values per stored pixel.
    pub channels: Channels,
    /// Frames a second, where the source states it.
    pub fps: Option<f64>,
    /// Height in the source, pixels.
    pub source_height: usize,
    /// Width in the source, pixels.
    pub source_width: usize,
    /// Mean Rec.601 luma of the first, middle (`n / 2`) and last frame before resizing, 0 to 255; checks a decoder.
    pub luma: [f64; 3],
    /// What was done to the frames. Records of earlier versions call it `done`.
    #[serde(alias = "done")]
    pub steps: Steps,
    /// Where the frames are.
    pub place: ShardPlace,
    /// The patient that a DICOM file names, as a hash unless ids are kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// What tells whose it is.
    #[serde(default, skip_serializing_if = "NamedBy::is_patient")]
    pub named_by: NamedBy,
    /// Height and width of a source pixel, millimetres.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spacing: Option<[f64; 2]>,
    /// Regions of the source picture.
    #[serde(default, skip_serializing_if = "Regions::is_empty")]
    pub regions: Regions,
    /// Facts to be told of it, such as a header that the pixels contradict.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// Reads the record of a data set.
///
/// # Errors
/// When it is missing or broken.
pub fn read(folder: &Path) -> Result<Vec<IngestEntry>, Error> {
    let path = folder.join(JOURNAL_FILE);
    let text = std::fs::read_to_string(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
    Ok(parse(&text, &path)?.0)
}

/// How long a program that is being started may hold open files that are not its own.
const BEGINS: Duration = Duration::from_secs(1);

/// An open record.
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Bytes of whole lines.
    length: u64,
}

impl Journal {
    /// Opens or creates the record, and locks it for as long as it is open; returns what it says so far.
    pub(crate) fn open(folder: &Path) -> Result<(Self, Vec<IngestEntry>), Error> {
        let path = folder.join(JOURNAL_FILE);
        let failed = |source| Error::Io { path: path.clone(), source };
        let mut file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        let began = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => break,
                // A program that is being started holds our open files, and with them the lock of an ingest that has ended,
                // until it has begun.
                Err(TryLockError::WouldBlock) if began.elapsed() < BEGINS => std::thread::sleep(BEGINS / 20),
                Err(TryLockError::WouldBlock) => return Err(Error::JournalBusy(path)),
                // A file system without locks; two sessions at once are the user's own risk there.
                Err(TryLockError::Error(_)) => break,
            }
        }
        let mut text = String::new();
        file.read_to_string(&mut text).map_err(failed)?;
        let (entries, whole) = parse(&text, &path)?;
        // A line cut short was being written when we were killed; what it speaks of does not count.
        file.set_len(whole as u64).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        Ok((Self { file, path, length: whole as u64 }, entries))
    }

    /// Adds lines; they are on the disk when this returns.
    pub(crate) fn append(&mut self, entries: &[IngestEntry]) -> Result<(), Error> {
        let failed = |source| Error::Io { path: self.path.clone(), source };
        let mut lines = String::new();
        for entry in entries {
            lines.push_str(&serde_json::to_string(entry).map_err(|error| failed(error.into()))?);
            lines.push('\n');
        }
        let written = self.file.write_all(lines.as_bytes()).and_then(|()| self.file.sync_data());
        if written.is_err() {
            // Half a line must not stand before what is written next; where that fails too, the next session sees to it.
            self.file.set_len(self.length).and_then(|()| self.file.seek(SeekFrom::Start(self.length))).ok();
            return written.map_err(failed);
        }
        self.length += lines.len() as u64;
        Ok(())
    }
}

/// The entries, and how many bytes of whole lines they take.
fn parse(text: &str, path: &Path) -> Result<(Vec<IngestEntry>, usize), Error> {
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    let lines = text[..whole].lines().enumerate().map(|(line, text)| {
        serde_json::from_str(text).map_err(|error| Error::JournalLine {
            path: path.to_owned(),
            line: line + 1,
            reason: error.to_string(),
        })
    });
    Ok((lines.collect::<Result<_, _>>()?, whole))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(source: &str) -> IngestEntry {
        IngestEntry::Refused { source: source.to_owned(), reason: "empty".to_owned() }
    }

    #[test]
    fn a_line_cut_short_does_not_count_and_the_next_one_takes_its_place() {
        let folder = tempfile::tempdir().unwrap();
        let (mut journal, before) = Journal::open(folder.path()).unwrap();
        assert_eq!(before, []);
        journal.append(&[refused("a"), refused("b")]).unwrap();
        let path = folder.path().join(JOURNAL_FILE);
        let text = std::fs::read_to_string(&path).unwrap();
        drop(journal);
        std::fs::write(&path, &text[..text.len() - 5]).unwrap();
        let (mut journal, before) = Journal::open(folder.path()).unwrap();
        assert_eq!(before, [refused("a")]);
        journal.append(&[refused("c")]).unwrap();
        assert_eq!(read(folder.path()).unwrap(), [refused("a"), refused("c")]);
    }

    #[test]
    fn settings_of_an_earlier_version_are_read_by_their_keys_and_written_by_ours() {
        let earlier = r#"{"source":"clips","side":64,"fit":"squash","stills":"clip","labels_sha256":"00",
            "columns":{"file":"f","label":"EF","patient":null,"group":null,"fold":null,"cuts":"40,50"}}"#;
        let settings: Settings = serde_json::from_str(earlier).unwrap();
        assert_eq!(
            (settings.preprocessing.image_size, settings.columns.as_ref().unwrap().bins.as_deref()),
            (Some(64), Some("40,50"))
        );
        let now = serde_json::to_string(&settings).unwrap();
        assert!(now.contains(r#""image_size":64"#) && now.contains(r#""bins":"40,50""#), "{now}");
        assert_eq!(serde_json::from_str::<Settings>(&now).unwrap(), settings);
    }

    #[test]
    fn two_sittings_at_once_are_refused() {
        let folder = tempfile::tempdir().unwrap();
        let first = Journal::open(folder.path()).unwrap();
        assert!(matches!(Journal::open(folder.path()), Err(Error::JournalBusy(_))));
        drop(first);
        assert!(Journal::open(folder.path()).is_ok());
    }

    #[test]
    fn another_file_of_that_name_is_refused_with_its_line() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(JOURNAL_FILE), "{\"event\":\"nonsense\"}\n").unwrap();
        assert!(matches!(read(folder.path()), Err(Error::JournalLine { line: 1, .. })));
    }
}

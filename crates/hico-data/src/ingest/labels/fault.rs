//! Why a labels table cannot be used.

use crate::ingest::words::plain;
use std::path::PathBuf;

/// Why a labels table cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum LabelError {
    /// It cannot be read.
    #[error("{}: cannot be read: {source}", .path.display())]
    Read {
        /// The table.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// It is no table.
    #[error("{}: {reason}", .path.display())]
    Table {
        /// The table.
        path: PathBuf,
        /// What is wrong, with the line.
        reason: String,
    },
    /// A column is missing.
    #[error("{}: no column {wanted}; it has {}", .path.display(), some(.columns))]
    NoColumn {
        /// The table.
        path: PathBuf,
        /// The column that was looked for.
        wanted: String,
        /// The columns there are.
        columns: Vec<String>,
    },
    /// Its rows are patients, and nothing tells whose the clips are.
    #[error(
        "{}: its rows name patients and no files; say where the patient stands in the names of the files, as in \
         --patient-in-name 'patient_*_', or name the column of the file", .path.display()
    )]
    RowsNamePatients {
        /// The table.
        path: PathBuf,
    },
    /// One cell makes no sense.
    #[error("{}: line {line}: {reason}", .path.display())]
    Cell {
        /// The table.
        path: PathBuf,
        /// The line, from 1.
        line: u64,
        /// What is wrong.
        reason: String,
    },
    /// A row could mean several clips.
    #[error("line {line}: {file:?} could be {first} or {second}")]
    Ambiguous {
        /// The line, from 1.
        line: u64,
        /// As written.
        file: String,
        /// One clip.
        first: String,
        /// Another one.
        second: String,
    },
    /// Two rows say different things of one clip.
    #[error("lines {first} and {second} say different things of {clip}")]
    Contradiction {
        /// The clip.
        clip: String,
        /// One line.
        first: u64,
        /// Another one.
        second: u64,
        /// What the rows name.
        rows: Rows,
    },
    /// A clip without a group belongs to a patient of several groups.
    #[error("{clip} has no group, and its patient {patient} stands in groups {first} and {second}; fill in its group")]
    WhichGroup {
        /// The clip.
        clip: String,
        /// The patient.
        patient: String,
        /// One group.
        first: String,
        /// Another one.
        second: String,
    },
    /// The folds of the table cut through a group.
    #[error(transparent)]
    Fold(#[from] crate::split::SplitError),
}

/// What the rows name that contradict each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rows {
    /// Clips.
    OfClips,
    /// Pictures of folders that are clips.
    OfFrames,
    /// Pictures of different patients, who share folders: no folder is a clip.
    OfPictures,
}

/// The first columns, as they may be told.
fn some(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().take(20).map(|name| plain(name)).collect();
    format!("{}{}", names.join(", "), if columns.len() > 20 { ", ..." } else { "" })
}

//! Which column of a labels table says what: by one of its obvious names, or by the one that is given.

use crate::error::Error;
use crate::ingest::bins::LabelBins;
use crate::ingest::placeholder::KeptWords;
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How a column is found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub enum Column {
    /// By one of its obvious names.
    #[default]
    Obvious,
    /// By this name.
    Named(String),
    /// It is not read.
    Ignored,
}

/// How each column is found.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Columns {
    /// The clip's file or folder. A table without such a column has a row a patient, not a clip.
    pub file: Column,
    /// Its class.
    pub label: Column,
    /// Its patient.
    pub patient: Column,
    /// The unit of every split.
    pub group: Column,
    /// Its fold.
    pub fold: Column,
    /// Thresholds that make classes of a class column of numbers.
    pub bins: LabelBins,
    /// Words that are names although they usually stand for nothing.
    pub kept: KeptWords,
}

/// Names of the columns that were read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UsedColumns {
    /// The clip's file; `None` in a table of patients.
    pub file: Option<String>,
    /// Its class.
    pub label: Option<String>,
    /// Its patient.
    pub patient: Option<String>,
    /// The unit of every split.
    pub group: Option<String>,
    /// Its fold.
    pub fold: Option<String>,
    /// Thresholds that made the classes. In files `bins`; earlier ones have `cuts`.
    #[serde(default, rename = "bins", alias = "cuts", skip_serializing_if = "Option::is_none")]
    pub bins: Option<String>,
}

/// The obvious names, best first; compared in lower case, `-` and spaces read as `_`.
const FILE: [&str; 10] =
    ["file", "path", "filename", "file_name", "filepath", "file_path", "video", "video_file", "clip", "image"];
const LABEL: [&str; 2] = ["label", "class"];
const PATIENT: [&str; 6] = ["patient", "patient_id", "patientid", "subject", "subject_id", "subjectid"];
const GROUP: [&str; 3] = ["group", "group_id", "groupid"];
const FOLD: [&str; 2] = ["fold", "split"];
const MASK: [&str; 6] = ["mask", "masks", "mask_file", "mask_files", "mask_path", "segmentation_mask"];

/// Where the columns are; there is one of the file or one of the patient.
pub(super) struct Places {
    pub(super) file: Option<usize>,
    pub(super) label: Option<usize>,
    pub(super) patient: Option<usize>,
    pub(super) group: Option<usize>,
    pub(super) fold: Option<usize>,
    pub(super) masks: Option<usize>,
}

impl Places {
    pub(super) fn find(header: &[String], columns: &Columns, path: &Path) -> Result<Self, Error> {
        let find = |column: &Column, obvious: &[&str]| match column {
            Column::Ignored => Ok(None),
            Column::Obvious => obvious.iter().find_map(|name| only(header, name, path).transpose()).transpose(),
            Column::Named(name) => match header.iter().filter(|column| *column == name).count() {
                0 => Err(no_column(header, format!("{name:?}"), path)),
                1 => Ok(header.iter().position(|column| column == name)),
                _ => Err(twice(name, path)),
            },
        };
        let (file, patient) = (find(&columns.file, &FILE)?, find(&columns.patient, &PATIENT)?);
        if file.is_none() && patient.is_none() {
            return Err(no_column(header, format!("that names the file ({})", FILE.join(", ")), path));
        }
        let label = find(&columns.label, &LABEL)?;
        if label.is_none() && !columns.bins.is_empty() {
            return Err(no_column(header, "of the class, to be binned".to_owned(), path));
        }
        // It only tells which pictures are no clips, so two of them are no reason to refuse a table.
        let masks = MASK.iter().find_map(|name| only(header, name, path).ok().flatten());
        let masks = masks.filter(|place| ![file, label, patient].contains(&Some(*place)));
        let (group, fold) = (find(&columns.group, &GROUP)?, find(&columns.fold, &FOLD)?);
        Ok(Self { file, label, patient, group, fold, masks })
    }

    pub(super) const fn all(&self) -> [Option<usize>; 5] {
        [self.file, self.label, self.patient, self.group, self.fold]
    }
}

/// Whether a cell is no name that anybody would give.
pub(super) fn is_odd(cell: &str) -> bool {
    cell.contains(char::is_control) || cell.chars().nth(1000).is_some()
}

/// The only column of this obvious name.
fn only(header: &[String], name: &str, path: &Path) -> Result<Option<usize>, Error> {
    let plain = |column: &String| column.to_lowercase().replace(['-', ' '], "_");
    let mut places = header.iter().enumerate().filter(|(_, column)| plain(column) == name).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (place, None) => Ok(place),
        (_, Some(_)) => Err(twice(name, path)),
    }
}

fn no_column(header: &[String], wanted: String, path: &Path) -> Error {
    Error::NoColumn { path: path.to_owned(), wanted, columns: header.to_vec() }
}

fn twice(name: &str, path: &Path) -> Error {
    Error::LabelTable { path: path.to_owned(), reason: format!("two columns are called {name:?}") }
}

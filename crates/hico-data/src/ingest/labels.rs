//! The labels table: a CSV with one row a clip, as people have them.

use super::cuts::Cuts;
use super::words::{plain, quoted};
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Longest labels file that is read, bytes.
const LONGEST: u64 = 1 << 30;

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
    pub cuts: Cuts,
}

/// Whether the folds count that labels or a tree state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Folds {
    /// They are kept.
    #[default]
    Kept,
    /// They are left out.
    Ignored,
}

impl Folds {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(crate) fn are_kept(&self) -> bool {
        *self == Self::Kept
    }
}

/// The obvious names, best first; compared in lower case, `-` and spaces read as `_`.
const FILE: [&str; 10] =
    ["file", "path", "filename", "file_name", "filepath", "file_path", "video", "video_file", "clip", "image"];
const LABEL: [&str; 2] = ["label", "class"];
const PATIENT: [&str; 6] = ["patient", "patient_id", "patientid", "subject", "subject_id", "subjectid"];
const GROUP: [&str; 3] = ["group", "group_id", "groupid"];
const FOLD: [&str; 2] = ["fold", "split"];

/// Words that stand for folds.
const TRAIN: [&str; 2] = ["train", "training"];
const VALIDATION: [&str; 4] = ["val", "valid", "validation", "dev"];
const TEST: [&str; 2] = ["test", "testing"];

/// One row; empty cells are `None`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelRow {
    /// Line of the file it stands on, from 1.
    pub line: u64,
    /// The clip's file or folder as written, `\` turned into `/`; in a table of patients the patient.
    pub file: String,
    /// What is known of the clip.
    pub facts: Facts,
}

/// What a labels table says of a clip.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Facts {
    /// Its class.
    pub label: Option<String>,
    /// Its patient.
    pub patient: Option<String>,
    /// The unit of every split.
    pub group: Option<String>,
    /// Its fold.
    pub fold: Option<usize>,
}

impl Facts {
    /// Takes over what is not known yet.
    pub(crate) fn fill(&mut self, other: Self) {
        self.label = self.label.take().or(other.label);
        self.patient = self.patient.take().or(other.patient);
        self.group = self.group.take().or(other.group);
        self.fold = self.fold.or(other.fold);
    }
}

/// A labels table.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelTable {
    /// The rows, in file order.
    pub rows: Vec<LabelRow>,
    /// The columns that were read.
    pub used: UsedColumns,
    /// Whether folds stand there as words, `train`, `val` and `test`.
    pub folds_are_words: bool,
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
    /// Thresholds that made the classes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cuts: Option<String>,
}

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
    #[error("line {line}: {file:?} could be {first} or {second}; write its path relative to the source folder")]
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
    #[error("lines {first} and {second} say different things of {clip}; keep one{}", remark(*.frames))]
    Contradiction {
        /// The clip.
        clip: String,
        /// One line.
        first: u64,
        /// Another one.
        second: u64,
        /// Whether the rows name single frames of a folder.
        frames: bool,
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

fn remark(are_frames: bool) -> &'static str {
    if are_frames { " (if its pictures are no frames of one clip: --stills each)" } else { "" }
}

impl LabelTable {
    /// Reads a table. Comma, semicolon and tab separate; a byte-order mark is skipped; cells are trimmed.
    ///
    /// # Errors
    /// When it cannot be read, is not UTF-8, has rows of different length, lacks a column that was named (or any that
    /// could name the file or the patient), a fold is neither a whole number nor one of the usual words, or a class
    /// that is to be cut is no number.
    pub fn read(path: &Path, columns: &Columns) -> Result<Self, LabelError> {
        let read = |source| LabelError::Read { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(read)?.len();
        if length > LONGEST {
            return Err(LabelError::Table {
                path: path.to_owned(),
                reason: format!("{length} bytes are no labels table"),
            });
        }
        Self::parse(&std::fs::read(path).map_err(read)?, path, columns)
    }

    /// As [`Self::read`], from bytes; `path` is only named in errors.
    ///
    /// # Errors
    /// As [`Self::read`].
    pub fn parse(bytes: &[u8], path: &Path, columns: &Columns) -> Result<Self, LabelError> {
        let table = |reason: String| LabelError::Table { path: path.to_owned(), reason };
        let text = std::str::from_utf8(bytes).map_err(|_| table("not UTF-8; save it as CSV UTF-8".to_owned()))?;
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator(text)).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header: Vec<String> =
            reader.headers().map_err(|error| table(error.to_string()))?.iter().map(str::to_owned).collect();
        let places = Places::find(&header, columns, path)?;
        let mut rows = Vec::new();
        let mut folds_are_words = false;
        let mut lines = Lines { text, at: 0, line: 1 };
        for record in reader.records() {
            let record = record.map_err(|error| table(error.to_string()))?;
            let line = lines.of(record.position().map_or(0, csv::Position::byte));
            if record.iter().all(str::is_empty) {
                continue;
            }
            let cell = |place: Option<usize>| place.and_then(|at| record.get(at)).filter(|it| !it.is_empty());
            let broken = |reason: String| LabelError::Cell { path: path.to_owned(), line, reason };
            // What is read goes into tables and onto pages, and into errors.
            if let Some(odd) = places.all().into_iter().filter_map(cell).find(|cell| is_odd(cell)) {
                let reason = "holds a line break or control letter, or more than 1000 letters; is a quote missing?";
                return Err(broken(format!("{} {reason}", quoted(odd))));
            }
            let named = match places.file {
                Some(_) => cell(places.file).ok_or_else(|| broken("it names no file".to_owned()))?,
                None => cell(places.patient).ok_or_else(|| broken("it names no patient".to_owned()))?,
            };
            let fold = cell(places.fold).map(|fold| {
                folds_are_words |= whole_number(fold).is_none();
                whole_number(fold).or_else(|| fold_of_word(fold)).ok_or_else(|| {
                    broken(format!("fold {} is no whole number from 0, and none of the words train, val, test; --no-folds leaves it out", quoted(fold)))
                })
            });
            let own = |place| cell(place).map(str::to_owned);
            let class = |cell| {
                let cut = columns.cuts.class(cell);
                cut.ok_or_else(|| broken(format!("{} is no number, and cannot be cut into a class", quoted(cell))))
            };
            let facts = Facts {
                label: cell(places.label).map(class).transpose()?,
                patient: own(places.patient),
                group: own(places.group),
                fold: fold.transpose()?,
            };
            rows.push(LabelRow { line, file: named.replace('\\', "/"), facts });
        }
        let name = |place: usize| header[place].clone();
        let used = UsedColumns {
            file: places.file.map(name),
            label: places.label.map(name),
            patient: places.patient.map(name),
            group: places.group.map(name),
            fold: places.fold.map(name),
            cuts: columns.cuts.words().filter(|_| places.label.is_some()),
        };
        Ok(Self { rows, used, folds_are_words })
    }
}

/// Counts lines as an editor does; the CSV reader places a record at the line end before it where that is `\r\n`.
struct Lines<'a> {
    text: &'a str,
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line of the record that begins at or after this byte; asked in file order.
    fn of(&mut self, byte: u64) -> u64 {
        let begin = usize::try_from(byte).unwrap_or(usize::MAX).clamp(self.at, self.text.len());
        let ends = self.text.as_bytes()[begin..].iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        let begin = begin + ends;
        let passed = self.text.as_bytes()[self.at..begin].iter().filter(|byte| **byte == b'\n').count();
        self.at = begin;
        self.line += passed as u64;
        self.line
    }
}

/// Where the columns are; there is one of the file or one of the patient.
struct Places {
    file: Option<usize>,
    label: Option<usize>,
    patient: Option<usize>,
    group: Option<usize>,
    fold: Option<usize>,
}

impl Places {
    fn find(header: &[String], columns: &Columns, path: &Path) -> Result<Self, LabelError> {
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
        if label.is_none() && !columns.cuts.is_empty() {
            return Err(no_column(header, "of the class, to be cut".to_owned(), path));
        }
        Ok(Self { file, label, patient, group: find(&columns.group, &GROUP)?, fold: find(&columns.fold, &FOLD)? })
    }

    fn all(&self) -> [Option<usize>; 5] {
        [self.file, self.label, self.patient, self.group, self.fold]
    }
}

/// Whether a cell is no name that anybody would give.
fn is_odd(cell: &str) -> bool {
    cell.contains(char::is_control) || cell.chars().nth(1000).is_some()
}

/// The first columns, as they may be told.
fn some(columns: &[String]) -> String {
    let names: Vec<String> = columns.iter().take(20).map(|name| plain(name)).collect();
    format!("{}{}", names.join(", "), if columns.len() > 20 { ", ..." } else { "" })
}

/// The only column of this obvious name.
fn only(header: &[String], name: &str, path: &Path) -> Result<Option<usize>, LabelError> {
    let plain = |column: &String| column.to_lowercase().replace(['-', ' '], "_");
    let mut places = header.iter().enumerate().filter(|(_, column)| plain(column) == name).map(|(place, _)| place);
    match (places.next(), places.next()) {
        (place, None) => Ok(place),
        (_, Some(_)) => Err(twice(name, path)),
    }
}

fn no_column(header: &[String], wanted: String, path: &Path) -> LabelError {
    LabelError::NoColumn { path: path.to_owned(), wanted, columns: header.to_vec() }
}

fn twice(name: &str, path: &Path) -> LabelError {
    LabelError::Table { path: path.to_owned(), reason: format!("two columns are called {name:?}") }
}

/// The separator that stands in the first line most often.
fn separator(text: &str) -> u8 {
    let first = text.lines().next().unwrap_or_default();
    let count = |separator: u8| first.bytes().filter(|byte| *byte == separator).count();
    // The last of equals wins, and a comma is the likeliest.
    [b'\t', b';', b','].into_iter().max_by_key(|separator| count(*separator)).unwrap_or(b',')
}

/// `3`, and also `3.0`, as programs write that know numbers only as fractions.
fn whole_number(text: &str) -> Option<usize> {
    let digits = text.strip_suffix(".0").unwrap_or(text);
    digits.parse().ok()
}

/// The fold that a word stands for: 0 to train on, 1 to choose by, 2 to test on.
pub(crate) fn fold_of_word(word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    [&TRAIN[..], &VALIDATION, &TEST].iter().position(|words| words.contains(&word.as_str()))
}

#[cfg(test)]
mod tests;

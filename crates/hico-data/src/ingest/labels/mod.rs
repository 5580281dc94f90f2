//! The labels table: a CSV with one row a clip, as people have them.
//!
//! - `columns`: which column says what
//! - `fold`: folds as numbers and as words
//! - `lines`: what separates cells, and the line on which a row stands
//! - `fault`: why a table cannot be used

mod columns;
mod fault;
mod fold;
mod lines;

pub use columns::{Column, Columns, UsedColumns};
pub use fault::LabelError;
pub use fold::Folds;
pub(crate) use fold::fold_of_word;

use super::words::quoted;
use columns::{Places, is_odd};
use fold::whole_number;
use lines::{Lines, separator};
use std::path::Path;

/// Longest labels file that is read, bytes.
const LONGEST: u64 = 1 << 30;

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
        let mut lines = Lines::new(text);
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

#[cfg(test)]
mod tests;

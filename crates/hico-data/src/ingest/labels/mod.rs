//! The labels table: a CSV with one row a clip, as people have them.
//!
//! - `columns`: which column says what
//! - `fold`: folds as numbers and as words
//! - `lines`: what separates cells, and the line on which a row stands

mod columns;
mod fold;
mod lines;

pub use columns::{Column, Columns, UsedColumns};
pub use fold::Folds;
pub(crate) use fold::fold_of_word;

pub(crate) use lines::table_text;

use crate::error::Error;
use crate::manifest::LARGEST_FOLD;
use crate::spelling::composed;
use columns::{Places, is_odd};
use fold::whole_number;
use hico_io::words::quoted;
use lines::Lines;
use serde::Serialize;
use std::collections::BTreeMap;
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
    /// Cells that hold a word for having no value, by column and word.
    pub placeholders: Vec<PlaceholderCells>,
    /// Files that a column of masks names, `\` turned into `/`.
    pub masks: Vec<String>,
}

/// Cells of one column that hold one word which stands for nothing, as `nan`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PlaceholderCells {
    /// The column.
    pub column: String,
    /// The word as it is written.
    pub word: String,
    /// How many cells hold it.
    pub cells: usize,
    /// The first line that does.
    pub line: u64,
}

/// Takes a cell for empty that holds a word for having no value, and counts it.
struct Placeholders<'a> {
    header: &'a [String],
    seen: BTreeMap<(usize, String), (usize, u64)>,
}

impl Placeholders<'_> {
    fn left<'c>(&mut self, place: Option<usize>, cell: Option<&'c str>, line: u64, is_none: bool) -> Option<&'c str> {
        let (place, cell) = (place?, cell?);
        if !is_none {
            return Some(cell);
        }
        self.seen.entry((place, cell.to_owned())).or_insert((0, line)).0 += 1;
        None
    }

    fn cells(self) -> Vec<PlaceholderCells> {
        let name = |place: usize| self.header.get(place).cloned().unwrap_or_default();
        let seen = self.seen.into_iter();
        seen.map(|((place, word), (cells, line))| PlaceholderCells { column: name(place), word, cells, line }).collect()
    }
}

impl LabelTable {
    /// Reads a table. Comma, semicolon and tab separate, or what a first line `sep=;` states; a byte-order mark is skipped;
    /// cells are trimmed. A cell that holds a word for having no value, as `nan`, is empty.
    ///
    /// # Errors
    /// When it cannot be read, is neither UTF-8 nor UTF-16, has rows of different length, lacks a column that was named (or any that
    /// could name the file or the patient), a fold is neither a whole number nor one of the usual words, or a class
    /// that is to be cut is no number.
    pub fn read(path: &Path, columns: &Columns) -> Result<Self, Error> {
        let read = |source| Error::Read { path: path.to_owned(), source };
        let length = std::fs::metadata(path).map_err(read)?.len();
        if length > LONGEST {
            return Err(Error::LabelTable {
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
    pub fn parse(bytes: &[u8], path: &Path, columns: &Columns) -> Result<Self, Error> {
        let table = |reason: String| Error::LabelTable { path: path.to_owned(), reason };
        let text = table_text(bytes).ok_or_else(|| table("not UTF-8; save it as CSV UTF-8".to_owned()))?;
        let (separator, before, text) = (text.separator, text.before, text.text.as_ref());
        let mut reader =
            csv::ReaderBuilder::new().delimiter(separator).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header: Vec<String> =
            reader.headers().map_err(|error| table(error.to_string()))?.iter().map(str::to_owned).collect();
        let places = Places::find(&header, columns, path)?;
        let mut rows = Vec::new();
        let mut folds_are_words = false;
        let mut lines = Lines::new(text, before);
        let mut placeholders = Placeholders { header: &header, seen: BTreeMap::new() };
        let kept = &columns.kept;
        let mut masks = Vec::new();
        for record in reader.records() {
            let record = record.map_err(|error| table(error.to_string()))?;
            let line = lines.of(record.position().map_or(0, csv::Position::byte));
            if record.iter().all(str::is_empty) {
                continue;
            }
            let cell = |place: Option<usize>| place.and_then(|at| record.get(at)).filter(|it| !it.is_empty());
            let broken = |reason: String| Error::Cell { path: path.to_owned(), line, reason };
            // What is read goes into tables and onto pages, and into errors.
            if let Some(odd) = places.all().into_iter().filter_map(cell).find(|cell| is_odd(cell)) {
                let reason = "holds a line break or control letter, or more than 1000 letters; is a quote missing?";
                return Err(broken(format!("{} {reason}", quoted(odd))));
            }
            let names = cell(places.masks).into_iter().flat_map(|cell| cell.split([';', '|']));
            masks.extend(names.filter(|name| !kept.is_no_class(name)).map(|name| name.trim().replace('\\', "/")));
            let mut known = |place, is_none: &dyn Fn(&str) -> bool| {
                let cell = cell(place);
                placeholders.left(place, cell, line, cell.is_some_and(is_none))
            };
            let patient = known(places.patient, &|id| kept.is_no_one(id));
            let named = match places.file {
                Some(_) => cell(places.file).ok_or_else(|| broken("it names no file".to_owned()))?,
                None if patient.is_none() && cell(places.patient).is_some() => continue,
                None => patient.ok_or_else(|| broken("it names no patient".to_owned()))?,
            };
            let fold = known(places.fold, &|fold| kept.is_no_fold(fold)).map(|fold| {
                let number = whole_number(fold);
                if number.is_some_and(|number| number > LARGEST_FOLD) {
                    let reason = format!("fold {} is above {LARGEST_FOLD}; --no-folds leaves it out", quoted(fold));
                    return Err(broken(reason));
                }
                folds_are_words |= number.is_none();
                number.or_else(|| fold_of_word(fold)).ok_or_else(|| {
                    broken(format!("fold {} is no whole number from 0, and none of the words train, val, test; --no-folds leaves it out", quoted(fold)))
                })
            });
            let own = |cell: Option<&str>| cell.map(|cell| composed(cell).into_owned());
            let class = |cell: &str| {
                let cut = columns.bins.class(&composed(cell));
                cut.ok_or_else(|| broken(format!("{} is no number, and cannot be binned into a class", quoted(cell))))
            };
            let facts = Facts {
                label: known(places.label, &|class| kept.is_no_class(class)).map(class).transpose()?,
                group: own(known(places.group, &|id| kept.is_no_one(id))),
                patient: own(patient),
                fold: fold.transpose()?,
            };
            rows.push(LabelRow { line, file: named.replace('\\', "/"), facts });
        }
        let placeholders = placeholders.cells();
        let name = |place: usize| header[place].clone();
        let used = UsedColumns {
            file: places.file.map(name),
            label: places.label.map(name),
            patient: places.patient.map(name),
            group: places.group.map(name),
            fold: places.fold.map(name),
            bins: columns.bins.words().filter(|_| places.label.is_some()),
        };
        Ok(Self { rows, used, folds_are_words, placeholders, masks })
    }
}

#[cfg(test)]
mod tests;

//! The files of a cell: `cells/NAME.json` with what was found out, and for each data set that was tested
//! `predictions/DATA/NAME.parquet` with what was predicted.
//!
//! The tables are written first and the JSON last, so what a JSON tells of is in its tables. A table may hold more than that,
//! where a process was killed between the two; the hash of each answer's predictions tells such a table from one that was
//! cut or changed.

use super::answer::{Answer, EvalMode, predictions_sha256};
use super::grid::Cell;
use super::ledger::{Ledger, of_cell};
use super::study::Study;
use crate::Error;
use crate::prediction_table::{from_parquet, to_parquet};
use hico_data::{Dataset, atomic};
use hico_model::VERSION;
use serde::{Deserialize, Serialize};
use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Folder of the finished cells inside a study's folder.
pub(super) const CELLS_FOLDER: &str = "cells";

/// Folder of the tables of predictions inside a study's folder.
pub(super) const PREDICTIONS_FOLDER: &str = "predictions";

/// Version of the format. The first had another figure within training groups.
const FORMAT: u32 = 2;

/// Bytes of a table or of a cell's JSON, at most.
const LONGEST: u64 = 1 << 30;

/// What `cells/NAME.json` holds.
#[derive(Debug, Serialize, Deserialize)]
struct CellRecord {
    /// Version of the format.
    format: u32,
    /// Version of the program.
    version: String,
    /// The settings and tables that the answers depend on; cells of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    study: Option<Ledger>,
    answers: Vec<Answer>,
}

/// The files of one cell, finished or not.
#[derive(Debug)]
pub(super) struct CellFiles<'a> {
    /// The study's folder, or the one in which the cell is worked on.
    pub(super) root: &'a Path,
    pub(super) cell: &'a Cell,
    pub(super) study: &'a Study,
    pub(super) data: &'a [Arc<Dataset>],
}

/// Where a cell's answers are.
fn answers_file(folder: &Path, cell: &Cell) -> PathBuf {
    folder.join(CELLS_FOLDER).join(format!("{}.json", cell.name))
}

/// Returns true where a version that kept one letter for each clip finished the cell; its answers cannot be used.
#[must_use]
pub fn has_older_answers(folder: &Path, cell: &Cell) -> bool {
    folder.join(CELLS_FOLDER).join(format!("{}.csv", cell.name)).is_file()
}

impl CellFiles<'_> {
    fn table(&self, data: &str) -> PathBuf {
        self.root.join(PREDICTIONS_FOLDER).join(data).join(format!("{}.parquet", self.cell.name))
    }

    fn dataset(&self, name: &str) -> Option<&Dataset> {
        let place = self.study.data.iter().position(|data| data.name == name)?;
        self.data.get(place).map(Arc::as_ref)
    }

    /// Writes the answers that there are, over those of before.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub(super) fn write(&self, answers: &[Answer]) -> Result<(), Error> {
        let path = answers_file(self.root, self.cell);
        let mut of_data: BTreeMap<&str, Vec<&Answer>> = BTreeMap::new();
        for answer in answers.iter().filter(|answer| !answer.predictions.is_empty()) {
            of_data.entry(&answer.data).or_default().push(answer);
        }
        for (name, answers) in of_data {
            let table = self.table(name);
            let Some(dataset) = self.dataset(name) else { continue };
            let honest = answers.iter().map(|answer| (answer.key(), answer.predictions.as_slice()));
            let of_test_fold = answers.iter().map(|answer| (answer.key_of_test_fold(), answer.of_test_fold.as_slice()));
            let rows: Vec<_> = honest.chain(of_test_fold.filter(|(_, frames)| !frames.is_empty())).collect();
            let bytes = to_parquet(dataset, &rows).map_err(|error| io::Error::other(error.to_string()));
            let bytes = bytes.map_err(failed(&table))?;
            write(&table, &bytes)?;
        }
        let study = of_cell(self.study, self.data, self.cell).map_err(io::Error::other).map_err(failed(&path))?;
        let (version, answers) = (VERSION.to_owned(), answers.to_vec());
        let record = CellRecord { format: FORMAT, version, study: Some(study), answers };
        let text = serde_json::to_string_pretty(&record).map_err(io::Error::other).map_err(failed(&path))?;
        write(&path, format!("{text}\n").as_bytes())
    }

    /// Returns true where every data set and fold that the cell is tested on has an answer. A set that was added to the
    /// study later has none.
    ///
    /// # Errors
    /// When the file cannot be read or is broken.
    pub(super) fn is_complete(&self) -> Result<bool, Error> {
        Ok(self.record()?.is_some_and(|record| self.covers(&record.answers)))
    }

    /// Returns true where every data set and fold that the cell is tested on is among the answers.
    pub(super) fn covers(&self, answers: &[Answer]) -> bool {
        let names = |(data, fold): &(usize, usize)| (self.study.data[*data].name.as_str(), *fold);
        let answered: BTreeSet<(&str, usize)> =
            answers.iter().map(|answer| (answer.data.as_str(), answer.fold)).collect();
        self.cell.tests.iter().all(|test| answered.contains(&names(test)))
    }

    fn record(&self) -> Result<Option<CellRecord>, Error> {
        let path = answers_file(self.root, self.cell);
        let Some(text) = read(&path)? else { return Ok(None) };
        let record: CellRecord = serde_json::from_slice(&text).map_err(|error| broken(&path, error.to_string()))?;
        if record.format > FORMAT {
            let reason = format!("written by hico {}, in a later format than this version reads", record.version);
            return Err(broken(&path, reason));
        }
        if let Some(before) = &record.study {
            let found = of_cell(self.study, self.data, self.cell).and_then(|now| before.differs(&now));
            if let Some(what) = found.map_err(|error| broken(&path, error.to_string()))? {
                return Err(broken(&path, format!("it is of another study: {what}")));
            }
        }
        // What a version with another figure within the training groups answered is asked again.
        let is_older = |answer: &Answer| answer.evaluation.mode == EvalMode::Inner && answer.inner.is_empty();
        Ok((!record.answers.iter().any(is_older)).then_some(record))
    }

    /// Reads the answers; `None` where there are none.
    ///
    /// # Errors
    /// When a file cannot be read, is broken, or is of other data.
    pub(super) fn read(&self) -> Result<Option<Vec<Answer>>, Error> {
        let Some(record) = self.record()? else { return Ok(None) };
        // What was tested before the study left a data set out is of no use to it.
        let known = |answer: &Answer| self.dataset(&answer.data).is_some();
        let mut answers: Vec<Answer> = record.answers.into_iter().filter(known).collect();
        let mut tables = BTreeMap::new();
        for answer in answers.iter_mut().filter(|answer| answer.evaluation.mode != EvalMode::Inner) {
            let Some(dataset) = self.dataset(&answer.data) else { continue };
            let path = self.table(&answer.data);
            let found = match tables.entry(answer.data.clone()) {
                Entry::Occupied(table) => table.into_mut(),
                Entry::Vacant(place) => {
                    let bytes = read(&path)?.ok_or_else(|| broken(&path, "it is not there".to_owned()))?;
                    place.insert(from_parquet(dataset, bytes).map_err(|reason| broken(&path, reason))?)
                }
            };
            answer.predictions = found.remove(&answer.key()).unwrap_or_default();
            answer.of_test_fold = found.remove(&answer.key_of_test_fold()).unwrap_or_default();
            let sha256 = (!answer.of_test_fold.is_empty()).then(|| predictions_sha256(dataset, &answer.of_test_fold));
            if answer.predictions.is_empty()
                || predictions_sha256(dataset, &answer.predictions) != answer.predictions_sha256
                || (answer.of_test_fold_sha256.is_some() && sha256 != answer.of_test_fold_sha256)
            {
                let reason = format!("its predictions of fold {} are not those that the cell wrote", answer.fold);
                return Err(broken(&path, reason));
            }
        }
        Ok(Some(answers))
    }
}

fn broken(path: &Path, reason: String) -> Error {
    Error::BrokenCell { path: path.to_owned(), reason }
}

fn read(path: &Path) -> Result<Option<Vec<u8>>, Error> {
    let bytes = std::fs::metadata(path).and_then(|found| {
        if found.len() > LONGEST {
            return Err(io::Error::other("it is too large"));
        }
        std::fs::read(path)
    });
    match bytes {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(Error::Io { path: path.to_owned(), source }),
    }
}

/// Writes a file, and the folder that it lies in where there is none.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder).map_err(failed(folder))?;
    }
    atomic::write(path, bytes).map_err(failed(path))
}

/// Names the file that a system's error is about.
pub(super) fn failed(path: &Path) -> impl FnOnce(io::Error) -> Error {
    let path = path.to_owned();
    move |source| Error::Io { path, source }
}

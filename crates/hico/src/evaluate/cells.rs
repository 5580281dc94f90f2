//! What an evaluation keeps on the way, so that an interrupted one goes on where it stopped: a plan, and a small file
//! for each fold, seed and candidate that is done.

use super::history::Beginning;
use super::outcome::FoldRun;
use super::predictions::FramePrediction;
use crate::difference::{self, Difference};
use crate::recipe;
use hico_data::atomic;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::path::{Path, PathBuf};

/// File name of the plan inside an evaluation's folder.
pub const PLAN_FILE: &str = "plan.json";

/// Folder of the finished cells inside an evaluation's folder.
pub const CELLS_FOLDER: &str = "cells";

/// Folder of fine-tunings under way inside an evaluation's folder.
const WORK_FOLDER: &str = "work";

/// One fold tested with one seed by one candidate.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Cell {
    /// Seconds it took.
    pub(super) seconds: f64,
    pub(super) run: FoldRun,
    /// Every tested frame, honest protocol.
    pub(super) honest: Vec<FramePrediction>,
    /// Every tested frame at the epoch that is best on the test fold.
    pub(super) published: Option<Vec<FramePrediction>>,
    /// The weights that it began with, where those were pretrained; cells of earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) beginning: Option<Beginning>,
}

/// Why an evaluation's folder cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum CellsError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file is not what it should be.
    #[error("{}: cannot be understood: {source}", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What the reader says.
        source: serde_json::Error,
    },
    /// The folder holds something else.
    #[error("{}: holds something that is not an evaluation begun by this command", .0.display())]
    Occupied(PathBuf),
    /// The folder holds an evaluation with other settings.
    #[error("{}: holds an evaluation with {difference}", .folder.display())]
    OtherPlan {
        /// The folder.
        folder: PathBuf,
        /// What differs.
        difference: Difference,
    },
}

/// Where cells are kept; nowhere, for an evaluation in memory.
#[derive(Debug)]
pub(super) struct Cells {
    folder: Option<PathBuf>,
}

impl Cells {
    /// Opens a folder for the cells of a plan, making it where there is none.
    ///
    /// - `plan`: a JSON object of all that a cell depends on, apart from fold, seed and candidate
    ///
    /// # Errors
    /// When the folder cannot be made, or holds anything but an evaluation with the same plan.
    pub(super) fn open(folder: Option<&Path>, plan: &impl Serialize) -> Result<Self, CellsError> {
        let Some(folder) = folder else { return Ok(Self { folder: None }) };
        let path = folder.join(PLAN_FILE);
        let text = to_json(&path, plan)?;
        match std::fs::read_to_string(&path) {
            Ok(before) => same_plan(folder, &path, &before, &text)?,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                // An evaluation that was killed at its beginning leaves half a plan and no cell.
                atomic::remove_halves(folder).ok();
                let cells = folder.join(CELLS_FOLDER);
                let is_empty = |path: &Path| std::fs::read_dir(path).is_ok_and(|mut found| found.next().is_none());
                let is_nothing = |path: PathBuf| path == cells && is_empty(&path);
                if std::fs::read_dir(folder)
                    .is_ok_and(|entries| !entries.flatten().all(|entry| is_nothing(entry.path())))
                {
                    return Err(CellsError::Occupied(folder.to_owned()));
                }
                let failed = |source| CellsError::File { path: folder.to_owned(), source };
                std::fs::create_dir_all(folder).map_err(failed)?;
                // The plan first: with anything else and no plan, the folder would be taken for somebody else's.
                write(&path, text.as_bytes())?;
            }
            Err(source) => return Err(CellsError::File { path, source }),
        }
        for folder in [folder.to_owned(), folder.join(CELLS_FOLDER)].into_iter().filter(|folder| folder.is_dir()) {
            atomic::remove_halves(&folder).map_err(|source| CellsError::File { path: folder.clone(), source })?;
        }
        Ok(Self { folder: Some(folder.to_owned()) })
    }

    fn path(&self, candidate: &str, fold: usize, seed: u64) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?.join(CELLS_FOLDER);
        Some(folder.join(format!("{candidate}-fold{fold}-seed{seed}.json")))
    }

    /// Where a fine-tuning of a cell is kept until the cell is done.
    pub(super) fn tuning_file(&self, candidate: &str, fold: usize, seed: u64) -> Option<PathBuf> {
        let folder = self.folder.as_ref()?.join(WORK_FOLDER);
        Some(folder.join(format!("{candidate}-fold{fold}-seed{seed}.safetensors")))
    }

    /// Removes what was kept of fine-tunings that are done.
    pub(super) fn end(&self) -> Result<(), CellsError> {
        let Some(path) = self.folder.as_ref().map(|folder| folder.join(WORK_FOLDER)) else { return Ok(()) };
        match std::fs::remove_dir_all(&path) {
            Err(source) if source.kind() != std::io::ErrorKind::NotFound => Err(CellsError::File { path, source }),
            _ => Ok(()),
        }
    }

    /// The cell, where it is done.
    pub(super) fn read(&self, candidate: &str, fold: usize, seed: u64) -> Result<Option<Cell>, CellsError> {
        let Some(path) = self.path(candidate, fold, seed) else { return Ok(None) };
        match std::fs::read_to_string(&path) {
            Ok(text) => serde_json::from_str(&text).map(Some).map_err(|source| CellsError::Broken { path, source }),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(source) => Err(CellsError::File { path, source }),
        }
    }

    /// Keeps a cell and gives it back as it reads from the disk, so that an unbroken evaluation and one that was
    /// interrupted see the same digits.
    pub(super) fn keep(&self, candidate: &str, cell: &Cell) -> Result<Cell, CellsError> {
        let path = self.path(candidate, cell.run.fold, cell.run.seed);
        let shown = path.clone().unwrap_or_default();
        let text = to_json(&shown, cell)?;
        if let Some(path) = &path {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)
                    .map_err(|source| CellsError::File { path: folder.to_owned(), source })?;
            }
            write(path, text.as_bytes())?;
        }
        serde_json::from_str(&text).map_err(|source| CellsError::Broken { path: shown, source })
    }
}

/// Writes a file of an evaluation whole.
///
/// # Errors
/// When it cannot be written.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), CellsError> {
    atomic::write(path, bytes).map_err(|source| CellsError::File { path: path.to_owned(), source })
}

/// # Errors
/// When a map has a key that is not a word; none of ours has.
pub(super) fn to_json(path: &Path, value: &impl Serialize) -> Result<String, CellsError> {
    let text = serde_json::to_string_pretty(value);
    text.map_err(|source| CellsError::Broken { path: path.to_owned(), source })
}

fn same_plan(folder: &Path, path: &Path, before: &str, now: &str) -> Result<(), CellsError> {
    let parse = |text: &str| -> Result<Value, CellsError> {
        serde_json::from_str(text).map_err(|source| CellsError::Broken { path: path.to_owned(), source })
    };
    // Of both, so that what a version only writes otherwise is no difference.
    let [before, now] = [parse(before)?, parse(now)?].map(recipe::plan_of_record);
    match difference::first(&before, &now) {
        None => Ok(()),
        Some(difference) => Err(CellsError::OtherPlan { folder: folder.to_owned(), difference }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn cell() -> Cell {
        let run = FoldRun {
            fold: 2,
            seed: 7,
            clips: [3, 2, 1],
            groups: [3, 2, 1],
            chosen_epoch: Some(4),
            temperature: Some(1.25),
            balanced_accuracy: 1.0 / 3.0,
            best_on_test: None,
            curve: Vec::new(),
            contaminated_groups: Vec::new(),
            clips_tested: Vec::new(),
        };
        let frame = FramePrediction { clip: 1, frame: 0, probabilities: vec![0.1 + 0.2, f64::from(0.7_f32)] };
        Cell { seconds: 1.5, run, honest: vec![frame], published: None, beginning: None }
    }

    #[test]
    fn a_cell_reads_back_as_it_was_given_back() {
        let folder = tempfile::tempdir().unwrap();
        let cells = Cells::open(Some(&folder.path().join("out")), &json!({"a": 1})).unwrap();
        assert_eq!(cells.read("hico", 2, 7).unwrap(), None);
        let kept = cells.keep("hico", &cell()).unwrap();
        assert_eq!(cells.read("hico", 2, 7).unwrap(), Some(kept.clone()));
        let in_memory = Cells::open(None, &json!({})).unwrap();
        assert_eq!(in_memory.keep("hico", &cell()).unwrap(), kept);
        assert_eq!(in_memory.read("hico", 2, 7).unwrap(), None);
    }

    #[test]
    fn a_folder_is_used_for_one_plan_only_and_nothing_is_written_over() {
        let folder = tempfile::tempdir().unwrap();
        let open = |plan| Cells::open(Some(folder.path()), &plan).map(|_| ());
        open(json!({"side": 64, "rate": 0.1})).unwrap();
        open(json!({"side": 64, "rate": 0.1})).unwrap();
        let error = open(json!({"side": 32, "rate": 0.1})).unwrap_err().to_string();
        assert!(error.contains("side = 64, now asked for 32"), "{error}");
        let killed = tempfile::tempdir().unwrap();
        std::fs::create_dir(killed.path().join(CELLS_FOLDER)).unwrap();
        std::fs::write(killed.path().join(".part-x1Y2z3"), "{").unwrap();
        Cells::open(Some(killed.path()), &json!({})).unwrap();
        let other = tempfile::tempdir().unwrap();
        std::fs::write(other.path().join("thesis.tex"), "").unwrap();
        assert!(matches!(Cells::open(Some(other.path()), &json!({})), Err(CellsError::Occupied(_))));
    }

    #[test]
    fn a_plan_of_a_version_that_left_short_batches_out_is_told_by_that_key_alone() {
        let folder = tempfile::tempdir().unwrap();
        let open = |train: Value| {
            let plan = json!({"encoder": json!({"train": train}).to_string(), "side": 64});
            Cells::open(Some(folder.path()), &plan).map(|_| ()).map_err(|error| error.to_string())
        };
        open(json!({"batch": 16})).unwrap();
        let error = open(json!({"batch": 16, "drop_last": false})).unwrap_err();
        assert!(error.ends_with("with encoder.train.drop_last = true, now asked for false"), "{error}");
        open(json!({"batch": 16, "drop_last": true})).unwrap();
    }

    #[test]
    fn a_broken_cell_is_an_error_and_not_done_again_in_silence() {
        let folder = tempfile::tempdir().unwrap();
        let cells = Cells::open(Some(folder.path()), &json!({})).unwrap();
        cells.keep("hico", &cell()).unwrap();
        std::fs::write(cells.path("hico", 2, 7).unwrap(), "{").unwrap();
        assert!(matches!(cells.read("hico", 2, 7), Err(CellsError::Broken { .. })));
    }
}

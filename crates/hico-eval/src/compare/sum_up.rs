//! The finished cells of a folder → its summary, kept beside them with a table of all answers.

use super::answer::Answer;
use super::cell_file::write;
use super::grid::Cell;
use super::study::Study;
use super::summarise::summarise;
use super::summary::{Origin, SUMMARY_FILE, Summary};
use super::{cell, facts, table};
use crate::Error;
use hico_data::Dataset;
use hico_model::device::DeviceChoice;
use hico_train::clock;
use std::io;
use std::path::Path;
use std::sync::Arc;

/// File name of the table of all answers inside a study's folder.
const ANSWERS_FILE: &str = "answers.csv";

impl Origin {
    /// Returns where a summary that is made now comes from.
    #[must_use]
    pub fn now(command: String, device: DeviceChoice) -> Self {
        Self { command, finished: clock::now(), device: device.resolve().to_string() }
    }
}

/// Sums up the finished cells of a study's folder, and writes `summary.json` and `answers.csv` over older ones.
///
/// # Errors
/// When a cell cannot be read, or a file not be written.
pub fn sum_up(
    study: &Study,
    data: &[Arc<Dataset>],
    cells: &[Cell],
    folder: &Path,
    origin: Origin,
) -> Result<Summary, Error> {
    let (mut answers, mut finished): (Vec<Answer>, usize) = (Vec::new(), 0);
    for cell in cells {
        if let Some(found) = cell::read(study, data, cell, folder)? {
            answers.extend(found);
            finished += 1;
        }
    }
    let summary = Summary {
        origin,
        pretraining: facts::pretraining(study, cells, folder),
        ..summarise(study, data, cells, &answers, finished)
    };
    write(&folder.join(ANSWERS_FILE), table::to_csv(study, data, &answers).as_bytes())?;
    let path = folder.join(SUMMARY_FILE);
    let text = serde_json::to_string_pretty(&summary).map_err(io::Error::other);
    let text = text.map_err(|source| Error::Io { path: path.clone(), source })?;
    write(&path, format!("{text}\n").as_bytes())?;
    Ok(summary)
}

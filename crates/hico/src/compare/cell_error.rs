//! Why a cell has no answers, and what a person can do about it.

use super::grid::GridError;
use super::study::StudyError;
use crate::{Error, hints};
use std::path::PathBuf;

/// Why a cell has no answers.
#[derive(Debug, thiserror::Error)]
pub enum CellError {
    /// A file cannot be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file of answers is broken.
    #[error("{}: {reason}", .path.display())]
    Broken {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// Another process is at it.
    #[error("{0}: another process is at this cell")]
    Busy(String),
    /// The encoder cannot be pretrained.
    #[error("{cell}: {source}")]
    Train {
        /// The cell.
        cell: String,
        /// Why.
        source: Box<Error>,
    },
    /// The encoder cannot be judged.
    #[error("{cell}: {source}")]
    Judge {
        /// The cell.
        cell: String,
        /// Why.
        source: Box<Error>,
    },
    /// The folds do not do.
    #[error("{cell}: {source}")]
    Plan {
        /// The cell.
        cell: String,
        /// Why.
        source: Box<Error>,
    },
    /// Weights or a device cannot be had.
    #[error(transparent)]
    Base(#[from] Error),
    /// The study does not do.
    #[error(transparent)]
    Grid(#[from] GridError),
    /// The study cannot be read, or its data not be opened.
    #[error(transparent)]
    Study(#[from] StudyError),
    /// A cell whose answers would be repeated has none.
    #[error("{0}: this cell is not finished")]
    Unfinished(String),
    /// It was asked to stop; what is done is kept.
    #[error("interrupted")]
    Interrupted,
}

impl CellError {
    /// Names what could not be fine-tuned or evaluated; an interruption stays one.
    pub(super) fn of_judge(cell: String, source: Error) -> Self {
        match source {
            Error::Interrupted => Self::Interrupted,
            source => Self::Judge { cell, source: Box::new(source) },
        }
    }

    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Train { source, .. } => return hints::pretraining(source, "--batch"),
            Self::Judge { source, .. } if matches!(**source, Error::Diverged { .. }) => {
                "try a tenth of that evaluation.finetune_learning_rate, in another --out"
            }
            Self::Base(error) => hints::device(error)?,
            Self::Busy(_) => "wait for it, or run another cell; `--list` shows which are left",
            Self::Broken { .. } => "delete that cell's file in `cells`: the cell is then run again",
            Self::Unfinished(_) => "run it first: `--cell N`",
            Self::Study(StudyError::Data { .. }) => {
                "`hico ingest SRC --labels FILE.csv --out DATASET` makes a data set"
            }
            Self::Grid(GridError::Plan { .. }) => "`hico split DATASET --folds K --force` makes other folds, by group",
            Self::File { .. } => "choose an --out on a disk that can be written and has room",
            _ => return None,
        };
        Some(hint.to_owned())
    }
}

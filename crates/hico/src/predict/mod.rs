//! A fine-tuned network on clips that nobody labelled: classes with a confidence that is calibrated, whether the clip is like
//! any that was learnt from, and which of those are nearest.
//!
//! - [`model`]: a fine-tuned network, ready to be asked
//! - [`sources`]: files and folders → clips, prepared as the network's training clips were
//! - [`clip`]: a clip → its answer, frame by frame

pub mod clip;
pub mod model;
pub mod sources;

use crate::Error;
use std::path::PathBuf;

/// Why nothing is predicted.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The model cannot be read.
    #[error(transparent)]
    Weights(Error),
    /// A folder holds no fine-tuned network.
    #[error("{}: holds no fine-tuned network", .folder.display())]
    NoModel {
        /// The folder.
        folder: PathBuf,
        /// The command that makes one.
        remedy: String,
    },
    /// A folder holds several fine-tuned networks.
    #[error("{}: holds {} fine-tuned networks: {}", .folder.display(), .names.len(), .names.join(", "))]
    ManyModels {
        /// The folder.
        folder: PathBuf,
        /// Their file names.
        names: Vec<String>,
    },
    /// A file or folder cannot be read, or the temporary folder not be written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file or folder.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// The temporary folder cannot be written.
    #[error("{}: clips cannot be decoded into this temporary folder: {reason}", .folder.display())]
    NoRoom {
        /// The folder.
        folder: PathBuf,
        /// What the system says.
        reason: String,
    },
    /// Clips cannot be taken in at all, or their frames not be read.
    #[error(transparent)]
    Data(#[from] hico_data::Error),
    /// The network makes no numbers of a frame.
    #[error("what the network makes of frame {frame} is not a number")]
    NotFinite {
        /// The frame, from 0.
        frame: usize,
    },
    /// It was asked to stop.
    #[error("interrupted")]
    Interrupted,
}

impl From<Error> for PredictError {
    fn from(error: Error) -> Self {
        match error {
            Error::Data(error) => Self::Data(error),
            Error::FrameNotFinite { frame, .. } => Self::NotFinite { frame },
            Error::Interrupted => Self::Interrupted,
            error => Self::Weights(error),
        }
    }
}

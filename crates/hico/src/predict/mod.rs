//! A fine-tuned network on clips that nobody labelled: classes with a confidence that is calibrated, whether the clip is like
//! any that was learnt from, and which of those are nearest.
//!
//! - [`model`]: a fine-tuned network, ready to be asked
//! - [`sources`]: files and folders → clips, prepared as the network's training clips were
//! - [`clip`]: a clip → its answer, frame by frame

pub mod clip;
pub mod model;
pub mod sources;

use crate::evaluate::inputs::FinetuneError;
use crate::evaluate::plan::FrameRef;
use crate::model::weights::WeightsError;
use hico_data::DatasetError;
use hico_data::ingest::IngestError;
use std::path::PathBuf;

/// Why nothing is predicted.
#[derive(Debug, thiserror::Error)]
pub enum PredictError {
    /// The model cannot be read.
    #[error(transparent)]
    Weights(#[from] WeightsError),
    /// A folder holds no fine-tuned network.
    #[error("{}: holds no fine-tuned network", .0.display())]
    NoModel(PathBuf),
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
    /// Clips cannot be taken in at all.
    #[error(transparent)]
    Ingest(#[from] IngestError),
    /// Frames cannot be read.
    #[error(transparent)]
    Dataset(#[from] DatasetError),
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

impl PredictError {
    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<&'static str> {
        match self {
            Self::Weights(error) if error.hint().is_some() => error.hint(),
            Self::NotFinite { .. } => {
                Some("the network's weights are too large to compute with: use another, or fine-tune it again")
            }
            Self::Weights(_) | Self::NoModel(_) => {
                Some("`hico finetune RUN --data DATA --holdout-fold 0 --out OUT` makes a network that can be asked")
            }
            Self::ManyModels { .. } => Some("name one of these files"),
            Self::Ingest(IngestError::NothingFound(_)) => {
                Some("give DICOM files, videos, pictures, or folders of them")
            }
            Self::Ingest(IngestError::OnlyLinks { .. }) => Some("--follow-links takes in what they lead to"),
            Self::File { .. } | Self::Ingest(_) | Self::Dataset(_) | Self::Interrupted => None,
        }
    }
}

impl From<FinetuneError> for PredictError {
    fn from(error: FinetuneError) -> Self {
        match error {
            FinetuneError::Dataset(error) => Self::Dataset(error),
            FinetuneError::NotFinite(FrameRef { frame, .. }) => Self::NotFinite { frame },
            // Nothing is trained here.
            FinetuneError::Interrupted | FinetuneError::Diverged { .. } | FinetuneError::Keep { .. } => {
                Self::Interrupted
            }
        }
    }
}

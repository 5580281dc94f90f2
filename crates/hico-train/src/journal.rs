//! The journal of a run, `journal.jsonl`: one JSON object a line, in the order in which things happened.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// File name of the journal inside a run's folder.
pub const JOURNAL_FILE: &str = "journal.jsonl";

/// One line of the journal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum JournalEntry {
    /// The run began.
    Start {
        /// Version of the program.
        version: String,
        /// Steps in all.
        steps: u64,
        /// Epochs in all.
        epochs: usize,
    },
    /// The run went on from a checkpoint.
    Resume {
        /// Steps done before.
        step: u64,
    },
    /// One optimiser step.
    Step(StepEntry),
    /// One epoch, and how the model does after it.
    Epoch(EpochEntry),
    /// Something a person should look at.
    Warning {
        /// Epoch it was seen in, from 0.
        epoch: usize,
        /// What, and what to do about it.
        message: String,
    },
    /// The run ended before its last epoch.
    Stopped {
        /// Steps done.
        step: u64,
        /// Why.
        reason: String,
    },
    /// The run reached its last epoch.
    Finished {
        /// Steps done.
        step: u64,
        /// Seconds of training, over all parts of the run.
        seconds: f64,
    },
}

/// What one step reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct StepEntry {
    /// Step, from 0.
    pub step: u64,
    /// Epoch, from 0.
    pub epoch: usize,
    /// Learning rate used.
    pub learning_rate: f64,
    /// Every term of the loss by name, as it enters the sum before weighting, and `total`.
    pub losses: BTreeMap<String, f64>,
    /// Norm of the whole gradient, before any clipping.
    pub gradient_norm: f64,
    /// Seconds for the whole step.
    pub seconds: f64,
    /// Seconds of it spent waiting for views.
    pub data_seconds: f64,
    /// Images (views) in the step.
    pub images: usize,
}

/// What one epoch reports.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EpochEntry {
    /// Epoch, from 0.
    pub epoch: usize,
    /// Images (views) seen since the run began.
    pub images_seen: u64,
    /// Seconds of training since the run began, over all parts of the run.
    pub seconds: f64,
    /// Mean over the epoch's steps of every loss term.
    pub losses: BTreeMap<String, f64>,
    /// How the representation does on the validation groups.
    pub health: Health,
}

/// How a representation does on the validation groups, which the run does not train on.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Health {
    /// Loss on the validation groups, by which the best checkpoint is chosen. In files `val_loss`; earlier ones have
    /// `watch_loss`.
    #[serde(rename = "val_loss", alias = "watch_loss")]
    pub val_loss: Option<f64>,
    /// Balanced accuracy of a 5-nearest-neighbour vote: validation frames among training frames, pooled backbone features.
    pub knn_balanced_accuracy: Option<f64>,
    /// Effective rank of the global embeddings (exponential of the entropy of the normalised singular values).
    pub embedding_rank: Option<f64>,
    /// Mean squared distance between the two views of a clip on the unit sphere (Wang and Isola 2020); smaller is closer.
    pub alignment: Option<f64>,
    /// Log of the mean Gaussian potential between clips (Wang and Isola 2020); smaller is more spread out.
    pub uniformity: Option<f64>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_of_an_earlier_version_is_read_by_its_keys_and_written_by_ours() {
        let earlier = r#"{"watch_loss":2.5,"knn_balanced_accuracy":null,"embedding_rank":3.0}"#;
        let health: Health = serde_json::from_str(earlier).unwrap();
        assert_eq!((health.val_loss, health.embedding_rank), (Some(2.5), Some(3.0)));
        let now = serde_json::to_string(&health).unwrap();
        assert!(now.contains(r#""val_loss":2.5"#) && !now.contains("watch"), "{now}");
        assert_eq!(serde_json::from_str::<Health>(&now).unwrap(), health);
    }
}

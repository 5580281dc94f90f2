//! A fine-tuned network, ready to be asked.

use super::PredictError;
use crate::compare::cell::PRETRAIN_FOLDER;
use crate::evaluate::classifier_file::{self, Saved};
use crate::evaluate::history::Reached;
use crate::train::run_record::RunRecord;
use burn::tensor::Device;
use std::path::{Path, PathBuf};
use std::time::Instant;

/// A fine-tuned network on a device.
#[derive(Debug)]
pub struct Model {
    /// The network, what it is and what it learnt from.
    pub saved: Saved,
    /// Where it computes.
    pub device: Device,
    /// The file it came from.
    pub file: PathBuf,
}

impl Model {
    /// Opens a fine-tuned network.
    ///
    /// - `path`: its file, or a folder of `hico finetune` that holds one
    /// - `device`: without automatic differentiation
    ///
    /// # Errors
    /// When there is none, or more than one, or it cannot be read.
    pub fn open(path: &Path, device: &Device) -> Result<Self, PredictError> {
        let file = if path.is_dir() { network_in(path)? } else { path.to_owned() };
        let begin = Instant::now();
        let Saved { classifier, facts, known } = classifier_file::load(&file, device)?;
        let saved = Saved { classifier: classifier.fold(), facts, known };
        let (classes, milliseconds) = (saved.facts.classes.len(), begin.elapsed().as_millis());
        tracing::info!(classes, milliseconds, "network loaded");
        Ok(Self { saved, device: device.clone(), file })
    }

    /// What it reached on patients that it never saw.
    #[must_use]
    pub fn reached(&self) -> Reached {
        Reached::of(self.saved.facts.history.as_ref().and_then(|history| history.test.as_ref()))
    }

    /// The classes, in the order of probabilities.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.saved.facts.classes
    }
}

/// The fine-tuned networks in a folder, one at least.
pub(super) fn networks_of(folder: &Path) -> Result<Vec<PathBuf>, PredictError> {
    let failed = |source| PredictError::File { path: folder.to_owned(), source };
    let found = classifier_file::networks_in(folder).map_err(failed)?;
    if found.is_empty() {
        return Err(PredictError::NoModel { folder: folder.to_owned(), remedy: remedy(folder) });
    }
    Ok(found)
}

/// The one fine-tuned network in a folder.
fn network_in(folder: &Path) -> Result<PathBuf, PredictError> {
    let mut found = networks_of(folder)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        _ => {
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Err(PredictError::ManyModels { folder: folder.to_owned(), names: found.iter().map(name).collect() })
        }
    }
}

/// The command that makes a network of what a folder without one holds.
fn remedy(folder: &Path) -> String {
    let make = |encoder: &Path, data: &str, fold: &str| {
        let encoder = encoder.display();
        format!(
            "`hico finetune {encoder} --data {data} --holdout-fold {fold} --out OUT` makes a network; then give OUT"
        )
    };
    // `hico crossval --pretrain-inside` leaves a run for each fold and seed, and each knows its data.
    let runs = folder.join(PRETRAIN_FOLDER);
    let folds = std::fs::read_dir(&runs).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (fold, seed) = name.strip_prefix("fold-")?.split_once("-seed-")?;
        Some((fold.parse::<usize>().ok()?, seed.parse::<u64>().ok()?, entry.path()))
    });
    if let Some((fold, _, run)) = folds.min()
        && let Ok(record) = RunRecord::read(&run)
    {
        return make(&run, &record.data.folder.display().to_string(), &fold.to_string());
    }
    match RunRecord::read(folder) {
        Ok(record) => {
            let fold = record.holdout_fold.map_or_else(|| "0".to_owned(), |fold| fold.to_string());
            make(folder, &record.data.folder.display().to_string(), &fold)
        }
        Err(_) => make(Path::new("RUN"), "DATASET", "0"),
    }
}

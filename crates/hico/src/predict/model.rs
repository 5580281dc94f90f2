//! A fine-tuned network, ready to be asked.

use super::PredictError;
use crate::evaluate::classifier_file::{self, Saved};
use crate::model::weights;
use burn::tensor::Device;
use std::path::{Path, PathBuf};

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
        let file = if path.is_dir() { only_model(path)? } else { path.to_owned() };
        let Saved { classifier, facts, known } = classifier_file::load(&file, device)?;
        let saved = Saved { classifier: classifier.fold(), facts, known };
        Ok(Self { saved, device: device.clone(), file })
    }

    /// The classes, in the order of probabilities.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.saved.facts.classes
    }
}

/// The one file in a folder that holds a fine-tuned network.
fn only_model(folder: &Path) -> Result<PathBuf, PredictError> {
    let failed = |source| PredictError::File { path: folder.to_owned(), source };
    let mut found: Vec<PathBuf> = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        let is_weights = path.extension().is_some_and(|suffix| suffix == "safetensors");
        if is_weights
            && let Ok(words) = weights::read_words(&path)
            && classifier_file::facts(&path, &words).is_ok_and(|facts| facts.is_some())
        {
            found.push(path);
        }
    }
    found.sort();
    match found.len() {
        0 => Err(PredictError::NoModel(folder.to_owned())),
        1 => Ok(found.remove(0)),
        _ => {
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Err(PredictError::ManyModels { folder: folder.to_owned(), names: found.iter().map(name).collect() })
        }
    }
}

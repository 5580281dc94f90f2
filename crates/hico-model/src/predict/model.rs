//! A fine-tuned network, ready to be asked.

use crate::Error;
use crate::classifier_file::{self, Saved};
use crate::history::Reached;
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
    pub fn open(path: &Path, device: &Device) -> Result<Self, Error> {
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
pub(super) fn networks_of(folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let failed = |source| Error::Io { path: folder.to_owned(), source };
    let found = classifier_file::networks_in(folder).map_err(failed)?;
    if found.is_empty() {
        return Err(Error::NoModel(folder.to_owned()));
    }
    Ok(found)
}

/// The one fine-tuned network in a folder.
fn network_in(folder: &Path) -> Result<PathBuf, Error> {
    let mut found = networks_of(folder)?;
    match found.len() {
        1 => Ok(found.remove(0)),
        _ => {
            let name = |path: &PathBuf| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            Err(Error::ManyModels { folder: folder.to_owned(), names: found.iter().map(name).collect() })
        }
    }
}

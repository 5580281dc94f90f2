//! A fine-tuned network as a file: safetensors, with all that is needed to use it in its metadata.

use super::cells::CellsError;
use super::classifier::{Classifier, Trainable};
use crate::model::Encoder;
use crate::model::init::Init;
use crate::model::weights::{self, WeightsError};
use crate::recipe::Depth;
use crate::train::run_record::VERSION;
use burn::tensor::Device;
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, Seed, atomic};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// What a fine-tuned network is, apart from its weights.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassifierFacts {
    /// Version of the program that wrote it.
    pub version: String,
    /// The classes, in the order of the outputs.
    pub classes: Vec<String>,
    /// What of it was trained, which also says what the head reads.
    pub trainable: Trainable,
    /// Depth of the backbone.
    pub depth: Depth,
    /// The views it expects.
    pub view: ViewRecipe,
    /// Hash of the table it was trained on.
    pub data: String,
}

/// Where the facts stand in the file's metadata.
pub(crate) const FACTS: &str = "hico.classifier";

/// File name of a fine-tuned network inside an evaluation's folder.
#[must_use]
pub fn file_name(candidate: &str, fold: usize, seed: u64) -> PathBuf {
    PathBuf::from(format!("{candidate}-fold{fold}-seed{seed}.safetensors"))
}

impl ClassifierFacts {
    /// The facts of a network that was trained on `dataset`.
    #[must_use]
    pub fn new(dataset: &Dataset, trainable: Trainable, depth: Depth, view: &ViewRecipe) -> Self {
        Self {
            version: VERSION.to_owned(),
            classes: dataset.classes().to_vec(),
            trainable,
            depth,
            view: view.clone(),
            data: dataset.manifest().hash(),
        }
    }
}

/// Writes a fine-tuned network.
///
/// # Errors
/// When the file cannot be written.
pub fn save(path: &Path, classifier: &Classifier, facts: &ClassifierFacts) -> Result<(), CellsError> {
    let failed = |source| CellsError::File { path: path.to_owned(), source };
    let facts = serde_json::to_string(facts).map_err(|source| failed(source.into()))?;
    let metadata = BTreeMap::from([(FACTS.to_owned(), facts)]);
    let bytes = weights::to_safetensors(&classifier.to_tensors(), &metadata)
        .map_err(|error| failed(std::io::Error::other(error)))?;
    atomic::write(path, &bytes).map_err(failed)
}

/// Reads a fine-tuned network onto a device.
///
/// # Errors
/// When the file cannot be read, is none of ours, or its weights do not fit its own facts.
pub fn load(path: &Path, device: &Device) -> Result<(Classifier, ClassifierFacts), WeightsError> {
    let (tensors, metadata) = weights::read_safetensors(path)?;
    let facts = facts(path, &metadata)?.ok_or_else(|| WeightsError::Broken {
        path: path.to_owned(),
        reason: "it is no fine-tuned network of `hico finetune`".to_owned(),
    })?;
    let init = Init::new(device, Seed(0));
    let encoder = Encoder::new(&init.at("encoder"), facts.depth);
    let classifier = Classifier::new(&init, encoder, facts.classes.len(), facts.trainable).with_tensors(&tensors)?;
    Ok((classifier, facts))
}

/// The facts in a file's metadata; `None` where it is no fine-tuned network.
///
/// # Errors
/// When they are broken.
pub fn facts(path: &Path, metadata: &BTreeMap<String, String>) -> Result<Option<ClassifierFacts>, WeightsError> {
    let parse = |text: &String| {
        let broken =
            |error: serde_json::Error| WeightsError::Broken { path: path.to_owned(), reason: error.to_string() };
        serde_json::from_str(text).map_err(broken)
    };
    metadata.get(FACTS).map(parse).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluate::test_data;

    #[test]
    fn a_network_and_its_facts_come_back_from_their_file() {
        let device = Device::flex();
        let data = test_data::spots(&[("a", Some(0), 0), ("b", Some(1), 1)]);
        let init = Init::new(&device, Seed(8));
        let encoder = Encoder::new(&init.at("encoder"), Depth::R18);
        let classifier = Classifier::new(&init, encoder, 2, Trainable::LastBlock);
        let facts = ClassifierFacts::new(&data, Trainable::LastBlock, Depth::R18, &ViewRecipe::default());
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join(file_name("hico", 0, 1));
        save(&path, &classifier, &facts).unwrap();
        let (read, read_facts) = load(&path, &device).unwrap();
        assert_eq!(read_facts, facts);
        assert_eq!(read.to_tensors(), classifier.to_tensors());
    }
}

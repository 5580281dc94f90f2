//! Weights to begin a run with, for instance ImageNet's, in the place of random ones.

use crate::model::Encoder;
use crate::model::init::Init;
use crate::model::weights::{self, LoadReport, Naming, Recognised, WeightsError};
use crate::recipe::Depth;
use burn::module::Module;
use burn::tensor::Device;
use hico_data::Seed;
use serde::{Deserialize, Serialize};
use std::collections::HashSet;
use std::path::Path;

/// An encoder from a file.
#[derive(Debug, Clone)]
pub struct FirstWeights {
    record: FirstWeightsRecord,
    found: Recognised,
}

/// Which weights a run began with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FirstWeightsRecord {
    /// Name of the file, without its folder.
    pub file: String,
    /// SHA-256 of the file, hexadecimal.
    pub sha256: String,
    /// How many tensors of the network came from it.
    pub tensors: usize,
}

impl FirstWeights {
    /// Reads a file of weights in any format and naming that we know.
    ///
    /// # Errors
    /// When it cannot be read, or holds no encoder or one that does not fit.
    pub fn read(path: &Path) -> Result<Self, WeightsError> {
        let found = weights::recognise(weights::read(path)?)?;
        let record = FirstWeightsRecord {
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: weights::sha256(path)?,
            tensors: found.given().count(),
        };
        Ok(Self { record, found })
    }

    /// What a run keeps of them.
    #[must_use]
    pub const fn record(&self) -> &FirstWeightsRecord {
        &self.record
    }

    /// Which tensors of the file were used, missing and ignored.
    #[must_use]
    pub const fn report(&self) -> &LoadReport {
        &self.found.report
    }

    /// Whether they fit a backbone of that depth.
    ///
    /// # Errors
    /// As [`Self::put_into`].
    pub fn fits(&self, depth: Depth) -> Result<(), WeightsError> {
        let device = Device::flex();
        let init = Init::new(&device, Seed(0));
        self.put_into(Holder { encoder: Encoder::new(&init, depth) }).map(drop)
    }

    /// Puts them into a network that calls its encoder `encoder.*`; all else in it stays, and so does a pyramid that
    /// they lack.
    ///
    /// # Errors
    /// When the backbone is of another depth: names the first tensor that one has and the other has not.
    pub fn put_into<M: Module>(&self, network: M) -> Result<M, WeightsError> {
        let names: Vec<String> = weights::parameters(&network).into_iter().map(|parameter| parameter.name).collect();
        let backbone = |name: &&str| name.starts_with("encoder.backbone.");
        let given: HashSet<&str> = self.found.given().map(|tensor| tensor.name.as_str()).collect();
        if let Some(name) = names.iter().map(String::as_str).filter(backbone).find(|name| !given.contains(name)) {
            return Err(WeightsError::Missing { name: name.to_owned() });
        }
        let needed: HashSet<&str> = names.iter().map(String::as_str).collect();
        let mut theirs = self.found.given().map(|tensor| tensor.name.as_str()).filter(backbone);
        if let Some(name) = theirs.find(|name| !needed.contains(name)) {
            return Err(WeightsError::Deeper { name: name.to_owned(), found: self.found.depth });
        }
        let given: Vec<_> = self.found.given().cloned().collect();
        weights::put(network, &given, Naming::Ours)
    }
}

/// Gives the encoder the names it has inside a whole model.
#[derive(Module, Debug)]
struct Holder {
    encoder: Encoder,
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::HicoModel;
    use crate::model::weights::{NamedTensor, to_safetensors, to_tensors};
    use crate::recipe::ModelRecipe;
    use std::collections::BTreeMap;

    fn model(depth: Depth, seed: u64) -> HicoModel {
        HicoModel::new(&ModelRecipe { depth, ..ModelRecipe::default() }, 32, 2, &Init::new(&Device::flex(), Seed(seed)))
    }

    /// A file with the backbone alone, by torchvision's names.
    fn first(depth: Depth) -> FirstWeights {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resnet.safetensors");
        let mut tensors = to_tensors(&model(depth, 1), Naming::Torchvision);
        tensors.retain(|tensor| ["conv1", "bn1", "layer"].iter().any(|begin| tensor.name.starts_with(begin)));
        std::fs::write(&path, to_safetensors(&tensors, &BTreeMap::new()).unwrap()).unwrap();
        FirstWeights::read(&path).unwrap()
    }

    #[test]
    fn the_backbone_is_the_files_and_all_else_stays() {
        let first = first(Depth::R18);
        assert_eq!((first.record().file.as_str(), first.record().tensors), ("resnet.safetensors", 100));
        let begun = to_tensors(&first.put_into(model(Depth::R18, 2)).unwrap(), Naming::Ours);
        let [theirs, before] = [1, 2].map(|seed| to_tensors(&model(Depth::R18, seed), Naming::Ours));
        for ((begun, theirs), before) in begun.iter().zip(&theirs).zip(&before) {
            let of_file = begun.name.starts_with("encoder.backbone.");
            let expected: &NamedTensor = if of_file { theirs } else { before };
            assert_eq!(begun, expected, "{}", begun.name);
        }
    }

    #[test]
    fn another_depth_is_refused_by_the_first_tensor() {
        let error = first(Depth::R18).put_into(model(Depth::R34, 2)).unwrap_err().to_string();
        assert!(error.contains("encoder.backbone.layer1.2.conv1.weight"), "{error}");
        let error = first(Depth::R34).put_into(model(Depth::R18, 2)).unwrap_err().to_string();
        assert!(error.contains("encoder.backbone.layer1.2.conv1.weight") && error.contains("ResNet-34"), "{error}");
    }
}

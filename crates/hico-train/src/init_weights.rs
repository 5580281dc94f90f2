//! Weights to begin a run with, for instance ImageNet's, in the place of random ones.

use super::pretrained;
use super::run_record::InitWeightsRecord;
use crate::Error;
use burn::module::Module;
use burn::tensor::Device;
use hico_data::Seed;
use hico_model::init::Init;
use hico_model::pretrained::Seen;
use hico_model::weights::{self, LoadReport, Naming, Recognised, WeightsOf};
use hico_model::{BackboneName, Encoder};
use std::collections::{BTreeMap, HashSet};
use std::path::Path;

/// Mean and deviation of ImageNet's pictures: torchvision's 0.485, 0.456, 0.406 and 0.229, 0.224, 0.225, each averaged
/// over the channels, for a grey picture has three equal ones.
const IMAGENET: [f64; 2] = [0.449, 0.226];

/// An encoder from a file.
#[derive(Debug, Clone)]
pub struct InitWeights {
    record: InitWeightsRecord,
    found: Recognised,
    normalisation: Option<[f64; 2]>,
}

/// Two are the same where their files are.
impl PartialEq for InitWeights {
    fn eq(&self, other: &Self) -> bool {
        self.record == other.record
    }
}

/// Mean and deviation as `hico export` writes them.
fn ours(known: &str, words: &BTreeMap<String, String>) -> Option<[f64; 2]> {
    let number = |key: &str| words.get(key)?.parse().ok().filter(|number: &f64| number.is_finite());
    Some([number("mean")?, number("std").filter(|std| *std > 0.0)?]).filter(|_| known == "true")
}

impl InitWeights {
    /// Reads a file of weights in any format and naming that we know, or a run's folder.
    ///
    /// - `of`: which network of the file, where there are several
    ///
    /// # Errors
    /// When it cannot be read, or holds no encoder or one that does not fit.
    pub fn read(path: &Path, of: &WeightsOf) -> Result<Self, Error> {
        let read = pretrained::read_of(path, of)?;
        let path = read.file().unwrap_or(path);
        let (_, words) = weights::read_with_metadata(path)?;
        let found = read.found().clone();
        let normalisation = match words.get("preprocessing_known") {
            Some(known) => ours(known, &words),
            None => found.report.is_of_imagenet().then_some(IMAGENET),
        };
        let record = InitWeightsRecord {
            file: path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
            sha256: weights::sha256(path)?,
            tensors: found.given().count(),
            groups_are_all: matches!(read.seen, Seen::Groups { all: true, .. }),
            groups: match read.seen {
                Seen::Groups { groups, .. } => groups.into_iter().collect(),
                Seen::Unknown => Vec::new(),
            },
        };
        Ok(Self { record, found, normalisation })
    }

    /// What a run keeps of them.
    #[must_use]
    pub const fn record(&self) -> &InitWeightsRecord {
        &self.record
    }

    /// Which tensors of the file were used, missing and ignored.
    #[must_use]
    pub const fn report(&self) -> &LoadReport {
        &self.found.report
    }

    /// Mean and deviation by which views are normalised for them, where the file or its names tell.
    #[must_use]
    pub const fn normalisation(&self) -> Option<[f64; 2]> {
        self.normalisation
    }

    /// Whether they fit a backbone of that depth.
    ///
    /// # Errors
    /// As [`Self::put_into`].
    pub fn fits(&self, depth: BackboneName) -> Result<(), Error> {
        let device = Device::flex();
        let init = Init::new(&device, Seed(0));
        self.put_into(Holder { encoder: Encoder::new(&init, depth) }).map(drop)
    }

    /// Puts them into a network that calls its encoder `encoder.*`; all else in it stays, and so does a pyramid that
    /// they lack.
    ///
    /// # Errors
    /// When the backbone is of another depth: names the first tensor that one has and the other has not.
    pub fn put_into<M: Module>(&self, network: M) -> Result<M, Error> {
        let names: Vec<String> = weights::parameters(&network).into_iter().map(|parameter| parameter.name).collect();
        let backbone = |name: &&str| name.starts_with("encoder.backbone.");
        let given: HashSet<&str> = self.found.given().map(|tensor| tensor.name.as_str()).collect();
        if let Some(name) = names.iter().map(String::as_str).filter(backbone).find(|name| !given.contains(name)) {
            return Err(hico_model::Error::NoTensor { name: name.to_owned() }.into());
        }
        let needed: HashSet<&str> = names.iter().map(String::as_str).collect();
        let mut theirs = self.found.given().map(|tensor| tensor.name.as_str()).filter(backbone);
        if let Some(name) = theirs.find(|name| !needed.contains(name)) {
            return Err(
                hico_model::Error::DeeperWeights { name: name.to_owned(), found: self.found.backbone.title() }.into()
            );
        }
        let given: Vec<_> = self.found.given().cloned().collect();
        Ok(weights::put(network, &given, Naming::Ours)?)
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
    use crate::recipe::HicoRecipe;
    use hico_model::weights::{NamedTensor, to_safetensors, to_tensors};

    fn model(depth: BackboneName, seed: u64) -> HicoModel {
        HicoModel::new(depth, &HicoRecipe::default(), 32, 2, &Init::new(&Device::flex(), Seed(seed)))
    }

    /// A file with the backbone alone, by torchvision's names.
    fn first(depth: BackboneName) -> InitWeights {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("resnet.safetensors");
        let mut tensors = to_tensors(&model(depth, 1), Naming::Torchvision);
        tensors.retain(|tensor| ["conv1", "bn1", "layer"].iter().any(|begin| tensor.name.starts_with(begin)));
        std::fs::write(&path, to_safetensors(&tensors, &BTreeMap::new()).unwrap()).unwrap();
        InitWeights::read(&path, &WeightsOf::Online).unwrap()
    }

    #[test]
    fn the_backbone_is_the_files_and_all_else_stays() {
        let first = first(BackboneName::RESNET18);
        assert_eq!((first.record().file.as_str(), first.record().tensors), ("resnet.safetensors", 100));
        let begun = to_tensors(&first.put_into(model(BackboneName::RESNET18, 2)).unwrap(), Naming::Ours);
        let [theirs, before] = [1, 2].map(|seed| to_tensors(&model(BackboneName::RESNET18, seed), Naming::Ours));
        for ((begun, theirs), before) in begun.iter().zip(&theirs).zip(&before) {
            let of_file = begun.name.starts_with("encoder.backbone.");
            let expected: &NamedTensor = if of_file { theirs } else { before };
            assert_eq!(begun, expected, "{}", begun.name);
        }
    }

    #[test]
    fn the_normalisation_is_imagenets_where_the_names_are_torchvisions() {
        assert_eq!(first(BackboneName::RESNET18).normalisation(), Some([0.449, 0.226]));
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("w.safetensors");
        let write = |naming, head: Option<usize>| {
            let mut tensors = to_tensors(&model(BackboneName::RESNET18, 1), naming);
            tensors.retain(|tensor| {
                tensor.name.contains("layer") || ["conv1", "bn1"].iter().any(|c| tensor.name.contains(c))
            });
            tensors.extend(head.map(|classes| NamedTensor {
                name: "fc.weight".to_owned(),
                shape: vec![classes, 512],
                values: vec![0.0; classes * 512],
            }));
            std::fs::write(&path, to_safetensors(&tensors, &BTreeMap::new()).unwrap()).unwrap();
            InitWeights::read(&path, &WeightsOf::Online).unwrap().normalisation()
        };
        assert_eq!(write(Naming::Torchvision, Some(1000)), Some([0.449, 0.226]));
        assert_eq!(write(Naming::Torchvision, Some(3)), None, "they were trained on something else since");
        assert_eq!(write(Naming::Ours, None), None);
        // What `hico export` writes says it itself.
        let words = |known: &str| {
            let words = [("preprocessing_known", known), ("mean", "0.4"), ("std", "0.2")];
            words.map(|(key, word)| (key.to_owned(), word.to_owned())).into()
        };
        let tensors = weights::read(&path).unwrap();
        for (known, expected) in [("true", Some([0.4, 0.2])), ("false", None)] {
            std::fs::write(&path, to_safetensors(&tensors, &words(known)).unwrap()).unwrap();
            assert_eq!(InitWeights::read(&path, &WeightsOf::Online).unwrap().normalisation(), expected);
        }
    }

    #[test]
    fn another_depth_is_refused_by_the_first_tensor() {
        let error = first(BackboneName::RESNET18).put_into(model(BackboneName::RESNET34, 2)).unwrap_err().to_string();
        assert!(error.contains("encoder.backbone.layer1.2.conv1.weight"), "{error}");
        let error = first(BackboneName::RESNET34).put_into(model(BackboneName::RESNET18, 2)).unwrap_err().to_string();
        assert!(error.contains("encoder.backbone.layer1.2.conv1.weight") && error.contains("ResNet-34"), "{error}");
    }
}

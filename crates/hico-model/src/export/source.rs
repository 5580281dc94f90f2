//! What is exported: a run, a fine-tuned network, or a file of weights, and what is known of it.

use super::Facts;
use crate::classifier_file::{self, ClassifierFacts};
use crate::history::{HISTORY, History};
use crate::pretrained::Pretrained;
use crate::weights::{self, NamedTensor, WeightsOf};
use crate::{Encoder, Error, FeatureSet};
use hico_data::Preprocessing;
use hico_data::view::ViewRecipe;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// Weights, and what is known of them.
#[derive(Debug, Clone)]
pub struct Source {
    /// As it was named.
    pub path: PathBuf,
    /// The file that holds the weights.
    pub file: PathBuf,
    /// SHA-256 of that file, hexadecimal.
    pub sha256: String,
    /// Its encoder.
    pub pretrained: Pretrained,
    /// Every tensor of its network by our names; a tensor that we have no name for keeps its own.
    pub tensors: Vec<NamedTensor>,
    /// Words that the file carries.
    pub metadata: BTreeMap<String, String>,
    /// What it is, where it is a fine-tuned network.
    pub classifier: Option<ClassifierFacts>,
    /// How the clips of its run were prepared, where that is known.
    prepared: Option<Preprocessing>,
    /// Where it comes from, what it learnt from and what it reached.
    pub history: History,
    /// The features that it is read by: those of its head, or averaged C5.
    pub reads: FeatureSet,
}

/// What a file of ours holds besides its network: the state of a run, and descriptions of training frames.
const NOT_NETWORK: [&str; 3] = ["optimiser.", "method.", "known."];

impl Source {
    /// Reads the tensors of an encoder's file besides the encoder.
    ///
    /// - `path`: as it was named
    /// - `of`: which network of a file that holds several, as the encoder was read
    /// - `prepared`: how the clips of its run were prepared, where that is known
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn new(
        path: &Path,
        pretrained: Pretrained,
        of: &WeightsOf,
        prepared: Option<Preprocessing>,
    ) -> Result<Self, Error> {
        let file = pretrained.file().unwrap_or(path).to_owned();
        let (tensors, metadata) = weights::read_with_metadata(&file)?;
        let misfit = |source| Error::InFile { path: file.clone(), source: Box::new(source) };
        let mut tensors = weights::by_our_names(tensors, of).map_err(misfit)?;
        tensors.retain(|tensor| !NOT_NETWORK.iter().any(|other| tensor.name.starts_with(other)));
        weights::finite(&tensors).map_err(misfit)?;
        let classifier = classifier_file::facts(&file, &metadata)?;
        let history = classifier.as_ref().and_then(|facts| facts.history.clone());
        let plain = || History { beginning: pretrained.beginning.clone(), tuning: None, test: None };
        Ok(Self {
            path: path.to_owned(),
            sha256: weights::sha256(&file)?,
            history: history.unwrap_or_else(plain),
            reads: classifier.as_ref().map_or_else(FeatureSet::default, |facts| facts.features),
            classifier,
            pretrained,
            tensors,
            metadata,
            prepared,
            file,
        })
    }

    /// The same, without the names of the groups that it saw.
    #[must_use]
    pub fn without_names(mut self) -> Self {
        self.history = self.history.without_names();
        if let Some(facts) = &mut self.classifier {
            facts.history = facts.history.take().map(History::without_names);
        }
        self
    }

    /// The views that the weights expect, where that is known.
    #[must_use]
    pub fn known_view(&self) -> Option<&ViewRecipe> {
        self.classifier.as_ref().map(|facts| &facts.view).or(self.pretrained.view.as_ref())
    }

    /// The views that the weights expect, or our defaults.
    #[must_use]
    pub fn view(&self) -> ViewRecipe {
        self.known_view().cloned().unwrap_or_default()
    }

    /// Returns how clips have to be prepared for the weights: as those that they learnt from, or not at all where that is not
    /// known.
    #[must_use]
    pub fn preprocessing(&self) -> Preprocessing {
        self.classifier.as_ref().map(|facts| facts.preprocessing).or(self.prepared).unwrap_or_default()
    }

    /// Reads it by other features, for an encoder that is exported or shown pictures; a head goes on reading its own.
    ///
    /// # Errors
    /// When they are read from a pyramid that it does not have.
    pub fn with_features(self, reads: FeatureSet) -> Result<Self, Error> {
        match reads.reads_pyramid() && !self.pretrained.found().pyramid {
            true => Err(Error::NoPyramid(self.path)),
            false => Ok(Self { reads, ..self }),
        }
    }

    /// What a linear classifier reads, where there is one.
    fn head_reads(&self) -> FeatureSet {
        self.classifier.as_ref().map_or_else(FeatureSet::default, |facts| facts.features)
    }

    /// Weight and bias of a linear classifier on the features, where there is one.
    #[must_use]
    pub fn head(&self) -> Option<[&NamedTensor; 2]> {
        let find = |name: &str| self.tensors.iter().find(|tensor| tensor.name == name);
        let (weight, bias) = (find("head.weight")?, find("head.bias")?);
        let &[classes, columns] = weight.shape.as_slice() else { return None };
        let reads = self.head_reads();
        let features = reads.len(self.pretrained.backbone);
        let pyramid = self.pretrained.found().pyramid;
        let top = columns == features + Encoder::TOP_FEATURES && !reads.reads_pyramid() && pyramid;
        let fits = top || (columns == features && (pyramid || !reads.reads_pyramid()));
        (fits && bias.shape == [classes]).then_some([weight, bias])
    }

    /// What its classifier reads: features, and whether averaged P5 besides; `None` where there is none.
    #[must_use]
    pub fn head_input(&self) -> Option<(FeatureSet, bool)> {
        let [weight, _] = self.head()?;
        let reads = self.head_reads();
        Some((reads, weight.shape[1] > reads.len(self.pretrained.backbone)))
    }

    /// What a program that reads the file must know to prepare a picture.
    #[must_use]
    pub fn facts(&self, side: usize) -> Facts {
        let view = self.view();
        let mut facts = Facts::from([
            ("description".to_owned(), self.pretrained.description.clone()),
            ("architecture".to_owned(), self.pretrained.backbone.to_string()),
            ("channel_order".to_owned(), "RGB".to_owned()),
            ("layout".to_owned(), "NCHW".to_owned()),
            ("image_size".to_owned(), side.to_string()),
            ("resize".to_owned(), RESIZE.to_owned()),
            ("scale".to_owned(), "1/255".to_owned()),
            ("mean".to_owned(), view.mean.to_string()),
            ("std".to_owned(), view.std.to_string()),
            ("preprocessing_known".to_owned(), self.known_view().is_some().to_string()),
            ("source_sha256".to_owned(), self.sha256.clone()),
        ]);
        if let Some(classes) = self.classifier.as_ref().and_then(|facts| serde_json::to_string(&facts.classes).ok()) {
            facts.insert("classes".to_owned(), classes);
        }
        if let Ok(history) = serde_json::to_string(&self.history) {
            facts.insert(HISTORY.to_owned(), history);
        }
        if let Some(classifier) = &self.classifier {
            facts.insert("temperature".to_owned(), classifier.temperature.to_string());
        }
        facts
    }
}

/// How a frame comes to its side.
pub const RESIZE: &str =
    "the whole frame to image size x image size, bilinear with antialiasing (Pillow's BILINEAR), whatever its shape";

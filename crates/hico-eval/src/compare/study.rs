//! What a study asks, checked: `study_file.rs` reads one, `crossval` makes one of a command.

use super::labels::Labels;
pub use super::settings::{Budget, EvaluationSettings};
use crate::Error;
use crate::baselines::Baseline;
use hico_data::Dataset;
use hico_data::view::ViewRecipe;
use hico_model::BackboneName;
use hico_model::classifier::Trainable;
use hico_model::pretrained::Pretrained;
use hico_train::init_weights::InitWeights;
use hico_train::recipe::{Recipe, Supervision};
use std::path::PathBuf;
use std::sync::Arc;

/// A data set of a study.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudyData {
    /// Its name in tables.
    pub name: String,
    /// Its folder.
    pub folder: PathBuf,
    /// What encoders that are evaluated on it were pretrained on.
    pub source: PretrainedOn,
    /// Whether anything is evaluated on it; else it is only pretrained on.
    pub evaluated: bool,
    /// Folds that are tested; all if `None`.
    pub folds: Option<Vec<usize>>,
}

/// What an encoder is pretrained on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PretrainedOn {
    /// The clips of all groups that the fold does not test.
    Inside,
    /// All clips of another data set, by its place in [`Study::data`].
    Other(usize),
}

/// Where a method's encoder begins.
#[derive(Debug, Clone, PartialEq)]
pub enum Start {
    /// At the random weights that every pretraining with the same seed begins with, and it stays there.
    Random,
    /// At random weights of its own, and it stays there.
    Scratch,
    /// At weights from a file or a run, and it stays there.
    Weights(PathBuf),
    /// At weights that were read, and it stays there.
    Given(Arc<Pretrained>),
    /// At random weights, and it is pretrained.
    Recipe(Box<Recipe>),
    /// Nowhere: a baseline has no encoder.
    Baseline(Baseline),
}

/// A method of a study.
#[derive(Debug, Clone, PartialEq)]
pub struct StudyMethod {
    /// Its name in tables and files.
    pub name: String,
    /// Where its encoder comes from.
    pub start: Start,
    /// The method of which it is one with something changed.
    pub ablates: Option<String>,
    /// The label budgets for which it is pretrained, where its pretraining reads labels; every one if `None`.
    pub labels: Option<Vec<Labels>>,
    /// What of its network is fine-tuned, where that is not what the study says.
    pub trainable: Option<Trainable>,
    /// The weights that its pretraining begins with, where they are not random.
    pub init_weights: Option<Arc<InitWeights>>,
}

impl StudyMethod {
    /// Returns true for a baseline, which has no encoder.
    #[must_use]
    pub const fn is_baseline(&self) -> bool {
        matches!(self.start, Start::Baseline(_))
    }

    /// Returns true where its encoder was or will be pretrained.
    #[must_use]
    pub const fn is_pretrained(&self) -> bool {
        matches!(self.start, Start::Weights(_) | Start::Given(_) | Start::Recipe(_))
    }

    /// Whether its pretraining reads labels: then that may know no more of them than its judgement.
    #[must_use]
    pub fn reads_labels(&self) -> bool {
        matches!(&self.start, Start::Recipe(recipe) if recipe.supervision() != Supervision::SelfOnly)
    }
}

/// A checked study.
#[derive(Debug, Clone, PartialEq)]
pub struct Study {
    /// Title of its report.
    pub title: String,
    /// Seeds: of the first weights, of pretraining, of which labels are known, and of fine-tuning.
    pub seeds: Vec<u64>,
    /// What pretraining may use up.
    pub budget: Budget,
    /// How encoders are evaluated.
    pub evaluation: EvaluationSettings,
    /// The views on which encoders are evaluated.
    pub view: ViewRecipe,
    /// Backbone of networks from random weights.
    pub backbone: BackboneName,
    /// Data sets.
    pub data: Vec<StudyData>,
    /// Methods.
    pub methods: Vec<StudyMethod>,
    /// Pairs of places in [`Self::methods`] that are compared, the one expected to be better first.
    pub compare: Vec<[usize; 2]>,
}

impl StudyMethod {
    /// Makes the method that stands for a baseline.
    #[must_use]
    pub fn of_baseline(baseline: Baseline) -> Self {
        Self::new(baseline.to_string(), Start::Baseline(baseline))
    }

    /// Makes a method that ablates nothing, is asked with every label budget, and is fine-tuned as the study says.
    #[must_use]
    pub const fn new(name: String, start: Start) -> Self {
        Self { name, start, ablates: None, labels: None, trainable: None, init_weights: None }
    }
}

impl Study {
    /// Opens every data set, in their order.
    ///
    /// # Errors
    /// When one cannot be opened.
    pub fn open(&self) -> Result<Vec<Arc<Dataset>>, Error> {
        let open = |data: &StudyData| match Dataset::open(&data.folder) {
            Ok(dataset) => Ok(Arc::new(dataset)),
            Err(source) => Err(Error::InData { data: data.name.clone(), source: Box::new(source.into()) }),
        };
        self.data.iter().map(open).collect()
    }
}

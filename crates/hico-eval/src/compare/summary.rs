//! What a study found, as it is kept.

use super::answer::{EvalMode, Evaluation};
pub use super::curves::{AreaDifference, Curve, CurveLine, Point};
use super::labels::Labels;
use super::ranks::Ranks;
use super::settings::STRENGTH;
use super::strata::Stratum;
use super::study::{Budget, EvaluationSettings};
use crate::outcome::{CalibrationScores, Comparison, Scores};
use hico_model::history::PretrainingFacts;
use hico_train::predictions::ClipPrediction;
use hico_train::tuning_state::CurvePoint;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// File name of a summary inside a study's folder.
pub const SUMMARY_FILE: &str = "summary.json";

/// What a study found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Version of the program.
    pub version: String,
    /// Its title.
    pub title: String,
    /// Who summed it up, and when.
    #[serde(default)]
    pub origin: Origin,
    /// Its methods, in their order.
    pub methods: Vec<MethodFacts>,
    /// Its seeds.
    pub seeds: Vec<u64>,
    /// What pretraining could use up.
    pub budget: Budget,
    /// How encoders were evaluated.
    pub evaluation: EvaluationSettings,
    /// Side of the images, pixels.
    pub image_size: usize,
    /// The data sets that were tested.
    pub data: Vec<DataFacts>,
    /// Cells that are finished, and all.
    pub cells: [usize; 2],
    /// Seconds that the answers took, pretraining included.
    pub seconds: f64,
    /// A table for each data set, evaluation and label budget.
    pub tables: Vec<Table>,
    /// Comparisons that p values are corrected for: all of the study, those that repeat another left out.
    pub tests: usize,
    /// What may choose between methods: a table for each data set and label budget of the inner evaluation.
    pub choices: Vec<Choice>,
    /// How methods did on their way through pretraining.
    pub curves: Vec<Curve>,
    /// Mean ranks over data sets, where there are enough of them.
    pub ranks: Vec<RankTable>,
    /// The pretraining runs that its encoders go back to, as far as they are known.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pretraining: Vec<PretrainingFacts>,
    /// What a reader must know before believing a figure.
    pub warnings: Vec<String>,
}

/// Where a summary comes from; of no influence on its figures.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Origin {
    /// The command that made it, as typed, without paths above the data set.
    pub command: String,
    /// When it ended, RFC 3339, UTC.
    pub finished: String,
    /// Device of the last cells.
    pub device: String,
}

/// Whether a method is there to be beaten or to beat.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// What costs nothing or little: a baseline without a network, or random weights.
    Baseline,
    /// What was pretrained.
    Pretrained,
}

/// A method of a study.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MethodFacts {
    /// Its name in tables.
    pub name: String,
    /// One sentence that says what it is.
    pub description: String,
    /// Baseline or pretrained.
    pub role: Role,
    /// The method of which it is one with something changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ablates: Option<String>,
}

/// A data set that was tested.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DataFacts {
    /// Its name.
    pub name: String,
    /// Hash of its table.
    pub hash: String,
    /// What encoders were pretrained on.
    pub pretrained_on: String,
    /// Its classes; every class index elsewhere refers to them.
    pub classes: Vec<ClassFacts>,
    /// Clips without a label.
    pub unlabelled: usize,
    /// Folds that were tested.
    pub folds: Vec<usize>,
    /// Clips that were tested.
    pub tested_clips: usize,
    /// Groups (patients) that were tested.
    pub tested_groups: Vec<String>,
}

/// A class of a data set.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClassFacts {
    /// Its name.
    pub name: String,
    /// Labelled clips.
    pub clips: usize,
    /// Groups with a clip of it.
    pub groups: usize,
    /// Frames of those clips that are used.
    pub frames: usize,
    /// Clips that were tested.
    pub tested_clips: usize,
    /// Groups that were tested.
    pub tested_groups: usize,
}

/// Methods evaluated one way with one label budget on one data set.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Table {
    /// The data set.
    pub data: String,
    /// What was asked of the encoders.
    pub evaluation: Evaluation,
    /// The labels that were known.
    pub labels: Labels,
    /// One entry a method, in the study's order.
    pub entries: Vec<MethodEntry>,
    /// Paired differences, with p values corrected for their number in the study.
    pub comparisons: Vec<Compared>,
    /// How often such intervals hold the truth; absent where there are none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<Coverage>,
    /// Results by stratum, where confounders alone are better than chance.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strata: Vec<Stratum>,
}

/// How often a 95 % interval of one method held the truth in studies that were simulated on the tested groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Coverage {
    /// The method.
    pub method: String,
    /// Share of [`SIMULATIONS`](crate::coverage::SIMULATIONS) simulated studies.
    pub share: f64,
}

impl Table {
    /// The methods that the study asks this.
    pub(crate) fn asked(&self) -> impl Iterator<Item = &MethodEntry> {
        self.entries.iter().filter(|entry| entry.asked)
    }
}

/// A method's figures in one table.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MethodEntry {
    /// The method.
    pub method: String,
    /// Whether the study asks this of it: a method that learnt from few labels is evaluated with those alone.
    pub asked: bool,
    /// Seeds of which every fold is there.
    pub seeds: Vec<u64>,
    /// Its figures over those seeds; absent where there is none.
    pub scores: Option<EntryScores>,
}

/// Figures over folds and seeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EntryScores {
    /// Folds pooled, mean over seeds.
    #[serde(flatten)]
    pub scores: Scores,
    /// Balanced accuracy per frame at the epoch that is best on the test fold, mean over folds and seeds.
    pub published: Option<f64>,
    /// What calibration does to its confidence; only where a network was fine-tuned.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration: Option<CalibrationScores>,
    /// Views that pretraining saw, mean.
    pub images: f64,
    /// Seconds of pretraining, mean.
    pub seconds: f64,
    /// Groups whose labels were known, mean.
    pub groups: f64,
    /// Fold by fold and seed by seed.
    pub runs: Vec<FoldRun>,
    /// Clips that are classified wrong with the first seed, the surest first, and at most [`MISTAKES`] of them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mistakes: Vec<ClipPrediction>,
}

/// Clips of [`EntryScores::mistakes`] at most.
pub const MISTAKES: usize = 20;

/// One fold tested with one seed.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FoldRun {
    /// The fold that was tested.
    pub fold: usize,
    /// The seed.
    pub seed: u64,
    /// Clips trained on, of inner validation, and tested.
    pub clips: [usize; 3],
    /// Groups trained on, of inner validation, and tested.
    pub groups: [usize; 3],
    /// Epoch that stands, from 0; absent where nothing is trained by epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_epoch: Option<usize>,
    /// Balanced accuracy per frame on the test fold.
    pub balanced_accuracy: f64,
    /// The same at the epoch that is best on the test fold; only where that was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub best_on_test: Option<f64>,
    /// Temperature at which the inner validation frames are most likely; absent where nothing is trained by epochs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Epoch by epoch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<CurvePoint>,
    /// Groups of the test fold that the encoder's pretraining had seen. Anything here spoils the figure.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen_groups: Vec<String>,
}

impl EntryScores {
    /// Returns the tested groups that pretraining had seen, of all folds and seeds.
    #[must_use]
    pub fn seen_groups(&self) -> BTreeSet<&str> {
        self.runs.iter().flat_map(|run| &run.seen_groups).map(String::as_str).collect()
    }
}

/// Methods asked within the training groups of each fold; no test fold was looked at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Choice {
    /// The data set.
    pub data: String,
    /// The evaluation, with the features that are read where a study reads several.
    #[serde(default = "inner")]
    pub evaluation: Evaluation,
    /// The labels that were known.
    pub labels: Labels,
    /// Strength of the probe's L2 term.
    #[serde(default = "fixed_strength")]
    pub strength: f64,
    /// Folds and seeds that every method has.
    pub places: usize,
    /// One entry a method, in the study's order.
    pub entries: Vec<Candidate>,
}

/// Returns the evaluation of choices by earlier versions.
const fn inner() -> Evaluation {
    Evaluation { mode: EvalMode::Inner, features: None }
}

/// Returns the strength of choices by earlier versions.
const fn fixed_strength() -> f64 {
    STRENGTH
}

/// A method's figures in one choice.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Candidate {
    /// The method.
    pub method: String,
    /// Macro AUC per patient of each fold and seed that every method has.
    #[serde(default)]
    pub macro_auc: Vec<f64>,
    /// Mean of [`Self::macro_auc`]; absent where there is none, as in summaries of versions that had another figure.
    #[serde(default)]
    pub mean_macro_auc: Option<f64>,
    /// In how many of them no method has a higher one.
    pub first: usize,
    /// Mean balanced accuracy per clip over the same folds and seeds.
    #[serde(default)]
    pub mean_balanced_accuracy: Option<f64>,
}

/// A paired comparison.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Compared {
    /// The difference, its interval and its p value.
    #[serde(flatten)]
    pub comparison: Comparison,
    /// p after Holm's correction for all comparisons of the study.
    pub p_holm: f64,
}

/// Methods ranked over data sets.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RankTable {
    /// What was asked of the encoders.
    pub evaluation: Evaluation,
    /// The labels that were known.
    pub labels: Labels,
    /// The ranks.
    pub ranks: Ranks,
}

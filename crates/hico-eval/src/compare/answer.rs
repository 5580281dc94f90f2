//! What a cell leaves: answers, each with what was predicted for every tested frame.

use super::labels::Labels;
use crate::prediction_table::AnswerKey;
use hico_data::Dataset;
use hico_model::FeatureSet;
use hico_model::weights::hex;
use hico_train::predictions::FramePrediction;
use hico_train::tuning_state::CurvePoint;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::fmt;

/// What is asked of an encoder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EvalMode {
    /// Vote of the nearest training frames, by the cosine of frozen features.
    Knn,
    /// Logistic regression on frozen features.
    LinearProbe,
    /// The whole encoder and a linear head trained.
    Finetune,
    /// Logistic regression on frozen features within the training groups, mean over ten partings of them: what may choose
    /// between methods. The test fold is not looked at.
    Inner,
    /// Nothing: a baseline has no encoder, and stands in every table.
    Baseline,
}

impl EvalMode {
    /// Everything that can be asked.
    pub const ALL: [Self; 5] = [Self::Knn, Self::LinearProbe, Self::Finetune, Self::Inner, Self::Baseline];
}

impl fmt::Display for EvalMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Knn => "knn",
            Self::LinearProbe => "linear-probe",
            Self::Finetune => "finetune",
            Self::Inner => "inner",
            Self::Baseline => "baseline",
        })
    }
}

/// An evaluation of an encoder, and the features that it reads.
///
/// It is written by its name, `linear-probe`; where a study reads several sets of features, with the set behind it:
/// `linear-probe@c5`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Evaluation {
    /// The evaluation.
    pub mode: EvalMode,
    /// The features that a frozen network is read by, where the study reads several sets.
    pub features: Option<FeatureSet>,
}

impl From<EvalMode> for Evaluation {
    fn from(mode: EvalMode) -> Self {
        Self { mode, features: None }
    }
}

impl PartialEq<EvalMode> for Evaluation {
    fn eq(&self, mode: &EvalMode) -> bool {
        *self == Self::from(*mode)
    }
}

impl fmt::Display for Evaluation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.features {
            Some(features) => write!(f, "{}@{features}", self.mode),
            None => self.mode.fmt(f),
        }
    }
}

impl TryFrom<String> for Evaluation {
    type Error = String;

    fn try_from(written: String) -> Result<Self, String> {
        let (mode, features) = match written.split_once('@') {
            Some((mode, features)) => (mode, Some(features.parse()?)),
            None => (written.as_str(), None),
        };
        let found = EvalMode::ALL.into_iter().find(|of| of.to_string() == mode);
        let mode = found.ok_or_else(|| format!("{written:?} is no evaluation"))?;
        Ok(Self { mode, features })
    }
}

impl From<Evaluation> for String {
    fn from(evaluation: Evaluation) -> Self {
        evaluation.to_string()
    }
}

/// One answer: one encoder, evaluated one way on one fold with one label budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// The method, by its name in the study.
    pub method: String,
    /// The data set it was tested on, by its name in the study.
    pub data: String,
    /// The fold that was tested.
    pub fold: usize,
    /// The seed.
    pub seed: u64,
    /// The labels that were known.
    pub labels: Labels,
    /// What was asked of the encoder.
    pub evaluation: Evaluation,
    /// Epochs of pretraining before.
    pub epochs: usize,
    /// Views that pretraining had seen.
    pub images: u64,
    /// Groups whose labels were known.
    pub groups: usize,
    /// Clips whose labels were known.
    pub clips: usize,
    /// What was chosen on inner validation groups: the strength of a probe's L2 term, the epoch of a fine-tuning. Where
    /// nothing was left to choose on: what was fixed before.
    pub chosen: String,
    /// Figures within the training groups, a strength each; of [`EvalMode::Inner`] alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub inner: Vec<InnerScores>,
    /// Balanced accuracy per frame at the epoch that is best on the test fold, as the literature reports.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub published: Option<f64>,
    /// Epoch that a fine-tuning chose, from 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chosen_epoch: Option<usize>,
    /// A fine-tuning, epoch by epoch.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub curve: Vec<CurvePoint>,
    /// Temperature at which the inner validation frames of a fine-tuning are most likely.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub temperature: Option<f64>,
    /// Tested groups that the pretraining had seen. Anything here spoils the figures.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub seen_groups: Vec<String>,
    /// Seconds of pretraining before.
    pub pretrain_seconds: f64,
    /// Seconds that this answer took.
    pub seconds: f64,
    /// SHA-256 of the predictions, [`predictions_sha256`]: by it a table that was changed is told from one with more answers.
    pub predictions_sha256: String,
    /// Every tested frame, in the order of the data set; kept in a table of its own. None of [`EvalMode::Inner`].
    #[serde(skip)]
    pub predictions: Vec<FramePrediction>,
    /// SHA-256 of [`Self::of_test_fold`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of_test_fold_sha256: Option<String>,
    /// The same frames at the epoch that is best on the test fold, as the literature reports; in the same table.
    #[serde(skip)]
    pub of_test_fold: Vec<FramePrediction>,
}

/// Figures of a probe within the training groups, means over the ways to part them.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct InnerScores {
    /// Strength of the probe's L2 term.
    pub strength: f64,
    /// Balanced accuracy per clip.
    pub balanced_accuracy: f64,
    /// Mean AUC per patient over the classes that a parting asks about, over the partings that ask about two or more; absent where
    /// none does.
    pub macro_auc: Option<f64>,
}

/// What follows the name of an evaluation in a table where the test fold chose the epoch.
const BY_TEST_FOLD: &str = "by-test-fold";

/// Hashes predictions: the id of each clip, the frame, and every bit of the probabilities.
#[must_use]
pub fn predictions_sha256(dataset: &Dataset, predictions: &[FramePrediction]) -> String {
    let mut hash = Sha256::new();
    for prediction in predictions {
        let clip = dataset.row(prediction.clip).clip.as_bytes();
        hash.update((clip.len() as u64).to_le_bytes());
        hash.update(clip);
        hash.update((prediction.frame as u64).to_le_bytes());
        prediction.probabilities.iter().for_each(|value| hash.update(value.to_bits().to_le_bytes()));
    }
    hex(&hash.finalize())
}

/// Which question an answer answers, within its cell.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Question<'a> {
    /// The data set.
    pub data: &'a str,
    /// The fold.
    pub fold: usize,
    /// The label budget.
    pub labels: Labels,
    /// What is asked.
    pub evaluation: Evaluation,
    /// Epochs of pretraining before.
    pub epochs: usize,
}

impl Answer {
    /// Returns which question it answers.
    #[must_use]
    pub fn question(&self) -> Question<'_> {
        let Self { data, fold, labels, evaluation, epochs, .. } = self;
        Question { data, fold: *fold, labels: *labels, evaluation: *evaluation, epochs: *epochs }
    }

    /// Returns what its predictions are found by in a table.
    #[must_use]
    pub fn key(&self) -> AnswerKey {
        AnswerKey {
            method: self.method.clone(),
            data: self.data.clone(),
            evaluation: self.evaluation.to_string(),
            labels: self.labels.to_string(),
            epochs: self.epochs,
            fold: self.fold,
            seed: self.seed,
        }
    }

    /// Returns what [`Self::of_test_fold`] is found by in a table.
    #[must_use]
    pub fn key_of_test_fold(&self) -> AnswerKey {
        AnswerKey { evaluation: format!("{}-{BY_TEST_FOLD}", self.evaluation), ..self.key() }
    }

    /// Returns true where another run of the same question came to the same answer, to the last digit of every
    /// probability; only the seconds may differ.
    #[must_use]
    pub fn same_answer(&self, other: &Self) -> bool {
        let timeless = |answer: &Self| Self { pretrain_seconds: 0.0, seconds: 0.0, ..answer.clone() };
        timeless(self) == timeless(other)
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn answer() -> Answer {
        Answer {
            method: "hico".into(),
            data: "lung".into(),
            fold: 0,
            seed: 7,
            labels: Labels::Groups(2),
            evaluation: EvalMode::LinearProbe.into(),
            epochs: 60,
            images: 8520,
            groups: 6,
            clips: 9,
            chosen: "0.1".into(),
            inner: Vec::new(),
            published: Some(2.0 / 3.0),
            chosen_epoch: None,
            curve: Vec::new(),
            temperature: None,
            seen_groups: Vec::new(),
            pretrain_seconds: 12.25,
            seconds: 0.1 + 0.2,
            predictions_sha256: "ab".into(),
            predictions: vec![FramePrediction { clip: 0, frame: 1, probabilities: vec![1.0 / 3.0, 2.0 / 3.0] }],
            of_test_fold_sha256: None,
            of_test_fold: Vec::new(),
        }
    }

    #[test]
    fn an_evaluation_is_written_and_read_with_its_features() {
        for mode in EvalMode::ALL {
            for features in [None, Some(FeatureSet::C5), Some(FeatureSet::ALL[3])] {
                let evaluation = Evaluation { mode, features };
                let written = serde_json::to_string(&evaluation).unwrap();
                assert_eq!(serde_json::from_str::<Evaluation>(&written).unwrap(), evaluation, "{written}");
            }
        }
        assert_eq!(Evaluation::from(EvalMode::LinearProbe).to_string(), "linear-probe");
        let features = Some(FeatureSet::ALL[3]);
        assert_eq!(Evaluation { mode: EvalMode::Knn, features }.to_string(), "knn@stages-mean-max");
        for broken in ["probe", "knn@", "knn@c6", "@c5"] {
            assert!(Evaluation::try_from(broken.to_owned()).is_err(), "{broken}");
        }
    }

    #[test]
    fn only_seconds_may_differ_between_the_same_answers() {
        assert!(answer().same_answer(&Answer { seconds: 3.0, pretrain_seconds: 9.0, ..answer() }));
        assert!(!answer().same_answer(&Answer { chosen: "1".into(), ..answer() }));
        let mut other = answer();
        other.predictions[0].probabilities[0] = 0.333_333_333_3;
        assert!(!answer().same_answer(&other));
    }
}

//! How the encoders of a study are evaluated, and what their pretraining may use up; the same for every method.

use super::answer::{EvalMode, Evaluation};
use super::labels::Labels;
use crate::Error;
use crate::outcome::Metric;
use hico_data::{Dataset, Seed};
use hico_model::FeatureSet;
use hico_model::classifier::Trainable;
use hico_train::finetune::{ClassBalance, HeadInit};
pub use hico_train::linear::STRENGTH;
use hico_train::plan::FoldPlan;
use serde::de::Error as _;
use serde::{Deserialize, Deserializer, Serialize};
use std::fmt;
use std::str::FromStr;

/// How encoders are evaluated; the same for every method.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct EvaluationSettings {
    /// Label budgets of the vote of the nearest neighbours.
    pub knn: Vec<Labels>,
    /// Label budgets of the linear probe on the frozen encoder.
    #[serde(alias = "probe")]
    pub linear_probe: Vec<Labels>,
    /// Label budgets of fine-tuning the whole encoder.
    pub finetune: Vec<Labels>,
    /// Label budgets of a probe within the training groups, which may choose between methods that read no labels.
    pub inner: Vec<Labels>,
    /// Whether the baselines without a network ([`Baseline::ALL`](crate::baselines::Baseline::ALL)) stand in every table.
    pub baselines: bool,
    /// What of a network is read, by neighbours and probes each of these, by the head that is fine-tuned the first; one or
    /// more.
    #[serde(with = "one_or_more")]
    pub features: Vec<FeatureSet>,
    /// Frames of a clip used, evenly spaced; 1 or more.
    pub frames_per_clip: usize,
    /// Share of the training groups that chooses a probe's strength and a fine-tuning's epoch where all labels are known;
    /// above 0, at most 0.5.
    pub inner_fraction: f64,
    /// Strength of a probe's L2 term.
    pub probe_strength: ProbeStrength,
    /// Strengths of a probe within the training groups; one or more.
    pub inner_strengths: Vec<f64>,
    /// What selects the epoch of a fine-tuning where all labels are known.
    pub model_selection: ModelSelection,
    /// The figure, per patient, whose differences are tested.
    pub metric: Metric,
    /// Optimiser steps of a fine-tuning, whatever the number of labels; 1 or more.
    pub finetune_steps: usize,
    /// Passes over the training frames of a fine-tuning, instead of `finetune_steps`; 1 or more.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finetune_epochs: Option<usize>,
    /// Frames a step; 2 or more.
    pub finetune_batch: usize,
    /// Learning rate at the start of a fine-tuning; above 0.
    pub finetune_learning_rate: f64,
    /// L2 weight decay of a fine-tuning; 0 or more.
    pub finetune_weight_decay: f64,
    /// How a fine-tuning makes up for classes of different size.
    pub class_balance: ClassBalance,
    /// What the head of a pretrained network begins with; that of another one is random, for it has no features to keep.
    #[serde(skip_serializing_if = "HeadInit::is_random")]
    pub head_init: HeadInit,
    /// Epochs without a better one on the inner validation groups after which a fine-tuning stops; none if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub early_stopping: Option<usize>,
    /// Whether the frames that a fine-tuning learns from are augmented.
    pub augmentation: bool,
    /// What of a network is fine-tuned.
    pub trainable: Trainable,
    /// Whether fine-tuning is also evaluated as the literature does, by its best epoch on the test fold.
    #[serde(rename = "test_fold_selection", alias = "published")]
    pub published: bool,
    /// Evaluations of the encoder on its way through pretraining, evenly spaced in images seen.
    #[serde(rename = "curve_points", alias = "looks")]
    pub curve_points: usize,
    /// Whether the encoder is also fine-tuned at each point of the curve, on all labels.
    #[serde(rename = "curve_finetune", alias = "finetune_at_looks")]
    pub curve_finetune: bool,
}

impl EvaluationSettings {
    /// Plans who learns and who is tested.
    ///
    /// # Errors
    /// When the folds do not do, or no group is left to choose on where one must be.
    pub fn plan(
        &self,
        dataset: &Dataset,
        fold: usize,
        (evaluation, labels): (EvalMode, Labels),
        seed: Seed,
    ) -> Result<FoldPlan, Error> {
        let chooses = match evaluation {
            EvalMode::LinearProbe => self.probe_strength == ProbeStrength::InnerValidation,
            EvalMode::Finetune => self.model_selection == ModelSelection::InnerValidation,
            // They learn from every training group, or part them themselves.
            EvalMode::Knn | EvalMode::Inner | EvalMode::Baseline => false,
        };
        let plan = match labels {
            _ if evaluation == EvalMode::Inner => FoldPlan::whole(dataset, fold),
            Labels::All if chooses => FoldPlan::new(dataset, fold, self.inner_fraction, seed),
            Labels::All => FoldPlan::whole(dataset, fold),
            Labels::Groups(_) | Labels::Thousandths(_) => {
                let inner = chooses.then_some(self.inner_fraction);
                FoldPlan::few(dataset, fold, |groups| labels.of(groups), inner, seed)
            }
        };
        Ok(plan?)
    }

    /// Reads the settings of a record. Those of earlier versions chose strengths and epochs on inner validation groups and did
    /// not say so.
    ///
    /// # Errors
    /// When a key is unknown or its value is not of its kind.
    pub(super) fn of_record<'de, D: Deserializer<'de>>(record: D) -> Result<Self, D::Error> {
        let mut record = serde_json::Map::deserialize(record)?;
        for key in ["probe_strength", "model_selection"] {
            record.entry(key).or_insert_with(|| "inner-validation".into());
        }
        serde_json::from_value(record.into()).map_err(D::Error::custom)
    }

    /// Every evaluation with its label budgets: of a frozen network one for each of its features.
    #[must_use]
    pub fn evaluations(&self) -> Vec<(Evaluation, &[Labels])> {
        let asked = [
            (EvalMode::Knn, self.knn.as_slice()),
            (EvalMode::LinearProbe, &self.linear_probe),
            (EvalMode::Finetune, &self.finetune),
            (EvalMode::Inner, &self.inner),
        ];
        let of = |(mode, labels)| {
            let sets = if mode == EvalMode::Finetune { &self.features[..1] } else { &self.features };
            sets.iter().map(move |&set| (self.evaluation(mode, set), labels))
        };
        asked.into_iter().flat_map(of).collect()
    }

    /// Returns an evaluation of these features, of the study's.
    fn evaluation(&self, mode: EvalMode, set: FeatureSet) -> Evaluation {
        let is_named = self.features.len() > 1 && mode != EvalMode::Finetune;
        Evaluation { mode, features: is_named.then_some(set) }
    }

    /// Returns an evaluation of the first features of the study.
    #[must_use]
    pub fn first_of(&self, mode: EvalMode) -> Evaluation {
        self.evaluation(mode, self.features.first().copied().unwrap_or_default())
    }

    /// Returns the features that an evaluation reads.
    #[must_use]
    pub fn features_of(&self, evaluation: Evaluation) -> FeatureSet {
        evaluation.features.or_else(|| self.features.first().copied()).unwrap_or_default()
    }
}

impl Default for EvaluationSettings {
    fn default() -> Self {
        Self {
            knn: vec![Labels::All],
            linear_probe: vec![Labels::All],
            finetune: vec![Labels::All],
            inner: Vec::new(),
            baselines: true,
            features: vec![FeatureSet::default()],
            frames_per_clip: 8,
            inner_fraction: 0.2,
            probe_strength: ProbeStrength::Fixed(STRENGTH),
            inner_strengths: vec![STRENGTH],
            model_selection: ModelSelection::Last,
            metric: Metric::MacroAuc,
            finetune_steps: 150,
            finetune_epochs: None,
            finetune_batch: 32,
            finetune_learning_rate: 3e-4,
            finetune_weight_decay: 1e-4,
            class_balance: ClassBalance::Weights,
            head_init: HeadInit::Random,
            early_stopping: None,
            augmentation: true,
            trainable: Trainable::All,
            published: false,
            curve_points: 0,
            curve_finetune: false,
        }
    }
}

/// Writes a list of one as that one, and reads either.
mod one_or_more {
    use hico_model::FeatureSet;
    use serde::{Deserialize, Deserializer, Serialize, Serializer};

    #[derive(Deserialize)]
    #[serde(untagged, expecting = "must be the name of a set of features, or a list of such names")]
    enum Written {
        One(String),
        More(Vec<String>),
    }

    pub(super) fn serialize<S: Serializer>(sets: &[FeatureSet], to: S) -> Result<S::Ok, S::Error> {
        if let [one] = sets { one.serialize(to) } else { sets.serialize(to) }
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<FeatureSet>, D::Error> {
        let words = match Written::deserialize(from)? {
            Written::One(word) => vec![word],
            Written::More(words) => words,
        };
        words.iter().map(|word| word.parse()).collect::<Result<_, String>>().map_err(serde::de::Error::custom)
    }
}

/// What pretraining may use up.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Budget {
    /// Optimiser steps, the same for every method whatever a step of it costs.
    Steps(u64),
    /// Views that the network sees.
    Images(u64),
    /// Seconds of training, on the machine that runs the cell.
    Seconds(f64),
    /// The epochs that each recipe asks for.
    Recipe,
}

/// What sets the strength of a probe's L2 term.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "StrengthFile", into = "StrengthFile")]
pub enum ProbeStrength {
    /// This, whatever the data.
    Fixed(f64),
    /// The best over five parts of all training groups, each predicted by a probe that did not see it; [`STRENGTH`] where a
    /// class has one group.
    LeaveGroupsOut,
    /// The best on inner validation groups, which the final probe then learns from too.
    InnerValidation,
}

/// The strength of a probe as written: a number or a word.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum StrengthFile {
    Number(f64),
    Word(String),
}

impl TryFrom<StrengthFile> for ProbeStrength {
    type Error = String;

    fn try_from(file: StrengthFile) -> Result<Self, String> {
        match file {
            StrengthFile::Number(strength) => strength.to_string().parse(),
            StrengthFile::Word(word) => word.parse(),
        }
    }
}

impl From<ProbeStrength> for StrengthFile {
    fn from(strength: ProbeStrength) -> Self {
        match strength {
            ProbeStrength::Fixed(strength) => Self::Number(strength),
            ProbeStrength::LeaveGroupsOut => Self::Word("leave-groups-out".to_owned()),
            ProbeStrength::InnerValidation => Self::Word("inner-validation".to_owned()),
        }
    }
}

impl FromStr for ProbeStrength {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match (word, word.parse::<f64>()) {
            ("leave-groups-out", _) => Ok(Self::LeaveGroupsOut),
            ("inner-validation", _) => Ok(Self::InnerValidation),
            (_, Ok(strength)) if strength.is_finite() && strength > 0.0 => Ok(Self::Fixed(strength)),
            _ => Err(format!("{word:?}: must be a number above 0, \"leave-groups-out\" or \"inner-validation\"")),
        }
    }
}

impl fmt::Display for ProbeStrength {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match StrengthFile::from(*self) {
            StrengthFile::Number(strength) => strength.fmt(f),
            StrengthFile::Word(word) => word.fmt(f),
        }
    }
}

/// What selects the epoch of a fine-tuning.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ModelSelection {
    /// Nothing: it learns from every training group, and its last epoch stands.
    #[default]
    Last,
    /// The best balanced accuracy on inner validation groups, which are not learnt from.
    InnerValidation,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_of_an_earlier_version_chose_on_inner_groups_and_those_of_this_one_say_what_they_do() {
        #[derive(Deserialize)]
        struct Record(#[serde(deserialize_with = "EvaluationSettings::of_record")] EvaluationSettings);
        let read = |text: &str| serde_json::from_str::<Record>(text).map(|record| record.0).unwrap();
        let old = read("{\"probe\": [\"all\"], \"frames_per_clip\": 4}");
        assert_eq!(
            (old.probe_strength, old.model_selection),
            (ProbeStrength::InnerValidation, ModelSelection::InnerValidation)
        );
        assert_eq!((old.frames_per_clip, old.linear_probe), (4, vec![Labels::All]));
        for strength in ["0.1", "30", "leave-groups-out", "inner-validation"] {
            let settings =
                EvaluationSettings { probe_strength: strength.parse().unwrap(), ..EvaluationSettings::default() };
            assert_eq!(settings.probe_strength.to_string(), strength);
            assert_eq!(read(&serde_json::to_string(&settings).unwrap()), settings);
        }
        for strength in ["0", "-1", "nan", "inf", "strong"] {
            assert!(strength.parse::<ProbeStrength>().is_err(), "{strength}");
        }
    }
}

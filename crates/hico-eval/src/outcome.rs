//! Figures, and what is known of them: intervals, paired differences. No framework types.

use hico_model::estimate::Estimate;
use serde::{Deserialize, Serialize};

use hico_train::metrics::ClassScores;

/// How far confidence and truth are apart on tested folds, before and after calibration by a temperature that was chosen on
/// inner validation groups.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct CalibrationScores {
    /// The temperature of every fold and seed; above 1 the network was too sure.
    pub temperatures: Vec<f64>,
    /// Expected calibration error per frame, before and after; folds pooled, mean over seeds.
    pub frame: [f64; 2],
    /// The same per clip.
    pub clip: [f64; 2],
}

/// A candidate's figures over all tested folds, per unit that is classified.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Scores {
    /// Every frame on its own.
    pub frame: UnitScores,
    /// Every clip, by the mean probability of its frames.
    pub clip: UnitScores,
    /// Every patient (group), by the mean probability of its clips; groups of two classes count once a class.
    pub patient: UnitScores,
}

/// Figures for one unit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct UnitScores {
    /// Number of units a seed.
    pub count: usize,
    /// Share of units classified right.
    pub accuracy: Estimate,
    /// Mean over classes of the share of that class classified right.
    pub balanced_accuracy: Estimate,
    /// Mean over classes of F1.
    pub macro_f1: Estimate,
    /// Mean over classes of the area under the one-against-rest ROC curve; absent where a class is missing.
    pub auc: Option<Estimate>,
    /// Mean of minus the logarithm of the probability of the true class, nats; earlier versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_loss: Option<Estimate>,
    /// Mean squared distance of the probabilities from the truth, summed over classes (Brier 1950), 0 to 2; earlier
    /// versions do not tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub brier: Option<Estimate>,
    /// Calibration error of the largest probability, [`hico_train::metrics::calibration_error`], mean over seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calibration_error: Option<f64>,
    /// Per class.
    pub per_class: Vec<ClassScores>,
    /// `confusion[truth][prediction]`, summed over folds, mean over seeds.
    pub confusion: Vec<Vec<f64>>,
    /// One-against-rest ROC curve of each class: points `[false positive rate, true positive rate]` from (0,0) to (1,1),
    /// of the first seed.
    pub roc: Vec<Vec<[f64; 2]>>,
}

impl UnitScores {
    /// Returns the figure that is compared; `None` where a class is missing.
    #[must_use]
    pub const fn of(&self, metric: Metric) -> Option<&Estimate> {
        match metric {
            Metric::BalancedAccuracy => Some(&self.balanced_accuracy),
            Metric::MacroAuc => self.auc.as_ref(),
        }
    }
}

/// What is counted as one: a frame, a clip or a patient.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Every patient (group), by the mean probability of its clips.
    Patient,
    /// Every clip, by the mean probability of its frames.
    #[default]
    Clip,
}

/// What is compared.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Mean over classes of the share of that class that was classified right.
    #[default]
    BalancedAccuracy,
    /// Mean over classes of the area under the one-against-rest ROC curve.
    MacroAuc,
}

/// The difference between two candidates on the same units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Comparison {
    /// The one whose figure is expected to be higher.
    pub better: String,
    /// The one it is compared with.
    pub baseline: String,
    /// What is compared; evaluations of earlier versions do not say, and mean this one.
    #[serde(default)]
    pub metric: Metric,
    /// Of what; evaluations of earlier versions do not say, and mean clips.
    #[serde(default)]
    pub unit: Unit,
    /// The figure of `better` minus that of `baseline`.
    pub difference: Estimate,
    /// The larger of the two p values below: a difference that other patients or other seeds may have made is not shown.
    pub p_value: f64,
    /// Two-sided p of a sign-flip test over groups; earlier versions have this one alone, as `p_value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_groups: Option<f64>,
    /// Two-sided p of a sign-flip test over seeds; absent with one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub p_seeds: Option<f64>,
    /// Groups that add anything to the difference.
    #[serde(default)]
    pub differing_groups: usize,
    /// The least value that `p_value` could have had with so many differing groups and so many seeds.
    #[serde(default)]
    pub least_p: f64,
    /// The smallest difference that a test at 5 % would have shown with a power of 0.8, by the standard errors found;
    /// absent where there are none or they are 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub detectable: Option<f64>,
}

//! What a cell leaves: one line an answer, as CSV.

use super::study::Labels;
use serde::{Deserialize, Serialize};
use std::fmt;

/// How an encoder was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Way {
    /// Vote of the nearest training frames, by the cosine of frozen features.
    Knn,
    /// Logistic regression on frozen features.
    Probe,
    /// The whole encoder and a linear head trained.
    Finetune,
    /// Logistic regression on frozen features within the training groups, mean over ten partings of them: what may choose
    /// between methods. The test fold is not looked at.
    Inner,
}

impl fmt::Display for Way {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Knn => "knn",
            Self::Probe => "probe",
            Self::Finetune => "finetune",
            Self::Inner => "inner",
        })
    }
}

/// One answer: one encoder, asked one way on one fold with one label budget.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Row {
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
    /// How it was asked.
    pub way: Way,
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
    /// Balanced accuracy per clip (mean probability of its frames) on the test fold; of `inner` on its training groups.
    pub balanced_accuracy: f64,
    /// Balanced accuracy per frame.
    pub frame_balanced_accuracy: f64,
    /// Mean F1 over classes, per clip.
    pub macro_f1: f64,
    /// Mean one-against-rest area under the ROC curve over classes, per clip; absent where the fold lacks a class.
    pub auc: Option<f64>,
    /// Balanced accuracy per frame at the epoch that is best on the test fold, as the literature reports.
    pub published: Option<f64>,
    /// The class that each tested clip was given, in the order of the data set: a digit or letter a clip. Empty for `inner`.
    pub predictions: String,
    /// Seconds of pretraining before.
    pub pretrain_seconds: f64,
    /// Seconds that this answer took.
    pub seconds: f64,
}

/// Which question a row answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<'a> {
    /// The data set.
    pub data: &'a str,
    /// The fold.
    pub fold: usize,
    /// The label budget.
    pub labels: Labels,
    /// The way.
    pub way: Way,
    /// Epochs of pretraining before.
    pub epochs: usize,
}

/// Why lines are no rows.
#[derive(Debug, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct RowError {
    /// The line, from 1.
    pub line: u64,
    /// What is wrong.
    pub reason: String,
}

impl Row {
    /// Which question it answers.
    #[must_use]
    pub fn key(&self) -> Key<'_> {
        Key { data: &self.data, fold: self.fold, labels: self.labels, way: self.way, epochs: self.epochs }
    }

    /// Whether another run of the same question came to the same answer, to the last digit; only the seconds may differ.
    #[must_use]
    pub fn same_answer(&self, other: &Self) -> bool {
        let timeless = |row: &Self| Self { pretrain_seconds: 0.0, seconds: 0.0, ..row.clone() };
        timeless(self) == timeless(other)
    }
}

/// The classes that clips were given, a digit or letter a clip; [`from_letters`] takes them back.
///
/// # Panics
/// When a class is 36 or more; a study with so many is refused.
#[must_use]
pub fn to_letters(classes: impl Iterator<Item = usize>) -> String {
    #[expect(clippy::expect_used, reason = "studies with so many classes are refused")]
    let letter = |class: usize| {
        u32::try_from(class).ok().and_then(|class| char::from_digit(class, 36)).expect("a class below 36")
    };
    classes.map(letter).collect()
}

/// Classes by [`to_letters`]; `None` where a letter stands for none.
#[must_use]
pub fn from_letters(letters: &str) -> Option<Vec<usize>> {
    letters.chars().map(|letter| letter.to_digit(36).map(|class| class as usize)).collect()
}

/// Rows as CSV with their header.
#[must_use]
#[expect(clippy::expect_used, reason = "writing flat rows to memory cannot fail")]
pub fn to_csv(rows: &[Row]) -> String {
    let mut writer = csv::Writer::from_writer(Vec::new());
    rows.iter().for_each(|row| writer.serialize(row).expect("a flat row"));
    String::from_utf8(writer.into_inner().expect("memory")).expect("text")
}

/// Rows of CSV by [`to_csv`].
///
/// # Errors
/// When a line is none.
pub fn from_csv(text: &str) -> Result<Vec<Row>, RowError> {
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let row = |row: csv::Result<Row>| {
        row.map_err(|error| RowError {
            line: error.position().map_or(1, csv::Position::line),
            reason: error.to_string(),
        })
    };
    reader.deserialize().map(row).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn row() -> Row {
        Row {
            method: "hico".into(),
            data: "lung".into(),
            fold: 3,
            seed: 7,
            labels: Labels::Groups(2),
            way: Way::Probe,
            epochs: 60,
            images: 8520,
            groups: 6,
            clips: 9,
            chosen: "0.1".into(),
            balanced_accuracy: 0.1 + 0.2,
            frame_balanced_accuracy: 1.0 / 3.0,
            macro_f1: 0.5,
            auc: None,
            published: Some(2.0 / 3.0),
            predictions: to_letters([0, 2, 11].into_iter()),
            pretrain_seconds: 12.25,
            seconds: 0.5,
        }
    }

    #[test]
    fn a_row_comes_back_to_the_last_digit() {
        let rows = [row(), Row { labels: Labels::All, auc: Some(0.7), published: None, ..row() }];
        assert_eq!(from_csv(&to_csv(&rows)).unwrap(), rows);
        assert_eq!(from_letters(&rows[0].predictions).unwrap(), [0, 2, 11]);
        assert_eq!(from_letters("0-"), None);
    }

    #[test]
    fn only_seconds_may_differ_between_the_same_answers() {
        assert!(row().same_answer(&Row { seconds: 3.0, pretrain_seconds: 9.0, ..row() }));
        assert!(!row().same_answer(&Row { balanced_accuracy: 0.3, ..row() }));
    }

    #[test]
    fn a_broken_line_is_named() {
        let text = to_csv(&[row(), row()]);
        let broken = text.replacen("probe", "guess", 1);
        let error = from_csv(&broken).unwrap_err();
        assert_eq!(error.line, 2, "{error}");
    }
}

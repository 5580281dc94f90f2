//! Folds as labels state them: whole numbers, or the words train, validation and test.

use serde::{Deserialize, Serialize};

/// Whether the folds count that labels or a tree state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Folds {
    /// They are kept.
    #[default]
    Kept,
    /// They are left out.
    Ignored,
}

impl Folds {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(crate) fn are_kept(&self) -> bool {
        *self == Self::Kept
    }
}

/// Words that stand for folds.
const TRAIN: [&str; 2] = ["train", "training"];
const VALIDATION: [&str; 4] = ["val", "valid", "validation", "dev"];
const TEST: [&str; 2] = ["test", "testing"];

/// `3`, and also `3.0`, as programs write that know numbers only as fractions.
pub(super) fn whole_number(text: &str) -> Option<usize> {
    let digits = text.strip_suffix(".0").unwrap_or(text);
    digits.parse().ok()
}

/// The fold that a word stands for: 0 to train on, 1 to choose by, 2 to test on.
pub(crate) fn fold_of_word(word: &str) -> Option<usize> {
    let word = word.to_lowercase();
    [&TRAIN[..], &VALIDATION, &TEST].iter().position(|words| words.contains(&word.as_str()))
}

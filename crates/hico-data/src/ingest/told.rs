//! What the layout of a tree says of the clips in it.

use super::labels::Facts;
use std::collections::BTreeMap;

/// What is said where a table or a tree says train, validation and test.
pub(super) const SPLIT_WORDS: &str = "train, validation and test are folds 0, 1 and 2: test with --holdout-fold 2";

/// What a layout tells.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Told {
    /// By key of the clip.
    pub(crate) facts: BTreeMap<String, Facts>,
    /// What was recognised, in words.
    pub(crate) notes: Vec<String>,
    /// Clips of whose label it tells nothing.
    pub(crate) silent: Vec<String>,
    /// Files that are no clips.
    pub(crate) left_out: Vec<String>,
}

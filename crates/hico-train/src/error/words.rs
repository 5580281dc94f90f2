//! What errors are made of: lists in words, and what is wrong with a key.

use std::fmt;
use std::path::Path;

/// What is wrong with a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyFault {
    /// Line of the key, from 1, where the key itself is wrong and the recipe is a text.
    pub line: Option<usize>,
    /// The key, with its section, as it is written there.
    pub key: String,
    /// Its value.
    pub value: String,
    /// Name of the method of the recipe, where there is one.
    pub method: Option<&'static str>,
    /// The fault and the way out.
    pub reason: String,
}

impl fmt::Display for KeyFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(line) = self.line {
            write!(formatter, "line {line}: ")?;
        }
        write!(formatter, "{} = {}: {}", self.key, self.value, self.reason)
    }
}

/// The folds of a data set.
pub(super) fn folds_there_are(folds: &[usize]) -> String {
    match folds {
        [] => "no folds".to_owned(),
        folds => format!("folds {}", folds.iter().map(usize::to_string).collect::<Vec<_>>().join(", ")),
    }
}

/// The checkpoint that is left.
pub(super) fn what_is_kept(kept: Option<&Path>) -> String {
    kept.map_or_else(|| "no checkpoint was written yet".to_owned(), |path| format!("{} is kept", path.display()))
}

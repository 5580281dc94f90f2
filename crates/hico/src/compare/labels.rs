//! A label budget: how many labels may be known.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How many labels may be known: all of the training groups, or those of a number of groups of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "LabelsFile", into = "LabelsFile")]
pub enum Labels {
    /// The labels of so many groups (patients) of each class.
    Groups(usize),
    /// Every label.
    All,
}

/// A label budget as written: a number, or `all`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum LabelsFile {
    Groups(usize),
    Word(String),
}

impl TryFrom<LabelsFile> for Labels {
    type Error = String;

    fn try_from(file: LabelsFile) -> Result<Self, String> {
        match file {
            LabelsFile::Groups(groups) => groups.to_string().parse(),
            LabelsFile::Word(word) => word.parse(),
        }
    }
}

impl From<Labels> for LabelsFile {
    fn from(labels: Labels) -> Self {
        Self::Word(labels.to_string())
    }
}

impl FromStr for Labels {
    type Err = String;

    fn from_str(word: &str) -> Result<Self, String> {
        match word.parse::<usize>() {
            Ok(groups) if groups >= 1 => Ok(Self::Groups(groups)),
            _ if word == "all" => Ok(Self::All),
            _ => Err(format!("{word:?}: a label budget is \"all\" or a number of groups of each class, 1 or more")),
        }
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Groups(groups) => groups.fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

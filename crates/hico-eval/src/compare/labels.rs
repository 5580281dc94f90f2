//! A label budget: how many labels may be known.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::str::FromStr;

/// How many labels may be known: all of the training groups, or those of a number or a share of the groups of each class.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "LabelsFile", into = "LabelsFile")]
pub enum Labels {
    /// The labels of so many groups (patients) of each class.
    Groups(usize),
    /// The labels of so many thousandths of the groups (patients) of each class, of one at least.
    Thousandths(u16),
    /// Every label.
    All,
}

impl Labels {
    /// Returns how many groups of a class are known.
    ///
    /// - `groups`: that there are
    #[must_use]
    pub fn of(self, groups: usize) -> usize {
        match self {
            Self::Groups(known) => known.min(groups),
            Self::Thousandths(share) => (groups * usize::from(share)).div_ceil(1000).min(groups),
            Self::All => groups,
        }
    }
}

/// A label budget as written: a number, or `all`.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum LabelsFile {
    Groups(usize),
    Share(f64),
    Word(String),
}

impl TryFrom<LabelsFile> for Labels {
    type Error = String;

    fn try_from(file: LabelsFile) -> Result<Self, String> {
        match file {
            LabelsFile::Groups(groups) => groups.to_string().parse(),
            LabelsFile::Share(share) => share.to_string().parse(),
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
        let thousandths = |share: f64| (0.001..1.0).contains(&share).then(|| (share * 1000.0).round() as u16);
        match (word.parse::<usize>(), word.parse::<f64>().ok().and_then(thousandths)) {
            (Ok(groups), _) if groups >= 1 => Ok(Self::Groups(groups)),
            (Err(_), Some(share)) if f64::from(share) / 1000.0 == word.parse().unwrap_or(0.0) => {
                Ok(Self::Thousandths(share))
            }
            _ if word == "all" => Ok(Self::All),
            _ => Err(format!(
                "{word:?}: known labels are \"all\", a number of groups of each class, 1 or more, or a fraction of them, 0.001 \
                 to 0.999"
            )),
        }
    }
}

impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Groups(groups) => groups.fmt(f),
            Self::Thousandths(share) => (f64::from(*share) / 1000.0).fmt(f),
            Self::All => f.write_str("all"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_budget_is_read_as_it_is_written_and_nothing_else_is() {
        for word in ["all", "1", "32", "0.1", "0.005", "0.999"] {
            let labels: Labels = word.parse().unwrap();
            assert_eq!(labels.to_string(), word);
        }
        for word in ["0", "-1", "1.0", "0.0", "0.0001", "0.1234", "1e-1e", "nan", "some", ""] {
            assert!(word.parse::<Labels>().is_err(), "{word}");
        }
    }

    #[test]
    fn a_share_is_one_group_at_least_and_never_more_than_there_are() {
        let of = |word: &str, groups| word.parse::<Labels>().unwrap().of(groups);
        assert_eq!([of("0.1", 1), of("0.1", 10), of("0.1", 11), of("0.999", 3)], [1, 1, 2, 3]);
        assert_eq!([of("4", 3), of("4", 9), of("all", 9), of("0.5", 0)], [3, 4, 9, 0]);
    }
}

//! Parts of an export, by fold: to train on, to choose by, to test on. No group stands in two of them.

use crate::dataset::Dataset;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Which folds are kept apart; without any there is one part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Parts {
    /// The fold to choose by.
    pub val_fold: Option<usize>,
    /// The fold to test on.
    pub test_fold: Option<usize>,
}

/// A part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ExportPart {
    /// All there is.
    All,
    /// What is in neither of the folds that are kept apart.
    Train,
    /// The fold to choose by.
    Val,
    /// The fold to test on.
    Test,
}

impl std::fmt::Display for ExportPart {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::All => "all",
            Self::Train => "train",
            Self::Val => "val",
            Self::Test => "test",
        })
    }
}

impl Parts {
    /// The part of each clip.
    pub(super) fn of(self, data: &Dataset) -> Result<Vec<ExportPart>, Error> {
        let rows = &data.manifest().rows;
        let named = self.val_fold.into_iter().chain(self.test_fold);
        let folds: BTreeSet<usize> = rows.iter().filter_map(|row| row.fold).collect();
        if let Some(fold) = named.clone().find(|fold| !folds.contains(fold)) {
            return Err(Error::NoSuchFold { fold, folds: folds.iter().map(ToString::to_string).collect() });
        }
        if let Some(fold) = self.val_fold.filter(|_| self.val_fold == self.test_fold) {
            return Err(Error::OneFoldTwice(fold));
        }
        let is_whole = named.count() == 0;
        let part = |fold: Option<usize>| match fold {
            _ if is_whole => ExportPart::All,
            Some(fold) if Some(fold) == self.test_fold => ExportPart::Test,
            Some(fold) if Some(fold) == self.val_fold => ExportPart::Val,
            _ => ExportPart::Train,
        };
        let mut of_group: BTreeMap<&str, ExportPart> = BTreeMap::new();
        for row in rows {
            let second = part(row.fold);
            let first = *of_group.entry(&row.group).or_insert(second);
            if first != second {
                let [first, second] = [first, second].map(|part| part.to_string());
                return Err(Error::GroupInTwoParts { group: row.group.clone(), first, second });
            }
        }
        Ok(rows.iter().map(|row| part(row.fold)).collect())
    }
}

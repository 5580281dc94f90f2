//! Names for files of an export: safe on every system, without dots, one a clip and one a class.

use crate::dataset::Dataset;
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Longest name, letters.
const LONGEST: usize = 100;

/// Names of clips and classes.
pub(super) struct Names {
    clips: Vec<String>,
    classes: BTreeMap<String, String>,
}

impl Names {
    pub(super) fn of(data: &Dataset) -> Self {
        let clips: Vec<&str> = data.manifest().rows.iter().map(|row| row.clip.as_str()).collect();
        let classes: Vec<&str> = data.classes().iter().map(String::as_str).collect();
        let folders = unique(&classes);
        let classes = classes.iter().map(|class| (*class).to_owned()).zip(folders).collect();
        Self { clips: unique(&clips), classes }
    }

    /// Name of a clip, by its index.
    pub(super) fn clip(&self, clip: usize) -> &str {
        &self.clips[clip]
    }

    /// Name of the folder of a class.
    pub(super) fn class(&self, label: &str) -> Option<&str> {
        self.classes.get(label).map(String::as_str)
    }
}

/// A safe name for each; a hash keeps apart those that would be alike, on a system that does not tell `a` from `A` too.
fn unique(names: &[&str]) -> Vec<String> {
    let mut count: BTreeMap<String, usize> = BTreeMap::new();
    for name in names {
        *count.entry(safe(name).to_lowercase()).or_default() += 1;
    }
    let own: BTreeSet<&str> = names.iter().copied().collect();
    let name = |name: &&str| {
        let safe = safe(name);
        let is_clear = count[&safe.to_lowercase()] == 1 && (safe == **name || !own.contains(safe.as_str()));
        if is_clear && safe.len() <= LONGEST {
            return safe;
        }
        let hash: String = Sha256::digest(name).iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{hash}", safe.chars().take(LONGEST).collect::<String>())
    };
    names.iter().map(name).collect()
}

/// Letters, digits, `-` and `_`: WebDataset ends a key at the first dot, and a shell or Windows trips over others.
fn safe(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() || "-_".contains(letter) { letter } else { '_' };
    let safe: String = name.chars().map(letter).collect();
    if safe.chars().all(|letter| letter == '_') { format!("x{safe}") } else { safe }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn names_that_are_safe_stay() {
        assert_eq!(
            unique(&["covid__a_1", "Reg-2", "p__frames.v2", ".."]),
            ["covid__a_1", "Reg-2", "p__frames_v2", "x__"]
        );
        let alike = unique(&["a.b", "a/b", "A_b"]);
        assert!(alike.iter().all(|name| name.len() == 14), "{alike:?}");
    }

    proptest! {
        #[test]
        fn names_are_safe_and_one_each(names in prop::collection::btree_set("[aAb._/ é-]{1,5}", 1..30)) {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let given = unique(&names);
            let different: BTreeSet<String> = given.iter().map(|name| name.to_lowercase()).collect();
            prop_assert_eq!(different.len(), names.len());
            for name in given {
                prop_assert!(name.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c)) && !name.is_empty());
            }
        }
    }
}

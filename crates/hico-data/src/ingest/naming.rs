//! Names of clips: made from the path, safe as a file name, unique in the data set.

use hico_io::sniff::{self, Promise};
use sha2::{Digest as _, Sha256};
use std::collections::{BTreeMap, BTreeSet};

/// Longer names are cut; the hash keeps them apart.
const LONGEST: usize = 120;

/// A name for every key.
///
/// - `keys`: paths relative to the source folder
/// - `root`: name of the source folder, for the clip that is the folder itself
/// - `taken`: names given in an earlier sessions, by key; they stay
pub(crate) fn names<'a>(keys: &[&'a str], root: &str, taken: &BTreeMap<String, String>) -> BTreeMap<&'a str, String> {
    let mut wanted: BTreeMap<String, usize> = BTreeMap::new();
    for key in keys.iter().filter(|key| !taken.contains_key(**key)) {
        *wanted.entry(plain(key, root)).or_default() += 1;
    }
    let used: BTreeSet<&String> = taken.values().collect();
    let name = |key: &str| {
        if let Some(name) = taken.get(key) {
            return name.clone();
        }
        let plain = plain(key, root);
        if wanted.get(&plain) == Some(&1) && !used.contains(&plain) && plain.len() <= LONGEST {
            return plain;
        }
        let hash: String = Sha256::digest(key).iter().take(5).map(|byte| format!("{byte:02x}")).collect();
        format!("{}-{hash}", plain.chars().take(LONGEST).collect::<String>())
    };
    keys.iter().map(|key| (*key, name(key))).collect()
}

/// The path without the suffix of a video or picture, folders set off by `__`, anything unusual by `_`.
fn plain(key: &str, root: &str) -> String {
    let key = if key == "." { root } else { key };
    let stem = match (sniff::promise(key), key.rsplit_once('.')) {
        (Promise::Video | Promise::Picture | Promise::Dicom, Some((stem, _)))
            if !stem.is_empty() && !stem.ends_with('/') =>
        {
            stem
        }
        _ => key,
    };
    let safe = |letter: char| if letter.is_ascii_alphanumeric() || "-_.".contains(letter) { letter } else { '_' };
    let parts: Vec<String> = stem.split('/').map(|part| part.chars().map(safe).collect()).collect();
    let name = parts.join("__");
    if name.chars().all(|letter| "._".contains(letter)) { format!("clip{name}") } else { name }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_name_is_the_path_made_safe() {
        let keys = ["covid/Cov-Atlas-Day+1.gif", "Reg (2).MP4", ".", "p/frames.v2"];
        let names = names(&keys, "root", &BTreeMap::new());
        let expected = ["covid__Cov-Atlas-Day_1", "Reg__2_", "root", "p__frames.v2"];
        assert_eq!(keys.map(|key| names[key].clone()), expected);
    }

    #[test]
    fn names_given_before_stay_and_new_ones_keep_clear_of_them() {
        let taken = BTreeMap::from([("a.mp4".to_owned(), "a".to_owned())]);
        let names = names(&["a.mp4", "a.avi"], "root", &taken);
        assert_eq!(names["a.mp4"], "a");
        assert!(names["a.avi"].starts_with("a-") && names["a.avi"].len() == 12, "{names:?}");
    }

    proptest! {
        #[test]
        fn names_are_unique_and_safe(keys in prop::collection::btree_set("[a+ é/.]{1,6}(\\.mp4|\\.gif)?", 1..30)) {
            let keys: Vec<&str> = keys.iter().map(String::as_str).collect();
            let names = names(&keys, "root", &BTreeMap::new());
            let different: BTreeSet<&String> = names.values().collect();
            prop_assert_eq!(different.len(), keys.len());
            for name in different {
                prop_assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric() || "-_.".contains(c)), "{}", name);
            }
        }
    }
}

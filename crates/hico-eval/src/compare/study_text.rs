//! The text of a study, or of a recipe that it names → its keys.

use crate::Error;
use hico_train::recipe::toml_fault;
use serde::de::DeserializeOwned;
use std::path::Path;

/// Bytes of a study or a recipe, at most.
const LONGEST: u64 = 1 << 20;

/// Keys of earlier versions: they are read, and not offered.
const OLD_KEYS: [&str; 6] = ["judge", "judged", "probe", "published", "looks", "finetune_at_looks"];

/// Reads a file as text.
///
/// # Errors
/// When it cannot be read, or is no file of such a kind.
pub(super) fn read(path: &Path) -> Result<String, Error> {
    let failed = |source| Error::Input { path: path.to_owned(), source };
    let found = std::fs::metadata(path).map_err(failed)?;
    if !found.is_file() || found.len() > LONGEST {
        let reason = format!("it must be a file of at most {LONGEST} bytes");
        return Err(Error::Broken { path: path.to_owned(), reason });
    }
    std::fs::read_to_string(path).map_err(failed)
}

/// Reads the keys of a text.
///
/// # Errors
/// When it is no TOML, or a key is unknown or of another kind.
pub(super) fn of_toml<T: DeserializeOwned>(path: &Path, text: &str) -> Result<T, Error> {
    toml::from_str(text).map_err(|error| {
        let (line, words) = toml_fault(text, &error);
        Error::Broken { path: path.to_owned(), reason: format!("line {line}: {}", without_old_keys(words)) }
    })
}

/// Refuses a key of a study.
pub(super) fn key(key: impl Into<String>, fact: impl Into<String>) -> Error {
    Error::StudyKey { key: key.into(), fact: fact.into() }
}

/// Leaves keys of earlier versions out of those that may stand in place of an unknown one.
fn without_old_keys(words: String) -> String {
    const OFFER: &str = ", expected one of ";
    let Some((fact, offered)) = words.rsplit_once(OFFER) else { return words };
    let is_old = |key: &&str| OLD_KEYS.contains(&key.trim_matches('`'));
    let offered: Vec<&str> = offered.split(", ").filter(|key| !is_old(key)).collect();
    format!("{fact}{OFFER}{}", offered.join(", "))
}

#[cfg(test)]
mod tests {
    use super::OLD_KEYS;
    use crate::compare::tests::{STUDY, read};

    #[test]
    fn keys_of_earlier_versions_are_read_and_not_offered() {
        for (key, typo, first, last) in [
            ("title = ", "titles = ", "title", "compare"),
            ("baselines = ", "baseline = ", "knn", "curve_finetune"),
            ("folds = ", "fold = ", "name", "folds"),
        ] {
            let error = read(&STUDY.replace(key, typo)).unwrap_err();
            let (_, offered) = error.split_once("expected one of ").unwrap();
            assert!(offered.starts_with(&format!("`{first}`")) && offered.ends_with(&format!("`{last}`")), "{error}");
            assert!(OLD_KEYS.iter().all(|key| !offered.contains(&format!("`{key}`"))), "{error}");
        }
        for (key, old) in [
            ("[evaluation]", "[judge]"),
            ("curve_points = 1", "looks = 1"),
            ("curve_points = 1", "curve_points = 1\nfinetune_at_looks = true\npublished = true"),
            ("folds = [1]", "folds = [1]\njudged = false"),
        ] {
            read(&STUDY.replace(key, old)).unwrap();
        }
    }
}

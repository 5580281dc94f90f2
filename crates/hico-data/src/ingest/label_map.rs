//! What the first letters of a folder's name say of the clip in it: `Cov`, `Reg`, `F2`.

use super::labels::table_text;
use crate::spelling::composed;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// First letters of a name → class.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LabelMap {
    name: String,
    label_of: BTreeMap<String, String>,
}

/// Why a file is no label map.
#[derive(Debug, thiserror::Error)]
#[error("{}: {reason}", .path.display())]
pub struct LabelMapError {
    path: PathBuf,
    reason: String,
}

/// Longest file that is read, bytes.
const LONGEST: u64 = 1 << 20;

const CLUST: [(&str, &str); 5] = [("Rb1", "Rb1"), ("Rb2", "Rb2"), ("Rb3", "Rb3"), ("Rb4", "Rb4"), ("Rb5", "Rb5")];
const LIVER: [(&str, &str); 5] = [("F0", "F0"), ("F1", "F1"), ("F2", "F2"), ("F3", "F3"), ("F4", "F4")];
const BUTTERFLY: [(&str, &str); 2] = [("Reg", "Reg"), ("Cov", "Cov")];
const LUSMS: [(&str, &str); 4] = [("Ali", "Ali"), ("Bli", "Bli"), ("Ple", "Ple"), ("Oth", "Oth")];
/// Within US-4 the lung sets share two classes: without and with a finding.
const LUNG: [(&str, &str); 6] = [
    ("Reg", "Reg-Ali"),
    ("Ali", "Reg-Ali"),
    ("Cov", "Cov-Bli-Ple-Oth"),
    ("Bli", "Cov-Bli-Ple-Oth"),
    ("Ple", "Cov-Bli-Ple-Oth"),
    ("Oth", "Cov-Bli-Ple-Oth"),
];

impl LabelMap {
    /// The maps that come with the program.
    pub const NAMES: [&str; 5] = ["us4", "butterfly", "clust", "liver", "lusms"];

    /// One of [`Self::NAMES`]: that of US-4, on which USCL and HiCo pretrain, with 12 classes, or that of one of its four
    /// parts alone. LUSMS is given four classes by its authors' code; that they are these four is inferred.
    #[must_use]
    pub fn named(name: &str) -> Option<Self> {
        let parts: &[&[(&str, &str)]] = match name {
            "us4" => &[&CLUST, &LIVER, &LUNG],
            "butterfly" => &[&BUTTERFLY],
            "clust" => &[&CLUST],
            "liver" => &[&LIVER],
            "lusms" => &[&LUSMS],
            _ => return None,
        };
        let pairs = parts.iter().copied().flatten().map(|(prefix, label)| ((*prefix).to_owned(), (*label).to_owned()));
        Some(Self { name: name.to_owned(), label_of: pairs.collect() })
    }

    /// Reads a map of one's own: a CSV of UTF-8 with the columns `prefix` and `label`.
    ///
    /// # Errors
    /// When it cannot be read, lacks a column, has an empty cell or names a prefix twice.
    pub fn read(path: &Path) -> Result<Self, LabelMapError> {
        let broken = |reason: String| LabelMapError { path: path.to_owned(), reason };
        let length = std::fs::metadata(path).map_err(|error| broken(format!("cannot be read: {error}")))?.len();
        if length > LONGEST {
            return Err(broken(format!("{length} bytes are no label map")));
        }
        let bytes = std::fs::read(path).map_err(|error| broken(format!("cannot be read: {error}")))?;
        let table = table_text(&bytes).ok_or_else(|| broken("not UTF-8; save it as CSV UTF-8".to_owned()))?;
        let mut reader = csv::ReaderBuilder::new()
            .delimiter(table.separator)
            .trim(csv::Trim::All)
            .from_reader(table.text.as_bytes());
        if reader.headers().map_err(|error| broken(error.to_string()))? != vec!["prefix", "label"] {
            return Err(broken("its first line has to be prefix,label".to_owned()));
        }
        let mut label_of = BTreeMap::new();
        for row in reader.deserialize() {
            let (prefix, label): (String, String) = row.map_err(|error| broken(error.to_string()))?;
            let [prefix, label] = [prefix, label].map(|cell| composed(&cell).into_owned());
            if prefix.is_empty() || label.is_empty() {
                return Err(broken(format!("prefix {prefix:?} and label {label:?}: neither may be empty")));
            }
            if label_of.insert(prefix.clone(), label).is_some() {
                return Err(broken(format!("prefix {prefix:?} stands in two rows")));
            }
        }
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Self { name, label_of })
    }

    /// The class of a name, by its longest prefix. A prefix that ends in a digit does not end within a number: `F1` is
    /// not the beginning of `F12`.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        let name = &*composed(name);
        let digit = |letter: Option<char>| letter.is_some_and(|letter| letter.is_ascii_digit());
        let fits = self.label_of.iter().filter(|(prefix, _)| {
            let rest = name.strip_prefix(prefix.as_str());
            rest.is_some_and(|rest| !(digit(prefix.chars().next_back()) && digit(rest.chars().next())))
        });
        fits.max_by_key(|(prefix, _)| prefix.len()).map(|(_, label)| label.as_str())
    }

    /// Its name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The prefixes, in order.
    pub(crate) fn prefixes(&self) -> Vec<&str> {
        self.label_of.keys().map(String::as_str).collect()
    }

    /// For the record of a data set: the name, and of a map of one's own also what is in it.
    pub(crate) fn record(&self) -> String {
        if Self::named(&self.name).as_ref() == Some(self) {
            return self.name.clone();
        }
        let hash: String =
            Sha256::digest(format!("{:?}", self.label_of)).iter().take(4).map(|byte| format!("{byte:02x}")).collect();
        format!("{} of content {hash}", self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn classes(name: &str) -> BTreeSet<String> {
        LabelMap::named(name).unwrap().label_of.into_values().collect()
    }

    #[test]
    fn us4_has_twelve_classes_and_its_parts_five_five_two_and_four() {
        let counts = LabelMap::NAMES.map(|name| classes(name).len());
        assert_eq!(counts, [12, 2, 5, 5, 4]);
        let us4 = LabelMap::named("us4").unwrap();
        for part in &LabelMap::NAMES[1..] {
            for prefix in LabelMap::named(part).unwrap().prefixes() {
                assert!(us4.label(prefix).is_some(), "{part} {prefix}");
            }
        }
        assert_eq!(us4.label("Reg-youtube"), us4.label("Ali_0012"));
        assert_ne!(us4.label("Reg-youtube"), us4.label("Cov-Atlas"));
    }

    #[test]
    fn the_longest_prefix_decides_and_never_ends_within_a_number() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.csv");
        std::fs::write(&path, "prefix,label\nCov,covid\nCovNeg,healthy\nF1,mild\n").unwrap();
        let map = LabelMap::read(&path).unwrap();
        let label = |name| map.label(name);
        assert_eq!((label("Cov-1"), label("CovNeg-1"), label("cov-1")), (Some("covid"), Some("healthy"), None));
        assert_eq!((label("F1_003"), label("F1"), label("F12_003")), (Some("mild"), Some("mild"), None));
        assert!(map.record().starts_with("map.csv of content "));
        assert_eq!(LabelMap::named("us4").unwrap().record(), "us4");
    }

    #[test]
    fn a_file_that_is_no_map_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("map.csv");
        for (text, words) in [
            ("a,b\n", "prefix,label"),
            ("prefix,label\nx,\n", "empty"),
            ("prefix,label\nx,1\nx,2\n", "two rows"),
            ("prefix,label\nx\n", "line: 2"),
        ] {
            std::fs::write(&path, text).unwrap();
            let error = LabelMap::read(&path).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
    }
}

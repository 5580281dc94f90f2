//! Words that stand where nothing is known: `nan` and `NA` as programs write an empty cell, `ANONYMOUS` where an id was taken
//! out. The one list of them, for tables, names of folders, names of files and headers of DICOM files.

use std::collections::BTreeSet;

/// What stands where a value is missing: in capitals, letters and digits only.
const MISSING: [&str; 23] = [
    "MISSING",
    "MISSINGVALUE",
    "NA",
    "NACHARACTER",
    "NAN",
    "NAT",
    "NIL",
    "NODATA",
    "NONE",
    "NOTAPPLICABLE",
    "NOTAVAILABLE",
    "NOTGIVEN",
    "NOTKNOWN",
    "NOTSPECIFIED",
    "NOVALUE",
    "NULL",
    "QNAN",
    "UNASSIGNED",
    "UNAVAILABLE",
    "UNDEF",
    "UNDEFINED",
    "UNKNOWN",
    "UNSPECIFIED",
];

/// What stands where a label is missing.
const UNLABELLED: [&str; 7] =
    ["NOLABEL", "NOLABELS", "NOTLABELED", "NOTLABELLED", "UNANNOTATED", "UNLABELED", "UNLABELLED"];

/// What stands where an id was taken out.
const TAKEN_OUT: [&str; 24] = [
    "ANON",
    "ANONYM",
    "ANONYMOUS",
    "ANONYMIZED",
    "ANONYMISED",
    "ANONYMOUSPATIENT",
    "ANONPATIENT",
    "BLANK",
    "DEFAULT",
    "DEIDENTIFIED",
    "DELETED",
    "DUMMY",
    "EMPTY",
    "HIDDEN",
    "NOID",
    "NONAME",
    "NOPATIENT",
    "PATIENT",
    "PATIENTID",
    "REDACTED",
    "REMOVED",
    "UNKNOWNID",
    "UNKNOWNPATIENT",
    "UNNAMED",
];

/// Errors of a spreadsheet, which begin with `#`.
const SPREADSHEET: [&str; 7] = ["#DIV/0!", "#NAME?", "#NULL!", "#NUM!", "#REF!", "#VALUE!", "#SPILL!"];

/// Returns the letters and digits of a text, in capitals.
fn plain(text: &str) -> String {
    text.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_uppercase).collect()
}

/// Returns whether a cell stands for nothing: an empty one, one of the usual words, or nothing but signs. A `+` is a value.
fn is_missing(cell: &str) -> bool {
    let plain = plain(cell);
    if plain.is_empty() {
        return !cell.contains('+');
    }
    MISSING.contains(&plain.as_str())
        || SPREADSHEET.contains(&cell.to_uppercase().as_str())
        || cell == r"\N"
        || ["1QNAN", "1IND", "NANIND"].contains(&plain.as_str())
}

/// Returns whether an id stands for nobody: one of the usual words, or no letter and digit at all. `0` is an id in a table.
fn is_nobody_in_table(id: &str) -> bool {
    let plain = plain(id);
    is_missing(id)
        || TAKEN_OUT.contains(&plain.as_str())
        || (plain.len() > 2 && plain.bytes().all(|letter| letter == b'X'))
}

/// Returns whether an id of a DICOM file stands for nobody: as in a table, and also nothing but zeros or X, which programs
/// write that take ids out.
pub(super) fn is_nobody(id: &str) -> bool {
    let plain = plain(id);
    let only = |letter: char| plain.chars().all(|other| other == letter);
    only('0') || only('X') || is_nobody_in_table(id)
}

/// Which words are names although they usually stand for nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct KeptWords(BTreeSet<String>);

impl KeptWords {
    /// Makes the list of words; each counts in the case that it is written in.
    #[must_use]
    pub fn new(words: impl IntoIterator<Item = String>) -> Self {
        Self(words.into_iter().map(|word| word.trim().to_owned()).collect())
    }

    /// Returns whether a class is none.
    pub(super) fn is_no_class(&self, class: &str) -> bool {
        !self.0.contains(class) && (is_missing(class) || is_unlabelled(class))
    }

    /// Returns whether a patient or a group is none.
    pub(super) fn is_no_one(&self, id: &str) -> bool {
        !self.0.contains(id) && is_nobody_in_table(id)
    }

    /// Returns whether a fold is none.
    pub(super) fn is_no_fold(&self, fold: &str) -> bool {
        is_missing(fold)
    }

    /// For the record of a data set: the words, if there are any.
    pub(super) fn record(&self) -> Option<String> {
        let words: Vec<&str> = self.0.iter().map(String::as_str).collect();
        (!words.is_empty()).then(|| words.join(","))
    }
}

/// Returns whether a class is a word for having none.
pub(crate) fn is_unlabelled(class: &str) -> bool {
    UNLABELLED.contains(&plain(class).as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_for_nobody_are_known_however_they_are_written() {
        for id in
            ["ANON", "anonymous", "Anonymous^Patient", "de-identified", "0", "0000", "xxx", "N/A", "--", "***", ""]
        {
            assert!(is_nobody(id), "{id}");
        }
        for id in ["1", "10", "ANON001", "Anonymous 7", "XA", "P-0", "Ünknown", "Nora"] {
            assert!(!is_nobody(id), "{id}");
        }
    }

    #[test]
    fn what_programs_write_for_an_empty_cell_is_no_class_no_patient_and_no_fold() {
        let kept = KeptWords::default();
        for cell in [
            "nan",
            "NaN",
            "NAN",
            "-nan",
            "NA",
            "N/A",
            "n/a",
            "n.a.",
            "<NA>",
            "#N/A",
            "None",
            "NONE",
            "null",
            "NULL",
            "(null)",
            "nil",
            r"\N",
            "NaT",
            "unknown",
            "Unknown",
            "?",
            "-",
            "--",
            ".",
            "...",
            " ",
            "",
            "1.#QNAN",
            "#VALUE!",
            "missing",
            "not available",
        ] {
            assert!(kept.is_no_class(cell) && kept.is_no_one(cell) && kept.is_no_fold(cell), "{cell:?}");
        }
        for class in ["unlabelled", "Unlabeled", "(unlabelled)", "no label", "un-labelled"] {
            assert!(kept.is_no_class(class), "{class:?}");
        }
        for class in ["0", "1", "+", "negative", "normal", "x", "N", "no finding", "Nan Chang", "other", "anonymous"] {
            assert!(!kept.is_no_class(class), "{class:?}");
        }
        for id in ["0", "000", "X", "1", "P01", "Nana"] {
            assert!(!kept.is_no_one(id), "{id:?}");
        }
        assert!(kept.is_no_one("ANONYMOUS") && kept.is_no_one("XXX"));
    }

    #[test]
    fn a_word_that_is_named_is_a_value_in_the_case_that_it_is_written_in() {
        let kept = KeptWords::new(["none".to_owned(), " NA".to_owned()]);
        assert!(!kept.is_no_class("none") && !kept.is_no_one("NA"));
        assert!(kept.is_no_class("None") && kept.is_no_one("na"));
        assert_eq!(kept.record().as_deref(), Some("NA,none"));
    }
}

//! One name in several spellings: forms of Unicode that are the same letters, and names that are probably the same.

use crate::manifest::Manifest;
use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use unicode_normalization::{UnicodeNormalization as _, is_nfc};

/// Returns the composed form (NFC) of a text: macOS writes `ü` as `u` and two dots, tables as one letter.
pub(crate) fn composed(text: &str) -> Cow<'_, str> {
    if is_nfc(text) { Cow::Borrowed(text) } else { Cow::Owned(text.nfc().collect()) }
}

/// Returns a text as it is compared where case does not count.
pub(crate) fn caseless(text: &str) -> String {
    composed(&composed(text).to_lowercase()).into_owned()
}

/// Returns a key that names have in common which differ only in case, zeros in front of a number, `.0` behind one,
/// spaces, letters that are not seen, or the form of Unicode.
pub(crate) fn alike_key(name: &str) -> String {
    let plain = name.nfkd().collect::<String>().to_lowercase();
    let unseen = |letter: char| matches!(letter, '\u{ad}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{fe00}'..='\u{fe0f}');
    let seen: String = plain.chars().filter(|letter| !unseen(*letter)).collect();
    let words = seen.split_whitespace().collect::<Vec<_>>().join(" ");
    let whole = match words.split_once('.') {
        Some((number, zeros)) if is_digits(number.trim_start_matches(['-', '+'])) && is_zeros(zeros) => number,
        _ => &words,
    };
    without_leading_zeros(whole)
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

fn is_zeros(text: &str) -> bool {
    text.bytes().all(|byte| byte == b'0')
}

/// `p7` of `p007`; a number that is nothing but zeros keeps one.
fn without_leading_zeros(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut within_number = false;
    while let Some(letter) = letters.next() {
        let goes_on = letters.peek().is_some_and(char::is_ascii_digit);
        if letter == '0' && !within_number && goes_on {
            continue;
        }
        within_number = letter.is_ascii_digit();
        out.push(letter);
    }
    out
}

/// Returns the sets of names that are probably the same, each sorted.
pub(crate) fn alike<'a>(names: impl IntoIterator<Item = &'a str>) -> Vec<Vec<&'a str>> {
    let mut by_key: BTreeMap<String, BTreeSet<&str>> = BTreeMap::new();
    for name in names {
        by_key.entry(alike_key(name)).or_default().insert(name);
    }
    by_key.into_values().filter(|names| names.len() > 1).map(|names| names.into_iter().collect()).collect()
}

/// How many sets of names are told; of the others only their number.
const TOLD: usize = 5;

/// Returns warnings of patients, groups and classes of a table that are probably the same and stand apart.
#[must_use]
pub fn warnings(manifest: &Manifest) -> Vec<String> {
    let rows = &manifest.rows;
    let mut groups_of: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for row in rows {
        if let Some(patient) = &row.patient {
            groups_of.entry(patient).or_default().insert(&row.group);
        }
    }
    // Patients whom a group holds together already cannot be parted by a split.
    let apart = |names: &Vec<&str>| {
        let groups: BTreeSet<&str> = names.iter().filter_map(|name| groups_of.get(name)).flatten().copied().collect();
        groups.len() > 1
    };
    let mut patients = alike(groups_of.keys().copied());
    patients.retain(apart);
    // A clip without a patient is a group of its own, called by its file.
    let named = rows.iter().filter(|row| row.group != row.clip && row.patient.as_ref() != Some(&row.group));
    let groups = alike(named.map(|row| row.group.as_str()));
    let classes = alike(rows.iter().filter_map(|row| row.label.as_deref()));
    let split = "folds may separate them, which is leakage; write them alike in the labels table (a column group that joins \
                 them does too) and ingest into a new folder";
    let told = "they are counted as different classes; write them alike in the labels table (or the names of the folders) and \
                ingest into a new folder";
    let mut warnings = list("patients", &patients, split);
    warnings.extend(list("groups", &groups, split));
    warnings.extend(list("classes", &classes, told));
    warnings
}

fn list(what: &str, sets: &[Vec<&str>], remedy: &str) -> Vec<String> {
    let quoted = |names: &Vec<&str>| {
        let names: Vec<String> = names.iter().take(TOLD).map(|name| format!("{name:?}")).collect();
        names.join(" and ")
    };
    let mut warnings: Vec<String> = sets
        .iter()
        .take(TOLD)
        .map(|names| format!("{what} {} are probably the same: {remedy}", quoted(names)))
        .collect();
    if sets.len() > TOLD {
        warnings.push(format!("{} more sets of {what} are probably the same", sets.len() - TOLD));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Channels, Size};
    use crate::manifest::ClipRow;

    #[test]
    fn names_that_differ_in_zeros_case_spaces_or_form_are_alike() {
        let same = [
            &["7", "007", "7.0", " 7", "7.00", "07."][..],
            &["P01", "p01", "P1", "p001", "P\u{200b}1"],
            &["COVID", "covid", "Covid "],
            &["M\u{fc}ller", "Mu\u{308}ller", "M\u{fc}ller\u{a0}"],
            &["0", "00", "0.0"],
            &["1", "1.0", "\u{ff11}"],
            &["S-07-1", "S-7-01"],
        ];
        for names in same {
            for name in names {
                assert_eq!(alike_key(name), alike_key(names[0]), "{name:?}");
            }
        }
        let different = ["7", "70", "0", "7.1", "10", "100", "P7", "1-1", "11", "a", "b", "1.5", "15", "Muller"];
        assert_eq!(alike(different), Vec::<Vec<&str>>::new());
    }

    fn row(clip: &str, patient: Option<&str>, group: &str, label: &str) -> ClipRow {
        ClipRow {
            patient: patient.map(str::to_owned),
            group: group.to_owned(),
            label: Some(label.to_owned()),
            ..ClipRow::new(clip.to_owned(), 1, Size { height: 1, width: 1 }, Channels::Grey)
        }
    }

    #[test]
    fn what_a_split_cannot_part_is_not_warned_of() {
        let rows = vec![
            row("a", Some("7"), "7", "x"),
            row("b", Some("007"), "007", "X"),
            row("c", Some("P1"), "g", "y"),
            row("d", Some("p1"), "g", "y"),
            row("e_1", None, "e_1", "y"),
            row("e_01", None, "e_01", "y"),
        ];
        let warnings = warnings(&Manifest { rows });
        assert_eq!(warnings.len(), 2, "{warnings:?}");
        assert!(warnings[0].starts_with("patients \"007\" and \"7\" are probably the same: "), "{warnings:?}");
        assert!(warnings[1].starts_with("classes \"X\" and \"x\" are probably the same: "), "{warnings:?}");
    }
}

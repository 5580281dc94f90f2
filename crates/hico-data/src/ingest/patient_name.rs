//! Patients that only the names of files tell: `patient_12_L3.mp4`, `person7_bacteria_2.jpeg`, `p03/clip.avi`.

use super::labels::{Facts, LabelRow};
use super::matching::Matched;
use crate::error::{Error, Rows};
use crate::spelling::composed;
use std::collections::{BTreeMap, BTreeSet};
use std::str::FromStr;

/// Where the patient stands in a name: a text with one `*`, which stands for the shortest id that fits.
///
/// Without a `/` the name of the file, or of the folder of frames, is looked at; with one the whole path. What stands
/// before the `*` has to begin the name or to follow something that is no letter and no digit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PatientPattern {
    before: String,
    after: String,
}

/// Why this is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} needs exactly one * where the patient's id stands, as in patient_*_")]
pub struct PatternError(String);

impl FromStr for PatientPattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        match text.split_once('*') {
            Some((before, after)) if !after.contains('*') && text != "*" => {
                Ok(Self { before: before.to_owned(), after: after.to_owned() })
            }
            _ => Err(PatternError(text.to_owned())),
        }
    }
}

impl std::fmt::Display for PatientPattern {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}*{}", self.before, self.after)
    }
}

impl PatientPattern {
    /// The patient in a path relative to the source folder, with `/`; `None` where the pattern does not fit.
    pub(crate) fn patient<'a>(&self, key: &'a str) -> Option<&'a str> {
        let whole = self.before.contains('/') || self.after.contains('/');
        let name = if whole { key } else { key.rsplit('/').next()? };
        let begins = name.char_indices().map(|(at, _)| at).filter(|at| {
            let follows = name[..*at].chars().next_back();
            !follows.is_some_and(char::is_alphanumeric)
        });
        begins.filter_map(|at| self.id(name[at..].strip_prefix(&self.before)?)).next()
    }

    /// The id at the front of what follows the text before it. With nothing after the `*` it ends with its letters and
    /// digits.
    fn id<'a>(&self, rest: &'a str) -> Option<&'a str> {
        let end = if self.after.is_empty() {
            rest.find(|letter: char| !letter.is_alphanumeric()).unwrap_or(rest.len())
        } else {
            // An id holds at least one letter, and no folder's end.
            let first = rest.chars().next()?.len_utf8();
            first + rest[first..].find(&self.after)?
        };
        let id = &rest[..end];
        (!id.is_empty() && !id.contains('/')).then_some(id)
    }
}

/// Gives every clip what the row of its patient says; the rows name patients and no files.
///
/// - `patients`: the patient of each clip, by key
pub(crate) fn match_patients(rows: &[LabelRow], patients: &BTreeMap<&str, &str>) -> Result<Matched, Error> {
    let mut of_patient: BTreeMap<String, &LabelRow> = BTreeMap::new();
    let mut matched = Matched::default();
    for row in rows {
        let patient = plain(&composed(&row.file)).to_owned();
        match of_patient.get(&patient) {
            None => {
                of_patient.insert(patient, row);
            }
            Some(first) if first.facts == row.facts => matched.repeated += 1,
            Some(first) => {
                let clip = format!("patient {patient}");
                return Err(Error::Contradiction { clip, first: first.line, second: row.line, rows: Rows::OfClips });
            }
        }
    }
    let mut seen = BTreeSet::new();
    for (key, patient) in patients {
        if let Some(row) = of_patient.get(plain(&composed(patient))) {
            seen.insert(row.line);
            let facts = Facts { patient: Some(composed(patient).into_owned()), ..row.facts.clone() };
            matched.facts.insert((*key).to_owned(), facts);
        }
    }
    let unseen = of_patient.values().filter(|row| !seen.contains(&row.line));
    matched.unmatched = unseen.map(|row| (row.line, row.file.clone())).collect();
    matched.unmatched.sort();
    Ok(matched)
}

/// `7` for `7`, `007` and `7.0`: tables and names of files write one number in several ways.
fn plain(id: &str) -> &str {
    let id = id.strip_suffix(".0").unwrap_or(id);
    let is_number = !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit());
    match id.trim_start_matches('0') {
        "" if is_number => "0",
        rest if is_number => rest,
        _ => id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn patient(pattern: &str, key: &'static str) -> Option<&'static str> {
        pattern.parse::<PatientPattern>().unwrap().patient(key)
    }

    #[test]
    fn the_patient_is_what_stands_at_the_star() {
        assert_eq!(patient("patient_*_", "lus_videos/patient_10_L2_2.mp4"), Some("10"));
        assert_eq!(patient("person*_", "train/PNEUMONIA/person7_bacteria_2.jpeg"), Some("7"));
        assert_eq!(patient("*_", "a_b/c12_1.mp4"), Some("c12"));
        assert_eq!(patient("*/", "p03/frames/clip.avi"), Some("p03"));
        assert_eq!(patient("case *", "case 12 (left).avi"), Some("12"));
        assert_eq!(patient("id*.", "größe-idä7.avi"), Some("ä7"));
    }

    #[test]
    fn what_does_not_fit_is_nobody() {
        // The text before the star has to begin a word, and the id may not be empty or reach over a folder.
        for (pattern, key) in
            [("t_*_", "patient_3_L.mp4"), ("patient_*_", "patient__.mp4"), ("p*_", "p1/x_2.mp4"), ("p_*_", "p_1.mp4")]
        {
            assert_eq!(patient(pattern, key), None, "{pattern} {key}");
        }
        for text in ["", "*", "patient", "*_*"] {
            assert!(text.parse::<PatientPattern>().unwrap_err().to_string().contains("exactly one *"), "{text}");
        }
    }

    fn row(line: u64, patient: &str, label: &str) -> LabelRow {
        LabelRow { line, file: patient.into(), facts: Facts { label: Some(label.into()), ..Facts::default() } }
    }

    #[test]
    fn every_clip_of_a_patient_gets_the_patients_row() {
        let rows = [row(2, "37.0", "0"), row(3, "4", "1"), row(4, "9", "1")];
        let patients = BTreeMap::from([("a", "37"), ("b", "37"), ("c", "04"), ("d", "5")]);
        let matched = match_patients(&rows, &patients).unwrap();
        let labels: Vec<_> =
            matched.facts.iter().map(|(key, facts)| (key.as_str(), facts.label.clone().unwrap())).collect();
        assert_eq!(labels, [("a", "0".to_owned()), ("b", "0".to_owned()), ("c", "1".to_owned())]);
        assert_eq!(matched.facts["a"].patient.as_deref(), Some("37"));
        assert_eq!(matched.unmatched, [(4, "9".to_owned())]);
    }

    #[test]
    fn two_rows_that_contradict_each_other_are_an_error() {
        let error = match_patients(&[row(2, "7", "0"), row(3, "007", "1")], &BTreeMap::new()).unwrap_err();
        assert_eq!(error.to_string(), "lines 2 and 3 say different things of patient 7");
    }
}

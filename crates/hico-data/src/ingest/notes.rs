//! Facts that a reader tells of single clips, gathered by kind for the person who runs an ingest, and what is said where files
//! name nobody in particular as their patient.

use super::journal::ClipEntry;
use super::patient_ref::NamedBy;
use crate::manifest::Manifest;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// Files that are named for each kind.
const NAMED: usize = 3;

/// What a reader tells of a clip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ClipNote {
    /// Path of the clip relative to the source folder.
    pub source: String,
    /// What is told; the same words for the same kind of fact.
    pub note: String,
}

/// The notes of clips that are stored.
///
/// - `named`: path of a source by how it is written down, where a hash is written down
pub(super) fn of_clips(stored: &BTreeMap<String, ClipEntry>, named: &BTreeMap<&str, &str>) -> Vec<ClipNote> {
    let of_clip = |clip: &ClipEntry| {
        let source = named.get(clip.source.as_str()).map_or_else(|| clip.source.clone(), |path| (*path).to_owned());
        clip.notes.clone().into_iter().map(move |note| ClipNote { source: source.clone(), note })
    };
    stored.values().flat_map(of_clip).collect()
}

/// Makes one sentence of each kind of note: how many clips it holds for, and the first of them.
#[must_use]
pub fn sentences(notes: &[ClipNote]) -> Vec<String> {
    let mut kinds: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    notes.iter().for_each(|told| kinds.entry(&told.note).or_default().push(&told.source));
    kinds.into_iter().map(|(note, files)| sentence(note, files)).collect()
}

fn sentence(note: &str, mut files: Vec<&str>) -> String {
    files.sort_unstable();
    let more = if files.len() > NAMED { ", ..." } else { "" };
    match files[..] {
        [file] => format!("1 clip: {note} ({file})"),
        _ => format!("{} clips: {note} (first: {}{more})", files.len(), files[..files.len().min(NAMED)].join(", ")),
    }
}

/// The remedy of both warnings. Names of DICOM files are not looked at, so a table it is.
const REMEDY: &str =
    "name patients in a table with the columns file and patient, and ingest with --labels into a new folder";

/// What a person should look at where the groups of a table rest on ids that are nobody's, or on studies.
pub(super) fn of_patients(manifest: &Manifest, stored: &BTreeMap<String, ClipEntry>) -> Vec<String> {
    let groups_by = |by: NamedBy| {
        let rows = manifest.rows.iter().filter(|row| {
            let clip = stored.get(&row.source).filter(|clip| clip.named_by == by);
            // A table that names patient or group outweighs the file.
            clip.is_some_and(|clip| clip.patient.as_ref() == Some(&row.group))
        });
        let groups: Vec<&str> = rows.map(|row| row.group.as_str()).collect();
        (groups.len(), groups.into_iter().collect::<BTreeSet<_>>().len())
    };
    let count = |count: usize, what: &str| format!("{count} {what}{}", if count == 1 { "" } else { "s" });
    let mut warnings = Vec::new();
    let (clips, groups) = groups_by(NamedBy::Nobody);
    if clips > groups {
        warnings.push(format!(
            "the DICOM files of {clips} clips have a placeholder as their patient (such as ANONYMOUS, UNKNOWN or 0), so these clips are {}, \
             whoever they show; {REMEDY}",
            count(groups, "group")
        ));
    }
    let (clips, groups) = groups_by(NamedBy::Study);
    if clips > 1 {
        warnings.push(format!(
            "the DICOM files of {clips} clips name no patient, so a study is treated as a patient ({}), and folds may \
             separate the studies of a patient, which is leakage; {REMEDY}",
            count(groups, "group")
        ));
    }
    warnings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clips_of_one_kind_are_one_sentence_that_names_the_first() {
        assert_eq!(sentence("odd", vec!["a"]), "1 clip: odd (a)");
        assert_eq!(sentence("odd", vec!["b", "a"]), "2 clips: odd (first: a, b)");
        assert_eq!(sentence("odd", vec!["d", "b", "c", "a"]), "4 clips: odd (first: a, b, c, ...)");
    }
}

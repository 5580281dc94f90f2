//! Whose clip it is as a DICOM file has it, and what to say where that is nobody in particular.

use super::journal::ClipEntry;
use super::placeholder::is_nobody;
use crate::manifest::Manifest;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// Whose clip it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Whose {
    /// The patient's id, else the study's.
    pub(crate) id: String,
    pub(crate) by: NamedBy,
}

impl Whose {
    /// By the patient's id.
    pub(crate) fn patient(id: String) -> Self {
        let by = if is_nobody(&id) { NamedBy::Nobody } else { NamedBy::Patient };
        Self { id, by }
    }
}

/// What tells whose a clip is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum NamedBy {
    /// The patient's id.
    #[default]
    Patient,
    /// A patient's id that stands for nobody, as programs write it that take ids out: ANONYMOUS, 0.
    Nobody,
    /// The study, for there is no patient's id.
    Study,
}

impl NamedBy {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
    pub(super) fn is_patient(&self) -> bool {
        *self == Self::Patient
    }
}

/// The remedy of both warnings. Names of DICOM files are not looked at, so a table it is.
const REMEDY: &str =
    "name patients in a table with the columns file and patient, and ingest with --labels into a new folder";

/// What a person should look at where the groups of a table rest on ids that are nobody's, or on studies.
pub(super) fn warnings(manifest: &Manifest, stored: &BTreeMap<String, ClipEntry>) -> Vec<String> {
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

//! Whose clip it is as a DICOM file has it.

use super::placeholder::is_nobody;
use serde::{Deserialize, Serialize};

/// Whose clip it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PatientRef {
    /// The patient's id, else the study's.
    pub(crate) id: String,
    pub(crate) by: NamedBy,
}

impl PatientRef {
    /// By the patient's id, else by the study's.
    pub(crate) fn of(patient: Option<String>, study: Option<String>) -> Option<Self> {
        let of_patient = |id: String| {
            let by = if is_nobody(&id) { NamedBy::Nobody } else { NamedBy::Patient };
            Self { id, by }
        };
        patient.map(of_patient).or_else(|| study.map(|id| Self { id, by: NamedBy::Study }))
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

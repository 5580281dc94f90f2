//! Tells what a file says of its clip beyond the frames.

use crate::region::Regions;
use serde::Serialize;

/// Holds what a file says of its clip beyond the frames, and how they were decoded.
#[derive(Debug, Clone, PartialEq)]
pub struct ClipMeta {
    /// Frames a second.
    pub fps: Option<f64>,
    /// Height and width of a source pixel, millimetres.
    pub spacing: Option<[f64; 2]>,
    /// Regions of the picture, as the scanner states them.
    pub regions: Regions,
    /// The patient's id, as the file has it.
    pub patient: Option<String>,
    /// The id of the study.
    pub study: Option<String>,
    /// Facts of a DICOM header about identity.
    pub header: Option<HeaderFacts>,
    /// The name of its decoder, as `gif` or `ffmpeg h264`.
    pub codec: String,
    /// Changes to the values of the frames, in words.
    pub steps: Vec<String>,
    /// Facts to be told of a clip that was read all the same, such as a header that its pixels contradict. Clips with the
    /// same words are told together, so numbers of a single file do not belong here.
    pub notes: Vec<String>,
    /// The fault of the file, where that was allowed.
    pub complaint: Option<String>,
}

impl ClipMeta {
    /// Makes that of a file that says nothing but its frames.
    #[must_use]
    pub fn of_frames(fps: Option<f64>, codec: String) -> Self {
        Self {
            fps,
            spacing: None,
            regions: Regions::default(),
            patient: None,
            study: None,
            header: None,
            codec,
            steps: Vec::new(),
            notes: Vec::new(),
            complaint: None,
        }
    }
}

/// Burned In Annotation (0028,0301): whether the pixels tell whose they are, in the words of who wrote the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum BurnedIn {
    /// They do.
    Yes,
    /// They do not. Experience says: look all the same.
    No,
    /// Nothing is said, or no word that the standard knows.
    Unstated,
}

/// Holds what a header says of identity.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct HeaderFacts {
    /// Its words on its own pixels.
    pub burned_in: BurnedIn,
    /// Names of elements of the data set itself that hold more than blanks; what stands within sequences is not looked
    /// at.
    pub filled: Vec<&'static str>,
}

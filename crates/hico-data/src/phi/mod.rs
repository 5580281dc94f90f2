//! Where it may be told whose pictures they are: text that is burned into frames, and filled elements of DICOM headers.
//!
//! Nothing is read aloud: what is told of a header is which elements are filled, of a frame where there are letters. A
//! clip that is not suspected may still hold text; see `docs/PHI.md` for how often.

mod draw;
mod scan;

pub use draw::{LARGEST_SHEET, sheet};
pub use scan::{PhiOptions, scan_dataset, scan_files};

use crate::clip::Frame;
use crate::text::Line;
pub use crate::text::{SUSPECT, TextPlace};
pub use hico_io::{BurnedIn, HeaderFacts};
use serde::Serialize;

/// A row of letters and where it lies.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlacedLine {
    /// The row.
    #[serde(flatten)]
    pub line: Line,
    /// Where it lies.
    pub place: TextPlace,
}

/// What is suspected of one clip.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClipText {
    /// Its path below the source folder, or its name in the data set.
    pub clip: String,
    /// Frames that were looked at or through.
    pub frames: usize,
    /// Height of a frame, pixels.
    pub height: usize,
    /// Width of a frame, pixels.
    pub width: usize,
    /// The score of its likeliest row, 0 to 1; 0 if there is none.
    pub score: f64,
    /// Whether that reaches the threshold, or the header says that its pixels are burned in.
    pub suspected: bool,
    /// Rows of letters that reach the threshold, the likeliest first.
    pub lines: Vec<PlacedLine>,
    /// What became of the insonated region: its shape, or why it was not found.
    pub sector: String,
    /// What the header of a DICOM file says.
    pub header: Option<HeaderFacts>,
    /// A frame with the rows drawn into it, where it was asked for.
    #[serde(skip)]
    pub picture: Option<Frame>,
}

/// A clip that could not be looked at.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Unseen {
    /// Its path below the source folder.
    pub clip: String,
    /// Why.
    pub reason: String,
}

/// What is suspected of all of them.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct PhiReport {
    /// What was looked at.
    pub source: String,
    /// The score from which on a clip is suspected.
    pub threshold: f64,
    /// How many clips are suspected.
    pub suspected: usize,
    /// How many clips come from DICOM files whose headers hold identity.
    pub headers: usize,
    /// Every clip that was looked at, in the order of their names.
    pub clips: Vec<ClipText>,
    /// Clips that could not be looked at, and of which nothing is known.
    pub unseen: Vec<Unseen>,
    /// Whether the work was interrupted, and clips are missing from the list.
    pub interrupted: bool,
    /// Symbolic links that were not followed, by path below the source.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<String>,
}

impl PhiReport {
    fn take(&mut self, clip: ClipText) {
        self.suspected += usize::from(clip.suspected);
        self.headers += usize::from(clip.header.as_ref().is_some_and(|header| !header.filled.is_empty()));
        self.clips.push(clip);
    }

    /// Whether there is nothing to be cautious about: no clip is suspected, none unseen, no header filled.
    #[must_use]
    pub const fn is_clean(&self) -> bool {
        self.suspected == 0 && self.headers == 0 && self.unseen.is_empty()
    }
}

/// Whether a header says that its pixels are burned in.
fn says_burned_in(header: Option<&HeaderFacts>) -> bool {
    header.is_some_and(|header| header.burned_in == BurnedIn::Yes)
}

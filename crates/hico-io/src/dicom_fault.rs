//! The faults of a DICOM file.

use crate::words::told;

/// Faults of a DICOM file, and what is beyond us. [`Fault::hint`] says what its owner can do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    /// Reports, plans and the like.
    #[error("a DICOM file without pictures")]
    NoPictures,
    /// Its header breaks off or makes no sense.
    #[error("a DICOM file whose header is broken: {}", told(.said))]
    Header {
        /// The fault, and its place.
        said: String,
    },
    /// It does not say how it is written, and its content does not tell.
    #[error("a DICOM file that names no transfer syntax (0002,0010)")]
    NoSyntax,
    /// Pixels or header are written in a way that we do not read.
    #[error("a DICOM file of {what}, which is not read")]
    Beyond {
        /// Its kind.
        what: String,
    },
    /// An attribute that pictures need is absent.
    #[error("a DICOM file without {what}")]
    Missing {
        /// Name and number of the attribute.
        what: &'static str,
    },
    /// An attribute makes no sense.
    #[error("a DICOM file whose {what} is {found}")]
    Value {
        /// Name and number of the attribute.
        what: &'static str,
        /// Its value, and what was expected.
        found: String,
    },
    /// There are fewer frames than announced.
    #[error("cut short: {found} of {announced} announced frames are whole")]
    Short {
        /// Frames announced.
        announced: usize,
        /// Whole frames there are.
        found: usize,
    },
    /// Its pixels are not laid out as its header says.
    #[error("a DICOM file whose pixels are not what its header says: {}", told(.said))]
    Pixels {
        /// The fault.
        said: String,
    },
    /// One frame does not decode.
    #[error("a DICOM file of which frame {frame} does not decode: {}", told(.said))]
    Frame {
        /// The frame, from 0.
        frame: usize,
        /// True where another one does.
        others: bool,
        /// The decoder's words.
        said: String,
    },
}

impl Fault {
    /// Says what the owner of the file can do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::NoPictures => "nothing is lost; remove it from the folder if it should not be reported again",
            Self::Short { found: 0, .. } => "copy it again from where it came",
            Self::Short { .. } => {
                "copy it again from where it came, or keep the frames that are there with --keep-damaged"
            }
            Self::Frame { others: true, .. } => {
                "fetch it again from the archive, or keep the frames that decode with --keep-damaged"
            }
            Self::Beyond { .. } | Self::NoSyntax => {
                "have the archive or viewer write it uncompressed (Explicit VR Little Endian), or as AVI or MP4"
            }
            Self::Header { .. }
            | Self::Missing { .. }
            | Self::Value { .. }
            | Self::Pixels { .. }
            | Self::Frame { others: false, .. } => {
                "fetch it again from the archive, or export it as AVI or MP4 from the viewer"
            }
        }
    }
}

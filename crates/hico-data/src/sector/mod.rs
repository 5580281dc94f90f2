//! The insonated region of a clip: found in a look at some of its frames, then cropped to, or all outside it masked.
//!
//! Where a scanner states the region of the picture, it is searched for there; else it is what moves, together with the
//! lit tissue that hangs together with it. Nothing here is on by default, and what was done is written down.

mod bitmap;
mod look;
mod evidence;
mod outline;
mod grow;
mod shape;
mod find;
mod apply;

pub use apply::Treatment;
pub use find::{NotFound, Sector, find};
pub use look::Look;
pub use outline::Outline;
pub use shape::Shape;

use serde::{Deserialize, Serialize};

/// What is done with the region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SectorUse {
    /// Nothing; it is not even looked for.
    #[default]
    Off,
    /// Frames are cut to its bounding rectangle.
    Crop,
    /// What lies outside it becomes black.
    Mask,
    /// Both.
    CropAndMask,
}

impl SectorUse {
    pub(crate) const ALL: [Self; 4] = [Self::Off, Self::Crop, Self::Mask, Self::CropAndMask];

    /// The word of the flag, of the record and of the column `steps`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Off => "off",
            Self::Crop => "crop",
            Self::Mask => "mask",
            Self::CropAndMask => "crop-and-mask",
        }
    }

    /// Whether nothing is done.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Self::Off
    }

    pub(crate) const fn crops(self) -> bool {
        matches!(self, Self::Crop | Self::CropAndMask)
    }

    pub(crate) const fn masks(self) -> bool {
        matches!(self, Self::Mask | Self::CropAndMask)
    }
}

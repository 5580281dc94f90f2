//! [`Preprocessing`]: how frames of a source become the frames of a data set. The data set keeps it, a network that was
//! trained on the data set keeps it too, and a clip that the network is asked about is prepared by it.

use crate::sector::SectorUse;
use crate::text::TextUse;
use serde::{Deserialize, Deserializer, Serialize};

/// How a frame is resized to the image size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Fit {
    /// Height and width both become the image size, whatever the aspect ratio (as HiCo's authors).
    #[default]
    Squash,
    /// The longer one becomes the image size, the aspect ratio stays; frames need not be square.
    Keep,
    /// As `keep`, then centred on a black square.
    Pad,
}

impl Fit {
    /// Every way to fit a frame.
    pub(crate) const ALL: [Self; 3] = [Self::Squash, Self::Keep, Self::Pad];

    /// Returns the word of the flag and of the column `steps`.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Squash => "squash",
            Self::Keep => "keep",
            Self::Pad => "pad",
        }
    }
}

/// Decides what is stored of a source's frames.
///
/// Text is painted over first, then the frame is cropped to the insonated region or masked outside it, then resized
/// (antialiased bilinear). The default keeps frames as they are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Preprocessing {
    /// Height and width of the prepared frames, pixels; `None` and 0 keep the size of the source. Files of earlier versions
    /// call it `side`, and say 0 for `None`.
    #[serde(alias = "side", deserialize_with = "zero_is_none")]
    pub image_size: Option<usize>,
    /// How a frame is resized to the image size.
    pub fit: Fit,
    /// What is done with the insonated region; anything but `Off` decodes a clip twice.
    pub sector: SectorUse,
    /// What is done with burned-in text; anything but `Keep` decodes a clip twice.
    pub text: TextUse,
}

fn zero_is_none<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<usize>, D::Error> {
    Ok(Option::deserialize(deserializer)?.filter(|size| *size > 0))
}

impl Preprocessing {
    /// Squashes frames to a square of so many pixels, and does nothing else; 0 keeps their size.
    #[must_use]
    pub fn resized(image_size: usize) -> Self {
        Self { image_size: Some(image_size).filter(|size| *size > 0), ..Self::default() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_of_earlier_versions_are_read_and_ours_say_image_size() {
        let read = |text: &str| serde_json::from_str::<Preprocessing>(text).unwrap();
        let of_96 = Preprocessing { image_size: Some(96), fit: Fit::Keep, ..Preprocessing::default() };
        assert_eq!(read(r#"{"side":96,"fit":"keep"}"#), of_96);
        assert_eq!(read(r#"{"side":0}"#), Preprocessing::default());
        for written in [of_96, Preprocessing::default()] {
            let text = serde_json::to_string(&written).unwrap();
            assert!(text.contains(r#""image_size":"#) && !text.contains("side"), "{text}");
            assert_eq!(read(&text), written);
        }
    }
}

//! [`Preprocessing`]: how frames of a source become the frames of a data set. The data set keeps it, a network that was
//! trained on the data set keeps it too, and a clip that the network is asked about is prepared by it.

use crate::manifest::Manifest;
use crate::sector::SectorUse;
use crate::steps::Step;
use crate::text::TextUse;
use serde::{Deserialize, Deserializer, Serialize};
use std::collections::BTreeMap;

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

    /// Reads from the steps of its clips how a data set was prepared that has no `dataset.json`: as most of its clips were.
    /// Clips that needed no resizing tell no image size.
    pub(crate) fn of_table(manifest: &Manifest) -> Self {
        let steps = || manifest.rows.iter().map(|row| &row.steps.0);
        let size_and_fit = |steps: &Vec<Step>| {
            steps.iter().find_map(|step| match step {
                Step::Resize { height, width, fit, .. } => Some((*height.max(width), *fit)),
                _ => None,
            })
        };
        let region = |steps: &Vec<Step>| {
            steps.iter().find_map(|step| if let Step::Region { used, .. } = step { Some(*used) } else { None })
        };
        let is_painted = |steps: &Vec<Step>| steps.iter().any(|step| matches!(step, Step::PaintText(_)));
        let resized = most_common(steps().filter_map(size_and_fit));
        Self {
            image_size: resized.map(|(size, _)| size),
            fit: resized.map(|(_, fit)| fit).unwrap_or_default(),
            sector: most_common(steps().map(region)).flatten().unwrap_or_default(),
            text: if steps().any(is_painted) { TextUse::Paint } else { TextUse::Keep },
        }
    }
}

/// Returns the most common thing; of equally common ones the first in order.
fn most_common<T: Ord>(things: impl IntoIterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    things.into_iter().for_each(|thing| *counts.entry(thing).or_default() += 1);
    let most = counts.values().copied().max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(thing, _)| thing)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ClipRow;
    use crate::{Channels, Size, Steps};

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

    fn of(done: &[&str]) -> Preprocessing {
        let row = |(at, done): (usize, &&str)| ClipRow {
            steps: Steps::from((*done).to_owned()),
            ..ClipRow::new(format!("clip-{at}"), 1, Size { height: 8, width: 8 }, Channels::Grey)
        };
        Preprocessing::of_table(&Manifest { rows: done.iter().enumerate().map(row).collect() })
    }

    #[test]
    fn an_earlier_table_was_prepared_as_most_of_its_clips_say() {
        assert_eq!(of(&["decode gif", "decode png;grey"]), Preprocessing::default());
        let squashed = "decode gif;resize 96x96 squash antialiased bilinear;grey";
        let small = "decode gif;grey";
        let expected = Preprocessing { image_size: Some(96), ..Preprocessing::default() };
        assert_eq!(of(&[squashed, small, small]), expected);
        let cropped = "decode dicom;text painted over in 3 places;sector crop-and-mask convex 3,4,50,60;\
                       resize 72x128 keep antialiased bilinear by ffmpeg";
        let expected = Preprocessing {
            image_size: Some(128),
            fit: Fit::Keep,
            sector: SectorUse::CropAndMask,
            text: TextUse::Paint,
        };
        assert_eq!(of(&[cropped, cropped, squashed]), expected);
        assert_eq!(of(&[squashed, squashed, cropped]).sector, SectorUse::Off);
    }
}

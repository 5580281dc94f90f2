//! How the clips of a data set were prepared, read from its table, so that a new clip can be prepared alike.

use super::{Fit, IngestOptions};
use crate::manifest::Manifest;
use crate::sector::SectorUse;
use crate::text::TextUse;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What decides how the frames of a clip are stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Prepared {
    /// Height and width of the stored frames, pixels; 0 keeps their size. In files `image_size`; earlier ones have `side`.
    #[serde(rename = "image_size", alias = "side")]
    pub side: usize,
    /// How a frame fills the side.
    pub fit: Fit,
    /// What is done with the insonated region.
    pub sector: SectorUse,
    /// What is done with text that is burned in.
    pub text: TextUse,
}

impl Prepared {
    /// How most clips of a table were prepared, by its column `done`; clips that needed no resizing tell no side.
    #[must_use]
    pub fn of(manifest: &Manifest) -> Self {
        let words = |done: &str| -> Vec<String> { done.split(';').map(str::to_owned).collect() };
        let each: Vec<Vec<String>> = manifest.rows.iter().map(|row| words(&row.done)).collect();
        let told = |of: &dyn Fn(&str) -> Option<String>| -> Vec<Option<String>> {
            each.iter().map(|steps| steps.iter().find_map(|step| of(step))).collect()
        };
        let resized = most_common(told(&|step| Some(step.strip_prefix("resize ")?.to_owned())).into_iter().flatten());
        let (side, fit) = resized.as_deref().and_then(resize).unwrap_or_default();
        let sector = most_common(told(&|step| Some(step.strip_prefix("sector ")?.split(' ').next()?.to_owned())));
        let text = told(&|step| step.starts_with("text painted").then(String::new)).iter().any(Option::is_some);
        let uses = [SectorUse::Crop, SectorUse::Mask, SectorUse::CropAndMask];
        Self {
            side,
            fit,
            sector: uses
                .into_iter()
                .find(|used| sector.as_ref().is_some_and(|word| word.as_deref() == Some(used.word())))
                .unwrap_or_default(),
            text: if text { TextUse::Paint } else { TextUse::Keep },
        }
    }

    /// Options that prepare other clips alike.
    #[must_use]
    pub fn options(self) -> IngestOptions {
        let Self { side, fit, sector, text } = self;
        IngestOptions { side, fit, sector, text, ..IngestOptions::default() }
    }
}

/// Side and fit of `96x96 squash antialiased bilinear`; of frames that are not square the longer side.
fn resize(words: &str) -> Option<(usize, Fit)> {
    let mut words = words.split(' ');
    let (height, width) = words.next()?.split_once('x')?;
    let word = words.next()?;
    let fit = Fit::ALL.into_iter().find(|fit| fit.word() == word)?;
    Some((height.parse::<usize>().ok()?.max(width.parse().ok()?), fit))
}

/// Of equally common ones the first in order.
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
    use crate::{Channels, Size};

    #[test]
    fn a_network_of_an_earlier_version_says_side_and_ours_image_size() {
        let earlier: Prepared = serde_json::from_str(r#"{"side":96,"fit":"keep"}"#).unwrap();
        assert_eq!(earlier, Prepared { side: 96, fit: Fit::Keep, ..Prepared::default() });
        let now = serde_json::to_string(&earlier).unwrap();
        assert!(now.contains(r#""image_size":96"#) && !now.contains("side"), "{now}");
        assert_eq!(serde_json::from_str::<Prepared>(&now).unwrap(), earlier);
    }

    fn of(done: &[&str]) -> Prepared {
        let row = |(at, done): (usize, &&str)| ClipRow {
            done: (*done).to_owned(),
            ..ClipRow::new(format!("clip-{at}"), 1, Size { height: 8, width: 8 }, Channels::Grey)
        };
        Prepared::of(&Manifest { rows: done.iter().enumerate().map(row).collect() })
    }

    #[test]
    fn what_most_clips_say_is_how_they_were_prepared() {
        assert_eq!(of(&["decode gif", "decode png;grey"]), Prepared::default());
        let squashed = "decode gif;resize 96x96 squash antialiased bilinear;grey";
        let small = "decode gif;grey";
        let expected = Prepared { side: 96, ..Prepared::default() };
        assert_eq!(of(&[squashed, small, small]), expected);
        let cropped = "decode dicom;text painted over in 3 places;sector crop-and-mask convex 3,4,50,60;\
                       resize 72x128 keep antialiased bilinear by ffmpeg";
        assert_eq!(
            of(&[cropped, cropped, squashed]),
            Prepared { side: 128, fit: Fit::Keep, sector: SectorUse::CropAndMask, text: TextUse::Paint }
        );
        assert_eq!(of(&[squashed, squashed, cropped]).sector, SectorUse::Off);
        assert_eq!(of(&[cropped]).options().side, 128);
    }
}

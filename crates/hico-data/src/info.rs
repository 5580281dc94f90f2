//! `dataset.json`, what a data set says of itself: its format, how its clips were prepared, and what it was made of.

use crate::atomic;
use crate::error::Error;
use crate::manifest::Manifest;
use crate::preprocessing::Preprocessing;
use crate::steps::Step;
use crate::text::TextUse;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

/// File name of the description inside a data set's folder.
pub const INFO_FILE: &str = "dataset.json";

/// The format that this version writes. Data sets of 0, which have no `dataset.json`, are read too.
const FORMAT: u32 = 1;

/// A longer description is refused: ours take less than a kilobyte.
const LONGEST: u64 = 1 << 20;

/// What a data set is, apart from its clips.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatasetInfo {
    /// Version of the data set's files.
    pub format: u32,
    /// Version of the program that wrote it.
    #[serde(default)]
    pub version: String,
    /// How clips were prepared; of a data set that was joined from different ones, how most of its clips were.
    pub preprocessing: Preprocessing,
    /// SHA-256 over names and contents of all sources, in the order of the sources as `sha256sum` writes them.
    #[serde(default)]
    pub sources_sha256: String,
    /// SHA-256 of the labels table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub labels_sha256: Option<String>,
}

impl DatasetInfo {
    /// Describes a data set that is about to be written.
    #[must_use]
    pub fn new(preprocessing: Preprocessing, manifest: &Manifest, labels_sha256: Option<String>) -> Self {
        let (version, sources_sha256) = (env!("CARGO_PKG_VERSION").to_owned(), sources_sha256(manifest));
        Self { format: FORMAT, version, preprocessing, sources_sha256, labels_sha256 }
    }

    /// Reads `dataset.json` of a data set's folder; `None` for a data set of an earlier version, which has none.
    ///
    /// # Errors
    /// When it cannot be read, is broken, or was written in a later format.
    pub fn read(folder: &Path) -> Result<Option<Self>, Error> {
        let path = folder.join(INFO_FILE);
        let broken = |reason: String| Error::Info { path: path.clone(), reason };
        match std::fs::metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(broken(error.to_string())),
            Ok(file) if !file.is_file() => return Err(broken("is no file".to_owned())),
            Ok(file) if file.len() > LONGEST => return Err(broken(format!("has {} bytes", file.len()))),
            Ok(_) => {}
        }
        let text = std::fs::read_to_string(&path).map_err(|error| broken(error.to_string()))?;
        #[derive(Deserialize)]
        struct Format {
            format: u32,
        }
        let Format { format } = serde_json::from_str(&text).map_err(|error| broken(error.to_string()))?;
        if format > FORMAT {
            let reason = format!("is of format {format}; this version reads formats up to {FORMAT}");
            return Err(broken(reason));
        }
        serde_json::from_str(&text).map(Some).map_err(|error| broken(error.to_string()))
    }

    /// Writes `dataset.json`.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(INFO_FILE);
        let written = serde_json::to_vec_pretty(self).map_err(Into::into).and_then(|mut json| {
            json.push(b'\n');
            atomic::write(&path, &json)
        });
        written.map_err(|source| Error::Write { path, source })
    }
}

/// Reads from the steps of its clips how a data set was prepared that has no `dataset.json`: as most of its clips were.
/// Clips that needed no resizing tell no image size.
pub(crate) fn preprocessing_of(manifest: &Manifest) -> Preprocessing {
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
    Preprocessing {
        image_size: resized.map(|(size, _)| size),
        fit: resized.map(|(_, fit)| fit).unwrap_or_default(),
        sector: most_common(steps().map(region)).flatten().unwrap_or_default(),
        text: if steps().any(is_painted) { TextUse::Paint } else { TextUse::Keep },
    }
}

/// Returns the most common thing; of equally common ones the first in order.
fn most_common<T: Ord>(things: impl IntoIterator<Item = T>) -> Option<T> {
    let mut counts: BTreeMap<T, usize> = BTreeMap::new();
    things.into_iter().for_each(|thing| *counts.entry(thing).or_default() += 1);
    let most = counts.values().copied().max()?;
    counts.into_iter().find(|(_, count)| *count == most).map(|(thing, _)| thing)
}

/// Hashes what a data set was made of: a line `SHA-256 of the content, two spaces, source` for each clip, in order, as
/// `sha256sum` writes it.
fn sources_sha256(manifest: &Manifest) -> String {
    let mut lines: Vec<String> = manifest.rows.iter().map(|row| format!("{}  {}\n", row.sha256, row.source)).collect();
    lines.sort();
    Sha256::digest(lines.concat()).iter().map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::ClipRow;
    use crate::preprocessing::Fit;
    use crate::sector::SectorUse;
    use crate::{Channels, Size, Steps};

    #[test]
    fn what_is_written_is_read_and_a_later_format_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(DatasetInfo::read(folder.path()).unwrap(), None);
        let preprocessing = Preprocessing { image_size: Some(64), ..Preprocessing::default() };
        let info = DatasetInfo::new(preprocessing, &Manifest::default(), None);
        info.write(folder.path()).unwrap();
        assert_eq!(DatasetInfo::read(folder.path()).unwrap(), Some(info));
        let refused = |text: &str| {
            std::fs::write(folder.path().join(INFO_FILE), text).unwrap();
            DatasetInfo::read(folder.path()).unwrap_err().to_string()
        };
        let later = refused(r#"{"format":2,"frames":"in another way"}"#);
        assert!(later.ends_with("is of format 2; this version reads formats up to 1"), "{later}");
        assert!(refused("{").contains("dataset.json"));
        assert!(refused(&" ".repeat(2 << 20)).contains("2097152 bytes"));
    }

    fn of(done: &[&str]) -> Preprocessing {
        let row = |(at, done): (usize, &&str)| ClipRow {
            steps: Steps::from((*done).to_owned()),
            ..ClipRow::new(format!("clip-{at}"), 1, Size { height: 8, width: 8 }, Channels::Grey)
        };
        preprocessing_of(&Manifest { rows: done.iter().enumerate().map(row).collect() })
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

//! The table of a data set, `clips.csv`: one row a clip. It opens in any spreadsheet.

use crate::clip::{Channels, Size};
use crate::error::Error;
use crate::region::Regions;
use crate::steps::Steps;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// File name of the table inside a data set's folder.
pub const MANIFEST_FILE: &str = "clips.csv";

/// The largest fold that is read; nobody has as many, and what counts folds may go from 0 to the largest.
pub const LARGEST_FOLD: usize = 9_999;

/// Returns whether these may be frames a second: a number that no scanner exceeds.
pub(crate) fn is_rate(fps: f64) -> bool {
    (0.0..=1e6).contains(&fps)
}

/// Returns whether this may be a side of a pixel in millimetres.
pub(crate) fn is_spacing(millimetres: f64) -> bool {
    millimetres > 0.0 && millimetres <= 1e4
}

/// What is known of one clip; a row of `clips.csv`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipRow {
    /// Unique name of the clip in this data set; also the name of its tensor in the shard.
    pub clip: String,
    /// Patient, where the labels name one.
    pub patient: Option<String>,
    /// The unit of every split: the patient, or several patients merged because their pictures are near-copies.
    pub group: String,
    /// Class, where the clip is labelled.
    pub label: Option<String>,
    /// Fold this clip's group belongs to, once the data set is split.
    pub fold: Option<usize>,
    /// Number of frames.
    pub frames: usize,
    /// Height of the stored frames, pixels.
    pub height: usize,
    /// Width of the stored frames, pixels.
    pub width: usize,
    /// Values per stored pixel.
    pub channels: Channels,
    /// Frames a second, where the source states it.
    pub fps: Option<f64>,
    /// Height in the source, pixels.
    pub source_height: usize,
    /// Width in the source, pixels.
    pub source_width: usize,
    /// Source file or folder, relative to the folder that was ingested.
    pub source: String,
    /// SHA-256 of the source, hexadecimal.
    pub sha256: String,
    /// Shard file that holds the frames.
    pub shard: String,
    /// What was done to the frames. Tables of earlier versions call it `done`.
    #[serde(alias = "done")]
    pub steps: Steps,
    /// Height of a source pixel, millimetres, where the source states it; times `source_height / height` for a stored
    /// one, or, where `steps` says `sector crop`, times the height of the rectangle there over `height`.
    pub pixel_height_mm: Option<f64>,
    /// Width of a source pixel, millimetres.
    pub pixel_width_mm: Option<f64>,
    /// Regions of the source picture and what their axes measure, where the scanner states them.
    #[serde(default)]
    pub regions: Regions,
}

/// The first columns decide a result; those behind them describe the source, and data sets of earlier versions lack
/// them.
const DECIDING: usize = 16;

impl ClipRow {
    /// A clip of which nothing else is known, a group of its own.
    #[must_use]
    pub fn new(clip: String, frames: usize, size: Size, channels: Channels) -> Self {
        Self {
            group: clip.clone(),
            clip,
            patient: None,
            label: None,
            fold: None,
            frames,
            height: size.height,
            width: size.width,
            channels,
            fps: None,
            source_height: size.height,
            source_width: size.width,
            source: String::new(),
            sha256: String::new(),
            shard: String::new(),
            steps: Steps::default(),
            pixel_height_mm: None,
            pixel_width_mm: None,
            regions: Regions::default(),
        }
    }

    /// Size of the stored frames.
    #[must_use]
    pub const fn size(&self) -> Size {
        Size { height: self.height, width: self.width }
    }
}

/// The rows of `clips.csv`, in file order.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Manifest {
    /// One row a clip.
    pub rows: Vec<ClipRow>,
}

impl Manifest {
    /// Reads `clips.csv` of a data set's folder.
    ///
    /// # Errors
    /// When it is missing, does not parse, names a clip twice, or holds a number that its column cannot have.
    pub fn read(folder: &Path) -> Result<Self, Error> {
        let path = folder.join(MANIFEST_FILE);
        if !path.is_file() {
            return Err(Error::NoDataset(folder.to_owned()));
        }
        let table = |source| Error::Table { path: path.clone(), source };
        let mut reader = csv::Reader::from_path(&path).map_err(table)?;
        let header = reader.headers().map_err(table)?.clone();
        let mut rows: Vec<ClipRow> = Vec::new();
        for record in reader.records() {
            let record = record.map_err(table)?;
            let row: ClipRow = record.deserialize(Some(&header)).map_err(table)?;
            if let Some((column, value, wanted)) = impossible(&row) {
                let line = record.position().map_or(0, csv::Position::line);
                let (value, wanted) = (value.into(), wanted.into());
                return Err(Error::Number { path, line, column, value, wanted });
            }
            rows.push(row);
        }
        let mut names = BTreeSet::new();
        if let Some(row) = rows.iter().find(|row| !names.insert(row.clip.as_str())) {
            return Err(Error::ClipTwice { path: path.clone(), clip: row.clip.clone() });
        }
        Ok(Self { rows })
    }

    /// Writes `clips.csv` whole: to a temporary name, synced, then renamed over the old one.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn write(&self, folder: &Path) -> Result<(), Error> {
        let path = folder.join(MANIFEST_FILE);
        let failed = |source| Error::Write { path: path.clone(), source };
        crate::atomic::write(&path, &self.to_csv().map_err(failed)?).map_err(failed)
    }

    /// Copies the table of a data set to a name that is free, before something changes it: `clips.before-audit.csv`.
    ///
    /// # Errors
    /// When it cannot be read or the copy not be written.
    pub fn back_up(folder: &Path, before: &str) -> Result<PathBuf, Error> {
        let table = folder.join(MANIFEST_FILE);
        let names = std::iter::once(String::new()).chain((2..).map(|number| format!("-{number}")));
        let mut paths = names.map(|number| folder.join(format!("clips.before-{before}{number}.csv")));
        let backup = paths.find(|path| !path.exists()).unwrap_or_else(|| folder.join("clips.before.csv"));
        let copied = std::fs::read(&table).and_then(|bytes| crate::atomic::write(&backup, &bytes));
        copied.map_err(|source| Error::Write { path: backup.clone(), source })?;
        Ok(backup)
    }

    /// The classes, sorted by name; a label's index is its place here.
    #[must_use]
    pub fn classes(&self) -> Vec<String> {
        let labels: BTreeSet<_> = self.rows.iter().filter_map(|row| row.label.clone()).collect();
        labels.into_iter().collect()
    }

    /// SHA-256 over what decides a result: names, sources, labels, groups, folds and sizes of all clips.
    #[must_use]
    pub fn hash(&self) -> String {
        let bytes = self.to_csv().and_then(|table| deciding(&table)).unwrap_or_default();
        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// SHA-256 as [`Manifest::hash`], with every fold left empty: `hico split` does not change it.
    #[must_use]
    pub fn hash_without_folds(&self) -> String {
        let rows = self.rows.iter().map(|row| ClipRow { fold: None, ..row.clone() }).collect();
        Self { rows }.hash()
    }

    fn to_csv(&self) -> std::io::Result<Vec<u8>> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        for row in &self.rows {
            writer.serialize(row).map_err(std::io::Error::other)?;
        }
        writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
    }
}

/// The first number of a row that its column cannot have: column, number, and which can be.
fn impossible(row: &ClipRow) -> Option<(&'static str, String, String)> {
    if let Some(fps) = row.fps.filter(|fps| !is_rate(*fps)) {
        return Some(("fps", fps.to_string(), "leave it empty, or write frames a second from 0 to 1000000".to_owned()));
    }
    for (column, spacing) in [("pixel_height_mm", row.pixel_height_mm), ("pixel_width_mm", row.pixel_width_mm)] {
        if let Some(spacing) = spacing.filter(|spacing| !is_spacing(*spacing)) {
            let wanted = "leave it empty, or write millimetres above 0 and up to 10000".to_owned();
            return Some((column, spacing.to_string(), wanted));
        }
    }
    if let Some(fold) = row.fold.filter(|fold| *fold > LARGEST_FOLD) {
        return Some(("fold", fold.to_string(), format!("folds are from 0 to {LARGEST_FOLD}")));
    }
    let mut values = [row.height, row.width, row.channels.count()].into_iter();
    let bytes = values.try_fold(row.frames, |product, side| product.checked_mul(side));
    let most = usize::try_from(i64::MAX).unwrap_or(usize::MAX);
    let is_too_large = bytes.is_none_or(|bytes| bytes > most);
    is_too_large.then(|| ("frames", row.frames.to_string(), "no file holds as many pixels".to_owned()))
}

/// A table without the columns that only describe the source, under the names that they had in the first version: results that
/// are kept by this hash are to be found by later ones.
fn deciding(table: &[u8]) -> std::io::Result<Vec<u8>> {
    let mut reader = csv::Reader::from_reader(table);
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header = reader.headers().map_err(std::io::Error::other)?.clone();
    let header = header.iter().take(DECIDING).map(|name| if name == "steps" { "done" } else { name });
    writer.write_record(header).map_err(std::io::Error::other)?;
    for record in reader.byte_records() {
        let record = record.map_err(std::io::Error::other)?;
        writer.write_record(record.iter().take(DECIDING)).map_err(std::io::Error::other)?;
    }
    writer.into_inner().map_err(|error| std::io::Error::other(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As an earlier version wrote it.
    const EARLIER: &str = "clip,patient,group,label,fold,frames,height,width,channels,fps,source_height,source_width,\
                           source,sha256,shard,done\n\
                           a,p,p,\"x, y\",1,2,8,8,grey,10.0,16,16,a.gif,00,frames-0000.safetensors,decode gif;grey\n";

    fn manifest() -> Manifest {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(MANIFEST_FILE), EARLIER).unwrap();
        Manifest::read(folder.path()).unwrap()
    }

    #[test]
    fn a_table_of_an_earlier_version_opens_and_keeps_its_hash() {
        let manifest = manifest();
        assert_eq!((manifest.rows[0].pixel_height_mm, manifest.rows[0].regions.is_empty()), (None, true));
        let hash: String = Sha256::digest(EARLIER).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(manifest.hash(), hash);
    }

    #[test]
    fn a_number_that_cannot_be_is_refused_by_line_and_column() {
        for (from, to, words) in [
            (",10.0,", ",NaN,", "line 2: fps NaN"),
            (",10.0,", ",inf,", "line 2: fps inf"),
            (",10.0,", ",-1,", "line 2: fps -1"),
            (",10.0,", ",1e300,", "line 2: fps 1000"),
            (",1,2,8,", ",18446744073709551615,2,8,", "line 2: fold 18446744073709551615"),
            (",2,8,8,", ",9223372036854775807,8,8,", "line 2: frames 9223372036854775807"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            std::fs::write(folder.path().join(MANIFEST_FILE), EARLIER.replacen(from, to, 1)).unwrap();
            let error = Manifest::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains(words), "{error}");
        }
        for spacing in ["NaN", "-inf", "0", "1e9"] {
            let mut row = manifest().rows.remove(0);
            row.pixel_width_mm = spacing.parse().ok();
            let folder = tempfile::tempdir().unwrap();
            Manifest { rows: vec![row] }.write(folder.path()).unwrap();
            let error = Manifest::read(folder.path()).unwrap_err().to_string();
            assert!(error.contains("line 2: pixel_width_mm "), "{error}");
        }
    }

    #[test]
    fn what_describes_the_source_survives_the_disk_and_leaves_the_hash_alone() {
        let mut manifest = manifest();
        let hash = manifest.hash();
        manifest.rows[0].pixel_height_mm = Some(0.25);
        manifest.rows[0].regions = "0 0 9 9 1 1 3 3 0.025 0.025".parse().unwrap();
        let folder = tempfile::tempdir().unwrap();
        manifest.write(folder.path()).unwrap();
        assert_eq!(Manifest::read(folder.path()).unwrap(), manifest);
        assert_eq!(manifest.hash(), hash);
        manifest.rows[0].fold = Some(2);
        assert_ne!(manifest.hash(), hash);
        let without_folds = manifest.hash_without_folds();
        manifest.rows[0].fold = Some(3);
        assert_eq!(manifest.hash_without_folds(), without_folds);
        manifest.rows[0].label = None;
        assert_ne!(manifest.hash_without_folds(), without_folds);
    }
}

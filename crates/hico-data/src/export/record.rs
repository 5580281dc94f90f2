//! What an export was asked for, written into its folder first: by it the same command goes on, and another one stops.

use super::ExportOptions;
use crate::dataset::Dataset;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use std::io;
use std::path::Path;

/// File name of the record inside the folder of an export.
pub const RECORD_FILE: &str = "export.json";

/// Longest record that is read, bytes.
const LONGEST: u64 = 1 << 16;

#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Record {
    version: String,
    /// Hash of the table of the data set.
    data: String,
    options: ExportOptions,
}

impl Record {
    pub(super) fn of(data: &Dataset, options: &ExportOptions) -> Self {
        let version = env!("CARGO_PKG_VERSION").to_owned();
        Self { version, data: data.manifest().hash(), options: *options }
    }

    /// Makes the folder, or checks that it holds the same export; what was half written is removed.
    pub(super) fn begin(&self, out: &Path) -> Result<(), Error> {
        let failed = |source| Error::Write { path: out.to_owned(), source };
        let path = out.join(RECORD_FILE);
        let is_empty = || std::fs::read_dir(out).map(|mut entries| entries.next().is_none());
        if path.is_file() {
            let is_short = std::fs::metadata(&path).is_ok_and(|data| data.len() <= LONGEST);
            let before = std::fs::read(&path).ok().filter(|_| is_short);
            if before.and_then(|bytes| serde_json::from_slice::<Self>(&bytes).ok()).as_ref() != Some(self) {
                return Err(Error::NoUnfinishedExport(out.to_owned()));
            }
            return remove_parts(out, 3).map_err(failed);
        }
        if out.exists() && !is_empty().map_err(failed)? {
            return Err(Error::NoUnfinishedExport(out.to_owned()));
        }
        std::fs::create_dir_all(out).map_err(failed)?;
        let text = serde_json::to_string_pretty(self).map_err(|error| failed(io::Error::other(error)))?;
        crate::atomic::write(&path, text.as_bytes()).map_err(|source| Error::Write { path, source })
    }
}

/// Removes what a killed export left half written, in this folder and those below it.
fn remove_parts(folder: &Path, depth: usize) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        let is_folder = entry.file_type()?.is_dir();
        match (entry.file_name().to_string_lossy().starts_with(".part-"), is_folder) {
            (true, true) => std::fs::remove_dir_all(entry.path())?,
            (true, false) => std::fs::remove_file(entry.path())?,
            (false, true) if depth > 1 => remove_parts(&entry.path(), depth - 1)?,
            (false, _) => {}
        }
    }
    Ok(())
}

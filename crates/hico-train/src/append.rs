//! Files that only grow, and that are cut back to a known length when a run goes on from a checkpoint.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// A file to append to.
#[derive(Debug)]
pub(crate) struct AppendFile {
    path: PathBuf,
    file: File,
    length: u64,
}

impl AppendFile {
    /// Opens or creates the file, and cuts off what stands behind its first `keep` bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn open(path: &Path, keep: u64) -> io::Result<Self> {
        let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        let length = file.metadata()?.len();
        Self { path: path.to_owned(), file, length }.cut(keep)
    }

    /// LabelBins off what stands behind the first `keep` bytes.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub(crate) fn cut(mut self, keep: u64) -> io::Result<Self> {
        self.length = self.length.min(keep);
        self.file.set_len(self.length)?;
        self.file.seek(SeekFrom::Start(self.length))?;
        Ok(self)
    }

    /// Keeps other processes out until this value is dropped.
    ///
    /// # Errors
    /// When another one has it, or the system cannot tell.
    pub(crate) fn try_lock(&self) -> Result<(), TryLockError> {
        self.file.try_lock()
    }

    /// Whose file it is.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes `bytes` at the end.
    ///
    /// # Errors
    /// When the disk is full, for instance; the end of the file may then be torn.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.length += bytes.len() as u64;
        Ok(())
    }

    /// Waits until all is on the disk; the length of the file.
    ///
    /// # Errors
    /// When the system cannot promise it.
    pub(crate) fn sync(&self) -> io::Result<u64> {
        self.file.sync_all()?;
        Ok(self.length)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_behind_the_kept_bytes_is_cut_off() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let mut file = AppendFile::open(&path, 0).unwrap();
        file.append(b"kept").unwrap();
        let kept = file.sync().unwrap();
        file.append(b" lost").unwrap();
        drop(file);
        let mut file = AppendFile::open(&path, kept).unwrap();
        file.append(b" and new").unwrap();
        assert_eq!(file.sync().unwrap(), 12);
        assert_eq!(std::fs::read(&path).unwrap(), b"kept and new");
    }
}

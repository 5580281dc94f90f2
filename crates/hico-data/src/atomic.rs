//! Whole-file writes: a reader sees the old bytes or the new ones, never half of them.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// How the names of temporary files begin.
const PART: &str = ".part-";

/// Letters behind that.
const RANDOM: usize = 6;

/// Tries to get a temporary file that nobody takes for left over.
const TRIES: usize = 8;

/// Writes `bytes` to a temporary file beside `path`, syncs it to the disk and renames it to `path`.
///
/// # Errors
/// When the folder cannot be written or the disk is full; `path` then keeps its old content.
pub fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write_with(path, |file| file.write_all(bytes))
}

/// Writes files that belong together: each as [`write()`] does, in their order, and none where one cannot be written.
///
/// Only for files that were not there before: those that were written are removed again.
///
/// # Errors
/// As [`write()`]; names the file.
pub fn write_all<P: AsRef<Path>, B: AsRef<[u8]>>(files: &[(P, B)]) -> Result<(), (PathBuf, io::Error)> {
    for (done, (path, bytes)) in files.iter().enumerate() {
        if let Err(error) = write(path.as_ref(), bytes.as_ref()) {
            for (written, _) in &files[..done] {
                // The first error is the one to tell.
                std::fs::remove_file(written).ok();
            }
            return Err((path.as_ref().to_owned(), error));
        }
    }
    Ok(())
}

/// As [`write()`], for content that is produced piece by piece.
///
/// # Errors
/// As [`write()`], and whatever `fill` reports.
pub fn write_with(path: &Path, fill: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let folder = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut builder = tempfile::Builder::new();
    builder.prefix(PART).rand_bytes(RANDOM);
    #[cfg(unix)]
    {
        // Temporary files are private by default; what we keep follows the user's umask like any other file.
        use std::os::unix::fs::PermissionsExt as _;
        builder.permissions(std::fs::Permissions::from_mode(0o666));
    }
    let mut temporary = ours(&builder, folder)?;
    fill(temporary.as_file_mut())?;
    temporary.as_file().sync_all()?;
    temporary.persist(path).map_err(|error| error.error)?;
    // A rename is durable once its folder is synced; not every system lets a folder be opened.
    if let Ok(folder) = File::open(folder) {
        folder.sync_all().ok();
    }
    Ok(())
}

/// Removes the temporary files in `folder` whose writer was killed; those that another process is writing stay.
///
/// # Errors
/// When the folder cannot be read, or a file not be removed.
pub fn remove_halves(folder: &Path) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let entry = entry?;
        if !is_temporary(&entry.file_name().to_string_lossy()) || !entry.file_type()?.is_file() {
            continue;
        }
        match File::open(entry.path()) {
            // The lock is held until the file is gone, so that nobody begins to write into it meanwhile.
            Ok(file) if file.try_lock().is_ok() => std::fs::remove_file(entry.path())?,
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

/// Whether a name is one that [`write_with`] gives, so that nothing of anybody else is removed.
fn is_temporary(name: &str) -> bool {
    let random = name.strip_prefix(PART).unwrap_or_default();
    random.len() == RANDOM && random.bytes().all(|letter| letter.is_ascii_alphanumeric())
}

/// A temporary file, locked as long as it is written.
fn ours(builder: &tempfile::Builder<'_, '_>, folder: &Path) -> io::Result<tempfile::NamedTempFile> {
    for _ in 0..TRIES {
        // Its error would name a temporary file that nobody has heard of.
        let temporary = builder.tempfile_in(folder).map_err(|error| io::Error::from(error.kind()))?;
        // Not every file system has locks; without them nothing is ever removed either.
        temporary.as_file().lock().ok();
        if temporary.path().exists() {
            return Ok(temporary);
        }
    }
    Err(io::Error::other("its temporary file is removed again and again by another process"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_killed_writer_left_is_removed_and_what_is_being_written_is_not() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(".part-aB3dE6"), "half").unwrap();
        std::fs::write(folder.path().join("whole"), "whole").unwrap();
        std::fs::write(folder.path().join(".part-of-a-thesis"), "years").unwrap();
        let names = || {
            let entries = std::fs::read_dir(folder.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
            names.sort_unstable();
            names
        };
        write_with(&folder.path().join("new"), |file| {
            remove_halves(folder.path())?;
            assert_eq!(names().len(), 3, "{:?}", names());
            file.write_all(b"new")
        })
        .unwrap();
        assert_eq!(names(), [".part-of-a-thesis", "new", "whole"]);
        assert_eq!(std::fs::read(folder.path().join("new")).unwrap(), b"new");
    }

    #[test]
    fn files_that_belong_together_are_all_there_or_none_is() {
        let folder = tempfile::tempdir().unwrap();
        let at = |name: &str| folder.path().join(name);
        write_all(&[(at("a"), b"1"), (at("b"), b"2")]).unwrap();
        assert_eq!(std::fs::read(at("b")).unwrap(), b"2");
        let (path, _) = write_all(&[(at("c"), b"3"), (at("gone/d"), b"4")]).unwrap_err();
        assert_eq!(path, at("gone/d"));
        let mut left: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        left.sort();
        assert_eq!(left, ["a", "b"]);
    }
}

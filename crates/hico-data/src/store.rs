//! Writes the frames of a data set: `frames-NNNN.safetensors`, one `u8 [frames, height, width, channels]` tensor a clip.
//!
//! Frames are first appended to `frames.part`, clip by clip; those before the last [`ShardWriter::sync`] survive
//! whatever happens. Once a shard is full, its header and those bytes are written to a temporary name, synced and renamed.

use crate::atomic;
use crate::clip::Clip;
use crate::error::Error;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

/// A shard is closed before the clip that would take it beyond this many bytes.
pub const SHARD_BYTES: u64 = 256 << 20;

/// The bytes of the shard that is being filled.
const PART_FILE: &str = "frames.part";

/// File name of shard `number`.
#[must_use]
pub fn shard_name(number: usize) -> String {
    format!("frames-{number:04}.safetensors")
}

/// Where a clip's frames were put.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ShardPlace {
    /// Number of the shard.
    pub shard: usize,
    /// First byte, from the start of the shard's data.
    pub begin: u64,
    /// One after the last byte.
    pub end: u64,
}

/// A clip in the shard that is being filled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Stored {
    /// Name of the clip.
    pub name: String,
    /// `[frames, height, width, channels]`.
    pub shape: [usize; 4],
    /// Where its frames are.
    pub place: ShardPlace,
}

/// Appends clips to the shards of one folder.
#[derive(Debug)]
pub struct ShardWriter {
    folder: PathBuf,
    /// Opened when the first clip comes, so that a session that stores nothing leaves nothing.
    part: Option<File>,
    number: usize,
    filled: Vec<Stored>,
    limit: u64,
}

impl ShardWriter {
    /// Goes on after the clips that were stored before; none for a new data set.
    ///
    /// - `before`: every clip stored so far, in the order in which they were appended
    /// - `limit`: bytes of a shard, usually [`SHARD_BYTES`]
    ///
    /// # Errors
    /// When the folder cannot be written, what was stored before is gone, or `before` contradicts itself.
    pub fn resume(folder: &Path, before: &[Stored], limit: u64) -> Result<Self, Error> {
        let path = folder.join(PART_FILE);
        let failed = |source| Error::Write { path: path.clone(), source };
        let last = before.iter().map(|clip| clip.place.shard).max();
        for shard in 0..last.unwrap_or(0) {
            let path = folder.join(shard_name(shard));
            if !path.is_file() {
                return Err(Error::FramesLost(path));
            }
        }
        // A shard with its final name is whole, even if we were killed before the part file was emptied.
        let (number, filled) = match last {
            None => (0, Vec::new()),
            Some(last) if folder.join(shard_name(last)).is_file() => (last + 1, Vec::new()),
            Some(last) => (last, before.iter().filter(|clip| clip.place.shard == last).cloned().collect()),
        };
        if let Some(clip) = first_misplaced(&filled) {
            return Err(Error::FramesMisplaced { path, clip: clip.name.clone() });
        }
        let mut writer = Self { folder: folder.to_owned(), part: None, number, filled, limit };
        if !writer.filled.is_empty() {
            let end = writer.end();
            let part = writer.part().map_err(failed)?;
            if part.metadata().map_err(failed)?.len() < end {
                return Err(Error::FramesLost(path));
            }
        }
        Ok(writer)
    }

    /// Whether this clip closes the shard that is being filled, and begins the next one.
    #[must_use]
    pub fn is_full(&self, clip: &Clip) -> bool {
        !self.filled.is_empty() && self.end() + clip.pixels.len() as u64 > self.limit
    }

    /// Stores the frames of one clip; they are sure to be on the disk after the next [`Self::sync`].
    ///
    /// # Errors
    /// When the disk is full or cannot be written; what was stored before is still there.
    pub fn append(&mut self, name: &str, clip: &Clip) -> Result<ShardPlace, Error> {
        let bytes = clip.pixels.len() as u64;
        if self.is_full(clip) {
            self.seal()?;
        }
        let begin = self.end();
        let place = ShardPlace { shard: self.number, begin, end: begin + bytes };
        let write = |part: &mut File| {
            // Half a clip may stand here from a session that was killed.
            part.set_len(begin)?;
            part.seek(SeekFrom::Start(begin))?;
            part.write_all(&clip.pixels)
        };
        let written = self.part().and_then(write);
        written.map_err(|source| Error::Write { path: self.folder.join(PART_FILE), source })?;
        let shape = [clip.frames(), clip.size.height, clip.size.width, clip.channels.count()];
        self.filled.push(Stored { name: name.to_owned(), shape, place: place.clone() });
        Ok(place)
    }

    /// Returns when everything that was appended is on the disk.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn sync(&mut self) -> Result<(), Error> {
        let synced = self.part.as_ref().map_or(Ok(()), File::sync_data);
        synced.map_err(|source| Error::Write { path: self.folder.join(PART_FILE), source })
    }

    /// Closes the last shard.
    ///
    /// # Errors
    /// As [`Self::append`].
    pub fn finish(mut self) -> Result<(), Error> {
        if !self.filled.is_empty() {
            self.seal()?;
        }
        let path = self.folder.join(PART_FILE);
        match std::fs::remove_file(&path) {
            Err(source) if source.kind() != io::ErrorKind::NotFound => Err(Error::Write { path, source }),
            _ => Ok(()),
        }
    }

    fn part(&mut self) -> io::Result<&mut File> {
        if self.part.is_none() {
            let path = self.folder.join(PART_FILE);
            let mut options = OpenOptions::new();
            self.part = Some(options.read(true).write(true).create(true).truncate(false).open(path)?);
        }
        self.part.as_mut().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn end(&self) -> u64 {
        self.filled.last().map_or(0, |clip| clip.place.end)
    }

    fn seal(&mut self) -> Result<(), Error> {
        let path = self.folder.join(shard_name(self.number));
        let failed = |source| Error::Write { path: path.clone(), source };
        let beginning = beginning(&self.filled);
        let end = self.end();
        let part = self.part().map_err(failed)?;
        atomic::write_with(&path, |file| {
            file.write_all(&beginning)?;
            part.seek(SeekFrom::Start(0))?;
            match io::copy(&mut io::Read::take(&mut *part, end), file)? {
                copied if copied == end => Ok(()),
                _ => Err(io::ErrorKind::UnexpectedEof.into()),
            }
        })
        .map_err(failed)?;
        part.set_len(0).map_err(failed)?;
        self.number += 1;
        self.filled.clear();
        Ok(())
    }
}

/// The first clip that has a name twice, is not as long as its shape says, or does not follow the one before it; a shard
/// with such a clip would not open.
fn first_misplaced(clips: &[Stored]) -> Option<&Stored> {
    let mut names = BTreeSet::new();
    let mut at = 0;
    clips.iter().find(|clip| {
        let bytes = clip.shape.iter().try_fold(1_u64, |bytes, axis| bytes.checked_mul(*axis as u64));
        let end = bytes.filter(|bytes| *bytes > 0).and_then(|bytes| bytes.checked_add(at));
        let fits = clip.place.begin == at && end == Some(clip.place.end);
        at = clip.place.end;
        !fits || !names.insert(&clip.name)
    })
}

/// A safetensors file up to its data: the length of the header, and that as JSON padded with spaces, so that the data
/// begin at a multiple of 8.
pub(crate) fn beginning(clips: &[Stored]) -> Vec<u8> {
    let mut tensors = serde_json::Map::new();
    tensors.insert("__metadata__".to_owned(), json!({ "axes": "frames,height,width,channels" }));
    for clip in clips {
        let offsets = [clip.place.begin, clip.place.end];
        tensors.insert(clip.name.clone(), json!({ "dtype": "U8", "shape": clip.shape, "data_offsets": offsets }));
    }
    let mut header = serde_json::Value::Object(tensors).to_string();
    header.push_str(&" ".repeat(header.len().next_multiple_of(8) - header.len()));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clip::{Channels, Size};

    fn clip(frames: usize, value: u8) -> Clip {
        let size = Size { height: 2, width: 3 };
        Clip { size, channels: Channels::Rgb, pixels: vec![value; frames * 18], fps: None }
    }

    fn fill(folder: &Path, clips: &[(&str, Clip)], limit: u64) -> Vec<Stored> {
        let mut writer = ShardWriter::resume(folder, &[], limit).unwrap();
        let stored = clips.iter().map(|(name, clip)| {
            let place = writer.append(name, clip).unwrap();
            Stored { name: (*name).to_owned(), shape: [clip.frames(), 2, 3, 3], place }
        });
        let stored = stored.collect();
        writer.finish().unwrap();
        stored
    }

    fn some() -> Vec<(&'static str, Clip)> {
        vec![("a", clip(1, 1)), ("b", clip(2, 2)), ("c", clip(3, 3)), ("d", clip(1, 4))]
    }

    fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
        let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap());
        let mut files: Vec<_> = entries
            .map(|entry| (entry.file_name().into_string().unwrap(), std::fs::read(entry.path()).unwrap()))
            .collect();
        files.sort();
        files
    }

    #[test]
    fn shards_are_safetensors_of_the_stated_size() {
        let folder = tempfile::tempdir().unwrap();
        fill(folder.path(), &some(), 60);
        let files = files(folder.path());
        let names: Vec<&str> = files.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["frames-0000.safetensors", "frames-0001.safetensors", "frames-0002.safetensors"]);
        let first = safetensors::SafeTensors::deserialize(&files[0].1).unwrap();
        assert_eq!(first.tensor("b").unwrap().shape(), [2, 2, 3, 3]);
        assert_eq!(first.tensor("b").unwrap().data(), [2; 36]);
        let second = safetensors::SafeTensors::deserialize(&files[1].1).unwrap();
        assert_eq!(second.names(), ["c"]);
    }

    #[test]
    fn a_writer_killed_after_any_clip_goes_on_to_the_same_bytes() {
        let whole = tempfile::tempdir().unwrap();
        fill(whole.path(), &some(), 60);
        for killed_after in 0..=4 {
            let folder = tempfile::tempdir().unwrap();
            let mut stored = Vec::new();
            let mut writer = ShardWriter::resume(folder.path(), &[], 60).unwrap();
            for (name, clip) in &some()[..killed_after] {
                let place = writer.append(name, clip).unwrap();
                stored.push(Stored { name: (*name).to_owned(), shape: [clip.frames(), 2, 3, 3], place });
            }
            // Half a clip more, which nobody knows of.
            writer.part().unwrap().write_all(&[99; 7]).unwrap();
            drop(writer);
            let mut writer = ShardWriter::resume(folder.path(), &stored, 60).unwrap();
            for (name, clip) in &some()[killed_after..] {
                writer.append(name, clip).unwrap();
            }
            writer.finish().unwrap();
            assert_eq!(files(folder.path()), files(whole.path()), "{killed_after}");
        }
    }

    #[test]
    fn a_record_that_contradicts_itself_is_refused_before_a_shard_is_written_by_it() {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join(PART_FILE), [0; 1000]).unwrap();
        let clip = |name: &str, frames: usize, begin: u64, end: u64| Stored {
            name: name.to_owned(),
            shape: [frames, 2, 3, 3],
            place: ShardPlace { shard: 0, begin, end },
        };
        let resume = |clips: &[Stored]| ShardWriter::resume(folder.path(), clips, 60);
        assert!(resume(&[clip("a", 1, 0, 18), clip("b", 2, 18, 54)]).is_ok());
        for second in [
            clip("a", 2, 18, 54),
            clip("b", 2, 18, 53),
            clip("b", 2, 19, 55),
            clip("b", 0, 18, 18),
            clip("b", usize::MAX / 2, 18, 0),
            clip("b", 2, u64::MAX, 34),
        ] {
            let error = resume(&[clip("a", 1, 0, 18), second.clone()]).unwrap_err();
            assert!(matches!(&error, Error::FramesMisplaced { clip, .. } if *clip == second.name), "{error}");
        }
    }

    #[test]
    fn frames_that_are_gone_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let stored = fill(folder.path(), &some(), 60);
        std::fs::remove_file(folder.path().join(shard_name(0))).unwrap();
        assert!(matches!(ShardWriter::resume(folder.path(), &stored, 60), Err(Error::FramesLost(_))));
        let folder = tempfile::tempdir().unwrap();
        assert!(matches!(ShardWriter::resume(folder.path(), &stored[..1], 60), Err(Error::FramesLost(_))));
    }
}

//! An open data set: rows of the manifest, and any frame by clip and frame number.
//!
//! Frames are read at their offset in the shard, without decoding; the operating system's page cache does the rest.
//! (A memory map would need `unsafe` code and turns a file cut short into a crash; a read turns it into an error.)

use crate::clip::{Clip, Frame};
use crate::error::Error;
use crate::info::{self, DatasetInfo};
use crate::manifest::{ClipRow, MANIFEST_FILE, Manifest};
use crate::preprocessing::Preprocessing;
use safetensors::tensor::{Dtype, Metadata};
use std::collections::HashMap;
use std::fs::File;
use std::path::{Path, PathBuf};

/// A data set opened for reading; cheap to share between threads.
#[derive(Debug)]
pub struct Dataset {
    folder: PathBuf,
    manifest: Manifest,
    preprocessing: Preprocessing,
    classes: Vec<String>,
    labels: Vec<Option<usize>>,
    frames: Frames,
}

/// Where the frames are.
#[derive(Debug)]
enum Frames {
    Memory(Vec<Clip>),
    Shards { files: Vec<(PathBuf, File)>, places: Vec<Place> },
}

/// Where one clip's frames begin.
#[derive(Debug, Clone, Copy)]
struct Place {
    file: usize,
    offset: u64,
}

/// A safetensors header longer than this is refused: 100 MB describe a million clips.
const LONGEST_HEADER: u64 = 100_000_000;

impl Dataset {
    /// Opens a data set's folder and checks every clip of the table against the shards' headers.
    ///
    /// # Errors
    /// When the table or a shard is missing, broken, or the two contradict each other.
    pub fn open(folder: &Path) -> Result<Self, Error> {
        let manifest = Manifest::read(folder)?;
        let info = DatasetInfo::read(folder)?;
        let preprocessing = info.map_or_else(|| info::preprocessing_of(&manifest), |info| info.preprocessing);
        let mut files: Vec<(PathBuf, File)> = Vec::new();
        let mut headers: HashMap<&str, (usize, Metadata, u64)> = HashMap::new();
        let mut places = Vec::with_capacity(manifest.rows.len());
        for row in &manifest.rows {
            if !headers.contains_key(row.shard.as_str()) {
                if Path::new(&row.shard).file_name() != Some(row.shard.as_ref()) {
                    let reason =
                        format!("clip {:?} lies in {:?}, which is no file of this folder", row.clip, row.shard);
                    return Err(Error::Shard { path: folder.join(MANIFEST_FILE), reason });
                }
                let path = folder.join(&row.shard);
                let (file, metadata, start) = open_shard(&path)?;
                headers.insert(&row.shard, (files.len(), metadata, start));
                files.push((path, file));
            }
            let (file, metadata, start) = &headers[row.shard.as_str()];
            let begin =
                checked_place(row, metadata).map_err(|reason| Error::Shard { path: files[*file].0.clone(), reason })?;
            places.push(Place { file: *file, offset: start + begin });
        }
        tracing::debug!(folder = %folder.display(), clips = places.len(), shards = files.len(), "data set opened");
        Ok(Self::new(folder.to_owned(), manifest, preprocessing, Frames::Shards { files, places }))
    }

    /// Makes a data set that lives in memory; `manifest.rows[i]` describes `clips[i]`.
    ///
    /// # Panics
    /// When the two lists differ in length.
    #[must_use]
    pub fn in_memory(manifest: Manifest, clips: Vec<Clip>) -> Self {
        assert_eq!(manifest.rows.len(), clips.len(), "one row a clip");
        Self::new(PathBuf::new(), manifest, Preprocessing::default(), Frames::Memory(clips))
    }

    fn new(folder: PathBuf, manifest: Manifest, preprocessing: Preprocessing, frames: Frames) -> Self {
        let classes = manifest.classes();
        let labels =
            manifest.rows.iter().map(|row| row.label.as_ref().and_then(|label| classes.binary_search(label).ok()));
        let labels = labels.collect();
        Self { folder, manifest, preprocessing, classes, labels, frames }
    }

    /// The folder it was opened from; empty for one in memory.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The table.
    #[must_use]
    pub const fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// Returns how the clips were prepared; frames of one in memory are as they were given.
    #[must_use]
    pub const fn preprocessing(&self) -> Preprocessing {
        self.preprocessing
    }

    /// The row of clip `clip`.
    ///
    /// # Panics
    /// When there is no such clip.
    #[must_use]
    pub fn row(&self, clip: usize) -> &ClipRow {
        &self.manifest.rows[clip]
    }

    /// Number of clips.
    #[must_use]
    pub const fn len(&self) -> usize {
        self.manifest.rows.len()
    }

    /// Whether there is no clip at all.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.manifest.rows.is_empty()
    }

    /// The classes, sorted by name; a label is an index into them.
    #[must_use]
    pub fn classes(&self) -> &[String] {
        &self.classes
    }

    /// The class of a clip, as an index into [`Self::classes`]; `None` where it is not labelled.
    #[must_use]
    pub fn label(&self, clip: usize) -> Option<usize> {
        self.labels.get(clip).copied().flatten()
    }

    /// Reads one frame.
    ///
    /// # Errors
    /// When there is no such frame or the shard cannot be read.
    pub fn read_frame(&self, clip: usize, frame: usize) -> Result<Frame, Error> {
        let row = self.manifest.rows.get(clip).filter(|row| frame < row.frames);
        let row = row.ok_or(Error::OutOfRange { clip, frame })?;
        let bytes = row.height * row.width * row.channels.count();
        let pixels = self.read(clip, frame * bytes, bytes)?;
        Ok(Frame { size: row.size(), channels: row.channels, pixels })
    }

    /// Reads all frames of a clip.
    ///
    /// # Errors
    /// When there is no such clip or the shard cannot be read.
    pub fn read_clip(&self, clip: usize) -> Result<Clip, Error> {
        let row = self.manifest.rows.get(clip).ok_or(Error::OutOfRange { clip, frame: 0 })?;
        let pixels = self.read(clip, 0, row.frames * row.height * row.width * row.channels.count())?;
        Ok(Clip { size: row.size(), channels: row.channels, pixels, fps: row.fps })
    }

    /// `length` bytes of a clip's tensor, from byte `begin` on.
    fn read(&self, clip: usize, begin: usize, length: usize) -> Result<Vec<u8>, Error> {
        match &self.frames {
            Frames::Memory(clips) => {
                let bytes = clips[clip].pixels.get(begin..begin + length);
                bytes.map(<[u8]>::to_vec).ok_or(Error::OutOfRange { clip, frame: 0 })
            }
            Frames::Shards { files, places } => {
                let Place { file, offset } = places[clip];
                let (path, file) = &files[file];
                let mut bytes = vec![0; length];
                read_exact_at(file, &mut bytes, offset + begin as u64)
                    .map_err(|source| Error::Read { path: path.clone(), source })?;
                Ok(bytes)
            }
        }
    }
}

/// Opens a shard and reads its header: the file, what it says, and where the data begin.
pub(crate) fn open_shard(path: &Path) -> Result<(File, Metadata, u64), Error> {
    let read = |source| Error::Read { path: path.to_owned(), source };
    let broken = |reason: String| Error::Shard { path: path.to_owned(), reason };
    // Opening a pipe would wait for whoever writes to it.
    let metadata = std::fs::metadata(path).map_err(read)?;
    if !metadata.is_file() {
        return Err(broken("no file".into()));
    }
    let (file, length) = (File::open(path).map_err(read)?, metadata.len());
    let mut first = [0; 8];
    read_exact_at(&file, &mut first, 0).map_err(|_| broken("cut short: no safetensors header".into()))?;
    let header = u64::from_le_bytes(first);
    if header > LONGEST_HEADER || header.checked_add(8).is_none_or(|end| end > length) {
        return Err(broken(format!("its header claims {header} bytes in a file of {length}")));
    }
    let mut bytes = vec![0; usize::try_from(header).map_err(|error| broken(error.to_string()))?];
    read_exact_at(&file, &mut bytes, 8).map_err(read)?;
    let metadata: Metadata =
        serde_json::from_slice(&bytes).map_err(|error| broken(format!("broken header: {error}")))?;
    let start = header + 8;
    let announced = start.saturating_add(metadata.data_len() as u64);
    if announced > length {
        return Err(broken(format!("cut short: its header announces {announced} bytes, it has {length}")));
    }
    Ok((file, metadata, start))
}

/// Where the tensor of `row` begins, if it is what the row says.
fn checked_place(row: &ClipRow, metadata: &Metadata) -> Result<u64, String> {
    let info = metadata.info(&row.clip).ok_or_else(|| format!("it has no clip {:?}", row.clip))?;
    let expected = [row.frames, row.height, row.width, row.channels.count()];
    if info.dtype != Dtype::U8 || info.shape != expected {
        return Err(format!(
            "clip {:?} is {:?} {:?}, the table says U8 {expected:?}",
            row.clip, info.dtype, info.shape
        ));
    }
    // Of nothing there could be any number of frames.
    if expected.contains(&0) {
        return Err(format!("clip {:?} is {:?}, without a pixel", row.clip, info.shape));
    }
    Ok(info.data_offsets.0 as u64)
}

#[cfg(unix)]
fn read_exact_at(file: &File, bytes: &mut [u8], offset: u64) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_exact_at(file: &File, mut bytes: &mut [u8], mut offset: u64) -> std::io::Result<()> {
    use std::os::windows::fs::FileExt as _;
    while !bytes.is_empty() {
        match file.seek_read(bytes, offset)? {
            0 => return Err(std::io::ErrorKind::UnexpectedEof.into()),
            read => {
                bytes = &mut bytes[read..];
                offset += read as u64;
            }
        }
    }
    Ok(())
}

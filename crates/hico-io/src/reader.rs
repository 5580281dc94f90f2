//! [`Reader`]: knows its files by their first bytes, opens them, and hands over their frames one after another.

use crate::clip_meta::ClipMeta;
use crate::error::Error;
use crate::ffmpeg::Ffmpeg;
use crate::limits::{Damaged, Limits};
use crate::sink::FrameSink;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

/// Says how files are read.
#[derive(Debug, Clone, Default)]
pub struct ReadOptions {
    /// The most that a clip may cost.
    pub limits: Limits,
    /// The part of a damaged clip that is kept.
    pub damaged: Damaged,
    /// Decodes videos, where it is installed.
    pub ffmpeg: Option<Ffmpeg>,
}

/// Says what a file is to the reader that knows it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A clip by itself.
    Clip,
    /// A single picture, with the name of its format, such as `PNG`. Pictures of a folder may be the frames of one clip.
    Still(&'static str),
    /// Perhaps a clip; only opening it tells.
    Perhaps,
}

/// Reads the files of one format. One of your own is one `impl`, added with [`Readers::with`].
///
/// Every call of [`decode`] goes through the guard: a reader that panics, or takes longer than its limits allow, costs
/// its file and nothing else.
///
/// [`Readers::with`]: crate::Readers::with
/// [`decode`]: crate::decode
pub trait Reader: Send + Sync {
    /// Names the reader, such as `dicom`; no two readers have one name.
    fn name(&self) -> &'static str;

    /// Tells by the first bytes of a file whether it is one for this reader, and what it then is.
    ///
    /// - `head`: the first bytes, at most 8192
    /// - `path`: where the file is; its suffix may decide between two formats that begin alike
    fn probe(&self, head: &[u8], path: &Path) -> Option<FileKind>;

    /// Opens the source of one clip.
    ///
    /// - `files`: one file, or for [`FileKind::Still`] all pictures of the clip in the order of its frames
    ///
    /// # Errors
    /// When a file cannot be read, or its header says that it has no frames within the limits.
    fn open(&self, files: &[PathBuf], options: &ReadOptions) -> Result<Box<dyn FrameSource>, Error>;

    /// Returns true where files of this reader may need [`ReadOptions::ffmpeg`].
    fn needs_ffmpeg(&self) -> bool {
        false
    }

    /// Returns true where files of this reader tell whose they are, in [`ClipMeta::patient`] and perhaps in their names.
    /// Whoever stores their frames then hides both; ids of a reader that returns false are dropped.
    fn names_patients(&self) -> bool {
        false
    }
}

/// Hands over the frames of one clip.
pub trait FrameSource: Send {
    /// Decodes frame after frame into `sink`, and returns what the file says beyond them.
    ///
    /// Each frame is first admitted by its size ([`FrameSink::admit`]), before memory is taken for it, and then pushed.
    ///
    /// - `stop`: turns true when nobody waits for the frames any more; the source then ends with [`Error::Interrupted`]
    ///
    /// # Errors
    /// When frames do not decode, or go beyond the limits.
    fn decode(&mut self, sink: &mut dyn FrameSink, stop: &AtomicBool) -> Result<ClipMeta, Error>;
}

/// Returns the one file of a clip that is not made of several.
///
/// # Errors
/// When there are several.
pub fn one_file(files: &[PathBuf]) -> Result<&Path, Error> {
    match files {
        [path] => Ok(path),
        _ => Err(Error::Read { said: format!("a clip of one file, and there are {}", files.len()) }),
    }
}

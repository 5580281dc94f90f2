//! From the bytes of files to frames: readers for DICOM, pictures, animations, videos and pickles of arrays.
//!
//! A [`Reader`] knows its files by their first bytes, never by their suffix alone, and opens them as a [`FrameSource`],
//! which hands frame after frame to a [`FrameSink`] and returns what the file says beyond them ([`ClipMeta`]). A file
//! is hostile until parsed: sizes are held against [`Limits`] before memory is taken, and every reader works behind the
//! [`guard`].
//!
//! ```
//! use hico_io::{Content, FrameBuffer, FrameSink as _, ReadOptions, Readers, decode};
//! use std::sync::atomic::AtomicBool;
//!
//! # let folder = tempfile::tempdir()?;
//! # let path = folder.path().join("frame.png");
//! # image::GrayImage::from_pixel(6, 4, image::Luma([80])).save(&path)?;
//! let readers = Readers::default(); // `.with(reader)` adds one of your own
//! let Content::Known(reader, _) = readers.probe(&path)? else { return Err("no file of frames".into()) };
//!
//! let options = ReadOptions::default();
//! let buffer = FrameBuffer::new(options.limits);
//! let (frames, meta) = decode(&reader, &[path], buffer, &options, &AtomicBool::new(false))?;
//! assert_eq!((frames.frames(), frames.pixels().len()), (1, 4 * 6 * 3));
//! assert_eq!((meta.codec.as_str(), meta.fps), ("pictures", None));
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```
//!
//! Videos need the programs `ffmpeg` and `ffprobe`: [`Ffmpeg::find`]. The feature `pickle`, on by default, adds `pickle`.
//!
//! The modules are listed in the order in which data flows; nothing uses what is listed below it.

pub mod words;
mod frame;
pub mod region;
mod dicom_fault;
#[cfg(feature = "pickle")]
mod pickle_fault;
mod error;
mod limits;
pub mod guard;
mod clip_meta;
mod sink;
mod ffmpeg;
mod reader;
mod tail;
mod alpha;
mod jpeg;
mod video;
pub mod dicom;
pub mod sniff;
mod still;
mod animation;
#[cfg(feature = "pickle")]
pub mod pickle;
mod readers;

pub use clip_meta::{BurnedIn, ClipMeta, HeaderFacts};
pub use error::Error;
pub use ffmpeg::{Ffmpeg, Programs};
pub use frame::{Channels, Frame, Size};
pub use guard::guard as guarded;
pub use limits::{Damaged, Limits, check_size};
pub use reader::{FileKind, FrameSource, ReadOptions, Reader, one_file};
pub use readers::{Content, READERS, ReaderHandle, Readers, decode, decode_source};
pub use sink::{FrameBuffer, FrameSink, GreySink};

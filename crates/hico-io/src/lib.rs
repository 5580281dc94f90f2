//! From the bytes of files to frames: readers for DICOM, pictures, animations, videos and pickles of arrays.
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

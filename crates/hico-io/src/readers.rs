//! All readers there are, which of them knows a file, and the guard around each.

use crate::animation::Animations;
use crate::clip_meta::ClipMeta;
use crate::dicom::Dicom;
use crate::error::Error;
use crate::guard;
use crate::reader::{FileKind, FrameSource, ReadOptions, Reader};
use crate::sink::FrameSink;
use crate::sniff::{self, Sniffed};
use crate::still::Pictures;
use crate::video::Videos;
use std::fmt;
use std::io;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

/// The built-in readers, in the order in which they are asked.
pub const READERS: [&dyn Reader; 4] = [&Dicom, &Animations, &Pictures, &Videos];

/// A built-in reader, or one of your own. Two are equal that have one name.
#[derive(Clone)]
pub enum ReaderHandle {
    /// One of [`READERS`].
    BuiltIn(&'static dyn Reader),
    /// One that was added.
    Own(Arc<dyn Reader>),
}

impl Deref for ReaderHandle {
    type Target = dyn Reader;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::BuiltIn(reader) => *reader,
            Self::Own(reader) => reader.as_ref(),
        }
    }
}

impl fmt::Debug for ReaderHandle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl PartialEq for ReaderHandle {
    fn eq(&self, other: &Self) -> bool {
        self.name() == other.name()
    }
}

/// The readers that files are given to: those of your own, then [`READERS`].
#[derive(Debug, Clone, Default)]
pub struct Readers {
    own: Vec<ReaderHandle>,
}

/// Says what a file is by its first bytes.
#[derive(Debug, Clone, PartialEq)]
pub enum Content {
    /// No bytes.
    Empty,
    /// Words.
    Text,
    /// A DICOMDIR, a list of other files.
    DicomDirectory,
    /// Something that a reader reads.
    Known(ReaderHandle, FileKind),
}

impl Readers {
    /// Returns [`READERS`] alone.
    #[must_use]
    pub const fn built_in() -> Self {
        Self { own: Vec::new() }
    }

    /// Adds a reader. It is asked before all that are there, so it may take files from a built-in one.
    #[must_use]
    pub fn with(mut self, reader: impl Reader + 'static) -> Self {
        self.own.insert(0, ReaderHandle::Own(Arc::new(reader)));
        self
    }

    /// Looks at the first bytes of a file: which reader knows it, or that it is nothing to read.
    ///
    /// # Errors
    /// When it is no regular file or cannot be read, and when a reader panics over its first bytes.
    pub fn probe(&self, path: &Path) -> io::Result<Content> {
        let head = sniff::head(path)?;
        guard::catch(|| self.of_head(&head, path)).map_err(io::Error::other)
    }

    fn of_head(&self, head: &[u8], path: &Path) -> Content {
        if head.is_empty() {
            return Content::Empty;
        }
        let own = self.own.iter().find_map(|reader| Some((reader.clone(), reader.probe(head, path)?)));
        if let Some((reader, kind)) = own {
            return Content::Known(reader, kind);
        }
        match sniff::of_bytes(head) {
            Sniffed::Empty => Content::Empty,
            Sniffed::Text => Content::Text,
            Sniffed::DicomDirectory => Content::DicomDirectory,
            Sniffed::Picture(_) | Sniffed::Animation(_) | Sniffed::Dicom | Sniffed::Other => {
                let known = READERS.iter().find_map(|reader| Some((*reader, reader.probe(head, path)?)));
                // Whether bytes that nobody knows are a video, ffmpeg has to say.
                let (reader, kind) = known.unwrap_or((&Videos, FileKind::Perhaps));
                Content::Known(ReaderHandle::BuiltIn(reader), kind)
            }
        }
    }

    /// Returns the reader of pictures, to which also goes what only its name calls a picture.
    #[must_use]
    pub fn pictures(&self) -> ReaderHandle {
        ReaderHandle::BuiltIn(&Pictures)
    }
}

/// Decodes the frames of one clip into a sink, under the guard that every reader goes through.
///
/// - `files`: as [`Reader::open`] gets them
/// - `halt`: turns true when the result is not wanted any more
///
/// # Errors
/// Those of the reader and of the sink; when the reader panics, takes longer than its limit, or is halted.
pub fn decode<S: FrameSink + 'static>(
    reader: &ReaderHandle,
    files: &[PathBuf],
    sink: S,
    options: &ReadOptions,
    halt: &AtomicBool,
) -> Result<(S, ClipMeta), Error> {
    let (reader, files, how) = (reader.clone(), files.to_vec(), options.clone());
    decode_source(move || reader.open(&files, &how), sink, options, halt)
}

/// Decodes the frames of a source that `open` opens; see [`decode`].
///
/// # Errors
/// Those of `open` and of [`decode`].
pub fn decode_source<S: FrameSink + 'static>(
    open: impl FnOnce() -> Result<Box<dyn FrameSource>, Error> + Send + 'static,
    mut sink: S,
    options: &ReadOptions,
    halt: &AtomicBool,
) -> Result<(S, ClipMeta), Error> {
    // The reader may be left behind in its thread, so all that it works on is its own.
    guard::run(options.limits.seconds, halt, move |stop| {
        let meta = open()?.decode(&mut sink, stop)?;
        Ok((sink, meta))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;
    use crate::sink::FrameBuffer;
    use std::collections::BTreeSet;

    /// Knows what begins with `OWN`, and panics where that is followed by `!`.
    struct OwnReader;

    impl Reader for OwnReader {
        fn name(&self) -> &'static str {
            "own"
        }

        fn probe(&self, head: &[u8], _: &Path) -> Option<FileKind> {
            assert!(head != b"OWN!!", "this panic is part of a test");
            head.starts_with(b"OWN").then_some(FileKind::Clip)
        }

        fn open(&self, files: &[PathBuf], _: &ReadOptions) -> Result<Box<dyn FrameSource>, Error> {
            let is_broken = std::fs::read(&files[0]).is_ok_and(|bytes| bytes.ends_with(b"!"));
            assert!(!is_broken, "this panic is part of a test");
            Err(Error::Own { said: "nothing in it".to_owned(), hint: "write something" })
        }
    }

    #[test]
    fn every_reader_has_a_name_of_its_own() {
        let names: BTreeSet<&str> = READERS.iter().map(|reader| reader.name()).collect();
        assert_eq!(names.len(), READERS.len());
    }

    #[test]
    fn the_first_bytes_say_who_reads_a_file() {
        let folder = tempfile::tempdir().unwrap();
        let known = |name: &str, bytes: &[u8]| {
            let path = folder.path().join(name);
            std::fs::write(&path, bytes).unwrap();
            match Readers::built_in().probe(&path).unwrap() {
                Content::Known(reader, kind) => (reader.name(), Some(kind)),
                Content::Empty => ("empty", None),
                Content::Text => ("text", None),
                Content::DicomDirectory => ("list", None),
            }
        };
        let dicom = [&[0; 128][..], b"DICM", &[0; 8]].concat();
        assert_eq!(known("a.png", &dicom), ("dicom", Some(FileKind::Clip)));
        assert_eq!(known("a.mp4", b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), ("pictures", Some(FileKind::Still("PNG"))));
        assert_eq!(known("a", b"GIF89a...."), ("animation", Some(FileKind::Clip)));
        assert_eq!(known("a.jpg", b"\xff\xd8\xff\xe0"), ("pictures", Some(FileKind::Still("JPEG"))));
        assert_eq!(known("a.MJPEG", b"\xff\xd8\xff\xe0"), ("animation", Some(FileKind::Clip)));
        assert_eq!(known("a.png", &[0; 200]), ("video", Some(FileKind::Perhaps)));
        assert_eq!(known("a.png", b"words"), ("text", None));
        assert_eq!(known("a.png", b""), ("empty", None));
    }

    #[test]
    fn a_reader_of_ones_own_is_asked_first_and_its_panic_costs_its_file_alone() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        let readers = Readers::default().with(OwnReader);
        let probe = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            readers.probe(&path)
        };
        assert!(probe(b"OWN!!").unwrap_err().to_string().contains("broke down"));
        assert_eq!(probe(b"words").unwrap(), Content::Text);
        let Content::Known(reader, FileKind::Clip) = probe(b"OWN").unwrap() else { panic!("it is its own") };
        let options = ReadOptions::default();
        let decoded = |bytes: &[u8]| {
            std::fs::write(&path, bytes).unwrap();
            let buffer = FrameBuffer::new(Limits::default());
            decode(&reader, std::slice::from_ref(&path), buffer, &options, &AtomicBool::new(false))
                .map(|_| ())
                .unwrap_err()
        };
        assert_eq!(
            (decoded(b"OWN").to_string().as_str(), decoded(b"OWN").hint()),
            ("nothing in it", "write something")
        );
        assert!(matches!(decoded(b"OWN..!"), Error::BrokeDown { .. }));
    }
}

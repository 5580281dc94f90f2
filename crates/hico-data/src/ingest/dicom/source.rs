//! The bytes of a DICOM file: the file itself, or what was in it where the data set is compressed as a whole.

use super::fault::Fault;
use super::start::{HEAD, Start};
use crate::ingest::refusal::Refusal;
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What the parser reads from.
pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// Where the bytes are. It can be opened again and again.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

impl Source {
    /// Looks at the beginning of a file, and inflates it where it is deflated.
    ///
    /// - `limit`: bytes of a stored clip; a deflated file may grow to a quarter of it, because it is held whole
    pub(super) fn find(path: &Path, limit: usize) -> Result<(Self, Start), Refusal> {
        let unreadable = |error: io::Error| Refusal::Read { said: error.to_string() };
        let mut head = Vec::new();
        let mut file = File::open(path).map_err(unreadable)?;
        file.by_ref().take(HEAD).read_to_end(&mut head).map_err(unreadable)?;
        let start = Start::find(&head)?;
        if !start.syntax.deflated {
            return Ok((Self::File(path.to_owned()), start));
        }
        file.seek(SeekFrom::Start(start.offset as u64)).map_err(unreadable)?;
        let (mut bytes, limit) = (Vec::new(), limit / 4);
        let inflated = DeflateDecoder::new(file).take(limit as u64 + 1).read_to_end(&mut bytes);
        if bytes.len() > limit {
            return Err(Refusal::TooManyBytes { limit });
        }
        // What was inflated before a fault is judged like a file that is cut short.
        match inflated {
            Err(error) if bytes.is_empty() => return Err(Fault::Header { said: error.to_string() }.into()),
            _ => {}
        }
        Ok((Self::Memory(bytes.into()), Start { offset: 0, ..start }))
    }

    pub(super) fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(match self {
            Self::File(path) => Box::new(BufReader::with_capacity(1 << 16, File::open(path)?)),
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }
}

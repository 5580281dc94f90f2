//! The bytes of a DICOM file: the file itself, or what was in it where the data set is compressed as a whole.

use super::start::{HEAD, Start};
use super::syntax::Syntax;
use crate::dicom_fault::Fault;
use crate::error::Error;
use flate2::read::DeflateDecoder;
use std::fs::File;
use std::io::{self, BufReader, Cursor, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Says what the parser reads from.
pub(super) trait ReadSeek: Read + Seek {}
impl<T: Read + Seek> ReadSeek for T {}

/// A file that knows its place. To seek in a buffered file throws away what was read ahead, and 64 kB would be read anew
/// for every element of a few bytes; from a known place the way is short, and the buffer stays.
struct Placed {
    file: BufReader<File>,
    at: u64,
}

impl Read for Placed {
    fn read(&mut self, bytes: &mut [u8]) -> io::Result<usize> {
        let count = self.file.read(bytes)?;
        self.at += count as u64;
        Ok(count)
    }
}

impl Seek for Placed {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let way = match to {
            SeekFrom::Start(to) => i64::try_from(i128::from(to) - i128::from(self.at)).ok(),
            _ => None,
        };
        match (to, way) {
            (SeekFrom::Start(to), Some(way)) => {
                self.file.seek_relative(way)?;
                self.at = to;
            }
            _ => self.at = self.file.seek(to)?,
        }
        Ok(self.at)
    }
}

/// Says where the bytes are. It can be opened again and again.
#[derive(Debug, Clone)]
pub(super) enum Source {
    File(PathBuf),
    Memory(Arc<[u8]>),
}

impl Source {
    /// Looks at the beginning of a file, and inflates it where it is deflated.
    ///
    /// - `limit`: bytes of a stored clip; a deflated file may grow to a quarter of it, because it is held whole
    pub(super) fn find(path: &Path, limit: usize) -> Result<(Self, Start), Error> {
        let unreadable = |error: io::Error| Error::Read { said: error.to_string() };
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
            return Err(Error::TooManyBytes { limit });
        }
        // What was inflated before a fault is judged like a file that is cut short.
        match inflated {
            Err(error) if bytes.is_empty() => return Err(Fault::Header { said: error.to_string() }.into()),
            _ => {}
        }
        let syntax = start.syntax.by_evidence(&bytes[..bytes.len().min(HEAD as usize)]);
        let said = (syntax.writing != start.syntax.writing).then(|| start.syntax.writing.name());
        let syntax = Syntax { deflated: true, ..syntax };
        Ok((Self::Memory(bytes.into()), Start { offset: 0, syntax, said }))
    }

    pub(super) fn open(&self) -> io::Result<Box<dyn ReadSeek>> {
        Ok(match self {
            Self::File(path) => Box::new(Placed { file: BufReader::with_capacity(1 << 16, File::open(path)?), at: 0 }),
            Self::Memory(bytes) => Box::new(Cursor::new(Arc::clone(bytes))),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_way_through_a_file_reads_what_is_there() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        let bytes: Vec<u8> = (0..200_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        std::fs::write(&path, &bytes).unwrap();
        let mut source = Source::File(path).open().unwrap();
        let mut places =
            vec![(0, 10), (10, 0), (4, 8), (150_000, 100), (149_990, 70_000), (0, 1), (199_999, 5), (300_000, 3)];
        places.extend((0..2000).map(|step| (step * 97 % 1_000, 1 + step % 7)));
        for (at, length) in places {
            let end = source.seek(SeekFrom::End(0)).unwrap();
            assert_eq!((end, source.seek(SeekFrom::Start(at)).unwrap()), (200_000, at));
            let mut found = Vec::new();
            source.by_ref().take(length).read_to_end(&mut found).unwrap();
            let expected = bytes.get(at as usize..).unwrap_or_default();
            assert_eq!(found, expected[..expected.len().min(length as usize)], "{at} {length}");
            assert_eq!(source.stream_position().unwrap(), at + found.len() as u64);
            assert_eq!(source.seek(SeekFrom::Current(-(found.len() as i64))).unwrap(), at);
        }
        assert!(source.seek(SeekFrom::Current(-1_000_000)).is_err());
    }
}

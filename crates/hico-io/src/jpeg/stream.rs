//! Finds where one JPEG ends: its markers are followed one by one, so that neither the end of a thumbnail within it nor
//! bytes behind it are taken for its own end. A row of JPEGs, as raw MJPEG is, is taken apart in the same way.

use crate::tail;
use std::io::{self, BufRead, Read as _};

const START: u8 = 0xd8;
const END: u8 = 0xd9;

/// One JPEG of a stream.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Jpeg {
    /// From its start marker to its end marker, or as far as it goes.
    pub(crate) bytes: Vec<u8>,
    /// True where its end marker is there; a decoder would fill what is missing with grey and say nothing.
    pub(crate) is_whole: bool,
}

/// Takes JPEGs from a stream, one after another.
pub(crate) struct JpegStream<R> {
    reader: R,
    /// Bytes that one JPEG may have.
    longest: usize,
    /// True where the start marker of the next one was read already.
    is_begun: bool,
    /// Bytes between JPEGs that are neither padding nor words, such as a part of one.
    pub(crate) strange: u64,
}

impl<R: BufRead> JpegStream<R> {
    /// - `longest`: bytes that one JPEG may have
    pub(crate) const fn new(reader: R, longest: usize) -> Self {
        Self { reader, longest, is_begun: false, strange: 0 }
    }

    /// Reads the next one; `None` where no start marker follows.
    pub(crate) fn next(&mut self) -> io::Result<Option<Jpeg>> {
        if !std::mem::take(&mut self.is_begun) && !self.find_start()? {
            return Ok(None);
        }
        let mut bytes = vec![0xff, START];
        let is_whole = self.follow(&mut bytes)?;
        Ok(Some(Jpeg { bytes, is_whole }))
    }

    /// Tells whether more than padding follows.
    pub(crate) fn is_followed(&mut self) -> io::Result<bool> {
        tail::is_followed(&mut self.reader)
    }

    /// Passes over what stands before a start marker.
    fn find_start(&mut self) -> io::Result<bool> {
        let mut last = 0;
        while let Some(byte) = self.byte()? {
            if last == 0xff && byte == START {
                self.strange -= 1;
                return Ok(true);
            }
            self.strange += u64::from(!matches!(byte, 0 | b'\t' | b'\r' | b'\n' | b' '..=b'~'));
            last = byte;
        }
        Ok(false)
    }

    /// Follows the markers; whether the end marker was reached.
    fn follow(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        while let Some(marker) = self.marker(bytes)? {
            bytes.push(marker);
            match marker {
                END => return Ok(true),
                // It has no end of its own where the next one begins.
                START => {
                    bytes.truncate(bytes.len() - 2);
                    self.is_begun = true;
                    return Ok(false);
                }
                // A byte of compressed data, a restart, and a marker without content.
                0 | 1 | 0xd0..=0xd7 => {}
                _ if !self.segment(bytes)? => return Ok(false),
                _ => {}
            }
        }
        Ok(false)
    }

    /// Reads up to the letter of the next marker, which may have been filled up with more bytes of 255.
    fn marker(&mut self, bytes: &mut Vec<u8>) -> io::Result<Option<u8>> {
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Ok(None);
            }
            let end = buffer.iter().position(|byte| *byte == 0xff);
            let passed = end.map_or(buffer.len(), |at| at + 1);
            bytes.extend_from_slice(&buffer[..passed]);
            self.reader.consume(passed);
            self.has_room(bytes)?;
            if end.is_some() {
                break;
            }
        }
        while let Some(byte) = self.byte()? {
            if byte != 0xff {
                return Ok(Some(byte));
            }
        }
        Ok(None)
    }

    /// Reads a segment whole, whatever markers stand in it; whether it is all there.
    fn segment(&mut self, bytes: &mut Vec<u8>) -> io::Result<bool> {
        let (Some(high), Some(low)) = (self.byte()?, self.byte()?) else { return Ok(false) };
        bytes.extend([high, low]);
        let length = u64::from(u16::from_be_bytes([high, low])).saturating_sub(2);
        let read = self.reader.by_ref().take(length).read_to_end(bytes)?;
        self.has_room(bytes)?;
        Ok(read as u64 == length)
    }

    fn has_room(&self, bytes: &[u8]) -> io::Result<()> {
        let room = || io::Error::other(format!("a JPEG of more than {} bytes", self.longest));
        if bytes.len() > self.longest { Err(room()) } else { Ok(()) }
    }

    fn byte(&mut self) -> io::Result<Option<u8>> {
        let mut byte = [0];
        Ok((self.reader.read(&mut byte)? == 1).then_some(byte[0]))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A start marker, a segment that holds an end marker, a scan with a restart and a stuffed byte, an end marker.
    const JPEG: &[u8] =
        b"\xff\xd8\xff\xe1\x00\x08\xff\xd8ab\xff\xd9\xff\xff\xda\x00\x02\x12\xff\x00\x34\xff\xd0\x56\xff\xd9";

    fn all(bytes: &[u8]) -> (Vec<Jpeg>, u64) {
        let mut stream = JpegStream::new(io::BufReader::with_capacity(3, bytes), 1000);
        let mut found = Vec::new();
        while let Some(jpeg) = stream.next().unwrap() {
            found.push(jpeg);
        }
        (found, stream.strange)
    }

    fn plain() -> Vec<u8> {
        // A filled-up marker is written with one byte of 255.
        [&JPEG[..12], &JPEG[13..]].concat()
    }

    #[test]
    fn a_jpeg_ends_at_its_own_end_marker() {
        let whole = Jpeg { bytes: plain(), is_whole: true };
        assert_eq!(all(JPEG), (vec![whole], 0));
        // The end marker of the thumbnail is not that of a file that is cut behind it.
        for length in 3..JPEG.len() {
            assert!(!all(&JPEG[..length]).0[0].is_whole, "{length}");
        }
    }

    #[test]
    fn a_row_of_jpegs_is_taken_apart_and_what_stands_between_is_counted() {
        let row = [JPEG, b"\0\0\r\n", JPEG, b"words\x80\x81", &JPEG[..JPEG.len() - 2], JPEG, b"\xff"].concat();
        let (found, strange) = all(&row);
        assert_eq!(found.iter().map(|jpeg| jpeg.is_whole).collect::<Vec<_>>(), [true, true, false, true]);
        assert_eq!((found[1].bytes.clone(), found[3].bytes.clone(), strange), (plain(), plain(), 3));
        assert_eq!(all(b"no picture"), (vec![], 0));
    }

    #[test]
    fn one_that_does_not_end_is_not_read_for_ever() {
        let endless = [&b"\xff\xd8\xff\xda\x00\x02"[..], &[7; 5000]].concat();
        let error = JpegStream::new(&endless[..], 1000).next().unwrap_err();
        assert_eq!(error.to_string(), "a JPEG of more than 1000 bytes");
    }
}

//! The bytes of a pickle, one after the other; no length in it is believed before the file is that long.

use crate::pickle_fault::PickleFault;
use std::io::{BufRead, Seek};

/// Reads forward and knows where it is.
pub(super) struct Source<R> {
    reader: R,
    at: u64,
    length: u64,
}

impl<R: BufRead + Seek> Source<R> {
    /// - `length`: bytes of the whole file
    pub(super) const fn new(reader: R, length: u64) -> Self {
        Self { reader, at: 0, length }
    }

    /// Bytes passed.
    pub(super) const fn at(&self) -> u64 {
        self.at
    }

    /// Bytes to come.
    pub(super) const fn left(&self) -> u64 {
        self.length.saturating_sub(self.at)
    }

    /// The next bytes.
    pub(super) fn take<const N: usize>(&mut self) -> Result<[u8; N], PickleFault> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    /// As many bytes as there is room for.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), PickleFault> {
        self.has(bytes.len() as u64)?;
        self.reader.read_exact(bytes)?;
        self.at += bytes.len() as u64;
        Ok(())
    }

    /// Passes over bytes without reading them.
    pub(super) fn skip(&mut self, count: u64) -> Result<(), PickleFault> {
        self.has(count)?;
        self.reader.seek_relative(i64::try_from(count).map_err(|_| PickleFault::CutShort { at: self.at })?)?;
        self.at += count;
        Ok(())
    }

    /// The rest of a line without its end, which is passed over too: the bytes if they are at most `longest`, and how
    /// many there were.
    pub(super) fn line(&mut self, longest: usize) -> Result<(Option<Vec<u8>>, u64), PickleFault> {
        let begin = self.at;
        let mut kept = Some(Vec::new());
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Err(PickleFault::CutShort { at: begin });
            }
            let end = buffer.iter().position(|byte| *byte == b'\n');
            let part = &buffer[..end.unwrap_or(buffer.len())];
            match &mut kept {
                Some(bytes) if bytes.len() + part.len() <= longest => bytes.extend_from_slice(part),
                _ => kept = None,
            }
            let passed = part.len() + usize::from(end.is_some());
            self.reader.consume(passed);
            self.at += passed as u64;
            if end.is_some() {
                return Ok((kept, self.at - begin - 1));
            }
        }
    }

    fn has(&self, count: u64) -> Result<(), PickleFault> {
        if count > self.left() { Err(PickleFault::CutShort { at: self.at }) } else { Ok(()) }
    }
}

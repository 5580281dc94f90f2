//! Bytes within a pickle: short ones are held, long ones stay in the file until a picture is decoded.

use crate::pickle_fault::PickleFault;
use std::io::BufRead;
use std::sync::Arc;

/// Says how bytes are written down. Python 3 writes those of an array as text in protocols 0 to 2, and Python 2 in
/// protocol 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Encoding {
    /// As they are.
    Raw,
    /// Each as a letter of UTF-8, of one or two bytes.
    Utf8,
    /// Each as a letter of Latin-1, some as `\u0000`.
    RawUnicode,
    /// As Python 2 shows a string within quotes, some as `\x00`.
    Quoted,
}

/// A stretch of the file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Extent {
    /// The place where it begins, bytes.
    pub(super) at: u64,
    /// Bytes of the file that it takes.
    pub(super) stored: u64,
    pub(super) encoding: Encoding,
}

/// Bytes, wherever they are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Data {
    /// Decoded already.
    Held(Arc<[u8]>),
    InFile(Extent),
}

/// Turns a stretch of the file into the bytes it stands for.
pub(super) struct Decoder<R> {
    reader: R,
    extent: Extent,
    /// Bytes of the file that are passed.
    passed: u64,
}

impl<R: BufRead> Decoder<R> {
    /// - `reader`: stands where the stretch begins
    pub(super) const fn new(reader: R, extent: Extent) -> Self {
        Self { reader, extent, passed: 0 }
    }

    /// Finds where in the file the next byte is.
    pub(super) const fn place(&self) -> u64 {
        self.extent.at + self.passed
    }

    /// Tells whether all of it was decoded.
    pub(super) const fn is_at_end(&self) -> bool {
        self.passed >= self.extent.stored
    }

    /// As many decoded bytes as there is room for.
    pub(super) fn fill(&mut self, bytes: &mut [u8]) -> Result<(), PickleFault> {
        if self.extent.encoding == Encoding::Raw {
            let count = bytes.len() as u64;
            if count > self.extent.stored - self.passed {
                return Err(PickleFault::CutShort { at: self.place() });
            }
            self.reader.read_exact(bytes)?;
            self.passed += count;
            return Ok(());
        }
        for byte in bytes {
            *byte = self.letter()?;
        }
        Ok(())
    }

    fn letter(&mut self) -> Result<u8, PickleFault> {
        let broken = |at| PickleFault::Broken { at, said: "text that stands for no bytes" };
        let begin = self.place();
        let first = self.raw()?;
        match self.extent.encoding {
            Encoding::Raw => Ok(first),
            Encoding::Utf8 => match first {
                0..=0x7f => Ok(first),
                // The letters 0x80 to 0xff, and no other ones of two bytes.
                0xc2 | 0xc3 => {
                    let second = self.raw()?;
                    let is_second = second & 0xc0 == 0x80;
                    if is_second { Ok((first & 0x03) << 6 | second & 0x3f) } else { Err(broken(begin)) }
                }
                _ => Err(broken(begin)),
            },
            Encoding::RawUnicode if first == b'\\' => {
                let mut digits = [0; 5];
                for digit in &mut digits {
                    *digit = self.raw()?;
                }
                let [b'u', b'0', b'0', high, low] = digits else { return Err(broken(begin)) };
                hexadecimal(high, low).ok_or_else(|| broken(begin))
            }
            Encoding::Quoted if first == b'\\' => match self.raw()? {
                b'x' => {
                    let (high, low) = (self.raw()?, self.raw()?);
                    hexadecimal(high, low).ok_or_else(|| broken(begin))
                }
                b'n' => Ok(b'\n'),
                b'r' => Ok(b'\r'),
                b't' => Ok(b'\t'),
                plain @ (b'\\' | b'\'' | b'"') => Ok(plain),
                _ => Err(broken(begin)),
            },
            Encoding::RawUnicode | Encoding::Quoted => Ok(first),
        }
    }

    fn raw(&mut self) -> Result<u8, PickleFault> {
        if self.is_at_end() {
            return Err(PickleFault::CutShort { at: self.place() });
        }
        let mut byte = [0];
        self.reader.read_exact(&mut byte)?;
        self.passed += 1;
        Ok(byte[0])
    }
}

fn hexadecimal(high: u8, low: u8) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? << 4 | digit(low)?)
}

/// All bytes that a short piece of the file stands for.
pub(super) fn decode(bytes: &[u8], encoding: Encoding, at: u64) -> Result<Vec<u8>, PickleFault> {
    let mut decoder = Decoder::new(bytes, Extent { at, stored: bytes.len() as u64, encoding });
    let mut decoded = Vec::with_capacity(bytes.len());
    while !decoder.is_at_end() {
        let mut byte = [0];
        decoder.fill(&mut byte)?;
        decoded.push(byte[0]);
    }
    Ok(decoded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_survives_every_way_of_writing_it() {
        let all: Vec<u8> = (0..=255).collect();
        let utf8: String = all.iter().map(|byte| char::from(*byte)).collect();
        let escaped = |byte: u8| match byte {
            0 | b'\n' | b'\r' | 0x1a | b'\\' => format!("\\u{byte:04x}").into_bytes(),
            _ => vec![byte],
        };
        let raw_unicode: Vec<u8> = all.iter().flat_map(|byte| escaped(*byte)).collect();
        let quoted: Vec<u8> = all
            .iter()
            .flat_map(|byte| match byte {
                b'\n' => b"\\n".to_vec(),
                b'\\' => b"\\\\".to_vec(),
                b'\'' => b"\\'".to_vec(),
                0x20..0x7f => vec![*byte],
                _ => format!("\\x{byte:02x}").into_bytes(),
            })
            .collect();
        for (text, encoding) in [
            (all.clone(), Encoding::Raw),
            (utf8.into_bytes(), Encoding::Utf8),
            (raw_unicode, Encoding::RawUnicode),
            (quoted, Encoding::Quoted),
        ] {
            assert_eq!(decode(&text, encoding, 0).unwrap(), all, "{encoding:?}");
        }
    }

    #[test]
    fn what_stands_for_no_bytes_is_refused() {
        for (text, encoding) in [
            ("\u{100}".as_bytes(), Encoding::Utf8),
            (&b"\xc2"[..], Encoding::Utf8),
            (b"\xc2A", Encoding::Utf8),
            (b"\\u0100", Encoding::RawUnicode),
            (b"\\u00", Encoding::RawUnicode),
            (b"\\q", Encoding::Quoted),
            (b"\\", Encoding::Quoted),
        ] {
            assert!(decode(text, encoding, 0).is_err(), "{text:?}");
        }
    }
}

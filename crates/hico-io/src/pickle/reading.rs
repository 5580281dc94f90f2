//! Bytes of arrays, read from the file where they are; never more at a time than was asked for.

use super::array::Array;
use super::data::{Data, Decoder, Encoding, Extent};
use crate::pickle_fault::PickleFault;
use std::fs::File;
use std::io::{BufReader, Seek as _, SeekFrom};
use std::path::Path;

/// Most bytes of an array of labels.
pub(super) const LABELS: usize = 16 << 20;
/// Most bytes of a picture.
pub(super) const PICTURE: usize = 1 << 30;

/// An open pickle.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading<'a> {
    pub(super) path: &'a Path,
}

impl Reading<'_> {
    /// A decoder at the beginning of a stretch.
    pub(super) fn decoder(&self, extent: Extent) -> Result<Decoder<BufReader<File>>, PickleFault> {
        let mut file = BufReader::with_capacity(1 << 17, File::open(self.path)?);
        file.seek(SeekFrom::Start(extent.at))?;
        Ok(Decoder::new(file, extent))
    }

    /// All bytes of an array, if they are at most `most`.
    pub(super) fn elements(&self, array: &Array, most: usize) -> Result<Vec<u8>, PickleFault> {
        let count = array.shape.iter().try_fold(array.dtype.size, |bytes, axis| bytes.checked_mul(*axis));
        let count = count.filter(|count| *count <= most);
        let count = count.ok_or_else(|| PickleFault::Array {
            said: format!("of shape {:?}, more than {most} bytes", array.shape),
        })?;
        match &array.data {
            Data::Held(bytes) => Ok(bytes.to_vec()),
            Data::InFile(extent) => {
                // Array::new has seen that the file is long enough for this.
                let mut bytes = vec![0; count];
                self.decoder(*extent)?.fill(&mut bytes)?;
                Ok(bytes)
            }
        }
    }

    /// The array cut along its first axis: the bytes of each piece, wherever they are.
    pub(super) fn pieces(&self, array: &Array) -> Result<Vec<Data>, PickleFault> {
        let size = array.shape[1..].iter().product::<usize>() * array.dtype.size;
        let wrong = || PickleFault::Array { said: format!("of shape {:?} with another number of bytes", array.shape) };
        match &array.data {
            Data::Held(bytes) if size > 0 => Ok(bytes.chunks(size).map(|piece| Data::Held(piece.into())).collect()),
            Data::InFile(extent) if size > 0 => {
                let mut ends = Vec::with_capacity(array.len().min(1 << 20));
                if extent.encoding == Encoding::Raw {
                    ends.extend((1..=array.len() as u64).map(|piece| extent.at + piece * size as u64));
                } else {
                    // How long a letter is shows only when it is read.
                    let mut decoder = self.decoder(*extent)?;
                    let mut buffer = vec![0; size.min(1 << 16)];
                    for _ in 0..array.len() {
                        let mut left = size;
                        while left > 0 {
                            let part = left.min(buffer.len());
                            decoder.fill(&mut buffer[..part])?;
                            left -= part;
                        }
                        ends.push(decoder.place());
                    }
                    if !decoder.is_at_end() {
                        return Err(wrong());
                    }
                }
                let begins = std::iter::once(extent.at).chain(ends.iter().copied());
                let piece = |(at, end): (u64, &u64)| Data::InFile(Extent { at, stored: end - at, ..*extent });
                Ok(begins.zip(&ends).map(piece).collect())
            }
            _ => Err(PickleFault::Array { said: format!("of shape {:?}, without pictures", array.shape) }),
        }
    }
}

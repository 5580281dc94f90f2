//! Tells what the first directory of a TIFF says that its decoder does not: whether there are more pages, and what
//! alpha did to the colours (TIFF 6.0, sections 2 and 18; BigTIFF has wider numbers).

use std::io::{self, BufRead, ErrorKind, Seek, SeekFrom};

/// ExtraSamples.
const EXTRA_SAMPLES: u64 = 338;

/// Its value where colours are multiplied by alpha already.
const ASSOCIATED: u64 = 1;

/// Facts of the first page.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TiffTags {
    /// True where the directory names another one.
    pub(crate) has_more_pages: bool,
    /// True where colours are multiplied by alpha already.
    pub(crate) is_premultiplied: bool,
}

/// Reads the first directory; whether the file is whole, its decoder will say.
pub(crate) fn read(mut file: impl BufRead + Seek) -> io::Result<TiffTags> {
    match directory(&mut file) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(TiffTags::default()),
        tags => tags,
    }
}

fn directory(file: &mut (impl BufRead + Seek)) -> io::Result<TiffTags> {
    let mut head = [0; 4];
    file.read_exact(&mut head)?;
    let numbers = Numbers { little: head.starts_with(b"II"), is_big: head[2..].contains(&43) };
    let [wide, count] = if numbers.is_big { [8, 8] } else { [4, 2] };
    if numbers.is_big {
        // The width of its numbers, and nothing.
        numbers.read(file, 4)?;
    }
    let at = numbers.read(file, wide)?;
    file.seek(SeekFrom::Start(at))?;
    let entries = numbers.read(file, count)?;
    let mut is_premultiplied = false;
    // Entries stand in the order of their tags.
    for _ in 0..entries.min(1 << 16) {
        let tag = numbers.read(file, 2)?;
        let [_, values] = [numbers.read(file, 2)?, numbers.read(file, wide)?];
        // Words stand in the entry where there is room for all; alpha is the first of them.
        let [first, _] = [numbers.read(file, 2)?, numbers.read(file, wide - 2)?];
        is_premultiplied |= tag == EXTRA_SAMPLES && 2 * values <= wide as u64 && first == ASSOCIATED;
    }
    // A file that ends here has no further page.
    let next = match numbers.read(file, wide) {
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => 0,
        next => next?,
    };
    Ok(TiffTags { has_more_pages: next != 0, is_premultiplied })
}

/// Says how numbers stand in the file.
#[derive(Clone, Copy)]
struct Numbers {
    little: bool,
    is_big: bool,
}

impl Numbers {
    /// Reads a number of up to eight bytes.
    fn read(self, file: &mut impl BufRead, bytes: usize) -> io::Result<u64> {
        let mut number = [0; 8];
        file.read_exact(&mut number[..bytes])?;
        if !self.little {
            number[..bytes].reverse();
        }
        Ok(u64::from_le_bytes(number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Cursor;

    /// A directory of one entry, in either order of bytes, of numbers of either width.
    fn tiff(little: bool, is_big: bool, tag: u16, values: u32, first: u16, next: u32) -> Vec<u8> {
        let mut out = if little { b"II".to_vec() } else { b"MM".to_vec() };
        let mut number = |value: u64, bytes: usize| {
            let all = value.to_le_bytes();
            let part: Vec<u8> = all[..bytes].to_vec();
            out.extend(if little { part } else { part.into_iter().rev().collect() });
        };
        let (wide, count) = if is_big { (8, 8) } else { (4, 2) };
        number(if is_big { 43 } else { 42 }, 2);
        if is_big {
            number(8, 2);
            number(0, 2);
        }
        number(if is_big { 16 } else { 8 }, wide);
        number(1, count);
        number(u64::from(tag), 2);
        number(3, 2);
        number(u64::from(values), wide);
        number(u64::from(first), 2);
        number(0, wide - 2);
        number(u64::from(next), wide);
        out
    }

    #[test]
    fn pages_and_alpha_are_read_in_every_order_and_width() {
        for (little, is_big) in [(true, false), (false, false), (true, true), (false, true)] {
            let of = |tag, first, next| read(Cursor::new(tiff(little, is_big, tag, 1, first, next))).unwrap();
            assert_eq!(of(338, 1, 0), TiffTags { has_more_pages: false, is_premultiplied: true });
            assert_eq!(of(338, 2, 99), TiffTags { has_more_pages: true, is_premultiplied: false });
            assert_eq!(of(258, 1, 0), TiffTags::default());
            let whole = tiff(little, is_big, 338, 1, 1, 0);
            for length in 0..whole.len() {
                read(Cursor::new(&whole[..length])).unwrap();
            }
        }
    }
}

//! The end of a GIF: its blocks are followed one by one, so that neither a byte within them
//! nor bytes behind it are taken for its trailer.

use crate::tail;
use std::io::{self, BufRead, ErrorKind};

/// Says how a GIF ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum GifEnd {
    Missing,
    /// Its trailer is its last byte, but for padding.
    Last,
    /// More than padding stands behind its trailer.
    Followed,
}

/// Follows the blocks of a GIF to its trailer.
pub(crate) fn find(mut gif: impl BufRead) -> io::Result<GifEnd> {
    match follow(&mut gif) {
        Ok(true) if tail::is_followed(&mut gif)? => Ok(GifEnd::Followed),
        Ok(true) => Ok(GifEnd::Last),
        Ok(false) => Ok(GifEnd::Missing),
        Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(GifEnd::Missing),
        Err(error) => Err(error),
    }
}

fn follow(gif: &mut impl BufRead) -> io::Result<bool> {
    // Signature and size; then flags, the number of the background, and the aspect.
    skip(gif, 10)?;
    let flags = byte(gif)?;
    skip(gif, 2)?;
    colours(gif, flags)?;
    loop {
        match byte(gif)? {
            0x3b => return Ok(true),
            // An extension: its label, then its blocks.
            0x21 => skip(gif, 1)?,
            // A picture: place and size, its colours, the size of its codes, then its blocks.
            0x2c => {
                skip(gif, 8)?;
                let flags = byte(gif)?;
                colours(gif, flags)?;
                skip(gif, 1)?;
            }
            // Some programs pad between blocks.
            0 => continue,
            _ => return Ok(false),
        }
        loop {
            match byte(gif)? {
                0 => break,
                length => skip(gif, u64::from(length))?,
            }
        }
    }
}

/// Passes over a table of colours, if the flags say that there is one.
fn colours(gif: &mut impl BufRead, flags: u8) -> io::Result<()> {
    if flags & 0x80 == 0 { Ok(()) } else { skip(gif, 3 << ((flags & 7) + 1)) }
}

fn byte(gif: &mut impl BufRead) -> io::Result<u8> {
    let mut byte = [0];
    gif.read_exact(&mut byte).map(|()| byte[0])
}

fn skip(gif: &mut impl BufRead, count: u64) -> io::Result<()> {
    let skipped = io::copy(&mut io::Read::take(gif, count), &mut io::sink())?;
    if skipped == count { Ok(()) } else { Err(ErrorKind::UnexpectedEof.into()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_trailer_is_found_whatever_follows_and_no_byte_of_a_block_is_taken_for_it() {
        let head = b"GIF89a\x02\0\x02\0\x80\0\0abcdef";
        let picture = b"\x21\xf9\x04\0\0\0\0\0\x2c\0\0\0\0\x02\0\x02\0\0\x02\x02\x3b\x3b\0";
        let gif = [&head[..], picture, picture, b"\x3b"].concat();
        let with = |tail: &[u8]| find(&[&gif, tail].concat()[..]).unwrap();
        assert_eq!([with(b""), with(b"\0\0\r\n"), with(b"\x3b")], [GifEnd::Last; 3]);
        assert_eq!(with(&[7; 100_000]), GifEnd::Followed);
        for length in 0..gif.len() {
            assert_eq!(find(&gif[..length]).unwrap(), GifEnd::Missing, "{length}");
        }
        assert_eq!(find(&[&gif[..gif.len() - 1], b"\x77\x3b"].concat()[..]).unwrap(), GifEnd::Missing);
    }
}

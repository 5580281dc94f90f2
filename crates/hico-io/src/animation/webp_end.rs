//! An animated WebP that was cut short → one that ends after its last whole frame.

use std::io::{self, BufRead, Read as _};

/// Flags of the header: frames, and the chunks that may stand behind them, EXIF and XMP.
const BEHIND: u8 = 0x08 | 0x04;

/// The chunks that are all there, as a file of their own; `None` where nothing is missing.
///
/// - `longest`: bytes that are read, at most
pub(crate) fn whole_frames(mut webp: impl BufRead, longest: usize) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = vec![0; 12];
    webp.read_exact(&mut bytes)?;
    let announced = u64::from(u32_of(&bytes[4..]).unwrap_or_default());
    let mut at = 12;
    while at < announced + 8 {
        let mut head = [0; 8];
        match webp.read_exact(&mut head) {
            Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(Some(ended(bytes))),
            read => read?,
        }
        let length = u64::from(u32_of(&head[4..]).unwrap_or_default());
        if bytes.len() as u64 + length > longest as u64 {
            return Err(io::Error::other(format!("a WebP of more than {longest} bytes")));
        }
        let begin = bytes.len();
        bytes.extend(head);
        let read = webp.by_ref().take(length + length % 2).read_to_end(&mut bytes)? as u64;
        if read < length {
            bytes.truncate(begin);
            return Ok(Some(ended(bytes)));
        }
        at += 8 + length + length % 2;
    }
    Ok(None)
}

/// Says in the header what is there.
fn ended(mut bytes: Vec<u8>) -> Vec<u8> {
    let length = u32::try_from(bytes.len() - 8).unwrap_or(u32::MAX);
    bytes[4..8].copy_from_slice(&length.to_le_bytes());
    if bytes.get(12..16) == Some(b"VP8X")
        && let Some(flags) = bytes.get_mut(20)
    {
        *flags &= !BEHIND;
    }
    bytes
}

fn u32_of(bytes: &[u8]) -> Option<u32> {
    bytes.first_chunk::<4>().map(|bytes| u32::from_le_bytes(*bytes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_chunks_stay_and_the_header_says_so() {
        let whole = b"RIFF\x24\0\0\0WEBPVP8X\x02\0\0\0\x0e\0ANMF\x03\0\0\0abc\0EXIF\x02\0\0\0de";
        assert_eq!(whole_frames(&whole[..], 1000).unwrap(), None);
        assert_eq!(whole_frames(&[&whole[..], b"more"].concat()[..], 1000).unwrap(), None);
        let cut = b"RIFF\x1a\0\0\0WEBPVP8X\x02\0\0\0\x02\0ANMF\x03\0\0\0abc\0";
        for length in 34..whole.len() {
            assert_eq!(whole_frames(&whole[..length], 1000).unwrap().as_deref(), Some(&cut[..]), "{length}");
        }
        let short = whole_frames(&whole[..33], 1000).unwrap().unwrap();
        assert_eq!(short.len(), 33, "the byte of padding may be missing: {short:?}");
        assert_eq!(whole_frames(&whole[..31], 1000).unwrap().unwrap(), b"RIFF\x0e\0\0\0WEBPVP8X\x02\0\0\0\x02\0");
        assert!(whole_frames(&whole[..], 20).is_err() && whole_frames(&b"RIFF"[..], 20).is_err());
    }
}

//! Bytes behind the end of a picture. Padding is no news; anything else may be a picture that nobody sees, and is told.

use super::guard;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Bytes that are padding whatever they are: devices fill up to a whole number of words with what their memory holds.
pub(super) const PADDING: usize = 3;

/// Whether more than padding follows: zeros, white space, or very few bytes.
pub(super) fn is_followed(reader: &mut impl BufRead) -> io::Result<bool> {
    let (mut passed, mut is_padding) = (0, true);
    while is_padding || passed <= PADDING {
        let buffer = reader.fill_buf()?;
        if buffer.is_empty() {
            return Ok(false);
        }
        is_padding &= buffer.iter().all(|byte| matches!(byte, 0 | b'\t' | b'\r' | b'\n' | b' '));
        let length = buffer.len();
        passed += length;
        reader.consume(length);
    }
    Ok(true)
}

/// What is told of them.
pub(super) fn note(format: &str) -> String {
    format!("bytes behind the end of the {format} were left out")
}

/// Whether more than padding follows the end that a RIFF file states. One that is cut short has nothing behind it.
pub(super) fn of_riff(path: &Path) -> io::Result<bool> {
    let (mut file, end) = open_riff(path)?;
    file.seek(SeekFrom::Start(end + end % 2))?;
    is_followed(&mut BufReader::new(file))
}

/// Whether a RIFF file is shorter than it says; the last byte may be one of padding.
pub(super) fn is_riff_cut(path: &Path) -> io::Result<bool> {
    let (file, end) = open_riff(path)?;
    Ok(end > file.metadata()?.len() + 1)
}

/// A RIFF file, and where it ends by its own word.
fn open_riff(path: &Path) -> io::Result<(File, u64)> {
    let mut file = guard::open(path)?;
    let mut head = [0; 8];
    file.read_exact(&mut head)?;
    let [_, _, _, _, size @ ..] = head;
    Ok((file, u64::from(u32::from_le_bytes(size)) + 8))
}

/// What the chunks of a PNG say that its decoder does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PngTail {
    /// Whether more than padding follows the last chunk.
    pub(super) is_followed: bool,
    /// How it has to be turned, wherever that stands.
    pub(super) exif: Option<Vec<u8>>,
}

/// Bytes of EXIF that are read.
const LONGEST_EXIF: u32 = 1 << 20;

/// Follows the chunks of a PNG; whatever is wrong with them, its decoder will say.
pub(super) fn of_png(path: &Path) -> io::Result<PngTail> {
    let mut tail = PngTail::default();
    match follow(BufReader::new(guard::open(path)?), &mut tail) {
        Err(error) if error.kind() != ErrorKind::UnexpectedEof => Err(error),
        _ => Ok(tail),
    }
}

fn follow(mut png: BufReader<File>, tail: &mut PngTail) -> io::Result<()> {
    png.seek_relative(8)?;
    loop {
        let mut head = [0; 8];
        png.read_exact(&mut head)?;
        let [a, b, c, d, kind @ ..] = head;
        let length = u32::from_be_bytes([a, b, c, d]);
        match &kind {
            b"IEND" => {
                png.seek_relative(i64::from(length) + 4)?;
                tail.is_followed = is_followed(&mut png)?;
                return Ok(());
            }
            b"eXIf" if length <= LONGEST_EXIF => {
                let mut exif = vec![0; length as usize];
                png.read_exact(&mut exif)?;
                tail.exif = Some(exif);
                png.seek_relative(4)?;
            }
            _ => png.seek_relative(i64::from(length) + 4)?,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_passed_over_and_anything_else_is_told() {
        for (behind, told) in [
            (&b""[..], false),
            (b"\0", false),
            (b"x", false),
            (b"\r\n", false),
            (&[0; 9000], false),
            (b"xyz", false),
            (b"four", true),
            (b"\0\0\0\0\0x", true),
        ] {
            let mut reader = BufReader::with_capacity(1, behind);
            assert_eq!(is_followed(&mut reader).unwrap(), told, "{behind:?}");
            assert_eq!(is_followed(&mut &behind[..]).unwrap(), told, "{behind:?}");
        }
    }

    #[test]
    fn the_end_of_a_png_and_its_exif_are_found_wherever_they_stand() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        let chunk = |kind: &[u8], body: &[u8]| [&(body.len() as u32).to_be_bytes()[..], kind, body, b"sums"].concat();
        let png = [&[0; 8][..], &chunk(b"IDAT", b"IEND"), &chunk(b"eXIf", b"it"), &chunk(b"IEND", b"")].concat();
        for length in 0..png.len() {
            std::fs::write(&path, &png[..length]).unwrap();
            assert!(!of_png(&path).unwrap().is_followed, "{length}");
        }
        std::fs::write(&path, [&png[..], b"more"].concat()).unwrap();
        assert_eq!(of_png(&path).unwrap(), PngTail { is_followed: true, exif: Some(b"it".to_vec()) });
    }
}

//! Bytes behind the end of a picture, and bytes that are missing at the end of a container. Padding is no news;
//! anything else may be a picture that nobody sees, and is told.

use crate::guard;
use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind, Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// Bytes that are padding whatever they are: devices fill up to a whole number of words with what their memory holds.
pub(super) const PADDING: usize = 3;

/// Tells whether more than padding follows: zeros, white space, or very few bytes.
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

/// Returns what is told of them.
pub(super) fn note(format: &str) -> String {
    format!("bytes behind the end of the {format} were left out")
}

/// Tells whether more than padding follows the end that a RIFF file states. One that is cut short has nothing behind it.
pub(super) fn of_riff(path: &Path) -> io::Result<bool> {
    let (mut file, end) = open_riff(path)?;
    file.seek(SeekFrom::Start(end + end % 2))?;
    is_followed(&mut BufReader::new(file))
}

/// Tells whether a RIFF file is shorter than it says; the last byte may be one of padding.
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

/// Holds what the chunks of a PNG say that its decoder does not.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct PngTail {
    /// True where more than padding follows the last chunk.
    pub(super) is_followed: bool,
    /// Says how it has to be turned, wherever that stands.
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

/// Boxes that stand at the top of an MP4 or MOV (ISO/IEC 14496-12, QuickTime File Format).
const BOXES: [&[u8; 4]; 21] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mfra", b"mdat", b"imda", b"free", b"skip", b"wide", b"pnot", b"PICT",
    b"udta", b"meta", b"uuid", b"sidx", b"ssix", b"prft", b"pdin", b"emsg", b"junk",
];

/// Finds where a container says how long it is: the bytes it announces, if those are more than the file has.
///
/// AVI states its length at the front; MP4 and MOV are a row of boxes, each with its length.
pub(crate) fn missing_tail(path: &Path) -> std::io::Result<Option<u64>> {
    let mut file = guard::open(path)?;
    let length = file.metadata()?.len();
    let mut head = [0; 12];
    if length < 12 || file.read_exact(&mut head).is_err() {
        return Ok(None);
    }
    let announced = match &head {
        [b'R', b'I', b'F', b'F', a, b, c, d, b'A', b'V', b'I', b' '] => {
            let announced = u64::from(u32::from_le_bytes([*a, *b, *c, *d]));
            // Recorders that stream leave 0 or the largest number; both mean "not known".
            if announced == 0 || announced >= 0xffff_fff0 { 0 } else { announced + 8 }
        }
        [_, _, _, _, b'f', b't', b'y', b'p', ..] => end_of_boxes(&mut file, length)?,
        _ => 0,
    };
    Ok((announced > length).then_some(announced))
}

/// Follows the top-level boxes of an MP4 or MOV to the end of the last one.
fn end_of_boxes(file: &mut File, length: u64) -> std::io::Result<u64> {
    let mut at: u64 = 0;
    // A file of many thousand top-level boxes is fragmented for streaming; the first ones are enough.
    for _ in 0..100_000 {
        if at + 8 > length {
            break;
        }
        file.seek(SeekFrom::Start(at))?;
        let mut head = [0; 8];
        file.read_exact(&mut head)?;
        let [a, b, c, d, kind @ ..] = head;
        // Whatever bytes stand behind the last box make a length as well.
        if !BOXES.contains(&&kind) {
            break;
        }
        let size = match u32::from_be_bytes([a, b, c, d]) {
            0 => break,
            1 => {
                let mut long = [0; 8];
                if at + 16 > length {
                    break;
                }
                file.read_exact(&mut long)?;
                u64::from_be_bytes(long)
            }
            size => u64::from(size),
        };
        if size < 8 {
            break;
        }
        let Some(next) = at.checked_add(size) else { break };
        at = next;
        if at >= length {
            break;
        }
    }
    Ok(at)
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

    #[test]
    fn a_container_that_announces_more_than_there_is_was_cut_short() {
        let folder = tempfile::tempdir().unwrap();
        let tail_of = |bytes: &[u8]| {
            let path = folder.path().join("clip");
            std::fs::write(&path, bytes).unwrap();
            missing_tail(&path).unwrap()
        };
        assert_eq!(tail_of(b"RIFF\x10\0\0\0AVI 123456789012"), None);
        assert_eq!(tail_of(b"RIFF\x11\0\0\0AVI 123456789012"), Some(25));
        assert_eq!(tail_of(b"RIFF\0\0\0\0AVI 1234"), None);
        assert_eq!(tail_of(b"\0\0\0\x0cftypqt  \0\0\0\x08moov"), None);
        assert_eq!(tail_of(b"\0\0\0\x0cftypqt  \0\0\0\x09mdat"), Some(21));
        assert_eq!(tail_of(b"\0\0\0\x0cftypqt  \0\0\0\x01mdat\xff\xff\xff\xff\xff\xff\xff\xff"), None);
        assert_eq!(tail_of(b"no container at all"), None);
    }
}

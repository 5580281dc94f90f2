//! What a file is, by its first bytes; what its name promises is only compared with it.

use super::dicom::{self, Kind};
use super::guard;
use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::Path;

/// What the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Content {
    /// No bytes.
    Empty,
    /// Words.
    Text,
    /// One picture of a format we read in process.
    Picture(image::ImageFormat),
    /// Several pictures in a format we read in process.
    Animation(image::ImageFormat),
    /// DICOM.
    Dicom,
    /// A DICOMDIR, a list of other files.
    DicomDirectory,
    /// Anything else: perhaps a video, ffmpeg will tell.
    Other,
}

/// What a file's name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Promise {
    Video,
    Picture,
    Dicom,
    Nothing,
}

/// Bytes that are looked at.
const HEAD: u64 = 8192;

const MJPEG_SUFFIXES: [&str; 2] = ["mjpeg", "mjpg"];
const VIDEO_SUFFIXES: [&str; 28] = [
    "gif", "mp4", "m4v", "mov", "qt", "avi", "divx", "mkv", "webm", "mpg", "mpeg", "mpe", "m1v", "m2v", "vob", "wmv",
    "asf", "flv", "ogv", "3gp", "ts", "mts", "m2ts", "mxf", "dv", "mj2", "mjpeg", "mjpg",
];
const DICOM_SUFFIXES: [&str; 4] = ["dcm", "dicom", "dic", "ima"];
const PICTURE_SUFFIXES: [&str; 8] = ["png", "jpg", "jpeg", "bmp", "dib", "tif", "tiff", "webp"];

/// Boxes that stand at the top of an MP4 or MOV (ISO/IEC 14496-12, QuickTime File Format).
const BOXES: [&[u8; 4]; 21] = [
    b"ftyp", b"styp", b"moov", b"moof", b"mfra", b"mdat", b"imda", b"free", b"skip", b"wide", b"pnot", b"PICT",
    b"udta", b"meta", b"uuid", b"sidx", b"ssix", b"prft", b"pdin", b"emsg", b"junk",
];

/// Looks at the first bytes of a file.
pub(crate) fn content(path: &Path) -> std::io::Result<Content> {
    let mut head = Vec::new();
    guard::open(path)?.take(HEAD).read_to_end(&mut head)?;
    guard::catch(|| of_bytes(&head)).map_err(std::io::Error::other)
}

/// What a file name promises.
pub(crate) fn promise(name: &str) -> Promise {
    match suffix(name) {
        Some(suffix) if VIDEO_SUFFIXES.contains(&suffix.as_str()) => Promise::Video,
        Some(suffix) if DICOM_SUFFIXES.contains(&suffix.as_str()) => Promise::Dicom,
        Some(suffix) if PICTURE_SUFFIXES.contains(&suffix.as_str()) => Promise::Picture,
        _ => Promise::Nothing,
    }
}

/// Whether a file name promises raw MJPEG.
pub(crate) fn is_mjpeg(name: &str) -> bool {
    suffix(name).is_some_and(|suffix| MJPEG_SUFFIXES.contains(&suffix.as_str()))
}

/// The suffix of a name, in lower case.
pub(crate) fn suffix(name: &str) -> Option<String> {
    Path::new(name).extension().and_then(|suffix| suffix.to_str()).map(str::to_lowercase)
}

fn of_bytes(head: &[u8]) -> Content {
    use image::ImageFormat as F;
    let has = |at: usize, magic: &[u8]| head.get(at..at + magic.len()) == Some(magic);
    // First of all: before its letters a DICOM file may begin like any other.
    match dicom::kind(head) {
        Kind::Object => return Content::Dicom,
        Kind::Directory => return Content::DicomDirectory,
        Kind::Foreign => {}
    }
    if head.is_empty() {
        Content::Empty
    } else if has(0, b"\x89PNG\r\n\x1a\n") {
        let animated = head.windows(4).any(|word| word == b"acTL");
        if animated { Content::Animation(F::Png) } else { Content::Picture(F::Png) }
    } else if has(0, b"\xff\xd8\xff") {
        Content::Picture(F::Jpeg)
    } else if has(0, b"GIF87a") || has(0, b"GIF89a") {
        Content::Animation(F::Gif)
    } else if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| has(0, *magic)) {
        Content::Picture(F::Tiff)
    } else if has(0, b"RIFF") && has(8, b"WEBP") {
        let animated = has(12, b"VP8X") && head.get(20).is_some_and(|flags| flags & 2 != 0);
        if animated { Content::Animation(F::WebP) } else { Content::Picture(F::WebP) }
    } else if has(0, b"BM") && has(6, &[0, 0, 0, 0]) {
        Content::Picture(F::Bmp)
    } else if is_text(head) {
        Content::Text
    } else {
        Content::Other
    }
}

/// Text, also what ffmpeg would follow to other files: play lists and the like are never handed to it.
fn is_text(head: &[u8]) -> bool {
    const LISTS: [&[u8]; 5] = [b"#EXTM3U", b"ffconcat", b"<?xml", b"[playlist]", b"v=0"];
    let body = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head);
    if LISTS.iter().any(|list| body.starts_with(list)) {
        return true;
    }
    let wide = head.starts_with(b"\xff\xfe") || head.starts_with(b"\xfe\xff");
    if wide && head.len() >= 4 {
        return head[2..].chunks(2).all(|unit| unit.contains(&0)) && !head[2..].chunks(2).all(|unit| unit == [0, 0]);
    }
    let plain = |byte: &u8| *byte >= 0x20 && *byte != 0x7f || matches!(byte, b'\t' | b'\n' | b'\r' | 0x0c);
    // The head may end within a letter of several bytes.
    let valid = match std::str::from_utf8(body) {
        Ok(_) => true,
        Err(error) => error.error_len().is_none() && body.len() as u64 >= HEAD - 3,
    };
    valid && body.iter().all(plain)
}

/// Where a container says how long it is: the bytes it announces, if those are more than the file has.
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
    fn content_is_told_by_the_first_bytes() {
        use image::ImageFormat as F;
        assert_eq!(of_bytes(b""), Content::Empty);
        assert_eq!(of_bytes(b"a,b\n1,2\n"), Content::Text);
        assert_eq!(of_bytes("\u{feff}größe\n".as_bytes()), Content::Text);
        assert_eq!(of_bytes(b"\xff\xfea\0b\0"), Content::Text);
        assert_eq!(of_bytes(b"#EXTM3U\x00\x01"), Content::Text);
        assert_eq!(of_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Content::Picture(F::Png));
        assert_eq!(of_bytes(b"GIF89a...."), Content::Animation(F::Gif));
        assert_eq!(of_bytes(b"BM\x10\0\0\0\0\0\0\0"), Content::Picture(F::Bmp));
        for tiff in [b"II*\0\x08", b"MM\0*\0", b"II+\0\x08", b"MM\0+\0"] {
            assert_eq!(of_bytes(tiff), Content::Picture(F::Tiff), "of narrow and of wide numbers");
        }
        assert_eq!(of_bytes(b"BMW is a car"), Content::Text);
        assert_eq!(of_bytes(&[0; 200]), Content::Other);
        let mut dicom = [0; 140];
        dicom[128..132].copy_from_slice(b"DICM");
        assert_eq!(of_bytes(&dicom), Content::Dicom);
        dicom[..4].copy_from_slice(b"II*\0");
        assert_eq!(of_bytes(&dicom), Content::Dicom);
    }

    #[test]
    fn text_whose_head_ends_within_a_letter_is_still_text() {
        let mut long = vec![b'a'; HEAD as usize - 1];
        long.push(0xc3);
        assert_eq!(of_bytes(&long), Content::Text);
        assert_eq!(of_bytes(b"\xc3"), Content::Other);
    }

    #[test]
    fn a_name_promises_by_its_suffix_in_any_case() {
        assert_eq!(promise("a/b.MP4"), Promise::Video);
        assert_eq!(promise("b (1).JPeG"), Promise::Picture);
        assert_eq!(promise("labels.csv"), Promise::Nothing);
        assert_eq!(promise("IM_0001"), Promise::Nothing);
        assert_eq!(promise("IM_0001.dcm"), Promise::Dicom);
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

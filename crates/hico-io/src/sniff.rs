//! Tells what a file is, by its first bytes; what its name promises is only compared with it.

use crate::dicom::start::{self, Kind};
use crate::guard;
use std::io::Read as _;
use std::path::Path;

/// Holds what the first bytes of a file say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sniffed {
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

/// Says what a file's name promises.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Promise {
    /// A video, or an animation.
    Video,
    /// A picture.
    Picture,
    /// A DICOM file.
    Dicom,
    /// Nothing that is known.
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

/// Reads the first bytes of a file.
pub(crate) fn head(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut head = Vec::new();
    guard::open(path)?.take(HEAD).read_to_end(&mut head)?;
    Ok(head)
}

/// Looks at the first bytes of a file.
pub(crate) fn content(path: &Path) -> std::io::Result<Sniffed> {
    let head = head(path)?;
    guard::catch(|| of_bytes(&head)).map_err(std::io::Error::other)
}

/// Says what a file name promises.
#[must_use]
pub fn promise(name: &str) -> Promise {
    match suffix(name) {
        Some(suffix) if VIDEO_SUFFIXES.contains(&suffix.as_str()) => Promise::Video,
        Some(suffix) if DICOM_SUFFIXES.contains(&suffix.as_str()) => Promise::Dicom,
        Some(suffix) if PICTURE_SUFFIXES.contains(&suffix.as_str()) => Promise::Picture,
        _ => Promise::Nothing,
    }
}

/// Returns true where a file name promises raw MJPEG.
pub(crate) fn is_mjpeg(path: &Path) -> bool {
    let name = path.file_name().and_then(|name| name.to_str());
    name.and_then(suffix).is_some_and(|suffix| MJPEG_SUFFIXES.contains(&suffix.as_str()))
}

/// Returns the suffix of a name, in lower case.
#[must_use]
pub fn suffix(name: &str) -> Option<String> {
    Path::new(name).extension().and_then(|suffix| suffix.to_str()).map(str::to_lowercase)
}

pub(crate) fn of_bytes(head: &[u8]) -> Sniffed {
    use image::ImageFormat as F;
    let has = |at: usize, magic: &[u8]| head.get(at..at + magic.len()) == Some(magic);
    // First of all: before its letters a DICOM file may begin like any other.
    match start::kind(head) {
        Kind::Object => return Sniffed::Dicom,
        Kind::Directory => return Sniffed::DicomDirectory,
        Kind::Foreign => {}
    }
    if head.is_empty() {
        Sniffed::Empty
    } else if has(0, b"\x89PNG\r\n\x1a\n") {
        let animated = head.windows(4).any(|word| word == b"acTL");
        if animated { Sniffed::Animation(F::Png) } else { Sniffed::Picture(F::Png) }
    } else if has(0, b"\xff\xd8\xff") {
        Sniffed::Picture(F::Jpeg)
    } else if has(0, b"GIF87a") || has(0, b"GIF89a") {
        Sniffed::Animation(F::Gif)
    } else if [b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"].iter().any(|magic| has(0, *magic)) {
        Sniffed::Picture(F::Tiff)
    } else if has(0, b"RIFF") && has(8, b"WEBP") {
        let animated = has(12, b"VP8X") && head.get(20).is_some_and(|flags| flags & 2 != 0);
        if animated { Sniffed::Animation(F::WebP) } else { Sniffed::Picture(F::WebP) }
    } else if has(0, b"BM") && has(6, &[0, 0, 0, 0]) {
        Sniffed::Picture(F::Bmp)
    } else if is_text(head) {
        Sniffed::Text
    } else {
        Sniffed::Other
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn content_is_told_by_the_first_bytes() {
        use image::ImageFormat as F;
        assert_eq!(of_bytes(b""), Sniffed::Empty);
        assert_eq!(of_bytes(b"a,b\n1,2\n"), Sniffed::Text);
        assert_eq!(of_bytes("\u{feff}größe\n".as_bytes()), Sniffed::Text);
        assert_eq!(of_bytes(b"\xff\xfea\0b\0"), Sniffed::Text);
        assert_eq!(of_bytes(b"#EXTM3U\x00\x01"), Sniffed::Text);
        assert_eq!(of_bytes(b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR"), Sniffed::Picture(F::Png));
        assert_eq!(of_bytes(b"GIF89a...."), Sniffed::Animation(F::Gif));
        assert_eq!(of_bytes(b"BM\x10\0\0\0\0\0\0\0"), Sniffed::Picture(F::Bmp));
        for tiff in [b"II*\0\x08", b"MM\0*\0", b"II+\0\x08", b"MM\0+\0"] {
            assert_eq!(of_bytes(tiff), Sniffed::Picture(F::Tiff), "of narrow and of wide numbers");
        }
        assert_eq!(of_bytes(b"BMW is a car"), Sniffed::Text);
        assert_eq!(of_bytes(&[0; 200]), Sniffed::Other);
        let mut dicom = [0; 140];
        dicom[128..132].copy_from_slice(b"DICM");
        assert_eq!(of_bytes(&dicom), Sniffed::Dicom);
        dicom[..4].copy_from_slice(b"II*\0");
        assert_eq!(of_bytes(&dicom), Sniffed::Dicom);
    }

    #[test]
    fn text_whose_head_ends_within_a_letter_is_still_text() {
        let mut long = vec![b'a'; HEAD as usize - 1];
        long.push(0xc3);
        assert_eq!(of_bytes(&long), Sniffed::Text);
        assert_eq!(of_bytes(b"\xc3"), Sniffed::Other);
    }

    #[test]
    fn a_name_promises_by_its_suffix_in_any_case() {
        assert_eq!(promise("a/b.MP4"), Promise::Video);
        assert_eq!(promise("b (1).JPeG"), Promise::Picture);
        assert_eq!(promise("labels.csv"), Promise::Nothing);
        assert_eq!(promise("IM_0001"), Promise::Nothing);
        assert_eq!(promise("IM_0001.dcm"), Promise::Dicom);
    }
}

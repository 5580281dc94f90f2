//! Tells how a picture has to be turned to stand upright, by its EXIF.

use image::metadata::Orientation;
use image::{ImageDecoder, ImageResult};

/// Returns how a picture has to be turned. Some programs write the mark of a JPEG's EXIF segment in front of the EXIF
/// of a WebP or a PNG, where it does not belong.
///
/// - `behind`: EXIF behind the pixels, which the decoder has not come to
pub(crate) fn orientation(decoder: &mut impl ImageDecoder, behind: Option<&[u8]>) -> ImageResult<Orientation> {
    let exif = decoder.exif_metadata()?;
    let exif = exif.as_deref().or(behind);
    let plain = exif.map(|exif| exif.strip_prefix(b"Exif\0\0").unwrap_or(exif));
    match plain.and_then(Orientation::from_exif_chunk) {
        Some(orientation) => Ok(orientation),
        // Formats that say it elsewhere.
        None => decoder.orientation(),
    }
}

#[cfg(test)]
mod tests {
    use crate::animation;
    use crate::frame::Size;
    use crate::limits::{Damaged, Limits};
    use crate::sink::FrameBuffer;
    use crate::still;
    use image::{ImageFormat, Rgb, RgbImage};
    use std::io::Cursor;
    use std::sync::atomic::AtomicBool;

    static NEVER: AtomicBool = AtomicBool::new(false);

    /// EXIF that says: turn right by a quarter.
    const TURNED: &[u8] = b"MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0\x06\0\0\0\0\0\0";

    /// 6x4 pixels, black, with a white one in the upper left corner, encoded.
    fn encoded(format: ImageFormat) -> Vec<u8> {
        let mut picture = RgbImage::new(6, 4);
        picture.put_pixel(0, 0, Rgb([255; 3]));
        let mut bytes = Cursor::new(Vec::new());
        picture.write_to(&mut bytes, format).unwrap();
        bytes.into_inner()
    }

    fn little(length: usize) -> [u8; 4] {
        u32::try_from(length).unwrap().to_le_bytes()
    }

    /// A WebP of one picture or of two, with EXIF behind them.
    fn webp(is_animated: bool, exif: &[u8]) -> Vec<u8> {
        let picture = encoded(ImageFormat::WebP).split_off(12);
        let flags = if is_animated { 0x0a } else { 8 };
        let mut body = [b"WEBPVP8X\x0a\0\0\0", &[flags, 0, 0, 0, 5, 0, 0, 3, 0, 0][..]].concat();
        if is_animated {
            let place = b"\0\0\0\0\0\0\x05\0\0\x03\0\0\x28\0\0\x02";
            let frame = [b"ANMF", &little(16 + picture.len())[..], place, &picture].concat();
            body.extend([b"ANIM\x06\0\0\0\0\0\0\xff\0\0", &frame[..], &frame].concat());
        } else {
            body.extend(picture);
        }
        body.extend([b"EXIF", &little(exif.len())[..], exif].concat());
        [b"RIFF", &little(body.len())[..], &body].concat()
    }

    fn chunk(kind: &[u8; 4], body: &[u8]) -> Vec<u8> {
        let mut sum = flate2::Crc::new();
        sum.update(kind);
        sum.update(body);
        [&(body.len() as u32).to_be_bytes()[..], kind, body, &sum.sum().to_be_bytes()].concat()
    }

    /// A PNG of one picture or of two, its EXIF before or behind its pixels.
    fn png(is_animated: bool, is_behind: bool) -> Vec<u8> {
        let plain = encoded(ImageFormat::Png);
        let at = plain.windows(4).position(|word| word == b"IDAT").unwrap() - 4;
        let length = u32::from_be_bytes(plain[at..at + 4].try_into().unwrap()) as usize;
        let pixels = &plain[at + 8..at + 8 + length];
        let control = |number: u8| {
            let place = [0, 0, 0, number, 0, 0, 0, 6, 0, 0, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 25, 0, 0];
            chunk(b"fcTL", &place)
        };
        let exif = chunk(b"eXIf", TURNED);
        let mut bytes = plain[..at].to_vec();
        if is_animated {
            bytes.extend([chunk(b"acTL", &[0, 0, 0, 2, 0, 0, 0, 0]), control(0)].concat());
        }
        bytes.extend(if is_behind { Vec::new() } else { exif.clone() });
        bytes.extend(chunk(b"IDAT", pixels));
        if is_animated {
            bytes.extend([control(1), chunk(b"fdAT", &[&[0, 0, 0, 2], pixels].concat())].concat());
        }
        bytes.extend(if is_behind { exif } else { Vec::new() });
        [bytes, chunk(b"IEND", &[])].concat()
    }

    #[test]
    fn pictures_and_animations_stand_upright_wherever_their_exif_is() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        // The upper left corner is the upper right one when it is turned.
        let upright: Vec<u8> = (0..24).map(|at| if at == 3 { 255 } else { 0 }).collect();
        let marked = [b"Exif\0\0", TURNED].concat();
        for (format, is_animated, bytes) in [
            (ImageFormat::WebP, false, webp(false, TURNED)),
            (ImageFormat::WebP, false, webp(false, &marked)),
            (ImageFormat::WebP, true, webp(true, TURNED)),
            (ImageFormat::WebP, true, webp(true, &marked)),
            (ImageFormat::Png, false, png(false, false)),
            (ImageFormat::Png, false, png(false, true)),
            (ImageFormat::Png, true, png(true, false)),
            (ImageFormat::Png, true, png(true, true)),
        ] {
            std::fs::write(&path, bytes).unwrap();
            let mut sink = FrameBuffer::new(Limits::default());
            let mut frames = 1;
            if is_animated {
                animation::decode(&path, format, &mut sink, Limits::default(), Damaged::Refuse, &NEVER).unwrap();
                frames = 2;
            } else {
                let files = std::slice::from_ref(&path);
                still::decode_pictures(files, &mut sink, Limits::default(), Damaged::Refuse, &NEVER).unwrap();
            }
            assert_eq!(sink.size(), Some(Size { height: 6, width: 4 }), "{format:?} {is_animated}");
            assert_eq!(sink.luma().unwrap(), upright.repeat(frames), "{format:?} {is_animated}");
        }
    }

    #[test]
    fn bytes_behind_the_end_of_a_png_or_a_webp_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        for (whole, name) in [(png(false, false), "PNG"), (webp(false, TURNED), "WebP")] {
            for (behind, told) in [(&b""[..], 0), (b"\n", 0), (&[0; 600], 0), (b"a second picture", 1)] {
                std::fs::write(&path, [&whole[..], behind].concat()).unwrap();
                let found = still::decode_picture(&path, "a", Limits::default(), &NEVER).unwrap().told;
                assert_eq!(found.len(), told, "{found:?}");
                assert!(found.iter().all(|note| note.contains(name)));
            }
        }
    }
}

//! Single pictures and folders of them, decoded in process.

pub(crate) mod notes;
mod tiff_tags;
pub(crate) mod upright;

use crate::alpha::{Alpha, over_black};
use crate::clip_meta::ClipMeta;
use crate::error::Error;
use crate::frame::Size;
use crate::guard::{self, StoppableFile};
use crate::jpeg::scans;
use crate::jpeg::stream::JpegStream;
use crate::limits::{Damaged, Limits, check_size};
use crate::reader::{FileKind, FrameSource, ReadOptions, Reader};
use crate::sink::FrameSink;
use crate::sniff::{self, Sniffed};
use crate::tail::{self, PngTail};
use image::{DynamicImage, ImageDecoder, ImageFormat, ImageReader};
use notes::PictureNotes;
use std::io::{BufRead, BufReader, Cursor, Seek};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use tiff_tags::TiffTags;

/// Says what is known of pictures beyond their frames.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct PictureFacts {
    /// The pictures that were left out, where that was allowed.
    pub(crate) complaint: Option<String>,
    /// Facts that a person should look at.
    pub(crate) notes: Vec<String>,
}

/// Reads single pictures, and folders of them as the frames of one clip.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pictures;

impl Reader for Pictures {
    fn name(&self) -> &'static str {
        "pictures"
    }

    fn probe(&self, head: &[u8], _: &Path) -> Option<FileKind> {
        let Sniffed::Picture(format) = sniff::of_bytes(head) else { return None };
        Some(FileKind::Still(match format {
            ImageFormat::Png => "PNG",
            ImageFormat::Jpeg => "JPEG",
            ImageFormat::Tiff => "TIFF",
            ImageFormat::WebP => "WEBP",
            _ => "BMP",
        }))
    }

    fn open(&self, files: &[PathBuf], options: &ReadOptions) -> Result<Box<dyn FrameSource>, Error> {
        Ok(Box::new(PictureFiles { files: files.to_vec(), limits: options.limits, damaged: options.damaged }))
    }
}

/// Pictures that are opened one after another.
struct PictureFiles {
    files: Vec<PathBuf>,
    limits: Limits,
    damaged: Damaged,
}

impl FrameSource for PictureFiles {
    fn decode(&mut self, sink: &mut dyn FrameSink, stop: &AtomicBool) -> Result<ClipMeta, Error> {
        let PictureFacts { complaint, notes } = decode_pictures(&self.files, sink, self.limits, self.damaged, stop)?;
        Ok(ClipMeta { complaint, notes, ..ClipMeta::of_frames(None, "pictures".to_owned()) })
    }
}

/// Decodes pictures in the given order as the frames of one clip.
///
/// - `damaged`: whether a picture that does not decode is left out, where others do
pub(crate) fn decode_pictures(
    files: &[PathBuf],
    sink: &mut dyn FrameSink,
    limits: Limits,
    damaged: Damaged,
    stop: &AtomicBool,
) -> Result<PictureFacts, Error> {
    let mut broken: Vec<(String, Error)> = Vec::new();
    let mut learnt = PictureNotes::default();
    for file in files {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        match decode_picture(file, &name, limits, stop) {
            Ok(picture) => {
                sink.admit(picture.size, &|| name.clone())?;
                sink.push(&picture.rgb)?;
                learnt.learn(picture.largest, &picture.told);
            }
            Err(why) if why == Error::Interrupted || why.is_beyond_limits() || files.len() == 1 => return Err(why),
            Err(why) if damaged == Damaged::Refuse => return Err(Error::Frame { why: Box::new(named(name, why)) }),
            Err(why) => broken.push((name, why)),
        }
    }
    let complaint = match (broken.len(), broken.into_iter().next()) {
        (_, Some((name, why))) if sink.frames() == 0 => return Err(named(name, why)),
        (count, Some((name, why))) => {
            Some(format!("{count} of {} pictures left out, the first: {}", files.len(), named(name, why)))
        }
        (_, None) => None,
    };
    Ok(PictureFacts { complaint, notes: learnt.into_notes() })
}

/// One decoded picture.
#[derive(Debug)]
pub(crate) struct Picture {
    pub(crate) size: Size,
    /// `[height, width, 3]`.
    pub(crate) rgb: Vec<u8>,
    /// The largest value, where there are 16 bits for each.
    pub(crate) largest: Option<u16>,
    /// Facts that a person should look at.
    pub(crate) told: Vec<String>,
}

/// Decodes one picture, upright as its orientation tag says.
pub(crate) fn decode_picture(path: &Path, name: &str, limits: Limits, stop: &AtomicBool) -> Result<Picture, Error> {
    let unreadable = |error: std::io::Error| Error::Read { said: error.to_string() };
    let broken = |said: &str| Error::Picture { name: name.to_owned(), said: said.to_owned() };
    let format = match sniff::content(path).map_err(unreadable)? {
        Sniffed::Picture(format) | Sniffed::Animation(format) => format,
        Sniffed::Empty => return Err(Error::Empty { picture: Some(name.to_owned()) }),
        Sniffed::Text => return Err(Error::Text { picture: Some(name.to_owned()) }),
        Sniffed::Dicom | Sniffed::DicomDirectory => return Err(broken("a DICOM file")),
        Sniffed::Other => return Err(broken("not a picture of a known format")),
    };
    let open = || guard::open(path).map(|file| BufReader::new(StoppableFile::new(file, stop))).map_err(unreadable);
    let followed = |mut picture: Picture, is_followed: bool, format: &str| {
        picture.told.extend(is_followed.then(|| tail::note(format)));
        Ok(picture)
    };
    let decoded = match format {
        ImageFormat::Jpeg => {
            let mut stream = JpegStream::new(open()?, limits.bytes);
            match stream.next().map_err(unreadable)? {
                Some(jpeg) if jpeg.is_whole => {
                    let is_followed = stream.is_followed().map_err(unreadable)?;
                    decode_jpeg(&jpeg.bytes, name, limits).and_then(|picture| followed(picture, is_followed, "JPEG"))
                }
                _ => Err(broken("cut short: the end of the JPEG is missing")),
            }
        }
        ImageFormat::Tiff => {
            let TiffTags { has_more_pages, is_premultiplied } = tiff_tags::read(open()?).map_err(unreadable)?;
            if has_more_pages {
                return Err(Error::ManyPages { name: name.to_owned() });
            }
            let alpha = if is_premultiplied { Alpha::Applied } else { Alpha::Straight };
            decode(open()?, format, Beside { alpha, ..Beside::default() }, name, limits)
        }
        // What is missing at its end, its decoder fills and says nothing.
        ImageFormat::WebP => decode(open()?, format, Beside::default(), name, limits).and_then(|picture| {
            if tail::is_riff_cut(path).map_err(unreadable)? {
                return Err(broken("cut short: the end of the WebP is missing"));
            }
            followed(picture, tail::of_riff(path).map_err(unreadable)?, "WebP")
        }),
        ImageFormat::Png => {
            let PngTail { is_followed, exif } = tail::of_png(path).map_err(unreadable)?;
            decode(open()?, format, Beside { exif, ..Beside::default() }, name, limits)
                .and_then(|picture| followed(picture, is_followed, "PNG"))
        }
        _ => decode(open()?, format, Beside::default(), name, limits),
    };
    // Whatever a decoder says of a file that it gets no more bytes of, it was told to stop.
    if stop.load(Ordering::Relaxed) { Err(Error::Interrupted) } else { decoded }
}

/// Decodes a JPEG and checks that all of its pixels are there: the decoder would make up what is missing.
pub(crate) fn decode_jpeg(bytes: &[u8], name: &str, limits: Limits) -> Result<Picture, Error> {
    if let Some(said) = scans::misread(bytes) {
        return Err(Error::Picture { name: name.to_owned(), said: said.to_owned() });
    }
    let mut picture = decode(Cursor::new(bytes), ImageFormat::Jpeg, Beside::default(), name, limits)?;
    match scans::check(bytes) {
        Ok(has_surplus) => picture.told.extend(has_surplus.then(|| scans::SURPLUS.to_owned())),
        Err(said) => {
            return Err(Error::Picture { name: name.to_owned(), said: format!("damaged or cut short: {said}") });
        }
    }
    Ok(picture)
}

/// Holds what a file says of its picture that its decoder does not.
#[derive(Debug, Default)]
struct Beside {
    /// EXIF that stands behind the pixels.
    exif: Option<Vec<u8>>,
    alpha: Alpha,
}

/// Decodes the bytes of one picture; where the decoder panics, it is that picture's fault.
fn decode(
    bytes: impl BufRead + Seek,
    format: ImageFormat,
    beside: Beside,
    name: &str,
    limits: Limits,
) -> Result<Picture, Error> {
    let broken = |said: String| Error::Picture { name: name.to_owned(), said };
    let fault = |error: image::ImageError| broken(one_line(&error));
    let decode = || {
        let mut reader = ImageReader::with_format(bytes, format);
        reader.limits(decoder_limits(limits));
        let mut decoder = reader.into_decoder().map_err(fault)?;
        let (width, height) = decoder.dimensions();
        check_size(Size { height: height as usize, width: width as usize }, limits)?;
        let orientation = upright::orientation(&mut decoder, beside.exif.as_deref()).map_err(fault)?;
        let mut picture = DynamicImage::from_decoder(decoder).map_err(fault)?;
        picture.apply_orientation(orientation);
        let size = Size { height: picture.height() as usize, width: picture.width() as usize };
        let largest = largest(&picture);
        let has_alpha = picture.color().has_alpha() && beside.alpha == Alpha::Straight;
        let rgb = if has_alpha { over_black(picture.into_rgba8().as_raw()) } else { picture.into_rgb8().into_raw() };
        Ok(Picture { size, rgb, largest, told: Vec::new() })
    };
    guard::catch(decode).unwrap_or_else(|said| Err(broken(said)))
}

/// The largest value of a picture of 16 bits, but for alpha.
fn largest(picture: &DynamicImage) -> Option<u16> {
    let (values, channels, colours) = match picture {
        DynamicImage::ImageLuma16(picture) => (picture.as_raw(), 1, 1),
        DynamicImage::ImageLumaA16(picture) => (picture.as_raw(), 2, 1),
        DynamicImage::ImageRgb16(picture) => (picture.as_raw(), 3, 3),
        DynamicImage::ImageRgba16(picture) => (picture.as_raw(), 4, 3),
        _ => return None,
    };
    values.chunks_exact(channels).flat_map(|pixel| &pixel[..colours]).copied().max()
}

/// A refusal of one picture of several; those that do not name it get its name.
fn named(name: String, why: Error) -> Error {
    match why {
        Error::Read { said } => Error::Picture { name, said: format!("cannot be read: {said}") },
        why => why,
    }
}

pub(crate) fn decoder_limits(limits: Limits) -> image::Limits {
    let mut bounds = image::Limits::default();
    // Four channels of two bytes, and as much again for the decoder's own work.
    bounds.max_alloc = Some(limits.pixels.saturating_mul(16).saturating_add(1 << 20));
    bounds
}

pub(crate) fn one_line(error: &dyn std::error::Error) -> String {
    error.to_string().split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::FrameBuffer;
    use image::{GrayImage, ImageBuffer, Luma, RgbImage};

    static NEVER: AtomicBool = AtomicBool::new(false);

    fn sink() -> FrameBuffer {
        FrameBuffer::new(Limits::default())
    }

    #[test]
    fn pictures_of_every_format_become_the_frames_of_a_clip() {
        let folder = tempfile::tempdir().unwrap();
        let picture = GrayImage::from_fn(8, 5, |x, y| Luma([(20 * x + y) as u8]));
        let files: Vec<PathBuf> =
            ["a.png", "b.bmp", "c.tiff", "d.webp"].iter().map(|name| folder.path().join(name)).collect();
        for file in &files {
            // The WebP encoder takes colour only.
            DynamicImage::ImageLuma8(picture.clone()).to_rgb8().save(file).unwrap();
        }
        let mut sink = sink();
        decode_pictures(&files, &mut sink, Limits::default(), Damaged::Refuse, &NEVER).unwrap();
        assert_eq!(sink.luma().unwrap(), picture.as_raw().repeat(4));
    }

    #[test]
    fn a_picture_cut_short_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let noise = RgbImage::from_fn(40, 40, |x, y| image::Rgb([(x * y) as u8, (x * 7) as u8, (y * 13) as u8]));
        for name in ["a.png", "a.jpg", "a.bmp", "a.tiff", "a.webp"] {
            let path = folder.path().join(name);
            noise.save(&path).unwrap();
            let whole = std::fs::read(&path).unwrap();
            assert!(decode_picture(&path, name, Limits::default(), &NEVER).is_ok(), "{name}");
            std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
            let error = decode_picture(&path, name, Limits::default(), &NEVER);
            match error {
                Err(Error::Picture { name: named, .. }) => assert_eq!(named, name),
                // A TIFF keeps its directory at the end, so that half of one cannot even be opened.
                Err(Error::Read { .. }) if name == "a.tiff" => {}
                other => panic!("{name}: {other:?}"),
            }
        }
        std::fs::write(folder.path().join("e.png"), "").unwrap();
        let error = decode_picture(&folder.path().join("e.png"), "e.png", Limits::default(), &NEVER).unwrap_err();
        assert_eq!(error.to_string(), "the file is empty (e.png)");
    }

    #[test]
    fn a_picture_larger_than_allowed_is_refused_by_its_header() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.png");
        GrayImage::new(40, 30).save(&path).unwrap();
        let limits = Limits { pixels: 1199, ..Limits::default() };
        assert!(matches!(decode_picture(&path, "a.png", limits, &NEVER), Err(Error::TooLarge { limit: 1199, .. })));
    }

    /// A JPEG of noise.
    fn jpeg() -> Vec<u8> {
        let noise = RgbImage::from_fn(40, 40, |x, y| image::Rgb([(x * y) as u8, (x * 7) as u8, (y * 13) as u8]));
        let mut bytes = Cursor::new(Vec::new());
        noise.write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
        bytes.into_inner()
    }

    /// The same with a thumbnail, which has an end marker of its own.
    fn with_thumbnail(jpeg: &[u8]) -> Vec<u8> {
        let segment = [&[0xff, 0xe1][..], &(jpeg.len() as u16 + 8).to_be_bytes(), b"Exif\0\0", jpeg].concat();
        [&jpeg[..2], &segment, &jpeg[2..]].concat()
    }

    #[test]
    fn a_jpeg_ends_at_its_own_end_whatever_stands_within_and_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let decode = |bytes: &[u8]| {
            let path = folder.path().join("a.jpg");
            std::fs::write(&path, bytes).unwrap();
            let mut sink = sink();
            decode_pictures(&[path], &mut sink, Limits::default(), Damaged::Refuse, &NEVER).map(|facts| (facts, sink))
        };
        let (plain, thumbnail) = (jpeg(), with_thumbnail(&jpeg()));
        let pixels = decode(&plain).unwrap().1.pixels().to_vec();
        for (behind, notes) in [(vec![], 0), (vec![0; 5000], 0), (vec![7; 300_000], 1), (plain.clone(), 1)] {
            let (facts, sink) = decode(&[&thumbnail[..], &behind].concat()).unwrap();
            assert_eq!((facts.notes.len(), facts.complaint), (notes, None));
            assert_eq!(sink.pixels(), pixels);
        }
        for length in (3..thumbnail.len()).step_by(7) {
            let error = decode(&thumbnail[..length]).map(|_| length).unwrap_err();
            assert!(error.to_string().contains("cut short"), "{length}: {error}");
        }
    }

    #[test]
    fn a_jpeg_whose_pixels_end_before_its_end_marker_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.jpg");
        let whole = with_thumbnail(&jpeg());
        let scan = whole.windows(2).rposition(|pair| pair == [0xff, 0xda]).unwrap() + 14;
        for length in (scan..whole.len() - 2).step_by(37) {
            std::fs::write(&path, [&whole[..length], &[0xff, 0xd9]].concat()).unwrap();
            let error = decode_picture(&path, "a.jpg", Limits::default(), &NEVER).unwrap_err();
            assert!(error.to_string().starts_with("a.jpg: damaged or cut short: "), "{length}: {error}");
        }
    }

    #[test]
    fn of_a_folder_of_pictures_those_that_decode_are_kept_where_that_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let files: Vec<PathBuf> = (0..4).map(|number| folder.path().join(format!("{number}.png"))).collect();
        for (grey, file) in files.iter().enumerate() {
            GrayImage::from_pixel(3, 2, Luma([grey as u8])).save(file).unwrap();
        }
        let whole = std::fs::read(&files[1]).unwrap();
        std::fs::write(&files[1], &whole[..whole.len() - 20]).unwrap();
        std::fs::remove_file(&files[3]).unwrap();
        let decode = |damaged| {
            let mut sink = sink();
            decode_pictures(&files, &mut sink, Limits::default(), damaged, &NEVER).map(|facts| (facts, sink))
        };
        let error = decode(Damaged::Refuse).map(|_| ()).unwrap_err();
        assert!(error.to_string().starts_with("1.png: ") && error.hint().contains("--keep-damaged"), "{error}");
        let (facts, sink) = decode(Damaged::Keep).unwrap();
        assert!(facts.complaint.unwrap().starts_with("2 of 4 pictures left out, the first: 1.png: "));
        assert_eq!(sink.luma().unwrap(), [[0; 6], [2; 6]].concat());
        let gone = decode_pictures(&files[3..], &mut self::sink(), Limits::default(), Damaged::Keep, &NEVER);
        assert!(matches!(gone, Err(Error::Read { .. })), "{gone:?}");
    }

    #[test]
    fn sixteen_bits_that_are_not_filled_are_told() {
        let folder = tempfile::tempdir().unwrap();
        let notes = |largest: u16| {
            let path = folder.path().join("a.png");
            ImageBuffer::<Luma<u16>, _>::from_fn(4, 4, |x, _| Luma([if x == 2 { largest } else { 0 }]))
                .save(&path)
                .unwrap();
            decode_pictures(&[path], &mut sink(), Limits::default(), Damaged::Refuse, &NEVER).unwrap().notes
        };
        for (largest, told) in [(0, 0), (1023, 1), (4095, 1), (16_383, 1), (16_384, 0), (65_535, 0)] {
            assert_eq!(notes(largest).len(), told, "{largest}");
        }
        assert!(notes(4095)[0].contains("65535"), "the remedy");
    }

    #[test]
    fn a_decoder_that_panics_costs_its_picture() {
        // Planes that are tiled: the decoder puts them together where it has no room.
        let tags: [(u16, u16, u32, u32); 12] = [
            (256, 3, 1, 20),
            (257, 3, 1, 20),
            (258, 3, 1, 16),
            (259, 3, 1, 1),
            (262, 3, 1, 2),
            (277, 3, 1, 3),
            (284, 3, 1, 2),
            (322, 3, 1, 16),
            (323, 3, 1, 16),
            (324, 4, 12, 200),
            (325, 4, 12, 248),
            (339, 3, 1, 1),
        ];
        let mut bytes = [b"II*\0", &8_u32.to_le_bytes()[..], &12_u16.to_le_bytes()].concat();
        for (tag, kind, count, value) in tags {
            bytes.extend(
                [&tag.to_le_bytes()[..], &kind.to_le_bytes(), &count.to_le_bytes(), &value.to_le_bytes()].concat(),
            );
        }
        bytes.resize(200, 0);
        (0..12_u32).for_each(|tile| bytes.extend((300 + 512 * tile).to_le_bytes()));
        (0..12).for_each(|_| bytes.extend(512_u32.to_le_bytes()));
        bytes.resize(300 + 12 * 512, 9);
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.tiff");
        std::fs::write(&path, bytes).unwrap();
        let error = decode_picture(&path, "a.tiff", Limits::default(), &NEVER).unwrap_err();
        assert!(error.to_string().starts_with("a.tiff: the decoder broke down over it (tiff-"), "{error}");
    }
}

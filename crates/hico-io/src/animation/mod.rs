//! Animations decoded in process: GIF, animated PNG and WebP, and raw MJPEG, which is a row of JPEGs.

mod gif_end;
mod webp_end;

use crate::alpha::over_black;
use crate::clip_meta::ClipMeta;
use crate::error::Error;
use crate::frame::Size;
use crate::guard::{self, StoppableFile};
use crate::jpeg::stream::JpegStream;
use crate::limits::{Damaged, Limits, check_size};
use crate::reader::{FileKind, FrameSource, ReadOptions, Reader, one_file};
use crate::sink::FrameSink;
use crate::sniff::{self, Sniffed};
use crate::still::notes::PictureNotes;
use crate::still::upright;
use crate::still::{self, decoder_limits, one_line};
use crate::tail::{self, PngTail};
use gif_end::GifEnd;
use image::codecs::{gif::GifDecoder, png::PngDecoder, webp::WebPDecoder};
use image::metadata::Orientation;
use image::{AnimationDecoder, DynamicImage, Frames, ImageDecoder, ImageFormat};
use std::io::{BufReader, Cursor};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

/// A GIF frame shown for less than this is shown for [`USUAL_DELAY_MS`] by browsers and by ffmpeg.
const SHORTEST_DELAY_MS: f64 = 20.0;
const USUAL_DELAY_MS: f64 = 100.0;

/// Says what is known of an animation beyond its frames.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct AnimationFacts {
    pub(crate) fps: Option<f64>,
    /// The fault, where that was allowed.
    pub(crate) complaint: Option<String>,
    /// Facts that a person should look at.
    pub(crate) notes: Vec<String>,
}

/// Reads GIF, animated PNG and WebP, and raw MJPEG.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Animations;

impl Reader for Animations {
    fn name(&self) -> &'static str {
        "animation"
    }

    fn probe(&self, head: &[u8], path: &Path) -> Option<FileKind> {
        match sniff::of_bytes(head) {
            Sniffed::Animation(_) => Some(FileKind::Clip),
            // Raw MJPEG is a row of JPEGs, and begins as one of them does.
            Sniffed::Picture(ImageFormat::Jpeg) if sniff::is_mjpeg(path) => Some(FileKind::Clip),
            _ => None,
        }
    }

    fn open(&self, files: &[PathBuf], options: &ReadOptions) -> Result<Box<dyn FrameSource>, Error> {
        let path = one_file(files)?.to_owned();
        let content = sniff::content(&path).map_err(|error| Error::Read { said: error.to_string() })?;
        let (Sniffed::Animation(format) | Sniffed::Picture(format)) = content else {
            return Err(Error::NotVideo { said: "not an animation of a known format".to_owned() });
        };
        Ok(Box::new(Animation { path, format, limits: options.limits, damaged: options.damaged }))
    }
}

/// One animation.
struct Animation {
    path: PathBuf,
    format: ImageFormat,
    limits: Limits,
    damaged: Damaged,
}

impl FrameSource for Animation {
    fn decode(&mut self, sink: &mut dyn FrameSink, stop: &AtomicBool) -> Result<ClipMeta, Error> {
        let AnimationFacts { fps, complaint, notes } =
            decode(&self.path, self.format, sink, self.limits, self.damaged, stop)?;
        let codec = format!("{:?}", self.format).to_lowercase();
        Ok(ClipMeta { complaint, notes, ..ClipMeta::of_frames(fps, codec) })
    }
}

/// Decodes an animation frame by frame.
///
/// - `damaged`: whether the frames that decode are kept where others do not, or where the end is missing
pub(crate) fn decode(
    path: &Path,
    format: ImageFormat,
    sink: &mut dyn FrameSink,
    limits: Limits,
    damaged: Damaged,
    stop: &AtomicBool,
) -> Result<AnimationFacts, Error> {
    let taken = match format {
        ImageFormat::Jpeg => row_of_jpegs(path, sink, limits, stop),
        _ => animation(path, format, sink, limits, stop),
    };
    // Whatever a decoder says of a file that it gets no more bytes of, it was told to stop.
    if stop.load(Ordering::Relaxed) {
        return Err(Error::Interrupted);
    }
    let facts = taken?;
    match facts.complaint {
        Some(said) if sink.frames() == 0 => Err(Error::Damaged { frames: 0, said }),
        Some(said) if damaged == Damaged::Refuse => Err(Error::Damaged { frames: sink.frames(), said }),
        _ => Ok(facts),
    }
}

fn animation(
    path: &Path,
    format: ImageFormat,
    sink: &mut dyn FrameSink,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<AnimationFacts, Error> {
    let unreadable = |error: std::io::Error| Error::Read { said: error.to_string() };
    let start = |error: image::ImageError| Error::NotVideo { said: one_line(&error) };
    let open = || guard::open(path).map(|file| BufReader::new(StoppableFile::new(file, stop))).map_err(unreadable);
    let mut end = None;
    let mut orientation = Orientation::NoTransforms;
    let mut learnt = PictureNotes::default();
    let opened = guard::catch(|| -> Result<Frames<'_>, Error> {
        Ok(match format {
            ImageFormat::Gif => admitted(GifDecoder::new(open()?).map_err(start)?, limits)?.into_frames(),
            ImageFormat::WebP => match webp_end::whole_frames(open()?, limits.bytes).map_err(unreadable)? {
                None => {
                    if tail::of_riff(path).map_err(unreadable)? {
                        learnt.tell(tail::note("WebP"));
                    }
                    let mut decoder = admitted(WebPDecoder::new(open()?).map_err(start)?, limits)?;
                    orientation = upright::orientation(&mut decoder, None).map_err(start)?;
                    decoder.into_frames()
                }
                Some(whole) => {
                    end = Some("the end of the WebP is missing");
                    admitted(WebPDecoder::new(Cursor::new(whole)).map_err(start)?, limits)?.into_frames()
                }
            },
            _ => {
                let PngTail { is_followed, exif } = tail::of_png(path).map_err(unreadable)?;
                if is_followed {
                    learnt.tell(tail::note("PNG"));
                }
                let mut decoder = admitted(PngDecoder::new(open()?).map_err(start)?, limits)?;
                orientation = upright::orientation(&mut decoder, exif.as_deref()).map_err(start)?;
                decoder.apng().map_err(start)?.into_frames()
            }
        })
    });
    let mut frames = opened.unwrap_or_else(|said| Err(Error::NotVideo { said }))?;
    let mut milliseconds = 0.0;
    let complaint = loop {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let frame = match guard::catch(|| frames.next()) {
            Ok(None) => break end.map(str::to_owned),
            Ok(Some(Ok(frame))) => frame,
            Ok(Some(Err(error))) => break Some(one_line(&error)),
            Err(said) => break Some(said),
        };
        let (numerator, denominator) = frame.delay().numer_denom_ms();
        let delay = f64::from(numerator) / f64::from(denominator.max(1));
        milliseconds += if delay < SHORTEST_DELAY_MS { USUAL_DELAY_MS } else { delay };
        let mut picture = DynamicImage::ImageRgba8(frame.into_buffer());
        picture.apply_orientation(orientation);
        let size = Size { height: picture.height() as usize, width: picture.width() as usize };
        let number = sink.frames();
        sink.admit(size, &|| format!("frame {number}"))?;
        sink.push(&over_black(picture.as_bytes()))?;
    };
    let complaint = match complaint {
        None if format == ImageFormat::Gif => match gif_end::find(open()?).map_err(unreadable)? {
            GifEnd::Missing => Some("the end of the GIF is missing".to_owned()),
            GifEnd::Last => None,
            GifEnd::Followed => {
                learnt.tell(tail::note("GIF"));
                None
            }
        },
        complaint => complaint,
    };
    let fps = (milliseconds > 0.0).then(|| sink.frames() as f64 * 1000.0 / milliseconds);
    Ok(AnimationFacts { fps, complaint, notes: learnt.into_notes() })
}

/// The decoder, if its canvas is within the limits; it then refuses by itself what would take more memory.
fn admitted<D: ImageDecoder>(mut decoder: D, limits: Limits) -> Result<D, Error> {
    let (width, height) = decoder.dimensions();
    check_size(Size { height: height as usize, width: width as usize }, limits)?;
    decoder.set_limits(decoder_limits(limits)).map_err(|error| Error::NotVideo { said: one_line(&error) })?;
    Ok(decoder)
}

/// Decodes one JPEG after another; such a file has no rate.
fn row_of_jpegs(
    path: &Path,
    sink: &mut dyn FrameSink,
    limits: Limits,
    stop: &AtomicBool,
) -> Result<AnimationFacts, Error> {
    let unreadable = |error: std::io::Error| Error::Read { said: error.to_string() };
    let file = guard::open(path).map_err(unreadable)?;
    let mut stream = JpegStream::new(BufReader::with_capacity(1 << 16, StoppableFile::new(file, stop)), limits.bytes);
    let mut learnt = PictureNotes::default();
    let mut number = 0;
    let mut complaint = None;
    while let Some(jpeg) = stream.next().map_err(unreadable)? {
        if stop.load(Ordering::Relaxed) {
            return Err(Error::Interrupted);
        }
        let name = format!("frame {number}");
        number += 1;
        let decoded = match jpeg.is_whole {
            true => still::decode_jpeg(&jpeg.bytes, &name, limits),
            false => Err(Error::Picture { name: name.clone(), said: "the end of the JPEG is missing".to_owned() }),
        };
        match decoded {
            Ok(picture) => {
                sink.admit(picture.size, &|| name.clone())?;
                sink.push(&picture.rgb)?;
                learnt.learn(picture.largest, &picture.told);
            }
            Err(why) if why.is_beyond_limits() => return Err(why),
            Err(why) => drop(complaint.get_or_insert_with(|| why.to_string())),
        }
        // Frames that do not decode are counted too, or a file of a billion of them would go on.
        if number > limits.frames {
            return Err(Error::TooManyFrames { limit: limits.frames });
        }
    }
    if stream.strange > 0 && complaint.is_none() {
        complaint = Some(format!("{} bytes between its JPEGs that are part of none", stream.strange));
    }
    Ok(AnimationFacts { fps: None, complaint, notes: learnt.into_notes() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sink::FrameBuffer;
    use image::codecs::gif::GifEncoder;
    use image::{Delay, Frame, GrayImage, Luma, RgbaImage};
    use std::fs::File;
    use std::time::Duration;

    static NEVER: AtomicBool = AtomicBool::new(false);

    fn gif(greys: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        let mut encoder = GifEncoder::new(&mut bytes);
        for grey in greys {
            let picture = RgbaImage::from_pixel(6, 4, image::Rgba([*grey, *grey, *grey, 255]));
            let delay = Delay::from_saturating_duration(Duration::from_millis(40));
            encoder.encode_frame(Frame::from_parts(picture, 0, 0, delay)).unwrap();
        }
        drop(encoder);
        bytes
    }

    /// An animated WebP: a header, and the picture that the encoder makes, once for each of the greys.
    fn webp(greys: &[u8]) -> Vec<u8> {
        let size = |length: usize| u32::try_from(length).unwrap().to_le_bytes();
        let mut body = b"WEBPVP8X\x0a\0\0\0\x02\0\0\0\x05\0\0\x03\0\0ANIM\x06\0\0\0\0\0\0\xff\0\0".to_vec();
        for grey in greys {
            let mut plain = Cursor::new(Vec::new());
            let picture = image::RgbImage::from_pixel(6, 4, image::Rgb([*grey; 3]));
            picture.write_to(&mut plain, ImageFormat::WebP).unwrap();
            let picture = plain.into_inner().split_off(12);
            let place = b"\0\0\0\0\0\0\x05\0\0\x03\0\0\x28\0\0\x02";
            body.extend([b"ANMF", &size(16 + picture.len())[..], place, &picture].concat());
        }
        [b"RIFF", &size(body.len())[..], &body].concat()
    }

    fn jpegs(greys: &[u8]) -> Vec<u8> {
        let jpeg = |grey: &u8| {
            let mut bytes = Cursor::new(Vec::new());
            GrayImage::from_pixel(6, 4, Luma([*grey])).write_to(&mut bytes, ImageFormat::Jpeg).unwrap();
            bytes.into_inner()
        };
        greys.iter().flat_map(jpeg).collect()
    }

    /// Facts and one value a frame.
    fn decoded(bytes: &[u8], format: ImageFormat, damaged: Damaged) -> Result<(AnimationFacts, Vec<u8>), Error> {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::fs::write(&path, bytes).unwrap();
        let mut sink = FrameBuffer::new(Limits::default());
        let facts = decode(&path, format, &mut sink, Limits::default(), damaged, &NEVER)?;
        if sink.frames() == 0 {
            return Err(Error::NotVideo { said: "it has no frame".to_owned() });
        }
        assert_eq!(sink.size(), Some(Size { height: 4, width: 6 }));
        Ok((facts, sink.luma().unwrap().chunks(24).map(|frame| frame[0]).collect()))
    }

    #[test]
    fn every_frame_of_an_animation_is_there_with_its_rate() {
        for (bytes, format, fps) in [
            (gif(&[0, 60, 120]), ImageFormat::Gif, Some(25.0)),
            (webp(&[0, 60, 120]), ImageFormat::WebP, Some(25.0)),
            (jpegs(&[0, 60, 120]), ImageFormat::Jpeg, None),
        ] {
            let (facts, greys) = decoded(&bytes, format, Damaged::Refuse).unwrap();
            assert_eq!((facts.fps, facts.complaint, greys), (fps, None, vec![0, 60, 120]), "{format:?}");
        }
    }

    #[test]
    fn an_animation_cut_anywhere_is_refused_and_the_hint_tells_what_keeps_its_frames() {
        let kinds = [
            (gif(&[0, 60, 120]), ImageFormat::Gif),
            (webp(&[0, 60, 120]), ImageFormat::WebP),
            (jpegs(&[0, 60, 120]), ImageFormat::Jpeg),
        ];
        for (whole, format) in kinds {
            let mut most = 0;
            // The last byte of a WebP may be one of padding.
            for length in 12..whole.len() - 1 {
                let cut = &whole[..length];
                let Err(why) = decoded(cut, format, Damaged::Refuse) else {
                    assert!(format == ImageFormat::Jpeg && greys_end(&whole, length), "{format:?} {length}");
                    continue;
                };
                assert!(matches!(why, Error::Damaged { .. } | Error::NotVideo { .. }), "{length}: {why:?}");
                match decoded(cut, format, Damaged::Keep) {
                    Ok((facts, greys)) => {
                        assert!(why.hint().contains("--keep-damaged"), "{why:?}");
                        assert_eq!(greys, [0, 60, 120][..greys.len()], "{format:?} {length}");
                        assert!(facts.complaint.is_some() && greys.len() >= most);
                        most = greys.len();
                    }
                    Err(kept) => assert!(kept == why && !why.hint().contains("--keep-damaged"), "{why:?} {kept:?}"),
                }
            }
            assert!(most >= 2, "{format:?} {most}");
        }
    }

    /// Tells whether a row of JPEGs that is cut there ends with a whole one.
    fn greys_end(whole: &[u8], length: usize) -> bool {
        whole[..length].ends_with(&[0xff, 0xd9])
    }

    #[test]
    fn bytes_behind_the_end_of_an_animation_do_no_harm_and_are_told() {
        for (whole, format) in [(gif(&[0, 60]), ImageFormat::Gif), (webp(&[0, 60]), ImageFormat::WebP)] {
            for (behind, told) in [(vec![7; 1000], 1), (vec![0; 1000], 0), (vec![7], 0)] {
                let (facts, greys) = decoded(&[&whole[..], &behind].concat(), format, Damaged::Refuse).unwrap();
                assert_eq!((facts.complaint, greys, facts.notes.len()), (None, vec![0, 60], told), "{format:?}");
            }
        }
    }

    #[test]
    fn a_jpeg_of_a_row_whose_pixels_end_before_its_end_marker_is_damage() {
        let whole = jpegs(&[60]);
        let stops = [&whole[..whole.len() - 3], &[0xff, 0xd9]].concat();
        let row = [jpegs(&[0]), stops, jpegs(&[120])].concat();
        let refused = decoded(&row, ImageFormat::Jpeg, Damaged::Refuse).unwrap_err();
        assert!(matches!(refused, Error::Damaged { frames: 2, .. }), "{refused:?}");
        let (facts, greys) = decoded(&row, ImageFormat::Jpeg, Damaged::Keep).unwrap();
        assert!(greys == [0, 120] && facts.complaint.is_some_and(|said| said.contains("frame 1")));
    }

    #[test]
    fn frames_of_a_row_of_jpegs_that_differ_in_size_are_refused() {
        let mut other = Cursor::new(Vec::new());
        GrayImage::new(8, 4).write_to(&mut other, ImageFormat::Jpeg).unwrap();
        let row = [jpegs(&[0, 60]), other.into_inner()].concat();
        assert!(matches!(decoded(&row, ImageFormat::Jpeg, Damaged::Keep), Err(Error::SizeChanges { .. })));
        let limits = Limits { frames: 2, ..Limits::default() };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a");
        std::io::Write::write_all(&mut File::create(&path).unwrap(), &jpegs(&[1, 2, 3])).unwrap();
        let mut sink = FrameBuffer::new(limits);
        let long = decode(&path, ImageFormat::Jpeg, &mut sink, limits, Damaged::Keep, &NEVER);
        assert_eq!(long, Err(Error::TooManyFrames { limit: 2 }));
    }
}

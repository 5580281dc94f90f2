//! Decoded frames, one after another → the clip as it is stored. Only resized frames are kept in memory.

use super::patient_ref::PatientRef;
use crate::clip::{Channels, Clip, Size};
use crate::preprocessing::{Fit, Preprocessing};
use crate::region::Regions;
use crate::sector::{Look, Treatment};
use crate::sector_sheet::Pair;
use crate::steps::{Step, Steps};
use crate::text::{Paint, TextLook};
use fast_image_resize::images::{TypedImage, TypedImageRef};
use fast_image_resize::pixels::U8x3;
use fast_image_resize::{FilterType, ResizeAlg, ResizeOptions, Resizer};
use hico_io::{Error, FrameSink, GreySink, Limits, check_size};

/// A clip whose channels nowhere differ by more than this (of 255) is stored as luma alone. Compression and rounding
/// tint grey pictures by up to 6; what a person or a scanner coloured differs by 9 and more.
pub const GREY_TOLERANCE: u8 = 8;

/// A clip as [`Preprocessing`] makes it, and what was seen of its source.
#[derive(Debug, Clone, PartialEq)]
pub struct PreparedClip {
    /// The prepared frames.
    pub clip: Clip,
    /// Size of the source's frames.
    pub source_size: Size,
    /// What was done, in order.
    pub steps: Steps,
    /// Facts that a person should know, such as a header that its pixels contradict.
    pub notes: Vec<String>,
    /// Height and width of a source pixel, millimetres.
    pub spacing: Option<[f64; 2]>,
    /// Regions of the source picture.
    pub regions: Regions,
    /// Mean Rec.601 luma of the first, middle (`n / 2`) and last source frame, 0 to 255.
    pub(crate) luma: [f64; 3],
    /// Whose clip it is, as the file has it.
    pub(crate) patient_ref: Option<PatientRef>,
    /// Before and after, for a sheet.
    pub(crate) pair: Option<Pair>,
}

/// Makes the clip of the frames of one source as they are decoded.
pub(crate) struct ClipBuilder {
    image_size: Option<usize>,
    fit: Fit,
    limits: Limits,
    resizer: Resizer,
    source: Option<Size>,
    stored: Size,
    pixels: Vec<u8>,
    luma: Vec<f64>,
    spread: u8,
    /// Frames are looked at, and none is stored.
    look: Option<Look>,
    text: Option<TextLook>,
    paint: Option<Paint>,
    treatment: Option<Treatment>,
    /// Frames come grey and scaled.
    scaled: bool,
}

impl ClipBuilder {
    /// - `preprocessing`: of which the size and the fit count; see [`Self::treating`] and [`Self::painting`]
    pub(crate) fn new(preprocessing: Preprocessing, limits: Limits) -> Self {
        let Preprocessing { image_size, fit, .. } = preprocessing;
        Self {
            image_size: image_size.filter(|size| *size > 0),
            fit,
            limits,
            resizer: Resizer::new(),
            source: None,
            stored: Size { height: 0, width: 0 },
            pixels: Vec::new(),
            luma: Vec::new(),
            spread: 0,
            look: None,
            text: None,
            paint: None,
            treatment: None,
            scaled: false,
        }
    }

    /// One that looks at the frames and stores none.
    pub(crate) fn looking(limits: Limits) -> Self {
        Self { look: Some(Look::new()), ..Self::new(Preprocessing::default(), limits) }
    }

    /// One that also looks for text; it stores none either.
    pub(crate) fn with_text(self) -> Self {
        Self { text: Some(TextLook::new()), ..self }
    }

    /// One that crops or masks the frames before it resizes them.
    pub(crate) fn treating(self, treatment: Option<Treatment>) -> Self {
        Self { treatment, ..self }
    }

    /// One that paints over text before it does anything else.
    pub(crate) fn painting(self, paint: Option<Paint>) -> Self {
        Self { paint, ..self }
    }

    /// What was seen, if this is one that looks, and what was seen for text.
    pub(crate) fn into_looks(self) -> (Look, TextLook) {
        (self.look.unwrap_or_default(), self.text.unwrap_or_default())
    }

    /// Size of what is kept of a source frame.
    fn kept(&self, source: Size) -> Size {
        self.treatment.as_ref().map_or(source, |treatment| treatment.size(source))
    }

    /// The clip; grey where no pixel is coloured.
    ///
    /// - `decoder`: who decoded it, the first word of what was done
    pub(crate) fn finish(mut self, fps: Option<f64>, decoder: &str) -> Result<PreparedClip, Error> {
        let (Some(source), Some(last)) = (self.source, self.luma.len().checked_sub(1)) else {
            return Err(Error::NotVideo { said: "it has no frame".to_owned() });
        };
        let mut steps = vec![Step::Decode(decoder.to_owned())];
        steps.extend(self.paint.as_ref().map(Step::from));
        steps.extend(self.treatment.as_ref().map(Step::from));
        if self.scaled || self.stored != self.kept(source) {
            let Size { height, width } = self.stored;
            steps.push(Step::Resize { height, width, fit: self.fit, by_ffmpeg: self.scaled });
        }
        let channels = if self.spread <= GREY_TOLERANCE { Channels::Grey } else { Channels::Rgb };
        if channels == Channels::Grey {
            steps.push(Step::Grey { within: self.spread });
            if !self.scaled {
                self.pixels = self.pixels.as_chunks::<3>().0.iter().map(rounded_luma).collect();
            }
        }
        let luma = [self.luma[0], self.luma[self.luma.len() / 2], self.luma[last]];
        let clip = Clip { size: self.stored, channels, pixels: self.pixels, fps };
        Ok(PreparedClip {
            clip,
            source_size: source,
            luma,
            steps: Steps(steps),
            notes: Vec::new(),
            patient_ref: None,
            spacing: None,
            regions: Regions::default(),
            pair: None,
        })
    }
}

impl FrameSink for ClipBuilder {
    fn frames(&self) -> usize {
        self.luma.len()
    }

    fn admit(&mut self, size: Size, name: &dyn Fn() -> String) -> Result<(), Error> {
        if self.luma.len() >= self.limits.frames {
            return Err(Error::TooManyFrames { limit: self.limits.frames });
        }
        check_size(size, self.limits)?;
        let first = *self.source.get_or_insert(size);
        if first != size {
            return Err(Error::SizeChanges { first, name: name(), other: size });
        }
        self.stored = stored_size(self.kept(size), self.image_size, self.fit);
        let bytes = self.stored.height.saturating_mul(self.stored.width).saturating_mul(3);
        if self.pixels.len().saturating_add(bytes) > self.limits.bytes {
            return Err(Error::TooManyBytes { limit: self.limits.bytes });
        }
        Ok(())
    }

    fn push(&mut self, rgb: &[u8]) -> Result<(), Error> {
        let failed = |said: String| Error::Picture { name: format!("frame {}", self.luma.len()), said };
        let Some(source) = self.source.filter(|size| size.height * size.width * 3 == rgb.len()) else {
            return Err(failed(format!("{} bytes, which is no whole frame", rgb.len())));
        };
        if let Some(look) = &mut self.look {
            look.push(source, rgb);
            if let Some(text) = &mut self.text {
                text.push(source, rgb);
            }
            self.luma.push(0.0);
            return Ok(());
        }
        let (luma, mut spread) = measure(rgb);
        let painted = self.paint.as_ref().map(|paint| {
            let mut painted = rgb.to_vec();
            paint.apply(&mut painted, source);
            painted
        });
        let rgb = painted.as_deref().unwrap_or(rgb);
        if painted.is_some() {
            spread = measure(rgb).1;
        }
        let (treated, source) = (self.treatment.as_ref().map(|it| it.apply(rgb, source)), self.kept(source));
        if let Some(treated) = &treated {
            spread = measure(treated).1;
        }
        let rgb = treated.as_deref().unwrap_or(rgb);
        if self.stored == source {
            self.pixels.extend_from_slice(rgb);
        } else {
            let begin = self.pixels.len();
            self.pixels.resize(begin + self.stored.height * self.stored.width * 3, 0);
            let inner =
                if self.fit == Fit::Pad { stored_size(source, self.image_size, Fit::Keep) } else { self.stored };
            let resized = resize(&mut self.resizer, rgb, source, inner).map_err(failed)?;
            paste(&mut self.pixels[begin..], self.stored, &resized, inner);
        }
        self.luma.push(luma);
        self.spread = self.spread.max(spread);
        Ok(())
    }

    fn grey(&mut self) -> Option<(Size, &mut dyn GreySink)> {
        // Whole frames are wanted to look at them, to treat them, or to know their aspect first.
        let whole = self.look.is_some() || self.paint.is_some() || self.treatment.is_some();
        let side = self.image_size.filter(|_| !whole && self.fit == Fit::Squash)?;
        self.scaled = true;
        self.stored = Size { height: side, width: side };
        Some((self.stored, self))
    }
}

impl GreySink for ClipBuilder {
    fn admit_grey(&self) -> Result<(), Error> {
        if self.luma.len() >= self.limits.frames {
            return Err(Error::TooManyFrames { limit: self.limits.frames });
        }
        // As many bytes as if they were coloured, so that a limit means the same for every clip.
        let bytes = (self.luma.len() + 1).saturating_mul(self.stored.height * self.stored.width * 3);
        if bytes > self.limits.bytes { Err(Error::TooManyBytes { limit: self.limits.bytes }) } else { Ok(()) }
    }

    fn push_grey(&mut self, luma: &[u8], spread: u8) -> bool {
        if spread > GREY_TOLERANCE {
            return false;
        }
        // Short runs keep the sum in 32 bits, which the compiler turns into wide instructions.
        let runs = luma.chunks(4096).map(|run| u64::from(run.iter().map(|value| u32::from(*value)).sum::<u32>()));
        self.luma.push(runs.sum::<u64>() as f64 / luma.len() as f64);
        self.pixels.extend_from_slice(luma);
        self.spread = self.spread.max(spread);
        true
    }

    fn spread(&self) -> u8 {
        self.spread
    }

    fn was_scaled_from(&mut self, source: Size) {
        self.source = Some(source);
    }

    fn forget(&mut self) {
        (self.scaled, self.source, self.spread) = (false, None, 0);
        self.pixels.clear();
        self.luma.clear();
    }
}

/// Size of a stored frame.
fn stored_size(source: Size, image_size: Option<usize>, fit: Fit) -> Size {
    let Some(side) = image_size else { return source };
    match fit {
        Fit::Squash | Fit::Pad => Size { height: side, width: side },
        Fit::Keep => {
            let longer = source.height.max(source.width) as f64;
            let scaled = |length: usize| ((length as f64 * side as f64 / longer).round() as usize).max(1);
            Size { height: scaled(source.height), width: scaled(source.width) }
        }
    }
}

/// Bilinear convolution whose support grows with the factor, so that shrinking does not alias.
fn resize(resizer: &mut Resizer, rgb: &[u8], from: Size, to: Size) -> Result<Vec<u8>, String> {
    let edge = |length: usize| u32::try_from(length).map_err(|error| error.to_string());
    let failed = |error: &dyn std::fmt::Display| error.to_string();
    let source = TypedImageRef::<U8x3>::from_buffer(edge(from.width)?, edge(from.height)?, rgb);
    let source = source.map_err(|error| failed(&error))?;
    let mut pixels = vec![0; to.height * to.width * 3];
    let target = TypedImage::<U8x3>::from_buffer(edge(to.width)?, edge(to.height)?, &mut pixels);
    let mut target = target.map_err(|error| failed(&error))?;
    let options = ResizeOptions::new().resize_alg(ResizeAlg::Convolution(FilterType::Bilinear));
    resizer.resize_typed(&source, &mut target, &options).map_err(|error| failed(&error))?;
    Ok(pixels)
}

/// Puts a picture into the middle of a black canvas.
fn paste(canvas: &mut [u8], canvas_size: Size, picture: &[u8], size: Size) {
    let top = (canvas_size.height - size.height) / 2;
    let left = (canvas_size.width - size.width) / 2;
    for (row, line) in picture.chunks_exact(size.width * 3).enumerate() {
        let begin = ((top + row) * canvas_size.width + left) * 3;
        canvas[begin..begin + line.len()].copy_from_slice(line);
    }
}

/// Mean Rec.601 luma, and the largest difference between the channels of one pixel.
fn measure(rgb: &[u8]) -> (f64, u8) {
    let mut spread = 0;
    let mut sums = [0_u64; 3];
    // Short runs keep the sums in 32 bits, which the compiler turns into wide instructions.
    for run in rgb.chunks(3 * 4096) {
        let mut short = [0_u32; 3];
        for [r, g, b] in run.as_chunks::<3>().0 {
            short[0] += u32::from(*r);
            short[1] += u32::from(*g);
            short[2] += u32::from(*b);
            spread = spread.max((*r).max(*g).max(*b) - (*r).min(*g).min(*b));
        }
        sums.iter_mut().zip(short).for_each(|(sum, part)| *sum += u64::from(part));
    }
    let [r, g, b] = sums.map(|sum| sum as f64);
    ((0.299 * r + 0.587 * g + 0.114 * b) / (rgb.len() as f64 / 3.0), spread)
}

/// Rec.601 luma of one pixel; exact where the three are equal.
fn rounded_luma([r, g, b]: &[u8; 3]) -> u8 {
    let sum = 299 * u32::from(*r) + 587 * u32::from(*g) + 114 * u32::from(*b);
    u8::try_from((sum + 500) / 1000).unwrap_or(u8::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ANY: Limits = Limits { frames: 10, pixels: 1000, bytes: 10_000, seconds: 1 };

    fn sink(side: usize, fit: Fit) -> ClipBuilder {
        ClipBuilder::new(
            Preprocessing { fit, image_size: Some(side).filter(|side| *side > 0), ..Preprocessing::default() },
            ANY,
        )
    }

    fn push(sink: &mut ClipBuilder, height: usize, width: usize, rgb: &[u8]) -> Result<(), Error> {
        sink.admit(Size { height, width }, &|| "it".to_owned())?;
        sink.push(rgb)
    }

    #[test]
    fn grey_pixels_are_stored_exactly_and_once() {
        let mut sink = sink(0, Fit::Squash);
        let values: Vec<u8> = (0..=255).collect();
        let rgb: Vec<u8> = values.iter().flat_map(|v| [*v; 3]).collect();
        push(&mut sink, 16, 16, &rgb).unwrap();
        let decoded = sink.finish(Some(10.0), "test").unwrap();
        assert_eq!(decoded.clip.channels, Channels::Grey);
        assert_eq!(decoded.clip.pixels, values);
        assert_eq!(decoded.luma, [127.5; 3]);
        assert_eq!(decoded.steps.to_string(), "decode test;grey");
    }

    #[test]
    fn one_coloured_pixel_in_one_frame_keeps_the_colour_of_all() {
        for (tint, channels) in [(GREY_TOLERANCE, Channels::Grey), (GREY_TOLERANCE + 1, Channels::Rgb)] {
            let mut sink = sink(0, Fit::Squash);
            push(&mut sink, 1, 2, &[9; 6]).unwrap();
            push(&mut sink, 1, 2, &[100, 100, 100, 100, 100, 100 + tint]).unwrap();
            let decoded = sink.finish(None, "test").unwrap();
            assert_eq!(decoded.clip.channels, channels);
            assert_eq!(decoded.clip.frames(), 2);
        }
    }

    #[test]
    fn luma_is_that_of_rec_601_of_the_source_frames() {
        let mut sink = sink(4, Fit::Squash);
        for value in [0, 50, 100, 200] {
            push(&mut sink, 1, 2, &[value, 0, 0, 0, 0, value]).unwrap();
        }
        let decoded = sink.finish(None, "test").unwrap();
        let expected = |value: f64| value * (0.299 + 0.114) / 2.0;
        for (luma, value) in decoded.luma.iter().zip([0.0, 100.0, 200.0]) {
            assert!((luma - expected(value)).abs() < 1e-9, "{luma} {value}");
        }
        assert_eq!(decoded.source_size, Size { height: 1, width: 2 });
    }

    #[test]
    fn shrinking_averages_and_does_not_skip() {
        // Alternating columns: a sampler without antialiasing would return pure black or white.
        let rgb: Vec<u8> = (0..32 * 32).flat_map(|pixel| [if pixel % 2 == 0 { 0 } else { 255 }; 3]).collect();
        let mut sink = ClipBuilder::new(Preprocessing::resized(8), Limits { pixels: 2000, ..ANY });
        push(&mut sink, 32, 32, &rgb).unwrap();
        let decoded = sink.finish(None, "test").unwrap();
        assert_eq!(decoded.clip.size, Size { height: 8, width: 8 });
        assert!(decoded.clip.pixels.iter().all(|value| value.abs_diff(128) < 20), "{:?}", decoded.clip.pixels);
    }

    #[test]
    fn the_aspect_is_squashed_kept_or_padded() {
        let white = [255; 10 * 20 * 3];
        let stored = |fit| {
            let mut sink = sink(8, fit);
            push(&mut sink, 10, 20, &white).unwrap();
            sink.finish(None, "test").unwrap().clip
        };
        assert_eq!(stored(Fit::Squash).size, Size { height: 8, width: 8 });
        assert_eq!(stored(Fit::Keep).size, Size { height: 4, width: 8 });
        let padded = stored(Fit::Pad);
        assert_eq!(padded.size, Size { height: 8, width: 8 });
        let rows: Vec<u8> = padded.pixels.chunks(8).map(|row| row[0]).collect();
        assert_eq!(rows, [0, 0, 255, 255, 255, 255, 0, 0]);
    }

    #[test]
    fn limits_are_checked_before_the_bytes_are_there() {
        let mut some = sink(0, Fit::Squash);
        let huge = Size { height: usize::MAX >> 40, width: 1 << 20 };
        assert!(matches!(some.admit(huge, &String::new), Err(Error::TooLarge { .. })));
        let mut changing = sink(0, Fit::Squash);
        push(&mut changing, 1, 2, &[0; 6]).unwrap();
        let error = push(&mut changing, 2, 1, &[0; 6]).unwrap_err();
        assert_eq!(error.to_string(), "frames differ in size: 1x2, but it is 2x1 (height x width)");
        let mut long = sink(0, Fit::Squash);
        for _ in 0..10 {
            push(&mut long, 1, 1, &[0; 3]).unwrap();
        }
        assert_eq!(push(&mut long, 1, 1, &[0; 3]), Err(Error::TooManyFrames { limit: 10 }));
        let mut fat = sink(100, Fit::Squash);
        assert_eq!(push(&mut fat, 1, 1, &[0; 3]), Err(Error::TooManyBytes { limit: 10_000 }));
        assert!(matches!(sink(0, Fit::Squash).finish(None, "test"), Err(Error::NotVideo { .. })));
    }

    #[test]
    fn frames_that_a_decoder_scaled_are_stored_as_they_come_and_a_coloured_one_is_not() {
        let limits = Limits { frames: 9, pixels: 100, bytes: 1000, seconds: 1 };
        let mut builder = ClipBuilder::new(Preprocessing::resized(2), limits);
        let (size, grey) = builder.grey().unwrap();
        assert_eq!(size, Size { height: 2, width: 2 });
        for _ in 0..2 {
            grey.admit_grey().unwrap();
            assert!(grey.push_grey(&[0, 80, 160, 240], 6));
        }
        assert!(!grey.push_grey(&[0; 4], GREY_TOLERANCE + 1));
        grey.was_scaled_from(Size { height: 4, width: 4 });
        let decoded = builder.finish(None, "test").unwrap();
        assert_eq!(decoded.clip.pixels, [0, 80, 160, 240, 0, 80, 160, 240]);
        assert_eq!((decoded.clip.channels, decoded.luma), (Channels::Grey, [120.0; 3]));
        assert_eq!(
            decoded.steps.to_string(),
            "decode test;resize 2x2 squash antialiased bilinear by ffmpeg;grey (channels within 6)"
        );
    }
}

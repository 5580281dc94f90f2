//! A sheet of clips before and after: the original with the outline of its region, beside what is stored.

use crate::canvas::{Canvas, FONT, INK, LINE, PALE};
use crate::clip::{Channels, Clip, Frame, Size};
use crate::sector::{Look, Outline};
use crate::view::planes::Planes;
use crate::view::resize::{Window, bilinear};

/// Clips of a sheet, at most.
pub const LARGEST_SHEET: usize = 200;

/// Longer side of a picture on the sheet, pixels, at most.
const SIDE: usize = 240;

/// Pairs in a row.
const COLUMNS: usize = 3;

/// Between cells, and around the sheet.
const MARGIN: usize = 10;

/// Between the two pictures of a clip.
const GAP: usize = 2;

/// Colour of the outline.
const LINE_COLOUR: [u8; 3] = [0, 255, 96];

/// One clip before and after, small.
#[derive(Debug, Clone, PartialEq)]
pub struct Pair {
    before: Frame,
    after: Frame,
}

/// A clip before and after, and what is written below it.
#[derive(Debug, Clone, PartialEq)]
pub struct Labelled {
    /// Name of the clip.
    pub name: String,
    /// What was done with the region.
    pub region: String,
    /// The pictures.
    pub pair: Pair,
}

impl Pair {
    /// The frame in the middle of a look, with the outline where there is one, and the same frame as it is stored; `None` if
    /// there is no such frame.
    #[must_use]
    pub fn draw(look: &Look, outline: Option<&Outline>, stored: &Clip) -> Option<Self> {
        let (number, luma) = look.middle()?;
        let grey = Frame { size: look.size(), channels: Channels::Grey, pixels: luma.to_vec() };
        let mut before = thumbnail(&grey);
        if let Some((outline, source)) = outline.zip(look.source()) {
            trace(&mut before, outline, source);
        }
        let pixels = stored.frame(number)?.to_vec();
        let after = thumbnail(&Frame { size: stored.size, channels: stored.channels, pixels });
        Some(Self { before, after })
    }
}

/// The sheet as a PNG file.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn png(clips: &[Labelled]) -> Result<Vec<u8>, image::ImageError> {
    let cell = Size { height: SIDE + 2 * LINE + MARGIN, width: 2 * SIDE + GAP + MARGIN };
    let clips = &clips[..clips.len().min(LARGEST_SHEET)];
    let columns = clips.len().clamp(1, COLUMNS);
    let height = MARGIN + clips.len().div_ceil(columns) * cell.height;
    let mut canvas = Canvas::new(Size { height, width: MARGIN + columns * cell.width });
    for (place, Labelled { name, region, pair }) in clips.iter().enumerate() {
        let (left, top) = (MARGIN + place % columns * cell.width, MARGIN + place / columns * cell.height);
        canvas.picture(&pair.before, left, top);
        canvas.picture(&pair.after, left + SIDE + GAP, top);
        canvas.text(name, left, top + SIDE + 2, cell.width - MARGIN, &FONT, INK);
        canvas.text(region, left, top + SIDE + LINE, cell.width - MARGIN, &FONT, PALE);
    }
    canvas.png()
}

/// A frame shrunken to a picture of the sheet, in colour.
fn thumbnail(frame: &Frame) -> Frame {
    let longest = frame.size.height.max(frame.size.width).max(SIDE);
    let shrunken = |length: usize| (length * SIDE / longest).max(1);
    let size = Size { height: shrunken(frame.size.height), width: shrunken(frame.size.width) };
    let small = bilinear(&Planes::of(frame), Window::whole(frame.size), size).into_owned();
    Planes { size, channels: Channels::Rgb, values: small.into_three() }.into_frame()
}

/// Draws the pixels just inside an outline.
fn trace(frame: &mut Frame, outline: &Outline, source: Size) {
    let Size { height, width } = frame.size;
    let inside = |x: usize, y: usize| {
        outline.contains((2 * x + 1) * source.width / (2 * width), (2 * y + 1) * source.height / (2 * height))
    };
    for y in 0..height {
        for x in (0..width).filter(|x| inside(*x, y)) {
            let edge = x == 0 || y == 0 || x + 1 == width || y + 1 == height;
            if edge || !(inside(x - 1, y) && inside(x + 1, y) && inside(x, y - 1) && inside(x, y + 1)) {
                frame.pixels[3 * (y * width + x)..][..3].copy_from_slice(&LINE_COLOUR);
            }
        }
    }
}

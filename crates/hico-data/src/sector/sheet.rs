//! A sheet of clips before and after: the original with the outline of its region, beside what is stored.

use super::look::{Look, shrunk_size};
use super::outline::Outline;
use crate::canvas::{Canvas, FONT, INK, LINE, PALE};
use crate::clip::{Channels, Clip, Frame, Size};

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
    /// What was done.
    pub done: String,
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
    for (place, Labelled { name, done, pair }) in clips.iter().enumerate() {
        let (left, top) = (MARGIN + place % columns * cell.width, MARGIN + place / columns * cell.height);
        canvas.picture(&pair.before, left, top);
        canvas.picture(&pair.after, left + SIDE + GAP, top);
        canvas.text(name, left, top + SIDE + 2, cell.width - MARGIN, &FONT, INK);
        canvas.text(done, left, top + SIDE + LINE, cell.width - MARGIN, &FONT, PALE);
    }
    canvas.png()
}

/// A frame shrunken by a whole factor, in colour.
fn thumbnail(frame: &Frame) -> Frame {
    let Size { height, width } = frame.size;
    let factor = height.max(width).div_ceil(SIDE).max(1);
    let size = shrunk_size(frame.size, factor);
    let channels = frame.channels.count();
    let mean = |x: usize, y: usize, channel: usize| {
        let rows = y * factor..((y + 1) * factor).min(height);
        let columns = x * factor..((x + 1) * factor).min(width);
        let count = rows.len() * columns.len();
        let sum: usize = rows
            .flat_map(|y| columns.clone().map(move |x| (y * width + x) * channels + channel % channels))
            .map(|at| usize::from(frame.pixels[at]))
            .sum();
        u8::try_from(sum / count.max(1)).unwrap_or(u8::MAX)
    };
    let places = (0..size.height).flat_map(|y| (0..size.width).map(move |x| (x, y)));
    let pixels = places.flat_map(|(x, y)| [0, 1, 2].map(|channel| mean(x, y, channel))).collect();
    Frame { size, channels: Channels::Rgb, pixels }
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

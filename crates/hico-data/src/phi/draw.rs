//! Frames of suspected clips with a box around every row of letters, and a sheet of them.

use super::{ClipText, PlacedLine, TextPlace};
use crate::canvas::{Canvas, FONT, INK, LINE, PALE};
use crate::clip::{Channels, Frame, Size};
use crate::text::TextLook;
use crate::view::planes::Planes;
use crate::view::resize::{Window, bilinear};

/// Clips of a sheet, at most.
pub const LARGEST_SHEET: usize = 120;

/// Longer side of a picture, pixels, at most.
const SIDE: usize = 420;

/// Pictures in a row of the sheet.
const COLUMNS: usize = 3;

/// Between pictures, and around the sheet.
const MARGIN: usize = 10;

/// Colours of boxes: inside the region, outside, and where it is not known.
const INSIDE: [u8; 3] = [255, 72, 72];
const OUTSIDE: [u8; 3] = [0, 255, 96];
const UNKNOWN: [u8; 3] = [255, 200, 0];

/// The frame nearest to the middle, small, with its rows boxed.
pub(super) fn picture(look: &TextLook, lines: &[PlacedLine]) -> Option<Frame> {
    let ((_, size, values), source) = (look.middle()?, look.source()?);
    let frame = Frame { size, channels: Channels::Grey, pixels: values.to_vec() };
    let longest = size.height.max(size.width).max(SIDE);
    let shrunken = |length: usize| (length * SIDE / longest).max(1);
    let small = Size { height: shrunken(size.height), width: shrunken(size.width) };
    let planes = bilinear(&Planes::of(&frame), Window::whole(size), small).into_owned();
    let mut frame = Planes { size: small, channels: Channels::Rgb, values: planes.into_three() }.into_frame();
    for PlacedLine { line, place } in lines {
        let colour = match place {
            TextPlace::Inside => INSIDE,
            TextPlace::Outside => OUTSIDE,
            TextPlace::Unknown => UNKNOWN,
        };
        let [x0, y0, x1, y1] = line.bounds;
        let (across, down) = (|x: usize| x * small.width / source.width, |y: usize| y * small.height / source.height);
        outline(&mut frame, [across(x0), down(y0), across(x1 + 1), down(y1 + 1)], colour);
    }
    Some(frame)
}

/// Draws a rectangle two pixels around what it holds.
fn outline(frame: &mut Frame, [x0, y0, x1, y1]: [usize; 4], colour: [u8; 3]) {
    let Size { height, width } = frame.size;
    let [left, top] = [x0.saturating_sub(2), y0.saturating_sub(2)];
    let [right, bottom] = [(x1 + 2).min(width - 1), (y1 + 2).min(height - 1)];
    for y in top..=bottom {
        for x in left..=right {
            if y == top || y == bottom || x == left || x == right {
                frame.pixels[3 * (y * width + x)..][..3].copy_from_slice(&colour);
            }
        }
    }
}

/// A sheet of the clips that were drawn, as a PNG file: red boxes lie inside the insonated region, green ones outside, and
/// yellow ones where it is not known.
///
/// # Errors
/// When the picture cannot be encoded.
pub fn sheet(clips: &[ClipText]) -> Result<Vec<u8>, image::ImageError> {
    let drawn: Vec<(&ClipText, &Frame)> =
        clips.iter().filter_map(|clip| Some((clip, clip.picture.as_ref()?))).take(LARGEST_SHEET).collect();
    let cell = Size { height: SIDE + 2 * LINE + MARGIN, width: SIDE + MARGIN };
    let columns = drawn.len().clamp(1, COLUMNS);
    let height = MARGIN + drawn.len().div_ceil(columns) * cell.height;
    let mut canvas = Canvas::new(Size { height, width: MARGIN + columns * cell.width });
    for (place, (clip, picture)) in drawn.iter().enumerate() {
        let (left, top) = (MARGIN + place % columns * cell.width, MARGIN + place / columns * cell.height);
        canvas.picture(picture, left, top);
        canvas.text(&clip.clip, left, top + SIDE + 2, cell.width - MARGIN, &FONT, INK);
        let words = format!("score {:.2}, {} rows", clip.score, clip.lines.len());
        canvas.text(&words, left, top + SIDE + LINE, cell.width - MARGIN, &FONT, PALE);
    }
    canvas.png()
}

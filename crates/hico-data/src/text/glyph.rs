//! Pieces of a picture that could be letters: bright, sharply edged all around, of thin strokes.

use super::look::Picture;
use crate::clip::Size;

/// Lowest letter that is looked for, pixels.
const LOWEST: usize = 5;

/// Highest letter, relative to the longer side of the picture.
const HIGHEST: f64 = 0.09;

/// Letters may touch: the longest piece, relative to its height.
const LONGEST: usize = 14;

/// Letters that touch are no taller, pixels: blurred and small ones do, large ones stand apart.
const TALLEST_THAT_TOUCH: f64 = 24.0;

/// The thickest stroke, relative to the height.
const THICKEST: f64 = 0.34;

/// At this distance from a letter the picture is dark again, pixels.
const FALL: usize = 2;

/// What is this part as bright as the letter, or less, is dark.
const DARK: f64 = 0.66;

/// A piece that could be a letter, or several that touch.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Glyph {
    /// First column and row, last column and row.
    pub(super) bounds: [usize; 4],
    /// Mean width of its strokes, pixels.
    pub(super) stroke: f64,
    /// Mean value of its pixels.
    pub(super) value: f64,
    /// That, less the mean value around it.
    pub(super) contrast: f64,
    /// Part of its surroundings that is dark.
    pub(super) sharp: f64,
    /// Part of its rectangle that it fills.
    pub(super) fill: f64,
    /// Letters that it may be made of.
    pub(super) letters: f64,
}

impl Glyph {
    pub(super) const fn height(&self) -> usize {
        self.bounds[3] - self.bounds[1] + 1
    }

    /// A bar could be the letter I as well as the tick of a ruler.
    pub(super) fn is_bar(&self) -> bool {
        self.fill > 0.8
    }
}

/// The pieces of pixels that are at least as bright as `level`.
pub(super) fn glyphs(picture: Picture<'_>, level: u8) -> Vec<Glyph> {
    let Size { height, width } = picture.size;
    let highest = ((height.max(width) as f64 * HIGHEST) as usize).max(12);
    let mut state = vec![0_u32; height * width];
    let (mut glyphs, mut piece, mut label) = (Vec::new(), Vec::new(), 0);
    for start in 0..state.len() {
        if picture.values[start] < level || state[start] != 0 {
            continue;
        }
        label += 1;
        fill(picture, level, start, label, &mut state, &mut piece);
        let bounds = bounds(&piece, width);
        let [x0, y0, x1, y1] = bounds;
        let (high, wide) = (y1 - y0 + 1, x1 - x0 + 1);
        if !(LOWEST..=highest).contains(&high) || wide > LONGEST * high || piece.len() < LOWEST {
            continue;
        }
        glyphs.extend(assess(picture, level, bounds, &piece, label, &state));
    }
    glyphs
}

/// Gathers all pixels that hang together with the first one, by sides or corners.
fn fill(picture: Picture<'_>, level: u8, start: usize, label: u32, state: &mut [u32], piece: &mut Vec<usize>) {
    let Size { height, width } = picture.size;
    piece.clear();
    piece.push(start);
    state[start] = label;
    let mut next = 0;
    while let Some(at) = piece.get(next).copied() {
        next += 1;
        let (y, x) = (at / width, at % width);
        for row in y.saturating_sub(1)..(y + 2).min(height) {
            for column in x.saturating_sub(1)..(x + 2).min(width) {
                let near = row * width + column;
                if picture.values[near] >= level && state[near] == 0 {
                    state[near] = label;
                    piece.push(near);
                }
            }
        }
    }
}

fn bounds(piece: &[usize], width: usize) -> [usize; 4] {
    piece.iter().fold([usize::MAX, usize::MAX, 0, 0], |[x0, y0, x1, y1], at| {
        let (y, x) = (at / width, at % width);
        [x0.min(x), y0.min(y), x1.max(x), y1.max(y)]
    })
}

/// What a piece is like, if it could be a letter.
fn assess(
    picture: Picture<'_>,
    level: u8,
    bounds: [usize; 4],
    piece: &[usize],
    label: u32,
    state: &[u32],
) -> Option<Glyph> {
    let Size { height, width } = picture.size;
    let [x0, y0, x1, y1] = bounds;
    let (high, wide) = ((y1 - y0 + 1) as f64, (x1 - x0 + 1) as f64);
    let own = |y: usize, x: usize| state[y * width + x] == label;
    let (mut edges, mut sum) = (0_usize, 0_u64);
    for at in piece {
        let (y, x) = (at / width, at % width);
        sum += u64::from(picture.values[*at]);
        edges += usize::from(y == 0 || !own(y - 1, x)) + usize::from(y + 1 == height || !own(y + 1, x));
        edges += usize::from(x == 0 || !own(y, x - 1)) + usize::from(x + 1 == width || !own(y, x + 1));
    }
    let area = piece.len() as f64;
    let stroke = 2.0 * area / edges as f64;
    if stroke > THICKEST * high {
        return None;
    }
    let value = sum as f64 / area;
    // Around the piece: pixels that are just too far away to belong to its blurred edge.
    let (mut around, mut dark, mut around_sum) = (0_usize, 0_usize, 0_u64);
    let mut runs = 0;
    for y in y0.saturating_sub(FALL)..(y1 + FALL + 1).min(height) {
        for x in x0.saturating_sub(FALL)..(x1 + FALL + 1).min(width) {
            if own(y, x) {
                runs += usize::from(x == 0 || !own(y, x - 1));
                continue;
            }
            let here = picture.values[y * width + x];
            if here >= level {
                continue;
            }
            if near(y, x, FALL, picture.size, &own) && !near(y, x, FALL - 1, picture.size, &own) {
                around += 1;
                around_sum += u64::from(here);
                dark += usize::from(f64::from(here) <= DARK * value);
            }
        }
    }
    if around == 0 {
        return None;
    }
    // A row crosses about one and a half strokes a letter.
    let letters = (runs as f64 / high / 1.5).min(wide / high / 0.45).max(1.0);
    // Letters that touch are small and crossed again and again; lines of tissue are long and crossed once.
    if wide > 1.6 * high && (letters < 0.5 * wide / high || high > TALLEST_THAT_TOUCH) {
        return None;
    }
    let contrast = value - around_sum as f64 / around as f64;
    let sharp = dark as f64 / around as f64;
    Some(Glyph { bounds, stroke, value, contrast, sharp, fill: area / (high * wide), letters })
}

fn near(y: usize, x: usize, reach: usize, size: Size, own: &impl Fn(usize, usize) -> bool) -> bool {
    (y.saturating_sub(reach)..(y + reach + 1).min(size.height))
        .any(|row| (x.saturating_sub(reach)..(x + reach + 1).min(size.width)).any(|column| own(row, column)))
}

//! Finds rows of letters in a look at a clip.

use super::glyph::glyphs;
use super::look::{Picture, TextLook};
use super::row::{Row, rows};
use crate::clip::Size;
use serde::Serialize;

/// Levels of brightness at which pieces are cut out.
const LEVELS: [u8; 11] = [6, 12, 24, 50, 75, 100, 125, 150, 175, 200, 225];

/// What is seen in one frame of several, and does not stay, weighs less.
const PASSING: f64 = 0.5;

/// A row with a lower score is not told.
const LEAST: f64 = 0.05;

/// Rows that are told of one clip, at most.
const MOST: usize = 200;

/// One row of letters.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Line {
    /// First column and row, last column and row; source pixels from 0, ends inclusive.
    pub bounds: [usize; 4],
    /// Letters that there seem to be.
    pub letters: usize,
    /// How likely it is text, 0 to 1.
    pub score: f64,
    /// The frame in which it is seen; none where it stays through the whole clip.
    pub frame: Option<usize>,
}

/// Rows of letters, the likeliest first.
#[must_use]
pub fn find(look: &TextLook) -> Vec<Line> {
    let Some(source) = look.source().filter(|_| look.frames().next().is_some()) else { return Vec::new() };
    let mut lines: Vec<(Row, Option<usize>)> =
        merged(search(look.darkest())).into_iter().map(|row| (row, None)).collect();
    if look.seen() > 1 {
        let frames: Vec<(usize, Vec<Row>)> =
            look.frames().map(|(number, picture)| (number, merged(search(picture)))).collect();
        for (number, found) in &frames {
            for row in found {
                let again = frames.iter().filter(|(_, rows)| rows.iter().any(|other| overlaps(row, other))).count();
                if again > 1 && !lines.iter().any(|(line, _)| overlaps(line, row)) {
                    lines.push((Row { score: row.score * PASSING, ..row.clone() }, Some(*number)));
                }
            }
        }
    }
    let mut lines: Vec<Line> = lines
        .into_iter()
        .filter(|(row, _)| row.score >= LEAST)
        .map(|(row, frame)| Line {
            bounds: enlarged(row.bounds, look.factor(), source),
            letters: row.letters.round() as usize,
            score: (row.score * 1e3).round() / 1e3,
            frame,
        })
        .collect();
    lines.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.bounds.cmp(&b.bounds)));
    lines.truncate(MOST);
    lines
}

fn search(picture: Picture<'_>) -> Vec<Row> {
    LEVELS.iter().flat_map(|level| rows(glyphs(picture, *level))).collect()
}

/// Of rows that lie on each other the likeliest.
fn merged(mut found: Vec<Row>) -> Vec<Row> {
    found.sort_by(|a, b| b.score.total_cmp(&a.score).then(a.bounds.cmp(&b.bounds)));
    let mut kept: Vec<Row> = Vec::new();
    for row in found {
        if !kept.iter().any(|other| overlaps(other, &row)) {
            kept.push(row);
        }
    }
    kept
}

/// Whether two rows share a third of the smaller one.
fn overlaps(one: &Row, other: &Row) -> bool {
    let [a, b, c, d] = one.bounds;
    let [e, f, g, h] = other.bounds;
    let (width, height) = ((c.min(g) + 1).saturating_sub(a.max(e)), (d.min(h) + 1).saturating_sub(b.max(f)));
    let area = |[x0, y0, x1, y1]: [usize; 4]| (x1 - x0 + 1) * (y1 - y0 + 1);
    3 * width * height > area(one.bounds).min(area(other.bounds))
}

fn enlarged([x0, y0, x1, y1]: [usize; 4], factor: usize, source: Size) -> [usize; 4] {
    let end = |place: usize, length: usize| ((place + 1) * factor).min(length) - 1;
    [x0 * factor, y0 * factor, end(x1, source.width), end(y1, source.height)]
}

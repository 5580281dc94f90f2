//! Pieces that could be letters → rows that could be words.

use super::glyph::Glyph;

/// Letters of a word differ in height by at most this factor: small ones and capitals.
const HEIGHTS: f64 = 1.8;

/// The widest gap between letters, relative to their height.
const GAP: f64 = 1.0;

/// Their feet, or their heads, are on one line, relative to their height.
const LEVEL: f64 = 0.22;

/// Their strokes differ in width by at most this factor.
const STROKES: f64 = 1.9;

/// They differ in brightness by at most this.
const VALUES: f64 = 48.0;

/// Letters that are nearly black are told by what is around them: their contrast is at least this part of their value.
const BLACK_AROUND: f64 = 0.85;

/// Letters in a row.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    /// First column and row, last column and row.
    pub(super) bounds: [usize; 4],
    /// How many letters there seem to be.
    pub(super) letters: f64,
    /// From 0 to 1.
    pub(super) score: f64,
}

/// Pieces that stand in a row, each row with its score.
pub(super) fn rows(mut glyphs: Vec<Glyph>) -> Vec<Row> {
    glyphs
        .retain(|glyph| glyph.sharp >= 0.5 && (glyph.contrast >= 25.0 || glyph.contrast >= BLACK_AROUND * glyph.value));
    glyphs.sort_by_key(|glyph| glyph.bounds);
    let mut leader: Vec<usize> = (0..glyphs.len()).collect();
    let tallest = glyphs.iter().map(Glyph::height).max().unwrap_or(0);
    for (place, left) in glyphs.iter().enumerate() {
        let reach = left.bounds[2] + 1 + (GAP * tallest as f64) as usize;
        for (ahead, right) in glyphs[place + 1..].iter().enumerate() {
            if right.bounds[0] > reach {
                break;
            }
            if neighbours(left, right) {
                let (a, b) = (find(&mut leader, place), find(&mut leader, place + 1 + ahead));
                leader[a.max(b)] = a.min(b);
            }
        }
    }
    let mut members: std::collections::BTreeMap<usize, Vec<&Glyph>> = std::collections::BTreeMap::new();
    for (place, glyph) in glyphs.iter().enumerate() {
        members.entry(find(&mut leader, place)).or_default().push(glyph);
    }
    members.into_values().filter_map(|members| row(&members)).collect()
}

fn find(leader: &mut [usize], mut place: usize) -> usize {
    while leader[place] != place {
        leader[place] = leader[leader[place]];
        place = leader[place];
    }
    place
}

/// Whether the second piece, which begins no further left, goes on with the row of the first.
fn neighbours(left: &Glyph, right: &Glyph) -> bool {
    let (a, b) = (left.height() as f64, right.height() as f64);
    let (high, low) = (a.max(b), a.min(b));
    let apart = |ratio: f64, most: f64| ratio > most || ratio < 1.0 / most;
    let distance = |one: usize, other: usize| one.abs_diff(other) as f64;
    let gap = right.bounds[0] as f64 - left.bounds[2] as f64 - 1.0;
    high <= HEIGHTS * low
        && gap <= GAP * high
        && gap >= -0.3 * low
        && (distance(left.bounds[3], right.bounds[3]) <= (LEVEL * high).max(1.0)
            || distance(left.bounds[1], right.bounds[1]) <= (LEVEL * high).max(1.0))
        && !apart(left.stroke / right.stroke, STROKES)
        && (left.value - right.value).abs() <= VALUES
}

/// A row and its score, unless it is too short.
fn row(members: &[&Glyph]) -> Option<Row> {
    let letters: f64 = members.iter().map(|glyph| glyph.letters).sum();
    let bars = members.iter().filter(|glyph| glyph.is_bar()).count();
    if letters < 1.7 || members.len() - bars < 1 {
        return None;
    }
    let count = members.len() as f64;
    let mean = |of: &dyn Fn(&Glyph) -> f64| members.iter().map(|glyph| of(glyph)).sum::<f64>() / count;
    let spread = |of: &dyn Fn(&Glyph) -> f64| {
        let middle = mean(of);
        mean(&|glyph| (of(glyph) - middle).powi(2)).sqrt()
    };
    let high = mean(&|glyph| glyph.height() as f64);
    let uneven = spread(&|glyph| glyph.bounds[3] as f64).min(spread(&|glyph| glyph.bounds[1] as f64)) / high;
    let [sharp, contrast] = [mean(&|glyph| glyph.sharp), mean(&|glyph| glyph.contrast)];
    let strokes = spread(&|glyph| glyph.stroke) / mean(&|glyph| glyph.stroke);
    let solid = bars as f64 / count;
    let evidence = 1.2 * (letters - 3.0).min(4.0) + 0.03 * (contrast - 100.0) + 6.0 * (sharp - 0.9)
        - 6.0 * uneven
        - 3.0 * strokes
        - 2.0 * solid;
    let bounds = members.iter().fold([usize::MAX, usize::MAX, 0, 0], |[x0, y0, x1, y1], glyph| {
        let [a, b, c, d] = glyph.bounds;
        [x0.min(a), y0.min(b), x1.max(c), y1.max(d)]
    });
    Some(Row { bounds, letters, score: 1.0 / (1.0 + (-evidence).exp()) })
}

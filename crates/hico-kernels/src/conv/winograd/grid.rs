//! The tiles of a batch of maps, and the pixels that they see and cover.

use super::turn::{LINE, Pixels, TILE, WIDE};
use std::ops::Range;

/// Tiles of 2x2 over the maps that come out, numbered image after image, row after row.
#[derive(Debug, Clone, Copy)]
pub(super) struct Grid {
    /// Height and width of the maps that go in.
    pub(super) source: [usize; 2],
    /// Height and width of the maps that come out.
    pub(super) target: [usize; 2],
    /// Zeros around the maps that go in.
    pub(super) padding: usize,
}

/// Neighbours in one row of tiles of one image.
#[derive(Debug, Clone, Copy)]
pub(super) struct Piece {
    pub(super) image: usize,
    /// Row of tiles.
    pub(super) row: usize,
    /// Column of the first.
    pub(super) column: usize,
    /// Where they stand among the tiles asked for.
    pub(super) at: usize,
    /// At most [`WIDE`].
    pub(super) count: usize,
}

impl Grid {
    fn wide(&self) -> usize {
        self.target[1].div_ceil(TILE)
    }

    /// Tiles of an image.
    pub(super) fn tiles(&self) -> usize {
        self.target[0].div_ceil(TILE) * self.wide()
    }

    /// The pieces that some tiles of a batch are made of.
    pub(super) fn pieces(self, tiles: Range<usize>) -> impl Iterator<Item = Piece> {
        let (wide, first) = (self.wide(), tiles.start);
        let mut next = first;
        std::iter::from_fn(move || {
            let (image, of_image) = (next / self.tiles(), next % self.tiles());
            let (row, column) = (of_image / wide, of_image % wide);
            let count = (wide - column).min(tiles.end - next).min(WIDE);
            let piece = Piece { image, row, column, at: next - first, count };
            next += count;
            (count > 0).then_some(piece)
        })
    }

    /// One of the rows of pixels of a map that the tiles of a piece see.
    ///
    /// - `maps`: memory from the map on
    #[inline(always)]
    pub(super) fn seen<'a>(&self, maps: &'a [f32], piece: Piece, row: usize) -> Pixels<'a> {
        let row = (TILE * piece.row + row).wrapping_sub(self.padding);
        cut(maps, self.source, piece, self.padding, row, TILE * piece.count + TILE)
    }

    /// One of the rows of pixels of a map of the result that the tiles of a piece cover.
    #[inline(always)]
    pub(super) fn covered<'a>(&self, maps: &'a [f32], piece: Piece, row: usize) -> Pixels<'a> {
        cut(maps, self.target, piece, 0, TILE * piece.row + row, TILE * piece.count)
    }
}

/// Stands for a row that lies outside of its map.
static OUTSIDE: [f32; LINE] = [0.0; LINE];

#[inline(always)]
fn cut<'a>(
    maps: &'a [f32],
    [height, width]: [usize; 2],
    piece: Piece,
    padding: usize,
    row: usize,
    length: usize,
) -> Pixels<'a> {
    let begin = (TILE * piece.column).saturating_sub(padding).min(width);
    let before = padding.saturating_sub(TILE * piece.column).min(length);
    let inside = (length - before).min(width - begin);
    let row = if row < height { &maps[row * width + begin..] } else { &OUTSIDE };
    Pixels { row, before, inside }
}

//! The tiles of a batch of maps, and the pixels that they see and cover.

use super::turn::{Gathered, LANES, LINE, Pixels, SEEN, TILE, WIDE};
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

/// Tiles in a row of a map up to which pixels are gathered one by one: to cut a row out for so few costs more.
const NARROW: usize = 4;

/// A pixel of one of [`LANES`] tiles, and where it comes from.
#[derive(Debug, Clone, Copy)]
struct Pixel {
    /// Its place in [`Gathered`].
    to: u8,
    /// Its place from the first image's map on.
    from: usize,
}

/// How pixels of up to [`LANES`] tiles are gathered: the same for every channel.
#[derive(Debug)]
pub(super) struct Gather(Vec<Pixel>);

impl Gather {
    /// Fills in the pixels that lie within the maps.
    ///
    /// - `maps`: memory from the first image's map of a channel on
    #[inline(always)]
    pub(super) fn fill(&self, maps: &[f32], gathered: &mut Gathered) {
        for pixel in &self.0 {
            gathered[usize::from(pixel.to)] = maps[pixel.from];
        }
    }
}

impl Grid {
    /// Whether a row of tiles is so short that pixels had better be gathered.
    pub(super) fn is_narrow(&self) -> bool {
        self.wide() <= NARROW
    }

    /// The pixels that tiles see, of some of the rows that each sees.
    ///
    /// - `tiles`: up to [`LANES`]
    /// - `channels`: of the maps that go in
    pub(super) fn gather_seen(&self, tiles: Range<usize>, rows: &[usize], channels: usize) -> Gather {
        self.gather(tiles, [rows, &[0, 1, 2, 3]], (self.source, self.padding), channels)
    }

    /// The pixels of the result that tiles cover; otherwise as [`Self::gather_seen`].
    pub(super) fn gather_covered(&self, tiles: Range<usize>, channels: usize) -> Gather {
        self.gather(tiles, [&[0, 1], &[0, 1]], (self.target, 0), channels)
    }

    fn gather(
        &self,
        tiles: Range<usize>,
        [rows, columns]: [&[usize]; 2],
        ([height, width], padding): ([usize; 2], usize),
        channels: usize,
    ) -> Gather {
        let mut pixels = Vec::new();
        for (lane, tile) in tiles.take(LANES).enumerate() {
            let (image, of_image) = (tile / self.tiles(), tile % self.tiles());
            let [line, column] = [of_image / self.wide(), of_image % self.wide()].map(|tile| TILE * tile);
            for down in rows {
                for across in columns {
                    let [y, x] = [line + down, column + across].map(|pixel| pixel.wrapping_sub(padding));
                    if y < height && x < width {
                        let to = (SEEN * down + across) * LANES + lane;
                        pixels.push(Pixel { to: to as u8, from: (image * channels * height + y) * width + x });
                    }
                }
            }
        }
        Gather(pixels)
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

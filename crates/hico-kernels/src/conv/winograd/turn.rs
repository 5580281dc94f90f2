//! The three transforms of F(2x2, 3x3) and what the way back makes of them, on [`LANES`] tiles or kernels at a time.
//!
//! With the matrices of Lavin and Gray (2016, eq. 8), `tile = A' [(G kernel G') . (B' pixels B)] A`:
//!
//! ```text
//!      1  0 -1  0         1    0   0
//! B' = 0  1  1  0    G = 1/2  1/2 1/2    A' = 1  1  1  0
//!      0 -1  1  0        1/2 -1/2 1/2         0  1 -1 -1
//!      0  1  0 -1         0    0   1
//! ```
//!
//! Whole vectors are computed however short the rows of a map are; what lies behind the last tile is never read.

use crate::lanes::{apart, load, store, weave};
use pulp::Simd;

/// Pixels that a tile sees along an axis, and coefficients along it.
pub(super) const SEEN: usize = 4;

/// Pixels of a tile along an axis.
pub(super) const TILE: usize = 2;

/// Tiles that are multiplied at a time, at most.
pub(super) const WIDE: usize = 48;

/// Numbers that are turned together.
pub(super) const LANES: usize = 16;

/// Room for the pixels that [`WIDE`] neighbours see along a row, and what is read behind them.
pub(super) const LINE: usize = TILE * WIDE + 3 * LANES;

/// [`LANES`] numbers.
pub(super) type Lanes = [f32; LANES];

/// One coefficient of each tile.
pub(super) type Row = [f32; WIDE];

#[inline(always)]
fn sum(a: &Lanes, b: &Lanes) -> Lanes {
    let mut sum = [0.0; LANES];
    for n in 0..LANES {
        sum[n] = a[n] + b[n];
    }
    sum
}

#[inline(always)]
fn difference(a: &Lanes, b: &Lanes) -> Lanes {
    let mut difference = [0.0; LANES];
    for n in 0..LANES {
        difference[n] = a[n] - b[n];
    }
    difference
}

#[inline(always)]
fn half(a: &Lanes) -> Lanes {
    let mut half = [0.0; LANES];
    for n in 0..LANES {
        half[n] = 0.5 * a[n];
    }
    half
}

/// Of a row that neighbours see or cover: its pixels from the first that lies in the map on, as far as memory goes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pixels<'a> {
    pub(super) row: &'a [f32],
    /// Pixels before the map's border.
    pub(super) before: usize,
    /// Pixels in the map; those behind them are zeros.
    pub(super) inside: usize,
}

/// What is done with a number of one row and one of another.
#[derive(Debug, Clone, Copy)]
enum Mix {
    First,
    Sum,
    Difference,
    MinusSecond,
}

impl Mix {
    /// What the row `down` of `B'` makes of the two rows that [`seen_by`] names.
    const fn seen(down: usize) -> Self {
        if down == 1 { Self::Sum } else { Self::Difference }
    }

    /// What the row `down` of `A` makes of the two rows that a tile covers.
    const fn covered(down: usize) -> Self {
        match down {
            0 => Self::First,
            1 => Self::Sum,
            2 => Self::Difference,
            _ => Self::MinusSecond,
        }
    }

    #[inline(always)]
    fn of<S: Simd>(self, simd: S, first: S::f32s, second: S::f32s) -> S::f32s {
        match self {
            Self::First => first,
            Self::Sum => simd.add_f32s(first, second),
            Self::Difference => simd.sub_f32s(first, second),
            Self::MinusSecond => simd.neg_f32s(second),
        }
    }

    /// `length` mixed numbers of two rows, zeros beyond the border, and what lies behind them.
    #[inline(always)]
    fn rows<S: Simd>(self, simd: S, [first, second]: [Pixels<'_>; 2], length: usize, line: &mut [f32; LINE]) {
        let Pixels { before, inside, .. } = first;
        let whole = inside.next_multiple_of(S::F32_LANES);
        if first.row.len().min(second.row.len()) < whole {
            return self.last_rows(simd, [first, second], length, line);
        }
        let (first, second) = (&first.row[..whole], &second.row[..whole]);
        let target = &mut line[before..][..whole];
        let mut at = 0;
        while at < whole {
            let mixed = self.of(simd, load::<S>(&first[at..]), load::<S>(&second[at..]));
            store::<S>(&mut target[at..], mixed);
            at += S::F32_LANES;
        }
        for pixel in &mut line[..before] {
            *pixel = 0.0;
        }
        for pixel in &mut line[(before + inside).min(length)..length] {
            *pixel = 0.0;
        }
    }

    /// Mixed numbers of two rows of gathered pixels, the first `N` columns, from the tile `first` on.
    #[inline(always)]
    fn gathered<S: Simd, const N: usize>(
        self,
        simd: S,
        pixels: &Gathered,
        [upper, lower]: [usize; 2],
        first: usize,
    ) -> [S::f32s; N] {
        let mut mixed = [simd.splat_f32s(0.0); N];
        for (column, mixed) in mixed.iter_mut().enumerate() {
            let [upper, lower] = [upper, lower].map(|row| &pixels[(SEEN * row + column) * LANES + first..]);
            *mixed = self.of(simd, load::<S>(upper), load::<S>(lower));
        }
        mixed
    }

    /// [`Self::rows`] at the end of memory, where there is less than whole vectors.
    #[cold]
    fn last_rows<S: Simd>(self, simd: S, rows: [Pixels<'_>; 2], length: usize, line: &mut [f32; LINE]) {
        let mut copies = [[0.0; LINE]; 2];
        for (copy, pixels) in copies.iter_mut().zip(rows) {
            copy[..pixels.inside].copy_from_slice(&pixels.row[..pixels.inside]);
        }
        let rows = [Pixels { row: &copies[0], ..rows[0] }, Pixels { row: &copies[1], ..rows[1] }];
        self.rows(simd, rows, length, line);
    }
}

/// The rows of pixels that the row `down` of [`turn_pixels`] needs, of those that a tile sees.
pub(super) const fn seen_by(down: usize) -> [usize; 2] {
    [[0, 2], [1, 2], [2, 1], [1, 3]][down]
}

/// The row `down` of `B' pixels B` for `count` neighbours.
///
/// - `rows`: those that [`seen_by`] names
/// - `line`: room to work in
/// - `turned`: gets four times `count` coefficients, and what lies behind them, from one to the next `stride`
#[inline(always)]
pub(super) fn turn_pixels<S: Simd>(
    simd: S,
    rows: [Pixels<'_>; 2],
    [down, count]: [usize; 2],
    line: &mut [f32; LINE],
    turned: &mut [f32],
    stride: usize,
) {
    Mix::seen(down).rows(simd, rows, TILE * count + TILE, line);
    for first in (0..count).step_by(S::F32_LANES) {
        let line = &line[TILE * first..][..TILE * S::F32_LANES + TILE];
        let [a, b] = apart(simd, load::<S>(line), load::<S>(&line[S::F32_LANES..]));
        let [c, d] = apart(simd, load::<S>(&line[TILE..]), load::<S>(&line[TILE + S::F32_LANES..]));
        put::<S>(turn_row(simd, [a, b, c, d]), first, turned, stride);
    }
}

/// The pixels of [`LANES`] tiles of a map each, `[SEEN, SEEN, LANES]`; zeros where a tile reaches over the border, or
/// where there is no tile.
pub(super) type Gathered = [f32; SEEN * SEEN * LANES];

/// The same for [`LANES`] tiles whose pixels were gathered.
#[inline(always)]
pub(super) fn turn_gathered<S: Simd>(simd: S, pixels: &Gathered, down: usize, turned: &mut [f32], stride: usize) {
    for first in (0..LANES).step_by(S::F32_LANES) {
        let row = Mix::seen(down).gathered(simd, pixels, seen_by(down), first);
        put::<S>(turn_row(simd, row), first, turned, stride);
    }
}

/// A row times `B`.
#[inline(always)]
fn turn_row<S: Simd>(simd: S, [a, b, c, d]: [S::f32s; SEEN]) -> [S::f32s; SEEN] {
    [simd.sub_f32s(a, c), simd.add_f32s(b, c), simd.sub_f32s(c, b), simd.sub_f32s(b, d)]
}

/// The row `down` of `A tile A'` for `count` neighbours, what comes back through [`tiles`]; as [`turn_pixels`].
///
/// - `rows`: the two that the tiles cover
/// - `line`: room to work in
#[inline(always)]
pub(super) fn turn_back<S: Simd>(
    simd: S,
    rows: [Pixels<'_>; 2],
    [down, count]: [usize; 2],
    line: &mut [f32; LINE],
    turned: &mut [f32],
    stride: usize,
) {
    Mix::covered(down).rows(simd, rows, TILE * count, line);
    for first in (0..count).step_by(S::F32_LANES) {
        let line = &line[TILE * first..][..TILE * S::F32_LANES];
        let row = apart(simd, load::<S>(line), load::<S>(&line[S::F32_LANES..]));
        put::<S>(turn_row_back(simd, row), first, turned, stride);
    }
}

/// The same for [`LANES`] tiles whose pixels were gathered.
#[inline(always)]
pub(super) fn turn_gathered_back<S: Simd>(simd: S, pixels: &Gathered, down: usize, turned: &mut [f32], stride: usize) {
    for first in (0..LANES).step_by(S::F32_LANES) {
        let row = Mix::covered(down).gathered(simd, pixels, [0, 1], first);
        put::<S>(turn_row_back(simd, row), first, turned, stride);
    }
}

/// A row times `A'`.
#[inline(always)]
fn turn_row_back<S: Simd>(simd: S, [left, right]: [S::f32s; TILE]) -> [S::f32s; SEEN] {
    [left, simd.add_f32s(left, right), simd.sub_f32s(left, right), simd.neg_f32s(right)]
}

/// Writes four coefficients, `stride` from one to the next.
#[inline(always)]
fn put<S: Simd>(row: [S::f32s; SEEN], first: usize, turned: &mut [f32], stride: usize) {
    for (number, values) in row.into_iter().enumerate() {
        store::<S>(&mut turned[number * stride + first..], values);
    }
}

/// `G kernel G'` of [`LANES`] kernels.
#[inline(always)]
pub(super) fn turn_weight(kernel: &[Lanes; 9]) -> [Lanes; 16] {
    let mut down = [[[0.0; LANES]; 3]; SEEN];
    for column in 0..3 {
        let (a, b, c) = (&kernel[column], &kernel[3 + column], &kernel[6 + column]);
        let outer = sum(a, c);
        down[0][column] = *a;
        down[1][column] = half(&sum(&outer, b));
        down[2][column] = half(&difference(&outer, b));
        down[3][column] = *c;
    }
    let mut turned = [[0.0; LANES]; 16];
    for (row, turned) in down.iter().zip(turned.as_chunks_mut::<SEEN>().0) {
        let [a, b, c] = row;
        let outer = sum(a, c);
        *turned = [*a, half(&sum(&outer, b)), half(&difference(&outer, b)), *c];
    }
    turned
}

/// `G' turned G` of [`LANES`] kernels: what comes back through [`turn_weight`].
#[inline(always)]
pub(super) fn weight_back(turned: &[Lanes; 16]) -> [Lanes; 9] {
    let mut down = [[[0.0; LANES]; SEEN]; 3];
    for column in 0..SEEN {
        let (a, b) = (&turned[column], &turned[SEEN + column]);
        let (c, d) = (&turned[2 * SEEN + column], &turned[3 * SEEN + column]);
        let inner = half(&sum(b, c));
        down[0][column] = sum(a, &inner);
        down[1][column] = half(&difference(b, c));
        down[2][column] = sum(&inner, d);
    }
    let mut kernel = [[0.0; LANES]; 9];
    for (row, kernel) in down.iter().zip(kernel.as_chunks_mut::<3>().0) {
        let [a, b, c, d] = row;
        let inner = half(&sum(b, c));
        *kernel = [sum(a, &inner), half(&difference(b, c)), sum(&inner, d)];
    }
    kernel
}

/// `A' products A`: the rows of pixels that neighbours cover, upper and lower.
///
/// - `products`: of each coefficient some rows, of which this takes one
#[inline(always)]
pub(super) fn tiles<S: Simd, const ROWS: usize>(
    simd: S,
    products: &[[Row; ROWS]; 16],
    row: usize,
    bias: f32,
    pixels: &mut [[f32; TILE * WIDE]; TILE],
) {
    let bias = simd.splat_f32s(bias);
    for first in (0..WIDE).step_by(S::F32_LANES) {
        let mut across = [[bias; TILE]; SEEN];
        for (across, products) in across.iter_mut().zip(products.as_chunks::<SEEN>().0) {
            let [a, b, c, d] = products;
            let (a, b) = (load::<S>(&a[row][first..]), load::<S>(&b[row][first..]));
            let (c, d) = (load::<S>(&c[row][first..]), load::<S>(&d[row][first..]));
            across[0] = simd.add_f32s(simd.add_f32s(a, b), c);
            across[1] = simd.sub_f32s(simd.sub_f32s(b, c), d);
        }
        let [[a, e], [b, f], [c, g], [d, h]] = across;
        let upper = [simd.add_f32s(simd.add_f32s(a, b), c), simd.add_f32s(simd.add_f32s(e, f), g)];
        let lower = [simd.sub_f32s(simd.sub_f32s(b, c), d), simd.sub_f32s(simd.sub_f32s(f, g), h)];
        for (line, [left, right]) in pixels.iter_mut().zip([upper, lower]) {
            let woven = weave(simd, simd.add_f32s(left, bias), simd.add_f32s(right, bias));
            for (number, values) in woven.into_iter().enumerate() {
                store::<S>(&mut line[TILE * first + number * S::F32_LANES..], values);
            }
        }
    }
}

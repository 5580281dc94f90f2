//! A perceptual hash of 256 bits: signs of cosine coefficients of a frame's texture.
//!
//! The texture ([`super::texture`]) goes through a two-dimensional cosine transform (DCT-II). Its coefficients `(down,
//! across)` are taken from the lowest frequencies on, without the few lowest, which a texture hardly has; a bit is the
//! sign of one. A sign survives another size, brightness, contrast and compression. In a mirror the coefficients of odd
//! `across` change their sign and nothing else, so the hash of a mirrored frame is the hash with those bits turned, and
//! need not be stored.

use super::texture::{SIDE, Texture};
use std::f64::consts::PI;
use std::sync::LazyLock;

/// Bits of a hash.
pub const BITS: usize = 256;

/// Coefficients nearer to the mean than this (in half waves a frame) are left out.
const LOWEST: usize = 3;

/// Half waves a frame, at most, in either direction; enough for [`BITS`] coefficients.
const HIGHEST: usize = 20;

/// Signs of 256 coefficients of a frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PictureHash(pub [u64; 4]);

impl PictureHash {
    /// The hash of a texture.
    #[must_use]
    pub fn of(texture: &Texture) -> Self {
        let table = &*TABLE;
        // Across first: [SIDE, HIGHEST]
        let across: Vec<f32> =
            texture.values.chunks_exact(SIDE).flat_map(|row| table.waves.iter().map(|wave| dot(row, wave))).collect();
        let coefficient = |down: usize, at: usize| {
            let wave = &table.waves[down];
            (0..SIDE).map(|row| wave[row] * across[row * HIGHEST + at]).sum::<f32>()
        };
        let mut bits = [0; 4];
        for (bit, &(down, at)) in table.places.iter().enumerate() {
            bits[bit / 64] |= u64::from(coefficient(down, at) > 0.0) << (bit % 64);
        }
        Self(bits)
    }

    /// The hash of the same frame seen in a mirror.
    #[must_use]
    pub fn mirrored(self) -> Self {
        let odd = &TABLE.odd;
        Self([0, 1, 2, 3].map(|word| self.0[word] ^ odd[word]))
    }

    /// Bits that differ (Hamming distance), 0 to 256; 128 on average for two pictures that have nothing in common.
    #[must_use]
    pub fn distance(self, other: Self) -> u32 {
        self.0.iter().zip(other.0).map(|(a, b)| (a ^ b).count_ones()).sum()
    }
}

fn dot(a: &[f32], b: &[f32]) -> f32 {
    // Eight sums side by side, so that the compiler may use vectors.
    let mut sums = [0.0; 8];
    for (a, b) in a.chunks_exact(8).zip(b.chunks_exact(8)) {
        for lane in 0..8 {
            sums[lane] += a[lane] * b[lane];
        }
    }
    sums.iter().sum()
}

struct Table {
    /// `[HIGHEST][SIDE]`, cosines.
    waves: Vec<Vec<f32>>,
    /// `[BITS]`, which coefficient a bit is the sign of: half waves down and across.
    places: Vec<(usize, usize)>,
    /// The bits of odd half waves across.
    odd: [u64; 4],
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let wave =
        |number: usize| (0..SIDE).map(move |at| (PI * number as f64 * (at as f64 + 0.5) / SIDE as f64).cos() as f32);
    let all = (0..HIGHEST).flat_map(|down| (0..HIGHEST).map(move |across| (down, across)));
    let mut places: Vec<(usize, usize)> = all.filter(|(d, a)| d * d + a * a >= LOWEST * LOWEST).collect();
    places.sort_by_key(|&(down, across)| (down * down + across * across, down));
    places.truncate(BITS);
    let mut odd = [0; 4];
    for (bit, (_, across)) in places.iter().enumerate() {
        odd[bit / 64] |= ((across % 2) as u64) << (bit % 64);
    }
    Table { waves: (0..HIGHEST).map(|number| wave(number).collect()).collect(), places, odd }
});

#[cfg(test)]
mod tests {
    use super::super::texture::tests::blobs;
    use super::*;
    use crate::clip::Frame;
    use crate::view::resize::Window;
    use proptest::prelude::*;

    fn hash(frame: &Frame) -> PictureHash {
        PictureHash::of(&Texture::of(frame, Window::whole(frame.size)).unwrap())
    }

    #[test]
    fn a_single_wave_sets_the_sign_of_its_own_bit() {
        let table = &*TABLE;
        for bit in [0, 77, 255] {
            let (down, across) = table.places[bit];
            for sign in [1.0, -1.0] {
                let value = |at: usize| sign * table.waves[down][at / SIDE] * table.waves[across][at % SIDE];
                let texture = Texture { values: (0..SIDE * SIDE).map(value).collect() };
                let set = PictureHash::of(&texture).0[bit / 64] >> (bit % 64) & 1;
                assert_eq!(set == 1, sign > 0.0);
            }
        }
        assert_eq!(table.places.len(), BITS);
    }

    #[test]
    fn copies_are_near_and_other_pictures_about_half_the_bits_away() {
        let frame = blobs(200, 260, 1);
        assert!(hash(&frame).distance(hash(&blobs(140, 140, 1))) < 16, "another size");
        for seed in 2..12 {
            let apart = hash(&frame).distance(hash(&blobs(200, 260, seed)));
            assert!((90..=166).contains(&apart), "{apart}");
        }
    }

    proptest! {
        #[test]
        fn the_hash_of_a_mirrored_frame_is_the_mirrored_hash(seed in 0_u64..1000, width in 40_usize..200) {
            let frame = blobs(90, width, seed);
            let pixels = frame.pixels.chunks_exact(width).flat_map(|row| row.iter().rev().copied()).collect();
            let flipped = Frame { pixels, ..frame.clone() };
            // A coefficient near zero may fall on either side.
            prop_assert!(hash(&flipped).distance(hash(&frame).mirrored()) <= 4);
        }

        #[test]
        fn distance_is_a_metric(a: [u64; 4], b: [u64; 4], c: [u64; 4]) {
            let [a, b, c] = [a, b, c].map(PictureHash);
            prop_assert_eq!(a.distance(a), 0);
            prop_assert_eq!(a.distance(b), b.distance(a));
            prop_assert!(a.distance(c) <= a.distance(b) + b.distance(c));
            prop_assert_eq!(a.mirrored().mirrored(), a);
            prop_assert_eq!(a.mirrored().distance(b.mirrored()), a.distance(b));
        }
    }
}

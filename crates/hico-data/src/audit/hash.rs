//! A perceptual hash of 256 bits: signs of cosine coefficients of a frame's texture.
//!
//! The texture ([`super::texture`]) goes through a two-dimensional cosine transform (DCT-II). Its coefficients `(down,
//! across)` are taken from the lowest frequencies on, without the few lowest, which a texture hardly has; a bit is the
//! sign of one. A sign survives another size, brightness, contrast and compression. In a mirror the coefficients of odd
//! `across` change their sign and nothing else, so the hash of a mirrored frame is the hash with those bits turned, and
//! need not be stored.

use super::blur::SIDE;
use super::texture::Texture;
use pulp::{Simd, WithSimd};
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
        let coefficients = pulp::Arch::new().dispatch(Coefficients { values: &texture.values, waves: &table.waves });
        let mut bits = [0; 4];
        for (bit, &(down, across)) in table.places.iter().enumerate() {
            bits[bit / 64] |= u64::from(coefficients[down][across] > 0.0) << (bit % 64);
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

/// Waves that are summed side by side.
const LANES: usize = 8;

/// Waves in a row of the table, the last ones nothing but zeros, so that they come in whole [`LANES`].
const PADDED: usize = HIGHEST.next_multiple_of(LANES);

/// Sums of a wave, each over every eighth value of a line.
const SUMS: usize = 8;

/// The cosine coefficients of a texture: `[down][across]`.
struct Coefficients<'a> {
    values: &'a [f32],
    waves: &'a [[f32; PADDED]; SIDE],
}

impl WithSimd for Coefficients<'_> {
    type Output = [[f32; PADDED]; HIGHEST];

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> Self::Output {
        let mut across = [[0.0; PADDED]; SIDE];
        for (line, across) in self.values.chunks_exact(SIDE).zip(&mut across) {
            for (block, across) in across.as_chunks_mut::<LANES>().0.iter_mut().enumerate() {
                *across = times_waves(line, self.waves, block * LANES);
            }
        }
        let mut coefficients = [[0.0; PADDED]; HIGHEST];
        for (down, sums) in coefficients.iter_mut().enumerate() {
            for (across, waves) in across.iter().zip(self.waves) {
                for (sum, value) in sums.iter_mut().zip(across) {
                    *sum += waves[down] * value;
                }
            }
        }
        coefficients
    }
}

/// A line times each of some waves.
#[inline(always)]
fn times_waves(line: &[f32], waves: &[[f32; PADDED]; SIDE], first: usize) -> [f32; LANES] {
    let mut sums = [[0.0; LANES]; SUMS];
    let (values, waves) = (line.as_chunks::<SUMS>().0, waves.as_chunks::<SUMS>().0);
    for (values, waves) in values.iter().zip(waves) {
        for ((value, waves), sums) in values.iter().zip(waves).zip(&mut sums) {
            let waves = &waves[first..][..LANES];
            for lane in 0..LANES {
                sums[lane] += value * waves[lane];
            }
        }
    }
    sums.into_iter().fold([0.0; LANES], |mut whole, sums| {
        (0..LANES).for_each(|lane| whole[lane] += sums[lane]);
        whole
    })
}

struct Table {
    /// Cosines: the value of every wave at a place, place after place.
    waves: [[f32; PADDED]; SIDE],
    /// `[BITS]`, which coefficient a bit is the sign of: half waves down and across.
    places: Vec<(usize, usize)>,
    /// The bits of odd half waves across.
    odd: [u64; 4],
}

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    let cosine = |number: usize, at: usize| (PI * number as f64 * (at as f64 + 0.5) / SIDE as f64).cos() as f32;
    let mut waves = [[0.0; PADDED]; SIDE];
    for (at, waves) in waves.iter_mut().enumerate() {
        (0..HIGHEST).for_each(|number| waves[number] = cosine(number, at));
    }
    let all = (0..HIGHEST).flat_map(|down| (0..HIGHEST).map(move |across| (down, across)));
    let mut places: Vec<(usize, usize)> = all.filter(|(d, a)| d * d + a * a >= LOWEST * LOWEST).collect();
    places.sort_by_key(|&(down, across)| (down * down + across * across, down));
    places.truncate(BITS);
    let mut odd = [0; 4];
    for (bit, (_, across)) in places.iter().enumerate() {
        odd[bit / 64] |= ((across % 2) as u64) << (bit % 64);
    }
    Table { waves, places, odd }
});

#[cfg(test)]
mod tests {
    use super::super::texture::tests::blobs;
    use super::*;
    use crate::clip::Frame;
    use crate::view::planes::Planes;
    use crate::view::resize::Window;
    use proptest::prelude::*;

    fn hash(frame: &Frame) -> PictureHash {
        PictureHash::of(&Texture::of(&Planes::of(frame), Window::whole(frame.size)).unwrap())
    }

    #[test]
    fn a_single_wave_sets_the_sign_of_its_own_bit() {
        let table = &*TABLE;
        for bit in [0, 77, 255] {
            let (down, across) = table.places[bit];
            for sign in [1.0, -1.0] {
                let value = |at: usize| sign * table.waves[at / SIDE][down] * table.waves[at % SIDE][across];
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

    /// Coefficient after coefficient, every sum in the order in which hashes have always been made.
    fn naive(texture: &Texture) -> PictureHash {
        let table = &*TABLE;
        let dot = |row: &[f32], wave: usize| {
            let mut sums = [0.0_f32; 8];
            row.iter().enumerate().for_each(|(at, value)| sums[at % 8] += value * table.waves[at][wave]);
            sums.iter().sum::<f32>()
        };
        let rows: Vec<&[f32]> = texture.values.chunks_exact(SIDE).collect();
        let mut hash = PictureHash([0; 4]);
        for (bit, &(down, across)) in table.places.iter().enumerate() {
            let along = |row: usize| table.waves[row][down] * dot(rows[row], across);
            hash.0[bit / 64] |= u64::from((0..SIDE).map(along).sum::<f32>() > 0.0) << (bit % 64);
        }
        hash
    }

    #[test]
    fn side_by_side_or_one_after_the_other_gives_the_same_hash() {
        for seed in 0..60 {
            let frame = blobs(90 + seed as usize, 200 - seed as usize, seed);
            let texture = Texture::of(&Planes::of(&frame), Window::whole(frame.size)).unwrap();
            assert_eq!(PictureHash::of(&texture), naive(&texture));
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

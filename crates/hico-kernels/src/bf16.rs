//! Products of numbers with 8 significant bits (bfloat16), summed in 32: twice as many at a time on CPUs that have them.
//!
//! Two neighbours are multiplied and added in one go, so operands are kept in pairs, in one 32-bit word: the first of a
//! pair in its lower half. Every number is rounded to the nearest, ties to even.

use crate::tile::{ROWS, Sums, VECTORS};

/// Two numbers, the first in the lower half.
pub(crate) type Pair = u32;

/// What operands of large products are rounded to; sums, and everything else, are in 32 bits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Hash)]
pub enum Precision {
    /// Nothing is rounded.
    #[default]
    F32,
    /// To bfloat16 where this CPU multiplies them ([`Precision::is_available`]); elsewhere as [`Self::F32`].
    Bf16,
}

impl Precision {
    /// Whether this CPU computes in this precision, and not in 32 bits instead.
    #[must_use]
    pub fn is_available(self) -> bool {
        self == Self::F32 || cpu::is_available()
    }

    /// Whether products are to be taken in pairs here.
    pub(crate) fn is_paired(self) -> bool {
        self == Self::Bf16 && cpu::is_available()
    }
}

/// The nearest bfloat16, its bits.
#[inline(always)]
const fn rounded(value: f32) -> u32 {
    let bits = value.to_bits();
    if value.is_nan() {
        // Rounding could carry a NaN into infinity.
        return (bits >> 16) | 0x40;
    }
    (bits + 0x7fff + ((bits >> 16) & 1)) >> 16
}

/// Two numbers as a pair.
#[inline(always)]
pub(crate) const fn pair(first: f32, second: f32) -> Pair {
    rounded(first) | (rounded(second) << 16)
}

/// `sums[row][n] = sum over k of weights[k][row] * values[k][n]`, pair by pair, in the order of `k`.
///
/// - `values`: for each `k` so many pairs as `stride` says
/// - `vectors`: as for [`crate::tile::tile`], of 16 sums
pub(crate) fn tile(weights: &[[Pair; ROWS]], (values, stride): (&[Pair], usize), vectors: usize, sums: &mut Sums) {
    cpu::tile(weights, (values, stride), vectors, sums);
}

/// `sums[a][b] += sum over n of first[a][n] * second[b][n]`, pair by pair.
///
/// - `first`, `second`: rows of `LENGTH` pairs, of which `count` count, a multiple of 16
/// - `stride`: from one row of the sums to the next
#[inline(always)]
pub(crate) fn add_products<const A: usize, const B: usize, const LENGTH: usize>(
    first: &[[Pair; LENGTH]; A],
    second: &[[Pair; LENGTH]; B],
    count: usize,
    sums: &mut [f32],
    stride: usize,
) {
    cpu::add_products(first, second, count, sums, stride);
}

/// Values that follow each other as pairs of neighbours.
pub(crate) fn neighbours(values: &[f32], pairs: &mut [Pair]) {
    crate::wide::wide(|| {
        for (pair_, values) in pairs.iter_mut().zip(values.as_chunks::<2>().0) {
            *pair_ = pair(values[0], values[1]);
        }
    });
}

/// Values of two rows as pairs.
#[inline(always)]
pub(crate) fn of_rows(first: &[f32], second: &[f32], pairs: &mut [Pair]) {
    for ((pair_, first), second) in pairs.iter_mut().zip(first).zip(second) {
        *pair_ = pair(*first, *second);
    }
}

#[cfg(target_arch = "x86_64")]
mod cpu {
    #![expect(unsafe_code, reason = "instructions that not every CPU has, and the type of their operands")]

    use super::{Pair, ROWS, Sums, VECTORS};
    use std::arch::x86_64::*;
    use std::sync::LazyLock;

    static AVAILABLE: LazyLock<bool> =
        LazyLock::new(|| is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bf16"));

    #[inline(always)]
    pub(super) fn is_available() -> bool {
        *AVAILABLE
    }

    pub(super) fn tile(weights: &[[Pair; ROWS]], values: (&[Pair], usize), vectors: usize, sums: &mut Sums) {
        assert!(is_available(), "this CPU does not multiply bfloat16");
        // SAFETY: the CPU has what the functions are compiled for.
        unsafe {
            match vectors {
                1 => tile_of::<1>(weights, values, sums),
                2 => tile_of::<2>(weights, values, sums),
                _ => tile_of::<VECTORS>(weights, values, sums),
            }
        }
    }

    #[inline(always)]
    pub(super) fn add_products<const A: usize, const B: usize, const LENGTH: usize>(
        first: &[[Pair; LENGTH]; A],
        second: &[[Pair; LENGTH]; B],
        count: usize,
        sums: &mut [f32],
        stride: usize,
    ) {
        assert!(is_available(), "this CPU does not multiply bfloat16");
        // SAFETY: the CPU has what the function is compiled for.
        unsafe { products_of(first, second, count, sums, stride) }
    }

    /// The type that the products want.
    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn operand(pairs: __m512i) -> __m512bh {
        // SAFETY: both are 512 bits, and all bits are numbers in both.
        unsafe { std::mem::transmute(pairs) }
    }

    #[inline]
    #[target_feature(enable = "avx512f,avx512bf16")]
    fn load(pairs: &[Pair; 16]) -> __m512bh {
        operand(bytemuck::cast(*pairs))
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    fn tile_of<const V: usize>(weights: &[[Pair; ROWS]], (values, stride): (&[Pair], usize), sums: &mut Sums) {
        let mut lanes = [[_mm512_setzero_ps(); V]; ROWS];
        for (weights, values) in weights.iter().zip(values.chunks(stride)) {
            let Some(values) = values.as_chunks::<16>().0.first_chunk::<V>() else { return };
            let mut vectors = [_mm512_setzero_si512(); V];
            for (vector, values) in vectors.iter_mut().zip(values) {
                *vector = bytemuck::cast(*values);
            }
            for (lanes, weight) in lanes.iter_mut().zip(weights) {
                let weight = operand(_mm512_set1_epi32(weight.cast_signed()));
                for (lane, vector) in lanes.iter_mut().zip(vectors) {
                    *lane = _mm512_dpbf16_ps(*lane, weight, operand(vector));
                }
            }
        }
        for (sums, lanes) in sums.iter_mut().zip(lanes) {
            for (sums, lane) in sums.as_chunks_mut::<16>().0.iter_mut().zip(lanes) {
                *sums = bytemuck::cast(lane);
            }
        }
    }

    #[target_feature(enable = "avx512f,avx512bf16")]
    fn products_of<const A: usize, const B: usize, const LENGTH: usize>(
        first: &[[Pair; LENGTH]; A],
        second: &[[Pair; LENGTH]; B],
        count: usize,
        sums: &mut [f32],
        stride: usize,
    ) {
        let mut lanes = [[_mm512_setzero_ps(); B]; A];
        for n in 0..(count / 16).min(LENGTH / 16) {
            let mut vectors = [_mm512_setzero_si512(); B];
            for (vector, row) in vectors.iter_mut().zip(second) {
                *vector = bytemuck::cast(row.as_chunks::<16>().0[n]);
            }
            for (lanes, row) in lanes.iter_mut().zip(first) {
                let value = load(&row.as_chunks::<16>().0[n]);
                for (lane, vector) in lanes.iter_mut().zip(vectors) {
                    *lane = _mm512_dpbf16_ps(*lane, value, operand(vector));
                }
            }
        }
        for (row, lanes) in lanes.iter().enumerate() {
            for (sum, lane) in sums[row * stride..].iter_mut().zip(lanes) {
                *sum += _mm512_reduce_add_ps(*lane);
            }
        }
    }
}

#[cfg(not(target_arch = "x86_64"))]
mod cpu {
    use super::{Pair, ROWS, Sums};

    pub(super) const fn is_available() -> bool {
        false
    }

    pub(super) fn tile(_: &[[Pair; ROWS]], _: (&[Pair], usize), _: usize, _: &mut Sums) {
        unreachable!("this CPU does not multiply bfloat16");
    }

    pub(super) fn add_products<const A: usize, const B: usize, const LENGTH: usize>(
        _: &[[Pair; LENGTH]; A],
        _: &[[Pair; LENGTH]; B],
        _: usize,
        _: &mut [f32],
        _: usize,
    ) {
        unreachable!("this CPU does not multiply bfloat16");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(bits: u32) -> f32 {
        f32::from_bits(bits << 16)
    }

    #[test]
    fn numbers_are_rounded_to_the_nearest_and_ties_to_even() {
        for (number, expected) in
            [(1.0, 1.0), (-2.5, -2.5), (1.0 + 1.0 / 256.0, 1.0), (1.0 + 3.0 / 256.0, 1.0 + 1.0 / 64.0)]
        {
            assert_eq!(value(rounded(number)), expected, "{number}");
        }
        assert_eq!(value(rounded(1.0 + 1.0 / 256.0 + 1e-6)), 1.0 + 1.0 / 128.0);
        assert_eq!(value(rounded(f32::INFINITY)), f32::INFINITY);
        assert_eq!(value(rounded(f32::MAX)), f32::INFINITY);
        assert!(value(rounded(f32::from_bits(0x7f80_0001))).is_nan());
        assert_eq!(pair(1.0, -2.0), 0xc000_3f80);
    }

    #[test]
    fn products_of_small_whole_numbers_are_exact() {
        if !Precision::Bf16.is_available() {
            println!("skipped: this CPU does not multiply bfloat16");
            return;
        }
        let number = |place: usize| (place * 7 % 11) as f32 - 5.0;
        let (count, wide) = (9, 48);
        let weights: Vec<[Pair; ROWS]> = (0..count)
            .map(|k| std::array::from_fn(|row| pair(number(2 * k + row), number(2 * k + 1 + 3 * row))))
            .collect();
        let values: Vec<Pair> = (0..count * wide).map(|place| pair(number(place), number(place + 5))).collect();
        for vectors in 1..=VECTORS {
            let mut sums: Sums = [[0.0; 16 * VECTORS]; ROWS];
            tile(&weights, (&values, wide), vectors, &mut sums);
            for (row, sums) in sums.iter().enumerate() {
                for (n, sum) in sums.iter().take(16 * vectors).enumerate() {
                    let product = |k: usize| {
                        let place = k * wide + n;
                        number(2 * k + row) * number(place) + number(2 * k + 1 + 3 * row) * number(place + 5)
                    };
                    assert_eq!(*sum, (0..count).map(product).sum::<f32>(), "{vectors}, {row}, {n}");
                }
            }
        }
        let row = |first: usize| -> [Pair; 32] {
            std::array::from_fn(|n| pair(number(first + 2 * n), number(first + 2 * n + 1)))
        };
        let mut sums = [1.0; 5];
        add_products(&[row(1), row(2)], &[row(3), row(4)], 16, &mut sums, 3);
        let product = |a: usize, b: usize| 1.0 + (0..32).map(|n| number(a + n) * number(b + n)).sum::<f32>();
        assert_eq!(sums, [product(1, 3), product(1, 4), 1.0, product(2, 3), product(2, 4)]);
    }
}

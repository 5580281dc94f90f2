//! Vectors of the CPU at hand, in the order of memory.

use pulp::Simd;

/// The first vector of some numbers.
#[inline(always)]
pub(crate) fn load<S: Simd>(values: &[f32]) -> S::f32s {
    S::as_simd_f32s(&values[..S::F32_LANES]).0[0]
}

/// Writes a vector to the front of some numbers.
#[inline(always)]
pub(crate) fn store<S: Simd>(values: &mut [f32], vector: S::f32s) {
    S::as_mut_simd_f32s(&mut values[..S::F32_LANES]).0[0] = vector;
}

/// Of two vectors' numbers, one after the other: those at even places, and those between them.
#[inline(always)]
pub(crate) fn apart<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> [S::f32s; 2] {
    #[cfg(target_arch = "x86_64")]
    if let Some(found) = x86::apart(simd, a, b) {
        return found;
    }
    let (both, mut found) = ([a, b], [simd.splat_f32s(0.0); 2]);
    let both: &[f32] = pulp::bytemuck::cast_slice(&both);
    let found_values: &mut [f32] = pulp::bytemuck::cast_slice_mut(&mut found);
    let (even, odd) = found_values.split_at_mut(S::F32_LANES);
    for ((even, odd), pair) in even.iter_mut().zip(odd).zip(both.as_chunks::<2>().0) {
        [*even, *odd] = *pair;
    }
    found
}

/// The first of each, the second of each, and so on: what [`apart`] takes apart.
#[inline(always)]
pub(crate) fn weave<S: Simd>(simd: S, even: S::f32s, odd: S::f32s) -> [S::f32s; 2] {
    #[cfg(target_arch = "x86_64")]
    if let Some(found) = x86::weave(simd, even, odd) {
        return found;
    }
    let (even, odd, mut found) = ([even], [odd], [simd.splat_f32s(0.0); 2]);
    let (even, odd): (&[f32], &[f32]) = (pulp::bytemuck::cast_slice(&even), pulp::bytemuck::cast_slice(&odd));
    let pairs: &mut [f32] = pulp::bytemuck::cast_slice_mut(&mut found);
    for ((even, odd), pair) in even.iter().zip(odd).zip(pairs.as_chunks_mut::<2>().0) {
        *pair = [*even, *odd];
    }
    found
}

#[cfg(target_arch = "x86_64")]
mod x86 {
    use pulp::Simd;
    use pulp::bytemuck::cast;
    use pulp::x86::{V3, V4};
    use std::any::Any;
    use std::arch::x86_64::{__m256, __m512, __m512i};

    /// Places in two vectors of 16, from `first` on in steps of 2.
    const fn every_second(first: i32) -> [i32; 16] {
        let mut places = [0; 16];
        let mut n = 0;
        while n < 16 {
            places[n] = first + 2 * n as i32;
            n += 1;
        }
        places
    }

    /// Places that take turns in two vectors of 16, from `first` on in each.
    const fn in_turn(first: i32) -> [i32; 16] {
        let mut places = [0; 16];
        let mut n = 0;
        while n < 16 {
            places[n] = first + n as i32 / 2 + 16 * (n as i32 % 2);
            n += 1;
        }
        places
    }

    #[inline(always)]
    fn chosen<S: Simd>(v4: V4, a: S::f32s, b: S::f32s, places: [i32; 16]) -> S::f32s {
        let (a, b): (__m512, __m512) = (cast(a), cast(b));
        let places: __m512i = cast(places);
        cast(v4.avx512f._mm512_permutex2var_ps(a, places, b))
    }

    #[inline(always)]
    pub(super) fn apart<S: Simd>(simd: S, a: S::f32s, b: S::f32s) -> Option<[S::f32s; 2]> {
        let simd: &dyn Any = &simd;
        if let Some(v4) = simd.downcast_ref::<V4>() {
            return Some([chosen::<S>(*v4, a, b, every_second(0)), chosen::<S>(*v4, a, b, every_second(1))]);
        }
        let v3 = simd.downcast_ref::<V3>()?;
        let (a, b): (__m256, __m256) = (cast(a), cast(b));
        // Within each half first, then the halves' quarters into their places.
        let even = v3.avx._mm256_castps_pd(v3.avx._mm256_shuffle_ps::<0x88>(a, b));
        let odd = v3.avx._mm256_castps_pd(v3.avx._mm256_shuffle_ps::<0xdd>(a, b));
        let [even, odd] = [v3.avx2._mm256_permute4x64_pd::<0xd8>(even), v3.avx2._mm256_permute4x64_pd::<0xd8>(odd)];
        Some([cast(v3.avx._mm256_castpd_ps(even)), cast(v3.avx._mm256_castpd_ps(odd))])
    }

    #[inline(always)]
    pub(super) fn weave<S: Simd>(simd: S, even: S::f32s, odd: S::f32s) -> Option<[S::f32s; 2]> {
        let simd: &dyn Any = &simd;
        if let Some(v4) = simd.downcast_ref::<V4>() {
            return Some([chosen::<S>(*v4, even, odd, in_turn(0)), chosen::<S>(*v4, even, odd, in_turn(8))]);
        }
        let v3 = simd.downcast_ref::<V3>()?;
        let (even, odd): (__m256, __m256) = (cast(even), cast(odd));
        let low = v3.avx._mm256_unpacklo_ps(even, odd);
        let high = v3.avx._mm256_unpackhi_ps(even, odd);
        let first = v3.avx._mm256_permute2f128_ps::<0x20>(low, high);
        let second = v3.avx._mm256_permute2f128_ps::<0x31>(low, high);
        Some([cast(first), cast(second)])
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use pulp::{Arch, WithSimd};

    struct Both<'a>(&'a [f32], &'a mut Vec<f32>);

    impl WithSimd for Both<'_> {
        type Output = usize;

        #[inline(always)]
        fn with_simd<S: Simd>(self, simd: S) -> usize {
            let [even, odd] = apart(simd, load::<S>(self.0), load::<S>(&self.0[S::F32_LANES..]));
            let woven = weave(simd, even, odd);
            for (values, vector) in self.1.chunks_exact_mut(S::F32_LANES).zip([even, odd, woven[0], woven[1]]) {
                store::<S>(values, vector);
            }
            S::F32_LANES
        }
    }

    fn check(run: impl FnOnce(Both<'_>) -> usize) {
        let (values, mut found) = ((0..32).map(|n| n as f32).collect::<Vec<_>>(), vec![0.0; 64]);
        let lanes = run(Both(&values, &mut found));
        let even = (0..lanes).map(|n| 2.0 * n as f32);
        let odd = (0..lanes).map(|n| 2.0 * n as f32 + 1.0);
        let expected: Vec<f32> = even.chain(odd).chain((0..2 * lanes).map(|n| n as f32)).collect();
        assert_eq!(&found[..4 * lanes], expected, "{lanes} lanes");
    }

    #[test]
    fn what_is_taken_apart_is_woven_together_on_every_kind_of_cpu() {
        check(|both| Arch::new().dispatch(both));
        check(|both| Simd::vectorize(pulp::Scalar::new(), both));
        #[cfg(target_arch = "x86_64")]
        {
            if let Some(v3) = pulp::x86::V3::try_new() {
                check(|both| Simd::vectorize(v3, both));
            }
            if let Some(v4) = pulp::x86::V4::try_new() {
                check(|both| Simd::vectorize(v4, both));
            }
        }
    }
}

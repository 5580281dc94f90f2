//! Numbers cut to whole ones, in additions: the compiler turns Rust's own casts into one instruction a number.

/// 2^23: a number this large has no place left for a fraction, and holds a smaller whole one in its low bits.
const LARGE: f32 = 8_388_608.0;

/// The whole part of a number from 0 to 2^22.
#[inline(always)]
pub(super) const fn whole(number: f32) -> f32 {
    let nearest = (number + LARGE) - LARGE;
    if nearest > number { nearest - 1.0 } else { nearest }
}

/// The whole part of a number from 0 to below 256.
#[inline(always)]
pub(super) const fn cut(number: f32) -> u8 {
    (whole(number) + LARGE).to_bits() as u8
}

/// The number cut towards zero and to what a byte holds, as Rust's `as u8`.
#[inline(always)]
pub(super) const fn byte(number: f32) -> u8 {
    cut(number.clamp(0.0, 255.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_cut_as_rust_cuts_them() {
        for step in -3000..3000 {
            let number = step as f32 / 10.0;
            for number in [number.next_down(), number, number.next_up()] {
                assert_eq!(byte(number), number as u8, "{number}");
                if number >= 0.0 {
                    assert_eq!(whole(number).to_bits(), number.trunc().to_bits(), "{number}");
                }
            }
        }
    }
}

//! Changes of colour, a strip of pixels at a time.
//!
//! Each change rounds its result to bytes, as PIL does. In between, values stay whole numbers in 32-bit floats, which
//! hold every step of PIL's arithmetic without loss, and a strip stays in the first cache for all its changes.

use super::hue;
use pulp::{Simd, WithSimd};

/// One change, with all it needs to know of the picture.
#[derive(Debug, Clone, Copy)]
pub(super) enum Step {
    /// Every value, blended with one grey value.
    Blend {
        /// The grey value.
        towards: u8,
        factor: f32,
    },
    /// Every colour, blended with its own grey.
    Saturate { factor: f32 },
    /// Every colour, turned by so many 255ths of the circle of hues.
    Turn { shift: u8 },
}

/// Changes a picture of `N` planes, 1 or 3, in place.
pub(super) struct Steps<'a, const N: usize> {
    /// Of one length.
    pub planes: [&'a mut [u8]; N],
    pub steps: &'a [Step],
}

/// Pixels of a strip.
const WIDTH: usize = 64;

/// At the border of a line of the cache, so that no wide access touches two.
#[repr(align(64))]
struct Strip<const N: usize>([[f32; WIDTH]; N]);

impl<const N: usize> WithSimd for Steps<'_, N> {
    type Output = ();

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) {
        let Self { mut planes, steps } = self;
        let pixels = planes.first().map_or(0, |plane| plane.len());
        let whole = pixels - pixels % WIDTH;
        for begin in (0..whole).step_by(WIDTH) {
            through(&mut planes, begin, WIDTH, steps);
        }
        through(&mut planes, whole, pixels - whole, steps);
    }
}

/// Puts the `width` pixels from `begin` on through the steps.
#[inline(always)]
fn through<const N: usize>(planes: &mut [&mut [u8]; N], begin: usize, width: usize, steps: &[Step]) {
    let mut strip = Strip([[0.0; WIDTH]; N]);
    for (values, plane) in strip.0.iter_mut().zip(planes.iter()) {
        read(values, &plane[begin..begin + width]);
    }
    change(&mut strip, steps);
    for (values, plane) in strip.0.iter().zip(planes) {
        write(values, &mut plane[begin..begin + width]);
    }
}

#[inline(always)]
fn read(values: &mut [f32; WIDTH], bytes: &[u8]) {
    for (value, byte) in values.iter_mut().zip(bytes) {
        *value = f32::from(*byte);
    }
}

#[inline(always)]
fn write(values: &[f32; WIDTH], bytes: &mut [u8]) {
    for (value, byte) in values.iter().zip(bytes) {
        *byte = bits(*value) as u8;
    }
}

/// A whole number below 2^23 in the low bits. Rust's own casts are not made into wide instructions.
#[inline(always)]
fn bits(whole: f32) -> u32 {
    const LARGE: f32 = 8_388_608.0;
    (whole + LARGE).to_bits() - LARGE.to_bits()
}

#[inline(always)]
fn change<const N: usize>(strip: &mut Strip<N>, steps: &[Step]) {
    for step in steps {
        match (*step, &mut strip.0[..]) {
            (Step::Blend { towards, factor }, planes) => {
                let towards = f32::from(towards);
                for values in planes {
                    for value in values {
                        *value = blend(towards, *value, factor);
                    }
                }
            }
            (Step::Saturate { factor }, [red, green, blue]) => {
                for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
                    let grey = luma(*red, *green, *blue);
                    *red = blend(grey, *red, factor);
                    *green = blend(grey, *green, factor);
                    *blue = blend(grey, *blue, factor);
                }
            }
            (Step::Turn { shift }, [red, green, blue]) => {
                let shift = f32::from(shift);
                for ((red, green), blue) in red.iter_mut().zip(green).zip(blue) {
                    [*red, *green, *blue] = hue::turned([*red, *green, *blue], shift);
                }
            }
            // Three equal channels, of which there is one, have no saturation and no hue.
            (Step::Saturate { .. } | Step::Turn { .. }, _) => {}
        }
    }
}

/// The sum of every pixel's grey, in a picture of `N` planes, 1 or 3.
pub(super) struct SumOfGreys<'a, const N: usize>(pub [&'a [u8]; N]);

impl<const N: usize> WithSimd for SumOfGreys<'_, N> {
    type Output = u64;

    #[inline(always)]
    fn with_simd<S: Simd>(self, _simd: S) -> u64 {
        // So many pixels that their sum fits 32 bits.
        const ROW: usize = 1 << 16;
        let pixels = self.0.first().map_or(0, |plane| plane.len());
        let mut sum = 0;
        for begin in (0..pixels).step_by(ROW) {
            let row = self.0.map(|plane| &plane[begin..pixels.min(begin + ROW)]);
            let mut part = 0;
            match row[..] {
                [red, green, blue] => {
                    for ((red, green), blue) in red.iter().zip(green).zip(blue) {
                        part += bits(luma(f32::from(*red), f32::from(*green), f32::from(*blue)));
                    }
                }
                _ => {
                    for plane in row {
                        for grey in plane {
                            part += u32::from(*grey);
                        }
                    }
                }
            }
            sum += u64::from(part);
        }
        sum
    }
}

/// `from` at factor 0, `to` at factor 1, beyond it above; cut to bytes towards zero, as PIL's blend does.
#[inline(always)]
fn blend(from: f32, to: f32, factor: f32) -> f32 {
    (from + factor * (to - from)).clamp(0.0, 255.0).floor()
}

/// The grey of a colour: ITU-R 601 in 16 bits of fraction, rounded, as PIL's conversion to `L`. All sums are whole
/// numbers below 2^24, so none is rounded on the way.
#[inline(always)]
fn luma(red: f32, green: f32, blue: f32) -> f32 {
    ((red * 19595.0 + green * 38470.0 + blue * 7471.0 + 32768.0) * (1.0 / 65536.0)).floor()
}

//! The same operations with loops over 64-bit numbers, from their definitions.

use crate::conv::Geometry;

/// The values of the sum that a convolution is: for each product, the places in `x`, `weight` and `y`.
pub(crate) fn each_product(geometry: Geometry, mut each: impl FnMut(usize, usize, usize)) {
    let Geometry { batch, inputs, outputs, height, width, kernel, stride, padding } = geometry;
    let (tall, wide) = (geometry.out_height(), geometry.out_width());
    for image in 0..batch {
        for output in 0..outputs {
            for row in 0..tall {
                for column in 0..wide {
                    let y = ((image * outputs + output) * tall + row) * wide + column;
                    for input in 0..inputs {
                        for down in 0..kernel {
                            for across in 0..kernel {
                                let (from, at) = (row * stride + down, column * stride + across);
                                if from < padding || at < padding {
                                    continue;
                                }
                                let (from, at) = (from - padding, at - padding);
                                if from < height && at < width {
                                    let x = ((image * inputs + input) * height + from) * width + at;
                                    let weight = ((output * inputs + input) * kernel + down) * kernel + across;
                                    each(x, weight, y);
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether every value is within `share` of the largest expected one, or of 1, the size of what is summed.
pub(crate) fn close(found: &[f32], expected: &[f64], share: f64) -> Result<(), String> {
    assert_eq!(found.len(), expected.len());
    let largest = expected.iter().fold(1.0_f64, |largest, value| largest.max(value.abs()));
    for (place, (found, expected)) in found.iter().zip(expected).enumerate() {
        let off = (f64::from(*found) - expected).abs();
        if off.is_nan() || off > share * largest {
            return Err(format!("at {place}: {found} is not {expected}, largest {largest}"));
        }
    }
    Ok(())
}

/// Numbers that look random, from -1 to 1, the same for the same seed.
pub(crate) fn numbers(count: usize, seed: u64) -> Vec<f32> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        ((state >> 40) as f64 / f64::from(1 << 23) - 1.0) as f32
    };
    std::iter::repeat_with(next).take(count).collect()
}

//! Batch normalisation of `[batch, channels, map]` on slices, with what follows it in a residual block.

use crate::wide::wide;
use rayon::prelude::*;

/// Sums are taken in so many lanes, which the compiler turns into wide additions.
const LANES: usize = 16;

/// What is done to the normalised value.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Tail<'a> {
    None,
    Relu,
    /// A value of the same shape is added, then negative ones become zero.
    AddRelu(&'a [f32]),
}

/// Shape of what is normalised.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Shape {
    /// Images that are normalised together; those after them have statistics of their own.
    pub(crate) images: usize,
    pub(crate) channels: usize,
    /// Height times width.
    pub(crate) map: usize,
}

impl Shape {
    /// Values of one channel that are normalised together.
    fn count(&self) -> f64 {
        (self.images * self.map) as f64
    }

    /// How often images are normalised apart from others.
    fn groups(&self, values: usize) -> usize {
        values / (self.images * self.channels * self.map)
    }

    /// The statistics of the map at a place of the batch: those of its group and channel.
    fn of_map(&self, place: usize) -> usize {
        place / (self.images * self.channels) * self.channels + place % self.channels
    }
}

/// Sums of what `f` gives for pairs of values, in 32-bit lanes within a map.
#[inline(always)]
fn sums_of<const N: usize>(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> [f32; N]) -> [f64; N] {
    let (wide_a, rest_a) = a.as_chunks::<LANES>();
    let (wide_b, rest_b) = b.as_chunks::<LANES>();
    let mut lanes = [[0.0_f32; LANES]; N];
    for (a, b) in wide_a.iter().zip(wide_b) {
        for lane in 0..LANES {
            let values = f(a[lane], b[lane]);
            for (lanes, value) in lanes.iter_mut().zip(values) {
                lanes[lane] += value;
            }
        }
    }
    let mut sums = lanes.map(|lanes| lanes.into_iter().map(f64::from).sum::<f64>());
    for (a, b) in rest_a.iter().zip(rest_b) {
        for (sum, value) in sums.iter_mut().zip(f(*a, *b)) {
            *sum += f64::from(value);
        }
    }
    sums
}

/// The sum of the values.
pub(crate) fn sum(values: &[f32]) -> f64 {
    wide(|| sums_of(values, values, |value, _| [value])[0])
}

/// The sum of the squares of the values.
pub(crate) fn sum_of_squares(values: &[f32]) -> f64 {
    wide(|| sums_of(values, values, |value, _| [value * value])[0])
}

/// The maps of one channel of one group, image after image.
///
/// - `which`: as [`Shape::of_map`] counts
fn maps(values: &[f32], shape: Shape, which: usize) -> impl Iterator<Item = &[f32]> {
    let (group, channel) = (which / shape.channels, which % shape.channels);
    let images = values.chunks_exact(shape.channels * shape.map).skip(group * shape.images).take(shape.images);
    images.map(move |image| &image[channel * shape.map..][..shape.map])
}

/// Mean and biased variance of every channel, group after group.
///
/// Each map is read once from memory: its own mean and squares about it are joined with those of the other images
/// (Chan et al. 1979).
pub(crate) fn statistics(x: &[f32], shape: Shape) -> Vec<[f32; 2]> {
    let (count, map) = (shape.count(), shape.map as f64);
    let of_map = |values: &[f32]| {
        let mean = sums_of(values, values, |value, _| [value])[0] / map;
        let centre = mean as f32;
        let [off, squares] = sums_of(values, values, |value, _| [value - centre, (value - centre) * (value - centre)]);
        // About the mean that was rounded, so what it is off is taken away again.
        (f64::from(centre) + off / map, squares - off * off / map)
    };
    let of_channel = |channel: usize| {
        let maps: Vec<(f64, f64)> = wide(|| maps(x, shape, channel).map(of_map).collect());
        let mean = maps.iter().map(|(mean, _)| mean * map).sum::<f64>() / count;
        let squares = maps.iter().map(|(of_map, squares)| squares + map * (of_map - mean) * (of_map - mean));
        [mean as f32, (squares.sum::<f64>() / count) as f32]
    };
    (0..shape.groups(x.len()) * shape.channels).into_par_iter().map(of_channel).collect()
}

/// One over the deviation.
fn inverse(variance: f32, epsilon: f64) -> f32 {
    (1.0 / (f64::from(variance) + epsilon).sqrt()) as f32
}

/// `(x - mean) / sqrt(variance + epsilon) * weight + bias`, and its tail.
pub(crate) fn normalise(
    x: &[f32],
    statistics: &[[f32; 2]],
    weight: &[f32],
    bias: &[f32],
    epsilon: f64,
    shape: Shape,
    tail: Tail<'_>,
) -> Vec<f32> {
    // The mean is taken off first: folded into the shift it would cost digits where it is large.
    let line = |which: usize| {
        let ([mean, variance], channel) = (statistics[which], which % shape.channels);
        [mean, weight[channel] * inverse(variance, epsilon), bias[channel]]
    };
    let lines: Vec<[f32; 3]> = (0..statistics.len()).map(line).collect();
    let mut y = vec![0.0; x.len()];
    y.par_chunks_mut(shape.map).zip(x.par_chunks(shape.map)).enumerate().for_each(|(place, (y, x))| {
        let [mean, scale, shift] = lines[shape.of_map(place)];
        wide(|| match tail {
            Tail::None => y.iter_mut().zip(x).for_each(|(y, x)| *y = (x - mean) * scale + shift),
            Tail::Relu => y.iter_mut().zip(x).for_each(|(y, x)| *y = ((x - mean) * scale + shift).max(0.0)),
            Tail::AddRelu(residual) => {
                let residual = &residual[place * shape.map..][..shape.map];
                let values = y.iter_mut().zip(x).zip(residual);
                values.for_each(|((y, x), residual)| *y = ((x - mean) * scale + shift + residual).max(0.0));
            }
        });
    });
    y
}

/// Values that are rectified at a time.
const PIECE: usize = 1 << 14;

/// Negative values become zero.
pub(crate) fn rectify(y: &mut [f32]) {
    y.par_chunks_mut(PIECE).for_each(|y| wide(|| y.iter_mut().for_each(|y| *y = y.max(0.0))));
}

/// A value is added to each, then negative ones become zero.
pub(crate) fn add_and_rectify(y: &mut [f32], added: &[f32]) {
    y.par_chunks_mut(PIECE).zip(added.par_chunks(PIECE)).for_each(|(y, added)| {
        wide(|| y.iter_mut().zip(added).for_each(|(y, added)| *y = (*y + added).max(0.0)));
    });
}

/// Takes from a gradient what the rectifier held back: where it gave zero, nothing passes.
///
/// - `y`: what [`normalise`] gave
pub(crate) fn behind_rectifier(dy: &mut [f32], y: &[f32]) {
    dy.par_chunks_mut(PIECE).zip(y.par_chunks(PIECE)).for_each(|(dy, y)| {
        wide(|| dy.iter_mut().zip(y).for_each(|(dy, y)| *dy = if *y > 0.0 { *dy } else { 0.0 }));
    });
}

/// What [`gradients`] needs besides the values.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Norm<'a> {
    pub(crate) statistics: &'a [[f32; 2]],
    pub(crate) weight: &'a [f32],
    pub(crate) bias: &'a [f32],
    pub(crate) epsilon: f64,
    pub(crate) shape: Shape,
    /// Whether a rectifier follows at once, so that nothing comes back where the normalised value is not positive.
    pub(crate) rectified: bool,
}

/// Gradients of [`normalise`] by the statistics of the batch itself; that for `x` takes the place of `dy`.
///
/// - `dy`: the gradient for the output; behind a residual sum, what [`behind_rectifier`] left of it
/// - returns: the gradients for weight and bias
pub(crate) fn gradients(x: &[f32], dy: &mut [f32], norm: Norm<'_>) -> [Vec<f32>; 2] {
    let Norm { statistics, weight, bias, epsilon, shape, rectified } = norm;
    let count = shape.count();
    // As in the forward pass to the last bit, so that the same values count as positive.
    let line = |which: usize| {
        let ([mean, variance], channel) = (statistics[which], which % shape.channels);
        [mean, weight[channel] * inverse(variance, epsilon), bias[channel]]
    };
    // For each channel of each group: its part of the gradients of weight and bias, and dx = scale (dy - shift - (x - mean) slope).
    let read: &[f32] = dy;
    let of_channel = |channel: usize| {
        let [mean, scale, shift] = line(channel);
        let inverse = inverse(statistics[channel][1], epsilon);
        let [bias, products] = wide(|| {
            let pairs = maps(read, shape, channel).zip(maps(x, shape, channel));
            pairs.fold([0.0; 2], |[bias, products], (dy, x)| {
                let sums = sums_of(dy, x, |dy, x| {
                    let dy = if !rectified || (x - mean) * scale + shift > 0.0 { dy } else { 0.0 };
                    [dy, dy * (x - mean)]
                });
                [bias + sums[0], products + sums[1]]
            })
        });
        let slope = (products / count) as f32 * inverse * inverse;
        (products * f64::from(inverse), bias, [(bias / count) as f32, slope])
    };
    let parts: Vec<(f64, f64, [f32; 2])> = (0..statistics.len()).into_par_iter().map(of_channel).collect();
    dy.par_chunks_mut(shape.map).zip(x.par_chunks(shape.map)).enumerate().for_each(|(place, (dy, x))| {
        let which = shape.of_map(place);
        let ([mean, scale, shift], [off, slope]) = (line(which), parts[which].2);
        let values = dy.iter_mut().zip(x);
        wide(|| {
            values.for_each(|(dy, x)| {
                let passed = if !rectified || (x - mean) * scale + shift > 0.0 { *dy } else { 0.0 };
                *dy = scale * (passed - off - (x - mean) * slope);
            });
        });
    });
    let groups = |channel: usize| parts.iter().skip(channel).step_by(shape.channels);
    let of_weight = (0..shape.channels).map(|channel| groups(channel).map(|part| part.0).sum::<f64>() as f32);
    let of_bias = (0..shape.channels).map(|channel| groups(channel).map(|part| part.1).sum::<f64>() as f32);
    [of_weight.collect(), of_bias.collect()]
}

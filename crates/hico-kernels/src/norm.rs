//! Batch normalisation of `[batch, channels, map]` on slices, with what follows it in a residual block.

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
    pub(crate) channels: usize,
    /// Height times width.
    pub(crate) map: usize,
}

/// Sum of `f` over pairs of values, in 32-bit lanes within a map.
fn sum_of(a: &[f32], b: &[f32], f: impl Fn(f32, f32) -> f32) -> f64 {
    let (wide_a, rest_a) = a.as_chunks::<LANES>();
    let (wide_b, rest_b) = b.as_chunks::<LANES>();
    let mut lanes = [0.0_f32; LANES];
    for (a, b) in wide_a.iter().zip(wide_b) {
        for ((lane, a), b) in lanes.iter_mut().zip(a).zip(b) {
            *lane += f(*a, *b);
        }
    }
    let rest = rest_a.iter().zip(rest_b).map(|(a, b)| f64::from(f(*a, *b)));
    lanes.iter().copied().map(f64::from).sum::<f64>() + rest.sum::<f64>()
}

/// The sum of the values.
pub(crate) fn sum(values: &[f32]) -> f64 {
    sum_of(values, values, |value, _| value)
}

/// The sum of the squares of the values.
pub(crate) fn sum_of_squares(values: &[f32]) -> f64 {
    sum_of(values, values, |value, _| value * value)
}

/// The maps of one channel, image after image.
fn maps(values: &[f32], shape: Shape, channel: usize) -> impl Iterator<Item = &[f32]> {
    values.chunks_exact(shape.channels * shape.map).map(move |image| &image[channel * shape.map..][..shape.map])
}

/// Mean and biased variance of every channel.
pub(crate) fn statistics(x: &[f32], shape: Shape) -> Vec<[f32; 2]> {
    let count = (x.len() / shape.channels) as f64;
    let of_channel = |channel: usize| {
        let mean = maps(x, shape, channel).map(sum).sum::<f64>() / count;
        let centre = mean as f32;
        let squares = |map: &[f32]| sum_of(map, map, |value, _| (value - centre) * (value - centre));
        [centre, (maps(x, shape, channel).map(squares).sum::<f64>() / count) as f32]
    };
    (0..shape.channels).into_par_iter().map(of_channel).collect()
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
    let line = |channel: usize| {
        let [mean, variance] = statistics[channel];
        [mean, weight[channel] * inverse(variance, epsilon), bias[channel]]
    };
    let lines: Vec<[f32; 3]> = (0..shape.channels).map(line).collect();
    let mut y = vec![0.0; x.len()];
    y.par_chunks_mut(shape.map).zip(x.par_chunks(shape.map)).enumerate().for_each(|(place, (y, x))| {
        let [mean, scale, shift] = lines[place % shape.channels];
        match tail {
            Tail::None => y.iter_mut().zip(x).for_each(|(y, x)| *y = (x - mean) * scale + shift),
            Tail::Relu => y.iter_mut().zip(x).for_each(|(y, x)| *y = ((x - mean) * scale + shift).max(0.0)),
            Tail::AddRelu(residual) => {
                let residual = &residual[place * shape.map..][..shape.map];
                let values = y.iter_mut().zip(x).zip(residual);
                values.for_each(|((y, x), residual)| *y = ((x - mean) * scale + shift + residual).max(0.0));
            }
        }
    });
    y
}

/// Gradients of [`normalise`] by the statistics of the batch itself.
pub(crate) struct Gradients {
    pub(crate) x: Vec<f32>,
    pub(crate) weight: Vec<f32>,
    pub(crate) bias: Vec<f32>,
}

/// The gradient that reaches the normalised value: where the rectifier gave zero, none.
///
/// - `y`: what [`normalise`] gave
pub(crate) fn behind_rectifier(dy: &[f32], y: &[f32]) -> Vec<f32> {
    const PIECE: usize = 1 << 14;
    let mut gradient = vec![0.0; dy.len()];
    let pieces = gradient.par_chunks_mut(PIECE).zip(dy.par_chunks(PIECE)).zip(y.par_chunks(PIECE));
    pieces.for_each(|((gradient, dy), y)| {
        let values = gradient.iter_mut().zip(dy).zip(y);
        values.for_each(|((gradient, dy), y)| *gradient = if *y > 0.0 { *dy } else { 0.0 });
    });
    gradient
}

/// - `dy`: the gradient for the normalised value, before any tail
pub(crate) fn gradients(
    x: &[f32],
    dy: &[f32],
    statistics: &[[f32; 2]],
    weight: &[f32],
    epsilon: f64,
    shape: Shape,
) -> Gradients {
    let count = (x.len() / shape.channels) as f64;
    // For each channel: the gradients of weight and bias, and dx = scale (dy - shift - (x - mean) slope).
    let of_channel = |channel: usize| {
        let [mean, variance] = statistics[channel];
        let inverse = inverse(variance, epsilon);
        let bias = maps(dy, shape, channel).map(sum).sum::<f64>();
        let pairs = maps(dy, shape, channel).zip(maps(x, shape, channel));
        let products = pairs.map(|(dy, x)| sum_of(dy, x, |dy, x| dy * (x - mean))).sum::<f64>();
        let slope = (products / count) as f32 * inverse * inverse;
        ((products * f64::from(inverse)) as f32, bias as f32, [weight[channel] * inverse, (bias / count) as f32, slope])
    };
    let channels: Vec<(f32, f32, [f32; 3])> = (0..shape.channels).into_par_iter().map(of_channel).collect();
    let mut dx = vec![0.0; x.len()];
    let planes = dx.par_chunks_mut(shape.map).zip(dy.par_chunks(shape.map)).zip(x.par_chunks(shape.map));
    planes.enumerate().for_each(|(place, ((dx, dy), x))| {
        let channel = place % shape.channels;
        let ([mean, _], [scale, shift, slope]) = (statistics[channel], channels[channel].2);
        let values = dx.iter_mut().zip(dy).zip(x);
        values.for_each(|((dx, dy), x)| *dx = scale * (dy - shift - (x - mean) * slope));
    });
    Gradients {
        x: dx,
        weight: channels.iter().map(|channel| channel.0).collect(),
        bias: channels.iter().map(|channel| channel.1).collect(),
    }
}

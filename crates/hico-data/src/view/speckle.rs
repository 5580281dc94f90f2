//! Speckle: noise that grows with the brightness and has a grain of a few pixels.

use super::planes::Planes;
use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// Weights of a pixel and its neighbour in the grain, along both axes; with them noise of unit variance keeps it.
const GRAIN: [f32; 3] = [0.408_248_3, 0.816_496_6, 0.408_248_3];

/// Multiplies every pixel by `1 + n`, all its channels alike; `n` is normal with a standard deviation drawn evenly from
/// 0 to `most`, and neighbours are alike. Nothing, and no random number drawn, where `most` is 0.
pub(super) fn apply(picture: &mut Planes<u8>, most: f64, rng: &mut impl Rng) {
    if most <= 0.0 {
        return;
    }
    let deviation = (most * rand::RngExt::random::<f64>(rng)) as f32;
    let (height, width) = (picture.size.height, picture.size.width);
    // A margin around the picture, so that the noise is alike at its edges.
    let noise: Vec<f32> = (0..(height + 2) * (width + 2)).map(|_| StandardNormal.sample(rng)).collect();
    let along: Vec<f32> = noise
        .chunks_exact(width + 2)
        .flat_map(|row| row.windows(3).map(|three| grain([three[0], three[1], three[2]])))
        .collect();
    let down = |place: usize| grain([along[place], along[place + width], along[place + 2 * width]]);
    let factors: Vec<f32> = (0..height * width).map(|place| 1.0 + deviation * down(place)).collect();
    for plane in picture.values.chunks_exact_mut((height * width).max(1)) {
        for (pixel, factor) in plane.iter_mut().zip(&factors) {
            *pixel = (f32::from(*pixel) * factor + 0.5) as u8;
        }
    }
}

fn grain(three: [f32; 3]) -> f32 {
    three.iter().zip(GRAIN).map(|(value, weight)| value * weight).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Seed, Size};
    use rand::RngExt as _;

    #[test]
    fn noise_has_its_size_its_grain_and_no_bias_and_black_stays_black() {
        let size = Size { height: 200, width: 200 };
        let mut rng = Seed(1).stream("speckle", &[]);
        let even = Planes { size, channels: Channels::Grey, values: vec![100; 200 * 200] };
        let mut picture = even.clone();
        apply(&mut picture, 0.3, &mut rng);
        let deviation = 100.0 * 0.3 * Seed(1).stream("speckle", &[]).random::<f64>();
        let noise: Vec<f64> = picture.values.iter().map(|grey| f64::from(*grey) - 100.0).collect();
        let mean = |of: &dyn Fn(usize) -> f64| (0..noise.len() - 400).map(of).sum::<f64>() / (noise.len() - 400) as f64;
        let variance = mean(&|at| noise[at] * noise[at]);
        assert!(mean(&|at| noise[at]).abs() < 0.3, "{}", mean(&|at| noise[at]));
        assert!((variance.sqrt() / deviation - 1.0).abs() < 0.03, "{} {deviation}", variance.sqrt());
        // Neighbours share two of three: 2 * 0.408 * 0.816 = 2/3 of the variance; the one after them 1/6.
        for (step, expected) in [(1, 2.0 / 3.0), (2, 1.0 / 6.0), (200, 2.0 / 3.0), (3, 0.0)] {
            let shared = mean(&|at| noise[at] * noise[at + step]) / variance;
            assert!((shared - expected).abs() < 0.04, "{step}: {shared}");
        }
        let mut black = Planes { values: vec![0; 200 * 200], ..even.clone() };
        apply(&mut black, 0.9, &mut rng);
        assert!(black.values.iter().all(|grey| *grey == 0));
        let mut same = even.clone();
        apply(&mut same, 0.0, &mut rng);
        assert_eq!(same, even);
    }
}

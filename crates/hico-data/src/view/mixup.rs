//! Mixing two frames of one clip (Zhang et al. 2022; Zhang et al. 2017, mixup).

use super::planes::Planes;
use rand::Rng;
use rand_distr::{Beta, Distribution as _};

/// The weight of a frame against the anchor, drawn from Beta(`parameter`, `parameter`), in `[0, 1]`.
///
/// A parameter of 0 means that frames are not mixed: the weight is 1.
pub fn draw(parameter: f64, rng: &mut impl Rng) -> f32 {
    Beta::new(parameter, parameter).map_or(1.0, |beta| beta.sample(rng) as f32)
}

/// `weight * frame + (1 - weight) * anchor`, value by value.
///
/// # Panics
/// When the two differ in size.
#[must_use]
pub fn mix(mut frame: Planes<f32>, anchor: &Planes<f32>, weight: f32) -> Planes<f32> {
    assert_eq!(frame.values.len(), anchor.values.len(), "frames of one clip have one size");
    for (value, anchor) in frame.values.iter_mut().zip(&anchor.values) {
        *value = weight * *value + (1.0 - weight) * anchor;
    }
    frame
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Channels, Seed, Size};

    #[test]
    fn the_weight_has_the_moments_of_beta_one_half() {
        let mut rng = Seed(5).stream("mixup", &[]);
        let weights: Vec<f64> = (0..20_000).map(|_| f64::from(draw(0.5, &mut rng))).collect();
        let mean = |power: i32| weights.iter().map(|weight| weight.powi(power)).sum::<f64>() / weights.len() as f64;
        // Moments of the arcsine law: 1/2, 3/8, 5/16; 0.01 is four standard errors of 20 000 draws.
        assert!((mean(1) - 0.5).abs() < 0.01, "{}", mean(1));
        assert!((mean(2) - 0.375).abs() < 0.01, "{}", mean(2));
        assert!((mean(3) - 0.3125).abs() < 0.01, "{}", mean(3));
        assert!(weights.iter().all(|weight| (0.0..=1.0).contains(weight)));
    }

    #[test]
    fn a_parameter_of_zero_leaves_the_frame_as_it_is() {
        assert_eq!(draw(0.0, &mut Seed(5).stream("mixup", &[])).to_bits(), 1f32.to_bits());
    }

    #[test]
    fn a_mixture_is_the_weighted_sum() {
        let planes = |values: [f32; 2]| Planes {
            size: Size { height: 1, width: 2 },
            channels: Channels::Grey,
            values: values.to_vec(),
        };
        let mixed = mix(planes([4.0, -2.0]), &planes([0.0, 2.0]), 0.25);
        assert_eq!(mixed.values, [1.0, 1.0]);
    }
}

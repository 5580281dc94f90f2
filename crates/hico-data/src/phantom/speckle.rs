//! Echoes of countless small scatterers: complex noise, seen through a pulse of finite size.
//!
//! Where many scatterers lie inside one pulse their echoes add up to a complex Gaussian, whose length is the speckle
//! that every ultrasound picture shows (Goodman 1975; Wagner et al. 1983).

use super::probe::Probe;
use rand::Rng;
use rand_distr::{Distribution as _, StandardNormal};

/// Complex echoes `[beams, depths]`, beam after beam.
#[derive(Debug, Clone)]
pub(super) struct Echoes {
    pub(super) beams: usize,
    pub(super) depths: usize,
    pub(super) re: Vec<f32>,
    pub(super) im: Vec<f32>,
}

impl Echoes {
    pub(super) fn silence(beams: usize, depths: usize) -> Self {
        Self { beams, depths, re: vec![0.0; beams * depths], im: vec![0.0; beams * depths] }
    }

    /// Scatterers of unit power, one a sample.
    pub(super) fn scatterers(beams: usize, depths: usize, rng: &mut impl Rng) -> Self {
        let mut draw = || {
            let normal = |_| -> f32 { StandardNormal.sample(&mut *rng) };
            (0..beams * depths).map(normal).map(|value| value * std::f32::consts::FRAC_1_SQRT_2).collect()
        };
        Self { beams, depths, re: draw(), im: draw() }
    }

    /// Adds one echo of a smooth reflector at `depth` samples on `beam`, `width` samples thick (standard deviation).
    pub(super) fn reflect(&mut self, beam: usize, depth: f32, width: f32, amplitude: f32, phase: f32) {
        if !(amplitude.is_finite() && depth.is_finite()) || amplitude <= 0.0 {
            return;
        }
        let (cos, sin) = (phase.cos() * amplitude, phase.sin() * amplitude);
        let first = (depth - 3.0 * width).floor().max(0.0) as usize;
        let last = ((depth + 3.0 * width).ceil().max(0.0) as usize).min(self.depths.saturating_sub(1));
        for sample in first..=last {
            let offset = (sample as f32 + 0.5 - depth) / width;
            let bell = (-0.5 * offset * offset).exp();
            self.re[beam * self.depths + sample] += cos * bell;
            self.im[beam * self.depths + sample] += sin * bell;
        }
    }
}

/// A beam of a scatterer field at a place between two: its two neighbours and their weights.
///
/// Weights are those of a rotation, not of a line: the sum of two independent echoes keeps its power.
#[derive(Debug, Clone, Copy)]
pub(super) struct Between {
    first: usize,
    second: usize,
    weights: [f32; 2],
}

impl Between {
    /// At `beam`, which may lie outside the field: it is continued around.
    pub(super) fn at(beam: f32, field: &Echoes) -> Self {
        let first = (beam.floor() as isize).rem_euclid(field.beams as isize) as usize;
        let (sin, cos) = ((beam - beam.floor()) * std::f32::consts::FRAC_PI_2).sin_cos();
        Self { first: first * field.depths, second: (first + 1) % field.beams * field.depths, weights: [cos, sin] }
    }

    pub(super) fn echo(&self, field: &Echoes, sample: usize) -> (f32, f32) {
        let (first, second, [a, b]) = (self.first + sample, self.second + sample, self.weights);
        (a * field.re[first] + b * field.re[second], a * field.im[first] + b * field.im[second])
    }
}

/// The pulse: as short along the beam everywhere, narrowest across at the focus.
#[derive(Debug, Clone)]
pub(super) struct Pulse {
    axial: Vec<f32>,
    /// For each offset in beams, a weight at each depth.
    lateral: Vec<Vec<f32>>,
}

/// No pulse is wider than so many samples or beams to a side.
const WIDEST: usize = 12;

impl Pulse {
    /// - `spacing`: from beam to beam at the focus, cm
    pub(super) fn new(probe: &Probe, depths: usize, spacing: f32) -> Self {
        let step = probe.depth / depths as f32;
        let axial_sigma = (probe.axial / step).max(0.55);
        let axial = bell(axial_sigma, (2.5 * axial_sigma).ceil() as usize);
        let sigma = |sample: usize| {
            let depth = (sample as f32 + 0.5) * step;
            let blur = (depth - probe.focus) / (0.8 * probe.focus + 1.5);
            (probe.lateral / spacing * (1.0 + blur * blur).sqrt()).clamp(0.55, WIDEST as f32 / 2.5)
        };
        let kernels: Vec<Vec<f32>> = (0..depths).map(|sample| bell(sigma(sample), WIDEST)).collect();
        let widest = (0..depths).map(|sample| (2.5 * sigma(sample)).ceil() as usize).max().unwrap_or(0).min(WIDEST);
        let offsets = WIDEST - widest..=WIDEST + widest;
        let lateral = offsets.map(|offset| kernels.iter().map(|kernel| kernel[offset]).collect()).collect();
        Self { axial, lateral }
    }

    /// What the transducer hears of `echoes`.
    pub(super) fn hear(&self, echoes: &Echoes) -> Echoes {
        let part = |values: &[f32]| self.across(&self.along(values, echoes.depths), echoes.depths);
        Echoes { beams: echoes.beams, depths: echoes.depths, re: part(&echoes.re), im: part(&echoes.im) }
    }

    fn along(&self, values: &[f32], depths: usize) -> Vec<f32> {
        let radius = self.axial.len() / 2;
        let mut heard = vec![0.0; values.len()];
        for (heard, values) in heard.chunks_exact_mut(depths).zip(values.chunks_exact(depths)) {
            for (tap, weight) in self.axial.iter().enumerate() {
                // Sample `s` hears sample `s + tap - radius`.
                let (to, from) = (radius.saturating_sub(tap), tap.saturating_sub(radius));
                if to.max(from) >= depths {
                    continue;
                }
                let count = depths - to.max(from);
                for (heard, value) in heard[to..to + count].iter_mut().zip(&values[from..from + count]) {
                    *heard += weight * value;
                }
            }
        }
        heard
    }

    fn across(&self, values: &[f32], depths: usize) -> Vec<f32> {
        let (beams, radius) = (values.len() / depths, self.lateral.len() / 2);
        let mut heard = vec![0.0; values.len()];
        for (beam, heard) in heard.chunks_exact_mut(depths).enumerate() {
            for (tap, weights) in self.lateral.iter().enumerate() {
                let Some(from) = (beam + tap).checked_sub(radius).filter(|from| *from < beams) else { continue };
                let values = &values[from * depths..][..depths];
                for ((heard, value), weight) in heard.iter_mut().zip(values).zip(weights) {
                    *heard += weight * value;
                }
            }
        }
        heard
    }
}

/// A bell of unit energy, `2 * radius + 1` samples: noise of unit power keeps its power.
fn bell(sigma: f32, radius: usize) -> Vec<f32> {
    let weight = |offset: isize| (-0.5 * (offset as f32 / sigma).powi(2)).exp();
    let bell: Vec<f32> = (-(radius as isize)..=radius as isize).map(weight).collect();
    let energy = bell.iter().map(|weight| weight * weight).sum::<f32>().sqrt();
    bell.iter().map(|weight| weight / energy).collect()
}

#[cfg(test)]
mod tests {
    use super::super::probe::Shape;
    use super::*;
    use crate::Seed;

    #[test]
    fn heard_scatterers_are_rayleigh_speckle_of_the_power_they_had() {
        let probe = Probe { shape: Shape::Linear { width: 4.0 }, depth: 5.0, axial: 0.04, lateral: 0.06, focus: 2.0 };
        let scatterers = Echoes::scatterers(120, 150, &mut Seed(1).stream("speckle", &[]));
        let heard = Pulse::new(&probe, 150, 4.0 / 120.0).hear(&scatterers);
        let inner = (10..110).flat_map(|beam| (10..140).map(move |sample| beam * 150 + sample));
        let lengths: Vec<f32> = inner.map(|at| heard.re[at].hypot(heard.im[at])).collect();
        let mean = lengths.iter().sum::<f32>() / lengths.len() as f32;
        let power = lengths.iter().map(|length| length * length).sum::<f32>() / lengths.len() as f32;
        assert!((power - 1.0).abs() < 0.1, "{power}");
        // Rayleigh: mean / standard deviation = sqrt(pi / (4 - pi)) = 1.913. Neighbours are correlated, hence 0.1.
        let ratio = mean / (power - mean * mean).sqrt();
        assert!((ratio - 1.913).abs() < 0.1, "{ratio}");
    }

    #[test]
    fn a_shift_by_half_a_beam_keeps_the_power() {
        let field = Echoes::scatterers(50, 60, &mut Seed(2).stream("speckle", &[]));
        let power = |shift: f32| {
            let echoes = (0..50).flat_map(|beam| {
                let between = Between::at(beam as f32 + shift, &field);
                (0..60).map(|sample| between.echo(&field, sample)).collect::<Vec<_>>()
            });
            echoes.map(|(re, im)| re * re + im * im).sum::<f32>() / 3000.0
        };
        for shift in [-70.3, 0.0, 0.5, 12.25] {
            assert!((power(shift) - 1.0).abs() < 0.1, "{shift}: {}", power(shift));
        }
    }
}

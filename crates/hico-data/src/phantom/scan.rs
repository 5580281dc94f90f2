//! One clip: a body seen by a device, frame after frame.

use super::body::{Body, Consolidation, Rib, decibel};
use super::probe::{Pixel, Probe};
use super::speckle::{Between, Echoes, Pulse};
use crate::seed::Seed;
use rand::{Rng, RngExt as _};

/// What a device makes of the echoes, as it is set for one clip.
#[derive(Debug, Clone)]
pub(super) struct Device {
    pub(super) probe: Probe,
    /// Brighter or darker, dB.
    pub(super) gain: f32,
    /// From black to white, dB.
    pub(super) range: f32,
    /// Attenuation that the depth compensation leaves (negative) or overdoes (positive), dB a cm.
    pub(super) compensation: f32,
    /// Electronic noise at the skin, and how it grows with the compensation.
    pub(super) noise: f32,
    pub(super) noise_growth: f32,
    /// Share of the frame before in the picture.
    pub(super) persistence: f32,
    /// Bends the grey scale.
    pub(super) gamma: f32,
    /// Colour of white where the device tints its pictures.
    pub(super) tint: Option<[u8; 3]>,
    /// Whether depth marks stand beside the picture.
    pub(super) marks: bool,
}

impl Device {
    /// One of the devices of a department, set for one clip: the knobs (gain, depth, focus, depth compensation) are
    /// turned for every clip, the rest is the device's own. One in four tints its pictures.
    ///
    /// - `seed`: of the phantom
    /// - `rng`: of the clip
    pub(super) fn draw(seed: Seed, number: u64, rng: &mut impl Rng) -> Self {
        let mut own = seed.stream("phantom-device", &[number]);
        let tints = [[255, 238, 205], [214, 232, 255], [255, 226, 190]];
        Self {
            probe: Probe::draw(number, rng),
            gain: rng.random_range(-5.0..6.0),
            range: own.random_range(48.0..62.0),
            compensation: rng.random_range(-1.2..0.5),
            noise: decibel(own.random_range(-66.0..-52.0)),
            noise_growth: own.random_range(0.2..1.6),
            persistence: own.random_range(0.0..0.5),
            gamma: own.random_range(0.8..1.3),
            tint: (number % 4 == 1).then(|| tints[own.random_range(0..tints.len())]),
            marks: own.random_bool(0.4),
        }
    }
}

/// Beams, samples and everything that stays the same from frame to frame.
pub(super) struct Scanner<'a> {
    device: &'a Device,
    body: &'a Body,
    side: usize,
    beams: usize,
    depths: usize,
    pulse: Pulse,
    pixels: Vec<Pixel>,
    /// Scatterers of the chest wall and of the lung.
    wall: Echoes,
    lung: Echoes,
    noise: Echoes,
    /// Where each beam meets the pleura, cm to the side.
    places: Vec<f32>,
    shown: Vec<f32>,
}

impl<'a> Scanner<'a> {
    pub(super) fn new(device: &'a Device, body: &'a Body, side: usize, rng: &mut impl Rng) -> Self {
        let beams = (side * 9 / 10).clamp(48, 400);
        let depths = (side * 5 / 4).clamp(80, 640);
        let probe = &device.probe;
        let place = |beam: usize| {
            let u = (2.0 * beam as f32 + 1.0) / beams as f32 - 1.0;
            probe.lateral_cm(u, body.wall.thickness)
        };
        let spacing = probe.lateral_cm(2.0 / beams as f32, probe.focus);
        let pulse = Pulse::new(probe, depths, spacing);
        let noise = Echoes::scatterers(beams + NOISE_PADDING, depths, rng);
        Self {
            device,
            body,
            side,
            beams,
            depths,
            pixels: probe.scan_converter(side, beams, depths),
            wall: Echoes::scatterers(2 * beams, depths, rng),
            lung: Echoes::scatterers(2 * beams, depths, rng),
            noise,
            places: (0..beams).map(place).collect(),
            shown: Vec::new(),
            pulse,
        }
    }

    /// The next frame, `[side, side]`: grey values in 0 to 255.
    pub(super) fn frame(&mut self, seconds: f32, rng: &mut impl Rng) -> Vec<u8> {
        let heard = self.pulse.hear(&self.echoes(seconds));
        let levels = self.compress(&heard, rng);
        let persistence = if self.shown.is_empty() { 0.0 } else { self.device.persistence };
        self.shown.resize(levels.len(), 0.0);
        for (shown, level) in self.shown.iter_mut().zip(&levels) {
            *shown = persistence * *shown + (1.0 - persistence) * level;
        }
        let mut picture = vec![0; self.side * self.side];
        for pixel in &self.pixels {
            picture[pixel.place] = (255.0 * pixel.value(&self.shown, self.depths) + 0.5) as u8;
        }
        if self.device.marks {
            draw_marks(&mut picture, self.side, self.device.probe.depth);
        }
        picture
    }

    /// What comes back from every depth on every beam, before the pulse blurs it.
    fn echoes(&self, seconds: f32) -> Echoes {
        let mut echoes = Echoes::silence(self.beams, self.depths);
        (0..self.beams).for_each(|beam| self.fill_beam(&mut echoes, beam, seconds));
        echoes
    }

    fn fill_beam(&self, echoes: &mut Echoes, beam: usize, seconds: f32) {
        let body = self.body;
        let step = self.device.probe.depth / self.depths as f32;
        let drift = body.motion.drift(seconds);
        let wall_place = self.places[beam] + drift;
        let lung_place = wall_place + body.motion.slide(seconds);
        let pleura = body.pleura_depth(wall_place, seconds);
        let spacing = (self.places[self.beams - 1] - self.places[0]) / (self.beams - 1) as f32;
        let wall = Between::at(wall_place / spacing + self.beams as f32, &self.wall);
        let lung = Between::at(lung_place / spacing + self.beams as f32, &self.lung);

        // 1. Streaks and airless lung on this beam decide how much of the clean repetitions is left.
        let streaks = self.streaks(lung_place, seconds);
        let streaked: f32 = streaks.iter().map(|streak| streak.amplitude).sum();
        let airless = body.consolidation.as_ref().map_or(0.0, |airless| airless.below(lung_place));
        let clean = (1.0 - streaked / 0.12).clamp(0.1, 1.0) * if airless > 0.0 { 0.15 } else { 1.0 };

        // 2. Scattered echoes, sample by sample.
        let waviness = 0.02 * body.bumps.at(1.7 * wall_place + 3.0);
        for sample in 0..self.depths {
            let depth = (sample as f32 + 0.5) * step;
            let share = depth / pleura;
            let (re, im) = if share < 1.0 {
                let amplitude = body.wall.amplitude(share + waviness * share);
                let (re, im) = wall.echo(&self.wall, sample);
                (amplitude * re, amplitude * im)
            } else {
                let below = depth - pleura;
                let (re, im) = lung.echo(&self.lung, sample);
                let amplitude = if below < airless {
                    body.consolidation.as_ref().map_or(0.0, |airless| airless.tissue)
                } else {
                    let rings: f32 = streaks.iter().map(|streak| streak.at(below)).sum();
                    body.haze * (-0.15 * below).exp() + rings
                };
                // The chest wall once more, as the pleura throws it back and forth.
                let repetition = share.floor();
                let again = (((share - repetition) * pleura / step) as usize).min(self.depths - 1);
                let strength = body.wall.amplitude(share - repetition) * body.reverberation.powf(repetition) * clean;
                let (again_re, again_im) = wall.echo(&self.wall, again);
                (amplitude * re + strength * again_re, amplitude * im + strength * again_im)
            };
            echoes.re[beam * self.depths + sample] = re;
            echoes.im[beam * self.depths + sample] = im;
        }

        // 3. Smooth reflectors: the pleura and its repetitions, the border and the branches of airless lung.
        let shimmer = decibel(3.5 * body.shimmer.at(lung_place) - 2.0);
        let dimmed = if airless > 0.0 { 0.25 } else { 1.0 };
        let phase = 2.0 * body.bumps.at(lung_place);
        // Repetitions come back only where the beam meets the pleura at a right angle.
        let facing = (-0.5 * (self.places[beam] / (0.75 * self.places[self.beams - 1])).powi(2)).exp();
        for repetition in 1..6 {
            let order = repetition as f32;
            let amplitude = match repetition {
                1 => 1.3 * shimmer * dimmed,
                _ => 1.3 * shimmer.sqrt() * body.a_lines.powf(order - 1.0) * clean * facing,
            };
            let width = (body.pleura / step * (1.0 + 0.25 * (order - 1.0))).max(0.6);
            let uneven = if repetition == 1 { body.unevenness(lung_place) } else { 0.0 };
            echoes.reflect(beam, (order * pleura + uneven) / step, width, amplitude, phase * order);
        }
        for streak in &streaks {
            streak.ring(echoes, beam, pleura / step, step);
        }
        if let Some(consolidation) = &body.consolidation
            && airless > 0.0
        {
            self.fill_consolidation(echoes, beam, consolidation, lung_place, pleura, airless);
        }

        // 4. Ribs keep the sound from what lies behind them.
        for rib in &body.ribs {
            self.shade(echoes, beam, rib, wall_place, pleura, step);
        }
    }

    /// The streaks that this beam meets.
    fn streaks(&self, lung_place: f32, seconds: f32) -> Vec<Streak> {
        let body = self.body;
        let mut streaks = Vec::new();
        for line in &body.b_lines {
            let offset = (lung_place - line.place) / line.width;
            if offset.abs() < 3.0 {
                let there = 0.65 + 0.35 * (body.motion.breath(seconds) + line.phase).sin();
                let amplitude = line.amplitude * there * (-0.5 * offset * offset).exp();
                streaks.push(Streak { amplitude, reach: line.reach, ringing: line.ringing, phase: line.phase });
            }
        }
        streaks
    }

    fn fill_consolidation(
        &self,
        echoes: &mut Echoes,
        beam: usize,
        consolidation: &Consolidation,
        lung_place: f32,
        pleura: f32,
        below: f32,
    ) {
        let step = self.device.probe.depth / self.depths as f32;
        let roughness = self.body.shimmer.at(2.0 * lung_place);
        // The ragged border to the air behind, bright where the beam meets it squarely, and dirty streaks from it.
        let steepness = (consolidation.below(lung_place + 0.05) - below) / 0.05;
        let border = decibel(-10.0 + 6.0 * roughness) / (1.0 + steepness * steepness);
        echoes.reflect(beam, (pleura + below) / step, (0.04 / step).max(0.7), border, roughness);
        let streak = Streak {
            amplitude: decibel(-30.0 + 6.0 * self.body.shimmer.at(lung_place + 5.0)),
            reach: 2.5,
            ringing: 0.15,
            phase: roughness,
        };
        streak.ring(echoes, beam, (pleura + below) / step, step);
        let offset = lung_place - consolidation.place;
        for branch in &consolidation.bronchograms {
            let [[x, z], [end_x, end_z]] = branch.ends;
            let along = (offset - x) / (end_x - x).max(0.02);
            let depth = z + (end_z - z) * along;
            if (-0.1..=1.1).contains(&along) && depth > 0.05 && depth < below * 0.95 {
                // Air lies in it in bubbles, hence bright and dark along it.
                let bubbles = decibel(7.0 * self.body.shimmer.at(3.0 * lung_place + z) - 2.0).min(1.2);
                echoes.reflect(beam, (pleura + depth) / step, (0.015 / step).max(0.6), branch.amplitude * bubbles, z);
            }
        }
    }

    fn shade(&self, echoes: &mut Echoes, beam: usize, rib: &Rib, wall_place: f32, pleura: f32, step: f32) {
        let offset = (wall_place - rib.place) / rib.half_width;
        if offset.abs() >= 1.15 {
            return;
        }
        let rounded = 1.0 - (1.0 - offset * offset).max(0.0).sqrt();
        let top = pleura * rib.top + 0.5 * rib.half_width * rounded;
        let first = ((top / step) as usize).min(self.depths);
        // The edge of the shadow is soft: part of the beam passes beside the rib.
        let covered = ((1.15 - offset.abs()) / 0.3).min(1.0);
        let passes = 1.0 - covered * (1.0 - rib.passes);
        let samples = beam * self.depths + first..(beam + 1) * self.depths;
        echoes.re[samples.clone()].iter_mut().for_each(|value| *value *= passes);
        echoes.im[samples].iter_mut().for_each(|value| *value *= passes);
        let bright = decibel(-3.0 - 9.0 * offset.abs()) * covered;
        echoes.reflect(beam, top / step, (0.05 / step).max(0.8), bright, 4.0 * offset);
    }

    /// Depth compensation, noise, envelope and logarithm: `[beams, depths]` in `[0, 1]`.
    fn compress(&self, heard: &Echoes, rng: &mut impl Rng) -> Vec<f32> {
        let device = self.device;
        let step = device.probe.depth / self.depths as f32;
        // Fresh noise would cost more than all the rest; another part of a large field in another order will do.
        let skip = rng.random_range(0..NOISE_PADDING) * self.depths + rng.random_range(0..self.depths);
        let curve: Vec<(f32, f32)> = (0..self.depths)
            .map(|sample| {
                let depth = (sample as f32 + 0.5) * step;
                (decibel(device.compensation * depth), device.noise * decibel(device.noise_growth * depth))
            })
            .collect();
        let total = self.noise.re.len();
        let mut levels = Vec::with_capacity(heard.re.len());
        for beam in 0..self.beams {
            for (sample, (compensation, noise)) in curve.iter().enumerate() {
                let at = beam * self.depths + sample;
                let other = (at + skip) % total;
                let re = compensation * heard.re[at] + noise * self.noise.re[other];
                let im = compensation * heard.im[at] + noise * self.noise.im[other];
                let level = 10.0 * (re * re + im * im + 1e-12).log10() + device.gain;
                levels.push((1.0 + level / device.range).clamp(0.0, 1.0).powf(device.gamma));
            }
        }
        levels
    }
}

/// Beams of noise beyond those of the picture.
const NOISE_PADDING: usize = 64;

/// A streak on one beam.
struct Streak {
    amplitude: f32,
    reach: f32,
    ringing: f32,
    phase: f32,
}

impl Streak {
    /// Its scattered part at a depth below where it begins, cm.
    fn at(&self, below: f32) -> f32 {
        0.6 * self.amplitude * (-below / self.reach).exp()
    }

    /// Its fine, even repetitions.
    fn ring(&self, echoes: &mut Echoes, beam: usize, from: f32, step: f32) {
        let depths = echoes.depths;
        for sample in (from.max(0.0) as usize).min(depths)..depths {
            let below = (sample as f32 - from).max(0.0) * step;
            let wave = 0.5 + 0.5 * (std::f32::consts::TAU * below / self.ringing + self.phase).cos();
            let amplitude = 0.45 * self.amplitude * (-below / self.reach).exp() * wave;
            echoes.re[beam * depths + sample] += amplitude * self.phase.cos();
            echoes.im[beam * depths + sample] += amplitude * self.phase.sin();
        }
    }
}

/// A mark every centimetre of depth at the right edge.
fn draw_marks(picture: &mut [u8], side: usize, depth: f32) {
    for centimetre in 0..=depth as usize {
        let row = ((0.02 + 0.96 * centimetre as f32 / depth) * side as f32) as usize;
        let length = (side / if centimetre % 5 == 0 { 25 } else { 50 }).max(1);
        if row < side {
            picture[(row + 1) * side - length..(row + 1) * side].fill(170);
        }
    }
}

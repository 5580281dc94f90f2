//! What lies under the transducer: chest wall, ribs, pleura and lung, and how they move.
//!
//! Lateral places are in cm at the depth of the pleura. The chest wall moves with the probe's drift only, the pleura
//! and what hangs on it also with breathing. Amplitudes are relative to a perfect reflector.

use super::Finding;
use rand::{Rng, RngExt as _};
use std::f32::consts::TAU;

/// A smooth random curve around zero, of about unit height: a sum of sines.
#[derive(Debug, Clone)]
pub(super) struct Ripple([(f32, f32, f32); 6]);

impl Ripple {
    /// - `finest`: shortest wave length
    /// - `longest`: longest wave length
    pub(super) fn draw(finest: f32, longest: f32, rng: &mut impl Rng) -> Self {
        Self(std::array::from_fn(|wave| {
            let share = (wave as f32 + rng.random::<f32>()) / 6.0;
            (TAU / (longest * (finest / longest).powf(share)), TAU * rng.random::<f32>(), 0.58)
        }))
    }

    pub(super) fn at(&self, place: f32) -> f32 {
        self.0.iter().map(|(rate, phase, height)| height * (rate * place + phase).sin()).sum()
    }
}

/// Skin, fat, muscle and their boundaries: amplitude over the way from the skin (0) to the pleura (1).
#[derive(Debug, Clone)]
pub(super) struct ChestWall {
    /// Depth of the pleura, cm.
    pub(super) thickness: f32,
    layers: Vec<f32>,
}

/// Samples of the chest wall's profile.
const PROFILE: usize = 200;

impl ChestWall {
    pub(super) fn draw(thickness: f32, rng: &mut impl Rng) -> Self {
        let fat_end = rng.random_range(0.2..0.5);
        let muscle_end = rng.random_range(0.8..0.93);
        let (fat, muscle, deep) = (
            decibel(rng.random_range(-36.0..-26.0)),
            decibel(rng.random_range(-27.0..-19.0)),
            decibel(rng.random_range(-28.0..-22.0)),
        );
        let mut layers: Vec<f32> = (0..PROFILE)
            .map(|sample| match sample as f32 / PROFILE as f32 {
                place if place < fat_end => fat,
                place if place < muscle_end => muscle,
                _ => deep,
            })
            .collect();
        let mut line = |place: f32, level: f32| draw_line(&mut layers, place, level, rng.random_range(1.2..2.6));
        line(0.03, -8.0);
        line(fat_end, -9.0);
        line(muscle_end, -11.0);
        Self { thickness, layers }
    }

    /// The wall at one place of the chest: thinner or thicker there, with other sheets of tissue in it.
    ///
    /// - `thickest`: cm
    pub(super) fn at_place(&self, thickest: f32, rng: &mut impl Rng) -> Self {
        let mut layers = self.layers.clone();
        for _ in 0..rng.random_range(2..7) {
            let place = rng.random_range(0.08..0.95);
            let level = rng.random_range(-22.0..-13.0);
            draw_line(&mut layers, place, level, rng.random_range(1.0..2.5));
        }
        Self { thickness: (self.thickness * rng.random_range(0.75..1.3)).min(thickest), layers }
    }

    /// The amplitude at `share` of the way to the pleura.
    pub(super) fn amplitude(&self, share: f32) -> f32 {
        let sample = (share.clamp(0.0, 1.0) * PROFILE as f32) as usize;
        self.layers[sample.min(PROFILE - 1)]
    }
}

/// Adds a bright sheet `width` samples thick (standard deviation), `level` in decibel.
fn draw_line(layers: &mut [f32], place: f32, level: f32, width: f32) {
    for (sample, layer) in layers.iter_mut().enumerate() {
        let offset = (sample as f32 - place * PROFILE as f32) / width;
        *layer += decibel(level) * (-0.5 * offset * offset).exp();
    }
}

/// A rib across the picture: a bright round surface and the shadow behind it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rib {
    /// Middle, cm to the side.
    pub(super) place: f32,
    /// Half of its width, cm.
    pub(super) half_width: f32,
    /// Depth of its top as a share of the pleura's.
    pub(super) top: f32,
    /// How much of the sound passes, as amplitude.
    pub(super) passes: f32,
}

/// A bright streak from the pleura downwards, moving with it.
#[derive(Debug, Clone)]
pub(super) struct BLine {
    /// Place on the pleura, cm.
    pub(super) place: f32,
    /// Standard deviation of its width, cm.
    pub(super) width: f32,
    /// Amplitude at the pleura.
    pub(super) amplitude: f32,
    /// Depth at which it has faded to a third, cm.
    pub(super) reach: f32,
    /// Distance between its fine repetitions, cm.
    pub(super) ringing: f32,
    /// It comes and goes with breathing: phase.
    pub(super) phase: f32,
}

/// Airless lung under the pleura.
#[derive(Debug, Clone)]
pub(super) struct Consolidation {
    /// Middle on the pleura, cm.
    pub(super) place: f32,
    /// Half of its width, cm.
    pub(super) half_width: f32,
    /// Depth below the pleura, cm.
    pub(super) depth: f32,
    /// Amplitude of its tissue.
    pub(super) tissue: f32,
    /// Its ragged deep border.
    pub(super) border: Ripple,
    /// Bright branches of air inside.
    pub(super) bronchograms: Vec<Bronchogram>,
}

/// A branch of air inside a consolidation.
#[derive(Debug, Clone, Copy)]
pub(super) struct Bronchogram {
    /// Its ends, cm to the side from the consolidation's middle and cm below the pleura.
    pub(super) ends: [[f32; 2]; 2],
    /// Amplitude.
    pub(super) amplitude: f32,
}

impl Consolidation {
    /// How far it reaches below the pleura at a place, cm.
    pub(super) fn below(&self, place: f32) -> f32 {
        let offset = (place - self.place) / self.half_width;
        if offset.abs() >= 1.0 {
            return 0.0;
        }
        let ragged = 1.0 + 0.15 * self.border.at(place);
        self.depth * (1.0 - offset * offset).powf(0.4) * ragged.max(0.1)
    }
}

/// How things move, from frame to frame.
#[derive(Debug, Clone)]
pub(super) struct Motion {
    /// Breaths a second.
    rate: f32,
    phase: f32,
    /// Of the pleura to the side, cm.
    slide: f32,
    /// Of the pleura in depth, cm.
    heave: f32,
    /// Of the probe, cm.
    drift: Ripple,
    drift_size: f32,
}

impl Motion {
    fn draw(rng: &mut impl Rng) -> Self {
        Self {
            rate: rng.random_range(0.2..0.45),
            phase: TAU * rng.random::<f32>(),
            slide: rng.random_range(0.15..0.8),
            heave: rng.random_range(0.02..0.14),
            drift: Ripple::draw(1.5, 8.0, rng),
            drift_size: rng.random_range(0.02..0.2),
        }
    }

    /// How far the probe has moved to the side, cm.
    pub(super) fn drift(&self, seconds: f32) -> f32 {
        self.drift_size * self.drift.at(seconds)
    }

    /// How far the pleura has slid under the chest wall, cm.
    pub(super) fn slide(&self, seconds: f32) -> f32 {
        self.slide * self.breath(seconds).sin()
    }

    /// How far the pleura has moved away from the probe, cm.
    pub(super) fn heave(&self, seconds: f32) -> f32 {
        self.heave * (self.breath(seconds) + 0.6).sin()
    }

    /// The phase of breathing, radians.
    pub(super) fn breath(&self, seconds: f32) -> f32 {
        TAU * self.rate * seconds + self.phase
    }
}

/// Everything under the transducer during one clip.
#[derive(Debug, Clone)]
pub(super) struct Body {
    pub(super) wall: ChestWall,
    pub(super) ribs: Vec<Rib>,
    pub(super) motion: Motion,
    /// Slope of the pleura, cm of depth a cm to the side.
    pub(super) slope: f32,
    /// Unevenness of the pleura and of the layers above it.
    pub(super) bumps: Ripple,
    pub(super) roughness: f32,
    /// Brightness along the pleura.
    pub(super) shimmer: Ripple,
    /// Thickness of the pleural line, cm (standard deviation).
    pub(super) pleura: f32,
    /// Amplitude of the pleura's repetitions, each against the one before.
    pub(super) a_lines: f32,
    /// Amplitude of the chest wall's repetition below the pleura.
    pub(super) reverberation: f32,
    /// Amplitude of the even haze below the pleura.
    pub(super) haze: f32,
    pub(super) b_lines: Vec<BLine>,
    pub(super) consolidation: Option<Consolidation>,
}

impl Body {
    /// A patient's chest at one place.
    ///
    /// - `severity`: in `[0, 1]`; at 0 a finding is hardly there
    /// - `half_view`: half of the picture's width at the pleura, cm
    /// - `room`: from the pleura to the bottom of the picture, cm
    pub(super) fn draw(
        wall: ChestWall,
        finding: Finding,
        severity: f32,
        half_view: f32,
        room: f32,
        rng: &mut impl Rng,
    ) -> Self {
        let diseased = finding != Finding::Normal;
        let haze = match finding {
            Finding::Normal => -47.0..-37.0,
            Finding::BLines => -40.0..-29.0,
            Finding::Consolidation => -45.0..-33.0,
        };
        let a_lines = match finding {
            Finding::Normal => -15.0..-6.0,
            Finding::BLines => -28.0..-11.0,
            Finding::Consolidation => -24.0..-9.0,
        };
        let b_lines = draw_b_lines(finding, severity, half_view, room, rng);
        let consolidation =
            (finding == Finding::Consolidation).then(|| draw_consolidation(severity, half_view, room, rng));
        Self {
            ribs: draw_ribs(half_view, rng),
            motion: Motion::draw(rng),
            slope: rng.random_range(-0.07..0.07),
            bumps: Ripple::draw(0.5, 4.0, rng),
            roughness: if diseased {
                rng.random_range(0.006..0.015 + 0.02 * severity)
            } else {
                rng.random_range(0.003..0.015)
            },
            shimmer: Ripple::draw(0.12, 1.5, rng),
            pleura: if diseased { rng.random_range(0.02..0.05) } else { rng.random_range(0.018..0.04) },
            a_lines: decibel(rng.random_range(a_lines)),
            reverberation: decibel(rng.random_range(-24.0..-12.0)),
            haze: decibel(rng.random_range(haze)),
            wall,
            b_lines,
            consolidation,
        }
    }

    /// Depth of the pleura, cm, without its fine unevenness.
    pub(super) fn pleura_depth(&self, wall_place: f32, seconds: f32) -> f32 {
        let uneven = 0.015 * self.bumps.at(wall_place);
        (self.wall.thickness + self.slope * wall_place + uneven + self.motion.heave(seconds)).max(0.3)
    }

    /// Fine unevenness of the pleura, cm; too fine to show in its repetitions.
    pub(super) fn unevenness(&self, lung_place: f32) -> f32 {
        self.roughness * self.bumps.at(2.5 * lung_place + 7.0)
    }
}

fn draw_ribs(half_view: f32, rng: &mut impl Rng) -> Vec<Rib> {
    if rng.random_bool(0.45) {
        return Vec::new();
    }
    // Ribs lie two to three centimetres apart; the picture begins anywhere between two of them.
    let spacing = rng.random_range(2.2..3.4);
    let first = -half_view - rng.random_range(0.0..spacing);
    let places = (0..10).map(|rank| first + rank as f32 * spacing).filter(|place| *place < half_view + 0.5);
    let rib = |place: f32| Rib {
        place,
        half_width: rng.random_range(0.4..0.65),
        top: rng.random_range(0.62..0.8),
        passes: decibel(rng.random_range(-42.0..-28.0)),
    };
    places.map(rib).collect()
}

fn draw_b_lines(finding: Finding, severity: f32, half_view: f32, room: f32, rng: &mut impl Rng) -> Vec<BLine> {
    let count = match finding {
        // Healthy lungs show one or two now and then.
        Finding::Normal => [0, 0, 0, 1, 1, 2][rng.random_range(0..6)],
        Finding::BLines => 2 + (severity * rng.random_range(2.5..7.0)) as usize,
        Finding::Consolidation => rng.random_range(0..4),
    };
    let strong = if finding == Finding::BLines { -16.0 + 9.0 * severity } else { -17.0 };
    let line = |_| {
        let long = finding != Finding::Normal || rng.random_bool(0.4);
        BLine {
            place: rng.random_range(-1.1 * half_view..1.1 * half_view),
            width: rng.random_range(0.05..0.11) + if rng.random_bool(0.25 * f64::from(severity)) { 0.15 } else { 0.0 },
            amplitude: decibel(strong + rng.random_range(-4.0..4.0)),
            reach: room * if long { rng.random_range(0.8..3.0) } else { rng.random_range(0.12..0.4) },
            ringing: rng.random_range(0.08..0.22),
            phase: TAU * rng.random::<f32>(),
        }
    };
    (0..count).map(line).collect()
}

fn draw_consolidation(severity: f32, half_view: f32, room: f32, rng: &mut impl Rng) -> Consolidation {
    let size = 0.45 + 0.55 * severity;
    let half_width = (size * rng.random_range(1.4..3.8)).min(half_view * 1.1);
    let depth = (size * rng.random_range(1.5..5.0)).min(0.7 * room);
    let mut bronchogram = |_| {
        let (x, z) = (rng.random_range(-0.75..0.75) * half_width, rng.random_range(0.15..0.85) * depth);
        let (length, angle) = (rng.random_range(0.05..0.7) * size, rng.random_range(-0.9f32..0.9));
        Bronchogram {
            ends: [[x, z], [x + length * angle.cos(), z + length * angle.sin()]],
            amplitude: decibel(rng.random_range(-16.0..-5.0)),
        }
    };
    let bronchograms = (0..2 + (11.0 * size) as usize).map(&mut bronchogram).collect();
    Consolidation {
        place: rng.random_range(-0.55 * half_view..0.55 * half_view),
        half_width,
        depth,
        tissue: decibel(rng.random_range(-38.0..-26.0)),
        border: Ripple::draw(0.5, 3.0, rng),
        bronchograms,
    }
}

/// An amplitude in decibel against a perfect reflector, as a factor.
pub(super) fn decibel(level: f32) -> f32 {
    10f32.powf(level / 20.0)
}

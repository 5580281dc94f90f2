//! The transducer: which shape its picture has, and how beams become pixels.

use rand::{Rng, RngExt as _};

/// How the beams leave the transducer.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Shape {
    /// Parallel beams from a face of `width` cm: a rectangle.
    Linear { width: f32 },
    /// Beams from an arc of `radius` cm, `half_angle` radians to each side: a broad sector with a round top.
    Convex { radius: f32, half_angle: f32 },
    /// Beams from (nearly) one point: a sector with a pointed top.
    Phased { half_angle: f32 },
}

/// The face of a phased array is small, not a point, cm.
const PHASED_RADIUS: f32 = 0.6;

/// A transducer and how deep it looks.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Probe {
    pub(super) shape: Shape,
    /// Deepest sample, cm.
    pub(super) depth: f32,
    /// Standard deviation of the pulse along the beam, cm.
    pub(super) axial: f32,
    /// Standard deviation of the beam across, at the focus, cm.
    pub(super) lateral: f32,
    /// Depth of the focus, cm.
    pub(super) focus: f32,
}

impl Probe {
    /// A transducer at one of its depth presets: of six, four are convex, one is linear and one a phased array.
    ///
    /// - `number`: of the device that it belongs to
    /// - `rng`: decides depth and focus
    pub(super) fn draw(number: u64, rng: &mut impl Rng) -> Self {
        let (shape, depths, axial, lateral, focus) = match number % 6 {
            2 => (Shape::Linear { width: 4.5 }, [5.0, 6.0], 0.016, 0.035, 1.0..2.5),
            5 => (Shape::Phased { half_angle: 0.7 }, [11.0, 13.0], 0.05, 0.13, 4.0..7.0),
            _ => (Shape::Convex { radius: 5.0, half_angle: 0.54 }, [9.0, 12.0], 0.04, 0.09, 2.0..5.0),
        };
        let depth = depths[usize::from(rng.random_bool(0.35))];
        Self { shape, depth, axial, lateral, focus: rng.random_range(focus) }
    }

    /// Where the beam at `u` in `[-1, 1]` lies to the side, in cm, at depth `depth` along it.
    pub(super) fn lateral_cm(&self, u: f32, depth: f32) -> f32 {
        match self.shape {
            Shape::Linear { width } => u * width / 2.0,
            Shape::Convex { radius, half_angle } => (radius + depth) * u * half_angle,
            Shape::Phased { half_angle } => (PHASED_RADIUS + depth) * u * half_angle,
        }
    }

    /// Which pixels of a square picture show which place between the beams.
    pub(super) fn scan_converter(&self, side: usize, beams: usize, depths: usize) -> Vec<Pixel> {
        let (top, bottom, half_width) = self.extent();
        let margin = 0.02 * side as f32;
        let scale = (side as f32 - 2.0 * margin) / (bottom - top).max(2.0 * half_width);
        let mut pixels = Vec::new();
        for row in 0..side {
            for column in 0..side {
                let x = (column as f32 + 0.5 - side as f32 / 2.0) / scale;
                let y = (row as f32 + 0.5 - margin) / scale + top;
                let Some((u, depth)) = self.beam_at(x, y) else { continue };
                // Sample centres lie half a step inside the edges; nothing is invented beyond them.
                let beam = ((u + 1.0) / 2.0 * beams as f32 - 0.5).clamp(0.0, beams as f32 - 1.001);
                let sample = (depth / self.depth * depths as f32 - 0.5).clamp(0.0, depths as f32 - 1.001);
                pixels.push(Pixel {
                    place: row * side + column,
                    first: beam as usize * depths + sample as usize,
                    beam: beam.fract(),
                    sample: sample.fract(),
                });
            }
        }
        pixels
    }

    /// Top, bottom and half width of the picture in cm, from the point where the beams meet (or from the face).
    fn extent(&self) -> (f32, f32, f32) {
        let sector = |radius: f32, half_angle: f32| {
            (radius * half_angle.cos(), radius + self.depth, (radius + self.depth) * half_angle.sin())
        };
        match self.shape {
            Shape::Linear { width } => (0.0, self.depth, width / 2.0),
            Shape::Convex { radius, half_angle } => sector(radius, half_angle),
            Shape::Phased { half_angle } => sector(PHASED_RADIUS, half_angle),
        }
    }

    /// The beam in `[-1, 1]` and the depth along it, in cm, at a place of the picture, if any beam reaches it.
    fn beam_at(&self, x: f32, y: f32) -> Option<(f32, f32)> {
        let sector = |radius: f32, half_angle: f32| (x.atan2(y) / half_angle, x.hypot(y) - radius);
        let (u, depth) = match self.shape {
            Shape::Linear { width } => (2.0 * x / width, y),
            Shape::Convex { radius, half_angle } => sector(radius, half_angle),
            Shape::Phased { half_angle } => sector(PHASED_RADIUS, half_angle),
        };
        (u.abs() <= 1.0 && (0.0..=self.depth).contains(&depth)).then_some((u, depth))
    }
}

/// One pixel inside the sector.
#[derive(Debug, Clone, Copy)]
pub(super) struct Pixel {
    /// Its index in the picture.
    pub(super) place: usize,
    /// The sample before it on the beam before it, an index into `[beams, depths]`.
    first: usize,
    /// How far it is on the way to the next beam, in `[0, 1)`.
    beam: f32,
    /// How far it is on the way to the next sample, in `[0, 1)`.
    sample: f32,
}

impl Pixel {
    /// The value there, between the four samples around it.
    pub(super) fn value(&self, samples: &[f32], depths: usize) -> f32 {
        let between = |at: usize| samples[at] + (samples[at + 1] - samples[at]) * self.sample;
        let (left, right) = (between(self.first), between(self.first + depths));
        left + (right - left) * self.beam
    }
}

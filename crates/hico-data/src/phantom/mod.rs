//! A seeded, procedural lung ultrasound: clips for tests and for trying the program without any patient's data.
//!
//! A patient has a chest wall and one finding. Each of his clips is made with one of a few devices (probe, grey scale,
//! tint), with its own knobs (gain, depth), at another place of the chest, where the wall is thinner or thicker and the
//! finding at another severity, while he breathes and the probe drifts. Speckle is physical (complex echoes
//! of scatterers through a pulse, log-compressed), the artefacts are those of lungs: pleural line, A-lines at its
//! multiples, B-lines, shadows of ribs, consolidations with air bronchograms. Findings overlap as they do in life: a
//! healthy lung shows a B-line now and then, a sick one A-lines. Its parameters were tuned on two things: that thumbnails
//! do somewhat better than chance on patients they have not seen, and that the demo's pretraining, of a few hundred steps,
//! learns findings and not devices: hence few of these, in a fixed mix, and any of them for any clip.

mod body;
mod probe;
mod speckle;
mod scan;
mod tree;

pub use tree::{LABELS_FILE, Written, write_tree};

use crate::clip::{Channels, Clip, Size};
use crate::dataset::Dataset;
use crate::manifest::{ClipRow, Manifest};
use crate::seed::Seed;
use body::{Body, ChestWall};
use rand::RngExt as _;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use scan::{Device, Scanner};
use serde::Serialize;
use sha2::{Digest as _, Sha256};

/// What a patient has; the class of his clips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Finding {
    /// A-lines.
    Normal,
    /// Vertical streaks from the pleura.
    BLines,
    /// Airless lung under the pleura.
    Consolidation,
}

impl Finding {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Normal, Self::BLines, Self::Consolidation];

    /// The class as it stands in tables.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Normal => "normal",
            Self::BLines => "b_lines",
            Self::Consolidation => "consolidation",
        }
    }
}

/// How many clips of what kind to make.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct PhantomRecipe {
    /// Number of patients; the findings are spread evenly over them.
    pub patients: usize,
    /// Fewest and most clips of a patient.
    pub clips_per_patient: [usize; 2],
    /// Number of devices that clips are made with; each clip is of one of them.
    pub devices: usize,
    /// Frames a clip.
    pub frames: usize,
    /// Height and width of a frame, pixels.
    #[serde(rename = "image_size")]
    pub side: usize,
    /// Random seed.
    pub seed: Seed,
    /// Share of the clips that carry no label.
    pub unlabelled_fraction: f64,
}

impl Default for PhantomRecipe {
    fn default() -> Self {
        Self {
            patients: 30,
            clips_per_patient: [1, 3],
            devices: 6,
            frames: 16,
            side: 128,
            seed: Seed(0),
            unlabelled_fraction: 0.0,
        }
    }
}

/// Frames a second of every clip.
const FPS: f64 = 10.0;

/// Makes the clips, in parallel, as a data set in memory; the same recipe gives the same bytes on any number of threads.
#[must_use]
pub fn generate(recipe: &PhantomRecipe) -> Dataset {
    let subjects = subjects(recipe);
    let clips: Vec<Clip> = subjects.par_iter().map(|subject| subject.film(recipe)).collect();
    let rows = subjects.iter().zip(&clips).map(|(subject, clip)| row(subject, clip)).collect();
    Dataset::in_memory(Manifest { rows }, clips)
}

/// One clip to be made.
#[derive(Debug, Clone)]
struct Subject {
    patient: usize,
    clip: usize,
    finding: Finding,
    labelled: bool,
}

/// Who is filmed how often, and what he has.
fn subjects(recipe: &PhantomRecipe) -> Vec<Subject> {
    let mut findings: Vec<Finding> = Finding::ALL.into_iter().cycle().take(recipe.patients).collect();
    findings.shuffle(&mut recipe.seed.stream("phantom-findings", &[]));
    let [fewest, most] = recipe.clips_per_patient;
    let mut subjects = Vec::new();
    for (patient, finding) in findings.into_iter().enumerate() {
        let mut rng = recipe.seed.stream("phantom-clips", &[patient as u64]);
        for clip in 0..rng.random_range(fewest..=most.max(fewest)) {
            let labelled = !rng.random_bool(recipe.unlabelled_fraction.clamp(0.0, 1.0));
            subjects.push(Subject { patient, clip, finding, labelled });
        }
    }
    subjects
}

impl Subject {
    fn name(&self) -> String {
        format!("{}-{}", self.patient_name(), self.clip + 1)
    }

    fn patient_name(&self) -> String {
        format!("P{:03}", self.patient + 1)
    }

    fn label(&self) -> Option<&'static str> {
        self.labelled.then(|| self.finding.name())
    }

    /// Makes the frames of the clip.
    fn film(&self, recipe: &PhantomRecipe) -> Clip {
        let (patient, clip) = (self.patient as u64, self.clip as u64);
        let mut of_patient = recipe.seed.stream("phantom-patient", &[patient]);
        let wall = ChestWall::draw(of_patient.random_range(1.2..2.6), &mut of_patient);
        let usual_severity: f32 = of_patient.random();
        let mut rng = recipe.seed.stream("phantom-clip", &[patient, clip]);
        let device = Device::draw(recipe.seed, rng.random_range(0..recipe.devices.max(1) as u64), &mut rng);
        let wall = wall.at_place(device.probe.depth * 0.38, &mut rng);
        let thickness = wall.thickness;
        let severity = 0.2 + 0.5 * usual_severity + 0.3 * rng.random::<f32>();
        let half_view = device.probe.lateral_cm(1.0, thickness);
        let body = Body::draw(wall, self.finding, severity, half_view, device.probe.depth - thickness, &mut rng);
        let mut scanner = Scanner::new(&device, &body, recipe.side, &mut rng);
        let channels = if device.tint.is_some() { Channels::Rgb } else { Channels::Grey };
        let mut pixels = Vec::with_capacity(recipe.frames * recipe.side * recipe.side * channels.count());
        for frame in 0..recipe.frames {
            let grey = scanner.frame(frame as f32 / FPS as f32, &mut rng);
            match device.tint {
                Some(tint) => pixels.extend(grey.iter().flat_map(|value| tinted(*value, tint))),
                None => pixels.extend(grey),
            }
        }
        Clip { size: Size { height: recipe.side, width: recipe.side }, channels, pixels, fps: Some(FPS) }
    }
}

/// A grey value in the tint of a device.
fn tinted(value: u8, tint: [u8; 3]) -> [u8; 3] {
    tint.map(|white| (u16::from(value) * u16::from(white) / 255) as u8)
}

fn row(subject: &Subject, clip: &Clip) -> ClipRow {
    ClipRow {
        patient: Some(subject.patient_name()),
        group: subject.patient_name(),
        label: subject.label().map(str::to_owned),
        fps: clip.fps,
        source: "phantom".to_owned(),
        sha256: Sha256::digest(&clip.pixels).iter().map(|byte| format!("{byte:02x}")).collect(),
        ..ClipRow::new(subject.name(), clip.frames(), clip.size, clip.channels)
    }
}

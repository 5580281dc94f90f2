//! Whether ONNX Runtime computes what we do, on pictures that are put through both.
//!
//! ONNX Runtime is run by Python as a child process, where it is installed; nothing of ours needs it.

use super::onnx::Part;
use super::source::Source;
use crate::classifier::{Classifier, Trainable};
use crate::init::Init;
use crate::weights::NamedTensor;
use crate::{Error, Mode, batch};
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor};
use hico_data::view::{self, ViewRecipe};
use hico_data::{Dataset, Seed};
use rand::RngExt as _;
use serde::Serialize;
use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

/// The largest difference that passes, in shares of the output's largest value where that is above 1.
pub const TOLERANCE: f64 = 1e-4;

/// Pictures that go through the network at once.
const AT_ONCE: usize = 8;

const SCRIPT: &str = include_str!("check.py");

/// What a comparison found.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Checked {
    /// The other program and its version.
    pub runtime: String,
    /// How many pictures went through both.
    pub images: usize,
    /// What the pictures were.
    pub of: String,
    /// For each output the largest absolute difference, and the largest value.
    pub outputs: BTreeMap<String, Difference>,
    /// Whether each is within [`TOLERANCE`].
    pub agrees: bool,
}

/// How far two results of one output are apart.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// Largest absolute difference.
    pub largest: f64,
    /// Largest absolute value, ours.
    pub scale: f64,
}

impl Difference {
    /// Of two results of the same length; infinite where the lengths differ or something is no number.
    #[must_use]
    pub fn of(ours: &[f32], theirs: &[f32]) -> Self {
        let scale = ours.iter().map(|value| f64::from(value.abs())).fold(0.0, f64::max);
        if ours.len() != theirs.len() {
            return Self { largest: f64::INFINITY, scale };
        }
        let differences = ours.iter().zip(theirs).map(|(a, b)| (f64::from(*a) - f64::from(*b)).abs());
        let largest = differences.fold(0.0, |largest: f64, d| if d.is_nan() { f64::INFINITY } else { largest.max(d) });
        Self { largest, scale }
    }

    /// Whether it is within [`TOLERANCE`].
    #[must_use]
    pub fn agrees(self) -> bool {
        self.largest <= TOLERANCE * self.scale.max(1.0)
    }
}

/// Up to `count` frames, spread evenly over the clips and within them, as a tested model is shown them.
///
/// - returns: each `[3, side, side]`
///
/// # Errors
/// When a frame cannot be read.
pub fn frames(data: &Dataset, count: usize, view: &ViewRecipe) -> Result<Vec<Vec<f32>>, hico_data::Error> {
    let all: usize = data.manifest().rows.iter().map(|row| row.frames).sum();
    let count = count.min(all);
    let wanted = (0..count).map(|index| index * all / count.max(1));
    let mut images = Vec::with_capacity(count);
    let (mut clip, mut before) = (0, 0);
    for place in wanted {
        while place >= before + data.row(clip).frames {
            before += data.row(clip).frames;
            clip += 1;
        }
        images.push(view::plain(&data.read_frame(clip, place - before)?, view));
    }
    Ok(images)
}

/// Pictures of uniform noise, the same for the same seed.
#[must_use]
pub fn noise(count: usize, side: usize, seed: Seed) -> Vec<Vec<f32>> {
    let mut stream = seed.stream("export-check", &[]);
    // Uniform with the deviation that normalised frames have, about 1.
    (0..count).map(|_| (0..3 * side * side).map(|_| stream.random_range(-1.7_f32..1.7)).collect()).collect()
}

/// Each output of a part of the source's network on pictures, by name, computed by us.
///
/// # Errors
/// When the weights do not fit.
pub fn ours(
    source: &Source,
    part: Part,
    images: &[Vec<f32>],
    side: usize,
) -> Result<BTreeMap<String, Vec<f32>>, Error> {
    let device = Device::flex();
    let encoder = source.pretrained.encoder(&device)?;
    let classifier = match (part, source.head()) {
        (Part::Classifier, Some([weight, bias])) => {
            let (features, top) = source.head_input().unwrap_or_default();
            let trainable = if top { Trainable::LastBlock } else { Trainable::All };
            let init = Init::new(&device, Seed(0));
            let blank = Classifier::new(&init, encoder.clone(), weight.shape[0], trainable, features);
            let head = [weight, bias].into_iter().cloned();
            let tensors: Vec<NamedTensor> = source.pretrained.found().tensors.iter().cloned().chain(head).collect();
            Some(blank.with_tensors(&tensors)?)
        }
        _ => None,
    };
    // As `hico predict` calibrates.
    let temperature = source.classifier.as_ref().map_or(1.0, |facts| facts.temperature);
    let mut outputs: BTreeMap<String, Vec<f32>> = BTreeMap::new();
    for chunk in images.chunks(AT_ONCE) {
        let x = batch::images(chunk, side, &device);
        let mut give = |name: &str, values: Vec<f32>| outputs.entry(name.to_owned()).or_default().extend(values);
        match (&classifier, part) {
            (Some(classifier), _) => {
                let logits = classifier.head(classifier.features(x, false));
                give("logits", values(logits.clone()));
                give("probabilities", values(softmax(logits / temperature, 1)));
            }
            (None, Part::Pyramid) => {
                let maps = encoder.maps(x.clone(), Mode::Eval);
                give("features", values(encoder.features(x, source.reads, Mode::Eval)));
                for (name, map) in [("p2", maps.p2), ("p3", maps.p3), ("p4", maps.p4), ("p5", maps.p5)] {
                    give(name, values(map));
                }
            }
            (None, Part::Encoder | Part::Classifier) => {
                give("features", values(encoder.features(x, source.reads, Mode::Eval)))
            }
        }
    }
    Ok(outputs)
}

fn values<const D: usize>(tensor: Tensor<D>) -> Vec<f32> {
    tensor.into_data().iter::<f32>().collect()
}

/// Runs the bytes of an ONNX file in ONNX Runtime and compares each output with ours.
///
/// - `python`: an interpreter with onnxruntime and numpy
/// - `images`: each `[3, side, side]`; `of` says what they are
///
/// # Errors
/// When there is no ONNX Runtime, it refuses the file, or files cannot be written.
pub fn compare(
    python: &str,
    onnx: &[u8],
    ours: &BTreeMap<String, Vec<f32>>,
    images: &[Vec<f32>],
    of: &str,
) -> Result<Checked, Error> {
    let absent = || Error::NoOnnxRuntime { python: python.to_owned() };
    let version = "import onnxruntime, numpy; print('ONNX Runtime', onnxruntime.__version__)";
    let found = Command::new(python).args(["-c", version]).stdin(Stdio::null()).output().map_err(|_| absent())?;
    if !found.status.success() {
        return Err(absent());
    }
    let failed = |path: &Path| {
        let path = path.to_owned();
        move |source| Error::Io { path, source }
    };
    let folder = tempfile::tempdir().map_err(failed(&std::env::temp_dir()))?;
    let input = folder.path().join("image.f32");
    let bytes: Vec<u8> = images.iter().flatten().flat_map(|value| value.to_le_bytes()).collect();
    std::fs::write(&input, bytes).map_err(failed(&input))?;
    let file = folder.path().join("network.onnx");
    std::fs::write(&file, onnx).map_err(failed(&file))?;
    let run = Command::new(python)
        .args(["-c", SCRIPT])
        .arg(&file)
        .arg(folder.path())
        .stdin(Stdio::null())
        .output()
        .map_err(|_| absent())?;
    if !run.status.success() {
        let words = String::from_utf8_lossy(&run.stderr).into_owned();
        return Err(Error::OnnxRefused(words.trim().lines().last().unwrap_or_default().to_owned()));
    }
    let mut outputs = BTreeMap::new();
    for (name, ours) in ours {
        let path = folder.path().join(format!("{name}.f32"));
        let bytes = std::fs::read(&path).map_err(failed(&path))?;
        let theirs: Vec<f32> = bytes.as_chunks::<4>().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
        outputs.insert(name.clone(), Difference::of(ours, &theirs));
    }
    Ok(Checked {
        runtime: String::from_utf8_lossy(&found.stdout).trim().to_owned(),
        images: images.len(),
        of: of.to_owned(),
        agrees: outputs.values().all(|difference| difference.agrees()),
        outputs,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_is_measured_against_the_largest_value_above_one() {
        assert!(Difference::of(&[0.5, 1.0], &[0.5, 1.00009]).agrees());
        assert!(!Difference::of(&[0.5, 1.0], &[0.5002, 1.0]).agrees());
        assert!(Difference::of(&[0.5, 100.0], &[0.505, 100.0]).agrees());
        assert!(!Difference::of(&[0.5, 100.0], &[0.52, 100.0]).agrees());
    }

    #[test]
    fn what_is_no_number_or_of_another_length_does_not_agree() {
        assert!(!Difference::of(&[1.0], &[f32::NAN]).agrees());
        assert!(!Difference::of(&[f32::NAN], &[1.0]).agrees());
        assert!(!Difference::of(&[1.0], &[1.0, 1.0]).agrees());
    }
}

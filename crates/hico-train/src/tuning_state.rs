//! What a fine-tuning under way keeps on the disk, so that one that was stopped or killed goes on to the same bits.

use super::predictions::FramePrediction;
use crate::checkpoint::{self, Tensors};
use crate::optimiser::Adam;
use crate::{CheckpointEvery, Error};
use burn::tensor::Device;
use hico_model::VERSION;
use hico_model::classifier::Classifier;
use hico_model::weights::{self, NamedTensor};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::Path;

/// Where and when a fine-tuning is kept.
#[derive(Debug, Clone, Copy)]
pub struct Keep<'a> {
    /// The file, named for nothing but this fine-tuning.
    pub path: &'a Path,
    /// When, besides the ends of epochs.
    pub every: CheckpointEvery,
}

/// Prefixes of the names of tensors.
const NETWORK: &str = "network.";
const CHOSEN: &str = "chosen.";
const OPTIMISER: &str = "optimiser.";

/// Names of the probabilities of predicted frames, `[frames, classes]`.
const INNER: &str = "frames.inner";
const TESTED: &str = "frames.tested";

/// Key of the state among the words of the file.
const STATE: &str = "tuning";

/// One epoch of fine-tuning.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct CurvePoint {
    /// Epoch, from 0.
    pub epoch: usize,
    /// Mean training loss, nats.
    pub train_loss: f64,
    /// Balanced accuracy per frame on the inner validation groups.
    pub inner_balanced_accuracy: f64,
    /// Balanced accuracy per frame on the test fold; published protocol only.
    pub test_balanced_accuracy: Option<f64>,
}

/// How far a fine-tuning has come. Numbers stand as their bits, which every reader of JSON gives back.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(super) struct Position {
    /// Epochs done.
    pub(super) epochs: usize,
    /// Batches done of the running epoch.
    pub(super) batches: usize,
    /// Sum of the loss over their frames.
    pub(super) loss: u64,
    /// Steps done.
    pub(super) steps: u64,
    pub(super) optimiser: BTreeMap<String, u64>,
    pub(super) curve: Vec<(u64, u64, Option<u64>)>,
    pub(super) chosen: Option<(usize, u64, u64, Frames)>,
    pub(super) tested: Option<(u64, Frames)>,
}

/// Predicted frames, by clip and by frame within it.
type Frames = Vec<(usize, usize)>;

/// The best epoch so far.
pub(super) struct Chosen {
    pub(super) epoch: usize,
    pub(super) balanced_accuracy: f64,
    pub(super) loss: f64,
    pub(super) network: Classifier,
    pub(super) inner: Vec<FramePrediction>,
}

/// What the epochs that are done have shown.
#[derive(Default)]
pub(super) struct Shown {
    pub(super) curve: Vec<CurvePoint>,
    pub(super) chosen: Option<Chosen>,
    /// Balanced accuracy and frames at the epoch that is best on the test fold.
    pub(super) published: Option<(f64, Vec<FramePrediction>)>,
}

/// Writes all that a fine-tuning needs to go on.
pub(super) fn write(
    keep: Keep<'_>,
    network: &Classifier,
    optimiser: &Adam,
    mut position: Position,
    shown: &Shown,
) -> Result<(), Error> {
    let failed = |source| Error::KeepTuning { path: keep.path.to_owned(), source };
    let frames = |frames: &[FramePrediction]| frames.iter().map(|frame| (frame.clip, frame.frame)).collect();
    let bits = |point: &CurvePoint| {
        let tested = point.test_balanced_accuracy.map(f64::to_bits);
        (point.train_loss.to_bits(), point.inner_balanced_accuracy.to_bits(), tested)
    };
    position.curve = shown.curve.iter().map(bits).collect();
    let mut tensors = prefixed(NETWORK, network.to_tensors());
    if let Some(chosen) = &shown.chosen {
        let [accuracy, loss] = [chosen.balanced_accuracy, chosen.loss].map(f64::to_bits);
        position.chosen = Some((chosen.epoch, accuracy, loss, frames(&chosen.inner)));
        tensors.extend(prefixed(CHOSEN, chosen.network.to_tensors()));
        tensors.push(probabilities(INNER, &chosen.inner));
    }
    if let Some((accuracy, tested)) = &shown.published {
        position.tested = Some((accuracy.to_bits(), frames(tested)));
        tensors.push(probabilities(TESTED, tested));
    }
    let (moments, steps) = optimiser.state();
    position.optimiser = steps;
    let state = serde_json::to_string(&position).map_err(|error| failed(error.into()))?;
    let metadata = [("version", VERSION.to_owned()), (STATE, state)];
    if let Some(folder) = keep.path.parent() {
        std::fs::create_dir_all(folder).map_err(failed)?;
    }
    let (tensors, moments): (&dyn Tensors, &dyn Tensors) = (&&tensors[..], &&moments[..]);
    checkpoint::write(keep.path, &metadata, &[tensors, moments]).map_err(failed)
}

/// Reads what [`write`] wrote; `None` where there is nothing, or nothing of use: then the fine-tuning begins anew.
pub(super) fn read(
    keep: Keep<'_>,
    network: &Classifier,
    optimiser: &mut Adam,
    device: &Device,
) -> Option<(Classifier, Position, Shown)> {
    let (tensors, words) = weights::read_safetensors(keep.path).ok()?;
    if words.get("version").is_none_or(|version| version != VERSION) {
        return None;
    }
    let position: Position = serde_json::from_str(words.get(STATE)?).ok()?;
    let of = |prefix: &str| -> Vec<NamedTensor> {
        let named = |tensor: &NamedTensor| {
            let name = tensor.name.strip_prefix(prefix)?.to_owned();
            Some(NamedTensor { name, ..tensor.clone() })
        };
        tensors.iter().filter_map(named).collect()
    };
    let predicted = |name: &str, frames: &[(usize, usize)]| -> Option<Vec<FramePrediction>> {
        let found = tensors.iter().find(|tensor| tensor.name == name)?;
        let &[rows, classes] = found.shape.as_slice() else { return None };
        let row = |(&(clip, frame), row): (&(usize, usize), &[f32])| FramePrediction {
            clip,
            frame,
            probabilities: row.iter().copied().map(f64::from).collect(),
        };
        (rows == frames.len()).then(|| frames.iter().zip(found.values.chunks(classes.max(1))).map(row).collect())
    };
    let mut shown = Shown::default();
    for (epoch, &(train_loss, inner, tested)) in position.curve.iter().enumerate() {
        let [train_loss, inner_balanced_accuracy] = [train_loss, inner].map(f64::from_bits);
        let test_balanced_accuracy = tested.map(f64::from_bits);
        shown.curve.push(CurvePoint { epoch, train_loss, inner_balanced_accuracy, test_balanced_accuracy });
    }
    if let Some((epoch, accuracy, loss, frames)) = &position.chosen {
        let chosen = network.clone().with_tensors(&of(CHOSEN)).ok()?;
        let [balanced_accuracy, loss] = [*accuracy, *loss].map(f64::from_bits);
        let inner = predicted(INNER, frames)?;
        shown.chosen = Some(Chosen { epoch: *epoch, balanced_accuracy, loss, network: inference(&chosen), inner });
    }
    if let Some((accuracy, frames)) = &position.tested {
        shown.published = Some((f64::from_bits(*accuracy), predicted(TESTED, frames)?));
    }
    let restored = network.clone().with_tensors(&of(NETWORK)).ok()?;
    let moments: Vec<NamedTensor> =
        tensors.iter().filter(|tensor| tensor.name.starts_with(OPTIMISER)).cloned().collect();
    optimiser.restore(&moments, &position.optimiser, device).ok()?;
    Some((restored, position, shown))
}

/// A copy of a network without automatic differentiation.
pub(super) fn inference(network: &Classifier) -> Classifier {
    use burn::module::Module as _;
    network.valid().fold()
}

fn prefixed(prefix: &str, tensors: Vec<NamedTensor>) -> Vec<NamedTensor> {
    tensors.into_iter().map(|tensor| NamedTensor { name: format!("{prefix}{}", tensor.name), ..tensor }).collect()
}

/// They are 32 bits from the network's softmax on.
fn probabilities(name: &str, frames: &[FramePrediction]) -> NamedTensor {
    let values: Vec<f32> =
        frames.iter().flat_map(|frame| frame.probabilities.iter().map(|value| *value as f32)).collect();
    let classes = frames.first().map_or(0, |frame| frame.probabilities.len());
    NamedTensor { name: name.to_owned(), shape: vec![frames.len(), classes], values }
}

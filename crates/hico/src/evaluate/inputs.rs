//! Frames → batches on the device, made in threads while the network is busy with the ones before.

use super::classifier::Classifier;
use super::known::{Described, layout};
use super::plan::FrameRef;
use super::predictions::FramePrediction;
use crate::Error;
use crate::batch;
use crate::model::{Encoder, FeatureSet, Mode};
use burn::module::Module;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use hico_data::view::{self, Augment, ViewRecipe};
use hico_data::{Dataset, Job, Seed, prefetch};
use std::collections::HashMap;
use std::sync::Arc;

/// Where and with what a network is trained.
#[derive(Debug, Clone, Copy)]
pub struct Workplace<'a> {
    /// The device, without automatic differentiation.
    pub device: &'a Device,
    /// Threads that make views, and the flag that stops.
    pub job: Job<'a>,
}

/// What the network is given.
pub(super) enum Inputs<'a> {
    /// Views of frames, made as they are needed.
    Views(Views<'a>),
    /// What a frozen encoder makes of each frame.
    Features { of: HashMap<FrameRef, Vec<f32>>, place: Workplace<'a> },
}

/// Frames → views → tensors.
#[derive(Clone, Copy)]
pub(crate) struct Views<'a> {
    pub(crate) dataset: &'a Arc<Dataset>,
    pub(crate) view: &'a ViewRecipe,
    pub(crate) seed: Seed,
    pub(crate) place: Workplace<'a>,
}

/// How many frames a network is shown at once where nothing is trained.
const PREDICTED_AT_ONCE: usize = 64;

impl<'a> Inputs<'a> {
    pub(super) fn features(network: &Classifier, views: &Views<'a>, frames: &[FrameRef]) -> Result<Self, Error> {
        let rows = views.features(&network.encoder, &[network.reads()], frames)?.concat();
        Ok(Self::Features { of: frames.iter().copied().zip(rows).collect(), place: views.place })
    }

    pub(super) const fn place(&self) -> Workplace<'a> {
        match self {
            Self::Views(views) => views.place,
            Self::Features { place, .. } => *place,
        }
    }

    /// Calls `each` with what the head reads of every batch, `[batch, features]`; frozen features do not know epochs.
    pub(super) fn for_each_batch(
        &self,
        batches: &[Vec<FrameRef>],
        epoch: Option<usize>,
        device: &Device,
        mut each: impl FnMut(&[FrameRef], Shown),
    ) -> Result<(), Error> {
        match self {
            Self::Views(views) => {
                views.for_each_batch(batches, epoch, device, |frames, images| each(frames, Shown::Images(images)))
            }
            Self::Features { of, place } => {
                for frames in batches {
                    place.job.go_on()?;
                    let rows: Vec<&[f32]> = frames.iter().map(|frame| of[frame].as_slice()).collect();
                    let shape = [rows.len(), rows.first().map_or(0, |row| row.len())];
                    each(frames, Shown::Features(Tensor::from_data(TensorData::new(rows.concat(), shape), device)));
                }
                Ok(())
            }
        }
    }

    /// What the head reads of frames, `[frames][features]`, on plain views.
    pub(super) fn read(&self, network: &Classifier, frames: &[FrameRef]) -> Result<Vec<Vec<f32>>, Error> {
        let mut rows = Vec::with_capacity(frames.len());
        let mut odd = None;
        self.for_each_batch(&in_batches(frames), None, self.place().device, |frames, shown| {
            let found = rows_of(shown.features(network, false));
            odd = odd.or_else(|| not_finite(frames, &found));
            rows.extend(found);
        })?;
        numbers_or(odd, rows)
    }

    pub(super) fn predict(&self, network: &Classifier, frames: &[FrameRef]) -> Result<Vec<FramePrediction>, Error> {
        let mut predictions = Vec::with_capacity(frames.len());
        let mut odd = None;
        self.for_each_batch(&in_batches(frames), None, self.place().device, |frames, shown| {
            let probabilities = rows_of(softmax(shown.logits(network, false), 1));
            odd = odd.or_else(|| not_finite(frames, &probabilities));
            let row = |(frame, row): (&FrameRef, Vec<f32>)| FramePrediction {
                clip: frame.clip,
                frame: frame.frame,
                probabilities: row.into_iter().map(f64::from).collect(),
            };
            predictions.extend(frames.iter().zip(probabilities).map(row));
        })?;
        numbers_or(odd, predictions)
    }
}

/// One batch as the network is given it.
pub(super) enum Shown {
    Images(Tensor<4>),
    Features(Tensor<2>),
}

impl Shown {
    pub(super) fn logits(self, network: &Classifier, training: bool) -> Tensor<2> {
        network.head(self.features(network, training))
    }

    /// What the head reads.
    fn features(self, network: &Classifier, training: bool) -> Tensor<2> {
        match self {
            Self::Images(images) => network.features(images, training),
            Self::Features(features) => features,
        }
    }
}

impl Views<'_> {
    /// Calls `each` with every batch `[batch, 3, side, side]` in turn, while threads make the next ones.
    ///
    /// - `epoch`: which random changes the frames go through; `None` for plain views
    pub(crate) fn for_each_batch(
        &self,
        batches: &[Vec<FrameRef>],
        epoch: Option<usize>,
        device: &Device,
        mut each: impl FnMut(&[FrameRef], Tensor<4>),
    ) -> Result<(), Error> {
        let jobs: Vec<FrameRef> = batches.concat();
        let (dataset, recipe, seed) = (Arc::clone(self.dataset), self.view.clone(), self.seed);
        let ahead = 2 * batches.first().map_or(1, Vec::len);
        let mut views = prefetch::ordered(jobs, self.place.job.threads, ahead, move |job: &FrameRef| {
            let frame = dataset.read_frame(job.clip, job.frame)?;
            Ok::<_, hico_data::Error>(match epoch {
                None => view::plain(&frame, &recipe),
                Some(epoch) => {
                    let indices = [epoch as u64, job.clip as u64, job.frame as u64];
                    view::augmented(&frame, &recipe, Augment::Finetune, &mut seed.stream("finetune-view", &indices))
                }
            })
        });
        for frames in batches {
            self.place.job.go_on()?;
            let batch = views.by_ref().take(frames.len()).collect::<Result<Vec<_>, _>>()?;
            each(frames, batch::images(&batch, self.view.side, device));
        }
        Ok(())
    }

    /// What an encoder makes of frames, on plain views, `[sets][frames][features]`.
    pub(crate) fn features(
        &self,
        encoder: &Encoder,
        sets: &[FeatureSet],
        frames: &[FrameRef],
    ) -> Result<Vec<Vec<Vec<f32>>>, Error> {
        let encoder = encoder.valid().fold();
        let mut rows = vec![Vec::with_capacity(frames.len()); sets.len()];
        let mut odd = None;
        self.for_each_batch(&in_batches(frames), None, self.place.device, |frames, images| {
            let stages = encoder.backbone.forward(images, Mode::Eval);
            for (set, rows) in sets.iter().zip(&mut rows) {
                let found = rows_of(set.read(&encoder, stages.clone()));
                odd = odd.or_else(|| not_finite(frames, &found));
                rows.extend(found);
            }
        })?;
        numbers_or(odd, rows)
    }

    /// How a fine-tuned network sees frames, on plain views.
    pub(crate) fn described(
        &self,
        classifier: &Classifier,
        frames: &[FrameRef],
    ) -> Result<Vec<(FrameRef, Described)>, Error> {
        let mut all = Vec::with_capacity(frames.len());
        let mut odd = None;
        self.for_each_batch(&in_batches(frames), None, self.place.device, |frames, images| {
            let layouts = rows_of(layout(images.clone()));
            let [features, looks] = classifier.described(images).map(rows_of);
            odd = odd.or_else(|| not_finite(frames, &features)).or_else(|| not_finite(frames, &looks));
            let described = features.into_iter().zip(looks).zip(layouts);
            let described = described.map(|((features, look), layout)| Described { features, look, layout });
            all.extend(frames.iter().copied().zip(described));
        })?;
        numbers_or(odd, all)
    }
}

/// Batches of frames that are shown at once where nothing is trained.
pub(crate) fn in_batches(frames: &[FrameRef]) -> Vec<Vec<FrameRef>> {
    frames.chunks(PREDICTED_AT_ONCE).map(<[FrameRef]>::to_vec).collect()
}

/// As many batches as needed for none to exceed `most`, of nearly equal sizes: a batch norm learns nothing from a
/// last batch of one.
pub(crate) fn batches_of(frames: &[FrameRef], most: usize) -> Vec<Vec<FrameRef>> {
    let count = frames.len().div_ceil(most.max(1)).max(1);
    (0..count).map(|at| frames[at * frames.len() / count..(at + 1) * frames.len() / count].to_vec()).collect()
}

/// - `tensor`: `[rows, columns]`
pub(crate) fn rows_of(tensor: Tensor<2>) -> Vec<Vec<f32>> {
    let [_, columns] = tensor.dims();
    let values: Vec<f32> = tensor.into_data().convert::<f32>().iter::<f32>().collect();
    values.chunks(columns.max(1)).map(<[f32]>::to_vec).collect()
}

/// The first frame of which a row is that holds what is no number.
pub(crate) fn not_finite(frames: &[FrameRef], rows: &[Vec<f32>]) -> Option<FrameRef> {
    let odd = |row: &Vec<f32>| !row.iter().all(|value| value.is_finite());
    frames.iter().zip(rows).find(|(_, row)| odd(row)).map(|(frame, _)| *frame)
}

fn numbers_or<T>(odd: Option<FrameRef>, rows: T) -> Result<T, Error> {
    odd.map_or(Ok(rows), |FrameRef { clip, frame }| Err(Error::FrameNotFinite { clip, frame }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn batches_differ_by_one_frame_at_most_and_hold_each_once() {
        let frames: Vec<FrameRef> = (0..33).map(|frame| FrameRef { clip: 0, frame }).collect();
        let batches = batches_of(&frames, 16);
        assert_eq!(batches.iter().map(Vec::len).collect::<Vec<_>>(), [11, 11, 11]);
        assert_eq!(batches.concat(), frames);
        assert_eq!(batches_of(&frames[..1], 16).len(), 1);
    }
}

//! What a network is given to learn from: views of frames, or what a frozen encoder makes of each.

use super::predictions::FramePrediction;
use crate::Error;
use burn::tensor::activation::softmax;
use burn::tensor::{Device, Tensor, TensorData};
use hico_model::classifier::Classifier;
use hico_model::frame_ref::FrameRef;
use hico_model::frames::{Context, Views, in_batches, not_finite, numbers_or, rows_of};
use std::collections::HashMap;

/// What the network is given.
pub(super) enum Inputs<'a> {
    /// Views of frames, made as they are needed.
    Views(Views<'a>),
    /// What a frozen encoder makes of each frame.
    Features { of: HashMap<FrameRef, Vec<f32>>, context: Context<'a> },
}

impl<'a> Inputs<'a> {
    pub(super) fn features(network: &Classifier, views: &Views<'a>, frames: &[FrameRef]) -> Result<Self, Error> {
        let rows = views.features(&network.encoder, &[network.reads()], frames)?.concat();
        Ok(Self::Features { of: frames.iter().copied().zip(rows).collect(), context: views.context })
    }

    pub(super) const fn context(&self) -> Context<'a> {
        match self {
            Self::Views(views) => views.context,
            Self::Features { context, .. } => *context,
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
                views.for_each_batch(batches, epoch, device, |frames, images| each(frames, Shown::Images(images)))?;
                Ok(())
            }
            Self::Features { of, context } => {
                for frames in batches {
                    context.job.go_on()?;
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
        self.for_each_batch(&in_batches(frames), None, self.context().device, |frames, shown| {
            let found = rows_of(shown.features(network, false));
            odd = odd.or_else(|| not_finite(frames, &found));
            rows.extend(found);
        })?;
        Ok(numbers_or(odd, rows)?)
    }

    pub(super) fn predict(&self, network: &Classifier, frames: &[FrameRef]) -> Result<Vec<FramePrediction>, Error> {
        let mut predictions = Vec::with_capacity(frames.len());
        let mut odd = None;
        self.for_each_batch(&in_batches(frames), None, self.context().device, |frames, shown| {
            let probabilities = rows_of(softmax(shown.logits(network, false), 1));
            odd = odd.or_else(|| not_finite(frames, &probabilities));
            let row = |(frame, row): (&FrameRef, Vec<f32>)| FramePrediction {
                clip: frame.clip,
                frame: frame.frame,
                probabilities: row.into_iter().map(f64::from).collect(),
            };
            predictions.extend(frames.iter().zip(probabilities).map(row));
        })?;
        Ok(numbers_or(odd, predictions)?)
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

/// As many batches as needed for none to exceed `most`, of nearly equal sizes: a batch norm learns nothing from a
/// last batch of one.
pub fn batches_of(frames: &[FrameRef], most: usize) -> Vec<Vec<FrameRef>> {
    let count = frames.len().div_ceil(most.max(1)).max(1);
    (0..count).map(|at| frames[at * frames.len() / count..(at + 1) * frames.len() / count].to_vec()).collect()
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

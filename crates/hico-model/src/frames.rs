//! Frames → batches on the device, made in threads while the network is busy with the ones before, and what a network says
//! of them.

use crate::Error;
use crate::batch;
use crate::classifier::Classifier;
use crate::frame_ref::FrameRef;
use crate::known::{Described, layout};
use crate::{Encoder, FeatureSet, Mode};
use burn::module::Module;
use burn::tensor::{Device, Tensor};
use hico_data::view::{self, Augment, ViewRecipe};
use hico_data::{Dataset, Job, Seed, prefetch};
use std::sync::Arc;

/// Where and with what a network is run.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// The device, without automatic differentiation.
    pub device: &'a Device,
    /// Threads that make views, and the flag that stops.
    pub job: Job<'a>,
}

/// Frames → views → tensors.
#[derive(Clone, Copy)]
pub struct Views<'a> {
    /// The clips.
    pub dataset: &'a Arc<Dataset>,
    /// How their frames become views.
    pub view: &'a ViewRecipe,
    /// Root of random changes.
    pub seed: Seed,
    /// Device and threads.
    pub context: Context<'a>,
}

/// How many frames a network is shown at once where nothing is trained.
const PREDICTED_AT_ONCE: usize = 64;

impl Views<'_> {
    /// Calls `each` with every batch `[batch, 3, side, side]` in turn, while threads make the next ones.
    ///
    /// - `epoch`: which random changes the frames go through; `None` for plain views
    pub fn for_each_batch(
        &self,
        batches: &[Vec<FrameRef>],
        epoch: Option<usize>,
        device: &Device,
        mut each: impl FnMut(&[FrameRef], Tensor<4>),
    ) -> Result<(), Error> {
        let jobs: Vec<FrameRef> = batches.concat();
        let (dataset, recipe, seed) = (Arc::clone(self.dataset), self.view.clone(), self.seed);
        let ahead = 2 * batches.first().map_or(1, Vec::len);
        let mut views = prefetch::ordered(jobs, self.context.job.threads, ahead, move |job: &FrameRef| {
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
            self.context.job.go_on()?;
            let batch = views.by_ref().take(frames.len()).collect::<Result<Vec<_>, _>>()?;
            each(frames, batch::images(&batch, self.view.side, device));
        }
        Ok(())
    }

    /// What an encoder makes of frames, on plain views, `[sets][frames][features]`.
    pub fn features(
        &self,
        encoder: &Encoder,
        sets: &[FeatureSet],
        frames: &[FrameRef],
    ) -> Result<Vec<Vec<Vec<f32>>>, Error> {
        let encoder = encoder.valid().fold();
        let mut rows = vec![Vec::with_capacity(frames.len()); sets.len()];
        let mut odd = None;
        self.for_each_batch(&in_batches(frames), None, self.context.device, |frames, images| {
            let stages = encoder.backbone.forward(images, Mode::Eval);
            for (set, rows) in sets.iter().zip(&mut rows) {
                let found = rows_of(set.read(&encoder.pyramid, stages.clone()));
                odd = odd.or_else(|| not_finite(frames, &found));
                rows.extend(found);
            }
        })?;
        numbers_or(odd, rows)
    }

    /// How a fine-tuned network sees frames, on plain views.
    pub fn described(&self, classifier: &Classifier, frames: &[FrameRef]) -> Result<Vec<(FrameRef, Described)>, Error> {
        let mut all = Vec::with_capacity(frames.len());
        let mut odd = None;
        self.for_each_batch(&in_batches(frames), None, self.context.device, |frames, images| {
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
pub fn in_batches(frames: &[FrameRef]) -> Vec<Vec<FrameRef>> {
    frames.chunks(PREDICTED_AT_ONCE).map(<[FrameRef]>::to_vec).collect()
}

/// - `tensor`: `[rows, columns]`
pub fn rows_of(tensor: Tensor<2>) -> Vec<Vec<f32>> {
    let [_, columns] = tensor.dims();
    let values: Vec<f32> = tensor.into_data().convert::<f32>().iter::<f32>().collect();
    values.chunks(columns.max(1)).map(<[f32]>::to_vec).collect()
}

/// The first frame of which a row is that holds what is no number.
pub fn not_finite(frames: &[FrameRef], rows: &[Vec<f32>]) -> Option<FrameRef> {
    let odd = |row: &Vec<f32>| !row.iter().all(|value| value.is_finite());
    frames.iter().zip(rows).find(|(_, row)| odd(row)).map(|(frame, _)| *frame)
}

/// Returns `rows`, or the error that names the frame of which the network makes no numbers.
///
/// # Errors
/// Where there is such a frame.
pub fn numbers_or<T>(odd: Option<FrameRef>, rows: T) -> Result<T, Error> {
    odd.map_or(Ok(rows), |FrameRef { clip, frame }| Err(Error::FrameNotFinite { clip, frame }))
}

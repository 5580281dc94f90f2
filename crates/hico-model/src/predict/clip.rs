//! A clip → its answer, frame by frame; what is in memory does not grow with the clip.

use super::model::Model;
use crate::Error;
use crate::calibration::calibrated;
use crate::frame_ref::FrameRef;
use crate::frames::{Context, Views, in_batches, not_finite, rows_of};
use crate::known::{Described, Distances, Near, layout};
use crate::rows::argmax;
use burn::tensor::activation::softmax;
use hico_data::{Dataset, Job, Seed};
use serde::{Serialize, Serializer};
use std::sync::Arc;

/// Training clips that are named as near.
pub(super) const NEAREST: usize = 5;

/// A number for each class, in the order of the model's classes; as JSON an object with the classes as keys.
#[derive(Debug, Clone, PartialEq)]
pub struct ByClass {
    classes: Arc<[String]>,
    values: Vec<f64>,
}

impl ByClass {
    /// The mean of several, of the same classes; one at least.
    pub(super) fn mean<'a>(all: impl ExactSizeIterator<Item = &'a Self> + Clone) -> Self {
        let count = all.len() as f64;
        let of_class = |class: usize| all.clone().map(|one| one.values[class]).sum::<f64>() / count;
        let first = all.clone().next();
        let classes = first.map_or_else(|| Arc::from([]), |one| Arc::clone(&one.classes));
        Self { values: (0..classes.len()).map(of_class).collect(), classes }
    }

    /// The numbers, in the order of the model's classes.
    #[must_use]
    pub fn values(&self) -> &[f64] {
        &self.values
    }
}

impl Serialize for ByClass {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.classes.iter().zip(&self.values))
    }
}

/// What the network says of one frame.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FrameAnswer {
    /// The frame, from 0.
    pub frame: usize,
    /// When it is shown, seconds from the first; absent where the source states no rate.
    pub seconds: Option<f64>,
    /// Probability of each class, calibrated.
    pub probabilities: ByClass,
    /// Distance from the training frames, as a multiple of the threshold: out-of-distribution above 1; absent where the
    /// model does not know them.
    pub ood_score: Option<f64>,
}

/// What the network says of one clip.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClipAnswer {
    /// The file, folder or clip as it was named.
    pub source: String,
    /// Frames that were looked at.
    pub frames: usize,
    /// Frames a second, where the source states it.
    pub fps: Option<f64>,
    /// The likeliest class.
    pub prediction: String,
    /// Its probability.
    pub confidence: f64,
    /// Probability of each class: the mean over frames.
    pub probabilities: ByClass,
    /// Out-of-distribution score of the clip; absent where the model does not know its training frames.
    pub ood: Option<OutOfDistribution>,
    /// The nearest training clips, by the mean of the frames' features.
    pub nearest: Vec<NamedNear>,
}

/// The `ood_score` above which a clip is out-of-distribution: 19 of 20 clips of new patients lie below.
pub const OOD_THRESHOLD: f64 = 1.0;

/// Whether a clip is in the distribution of those that were learnt from.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct OutOfDistribution {
    /// Its distance from the training frames, by each description the median of its frames', and of these the farthest, as
    /// a multiple of the distance that 19 of 20 clips of new patients do not exceed.
    pub ood_score: f64,
    /// [`OOD_THRESHOLD`].
    pub threshold: f64,
    /// Whether the score is above the threshold: then its class is not to be trusted.
    pub out_of_distribution: bool,
    /// The score by each description, of which the largest counts.
    pub by: Distances,
}

impl OutOfDistribution {
    /// The farthest of a clip's distances against the threshold.
    pub(super) fn of(by: Distances) -> Self {
        let ood_score = by.farthest();
        Self { ood_score, threshold: OOD_THRESHOLD, out_of_distribution: ood_score > OOD_THRESHOLD, by }
    }
}

/// A training clip that is near, with the name of its class.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NamedNear {
    /// Name of the clip in the training data.
    pub clip: String,
    /// Its class.
    pub label: String,
    /// Cosine of the angle between the features.
    pub similarity: f64,
}

/// A clip of a data set, as a person named it.
#[derive(Debug, Clone, Copy)]
pub struct NamedClip<'a> {
    /// The data set.
    pub dataset: &'a Arc<Dataset>,
    /// The clip, by its place.
    pub clip: usize,
    /// How answers name it.
    pub source: &'a str,
}

impl<'a> NamedClip<'a> {
    /// Names a clip as its data set does.
    ///
    /// # Panics
    /// When there is no such clip.
    #[must_use]
    pub fn new(dataset: &'a Arc<Dataset>, clip: usize) -> Self {
        Self { dataset, clip, source: &dataset.row(clip).clip }
    }
}

/// How clips are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// Reads every Nth frame; 1 is all.
    pub frame_stride: usize,
    /// Threads that make views, and the flag that stops.
    pub job: Job<'a>,
}

impl Model {
    /// Asks about one clip.
    ///
    /// - `each`: called with every frame's answer, in order
    ///
    /// # Errors
    /// When frames cannot be read, or it is asked to stop.
    pub fn ask(
        &self,
        NamedClip { dataset, clip, source }: NamedClip<'_>,
        asking: Asking<'_>,
        mut each: impl FnMut(&FrameAnswer),
    ) -> Result<ClipAnswer, Error> {
        let row = dataset.row(clip);
        let facts = &self.saved.facts;
        let frames: Vec<FrameRef> =
            (0..row.frames).step_by(asking.frame_stride.max(1)).map(|frame| FrameRef { clip, frame }).collect();
        let context = Context { device: &self.device, job: asking.job };
        let classes: Arc<[String]> = facts.classes.clone().into();
        let by_class = |values| ByClass { classes: Arc::clone(&classes), values };
        let views = Views { dataset, view: &facts.view, seed: Seed(0), context };
        let mut sums = vec![0.0; facts.classes.len()];
        let mut middle: Vec<f64> = Vec::new();
        let mut distances: Vec<Distances> = Vec::new();
        let mut odd = None;
        views.for_each_batch(&in_batches(&frames), None, &self.device, |frames, images| {
            let layouts = rows_of(layout(images.clone()));
            let [features, look] = self.saved.classifier.described(images);
            let probabilities = rows_of(softmax(self.saved.classifier.head(features.clone()), 1));
            odd = odd.or_else(|| not_finite(frames, &probabilities));
            if odd.is_some() {
                return;
            }
            let described = rows_of(features).into_iter().zip(rows_of(look)).zip(layouts);
            let described = described.map(|((features, look), layout)| Described { features, look, layout });
            for ((frame, probabilities), described) in frames.iter().zip(probabilities).zip(described) {
                let probabilities: Vec<f64> = probabilities.into_iter().map(f64::from).collect();
                let apart = self.saved.known.as_ref().map(|known| known.distances_of(&described));
                let answer = FrameAnswer {
                    frame: frame.frame,
                    seconds: row.fps.filter(|fps| *fps > 0.0).map(|fps| frame.frame as f64 / fps),
                    probabilities: by_class(calibrated(&probabilities, facts.temperature)),
                    ood_score: apart.map(|apart| apart.farthest()),
                };
                sums.iter_mut().zip(answer.probabilities.values()).for_each(|(sum, probability)| *sum += probability);
                middle.resize(described.features.len(), 0.0);
                middle.iter_mut().zip(&described.features).for_each(|(sum, value)| *sum += f64::from(*value));
                distances.extend(apart);
                each(&answer);
            }
        })?;
        if let Some(FrameRef { frame, .. }) = odd {
            return Err(Error::AnswerNotFinite { frame });
        }
        let count = frames.len().max(1) as f64;
        let means: Vec<f64> = sums.into_iter().map(|sum| sum / count).collect();
        let middle: Vec<f32> = middle.into_iter().map(|sum| (sum / count) as f32).collect();
        let class = argmax(&means);
        Ok(ClipAnswer {
            source: source.to_owned(),
            frames: frames.len(),
            fps: row.fps,
            prediction: facts.classes[class].clone(),
            confidence: means[class],
            probabilities: by_class(means),
            ood: self.saved.known.as_ref().map(|_| OutOfDistribution::of(Distances::of_clip(&distances))),
            nearest: self.nearest(&middle),
        })
    }

    fn nearest(&self, features: &[f32]) -> Vec<NamedNear> {
        let named = |Near { frame, similarity }: Near| NamedNear {
            clip: frame.clip,
            label: self.classes()[frame.label].clone(),
            similarity,
        };
        self.saved.known.iter().flat_map(|known| known.nearest(features, NEAREST)).map(named).collect()
    }
}

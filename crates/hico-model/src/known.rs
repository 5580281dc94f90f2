//! What a network has seen: three descriptions of its training frames, by which a clip that is like none of them is told
//! (Sun et al. 2022, "Out-of-Distribution Detection with Deep Nearest Neighbors"), and the nearest ones found.
//!
//! What the head reads tells classes apart and little else: noise and X-rays look like one of the classes there. So the
//! look of a frame counts as well: mean and deviation of every channel of the two finest maps. Both forget where in the
//! picture things lie, and another organ is tissue too; so the layout counts as well: the picture as 16x16 places, whatever
//! its brightness and contrast. A clip that is far by any of the three is unlike those that were learnt from.

use crate::frame_ref::FrameRef;
use crate::rows::{best_of_each, cosine, unit};
use crate::stats;
use burn::tensor::Tensor;
use burn::tensor::module::adaptive_avg_pool2d;
use hico_data::Dataset;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Nearest training frames whose mean distance counts.
const NEIGHBOURS: usize = 5;

/// Places of a layout along each side.
const LAYOUT: usize = 16;

/// Share of clips of unseen patients that should pass as familiar, by all of the descriptions.
const FAMILIAR: f64 = 0.95;

/// A deviation below this tells nothing.
const LEAST_DEVIATION: f64 = 1e-6;

/// A layout shorter than this before it is brought to length 1 is that of a picture of one tone.
const LEAST_LENGTH: f64 = 1e-6;

/// A training frame.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KnownFrame {
    /// Name of its clip in the data set.
    pub clip: String,
    /// The frame, from 0.
    pub frame: usize,
    /// Its class, by its place among the classes.
    pub label: usize,
}

/// A frame as the network sees it.
#[derive(Debug, Clone, PartialEq)]
pub struct Described {
    /// What the head reads.
    pub features: Vec<f32>,
    /// Mean and deviation of each channel of the two finest maps.
    pub look: Vec<f32>,
    /// The picture as 16x16 places, as [`layout`] gives it; empty in files of earlier versions.
    pub layout: Vec<f32>,
}

/// How far a frame or a clip lies from training frames, each as a multiple of what is usual for patients that were not
/// learnt from: 1 is as far as is usual.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Distances {
    /// By what the head reads.
    pub features: f64,
    /// By the look.
    pub look: f64,
    /// By the layout; absent where the model is of an earlier version.
    pub layout: Option<f64>,
}

impl Distances {
    /// The farthest of them: above 1 a clip is unlike those that were learnt from.
    #[must_use]
    pub fn farthest(&self) -> f64 {
        self.features.max(self.look).max(self.layout.unwrap_or(0.0))
    }

    /// Of each the mean over several networks; one at least.
    #[must_use]
    pub fn mean(networks: &[Self]) -> Self {
        let count = networks.len() as f64;
        let layouts: Option<f64> = networks.iter().map(|network| network.layout).sum();
        Self {
            features: networks.iter().map(|network| network.features).sum::<f64>() / count,
            look: networks.iter().map(|network| network.look).sum::<f64>() / count,
            layout: layouts.map(|sum| sum / count),
        }
    }

    /// Of each the median over frames, as the usual distances of clips are.
    #[must_use]
    pub fn of_clip(frames: &[Self]) -> Self {
        let middle = |of: fn(&Self) -> f64| median(&frames.iter().map(of).collect::<Vec<_>>());
        let layouts: Vec<f64> = frames.iter().filter_map(|frame| frame.layout).collect();
        Self {
            features: middle(|frame| frame.features),
            look: middle(|frame| frame.look),
            layout: (!layouts.is_empty()).then(|| median(&layouts)),
        }
    }
}

/// Where things lie in pictures: the mean of each of 16x16 places, less the mean of all, to length 1; zeros for a picture of
/// one tone. Neither brightness nor contrast change it.
///
/// - `images`: `[batch, 3, side, side]`, normalised or not
/// - returns: `[batch, 256]`
#[must_use]
pub fn layout(images: Tensor<4>) -> Tensor<2> {
    let [batch, ..] = images.dims();
    let places = adaptive_avg_pool2d(images.mean_dim(1), [LAYOUT; 2]).reshape([batch, LAYOUT * LAYOUT]);
    let centred = places.clone() - places.mean_dim(1); // [batch, 256]
    let length = centred.clone().square().sum_dim(1).sqrt();
    centred / length.clamp_min(LEAST_LENGTH)
}

/// Training frames, described.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    frames: Vec<KnownFrame>,
    described: Vec<Described>,
    /// Distances by features and by look that are as far as is usual.
    usual: [f64; 2],
    /// Distance by layout that is as far as is usual; absent where the layouts are.
    usual_layout: Option<f64>,
    /// Mean and reciprocal deviation of each number of a look.
    scale: Vec<[f32; 2]>,
    /// The looks in these.
    looks: Vec<Vec<f32>>,
}

/// A training clip near a query.
#[derive(Debug, Clone, PartialEq)]
pub struct Near {
    /// The training frame, the nearest of its clip.
    pub frame: KnownFrame,
    /// Cosine of the angle between the features, 1 where they are alike.
    pub similarity: f64,
}

impl Known {
    /// The frames that were learnt from, and what is usual by clips that were not.
    ///
    /// - `fit`, `inner`: frames with their descriptions; of the inner validation groups a clip's distance is the median of
    ///   its frames', and 19 of 20 of these clips are usual by all descriptions, or all where they are too few to tell
    #[must_use]
    pub fn new(dataset: &Dataset, fit: Vec<(FrameRef, Described)>, inner: &[(FrameRef, Described)]) -> Self {
        let frame = |(frame, mut described): (FrameRef, Described)| {
            described.features = unit(&described.features);
            let label = dataset.label(frame.clip)?;
            Some((KnownFrame { clip: dataset.row(frame.clip).clip.clone(), frame: frame.frame, label }, described))
        };
        let (frames, described) = fit.into_iter().filter_map(frame).unzip();
        let mut known = Self::from_parts(frames, described, [1.0; 2], None);
        let mut clips: BTreeMap<usize, [Vec<f64>; 2]> = BTreeMap::new();
        let mut layouts: BTreeMap<usize, Vec<f64>> = BTreeMap::new();
        for (frame, described) in inner {
            let distances = known.distances(described);
            let of_clip = clips.entry(frame.clip).or_default();
            of_clip.iter_mut().zip(distances).for_each(|(all, distance)| all.push(distance));
            layouts.entry(frame.clip).or_default().push(known.layout_distance(described, |_| true));
        }
        known.usual = [0, 1].map(|which: usize| usual(clips.values().map(|of_clip| median(&of_clip[which])).collect()));
        if known.described.iter().any(|frame| !frame.layout.is_empty()) {
            // No label teaches a layout, so every training group can stand for a new one, held against the others.
            for (frame, described, distance) in known.against_other_groups(dataset) {
                if !described.layout.is_empty() {
                    layouts.entry(frame).or_default().push(distance);
                }
            }
            known.usual_layout = Some(usual(layouts.values().map(|of_clip| median(of_clip)).collect()));
        }
        // Three limits that 1 of 20 exceeds each are together exceeded by more: all are widened until 19 of 20 clips are
        // within all of them.
        let farthest = clips.iter().map(|(clip, of_clip)| {
            let by_layout = known.usual_layout.zip(layouts.get(clip)).map(|(usual, of_clip)| median(of_clip) / usual);
            let by_others = [0, 1].map(|which: usize| median(&of_clip[which]) / known.usual[which]);
            by_others[0].max(by_others[1]).max(by_layout.unwrap_or(0.0))
        });
        let wider = usual(farthest.collect()).max(1.0);
        known.usual = known.usual.map(|usual| usual * wider);
        known.usual_layout = known.usual_layout.map(|usual| usual * wider);
        known
    }

    /// Of every training frame its clip and its distance by layout from those of other groups.
    fn against_other_groups<'a>(&'a self, dataset: &'a Dataset) -> impl Iterator<Item = (usize, &'a Described, f64)> {
        let places: BTreeMap<&str, usize> =
            (0..dataset.len()).map(|clip| (dataset.row(clip).clip.as_str(), clip)).collect();
        let clips: Vec<Option<usize>> =
            self.frames.iter().map(|frame| places.get(frame.clip.as_str()).copied()).collect();
        let group = move |clip: usize| dataset.row(clip).group.as_str();
        let of_frame: Vec<Option<&str>> = clips.iter().map(|clip| clip.map(group)).collect();
        let all = self.described.iter().zip(clips).zip(of_frame.clone());
        all.filter_map(move |((described, clip), own)| {
            let other = |frame: usize| of_frame[frame] != own;
            // Where there is one group nothing can stand for a new one.
            (0..of_frame.len()).any(other).then(|| Some((clip?, described, self.layout_distance(described, other))))?
        })
    }

    /// From what [`Self::frames`], [`Self::described`], [`Self::usual`] and [`Self::usual_layout`] gave.
    #[must_use]
    pub fn from_parts(
        frames: Vec<KnownFrame>,
        described: Vec<Described>,
        usual: [f64; 2],
        usual_layout: Option<f64>,
    ) -> Self {
        let looks: Vec<&[f32]> = described.iter().map(|frame| frame.look.as_slice()).collect();
        let width = looks.first().map_or(0, |look| look.len());
        let scale = |place: usize| {
            let values: Vec<f64> = looks.iter().map(|look| f64::from(look[place])).collect();
            let mean = stats::mean(&values).unwrap_or(0.0);
            let variance = stats::mean(&values.iter().map(|value| (value - mean).powi(2)).collect::<Vec<_>>());
            [mean as f32, variance.unwrap_or(0.0).sqrt().max(LEAST_DEVIATION).recip() as f32]
        };
        let scale: Vec<[f32; 2]> = (0..width).map(scale).collect();
        let looks = looks.into_iter().map(|look| standardised(look, &scale)).collect();
        Self { frames, described, usual, usual_layout, scale, looks }
    }

    /// The training frames.
    #[must_use]
    pub fn frames(&self) -> &[KnownFrame] {
        &self.frames
    }

    /// What the network sees of each; features have length 1.
    #[must_use]
    pub fn described(&self) -> &[Described] {
        &self.described
    }

    /// Distances by features and by look that are as far as is usual.
    #[must_use]
    pub const fn usual(&self) -> [f64; 2] {
        self.usual
    }

    /// Distance by layout that is as far as is usual; absent in files of earlier versions.
    #[must_use]
    pub const fn usual_layout(&self) -> Option<f64> {
        self.usual_layout
    }

    /// How far a frame lies from training frames, as multiples of what is usual for patients that were not learnt from.
    #[must_use]
    pub fn distances_of(&self, frame: &Described) -> Distances {
        let [features, look] = self.distances(frame);
        let layout = self.usual_layout.map(|usual| self.layout_distance(frame, |_| true) / usual);
        Distances { features: features / self.usual[0], look: look / self.usual[1], layout }
    }

    /// As [`Self::distances_of`], by whichever is farthest. Above 1 it is unfamiliar.
    #[must_use]
    pub fn distance(&self, frame: &Described) -> f64 {
        self.distances_of(frame).farthest()
    }

    /// Mean Euclidean distance to the nearest layouts of the training frames that are `allowed`, which go by their place.
    fn layout_distance(&self, frame: &Described, allowed: impl Fn(usize) -> bool) -> f64 {
        let apart = |(_, known): (usize, &Described)| {
            let squares = known.layout.iter().zip(&frame.layout).map(|(a, b)| f64::from(a - b).powi(2));
            squares.sum::<f64>().sqrt()
        };
        nearest_mean(self.described.iter().enumerate().filter(|(place, _)| allowed(*place)).map(apart).collect())
    }

    /// 1 minus the mean cosine with the five nearest features; mean Euclidean distance to the nearest looks, each
    /// number in training deviations, over the root of their count.
    fn distances(&self, frame: &Described) -> [f64; 2] {
        let query = standardised(&frame.look, &self.scale);
        let root = (query.len().max(1) as f64).sqrt();
        let apart = |known: &Vec<f32>| {
            let squares = known.iter().zip(&query).map(|(a, b)| f64::from(a - b).powi(2)).sum::<f64>();
            squares.sqrt() / root
        };
        let angles = self.cosines(&frame.features).map(|cosine| 1.0 - cosine).collect();
        [nearest_mean(angles), nearest_mean(self.looks.iter().map(apart).collect())]
    }

    /// The nearest training clips by features, each by its nearest frame, the nearest first.
    ///
    /// - `features`: what the head reads
    #[must_use]
    pub fn nearest(&self, features: &[f32], count: usize) -> Vec<Near> {
        let named = self.frames.iter().map(|frame| frame.clip.as_str()).zip(self.cosines(features));
        let near = |(place, similarity): (usize, f64)| Near { frame: self.frames[place].clone(), similarity };
        best_of_each(named, count).into_iter().map(near).collect()
    }

    fn cosines(&self, features: &[f32]) -> impl Iterator<Item = f64> + use<'_> {
        let query = unit(features);
        self.described.iter().map(move |known| cosine(&known.features, &query))
    }
}

/// The distance that 19 of 20 clips of unseen patients do not exceed, or all where they are too few to tell.
fn usual(mut distances: Vec<f64>) -> f64 {
    distances.sort_by(f64::total_cmp);
    let place = ((distances.len() + 1) as f64 * FAMILIAR).ceil() as usize;
    let usual = distances.get(place.min(distances.len()).saturating_sub(1));
    usual.copied().unwrap_or(1.0).max(f64::MIN_POSITIVE)
}

/// The middle of numbers; 0 for none.
#[must_use]
pub fn median(values: &[f64]) -> f64 {
    let mut values = values.to_vec();
    values.sort_by(f64::total_cmp);
    if values.is_empty() { 0.0 } else { stats::quantile(&values, 0.5) }
}

fn standardised(look: &[f32], scale: &[[f32; 2]]) -> Vec<f32> {
    look.iter().zip(scale).map(|(value, [mean, scale])| (value - mean) * scale).collect()
}

fn nearest_mean(mut distances: Vec<f64>) -> f64 {
    distances.sort_by(f64::total_cmp);
    distances.truncate(NEIGHBOURS);
    stats::mean(&distances).unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::test_data;

    fn described(degrees: f64, look: f32) -> Described {
        let angle = degrees.to_radians();
        // Features of any length.
        Described {
            features: vec![(3.0 * angle.cos()) as f32, (3.0 * angle.sin()) as f32],
            look: vec![look, 5.0],
            layout: Vec::new(),
        }
    }

    fn known() -> Known {
        let data = test_data::spots(&[("a", Some(0), 0), ("b", Some(1), 0), ("c", Some(0), 1), ("d", Some(1), 1)]);
        let frame =
            |clip: usize, frame: usize, degrees: f64, look| (FrameRef { clip, frame }, described(degrees, look));
        // Looks of 1 and -1: mean 0, deviation 1; the second number never changes.
        let fit = (0..6).map(|at| frame(at % 2, at / 2, [0.0, 90.0][at % 2], [1.0, -1.0][at % 2])).collect();
        let inner = [(2, 10.0, 1.0), (2, 20.0, 1.0), (2, 80.0, 2.0), (3, 70.0, -1.0)];
        let inner = inner.iter().enumerate().map(|(at, (clip, degrees, look))| frame(*clip, at, *degrees, *look));
        Known::new(&data, fit, &inner.collect::<Vec<_>>())
    }

    #[test]
    fn what_is_like_training_is_near_and_what_is_like_nothing_is_far() {
        let known = known();
        // Three of the five nearest lie at the angle, two at the right angle to it.
        let cosine = |degrees: f64| degrees.to_radians().cos();
        let angle = |degrees: f64| 1.0 - (3.0 * cosine(degrees) + 2.0 * cosine(90.0 - degrees)) / 5.0;
        // Three of the five nearest looks are on the same side, two on the other; two numbers.
        let look = |value: f64| (3.0 * (value - 1.0).abs() + 2.0 * (value + 1.0).abs()) / 5.0 / 2.0_f64.sqrt();
        for (degrees, value) in [(0.0, 1.0), (10.0, 1.5), (20.0, 3.0)] {
            let [by_features, by_look] = known.distances(&described(degrees, value as f32));
            assert!((by_features - angle(degrees)).abs() < 1e-6 && (by_look - look(value)).abs() < 1e-6);
        }
        // Of the first inner clip the middle frame, of the second its only one; too few to leave any out.
        let usual = [angle(20.0).max(median(&[angle(10.0), angle(20.0), angle(10.0)])), look(1.0)];
        assert!(known.usual().iter().zip(usual).all(|(found, usual)| (found - usual).abs() < 1e-6), "{known:?}");
        assert!(known.distance(&described(20.0, 1.0)) <= 1.0 + 1e-6);
        assert!(known.distance(&described(200.0, 1.0)) > 1.0, "by its features");
        assert!(known.distance(&described(20.0, 9.0)) > 1.0, "by its look");
    }

    #[test]
    fn of_twenty_unseen_clips_nineteen_pass_by_all_descriptions_together() {
        let rows: Vec<(String, Option<usize>, usize)> =
            (0..48).map(|clip| (format!("g{clip}"), Some(clip % 2), clip % 2)).collect();
        let rows: Vec<_> = rows.iter().map(|(group, label, fold)| (group.as_str(), *label, *fold)).collect();
        let data = test_data::spots(&rows);
        let frame = |clip: usize, degrees: f64, look| (FrameRef { clip, frame: 0 }, described(degrees, look));
        let fit: Vec<_> = (0..8).map(|clip| frame(clip, 0.0, [1.0, -1.0][clip % 2])).collect();
        // Of forty clips two are far by their features and two others by their look: each alone leaves one out too many.
        let inner: Vec<_> = (8..48)
            .map(|clip| match clip {
                8 | 9 => frame(clip, 60.0 + clip as f64, 1.0),
                10 | 11 => frame(clip, 1.0, clip as f32),
                _ => frame(clip, 1.0, 1.0),
            })
            .collect();
        let known = Known::new(&data, fit, &inner);
        let familiar = inner.iter().filter(|(_, described)| known.distance(described) <= 1.0 + 1e-9).count();
        // The conformal rank of 40 clips is the 39th.
        assert!(familiar >= 39, "{familiar}");
        assert!(known.distance(&described(170.0, 1.0)) > 1.0 && known.distance(&described(1.0, 99.0)) > 1.0);
    }

    #[test]
    fn the_nearest_clips_are_named_once_each() {
        let near = known().nearest(&described(100.0, 0.0).features, 5);
        let named: Vec<_> = near.iter().map(|near| (near.frame.clip.as_str(), near.frame.label)).collect();
        assert_eq!(named, [("clip-01", 1), ("clip-00", 0)]);
        assert!((near[0].similarity - 10.0_f64.to_radians().cos()).abs() < 1e-6);
        assert_eq!(known().nearest(&described(0.0, 0.0).features, 1).len(), 1);
    }

    #[test]
    fn another_layout_is_far_though_features_and_look_are_alike() {
        let rows: Vec<(String, Option<usize>, usize)> =
            (0..8).map(|group| (format!("g{group}"), Some(group % 2), group % 2)).collect();
        let rows: Vec<_> = rows.iter().map(|(group, label, fold)| (group.as_str(), *label, *fold)).collect();
        let data = test_data::spots(&rows);
        let turned = |degrees: f64| {
            let angle = degrees.to_radians();
            let mut described = described(0.0, 1.0);
            described.layout = vec![angle.cos() as f32, angle.sin() as f32];
            described
        };
        // Each group is 2 degrees from the next, so the nearest five others of the outermost are 2 to 10 degrees away.
        let frame = |clip: usize| (FrameRef { clip, frame: 0 }, turned(2.0 * clip as f64));
        let known = Known::new(&data, (0..8).map(frame).collect(), &[(FrameRef { clip: 1, frame: 0 }, turned(2.0))]);
        let apart = |degrees: f64| 2.0 * (degrees.to_radians() / 2.0).sin();
        let outermost = [2.0, 4.0, 6.0, 8.0, 10.0].map(apart).iter().sum::<f64>() / 5.0;
        assert!((known.usual_layout().unwrap() - outermost).abs() < 1e-6, "{:?}", known.usual_layout());
        assert!(known.distance(&turned(7.0)) <= 1.0 && known.distance(&turned(40.0)) > 1.0);
        let clip = Distances::of_clip(&[known.distances_of(&turned(7.0)), known.distances_of(&turned(40.0))]);
        assert!(clip.layout.unwrap() > 1.0 && clip.look <= 1.0 && clip.features <= 1.0, "{clip:?}");
        // A model of an earlier version has no layouts, and is asked without them.
        let earlier = Known::from_parts(known.frames().to_vec(), known.described().to_vec(), known.usual(), None);
        assert!(earlier.distance(&turned(40.0)) <= 1.0 && earlier.distances_of(&turned(40.0)).layout.is_none());
    }

    #[test]
    fn a_layout_knows_no_brightness_and_no_contrast() {
        let device = burn::tensor::Device::flex();
        let images = |of: &dyn Fn(usize, usize) -> f32| {
            let plane: Vec<f32> = (0..32 * 32).map(|at| of(at / 32, at % 32)).collect();
            Tensor::<4>::from_data(burn::tensor::TensorData::new(plane.repeat(3), [1, 3, 32, 32]), &device)
        };
        let values = |images| layout(images).into_data().iter::<f32>().collect::<Vec<_>>();
        let ramp = values(images(&|row, _| row as f32));
        let faint = values(images(&|row, _| 0.1f32.mul_add(row as f32, 7.0)));
        assert!(ramp.iter().zip(&faint).all(|(a, b)| (a - b).abs() < 1e-4), "{ramp:?} {faint:?}");
        assert!((ramp.iter().map(|value| value * value).sum::<f32>() - 1.0).abs() < 1e-4 && ramp[0] < ramp[255]);
        assert!(values(images(&|_, _| 0.5)).iter().all(|value| value.abs() < 1e-3), "one tone has no layout");
    }

    #[test]
    fn the_middle_of_numbers() {
        assert_eq!([median(&[]), median(&[3.0]), median(&[9.0, 1.0]), median(&[5.0, 1.0, 2.0])], [0.0, 3.0, 5.0, 2.0]);
    }
}

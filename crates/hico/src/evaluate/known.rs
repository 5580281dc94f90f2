//! What a network has seen: two descriptions of its training frames, by which a clip that is like none of them is told
//! (Sun et al. 2022, "Out-of-Distribution Detection with Deep Nearest Neighbors"), and the nearest ones found.
//!
//! What the head reads tells classes apart and little else: noise and X-rays look like one of the classes there. So the
//! look of a frame counts as well: mean and deviation of every channel of the two finest maps.

use super::plan::FrameRef;
use super::rows::{best_of_each, cosine, unit};
use crate::stats;
use hico_data::Dataset;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Nearest training frames whose mean distance counts.
const NEIGHBOURS: usize = 5;

/// Share of clips of unseen patients that should pass as familiar, by each of the two descriptions.
const FAMILIAR: f64 = 0.95;

/// A deviation below this tells nothing.
const LEAST_DEVIATION: f64 = 1e-6;

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
}

/// Training frames, described.
#[derive(Debug, Clone, PartialEq)]
pub struct Known {
    frames: Vec<KnownFrame>,
    described: Vec<Described>,
    /// Distances by features and by look that are as far as is usual.
    usual: [f64; 2],
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
    ///   its frames', and 19 of 20 of these clips are usual, or all where they are too few to tell
    #[must_use]
    pub fn new(dataset: &Dataset, fit: Vec<(FrameRef, Described)>, inner: &[(FrameRef, Described)]) -> Self {
        let frame = |(frame, mut described): (FrameRef, Described)| {
            described.features = unit(&described.features);
            let label = dataset.label(frame.clip)?;
            Some((KnownFrame { clip: dataset.row(frame.clip).clip.clone(), frame: frame.frame, label }, described))
        };
        let (frames, described) = fit.into_iter().filter_map(frame).unzip();
        let mut known = Self::from_parts(frames, described, [1.0; 2]);
        let mut clips: BTreeMap<usize, [Vec<f64>; 2]> = BTreeMap::new();
        for (frame, described) in inner {
            let distances = known.distances(described);
            let of_clip = clips.entry(frame.clip).or_default();
            of_clip.iter_mut().zip(distances).for_each(|(all, distance)| all.push(distance));
        }
        known.usual = [0, 1].map(|which: usize| {
            let mut distances: Vec<f64> = clips.values().map(|of_clip| median(&of_clip[which])).collect();
            distances.sort_by(f64::total_cmp);
            let place = ((distances.len() + 1) as f64 * FAMILIAR).ceil() as usize;
            let usual = distances.get(place.min(distances.len()).saturating_sub(1));
            usual.copied().unwrap_or(1.0).max(f64::MIN_POSITIVE)
        });
        known
    }

    /// From what [`Self::frames`], [`Self::described`] and [`Self::usual`] gave.
    #[must_use]
    pub fn from_parts(frames: Vec<KnownFrame>, described: Vec<Described>, usual: [f64; 2]) -> Self {
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
        Self { frames, described, usual, scale, looks }
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

    /// How far a frame lies from training frames, as a multiple of what is usual for patients that were not learnt from;
    /// by features or by look, whichever is farther. Above 1 it is unfamiliar.
    #[must_use]
    pub fn distance(&self, frame: &Described) -> f64 {
        let [features, look] = self.distances(frame);
        (features / self.usual[0]).max(look / self.usual[1])
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
    use crate::evaluate::test_data;

    fn described(degrees: f64, look: f32) -> Described {
        let angle = degrees.to_radians();
        // Features of any length.
        Described { features: vec![(3.0 * angle.cos()) as f32, (3.0 * angle.sin()) as f32], look: vec![look, 5.0] }
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
    fn the_nearest_clips_are_named_once_each() {
        let near = known().nearest(&described(100.0, 0.0).features, 5);
        let named: Vec<_> = near.iter().map(|near| (near.frame.clip.as_str(), near.frame.label)).collect();
        assert_eq!(named, [("clip-01", 1), ("clip-00", 0)]);
        assert!((near[0].similarity - 10.0_f64.to_radians().cos()).abs() < 1e-6);
        assert_eq!(known().nearest(&described(0.0, 0.0).features, 1).len(), 1);
    }

    #[test]
    fn the_middle_of_numbers() {
        assert_eq!([median(&[]), median(&[3.0]), median(&[9.0, 1.0]), median(&[5.0, 1.0, 2.0])], [0.0, 3.0, 5.0, 2.0]);
    }
}

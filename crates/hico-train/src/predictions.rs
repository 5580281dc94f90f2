//! Predictions frame by frame, and from them those for whole clips and whole patients.

use hico_data::Dataset;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// What was predicted for one clip of a test fold (honest protocol).
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClipPrediction {
    /// The clip.
    pub clip: String,
    /// Its group.
    pub group: String,
    /// Its class.
    pub truth: usize,
    /// Mean probability of each class over its frames.
    pub probabilities: Vec<f64>,
}

/// What was predicted for one frame.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct FramePrediction {
    /// Index of the clip in the data set.
    pub clip: usize,
    /// The frame, from 0.
    pub frame: usize,
    /// Probability of each class.
    pub probabilities: Vec<f64>,
}

/// What is classified: a frame, a clip or a patient.
#[derive(Debug, Clone, PartialEq)]
pub struct UnitPrediction {
    /// The group, by which a bootstrap draws.
    pub group: String,
    /// The class.
    pub truth: usize,
    /// Probability of each class.
    pub probabilities: Vec<f64>,
}

/// Each frame on its own.
///
/// # Panics
/// Here and below, when a clip is not labelled: only labelled clips are tested.
#[must_use]
pub fn per_frame(dataset: &Dataset, frames: &[FramePrediction]) -> Vec<UnitPrediction> {
    let unit = |frame: &FramePrediction| UnitPrediction {
        group: dataset.row(frame.clip).group.clone(),
        truth: truth_of(dataset, frame.clip),
        probabilities: frame.probabilities.clone(),
    };
    frames.iter().map(unit).collect()
}

/// Each clip by the mean probability of its frames, in the order of the data set.
#[must_use]
pub fn per_clip(dataset: &Dataset, frames: &[FramePrediction]) -> Vec<ClipPrediction> {
    let clips = mean_by(frames.iter().map(|frame| (frame.clip, frame.probabilities.as_slice())));
    let clip = |(clip, probabilities)| {
        let row = dataset.row(clip);
        ClipPrediction {
            clip: row.clip.clone(),
            group: row.group.clone(),
            truth: truth_of(dataset, clip),
            probabilities,
        }
    };
    clips.into_iter().map(clip).collect()
}

/// Each patient (group) by the mean probability of its clips; a group with clips of two classes counts once a class,
/// each time by the clips of that class.
#[must_use]
pub fn per_patient(clips: &[ClipPrediction]) -> Vec<UnitPrediction> {
    let patients = mean_by(clips.iter().map(|clip| ((clip.group.clone(), clip.truth), clip.probabilities.as_slice())));
    patients.into_iter().map(|((group, truth), probabilities)| UnitPrediction { group, truth, probabilities }).collect()
}

impl From<ClipPrediction> for UnitPrediction {
    fn from(clip: ClipPrediction) -> Self {
        Self { group: clip.group, truth: clip.truth, probabilities: clip.probabilities }
    }
}

fn truth_of(dataset: &Dataset, clip: usize) -> usize {
    #[expect(clippy::expect_used, reason = "a plan tests labelled clips only; anything else is our own bug")]
    dataset.label(clip).expect("a tested clip is labelled")
}

/// Mean probabilities by key, in the order of the keys.
fn mean_by<'a, K: Ord>(rows: impl Iterator<Item = (K, &'a [f64])>) -> BTreeMap<K, Vec<f64>> {
    let mut sums: BTreeMap<K, (Vec<f64>, f64)> = BTreeMap::new();
    for (key, probabilities) in rows {
        let (sum, count) = sums.entry(key).or_insert_with(|| (vec![0.0; probabilities.len()], 0.0));
        sum.iter_mut().zip(probabilities).for_each(|(sum, probability)| *sum += probability);
        *count += 1.0;
    }
    let mean = |(key, (sum, count)): (K, (Vec<f64>, f64))| (key, sum.into_iter().map(|value| value / count).collect());
    sums.into_iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_model::test_data;

    fn frame(clip: usize, frame: usize, probabilities: [f64; 2]) -> FramePrediction {
        FramePrediction { clip, frame, probabilities: probabilities.to_vec() }
    }

    /// Three clips: two of patient `p`, of two classes, one of patient `q`.
    fn example() -> (Dataset, Vec<FramePrediction>) {
        let data = test_data::spots(&[("p", Some(0), 0), ("p", Some(1), 0), ("q", Some(1), 0), ("q", Some(1), 0)]);
        let frames = vec![
            frame(0, 0, [1.0, 0.0]),
            frame(0, 1, [0.5, 0.5]),
            frame(1, 0, [0.25, 0.75]),
            frame(2, 0, [0.0, 1.0]),
            frame(2, 1, [0.0, 1.0]),
            frame(2, 2, [0.75, 0.25]),
            frame(3, 0, [0.5, 0.5]),
        ];
        (data, frames)
    }

    #[test]
    fn a_clip_is_the_mean_of_its_frames_and_a_patient_that_of_its_clips() {
        let (data, frames) = example();
        let clips = per_clip(&data, &frames);
        let means: Vec<_> = clips.iter().map(|clip| clip.probabilities.clone()).collect();
        assert_eq!(means, [[0.75, 0.25], [0.25, 0.75], [0.25, 0.75], [0.5, 0.5]]);
        let patients = per_patient(&clips);
        let found: Vec<_> =
            patients.iter().map(|unit| (unit.group.as_str(), unit.truth, unit.probabilities[0])).collect();
        // q is the mean of its clips, not of its frames: a long clip does not outweigh a short one.
        assert_eq!(found, [("p", 0, 0.75), ("p", 1, 0.25), ("q", 1, 0.375)]);
        assert_eq!(per_frame(&data, &frames).len(), 7);
    }
}

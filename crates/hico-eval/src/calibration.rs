//! Confidence that means what it says: one temperature on the inner validation groups (Guo et al. 2017, "On Calibration of
//! Modern Neural Networks"), and how far confidence and truth are apart.

use super::outcome::CalibrationScores;
use crate::stats;
use hico_data::Dataset;
use hico_model::calibration::calibrated;
use hico_model::rows::argmax;
use hico_train::predictions::{FramePrediction, UnitPrediction, per_clip, per_frame};
use std::collections::BTreeSet;

/// Bins of confidence, equally wide.
const BINS: usize = 10;

/// Temperatures that are thought of, as logarithms: from 1/20 to 20.
const RANGE: [f64; 2] = [-3.0, 3.0];

/// Frames at another temperature.
#[must_use]
pub fn calibrated_frames(frames: &[FramePrediction], temperature: f64) -> Vec<FramePrediction> {
    let frame = |frame: &FramePrediction| FramePrediction {
        probabilities: calibrated(&frame.probabilities, temperature),
        ..frame.clone()
    };
    frames.iter().map(frame).collect()
}

/// Deviation of the logarithm of the temperature before anything is known.
const PRIOR: f64 = 0.5;

/// The likeliest temperature for labelled frames; `None` where no frame has a label.
///
/// Frames of one patient are not independent, so all of them together weigh as much as there are groups; and before
/// anything is known the logarithm of the temperature lies around 0 with a deviation of 0.5, so that a dozen patients
/// do not move it far. A search by golden section finds it.
#[must_use]
pub fn temperature(dataset: &Dataset, frames: &[FramePrediction]) -> Option<f64> {
    let known: Vec<(usize, &[f64])> =
        frames.iter().filter_map(|frame| Some((dataset.label(frame.clip)?, frame.probabilities.as_slice()))).collect();
    if known.is_empty() {
        return None;
    }
    let groups: BTreeSet<&str> = frames.iter().map(|frame| dataset.row(frame.clip).group.as_str()).collect();
    let weight = groups.len() as f64 / known.len() as f64;
    let cost = |logarithm: f64| -> f64 {
        let temperature = logarithm.exp();
        let surprise = |(truth, p): &(usize, &[f64])| -calibrated(p, temperature)[*truth].max(f64::MIN_POSITIVE).ln();
        weight * known.iter().map(surprise).sum::<f64>() + 0.5 * (logarithm / PRIOR).powi(2)
    };
    let golden = (5.0_f64.sqrt() - 1.0) / 2.0;
    let [mut low, mut high] = RANGE;
    for _ in 0..60 {
        let (left, right) = (high - golden * (high - low), low + golden * (high - low));
        if cost(left) <= cost(right) { high = right } else { low = left }
    }
    Some(f64::midpoint(low, high).exp())
}

/// Expected calibration error: the mean distance between confidence (the largest probability) and the share that is
/// right, over ten bins of confidence, each by its share of the units. 0 for no unit.
#[must_use]
pub fn expected_calibration_error(units: &[UnitPrediction]) -> f64 {
    let mut bins = [[0.0; 3]; BINS];
    for unit in units {
        let class = argmax(&unit.probabilities);
        let confidence = unit.probabilities[class];
        let bin = &mut bins[((confidence * BINS as f64) as usize).min(BINS - 1)];
        bin[0] += 1.0;
        bin[1] += confidence;
        bin[2] += f64::from(u8::from(class == unit.truth));
    }
    let count: f64 = bins.iter().map(|bin| bin[0]).sum();
    bins.iter().map(|[_, confidence, right]| (confidence - right).abs()).sum::<f64>() / count.max(1.0)
}

/// What calibration did to one candidate's tested frames, and to its clips, by the mean over seeds.
///
/// - `temperatures`: of every fold and seed
/// - `seeds`: for each seed the frames of all folds, before and after
pub(crate) fn scores(
    dataset: &Dataset,
    temperatures: Vec<f64>,
    seeds: &[[Vec<FramePrediction>; 2]],
) -> Option<CalibrationScores> {
    let error = |when: usize, units: &dyn Fn(&[FramePrediction]) -> Vec<UnitPrediction>| {
        let of_seed = |seed: &[Vec<FramePrediction>; 2]| expected_calibration_error(&units(&seed[when]));
        stats::mean(&seeds.iter().map(of_seed).collect::<Vec<_>>())
    };
    let frames = |frames: &[FramePrediction]| per_frame(dataset, frames);
    let clips = |frames: &[FramePrediction]| per_clip(dataset, frames).into_iter().map(Into::into).collect();
    Some(CalibrationScores {
        temperatures,
        frame: [error(0, &frames)?, error(1, &frames)?],
        clip: [error(0, &clips)?, error(1, &clips)?],
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_model::test_data;
    use proptest::prelude::*;

    fn unit(truth: usize, probabilities: [f64; 2]) -> UnitPrediction {
        UnitPrediction { group: String::new(), truth, probabilities: probabilities.to_vec() }
    }

    #[test]
    fn the_error_is_the_distance_between_confidence_and_truth() {
        // Always 0.9 sure and right in four of five: 0.1 too sure.
        let units: Vec<_> = (0..5).map(|at| unit(usize::from(at == 0), [0.9, 0.1])).collect();
        assert!((expected_calibration_error(&units) - 0.1).abs() < 1e-12);
        // Two bins: sure and always right, 0.6 sure and never right.
        let units = [unit(0, [1.0, 0.0]), unit(1, [0.6, 0.4])];
        assert!((expected_calibration_error(&units) - 0.3).abs() < 1e-12);
        assert_eq!(expected_calibration_error(&[]), 0.0);
    }

    #[test]
    fn a_temperature_makes_confidence_true_and_keeps_the_order() {
        // 0.99 sure and right in 8 of 10, of ten patients. With x = ln(0.99/0.01) / T the surprise of a patient is
        // 0.8 ln(1 + exp(-x)) + 0.2 ln(1 + exp(x)), and that of the temperature itself (ln T)^2 / (2 * 0.25).
        let rows: Vec<(String, Option<usize>, usize)> =
            (0..10).map(|at| (format!("p{at}"), Some(usize::from(at < 2)), 0)).collect();
        let rows: Vec<_> = rows.iter().map(|(group, label, fold)| (group.as_str(), *label, *fold)).collect();
        let data = test_data::spots(&rows);
        let frames: Vec<FramePrediction> =
            (0..10).map(|clip| FramePrediction { clip, frame: 0, probabilities: vec![0.99, 0.01] }).collect();
        let found = temperature(&data, &frames).unwrap();
        let cost = |temperature: f64| {
            let x = 99.0_f64.ln() / temperature;
            10.0 * (0.8 * (-x).exp().ln_1p() + 0.2 * x.exp().ln_1p()) + 2.0 * temperature.ln().powi(2)
        };
        let slope = (cost(found + 1e-4) - cost(found - 1e-4)) / 2e-4;
        assert!(slope.abs() < 1e-3 && cost(found) < cost(1.0).min(cost(4.0)), "{found}: slope {slope}");
        // The frames alone would have it 0.8 sure, what is thought before 0.99.
        let after = calibrated_frames(&frames, found)[0].probabilities[0];
        assert!(after > 0.85 && after < 0.95, "{after}");
        // The same frames of one patient, who says little.
        let rows: Vec<_> = (0..10).map(|at| ("p", Some(usize::from(at < 2)), 0)).collect();
        let one = temperature(&test_data::spots(&rows), &frames).unwrap();
        assert!(one > 1.0 && one < found, "{one} {found}");
        assert_eq!(temperature(&data, &[]), None);
    }

    #[test]
    fn a_search_for_a_temperature_ends_where_probabilities_are_no_numbers() {
        let data = test_data::spots(&[("a", Some(0), 0), ("b", Some(1), 0)]);
        for odd in [[f64::NAN; 2], [f64::INFINITY, 0.0], [0.0, 0.0]] {
            let frame = |clip| FramePrediction { clip, frame: 0, probabilities: odd.to_vec() };
            assert!(temperature(&data, &[frame(0), frame(1)]).is_some_and(f64::is_finite));
            let units = [UnitPrediction { group: String::new(), truth: 0, probabilities: odd.to_vec() }];
            // What comes of it is no matter; that something does is.
            let _ = expected_calibration_error(&units);
        }
    }

    proptest! {
        #[test]
        fn probabilities_stay_probabilities_in_their_order(
            logits in prop::collection::vec(-40.0..40.0_f64, 2..6), temperature in 0.05..20.0_f64,
        ) {
            let p = calibrated(&logits.iter().map(|logit| logit.exp()).collect::<Vec<_>>(), 1.0);
            let q = calibrated(&p, temperature);
            prop_assert!((q.iter().sum::<f64>() - 1.0).abs() < 1e-9);
            prop_assert_eq!(argmax(&p), argmax(&q));
            // There and back.
            for (before, after) in p.iter().zip(calibrated(&calibrated(&p, 2.0), 0.5)) {
                prop_assert!((before - after).abs() < 1e-9);
            }
        }
    }
}

//! What one method reached in one table: figures per patient, clip and frame, fold by fold, and its surest mistakes.

use super::answer::Answer;
use super::answers::DRAWS;
use super::answers::frames;
use super::study::Study;
use super::summary::{EntryScores, FoldRun, MISTAKES};
use crate::calibration::{calibrated_frames, scores as scores_of_calibration};
use crate::outcome::{CalibrationScores, Scores};
use crate::scores::score;
use crate::stats;
use hico_data::{Dataset, Seed};
use hico_model::rows::argmax;
use hico_train::metrics::Confusion;
use hico_train::plan::groups_of;
use hico_train::predictions::{ClipPrediction, FramePrediction, per_clip, per_frame};
use std::collections::BTreeMap;

/// - `found`: for each seed the answers of all folds
/// - returns: `None` where there are none
pub(super) fn scores(study: &Study, dataset: &Dataset, found: &BTreeMap<u64, Vec<&Answer>>) -> Option<EntryScores> {
    let seeds: Vec<Vec<FramePrediction>> = found.values().map(|answers| frames(answers)).collect();
    let first = seeds.first()?;
    let all = || found.values().flatten().copied();
    let over = |value: &dyn Fn(&Answer) -> Option<f64>| stats::mean(&all().filter_map(value).collect::<Vec<_>>());
    let every = |value: &dyn Fn(&Answer) -> f64| over(&|answer| Some(value(answer))).unwrap_or(0.0);
    let mut runs: Vec<FoldRun> = all().filter_map(|answer| run(study, dataset, answer)).collect();
    runs.sort_by_key(|run| run.fold);
    Some(EntryScores {
        scores: with_curves_of_patients(score(dataset, &seeds, DRAWS)),
        published: over(&|answer| answer.published),
        calibration: calibration(dataset, found),
        images: every(&|answer| answer.images as f64),
        seconds: every(&|answer| answer.pretrain_seconds),
        groups: every(&|answer| answer.groups as f64),
        runs,
        mistakes: mistakes(dataset, first),
    })
}

/// Scores without the ROC curves of frames and clips, which have as many points as there are of them.
fn with_curves_of_patients(mut scores: Scores) -> Scores {
    scores.frame.roc.clear();
    scores.clip.roc.clear();
    scores
}

/// One fold with one seed; `None` for a fold that cannot be planned, which has no answer.
fn run(study: &Study, dataset: &Dataset, answer: &Answer) -> Option<FoldRun> {
    let asked = (answer.evaluation.mode, answer.labels);
    let plan = study.evaluation.plan(dataset, answer.fold, asked, Seed(answer.seed)).ok()?;
    let units = per_frame(dataset, &answer.predictions);
    let found = units.iter().map(|unit| (unit.truth, argmax(&unit.probabilities)));
    let parts = [&plan.fit, &plan.inner, &plan.test];
    Some(FoldRun {
        fold: answer.fold,
        seed: answer.seed,
        clips: parts.map(Vec::len),
        groups: parts.map(|clips| groups_of(dataset, clips).len()),
        chosen_epoch: answer.chosen_epoch,
        balanced_accuracy: Confusion::of(dataset.classes().len(), found).balanced_accuracy().unwrap_or(0.0),
        best_on_test: answer.published,
        temperature: answer.temperature,
        curve: answer.curve.clone(),
        seen_groups: answer.seen_groups.clone(),
    })
}

/// What the temperatures of the networks do to their tested frames; `None` where one has none.
fn calibration(dataset: &Dataset, found: &BTreeMap<u64, Vec<&Answer>>) -> Option<CalibrationScores> {
    let temperatures: Vec<f64> =
        found.values().flatten().map(|answer| answer.temperature).collect::<Option<Vec<f64>>>()?;
    let of_seed = |answers: &Vec<&Answer>| {
        let after = |answer: &&Answer| calibrated_frames(&answer.predictions, answer.temperature.unwrap_or(1.0));
        [frames(answers), answers.iter().flat_map(after).collect()]
    };
    scores_of_calibration(dataset, temperatures, &found.values().map(of_seed).collect::<Vec<_>>())
}

/// Clips that are classified wrong, the surest first.
fn mistakes(dataset: &Dataset, frames: &[FramePrediction]) -> Vec<ClipPrediction> {
    let confidence = |clip: &ClipPrediction| clip.probabilities[argmax(&clip.probabilities)];
    let mut wrong = per_clip(dataset, frames);
    wrong.retain(|clip| argmax(&clip.probabilities) != clip.truth);
    wrong.sort_by(|a, b| confidence(b).total_cmp(&confidence(a)).then_with(|| a.clip.cmp(&b.clip)));
    wrong.truncate(MISTAKES);
    wrong
}

//! A fine-tuned network as a file, with what it learnt from and what it reached on groups that it never saw.

use super::answers::DRAWS;
use super::cell_file::failed as failed_file;
use super::evaluator::{Evaluator, Tuned};
use super::study::{Start, StudyMethod};
use crate::Error;
use crate::scores::score;
use hico_data::{Dataset, Seed};
use hico_model::classifier_file::{self, ClassifierFacts};
use hico_model::history::{Beginning, Groups, History, TestFacts, TuningFacts};
use hico_model::pretrained::Seen;
use hico_train::plan::{FoldPlan, groups_of};
use hico_train::predictions::FramePrediction;
use std::path::{Path, PathBuf};

/// Name of a network that was trained from random weights.
const SCRATCH: &str = "scratch";

/// What is known of a network before it was fine-tuned.
#[derive(Clone, Copy)]
pub(super) struct Facts<'a> {
    pub(super) method: &'a StudyMethod,
    pub(super) beginning: &'a Beginning,
    pub(super) seen: &'a Seen,
}

/// Writes a network into a study's folder.
///
/// - `predictions`: of the tested frames; `None` where nobody was tested
/// - returns: its file
///
/// # Errors
/// When its training frames cannot be read, or the file not be written.
pub(super) fn save(
    folder: &Path,
    evaluator: &Evaluator<'_>,
    plan: &FoldPlan,
    (tuned, predictions): (&Tuned, Option<&[FramePrediction]>),
    of: Facts<'_>,
) -> Result<PathBuf, Error> {
    let seen = seen_groups(evaluator.dataset, plan.fold, of.seen).len();
    let history = History {
        beginning: of.beginning.clone(),
        tuning: Some(tuning(evaluator, plan)),
        test: predictions.map(|predictions| test(evaluator.dataset, plan, predictions, seen)),
    };
    let facts = ClassifierFacts {
        temperature: tuned.temperature.unwrap_or(1.0),
        history: Some(history),
        ..ClassifierFacts::new(evaluator.dataset, &tuned.classifier, evaluator.view)
    };
    let path = path(folder, of.method, predictions.map(|_| plan.fold), evaluator.seed);
    let failed = |source| Error::in_cell(of.method.name.clone(), source);
    let known = evaluator.known(&tuned.classifier, plan).map_err(failed)?;
    classifier_file::save(&path, &tuned.classifier, &facts, Some(&known)).map_err(failed_file(&path))?;
    Ok(path)
}

/// Where a network is written.
///
/// - `fold`: the one that tested it; `None` where nobody was tested
pub(super) fn path(folder: &Path, method: &StudyMethod, fold: Option<usize>, seed: Seed) -> PathBuf {
    let name = if method.start == Start::Scratch { SCRATCH } else { &method.name };
    folder.join(classifier_file::file_name(name, fold, seed.0))
}

/// What a fine-tuned network learns from.
pub(super) fn tuning(evaluator: &Evaluator<'_>, plan: &FoldPlan) -> TuningFacts {
    let groups = |clips: &[usize]| Groups::named(&groups_of(evaluator.dataset, clips));
    TuningFacts {
        data: evaluator.dataset.manifest().hash(),
        fold: (!plan.test.is_empty()).then_some(plan.fold),
        seed: evaluator.seed.0,
        epochs: evaluator.epochs(plan),
        clips: [plan.fit.len(), plan.inner.len()],
        learnt: groups(&plan.fit),
        validation: groups(&plan.inner),
    }
}

/// What it reached on the fold that it did not see.
fn test(dataset: &Dataset, plan: &FoldPlan, predictions: &[FramePrediction], seen_in_pretraining: usize) -> TestFacts {
    let clip = score(dataset, &[predictions.to_vec()], DRAWS).clip;
    let of_class = |class: usize| -> Vec<usize> {
        plan.test.iter().copied().filter(|clip| dataset.label(*clip) == Some(class)).collect()
    };
    let per_class: Vec<Vec<usize>> = (0..dataset.classes().len()).map(of_class).collect();
    TestFacts {
        fold: plan.fold,
        clips: clip.count,
        groups: groups_of(dataset, &plan.test).len(),
        balanced_accuracy: clip.balanced_accuracy,
        accuracy: clip.accuracy,
        chance: 1.0 / per_class.iter().filter(|clips| !clips.is_empty()).count().max(1) as f64,
        clips_per_class: per_class.iter().map(Vec::len).collect(),
        groups_per_class: per_class.iter().map(|clips| groups_of(dataset, clips).len()).collect(),
        seen_in_pretraining,
    }
}

/// Tested groups that an encoder's pretraining has seen.
pub(super) fn seen_groups(dataset: &Dataset, fold: usize, seen: &Seen) -> Vec<String> {
    let Seen::Groups { groups, .. } = seen else { return Vec::new() };
    let tested = |clip: &usize| dataset.label(*clip).is_some() && dataset.row(*clip).fold == Some(fold);
    let tested: Vec<usize> = (0..dataset.len()).filter(tested).collect();
    groups_of(dataset, &tested).intersection(groups).cloned().collect()
}

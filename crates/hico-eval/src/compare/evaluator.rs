//! An encoder on one fold: neighbours, linear probe, fine-tuning.

use super::answer::{EvalMode, Evaluation, InnerScores};
use super::inner::{Round, rounds};
use super::labels::Labels;
use super::settings::{EvaluationSettings, ProbeStrength, STRENGTH};
use crate::baselines::Baseline;
use crate::scores::rankings;
use crate::{Error, calibration, stats};
use burn::module::Module as _;
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, Seed};
use hico_model::classifier::{Classifier, Trainable};
use hico_model::frame_ref::{FrameRef, frames_of};
use hico_model::frames::{Context, Views};
use hico_model::init::Init;
use hico_model::known::Known;
use hico_model::rows::{argmax, unit};
use hico_model::{Encoder, FeatureSet, Mode};
use hico_train::finetune::{FinetuneRecipe, Finetuning, HeadInit, TestFold, finetune};
use hico_train::inputs::batches_of;
use hico_train::knn::{self, NEIGHBOURS};
use hico_train::linear::{Labelled, LinearProbe};
use hico_train::metrics::Confusion;
use hico_train::plan::{FoldPlan, clips_outside, groups_of};
use hico_train::predictions::{FramePrediction, per_clip, per_patient};
use hico_train::tuning_state::CurvePoint;
use hico_train::tuning_state::Keep;
use rand::seq::SliceRandom as _;
use rayon::prelude::*;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

/// Parts of the training groups, each predicted by a probe of the others.
const PARTS: usize = 5;

/// Batches that statistics are calibrated on: what an encoder begins with then weighs less than a hundredth.
const CALIBRATIONS: usize = 44;
/// Frames of such a batch, at most.
const CALIBRATED_AT_ONCE: usize = 32;

/// Judges encoders on one data set.
#[derive(Clone, Copy)]
pub(super) struct Evaluator<'a> {
    pub(super) dataset: &'a Arc<Dataset>,
    pub(super) settings: &'a EvaluationSettings,
    pub(super) view: &'a ViewRecipe,
    pub(super) seed: Seed,
    pub(super) context: Context<'a>,
}

/// How a fine-tuning goes about it.
pub(super) struct Tuning<'a> {
    pub(super) trainable: Trainable,
    pub(super) head_init: HeadInit,
    /// Where it is kept until it is answered.
    pub(super) keep: Keep<'a>,
    /// Called with the number of epochs done.
    pub(super) after_epoch: &'a mut dyn FnMut(usize),
}

/// What an encoder makes of frames, for each set of features that the study reads.
pub(super) struct Features(HashMap<FeatureSet, Rows>);

/// The features of each frame.
type Rows = HashMap<FrameRef, Vec<f32>>;

/// What an encoder's evaluation found.
#[derive(Debug)]
pub(super) struct Found {
    /// Groups and clips whose labels were known.
    pub(super) groups: usize,
    pub(super) clips: usize,
    pub(super) chosen: String,
    pub(super) inner: Vec<InnerScores>,
    pub(super) predictions: Vec<FramePrediction>,
    pub(super) tuned: Option<Tuned>,
}

/// What a fine-tuning leaves besides predictions.
#[derive(Debug)]
pub(super) struct Tuned {
    pub(super) classifier: Classifier,
    pub(super) chosen_epoch: usize,
    pub(super) curve: Vec<CurvePoint>,
    /// Temperature at which the inner validation frames are most likely.
    pub(super) temperature: Option<f64>,
    /// The tested frames at the epoch that is best on the test fold; only where that was asked for.
    pub(super) of_test_fold: Vec<FramePrediction>,
}

impl Tuned {
    /// Returns the balanced accuracy per frame at the epoch that is best on the test fold.
    pub(super) fn best_on_test(&self) -> Option<f64> {
        self.curve.iter().filter_map(|point| point.test_balanced_accuracy).reduce(f64::max)
    }
}

/// Predictions of tested frames, and how they came to be.
struct Predicted {
    frames: Vec<FramePrediction>,
    chosen: String,
    tuned: Option<Tuned>,
}

impl Evaluator<'_> {
    /// Who learns and who is tested under a label budget.
    pub(super) fn plan(&self, fold: usize, evaluation: EvalMode, labels: Labels) -> Result<FoldPlan, Error> {
        self.settings.plan(self.dataset, fold, (evaluation, labels), self.seed)
    }

    /// Shows an encoder every labelled frame that any fold may need.
    pub(super) fn features(&self, encoder: &Encoder) -> Result<Features, Error> {
        let labelled: Vec<usize> = (0..self.dataset.len()).filter(|clip| self.dataset.label(*clip).is_some()).collect();
        let frames = self.frames(&labelled);
        let views = Views { dataset: self.dataset, view: self.view, seed: self.seed, context: self.context };
        let sets = &self.settings.features;
        let of_set = |rows| frames.iter().copied().zip(rows).collect();
        let found = views.features(encoder, sets, &frames)?.into_iter().map(of_set);
        Ok(Features(sets.iter().copied().zip(found).collect()))
    }

    /// Gives an encoder with random weights the batch-norm statistics of the frames that a fold learns from, whatever their
    /// labels: with those of its beginning its features say less than it can.
    pub(super) fn calibrated(&self, encoder: &Encoder, fold: usize) -> Result<Encoder, Error> {
        let encoder = encoder.clone().valid();
        let mut frames = self.frames(&clips_outside(self.dataset, fold));
        frames.shuffle(&mut self.seed.stream("calibration", &[fold as u64]));
        let batches: Vec<Vec<FrameRef>> =
            batches_of(&frames, CALIBRATED_AT_ONCE).into_iter().cycle().take(CALIBRATIONS).collect();
        let views = Views { dataset: self.dataset, view: self.view, seed: self.seed, context: self.context };
        views.for_each_batch(&batches, None, self.context.device, |_, images| {
            drop(encoder.backbone.forward(images, Mode::Train));
        })?;
        Ok(encoder)
    }

    /// Asks a frozen encoder one way on one fold.
    ///
    /// - `features`: what it makes of the frames, by [`Self::features`]
    pub(super) fn ask(
        &self,
        (evaluation, labels): (Evaluation, Labels),
        features: &Features,
        plan: &FoldPlan,
    ) -> Found {
        let rows = &features.0[&self.settings.features_of(evaluation)];
        let predicted = match evaluation.mode {
            EvalMode::Knn => self.knn(rows, plan),
            EvalMode::LinearProbe => self.probe(rows, plan),
            EvalMode::Inner => return self.inner(rows, plan, labels),
            EvalMode::Finetune | EvalMode::Baseline => unreachable!("neither reads a frozen encoder"),
        };
        self.found(plan, predicted)
    }

    /// Fine-tunes an encoder on one fold, and tests it there.
    pub(super) fn finetuned(&self, encoder: &Encoder, plan: &FoldPlan, tuning: Tuning<'_>) -> Result<Found, Error> {
        let (tuned, frames) = self.tuned_and_tested(encoder, plan, tuning)?;
        let chosen = format!("epoch {}", tuned.chosen_epoch);
        Ok(self.found(plan, Predicted { frames, chosen, tuned: Some(tuned) }))
    }

    /// Asks a baseline on one fold.
    pub(super) fn baseline(&self, baseline: Baseline, plan: &FoldPlan) -> Result<Found, Error> {
        let frames = baseline.predict(self.dataset, plan, self.settings.frames_per_clip)?;
        Ok(self.found(plan, Predicted { frames, chosen: String::new(), tuned: None }))
    }

    fn found(&self, plan: &FoldPlan, predicted: Predicted) -> Found {
        let learnt = plan.training();
        Found {
            groups: groups_of(self.dataset, &learnt).len(),
            clips: learnt.len(),
            chosen: predicted.chosen,
            inner: Vec::new(),
            predictions: predicted.frames,
            tuned: predicted.tuned,
        }
    }

    fn frames(&self, clips: &[usize]) -> Vec<FrameRef> {
        frames_of(self.dataset, clips, self.settings.frames_per_clip)
    }

    fn classes(&self) -> usize {
        self.dataset.classes().len()
    }

    fn labels(&self, frames: &[FrameRef]) -> Vec<usize> {
        frames.iter().filter_map(|frame| self.dataset.label(frame.clip)).collect()
    }

    fn knn(&self, rows: &Rows, plan: &FoldPlan) -> Predicted {
        let unit = |frame: &FrameRef| unit(&rows[frame]);
        let (learnt, tested) = (self.frames(&plan.training()), self.frames(&plan.test));
        let (gallery, labels) = (learnt.iter().map(unit).collect::<Vec<_>>(), self.labels(&learnt));
        let vote = |frame: &FrameRef| knn::vote(&gallery, &labels, &unit(frame), NEIGHBOURS, self.classes());
        let votes: Vec<Vec<f64>> = tested.par_iter().map(vote).collect();
        let chosen = format!("{NEIGHBOURS} neighbours");
        Predicted { frames: predictions(&tested, votes), chosen, tuned: None }
    }

    fn probe(&self, rows: &Rows, plan: &FoldPlan) -> Predicted {
        let side = |clips: &[usize]| -> (Vec<Vec<f32>>, Vec<usize>) {
            let frames = self.frames(clips);
            (frames.iter().map(|frame| rows[frame].clone()).collect(), self.labels(&frames))
        };
        let ((fit_rows, fit_labels), (inner_rows, inner_labels)) = (side(&plan.fit), side(&plan.inner));
        let fit = Labelled { rows: &fit_rows, labels: &fit_labels };
        let (probe, strength) = match (self.settings.probe_strength, self.parts(plan)) {
            (ProbeStrength::InnerValidation, _) if !plan.inner.is_empty() => {
                let inner = Labelled { rows: &inner_rows, labels: &inner_labels };
                LinearProbe::fit_choosing(fit, inner, self.classes())
            }
            (ProbeStrength::LeaveGroupsOut, Some(parts)) => {
                LinearProbe::fit_leaving_parts_out(fit, &parts, self.classes())
            }
            (ProbeStrength::Fixed(strength), _) => (LinearProbe::fit(fit, self.classes(), strength), strength),
            // Too few groups to choose on.
            _ => (LinearProbe::fit(fit, self.classes(), STRENGTH), STRENGTH),
        };
        let tested = self.frames(&plan.test);
        let found = tested.iter().map(|frame| probe.predict(&rows[frame])).collect();
        Predicted { frames: predictions(&tested, found), chosen: strength.to_string(), tuned: None }
    }

    /// The part of each frame that is learnt from: groups of each class are dealt out at random. `None` where a class has one
    /// group, so that a part would have no class to learn.
    fn parts(&self, plan: &FoldPlan) -> Option<Vec<usize>> {
        let mut part_of: BTreeMap<String, usize> = BTreeMap::new();
        let mut fewest = PARTS;
        for class in 0..self.classes() {
            let of_class = plan.fit.iter().copied().filter(|clip| self.dataset.label(*clip) == Some(class));
            let mut groups: Vec<String> = groups_of(self.dataset, &of_class.collect::<Vec<_>>()).into_iter().collect();
            fewest = fewest.min(groups.len());
            groups.shuffle(&mut self.seed.stream("probe-parts", &[plan.fold as u64, class as u64]));
            for (at, group) in groups.into_iter().enumerate() {
                part_of.entry(group).or_insert(at % PARTS);
            }
        }
        let part = |frame: &FrameRef| part_of[&self.dataset.row(frame.clip).group];
        (fewest >= 2).then(|| self.frames(&plan.fit).iter().map(part).collect())
    }

    /// Means over rounds within the training groups.
    fn inner(&self, rows: &Rows, plan: &FoldPlan, labels: Labels) -> Found {
        let rounds = rounds(self.dataset, &plan.training(), labels, self.seed.derive("rounds", &[plan.fold as u64]));
        let strengths = &self.settings.inner_strengths;
        let found: Vec<Vec<(f64, Option<f64>)>> = rounds
            .iter()
            .map(|Round { fit, asked }| {
                let (learnt, tested) = (self.frames(fit), self.frames(asked));
                let shown: Vec<Vec<f32>> = learnt.iter().map(|frame| rows[frame].clone()).collect();
                let known = Labelled { rows: &shown, labels: &self.labels(&learnt) };
                let figures = |&strength: &f64| {
                    let probe = LinearProbe::fit(known, self.classes(), strength);
                    let found = tested.iter().map(|frame| probe.predict(&rows[frame])).collect();
                    self.figures(&predictions(&tested, found))
                };
                strengths.iter().map(figures).collect()
            })
            .collect();
        let mean = |values: &[f64]| stats::mean(values).unwrap_or(0.0);
        let learnt = |of: &dyn Fn(&[usize]) -> usize| {
            mean(&rounds.iter().map(|round| of(&round.fit) as f64).collect::<Vec<_>>()).round() as usize
        };
        let scores = |(place, &strength): (usize, &f64)| InnerScores {
            strength,
            balanced_accuracy: mean(&found.iter().map(|round| round[place].0).collect::<Vec<_>>()),
            macro_auc: stats::mean(&found.iter().filter_map(|round| round[place].1).collect::<Vec<_>>()),
        };
        Found {
            groups: learnt(&|clips| groups_of(self.dataset, clips).len()),
            clips: learnt(&<[usize]>::len),
            chosen: String::new(),
            inner: strengths.iter().enumerate().map(scores).collect(),
            predictions: Vec::new(),
            tuned: None,
        }
    }

    /// Balanced accuracy per clip, and macro AUC per patient.
    fn figures(&self, frames: &[FramePrediction]) -> (f64, Option<f64>) {
        let (clips, classes) = (per_clip(self.dataset, frames), self.classes());
        let by_clip = clips.iter().map(|clip| (clip.truth, argmax(&clip.probabilities)));
        let accuracy = Confusion::of(classes, by_clip).balanced_accuracy().unwrap_or(0.0);
        // A class that is not asked about in this parting has no area.
        let areas = rankings(&per_patient(&clips), classes)
            .iter()
            .filter_map(|ranking| ranking.auc(|_| 1.0))
            .collect::<Vec<_>>();
        (accuracy, stats::mean(&areas))
    }

    /// Returns the epochs of a fine-tuning on a number of frames: as many steps whatever the number of labels, unless the
    /// study says how many epochs.
    pub(super) fn epochs(&self, plan: &FoldPlan) -> usize {
        let steps_per_epoch = batches_of(&self.frames(&plan.fit), self.settings.finetune_batch).len();
        self.settings.finetune_epochs.unwrap_or_else(|| self.settings.finetune_steps.div_ceil(steps_per_epoch))
    }

    /// Returns what a fine-tuned network makes of the frames that it learnt from, and of those that chose its epoch.
    pub(super) fn known(&self, classifier: &Classifier, plan: &FoldPlan) -> Result<Known, Error> {
        let views = Views { dataset: self.dataset, view: self.view, seed: self.seed, context: self.context };
        let side = |clips: &[usize]| views.described(classifier, &self.frames(clips));
        Ok(Known::new(self.dataset, side(&plan.fit)?, &side(&plan.inner)?))
    }

    /// Fine-tunes an encoder, and predicts the tested frames.
    pub(super) fn tuned_and_tested(
        &self,
        encoder: &Encoder,
        plan: &FoldPlan,
        tuning: Tuning<'_>,
    ) -> Result<(Tuned, Vec<FramePrediction>), Error> {
        let settings = self.settings;
        let Tuning { trainable, head_init, keep, after_epoch } = tuning;
        let recipe = FinetuneRecipe {
            epochs: self.epochs(plan),
            batch: settings.finetune_batch,
            learning_rate: settings.finetune_learning_rate,
            weight_decay: settings.finetune_weight_decay,
            frames_per_clip: settings.frames_per_clip,
            inner_fraction: settings.inner_fraction,
            view: self.view.clone(),
            class_balance: settings.class_balance,
            head_init,
            early_stopping: settings.early_stopping,
            augmentation: settings.augmentation,
        };
        let init = Init::new(self.context.device, self.seed);
        let features = settings.features_of(EvalMode::Finetune.into());
        let classifier = Classifier::new(&init, encoder.clone(), self.classes(), trainable, features);
        let test_fold = if settings.published { TestFold::EveryEpoch } else { TestFold::AtTheEnd };
        let (dataset, seed, context) = (self.dataset, self.seed, self.context);
        let finetuning = Finetuning { dataset, plan, recipe: &recipe, test_fold, seed, context };
        let found = finetune(finetuning, classifier, Some(keep), after_epoch)?;
        let tuned = Tuned {
            temperature: calibration::temperature(self.dataset, &found.inner),
            classifier: found.classifier,
            chosen_epoch: found.chosen_epoch,
            curve: found.curve,
            of_test_fold: found.published.unwrap_or_default(),
        };
        Ok((tuned, found.honest))
    }
}

fn predictions(frames: &[FrameRef], probabilities: Vec<Vec<f64>>) -> Vec<FramePrediction> {
    let predict = |(frame, probabilities): (&FrameRef, Vec<f64>)| FramePrediction {
        clip: frame.clip,
        frame: frame.frame,
        probabilities,
    };
    frames.iter().zip(probabilities).map(predict).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use burn::tensor::Device;
    use hico_data::Job;
    use hico_model::BackboneName;
    use hico_model::test_data::spots;

    /// What a random encoder makes of the first frame that fold 0 does not test, calibrated or as it begins.
    fn feature(tested: [usize; 2], threads: usize, calibrated: bool) -> Vec<f32> {
        let rows = [("a", Some(tested[0]), 0), ("b", Some(tested[1]), 0), ("c", Some(0), 1), ("d", Some(1), 1)];
        let data = Arc::new(spots(&rows));
        let device = Device::flex();
        let evaluator = Evaluator {
            dataset: &data,
            settings: &EvaluationSettings { frames_per_clip: 2, ..EvaluationSettings::default() },
            view: &ViewRecipe { side: 32, ..ViewRecipe::default() },
            seed: Seed(3),
            context: Context { device: &device, job: Job::default().with_threads(threads) },
        };
        let encoder = Encoder::new(&Init::new(&device, Seed(1)).at("encoder"), BackboneName::RESNET18);
        let shown = evaluator.calibrated(&encoder, 0).unwrap();
        let Features(of) = evaluator.features(if calibrated { &shown } else { &encoder }).unwrap();
        of[&FeatureSet::C5][&FrameRef { clip: 2, frame: 0 }].clone()
    }

    #[test]
    fn a_calibrated_encoder_knows_no_tested_frame_and_leaves_the_one_it_was_made_of_alone() {
        let calibrated = feature([0, 1], 1, true);
        assert_eq!(calibrated, feature([0, 1], 2, true), "whatever the threads");
        // Other pictures in the tested fold.
        assert_eq!(calibrated, feature([1, 0], 1, true));
        let begun = feature([0, 1], 1, false);
        assert_ne!(calibrated, begun);
        assert_eq!(begun, feature([1, 0], 1, false));
    }
}

//! An encoder on one fold: neighbours, linear probe, fine-tuning.

use super::answer::EvalMode;
use super::inner::{Round, rounds};
use super::study::{Judging, Labels};
use crate::evaluate::baselines::{Baseline, NEIGHBOURS};
use crate::evaluate::classifier::{Classifier, Trainable};
use crate::evaluate::finetune::{FinetuneRecipe, Looks, finetune};
use crate::evaluate::inputs::{FinetuneError, Views, Workplace, batches_of};
use crate::evaluate::knn;
use crate::evaluate::linear::{Labelled, LinearProbe};
use crate::evaluate::plan::{FoldPlan, FrameRef, PlanError, frames_of, groups_of};
use crate::evaluate::predictions::{FramePrediction, per_clip};
use crate::evaluate::rows::unit;
use crate::evaluate::tuning_state::Keep;
use crate::metrics::{Confusion, argmax};
use crate::model::Encoder;
use crate::model::init::Init;
use crate::stats;
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, Seed};
use rayon::prelude::*;
use std::collections::HashMap;
use std::sync::Arc;

/// Strength of a probe's L2 term where no group is left to choose it on: fixed before anything was measured, in the
/// middle of those that are tried elsewhere.
const STRENGTH: f64 = 0.1;

/// Judges encoders on one data set.
#[derive(Clone, Copy)]
pub(super) struct Judge<'a> {
    pub(super) dataset: &'a Arc<Dataset>,
    pub(super) settings: &'a Judging,
    pub(super) view: &'a ViewRecipe,
    pub(super) seed: Seed,
    pub(super) place: Workplace<'a>,
}

/// What an encoder makes of frames: averaged C5 of each.
pub(super) struct Features(HashMap<FrameRef, Vec<f32>>);

/// What an encoder's evaluation found.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Found {
    /// Groups and clips whose labels were known.
    pub(super) groups: usize,
    pub(super) clips: usize,
    pub(super) chosen: String,
    pub(super) inner_balanced_accuracy: Option<f64>,
    pub(super) published: Option<f64>,
    pub(super) predictions: Vec<FramePrediction>,
}

/// Predictions of tested frames, and how they came to be.
struct Predicted {
    frames: Vec<FramePrediction>,
    chosen: String,
    published: Option<f64>,
}

impl Judge<'_> {
    /// Who learns and who is tested under a label budget.
    pub(super) fn plan(&self, fold: usize, evaluation: EvalMode, labels: Labels) -> Result<FoldPlan, PlanError> {
        match labels {
            // It parts the training groups itself.
            _ if evaluation == EvalMode::Inner => {
                FoldPlan::new(self.dataset, fold, self.settings.inner_fraction, self.seed)
            }
            Labels::All => FoldPlan::new(self.dataset, fold, self.settings.inner_fraction, self.seed),
            Labels::Groups(groups) => FoldPlan::few(self.dataset, fold, groups, self.seed),
        }
    }

    /// Shows an encoder every labelled frame that any fold may need.
    pub(super) fn features(&self, encoder: &Encoder) -> Result<Features, FinetuneError> {
        let labelled: Vec<usize> = (0..self.dataset.len()).filter(|clip| self.dataset.label(*clip).is_some()).collect();
        let frames = self.frames(&labelled);
        let views = Views { dataset: self.dataset, view: self.view, seed: self.seed, place: self.place };
        let rows = views.features(encoder, &frames)?;
        Ok(Features(frames.into_iter().zip(rows).collect()))
    }

    /// Asks an encoder one way on one fold.
    ///
    /// - `features`: what `encoder` makes of the frames, by [`Self::features`]
    /// - `keep`: where a fine-tuning is kept until it is answered
    pub(super) fn ask(
        &self,
        (evaluation, labels): (EvalMode, Labels),
        encoder: &Encoder,
        features: &Features,
        plan: &FoldPlan,
        keep: Keep<'_>,
    ) -> Result<Found, FinetuneError> {
        let predicted = match evaluation {
            EvalMode::Knn => self.knn(features, plan),
            EvalMode::LinearProbe => self.probe(features, plan),
            EvalMode::Finetune => self.finetune(encoder, plan, keep)?,
            EvalMode::Inner => return Ok(self.inner(features, plan, labels)),
            EvalMode::Baseline => unreachable!("a baseline has no encoder that could be asked"),
        };
        Ok(self.found(plan, predicted))
    }

    /// Asks a baseline on one fold.
    pub(super) fn baseline(&self, baseline: Baseline, plan: &FoldPlan) -> Result<Found, FinetuneError> {
        let frames = baseline.predict(self.dataset, plan, self.settings.frames_per_clip)?;
        Ok(self.found(plan, Predicted { frames, chosen: String::new(), published: None }))
    }

    fn found(&self, plan: &FoldPlan, predicted: Predicted) -> Found {
        let learnt = plan.training();
        Found {
            groups: groups_of(self.dataset, &learnt).len(),
            clips: learnt.len(),
            chosen: predicted.chosen,
            inner_balanced_accuracy: None,
            published: predicted.published,
            predictions: predicted.frames,
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

    fn knn(&self, Features(of): &Features, plan: &FoldPlan) -> Predicted {
        let unit = |frame: &FrameRef| unit(&of[frame]);
        let (learnt, tested) = (self.frames(&plan.training()), self.frames(&plan.test));
        let (gallery, labels) = (learnt.iter().map(unit).collect::<Vec<_>>(), self.labels(&learnt));
        let vote = |frame: &FrameRef| knn::vote(&gallery, &labels, &unit(frame), NEIGHBOURS, self.classes());
        let votes: Vec<Vec<f64>> = tested.par_iter().map(vote).collect();
        let chosen = format!("{NEIGHBOURS} neighbours");
        Predicted { frames: predictions(&tested, votes), chosen, published: None }
    }

    fn probe(&self, Features(of): &Features, plan: &FoldPlan) -> Predicted {
        let side = |clips: &[usize]| -> (Vec<Vec<f32>>, Vec<usize>) {
            let frames = self.frames(clips);
            (frames.iter().map(|frame| of[frame].clone()).collect(), self.labels(&frames))
        };
        let ((fit_rows, fit_labels), (inner_rows, inner_labels)) = (side(&plan.fit), side(&plan.inner));
        let fit = Labelled { rows: &fit_rows, labels: &fit_labels };
        let (probe, strength) = if plan.inner.is_empty() {
            (LinearProbe::fit(fit, self.classes(), STRENGTH), STRENGTH)
        } else {
            let inner = Labelled { rows: &inner_rows, labels: &inner_labels };
            LinearProbe::fit_choosing(fit, inner, self.classes())
        };
        let tested = self.frames(&plan.test);
        let found = tested.iter().map(|frame| probe.predict(&of[frame])).collect();
        Predicted { frames: predictions(&tested, found), chosen: strength.to_string(), published: None }
    }

    /// Means over rounds within the training groups.
    fn inner(&self, Features(of): &Features, plan: &FoldPlan, labels: Labels) -> Found {
        let rounds = rounds(self.dataset, &plan.training(), labels, self.seed.derive("rounds", &[plan.fold as u64]));
        let found = rounds.iter().map(|Round { fit, asked }| {
            let learnt = self.frames(fit);
            let rows: Vec<Vec<f32>> = learnt.iter().map(|frame| of[frame].clone()).collect();
            let known = Labelled { rows: &rows, labels: &self.labels(&learnt) };
            let probe = LinearProbe::fit(known, self.classes(), STRENGTH);
            let tested = self.frames(asked);
            let found = tested.iter().map(|frame| probe.predict(&of[frame])).collect();
            let clips = per_clip(self.dataset, &predictions(&tested, found));
            let by_clip = clips.iter().map(|clip| (clip.truth, argmax(&clip.probabilities)));
            let accuracy = Confusion::of(self.classes(), by_clip).balanced_accuracy().unwrap_or(0.0);
            [groups_of(self.dataset, fit).len() as f64, fit.len() as f64, accuracy]
        });
        let found: Vec<[f64; 3]> = found.collect();
        let mean = |at: usize| stats::mean(&found.iter().map(|found| found[at]).collect::<Vec<_>>()).unwrap_or(0.0);
        Found {
            groups: mean(0).round() as usize,
            clips: mean(1).round() as usize,
            chosen: STRENGTH.to_string(),
            inner_balanced_accuracy: Some(mean(2)),
            published: None,
            predictions: Vec::new(),
        }
    }

    /// As many steps whatever the number of labels.
    fn finetune(&self, encoder: &Encoder, plan: &FoldPlan, keep: Keep<'_>) -> Result<Predicted, FinetuneError> {
        let settings = self.settings;
        let steps_per_epoch = batches_of(&self.frames(&plan.fit), settings.finetune_batch).len();
        let recipe = FinetuneRecipe {
            epochs: settings.finetune_steps.div_ceil(steps_per_epoch),
            batch: settings.finetune_batch,
            learning_rate: settings.finetune_learning_rate,
            frames_per_clip: settings.frames_per_clip,
            inner_fraction: settings.inner_fraction,
            view: self.view.clone(),
            ..FinetuneRecipe::default()
        };
        let init = Init::new(self.place.device, self.seed);
        let classifier = Classifier::new(&init, encoder.clone(), self.classes(), Trainable::All);
        let looks = if settings.published { Looks::Published } else { Looks::Honest };
        let found =
            finetune(self.dataset, plan, classifier, &recipe, looks, self.seed, self.place, Some(keep), |_| {})?;
        let published = found.curve.iter().filter_map(|point| point.test_balanced_accuracy).reduce(f64::max);
        Ok(Predicted { frames: found.honest, chosen: format!("epoch {}", found.chosen_epoch), published })
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

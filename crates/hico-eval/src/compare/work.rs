//! What is done within a cell: its encoder is pretrained (`pretraining.rs`) and evaluated; every answer is kept as soon as it is
//! there.

use super::answer::{Answer, EvalMode, Evaluation, Question, predictions_sha256};
use super::cell_file::CellFiles;
use super::evaluator::{Evaluator, Features, Found, Tuned, Tuning};
use super::grid::{Cell, budgets, check_pyramid};
use super::labels::Labels;
use super::network::{self, Facts, seen_groups};
use super::options::{EPOCHS_AND_EVALUATIONS, Options};
use super::study::{Start, Study};
use crate::Error;
use crate::baselines::Baseline;
use burn::tensor::Device;
use hico_data::{Dataset, Job, Seed};
use hico_model::Encoder;
use hico_model::frames::Context;
use hico_model::history::Beginning;
use hico_model::init::Init;
use hico_model::pretrained::{Pretrained, Seen};
use hico_train::finetune::HeadInit;
use hico_train::pretrained;
use hico_train::tuning_state::Keep;
use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

/// A cell under way.
pub(super) struct Work<'a> {
    pub(super) study: &'a Study,
    pub(super) data: &'a [Arc<Dataset>],
    pub(super) cell: &'a Cell,
    pub(super) options: &'a Options,
    pub(super) device: &'a Device,
    pub(super) folder: PathBuf,
    pub(super) answers: Vec<Answer>,
    /// Epochs of this call, or answers that cost about as much.
    pub(super) done: usize,
    /// Epochs of the whole cell, and answers that cost about as much.
    pub(super) total: usize,
    pub(super) job: Job<'a>,
}

/// An encoder at one point of its pretraining.
pub(super) struct Stage {
    pub(super) encoder: Encoder,
    /// Which groups its pretraining has seen.
    pub(super) seen: Seen,
    /// Where its weights come from.
    pub(super) beginning: Beginning,
    pub(super) epochs: usize,
    pub(super) images: u64,
    pub(super) seconds: f64,
}

impl Stage {
    pub(super) fn of(pretrained: &Pretrained, device: &Device) -> Result<Self, Error> {
        let (seen, beginning) = (pretrained.seen.clone(), pretrained.beginning.clone());
        Ok(Self { encoder: pretrained.encoder(device)?, seen, beginning, epochs: 0, images: 0, seconds: 0.0 })
    }
}

impl<'a> Work<'a> {
    /// Does all that is left to do.
    pub(super) fn all(&mut self) -> Result<(), Error> {
        let study = self.study;
        match &study.methods[self.cell.method].start {
            start @ (Start::Random | Start::Scratch) => {
                let seen = Seen::Groups { groups: BTreeSet::new(), data: String::new(), all: true };
                let (encoder, beginning) = (self.random(start), Beginning::Random);
                self.last(&Stage { encoder, seen, beginning, epochs: 0, images: 0, seconds: 0.0 })
            }
            Start::Weights(path) => {
                let pretrained = pretrained::read(path)?;
                check_pyramid(study, self.cell.method, pretrained.has_pyramid())?;
                self.last(&Stage::of(&pretrained, self.device)?)
            }
            Start::Given(pretrained) => self.last(&Stage::of(pretrained, self.device)?),
            Start::Recipe(recipe) => self.pretrained(recipe),
            Start::Baseline(baseline) => self.baseline(*baseline),
        }
    }

    /// Asks a baseline on every fold with every label budget.
    fn baseline(&mut self, baseline: Baseline) -> Result<(), Error> {
        let study = self.study;
        for &(data, fold) in &self.cell.tests {
            for labels in budgets(study) {
                let name = &study.data[data].name;
                let evaluation = EvalMode::Baseline.into();
                let question = Question { data: name, fold, labels, evaluation, epochs: 0 };
                if self.answers.iter().any(|answer| answer.question() == question) {
                    continue;
                }
                let (began, evaluator) = (Instant::now(), self.evaluator(data));
                let plan = evaluator.plan(fold, EvalMode::Baseline, labels).map_err(|source| self.no_plan(source))?;
                let found = evaluator.baseline(baseline, &plan);
                let found = found.map_err(|source| Error::in_cell(self.cell.name.clone(), source))?;
                self.job.note(format!("{name}, fold {fold}, labels {labels}"));
                self.worked(fold, "");
                self.keep((evaluation, labels), (data, fold), None, found, began)?;
            }
        }
        Ok(())
    }

    fn random(&self, start: &Start) -> Encoder {
        let seed = Seed(self.cell.seed);
        let seed = if *start == Start::Random { seed.derive("network", &[]) } else { seed };
        Encoder::new(&Init::new(self.device, seed).at("encoder"), self.study.backbone)
    }

    /// Evaluates as the study asks at the end of pretraining.
    pub(super) fn last(&mut self, stage: &Stage) -> Result<(), Error> {
        let study = self.study;
        let mut questions = Vec::new();
        for labels in budgets(study).into_iter().filter(|labels| self.cell.is_asked_with(*labels)) {
            let of_budget = study.evaluation.evaluations().into_iter().filter(|(_, asked)| asked.contains(&labels));
            questions.extend(of_budget.map(|(evaluation, _)| (evaluation, labels)));
        }
        self.ask(stage, &questions)
    }

    /// Evaluates as the study asks on the way.
    pub(super) fn point(&mut self, stage: &Stage) -> Result<(), Error> {
        let mut asked = vec![EvalMode::Knn, EvalMode::LinearProbe];
        if self.study.evaluation.curve_finetune {
            asked.push(EvalMode::Finetune);
        }
        self.ask(
            stage,
            &asked.into_iter().map(|mode| (self.study.evaluation.first_of(mode), Labels::All)).collect::<Vec<_>>(),
        )
    }

    fn ask(&mut self, stage: &Stage, questions: &[(Evaluation, Labels)]) -> Result<(), Error> {
        let study = self.study;
        // Nothing was learnt yet, batch-norm statistics neither.
        let method = &study.methods[self.cell.method];
        let random = match method.start {
            Start::Random | Start::Scratch => true,
            Start::Recipe(_) => stage.epochs == 0 && method.init_weights.is_none(),
            Start::Weights(_) | Start::Given(_) | Start::Baseline(_) => false,
        };
        // What the features were made for: they hold for every fold, but where statistics are calibrated within each.
        let of = |data: usize, fold: usize| (data, random.then_some(fold));
        let mut seen: Option<((usize, Option<usize>), Features)> = None;
        for &(data, fold) in &self.cell.tests {
            let name = &self.study.data[data].name;
            for &(evaluation, labels) in questions {
                let question = Question { data: name, fold, labels, evaluation, epochs: stage.epochs };
                if self.answers.iter().any(|answer| answer.question() == question) {
                    continue;
                }
                let evaluator = self.evaluator(data);
                let failed = |source| Error::in_cell(self.cell.name.clone(), source);
                let began = Instant::now();
                let plan = evaluator.plan(fold, evaluation.mode, labels).map_err(|source| self.no_plan(source))?;
                let method = &study.methods[self.cell.method];
                let found = if evaluation.mode == EvalMode::Finetune {
                    // Within the cell, these tell one fine-tuning from another.
                    let file = format!("tuning-{data}-{fold}-{labels}-{}.safetensors", stage.epochs);
                    let tuning = self.folder.join(file);
                    let what = self.what(fold, &evaluation.to_string());
                    let (job, total) = (self.job, self.total);
                    let counted = study.evaluation.finetune_epochs.is_some();
                    let done = &mut self.done;
                    let mut after_epoch = |_| {
                        *done += usize::from(counted);
                        job.at([(*done).min(total), total], EPOCHS_AND_EVALUATIONS, &what);
                    };
                    let tuning = Tuning {
                        trainable: method.trainable.unwrap_or(study.evaluation.trainable),
                        head_init: if method.is_pretrained() { study.evaluation.head_init } else { HeadInit::Random },
                        keep: Keep { path: &tuning, every: self.options.checkpoint_every },
                        after_epoch: &mut after_epoch,
                    };
                    evaluator.finetuned(&stage.encoder, &plan, tuning).map_err(failed)?
                } else {
                    let features = match seen.take().filter(|(made_for, _)| *made_for == of(data, fold)) {
                        Some((_, features)) => features,
                        None if random => {
                            let calibrated = evaluator.calibrated(&stage.encoder, fold).map_err(failed)?;
                            evaluator.features(&calibrated).map_err(failed)?
                        }
                        None => evaluator.features(&stage.encoder).map_err(failed)?,
                    };
                    let (_, features) = seen.insert((of(data, fold), features));
                    evaluator.ask((evaluation, labels), features, &plan)
                };
                let answered = format!("{name}, fold {fold}, {evaluation}, labels {labels}, {} images", stage.images);
                self.job.note(answered);
                match &found.tuned {
                    Some(tuned) => {
                        if study.evaluation.finetune_epochs.is_none() {
                            self.worked(fold, &evaluation.to_string());
                        }
                        if self.options.keep_networks && (!random || study.methods.iter().all(|of| !of.is_pretrained()))
                        {
                            let facts = Facts { method, beginning: &stage.beginning, seen: &stage.seen };
                            let predicted = (tuned, Some(found.predictions.as_slice()));
                            network::save(&self.options.folder, &evaluator, &plan, predicted, facts)?;
                        }
                    }
                    None => self.worked(fold, &evaluation.to_string()),
                }
                self.keep((evaluation, labels), (data, fold), Some(stage), found, began)?;
            }
        }
        Ok(())
    }

    /// Keeps an answer as soon as it is there.
    fn keep(
        &mut self,
        (evaluation, labels): (Evaluation, Labels),
        (data, fold): (usize, usize),
        stage: Option<&Stage>,
        found: Found,
        began: Instant,
    ) -> Result<(), Error> {
        let tuned = found.tuned;
        let of_test_fold = tuned.as_ref().map(|tuned| tuned.of_test_fold.clone()).unwrap_or_default();
        self.answers.push(Answer {
            method: self.study.methods[self.cell.method].name.clone(),
            data: self.study.data[data].name.clone(),
            fold,
            seed: self.cell.seed,
            labels,
            evaluation,
            epochs: stage.map_or(0, |stage| stage.epochs),
            images: stage.map_or(0, |stage| stage.images),
            groups: found.groups,
            clips: found.clips,
            chosen: found.chosen,
            inner: found.inner,
            published: tuned.as_ref().and_then(Tuned::best_on_test),
            chosen_epoch: tuned.as_ref().map(|tuned| tuned.chosen_epoch),
            temperature: tuned.as_ref().and_then(|tuned| tuned.temperature),
            curve: tuned.as_ref().map(|tuned| tuned.curve.clone()).unwrap_or_default(),
            seen_groups: stage.map_or_else(Vec::new, |stage| seen_groups(&self.data[data], fold, &stage.seen)),
            pretrain_seconds: stage.map_or(0.0, |stage| stage.seconds),
            seconds: began.elapsed().as_secs_f64(),
            predictions_sha256: predictions_sha256(&self.data[data], &found.predictions),
            predictions: found.predictions,
            of_test_fold_sha256: (!of_test_fold.is_empty())
                .then(|| predictions_sha256(&self.data[data], &of_test_fold)),
            of_test_fold,
        });
        let kept = CellFiles { root: &self.folder, cell: self.cell, study: self.study, data: self.data };
        kept.write(&self.answers)
    }

    pub(super) fn evaluator(&self, data: usize) -> Evaluator<'a> {
        Evaluator {
            dataset: &self.data[data],
            settings: &self.study.evaluation,
            view: &self.study.view,
            seed: Seed(self.cell.seed),
            context: Context { device: self.device, job: self.job },
        }
    }

    pub(super) fn no_plan(&self, source: Error) -> Error {
        Error::in_cell(self.cell.name.clone(), source)
    }

    fn worked(&mut self, fold: usize, at: &str) {
        self.done += 1;
        self.job.at([self.done.min(self.total), self.total], EPOCHS_AND_EVALUATIONS, &self.what(fold, at));
    }

    /// What the cell is at, in words.
    pub(super) fn what(&self, fold: usize, at: &str) -> String {
        let method = &self.study.methods[self.cell.method].name;
        let at = if at.is_empty() { String::new() } else { format!(", {at}") };
        format!("fold {fold}, seed {}, {method}{at}", self.cell.seed)
    }
}

//! The ways of getting from frames to classes that an evaluation compares, and one of them at work on one fold.

use super::baselines::{Baseline, NEIGHBOURS};
use super::calibration;
use super::classifier::{Classifier, Trainable};
use super::finetune::{FinetuneRecipe, Finetuned, Looks, finetune};
use super::inputs::{FinetuneError, Views, Workplace};
use super::known::Known;
use super::linear::{Labelled, LinearProbe};
use super::outcome::{CurvePoint, Role, SCRATCH};
use super::plan::{FoldPlan, FrameRef, frames_of};
use super::predictions::FramePrediction;
use super::tuning_state::Keep;
use crate::model::Encoder;
use crate::model::init::Init;
use crate::recipe::Depth;
use hico_data::{Dataset, Seed};
use std::sync::Arc;

/// One way of getting from frames to classes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Majority,
    Thumbnails,
    RandomEncoder,
    Scratch,
    Probe,
    Tuned,
}

impl Kind {
    pub(super) const fn role(self) -> Role {
        match self {
            Self::Majority | Self::Thumbnails | Self::RandomEncoder | Self::Scratch => Role::Floor,
            Self::Probe | Self::Tuned => Role::Contender,
        }
    }

    /// Its name in tables and files; `pretrained` is the name of what was pretrained.
    pub(super) fn name(self, pretrained: &str) -> String {
        match self {
            Self::Majority => "majority".to_owned(),
            Self::Thumbnails => "thumbnails".to_owned(),
            Self::RandomEncoder => "random-encoder".to_owned(),
            Self::Scratch => SCRATCH.to_owned(),
            Self::Probe => format!("{pretrained}-probe"),
            Self::Tuned => pretrained.to_owned(),
        }
    }

    /// One sentence that says what it is.
    pub(super) fn description(self, pretrained: &str, trainable: Trainable) -> String {
        let trained = match trainable {
            Trainable::Head => "a linear head on the frozen encoder is trained",
            Trainable::LastBlock => "last block, top layer and head are trained",
            Trainable::All => "the whole backbone and a linear head are trained",
        };
        match self {
            Self::Majority => "Every frame is called the class with most training clips.".to_owned(),
            Self::Thumbnails => {
                format!("{NEIGHBOURS} nearest neighbours among the training frames as 16x16 grey thumbnails.")
            }
            Self::RandomEncoder => {
                "Linear probe (logistic regression) on the features of an encoder with random weights.".to_owned()
            }
            Self::Scratch => format!("The same network from random weights: {trained}."),
            Self::Probe => format!("Linear probe on the frozen features of the encoder {pretrained}."),
            Self::Tuned => format!("The encoder {pretrained}, fine-tuned: {trained}."),
        }
    }

    /// Whether another seed gives another result.
    pub(super) const fn is_random(self) -> bool {
        !matches!(self, Self::Majority | Self::Thumbnails)
    }

    /// Whether it starts from what was pretrained.
    pub(super) const fn is_pretrained(self) -> bool {
        matches!(self, Self::Probe | Self::Tuned)
    }

    /// How much work one cell is, in epochs of fine-tuning, roughly.
    pub(super) const fn work(self, recipe: &FinetuneRecipe) -> u64 {
        match self {
            Self::Scratch | Self::Tuned => recipe.epochs as u64,
            Self::Majority | Self::Thumbnails | Self::RandomEncoder | Self::Probe => 1,
        }
    }
}

/// One fold with one seed, and all that a candidate may use.
pub(super) struct Job<'a> {
    pub(super) dataset: &'a Arc<Dataset>,
    pub(super) plan: &'a FoldPlan,
    pub(super) recipe: &'a FinetuneRecipe,
    pub(super) trainable: Trainable,
    pub(super) looks: Looks,
    pub(super) depth: Depth,
    pub(super) seed: Seed,
    pub(super) place: Workplace<'a>,
    /// Where a fine-tuning is kept until it is done.
    pub(super) keep: Option<Keep<'a>>,
    /// For [`Kind::Probe`] and [`Kind::Tuned`].
    pub(super) pretrained: Option<Encoder>,
}

/// What one candidate made of one fold.
pub(super) struct Found {
    pub(super) honest: Vec<FramePrediction>,
    pub(super) published: Option<Vec<FramePrediction>>,
    pub(super) chosen_epoch: Option<usize>,
    pub(super) curve: Vec<CurvePoint>,
    /// Whether the inner validation clips chose anything; else they were learnt from like the others.
    pub(super) chose: bool,
    pub(super) classifier: Option<Classifier>,
    /// Temperature at which the inner validation frames are most likely.
    pub(super) temperature: Option<f64>,
}

impl Job<'_> {
    /// What a fine-tuned network makes of the frames that it learnt from, and of those that chose its epoch.
    ///
    /// # Errors
    /// When frames cannot be read, or it is asked to stop.
    pub(super) fn known(&self, classifier: &Classifier) -> Result<Known, FinetuneError> {
        let views = Views { dataset: self.dataset, view: &self.recipe.view, seed: self.seed, place: self.place };
        let side = |clips: &[usize]| views.described(classifier, &self.frames(clips));
        Ok(Known::new(self.dataset, side(&self.plan.fit)?, &side(&self.plan.inner)?))
    }

    /// Lets a candidate learn and predict.
    ///
    /// # Errors
    /// When frames cannot be read, training diverges, or it is asked to stop.
    ///
    /// # Panics
    /// When a candidate that needs a pretrained encoder is not given one.
    pub(super) fn run(&self, kind: Kind, after_epoch: impl FnMut(usize)) -> Result<Found, FinetuneError> {
        match kind {
            Kind::Majority => self.baseline(Baseline::Majority),
            Kind::Thumbnails => self.baseline(Baseline::Thumbnails),
            Kind::RandomEncoder => self.probe(&self.random_encoder()),
            Kind::Scratch => self.finetune(self.random_encoder(), after_epoch),
            Kind::Probe => self.probe(&self.pretrained_encoder()),
            Kind::Tuned => self.finetune(self.pretrained_encoder(), after_epoch),
        }
    }

    fn classes(&self) -> usize {
        self.dataset.classes().len()
    }

    fn frames(&self, clips: &[usize]) -> Vec<FrameRef> {
        frames_of(self.dataset, clips, self.recipe.frames_per_clip)
    }

    fn labels(&self, frames: &[FrameRef]) -> Vec<usize> {
        frames.iter().filter_map(|frame| self.dataset.label(frame.clip)).collect()
    }

    fn random_encoder(&self) -> Encoder {
        Encoder::new(&Init::new(self.place.device, self.seed).at("encoder"), self.depth)
    }

    #[expect(clippy::expect_used, reason = "whoever lists a contender brings an encoder; anything else is our own bug")]
    fn pretrained_encoder(&self) -> Encoder {
        self.pretrained.clone().expect("a contender has a pretrained encoder")
    }

    fn baseline(&self, baseline: Baseline) -> Result<Found, FinetuneError> {
        Ok(without_choice(baseline.predict(self.dataset, self.plan, self.recipe.frames_per_clip)?))
    }

    fn probe(&self, encoder: &Encoder) -> Result<Found, FinetuneError> {
        let views = Views { dataset: self.dataset, view: &self.recipe.view, seed: self.seed, place: self.place };
        let [fit, inner, test] = [&self.plan.fit, &self.plan.inner, &self.plan.test].map(|clips| self.frames(clips));
        let [fit_rows, inner_rows, test_rows] =
            [views.features(encoder, &fit)?, views.features(encoder, &inner)?, views.features(encoder, &test)?];
        let (fit_labels, inner_labels) = (self.labels(&fit), self.labels(&inner));
        let (probe, _) = LinearProbe::fit_choosing(
            Labelled { rows: &fit_rows, labels: &fit_labels },
            Labelled { rows: &inner_rows, labels: &inner_labels },
            self.classes(),
        );
        let predict = |(frame, row): (FrameRef, &Vec<f32>)| FramePrediction {
            clip: frame.clip,
            frame: frame.frame,
            probabilities: probe.predict(row),
        };
        let predictions = test.into_iter().zip(&test_rows).map(predict).collect();
        Ok(Found { chose: true, ..without_choice(predictions) })
    }

    fn finetune(&self, encoder: Encoder, after_epoch: impl FnMut(usize)) -> Result<Found, FinetuneError> {
        let classifier =
            Classifier::new(&Init::new(self.place.device, self.seed), encoder, self.classes(), self.trainable);
        let Finetuned { classifier, chosen_epoch, curve, inner, honest, published } = finetune(
            self.dataset,
            self.plan,
            classifier,
            self.recipe,
            self.looks,
            self.seed,
            self.place,
            self.keep,
            after_epoch,
        )?;
        let temperature = calibration::temperature(self.dataset, &inner);
        let (chosen_epoch, classifier) = (Some(chosen_epoch), Some(classifier));
        Ok(Found { honest, published, chosen_epoch, curve, chose: true, classifier, temperature })
    }
}

fn without_choice(predictions: Vec<FramePrediction>) -> Found {
    Found {
        honest: predictions,
        published: None,
        chosen_epoch: None,
        curve: Vec::new(),
        chose: false,
        classifier: None,
        temperature: None,
    }
}

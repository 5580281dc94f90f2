//! Fine-tuning on the training groups of one fold: the epoch is chosen on inner validation groups, and the test fold is
//! looked at once, after that. Where no group is left to choose on, the last epoch stands.
//!
//! - Loss: cross-entropy in which every class weighs the same in sum ([`class_weights`]), for each candidate alike.
//! - Optimiser: Adam with L2 weight decay, rate on a cosine from its full value to zero.
//! - Views: resize, random crop, flip, normalise; plain views wherever nothing is trained. With [`Trainable::Head`] the
//!   encoder never changes, so its features are computed once, on plain views without augmentation.

mod recipe;

pub use recipe::{ClassBalance, FinetuneRecipe, HeadInit, TestFold};

use super::inputs::{Inputs, Shown, batches_of};
use super::linear::{Labelled, LinearProbe, STRENGTH, class_weights};
use super::plan::FoldPlan;
use super::predictions::FramePrediction;
use super::tuning_state::{self, Chosen, CurvePoint, Keep, Position, Shown as Found, inference};
use crate::Error;
use crate::checkpoint::PIECE;
use crate::keep::Keeper;
use crate::metrics::Confusion;
use crate::optimiser::Adam;
use crate::recipe::{Decay, ScheduleKind};
use crate::schedule::Schedule;
use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};
use hico_data::{Dataset, Seed};
use hico_model::classifier::{Classifier, Trainable};
use hico_model::frame_ref::{FrameRef, frames_of};
use hico_model::frames::{Context, Views, rows_of};
use hico_model::rows::argmax;
use hico_model::weights;
use rand::seq::SliceRandom as _;
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// A fine-tuning shorter than this is not kept at the ends of its epochs: it is done again as fast as it is read.
const MOST_LOST: Duration = Duration::from_secs(20);

/// A fine-tuned network and what it predicts.
#[derive(Debug)]
pub struct Finetuned {
    /// The network at the chosen epoch.
    pub classifier: Classifier,
    /// The epoch with the best balanced accuracy per frame on the inner validation groups; of equal ones that with the
    /// lower loss there, then the earlier.
    pub chosen_epoch: usize,
    /// Epoch by epoch.
    pub curve: Vec<CurvePoint>,
    /// The inner validation groups at the chosen epoch.
    pub inner: Vec<FramePrediction>,
    /// The test fold at the chosen epoch.
    pub honest: Vec<FramePrediction>,
    /// The test fold at the epoch that is best there.
    pub published: Option<Vec<FramePrediction>>,
}

/// A fine-tuning: on what, how and where.
#[derive(Clone, Copy)]
pub struct Finetuning<'a> {
    /// The data set.
    pub dataset: &'a Arc<Dataset>,
    /// Which of its clips are trained on, choose the epoch, and are tested.
    pub plan: &'a FoldPlan,
    /// How.
    pub recipe: &'a FinetuneRecipe,
    /// Whether the test fold is looked at after every epoch.
    pub test_fold: TestFold,
    /// Of views and of the order of batches.
    pub seed: Seed,
    /// Where.
    pub context: Context<'a>,
}

/// Trains `classifier` on `plan.fit`, chooses an epoch on `plan.inner` (the last where that is empty), and then predicts
/// `plan.test`.
///
/// The result depends on the data, the classifier, the recipe and the seed, not on the number of threads.
///
/// - `keep`: where what is done is kept until the end; a fine-tuning that was stopped or killed goes on from there, to the
///   same bits
/// - `after_epoch`: called with the number of epochs done
///
/// # Errors
/// When frames cannot be read, what is done cannot be kept, the loss or a weight is no longer a number, or it is asked to stop.
pub fn finetune(
    Finetuning { dataset, plan, recipe, test_fold, seed, context }: Finetuning<'_>,
    classifier: Classifier,
    keep: Option<Keep<'_>>,
    mut after_epoch: impl FnMut(usize),
) -> Result<Finetuned, Error> {
    let frames = |clips: &[usize]| frames_of(dataset, clips, recipe.frames_per_clip);
    let [fit, inner, test] = [&plan.fit, &plan.inner, &plan.test].map(|clips| frames(clips));
    let views = Views { dataset, view: &recipe.view, seed, context };
    let inputs = match classifier.trainable() {
        Trainable::Head => {
            Inputs::features(&classifier, &views, &[&fit, &inner, &test].map(|f| f.as_slice()).concat())?
        }
        Trainable::LastBlock | Trainable::All => Inputs::Views(views),
    };
    let classifier = match recipe.head_init {
        HeadInit::Random => classifier,
        HeadInit::LinearProbe => probed(classifier, dataset, &inputs, &fit)?,
    };
    let mut training = Training::new(classifier, recipe, fit, &inputs, dataset, seed);
    let mut shown = keep.and_then(|keep| training.go_on(keep)).unwrap_or_default();
    let mut clock = keep.map(|keep| Keeper::clock(keep.every, training.steps));
    for epoch in training.epochs..recipe.epochs {
        let since_best = shown.chosen.as_ref().map_or(0, |best| epoch - 1 - best.epoch);
        if recipe.early_stopping.is_some_and(|patience| since_best >= patience) {
            break;
        }
        let after_step = |training: &Training<'_>| match (keep, &mut clock) {
            (Some(keep), Some(clock)) if clock.is_due(training.steps) => training.keep(keep, &shown, clock),
            _ => Ok(()),
        };
        let train_loss = match training.epoch(epoch, after_step) {
            Err(Error::Interrupted) => {
                if let (Some(keep), Some(clock)) = (keep, &mut clock) {
                    training.keep(keep, &shown, clock)?;
                }
                return Err(Error::Interrupted);
            }
            train_loss => train_loss?,
        };
        let network = inference(&training.classifier);
        if let Some(what) = not_a_number(train_loss, &network) {
            return Err(Error::Diverged { epoch: epoch + 1, what, learning_rate: recipe.learning_rate });
        }
        let found = Evaluated::new(dataset, inputs.predict(&network, &inner)?);
        let mut point = CurvePoint {
            epoch,
            train_loss,
            inner_balanced_accuracy: found.balanced_accuracy,
            test_balanced_accuracy: None,
        };
        if test_fold == TestFold::EveryEpoch {
            let tested = Evaluated::new(dataset, inputs.predict(&network, &test)?);
            point.test_balanced_accuracy = Some(tested.balanced_accuracy);
            if shown.published.as_ref().is_none_or(|best| tested.balanced_accuracy > best.0) {
                shown.published = Some((tested.balanced_accuracy, tested.frames));
            }
        }
        let best = shown.chosen.as_ref();
        if inner.is_empty() || best.is_none_or(|best| found.better_than(best.balanced_accuracy, best.loss)) {
            let Evaluated { frames: inner, balanced_accuracy, loss } = found;
            shown.chosen = Some(Chosen { epoch, balanced_accuracy, loss, network, inner });
        }
        shown.curve.push(point);
        training.close_epoch();
        if let (Some(keep), Some(clock)) = (keep, &mut clock)
            && clock.is_worth_it_after(MOST_LOST)
        {
            training.keep(keep, &shown, clock)?;
        }
        after_epoch(epoch + 1);
    }
    // Checked recipes have an epoch at least.
    let Found { curve, chosen: Some(chosen), published } = shown else { return Err(Error::Interrupted) };
    let honest = inputs.predict(&chosen.network, &test)?;
    Ok(Finetuned {
        classifier: chosen.network,
        chosen_epoch: chosen.epoch,
        curve,
        inner: chosen.inner,
        honest,
        published: published.map(|(_, frames)| frames),
    })
}

/// Gives the network the head that is the linear probe of what its head reads of plain views of the training frames.
fn probed(
    classifier: Classifier,
    dataset: &Dataset,
    inputs: &Inputs<'_>,
    fit: &[FrameRef],
) -> Result<Classifier, Error> {
    let rows = inputs.read(&inference(&classifier), fit)?;
    let labels: Vec<usize> = fit.iter().filter_map(|frame| dataset.label(frame.clip)).collect();
    let classes = dataset.classes().len();
    let probe = LinearProbe::fit(Labelled { rows: &rows, labels: &labels }, classes, STRENGTH);
    Ok(classifier.with_head(probe.affine())?)
}

/// The loss or the first weight that is no number. A loss may be one where the network is none: the gradient is spoilt
/// first, and ReLU hides what is behind it.
fn not_a_number(loss: f64, network: &Classifier) -> Option<String> {
    if !loss.is_finite() {
        return Some("the loss".to_owned());
    }
    let mut odd = None;
    weights::each_piece(network, PIECE, |name, values| {
        if odd.is_none() && !values.iter().all(|value| value.is_finite()) {
            odd = Some(format!("the weight {name}"));
        }
    });
    odd
}

/// Predictions and how good they are.
struct Evaluated {
    frames: Vec<FramePrediction>,
    balanced_accuracy: f64,
    loss: f64,
}

impl Evaluated {
    fn new(dataset: &Dataset, frames: Vec<FramePrediction>) -> Self {
        let mut confusion = Confusion::new(dataset.classes().len());
        let mut loss = 0.0;
        for frame in &frames {
            let Some(truth) = dataset.label(frame.clip) else { continue };
            confusion.add(truth, argmax(&frame.probabilities), 1.0);
            loss -= frame.probabilities[truth].max(f64::MIN_POSITIVE).ln() / frames.len() as f64;
        }
        Self { balanced_accuracy: confusion.balanced_accuracy().unwrap_or(0.0), loss, frames }
    }

    fn better_than(&self, balanced_accuracy: f64, loss: f64) -> bool {
        self.balanced_accuracy > balanced_accuracy || (self.balanced_accuracy == balanced_accuracy && self.loss < loss)
    }
}

/// The network while it is trained.
struct Training<'a> {
    classifier: Classifier,
    optimiser: Adam,
    schedule: Schedule,
    steps: u64,
    recipe: &'a FinetuneRecipe,
    fit: Vec<FrameRef>,
    inputs: &'a Inputs<'a>,
    labels: HashMap<usize, usize>,
    class_weights: Vec<f64>,
    device: Device,
    seed: Seed,
    /// Epochs done.
    epochs: usize,
    /// Batches done of the running epoch, and the sum of the loss over their frames.
    batches: usize,
    loss: f64,
}

impl<'a> Training<'a> {
    fn new(
        classifier: Classifier,
        recipe: &'a FinetuneRecipe,
        fit: Vec<FrameRef>,
        inputs: &'a Inputs<'a>,
        dataset: &Dataset,
        seed: Seed,
    ) -> Self {
        let labels: HashMap<usize, usize> =
            fit.iter().filter_map(|frame| Some((frame.clip, dataset.label(frame.clip)?))).collect();
        let of_frames: Vec<usize> = fit.iter().filter_map(|frame| labels.get(&frame.clip).copied()).collect();
        let steps_per_epoch = batches_of(&fit, recipe.batch).len() as u64;
        Self {
            classifier: classifier.train(),
            optimiser: Adam::new(recipe.weight_decay, Decay::L2),
            schedule: Schedule::new(ScheduleKind::Cosine, recipe.learning_rate, 0, recipe.epochs, steps_per_epoch),
            steps: 0,
            class_weights: match recipe.class_balance {
                ClassBalance::Weights => class_weights(&of_frames, dataset.classes().len()),
                ClassBalance::Sampling | ClassBalance::None => vec![1.0; dataset.classes().len()],
            },
            labels,
            recipe,
            fit,
            device: inputs.context().device.clone().autodiff(),
            inputs,
            seed,
            epochs: 0,
            batches: 0,
            loss: 0.0,
        }
    }

    /// Goes on where an earlier sitting stopped, if there was one; what its epochs have shown.
    fn go_on(&mut self, keep: Keep<'_>) -> Option<Found> {
        let (classifier, position, shown) =
            tuning_state::read(keep, &self.classifier, &mut self.optimiser, self.inputs.context().device)?;
        self.classifier = classifier;
        (self.steps, self.epochs) = (position.steps, position.epochs);
        (self.batches, self.loss) = (position.batches, f64::from_bits(position.loss));
        Some(shown)
    }

    fn keep(&self, keep: Keep<'_>, shown: &Found, clock: &mut Keeper) -> Result<(), Error> {
        let began = Instant::now();
        let position = Position {
            epochs: self.epochs,
            batches: self.batches,
            loss: self.loss.to_bits(),
            steps: self.steps,
            ..Position::default()
        };
        tuning_state::write(keep, &self.classifier, &self.optimiser, position, shown)?;
        clock.saved(self.steps, began.elapsed());
        Ok(())
    }

    const fn close_epoch(&mut self) {
        self.epochs += 1;
        (self.batches, self.loss) = (0, 0.0);
    }

    /// One pass over the training frames in an order of its own, or what is left of it; the mean loss.
    fn epoch(&mut self, epoch: usize, mut after_step: impl FnMut(&Self) -> Result<(), Error>) -> Result<f64, Error> {
        let order = self.order(epoch);
        let batches = batches_of(&order, self.recipe.batch);
        let inputs = self.inputs;
        let device = self.device.clone();
        let mut kept = Ok(());
        inputs.for_each_batch(
            &batches[self.batches.min(batches.len())..],
            self.recipe.augmentation.then_some(epoch),
            &device,
            |frames, shown| {
                self.loss += self.step(frames, shown) * frames.len() as f64;
                self.batches += 1;
                if kept.is_ok() {
                    kept = after_step(self);
                }
            },
        )?;
        kept?;
        Ok(self.loss / order.len() as f64)
    }

    /// The frames of an epoch in an order of its own.
    fn order(&self, epoch: usize) -> Vec<FrameRef> {
        let mut order = match self.recipe.class_balance {
            ClassBalance::Sampling => self.drawn(epoch),
            ClassBalance::Weights | ClassBalance::None => self.fit.clone(),
        };
        order.shuffle(&mut self.seed.stream("finetune-order", &[epoch as u64]));
        // Even shares may be a frame or two more.
        order.truncate(self.fit.len());
        order
    }

    /// As many frames of every class as an even share of the training frames, each class in turns of all its frames.
    fn drawn(&self, epoch: usize) -> Vec<FrameRef> {
        let mut of_class: BTreeMap<usize, Vec<FrameRef>> = BTreeMap::new();
        for frame in &self.fit {
            of_class.entry(self.labels[&frame.clip]).or_default().push(*frame);
        }
        let share = self.fit.len().div_ceil(of_class.len().max(1));
        let draw = |(class, mut frames): (usize, Vec<FrameRef>)| {
            frames.shuffle(&mut self.seed.stream("finetune-class", &[epoch as u64, class as u64]));
            frames.into_iter().cycle().take(share).collect::<Vec<_>>()
        };
        of_class.into_iter().flat_map(draw).collect()
    }

    fn step(&mut self, frames: &[FrameRef], shown: Shown) -> f64 {
        let labels: Vec<usize> = frames.iter().map(|frame| self.labels[&frame.clip]).collect();
        let loss = weighted_cross_entropy(shown.logits(&self.classifier, true), &labels, &self.class_weights);
        let value = f64::from(rows_of(loss.clone().unsqueeze::<2>())[0][0]);
        let rate = self.schedule.at(self.steps);
        self.classifier = self.optimiser.step(self.classifier.clone(), loss.backward(), rate, 1.0);
        self.steps += 1;
        value
    }
}

/// Cross-entropy in which a row of class `c` weighs `class_weights[c]`, averaged over the rows.
///
/// - `logits`: `[batch, classes]`
/// - returns: `[1]`, in nats
fn weighted_cross_entropy(logits: Tensor<2>, labels: &[usize], class_weights: &[f64]) -> Tensor<1> {
    let [batch, classes] = logits.dims();
    let mut targets = vec![0.0_f32; batch * classes];
    for (row, label) in targets.chunks_exact_mut(classes).zip(labels) {
        row[*label] = class_weights[*label] as f32;
    }
    let targets = Tensor::<2>::from_data(TensorData::new(targets, [batch, classes]), &logits.device());
    -(log_softmax(logits, 1) * targets).sum() / batch as f64
}

#[cfg(test)]
mod tests;

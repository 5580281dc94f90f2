//! Fine-tuning on the training groups of one fold: the epoch is chosen on inner validation groups, and the test fold is
//! looked at once, after that. Where no group is left to choose on, the last epoch stands.
//!
//! - Loss: cross-entropy in which every class weighs the same in sum ([`class_weights`]), for each candidate alike.
//! - Optimiser: Adam with L2 weight decay, rate on a cosine from its full value to zero.
//! - Views: resize, random crop, flip, normalise; plain views wherever nothing is trained. With [`Trainable::Head`] the
//!   encoder never changes, so its features are computed once, on plain views without augmentation.

use super::classifier::{Classifier, Trainable};
use super::inputs::{FinetuneError, Inputs, Shown, Views, Workplace, batches_of, rows_of};
use super::linear::class_weights;
use super::outcome::CurvePoint;
use super::plan::{FoldPlan, FrameRef, frames_of};
use super::predictions::FramePrediction;
use super::tuning_state::{self, Chosen, Keep, Position, Shown as Found, inference};
use crate::metrics::{Confusion, argmax};
use crate::model::weights;
use crate::recipe::{Decay, ScheduleKind};
use crate::train::checkpoint::PIECE;
use crate::train::keep::Keeper;
use crate::train::optimiser::Adam;
use crate::train::schedule::Schedule;
use burn::module::Module;
use burn::tensor::activation::log_softmax;
use burn::tensor::{Device, Tensor, TensorData};
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, Seed};
use rand::seq::SliceRandom as _;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How a network is fine-tuned; the same for every candidate of an evaluation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct FinetuneRecipe {
    /// Passes over the training frames; 1 or more.
    pub epochs: usize,
    /// Frames a step, at most; 2 or more.
    pub batch: usize,
    /// Learning rate at the start.
    pub learning_rate: f64,
    /// L2 weight decay.
    pub weight_decay: f64,
    /// Frames of a clip used, evenly spaced.
    pub frames_per_clip: usize,
    /// Share of the training groups held out to choose the epoch; above 0, below 1.
    pub inner_fraction: f64,
    /// How frames become views.
    pub view: ViewRecipe,
    /// How classes of different size are made up for.
    pub class_balance: ClassBalance,
    /// Epochs without a better one on the inner validation groups after which it stops; it runs to its end if `None`.
    pub early_stopping: Option<usize>,
    /// Whether the frames that are learnt from are augmented.
    pub augmentation: bool,
}

/// How a fine-tuning makes up for classes of different size.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ClassBalance {
    /// Every class weighs the same in the loss.
    #[default]
    Weights,
    /// As many frames of every class are drawn in an epoch, those of small classes repeatedly.
    Sampling,
    /// It does not.
    None,
}

impl Default for FinetuneRecipe {
    fn default() -> Self {
        Self {
            epochs: 30,
            batch: 32,
            learning_rate: 3e-4,
            weight_decay: 1e-4,
            frames_per_clip: 8,
            inner_fraction: 0.2,
            view: ViewRecipe::default(),
            class_balance: ClassBalance::default(),
            early_stopping: None,
            augmentation: true,
        }
    }
}

/// A fine-tuning shorter than this is not kept at the ends of its epochs: it is done again as fast as it is read.
const MOST_LOST: Duration = Duration::from_secs(20);

/// Which looks at the test fold are taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Looks {
    /// One, at the epoch that the inner validation groups chose.
    #[default]
    Honest,
    /// Also one after every epoch, the best of which is reported beside the honest one, as the literature does. The
    /// honest figure does not change by it.
    Published,
}

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
#[expect(clippy::too_many_arguments, reason = "each is one thing, and there is one caller")]
pub fn finetune(
    dataset: &Arc<Dataset>,
    plan: &FoldPlan,
    classifier: Classifier,
    recipe: &FinetuneRecipe,
    looks: Looks,
    seed: Seed,
    place: Workplace<'_>,
    keep: Option<Keep<'_>>,
    mut after_epoch: impl FnMut(usize),
) -> Result<Finetuned, FinetuneError> {
    let frames = |clips: &[usize]| frames_of(dataset, clips, recipe.frames_per_clip);
    let [fit, inner, test] = [&plan.fit, &plan.inner, &plan.test].map(|clips| frames(clips));
    let views = Views { dataset, view: &recipe.view, seed, place };
    let inputs = match classifier.trainable() {
        Trainable::Head => {
            Inputs::features(&classifier.encoder, &views, &[&fit, &inner, &test].map(|f| f.as_slice()).concat())?
        }
        Trainable::LastBlock | Trainable::All => Inputs::Views(views),
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
            Err(FinetuneError::Interrupted) => {
                if let (Some(keep), Some(clock)) = (keep, &mut clock) {
                    training.keep(keep, &shown, clock)?;
                }
                return Err(FinetuneError::Interrupted);
            }
            train_loss => train_loss?,
        };
        let network = inference(&training.classifier);
        if let Some(what) = not_a_number(train_loss, &network) {
            return Err(FinetuneError::Diverged { epoch: epoch + 1, what, learning_rate: recipe.learning_rate });
        }
        let found = Judged::new(dataset, inputs.predict(&network, &inner)?);
        let mut point = CurvePoint {
            epoch,
            train_loss,
            inner_balanced_accuracy: found.balanced_accuracy,
            test_balanced_accuracy: None,
        };
        if looks == Looks::Published {
            let tested = Judged::new(dataset, inputs.predict(&network, &test)?);
            point.test_balanced_accuracy = Some(tested.balanced_accuracy);
            if shown.published.as_ref().is_none_or(|best| tested.balanced_accuracy > best.0) {
                shown.published = Some((tested.balanced_accuracy, tested.frames));
            }
        }
        let best = shown.chosen.as_ref();
        if inner.is_empty() || best.is_none_or(|best| found.better_than(best.balanced_accuracy, best.loss)) {
            let Judged { frames: inner, balanced_accuracy, loss } = found;
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
    let Found { curve, chosen: Some(chosen), published } = shown else { return Err(FinetuneError::Interrupted) };
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
struct Judged {
    frames: Vec<FramePrediction>,
    balanced_accuracy: f64,
    loss: f64,
}

impl Judged {
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
            device: inputs.place().device.clone().autodiff(),
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
            tuning_state::read(keep, &self.classifier, &mut self.optimiser, self.inputs.place().device)?;
        self.classifier = classifier;
        (self.steps, self.epochs) = (position.steps, position.epochs);
        (self.batches, self.loss) = (position.batches, f64::from_bits(position.loss));
        Some(shown)
    }

    fn keep(&self, keep: Keep<'_>, shown: &Found, clock: &mut Keeper) -> Result<(), FinetuneError> {
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
    fn epoch(
        &mut self,
        epoch: usize,
        mut after_step: impl FnMut(&Self) -> Result<(), FinetuneError>,
    ) -> Result<f64, FinetuneError> {
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
mod tests {
    use super::*;
    use crate::evaluate::test_data;
    use crate::model::Encoder;
    use crate::model::init::Init;
    use crate::recipe::Depth;
    use crate::train::CheckpointEvery;
    use std::sync::atomic::AtomicBool;

    /// Two folds; three groups of each class to train on and one to test, when fold 0 is tested.
    fn spots(test_labels: [usize; 2]) -> Arc<Dataset> {
        let groups = ["a", "b", "c", "d", "e", "f", "g", "h"];
        let row = |(index, group): (usize, &&'static str)| match index {
            0 | 1 => (*group, Some(test_labels[index]), 0),
            _ => (*group, Some(index % 2), 1),
        };
        Arc::new(test_data::spots(&groups.iter().enumerate().map(row).collect::<Vec<_>>()))
    }

    fn recipe(epochs: usize) -> FinetuneRecipe {
        let view = ViewRecipe { side: 32, ..ViewRecipe::default() };
        FinetuneRecipe { epochs, batch: 6, learning_rate: 1e-3, frames_per_clip: 1, view, ..FinetuneRecipe::default() }
    }

    fn run(data: &Arc<Dataset>, trainable: Trainable, epochs: usize, looks: Looks, threads: usize) -> Finetuned {
        let device = Device::flex();
        let init = Init::new(&device, Seed(3));
        let classifier = Classifier::new(&init, Encoder::new(&init.at("encoder"), Depth::R18), 2, trainable);
        let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
        let place = Workplace { device: &device, threads, stop: &AtomicBool::new(false) };
        finetune(data, &plan, classifier, &recipe(epochs), looks, Seed(5), place, None, |_| {}).unwrap()
    }

    #[test]
    fn six_clips_that_differ_plainly_are_learnt_by_heart() {
        let data = spots([0, 1]);
        let device = Device::flex();
        let init = Init::new(&device, Seed(3));
        let classifier = Classifier::new(&init, Encoder::new(&init.at("encoder"), Depth::R18), 2, Trainable::All);
        let clips: Vec<usize> = (2..8).collect();
        let plan = FoldPlan { fold: 0, fit: clips.clone(), inner: clips.clone(), test: clips };
        let place = Workplace { device: &device, threads: 2, stop: &AtomicBool::new(false) };
        let tuned =
            finetune(&data, &plan, classifier, &recipe(10), Looks::Honest, Seed(5), place, None, |_| {}).unwrap();
        let right = |frame: &&FramePrediction| Some(argmax(&frame.probabilities)) == data.label(frame.clip);
        assert_eq!(tuned.honest.iter().filter(right).count(), 6, "{:?}", tuned.curve);
        assert!(tuned.curve[9].train_loss < 0.5 * tuned.curve[0].train_loss, "{:?}", tuned.curve);
    }

    #[test]
    fn the_test_fold_never_chooses_an_epoch() {
        let truth = run(&spots([0, 1]), Trainable::All, 3, Looks::Published, 2);
        let lies = run(&spots([1, 0]), Trainable::All, 3, Looks::Published, 1);
        let unseen = run(&spots([0, 1]), Trainable::All, 3, Looks::Honest, 3);
        // Pictures of the test clips differ with their labels here, so only what was learnt can be compared with `lies`.
        assert_eq!(truth.chosen_epoch, lies.chosen_epoch);
        assert_eq!(truth.classifier.to_tensors(), lies.classifier.to_tensors());
        assert_eq!(truth.classifier.to_tensors(), unseen.classifier.to_tensors());
        assert_eq!((truth.chosen_epoch, &truth.honest), (unseen.chosen_epoch, &unseen.honest));
        assert!(unseen.published.is_none() && unseen.curve.iter().all(|point| point.test_balanced_accuracy.is_none()));
        let best = truth.curve.iter().filter_map(|point| point.test_balanced_accuracy).fold(0.0, f64::max);
        let published = Judged::new(&spots([0, 1]), truth.published.unwrap()).balanced_accuracy;
        assert_eq!(published, best);
        assert!(published >= Judged::new(&spots([0, 1]), truth.honest).balanced_accuracy);
    }

    /// Names of the tensors that training changed, and of all that there are.
    fn changed(trainable: Trainable) -> (Vec<String>, usize) {
        let device = Device::flex();
        let init = Init::new(&device, Seed(3));
        let before = Classifier::new(&init, Encoder::new(&init.at("encoder"), Depth::R18), 2, trainable).to_tensors();
        let after = run(&spots([0, 1]), trainable, 1, Looks::Honest, 2).classifier.to_tensors();
        let pairs = before.iter().zip(&after).filter(|(before, after)| before != after);
        (pairs.map(|(before, _)| before.name.clone()).collect(), before.len())
    }

    #[test]
    fn what_is_frozen_stays_bit_for_bit_running_statistics_included() {
        assert_eq!(changed(Trainable::Head).0, ["head.weight", "head.bias"]);
        let (names, _) = changed(Trainable::LastBlock);
        let allowed = ["encoder.backbone.layer4.1.", "encoder.pyramid.lateral5.", "head."];
        assert!(names.iter().all(|name| allowed.iter().any(|part| name.starts_with(part))), "{names:?}");
        assert!(names.iter().any(|name| name.ends_with("layer4.1.bn2.running_var")), "{names:?}");
        // Two convolutions, twice four of batch norm, and weight and bias of the top layer and the head.
        assert_eq!(names.len(), 2 + 2 * 4 + 4, "{names:?}");
    }

    #[test]
    fn a_rare_class_weighs_as_much_as_a_common_one() {
        let device = Device::flex();
        let logits = Tensor::from_floats([[0.0, 0.0], [0.0, 0.0], [0.0, 3f32.ln()], [0.0, 0.0]], &device);
        let loss = weighted_cross_entropy(logits, &[0, 0, 1, 0], &class_weights(&[0, 0, 1, 0], 2));
        // Three of class 0 with weight 2/3 and -ln(1/2), one of class 1 with weight 2 and -ln(3/4), over four rows.
        let expected = (2.0 * 2f64.ln() + 2.0 * (4f64 / 3.0).ln()) / 4.0;
        assert!((f64::from(rows_of(loss.unsqueeze::<2>())[0][0]) - expected).abs() < 1e-6);
    }

    fn trained(data: &Arc<Dataset>, plan: &FoldPlan, recipe: &FinetuneRecipe, keep: Option<Keep<'_>>) -> Finetuned {
        let device = Device::flex();
        let init = Init::new(&device, Seed(3));
        let classifier = Classifier::new(&init, Encoder::new(&init.at("encoder"), Depth::R18), 2, Trainable::All);
        let place = Workplace { device: &device, threads: 2, stop: &AtomicBool::new(false) };
        finetune(data, plan, classifier, recipe, Looks::Honest, Seed(5), place, keep, |_| {}).unwrap()
    }

    #[test]
    fn it_stops_where_no_epoch_was_better_for_long_enough_also_when_it_is_gone_on_with() {
        let data = spots([0, 1]);
        let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
        let whole = trained(&data, &plan, &recipe(6), None);
        let patient = trained(&data, &plan, &FinetuneRecipe { early_stopping: Some(6), ..recipe(6) }, None);
        assert_eq!(whole.curve, patient.curve);
        // A rate that changes nothing: the first epoch stays the best.
        let still = FinetuneRecipe { learning_rate: 1e-30, early_stopping: Some(2), ..recipe(6) };
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("tuning.safetensors");
        let every = CheckpointEvery::Steps(std::num::NonZeroU64::new(1).unwrap());
        let stopped = trained(&data, &plan, &still, Some(Keep { path: &path, every }));
        let best = stopped.chosen_epoch;
        assert_eq!(stopped.curve.len(), best + 3, "{:?}", stopped.curve);
        assert!(path.is_file());
        let again = trained(&data, &plan, &still, Some(Keep { path: &path, every }));
        assert_eq!((again.chosen_epoch, &again.curve), (best, &stopped.curve));
        assert_eq!(again.honest, stopped.honest);
    }

    #[test]
    fn classes_are_made_up_for_by_weight_by_drawing_or_not_and_frames_are_augmented_or_not() {
        // Three of class 0 are learnt from, and one of class 1.
        let rows: Vec<_> = [("a", 0), ("b", 1), ("c", 0), ("d", 0), ("e", 0), ("f", 1), ("g", 0), ("h", 1)]
            .iter()
            .enumerate()
            .map(|(at, (group, class))| (*group, Some(*class), usize::from(at >= 2)))
            .collect();
        let data = Arc::new(test_data::spots(&rows));
        let device = Device::flex();
        let stop = AtomicBool::new(false);
        let place = Workplace { device: &device, threads: 2, stop: &stop };
        let frames = frames_of(&data, &[2, 3, 4, 5], 1);
        let count = |class_balance: ClassBalance| {
            let recipe = FinetuneRecipe { class_balance, ..recipe(1) };
            let inputs = Inputs::Views(Views { dataset: &data, view: &recipe.view, seed: Seed(5), place });
            let init = Init::new(&device, Seed(3));
            let classifier = Classifier::new(&init, Encoder::new(&init.at("encoder"), Depth::R18), 2, Trainable::All);
            let training = Training::new(classifier, &recipe, frames.clone(), &inputs, &data, Seed(5));
            let orders = [training.order(0), training.order(1)];
            assert_ne!(orders[0], orders[1]);
            let drawn = orders.map(|order| order.iter().filter(|frame| data.label(frame.clip) == Some(1)).count());
            (drawn, training.class_weights.clone())
        };
        assert_eq!(count(ClassBalance::Weights), ([1, 1], vec![2.0 / 3.0, 2.0]));
        assert_eq!(count(ClassBalance::Sampling), ([2, 2], vec![1.0, 1.0]));
        assert_eq!(count(ClassBalance::None), ([1, 1], vec![1.0, 1.0]));
        // Without augmentation an epoch shows every frame as it is, so a rate that changes nothing repeats the loss.
        let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
        let losses = |augmentation| {
            let recipe = FinetuneRecipe { augmentation, learning_rate: 1e-30, ..recipe(2) };
            trained(&data, &plan, &recipe, None).curve.iter().map(|point| point.train_loss).collect::<Vec<_>>()
        };
        let (plain, augmented) = (losses(false), losses(true));
        assert!(
            (plain[0] - plain[1]).abs() < 1e-6 && (augmented[0] - augmented[1]).abs() > 1e-6,
            "{plain:?} {augmented:?}"
        );
    }

    #[test]
    fn a_loss_or_a_weight_that_becomes_no_number_ends_the_training_with_its_name() {
        let device = Device::flex();
        let init = Init::new(&device, Seed(3));
        let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
        let place = Workplace { device: &device, threads: 2, stop: &AtomicBool::new(false) };
        let said = |classifier: Classifier, learning_rate: f64| {
            let recipe = FinetuneRecipe { learning_rate, ..recipe(4) };
            finetune(&spots([0, 1]), &plan, classifier, &recipe, Looks::Honest, Seed(5), place, None, &mut |_| {})
                .unwrap_err()
                .to_string()
        };
        let new = |trainable| Classifier::new(&init, Encoder::new(&init.at("encoder"), Depth::R18), 2, trainable);
        let words = said(new(Trainable::All), 1e30);
        assert!(words.contains("is not a number in epoch") && words.contains("a learning rate below 1e30"), "{words}");
        // Behind ReLU the loss is a number still.
        let mut tensors = new(Trainable::All).to_tensors();
        let odd = tensors.iter_mut().find(|tensor| tensor.name == "encoder.backbone.layer4.1.bn1.bias").unwrap();
        odd.values[0] = f32::NAN;
        let words = said(new(Trainable::All).with_tensors(&tensors).unwrap(), 1e-4);
        assert!(words.contains("is not a number in epoch 1"), "{words}");
    }

    #[test]
    fn a_fine_tuning_that_was_killed_and_stopped_ends_in_the_same_bits() {
        let data = spots([0, 1]);
        let device = Device::flex();
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("work/tuning.safetensors");
        // Two batches an epoch, a checkpoint after every third step: in the middle of the second epoch.
        let every = CheckpointEvery::Steps(std::num::NonZeroU64::new(3).unwrap());
        let recipe = FinetuneRecipe { batch: 2, ..recipe(4) };
        for trainable in [Trainable::All, Trainable::LastBlock] {
            let run = |keep: Option<Keep<'_>>, stop: &AtomicBool, after_epoch: &mut dyn FnMut(usize)| {
                let init = Init::new(&device, Seed(3));
                let classifier = Classifier::new(&init, Encoder::new(&init.at("encoder"), Depth::R18), 2, trainable);
                let plan = FoldPlan { fold: 0, fit: vec![2, 3, 4, 5], inner: vec![6, 7], test: vec![0, 1] };
                let place = Workplace { device: &device, threads: 2, stop };
                finetune(&data, &plan, classifier, &recipe, Looks::Published, Seed(5), place, keep, after_epoch)
            };
            let go_on = AtomicBool::new(false);
            let whole = run(None, &go_on, &mut |_| {}).unwrap();
            let keep = Some(Keep { path: &path, every });
            let killed = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
                run(keep, &go_on, &mut |epochs| assert!(epochs < 2, "killed"))
            }));
            assert!(killed.is_err() && path.is_file());
            let stop = AtomicBool::new(false);
            let mut epochs_told = Vec::new();
            let stopped = run(keep, &stop, &mut |epochs| {
                epochs_told.push(epochs);
                stop.store(true, std::sync::atomic::Ordering::SeqCst);
            });
            assert!(matches!(stopped, Err(FinetuneError::Interrupted)));
            assert_eq!(epochs_told, [2], "it goes on in the second epoch");
            let gone_on = run(keep, &go_on, &mut |_| {}).unwrap();
            assert_eq!(gone_on.classifier.to_tensors(), whole.classifier.to_tensors(), "{trainable:?}");
            assert_eq!((gone_on.chosen_epoch, &gone_on.curve), (whole.chosen_epoch, &whole.curve));
            assert_eq!(
                (gone_on.inner, gone_on.honest, gone_on.published),
                (whole.inner, whole.honest, whole.published)
            );
            std::fs::write(&path, "torn").unwrap();
            let anew = run(keep, &go_on, &mut |_| {}).unwrap();
            assert_eq!(anew.curve, whole.curve, "what cannot be read is done again");
            std::fs::remove_file(&path).unwrap();
        }
    }

    #[test]
    fn it_stops_when_asked_to() {
        let device = Device::flex();
        let init = Init::new(&device, Seed(3));
        let classifier = Classifier::new(&init, Encoder::new(&init.at("encoder"), Depth::R18), 2, Trainable::Head);
        let plan = FoldPlan { fold: 0, fit: vec![2], inner: vec![6], test: vec![0] };
        let place = Workplace { device: &device, threads: 1, stop: &AtomicBool::new(true) };
        let outcome =
            finetune(&spots([0, 1]), &plan, classifier, &recipe(1), Looks::Honest, Seed(5), place, None, |_| {});
        assert!(matches!(outcome, Err(FinetuneError::Interrupted)));
    }
}

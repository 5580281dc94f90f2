//! The loop: batches → loss → step → checkpoint. It knows no method by name.

use super::average::Average;
use super::checkpoint::{self, Best, Checkpoint, OfNetwork, PIECE, Position};
use super::gradient::{self, Memory};
use super::health::collapse;
use super::journal::{EpochEntry, Health, JournalEntry, StepEntry};
use super::keep::Keeper;
use super::load::{Drawn, Loader, Partners, groups};
use super::log::Log;
use super::optimiser::{Adam, clip_scale, gradient_norm};
use super::run_plan::{Event, Plan, PretrainOutcome};
use super::validation::Validation;
use crate::Error;
use crate::method::{Method, Setup, Sizes};
use crate::recipe::{Count, Positive, Supervision};
use burn::module::Module as _;
use burn::tensor::Device;
use hico_data::{Job, Seed};
use hico_model::VERSION;
use hico_model::init::Init;
use hico_model::weights::{self, Naming};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

/// Trains from the plan's beginning, or from `checkpoint`, to its end.
pub(crate) fn run<M: Method>(
    plan: &Plan,
    checkpoint: Option<Checkpoint>,
    job: Job<'_, Event>,
) -> Result<PretrainOutcome, Error> {
    let mut run = Run::<M>::begin(plan, checkpoint, job)?;
    if run.position.finished {
        return Ok(run.outcome());
    }
    while run.position.epochs < plan.recipe.train().epochs.get() {
        run = run.epoch()?;
    }
    run.finish()
}

/// A run under way.
struct Run<'a, M: Method> {
    plan: &'a Plan,
    method: M,
    network: M::Network,
    /// Of the network's weights, where a recipe asks for it.
    average: Option<Average>,
    adam: Adam,
    position: Position,
    loader: Loader,
    validation: Validation,
    /// Of every clip of the data set the label that the objective may read.
    labels: Vec<Option<usize>>,
    /// Of every clip of the data set the number of its group.
    groups: Vec<usize>,
    log: Log,
    keeper: Keeper,
    newest: Option<EpochEntry>,
    job: Job<'a, Event>,
}

impl<'a, M: Method> Run<'a, M> {
    fn begin(plan: &'a Plan, checkpoint: Option<Checkpoint>, job: Job<'a, Event>) -> Result<Self, Error> {
        let seed = Seed(plan.recipe.train().seed);
        let device = plan.device.clone().autodiff();
        let (classes, clips) = (plan.data.classes().len(), plan.selection.train.len());
        let sizes = Sizes { classes, clips, batch: plan.sampler.batch() };
        let (model, view) = (plan.recipe.model(), plan.recipe.view());
        let init = Init::new(&device, seed.derive("network", &[])).in_precision(plan.recipe.train().precision.into());
        let Some(keys) = plan.recipe.method().keys::<M>() else {
            unreachable!("a runner is found by its method's name")
        };
        let (mut method, mut network) = M::new(keys, &Setup { model, view, sizes, init });
        let mut adam = Adam::of(plan.recipe.train());
        let resumed = checkpoint.is_some();
        let mut position = Position::default();
        if let (Some(first), false) = (&plan.init_weights, resumed) {
            network = first.put_into(network)?;
            method.on_init_weights(&network);
        }
        let mut average = Average::of(&network, plan.recipe.train().weight_average.get());
        if let Some(checkpoint) = checkpoint {
            if let Some(average) = &mut average {
                average.restore(&checkpoint.method)?;
            }
            network = weights::from_tensors(network, &checkpoint.network, Naming::Ours)?;
            method.restore(&checkpoint.method, &plan.device)?;
            adam.restore(&checkpoint.optimiser, &checkpoint.steps, &plan.device)?;
            position = checkpoint.position;
            // A run that was finished and is lengthened is not finished any more.
            position.finished &= position.epochs >= plan.recipe.train().epochs.get();
        }
        let labels = match plan.recipe.supervision() {
            Supervision::SelfOnly => vec![None; plan.data.len()],
            Supervision::Semi | Supervision::Full => plan.selection.labels.clone(),
        };
        let groups = groups(&plan.data, &plan.selection.train);
        let loader = Loader {
            data: Arc::clone(&plan.data),
            recipe: plan.recipe.clone(),
            seed: seed.derive("views", &[]),
            threads: job.threads,
            partners: Partners::new(&plan.selection, &groups, &labels),
        };
        let batch = plan.sampler.batch();
        let validation = Validation::new(&loader, &plan.selection, &labels, batch, seed.derive("watch", &[]));
        let log = Log::open(plan.folder.as_deref(), position.lengths)?;
        let keeper = Keeper::new(plan.folder.as_deref(), plan.checkpoint_every, position.step)?;
        if position.step == 0 && plan.keep_after.contains(&0) {
            keeper.keep(&network, 0)?;
        }
        let begun_with_weights = plan.init_weights.is_some() && !resumed;
        let mut run = Self {
            plan,
            method,
            network,
            average,
            adam,
            position,
            loader,
            validation,
            labels,
            groups,
            log,
            keeper,
            newest: None,
            job,
        };
        run.announce(resumed)?;
        if begun_with_weights {
            // From now on the run needs that file no more.
            run.save()?;
        }
        Ok(run)
    }

    /// Says in the journal and to the caller what is about to happen.
    fn announce(&mut self, resumed: bool) -> Result<(), Error> {
        let (steps, epochs) = (self.plan.schedule.steps(), self.plan.recipe.train().epochs.get());
        let entry = if resumed {
            JournalEntry::Resume { step: self.position.step }
        } else {
            JournalEntry::Start { version: VERSION.to_owned(), steps, epochs }
        };
        if !self.position.finished {
            self.write(&entry)?;
        }
        (self.job.tell)(Event::Begin { step: self.position.step, outline: self.plan.outline });
        for message in self.plan.news.clone() {
            self.warn(message)?;
        }
        if !resumed {
            for message in self.plan.selection.warnings.clone() {
                self.warn(message)?;
            }
        }
        let precision = hico_kernels::Precision::from(self.plan.recipe.train().precision);
        if precision != hico_kernels::Precision::F32
            && !(precision.is_available() && self.plan.device == Device::flex())
        {
            self.warn("precision bf16: this device computes in 32 bits instead".to_owned())?;
        }
        Ok(())
    }

    /// The rest of the running epoch, or what of it there is until it is asked to stop.
    fn epoch(mut self) -> Result<Self, Error> {
        let epoch = self.position.epochs as u64;
        let done = self.position.step - epoch * self.plan.sampler.steps_per_epoch();
        let batches = self.plan.sampler.epoch(epoch).split_off(done as usize);
        let mut batches = self.loader.load(epoch, batches);
        loop {
            if let Err(stopped) = self.job.go_on() {
                self.interrupted()?;
                return Err(stopped.into());
            }
            let began = Instant::now();
            let Some(drawn) = batches.next() else { break };
            let data_seconds = began.elapsed().as_secs_f64();
            self = self.step(drawn?, began, data_seconds)?;
            if self.keeper.is_due(self.position.step) {
                self.save()?;
            }
        }
        drop(batches);
        self.close_epoch()?;
        Ok(self)
    }

    /// One optimiser step. Nothing is moved when the loss or its gradient is not a number.
    fn step(mut self, drawn: Drawn, began: Instant, data_seconds: f64) -> Result<Self, Error> {
        let step = self.position.step;
        let batch = drawn.batch(&self.labels, &self.groups, &self.plan.device);
        let images = batch.clips.len() * self.plan.recipe.method().images_a_clip();
        let train = self.plan.recipe.train();
        let mut memory = Memory { part: train.micro_batch.map(Count::get), recompute: train.gradient_checkpointing };
        if batch.clips.len() < self.plan.sampler.batch() {
            memory = memory.of_short(batch.clips.len());
        }
        let (objective, gradients) = gradient::of_batch(&mut self.method, &self.network, &batch, memory);
        let losses = objective.values();
        if let Some((name, _)) = losses.iter().find(|(_, value)| !value.is_finite()) {
            return Err(self.not_finite(&format!("loss {name}")));
        }
        let gradient_norm = gradient_norm(&self.network, &gradients);
        if !gradient_norm.is_finite() {
            return Err(self.not_finite("norm of the gradient"));
        }
        let learning_rate = self.plan.schedule.at(step);
        let norms = [train.clip_norm.map(Positive::get), self.method.clip_norm()];
        let scale = clip_scale(gradient_norm, norms.into_iter().flatten().reduce(f64::min));
        self.network = self.adam.step(self.network, gradients, learning_rate, scale);
        self.method.after_step(&self.network, step);
        if let Some(average) = &mut self.average {
            average.follow(&self.network, step);
        }

        for (name, value) in &losses {
            *self.position.losses.entry(name.clone()).or_default() += value;
        }
        let seconds = began.elapsed().as_secs_f64();
        self.position.step += 1;
        self.position.images_seen += images as u64;
        self.position.seconds += seconds;
        let epoch = self.position.epochs;
        let entry = StepEntry { step, epoch, learning_rate, losses, gradient_norm, seconds, data_seconds, images };
        self.write(&JournalEntry::Step(entry.clone()))?;
        (self.job.tell)(Event::Step(entry));
        Ok(self)
    }

    /// Measures the health after an epoch, and keeps the network where it is the best so far; the newest, where losses of
    /// different epochs cannot be compared.
    fn close_epoch(&mut self) -> Result<(), Error> {
        let began = Instant::now();
        let mut network = self.network.valid();
        if let Some(average) = &self.average {
            network = average.put_into(network)?;
        }
        let health = match self.plan.validate {
            true => self.validation.measure(&mut self.method, &network, &self.plan.device)?,
            false => Health::default(),
        };
        let steps = self.plan.sampler.steps_per_epoch() as f64;
        let losses: BTreeMap<String, f64> =
            std::mem::take(&mut self.position.losses).into_iter().map(|(name, sum)| (name, sum / steps)).collect();
        let epoch = self.position.epochs;
        let loss = health.val_loss.or_else(|| losses.get("total").copied()).unwrap_or(f64::NAN);
        if !loss.is_finite() {
            return Err(self.not_finite("loss on the validation clips"));
        }
        let compare = self.plan.recipe.method().losses_compare();
        if self.position.best.is_none_or(|best| !compare || loss < best.loss) {
            let best = Best { epoch, loss };
            self.position.best = Some(best);
            self.keeper.remember_best(&network, best)?;
        }
        self.position.epochs += 1;
        if self.plan.keep_after.contains(&self.position.epochs) {
            self.keeper.keep(&network, self.position.epochs)?;
        }
        self.position.seconds += began.elapsed().as_secs_f64();
        let Position { images_seen, seconds, .. } = self.position;
        let entry = EpochEntry { epoch, images_seen, seconds, losses, health };
        self.write(&JournalEntry::Epoch(entry.clone()))?;
        (self.job.tell)(Event::Epoch(entry.clone()));
        self.newest = Some(entry);
        let collapsed = collapse(&health);
        if let Some(message) = collapsed.clone().filter(|_| !self.position.collapsed) {
            self.warn(message)?;
        }
        self.position.collapsed = collapsed.is_some();
        // The last epoch is saved by `finish`.
        if self.position.epochs < self.plan.recipe.train().epochs.get() && self.keeper.is_worth_it() {
            self.save()?;
        }
        Ok(())
    }

    fn interrupted(&mut self) -> Result<(), Error> {
        self.write(&JournalEntry::Stopped { step: self.position.step, reason: "interrupted".to_owned() })?;
        self.save()
    }

    fn finish(mut self) -> Result<PretrainOutcome, Error> {
        self.position.finished = true;
        self.write(&JournalEntry::Finished { step: self.position.step, seconds: self.position.seconds })?;
        self.save()?;
        Ok(self.outcome())
    }

    /// Stops the run: what was kept before stays.
    fn not_finite(&mut self, what: &str) -> Error {
        let step = self.position.step;
        let reason = format!("the {what} is not a number");
        // The run ends with this error; that the journal cannot be written either would be no news.
        self.write(&JournalEntry::Stopped { step, reason }).ok();
        self.keeper.write_best().ok();
        Error::LossNotFinite { step, what: what.to_owned(), kept: self.keeper.kept() }
    }

    /// Writes the best network, if it is not written yet, and then everything. In this order, so that a best network
    /// is never older than the checkpoint that knows of it: a run that goes on from an older checkpoint comes to the
    /// same best network again.
    fn save(&mut self) -> Result<(), Error> {
        let plan = self.plan;
        let Some(folder) = &plan.folder else { return Ok(()) };
        let began = Instant::now();
        self.keeper.write_best()?;
        self.position.lengths = self.log.sync()?;
        let mut broken = None;
        weights::each_piece(&self.network, PIECE, |name, values| {
            if broken.is_none() && !values.iter().all(|value| value.is_finite()) {
                broken = Some(name.to_owned());
            }
        });
        if let Some(name) = broken {
            return Err(self.not_finite(&format!("weight {name}")));
        }
        let network = OfNetwork(&self.network);
        let mut state = self.method.state();
        state.extend(self.average.iter().flat_map(Average::state));
        checkpoint::write_last(folder, &network, &state, &self.adam, &self.position)?;
        let took = began.elapsed();
        tracing::info!(step = self.position.step, milliseconds = took.as_millis(), "checkpoint written");
        self.keeper.saved(self.position.step, took);
        (self.job.tell)(Event::Saved { step: self.position.step });
        Ok(())
    }

    fn warn(&mut self, message: String) -> Result<(), Error> {
        self.write(&JournalEntry::Warning { epoch: self.position.epochs, message: message.clone() })?;
        (self.job.tell)(Event::Warning(message));
        Ok(())
    }

    fn write(&mut self, entry: &JournalEntry) -> Result<(), Error> {
        self.log.write(entry, self.plan.sampler.steps_per_epoch())
    }

    fn outcome(self) -> PretrainOutcome {
        PretrainOutcome {
            step: self.position.step,
            epochs: self.position.epochs,
            seconds: self.position.seconds,
            best: self.position.best,
            losses_compare: self.plan.recipe.method().losses_compare(),
            newest: self.newest,
            record: self.plan.record.clone(),
            folder: self.plan.folder.clone(),
            weights: self.keeper.into_weights(),
        }
    }
}

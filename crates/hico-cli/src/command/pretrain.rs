use crate::args::PretrainArgs;
use crate::interrupt;
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico::model::weights::{WeightsError, WeightsOf};
use hico::recipe::{self, Recipe, RecipeFile};
use hico::train::checkpoint::Best;
use hico::train::first_weights::FirstWeights;
use hico::train::run_record::{RECIPE_FILE, RUN_FILE};
use hico::train::{Ending, PretrainOptions, PretrainOutcome, Progress};
use hico_data::Dataset;
use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// `hico pretrain DATASET --out RUN`.
pub(crate) fn run(args: &PretrainArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let first = args.init.as_deref().map(|file| first_weights(file, &args.weights_of, output)).transpose()?;
    let recipe = recipe(args, first.as_ref(), output)?;
    let data = Dataset::open(&args.dataset).hint(|| "`hico ingest SRC --out DATASET` makes a data set".to_owned())?;
    let options = PretrainOptions {
        folder: Some(args.out.clone()),
        resume: args.resume,
        device: args.device,
        holdout_fold: args.holdout_fold,
        checkpoint_every: args.checkpoint_every,
        threads: NonZeroUsize::new(rayon::current_num_threads()),
        first,
        command: std::env::args().collect(),
        ..PretrainOptions::default()
    };
    let stop = interrupt::flag()?;
    let mut line = LiveLine::new(*output);
    let outcome = hico::train::pretrain(&Arc::new(data), &recipe, &options, &mut |news| line.show(news), &stop);
    line.end();
    let outcome = outcome.or_else(|error| match error.hint() {
        Some(hint) => Err(error).hint(|| hint),
        None => Err(error.into()),
    })?;
    let ending = outcome.ending;
    output.result(&Summary::of(outcome, args.out.clone()), Summary::words)?;
    Ok(match ending {
        Ending::Finished => ExitCode::SUCCESS,
        Ending::Interrupted => ExitCode::from(interrupt::EXIT_INTERRUPTED),
    })
}

/// How to have ImageNet's weights, which this program does not fetch.
const IMAGENET: &str = "torchvision saves ImageNet's: python3 -c \"import torch, torchvision; \
    torch.save(torchvision.models.resnet18(weights='IMAGENET1K_V1').state_dict(), 'resnet18.pth')\"";

fn first_weights(file: &Path, of: &WeightsOf, output: &Output) -> anyhow::Result<FirstWeights> {
    let read = FirstWeights::read(file, of);
    let known = read.as_ref().err().and_then(WeightsError::hint);
    let first = read.with_context(|| format!("{}", file.display())).hint(|| match file.is_file() {
        true => known.unwrap_or("name weights of a ResNet-18, 34 or 50 for pictures of three channels").to_owned(),
        false => IMAGENET.to_owned(),
    })?;
    output.note(&first.report().words());
    Ok(first)
}

/// The recipe of the file (or of the run to go on with, or the paper's), with the flags' values in it. Where neither a file nor
/// the run says how views are normalised, they are as the first weights need it.
fn recipe(args: &PretrainArgs, first: Option<&FirstWeights>, output: &Output) -> anyhow::Result<Recipe> {
    let own = (args.resume && args.out.join(RUN_FILE).is_file()).then(|| args.out.join(RECIPE_FILE));
    let path = match &args.recipe {
        _ if args.method.is_some() => None,
        Some(path) => Some(path.clone()),
        None => own.clone(),
    };
    // A run goes on as it began, whatever the flags begin from.
    let begun = own.and_then(|own| Recipe::parse(&std::fs::read_to_string(own).ok()?).ok());
    let mut says = begun.is_some();
    let remedy = || "`hico pretrain --help` and the recipes that come with hico show every key".to_owned();
    let mut file = match path {
        Some(path) => {
            let text = std::fs::read_to_string(&path).with_context(|| format!("{}", path.display()));
            let text = text.hint(|| "leave --recipe out for the paper's values".to_owned())?;
            says |= recipe::sets_normalisation(&text);
            Recipe::parse(&text).with_context(|| format!("{}", path.display())).hint(remedy)?.to_file()
        }
        None => args.method.map_or_else(RecipeFile::default, |method| Recipe::of_method(method.into()).to_file()),
    };
    if let Some(begun) = begun.filter(|_| args.recipe.is_none()) {
        (file.view.mean, file.view.std) = (begun.view().mean, begun.view().std);
    }
    if let Some([mean, std]) = first.and_then(FirstWeights::normalisation) {
        let there = (file.view.mean, file.view.std);
        if !says && there != (mean, std) {
            (file.view.mean, file.view.std) = (mean, std);
            output.note(&format!(
                "views are normalised by mean {mean} and standard deviation {std}, as these weights learnt; \
                 view.mean and view.std in a recipe set others"
            ));
        } else if there != (mean, std) {
            output.note(&format!(
                "views are normalised by mean {} and standard deviation {}, as the recipe says; these weights learnt \
                 with view.mean = {mean} and view.std = {std}",
                there.0, there.1
            ));
        }
    }
    Recipe::try_from(with_flags(file, args)).hint(remedy)
}

fn with_flags(mut file: RecipeFile, args: &PretrainArgs) -> RecipeFile {
    if let Some(supervision) = args.supervision {
        file.method.supervision = supervision.into();
    }
    if let Some(side) = args.side {
        file.view.side = side;
    }
    let train = &mut file.train;
    if let Some(epochs) = args.epochs {
        train.set_epochs(epochs);
    }
    train.batch = args.batch.unwrap_or(train.batch);
    train.micro_batch = args.micro_batch.or(train.micro_batch);
    train.recompute_activations |= args.recompute_activations;
    train.precision = args.precision.map_or(train.precision, Into::into);
    train.seed = args.seed.unwrap_or(train.seed);
    train.label_fraction = args.label_fraction.unwrap_or(train.label_fraction);
    train.clip_fraction = args.clip_fraction.unwrap_or(train.clip_fraction);
    file
}

const fn epochs_word(epochs: usize) -> &'static str {
    if epochs == 1 { "epoch" } else { "epochs" }
}

/// The line that shows how a run goes.
struct LiveLine {
    output: Output,
    bar: Option<ProgressBar>,
    epochs: usize,
}

impl LiveLine {
    const fn new(output: Output) -> Self {
        Self { output, bar: None, epochs: 0 }
    }

    fn show(&mut self, news: Progress) {
        match news {
            Progress::Begin { step, steps, epochs, clips, watched } => {
                self.output.note(&format!(
                    "training on {clips} clips, watching {watched}; {steps} steps in {epochs} {}{}",
                    epochs_word(epochs),
                    if step > 0 { format!(", going on at step {step}") } else { String::new() }
                ));
                self.epochs = epochs;
                let bar = self.output.progress(steps, "");
                if let Ok(style) = ProgressStyle::with_template("[{bar:20}] {pos}/{len} ETA {eta} {msg}") {
                    bar.set_style(style.progress_chars("=> "));
                }
                bar.set_position(step);
                bar.reset_eta();
                self.bar = Some(bar);
            }
            Progress::Step(step) => {
                let Some(bar) = &self.bar else { return };
                let total = step.losses.get("total").copied().unwrap_or(f64::NAN);
                let terms: String = step
                    .losses
                    .iter()
                    .filter(|(name, _)| *name != "total")
                    .map(|(name, value)| format!(" {name} {value:.2}"))
                    .collect();
                bar.set_message(format!(
                    "epoch {}/{} {:.1} images/s, data {:.0} %, loss {total:.3}{terms}",
                    step.epoch + 1,
                    self.epochs,
                    step.images as f64 / step.seconds.max(1e-9),
                    100.0 * step.data_seconds / step.seconds.max(1e-9),
                ));
                bar.set_position(step.step + 1);
            }
            Progress::Epoch(epoch) => {
                let figure = |name: &str, value: Option<f64>| value.map(|value| format!(", {name} {value:.3}"));
                let health = [
                    figure("watched loss", epoch.health.watch_loss),
                    figure("5-NN balanced accuracy", epoch.health.knn_balanced_accuracy),
                    figure("rank", epoch.health.embedding_rank),
                ];
                let total = epoch.losses.get("total").copied().unwrap_or(f64::NAN);
                let health: String = health.into_iter().flatten().collect();
                self.above(|output| output.note(&format!("epoch {}: loss {total:.3}{health}", epoch.epoch + 1)));
            }
            Progress::Warning(words) => self.above(|output| output.warning(&words)),
            Progress::Saved { .. } => {}
        }
    }

    /// Speaks without tearing the live line.
    fn above(&self, speak: impl FnOnce(&Output)) {
        match &self.bar {
            Some(bar) => bar.suspend(|| speak(&self.output)),
            None => speak(&self.output),
        }
    }

    fn end(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}

/// What a run prints at its end.
#[derive(Debug, Serialize)]
struct Summary {
    run: PathBuf,
    ending: Ending,
    step: u64,
    epochs: usize,
    seconds: f64,
    best: Option<Best>,
    groups: usize,
    watched_groups: usize,
    #[serde(skip)]
    losses_compare: bool,
}

impl Summary {
    fn of(outcome: PretrainOutcome, run: PathBuf) -> Self {
        let PretrainOutcome { ending, step, epochs, seconds, best, record, .. } = outcome;
        let (groups, watched_groups) = (record.groups.len(), record.watched_groups.len());
        let losses_compare = record.method.losses_compare();
        Self { run, ending, step, epochs, seconds, best, groups, watched_groups, losses_compare }
    }

    fn words(&self) -> String {
        let best = self.best.map_or_else(String::new, |best| {
            let seen = if self.watched_groups > 0 { "watched groups" } else { "training clips" };
            match self.losses_compare {
                true => format!("; best epoch {} (loss {:.3} on the {seen})", best.epoch + 1, best.loss),
                false => format!("; epoch {} is kept, the last (loss {:.3} on the {seen})", best.epoch + 1, best.loss),
            }
        });
        let run = self.run.display();
        match self.ending {
            Ending::Finished => {
                let Self { epochs, step, seconds, .. } = self;
                format!("{run}: {epochs} {}, {step} steps, {seconds:.0} s{best}", epochs_word(*epochs))
            }
            Ending::Interrupted => format!("{run}: stopped after step {}; go on with --resume", self.step),
        }
    }
}

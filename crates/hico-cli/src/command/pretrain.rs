mod before;
mod line;

use self::before::{Before, data, refused};
use self::line::LiveLine;
use super::recipe;
use crate::args::PretrainArgs;
use crate::hints;
use crate::output::{HintExt as _, Output};
use hico_model::device::DeviceChoice;
use hico_model::weights::WeightsOf;
use hico_train::Error;
use hico_train::checkpoint::Best;
use hico_train::init_weights::InitWeights;
use hico_train::recipe::{MethodName, Precision, Recipe, Supervision, TrainRecipe};
use hico_train::{PretrainOptions, PretrainOutcome, pretrain};
use serde::Serialize;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

/// `hico pretrain DATASET --out RUN`.
pub(crate) fn run(args: &PretrainArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let first = args.init.as_deref().map(|file| init_weights(file, &args.weights_of, output)).transpose()?;
    let before = if args.resume { Before::read(&args.out)? } else { None };
    let recipe = recipe(args, before.as_ref(), first.as_ref(), output)?;
    let data = data(args, before.as_ref())?;
    let options = PretrainOptions {
        folder: Some(args.out.clone()),
        resume: args.resume,
        by_its_records: true,
        lower_batch: args.batch.is_none() || before.is_some(),
        device: match (args.device, &before) {
            (Some(device), _) => device,
            (None, Some(before)) => before.record.device.parse().unwrap_or_default(),
            (None, None) => DeviceChoice::Auto,
        },
        holdout_fold: args.holdout_fold.or(before.as_ref().and_then(|before| before.record.holdout_fold)),
        checkpoint_every: args.checkpoints.checkpoint_every,
        init_weights: first,
        command: std::env::args().collect(),
        ..PretrainOptions::default()
    };
    let line = LiveLine::new(*output, args.checkpoints.checkpoint_every);
    let tell = |event| line.tell(event);
    let outcome = output.work("", |job| pretrain(&Arc::new(data), &recipe, &options, job.telling(&tell)))?;
    line.end();
    let outcome = outcome.or_else(|error| refused(error, args))?;
    output.result(&Summary::of(outcome, args.out.clone()), Summary::words)?;
    Ok(ExitCode::SUCCESS)
}

/// How to have ImageNet's weights, which this program does not fetch.
const IMAGENET: &str = "torchvision saves ImageNet's: python3 -c \"import torch, torchvision; \
    torch.save(torchvision.models.resnet18(weights='IMAGENET1K_V1').state_dict(), 'resnet18.pth')\"";

/// The weights that a pretraining begins with.
pub(crate) fn init_weights(file: &Path, of: &WeightsOf, output: &Output) -> anyhow::Result<InitWeights> {
    let read = InitWeights::read(file, of);
    let known = read.as_ref().err().and_then(hints::weights);
    let first = read.map_err(|error| error.of_file(file)).hint(|| match file.is_dir() {
        true => {
            "name the folder of a run or of a fine-tuned network, or a file of weights (.safetensors, .pth)".to_owned()
        }
        false if file.is_file() => known
            .unwrap_or("name weights of a ResNet-18, 34 or 50 or a ConvNeXt-T for pictures of three channels")
            .to_owned(),
        false => IMAGENET.to_owned(),
    })?;
    output.note(&first.report().words());
    Ok(first)
}

/// The recipe of the run to go on with, of the file, or the paper's, with the flags' values in it. Where neither a file nor
/// the run says how views are normalised, they are as the first weights need it.
fn recipe(
    args: &PretrainArgs,
    before: Option<&Before>,
    first: Option<&InitWeights>,
    output: &Output,
) -> anyhow::Result<Recipe> {
    let named = args.recipe.is_some() || args.method.is_some();
    let (mut recipe, mut says) = match before {
        Some(before) if !named => (before.recipe.clone(), true),
        _ => {
            let read = recipe::read(args.recipe.as_deref(), args.method)?;
            (read.recipe, read.sets_normalisation)
        }
    };
    if let Some(before) = before {
        // A run goes on as it began, whatever the flags begin from.
        says = true;
        if args.recipe.is_none() {
            let view = before.recipe.view();
            recipe = recipe::hinted(recipe.with_normalisation([view.mean, view.std]))?;
        }
    }
    recipe = recipe::hinted(match (before, args.epochs) {
        // The run's warm-up may be over, and stays what it was.
        (Some(before), Some(epochs)) => recipe.with_epochs_after(before.recipe.train().warmup_epochs, epochs),
        (None, Some(epochs)) => recipe.with_epochs(epochs),
        (_, None) => Ok(recipe),
    })?;
    if let Some([mean, std]) = first.and_then(InitWeights::normalisation) {
        recipe = recipe::hinted(normalised(recipe, [mean, std], says, output))?;
    }
    let method = recipe.method().name();
    let asked = args.supervision.map(Supervision::from).filter(|asked| *asked != Supervision::SelfOnly);
    let unread = asked.filter(|_| !method.reads_labels());
    let refused = unread.map(|_| anyhow::anyhow!("--supervision: {method} learns without labels"));
    let readers = MethodName::all().into_iter().filter(|method| method.reads_labels());
    let readers: Vec<&str> = readers.map(MethodName::name).collect();
    // A recipe names its method: the two flags do not stand together.
    let flag = if args.recipe.is_some() { "--recipe" } else { "--method" };
    let hint = || format!("leave --supervision out, or choose {flag} {}", readers.join(" or "));
    refused.map_or(Ok(()), Err).hint(hint)?;
    recipe::hinted(with_flags(recipe, args))
}

/// Normalises views as the first weights learnt it, unless the recipe says another way, and tells which it is.
pub(crate) fn normalised(
    recipe: Recipe,
    [mean, std]: [f64; 2],
    recipe_says: bool,
    output: &Output,
) -> Result<Recipe, Error> {
    let there = [recipe.view().mean, recipe.view().std];
    if there == [mean, std] {
        return Ok(recipe);
    }
    if recipe_says {
        output.note(&format!(
            "views are normalised by mean {} and standard deviation {}, as the recipe says; these weights learnt \
             with view.mean = {mean} and view.std = {std}",
            there[0], there[1]
        ));
        Ok(recipe)
    } else {
        output.note(&format!(
            "views are normalised by mean {mean} and standard deviation {std}, as these weights learnt; \
             view.mean and view.std in a recipe set others"
        ));
        recipe.with_normalisation([mean, std])
    }
}

fn with_flags(mut recipe: Recipe, args: &PretrainArgs) -> Result<Recipe, Error> {
    if let Some(supervision) = args.supervision {
        recipe = recipe.with_supervision(supervision.into())?;
    }
    if let Some(side) = args.image_size {
        recipe = recipe.with_image_size(side)?;
    }
    if let Some(batch) = args.batch {
        recipe = recipe.with_batch(batch)?;
    }
    if let Some(rate) = args.learning_rate {
        recipe = recipe.with_learning_rate(rate)?;
    }
    if let Some(clips) = args.micro_batch {
        recipe = recipe.with_micro_batch(clips)?;
    }
    if let Some(share) = args.label_fraction {
        recipe = recipe.with_label_fraction(share)?;
    }
    if let Some(share) = args.clip_fraction {
        recipe = recipe.with_clip_fraction(share)?;
    }
    let train = *recipe.train();
    Ok(recipe.with_train(TrainRecipe {
        gradient_checkpointing: train.gradient_checkpointing | args.gradient_checkpointing,
        precision: args.precision.map_or(train.precision, Precision::from),
        seed: args.seed.unwrap_or(train.seed),
        ..train
    }))
}

const fn epochs_word(epochs: usize) -> &'static str {
    if epochs == 1 { "epoch" } else { "epochs" }
}

/// What a run prints at its end.
#[derive(Debug, Serialize)]
struct Summary {
    run: PathBuf,
    step: u64,
    epochs: usize,
    seconds: f64,
    best: Option<Best>,
    groups: usize,
    val_groups: usize,
    #[serde(skip)]
    losses_compare: bool,
}

impl Summary {
    fn of(outcome: PretrainOutcome, run: PathBuf) -> Self {
        let PretrainOutcome { step, epochs, seconds, best, losses_compare, record, .. } = outcome;
        let (groups, val_groups) = (record.groups.len(), record.val_groups.len());
        Self { run, step, epochs, seconds, best, groups, val_groups, losses_compare }
    }

    fn words(&self) -> String {
        let best = self.best.map_or_else(String::new, |best| {
            let seen = if self.val_groups > 0 { "validation groups" } else { "training clips" };
            match self.losses_compare {
                true => format!("; best epoch {} (loss {:.3} on the {seen})", best.epoch + 1, best.loss),
                false => format!("; epoch {} is kept, the last (loss {:.3} on the {seen})", best.epoch + 1, best.loss),
            }
        });
        let run = self.run.display();
        let Self { epochs, step, seconds, .. } = self;
        let steps = if *step == 1 { "step" } else { "steps" };
        format!("{run}: {epochs} {}, {step} {steps}, {seconds:.0} s{best}", epochs_word(*epochs))
    }
}

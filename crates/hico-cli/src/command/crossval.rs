use super::pretrain::{init_weights, normalised};
use super::{evaluation, recipe};
use crate::args::{BaselinesArg, CrossvalArgs, SelectionArg};
use crate::output::Output;
use anyhow::Context as _;
use hico_eval::compare::crossval::{EncoderSource, Request};
use hico_model::classifier::Trainable;
use hico_train::Error;
use hico_train::init_weights::InitWeights;
use hico_train::recipe::Recipe;
use std::process::ExitCode;
use std::sync::Arc;

/// `hico crossval DATASET`: every fold, seed and candidate.
pub(crate) fn run(args: &CrossvalArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let dataset = evaluation::open(&args.dataset)?;
    let first = args.init.as_deref().map(|file| init_weights(file, &args.weights_of, output)).transpose()?;
    let encoder = match &args.pretrain {
        _ if args.pretrain_inside => EncoderSource::Inside(Box::new(recipe(args, first.as_ref(), output)?)),
        Some(encoder) => evaluation::encoder(encoder, &args.weights_of, output)?,
        None => EncoderSource::None,
    };
    let (model_selection, published) = args.tuning.model_selection.unwrap_or(SelectionArg::Last).parts();
    let cheap = args.cheap_floors || args.baselines == BaselinesArg::Cheap;
    let request = Request {
        folds: args.folds.clone(),
        seeds: args.seeds.clone(),
        trainable: args.tuning.trainable.into(),
        // The baseline is the best that this network reaches without pretraining.
        scratch: Trainable::All,
        labels: args.tuning.labels(),
        features: args.tuning.features,
        model_selection,
        published,
        probe_strength: args.probe_strength,
        metric: args.metric.into(),
        recipe: evaluation::finetune_recipe(&args.tuning, model_selection, &encoder)?,
        backbone: args.tuning.backbone,
        encoder,
        init_weights: first.map(Arc::new),
        probe: true,
        random: !cheap,
        folder: args.out.clone(),
        keep_networks: args.keep_models,
        device: args.tuning.device,
        lower_batch: args.pretrain_batch.is_none(),
        checkpoint_every: args.tuning.checkpoints.checkpoint_every,
        command: evaluation::command_line(),
    };
    evaluation::run(&dataset, &request, output)
}

/// The recipe of the pretraining inside each fold, with what the flags say.
fn recipe(args: &CrossvalArgs, first: Option<&InitWeights>, output: &Output) -> anyhow::Result<Recipe> {
    let read = recipe::read(args.recipe.as_deref(), args.method)?;
    let changed = || -> Result<Recipe, Error> {
        let mut recipe = read.recipe;
        if let Some(normalisation) = first.and_then(InitWeights::normalisation) {
            recipe = normalised(recipe, normalisation, read.sets_normalisation, output)?;
        }
        if let Some(side) = args.tuning.image_size {
            recipe = recipe.with_image_size(side)?;
        }
        if let Some(epochs) = args.pretrain_epochs {
            recipe = recipe.with_epochs(epochs)?;
        }
        if let Some(batch) = args.pretrain_batch {
            recipe = recipe.with_batch(batch)?;
        }
        Ok(recipe)
    };
    recipe::hinted(changed()).with_context(|| read.shown)
}

use super::{evaluation, recipe};
use crate::args::CrossvalArgs;
use crate::output::Output;
use anyhow::Context as _;
use hico::evaluate::classifier::Trainable;
use hico::evaluate::cross_validate::{Contender, Floors, Request};
use hico::recipe::{Recipe, RecipeError};
use std::num::NonZeroUsize;
use std::process::ExitCode;

/// `hico crossval DATASET`: every fold, seed and candidate.
pub(crate) fn run(args: &CrossvalArgs, threads: Option<NonZeroUsize>, output: &Output) -> anyhow::Result<ExitCode> {
    let dataset = evaluation::open(&args.dataset)?;
    let contender = match &args.pretrain {
        _ if args.pretrain_inside => Contender::Inside(Box::new(recipe(args)?)),
        Some(encoder) => evaluation::contender(encoder, &args.weights_of, output)?,
        None => Contender::None,
    };
    let request = Request {
        folds: args.folds.clone(),
        seeds: args.seeds.clone(),
        trainable: args.tuning.trainable.into(),
        // The floor is the best that this network reaches without pretraining.
        scratch: Trainable::All,
        looks: args.tuning.protocol.into(),
        recipe: evaluation::finetune_recipe(&args.tuning, &contender),
        depth: args.tuning.depth.into(),
        contender,
        probe: true,
        floors: if args.cheap_floors { Floors::Cheap } else { Floors::All },
        from_scratch: !args.cheap_floors,
        folder: Some(args.out.clone()),
        keep_classifiers: false,
        device: args.tuning.device,
        threads,
        lower_batch: args.pretrain_batch.is_none(),
        checkpoint_every: args.tuning.checkpoints.checkpoint_every,
        command: evaluation::command_line(),
    };
    evaluation::run(&dataset, &request, output)
}

/// The recipe of the pretraining inside each fold, with what the flags say.
fn recipe(args: &CrossvalArgs) -> anyhow::Result<Recipe> {
    let read = recipe::read(args.recipe.as_deref(), args.method)?;
    let changed = || -> Result<Recipe, RecipeError> {
        let mut recipe = read.recipe;
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

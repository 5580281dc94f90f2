use super::evaluation;
use crate::args::FinetuneArgs;
use crate::output::{HintExt as _, Output};
use hico::evaluate::cross_validate::{Contender, Floors, Request};
use std::num::NonZeroUsize;
use std::path::Path;
use std::process::ExitCode;

/// `hico finetune RUN|FILE|random`: one fold, one seed, and the network is kept.
pub(crate) fn run(args: &FinetuneArgs, threads: Option<NonZeroUsize>, output: &Output) -> anyhow::Result<ExitCode> {
    let other = fold_in(&args.out).filter(|fold| *fold != args.holdout_fold);
    let taken = other.map(|fold| anyhow::anyhow!("{}: holds the network of fold {fold}", args.out.display()));
    taken.map_or(Ok(()), Err).hint(|| "choose another --out".to_owned())?;
    let dataset = evaluation::open(&args.data)?;
    let contender = evaluation::contender(&args.encoder, &args.weights_of, output)?;
    let trainable = args.tuning.trainable.into();
    let request = Request {
        folds: Some(vec![args.holdout_fold]),
        seeds: vec![args.seed],
        trainable,
        scratch: trainable,
        looks: args.tuning.protocol.into(),
        recipe: evaluation::finetune_recipe(&args.tuning, &contender),
        depth: args.tuning.depth.into(),
        probe: false,
        floors: Floors::Cheap,
        from_scratch: matches!(contender, Contender::None),
        contender,
        folder: Some(args.out.clone()),
        keep_classifiers: true,
        device: args.tuning.device,
        threads,
        lower_batch: true,
        checkpoint_every: args.tuning.checkpoints.checkpoint_every,
        command: evaluation::command_line(),
    };
    evaluation::run(&dataset, &request, output)
}

/// The fold whose network a folder holds, by the name of its file.
fn fold_in(folder: &Path) -> Option<usize> {
    let names = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.file_name());
    names.filter_map(|name| name.to_str()?.rsplit_once("-fold")?.1.split_once("-seed")?.0.parse().ok()).next()
}

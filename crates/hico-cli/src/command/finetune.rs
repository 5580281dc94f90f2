use super::evaluation;
use crate::args::{FinetuneArgs, SelectionArg};
use crate::output::{HintExt as _, Output};
use hico_eval::compare::crossval::{EncoderSource, Request};
use std::path::Path;
use std::process::ExitCode;

/// `hico finetune RUN|FILE|random`: one fold, one seed, and the network is kept.
pub(crate) fn run(args: &FinetuneArgs, output: &Output) -> anyhow::Result<ExitCode> {
    let other = network_in(&args.out).filter(|of| *of != args.holdout_fold);
    let taken = other.map(|of| {
        let of = of.map_or_else(|| "every patient".to_owned(), |fold| format!("fold {fold}"));
        anyhow::anyhow!("{}: holds the network of {of}", args.out.display())
    });
    taken.map_or(Ok(()), Err).hint(|| "choose another --out".to_owned())?;
    let dataset = evaluation::open(&args.data)?;
    let encoder = evaluation::encoder(&args.encoder, &args.weights_of, output)?;
    let trainable = args.tuning.trainable.into();
    let selection = args.tuning.selection_of_network();
    let (model_selection, published) = selection.parts();
    if args.all && selection == SelectionArg::TestFold {
        let fact = anyhow::anyhow!("--model-selection test-fold: with --all there is no test fold");
        return Err(fact).hint(|| "leave one of the two out".to_owned());
    }
    let request = Request {
        folds: args.holdout_fold.map(|fold| vec![fold]),
        seeds: vec![args.seed],
        trainable,
        scratch: trainable,
        labels: args.tuning.labels(),
        features: args.tuning.features,
        model_selection,
        published,
        recipe: evaluation::finetune_recipe(&args.tuning, model_selection, &encoder)?,
        backbone: args.tuning.backbone,
        probe: false,
        random: matches!(encoder, EncoderSource::None),
        encoder,
        keep_networks: true,
        device: args.tuning.device,
        lower_batch: true,
        checkpoint_every: args.tuning.checkpoints.checkpoint_every,
        command: evaluation::command_line(),
        ..Request::new(args.out.clone())
    };
    if args.all {
        evaluation::train_on_all(&dataset, &request, output)
    } else {
        evaluation::run(&dataset, &request, output)
    }
}

/// The fold whose network a folder holds, by the name of its file, or `Some(None)` for that of every patient.
fn network_in(folder: &Path) -> Option<Option<usize>> {
    let names = std::fs::read_dir(folder).ok()?.filter_map(Result::ok).map(|entry| entry.file_name());
    let of = |name: std::ffi::OsString| {
        let (of, _) = name.to_str()?.strip_suffix(".safetensors")?.rsplit_once("-seed")?;
        match of.rsplit_once('-')?.1 {
            "all" => Some(None),
            fold => Some(Some(fold.strip_prefix("fold")?.parse().ok()?)),
        }
    };
    names.filter_map(of).next()
}

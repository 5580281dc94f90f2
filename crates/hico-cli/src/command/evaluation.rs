//! What commands on evaluations share: opening the inputs, showing progress and result.

use crate::args::TuningArgs;
use crate::args::checkpoints::in_words;
use crate::hints;
use crate::output::{HintExt as _, Output};
use anyhow::Context as _;
use hico_data::view::ViewRecipe;
use hico_data::{Dataset, Event, atomic};
use hico_eval::compare::crossval::{self, EncoderSource, Request, cross_validate};
use hico_eval::compare::labels::Labels;
use hico_eval::compare::settings::ModelSelection;
use hico_eval::compare::summary::{SUMMARY_FILE, Summary};
use hico_eval::report::{self, study};
use hico_model::classifier_file::networks_in;
use hico_model::weights::WeightsOf;
use hico_train::finetune::FinetuneRecipe;
use hico_train::pretrained;
use std::path::Path;
use std::process::ExitCode;
use std::sync::{Arc, Once};

/// The name that stands for random weights where a run or a file could stand.
const RANDOM: &str = "random";

/// Opens a data set, with what to do where there is none or a broken one.
pub(crate) fn open(folder: &Path) -> anyhow::Result<Arc<Dataset>> {
    Ok(Arc::new(hints::hinted(Dataset::open(folder), hints::open)?))
}

/// The summary of the study in a folder.
pub(crate) fn read(folder: &Path) -> anyhow::Result<Summary> {
    hints::hinted(report::read_summary(folder), hints::summary)
}

/// The summary that lies beside a fine-tuned network, if there is one.
pub(crate) fn beside(network: &Path) -> anyhow::Result<Vec<Summary>> {
    let folder = network.parent().unwrap_or(Path::new(""));
    let there = folder.join(SUMMARY_FILE).is_file();
    there.then(|| read(folder)).into_iter().collect()
}

/// Shows what a study found, and keeps it as a page and as Markdown.
pub(crate) fn show_summary(summary: &Summary, folder: &Path, output: &Output) -> anyhow::Result<()> {
    for (name, text) in [("summary.md", study::markdown(summary)), ("report.html", report::page_of(summary))] {
        let path = folder.join(name);
        atomic::write(&path, text.as_bytes()).with_context(|| path.display().to_string())?;
    }
    output.result(summary, study::terminal)?;
    output.note(&format!("page: {}", folder.join("report.html").display()));
    Ok(())
}

/// The encoder that a person named.
pub(crate) fn encoder(encoder: &Path, of: &WeightsOf, output: &Output) -> anyhow::Result<EncoderSource> {
    if encoder == Path::new(RANDOM) {
        return Ok(EncoderSource::None);
    }
    let pretrained = hints::hinted(pretrained::read_of(encoder, of), hints::encoder)?;
    output.note(&pretrained.report().words());
    Ok(EncoderSource::Given(Arc::new(pretrained)))
}

/// How to fine-tune: on the views of the pretraining, unless a side was named.
pub(crate) fn finetune_recipe(
    tuning: &TuningArgs,
    selection: ModelSelection,
    encoder: &EncoderSource,
) -> anyhow::Result<FinetuneRecipe> {
    if tuning.early_stopping.is_some() && selection == ModelSelection::Last {
        let fact = anyhow::anyhow!("--early-stopping: no validation patients are held out");
        return Err(fact).hint(|| "say --model-selection inner-validation".to_owned());
    }
    if tuning.labels() == Labels::Groups(1) && selection == ModelSelection::InnerValidation {
        let fact = anyhow::anyhow!("--labels-per-class 1: no patient can be spared to select an epoch on");
        return Err(fact).hint(|| "say --model-selection last, or know the labels of two patients or more".to_owned());
    }
    let mut view = match encoder {
        EncoderSource::None => ViewRecipe::default(),
        EncoderSource::Given(pretrained) => pretrained.view.clone().unwrap_or_default(),
        EncoderSource::Inside(recipe) => recipe.view().clone(),
    };
    if let Some(side) = tuning.image_size {
        view.side = side;
    }
    Ok(FinetuneRecipe {
        epochs: tuning.epochs,
        batch: tuning.batch,
        learning_rate: tuning.learning_rate,
        weight_decay: tuning.weight_decay,
        frames_per_clip: tuning.frames_per_clip,
        inner_fraction: tuning.val_fraction,
        view,
        class_balance: tuning.class_balance.into(),
        head_init: tuning.head_init.into(),
        early_stopping: tuning.early_stopping,
        augmentation: !tuning.no_augmentation,
    })
}

/// Runs a request and shows what came of it.
pub(crate) fn run(dataset: &Arc<Dataset>, request: &Request, output: &Output) -> anyhow::Result<ExitCode> {
    let every = in_words(request.checkpoint_every);
    let summary = output.work("", |job| {
        // Said before the plan of the first fold, when nothing was refused.
        let kept = Once::new();
        let tell = |event: Event| {
            if matches!(event, Event::Note(_)) {
                let words =
                    || format!("{every}, and after every fold, seed and candidate; the same command goes on from it");
                kept.call_once(|| job.note(words()));
            }
            (job.tell)(event);
        };
        cross_validate(dataset, request, job.telling(&tell))
    })?;
    let summary = hints::hinted(summary, hints::evaluation)?;
    show_summary(&summary, &request.folder, output)?;
    missing_networks(&summary, request, output)?;
    Ok(ExitCode::SUCCESS)
}

/// Warns where networks are to be kept and cells had been finished without them.
fn missing_networks(summary: &Summary, request: &Request, output: &Output) -> anyhow::Result<()> {
    let folder = &request.folder;
    let kept = networks_in(folder).with_context(|| folder.display().to_string())?.len();
    let all = summary.data.iter().map(|data| data.folds.len()).sum::<usize>() * summary.seeds.len();
    if request.keep_networks && kept < all {
        output.warning(&format!(
            "{kept} of {all} networks are kept: folds that were finished without --keep-models are not repeated; choose another \
             --out to keep all"
        ));
    }
    Ok(())
}

/// Trains on every patient and shows where the network is.
pub(crate) fn train_on_all(dataset: &Arc<Dataset>, request: &Request, output: &Output) -> anyhow::Result<ExitCode> {
    let trained = output.work("", |job| crossval::train_on_all(dataset, request, job))?;
    let trained = hints::hinted(trained, hints::evaluation)?;
    let words =
        |trained: &crossval::TrainedOnAll| format!("{}: {}\n", trained.network.display(), trained.facts.words());
    output.result(&trained, words)?;
    output.note("no patient was left to test it; `hico crossval` with the same settings shows what to expect of it");
    Ok(ExitCode::SUCCESS)
}

/// The command as typed, each path cut to its last part: a record must not tell where somebody keeps their patients.
pub(crate) fn command_line() -> String {
    let last_part = |arg: String| match arg.rsplit_once(['/', '\\']) {
        Some((_, last)) if !last.is_empty() => last.to_owned(),
        _ => arg,
    };
    std::env::args().map(last_part).collect::<Vec<_>>().join(" ")
}

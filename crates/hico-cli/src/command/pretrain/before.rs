//! What a run that goes on was begun with: its own records answer what the command leaves out.

use crate::args::PretrainArgs;
use crate::hints;
use crate::output::HintExt as _;
use hico_data::Dataset;
use hico_train::Error;
use hico_train::recipe::Recipe;
use hico_train::recipe_of;
use hico_train::run_record::{RUN_FILE, RunRecord};
use std::path::{Path, PathBuf};

/// The records of a run.
pub(super) struct Before {
    pub(super) record: RunRecord,
    pub(super) recipe: Recipe,
}

impl Before {
    /// Reads them; `None` where the folder holds no run.
    pub(super) fn read(run: &Path) -> anyhow::Result<Option<Self>> {
        if !run.join(RUN_FILE).is_file() {
            return Ok(None);
        }
        let read = || -> Result<Self, Error> { Ok(Self { record: RunRecord::read(run)?, recipe: recipe_of(run)? }) };
        let before = read().or_else(|error| {
            let hint = hints::pretrain(&error);
            let hint = hint.unwrap_or_else(|| "restore that file from a copy, or choose another --out".to_owned());
            Err(error).hint(|| hint)
        });
        before.map(Some)
    }
}

/// Opens the data set that is named, or that of the run. Whether it is the run's is checked by its hash, so it may have
/// been moved.
pub(super) fn data(args: &PretrainArgs, before: Option<&Before>) -> anyhow::Result<Dataset> {
    let folder: PathBuf = match (&args.dataset, before) {
        (Some(folder), _) => folder.clone(),
        (None, Some(before)) => before.record.data.folder.clone(),
        (None, None) => {
            let error = Err(anyhow::anyhow!("{}: holds no run to go on with", args.out.display()));
            return error.hint(|| "name a data set to begin one: `hico pretrain DATASET --out RUN`".to_owned());
        }
    };
    let own = args.dataset.is_none();
    let opened = Dataset::open(&folder);
    if own {
        return opened.hint(|| {
            format!(
                "if the run's data set was moved, name it: `hico pretrain DATASET --resume --out {}`",
                args.out.display()
            )
        });
    }
    hints::hinted(opened, hints::open)
}

/// An error in the words of this command: what differs is called by the flag that asked for it.
pub(super) fn refused<T>(error: Error, args: &PretrainArgs) -> anyhow::Result<T> {
    let run = args.out.display();
    match &error {
        Error::OtherRecipe { key, .. } => {
            let flag = match flag(key).filter(|_| args.recipe.is_none() && args.method.is_none()) {
                Some(flag) => flag,
                None if args.method.is_some() => "--method",
                None => "--recipe",
            };
            let hint = format!(
                "leave {flag} out, and the run goes on with its own settings: `hico pretrain --resume --out {run}`; for others \
                 choose another --out"
            );
            Err(anyhow::Error::new(error).context(flag)).hint(|| hint)
        }
        Error::OtherData { what, .. } => {
            let (flag, asked) = match *what {
                "held-out fold" => ("--holdout-fold", args.holdout_fold.is_some()),
                "first weights" => ("--init", args.init.is_some()),
                _ => ("DATASET", args.dataset.is_some()),
            };
            let hint = match (flag, asked) {
                ("DATASET", _) => format!(
                    "name the data set that the run was begun with, as it was then: `hico pretrain DATASET --resume --out {run}`; \
                     for another data set choose another --out"
                ),
                ("--init", false) => {
                    "name the file that the run was begun with by --init: it has no checkpoint yet".to_owned()
                }
                _ => format!("leave {flag} out, and the run goes on with its own; for another choose another --out"),
            };
            let error = anyhow::Error::new(error);
            if asked { Err(error.context(flag)).hint(|| hint) } else { Err(error).hint(|| hint) }
        }
        _ => hints::hinted(Err(error), hints::pretrain),
    }
}

/// The flag by which a key of the recipe is changed.
fn flag(key: &str) -> Option<&'static str> {
    Some(match key {
        "method.supervision" => "--supervision",
        "view.image_size" => "--image-size",
        "train.epochs" => "--epochs",
        "train.batch" => "--batch",
        "train.learning_rate" => "--learning-rate",
        "train.micro_batch" => "--micro-batch",
        "train.gradient_checkpointing" => "--gradient-checkpointing",
        "train.precision" => "--precision",
        "train.seed" => "--seed",
        "train.label_fraction" => "--label-fraction",
        "train.clip_fraction" => "--clip-fraction",
        _ => return None,
    })
}

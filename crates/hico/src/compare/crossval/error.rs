//! Why there is no evaluation, and what a person can do about it.

use crate::compare::cell_error::CellError;
use crate::compare::ledger::LedgerError;
use crate::{Error, hints};
use std::path::PathBuf;

/// Why there is no evaluation.
#[derive(Debug, thiserror::Error)]
pub enum EvaluateError {
    /// The folds do not do, or weights or a device cannot be had.
    #[error(transparent)]
    Base(#[from] Error),
    /// An encoder cannot be pretrained in a fold.
    #[error("fold {fold}: {source}")]
    Train {
        /// The fold.
        fold: usize,
        /// Why.
        source: Box<Error>,
    },
    /// The last block and the top of the pyramid would be trained, and there is no pyramid.
    #[error("{0}: has no feature pyramid, whose top layer would be trained")]
    NoPyramid(String),
    /// The folder holds something else.
    #[error("{}: holds something that is not an evaluation begun by this command", .0.display())]
    Occupied(PathBuf),
    /// The folder was begun with other settings, or cannot be used.
    #[error(transparent)]
    Ledger(Box<LedgerError>),
    /// A cell has no answers.
    #[error(transparent)]
    Cell(Box<CellError>),
    /// A file cannot be written.
    #[error("{}: {source}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// Nothing was asked for.
    #[error("no {0} to evaluate with")]
    Nothing(&'static str),
    /// A seed or a fold stands twice in the request.
    #[error("{what} {number} is asked for twice")]
    Twice {
        /// `seed` or `fold`.
        what: &'static str,
        /// Which.
        number: u64,
    },
    /// It was asked to stop; what is done is kept.
    #[error("interrupted")]
    Interrupted,
}

impl From<CellError> for EvaluateError {
    fn from(error: CellError) -> Self {
        match error {
            CellError::Interrupted => Self::Interrupted,
            CellError::Base(error) => Self::Base(error),
            error => Self::Cell(Box::new(error)),
        }
    }
}

impl From<LedgerError> for EvaluateError {
    fn from(error: LedgerError) -> Self {
        Self::Ledger(Box::new(error))
    }
}

impl EvaluateError {
    /// What a person can do about it, where there is something.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        let hint = match self {
            Self::Base(error) => return base_hint(error),
            Self::Train { source, .. } => return train_hint(source),
            Self::NoPyramid(_) => "train the whole backbone, --trainable all, or only the head, --trainable head",
            Self::Occupied(_) => "choose an empty or a new folder for --out",
            Self::Ledger(error) => match &**error {
                LedgerError::Other { key, there, .. } => return Some(ledger_hint(key, there)),
                LedgerError::File { .. } => MAKE_ROOM,
                error => error.hint(),
            },
            Self::Cell(error) => return cell_hint(error),
            Self::File { .. } => MAKE_ROOM,
            Self::Nothing(_) | Self::Twice { .. } | Self::Interrupted => return None,
        };
        Some(hint.to_owned())
    }
}

/// The remedy for a disk that cannot be written.
const MAKE_ROOM: &str =
    "make room on that disk and repeat the command, which goes on where it stopped; or choose another --out";

fn base_hint(error: &Error) -> Option<String> {
    let plain = plan_hint(error).or_else(|| hints::device(error));
    plain.map(str::to_owned).or_else(|| pretrained_hint(error))
}

const fn plan_hint(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::Data(hico_data::Error::NoFolds) => "`hico split DATASET --folds 5` makes them",
        Error::Data(_) => "`hico split DATASET --folds K --force` makes other folds, by group",
        Error::TooFewClasses(_) => "label clips of a second class, and ingest them again",
        Error::UnknownFold { .. } => "`hico inspect DATASET` shows the folds",
        Error::NoInnerGroupOfAll => "add patients, or take the last epoch: --model-selection last",
        Error::NothingToLearn { .. } | Error::NoInnerGroup { .. } => {
            "more folds leave more patients to train on, `hico split DATASET --folds K --force`; where a class has no \
             patient for each fold, add patients"
        }
        _ => return None,
    })
}

fn cell_hint(error: &CellError) -> Option<String> {
    let hint = match error {
        CellError::Train { source, .. } => return train_hint(source),
        CellError::Plan { source, .. } => plan_hint(source)?,
        CellError::Judge { source, .. } => match **source {
            Error::Diverged { .. } => "try a tenth of that --learning-rate, in another --out",
            Error::KeepTuning { .. } => "choose an --out on a disk that can be written and has room",
            Error::FrameNotFinite { .. } => {
                "the weights are too large to compute with: name an earlier checkpoint, or other weights"
            }
            _ => return None,
        },
        CellError::File { .. } => MAKE_ROOM,
        CellError::Broken { .. } => {
            "delete that file, and that cell's file in `cells`: the same command then makes them again"
        }
        CellError::Busy(_) => {
            "wait for the other process, and then repeat the command, which goes on from what it has done"
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

fn pretrained_hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::NoSuchEncoder(_) => "name a folder written by `hico pretrain`, a .safetensors or .pth file, or `random`",
        Error::NotARun { .. } => {
            "name a folder written by `hico pretrain` or `hico finetune`, or a file of weights (.safetensors, .pth)"
        }
        Error::ManyNetworks(files) => {
            return files.first().map(|file| format!("name one of these files: {}", file.display()));
        }
        Error::RunVersion { .. } => {
            "use that version of hico, or name the run's best.safetensors: then nobody knows which groups it saw"
        }
        Error::InFile { source, .. } => match &**source {
            Error::RecipeText { .. } | Error::RecipeKey(_) => return None,
            source => {
                hints::weights(source).unwrap_or("name weights of a ResNet-18, 34 or 50 for pictures of three channels")
            }
        },
        Error::WeightsFile { .. } | Error::BrokenWeights { .. } => "restore that file from a copy, or name another",
        Error::NoCheckpoint { .. } => "go on with the run: `hico pretrain ... --resume`",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What to do about a pretraining inside a fold, by the flags of the command that asks for one.
fn train_hint(error: &Error) -> Option<String> {
    let hint = match error {
        Error::TooFewToSupervise { .. } => {
            "set method.supervision = \"self\" in the recipe, which needs no labels; or label a second class"
        }
        Error::NoClips | Error::NoClipInFold { .. } => {
            "fewer folds leave more clips to train on: `hico split DATASET --folds K`"
        }
        Error::WriteCheckpoint { .. } => {
            "the checkpoint before it, if any, is still whole; make room and give the same command again"
        }
        Error::LossNotFinite { .. } => {
            "choose another --out and a --recipe with a smaller train.learning_rate, or with train.clip_norm set"
        }
        error => return hints::pretraining(error, "--pretrain-batch"),
    };
    Some(hint.to_owned())
}

/// What to do about a folder that was begun with another setting: how to ask for that setting again.
fn ledger_hint(key: &str, there: &str) -> String {
    let flag = match key {
        "evaluation.finetune_epochs" => Some("--epochs"),
        "evaluation.finetune_batch" => Some("--batch"),
        "evaluation.finetune_learning_rate" => Some("--learning-rate"),
        "evaluation.finetune_weight_decay" => Some("--weight-decay"),
        "evaluation.frames_per_clip" => Some("--frames-per-clip"),
        "evaluation.inner_fraction" => Some("--val-fraction"),
        "evaluation.model_selection" => Some("--model-selection"),
        "evaluation.probe_strength" => Some("--probe-strength"),
        "evaluation.class_balance" => Some("--class-balance"),
        "evaluation.early_stopping" => Some("--early-stopping"),
        "evaluation.trainable" => Some("--trainable"),
        "evaluation.test_fold_selection" => Some("--model-selection"),
        "view.image_size" | "recipe.view.image_size" => Some("--image-size"),
        "depth" => Some("--depth"),
        "recipe.train.epochs" => Some("--pretrain-epochs"),
        "recipe.train.batch" => Some("--pretrain-batch"),
        _ => None,
    };
    let there = match (key, there.trim_matches('"')) {
        ("evaluation.test_fold_selection", "true") => "test-fold",
        ("evaluation.test_fold_selection", _) => "last or inner-validation",
        (_, there) => there,
    };
    match (flag, key.strip_prefix("recipe.")) {
        (Some(flag), _) => format!("choose another --out, or say {flag} {there}, as the folder was begun"),
        (None, Some(key)) => {
            format!("choose another --out, or a --recipe with {key} = {there}, as the folder was begun")
        }
        (None, None) => "choose another --out, or repeat the settings that the folder was begun with".to_owned(),
    }
}

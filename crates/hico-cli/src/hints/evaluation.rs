//! Remedies for errors of `hico crossval` and `hico finetune`.

use super::data::is_about_folds;
use super::train::{device, pretraining};
use super::weights::encoder;
use crate::args::settings::{PRETRAIN_BATCH, flag_of};
use hico_eval::Error;
use hico_train::Error as TrainError;

/// The remedy for a disk that cannot be written.
const MAKE_ROOM: &str =
    "make room on that disk and repeat the command, which goes on where it stopped; or choose another --out";

/// The remedy in `hico crossval` and `hico finetune`.
pub(crate) fn evaluation(error: &Error) -> Option<String> {
    let hint = match error {
        Error::InFold { source, .. } => return of_training(source).and_then(pretraining_inside),
        Error::InCell { source, .. } if matches!(**source, Error::Io { .. }) => MAKE_ROOM,
        Error::InCell { source, .. } => return of_training(source).and_then(in_cell),
        Error::NoTopToTrain(_) => "train the whole backbone, --trainable all, or only the head, --trainable head",
        Error::NoPyramidToRead(_) => "read the backbone: --features stages",
        Error::Twice { .. } => "name every seed and every fold once, for instance --seeds 1,2",
        Error::NotAnEvaluation(_) => "choose an empty or a new folder for --out",
        Error::LedgerDiffers { key, there, .. } => return Some(begun_otherwise(key, there)),
        Error::BrokenLedger { .. } => "restore that file from a copy, or choose another --out",
        Error::LedgerTaken { .. } => "choose another --out",
        Error::Io { .. } | Error::Train(TrainError::Io { .. }) => MAKE_ROOM,
        Error::BrokenCell { .. } => {
            "delete that file, and that cell's file in `cells`: the same command then makes them again"
        }
        Error::CellBusy(_) => {
            "wait for the other process, and then repeat the command, which goes on from what it has finished"
        }
        Error::Train(error) => match plan(error).or_else(|| device(error)) {
            Some(hint) => hint,
            None => return encoder(error),
        },
        _ => return None,
    };
    Some(hint.to_owned())
}

/// What went wrong in a pretraining or a fine-tuning within an evaluation.
fn of_training(error: &Error) -> Option<&TrainError> {
    if let Error::Train(error) = error { Some(error) } else { None }
}

/// The remedy where the folds do not do.
const fn plan(error: &TrainError) -> Option<&'static str> {
    Some(match error {
        TrainError::Data(hico_data::Error::NoFolds) => "`hico split DATASET --folds 5` makes them",
        TrainError::Data(error) if is_about_folds(error) => {
            "`hico split DATASET --folds K --force` makes other folds, by group"
        }
        TrainError::TooFewClasses(_) => "label clips of a second class, and ingest them again",
        TrainError::UnknownFold { .. } => "`hico inspect DATASET` shows the folds",
        TrainError::NoInnerGroupOfAll => "add patients, or take the last epoch: --model-selection last",
        TrainError::NothingToLearn { .. } | TrainError::NoInnerGroup { .. } => {
            "more folds leave more patients to train on, `hico split DATASET --folds K --force`; where a class has no \
             patient for each fold, add patients"
        }
        _ => return None,
    })
}

/// The remedy for an encoder that cannot be pretrained, fine-tuned or evaluated.
fn in_cell(error: &TrainError) -> Option<String> {
    let hint = match error {
        TrainError::Diverged { .. } => "try a tenth of that --learning-rate, in another --out",
        TrainError::KeepTuning { .. } => "choose an --out on a disk that can be written and has room",
        TrainError::Model(hico_model::Error::FrameNotFinite { .. }) => {
            "the weights are too large to compute with: name an earlier checkpoint, or other weights"
        }
        error => match plan(error) {
            Some(hint) => hint,
            None => return pretraining_inside(error),
        },
    };
    Some(hint.to_owned())
}

/// The remedy for a pretraining inside a fold, by the flags of the command that asks for one.
fn pretraining_inside(error: &TrainError) -> Option<String> {
    let hint = match error {
        TrainError::TooFewToSupervise { .. } => {
            "set method.supervision = \"self\" in the recipe, which needs no labels; or label a second class"
        }
        TrainError::NoClips | TrainError::NoClipInFold { .. } => {
            "fewer folds leave more clips to train on: `hico split DATASET --folds K`"
        }
        TrainError::WriteCheckpoint { .. } => {
            "the checkpoint before it, if any, is still whole; make room and give the same command again"
        }
        TrainError::LossNotFinite { .. } => {
            "choose another --out and a --recipe with a smaller train.learning_rate, or with train.clip_norm set"
        }
        error => return pretraining(error, PRETRAIN_BATCH),
    };
    Some(hint.to_owned())
}

/// The remedy for a folder that was begun with another setting: how to ask for that setting again.
fn begun_otherwise(key: &str, there: &str) -> String {
    let there = match (key, there.trim_matches('"')) {
        ("evaluation.test_fold_selection", "true") => "test-fold",
        ("evaluation.test_fold_selection", _) => "last or inner-validation",
        (_, there) => there,
    };
    match (flag_of(key), key.strip_prefix("recipe.")) {
        (Some(flag), _) => format!("choose another --out, or say {flag} {there}, as the folder was begun"),
        (None, Some(key)) => {
            format!("choose another --out, or a --recipe with {key} = {there}, as the folder was begun")
        }
        (None, None) => "choose another --out, or repeat the settings that the folder was begun with".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folds_that_do_not_do_are_made_or_shown() {
        let none = Error::from(hico_data::Error::NoFolds);
        assert!(evaluation(&none).unwrap().contains("hico split"));
        let unknown = || Error::from(TrainError::UnknownFold { fold: 9, folds: vec![0, 1] });
        assert!(evaluation(&unknown()).unwrap().contains("hico inspect"));
        let inside = Error::InCell { cell: "random".to_owned(), source: Box::new(unknown()) };
        assert!(evaluation(&inside).unwrap().contains("hico inspect"));
    }

    #[test]
    fn a_pretraining_inside_a_fold_has_flags_of_its_own() {
        let large = || Error::from(TrainError::BatchTooLarge { batch: 9, clips: 4 });
        let inside = Error::InFold { fold: 1, source: Box::new(large()) };
        assert_eq!(evaluation(&inside).unwrap(), "use --pretrain-batch 4 or less");
    }

    #[test]
    fn a_folder_that_was_begun_otherwise_is_gone_on_with_by_the_flag_of_its_key() {
        let hint = begun_otherwise("evaluation.test_fold_selection", "true");
        assert!(hint.contains("say --model-selection test-fold"), "{hint}");
        let hint = begun_otherwise("recipe.train.warmup_epochs", "3");
        assert!(hint.contains("a --recipe with train.warmup_epochs = 3"), "{hint}");
    }
}

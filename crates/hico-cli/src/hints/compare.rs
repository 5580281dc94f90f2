//! Remedies for errors of `hico compare`.

use super::train::{device, pretrain};
use hico_eval::{Error, StudyPart};
use hico_model::Error as ModelError;
use hico_train::Error as TrainError;
use hico_train::recipe::Shipped;
use std::io;

const NO_PYRAMID: &str = "features = \"stages\" in the study reads the backbone, which every encoder has";
const RELATIVE: &str = "paths in a study are relative to its folder; docs/COMPARE.md describes every key";
const ROOM: &str = "choose an --out on a disk that can be written and has room";

/// The remedy where a study is refused.
pub(crate) fn study(error: &Error) -> Option<String> {
    let path = match error {
        Error::Input { path, source } | Error::Train(TrainError::Input { path, source })
            if source.kind() == io::ErrorKind::NotFound =>
        {
            path
        }
        Error::Train(TrainError::Model(ModelError::WeightsFile { .. } | ModelError::NoSuchEncoder(_))) => {
            return Some(RELATIVE.to_owned());
        }
        _ => return Some("docs/COMPARE.md describes every key of a study".to_owned()),
    };
    Some(match Shipped::meant_by(path) {
        Some(shipped) => {
            format!("recipe = {:?} in the study takes the recipe of that name, which comes with hico", shipped.name)
        }
        None if path.extension().is_none() => {
            "`hico recipe list` names the recipes that come with hico, which a study takes by name".to_owned()
        }
        None => RELATIVE.to_owned(),
    })
}

/// The remedy where a data set of a study does not open.
pub(crate) const fn study_data(_: &Error) -> Option<&'static str> {
    Some("`hico ingest SRC --labels FILE.csv --out DATASET` makes a data set")
}

/// The remedy where a study has no cells: for its folds, or what it would read.
pub(crate) const fn study_folds(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::NoPyramidToRead(_) => NO_PYRAMID,
        _ => "`hico split DATASET --folds K --force` makes other folds, by group",
    })
}

/// The remedy where the folder of a study does not do.
pub(crate) fn ledger(error: &Error) -> Option<String> {
    Some(match error {
        Error::Io { .. } => ROOM.to_owned(),
        Error::BrokenLedger { .. } => "restore that file from a copy, or choose another --out".to_owned(),
        Error::LedgerTaken { .. } => "choose another --out".to_owned(),
        Error::LedgerDiffers { part, key, there, .. } => begun_otherwise(*part, key, there),
        _ => return None,
    })
}

/// The remedy where a cell has no answers.
pub(crate) fn cell(error: &Error) -> Option<String> {
    let hint = match error {
        Error::InCell { source, .. } => match &**source {
            Error::Train(TrainError::Diverged { .. }) => {
                "try a tenth of that evaluation.finetune_learning_rate, in another --out"
            }
            Error::Train(source) => return pretrain(source),
            Error::Io { .. } => ROOM,
            _ => return None,
        },
        Error::NoPyramidToRead(_) => NO_PYRAMID,
        Error::CellBusy(_) => "wait for it, or run another cell; `--list` shows which are left",
        Error::BrokenCell { .. } => "delete that cell's file in `cells`: the cell is then run again",
        Error::Io { .. } | Error::Train(TrainError::Io { .. }) => ROOM,
        Error::Train(error) => device(error)?,
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The remedy for a folder that was begun with another study: how to ask for that one again.
fn begun_otherwise(part: StudyPart, key: &str, there: &str) -> String {
    match part {
        StudyPart::Version => "go on with that version of hico, or choose another --out".to_owned(),
        StudyPart::Settings => match key.strip_prefix("view.") {
            Some(view) => format!("choose another --out, or say view.{view} = {there} below [recipe], as it was begun"),
            None => format!("choose another --out, or say {key} = {there} in the study, as it was begun"),
        },
        StudyPart::Data => "choose another --out, or give that data set another name".to_owned(),
        StudyPart::Method => match key.strip_prefix("recipe.").filter(|_| there != "nothing") {
            Some(key) => format!(
                "choose another --out, give that method another name, or say set.{key} = {there} below it (for all methods \
                 {key} = {there} below [recipe]), as it was begun"
            ),
            None => "choose another --out, or give that method another name".to_owned(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_recipe_that_comes_with_hico_is_taken_by_its_name() {
        let missing = |path: &str| Error::Input { path: path.into(), source: io::ErrorKind::NotFound.into() };
        assert!(study(&missing("recipes/hico.toml")).unwrap().contains("recipe = \"hico\""));
        assert!(study(&missing("nowhere.toml")).unwrap().starts_with("paths in a study are relative"));
        assert_eq!(study(&ModelError::NoSuchEncoder("absent.pth".into()).into()).unwrap(), RELATIVE);
    }

    #[test]
    fn a_folder_that_was_begun_otherwise_is_gone_on_with_by_the_key_and_its_value() {
        let hint = |part, key: &str, there: &str| {
            let (key, there) = (key.to_owned(), there.to_owned());
            ledger(&Error::LedgerDiffers { folder: PathBuf::from("s"), what: String::new(), part, key, there }).unwrap()
        };
        let batch = hint(StudyPart::Method, "recipe.train.batch", "4");
        assert!(batch.contains("train.batch = 4"), "{batch}");
        let last = hint(StudyPart::Method, "recipe.train.drop_last", "true");
        assert!(last.contains("set.train.drop_last = true below it"), "{last}");
        let view = hint(StudyPart::Settings, "view.image_size", "32");
        assert!(view.contains("view.image_size = 32 below [recipe]"), "{view}");
    }

    #[test]
    fn what_an_encoder_or_its_weights_lack_is_no_matter_of_the_folder() {
        let read = Error::Input { path: PathBuf::from("run/recipe.toml"), source: io::ErrorKind::NotFound.into() };
        assert_eq!(cell(&read), None);
        let written = Error::Io { path: PathBuf::from("s/cells"), source: io::ErrorKind::StorageFull.into() };
        assert_eq!(cell(&written).as_deref(), Some(ROOM));
    }
}

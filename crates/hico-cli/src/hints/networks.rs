//! Remedies for errors of networks in use: `hico predict`, `hico explain`, `hico embed`, `hico serve` and `hico export`.

use super::weights::of_weights;
use hico_eval::compare::options::PRETRAIN_FOLDER;
use hico_model::Error;
use hico_train::run_record::RunRecord;
use std::path::Path;

/// The remedy where clips are shown to a network.
pub(crate) fn predict(error: &Error) -> Option<String> {
    let hint = match error {
        Error::NoModel(folder) => return Some(network_of(folder)),
        Error::AnswerNotFinite { .. } => {
            "the network's weights are too large to compute with: use another, or fine-tune it again"
        }
        error if error.is_about_weights() => of_weights(error)
            .unwrap_or("`hico finetune RUN --data DATASET --holdout-fold 0 --out OUT` makes a network; then give OUT"),
        Error::ManyModels { folder, names } => {
            return names.first().map(|name| format!("give one of these files: {}", folder.join(name).display()));
        }
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The remedy where features are asked for that a network does not have.
pub(crate) const fn features(error: &Error) -> Option<&'static str> {
    match error {
        Error::NoPyramid(_) => Some("read the backbone: --features stages"),
        _ => None,
    }
}

/// The remedy in `hico export`.
pub(crate) const fn export(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::NoPyramid(_) => "choose --part encoder, or a source that was trained with a pyramid",
        Error::NoClassifier(_) => "`hico finetune` makes one; or choose --part encoder",
        Error::Exists(_) => "choose another --out, or move away that file and its card",
        Error::Write { .. } => "choose an --out in a folder that can be written and has room",
        _ => return None,
    })
}

/// The command that makes a network of what a folder without one holds.
fn network_of(folder: &Path) -> String {
    let make = |encoder: &Path, data: &str, fold: &str| {
        let encoder = encoder.display();
        format!(
            "`hico finetune {encoder} --data {data} --holdout-fold {fold} --out OUT` makes a network; then give OUT"
        )
    };
    // `hico crossval --pretrain-inside` leaves a run for each fold and seed, and each knows its data.
    let runs = folder.join(PRETRAIN_FOLDER);
    let folds = std::fs::read_dir(&runs).into_iter().flatten().flatten().filter_map(|entry| {
        let name = entry.file_name().to_string_lossy().into_owned();
        let (fold, seed) = name.strip_prefix("fold-")?.split_once("-seed-")?;
        Some((fold.parse::<usize>().ok()?, seed.parse::<u64>().ok()?, entry.path()))
    });
    if let Some((fold, _, run)) = folds.min()
        && let Ok(record) = RunRecord::read(&run)
    {
        return make(&run, &record.data.folder.display().to_string(), &fold.to_string());
    }
    match RunRecord::read(folder) {
        Ok(record) => {
            let fold = record.holdout_fold.map_or_else(|| "0".to_owned(), |fold| fold.to_string());
            make(folder, &record.data.folder.display().to_string(), &fold)
        }
        Err(_) => make(Path::new("RUN"), "DATASET", "0"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::PathBuf;

    #[test]
    fn a_folder_without_a_network_is_made_one_of() {
        let folder = tempfile::tempdir().unwrap();
        let hint = predict(&Error::NoModel(folder.path().to_owned())).unwrap();
        assert!(hint.starts_with("`hico finetune RUN --data DATASET --holdout-fold 0 --out OUT`"), "{hint}");
    }

    #[test]
    fn what_an_export_lacks_has_a_remedy() {
        let source = || PathBuf::from("run");
        for error in [Error::NoPyramid(source()), Error::NoClassifier(source()), Error::Exists(source())] {
            assert!(export(&error).is_some(), "{error}");
        }
    }
}

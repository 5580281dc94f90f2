//! Remedies for errors of pretraining and of devices.

use hico_model::Error as ModelError;
use hico_train::Error;
use hico_train::sampler::LEAST;

/// The flag by which `hico pretrain` takes the batch.
const BATCH: &str = "--batch";

/// The remedy where a device cannot be had.
pub(super) fn device(error: &Error) -> Option<&'static str> {
    let Error::Model(error) = error else { return None };
    Some(match error {
        ModelError::UnknownDevice(_) => "leave --device out to let the program choose",
        ModelError::DeviceNotBuilt { feature: "cuda", .. } => {
            "use --device cpu, or build with `cargo install --path crates/hico-cli --features cuda`"
        }
        ModelError::DeviceNotBuilt { .. } => {
            "use --device cpu, or build with `cargo install --path crates/hico-cli --features wgpu`"
        }
        ModelError::DeviceNotFound { .. } => {
            "use --device cpu, or check that the driver is installed and the number exists"
        }
        _ => return None,
    })
}

/// The remedy for a batch that does not fit.
///
/// - `flag`: the flag by which the command that was run takes it
/// - `clips`: clips there are
fn batch(flag: &str, clips: usize) -> String {
    match clips {
        0..LEAST => {
            "a batch takes two clips: ingest more, or hold fewer out (train.val_fraction = 0 in the recipe)".to_owned()
        }
        clips => format!("use {flag} {clips} or less"),
    }
}

/// The remedy in `hico pretrain`.
pub(crate) fn pretrain(error: &Error) -> Option<String> {
    pretraining(error, BATCH)
}

/// The remedy in a pretraining.
///
/// - `flag`: the flag by which the command that was run takes the batch
pub(super) fn pretraining(error: &Error, flag: &str) -> Option<String> {
    let hint = match error {
        Error::NoClips => "smaller folds leave clips to train on: `hico split DATASET --folds K --force`",
        Error::NoClipInFold { folds, .. } if folds.is_empty() => "`hico split DATASET --folds K` makes folds",
        Error::NoClipInFold { .. } => "name a fold that is there: `hico inspect DATASET` shows them",
        Error::TooFewToSupervise { .. } => "`--supervision self` needs no labels; or label clips of a second class",
        Error::BatchTooLarge { clips, .. } => return Some(batch(flag, *clips)),
        Error::Model(ModelError::NoTensor { .. } | ModelError::DeeperWeights { .. }) => {
            "set model.backbone in the recipe to that of the weights, or name other weights"
        }
        // Whatever was written before is whole; a run that has no checkpoint yet begins again under --resume.
        Error::Io { .. } | Error::Input { .. } | Error::Write { .. } | Error::WriteCheckpoint { .. } => {
            "make room on that disk and repeat the command with --resume; or choose another --out"
        }
        Error::CheckpointCut { .. } | Error::BrokenCheckpoint { .. } => {
            "restore that file from a copy, or start again in another --out"
        }
        Error::Model(ModelError::InFile { source, .. }) if is_not_finite(source) => {
            "restore that file from a copy, or start again in another --out"
        }
        Error::RunExists(_) => "go on with it by --resume, or choose another --out",
        Error::RunVersion { .. } | Error::CheckpointVersion { .. } => {
            "go on with that version of hico, or start again in another --out"
        }
        Error::OtherData { what: "data set", .. } => "name the data set that the run was begun with, as it was then",
        Error::OtherRecipe { .. } | Error::OtherData { .. } => {
            "`hico pretrain --resume --out RUN` goes on with the run's own settings; for others choose another --out"
        }
        Error::TooFewEpochs { done, .. } => return Some(format!("use --epochs {done} or more")),
        Error::RunBusy(_) => "wait for the other process, or choose another --out",
        Error::LossNotFinite { .. } => {
            "start again in another folder with a smaller train.learning_rate, or with train.clip_norm set, in the recipe"
        }
        error => device(error)?,
    };
    Some(hint.to_owned())
}

/// Whether a tensor holds what is no number, or a variance below 0.
const fn is_not_finite(error: &ModelError) -> bool {
    matches!(error, ModelError::TensorNotFinite { .. } | ModelError::NegativeVariance { .. })
}

#[cfg(test)]
mod tests {
    use super::*;
    use hico_data::Seed;
    use hico_train::sampler::{LastBatch, Sampler};
    use std::path::PathBuf;

    fn run() -> PathBuf {
        PathBuf::from("run")
    }

    #[test]
    fn who_cannot_go_on_with_a_run_is_told_what_helps() {
        let other = || ("1".to_owned(), "77".to_owned());
        let (was, asked) = other();
        let recipe = Error::OtherRecipe { folder: run(), key: "train.seed".to_owned(), run: was, asked };
        let (was, asked) = other();
        let data = Error::OtherData { folder: run(), what: "data set", run: was, asked };
        let (was, asked) = other();
        let fold = Error::OtherData { folder: run(), what: "held-out fold", run: was, asked };
        let version = Error::RunVersion { folder: run(), run: "9.9.9".to_owned() };
        for error in [Error::RunExists(run()), recipe, data, fold, version] {
            assert!(pretrain(&error).is_some(), "{error}");
        }
        let few = Error::TooFewEpochs { folder: run(), done: 4, asked: 3 };
        assert_eq!(pretrain(&few).unwrap(), "use --epochs 4 or more");
        let diverged = Error::LossNotFinite { step: 3, what: "loss".to_owned(), kept: None };
        assert!(pretrain(&diverged).unwrap().contains("learning_rate"));
    }

    #[test]
    fn who_has_no_clips_to_train_on_is_told_what_helps() {
        let no_fold = |folds| Error::NoClipInFold { fold: 7, folds };
        for error in [Error::NoClips, no_fold(vec![0, 1]), no_fold(Vec::new()), Error::TooFewToSupervise { classes: 1 }]
        {
            assert!(pretrain(&error).is_some(), "{error}");
        }
        let refused = |clips| Sampler::new((0..clips).collect(), 8, LastBatch::Kept, Seed(1)).unwrap_err();
        assert_eq!(pretrain(&refused(4)).unwrap(), "use --batch 4 or less");
        assert!(pretrain(&refused(1)).unwrap().contains("a batch takes two clips"));
    }

    #[test]
    fn a_checkpoint_is_restored_from_a_copy_and_a_recipe_is_not() {
        let tensor = ModelError::TensorNotFinite { name: "w".to_owned(), value: f32::NAN, index: 0, count: 1, of: 2 };
        let key = hico_train::recipe::Recipe::parse("[train]\nepochs = 0").unwrap_err();
        let tensor = Error::from(ModelError::InFile { path: run(), source: Box::new(tensor) });
        assert!(pretrain(&tensor).unwrap().starts_with("restore that file from a copy"));
        assert_eq!(pretrain(&Error::InFile { path: run(), source: Box::new(key) }), None);
    }

    #[test]
    fn a_device_that_was_not_built_in_is_built_with_its_feature() {
        let error = |feature| Error::from(ModelError::DeviceNotBuilt { device: "cuda:0".to_owned(), feature });
        assert!(device(&error("cuda")).unwrap().contains("--features cuda"));
        assert!(pretrain(&error("wgpu")).unwrap().contains("--features wgpu"));
    }
}

//! What a person can do about an error of training; here until evaluations have moved theirs to the program.

use crate::Error;
use crate::train::sampler::LEAST;

/// The remedy where a device cannot be had.
#[must_use]
pub fn device(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::UnknownDevice(_) => "leave --device out to let the program choose",
        Error::DeviceNotBuilt { feature: "cuda", .. } => {
            "use --device cpu, or build with `cargo install --path crates/hico-cli --features cuda`"
        }
        Error::DeviceNotBuilt { .. } => {
            "use --device cpu, or build with `cargo install --path crates/hico-cli --features wgpu`"
        }
        Error::DeviceNotFound { .. } => "use --device cpu, or check that the driver is installed and the number exists",
        _ => return None,
    })
}

/// The remedy where weights do not do, whatever they are for.
#[must_use]
pub fn weights(error: &Error) -> Option<&'static str> {
    Some(match error {
        Error::InFile { source, .. } => return weights(source),
        Error::TensorNotFinite { .. } | Error::NegativeVariance { .. } => {
            "the training that made these weights diverged, or the file is damaged: name an earlier checkpoint or a good copy"
        }
        Error::SeveralEncoders { .. } | Error::NoSuchPrefix { .. } => {
            "--weights-of PREFIX takes the one whose names begin so, for instance --weights-of left for left.*"
        }
        Error::NoTeacher { .. } => "leave --weights-of out, or name a checkpoint that holds the teacher",
        _ => return None,
    })
}

/// The remedy for a batch that does not fit.
///
/// - `flag`: the flag by which the command that was run takes it
/// - `clips`: clips there are
#[must_use]
pub fn batch(flag: &str, clips: usize) -> String {
    match clips {
        0..LEAST => {
            "a batch takes two clips: ingest more, or hold fewer out (train.val_fraction = 0 in the recipe)".to_owned()
        }
        clips => format!("use {flag} {clips} or less"),
    }
}

/// The remedy in a pretraining.
///
/// - `flag`: the flag by which the command that was run takes the batch
#[must_use]
pub fn pretraining(error: &Error, flag: &str) -> Option<String> {
    let hint = match error {
        Error::NoClips => "smaller folds leave clips to train on: `hico split DATASET --folds K --force`",
        Error::NoClipInFold { folds, .. } if folds.is_empty() => "`hico split DATASET --folds K` makes folds",
        Error::NoClipInFold { .. } => "name a fold that is there: `hico inspect DATASET` shows them",
        Error::TooFewToSupervise { .. } => "`--supervision self` needs no labels; or label clips of a second class",
        Error::BatchTooLarge { clips, .. } => return Some(batch(flag, *clips)),
        Error::NoTensor { .. } | Error::DeeperWeights { .. } => {
            "set model.depth in the recipe to that of the weights, or name other weights"
        }
        // Whatever was written before is whole; a run that has no checkpoint yet begins again under --resume.
        Error::Io { .. } | Error::Input { .. } | Error::Write { .. } | Error::WriteCheckpoint { .. } => {
            "make room on that disk and repeat the command with --resume; or choose another --out"
        }
        Error::CheckpointCut { .. } | Error::BrokenCheckpoint { .. } => {
            "restore that file from a copy, or start again in another --out"
        }
        Error::InFile { source, .. } => match &**source {
            Error::TensorNotFinite { .. } | Error::NegativeVariance { .. } => {
                "restore that file from a copy, or start again in another --out"
            }
            _ => return None,
        },
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

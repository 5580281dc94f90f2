//! Remedies for errors of weights.

use hico_model::Error as ModelError;
use hico_train::Error;

/// The remedy where an encoder is read: a run, a fine-tuned network or a file of weights.
pub(crate) fn encoder(error: &Error) -> Option<String> {
    let hint = match error {
        Error::Model(ModelError::NoSuchEncoder(_)) => {
            "name a folder written by `hico pretrain`, a .safetensors or .pth file, or `random`"
        }
        Error::NotARun { .. } => {
            "name a folder written by `hico pretrain` or `hico finetune`, or a file of weights (.safetensors, .pth)"
        }
        Error::Model(ModelError::ManyNetworks(files)) => {
            return files.first().map(|file| format!("name one of these files: {}", file.display()));
        }
        Error::RunVersion { .. } => {
            "use that version of hico, or name the run's best.safetensors: then which groups it saw is unknown"
        }
        Error::InFile { source, .. } if matches!(**source, Error::RecipeText { .. } | Error::RecipeKey(_)) => {
            return None;
        }
        Error::Model(ModelError::WeightsFile { .. } | ModelError::BrokenWeights { .. }) => {
            "restore that file from a copy, or name another"
        }
        Error::InFile { .. } | Error::Model(ModelError::InFile { .. }) => weights(error)
            .unwrap_or("name weights of a ResNet-18, 34 or 50 or a ConvNeXt-T for pictures of three channels"),
        Error::NoCheckpoint { .. } => "go on with the run: `hico pretrain ... --resume`",
        _ => return None,
    };
    Some(hint.to_owned())
}

/// The remedy where weights do not do, whatever they are for.
pub(crate) fn weights(error: &Error) -> Option<&'static str> {
    match error {
        Error::InFile { source, .. } => weights(source),
        Error::Model(error) => of_weights(error),
        _ => None,
    }
}

/// As [`weights`], of an error that arose where networks are used.
pub(super) fn of_weights(error: &ModelError) -> Option<&'static str> {
    Some(match error {
        ModelError::InFile { source, .. } => return of_weights(source),
        ModelError::TensorNotFinite { .. } | ModelError::NegativeVariance { .. } => {
            "the training that made these weights diverged, or the file is damaged: name an earlier checkpoint or a good copy"
        }
        ModelError::SeveralEncoders { .. } | ModelError::NoSuchPrefix { .. } => {
            "--weights-of PREFIX takes the one whose names begin so, for instance --weights-of left for left.*"
        }
        ModelError::NoTeacher { .. } => "leave --weights-of out, or name a checkpoint that holds the teacher",
        _ => return None,
    })
}
